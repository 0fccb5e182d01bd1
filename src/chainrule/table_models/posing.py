"""The question that a table is asked: what to predict, as what, from which columns, with which weights.

Decided here once, for Python and the command line alike, from the whole table and before any training.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from chainrule._words import listed
from chainrule.tables import checks
from chainrule.tables.csv_format import CsvOptions
from chainrule.tables.date_columns import are_compact_dates
from chainrule.tables.detecting import detect_all
from chainrule.tables.errors import ParameterError, TableError, TableWarning
from chainrule.tables.found import Choice, Found
from chainrule.tables.names import no_such, tidy
from chainrule.tables.numerals import Mark
from chainrule.tables.reading import Reading
from chainrule.tables.source import Source, check_rows
from chainrule.tables.suspicious import codes_text, counts_rows, far_codes, typed_numbers
from chainrule.tables.tables import open_table
from chainrule.tables.targets import drop_unknown
from chainrule.tables.tasks import TASKS, Task, infer_task
from chainrule.tables.values import (
    in_seconds,
    is_date,
    is_number,
    is_span,
    is_text,
    plain,
    to_numbers,
    whole_as_text,
)


@dataclass(frozen=True)
class Question:
    """What is asked of a table, as `TableModel.fit` documents it; use `question` to make a checked one."""

    targets: list[str]
    task: Task | None = None
    ignore: list[str] = field(default_factory=list)
    weight: Any = None
    choice: Choice = field(default_factory=Choice)
    text: list[str] = field(default_factory=list)
    number: list[str] = field(default_factory=list)
    csv: CsvOptions = field(default_factory=CsvOptions)
    marks: dict[str, Mark] = field(default_factory=dict)  # decimal marks of columns, known otherwise


@dataclass(frozen=True)
class Problem:
    """A question with all that the table says to it.

    Attributes
    ----------
    table : pyarrow.Table
        The rows that have a target: columns to predict from, and targets, all of them typed.
    rows : ndarray of int64
        Their numbers in the user's table, from 1.
    targets : list of str
    task, reason : str
        What is posed, and why.
    weights : ndarray of float64, or None
        Of the rows.
    readings : dict of str to Reading
        How the text of columns was read.
    left_out : dict of str to str
        Columns that are not used, each with the reason.
    notes : list of str
        What was guessed.
    csv : CsvOptions
        How the file was said to be written.
    """

    table: pa.Table
    rows: NDArray[np.int64]
    targets: list[str]
    task: Task
    reason: str
    weights: NDArray[np.float64] | None
    readings: dict[str, Reading]
    left_out: dict[str, str]
    notes: list[str]
    csv: CsvOptions

    def values(self, rows: NDArray[np.int64] | None = None) -> list[pa.ChunkedArray]:
        """Return the targets' columns, of all rows or of some."""
        return [self.table[name] if rows is None else self.table[name].take(rows) for name in self.targets]


def question(
    target: Any,
    *,
    task: Any = None,
    ignore: Any = (),
    weight: Any = None,
    decimal: Any = None,
    missing: Any = (),
    text: Any = (),
    number: Any = (),
    day_first: Any = None,
    delimiter: Any = None,
    encoding: Any = None,
    header: Any = True,
) -> Question:
    """Check what is asked, before a table is opened.

    Raises
    ------
    ParameterError
        For what is unknown or contradicts itself.
    """
    targets = [tidy(name) for name in checks.names("target", target)]
    ignored, texts, numbers = (
        [tidy(name) for name in checks.names(key, value)]
        for key, value in (("ignore", ignore), ("text", text), ("number", number))
    )
    if not targets:
        raise ParameterError("it must name the column to predict", "target")
    twice = sorted({name for name in targets if targets.count(name) > 1})
    if twice:
        raise ParameterError(f"got {listed(twice)} twice", "target")
    both = [name for name in targets if name in ignored]
    if both:
        raise ParameterError(f"it names the target {both[0]!r}", "ignore")
    both = [name for name in texts if name in numbers]
    if both:
        raise ParameterError(f"got {both[0]!r}, which is said to be text, too", "number")
    if task is not None:
        checks.one_of("task", task, TASKS)
    choice = choice_of(decimal, missing, day_first)
    csv = CsvOptions(delimiter, encoding, bool(header))
    weight = tidy(weight) if isinstance(weight, str) else weight
    if isinstance(weight, str) and weight in (*targets, *ignored):
        raise ParameterError(f"got {weight!r}, which is the target or ignored, too", "sample_weight")
    return Question(targets, task, ignored, weight, choice, texts, numbers, csv)


