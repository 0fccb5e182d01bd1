"""Rows of Parquet files, read group by group: files, folders, patterns, or a dataset of pyarrow."""

import warnings
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule._settings import real_number, whole_number
from chainrule._words import did_you_mean, listed
from chainrule.stream.errors import StreamError, StreamWarning
from chainrule.stream.held_out import EVERY_ROW, HeldOut
from chainrule.stream.quantiles import QuantileSummary
from chainrule.stream.row_groups import Group, RowGroups
from chainrule.stream.rows import StreamedRows, Values, joined
from chainrule.stream.targets import TargetSummary

#: Rows decoded at a time.
BATCH_ROWS = 65_536

#: Rows that stand for all of them where their scale is looked at.
SAMPLE_ROWS = 2_000

#: Share of the target's variation between row groups from which on they count as sorted.
SORTED = 0.1


class ParquetRows(StreamedRows):
    """Rows of a Parquet table that need not fit into memory; goes where x goes, the target included.

    Each block of rows (`row_blocks`) owns neighboring row groups. In each epoch a block's row groups are read
    in an order that is a function of (seed, epoch, block), `window` of them at a time, and the rows of a
    window are shuffled. A step takes its share of every block, and may take rows of two windows. While the
    engine trains on one window, a thread reads the next.

    Parameters
    ----------
    source : path, list of paths, or pyarrow.dataset.Dataset
        Parquet files, folders, patterns such as ``"big/*.parquet"``; a dataset may be on any file system that
        pyarrow has.
    target : str or list of str
        Column to predict.
    columns : list of str, optional
        Columns to predict from, numbers and booleans without missing values; by default all others.
    sample_weight : str, optional
        Column with weights of the rows.
    window : float or int
        How much of each block is in memory, as a share of its row groups (a float) or their number (an
        int). 1.0 reads everything once and keeps it. A larger window shuffles better.
    batch_rows : int
        Rows decoded at a time.

    Attributes
    ----------
    n_rows : int
    columns : list of str
    targets : list of str
    row_groups : list of Group

    Raises
    ------
    StreamError
        A ValueError: for files that cannot be read, have no rows or other columns than the first, and for
        columns that are no numbers.

    Notes
    -----
    In memory are two windows of all blocks: the one that is trained on, and the next. Write row groups of
    some ten thousand rows (``row_group_size`` of `pyarrow.parquet.write_table`): they are the least that is
    read at once. Rows that `early_stopping` sets aside are drawn by a hash of (seed, row number), at most
    100,000 of them, and stay in memory.

    The order of rows is that of CorgiPile (Xu et al., SIGMOD 2022).

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import numpy as np, pyarrow as pa, pyarrow.parquet as pq
    >>> from chainrule import MLPRegressor
    >>> x = np.random.default_rng(0).uniform(-1, 1, 4000)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "parabola.parquet")
    ...     pq.write_table(pa.table({"x": x, "y": x**2}), path, row_group_size=100)
    ...     rows = ParquetRows(path, "y", window=0.5)
    ...     print(rows)
    ...     reg = MLPRegressor(row_blocks=8, tol=0.001, random_state=0).fit(rows, None)
    ParquetRows(4000 rows in 40 row groups, 1 column, target 'y')
    >>> abs(float(reg.predict(pa.table({"x": [0.5]}))[0]) - 0.25) < 0.05
    True
    """

    def __init__(
        self,
        source: Any,
        target: str | Sequence[str],
        columns: Sequence[str] | None = None,
        *,
        sample_weight: str | None = None,
        window: float = 0.1,
        batch_rows: int = BATCH_ROWS,
    ) -> None:
        self.targets = [target] if isinstance(target, str) else list(target)
        self.single = isinstance(target, str)
        self.sample_weight = sample_weight
        self.window = _window(window)
        self.batch_rows = whole_number("batch_rows", batch_rows, 1)
        if isinstance(columns, str):
            raise TypeError(f"columns is {columns!r}; expected a list of names")
        if not self.targets:
            raise StreamError("target has no names; expected the column to predict")
        table = self._table = RowGroups(source)
        title, names = table.title, list(table.schema.names)
        others = [name for name in names if name not in (*self.targets, sample_weight)]
        self.columns = others if columns is None else list(columns)
        for name in (*self.targets, *self.columns, *([] if sample_weight is None else [sample_weight])):
            if names.count(name) != 1:
                hint = did_you_mean(name, names)
                many = "has more than one column" if name in names else "has no column"
                raise StreamError(
                    f"{title} {many} {name!r}; it has {listed(names)}" + (f"; {hint}" if hint else "")
                )
        both = [name for name in self.columns if name in self.targets]
        if both or not self.columns:
            what = f"has the target {both[0]!r}, too" if both else "is empty"
            raise StreamError(f"columns {what}; expected the columns to predict from")
        for name in self.columns:
            _check_number(title, name, table.schema.field(name).type)
        self.schema = table.schema
        table.look([*self.columns, *self.targets])
        self.row_groups = table.groups
        self.n_rows = self.row_groups[-1].end

    def __repr__(self) -> str:
        target = repr(self.targets[0] if self.single else self.targets)
        columns = f"{len(self.columns)} column{'s' * (len(self.columns) != 1)}"
        groups = f"{len(self.row_groups)} row group{'s' * (len(self.row_groups) != 1)}"
        return f"ParquetRows({self.n_rows} rows in {groups}, {columns}, target {target})"

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the rows as an estimator trains on them: float32 where all columns are that, else float64."""
        import pyarrow as pa

        types = {self.schema.field(name).type for name in self.columns}
        return np.dtype(np.float32 if types == {pa.float32()} else np.float64)

    def batches(self) -> Iterator[Values]:
        """Yield all rows in the order of the files, `batch_rows` of them or fewer at a time."""
        names = self._names(features=True)
        for group in self.row_groups:
            for first, batch in self._table.decode(group, names, self.batch_rows):
                x = np.empty((batch.num_rows, len(self.columns)), dtype=self.dtype)
                yield Values(x, *self._fill(group, first, batch, np.ones(len(x), dtype=bool), x))

    def sample(self) -> Values:
        """Return some rows: the first of up to ten row groups."""
        step = max(1, len(self.row_groups) // 10)
        parts = []
        names = self._names(features=True)
        for group in self.row_groups[::step][:10]:
            for first, batch in self._table.decode(group, names, self.batch_rows):
                some = batch.slice(0, SAMPLE_ROWS // 10)
                x = np.empty((some.num_rows, len(self.columns)), dtype=self.dtype)
                parts.append(Values(x, *self._fill(group, first, some, np.ones(len(x), dtype=bool), x)))
                break
        return joined(parts)

    def quantiles(self, levels: Sequence[float]) -> NDArray[np.float64]:
        """Read the rows once, and return quantiles of each column.

        Parameters
        ----------
        levels : sequence of float
            From 0 to 1: 0.5 is the median, 0 and 1 are the least and the largest number.

        Returns
        -------
        ndarray of shape (n_columns, n_levels)
            Exact of fewer than 2,048 rows. Of more, the place of each among the sorted numbers is that asked
            for up to 0.35 % of 100,000 rows, and 0.9 % of 100 million, for sure, and mostly much nearer
            (`chainrule.stream.QuantileSummary`).

        Examples
        --------
        Edges of bins for `chainrule.inputs.PiecewiseLinear`:

        >>> import pathlib, tempfile
        >>> import pyarrow as pa, pyarrow.parquet as pq
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder, "x.parquet")
        ...     pq.write_table(pa.table({"x": range(1001), "y": range(1001)}), path)
        ...     ParquetRows(path, "y").quantiles([0, 0.25, 0.5, 1])
        array([[   0.,  250.,  500., 1000.]])
        """
        summaries = [QuantileSummary() for _ in self.columns]
        for group in self.row_groups:
            for first, batch in self._table.decode(group, self.columns, self.batch_rows):
                for name, summary in zip(self.columns, summaries, strict=True):
                    summary.add(_numbers(group, first, name, batch.column(name)).astype(np.float64))
        return np.array([summary.quantiles(levels) for summary in summaries])

    def held_out(self, held_out: HeldOut) -> Values:
        """Return the rows that are set aside."""
        parts = []
        names = self._names(features=True)
        for group in self.row_groups:
            for first, batch in self._table.decode(group, names, self.batch_rows):
                aside = ~held_out.kept(first, first + batch.num_rows)
                x = np.empty((int(aside.sum()), len(self.columns)), dtype=self.dtype)
                parts.append(Values(x, *self._fill(group, first, batch, aside, x)))
        return joined(parts)

    def summary(self, held_out: HeldOut = EVERY_ROW) -> TargetSummary:
        """Read the targets of the rows that are trained on; warn where row groups are sorted by it.

        Warns
        -----
        StreamWarning
            Where a window holds a part of the row groups, and much of the target's variation is between them.
        """
        names, total = self._names(features=False), TargetSummary()
        for group in self.row_groups:
            here = TargetSummary()
            for first, batch in self._table.decode(group, names, self.batch_rows):
                kept = held_out.kept(first, first + batch.num_rows)
                x = np.empty((int(kept.sum()), 0))
                y, weight = self._fill(group, first, batch, kept, x, features=False)
                here.add(y, weight)
            total.merge(here)
        between = total.between
        if self.window != 1.0 and len(self.row_groups) > 1 and between > SORTED:
            warnings.warn(
                f"{between:.0%} of the variation of {listed(self.targets)} is between row groups: the rows"
                " are sorted, or each group is much alike. A window of some of the groups shuffles less than"
                f" a full shuffle; raise window= (now {self.window:g}), or write the rows in random order",
                StreamWarning,
                stacklevel=3,
            )
        return total

    def read(
        self, groups: Iterable[int], x: NDArray[Any], held_out: HeldOut = EVERY_ROW
    ) -> tuple[NDArray[Any], NDArray[Any] | None]:
        """Read row groups, but for rows set aside, into x; return targets and weights of the rows.

        Parameters
        ----------
        groups : iterable of int
        x : ndarray of shape (n_samples, n_features)
            Written; as long as `sizes` says.
        held_out : HeldOut
        """
        names = self._names(features=True)
        parts = []
        begin = 0
        for group in (self.row_groups[number] for number in groups):
            for first, batch in self._table.decode(group, names, self.batch_rows):
                kept = held_out.kept(first, first + batch.num_rows)
                end = begin + int(kept.sum())
                parts.append(Values(x[begin:end], *self._fill(group, first, batch, kept, x[begin:end])))
                begin = end
        if begin != len(x):
            raise StreamError(f"{len(x)} rows were there before, now there are {begin}; did a file change?")
        if not parts:
            y = np.empty(0 if self.single else (0, len(self.targets)))
            return y, None if self.sample_weight is None else np.empty(0)
        y = np.concatenate([part.y for part in parts])
        weights = [part.sample_weight for part in parts if part.sample_weight is not None]
        return y, np.concatenate(weights) if weights else None

    def sizes(self, held_out: HeldOut) -> list[int]:
        """Return how many rows of each row group are trained on."""
        return [int(np.count_nonzero(held_out.kept(group.first, group.end))) for group in self.row_groups]

    def _names(self, *, features: bool) -> list[str]:
        weight = [] if self.sample_weight is None else [self.sample_weight]
        return [*(self.columns if features else []), *self.targets, *weight]

    def _fill(
        self,
        group: Group,
        first: int,
        batch: Any,
        kept: NDArray[np.bool_],
        x: NDArray[Any],
        *,
        features: bool = True,
    ) -> tuple[NDArray[Any], NDArray[Any] | None]:
        every = bool(kept.all())
        for column, name in enumerate(self.columns if features else []):
            values = _numbers(group, first, name, batch.column(name))
            with np.errstate(over="ignore"):
                x[:, column] = values if every else values[kept]
        targets = [_target(group, first, name, batch.column(name)) for name in self.targets]
        y = targets[0] if self.single else np.column_stack(targets)
        weight = None
        if self.sample_weight is not None:
            weight = _numbers(group, first, self.sample_weight, batch.column(self.sample_weight))
            if (weight < 0).any():
                raise StreamError(
                    f"{_place(group, first, self.sample_weight, weight < 0)} is a weight below 0"
                )
            weight = weight.astype(np.float64)[kept]
        if features and not np.isfinite(x).all():
            column = int(np.argmin(np.isfinite(x).all(axis=0)))
            bad = _numbers(group, first, self.columns[column], batch.column(self.columns[column]))
            large = np.abs(bad.astype(np.float64)) > np.finfo(x.dtype).max
            raise StreamError(
                f"{_place(group, first, self.columns[column], large)} is too large for {x.dtype}; scale it"
            )
        return y[kept], weight


def _window(value: Any) -> float | int:
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        return whole_number("window", value, 1)
    return real_number("window", value, "(0, 1]")


def _check_number(title: str, name: str, kind: Any) -> None:
    from pyarrow import types

    if not (
        types.is_floating(kind) or types.is_integer(kind) or types.is_boolean(kind) or types.is_decimal(kind)
    ):
        raise StreamError(
            f"{title}: column {name!r} is {kind}; expected numbers. Leave it out (columns=...), or encode it"
        )


def _numbers(group: Group, first: int, name: str, column: Any) -> NDArray[Any]:
    """Return a column as numbers, all of them finite."""
    from pyarrow import float64, types

    if column.null_count:
        missing = np.asarray(column.is_null())
        raise StreamError(f"{_place(group, first, name, missing)} is missing; fill missing values in first")
    if types.is_decimal(column.type) or types.is_boolean(column.type) or types.is_float16(column.type):
        column = column.cast(float64()) if not types.is_boolean(column.type) else column.cast("uint8")
    values: NDArray[Any] = column.to_numpy(zero_copy_only=False)
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        bad = ~np.isfinite(values)
        raise StreamError(f"{_place(group, first, name, bad)} is {values[bad][0]}; expected finite numbers")
    return values


def _target(group: Group, first: int, name: str, column: Any) -> NDArray[Any]:
    """Return a column as labels or numbers, none of them missing."""
    from pyarrow import types

    if types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if types.is_floating(column.type) or types.is_decimal(column.type):
        return _numbers(group, first, name, column)
    if column.null_count:
        missing = np.asarray(column.is_null())
        raise StreamError(
            f"{_place(group, first, name, missing)} is missing; leave rows without a target out"
        )
    values: NDArray[Any] = column.to_numpy(zero_copy_only=False)
    return values.astype(np.str_) if values.dtype.kind == "O" and len(values) else values


def _place(group: Group, first: int, name: str, marked: NDArray[np.bool_]) -> str:
    """Name the first marked value: column and row of the file's part, from 0."""
    row = first + int(np.argmax(marked))
    return f"column {name!r}, row {row} of all rows ({group.place})"
