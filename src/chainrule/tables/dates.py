"""Dates and times as people write them: 2024-01-31, 31.1.2024, 1/31/24 5:30 pm, 31 Jan 2024, 2024-W05."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

CLOCK = (
    r"(?P<H>\d{1,2}):(?P<M>\d{2})(?::(?P<S>\d{2})(?:[.,](?P<f>\d{1,9}))?)? ?(?P<half>[AaPp]\.?[Mm]\.?)?"
    r" ?(?P<zone>Z|z|UTC|GMT|[+-]\d{2}:?\d{2}|[+-]\d{2})?"
)
THEN_CLOCK = rf"(?:(?:[Tt]|,? +|, ?| at | um )(?:{CLOCK})(?: Uhr)?)?$"
WEEKDAY = r"^(?:\p{L}{2,10}\.?,? )?"
#: 20240131
COMPACT = r"^(?P<y>(?:19|20)\d{2})(?P<m>\d{2})(?P<d>\d{2})$"
#: 20240131T101500Z
COMPACT_MOMENT = (
    COMPACT[:-1] + r"[Tt_](?P<H>\d{2})(?P<M>\d{2})(?P<S>\d{2})?(?:[.,](?P<f>\d{1,9}))?(?P<half>)"
    r"(?P<zone>Z|[+-]\d{2}:?\d{2}|[+-]\d{2})?$"
)
#: In the order in which they are tried. `a` and `b` are day and month, or month and day; `q` is a quarter,
#: `w` a week of ISO 8601 and `k` its day.
FORMS = (
    r"^(?P<y>\d{4})[-/.](?P<m>\d{1,2})[-/.](?P<d>\d{1,2})" + THEN_CLOCK,
    WEEKDAY + r"(?P<a>\d{1,2})[-/.] ?(?P<b>\d{1,2})[-/.] ?(?P<y>\d{4}|\d{2})" + THEN_CLOCK,
    WEEKDAY
    + r"(?P<d>\d{1,2})(?:st|nd|rd|th|\.)?(?: of| de)?[-/. ]*(?P<n>\p{L}{3,})\.?,?(?: de)?[-/. ]*"
    + r"(?P<y>\d{4}|\d{2})"
    + THEN_CLOCK,
    WEEKDAY + r"(?P<n>\p{L}{3,})\.?[- ](?P<d>\d{1,2})(?:st|nd|rd|th)?,? (?P<y>\d{4})" + THEN_CLOCK,
    r"^(?P<y>\d{4})[-/. ](?P<n>\p{L}{3,})[-/. ](?P<d>\d{1,2})" + THEN_CLOCK,
    r"^(?P<y>\d{4}) ?年 ?(?P<m>\d{1,2}) ?月 ?(?P<d>\d{1,2}) ?日" + THEN_CLOCK,
    r"^(?:\p{L}{3,},? )?(?P<n>\p{L}{3}) +(?P<d>\d{1,2}) (?:" + CLOCK + r") (?P<y>\d{4})$",
    r"^(?P<d>\d{1,2})/(?P<n>\p{L}{3})/(?P<y>\d{4}):(?:" + CLOCK + ")$",
    r"^(?P<n>\p{L}{3,})\.?,?[-/ ](?P<y>\d{4})$",
    r"^(?P<y>\d{4})[-/](?P<m>\d{1,2})$",
    r"^(?P<m>\d{1,2})/(?P<y>\d{4})$",
    r"^(?P<y>\d{4})[Mm](?P<m>\d{1,2})$",
    r"^(?P<y>\d{4})[- ./]?[Qq](?P<q>[1-4])$",
    r"^[Qq](?P<q>[1-4])[- ./]?(?P<y>\d{4})$",
    r"^(?P<q>[1-4])[Qq] ?(?P<y>\d{4}|\d{2})$",
    r"^(?P<y>\d{4})-?[Ww](?P<w>\d{2})(?:-?(?P<k>[1-7]))?$",
    COMPACT,
    COMPACT_MOMENT,
)
ONLY_CLOCK = rf"^{CLOCK}$"

#: How months begin in English, German, French, Spanish, Italian, Portuguese and Dutch.
MONTHS = {
    "jan": 1, "jän": 1, "ene": 1, "gen": 1, "feb": 2, "fév": 2, "fev": 2,
    "mar": 3, "mär": 3, "mrz": 3, "maa": 3, "mrt": 3, "apr": 4, "avr": 4, "abr": 4,
    "may": 5, "mai": 5, "mag": 5, "mei": 5, "jun": 6, "juin": 6, "giu": 6, "jul": 7, "juil": 7, "lug": 7,
    "aug": 8, "aoû": 8, "aou": 8, "ago": 8, "sep": 9, "set": 9, "oct": 10, "okt": 10, "out": 10, "ott": 10,
    "nov": 11, "dec": 12, "dez": 12, "déc": 12, "dic": 12,
}  # fmt: skip
SECOND, DAY = 1_000_000, 86_400_000_000


@dataclass(frozen=True)
class Order:
    """How often the first number of dates such as 3/4/2024 must be the day, the month, or may be either."""

    day_first: int = 0
    month_first: int = 0
    either: int = 0

    def __add__(self, other: "Order") -> "Order":
        return Order(
            self.day_first + other.day_first,
            self.month_first + other.month_first,
            self.either + other.either,
        )

    @property
    def decided(self) -> bool | None:
        """Whether the day comes first; None where nothing says so."""
        if self.day_first == self.month_first:
            return None
        return self.day_first > self.month_first


class Moments(NamedTuple):
    """Distinct texts as moments; arrays have a place for each.

    Attributes
    ----------
    microseconds : int64
        Since 1970-01-01 UTC; of a time alone, since midnight.
    valid : bool
    clock, zone : bool
        Whether there is a time of the day, and a time zone.
    """

    microseconds: NDArray[np.int64]
    valid: NDArray[np.bool_]
    clock: NDArray[np.bool_]
    zone: NDArray[np.bool_]


def order(text: pa.Array, counts: NDArray[np.int64]) -> tuple[Order, bool]:
    """Find whether days come before months; and whether slashes are between them.

    Parameters
    ----------
    text : pyarrow array of large_string
        Distinct texts, as `plain_signs` returns them.
    counts : ndarray of int64
        How often each stands in the column.
    """
    parts = pc.extract_regex(text, FORMS[1])
    found = pc.is_valid(parts).to_numpy(zero_copy_only=False)
    a, b = _number(parts, "a"), _number(parts, "b")

    def total(mask: NDArray[np.bool_]) -> int:
        return int(counts[mask & found].sum())

    slashes = pc.match_substring(text, "/").to_numpy(zero_copy_only=False)
    small = (a <= 12) & (b <= 12)
    return Order(total((a > 12) & (b <= 12)), total((b > 12) & (a <= 12)), total(small)), total(slashes) > 0


def moments(text: pa.Array, *, day_first: bool) -> Moments:
    """Read texts as dates.

    Parameters
    ----------
    text : pyarrow array of large_string
        Distinct texts, as `plain_signs` returns them.
    day_first : bool
        Whether 3/4/2024 is in April; a number above 12 is a day all the same.

    Examples
    --------
    >>> texts = pa.array(["31.1.2024", "3/4/2024", "Jan 31, 2024 12:00", "soon"], pa.large_string())
    >>> found = moments(texts, day_first=True)
    >>> found.microseconds[:3].astype("datetime64[us]").astype("datetime64[h]").tolist()[2].hour
    12
    >>> found.valid.tolist()
    [True, True, True, False]
    """
    n = len(text)
    result = Moments(np.zeros(n, np.int64), np.zeros(n, bool), np.zeros(n, bool), np.zeros(n, bool))
    for form in FORMS:
        rest = np.flatnonzero(~result.valid)
        if not rest.size:
            break
        found = _of_form(text.take(pa.array(rest)), form, day_first)
        for whole, part in zip(result, found, strict=True):
            whole[rest] = part
    return result


def times(text: pa.Array) -> Moments:
    """Read texts as times of the day, such as 08:15 and 5:30 pm; arguments as those of `moments`."""
    parts = pc.extract_regex(text, ONLY_CLOCK)
    found = pc.is_valid(parts).to_numpy(zero_copy_only=False)
    clock, valid, _ = _clock(parts)
    valid = valid & found & _text_is(parts, "zone", "")
    return Moments(np.where(valid, clock, 0), valid, valid, np.zeros(len(text), bool))


def _of_form(text: pa.Array, form: str, day_first: bool) -> Moments:
    parts = pc.extract_regex(text, form)
    found = pc.is_valid(parts).to_numpy(zero_copy_only=False)
    names = {parts.type.field(i).name for i in range(parts.type.num_fields)}
    year = _number(parts, "y")
    two_digits = pc.equal(pc.utf8_length(pc.struct_field(parts, "y")), 2)
    two_digits = pc.fill_null(two_digits, False).to_numpy(zero_copy_only=False)
    year = np.where(two_digits, np.where(year < 69, 2000, 1900) + year, year)
    day = _number(parts, "d") if "d" in names else np.ones(len(text), np.int64)
    if "a" in names:
        a, b = _number(parts, "a"), _number(parts, "b")
        a_is_day = (a > 12) | ((b <= 12) & day_first)
        day, month = np.where(a_is_day, a, b), np.where(a_is_day, b, a)
    elif "q" in names:
        month = 3 * _number(parts, "q") - 2
    elif "w" in names:
        month, day = np.ones(len(text), np.int64), np.full(len(text), 4)  # of the first week, by definition
    else:
        month = _month_names(parts) if "n" in names else _number(parts, "m")
    valid = found & (month >= 1) & (month <= 12) & (day >= 1) & (year >= 1)
    year, month, day = (np.where(valid, part, 1) for part in (year, month, day))
    months = ((year - 1970) * 12 + month - 1).astype("datetime64[M]")
    length = ((months + 1).astype("datetime64[D]") - months.astype("datetime64[D]")).astype(np.int64)
    valid &= day <= length
    days = (months.astype("datetime64[D]") + (day - 1)).astype(np.int64)
    if "w" in names:
        week, last = _number(parts, "w"), _first_monday((months + 12).astype("datetime64[D]"))
        days = _first_monday(months.astype("datetime64[D]")) + 7 * (week - 1)
        valid &= (week >= 1) & (days < last)
        days += np.maximum(_number(parts, "k"), 1) - 1
    clock, valid_clock, zone = _clock(parts) if "H" in names else (np.int64(0), np.True_, np.False_)
    valid = valid & valid_clock
    has_clock = ~_text_is(parts, "H", "") & valid if "H" in names else np.zeros(len(text), bool)
    return Moments(np.where(valid, days * DAY + clock, 0), valid, has_clock, valid & zone)


def _first_monday(january: NDArray[Any]) -> NDArray[np.int64]:
    """Return the days since 1970 of the Mondays of years' first weeks, which have the fourth of January."""
    fourth = january.astype(np.int64) + 3
    monday: NDArray[np.int64] = fourth - (fourth + 3) % 7
    return monday


