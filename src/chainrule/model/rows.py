"""Rows at the boundary: x, y and sample_weight as the engine takes them, copied where they do not fit."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainrule import _engine
from chainrule.inputs import Categories
from chainrule.model.architecture import Architecture
from chainrule.model.arrays import Floats, as_array, as_floats, check_finite
from chainrule.model.custom_loss import BatchLoss, CustomLoss
from chainrule.reference.inputs.categories import code_problem

CLEAN = "remove or fill in missing values first"


class CSR(NamedTuple):
    """Sparse rows, compressed: row i has the numbers data[indptr[i]:indptr[i+1]] in columns indices[...]."""

    data: Floats
    indices: NDArray[Any]
    indptr: NDArray[Any]

    @property
    def n_samples(self) -> int:
        """The number of rows."""
        return len(self.indptr) - 1

    def part(self, part: slice) -> "CSR":
        """Return neighboring rows, their numbers not copied."""
        begin, end, _ = part.indices(self.n_samples)
        indptr = self.indptr[begin : end + 1]
        entries = slice(int(indptr[0]), int(indptr[-1]))
        return CSR(self.data[entries], self.indices[entries], indptr - indptr[0])

    def take(self, kept: NDArray[np.bool_]) -> "CSR":
        """Return the marked rows only; `kept` has shape (n_samples,)."""
        lengths = np.diff(self.indptr)
        entries = np.repeat(kept, lengths)
        indptr = np.zeros(int(kept.sum()) + 1, dtype=self.indptr.dtype)
        np.cumsum(lengths[kept], out=indptr[1:])
        return CSR(self.data[entries], self.indices[entries], indptr)


class Rows(NamedTuple):
    """A batch or a data set.

    Attributes
    ----------
    x : ndarray of shape (n_samples, n_1), CSR, or a sparse matrix of SciPy
        The engine takes the first two, of the network's dtype; a sparse matrix has to be `cast`.
    y : ndarray or None
        (n_samples, n_{l+1}) of the network's dtype, or class indices (n_samples,) of int64.
    sample_weight : ndarray of shape (n_samples,) or None
        Of the network's dtype.
    loss : CustomLoss or None
        A loss outside the engine, which keeps y and sample_weight to itself.
    """

    x: Any
    y: Any = None
    sample_weight: Floats | None = None
    loss: CustomLoss | None = None

    @property
    def n_samples(self) -> int:
        """The number of rows."""
        return self.x.n_samples if isinstance(self.x, CSR) else int(self.x.shape[0])

    def dataset(self, model: _engine.Model) -> _engine.Dataset:
        """Hand the rows to the engine, which checks that class indices are in range."""
        if self.loss is None or self.y is None:
            return _engine.Dataset(model, self.x, self.y, self.sample_weight)
        batch_loss = BatchLoss(self.loss, self.y, self.sample_weight)
        return _engine.Dataset(model, self.own().x, None, self.sample_weight, batch_loss)

    def cast(self, dtype: np.dtype[Any], names: tuple[str, str, str], advice: str) -> "Rows":
        """Return rows that were validated in another dtype, perhaps shuffled, as the engine takes them.

        Parameters
        ----------
        dtype : numpy.dtype
            The network's.
        names, advice : tuple of str, str
            For messages: what the caller calls x, y and sample_weight, and what to do about values that the
            dtype cannot hold.
        """
        x = as_csr(self.x) if hasattr(self.x, "tocsr") else self.x
        if isinstance(x, CSR):
            x = x._replace(data=as_floats(x.data, dtype, names[0], advice, in_order=False))
        else:
            x = as_floats(x, dtype, names[0], advice, in_order=False)
        y, weight = self.y, self.sample_weight
        if y is not None and (y.ndim > 1 or y.dtype.kind not in "iu"):
            y = as_floats(y, dtype, names[1], advice, in_order=False)
        if weight is not None:
            weight = as_floats(weight, dtype, names[2], advice, in_order=False)
        return Rows(x, y, weight, self.loss)

    def own(self) -> "Rows":
        """Return rows whose index arrays are copies, where code of the user's runs that could change them.

        The engine checks them once, and they would then lead out of memory.
        """
        if not isinstance(self.x, CSR):
            return self
        return self._replace(x=self.x._replace(indices=self.x.indices.copy(), indptr=self.x.indptr.copy()))

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

    def take(self, kept: NDArray[Any]) -> "Rows":
        """Return some rows: those marked by bools (n_samples,) or, of other than CSR, of these numbers."""
        x = self.x.take(kept) if isinstance(self.x, CSR) else self.x[kept]
        y, sample_weight = (None if a is None else a[kept] for a in (self.y, self.sample_weight))
        return Rows(x, y, sample_weight, self.loss)

    def part(self, part: slice) -> "Rows":
        """Return neighboring rows, nothing copied."""
        x = self.x.part(part) if isinstance(self.x, CSR) else self.x[part]
        y, sample_weight = (None if a is None else a[part] for a in (self.y, self.sample_weight))
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
    if sparse:
        check_for_inputs(architecture, x, "x")
    else:
        x = as_floats(x, architecture.dtype, "x")
    shape = x.shape
    if len(shape) not in ((2,) if sparse else (1, 2)) or shape[-1] != n:
        wanted = f"(n_samples, {n})" if sparse else f"({n},) or (n_samples, {n})"
        hint = "; reshape(-1, 1) makes it rows of one number" if n == 1 == len(shape) else ""
        raise ValueError(f"x has shape {shape}; expected {wanted}{hint}")
    if sparse:
        csr = as_csr(x, canonical=True)
        values = as_floats(csr.data, architecture.dtype, "the stored values of x")
        return csr._replace(data=values), shape[0], False
    rows = x.reshape(-1, n)
    check_for_inputs(architecture, rows, "x")
    return rows, x.size // n, len(shape) == 1


def check_for_inputs(architecture: Architecture, x: Any, name: str) -> None:
    """Refuse rows that input layers do not take: sparse ones, and categories that are no codes.

    Raises
    ------
    ValueError
        With the column.
    """
    if architecture.inputs and hasattr(x, "tocsr"):
        raise ValueError(f"{name} is sparse; a network with input layers takes dense rows: {name}.toarray()")
    for i, layer in enumerate(architecture.inputs):
        if isinstance(layer, Categories):
            problem = code_problem(x[:, layer.column : layer.column + 1], layer.n_categories)
            if problem:
                raise ValueError(f"column {layer.column} of {name}, which inputs[{i}] takes, {problem}")


def as_csr(x: Any, *, canonical: bool = False) -> CSR:
    """Return a sparse matrix of SciPy as rows of its dtype, on request each column of a row once, in order.

    Raises
    ------
    ValueError
        As `check_sparse`.
    """
    check_sparse(x)
    csr = x.tocsr()
    if csr is not x:
        check_sparse(csr)
    if canonical and not csr.has_canonical_format:
        csr = csr.copy()
        csr.sum_duplicates()
    stored = slice(int(csr.indptr[-1]))  # there may be room for more
    return CSR(csr.data[stored], csr.indices[stored], csr.indptr)


def check_sparse(x: Any, name: str = "x", *, dense: bool = False) -> None:
    """Refuse a sparse matrix whose index arrays lead out of it: SciPy's methods would end the process.

    The column indices of CSR, which those methods only copy, are left to the engine, unless `dense` says that
    the matrix will be made dense, where SciPy would write to them. `name` is the caller's for it.

    Raises
    ------
    ValueError
        With the array that is wrong.
    """
    form = getattr(x, "format", None)
    if form in ("csr", "csc", "bsr"):
        n_major, n_minor = x.shape[::-1] if form == "csc" else x.shape
        if form == "bsr":
            n_major, n_minor = n_major // x.blocksize[0], n_minor // x.blocksize[1]
        indptr, n_entries = x.indptr, min(len(x.indices), len(x.data))
        rises = indptr.shape == (n_major + 1,) and indptr[0] == 0 and not (indptr[1:] < indptr[:-1]).any()
        if not (rises and indptr[-1] <= n_entries):
            raise ValueError(
                f"{name} is a malformed sparse matrix: expected an indptr of {n_major + 1} numbers that rise "
                f"from 0 to at most {n_entries}, the number of stored values"
            )
        if form != "csr" or dense:
            _check_indices(name, x.indices[: indptr[-1]], n_minor, "indices")
    elif form == "coo":
        _check_indices(name, x.row, x.shape[0], "row")
        _check_indices(name, x.col, x.shape[1], "col")


def _check_indices(name: str, indices: NDArray[Any], n: int, which: str) -> None:
    if indices.size and not (indices.min() >= 0 and indices.max() < n):
        raise ValueError(
            f"{name} is a malformed sparse matrix: {which} has {indices.min()} to {indices.max()}; expected "
            f"numbers from 0 to {n - 1}"
        )


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
    return np.require(classes, np.int64, ["C", "A"])


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
