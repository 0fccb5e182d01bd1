"""What a derivation needs to know of a model, from its description, or of a list of sizes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from chainrule.derive.expression import Floats
from chainrule.derive.own_loss import RowLoss
from chainrule.derive.stage import Stage, read_stage
from chainrule.derive.words import Words
from chainrule.description import Description, describe
from chainrule.description.unwrapping import best_of, is_fitted, is_ours, is_pipeline, unwrap
from chainrule.reference import Activation, Loss, get_activation, get_loss
from chainrule.reference.activations import Parametric, PReLU

#: What an activation learns, by its name: a vector, one number per unit.
LEARNED = {"prelu": "slope", "parametric": "alpha"}
#: scikit-learn's names of what has another name here.
OTHER_NAMES = {"logistic": "sigmoid"}


@dataclass(frozen=True)
class Layer:
    """One layer: width in and out, activation, and what else is in it.

    Attributes
    ----------
    weight, bias : ndarray or None
        W_k (n_in, n_out) and b_k (1, n_out), subtracted; None where there are no numbers.
    gain, shift : ndarray or None
        Of the normalization, (1, n_out); `normalized` tells whether there is one.
    slopes, alphas : ndarray or None
        Of prelu and of a parametric activation, (1, n_out).
    residual : bool
        Whether the input is added to the output.
    dropout : float
        Probability of dropping a unit while training.
    """

    n_in: int
    n_out: int
    activation: Activation
    weight: Floats | None = None
    bias: Floats | None = None
    normalized: bool = False
    gain: Floats | None = None
    shift: Floats | None = None
    slopes: Floats | None = None
    residual: bool = False
    dropout: float = 0.0
    alphas: Floats | None = None

    @property
    def learns(self) -> str:
        """The kind of vector that the activation learns: "slope", "alpha", or "" for none."""
        return LEARNED.get(self.activation.name, "")

    @property
    def function(self) -> str:
        """The activation's name in texts; of a parametric one that of its function."""
        f = self.activation
        return f"parametric {f.sigma.name}" if isinstance(f, Parametric) else f.name


@dataclass(frozen=True)
class Model:
    """A network as a derivation sees it.

    Attributes
    ----------
    layers : tuple of Layer
        From the input on.
    loss : Loss
        The error of one row.
    description : Description or None
        Of the model that was given: what its targets mean, and its optimizer. None for sizes alone.
    stage : Stage or None
        The input layers between the data and x_1, where there are some.
    origin : Words or None
        Which network this is, where the model that was given has several.
    """

    layers: tuple[Layer, ...]
    loss: Loss
    description: Description | None = field(default=None, compare=False)
    stage: Stage | None = None
    origin: Words | None = None

    @property
    def sizes(self) -> list[int]:
        """n_1, ..., n_{l+1}."""
        return [self.layers[0].n_in, *(layer.n_out for layer in self.layers)]

    @property
    def n_columns(self) -> int:
        """Columns of the data: n_1 where no input layers make something else of them."""
        return self.layers[0].n_in if self.stage is None else self.stage.n_columns

    @property
    def title(self) -> str:
        """The widths, "3-5-4-3"; with input layers the columns before them, "2 → 8-4-1"."""
        widths = "-".join(map(str, self.sizes))
        return widths if self.stage is None else f"{self.n_columns} → {widths}"

    @property
    def dtype(self) -> str:
        """In which the engine computes."""
        return "float64" if self.description is None else self.description.dtype.name

    @property
    def has_numbers(self) -> bool:
        """Whether there are parameters."""
        return self.layers[0].weight is not None

    @property
    def is_the_seeds(self) -> bool:
        """Whether this is the network of the seed document: 3-5-4-3, sigmoids, squared error."""
        return (
            self.sizes == [3, 5, 4, 3]
            and self.stage is None
            and self.loss.name == "squared_error"
            and all(
                layer.activation.name == "sigmoid"
                and not (layer.normalized or layer.residual or layer.dropout)
                for layer in self.layers
            )
        )


def as_model(
    given: Any,
    activation: Any = None,
    output_activation: Any = None,
    loss: Any = None,
) -> Model:
    """Read a network, a fitted estimator, or a list of sizes with names.

    Raises
    ------
    TypeError
        For anything else, and where names are given beside a network that has its own.
    ValueError
        For sizes and names that make no network.
    """
    if isinstance(given, str | bytes):
        raise TypeError(
            f"derive got {given!r}; expected a network, a fitted estimator, or sizes such as [3, 5, 3]"
        )
    if isinstance(given, Sequence):
        return _from_sizes(given, activation, output_activation, loss)
    if (activation, output_activation, loss) != (None, None, None):
        raise TypeError(
            "activation, output_activation and loss go with a list of sizes; a network has its own"
        )
    member = best_member(given)
    if member is not None:
        network, origin = member
        return replace(_from_description(describe(network)), origin=origin)
    return _from_description(given if isinstance(given, Description) else _describe(given))


