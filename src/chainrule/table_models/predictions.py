"""Predictions and measures of tables, whole or in portions."""

import warnings
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from chainrule.table_models.evaluation import Evaluation
from chainrule.table_models.measuring import Measuring
from chainrule.table_models.posing import row_weights
from chainrule.table_models.settings import memory_bytes
from chainrule.tables.class_target import ClassTarget
from chainrule.tables.columns import Remarks
from chainrule.tables.errors import TableError, TableWarning
from chainrule.tables.kept import WHOLE_NUMBER, kept_columns, kept_names
from chainrule.tables.names import tidy
from chainrule.tables.number_target import SeveralTargets
from chainrule.tables.open_marks import OpenMarks
from chainrule.tables.portions import PORTION_ROWS, Portions, counted_from, open_portions
from chainrule.tables.reading import Reading
from chainrule.tables.source import Source
from chainrule.tables.targets import known_rows
from chainrule.tables.values import is_text

#: Bytes of a field of a table, in any form in which it is held while a portion is read.
FIELD_BYTES = 100

LEAST_ROWS = 256


class Part(NamedTuple):
    """Rows that follow the last part's.

    Attributes
    ----------
    first : int
        Number of the first, from 0.
    source : Source
        With the columns that were asked for.
    X : ndarray of shape (n_samples, n_features)
        For an ensemble a pyarrow.Table, as `Preprocessor.read` gives it.
    """

    first: int
    source: Source
    X: Any


def portions_of(model: Any, table: Any, memory: Any) -> Portions:
    """Open a table so that about so much memory holds a portion with its features."""
    if isinstance(table, Portions):
        return table
    room, columns = memory_bytes(memory), model.preprocessor.columns
    n_features = len(model.preprocessor.feature_names)
    each = len(columns) * FIELD_BYTES + 3 * n_features * np.dtype(model._dtype).itemsize
    return open_portions(table, model.csv, int(np.clip(room / 2 / each, LEAST_ROWS, PORTION_ROWS)))


def parts_of(model: Any, portions: Portions, further: Sequence[str] = (), **options: Any) -> Iterator[Part]:
    """Yield the rows of a table encoded, with further columns; warn once, when all were read.

    Warns
    -----
    TableWarning
        As `Preprocessor.transform`, for all rows together.
    """
    model._read(portions.header, **options)  # names that are not there
    for note in portions.header.notes:
        warnings.warn(note, TableWarning, stacklevel=3)
    remarks = Remarks()
    marks = OpenMarks({one.name: one.reading or Reading(one.kind) for one in model.preprocessor.columns})
    for first, source in portions.of([*map(tidy, model.columns), *further]):
        with counted_from(first):
            rows = model._read(source)
            marks.add(rows)
            yield Part(first, source, model._encoded(rows, remarks=remarks))
    marks.end()
    if str(remarks):
        warnings.warn(str(remarks), TableWarning, stacklevel=3)


def evaluate_in_portions(model: Any, table: Any, weight: Any, memory: Any) -> Evaluation:
    """Compare predictions with the targets, as `TableModel.evaluate` does, in portions."""
    if weight is not None and not isinstance(weight, str):
        raise TableError("sample_weight is an array; with memory= expected the name of a column")
    names = [tidy(name) for name in model.target.names]
    also = [tidy(weight)] if isinstance(weight, str) else []
    portions = portions_of(model, table, memory)
    measuring, alone, n_rows = Measuring(model.target), Measuring(model.target), 0
    several = isinstance(model.target, SeveralTargets)
    targets = model.target.targets if several else [model.target]
    marks = OpenMarks({one.name: one.reading for one in targets if one.reading is not None})
    for part in parts_of(model, portions, [*names, *also], with_target=True, also=also):
        with counted_from(part.first):
            rows = model._read(part.source, with_target=True, also=also)
            marks.add(part.source.read(names).rename_columns(model.target.names))
            weights = row_weights(also[0] if also else None, rows)
            known = np.logical_and.reduce([known_rows(rows[name]) for name in model.target.names])
            n_rows += len(known)
            y = model.target.encode(*(rows[name].filter(pa.array(known)) for name in model.target.names))
            X = part.X.filter(pa.array(known)) if isinstance(part.X, pa.Table) else part.X[known]
            weights = None if weights is None else weights[known]
            measuring.add(model._outputs(X), y, weights)
            if model.members:
                alone.add(model._outputs(X, alone=True), y, weights)
    marks.end()
    if not n_rows:
        raise TableError(f"{portions.header.title} has no rows, expected at least one")
    evaluation = measuring.evaluation()
    if model.members:
        evaluation = evaluation.beside(alone.evaluation())
    if evaluation.n_samples < n_rows:
        dropped, quoted = n_rows - evaluation.n_samples, " or ".join(map(repr, names))
        warnings.warn(
            f"{dropped:,} row{'s' * (dropped > 1)} of {n_rows:,} without a value of {quoted} dropped",
            TableWarning,
            stacklevel=3,
        )
    return evaluation


def predictions_of(model: Any, source: Source, *, proba: bool, keep: Sequence[str] = ()) -> pa.Table:
    """Return columns to keep, predictions and, if asked for, "probability_<class>".

    Predictions of one target are called "prediction", of several "prediction_<target>".
    """
    return _predictions(model, model._outputs(model._features(source)), kept_columns(source, keep), proba)


def predictions_in_portions(
    model: Any, portions: Portions, *, proba: bool, keep: Sequence[str] = ()
) -> Iterator[pa.Table]:
    """Yield what `predictions_of` returns, portion by portion."""
    names = kept_names(portions.header, keep)
    whole = _whole_numbers(portions, names)
    for part in parts_of(model, portions, names):
        kept = kept_columns(part.source, names, whole)
        yield _predictions(model, model._outputs(part.X), kept, proba)


def _predictions(model: Any, outputs: NDArray[Any], columns: dict[str, Any], proba: bool) -> pa.Table:
    target = model.target
    made: dict[str, Any] = {}
    if isinstance(target, ClassTarget):
        outputs = outputs.reshape(len(outputs), len(target.classes))
        made["prediction"] = target.decode(outputs.argmax(axis=1))
        for label, column in zip(target.classes, outputs.T, strict=True) if proba else ():
            text = str(label).lower() if isinstance(label, bool) else str(label)
            made[f"probability_{text}"] = column
    elif proba:
        raise TableError(model._no_probabilities)
    else:
        found = target.decode(outputs)
        several = isinstance(target, SeveralTargets)
        made = {f"prediction_{n}": c for n, c in zip(target.names, found.T, strict=True)} if several else {
            "prediction": found
        }  # fmt: skip
    both = [name for name in made if name in columns]
    if both:
        raise TableError(f"the column {both[0]!r} to keep is called like one of the result, rename it")
    is_text = isinstance(target, ClassTarget) and target.kind == "text"
    types = {"prediction": pa.string()} if is_text else {}
    return pa.table(columns | {name: pa.array(values, types.get(name)) for name, values in made.items()})


def _whole_numbers(portions: Portions, names: Sequence[str]) -> dict[str, bool] | None:
    """Say of columns of text in a file whether all is whole numbers, which takes a look at all rows."""
    if not (names and portions.header.is_file):
        return None
    whole = dict.fromkeys(names, True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TableWarning)  # they come when the rows are read to predict
        for _, source in portions.of(names):
            table = source.read(names)
            for name in names:
                if whole[name] and is_text(table[name].type):
                    matches = pc.match_substring_regex(table[name], WHOLE_NUMBER)
                    whole[name] = pc.all(matches, min_count=0).as_py()
    return whole
