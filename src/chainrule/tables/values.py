"""The values of an Arrow column as floats or as text, whatever type they came in."""

from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from chainrule._words import counted
from chainrule.tables.errors import TableError
from chainrule.tables.reading import Reading

#: The types of most numbers.
USUAL = frozenset((pa.float64(), pa.int64()))
MICROSECONDS_PER_DAY = 86_400_000_000


def plain_type(found: pa.DataType) -> pa.DataType:
    """Return the type of the values of a dictionary, or the type itself."""
    return found.value_type if pa.types.is_dictionary(found) else found


def is_number(found: pa.DataType) -> bool:
    """Whether the type is one of integers, floats or decimals."""
    return bool(pa.types.is_integer(found) or pa.types.is_floating(found) or pa.types.is_decimal(found))


def is_number_or_boolean(found: pa.DataType) -> bool:
    """Whether the type is one of numbers, or of booleans, which count as 0 and 1."""
    return is_number(found) or bool(pa.types.is_boolean(found))


def is_date(found: pa.DataType) -> bool:
    """Whether the type is one of dates and times."""
    return bool(pa.types.is_date(found) or pa.types.is_timestamp(found) or pa.types.is_time(found))


_OF_KIND = {"number": is_number_or_boolean, "date": is_date}


def is_text(found: pa.DataType) -> bool:
    """Whether the type is one of strings."""
    return bool(
        pa.types.is_string(found) or pa.types.is_large_string(found) or pa.types.is_string_view(found)
    )


def is_span(found: pa.DataType) -> bool:
    """Whether the type is one of durations, or of times, which are durations since midnight."""
    return bool(pa.types.is_duration(found) or pa.types.is_time(found))


