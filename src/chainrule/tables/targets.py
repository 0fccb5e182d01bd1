"""What is to be predicted: made for a column, read from a table, taken apart for a file and put together."""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from chainrule._words import counted
from chainrule.tables.class_target import ClassTarget
from chainrule.tables.errors import TableError, TableWarning
from chainrule.tables.number_target import NumberTarget, SeveralTargets
from chainrule.tables.reading import Reading
from chainrule.tables.tasks import Task
from chainrule.tables.values import in_seconds, is_number, is_span, is_text, plain, plain_type, to_text

Target = ClassTarget | NumberTarget | SeveralTargets


def read_target(target: ClassTarget | NumberTarget, values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a target's column with its text read, null where a value is missing."""
    values = plain(values)
    if not is_text(values.type):
        if target.reading is not None and target.reading.durations and is_span(values.type):
            return in_seconds(values)
        return values if target.reading is None else _without_codes(values, target.reading)
    usual: Any = "number" if isinstance(target, NumberTarget) else _usual_kind(target)
    return (target.reading or Reading(usual)).apply(target.name, values)


def _without_codes(values: pa.ChunkedArray, reading: Reading) -> pa.ChunkedArray:
    return reading.without_codes(values) if is_number(values.type) else values


def _usual_kind(target: ClassTarget) -> str:
    return {"integer": "number"}.get(target.kind, target.kind)


def known_rows(values: pa.ChunkedArray) -> NDArray[np.bool_]:
    """Return where a column has a value: neither null, nor NaN, nor empty text."""
    missing = pc.is_null(values, nan_is_null=True)
    if is_text(plain_type(values.type)):
        missing = pc.is_null(to_text("", values))
    known: NDArray[np.bool_] = ~missing.to_numpy()
    return known


def drop_unknown(rows: pa.Table, names: Sequence[str]) -> tuple[pa.Table, NDArray[np.int64]]:
    """Drop the rows without a target, with a warning; TableError where none is left.

    Returns
    -------
    table : pyarrow.Table
        The rows that are kept.
    numbers : ndarray of int64
        Their numbers, from 1.
    """
    known = np.logical_and.reduce([known_rows(rows[name]) for name in names])
    quoted = " or ".join(map(repr, names))
    if not known.any():
        raise TableError(f"the target {quoted} has no values, expected at least two different ones")
    numbers = np.flatnonzero(known) + 1
    if known.all():
        return rows, numbers
    dropped = counted(int((~known).sum()), "row")
    warnings.warn(
        f"{dropped} of {len(known):,} without a value of {quoted} dropped", TableWarning, stacklevel=4
    )
    return rows.filter(pa.array(known)), numbers


def fit_target(
    name: str,
    values: pa.ChunkedArray,
    task: Task,
    *,
    centered: bool = True,
    reading: Reading | None = None,
) -> ClassTarget | NumberTarget:
    """Fit the target of a task to a column without missing values; `centered` is that of `NumberTarget`."""
    if task == "classification":
        return ClassTarget.fit(name, values, reading)
    return NumberTarget.fit(name, values, centered=centered, reading=reading)


def target_state(target: Target) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Take a target apart for a model file."""
    if isinstance(target, SeveralTargets):
        parts = [target_state(one)[1] for one in target.targets]
        settings = {"task": target.task, "name": target.name, "targets": parts}
        return {"mean": target.mean, "scale": target.scale}, settings
    reading = {} if target.reading is None else {"reading": target.reading.to_state()}
    if isinstance(target, ClassTarget):
        settings = {"task": target.task, "name": target.name, "kind": target.kind, "classes": target.classes}
        return {"frequencies": target.frequencies}, settings | reading
    tensors = {"mean": np.array([target.mean]), "scale": np.array([target.scale])}
    return tensors, {"task": target.task, "name": target.name, "centered": target.centered} | reading


def target_from_state(tensors: dict[str, NDArray[Any]], settings: dict[str, Any]) -> Target:
    """Put a target together; the inverse of `target_state`."""
    if "targets" in settings:
        pairs = zip(tensors["mean"], tensors["scale"], settings["targets"], strict=True)
        return SeveralTargets(tuple(_number_target(*pair) for pair in pairs))
    if settings["task"] == "regression":
        (mean,), (scale,) = tensors["mean"].tolist(), tensors["scale"].tolist()
        return _number_target(mean, scale, settings)
    python_type = {"text": str, "boolean": bool, "integer": int, "number": float}[settings["kind"]]
    classes = settings["classes"]
    if not all(isinstance(label, python_type) for label in classes) or len(classes) < 2:
        raise ValueError(f"the classes are not a list of {settings['kind']}")
    if sorted(set(classes)) != classes or tensors["frequencies"].shape != (len(classes),):
        raise ValueError(f"the {len(classes)} classes are not in order, or have no frequencies")
    name, frequencies, reading = str(settings["name"]), tensors["frequencies"], _reading(settings)
    return ClassTarget(name, settings["kind"], classes, frequencies, reading=reading)


def _number_target(mean: float, scale: float, settings: dict[str, Any]) -> NumberTarget:
    if not scale > 0:
        raise ValueError("the target's scale is not positive")
    centered, reading = bool(settings.get("centered", True)), _reading(settings)
    return NumberTarget(str(settings["name"]), float(mean), float(scale), centered, reading=reading)


def _reading(settings: dict[str, Any]) -> Reading | None:
    return Reading.from_state(settings["reading"]) if "reading" in settings else None
