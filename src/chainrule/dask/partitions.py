"""Dask's collections as partitions: checked one by one, summed up where they are, read again when lost."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import dask
import numpy as np
from numpy.typing import NDArray
from sklearn.utils._missing import is_pandas_na, is_scalar_nan

from chainrule._words import listed
from chainrule.stream.held_out import EVERY_ROW, HeldOut
from chainrule.stream.rows import StreamedRows, Values, joined
from chainrule.stream.targets import TargetSummary
from chainrule.training.source import Source

#: Rows of each partition that stand for all of it, and that are looked at together at most.
SAMPLE_ROWS, MOST_SAMPLE_ROWS = 200, 2_000


@dataclass(frozen=True)
class Form:
    """What every partition must be like.

    Attributes
    ----------
    columns : list of str or None
        Of a data frame.
    dtypes : list of dtype
        Of the columns, or of the array.
    n_features : int
    dtype : dtype
        That training takes the rows in.
    target : str
    """

    columns: list[str] | None
    dtypes: list[Any]
    n_features: int
    dtype: Any
    target: str


class Part(NamedTuple):
    """A partition, checked.

    Attributes
    ----------
    x, y, sample_weight : ndarray
    first : int or None
        The number of its first row among all; None where it is not yet known.
    """

    x: NDArray[Any]
    y: NDArray[Any]
    sample_weight: NDArray[Any] | None
    first: int | None = None

    def kept(self, held_out: HeldOut) -> Part:
        """Return the rows that are trained on."""
        assert self.first is not None
        if held_out is EVERY_ROW or not held_out.below:
            return self
        return self.only(held_out.kept(self.first, self.first + len(self.x)))

    def only(self, which: NDArray[np.bool_]) -> Part:
        """Return some of the rows."""
        weight = None if self.sample_weight is None else self.sample_weight[which]
        return Part(self.x[which], self.y[which], weight, self.first)


def check_part(number: int, form: Form, x: Any, y: Any, weight: Any, first: int | None = None) -> Part:
    """Return a partition as arrays.

    Raises
    ------
    ValueError
        With the partition's number and the column, for what is not like the others.
    """
    where = f"partition {number}"
    columns = getattr(x, "columns", None)
    if (columns is None) != (form.columns is None):
        kind = "an array" if columns is None else "a data frame"
        raise ValueError(f"{where} is {kind}; expected what the other partitions are")
    if form.columns is not None:
        _check_columns(where, form, [str(name) for name in x.columns])
        if len(x):
            _check_dtypes(where, form, list(x.dtypes))
        x = x.to_numpy(dtype=form.dtype) if len(x) else np.empty((0, form.n_features), form.dtype)
    else:
        if hasattr(x, "tocsr"):
            raise ValueError(f"{where} is sparse; expected dense rows")
        x = np.asarray(x)
        if x.ndim != 2 or x.shape[1] != form.n_features:
            raise ValueError(
                f"{where} has the shape {x.shape}; expected {form.n_features} columns as the others have"
            )
        if len(x) and x.dtype != form.dtypes[0]:
            raise ValueError(f"{where} is {x.dtype}; expected {form.dtypes[0]} as the other partitions are")
        x = x.astype(form.dtype, copy=False)
    y = np.asarray(y)
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if len(y) != len(x):
        raise ValueError(f"{where} has {len(x)} rows of X and {len(y)} of y; expected as many")
    if not np.isfinite(x).all():
        column = int(np.argmin(np.isfinite(x).all(axis=0)))
        name = repr(form.columns[column]) if form.columns is not None else str(column)
        row = int(np.argmin(np.isfinite(x[:, column])))
        value = x[row, column]
        raise ValueError(
            f"{where}: column {name} is {value} in its row {row}; expected finite numbers. "
            "Fill missing values in first"
        )
    _check_target(where, form, y)
    if weight is not None:
        weight = np.asarray(weight, dtype=np.float64).reshape(-1)
        if len(weight) != len(x):
            raise ValueError(f"{where} has {len(x)} rows and {len(weight)} weights; expected as many")
        if not (np.isfinite(weight).all() and (weight >= 0).all()):
            raise ValueError(f"{where}: sample_weight has values that are not finite, or below 0")
    return Part(x, y, weight, first)


def _check_columns(where: str, form: Form, given: list[str]) -> None:
    assert form.columns is not None
    if given == form.columns:
        return
    if sorted(given) == sorted(form.columns):
        raise ValueError(
            f"{where} has the columns in another order: {listed(given)}; expected {listed(form.columns)}"
        )
    lost = [name for name in form.columns if name not in given]
    more = [name for name in given if name not in form.columns]
    what = [f"no column {listed(lost)}"] if lost else []
    what += [f"the column {listed(more)} more"] if more else []
    raise ValueError(f"{where} has {' and '.join(what)}; expected {listed(form.columns)}")


def _check_dtypes(where: str, form: Form, given: list[Any]) -> None:
    assert form.columns is not None
    for name, has, wanted in zip(form.columns, given, form.dtypes, strict=True):
        if has != wanted:
            raise ValueError(
                f"{where}: column {name!r} is {has}; expected {wanted} as in the other partitions"
            )


def _check_target(where: str, form: Form, y: NDArray[Any]) -> None:
    bad = ~np.isfinite(y) if y.dtype.kind == "f" else None
    if y.dtype.kind == "O":
        bad = np.array(
            [value is None or is_pandas_na(value) or is_scalar_nan(value) for value in y.ravel()], dtype=bool
        )
    if bad is not None and bad.any():
        row = int(np.argmax(bad.reshape(len(y), -1).any(axis=1)))
        raise ValueError(f"{where}: {form.target!r} is {y[row]} in its row {row}; leave such rows out")


class Look(NamedTuple):
    """What is known of a partition."""

    n_rows: int
    targets: TargetSummary
    sample: Values


def look(part: Part) -> Look:
    """Sum a partition up."""
    targets = TargetSummary()
    targets.add(part.y, part.sample_weight)
    some = slice(0, SAMPLE_ROWS)
    weight = None if part.sample_weight is None else part.sample_weight[some].copy()
    return Look(len(part.x), targets, Values(part.x[some].copy(), part.y[some].copy(), weight))


def set_aside(part: Part, held_out: HeldOut) -> Values:
    """Return the rows that are not trained on."""
    assert part.first is not None
    x, y, weight, _ = part.only(~held_out.kept(part.first, part.first + len(part.x)))
    return Values(x, y, weight)


class DaskRows(StreamedRows):
    """The rows of Dask's collections, as a fit asks for them; they stay on the workers.

    Parameters
    ----------
    x, y, sample_weight : Collection
        As `collected` gives them.
    gather : callable
        From delayed values to their results.
    own : callable
        As `StreamedRows.own_source`, with these rows before.
    """

    def __init__(
        self,
        x: Collection,
        y: Collection,
        sample_weight: Collection | None,
        gather: Callable[[Sequence[Any]], list[Any]],
        own: Callable[..., Source],
    ) -> None:
        for name, other in (("y", y), ("sample_weight", sample_weight)):
            if other is not None and len(other.parts) != len(x.parts):
                raise ValueError(
                    f"X has {len(x.parts)} partitions and {name} {len(other.parts)}; expected the "
                    "same rows in the same partitions"
                )
        form = self.form = _form(x, y)
        self.gather, self.own = gather, own
        self.columns = form.columns or [str(k) for k in range(form.n_features)]
        self.named = form.columns is not None
        self.targets, self.single = [form.target], True
        self.sample_weight = None if sample_weight is None else "sample_weight"
        self.window = 1.0
        weights = itertools.repeat(None) if sample_weight is None else sample_weight.parts
        self.raw = list(zip(range(len(x.parts)), x.parts, y.parts, weights, strict=False))
        check = dask.delayed(check_part, pure=False)
        looked = dask.delayed(look, pure=False)
        self.looks: list[Look] = gather([looked(check(number, form, *parts)) for number, *parts in self.raw])
        sizes = [each.n_rows for each in self.looks]
        self.firsts = [0, *itertools.accumulate(sizes)]
        self.n_rows = self.firsts[-1]
        if not self.n_rows:
            raise ValueError("X has no rows, in none of its partitions; expected some")
        self.single = all(each.sample.y.ndim == 1 for each in self.looks)

    def delayed(self, number: int) -> Any:
        """Return a partition, to be read again."""
        check = dask.delayed(check_part, pure=False)
        return check(number, self.form, *self.raw[number][1:], self.firsts[number])

    def batches(self) -> Iterator[Values]:
        """Yield the partitions."""
        for number in range(len(self.raw)):
            yield Values(*self.gather([self.delayed(number)])[0][:3])

    def sample(self) -> Values:
        """Return the first rows of partitions."""
        some = [each.sample for each in self.looks if each.n_rows]
        return joined(some[:: -(-len(some) // (MOST_SAMPLE_ROWS // SAMPLE_ROWS))])

    def held_out(self, held_out: HeldOut) -> Values:
        """Return the rows that are set aside."""
        aside = dask.delayed(set_aside, pure=False)
        numbers = [number for number, each in enumerate(self.looks) if each.n_rows]
        return joined(self.gather([aside(self.delayed(number), held_out) for number in numbers]))

    def summary(self, held_out: HeldOut = EVERY_ROW) -> TargetSummary:
        """Sum up the targets of all rows."""
        total = TargetSummary()
        for each in self.looks:
            if each.n_rows:
                total.merge(each.targets)
        return total

    def sizes(self, held_out: HeldOut) -> list[int]:
        """Return how many rows of each partition are trained on."""
        if not held_out.below:
            return [each.n_rows for each in self.looks]
        return [
            int(np.count_nonzero(held_out.kept(first, end))) for first, end in itertools.pairwise(self.firsts)
        ]

    def own_source(self, mlp: Any, encoding: Any, batch_size: int, **options: Any) -> Source:
        """Return the source that trains on the cluster."""
        return self.own(self, mlp, encoding, batch_size, **options)

    def read(
        self, groups: Iterable[int], x: NDArray[Any], held_out: HeldOut = EVERY_ROW
    ) -> tuple[NDArray[Any], NDArray[Any] | None]:
        """Read partitions here."""
        parts = [part.kept(held_out) for part in self.gather([self.delayed(number) for number in groups])]
        values = joined([Values(*part[:3]) for part in parts])
        x[:] = values.x
        return values.y, values.sample_weight


@dataclass(frozen=True)
class Collection:
    """A Dask collection's partitions, and what is known of them before.

    Attributes
    ----------
    parts : list of Delayed
    columns : list of str or None
    dtypes : list of dtype
    shape : tuple
    name : str or None
    """

    parts: list[Any]
    columns: list[str] | None
    dtypes: list[Any]
    shape: tuple[Any, ...]
    name: str | None


def is_dask(value: Any) -> bool:
    """Whether a value is a collection of Dask's."""
    return bool(dask.is_dask_collection(value))


