"""What a member is: its layers and how it is trained, and draws near that."""

import math
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from chainrule.inputs import InputLayer, Periodic, Scale
from chainrule.losses import CrossEntropy
from chainrule.network import Network
from chainrule.optimizers import AdamW
from chainrule.tabular.inputs import Stage

Floats = NDArray[np.float32]

#: The part of a training after which the learning rate is 0, and the network finished.
ZEROS = (1 / 15, 3 / 15, 7 / 15, 1.0)
#: Epochs of a whole training.
EPOCHS = 256
#: Rows per step.
BATCH_SIZE = 256
#: Between which the waves' deviation is drawn: the frequencies that suit a table differ that much.
SIGMAS = (0.05, 50.0)
#: Training rows that the first weights are scaled on.
FIRST_ROWS = 2048
#: Factors of the learning rate in RealMLP.
BIAS_RATE, ALPHA_RATE, SCALE_RATE, WAVE_RATE = 0.1, 0.1, 6.0, 0.1


@dataclass(frozen=True)
class Recipe:
    """The settings of one member.

    Attributes
    ----------
    hidden : tuple of int
        Widths of the hidden layers.
    activation : str
    learning_rate : float
        Weights of n inputs have 1/sqrt(n) of it.
    parametric : bool
        Whether activations have a learned strength [E12].
    sigma : float or None
        Deviation of the first frequencies of waves of each value [E13]; None for no waves.
    n_frequencies, n_outputs : int
        Waves of a value, and sums of them.
    embedding : int
        Learned numbers of each category, where there are more than 8 [E15].
    dropout, weight_decay : float
    label_smoothing : float
        Of classes.
    first_values : {"lecun_normal", "data", "normal"}
        Of weights and biases; "data" makes each net of deviation 1 on the training rows, "normal" is N(0, 1)
        of weights times sqrt(n) and of biases, and 0 in the last layer.

    Source: D. Holzmueller, L. Grinsztajn and I. Steinwart, Better by default, NeurIPS 2024
    (arXiv:2407.04491), table A.1.
    """

    hidden: tuple[int, ...] = (256, 256, 256)
    activation: str = "selu"
    learning_rate: float = 0.04
    parametric: bool = True
    sigma: float | None = 0.1
    n_frequencies: int = 16
    n_outputs: int = 3
    embedding: int = 8
    dropout: float = 0.15
    weight_decay: float = 0.02
    label_smoothing: float = 0.0
    first_values: str = "data"

    def network(self, stage: Stage, n_outputs: int, x: Floats, *, classifies: bool, seed: Any) -> Network:
        """Make the network before its training, for rows such as x."""
        layers = stage.layers(self.sigma, self.n_frequencies, self.n_outputs, self.embedding)
        generator = np.random.default_rng(seed)
        network = Network(
            [stage.n_inputs, *self.hidden, n_outputs],
            activation=self.activation,
            loss=CrossEntropy(self.label_smoothing) if classifies else "squared_error",
            dropout=self.dropout,
            parametric=self.parametric,
            inputs=layers,
            initializer="lecun_normal",
            dtype="float32",
            random_state=generator,
        )
        if self.first_values == "data" and len(x) > 1:
            rows = np.sort(generator.permutation(len(x))[:FIRST_ROWS])
            network.initialize_from(x[rows], random_state=generator)
        elif self.first_values == "normal":
            _normal(network, generator)
        return network

    def settings(self, network: Network) -> dict[str, Any]:
        """Return the settings of `Network.train`, but for epochs and rows: RealMLP's parametrization.

        Its weights are V = sqrt(n) W; a group's factor f multiplies its rate and, twice, its decay.
        """
        roots = [math.sqrt(len(weight)) for weight in network.weights]
        alphas = {"alphas": ALPHA_RATE} if self.parametric else {}
        inputs = [_rate(layer) for layer in network._architecture.inputs]
        return {
            "optimizer": AdamW(self.learning_rate, beta_2=0.95, weight_decay=self.weight_decay),
            "batch_size": BATCH_SIZE,
            "schedule": "coslog4",
            "dropout_schedule": "flat_cosine",
            "decay_schedule": "flat_cosine",
            "learning_rate_factors": {
                "weights": [1 / root for root in roots],
                "biases": BIAS_RATE,
                "inputs": inputs,
                **alphas,
            },
            "epsilon_factors": {"weights": roots},
            "decay_factors": {"weights": roots, "biases": 0.0, "inputs": inputs, **alphas},
        }

    def to_state(self) -> dict[str, Any]:
        """Return the settings as JSON can hold them."""
        return asdict(self) | {"hidden": list(self.hidden)}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """Undo `to_state`."""
        return cls(**(state | {"hidden": tuple(state["hidden"])}))


def _normal(network: Network, generator: np.random.Generator) -> None:
    """Draw weights N(0, 1/n) and biases N(0, 1); the last layer is 0."""
    *hidden, last = range(len(network.weights))
    for k in hidden:
        n, m = network.weights[k].shape
        network.weights[k] = generator.normal(size=(n, m)) / np.sqrt(n)
        network.biases[k] = generator.normal(size=m)
    network.weights[last] = np.zeros_like(network.weights[last])
    network.biases[last] = np.zeros_like(network.biases[last])


def _rate(layer: InputLayer) -> float:
    """Factor of the learning rate of an input layer."""
    if isinstance(layer, Periodic):
        return WAVE_RATE
    return SCALE_RATE if isinstance(layer, Scale) else 1.0


def realmlp_td(*, classifies: bool, smoothing: bool) -> Recipe:
    """RealMLP-TD.

    Examples
    --------
    >>> realmlp_td(classifies=False, smoothing=False).activation
    'mish'
    """
    if classifies:
        return Recipe(label_smoothing=0.1 if smoothing else 0.0)
    return Recipe(activation="mish", learning_rate=0.2)


def realmlp_td_s(*, classifies: bool, smoothing: bool) -> Recipe:
    """RealMLP-TD-S: no embeddings, no parametric activation, no dropout, no decay."""
    recipe = replace(
        realmlp_td(classifies=classifies, smoothing=smoothing),
        parametric=False,
        sigma=None,
        embedding=0,
        dropout=0.0,
        weight_decay=0.0,
        first_values="normal",
    )
    return recipe if classifies else replace(recipe, learning_rate=0.07)


#: Recipes that a user can name.
RECIPES = {"realmlp-td": realmlp_td, "realmlp-td-s": realmlp_td_s}


def draws(first: Recipe, n: int, seed: int) -> list[Recipe]:
    """Return that recipe and others near it, whose waves are as different as can be.

    Examples
    --------
    >>> recipes = draws(Recipe(), 4, seed=0)
    >>> recipes[0] == Recipe(), len({recipe.sigma for recipe in recipes})
    (True, 4)
    """
    rng = np.random.default_rng(seed)
    recipes = [first]
    strata = rng.permutation(n - 1)
    low, high = np.log(SIGMAS)
    for k in range(n - 1):
        sigma = float(np.exp(low + (high - low) * (strata[k] + rng.random()) / (n - 1)))
        width, depth = int(rng.choice([128, 256, 384])), int(rng.integers(2, 4))
        rate = first.learning_rate * float(2 ** rng.uniform(-1, 1))
        recipes.append(replace(first, hidden=(width,) * depth, learning_rate=rate, sigma=sigma))
    return recipes