def choice_of(decimal: Any = None, missing: Any = (), day_first: Any = None) -> Choice:
    """Check what was said of all columns: decimal mark, words for missing values, order of day and month.

    Examples
    --------
    >>> choice_of("comma", 9999).mark, choice_of("comma", 9999).missing
    (',', ('9999',))
    """
    mark: Mark | None = {"comma": ",", "point": "."}.get(decimal, decimal)
    if mark is not None:
        checks.one_of("decimal", mark, [".", ","])
    words = tuple(checks.names("missing", missing))
    return Choice(None, mark, None if day_first is None else bool(day_first), words)


def pose(data: Any, asked: Question) -> Problem:
    """Ask a table.

    Parameters
    ----------
    data : path, DataFrame, mapping of columns, list of rows
        The table.
    asked : Question
        What is asked.

    Raises
    ------
    TableError
        For a table that has no answer: no such column, no rows, a target without values, infinite values.

    Warns
    -----
    TableWarning
        For rows without a target, and for numbers that look like codes for "not measured".
    """
    source = open_table(data, asked.csv)
    _check_names(source, asked)
    weight_name = asked.weight if isinstance(asked.weight, str) else None
    names = [name for name in source.names if name not in asked.ignore]
    names += [name for name in (*asked.targets, weight_name) if name is not None and name not in names]
    for note in source.notes:
        warnings.warn(note, TableWarning, stacklevel=3)
    table = source.read(names)
    check_rows(table, source.title)
    found = _read_text(source, table, asked)
    readings = {name: one.reading for name, one in found.items()}
    table, readings = _typed(table, found, readings, asked)
    notes = [*source.notes, *_notes(found, [n for n in names if n != weight_name])]
    weights = row_weights(asked.weight, table)
    left_out = {"": "has no name"} if source.nameless else {}
    for name in names:
        if name in (*asked.targets, weight_name):
            continue
        _check_finite(name, table[name])
        if name not in asked.number and counts_rows(table[name]):
            left_out[name] = "only counts the rows"
    if set(names) <= {*left_out, *asked.targets, weight_name}:  # better one such column than none
        left_out = {name: why for name, why in left_out.items() if why != "only counts the rows"}
    table = table.drop_columns([name for name in (*left_out, weight_name) if name and name in names])
    table, rows = drop_unknown(table, asked.targets)
    if weights is not None:
        weights = weights[rows - 1]
        if not weights.any():
            raise TableError("all rows have the weight 0, expected some above it")
    task, reason = _task(asked, table)
    _warn_of_codes(table, asked.targets if task == "regression" else [], asked.targets, readings)
    return Problem(table, rows, asked.targets, task, reason, weights, readings, left_out, notes, asked.csv)


def _check_names(source: Source, asked: Question) -> None:
    for name in asked.targets:
        if name not in source:
            one = source.is_file and len(source.names) == 1 and not source.names[0].isidentifier()
            hint = "; --delimiter (delimiter= in Python) says what separates the fields" if one else ""
            raise TableError(no_such(name, source.names, "to predict") + hint)
    uses = {"to ignore": asked.ignore, "to read as text": asked.text, "to read as numbers": asked.number}
    if isinstance(asked.weight, str):
        uses["of weights"] = [asked.weight]
    for use, names in uses.items():
        for name in names:
            if name not in source:
                raise TableError(no_such(name, source.names, use))


def _read_text(source: Source, table: pa.Table, asked: Question) -> dict[str, Found]:
    """Find out what the columns of text mean."""
    choices, texts = {}, {}
    for name in table.column_names:
        values = table[name]
        kind: Any = "text" if name in asked.text else "number" if name in asked.number else None
        mark = asked.marks.get(name, asked.choice.mark)
        choices[name] = Choice(kind, mark, asked.choice.day_first, asked.choice.missing)
        if is_text(values.type):
            texts[name] = values
        elif kind == "text" or (kind == "number" and is_text(plain(values).type)):
            texts[name] = plain(values).cast(pa.large_string())
        elif kind is None and name not in asked.targets and are_compact_dates(values):
            texts[name] = whole_as_text(values)
    found = detect_all(texts, choices)
    for name in set(table.column_names) - {*texts}:
        values = table[name]
        if pa.types.is_duration(values.type) or (name in asked.targets and is_span(values.type)):
            reading = Reading("number", ".", missing=asked.choice.missing, durations="hours")
            found[name] = Found(reading, in_seconds(values), notes=("is counted in seconds",))
    for name in asked.targets:
        # Labels of a DataFrame that are text stay text, as they stand in it.
        one = found.get(name)
        if one and not source.is_file and name not in asked.number and _is_label(name, one, asked.task):
            reading = Reading("text", missing=asked.choice.missing)
            found[name] = Found(reading, reading.apply(name, texts[name]))
    return found


