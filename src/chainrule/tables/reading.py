"""How the text of a column is read, decided once when a model is fitted and kept in it."""

from dataclasses import dataclass, fields, replace
from typing import Any, Literal, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from chainrule._words import listed
from chainrule.tables import dates, durations, numerals
from chainrule.tables.distinct import Distinct
from chainrule.tables.durations import First
from chainrule.tables.errors import TableError
from chainrule.tables.numerals import Mark

Kind = Literal["number", "date", "boolean", "text"]
EXPECTED = {"number": "a number", "date": "a date such as 2026-01-31", "boolean": "true or false"}


@dataclass(frozen=True)
class Reading:
    """How text is read.

    Attributes
    ----------
    kind : {"number", "date", "boolean", "text"}
        What the column means.
    mark : {".", ","}, optional
        The decimal mark where a number leaves it open, as 1,234 does; None asks the rows at hand.
    magnitudes : tuple of str
        Letters and words after numbers that multiply, such as "k"; in other columns they are units.
    day_first : bool, optional
        Whether 3/4/2024 is in April; None asks the rows at hand.
    missing : tuple of str
        Words that mean a missing value here, beside those that do everywhere.
    verbatim : bool
        Whether every word is a value, "NA" too: the column was said to be text.
    lenient : bool
        Whether all that cannot be read is missing.
    durations : {"hours", "minutes"}, optional
        That the numbers are seconds, of durations such as 1:02:03, and what the first of 1:02 counts.
    """

    kind: Kind
    mark: Mark | None = None
    magnitudes: tuple[str, ...] = ()
    day_first: bool | None = None
    missing: tuple[str, ...] = ()
    verbatim: bool = False
    lenient: bool = False
    durations: First | None = None

    def text(self, values: pa.ChunkedArray) -> pa.ChunkedArray:
        """Return text without blanks around it, null where a value is missing."""
        distinct = Distinct.of(values, self.missing, verbatim=self.verbatim)
        return distinct.spread(distinct.text)

    def apply(self, name: str, values: pa.ChunkedArray) -> pa.ChunkedArray:
        """Read text as what the column means.

        Parameters
        ----------
        name : str
            The column's, for messages.
        values : pyarrow.ChunkedArray of strings
            Rows as they stand in the table.

        Returns
        -------
        pyarrow.ChunkedArray
            Of int64 or float64, date32, timestamp or time64, booleans, or large_string.

        Raises
        ------
        TableError
            With the row of the first text that cannot be read so.

        Examples
        --------
        >>> Reading("number", mark=",").apply("x", pa.chunked_array([["1,5", "-", "1.234 kg"]])).to_pylist()
        [1.5, None, 1234.0]
        """
        if self.kind == "text":
            return self.text(values)
        if self.kind == "number" and not self.durations:
            quick = plain_numbers(values, self.mark, self.missing)
            if quick is not None:
                return self.without_codes(quick)
        distinct = Distinct.of(values, self.missing)
        found, valid = self.read(distinct)
        unread = ~valid & ~distinct.placeholders()
        if unread.any() and not self.lenient:
            row, word = distinct.first(unread)
            expected = "a duration such as 1:30:00" if self.durations else EXPECTED[self.kind]
            raise TableError(
                f"column {name!r} has the text {listed([word])} in row {row:,}, expected {expected}"
            )
        return distinct.spread(found)

    def read(self, distinct: Distinct) -> tuple[pa.Array, NDArray[np.bool_]]:
        """Read distinct texts; null, and False, where one is none of the kind."""
        if self.kind == "number":
            return self._numbers(distinct)
        return self._moments(distinct) if self.kind == "date" else booleans(distinct.text)

    def without_codes(self, values: pa.ChunkedArray) -> pa.ChunkedArray:
        """Return a column of numbers, with null for those that mean a missing value, such as 9999."""
        codes = self.missing_numbers
        if not codes:
            return values
        numbers = pc.cast(values, pa.float64(), safe=False)
        return pc.if_else(pc.is_in(numbers, pa.array(codes)), pa.scalar(None, values.type), values)

    @property
    def is_as_programs_write(self) -> bool:
        """Whether plain numbers are read as programs do, without a word for a missing value."""
        return not (self.mark == "," or self.missing or self.durations)

    @property
    def missing_numbers(self) -> list[float]:
        """Those words for a missing value that are numbers."""
        if not self.missing or self.durations:
            return []
        numbers = numerals.values(numerals.take_apart(pa.array(self.missing, pa.large_string())), ".")
        return [float(number) for number in numbers if number == number]

    @property
    def missing_days(self) -> list[float]:
        """Those words for a missing value that are dates, as days since 1970."""
        found = dates.moments(pa.array(self.missing, pa.large_string()), day_first=bool(self.day_first))
        return (found.microseconds[found.valid] / dates.DAY).tolist()  # type: ignore[no-any-return]

    def _numbers(self, distinct: Distinct) -> tuple[pa.Array, NDArray[np.bool_]]:
        if self.durations:
            seconds = durations.seconds(numerals.plain_signs(distinct.text), self.durations)
            return pa.array(seconds, mask=np.isnan(seconds)), ~np.isnan(seconds)
        written = numerals.take_apart(distinct.text)
        mark = self.mark or numerals.evidence(written, distinct.counts).mark or "."
        numbers = numerals.values(written, mark)
        if self.magnitudes:
            factors = [
                numerals.MAGNITUDES[one] if one in self.magnitudes else 1.0 for _, one in written.suffixes
            ]
            numbers = numbers * np.array(factors)[written.suffix]
        codes = self.missing_numbers
        valid = ~np.isnan(numbers)
        numbers = np.where(np.isin(numbers, codes), np.nan, numbers) if codes else numbers
        return pa.array(numbers, mask=np.isnan(numbers)), valid

    def _moments(self, distinct: Distinct) -> tuple[pa.Array, NDArray[np.bool_]]:
        text = numerals.plain_signs(distinct.text)
        day_first = self.day_first
        if day_first is None:
            order, slashes = dates.order(text, distinct.counts)
            day_first = not slashes if order.decided is None else order.decided
        found = dates.moments(text, day_first=day_first)
        if not found.valid.any():
            found = dates.times(text)
            if found.valid.any():
                times = pa.array(found.microseconds, pa.time64("us"), mask=~found.valid)
                return times, found.valid
        moments = pa.array(found.microseconds, pa.timestamp("us"), mask=~found.valid)
        return (moments if found.clock.any() else moments.cast(pa.date32())), found.valid

    def said(self, mark: Mark | None, missing: tuple[str, ...], day_first: bool | None) -> Self:
        """Return this reading for a table of which something else was said; None and () leave it as it is."""
        return replace(
            self,
            mark=self.mark if mark is None or self.kind != "number" else mark,
            missing=tuple(dict.fromkeys((*self.missing, *missing))),
            day_first=self.day_first if day_first is None or self.kind != "date" else day_first,
        )

    # Leaving and entering.

    def to_state(self) -> dict[str, Any]:
        """Return the reading for a model file, without what is as usual."""
        usual = Reading(self.kind)
        state = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in state.items() if value != getattr(usual, name)} | {
            "kind": self.kind
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """Return the reading of a model file; ValueError where it is none."""
        known = {field.name for field in fields(cls)}
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in dict(state).items()
            if name in known
        }
        reading = cls(**values)
        texts = (*reading.missing, *reading.magnitudes)
        if (
            reading.kind not in (*EXPECTED, "text")
            or reading.mark not in (None, ".", ",")
            or reading.day_first not in (None, True, False)
            or reading.durations not in (None, "hours", "minutes")
            or not all(isinstance(one, str) for one in texts)
            or not set(reading.magnitudes) <= numerals.MAGNITUDES.keys()
        ):
            raise ValueError(f"a column cannot be read as {state!r}")
        return reading


