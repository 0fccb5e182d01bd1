"""Rows at the boundary: x, y and sample_weight as the engine takes them, copied where they do not fit."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainrule import _engine
from chainrule.model.architecture import Architecture
from chainrule.model.arrays import Floats, as_array, as_floats, check_finite
from chainrule.model.custom_loss import BatchLoss, CustomLoss

CLEAN = "remove or fill in missing values first"


class CSR(NamedTuple):
    """Sparse rows, compressed: row i has the numbers data[indptr[i]:indptr[i+1]] in columns indices[...]."""

    data: Floats
    indices: NDArray[Any]
    indptr: NDArray[Any]

    def take(self, kept: NDArray[np.bool_]) -> "CSR":
        """Return the marked rows only; `kept` has shape (n_samples,)."""
        lengths = np.diff(self.indptr)
        entries = np.repeat(kept, lengths)
        indptr = np.zeros(int(kept.sum()) + 1, dtype=self.indptr.dtype)
        np.cumsum(lengths[kept], out=indptr[1:])
        return CSR(self.data[entries], self.indices[entries], indptr)


class Rows(NamedTuple):
    """A batch or a data set, as the engine takes it.

    Attributes
    ----------
    x : ndarray of shape (n_samples, n_1), or CSR
        Of the network's dtype. CSR has each row's columns in order, each once.
    y : ndarray or None
        (n_samples, n_{l+1}) of the network's dtype, or class indices (n_samples,) of int64.
    sample_weight : ndarray of shape (n_samples,) or None
        Of the network's dtype.
    loss : CustomLoss or None
        A loss outside the engine, which keeps y and sample_weight to itself.
    """

    x: Floats | CSR
    y: NDArray[Any] | None = None
    sample_weight: Floats | None = None
    loss: CustomLoss | None = None

    def dataset(self, model: _engine.Model) -> _engine.Dataset:
        """Hand the rows to the engine, which checks that class indices are in range."""
        if self.loss is not None and self.y is not None:
            batch_loss = BatchLoss(self.loss, self.y, self.sample_weight)
            return _engine.Dataset(model, self.x, batch_loss=batch_loss)
        return _engine.Dataset(model, self.x, self.y, self.sample_weight)

    def check_finite(self) -> None:
        """Raise ValueError where a number of x or y is not finite."""
        if isinstance(self.x, CSR):
            check_finite(self.x.data, "the stored values of x", CLEAN)
        else:
            check_finite(self.x, "x", CLEAN)
        if self.y is not None and self.y.dtype.kind == "f":
            check_finite(self.y, "y", CLEAN)

    def without_weightless(self) -> "Rows":
        """Leave out rows of weight 0: they change no mean, but a batch of nothing else has none."""
        if self.sample_weight is None or self.sample_weight.all():
            return self
        return self.take(self.sample_weight != 0)

    def take(self, kept: NDArray[np.bool_]) -> "Rows":
        """Return the marked rows only; `kept` has shape (n_samples,)."""
        x = self.x.take(kept) if isinstance(self.x, CSR) else self.x[kept]
        y, sample_weight = (None if a is None else a[kept] for a in (self.y, self.sample_weight))
        return Rows(x, y, sample_weight, self.loss)


def as_rows(architecture: Architecture, x: Any, y: Any, sample_weight: Any = None) -> Rows:
    """Bring a caller's arrays to the network's dtype and shapes.

    Parameters
    ----------
    architecture : Architecture
        The network's.
    x : array-like or sparse matrix, shape (n_samples, n_1) or (n_1,)
        Rows are samples.
    y : array-like
        Targets, as `Network.gradients` describes them.
    sample_weight : array-like, shape (n_samples,), optional
        Weights of the rows.

    Returns
    -------
    Rows
        One row (n_1,) becomes a batch of one.

    Raises
    ------
    TypeError, ValueError
        For no numbers, wrong shapes, targets that do not suit the loss, weights that are negative, not finite
        or all 0. That x and y are finite is not checked here.
    """
    features, n_samples, single = as_features(architecture, x)
    if n_samples == 0:
        raise ValueError("x has no rows; expected at least one")
    weights = None if sample_weight is None else _weights(architecture, sample_weight, n_samples)
    loss = architecture.loss
    if isinstance(loss, CustomLoss):
        loss.check_weights(sample_weight)
        return Rows(features, _any_targets(architecture, y, n_samples, single), weights, loss)
    return Rows(features, _targets(architecture, y, n_samples, single), weights)


def as_features(architecture: Architecture, x: Any) -> tuple[Floats | CSR, int, bool]:
    """Rows (n_samples, n_1), their number, and whether they were one row (n_1,); errors as `as_rows`."""
    n = architecture.sizes[0]
    sparse = hasattr(x, "tocsr")
    if not sparse:
        x = as_floats(x, architecture.dtype, "x")
    shape = x.shape
    if len(shape) not in ((2,) if sparse else (1, 2)) or shape[-1] != n:
        wanted = f"(n_samples, {n})" if sparse else f"({n},) or (n_samples, {n})"
        hint = "; reshape(-1, 1) makes it rows of one number" if n == 1 == len(shape) else ""
        raise ValueError(f"x has shape {shape}; expected {wanted}{hint}")
    if sparse:
        return _csr(x, architecture.dtype), shape[0], False
    return x.reshape(-1, n), x.size // n, len(shape) == 1


def _csr(x: Any, dtype: np.dtype[Any]) -> CSR:
    """Scipy's sparse rows in the dtype, sorted and without duplicates."""
    csr = x.tocsr()
    if not csr.has_canonical_format:
        csr = csr.copy()
        csr.sum_duplicates()
    return CSR(as_floats(csr.data, dtype, "the stored values of x"), csr.indices, csr.indptr)


