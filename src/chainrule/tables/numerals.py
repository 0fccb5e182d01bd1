"""Numbers as people write them: 1.234,5 and 1,234.5, (12), 5 kg, $5, 12 %, 1 234, 1'234, 3e-5, 1.2M."""

import re
import unicodedata
from dataclasses import dataclass, fields
from typing import Any, Literal, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Mark = Literal[".", ","]

MONEY = (
    "USD", "EUR", "GBP", "CHF", "JPY", "CNY", "RMB", "INR", "AUD", "CAD", "NZD", "SEK", "NOK", "DKK", "PLN",
    "CZK", "HUF", "RUB", "BRL", "MXN", "ZAR", "TRY", "KRW", "SGD", "HKD",
)  # fmt: skip
CURRENCY = rf"(?:[A-Z]{{0,3}}\p{{Sc}}|{'|'.join(MONEY)}|Fr\.|SFr\.|Rs\.?|kr\.?)"
#: The parts of a number, signs and blanks having been made plain. A unit begins with no digit, sign or mark.
WRITTEN = (
    r"^(?P<open>\()?(?P<sign>[+-])? ?"
    rf"(?P<before>{CURRENCY})? ?(?P<inner>[+-])?"
    r"(?P<body>\d{1,3}(?:[ '_]\d{3})+(?:[.,]\d*)?|\d[\d.,]*|[.,]\d+)"
    r"(?P<exponent>[eE][+-]?\d+)? ?"
    r"(?P<after>/\d{1,3}|[^\d .,;·+()\-':\"/][^\":]{0,15}?)? ?(?P<trailing>-)?(?P<close>\))?$"
)
#: Moments, quarters, weeks and months, no numbers with a unit: 20240131T1015, 2011Q2, 2Q11, 2024W02, 2011M02.
MOMENTS = r"^(?:\d{8}[Tt]\d{4}|\d{4}[ ./]?[QqWwMm]\d{1,2}(?:-?[1-7])?$|[1-4][Qq](?:\d{2}|\d{4})$)"
#: What most numbers look like.
SIMPLE = r"^[+-]?\d+(?:[.,]\d+)?$"
#: Several that group thousands, in India also hundreds; a decimal mark may follow.
GROUPED = {
    ",": r"^\d{1,3}(?:,\d{2,3})*,\d{3}(?:\.\d*)?$",
    ".": r"^\d{1,3}(?:\.\d{3})+(?:,\d*)?$",
}
#: Digits of other writings; marks that have no width; ="12" is how Excel is told to keep a text.
OTHER_DIGITS = r"[^\P{Nd}0-9]"
INVISIBLE = "[\u00ad\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]"
EXCEL = r'^\s*=?"([^"]*)"\s*$'
#: Numbers without a mark beside such as 1.234, all of which have three digits after it: if there are so
#: many, the mark groups thousands.
SHORT = r"^[+-]?\d{1,3}$"
LEAST_EITHER, LEAST_SHORT = 5, 0.02
FRACTIONS = {"½": ".5", "¼": ".25", "¾": ".75"}
#: A power of ten as in 1.5D+03 or 1.5 × 10^3.
POWER = r"(\d)(?:[dD]([+-]\d{1,3})| ?[×xX*·] ?10(?:\^([+-]?\d{1,3})|([+-]\d{1,3})))$"
MAGNITUDES = {
    "%": 0.01,  # where shares such as 0.05 stand beside it; else a unit
    "k": 1e3, "tsd": 1e3, "thousand": 1e3, "m": 1e6, "mio": 1e6, "mln": 1e6, "mn": 1e6, "million": 1e6,
    "b": 1e9, "bn": 1e9, "mrd": 1e9, "bln": 1e9, "billion": 1e9,
}  # fmt: skip
#: A magnitude and a currency, as in 1.5 Mio. €.
COMPOUND = rf"({'|'.join(sorted(MAGNITUDES, key=len, reverse=True))})\.? ?(\W|eur|usd|gbp|chf)"
SAME_UNITS = {"€": "eur", "£": "gbp", "us$": "usd", "¥": "jpy"}


