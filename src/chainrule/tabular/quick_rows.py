"""One row in microseconds: each value is looked up in what was prepared once, without Arrow.

What is not among the usual values of a column, such as text with blanks around it, is read as a column of one
row is, so that a row alone has the inputs that it has in a table.
"""

import datetime
import math
import re
from collections.abc import Callable, Sequence
from typing import Any

import narwhals as nw
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from chainrule.tables.frames import to_arrow
from chainrule.tables.reading import Reading
from chainrule.tables.values import MICROSECONDS_PER_DAY
from chainrule.tables.words import MISSING_WORDS
from chainrule.tabular.inputs import Stage
from chainrule.tabular.preparation import CategoryColumn, Preparation, prepared_value

#: Returns a column of the row as Arrow has it.
Column = Callable[[int], pa.ChunkedArray]

#: Numbers and days as programs write them, of which there is one reading.
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?", re.ASCII)
WHOLE = re.compile(r"-?\d{1,18}", re.ASCII)
DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
EPOCH, EPOCH_DAY = datetime.datetime(1970, 1, 1), datetime.date(1970, 1, 1)
MICROSECOND = datetime.timedelta(microseconds=1)
#: What pandas has for a value that is missing, beside None and NaN.
NOTHING = ("NAType", "NaTType")


def only_row(X: Any, names: Any, n_columns: int) -> tuple[Sequence[Any], Column] | None:
    """Return the values of a table's only row, and what returns its columns; None for other tables.

    Parameters
    ----------
    X : DataFrame of pandas, polars or pyarrow, or ndarray of objects or text
    names : ndarray of str, or None
        Those that were fitted, to which the table's must be equal.
    n_columns : int
        Of X, where it has no names.
    """
    if type(X) is np.ndarray:
        if names is not None or X.dtype.kind not in "OU" or X.shape != (1, n_columns):
            return None
        values = X[0].tolist()
        if any(isinstance(value, dict | list | tuple | set | bytes) for value in values):
            return None
        return values, lambda k: to_arrow(str(k), [values[k]])
    if names is None:
        return None
    if nw.dependencies.is_pandas_dataframe(X):
        if len(X) != 1 or X.columns.tolist() != names.tolist():
            return None
        return X.to_numpy(dtype=object)[0], lambda k: to_arrow(str(names[k]), X.iloc[:, k])
    if nw.dependencies.is_polars_dataframe(X):
        if X.height != 1 or X.columns != names.tolist():
            return None
        return X.row(0), lambda k: to_arrow(str(names[k]), X.to_arrow().column(k))
    if isinstance(X, pa.Table):
        if X.num_rows != 1 or X.column_names != names.tolist():
            return None
        return [column[0].as_py() for column in X.columns], lambda k: to_arrow(str(names[k]), X.column(k))
    return None


class QuickRows:
    """Turns the values of a row into members' inputs.

    Parameters
    ----------
    preparation : Preparation
    stage : Stage

    Examples
    --------
    >>> columns = [pa.chunked_array([["a", "b", "a", None]]), pa.chunked_array([[1.0, 2.0, 3.0, 4.0]])]
    >>> preparation, rows = Preparation.fit(columns, np.zeros((4, 1)), seed=0)
    >>> stage = Stage(preparation.layout, embeds=True)
    >>> quick = QuickRows(preparation, stage)
    >>> found = quick.inputs(["a", 3], lambda k: columns[k].slice(2, 1))
    >>> bool((found == stage.expand(rows)[2]).all())
    True
    """

    def __init__(self, preparation: Preparation, stage: Stage) -> None:
        self.preparation = preparation
        self.n_inputs = stage.n_inputs
        self._numbers = [(column, ReadNumber(column.kind, column.reading)) for column in preparation.numbers]
        flags = iter(range(stage.layout.n_values, stage.layout.n_values + stage.layout.n_flags))
        self._flags = [next(flags) if column.missing else None for column in preparation.numbers]
        self._categories = [
            (_Categories(column), _puts(column.n_codes, place))
            for column, place in zip(preparation.categories, stage.places, strict=True)
        ]

    @property
    def categories_by_name(self) -> dict[str, dict[str, int]]:
        """The code of each category, of each column of them."""
        return {lookup.column.name: lookup.codes for lookup, _ in self._categories}

    def inputs(self, row: Sequence[Any], column: Column) -> NDArray[np.float32]:
        """Return the inputs, shape (1, n_inputs).

        Parameters
        ----------
        row : sequence
            A value for each column of X.
        column : callable
            Returns a column of the row.

        Raises
        ------
        TableError
            For values that the column cannot have.
        """
        inputs = np.zeros((1, self.n_inputs), dtype=np.float32)
        (out,) = inputs
        values, missing = [], []
        for k, (one, read) in enumerate(self._numbers):
            number = read(row[one.place])
            if number is None:
                number = float(one.numbers({one.place: column(one.place)})[0])
            if number != number:
                missing.append(k)
            values.append(number)
        for lookup, puts in self._categories:
            code = lookup(row[lookup.place])
            if code is None:
                code = int(lookup.column.codes({lookup.place: column(lookup.place)})[0])
            at, value = puts[code]
            out[at] = value
            if lookup.more is not None:
                values += lookup.more[code]
        if values:
            preparation = self.preparation
            scaled = prepared_value(np.array(values), preparation.center, preparation.factor)
            out[: len(values)] = scaled
        for k in missing:
            out[k] = 0
            if (flag := self._flags[k]) is not None:
                out[flag] = 1
        return inputs


