"""CSV files larger than memory: posed by some of their rows, then written as Parquet in one pass."""

import os
import shutil
import tempfile
import warnings
import weakref
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from chainrule.stream.row_groups import RowGroups
from chainrule.table_models.posing import Problem, Question, pose
from chainrule.tables import numerals
from chainrule.tables.distinct import Distinct
from chainrule.tables.errors import TableError, TableWarning
from chainrule.tables.numerals import Mark
from chainrule.tables.open_marks import OpenMarks
from chainrule.tables.portions import counted_from, open_portions
from chainrule.tables.reading import Reading, plain_numbers
from chainrule.tables.source import from_arrow
from chainrule.training.pace import Pace, RowMeter

#: Rows of a row group: enough to read at once, few enough that a table has many.
LEAST_ROWS, MOST_ROWS, MANY_GROUPS = 256, 16_384, 400

#: How much larger text is than its gzip, about.
GZIP = 6


def converted(
    files: list[str], asked: Question, n_rows: int, told: Callable[[Pace], object] | None = None
) -> tuple[Problem, RowGroups]:
    """Pose CSV files by their first rows, and write what these say to Parquet in a temporary folder.

    The folder is removed when the row groups are no longer used, at the end of Python at the latest.

    Parameters
    ----------
    files : list of str
    asked : Question
    n_rows : int
        So many rows pose the problem: the first of each file, of up to a hundred files.
    told : callable, optional
        Is given the pace at which the rows are converted.

    Raises
    ------
    TableError
        As `pose`; for values further down that are not what the first rows are, with the row; and where
        there is no room for the Parquet file.
    """
    some = files[:: -(-len(files) // 100)]
    header = open_portions(files, asked.csv).header
    sample = _first_rows(some, asked, -(-n_rows // len(some)))
    source = from_arrow(sample, header.title, notes=header.notes, is_file=True)
    problem = pose(source, asked)
    room = sum(os.path.getsize(file) * (GZIP if file.endswith(".gz") else 1) for file in files)
    folder = tempfile.mkdtemp(prefix="chainrule-")
    try:
        free = shutil.disk_usage(folder).free
        if free < room:
            raise TableError(
                f"{header.title} is converted to Parquet, which takes up to {room / 1e9:.1f} GB in "
                f"{Path(folder).parent}, where {free / 1e9:.1f} GB are free; TMPDIR names another folder"
            )
        path = os.path.join(folder, "table.parquet")
        each = max(1, sum(pc.sum(pc.binary_length(column)).as_py() or 0 for column in sample.columns))
        expected = room / (each / max(1, len(sample)) + sample.num_columns)
        try:
            rows = int(2 ** np.round(np.log2(np.clip(expected / MANY_GROUPS, LEAST_ROWS, MOST_ROWS))))
            _say_marks(problem, asked)
            marks = _write(path, files, asked, problem, sample, rows, _meter(expected, told))
            if marks:  # the whole file decides how 1,234 is read, otherwise than its first rows
                asked = replace(asked, marks=marks)
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", TableWarning)  # those of the first time are true
                    problem = pose(source, asked)
                    _say_marks(problem, asked)
                    _write(path, files, asked, problem, sample, rows, _meter(expected, told))
        except OSError as error:
            raise TableError(f"{header.title} cannot be converted to Parquet in {folder}: {error}") from None
        table = RowGroups(path)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    weakref.finalize(table, shutil.rmtree, folder, ignore_errors=True)
    problem.notes.append(
        f"{header.title} is converted to Parquet for this training: {os.path.getsize(path) / 1e6:,.1f} MB in "
        f"{folder}, which is removed at its end"
    )
    return problem, table


def _first_rows(files: list[str], asked: Question, each: int) -> pa.Table:
    tables: list[pa.Table] = []
    for file in files:
        portions, left = open_portions(file, asked.csv), each
        for _, source in portions.of(portions.header.names):
            table = source.read(portions.header.names).slice(0, left)
            tables.append(table.select(tables[0].column_names) if tables else table)
            left -= len(table)
            if left <= 0:
                break
    return pa.concat_tables(tables)


def _meter(n_rows: float, told: Callable[[Pace], object] | None) -> RowMeter:
    meter = RowMeter(max(int(n_rows), 1), 1, about=True)
    meter.told = told
    return meter


def _say_marks(problem: Problem, asked: Question) -> None:
    """Read by the decimal marks that were said, or that the whole file has, whatever a portion says."""
    for name, reading in problem.readings.items():
        mark = asked.marks.get(name, asked.choice.mark)
        if reading.kind == "number" and mark is not None:
            problem.readings[name] = replace(reading, mark=mark)
        if name in asked.marks:
            word = "comma" if mark == "," else "point"
            problem.notes.append(f"{name!r} is read with a decimal {word}, as all its rows together say")


def _write(
    path: str,
    files: list[str],
    asked: Question,
    problem: Problem,
    sample: pa.Table,
    rows: int,
    meter: RowMeter,
) -> dict[str, Mark]:
    """Write the columns that are used, each as what the first rows say that it is.

    Returns
    -------
    dict of str to {".", ","}
        Decimal marks of columns that were read otherwise than the whole file is.
    """
    import pyarrow.parquet

    left_out = {*asked.ignore, *problem.left_out} - {*problem.targets, asked.weight}
    names = [name for name in sample.column_names if name not in left_out]
    readings = {name: problem.readings[name] for name in names}
    types = {name: _type_of(name, readings[name], problem) for name in names}
    empty = {n for n in names if n not in (*asked.text, *asked.number) and _is_empty(sample[n], readings[n])}
    suffixes = {n: _suffixes(sample[n], readings[n]) for n in names if _has_units(readings[n])}
    said = asked.choice.mark is not None
    known = {name for name, one in readings.items() if one.kind == "number" and (said or name in asked.marks)}
    marks = OpenMarks({name: one for name, one in readings.items() if name not in known}, posed=True)
    schema = pa.schema(list(types.items()))
    waiting: list[pa.Table] = []
    n_waiting = 0
    with pyarrow.parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        for first, source in open_portions(files, asked.csv, rows).of(names):
            table = source.read(names)
            marks.add(table)
            with counted_from(first):
                _check(table, readings, empty, suffixes, len(sample))
                columns = [_read(name, table[name], readings[name], types[name]) for name in names]
            waiting.append(pa.table(columns, schema=schema))
            n_waiting += len(table)
            meter.rows_pass(len(table))
            if n_waiting >= rows:  # row groups are of one size, whichever files the rows come from
                whole, end = pa.concat_tables(waiting), n_waiting // rows * rows
                writer.write_table(whole.slice(0, end), row_group_size=rows)
                waiting, n_waiting = [whole.slice(end)], n_waiting - end
        writer.write_table(pa.concat_tables(waiting), row_group_size=rows)
    marks.end_of_dates()
    return marks.marks()


def _check(
    table: pa.Table,
    readings: Mapping[str, Reading],
    empty: set[str],
    suffixes: Mapping[str, set[tuple[str, str]]],
    n_first: int,
) -> None:
    """Raise TableError for what would have been read otherwise, had it been among the first rows."""
    for name in empty:
        if not _is_empty(table[name], readings[name]):
            raise TableError(
                f"column {name!r} has no values in the first {n_first:,} rows, by which the columns are "
                "judged, but some further down; say what it is: --number or --text (number=, text= in Python)"
            )
    for name, known in suffixes.items():
        new = _suffixes(table[name], readings[name]) - known
        if new and not readings[name].lenient:
            unit = " ".join(part for part in sorted(new)[0] if part)
            raise TableError(
                f"column {name!r} has numbers with {unit!r}, which the first {n_first:,} rows, by which the "
                "columns are judged, do not have; --text takes all as words (text= in Python)"
            )


def _has_units(reading: Reading) -> bool:
    return reading.kind == "number" and not reading.durations


def _read(name: str, values: pa.ChunkedArray, reading: Reading, kind: Any) -> pa.ChunkedArray:
    try:
        return reading.apply(name, values).cast(kind)
    except TableError as error:
        raise TableError(
            f"{error}, as the first rows have; --text takes all as words, --number what is none as missing "
            "(text=, number= in Python)"
        ) from None
    except pa.ArrowException:
        raise TableError(
            f"column {name!r} has other values than in the first rows, which are of type {kind}; "
            "--text takes all as words (text= in Python)"
        ) from None


def _type_of(name: str, reading: Reading, problem: Problem) -> Any:
    """Return the type of a column in Parquet: one for all portions."""
    known = problem.table.schema.field(name).type if name in problem.table.column_names else None
    if reading.kind == "number":
        label = name in problem.targets and problem.task == "classification"
        return known if label else pa.float64()
    if reading.kind == "date":
        return known if known is not None and pa.types.is_time(known) else pa.timestamp("us")
    return pa.bool_() if reading.kind == "boolean" else pa.large_string()


def _is_empty(values: pa.ChunkedArray, reading: Reading) -> bool:
    distinct = Distinct.of(values, reading.missing, verbatim=reading.verbatim)
    return bool(distinct.placeholders().all())


def _suffixes(values: pa.ChunkedArray, reading: Reading) -> set[tuple[str, str]]:
    """Return the units and magnitudes of a column of numbers."""
    if plain_numbers(values, reading.mark, reading.missing) is not None:
        return set()
    written = numerals.take_apart(Distinct.of(values, reading.missing).text)
    return {written.suffixes[k] for k in np.unique(written.suffix[written.matches])} - {("", "")}