@dataclass(frozen=True)
class Evidence:
    """What the marks of some numbers say; the sum of two is that of all their numbers.

    Attributes
    ----------
    comma, point : int
        Numbers in which the decimal mark can only be a comma, or only a point.
    either : int
        Numbers such as 1,234 and 1.234, which leave it open.
    ungrouped : int
        Numbers above 999 without a mark: thousands are not grouped here.
    short : int
        Numbers below 1,000 without a mark.
    with_comma : int
        Numbers with a comma, whatever it is.
    """

    comma: int = 0
    point: int = 0
    either: int = 0
    ungrouped: int = 0
    short: int = 0
    with_comma: int = 0

    def __add__(self, other: "Evidence") -> "Evidence":
        return Evidence(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))

    @property
    def mark(self) -> Mark | None:
        """The decimal mark that some numbers have for sure, None where none has."""
        if self.comma == self.point:
            return None
        return "," if self.comma > self.point else "."

    def decide(self, around: "Evidence | None" = None) -> Mark | None:
        """Return the decimal mark of a column; None where nothing decides, and a point is the rule.

        Parameters
        ----------
        around : Evidence, optional
            Of the table's columns together.

        Examples
        --------
        >>> Evidence(either=1, with_comma=1).decide(), Evidence(either=1, with_comma=1, ungrouped=2).decide()
        (None, ',')
        """
        if self.mark:
            return self.mark
        if not self.either:
            return "."
        if self.ungrouped:  # 1234 beside 1,234: the mark groups no thousands
            return "," if self.with_comma else "."
        if self.either >= LEAST_EITHER and self.short >= max(2, LEAST_SHORT * self.either):
            return "." if self.with_comma else ","
        return around.mark if around is not None else None


class Written(NamedTuple):
    """Distinct texts taken apart; arrays have a place for each.

    Attributes
    ----------
    matches : bool
        Whether it looks like a number.
    negative : bool
    body : text
        Digits and marks, without blanks and apostrophes.
    spaced : bool
        Whether blanks or apostrophes grouped the thousands.
    exponent : text
        Such as "e-3", or "".
    suffix : int
        Which of `suffixes`.
    suffixes : list of (str, str)
        Unit, in lower case, and magnitude, such as ("$", "k"); ("", "") is the first.
    """

    matches: NDArray[np.bool_]
    negative: NDArray[np.bool_]
    body: pa.Array
    spaced: NDArray[np.bool_]
    exponent: pa.Array
    suffix: NDArray[np.int64]
    suffixes: list[tuple[str, str]]


def plain_signs(text: pa.Array) -> pa.Array:
    """Return texts with plain digits, blanks, minus signs and apostrophes, without blanks around them."""
    if not pc.all(pc.string_is_ascii(text), min_count=0).as_py():
        # What is above or below the line is no digit of the number, a fraction is what follows its point.
        text = pc.replace_substring_regex(text, INVISIBLE, "")
        for sign, decimals in FRACTIONS.items():
            text = pc.replace_substring_regex(text, rf"(^|[-+\d]) ?{sign}", rf"\1{decimals}")
        text = pc.replace_substring_regex(text, r"(\d)(\p{No})", r"\1^\2")
        # Thin, unbreakable and wide blanks are blanks then, and wide digits digits.
        text = pc.utf8_normalize(text, form="NFKC")
        text = pc.replace_substring_regex(text, r"[‐‑‒–—−]", "-")
        text = pc.replace_substring_regex(text, "[’‘´`ʼ]", "'")
        if pc.any(pc.match_substring_regex(text, OTHER_DIGITS)).as_py():
            text = pa.array([_latin_digits(one) for one in text.to_pylist()], pa.large_string())
    text = pc.replace_substring_regex(text, EXCEL, r"\1")
    return pc.utf8_trim_whitespace(text)


def _latin_digits(text: str) -> str:
    """Return a text with the digits of Latin writing instead of those of others, and their marks."""
    text = text.translate({0x66B: ".", 0x66C: ","})
    return re.sub(r"\d", lambda digit: str(unicodedata.decimal(digit[0])), text)


def take_apart(text: pa.Array) -> Written:
    """Take distinct texts apart; most need no pattern with many parts.

    Parameters
    ----------
    text : pyarrow array of large_string
        Without nulls.
    """
    text = plain_signs(text)
    simple = matching(text, SIMPLE)
    if not simple.all():
        rest = np.flatnonzero(~simple)
        order = np.argsort(np.concatenate([np.flatnonzero(simple), rest]), kind="stable")
        one, other = _simple(text.filter(pa.array(simple))), _written(text.take(pa.array(rest)))
        arrays: list[Any] = [_merged(order, *pair) for pair in zip(one[:-1], other[:-1], strict=True)]
        return Written._make([*arrays, other.suffixes])
    return _simple(text)


def _simple(text: pa.Array) -> Written:
    n, nothing = len(text), pa.scalar("", pa.large_string())
    negative = pc.starts_with(text, "-").to_numpy(zero_copy_only=False)
    exponent = pa.repeat(nothing, n)
    false = np.zeros(n, dtype=bool)
    return Written(
        ~false, negative, pc.utf8_ltrim(text, "+-"), false, exponent, false.astype(int), [("", "")]
    )