def input_places(preparation: Preparation, stage: Stage) -> dict[str, list[int]]:
    """Return which inputs each column of X makes, by its name; those that are left out are not in it.

    Examples
    --------
    >>> columns = [pa.chunked_array([["a", "b", "c"]]), pa.chunked_array([[1.0, None, 3.0]])]
    >>> preparation, _ = Preparation.fit(columns, np.zeros((3, 1)), seed=0)
    >>> input_places(preparation, Stage(preparation.layout, embeds=True))
    {'1': [0, 1], '0': [2, 3, 4]}
    """
    n_values, flag = len(preparation.numbers), stage.layout.n_values
    found: dict[str, list[int]] = {}
    for k, number in enumerate(preparation.numbers):
        found[number.name] = [k, flag] if number.missing else [k]
        flag += number.missing
    for category, place in zip(preparation.categories, stage.places, strict=True):
        n_more = 0 if category.statistic is None else 1 + category.statistic.shape[1]
        more = range(n_values, n_values + n_more)
        found[category.name] = [*more, *range(place.begin, place.begin + place.width)]
        n_values += n_more
    return found


def _puts(n_codes: int, place: Any) -> list[tuple[int, float]]:
    """Return which input each code sets, and to what; as `Stage.expand` does."""
    codes = range(n_codes + 1)
    if place.embedded:
        return [(place.begin, float(code)) for code in codes]
    if n_codes == 2:
        return [(place.begin, -1.0), (place.begin, 1.0), (place.begin, 0.0)]
    shared = n_codes > place.width
    found = []
    for code in codes:
        at = min(code, place.width - 1) if shared else code
        found.append((place.begin + at, 1.0) if at < place.width else (place.begin, 0.0))
    return found


class ReadNumber:
    """Reads one value of a column of numbers or dates, as days; None where the column must be looked at.

    Parameters
    ----------
    kind : {"number", "date"}
    reading : Reading or None
        How text is read as such values.

    Examples
    --------
    >>> read = ReadNumber("number", None)
    >>> read(3), read(None), read("3 kg")
    (3.0, nan, None)
    >>> ReadNumber("date", None)("1970-01-31")
    30.0
    """

    def __init__(self, kind: str, reading: Reading | None) -> None:
        self.is_date = kind == "date"
        codes: list[float] = []
        if reading is not None:
            codes = reading.missing_days if self.is_date else reading.missing_numbers
        self.codes = frozenset(codes)
        self.pattern = DAY if self.is_date else None
        if reading is not None and not self.is_date:
            self.pattern = None if reading.durations else WHOLE if reading.mark == "," else NUMBER

    def __call__(self, value: Any) -> float | None:
        """Read a value; NaN where it is missing."""
        if value is None or type(value).__name__ in NOTHING or value != value:
            return math.nan
        number = self._day(value) if self.is_date else self._number(value)
        return math.nan if number in self.codes else number

    def _number(self, value: Any) -> float | None:
        kind = type(value)
        if kind is float or kind is np.float64:
            return float(value)
        if kind is int:
            return float(value) if -(2**63) <= value < 2**63 else None
        if kind is str and self.pattern is not None and self.pattern.fullmatch(value):
            number = float(value)
            return number if math.isfinite(number) else None
        if kind is bool and not self.codes:
            return float(value)
        return None

    def _day(self, value: Any) -> float | None:
        kind = type(value)
        if kind is str and self.pattern is not None and self.pattern.fullmatch(value):
            try:
                value = datetime.date.fromisoformat(value)
            except ValueError:
                return None
            return float((value - EPOCH_DAY).days)
        if kind is datetime.date:
            return float((value - EPOCH_DAY).days)
        if kind is datetime.datetime and value.tzinfo is None:
            return float((value - EPOCH) // MICROSECOND) / MICROSECONDS_PER_DAY
        if kind.__name__ == "Timestamp":  # of pandas, in nanoseconds
            try:
                nanoseconds = value.value
            except OverflowError:
                return None
            microseconds = nanoseconds // 1000 if nanoseconds >= 0 else -(-nanoseconds // 1000)
            return float(microseconds) / MICROSECONDS_PER_DAY
        return None


class _Categories:
    """Looks the code of one value up; None where the column must be looked at."""

    def __init__(self, column: CategoryColumn) -> None:
        self.column, self.place = column, column.place
        self.codes: dict[str, int] = {text: k for k, text in enumerate(column.categories.to_pylist())}
        self.unseen = column.n_codes
        self.missing = len(self.codes) if column.missing else self.unseen
        reading = column.reading
        usual = reading is not None and not reading.verbatim
        self.gone = frozenset((*(MISSING_WORDS if usual else ("",)), *(reading.missing if reading else ())))
        self.more: list[list[float]] | None = None
        if column.frequency is not None and column.statistic is not None:
            self.more = np.column_stack([column.frequency, column.statistic]).tolist()

    def __call__(self, value: Any) -> int | None:
        kind = type(value)
        if kind is str:
            code = self.codes.get(value)
            if code is None and not self.column.boolean and value.isascii() and value == value.strip():
                return self.missing if value in self.gone else self.unseen
            return code
        if kind is bool:
            return self.codes.get("true" if value else "false")
        if value is None or kind.__name__ in NOTHING or value != value:
            return self.missing
        return self.codes.get(str(value)) if kind is int else None