def best_member(given: Any) -> tuple[Any, Words] | None:
    """Return the network that stands for an ensemble, the member of the best score, and words that say so.

    Of anything but an ensemble None. Of several equals the first.
    """
    members = getattr(ensemble_of(given), "members_", None)
    if not members:
        return None
    place = max(range(len(members)), key=lambda i: members[i].score)
    best, n = members[place], len(members)
    if n == 1:
        return best.network, Words(
            f"This is the network of a model that has one, {best!r}.",
            f"这是该模型中唯一的网络：{best!r}。",
        )
    return best.network, Words(
        f"The model averages {n} networks; this is the best of them on rows that it did not see, number"
        f" {place + 1}, {best!r}.",
        f"该模型对 {n} 个网络取平均；这里推导其中在未见过的行上得分最高的第 {place + 1} 个：{best!r}。",
    )


def ensemble_of(given: Any) -> Any:
    """Return the ensemble in a table's model, anything else as it is."""
    return given.estimator if getattr(given, "members", None) else given


def _describe(given: Any) -> Description:
    """Describe what holds exactly one network; with hints for what holds more."""
    hint = ""
    if type(given).__module__.startswith("sklearn.neural_network"):
        from chainrule.export import from_sklearn

        given = from_sklearn(given)
    if is_pipeline(given):
        hint = "; of a pipeline give pipeline[-1], and pipeline[:-1].transform(x) as x"
    elif best_of(given) is not given:
        hint = "; of a search give best_estimator_"
    elif is_ours(given):
        given = unwrap(given)  # a table's model: its network is an estimator
        if not is_fitted(given):
            raise TypeError(f"this {type(given).__name__} is not fitted yet; call fit first")
        return describe(given)
    raise TypeError(
        f"derive got a {type(given).__name__}; expected a network, a fitted estimator, or sizes such as"
        f" [3, 5, 3]{hint}"
    )


def _from_sizes(sizes: Sequence[Any], activation: Any, output_activation: Any, loss: Any) -> Model:
    widths = [int(size) for size in sizes]
    if len(widths) < 2 or min(widths) < 1 or widths != list(sizes):
        raise ValueError(
            f"sizes is {list(sizes)!r}; expected at least two whole numbers >= 1, such as [3, 5, 3]"
        )
    error = get_loss("squared_error" if loss is None else loss)
    n_hidden = len(widths) - 2
    hidden = "relu" if activation is None else activation
    names = list(hidden) if isinstance(hidden, list | tuple) else [hidden] * n_hidden
    if len(names) != n_hidden:
        raise ValueError(
            f"activation is a list of {len(names)} for {n_hidden} hidden layers; expected one for each"
        )
    output = error.default_output_activation if output_activation is None else output_activation
    activations = [_activation(name) for name in (*names, output)]
    _check(activations, error)
    layers = tuple(map(Layer, widths, widths[1:], activations))
    return Model(layers, error)


def _check(activations: Sequence[Activation], loss: Loss) -> None:
    for f in activations[:-1]:
        if f.output_only:
            raise ValueError(
                f"activation {f.name!r} is for the output layer only; give it as output_activation"
            )
    if activations[-1].name not in loss.output_activations:
        allowed = ", ".join(loss.output_activations)
        raise ValueError(
            f"loss {loss.name!r} does not go with the output activation {activations[-1].name!r};"
            f" it takes: {allowed}"
        )


def _activation(name: Any, parametric: bool = False) -> Activation:
    """Look an activation up by its name here or in scikit-learn; parametric where its strength is learned."""
    name = OTHER_NAMES.get(name, name) if isinstance(name, str) else name
    found = PReLU() if name == "prelu" else get_activation(name)
    return Parametric(found) if parametric else found


def _from_description(given: Description) -> Model:
    loss = given.loss
    own = callable(loss) and not isinstance(loss, Loss)
    layers = tuple(
        Layer(
            layer.weights.shape[0],
            layer.weights.shape[1],
            _activation(layer.activation, layer.alphas is not None),
            np.array(layer.weights, dtype=np.float64),
            _row(layer.biases),
            normalized=layer.gain is not None,
            gain=_row(layer.gain),
            shift=_row(layer.shift),
            slopes=_row(layer.slopes),
            residual=layer.residual,
            dropout=layer.dropout,
            alphas=_row(layer.alphas),
        )
        for layer in given.layers
    )
    return Model(layers, RowLoss(loss) if own else get_loss(loss), given, read_stage(given.inputs))


def _row(value: Floats | None) -> Floats | None:
    return None if value is None else np.array(value, dtype=np.float64).reshape(1, -1)
