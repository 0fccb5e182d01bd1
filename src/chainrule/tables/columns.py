"""One column of a table as numbers for a network: standardised, or one-hot encoded.

Each kind of column has `fit` (rows to settings; a string says why the column is no use), `feature_names`, and
`encode` (settings and rows to features).
"""

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from chainrule._words import counted, listed
from chainrule.tables.distinct import trimmed
from chainrule.tables.errors import TableError
from chainrule.tables.reading import Reading
from chainrule.tables.values import (
    MICROSECONDS_PER_DAY,
    USUAL,
    is_date,
    is_number,
    is_text,
    mean_and_scale,
    plain_type,
    to_numbers,
    to_text,
)
from chainrule.tables.words import MISSING_WORDS

#: A text column of more categories keeps the most frequent ones, one fewer than this.
MAX_CATEGORIES = 64

#: Text that differs in more than half of the rows is taken for a name, unless it has so few values.
MOST_DISTINCT = 20


@dataclass
class Remarks:
    """What `encode` had to make do with, gathered for one warning."""

    unknown: dict[str, tuple[str, int]] = field(default_factory=dict)  # column: (an example, number of rows)
    missing: dict[str, int] = field(default_factory=dict)  # column: number of rows
    rows: NDArray[np.int64] | None = None  # their numbers in the user's table, from 1

    def row(self, index: int) -> int:
        """Return the number of a row in the user's table."""
        return index + 1 if self.rows is None else int(self.rows[index])

    def lacks(self, name: str, n_rows: int) -> None:
        """Add rows in which a column has no value."""
        self.missing[name] = self.missing.get(name, 0) + n_rows

    def __str__(self) -> str:
        unknown = [
            f"{name!r} ({listed([example])}, {counted(n, 'row')})"
            for name, (example, n) in self.unknown.items()
        ]
        missing = [f"{name!r} ({counted(n, 'row')})" for name, n in self.missing.items()]
        parts = []
        if unknown:
            parts.append(f"categories unknown to the model, taken as none of its own: {', '.join(unknown)}")
        if missing:
            parts.append(
                "missing values where training had none, taken as the mean or as no category: "
                + ", ".join(missing)
            )
        return "; ".join(parts)


@dataclass(frozen=True)
class NumberColumn:
    """Numbers or dates: (value - mean) / scale, then 1 where the value was missing, if any was in training.

    Attributes
    ----------
    name : str
        The column's.
    kind : {"number", "date"}
        Dates and times count days, dates since 1970; durations are numbers of seconds.
    mean, scale : float
        Of the training rows; a missing value is taken as the mean.
    missing : bool
        Whether there is a feature for missing values.
    reading : Reading or None
        How text is read as such values; None for the usual way.
    """

    name: str
    kind: Literal["number", "date"]
    mean: float
    scale: float
    missing: bool
    reading: Reading | None = None

    @classmethod
    def fit(cls, name: str, values: pa.ChunkedArray, reading: Reading | None = None) -> "NumberColumn | str":
        """Find mean and scale; a string says why the column is left out."""
        kind: Literal["number", "date"] = "date" if is_date(values.type) else "number"
        numbers = to_numbers(name, values, kind, reading)
        known = numbers[~np.isnan(numbers)]
        missing = known.size < numbers.size
        if not known.size:
            return "has no values"
        mean, scale = mean_and_scale(known)
        if scale == 0:
            if not missing:
                several = len(pc.unique(values)) > 1
                return (
                    "has values too close to each other to compute with" if several else "has one value only"
                )
            scale = 1.0
        return cls(name, kind, mean, scale, missing, reading)

    @property
    def feature_names(self) -> list[str]:
        """Names of the column's features, in order."""
        return [self.name, f"{self.name} is missing"] if self.missing else [self.name]

    def is_plain(self, values: pa.ChunkedArray) -> bool:
        """Whether values are numbers that are encoded as they are: none is missing, or means it."""
        return (
            self.kind == "number"
            and not self.missing
            and values.type in USUAL
            and not (values.null_count or (self.reading and self.reading.missing))
        )

    def encode(self, values: pa.ChunkedArray, features: NDArray[Any], remarks: Remarks) -> None:
        """Write to features (n_samples, n_features of this column)."""
        numbers = to_numbers(self.name, values, self.kind, self.reading)
        missing = np.isnan(numbers)
        with np.errstate(over="ignore"):
            features[:, 0] = (np.where(missing, self.mean, numbers) - self.mean) / self.scale
        if not np.isfinite(features[:, 0]).all():
            row = int(np.flatnonzero(~np.isfinite(features[:, 0]))[0])
            raise TableError(
                f"column {self.name!r} has {numbers[row]:g} in row {remarks.row(row):,}, too far from the "
                f"values of the training rows (mean {self.mean:g}, standard deviation {self.scale:g})"
            )
        if self.missing:
            features[:, 1] = missing
        elif missing.any():
            remarks.lacks(self.name, int(missing.sum()))

    def read(self, values: pa.ChunkedArray, remarks: Remarks) -> pa.Array:
        """Return the numbers, or the dates as moments; null where a value is missing."""
        numbers = to_numbers(self.name, values, self.kind, self.reading)
        missing = np.isnan(numbers)
        if missing.any() and not self.missing:
            remarks.lacks(self.name, int(missing.sum()))
        if self.kind == "number":
            return pa.array(numbers, mask=missing)
        microseconds = np.where(missing, 0, np.rint(numbers * MICROSECONDS_PER_DAY)).astype(np.int64)
        return pa.array(microseconds, pa.timestamp("us"), mask=missing)


