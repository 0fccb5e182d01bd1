"""What a member is: its layers and how it is trained, and draws near that."""

import math
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

import numpy as np

from chainrule.losses import CrossEntropy
from chainrule.network import Network
from chainrule.optimizers import AdamW
from chainrule.reference.schedules import coslog4

#: The part of a training after which the learning rate is 0, and the network finished.
ZEROS = (1 / 15, 3 / 15, 7 / 15, 1.0)
#: Epochs of a whole training.
EPOCHS = 256
#: Rows per step.
BATCH_SIZE = 256


@dataclass(frozen=True)
class Recipe:
    """The settings of one member.

    Attributes
    ----------
    hidden : tuple of int
        Widths of the hidden layers.
    activation : str
    learning_rate : float
        Each layer of n inputs has 1/sqrt(n) of it.
    label_smoothing : float
        Of classes.

    Source: D. Holzmueller, L. Grinsztajn and I. Steinwart, Better by default, NeurIPS 2024
    (arXiv:2407.04491): RealMLP-TD-S, with the first weights of `initializer="lecun_normal"`.
    """

    hidden: tuple[int, ...] = (256, 256, 256)
    activation: str = "selu"
    learning_rate: float = 0.04
    label_smoothing: float = 0.0

    def network(self, n_inputs: int, n_outputs: int, *, classifies: bool, seed: Any) -> Network:
        """Make the network before its training."""
        return Network(
            [n_inputs, *self.hidden, n_outputs],
            activation=self.activation,
            loss=CrossEntropy(self.label_smoothing) if classifies else "squared_error",
            initializer="lecun_normal",
            dtype="float32",
            random_state=np.random.default_rng(seed),
        )

    def settings(self, network: Network) -> dict[str, Any]:
        """Return the settings of `Network.train`, but for epochs and rows."""
        return {
            "optimizer": AdamW(self.learning_rate, beta_2=0.95, weight_decay=0.0),
            "batch_size": BATCH_SIZE,
            "schedule": coslog4,
            "learning_rate_factors": [1 / math.sqrt(n) for n in network.sizes[:-1]],
        }

    def to_state(self) -> dict[str, Any]:
        """Return the settings as JSON can hold them."""
        return asdict(self) | {"hidden": list(self.hidden)}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """Undo `to_state`."""
        return cls(**(state | {"hidden": tuple(state["hidden"])}))


def standard(*, classifies: bool, smoothing: bool) -> Recipe:
    """Return the recipe of member 0.

    Examples
    --------
    >>> standard(classifies=False, smoothing=False).activation
    'mish'
    """
    if classifies:
        return Recipe(label_smoothing=0.1 if smoothing else 0.0)
    return Recipe(activation="mish", learning_rate=0.07)


def draws(first: Recipe, n: int, seed: int) -> list[Recipe]:
    """Return that recipe and others near it.

    Examples
    --------
    >>> recipes = draws(Recipe(), 4, seed=0)
    >>> recipes[0] == Recipe(), len(set(recipes))
    (True, 4)
    """
    rng = np.random.default_rng(seed)
    recipes = [first]
    for _ in range(n - 1):
        width, depth = int(rng.choice([128, 256, 384])), int(rng.integers(2, 4))
        rate = first.learning_rate * float(2 ** rng.uniform(-1, 1))
        recipes.append(replace(first, hidden=(width,) * depth, learning_rate=rate))
    return recipes


def simple(*, classifies: bool, smoothing: bool) -> Recipe:
    """RealMLP-TD-S."""
    return standard(classifies=classifies, smoothing=smoothing)


#: Recipes that a user can name.
RECIPES = {"realmlp-td-s": simple}
