"""A column of classes to predict."""

from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from chainrule._words import counted, listed
from chainrule.tables.columns import MOST_DISTINCT
from chainrule.tables.errors import TableError
from chainrule.tables.reading import Reading
from chainrule.tables.tasks import Task
from chainrule.tables.values import is_number, is_text, plain, plain_type, to_numbers, to_text


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

    def labels(self, values: pa.ChunkedArray) -> NDArray[Any]:
        """Return the labels (n_samples,) of a column without missing values; text as objects."""
        return _labels(self.name, values, self.kind, self.reading)

    def encode(self, values: pa.ChunkedArray) -> NDArray[np.int64]:
        """Return class indices (n_samples,) of a column without missing values."""
        labels = self.labels(values)
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
    whole = (numbers == np.floor(numbers)).all() and (
        pa.types.is_integer(found) or np.abs(numbers).max() < 2**53
    )
    return "integer" if whole else "number"


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
