"""What a column is learned from, as statistics that merge: chunk by chunk, and machine by machine.

Counts are exact; means and deviations are so up to rounding (Chan, Golub & LeVeque 1979).
"""

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from chainrule._words import counted
from chainrule.tables.columns import (
    MAX_CATEGORIES,
    MOST_DISTINCT,
    CategoryColumn,
    Column,
    NumberColumn,
)
from chainrule.tables.reading import Reading
from chainrule.tables.values import is_date, is_number, is_text, plain_type, to_numbers, to_text

#: Distinct texts that are counted; a column with more is like a name in any table.
MOST_TEXTS = 100_000


@dataclass
class NumberSummary:
    """Number, mean and deviation of finite numbers, and how many are missing.

    Examples
    --------
    >>> one, other = NumberSummary(), NumberSummary()
    >>> one.add(np.array([1.0, np.nan]))
    >>> other.add(np.array([3.0, 5.0]))
    >>> one.merge(other)
    >>> one.n, one.missing, one.mean, round(one.scale, 3)
    (3, 1, 3.0, 1.633)
    """

    n: int = 0
    missing: int = 0
    least: float = np.inf
    most: float = -np.inf
    # Squares of what is beyond 1e100 would overflow, of what is below 1e-100 vanish: these are in such units.
    unit: float = 0.0
    center: float = 0.0
    squares: float = 0.0

    def add(self, numbers: NDArray[np.float64]) -> None:
        """Add numbers, NaN where one is missing."""
        known = numbers[~np.isnan(numbers)]
        part = NumberSummary(known.size, numbers.size - known.size)
        if known.size:
            part.least, part.most = float(known.min()), float(known.max())
            largest = max(abs(part.least), abs(part.most))
            part.unit = 1.0 if largest == 0 or 1e-100 < largest < 1e100 else 2.0 ** (np.frexp(largest)[1] - 1)
            known = known / part.unit
            part.center = float(known.mean())
            part.squares = float(((known - part.center) ** 2).sum())
        self.merge(part)

    def merge(self, other: "NumberSummary") -> None:
        """Add what another part of the rows has."""
        total = self.n + other.n
        if other.n:
            unit = max(self.unit, other.unit)
            own, others = self.unit / unit, other.unit / unit
            apart = other.center * others - self.center * own
            self.center = self.center * own + apart * (other.n / total)
            self.squares = self.squares * own**2 + other.squares * others**2
            self.squares += apart**2 * (self.n * other.n / total)
            self.unit = unit
        self.n, self.missing = total, self.missing + other.missing
        self.least, self.most = min(self.least, other.least), max(self.most, other.most)

    @property
    def mean(self) -> float:
        """The mean; 0 where there are no numbers."""
        return self.center * self.unit

    @property
    def scale(self) -> float:
        """The standard deviation; 0 where it is rounding only."""
        if not self.n or self.least == self.most:
            return 0.0
        scale = float(np.sqrt(self.squares / self.n))
        return scale * self.unit if scale > 10 * np.finfo(np.float64).eps * abs(self.center) else 0.0


@dataclass
class TextSummary:
    """How often each text stands there, and how many are missing; `counts` is None beyond `MOST_TEXTS`."""

    n: int = 0
    missing: int = 0
    counts: dict[str, int] | None = field(default_factory=dict)

    def add(self, text: pa.ChunkedArray) -> None:
        """Add text, null where it is missing."""
        counts = {row["values"]: row["counts"] for row in pc.value_counts(text).to_pylist()}
        self.merge(TextSummary(len(text), counts.pop(None, 0), counts))

    def merge(self, other: "TextSummary") -> None:
        """Add what another part of the rows has."""
        self.n += other.n
        self.missing += other.missing
        if self.counts is None or other.counts is None:
            self.counts = None
            return
        for text, count in other.counts.items():
            self.counts[text] = self.counts.get(text, 0) + count
        if len(self.counts) > MOST_TEXTS:
            self.counts = None


class ColumnSummary:
    """A column of a table, summed up for `Preprocessor`.

    Parameters
    ----------
    name : str
    kind : pyarrow.DataType
        Of its values.
    reading : Reading or None
        How text is read.

    Examples
    --------
    >>> summary = ColumnSummary("heating", pa.string(), None)
    >>> for part in (["gas", None], ["oil", "gas"]):
    ...     summary.add(pa.chunked_array([part]))
    >>> summary.column().feature_names
    ['heating=gas', 'heating=oil', 'heating is missing']
    """

    def __init__(self, name: str, kind: Any, reading: Reading | None) -> None:
        self.name, self.reading = name, reading
        kind = plain_type(kind)
        read_as = reading.kind if reading is not None and is_text(kind) else None
        self.kind: Literal["number", "date", "boolean", "text"]
        if is_date(kind) or read_as == "date":
            self.kind = "date"
        elif read_as == "number" or (read_as is None and (is_number(kind) or pa.types.is_duration(kind))):
            self.kind = "number"
        else:
            self.kind = "boolean" if pa.types.is_boolean(kind) or read_as == "boolean" else "text"
        self.summary: NumberSummary | TextSummary = (
            NumberSummary() if self.kind in ("number", "date") else TextSummary()
        )

    def add(self, values: pa.ChunkedArray) -> None:
        """Add rows."""
        if isinstance(self.summary, NumberSummary):
            kind: Any = self.kind
            self.summary.add(to_numbers(self.name, values, kind, self.reading))
        else:
            boolean = self.kind == "boolean"
            reading = self.reading or Reading(self.kind)
            self.summary.add(to_text(self.name, values, boolean=boolean, reading=reading))

    def merge(self, other: "ColumnSummary") -> None:
        """Add what another part of the rows has."""
        mine: Any = self.summary
        mine.merge(other.summary)

    def column(self) -> Column | str:
        """Return the column as `fit_column` would make it of all rows; or why it is left out."""
        kind: Any = self.kind
        if isinstance(self.summary, NumberSummary):
            one = self.summary
            if not one.n:
                return "has no values"
            scale = one.scale
            if scale == 0 and not one.missing:
                same = one.least == one.most
                return "has one value only" if same else "has values too close to each other to compute with"
            return NumberColumn(self.name, kind, one.mean, scale or 1.0, one.missing > 0, self.reading)
        text, counts = self.summary, self.summary.counts
        if counts is None:
            return f"has more than {MOST_TEXTS:,} different texts, like a name"
        if not counts:
            return "has no values"
        if len(counts) + (text.missing > 0) == 1:
            return "has one value only"
        if len(counts) > max(MOST_DISTINCT, text.n / 2):
            return f"has {len(counts):,} different texts in {counted(text.n, 'row')}, like a name"
        other = len(counts) > MAX_CATEGORIES
        by_frequency = sorted(counts, key=lambda category: (-counts[category], category))
        kept = by_frequency[: MAX_CATEGORIES - 1] if other else by_frequency
        return CategoryColumn(self.name, kind, sorted(kept), text.missing > 0, other, self.reading)
