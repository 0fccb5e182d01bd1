"""The column to predict: which task it poses, what the network learns for it, and back to its own values."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from chainrule._words import counted, listed
from chainrule.tables.columns import MOST_DISTINCT
from chainrule.tables.errors import TableError, TableWarning
from chainrule.tables.reading import Reading
from chainrule.tables.values import (
    is_number,
    is_text,
    mean_and_scale,
    plain,
    plain_type,
    to_numbers,
    to_text,
)

Task = Literal["classification", "regression"]
TASKS: tuple[Task, ...] = ("classification", "regression")

#: Whole numbers of at most this many different values are taken as classes.
MAX_NUMBER_CLASSES = 20


@dataclass(frozen=True)
class ClassTarget:
    """Classes: the network learns their indices.

    Attributes
    ----------
    name : str
        The column's.
    kind : {"text", "boolean", "integer", "number"}
        What the labels are.
    classes : list of str, bool, int or float
        Sorted labels.
    frequencies : ndarray of shape (n_classes,)
        Shares of the training rows.
    reading : Reading or None
        How text is read; None for the usual way.
    """

    name: str
    kind: Literal["text", "boolean", "integer", "number"]
    classes: list[Any]
    frequencies: NDArray[np.float64]
    task: Task = "classification"
    reading: Reading | None = None

    @property
    def names(self) -> list[str]:
        """Names of the columns that are predicted."""
        return [self.name]

    @property
    def n_outputs(self) -> int:
        """How many probabilities the network gives."""
        return len(self.classes)

    @classmethod
    def fit(cls, name: str, values: pa.ChunkedArray, reading: Reading | None = None) -> Self:
        """Find the classes of a column without missing values."""
        kind = _label_kind(name, values)
        labels, counts = np.unique(_labels(name, values, kind), return_counts=True)
        classes = labels.tolist()
        if len(classes) == 1:
            raise TableError(f"the target {name!r} has one class only, {classes[0]!r}, expected at least two")
        if len(classes) > max(MOST_DISTINCT, len(values) / 2):
            raise TableError(
                f"the target {name!r} has {len(classes):,} classes in {len(values):,} rows, expected several "
                "rows of each; is it the right column?"
            )
        return cls(name, kind, classes, counts / counts.sum(), reading=reading)

    def encode(self, values: pa.ChunkedArray) -> NDArray[np.int64]:
        """Return class indices (n_samples,) of a column without missing values."""
        labels = _labels(self.name, values, self.kind, self.reading)
        classes = np.array(self.classes, dtype=labels.dtype if self.kind != "text" else object)
        index = np.searchsorted(classes, labels).astype(np.int64)
        unknown = classes[np.minimum(index, len(classes) - 1)] != labels
        if unknown.any():
            raise TableError(
                f"the target {self.name!r} has {listed(np.unique(labels[unknown]).tolist())} in "
                f"{counted(int(unknown.sum()), 'row')}, expected the classes that training had: "
                f"{listed(self.classes)}"
            )
        return index

    def decode(self, index: NDArray[np.int64]) -> NDArray[Any]:
        """Return the labels (n_samples,) of class indices; text as objects."""
        return np.array(self.classes, dtype=object if self.kind == "text" else None)[index]


@dataclass(frozen=True)
class NumberTarget:
    """Numbers: the network learns (value - mean) / scale.

    Attributes
    ----------
    name : str
        The column's.
    mean, scale : float
        Of the training rows, in the target's own units.
    centered : bool
        Whether the mean is subtracted. It is not for losses of positive numbers, such as "poisson".
    reading : Reading or None
        How text is read as numbers; None for the usual way.
    """

    name: str
    mean: float
    scale: float
    centered: bool = True
    task: Task = "regression"
    reading: Reading | None = None

    @property
    def names(self) -> list[str]:
        """Names of the columns that are predicted."""
        return [self.name]

    @property
    def n_outputs(self) -> int:
        """How many numbers the network gives."""
        return 1

    @property
    def shift(self) -> float:
        """What is subtracted before the network, and added to its outputs."""
        return self.mean if self.centered else 0.0

    @classmethod
    def fit(
        cls, name: str, values: pa.ChunkedArray, *, centered: bool = True, reading: Reading | None = None
    ) -> Self:
        """Find mean and scale of a column without missing values."""
        mean, scale = mean_and_scale(to_numbers(name, values, reading=reading))
        if scale == 0:
            raise TableError(f"the target {name!r} is {mean:g} in every row, expected different values")
        return cls(name, mean, scale, centered, reading=reading)

    def encode(self, values: pa.ChunkedArray) -> NDArray[np.float64]:
        """Return standardised values (n_samples,) of a column without missing values."""
        return (to_numbers(self.name, values, reading=self.reading) - self.shift) / self.scale

    def decode(self, outputs: NDArray[Any]) -> NDArray[np.float64]:
        """Return values in the target's own units."""
        return outputs.astype(np.float64) * self.scale + self.shift