def _targets(architecture: Architecture, y: Any, n_samples: int, single: bool) -> NDArray[Any]:
    """Targets (n_samples, n_targets) of the dtype, or class indices (n_samples,) of int64."""
    n_outputs, loss = architecture.sizes[-1], architecture.loss
    n_targets = n_outputs // loss.outputs_per_target
    if type(y) is not np.ndarray:
        y = as_array(y, "y")
    shape = y.shape
    flat = shape == (n_samples,) or (single and shape == ())
    if flat and loss.takes_classes and (n_outputs > 1 or y.dtype.kind in "iu"):
        return _classes(y).reshape(n_samples)
    if not (
        shape == (n_samples, n_targets) or (flat and n_targets == 1) or (single and shape == (n_targets,))
    ):
        raise ValueError(
            f"y has shape {shape}; expected {_expected(architecture, n_samples, shape, y.dtype)}"
        )
    targets = as_floats(y, architecture.dtype, "y").reshape(n_samples, n_targets)
    problem = loss.target_problem(targets)
    if problem:
        raise ValueError(f"y {problem}, for the loss {loss.name!r}")
    return targets


def _any_targets(architecture: Architecture, y: Any, n_samples: int, single: bool) -> NDArray[Any]:
    """Targets for a function: (n_samples, ...) of the dtype, or class indices (n_samples,) of int64."""
    y = as_array(y, "y")
    if single and y.shape[:1] != (1,):
        y = y[None]
    if y.ndim == 0 or len(y) != n_samples:
        raise ValueError(f"y has shape {y.shape}; expected a row for each of the {n_samples} rows of x")
    if y.ndim == 1 and y.dtype.kind in "iu":
        return _classes(y)
    return as_floats(y, architecture.dtype, "y")


def _classes(y: Any) -> NDArray[Any]:
    classes = as_array(y, "y")
    if classes.dtype.kind not in "iu":
        raise TypeError(
            f"y has dtype {classes.dtype} and one number per row; class indices need an integer dtype:"
            " y.astype(int)"
        )
    return np.ascontiguousarray(classes, dtype=np.int64)


def _expected(
    architecture: Architecture, n_samples: int, shape: tuple[int, ...], dtype: np.dtype[Any]
) -> str:
    """Which shapes of y would have fitted."""
    n_outputs, n_each = architecture.sizes[-1], architecture.loss.outputs_per_target
    text = f"{(n_samples, n_outputs // n_each)}, a row for each of the {n_samples} rows of x"
    if n_each > 1:
        text += f" and {n_each} of the {n_outputs} outputs for each target"
    if architecture.loss.takes_classes:
        text += f", or class indices of shape ({n_samples},)"
        if shape == (n_samples, 1) and dtype.kind in "iu":
            text += "; y.ravel() has it"
    return text


def _weights(architecture: Architecture, sample_weight: Any, n_samples: int) -> Floats:
    weights = as_floats(sample_weight, architecture.dtype, "sample_weight")
    if weights.shape != (n_samples,) and not (n_samples == 1 and weights.shape == ()):
        raise ValueError(
            f"sample_weight has shape {weights.shape}; expected ({n_samples},), one per row of x"
        )
    check_finite(weights, "sample_weight", "expected finite numbers")
    if weights.min() < 0:
        raise ValueError(f"sample_weight has {weights.min():g}; expected numbers that are not negative")
    if not weights.any():
        raise ValueError("sample_weight is 0 for every row; expected at least one row that counts")
    return weights.reshape(n_samples)