#: Whole numbers, and all numbers, as programs write them.
WHOLE = r"^-?\d{1,18}$"
PLAIN = r"^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$|^[+-]?(?i:inf|infinity)$"


def plain_numbers(
    values: pa.ChunkedArray, mark: Mark | None = None, missing: tuple[str, ...] = ()
) -> pa.ChunkedArray | None:
    """Return text as int64 or float64 where all of it is written as programs do; None for other text."""
    # A cast that fails is slow, one that succeeds is not: patterns decide.
    if not missing:
        numbers = _cast(values, mark)
        if numbers is not None:
            return numbers
    start = Distinct.of(values.slice(0, 100), missing)
    if _cast(start.text, mark) is None:
        return None
    distinct = Distinct.of(values, missing)
    numbers = _cast(distinct.text, mark)
    return None if numbers is None else distinct.spread(numbers)


def _cast(text: Any, mark: Mark | None) -> Any:
    for pattern, wanted in ((WHOLE, pa.int64()), (PLAIN, pa.float64()))[: 1 if mark == "," else 2]:
        if _all_match(text.slice(0, 100), pattern) and (len(text) <= 100 or _all_match(text, pattern)):
            return text.cast(wanted)
    return None


def _all_match(text: Any, pattern: str) -> bool:
    return bool(pc.all(pc.match_substring_regex(text, pattern), min_count=0).as_py())


def booleans(text: pa.Array) -> tuple[pa.Array, NDArray[np.bool_]]:
    """Read "true" and "false" in any case, 1 and 0; null, and False, for other texts."""
    lower = pc.utf8_lower(text)
    true = pc.is_in(lower, pa.array(["true", "1"], lower.type)).to_numpy(zero_copy_only=False)
    false = pc.is_in(lower, pa.array(["false", "0"], lower.type)).to_numpy(zero_copy_only=False)
    return pa.array(true, mask=~(true | false)), true | false