def plain(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return the values of a dictionary column spelt out, other columns as they are."""
    return values.cast(values.type.value_type) if pa.types.is_dictionary(values.type) else values


def to_numbers(
    name: str,
    values: pa.ChunkedArray,
    kind: Literal["number", "date"] = "number",
    reading: Reading | None = None,
    *,
    finite: bool = True,
) -> NDArray[np.float64]:
    """Return a column as floats, missing values as NaN.

    Parameters
    ----------
    name : str
        The column's, for messages.
    values : pyarrow.ChunkedArray
        Numbers, booleans, or durations, which are counted in seconds, for "number"; dates, timestamps or
        times for "date", which are counted in days (dates since 1970-01-01 UTC); or text that reads so.
    kind : {"number", "date"}
        What the column must be.
    reading : Reading, optional
        How its text is read, and which numbers mean a missing value.
    finite : bool
        Whether to refuse infinite values.

    Returns
    -------
    ndarray of shape (n_samples,)

    Raises
    ------
    TableError
        For values of another kind, and for infinite ones.

    Examples
    --------
    >>> to_numbers("x", pa.chunked_array([[1, None, 3]])).tolist()
    [1.0, nan, 3.0]
    """
    if kind == "number" and values.type in USUAL and not (values.null_count or (reading and reading.missing)):
        # Most columns of a table of thousands: the quickest way.
        return _finite(name, values.to_numpy().astype(np.float64), finite)
    values = plain(values)
    expected = "dates" if kind == "date" else "numbers"
    if kind == "date" and is_number(values.type):
        values = values if (text := whole_as_text(values)) is None else text  # 20240131
    if kind == "number" and _counts_time(reading, values.type):
        values = in_seconds(values)
    elif kind == "date" and pa.types.is_duration(values.type):
        values = _days(values)  # as models of earlier versions count them
    elif kind == "number" and is_number(values.type) and reading is not None:
        values = reading.without_codes(values)
    elif not any(fits(values.type) for fits in (_OF_KIND[kind], is_text, pa.types.is_null)):
        raise TableError(f"column {name!r} has values of type {values.type}, expected {expected}")
    if is_text(values.type):
        values = (reading or Reading(kind)).apply(name, values)
    if is_date(values.type):
        values = _days(values)
    elif pa.types.is_boolean(values.type):
        values = values.cast(pa.int8())
    numbers: NDArray[np.float64] = pc.cast(values, pa.float64(), safe=False).to_numpy().astype(np.float64)
    if kind == "date" and reading is not None and reading.missing:
        numbers = np.where(np.isin(numbers, reading.missing_days), np.nan, numbers)
    return _finite(name, numbers, finite)


def _finite(name: str, numbers: NDArray[np.float64], wanted: bool) -> NDArray[np.float64]:
    """Refuse infinite numbers, where finite ones are wanted."""
    if wanted and np.isinf(numbers).any():
        infinite = np.flatnonzero(np.isinf(numbers))
        found = counted(infinite.size, "infinite value")
        raise TableError(
            f"column {name!r} has {found}, the first in row {infinite[0] + 1:,}; "
            "expected finite numbers, or an empty field where the value is not known"
        )
    return numbers


def to_text(
    name: str, values: pa.ChunkedArray, *, boolean: bool = False, reading: Reading | None = None
) -> pa.ChunkedArray:
    """Return a column as text without surrounding blanks; empty text is missing.

    Parameters
    ----------
    name : str
        The column's, for messages.
    values : pyarrow.ChunkedArray
        Text, booleans, numbers or dates, or a dictionary of them.
    boolean : bool
        Whether to spell everything that stands for a boolean as "true" or "false".
    reading : Reading, optional
        Which words are missing values, beside empty text.

    Returns
    -------
    pyarrow.ChunkedArray of large_string

    Raises
    ------
    TableError
        For values that have no text, such as lists.

    Examples
    --------
    >>> to_text("x", pa.chunked_array([[" a", "", None]])).to_pylist()
    ['a', None, None]
    >>> to_text("x", pa.chunked_array([[0, 1]]), boolean=True).to_pylist()
    ['false', 'true']
    """
    values = plain(values)
    try:
        text = values.cast(pa.large_string())
    except (pa.ArrowException, NotImplementedError):
        raise TableError(f"column {name!r} has values of type {values.type}, expected text") from None
    text = (reading or Reading("text", verbatim=True)).text(text)
    if boolean:
        text = pc.utf8_lower(text)
        for spelling, word in (("1", "true"), ("0", "false")):
            text = pc.if_else(pc.equal(text, spelling), word, text).cast(pa.large_string())
    return text


def in_seconds(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return durations, or times of the day, as float64 seconds.

    Examples
    --------
    >>> import datetime
    >>> in_seconds(pa.chunked_array([[datetime.timedelta(hours=1, milliseconds=5), None]])).to_pylist()
    [3600.005, None]
    """
    return pc.divide(_microseconds(values), 1e6)


def _counts_time(reading: Reading | None, found: pa.DataType) -> bool:
    if reading is None:
        return bool(pa.types.is_duration(found))
    return reading.durations is not None and is_span(found)


def whole_as_text(values: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """Return whole numbers as text; None for others.

    Examples
    --------
    >>> whole_as_text(pa.chunked_array([[20240131.0, None, float("nan")]])).to_pylist()
    ['20240131', None, None]
    """
    if pa.types.is_floating(values.type):
        values = pc.if_else(pc.is_nan(values), pa.scalar(None, values.type), values)
    try:
        return values.cast(pa.int64()).cast(pa.large_string())
    except pa.ArrowException:
        return None


def mean_and_scale(numbers: NDArray[np.float64]) -> tuple[float, float]:
    """Return mean and standard deviation of finite numbers; the latter is 0 where it is rounding only.

    Examples
    --------
    >>> mean_and_scale(np.array([1e308, -1e308]))
    (0.0, 1e+308)
    >>> mean_and_scale(np.full(10, 0.1))
    (0.1, 0.0)
    """
    if numbers.min() == numbers.max():
        return float(numbers[0]), 0.0
    largest = float(np.abs(numbers).max())
    if 1e-100 < largest < 1e100:
        largest = 1.0
    # Squares of what is beyond would overflow or vanish.
    mean, scale = (numbers / largest).mean() * largest, (numbers / largest).std() * largest
    rounding = 10 * np.finfo(np.float64).eps * abs(mean)
    return float(mean), float(scale) if scale > rounding else 0.0


def _days(values: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.divide(_microseconds(values), float(MICROSECONDS_PER_DAY))


def _microseconds(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return moments, times and durations as float64: those of seconds may be too many for whole numbers."""
    unit = getattr(values.type, "unit", None)
    if unit in ("s", "ms") and not pa.types.is_time32(values.type):
        counted_in = pc.cast(pc.cast(values, pa.int64()), pa.float64(), safe=False)
        return pc.multiply(counted_in, {"s": 1e6, "ms": 1e3}[unit])
    if pa.types.is_time(values.type):
        wanted = pa.time64("us")
    else:
        wanted = pa.duration("us") if pa.types.is_duration(values.type) else pa.timestamp("us")
    return pc.cast(pc.cast(pc.cast(values, wanted, safe=False), pa.int64()), pa.float64(), safe=False)
