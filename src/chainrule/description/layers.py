"""A trained model without its library: its layers, what its outputs mean, what it learned from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from chainrule.description.training import Training

Floats = NDArray[Any]
EPSILON = 1e-5  # of the layer normalization [E8]


@dataclass(frozen=True, eq=False)
class Layer:
    """One layer: net = x W - b, normalized, activated, plus x where it is residual [E1, E8, E2, E9].

    The arrays may be the model's own: who changes them changes the model.

    Attributes
    ----------
    weights : ndarray of shape (n_in, n_out)
    biases : ndarray of shape (n_out,)
        Subtracted, as those of `Network`.
    activation : str
        Its name in `chainrule.reference`.
    gain, shift : ndarray of shape (n_out,) or None
        Of the layer normalization.
    slopes : ndarray of shape (n_out,) or None
        Of prelu.
    alphas : ndarray of shape (n_out,) or None
        Of a parametric activation [E12].
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
    alphas: Floats | None = None

    @property
    def intercepts(self) -> Floats:
        """Minus the biases: what other libraries add."""
        return -self.biases

    @property
    def arrays(self) -> dict[str, Floats]:
        """Everything that is learned, by name."""
        names = ("weights", "biases", "gain", "shift", "slopes", "alphas")
        learned = {name: getattr(self, name) for name in names}
        return {name: array for name, array in learned.items() if array is not None}

    @property
    def n_parameters(self) -> int:
        """How many numbers are learned."""
        return sum(array.size for array in self.arrays.values())

    @property
    def group(self) -> int:
        """How many neighboring outputs "ordered" or "ordered(3)" puts in order; 0 for other activations."""
        name, _, size = self.activation.partition("(")
        if name != "ordered":
            return 0
        return int(size.rstrip(")")) if size else int(self.weights.shape[1])


@dataclass(frozen=True)
class Meaning:
    """What the outputs stand for.

    Attributes
    ----------
    kind : {"outputs", "numbers", "binary", "classes", "multilabel"}
        A network's outputs as they are; predicted numbers; one probability of the second of two classes; one
        for each of several; one for each label that a row may have.
    classes : list of str, int, float or bool
        In the order of the probabilities.
    scale, mean : float or ndarray of shape (n_outputs,)
        Numbers are output * scale + mean, in the target's own units.
    """

    kind: Literal["outputs", "numbers", "binary", "classes", "multilabel"] = "outputs"
    classes: list[Any] = field(default_factory=list)
    scale: float | Floats = 1.0
    mean: float | Floats = 0.0

    @property
    def classifies(self) -> bool:
        """Whether the outputs are probabilities of classes."""
        return self.kind in ("binary", "classes", "multilabel")

    @property
    def scaled(self) -> bool:
        """Whether outputs are not in their own units already."""
        return bool(np.any(np.asarray(self.scale) != 1) or np.any(np.asarray(self.mean) != 0))


@dataclass(frozen=True, eq=False)
class Description:
    """A trained model without its library: what its `_describe()` returns.

    Attributes
    ----------
    layers : list of Layer
        As they were trained.
    meaning : Meaning
    feature_names : list of str or None
        Names of the inputs, where they have any.
    loss : str, Loss or callable
        What training minimises: a name, one of `chainrule.losses`, or a function of the user's own.
    encode : callable
        Turns targets as the user has them into what the network learns: class indices (n_samples,), or an
        array (n_samples, n_outputs).
    optimizer : callable or None
        Gives the optimizer of a step from the number of rows in its batch, where the model keeps one.
    columns : sequence or None
        A table's columns, which are encoded into the inputs; None where rows are numbers.
    training : Training
    inputs : list
        What stands before the first layer [E11, E13-E15], as blocks of `chainrule.reference.inputs`: columns,
        and the layers that they go through. Without any the rows are the first layer's.
    """

    layers: list[Layer]
    meaning: Meaning = field(default_factory=Meaning)
    feature_names: list[str] | None = None
    loss: Any = "squared_error"
    encode: Callable[[Any], NDArray[Any]] = np.asarray
    optimizer: Callable[[int], Any] | None = None
    columns: Sequence[Any] | None = None
    training: Training = field(default_factory=Training)
    inputs: list[Any] = field(default_factory=list)

    @property
    def n_inputs(self) -> int:
        """Number of features."""
        if self.inputs:
            return 1 + max(int(column) for columns, _ in self.inputs for column in columns)
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
    def n_parameters(self) -> int:
        """How many numbers are learned."""
        before = [one for _, layers in self.inputs for one in layers]
        n = sum(int(getattr(one, name).size) for one in before for name in one.learned)
        return n + sum(layer.n_parameters for layer in self.layers)

    @property
    def dtype(self) -> np.dtype[Any]:
        """In which the network computes."""
        found: np.dtype[Any] = self.layers[0].weights.dtype
        return found

    @property
    def sizes(self) -> list[int]:
        """Widths of the layers of neurons."""
        return [self.n_inputs, *(layer.weights.shape[1] for layer in self.layers)]

    def astype(self, dtype: Any) -> "Description":
        """Convert what was learned to "float32" or "float64".

        Raises
        ------
        ValueError
            For another dtype, and for numbers too large for this one.
        """
        try:
            wanted = np.dtype(dtype)
        except TypeError:
            wanted = np.dtype(object)
        if wanted.name not in ("float32", "float64"):
            raise ValueError(f"dtype is {dtype!r}; expected 'float32' or 'float64'")
        layers = []
        for k, layer in enumerate(self.layers, start=1):
            with np.errstate(over="ignore"):
                arrays: dict[str, Any] = {n: array.astype(wanted) for n, array in layer.arrays.items()}
            for name, array in arrays.items():
                if np.isinf(array).any() and np.isfinite(layer.arrays[name]).all():
                    raise ValueError(f"{name} of layer {k} are too large for {wanted}; keep {self.dtype}")
            layers.append(replace(layer, **arrays))
        return replace(self, layers=layers, inputs=[_cast(block, wanted) for block in self.inputs])

    def in_own_units(self) -> "Description":
        """Put the scale of numbers into the last layer, where that is linear; else return the same."""
        output, meaning = self.layers[-1], self.meaning
        if not meaning.scaled or output.activation != "identity":
            return self
        W, b = output.weights, output.intercepts
        b = (b * meaning.scale + meaning.mean).astype(b.dtype)
        last = replace(output, weights=(W * meaning.scale).astype(W.dtype), biases=-b)
        return replace(self, layers=[*self.layers[:-1], last], meaning=replace(meaning, scale=1.0, mean=0.0))


def _cast(block: Any, dtype: np.dtype[Any]) -> Any:
    """Return a block whose layers have arrays of this dtype."""
    columns, layers = block
    cast = [{name: array.astype(dtype) for name, array in one.arrays.items()} for one in layers]
    return type(block)(columns, [replace(one, **arrays) for one, arrays in zip(layers, cast, strict=True)])