@dataclass(frozen=True)
class SeveralTargets:
    """Numbers of several columns: an output for each.

    Attributes
    ----------
    targets : tuple of NumberTarget
        In the order of the network's outputs.
    """

    targets: tuple[NumberTarget, ...]
    task: Task = "regression"

    @property
    def names(self) -> list[str]:
        """Names of the columns that are predicted."""
        return [target.name for target in self.targets]

    @property
    def name(self) -> str:
        """All of them, for messages."""
        return ", ".join(self.names)

    @property
    def n_outputs(self) -> int:
        """How many numbers the network gives."""
        return len(self.targets)

    @property
    def mean(self) -> NDArray[np.float64]:
        """Means of the training rows, shape (n_targets,)."""
        return np.array([target.mean for target in self.targets])

    @property
    def scale(self) -> NDArray[np.float64]:
        """Scales, shape (n_targets,)."""
        return np.array([target.scale for target in self.targets])

    @property
    def shift(self) -> NDArray[np.float64]:
        """What is subtracted before the network, and added to its outputs, shape (n_targets,)."""
        return np.array([target.shift for target in self.targets])

    def encode(self, *columns: pa.ChunkedArray) -> NDArray[np.float64]:
        """Return standardised values (n_samples, n_targets) of columns without missing values."""
        pairs = zip(self.targets, columns, strict=True)
        return np.column_stack([target.encode(values) for target, values in pairs])

    def decode(self, outputs: NDArray[Any]) -> NDArray[np.float64]:
        """Return values in the targets' own units."""
        return outputs.astype(np.float64) * self.scale + self.shift


Target = ClassTarget | NumberTarget | SeveralTargets


def read_target(target: ClassTarget | NumberTarget, values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a target's column with its text read, null where a value is missing."""
    values = plain(values)
    if not is_text(values.type):
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


def infer_task(name: str, values: pa.ChunkedArray) -> tuple[Task, str]:
    """Return the task that a column without missing values poses, and why.

    Text, booleans and dictionaries are classes, and so are whole numbers of at most 20 different values;
    other numbers are quantities.

    Examples
    --------
    >>> infer_task("price", pa.chunked_array([[1.5, 2.0]]))
    ('regression', 'its values are numbers')
    """
    found = values.type
    if pa.types.is_dictionary(found):
        return "classification", "its values are categories"
    if is_text(found):
        return "classification", "its values are text"
    if pa.types.is_boolean(found):
        return "classification", "its values are true or false"
    if is_number(found):
        numbers = to_numbers(name, values)
        if not (numbers == np.floor(numbers)).all():
            return "regression", "its values are numbers"
        if len(np.unique(numbers)) <= MAX_NUMBER_CLASSES:
            return (
                "classification",
                f"its values are whole numbers, at most {MAX_NUMBER_CLASSES} different ones",
            )
        return "regression", f"its values are whole numbers, more than {MAX_NUMBER_CLASSES} different ones"
    raise TableError(f"the target {name!r} has values of type {found}, expected numbers, booleans or text")


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


def _label_kind(name: str, values: pa.ChunkedArray) -> Literal["text", "boolean", "integer", "number"]:
    found = plain_type(values.type)
    if is_text(found):
        return "text"
    if pa.types.is_boolean(found):
        return "boolean"
    if not is_number(found):
        raise TableError(
            f"the target {name!r} has values of type {found}, expected numbers, booleans or text"
        )
    numbers = to_numbers(name, values)
    return "integer" if (numbers == np.floor(numbers)).all() else "number"


def _labels(name: str, values: pa.ChunkedArray, kind: str, reading: Reading | None = None) -> NDArray[Any]:
    """Return labels in their own type, whatever type the column came in; text as objects."""
    values = plain(values)
    if kind == "text":
        return np.array(to_text(name, values, reading=reading).to_pylist(), dtype=object)
    if kind == "boolean":
        return _booleans(name, values)
    if kind == "integer" and is_text(values.type):
        values = (reading or Reading("number")).apply(name, values)
    if kind == "integer" and pa.types.is_integer(values.type):
        return np.array(values.to_pylist())  # exact beyond 2^53
    numbers = to_numbers(name, values, reading=reading)
    if kind == "number":
        return numbers
    whole = numbers == np.floor(numbers)
    if not whole.all():
        raise TableError(
            f"the target {name!r} has the value {numbers[~whole][0]:g}, expected whole numbers as in training"
        )
    return numbers.astype(np.int64)


def _booleans(name: str, values: pa.ChunkedArray) -> NDArray[np.bool_]:
    text = np.array(to_text(name, values, boolean=True).to_pylist(), dtype=object)
    true = text == "true"
    strange = ~true & (text != "false")
    if strange.any():
        raise TableError(f"the target {name!r} has the value {text[strange][0]!r}, expected true or false")
    return np.asarray(true, dtype=bool)
