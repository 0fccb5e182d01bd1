"""The engine's model behind an estimator: `coefs_` and `intercepts_` are views of its parameters."""

import operator
import os
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from chainrule import _engine
from chainrule.estimators.losses import loss_of, reported_divisor
from chainrule.model.custom_loss import BatchLoss, CustomLoss
from chainrule.model.layers import LayerOptions
from chainrule.model.parameters import split

if TYPE_CHECKING:
    from chainrule.estimators.base import BaseMLP

Floats = NDArray[Any]
DType = Literal["float32", "float64"]

#: Parameters that shape the network or its loss: where one changes, the engine's model is another.
SHAPING = (
    "activation", "out_activation_", "loss", "label_smoothing", "quantiles", "dropout", "layer_norm",
    "residual",
)  # fmt: skip

#: What layers may learn beside weights and intercepts: names of the estimator's lists, in `flat`'s order.
VECTORS = ("norm_gains_", "norm_shifts_", "slopes_")


class BoundModel:
    """An engine model and the arrays through which an estimator shows and changes its parameters.

    Parameters
    ----------
    mlp : MLPClassifier or MLPRegressor
        Its activations, loss and layers' options are read; `out_activation_` must be known.
    sizes : list of int
        Widths of the layers of neurons, input and output included.
    dtype : {"float32", "float64"}

    Attributes
    ----------
    flat : ndarray of shape (n_parameters,)
        All parameters, W_1, ..., W_l, b_1, ..., b_l, then the vectors.
    coefs, intercepts : lists of ndarray
        Views of `flat`, of shapes (n_k, n_{k+1}) and (n_{k+1},), in scikit-learn's sign: net = x W + b.
    vectors : dict of str to list of ndarray or None
        Views too, one entry per layer, by the names of `VECTORS`; empty where no layer has any.

    Raises
    ------
    ValueError, TypeError, MemoryError
        For a network that no memory, or not this machine's, can hold; for options that do not fit the layers.
    """

    def __init__(self, mlp: "BaseMLP", sizes: Sequence[int], dtype: DType) -> None:
        check_memory(sizes, np.dtype(dtype).itemsize)
        self.options = shape_of(mlp)
        self.dtype: DType = dtype
        self.loss = loss_of(mlp)
        activations = [*hidden_activations(mlp.activation, len(sizes) - 2), engine_name(mlp.out_activation_)]
        layers = LayerOptions.of(sizes, mlp.dropout, mlp.layer_norm, mlp.residual)
        # A user who sets another output activation still has a model that predicts.
        fits = activations[-1].partition("(")[0] in (*self.loss.output_activations, "ordered")
        loss = self.loss.name if fits else "squared_error"
        self.model = _engine.Model(
            list(sizes),
            activations,
            loss,
            dtype=dtype,
            bias_sign=1,
            # scikit-learn clips probabilities in the loss that it reports, and averages squared errors
            # over the outputs there, but not in the gradient that it follows.
            probability_floor=float(np.finfo(dtype).eps),
            loss_divisor=reported_divisor(self.loss, sizes[-1]) if fits else float(sizes[-1]),
            loss_parameters=self.loss.parameters if fits else (),
            **layers._asdict(),
        )
        self.flat: Floats = self.model.parameters
        parts = split(self.flat, sizes, activations, layers.layer_norm)
        self.coefs, self.intercepts = parts.weights, parts.biases
        lists = dict(zip(VECTORS, (parts.gains, parts.shifts, parts.slopes), strict=True))
        self.vectors = {name: arrays for name, arrays in lists.items() if any(a is not None for a in arrays)}

    @classmethod
    def of(cls, mlp: "BaseMLP", dtype: DType | None = None) -> Self:
        """Copy an estimator's `coefs_`, `intercepts_` and vectors, whoever made them, into a new model."""
        coefs, intercepts = list(map(np.asarray, mlp.coefs_)), list(map(np.asarray, mlp.intercepts_))
        sizes = chained_sizes(coefs, intercepts)
        if dtype is None:
            dtype = "float32" if np.result_type(*coefs, *intercepts) == np.float32 else "float64"
        bound = cls(mlp, sizes, dtype)
        for view, given in zip(bound.coefs + bound.intercepts, coefs + intercepts, strict=True):
            view[...] = given
        for name, views in bound.vectors.items():
            for vector, values in zip(views, getattr(mlp, name, ()), strict=False):
                if vector is not None and values is not None:
                    vector[...] = values
        return bound

    def serves(self, mlp: "BaseMLP") -> bool:
        """Whether this is still the estimator's network: nobody replaced an array or an activation."""
        return (
            self.options == shape_of(mlp)
            and len(self.coefs) == len(mlp.coefs_) == len(mlp.intercepts_)
            and all(map(operator.is_, self.coefs, mlp.coefs_))
            and all(map(operator.is_, self.intercepts, mlp.intercepts_))
            and all(
                all(map(operator.is_, arrays, getattr(mlp, name, ())))
                for name, arrays in self.vectors.items()
            )
        )

    def dataset(
        self, x: Any, targets: Floats | None = None, sample_weight: Floats | None = None
    ) -> _engine.Dataset:
        """Hand rows to the engine: x (n_samples, n_features), an array or a CSR or CSC matrix."""
        if hasattr(x, "tocsr"):
            csr = x.tocsr()
            rows: Any = (cast(csr.data, self.dtype, "X"), csr.indices, csr.indptr)
        else:
            rows = cast(x, self.dtype, "X")
        if isinstance(self.loss, CustomLoss) and targets is not None:
            self.loss.check_weights(sample_weight)
            loss = BatchLoss(self.loss, targets, sample_weight)
            return _engine.Dataset(self.model, rows, sample_weight=sample_weight, batch_loss=loss)
        return _engine.Dataset(self.model, rows, targets, sample_weight)