def _is_label(name: str, found: Found, task: Task | None) -> bool:
    values = found.values
    if task == "regression" or values is None or not pa.types.is_integer(values.type):
        return False
    return task is not None or infer_task(name, values.drop_null())[0] == "classification"


def _typed(
    table: pa.Table, found: dict[str, Found], readings: dict[str, Reading], asked: Question
) -> tuple[pa.Table, dict[str, Reading]]:
    """Put what was read in the places of texts; numbers that mean a missing value become one."""
    columns, missing = {}, asked.choice.missing
    for name in table.column_names:
        values = table[name]
        if name in found:
            values = found[name].values
        elif missing and is_number(values.type):
            readings[name] = Reading("number", missing=missing)
            values = readings[name].without_codes(values)
        elif missing and is_date(values.type):
            readings[name] = Reading("date", missing=missing)
        columns[name] = values
    return pa.table(columns), readings


def _notes(found: dict[str, Found], names: Sequence[str]) -> list[str]:
    """Return what was guessed, guesses of the same words in one line."""
    notes: dict[str, list[str]] = {}
    for name in names:
        for note in found[name].notes if name in found else ():
            shape = note.partition(":")[0] if note.startswith("is read") else f"{name}\0{note}"
            notes.setdefault(shape, []).append(
                f"{name!r} {note}" if note.startswith(("is", "has")) else f"{name!r}: {note}"
            )
    return [
        lines[0] + (f"; so {'is' if len(lines) == 2 else 'are'} {_others(lines)}" if len(lines) > 1 else "")
        for lines in notes.values()
    ]


def _others(lines: list[str]) -> str:
    names = [line.partition("' ")[0] + "'" for line in lines[1:]]
    return ", ".join(names[:5]) + (f" and {len(names) - 5:,} more" if len(names) > 5 else "")


def row_weights(weight: Any, table: pa.Table) -> NDArray[np.float64] | None:
    """Return the weights of a table's rows.

    Parameters
    ----------
    weight : str, array-like of shape (n_samples,), or None
        The name of a column, or the weights.
    table : pyarrow.Table

    Raises
    ------
    TableError
        For weights that are missing or below 0, with the row.
    """
    if weight is None:
        return None
    if isinstance(weight, str):
        weights, where = to_numbers(weight, table[weight]), f"column {weight!r}"
    else:
        weights, where = np.asarray(weight, dtype=np.float64), "sample_weight"
        if weights.shape != (table.num_rows,):
            raise TableError(f"sample_weight has the shape {weights.shape}, expected ({table.num_rows},)")
    bad = np.flatnonzero(~(weights >= 0) | np.isinf(weights))
    if bad.size:
        found = "no value" if np.isnan(weights[bad[0]]) else f"{weights[bad[0]]:g}"
        raise TableError(f"{where} has {found} in row {bad[0] + 1:,}, expected weights of at least 0")
    return weights


def _check_finite(name: str, values: pa.ChunkedArray) -> None:
    if pa.types.is_floating(values.type):
        to_numbers(name, values)  # names the row of the first infinite value


def _task(asked: Question, table: pa.Table) -> tuple[Task, str]:
    posed = {name: infer_task(name, table[name]) for name in asked.targets} if asked.task is None else {}
    if len(asked.targets) == 1:
        return posed[asked.targets[0]] if asked.task is None else (asked.task, "as --task says")
    classes = [name for name, (task, _) in posed.items() if task == "classification"]
    if asked.task == "classification" or classes:
        why = (
            f"{classes[0]!r} {posed[classes[0]][1].replace('its values are', 'has')}"
            if classes
            else "classes were asked for"
        )
        raise TableError(
            f"several targets must all be numbers, but {why}; fit a model for each target, or say "
            "--task regression (task='regression' in Python)"
        )
    return "regression", "as --task says" if asked.task else "the values are numbers"


def _warn_of_codes(
    table: pa.Table, numbers: Sequence[str], targets: Sequence[str], readings: dict[str, Reading]
) -> None:
    for name in table.column_names:
        dates = is_date(table[name].type)
        if (name in targets and name not in numbers) or not (dates or is_number(table[name].type)):
            continue
        values = (
            to_numbers(name, table[name], "date", readings.get(name)) if dates else typed_numbers(table[name])
        )
        codes = far_codes(values)
        if codes:
            warnings.warn(codes_text(name, codes, values, dates=dates), TableWarning, stacklevel=4)
