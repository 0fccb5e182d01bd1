"""What every format needs to know of a fitted model: its layers, and what its outputs mean."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from chainrule.estimators.base import BaseMLP
    from chainrule.network import Network

Floats = NDArray[Any]
EPSILON = 1e-5  # of the layer normalisation [E8]


@dataclass(frozen=True, eq=False)
class Layer:
    """One layer: net = x W + b, normalised, activated, plus x where it is residual [E1, E8, E2, E9].

    Attributes
    ----------
    weights : ndarray of shape (n_in, n_out)
    biases : ndarray of shape (n_out,)
        Added: minus those of `Network`.
    activation : str
        Its name in `chainrule.reference`.
    gain, shift : ndarray of shape (n_out,) or None
        Of the layer normalisation.
    slopes : ndarray of shape (n_out,) or None
        Of prelu.
    residual : bool
        Whether the layer's input is added to its output.
    dropout : float
        Rate in training; predictions know none.
    """

    weights: Floats
    biases: Floats
    activation: str
    gain: Floats | None = None
    shift: Floats | None = None
    slopes: Floats | None = None
    residual: bool = False
    dropout: float = 0.0

    @property
    def group(self) -> int:
        """How many neighbouring outputs "ordered" or "ordered(3)" puts in order; 0 for other activations."""
        name, _, size = self.activation.partition("(")
        if name != "ordered":
            return 0
        return int(size.rstrip(")")) if size else int(self.weights.shape[1])


@dataclass(frozen=True)
class Meaning:
    """What the outputs stand for.

    Attributes
    ----------
    kind : {"numbers", "binary", "classes", "multilabel"}
        Numbers as they are; one probability of the second of two classes; one for each of several; one for
        each label that a row may have.
    classes : list of str, int, float or bool
        In the order of the probabilities.
    scale, mean : float or ndarray of shape (n_outputs,)
        Numbers are output * scale + mean, in the target's own units.
    """

    kind: Literal["numbers", "binary", "classes", "multilabel"] = "numbers"
    classes: list[Any] = field(default_factory=list)
    scale: float | Floats = 1.0
    mean: float | Floats = 0.0

    @property
    def scaled(self) -> bool:
        """Whether outputs are not in their own units already."""
        return bool(np.any(np.asarray(self.scale) != 1) or np.any(np.asarray(self.mean) != 0))


@dataclass(frozen=True, eq=False)
class Description:
    """A network without its library.

    Attributes
    ----------
    layers : list of Layer
    meaning : Meaning
    feature_names : list of str or None
        Names of the inputs, where they have any.
    """

    layers: list[Layer]
    meaning: Meaning
    feature_names: list[str] | None = None

    @property
    def n_inputs(self) -> int:
        """Number of features."""
        return int(self.layers[0].weights.shape[0])

    @property
    def n_outputs(self) -> int:
        """Number of the network's outputs: a binary classifier has one."""
        return int(self.layers[-1].weights.shape[1])

    @property
    def n_columns(self) -> int:
        """Number of the columns that users see: a binary classifier has two."""
        return 2 if self.meaning.kind == "binary" else self.n_outputs

    @property
    def dtype(self) -> np.dtype[Any]:
        """In which the network computes."""
        found: np.dtype[Any] = self.layers[0].weights.dtype
        return found

    @property
    def sizes(self) -> list[int]:
        """Widths of the layers of neurons."""
        return [self.n_inputs, *(layer.weights.shape[1] for layer in self.layers)]


def describe(model: Any) -> Description:
    """Describe a `Network`, or a fitted `MLPClassifier` or `MLPRegressor`; a description stays as it is.

    Raises
    ------
    TypeError
        For anything else.
    ValueError
        For parameters that are not finite.
    sklearn.exceptions.NotFittedError
        For an estimator before `fit`.
    """
    from chainrule.network import Network

    if isinstance(model, Description):
        described = model
    elif isinstance(model, Network):
        described = _of_network(model)
    elif any(base.__name__ == "BaseMLP" for base in type(model).__mro__):
        described = _of_estimator(model)
    else:
        raise TypeError(
            f"a {type(model).__name__} cannot be exported; expected a Network, MLPClassifier, MLPRegressor, "
            "TableModel, or a scikit-learn Pipeline that ends in one of our estimators"
        )
    for k, layer in enumerate(described.layers):
        for name in ("weights", "biases", "gain", "shift", "slopes"):
            array = getattr(layer, name)
            if array is not None and not np.isfinite(array).all():
                raise ValueError(f"{name} of layer {k + 1} are not finite; train the model again")
    return described


def _of_network(net: Network) -> Description:
    learned = zip(
        net.weights, net.biases, net.activations, net.norm_gains, net.norm_shifts, net.slopes, strict=True
    )
    layers = [
        Layer(W.copy(), -b, activation, _copy(gain), _copy(shift), _copy(slopes), residual, dropout)
        for (W, b, activation, gain, shift, slopes), residual, dropout in zip(
            learned, net.residual, net.dropout, strict=True
        )
    ]
    return Description(layers, Meaning())


def _copy(values: Floats | None) -> Floats | None:
    return None if values is None else values.copy()


def _of_estimator(mlp: BaseMLP) -> Description:
    from sklearn.utils.validation import check_is_fitted

    from chainrule.estimators.bound_model import BoundModel
    from chainrule.model.parameters import split

    check_is_fitted(mlp)
    bound = BoundModel.of(mlp)
    model = bound.model
    learned = split(bound.flat, model.sizes, model.activations, model.layer_norm)
    layers = [
        Layer(*arrays)
        for arrays in zip(
            learned.weights,
            learned.biases,
            model.activations,
            learned.gains,
            learned.shifts,
            learned.slopes,
            model.residual,
            model.dropout,
            strict=True,
        )
    ]
    meaning = _meaning(mlp)
    if hasattr(mlp, "target_scale_"):  # the network's outputs are standardised; these are in the units of y
        output, n_targets = layers[-1], len(mlp.target_scale_)
        scale, mean = (
            np.repeat(values, output.weights.shape[1] // n_targets)  # several quantiles of each target
            for values in (mlp.target_scale_, mlp.target_mean_)
        )
        if output.activation == "identity":
            W, b = output.weights, output.biases
            shifted = (b * scale + mean).astype(b.dtype)
            layers[-1] = replace(output, weights=(W * scale).astype(W.dtype), biases=shifted)
        else:
            meaning = Meaning(scale=scale, mean=mean)
    names = getattr(mlp, "feature_names_in_", None)
    return Description(layers, meaning, None if names is None else [str(name) for name in names])


def _meaning(mlp: Any) -> Meaning:
    labels = getattr(mlp, "_labels", None)
    if labels is None:
        return Meaning()
    kinds = {"binary": "binary", "multiclass": "classes", "multilabel-indicator": "multilabel"}
    return Meaning(kinds[labels.kind], np.asarray(labels.classes).tolist())  # type: ignore[arg-type]
