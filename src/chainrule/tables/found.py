"""What was said of a column, and what was found of it."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from chainrule._words import counted, listed
from chainrule.tables.dates import Order
from chainrule.tables.distinct import Distinct
from chainrule.tables.numerals import Evidence, Mark
from chainrule.tables.reading import Reading

#: Of the values of a column of numbers or dates, so many may be something else.
MOST_ODD = 0.1
#: A model keeps so many odd words by name; beyond, all that cannot be read is missing.
MOST_WORDS = 100


@dataclass(frozen=True)
class Choice:
    """What was said of a column, so that it is not guessed.

    Attributes
    ----------
    kind : {"number", "text"} or None
    mark : {".", ","} or None
        The decimal mark.
    day_first : bool or None
        Whether 3/4/2024 is in April.
    missing : tuple of str
        Words for a missing value.
    """

    kind: Literal["number", "text"] | None = None
    mark: Mark | None = None
    day_first: bool | None = None
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class Around:
    """What the columns of a table say together; the sum of two is that of all their columns."""

    evidence: Evidence = field(default_factory=Evidence)
    order: Order = field(default_factory=Order)

    def __add__(self, other: "Around") -> "Around":
        return Around(self.evidence + other.evidence, self.order + other.order)


@dataclass(frozen=True)
class Found:
    """What a column means.

    Attributes
    ----------
    reading : Reading
    values : pyarrow.ChunkedArray or None
        The column, where it has been read already.
    around : Around
        What this column says of decimal marks, and of days and months.
    notes : tuple of str
        What was guessed, in words that go on after the column's name.
    open : bool
        Whether the other columns of the table decide the decimal mark, or the order of day and month.
    """

    reading: Reading
    values: pa.ChunkedArray | None = None
    around: Around = field(default_factory=Around)
    notes: tuple[str, ...] = ()
    open: bool = False


def mostly(n_read: int, n_known: int) -> bool:
    """Whether so many of the known values make a column of their kind: nine tenths, or all but one.

    Examples
    --------
    >>> mostly(90, 100), mostly(89, 100), mostly(5, 6)
    (True, False, True)
    """
    odd = n_known - n_read
    return n_read > 0 and (odd <= MOST_ODD * n_known or (odd == 1 and n_read >= 3))


def odd_words(distinct: Distinct, read: NDArray[np.bool_]) -> tuple[tuple[str, ...], bool]:
    """Return the words that are missing values, or none and True where there are too many to name."""
    odd = distinct.text.filter(pa.array(~read))
    return (tuple(odd.to_pylist()), False) if len(odd) <= MOST_WORDS else ((), True)


def odd_note(distinct: Distinct, read: NDArray[np.bool_], kind: str) -> list[str]:
    """Say which values count as missing, and in which rows."""
    odd = np.flatnonzero(~read)
    if not odd.size:
        return []
    words = []
    for place in odd[:3]:
        n, row = int(distinct.counts[place]), distinct.first_row(int(place))
        where = f"in row {row:,}" if n == 1 else f"in {counted(n, 'row')}, first in row {row:,},"
        words.append(f"{listed([distinct.text[int(place)].as_py()])} {where}")
    if len(odd) > 3:
        words.append(f"{len(odd) - 3:,} more")
    shown = " and ".join(words) if len(words) < 3 else ", ".join(words)
    n_read, total = int(distinct.counts[read].sum()), int(distinct.counts.sum())
    verb = "counts" if len(odd) == 1 else "count"
    return [f"{n_read:,} of {total:,} values are {kind}; {shown} {verb} as missing"]
