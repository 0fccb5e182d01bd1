"""What decides in a whole table how 1,234 and 3/4/2024 are read, where a table is read in portions."""

from collections.abc import Mapping

import pyarrow as pa

from chainrule.tables import dates, numerals
from chainrule.tables.dates import Order
from chainrule.tables.distinct import Distinct
from chainrule.tables.errors import TableError
from chainrule.tables.numerals import Evidence
from chainrule.tables.reading import Reading, plain_numbers
from chainrule.tables.values import is_text


class OpenMarks:
    """Sees to it that every portion is read as the whole table would be, or says what decides it.

    Parameters
    ----------
    readings : mapping of str to Reading
        Of the columns. Those that leave a decimal mark, or the order of day and month, to the rows at hand
        are watched.

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

    def __init__(self, readings: Mapping[str, Reading]) -> None:
        self._numbers = {n: r for n, r in readings.items() if r.kind == "number" and r.mark is None}
        self._dates = {n: r for n, r in readings.items() if r.kind == "date" and r.day_first is None}
        self._evidence = {name: Evidence() for name in self._numbers}
        self._order = {name: Order() for name in self._dates}
        self._used: dict[str, set[object]] = {name: set() for name in (*self._numbers, *self._dates)}

    def add(self, table: pa.Table) -> None:
        """Look at a portion, which is read by itself."""
        for name, reading in self._numbers.items():
            # Whole numbers say nothing; they are quickly seen.
            if is_text(table[name].type) and plain_numbers(table[name], ",", reading.missing) is None:
                distinct = Distinct.of(table[name], reading.missing)
                found = numerals.evidence(numerals.take_apart(distinct.text), distinct.counts)
                self._evidence[name] += found
                if found.either:
                    self._used[name].add(found.mark or ".")
        for name, reading in self._dates.items():
            if is_text(table[name].type):
                distinct = Distinct.of(table[name], reading.missing)
                order, slashes = dates.order(numerals.plain_signs(distinct.text), distinct.counts)
                self._order[name] += order
                if order.either:
                    self._used[name].add(not slashes if order.decided is None else order.decided)

    def end(self) -> None:
        """Raise TableError where the whole table says something else than a portion did."""
        for name, evidence in self._evidence.items():
            if self._used[name] - {evidence.mark or "."}:
                raise TableError(
                    f"column {name!r} has decimal commas in some rows, and in others numbers such as 1,234, "
                    "which leave it open; say which it is: --decimal (decimal= in Python)"
                )
        for name, order in self._order.items():
            used = self._used[name]
            if len(used) > 1 or (order.decided is not None and used - {order.decided}):
                raise TableError(
                    f"column {name!r} has dates such as 3/4/2024, which some rows leave open and others "
                    "decide; say which it is: --day-first or --month-first (day_first= in Python)"
                )