def cast(values: NDArray[Any], dtype: DType, name: str) -> Floats:
    """Convert to a C-contiguous array of the dtype.

    Raises
    ------
    ValueError
        Where a value overflows the dtype.
    """
    if values.dtype == dtype:
        return np.ascontiguousarray(values)
    with np.errstate(over="ignore"):
        converted = np.ascontiguousarray(values, dtype=dtype)
    if values.dtype.kind == "f" and not np.isfinite(converted).all():
        raise ValueError(
            f"{name} contains a value too large for dtype('{dtype}'), in which this network is trained. "
            f"Scale {name}, or fit with X in float64."
        )
    return converted


def shape_of(mlp: "BaseMLP") -> tuple[Any, ...]:
    """Return the parameters that shape the network; compared on each prediction, so nothing is computed."""
    values = mlp.__dict__
    return tuple([values.get(name) for name in SHAPING])


def hidden_activations(activation: Any, n_hidden: int) -> list[str]:
    """Return the engine's names of the hidden layers' activations, from one for all or a list."""
    if isinstance(activation, str):
        return [engine_name(activation)] * n_hidden
    if len(activation) != n_hidden:
        raise ValueError(
            f"activation is a list of {len(activation)} for {n_hidden} hidden layers; expected one name for "
            "all or a list with one per hidden layer."
        )
    return [engine_name(one) for one in activation]


def engine_name(activation: str) -> str:
    """Translate scikit-learn's name of an activation into the engine's."""
    return "sigmoid" if activation == "logistic" else activation


def chained_sizes(coefs: Sequence[Floats], intercepts: Sequence[Floats]) -> list[int]:
    """Read the widths of the layers off the weights, and check that they fit together."""
    shapes = [coef.shape for coef in coefs]
    fits = (
        all(len(shape) == 2 for shape in shapes)
        and all(before[1] == after[0] for before, after in pairwise(shapes))
        and [intercept.shape for intercept in intercepts] == [shape[1:] for shape in shapes]
    )
    if not fits or not shapes:
        raise ValueError(
            "coefs_ and intercepts_ must have shapes (n_1, n_2), (n_2, n_3), ... and (n_2,), (n_3,), ..., "
            f"but have {shapes} and {[intercept.shape for intercept in intercepts]}."
        )
    return [shapes[0][0], *(shape[1] for shape in shapes)]


def check_memory(sizes: Sequence[int], itemsize: int) -> None:
    """Refuse a network whose parameters alone exceed what the machine can address or has installed.

    Raises
    ------
    ValueError
        For more parameters than an array can have.
    MemoryError
        For more than physical memory, which an operating system may hand out and then fail to deliver.
    """
    n_parameters = sum(n_in * n_out + n_out for n_in, n_out in pairwise(sizes))
    n_bytes = n_parameters * itemsize
    given = f"Layers of {list(sizes)} neurons have {n_parameters:,} parameters ({n_bytes / 1e9:,.1f} GB)"
    if n_bytes > np.iinfo(np.intp).max:
        raise ValueError(f"{given}, more than memory can address. Reduce hidden_layer_sizes.")
    try:
        installed = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return
    if 0 < installed < n_bytes:
        raise MemoryError(
            f"{given}, but this machine has {installed / 1e9:,.1f} GB of memory. Reduce hidden_layer_sizes."
        )