def _written(text: pa.Array) -> Written:
    text = pc.replace_substring_regex(text, r"(\d)[,.]--?(\D*)$", r"\1\2")  # 5,- is 5
    text = pc.replace_substring_regex(text, POWER, r"\1e\2\3\4")
    text = pc.replace_substring_regex(text, r"^([+-]?\d+)·(\d+)$", r"\1.\2")
    parts = pc.extract_regex(text, WRITTEN)
    matches: NDArray[np.bool_] = pc.is_valid(parts).to_numpy(zero_copy_only=False)
    matches = matches & ~matching(text, MOMENTS)

    def part(name: str) -> pa.Array:
        return pc.fill_null(pc.struct_field(parts, name), "")

    opened, closed = (_is(part(name), mark) for name, mark in (("open", "("), ("close", ")")))
    negative = opened | _is(part("trailing"), "-") | _is(part("sign"), "-") | _is(part("inner"), "-")
    body = part("body")
    spaced = matching(body, "[ '_]")
    body = pc.replace_substring_regex(body, "[ '_]", "")
    suffix, suffixes = _suffixes(part("before"), part("after"))
    return Written(matches & (opened == closed), negative, body, spaced, part("exponent"), suffix, suffixes)


def _merged(order: NDArray[np.int64], one: Any, other: Any) -> Any:
    if isinstance(one, pa.Array):
        return pa.concat_arrays([one, other]).take(pa.array(order))
    return np.concatenate([one, other])[order]


def evidence(written: Written, counts: NDArray[np.int64]) -> Evidence:
    """Find what the marks say, each text counted as often as it stands in the column."""
    marks = _Marks.of(written)

    def total(mask: NDArray[np.bool_]) -> int:
        return int(counts[mask & written.matches].sum())

    ungrouped = matching(written.body, r"^\d{4,}$") & ~written.spaced
    masks = marks.comma, marks.point, marks.either, ungrouped
    further = matching(written.body, SHORT), matching(written.body, ",")
    return Evidence(*map(total, (*masks, *further)))


def plain_evidence(values: pa.ChunkedArray) -> Evidence:
    """Find what the marks of numbers say that are written as programs do: much faster.

    Examples
    --------
    >>> plain_evidence(pa.chunked_array([["12", "1234", "1.234", "0.5", None]]))
    Evidence(comma=0, point=1, either=1, ungrouped=1, short=1, with_comma=0)
    """

    def count(pattern: str) -> int:
        return pc.sum(pc.match_substring_regex(values, pattern)).as_py() or 0

    either = count(r"^\s*[+-]?[1-9]\d{0,2}\.\d{3}\s*$")
    return Evidence(
        point=count(r"\d\.|\.\d") - either,
        either=either,
        ungrouped=count(r"^\s*[+-]?\d{4,}\s*$"),
        short=count(r"^\s*[+-]?\d{1,3}\s*$"),
    )


def values(written: Written, mark: Mark) -> NDArray[np.float64]:
    """Return the numbers of texts, NaN where there is none.

    Parameters
    ----------
    written : Written
        The texts.
    mark : {".", ","}
        The decimal mark where a number leaves it open; others say it themselves.

    Examples
    --------
    >>> texts = pa.array(["1.234,5", "1,234", "-0.5", "(3)", "two"], pa.large_string())
    >>> values(take_apart(texts), ",").tolist()
    [1234.5, 1.234, -0.5, -3.0, nan]
    """
    marks = _Marks.of(written)
    with_comma = pa.array(marks.comma_written | (marks.either if mark == "," else False))
    body = pc.if_else(
        with_comma,
        pc.replace_substring(pc.replace_substring(written.body, ".", ""), ",", "."),
        pc.replace_substring(written.body, ",", ""),
    )
    grouped = marks.points_only | (marks.either & (mark == ","))
    grouped = grouped & ~with_comma.to_numpy(zero_copy_only=False)
    if grouped.any():
        body = pc.if_else(pa.array(grouped), pc.replace_substring(body, ".", ""), body)
    valid = written.matches & marks.valid
    text = pc.binary_join_element_wise(body, written.exponent, pa.scalar("", pa.large_string()))
    text = pc.if_else(pa.array(valid), text, pa.scalar(None, pa.large_string()))
    numbers: NDArray[np.float64] = pc.cast(text, pa.float64()).to_numpy(zero_copy_only=False)
    return np.where(valid, np.where(written.negative, -numbers, numbers), np.nan)