def collected(value: Any, what: str, like: Any = None, n_parts: int = 8) -> Collection:
    """Return the partitions of a collection, or of an array or a frame in memory.

    Parameters
    ----------
    value : Any
    what : str
        Its name.
    like : Any
        X, in whose chunks arrays are to be; None where it is X.
    n_parts : int
        Partitions of what is in memory.
    """
    if hasattr(value, "to_delayed") and hasattr(value, "chunks"):
        return _of_array(value, what, like)
    if hasattr(value, "to_delayed") and hasattr(value, "_meta"):
        meta = value._meta
        names = None if meta.ndim == 1 else [str(name) for name in meta.columns]
        dtypes = [meta.dtype] if meta.ndim == 1 else list(meta.dtypes)
        return Collection(list(value.to_delayed()), names, dtypes, (math.nan, len(dtypes)), _name(meta))
    if is_dask(value):
        raise TypeError(f"{what} is {type(value).__name__}; expected a Dask array or DataFrame")
    if hasattr(value, "tocsr"):
        raise TypeError(f"{what} is sparse; expected dense rows")
    frame: Any = value if hasattr(value, "iloc") else np.asarray(value)
    if frame.ndim not in (1, 2):
        raise ValueError(f"{what} has the shape {frame.shape}; expected rows and columns")
    ends = _ends(len(frame), like, n_parts)
    rows = frame.iloc if hasattr(frame, "iloc") else frame
    parts = [dask.delayed(rows[begin:end], pure=False) for begin, end in itertools.pairwise(ends)]
    if hasattr(frame, "columns"):
        return Collection(
            parts, [str(n) for n in frame.columns], list(frame.dtypes), frame.shape, _name(frame)
        )
    return Collection(parts, None, [frame.dtype], frame.shape, getattr(frame, "name", None))


