"""A table larger than memory: posed on some of its rows, summed up in one pass, trained as it is read."""

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from chainrule.stream.errors import StreamError
from chainrule.stream.held_out import EVERY_ROW, MOST_HELD_OUT, HeldOut
from chainrule.stream.parquet import SORTED
from chainrule.stream.row_groups import RowGroups
from chainrule.stream.rows import StreamedRows, Values, joined
from chainrule.stream.targets import TargetSummary
from chainrule.table_models.converting import converted
from chainrule.table_models.fitting import Part, Prepared, validation_fraction
from chainrule.table_models.network_parameters import class_weights, learns_positive_numbers, network
from chainrule.table_models.posing import Problem, Question, pose, row_weights
from chainrule.table_models.settings import FitSettings, memory_bytes
from chainrule.table_models.training import check_memory
from chainrule.tables.class_target import ClassTarget
from chainrule.tables.columns import Remarks
from chainrule.tables.errors import ParameterError, TableError, TableWarning
from chainrule.tables.names import tidy
from chainrule.tables.number_target import NumberTarget, SeveralTargets
from chainrule.tables.portions import counted_from, file_kind, table_files
from chainrule.tables.preprocessing import Preprocessor
from chainrule.tables.summaries import ColumnSummary, NumberSummary
from chainrule.tables.targets import Target, fit_target, known_rows, read_target
from chainrule.training.pace import Pace, RowMeter

#: Rows by which a table is posed: types, dates, units, what is left out.
ROWS_TO_POSE = 100_000

#: Rows decoded at a time.
BATCH_ROWS = 16_384

#: Blocks of rows of a table that is streamed, unless `row_blocks` says another number.
BLOCKS = 8