def multiply(magnitudes: set[str], units: set[str]) -> bool:
    """Whether the magnitudes of a column multiply, rather than being units: 5 m alone is five meters.

    Examples
    --------
    >>> multiply({"k", "m"}, set()), multiply({"m"}, set()), multiply({"m", ""}, {"$"})
    (True, False, True)
    >>> multiply({"m", ""}, {"cm"})
    False
    """
    letters = magnitudes - {"", "%"}
    words = any(len(one) > 1 for one in letters)
    money = any(map(is_money, units))
    return words or len(letters) > 1 or money or ("" in magnitudes and "k" in magnitudes)


def is_money(unit: str) -> bool:
    """Whether a unit, in lower case, is a currency."""
    named = unit.upper() in MONEY or unit in ("fr", "sfr", "rs", "kr")
    return named or any(unicodedata.category(sign) == "Sc" for sign in unit)


class _Marks(NamedTuple):
    """What the marks of each body can be.

    Attributes
    ----------
    comma, point : bool
        The decimal mark is a comma, or a point, for sure; or it would be, were there decimals (1.234.567).
    either : bool
        One mark, before three digits.
    comma_written : bool
        There are decimals after a comma for sure.
    points_only : bool
        Several points group thousands.
    valid : bool
        The marks stand where marks of a number can.
    """

    comma: NDArray[np.bool_]
    point: NDArray[np.bool_]
    either: NDArray[np.bool_]
    comma_written: NDArray[np.bool_]
    points_only: NDArray[np.bool_]
    valid: NDArray[np.bool_]

    @classmethod
    def of(cls, written: Written) -> "_Marks":
        body = written.body
        n_commas, n_points = (pc.count_substring(body, mark).to_numpy(zero_copy_only=False) for mark in ",.")
        one = n_commas + n_points == 1
        either = one & ~written.spaced & _is(written.exponent, "")
        either = _matching_in(either, body, r"^[1-9]\d{0,2}[,.]\d{3}$")
        several = n_commas + n_points > 1
        commas_grouped, points_grouped = (_matching_in(several, body, GROUPED[mark]) for mark in ",.")
        comma_first = commas_grouped & (n_points <= 1) & (n_commas > 0)
        point_first = points_grouped & (n_commas <= 1) & (n_points > 0) & ~comma_first
        comma_decimal = one & (n_commas == 1) & ~either
        point_decimal = one & (n_points == 1) & ~either
        return cls(
            comma_decimal | point_first,
            point_decimal | comma_first,
            either,
            comma_decimal | (point_first & (n_commas == 1)),
            point_first & (n_commas == 0),
            ~several | comma_first | point_first,
        )


def _suffixes(before: pa.Array, after: pa.Array) -> tuple[NDArray[np.int64], list[tuple[str, str]]]:
    """Return units and magnitudes; there are few, looked at once each."""
    between = pa.scalar("\0", pa.large_string())
    pairs = pc.binary_join_element_wise(before, after, between).dictionary_encode()
    suffixes, places = [("", "")], []
    for pair in pairs.dictionary.to_pylist():
        first, _, last = pair.partition("\0")
        last = last.strip().lower().rstrip(".")
        compound = re.fullmatch(COMPOUND, last)
        magnitude, last = compound.groups() if compound else (last, "") if last in MAGNITUDES else ("", last)
        suffix = _same_unit(first.strip().lower()) + _same_unit(last), magnitude
        if suffix not in suffixes:
            suffixes.append(suffix)
        places.append(suffixes.index(suffix))
    return np.array(places, dtype=np.int64)[pairs.indices.to_numpy(zero_copy_only=False)], suffixes


def _same_unit(unit: str) -> str:
    unit = unit.rstrip(".")
    unit = unit[:-1] if len(unit) > 3 and unit.endswith("s") else unit
    return SAME_UNITS.get(unit, unit)


def _is(text: pa.Array, mark: str) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = pc.equal(text, mark).to_numpy(zero_copy_only=False)
    return found


def matching(text: pa.Array, pattern: str) -> NDArray[np.bool_]:
    """Return which texts a pattern matches."""
    found: NDArray[np.bool_] = pc.match_substring_regex(text, pattern).to_numpy(zero_copy_only=False)
    return found


def _matching_in(mask: NDArray[np.bool_], text: pa.Array, pattern: str) -> NDArray[np.bool_]:
    found = mask.copy()
    if mask.any():
        found[mask] = matching(text.filter(pa.array(mask)), pattern)
    return found