def _of_array(value: Any, what: str, like: Any) -> Collection:
    if value.ndim == 2 and len(value.chunks[1]) > 1:
        value = value.rechunk({1: -1})
    known = not any(math.isnan(size) for size in value.chunks[0])
    if like is not None and known and hasattr(like, "chunks") and like.chunks[0] != value.chunks[0]:
        if like.shape[0] != value.shape[0] and not math.isnan(like.shape[0]):
            raise ValueError(f"X has {like.shape[0]} rows and {what} {value.shape[0]}; expected as many")
        if not any(math.isnan(size) for size in like.chunks[0]):
            value = value.rechunk({0: like.chunks[0]})
    parts = list(value.to_delayed().ravel())
    return Collection(parts, None, [value.dtype], value.shape, None)


def _ends(n_rows: int, like: Any, n_parts: int) -> list[int]:
    """Where the partitions of something in memory begin and end: as those of X."""
    chunks = getattr(like, "chunks", None)
    if chunks is not None and sum(chunks[0]) == n_rows:
        return [0, *itertools.accumulate(chunks[0])]
    if chunks is not None and not math.isnan(sum(chunks[0])):
        raise ValueError(f"X has {sum(chunks[0])} rows, and y or sample_weight {n_rows}; expected as many")
    if like is not None and is_dask(like):
        raise TypeError(
            "X is a Dask collection whose partitions are of unknown size, and y or sample_weight are in "
            "memory; expected all of them as Dask collections with the same partitions"
        )
    return [n_rows * part // n_parts for part in range(n_parts + 1)]


def _name(meta: Any) -> str | None:
    if meta.ndim == 1:
        return None if meta.name is None else str(meta.name)
    return str(meta.columns[0]) if len(meta.columns) == 1 else None


def _form(x: Collection, y: Collection) -> Form:
    if len(x.shape) != 2:
        raise ValueError(f"X has the shape {x.shape}; expected rows and columns")
    dtypes = [getattr(dtype, "numpy_dtype", dtype) for dtype in x.dtypes]
    for column, dtype in enumerate(dtypes):
        if getattr(dtype, "kind", "O") not in "biuf" or not isinstance(dtype, np.dtype):
            name = repr(x.columns[column]) if x.columns is not None else "X"
            raise ValueError(
                f"column {name} is {x.dtypes[column]}; expected numbers. Leave it out, or encode it"
            )
    single = np.result_type(*dtypes) == np.float32 and not any(dtype.kind == "b" for dtype in dtypes)
    n_features = len(dtypes) if x.columns is not None else int(x.shape[1])
    return Form(
        x.columns, x.dtypes, n_features, np.dtype(np.float32 if single else np.float64), y.name or "y"
    )