class TableRows(StreamedRows):
    """The rows of a Parquet table as a network sees them, encoded when they are read.

    Parameters
    ----------
    table : RowGroups
    names : dict of str to str
        The columns' own names by those here.
    target : Target
    weight : str or None
        The column of weights.
    test, validation : HeldOut
        Rows that are not trained on: those of `test`, and of the others those of `validation`.
    dtype : str
    """

    named = False

    def __init__(
        self,
        table: RowGroups,
        names: dict[str, str],
        target: Target,
        weight: str | None,
        test: HeldOut,
        validation: HeldOut,
        dtype: str,
    ) -> None:
        self.table, self.names, self.target = table, names, target
        self.sample_weight = weight
        self.test, self.validation = test, validation
        self.dtype = dtype
        self.preprocessor: Preprocessor | None = None
        self.targets, self.single = target.names, not isinstance(target, SeveralTargets)
        self.window = 1.0
        self.on_rows: Callable[[int], None] | None = None
        self._sizes: list[int] = []
        self._targets = TargetSummary()

    def tables(
        self, groups: Iterable[int], columns: Sequence[str]
    ) -> Iterator[tuple[NDArray[np.int64], pa.Table]]:
        """Yield (row numbers from 0, table) of the rows that have a target, targets typed."""
        weight = [] if self.sample_weight is None else [self.sample_weight]
        wanted = list(dict.fromkeys([*columns, *self.targets, *weight]))
        own = [self.names[name] for name in wanted]
        parts = self.target.targets if isinstance(self.target, SeveralTargets) else [self.target]
        for group in (self.table.groups[number] for number in groups):
            for first, batch in self.table.decode(group, own, BATCH_ROWS):
                table = pa.table([pa.chunked_array([batch.column(name)]) for name in own], names=wanted)
                known = np.ones(len(table), dtype=bool)
                for one in parts:
                    values = read_target(one, table[one.name])
                    table = table.set_column(wanted.index(one.name), one.name, values)
                    known &= known_rows(values)
                numbers = first + np.flatnonzero(known)
                if self.on_rows is not None:
                    self.on_rows(len(known))
                yield numbers, table if known.all() else table.filter(pa.array(known))

    def kept(self, numbers: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Say which of these rows are trained on."""
        return self._of(self.test, numbers) & self._of(self.validation, numbers)

    def _of(self, held_out: HeldOut, numbers: NDArray[np.int64]) -> NDArray[np.bool_]:
        if not len(numbers):
            return np.ones(0, dtype=bool)
        first = int(numbers[0])
        kept: NDArray[np.bool_] = held_out.kept(first, int(numbers[-1]) + 1)[numbers - first]
        return kept

    def encoded(self, numbers: NDArray[np.int64], table: pa.Table) -> Values:
        """Return rows as the network sees them."""
        assert self.preprocessor is not None
        dtype: Any = self.dtype
        x = self.preprocessor.transform(table, dtype, rows=numbers + 1, remarks=Remarks())
        y = self.target.encode(*(table[name] for name in self.targets))
        return Values(x, y, row_weights(self.sample_weight, table))

    def aside(self) -> tuple[Values, Values]:
        """Return the rows set aside to watch, and to test."""
        parts: tuple[list[Values], list[Values]] = ([], [])
        for numbers, table in self.tables(range(len(self.table.groups)), self._columns):
            kept = self._of(self.test, numbers)
            for which, chosen in zip(parts, (kept & ~self._of(self.validation, numbers), ~kept), strict=True):
                which.append(self.encoded(numbers[chosen], table.filter(pa.array(chosen))))
        return joined(parts[0]), joined(parts[1])

    def learn(self, columns: dict[str, ColumnSummary]) -> None:
        """Sum up columns and targets in one pass over the rows that are trained on."""
        labels: dict[Any, int] = {}
        numbers = [NumberSummary() for _ in self.targets]
        for group in range(len(self.table.groups)):
            size = 0
            for rows, table in self.tables([group], list(columns)):
                kept = self.kept(rows)
                size += int(kept.sum())
                part = table.filter(pa.array(kept))
                with counted_from(int(rows[0]) if len(rows) else 0, "the table, without those set aside"):
                    for name, summary in columns.items():
                        summary.add(part[name])
                if isinstance(self.target, ClassTarget):
                    values, counts = np.unique(self.target.labels(table[self.targets[0]]), return_counts=True)
                    for label, count in zip(values.tolist(), counts.tolist(), strict=True):
                        labels[label] = labels.get(label, 0) + count
                else:
                    parts = self.target.targets if isinstance(self.target, SeveralTargets) else [self.target]
                    for one, summed in zip(parts, numbers, strict=True):
                        summed.add(one.decode(one.encode(part[one.name])))
            self._sizes.append(size)
        self.n_rows = sum(self._sizes)
        if isinstance(self.target, ClassTarget):
            classes = sorted(labels)
            shares = np.array([labels[label] for label in classes]) / sum(labels.values())
            self.target = replace(self.target, classes=classes, frequencies=shares)
        elif isinstance(self.target, SeveralTargets):
            pairs = zip(self.target.targets, numbers, strict=True)
            self.target = SeveralTargets(tuple(_learned(one, summed) for one, summed in pairs))
        else:
            self.target = _learned(self.target, numbers[0])

    @property
    def _columns(self) -> list[str]:
        assert self.preprocessor is not None
        return [column.name for column in self.preprocessor.columns]

    # What training asks.

    def batches(self) -> Iterator[Values]:
        """Yield the rows that are trained on."""
        for numbers, table in self.tables(range(len(self.table.groups)), self._columns):
            kept = self.kept(numbers)
            yield self.encoded(numbers[kept], table.filter(pa.array(kept)))

    def sample(self) -> Values:
        """Return the first rows."""
        return next(part for part in self.batches() if len(part.x))

    def held_out(self, held_out: HeldOut) -> Values:
        """Rows are set aside already."""
        raise StreamError("rows of a table are set aside before the training")

    def summary(self, held_out: HeldOut = EVERY_ROW) -> TargetSummary:
        """Sum up what the network learns of the targets."""
        if not self._targets.n_rows:
            for group in range(len(self.table.groups)):
                here = TargetSummary()
                for numbers, table in self.tables([group], []):
                    part = table.filter(pa.array(self.kept(numbers)))
                    y = self.target.encode(*(part[name] for name in self.targets))
                    here.add(y, row_weights(self.sample_weight, part))
                self._targets.merge(here)
        return self._targets

    def sizes(self, held_out: HeldOut) -> list[int]:
        """Return how many rows of each row group are trained on."""
        return self._sizes

    def read(
        self, groups: Iterable[int], x: NDArray[Any], held_out: HeldOut = EVERY_ROW
    ) -> tuple[NDArray[Any], NDArray[Any] | None]:
        """Read row groups into x; return targets and weights."""
        ys, weights, begin = [], [], 0
        for numbers, table in self.tables(groups, self._columns):
            kept = self.kept(numbers)
            part = self.encoded(numbers[kept], table.filter(pa.array(kept)))
            end = begin + len(part.x)
            if end > len(x):
                break
            x[begin:end] = part.x
            ys.append(part.y)
            weights.append(part.sample_weight)
            begin = end
        if begin != len(x):
            raise StreamError(f"{self.table.title} has other rows than before; did a file change?")
        known = [weight for weight in weights if weight is not None]
        return np.concatenate(ys) if ys else np.empty(0), np.concatenate(known) if known else None


def _learned(target: NumberTarget, summary: NumberSummary) -> NumberTarget:
    if summary.scale == 0:
        raise TableError(
            f"the target {target.name!r} is {summary.mean:g} in every row, expected different values"
        )
    return replace(target, mean=summary.mean, scale=summary.scale)


def prepare_streamed(
    data: Any,
    asked: Question,
    settings: FitSettings,
    memory: Any,
    told: Callable[[Pace], object] | None = None,
) -> Prepared:
    """Pose a Parquet table, sum it up, and make the network that learns it while the rows are read.

    Parameters
    ----------
    data : path, pattern, list of paths, or pyarrow.dataset.Dataset
    asked : Question
    settings : FitSettings
    memory : str or int
        About how much memory the rows may take, such as "2GB".
    told : callable, optional
        Is given the pace at which the rows are converted, summed up, and those set aside are read.

    Raises
    ------
    TableError, ParameterError, TrainingError
        As `TableModel.fit`.
    """
    import pyarrow.dataset as ds

    room = memory_bytes(memory)
    if asked.weight is not None and not isinstance(asked.weight, str):
        raise ParameterError("it is an array; with memory= it is the name of a column", "sample_weight")
    if settings.network.get("solver") == "lbfgs":
        raise ParameterError("'lbfgs' takes all rows at once; with memory= expected another one", "solver")
    try:
        files = [] if isinstance(data, ds.Dataset) else table_files(data)
        kinds = {file_kind(file) for file in files}
        if kinds - {"CSV", "Parquet"} or len(kinds) > 1:
            raise TableError(f"{data} is {' and '.join(sorted(kinds))}; with memory= expected Parquet or CSV")
        if kinds == {"CSV"}:
            problem, table = converted(files, asked, ROWS_TO_POSE, told)
        else:
            table = RowGroups(data)
        table.look(table.schema.names)
        names: dict[str, str] = {}
        for name in table.schema.names:
            names.setdefault(tidy(name), name)
        if kinds != {"CSV"}:
            problem = pose(_some(table), asked)
    except StreamError as error:
        raise TableError(str(error)) from None
    estimator = network(problem.task, settings.network)
    if "row_blocks" not in settings.network:
        estimator.set_params(row_blocks=BLOCKS)
    centered = not learns_positive_numbers(estimator)
    fitted = [
        fit_target(name, values, problem.task, centered=centered, reading=problem.readings.get(name))
        for name, values in zip(problem.targets, problem.values(), strict=True)
    ]
    numbers = tuple(one for one in fitted if isinstance(one, NumberTarget))
    target: Target = fitted[0] if len(fitted) == 1 else SeveralTargets(numbers)
    n_rows, seed = table.groups[-1].end, settings.random_state
    test = min(settings.test_fraction, MOST_HELD_OUT / n_rows)
    watched = validation_fraction(round(n_rows * (1 - test)), settings.validation_fraction)
    watched = min(watched, MOST_HELD_OUT / n_rows)
    aside = HeldOut(test, 2 * seed), HeldOut(watched, 2 * seed + 1)
    rows = TableRows(table, names, target, asked.weight, *aside, settings.dtype)
    ignored = {*problem.targets, *problem.left_out, *asked.ignore, asked.weight}
    summaries = {
        name: ColumnSummary(name, table.schema.field(names[name]).type, problem.readings.get(name))
        for name in names
        if name and name not in ignored
    }
    meter = RowMeter(n_rows, 2)
    meter.told = told
    try:
        rows.on_rows = meter.rows_pass
        rows.learn(summaries)
        rows.on_rows = None
        meter.epochs_end(1)
        target = rows.target
        if isinstance(target, ClassTarget):
            class_weights(estimator, target)
        rows.preprocessor = _preprocessor(summaries, problem)
        rows.columns = rows.preprocessor.feature_names
        widths = settings.network["hidden_layer_sizes"]
        check_memory([len(rows.columns), *widths, target.n_outputs], settings.dtype)
        rows.window = _window(room, rows)
        between = rows.summary().between
        if rows.window < 1 and between > SORTED:
            warnings.warn(
                f"{between:.0%} of the variation of {target.name!r} is between row groups, as in a sorted"
                " file, and only a part of them is in memory at a time; raise memory=, or write the rows in"
                " random order once",
                TableWarning,
                stacklevel=3,
            )
        rows.on_rows = meter.rows_pass
        validation, tested = (Part(*values) for values in rows.aside())
        rows.on_rows = None
    except StreamError as error:
        raise TableError(str(error)) from None
    if len(validation.X) < 2:
        raise TableError(
            f"the table has {n_rows} rows, of which none is left to watch; fit it without memory="
        )
    training = Part(rows, None, None)  # type: ignore[arg-type]
    return Prepared(problem, settings, rows.preprocessor, target, estimator, training, validation, tested)


def _some(table: RowGroups) -> pa.Table:
    """Return rows of the whole table: the first of up to a hundred of its row groups."""
    step = -(-len(table.groups) // 100)
    chosen = table.groups[::step]
    each = -(-ROWS_TO_POSE // len(chosen))
    batches = []
    for group in chosen:
        left = each
        for _, batch in table.decode(group, table.schema.names, min(BATCH_ROWS, each)):
            batches.append(batch.slice(0, left))
            left -= batches[-1].num_rows
            if left <= 0:
                break
    return pa.Table.from_batches(batches)


def _preprocessor(summaries: dict[str, ColumnSummary], problem: Problem) -> Preprocessor:
    columns, left_out = [], dict(problem.left_out)
    for name, summary in summaries.items():
        column = summary.column()
        if isinstance(column, str):
            left_out[name] = column
        else:
            columns.append(column)
    if not columns:
        raise TableError("the table has no column to predict from, expected one with different values")
    return Preprocessor(columns, left_out)


def _window(room: int, rows: TableRows) -> float:
    """Return the share of the rows that fits into memory twice, and once more while it is read."""
    each = len(rows.columns) * np.dtype(rows.dtype).itemsize
    return float(np.clip(room / 3 / max(1, each * rows.n_rows), 1e-6, 1.0))