@dataclass(frozen=True)
class CategoryColumn:
    """Text or booleans: one feature per category, 1 where the row has it; then missing, then other.

    Attributes
    ----------
    name : str
        The column's.
    kind : {"text", "boolean"}
        Booleans are the categories "false" and "true".
    categories : list of str
        Sorted; of more than 64 the 63 most frequent.
    missing, other : bool
        Whether there is a feature for missing values, and for categories that are not listed.
    reading : Reading or None
        Which words are missing values; None for the usual ones.
    """

    name: str
    kind: Literal["text", "boolean"]
    categories: list[str]
    missing: bool
    other: bool
    reading: Reading | None = None

    @classmethod
    def fit(
        cls, name: str, values: pa.ChunkedArray, reading: Reading | None = None
    ) -> "CategoryColumn | str":
        """Find the categories; a string says why the column is left out."""
        kind: Literal["text", "boolean"] = (
            "boolean" if pa.types.is_boolean(plain_type(values.type)) else "text"
        )
        text = to_text(name, values, boolean=kind == "boolean", reading=reading or Reading(kind))
        counts = {row["values"]: row["counts"] for row in pc.value_counts(text).to_pylist()}
        missing = counts.pop(None, 0) > 0
        if not counts:
            return "has no values"
        if len(counts) + missing == 1:
            return "has one value only"
        if len(counts) > max(MOST_DISTINCT, len(text) / 2):
            return f"has {len(counts):,} different texts in {counted(len(text), 'row')}, like a name"
        other = len(counts) > MAX_CATEGORIES
        by_frequency = sorted(counts, key=lambda category: (-counts[category], category))
        kept = by_frequency[: MAX_CATEGORIES - 1] if other else by_frequency
        return cls(name, kind, sorted(kept), missing, other, reading)

    @property
    def feature_names(self) -> list[str]:
        """Names of the column's features, in order."""
        names = [f"{self.name}={category}" for category in self.categories]
        return names + [f"{self.name} is missing"] * self.missing + [f"{self.name} is other"] * self.other

    def encode(self, values: pa.ChunkedArray, features: NDArray[Any], remarks: Remarks) -> None:
        """Write to features (n_samples, n_features of this column)."""
        features[...] = 0
        _, index, missing = self.read(values, remarks)
        rows = np.flatnonzero(index >= 0)
        features[rows, index[rows]] = 1
        if self.missing:
            features[missing, len(self.categories)] = 1
        if self.other:
            features[(index < 0) & ~missing, -1] = 1

    def read(
        self, values: pa.ChunkedArray, remarks: Remarks
    ) -> tuple[pa.ChunkedArray, NDArray[np.int64], NDArray[np.bool_]]:
        """Return text, the index of each row's category or -1, and where a value is missing."""
        # A word for a missing value can be a category of this model's: then it is one.
        words = Reading("text", missing=self.reading.missing if self.reading else (), verbatim=True)
        text = to_text(self.name, values, boolean=self.kind == "boolean", reading=words)
        found = pc.index_in(text, trimmed(pa.array(self.categories, pa.large_string())))
        index = pc.fill_null(found, -1).to_numpy().astype(np.int64)
        known = index >= 0
        missing = text.is_null().to_numpy()
        if not (self.reading and self.reading.verbatim):
            missing |= ~known & pc.is_in(text, pa.array(MISSING_WORDS, pa.large_string())).to_numpy()
        unknown = ~known & ~missing
        if missing.any() and not self.missing:
            remarks.lacks(self.name, int(missing.sum()))
        if unknown.any() and not self.other:
            example = text[int(np.flatnonzero(unknown)[0])].as_py()
            first, before = remarks.unknown.get(self.name, (example, 0))
            remarks.unknown[self.name] = (first, before + int(unknown.sum()))
        return text, index, missing


Column = NumberColumn | CategoryColumn


def fit_column(name: str, values: pa.ChunkedArray, reading: Reading | None = None) -> Column | str:
    """Choose the kind of column by its type and fit it; a string says why the column is left out."""
    found = values.type
    if pa.types.is_null(found):
        return "has no values"
    if is_number(found) or is_date(found) or pa.types.is_duration(found):
        return NumberColumn.fit(name, values, reading)
    if pa.types.is_boolean(found) or is_text(found) or pa.types.is_dictionary(found):
        return CategoryColumn.fit(name, values, reading)
    return f"has values of type {values.type}, expected numbers, dates, booleans or text"
