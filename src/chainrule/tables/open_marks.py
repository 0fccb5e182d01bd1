"""What decides in a whole table how 1,234 and 3/4/2024 are read, where a table is read in portions."""

from collections.abc import Mapping

import pyarrow as pa

from chainrule.tables import dates, numerals
from chainrule.tables.dates import Order
from chainrule.tables.distinct import Distinct
from chainrule.tables.errors import TableError
from chainrule.tables.numerals import Evidence, Mark
from chainrule.tables.reading import Reading, plain_numbers
from chainrule.tables.values import is_text


class OpenMarks:
    """Sees to it that every portion is read as the whole table would be, or says what decides it.

    Parameters
    ----------
    readings : mapping of str to Reading
        Of the columns. Those that leave a decimal mark, or the order of day and month, to the rows at hand
        are watched.
    posed : bool
        Whether some rows have decided the readings, not the whole table: then all columns of numbers are
        watched.

    Examples
    --------
    >>> marks = OpenMarks({"x": Reading("number")})
    >>> marks.add(pa.table({"x": ["1,234", "5"]}))
    >>> marks.add(pa.table({"x": ["1,5", "2,5"]}))
    >>> marks.end()
    Traceback (most recent call last):
      ...
    chainrule.tables.errors.TableError: column 'x' has decimal commas in some rows, and in others numbers \
such as 1,234, which leave it open; say which it is: --decimal (decimal= in Python)
    """

    def __init__(self, readings: Mapping[str, Reading], *, posed: bool = False) -> None:
        self._numbers = {
            name: reading
            for name, reading in readings.items()
            if reading.kind == "number" and (posed or reading.mark is None)
        }
        self._dates = {n: r for n, r in readings.items() if r.kind == "date" and r.day_first is None}
        self._evidence = {name: Evidence() for name in self._numbers}
        self._plain = dict.fromkeys(self._numbers, True)
        self._order = {name: Order() for name in self._dates}
        self._used: dict[str, set[object]] = {name: set() for name in (*self._numbers, *self._dates)}

    def add(self, table: pa.Table) -> None:
        """Look at a portion, which is read by itself."""
        for name, reading in self._numbers.items():
            if is_text(table[name].type):
                found = self._found(name, table[name], reading)
                self._evidence[name] += found
                if found.either:
                    self._used[name].add(reading.mark or found.mark or ".")
        for name, reading in self._dates.items():
            if is_text(table[name].type):
                distinct = Distinct.of(table[name], reading.missing)
                order, slashes = dates.order(numerals.plain_signs(distinct.text), distinct.counts)
                self._order[name] += order
                if order.either:
                    self._used[name].add(not slashes if order.decided is None else order.decided)

    def _found(self, name: str, values: pa.ChunkedArray, reading: Reading) -> Evidence:
        if not reading.missing and plain_numbers(values, reading.mark) is not None:
            return numerals.plain_evidence(values)
        self._plain[name] = False
        distinct = Distinct.of(values, reading.missing)
        return numerals.evidence(numerals.take_apart(distinct.text), distinct.counts)

    def marks(self) -> dict[str, Mark]:
        """Return the decimal marks of columns that were read otherwise than they are in the whole table."""
        around = Evidence()
        for name, found in self._evidence.items():
            around += Evidence(point=int(found.point > 0)) if self._plain[name] else found
        decided: dict[str, Mark] = {n: found.decide(around) or "." for n, found in self._evidence.items()}
        return {name: mark for name, mark in decided.items() if self._used[name] - {mark}}

    def end(self) -> None:
        """Raise TableError where the whole table says something else than a portion did."""
        for name, evidence in self._evidence.items():
            if self._used[name] - {evidence.mark or "."}:
                raise TableError(
                    f"column {name!r} has decimal commas in some rows, and in others numbers such as 1,234, "
                    "which leave it open; say which it is: --decimal (decimal= in Python)"
                )
        self.end_of_dates()

    def end_of_dates(self) -> None:
        """Raise TableError where the whole table has another order of day and month than a portion."""
        for name, order in self._order.items():
            used = self._used[name]
            if len(used) > 1 or (order.decided is not None and used - {order.decided}):
                raise TableError(
                    f"column {name!r} has dates such as 3/4/2024, which some rows leave open and others "
                    "decide; say which it is: --day-first or --month-first (day_first= in Python)"
                )
