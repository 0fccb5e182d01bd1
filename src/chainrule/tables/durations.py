"""Durations as people and programs write them: 1:02:03, 1 days 02:03:04, 1h 30m, 90 min, PT1H30M."""

from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

#: What the first of two numbers such as 75:12 counts.
First = Literal["hours", "minutes"]

#: Seconds; how ISO 8601 writes the unit, and how people do. Years and months have their mean length.
UNITS = {
    "y": (365.2425 * 86400, "Y", "y|(?i:yrs?|years?|jahre?n?)"),
    "o": (365.2425 * 7200, "M", "(?i:mos?|mons?|months?|monate?n?)"),
    "w": (7 * 86400, "W", "w|(?i:wks?|weeks?|wochen?)"),
    "d": (86400, "D", "d|(?i:days?|tage?n?)"),
    "h": (3600, "H", "h|(?i:hrs?|hours?|std|stunden?)"),
    "m": (60, "M", "m|(?i:mins?|minutes?|minuten?)"),
    "s": (1, "S", "s|(?i:secs?|seconds?|sek|sekunden?)"),
    "i": (1e-3, "", "ms|(?i:msecs?|milliseconds?)"),
}
NUMBER = r"\d{1,15}(?:[.,]\d{1,9})?"


def _iso(units: str) -> str:
    return "".join(f"(?:(?P<{one}>{NUMBER}){UNITS[one][1]})?" for one in units)


def _worded() -> str:
    between = r"\.?(?:,? ?(?:and|und)? ?)"
    return "".join(rf"(?:(?P<{one}>{NUMBER}) ?(?:{words}){between})?" for one, (_, _, words) in UNITS.items())


#: In the order in which they are tried. `a` and `b` are hours and minutes, or minutes and seconds.
CLOCK = (
    r"^(?P<sign>[+-])?(?:(?P<d>\d{1,9})(?P<days>\.| ?d(?:ays?)?,? ?| ?Tage?,? ?)(?P<inner>[+-])?)?"
    r"(?P<h>\d{1,9}):(?P<m>[0-5]\d):(?P<s>[0-5]\d(?:[.,]\d{1,9})?)$"
)
TWO = r"^(?P<sign>[+-])?(?P<a>\d{1,9}):(?P<b>[0-5]\d(?P<f>[.,]\d{1,9})?)$"
ISO = rf"^(?P<sign>[+-])?P(?:{_iso('yowd')})(?:T{_iso('hms')})?$"
WORDS = rf"^(?P<sign>[+-])?{_worded()}$"
HOURS = r"^(?P<sign>[+-])?(?P<h>\d{1,9}) ?h ?(?P<m>[0-5]\d)$"


def seconds(text: pa.Array, first: First = "hours") -> NDArray[np.float64]:
    """Return the seconds of durations, NaN where a text is none.

    Parameters
    ----------
    text : pyarrow array of large_string
        Distinct texts, as `plain_signs` returns them.
    first : {"hours", "minutes"}
        What the first of two numbers counts; of 3:45.2 it is minutes for sure.

    Examples
    --------
    >>> seconds(pa.array(["1:02:03", "75:12", "-1 days +23:00:00", "PT1H30M", "90 min", "soon"])).tolist()
    [3723.0, 270720.0, -3600.0, 5400.0, 5400.0, nan]
    """
    result = np.full(len(text), np.nan)
    for form in (CLOCK, TWO, ISO, WORDS, HOURS):
        rest = np.flatnonzero(np.isnan(result))
        if rest.size:
            result[rest] = _of_form(text.take(pa.array(rest)), form, first)
    return result


def first_of_two(text: pa.Array) -> First:
    """Return what the first of two numbers counts: minutes where some have fractions, or many beside hours.

    Examples
    --------
    >>> first_of_two(pa.array(["58:30", "1:02:15"])), first_of_two(pa.array(["8:30", "12:15:30"]))
    ('minutes', 'hours')
    """
    parts = pc.extract_regex(text, TWO)
    if pc.any(pc.not_equal(pc.struct_field(parts, "f"), "")).as_py():
        return "minutes"
    long = pc.any(pc.greater(_numbers(parts, "a"), 23)).as_py()
    return "minutes" if long and pc.any(pc.match_substring_regex(text, CLOCK)).as_py() else "hours"


def units(text: pa.Array) -> set[str]:
    """Return the units of durations in words, such as "hm" for 1h 30m; others are "hms", as of a clock."""
    parts = pc.extract_regex(text, WORDS)
    written = [pc.if_else(pc.equal(_part(parts, one), ""), "", one) for one in UNITS]
    joined = pc.fill_null(pc.binary_join_element_wise(*written, ""), "hms")
    return set(pc.unique(pc.if_else(pc.is_valid(parts), joined, "hms")).to_pylist())


def _of_form(text: pa.Array, form: str, first: First) -> NDArray[np.float64]:
    parts = pc.extract_regex(text, form)
    names = {parts.type.field(k).name for k in range(parts.type.num_fields)}
    negative = _is(parts, "sign", "-")
    total, known = np.zeros(len(text)), np.zeros(len(text), dtype=bool)
    by_days = np.zeros(len(text))
    for name in names & UNITS.keys():
        number = _numbers(parts, name).to_numpy(zero_copy_only=False)
        if name == "d" and "days" in names:
            by_days = np.nan_to_num(number) * UNITS["d"][0]
        else:
            total += np.nan_to_num(number) * UNITS[name][0]
        known |= ~np.isnan(number)
    if "a" in names:
        a, b = (_numbers(parts, name).to_numpy(zero_copy_only=False) for name in "ab")
        minutes = ~_is(parts, "f", "") | (first == "minutes")
        total, known = np.where(minutes, 60 * a + b, 3600 * a + 60 * b), ~np.isnan(a)
    if "days" in names:
        # "-1 days +23:00" and Python's "-1 day, 23:00" are an hour before; a point belongs to one number.
        words = ~(_is(parts, "days", "") | _is(parts, "days", "."))
        total = np.where(words & _is(parts, "inner", "-"), -total, total)
        total = np.where(
            words & negative, total - by_days, np.where(negative, -total - by_days, total + by_days)
        )
    else:
        total = np.where(negative, -total, total)
    return np.where(known, total, np.nan)


def _part(parts: pa.Array, name: str) -> pa.Array:
    return pc.fill_null(pc.struct_field(parts, name), "")


def _is(parts: pa.Array, name: str, wanted: str) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = pc.equal(_part(parts, name), wanted).to_numpy(zero_copy_only=False)
    return found


def _numbers(parts: pa.Array, name: str) -> pa.Array:
    """Return a part as numbers, null where it is not there."""
    text = pc.replace_substring(pc.struct_field(parts, name), ",", ".")
    return pc.cast(pc.if_else(pc.equal(text, ""), pa.scalar(None, text.type), text), pa.float64())