def _clock(parts: pa.Array) -> tuple[Any, Any, Any]:
    """Return microseconds since midnight UTC, whether they are a time, and whether there is a zone."""
    hour, minute, second = (_number(parts, name) for name in "HMS")
    half = pc.utf8_lower(pc.fill_null(pc.struct_field(parts, "half"), ""))
    am, pm = (pc.starts_with(half, one).to_numpy(zero_copy_only=False) for one in "ap")
    valid = (hour <= 23) & (minute <= 59) & (second <= 60) & (~(am | pm) | ((hour >= 1) & (hour <= 12)))
    hour = np.where(am | pm, hour % 12 + 12 * pm, hour)
    digits = pc.utf8_rpad(pc.fill_null(pc.struct_field(parts, "f"), ""), 6, "0")
    fraction = pc.cast(pc.utf8_slice_codeunits(digits, 0, 6), pa.int64()).to_numpy(zero_copy_only=False)
    zone = pc.fill_null(pc.struct_field(parts, "zone"), "")
    signed = pc.match_substring_regex(zone, "^[+-]").to_numpy(zero_copy_only=False)
    offset_digits = pc.utf8_rpad(pc.replace_substring_regex(zone, "[^0-9]", ""), 4, "0")
    offset = pc.cast(offset_digits, pa.int64()).to_numpy(zero_copy_only=False)
    minutes = np.where(signed, offset // 100 * 60 + offset % 100, 0)
    minutes = np.where(pc.starts_with(zone, "-").to_numpy(zero_copy_only=False), -minutes, minutes)
    microseconds = ((hour * 60 + minute - minutes) * 60 + second) * SECOND + fraction
    return microseconds, valid, pc.not_equal(zone, "").to_numpy(zero_copy_only=False)


def _month_names(parts: pa.Array) -> NDArray[np.int64]:
    words = pc.fill_null(pc.struct_field(parts, "n"), "").dictionary_encode()
    found = []
    for word in words.dictionary.to_pylist():
        lower = word.lower()
        found.append(MONTHS.get(lower[:4], MONTHS.get(lower[:3], 0)) if len(lower) <= 10 else 0)
    places = words.indices.to_numpy(zero_copy_only=False)
    return np.array(found, dtype=np.int64)[places] if found else np.zeros(len(parts), np.int64)


def _number(parts: pa.Array, name: str) -> NDArray[np.int64]:
    """Return a part as whole numbers, 0 where it is not there."""
    digits = pc.fill_null(pc.struct_field(parts, name), "")
    digits = pc.if_else(pc.equal(digits, ""), pa.scalar("0", digits.type), digits)
    numbers: NDArray[np.int64] = pc.cast(digits, pa.int64()).to_numpy(zero_copy_only=False)
    return numbers


def _text_is(parts: pa.Array, name: str, wanted: str) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = pc.equal(pc.fill_null(pc.struct_field(parts, name), ""), wanted).to_numpy(
        zero_copy_only=False
    )
    return found
