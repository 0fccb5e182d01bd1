"""Whether a column of text is one of numbers: their decimal mark, units, magnitudes, codes and odd words."""

from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from chainrule._words import listed
from chainrule.tables import numerals
from chainrule.tables.distinct import Distinct
from chainrule.tables.found import MOST_ODD, Around, Choice, Found, mostly, odd_note, odd_words
from chainrule.tables.numerals import LEAST_EITHER, LEAST_SHORT, SHORT, Evidence, Mark, Written
from chainrule.tables.reading import Reading, plain_numbers

#: So many distinct texts, or rows, are tried before all are.
SAMPLE = 1000
#: What may be codes; and a decimal point that groups no thousands.
CODES = r"^\s*(?:0\d|\+\d{7})"
POINT = r"\.(?:\d{0,2}|\d{4,})$|^[+-]?(?:0|\d{4,})?\.\d"

#: Codes of digits and letters to F, and those of them that are no number with a unit of one letter, as 5c is.
HEXADECIMAL = r"^(?:0[xX])?(?:[0-9a-f]+|[0-9A-F]+)$"
NO_UNIT = r"^0[xX]|[a-dfA-DF][0-9a-fA-F]*\d|^[eE][0-9a-fA-F]*\d"
LEAST_CODES = 0.1
#: What follows the numbers in so many ways, and differs in half of the texts, is no unit.
MOST_UNITS = 10
#: Numbers such as 1.234.
EITHER = r"^[+-]?[1-9]\d{0,2}\.\d{3}$"


def find_plain(values: pa.ChunkedArray, choice: Choice, around: Around | None) -> Found | None:
    """Find numbers that are written as in a program, which most columns have; None for others."""
    numbers = plain_numbers(values, missing=choice.missing)
    if numbers is None or numbers.null_count == len(numbers):
        return None
    if pc.any(pc.match_substring_regex(values, CODES)).as_py():
        return None  # perhaps codes
    reading = Reading("number", missing=choice.missing)
    numbers = reading.without_codes(numbers)
    if pa.types.is_integer(numbers.type):
        return Found(reading, numbers)
    point = pc.any(pc.match_substring_regex(values.slice(0, SAMPLE), POINT)).as_py()
    mark = choice.mark or ("." if point else around.evidence.mark if around else None)
    if mark == "," or (not choice.mark and not point and _short_ones(values)):
        return None
    notes = () if point or choice.mark else _open_note(values)
    around_it = Around(Evidence(point=int(bool(point))))
    return Found(reading, numbers, around_it, notes, open=mark is None and not around)


def _open_note(values: pa.ChunkedArray) -> tuple[str, ...]:
    """Say that 1.234 is read with a decimal point, where nothing in the column says so."""
    place = pc.index(pc.match_substring_regex(values, EITHER), True).as_py()
    if place < 0:
        return ()
    word = values[place].as_py()
    return (f"is read with a decimal point: {word!r} is {float(word):.12g}",)


def _short_ones(values: pa.ChunkedArray) -> bool:
    """Whether some numbers have no mark, and others three digits after it: then all are looked at."""
    n, n_either = (
        pc.sum(pc.match_substring_regex(values, pattern)).as_py() or 0 for pattern in (SHORT, EITHER)
    )
    return n_either >= LEAST_EITHER and n >= max(2, LEAST_SHORT * n_either)


def find_numbers(distinct: Distinct, choice: Choice, around: Around | None) -> Found | None:
    """Find numbers as people write them.

    Parameters
    ----------
    distinct : Distinct
        The column's texts.
    choice : Choice
        What was said of it. For the kind "number" all that cannot be read is missing.
    around : Around, optional
        What the table's columns say together.

    Returns
    -------
    Found or None
        Of kind "text" where they are codes, have several units, or are nearly numbers; None for other text.
    """
    forced = choice.kind == "number"
    if not forced and _fails_on_a_sample(distinct):
        return None
    written = numerals.take_apart(distinct.text)
    read = ~np.isnan(numerals.values(written, "."))
    units = _units(written, np.where(read, distinct.counts, 0))
    if not forced:
        if not read.any():
            return None
        no_numbers = (
            _hexadecimal(distinct)
            or _several_units(distinct, written, read, units.same)
            or _nearly(distinct, read)
            or _codes(distinct, read)
        )
        if no_numbers is not None:
            return no_numbers
        read &= units.same
    evidence = numerals.evidence(written._replace(matches=read), distinct.counts)
    mark = choice.mark or evidence.decide(None if around is None else around.evidence)
    missing, lenient = odd_words(distinct, read)
    reading = Reading(
        "number",
        mark or ".",
        units.magnitudes,
        missing=(*choice.missing, *missing),
        lenient=lenient or forced,
    )
    notes = [
        *([] if choice.mark else _mark_note(distinct, written, read, mark or ".", evidence)),
        *(
            [f"is read without the unit {units.unit!r}{_not_all(units, distinct, read)}"]
            if units.unit
            else []
        ),
        *(f"is read with {one!r} as {numerals.MAGNITUDES[one]:,.12g}" for one in units.magnitudes),
        *odd_note(distinct, read, "numbers"),
    ]
    is_open = mark is None and around is None
    return Found(reading, None, Around(evidence), tuple(notes), is_open)


def _fails_on_a_sample(distinct: Distinct) -> bool:
    if len(distinct.text) <= 2 * SAMPLE:
        return False
    places = np.linspace(0, len(distinct.text) - 1, SAMPLE).astype(int)
    return float(numerals.take_apart(distinct.text.take(pa.array(places))).matches.mean()) < 0.25


class Units(NamedTuple):
    """What stands after the numbers of a column.

    Attributes
    ----------
    unit : str
        That of most values, "" for none.
    magnitudes : tuple of str
        Those that multiply.
    same : ndarray of bool
        Which texts have no other unit.
    n_without : int
        How many values have none.
    """

    unit: str
    magnitudes: tuple[str, ...]
    same: NDArray[np.bool_]
    n_without: int


def _units(written: Written, counts: NDArray[np.int64]) -> Units:
    n = np.bincount(written.suffix, weights=counts, minlength=len(written.suffixes))
    present = [suffix for suffix, many in zip(written.suffixes, n, strict=True) if many]
    magnitudes = {magnitude for _, magnitude in present} - {"%"}
    multiplied = numerals.multiply(magnitudes, {unit for unit, _ in present} - {""})
    shares = _shares(written, n)
    units = [
        unit if (shares if magnitude == "%" else multiplied) else unit + magnitude
        for unit, magnitude in written.suffixes
    ]
    totals: dict[str, float] = {}
    for unit, many in zip(units, n, strict=True):
        totals[unit] = totals.get(unit, 0) + many
    n_without = int(totals.pop("", 0))
    most = max(totals, key=lambda one: totals[one], default="")
    most = most if totals.get(most) else ""
    same = np.array([unit in ("", most) for unit in units])[written.suffix]
    found = [*(["%"] if shares else []), *(sorted(magnitudes - {""}) if multiplied else [])]
    return Units(most, tuple(found), same, n_without)


def _shares(written: Written, n: NDArray[Any]) -> bool:
    """Whether 5 % stands beside 0.05: some have the sign and are above 1, the others are shares."""
    if ("", "%") not in written.suffixes:
        return False
    with_sign, without = (written.suffixes.index(one) for one in (("", "%"), ("", "")))
    if min(n[with_sign], n[without]) <= 0.02 * n.sum():
        return False
    numbers = np.abs(numerals.values(written, "."))
    percent, others = (numbers[(written.suffix == one) & ~np.isnan(numbers)] for one in (with_sign, without))
    return bool(percent.max() > 1 >= others.max() and (others % 1 != 0).any())


def _not_all(units: Units, distinct: Distinct, read: NDArray[np.bool_]) -> str:
    total = int(distinct.counts[read].sum())
    n = units.n_without
    return f", which {n:,} of {total:,} values do not have" if n > MOST_ODD * total else ""


def _several_units(
    distinct: Distinct, written: Written, read: NDArray[np.bool_], of_unit: NDArray[np.bool_]
) -> Found | None:
    n_read, others = distinct.counts[read].sum(), read & ~of_unit
    if distinct.counts[others].sum() <= MOST_ODD * n_read:
        return None
    examples = distinct.text.filter(pa.array(others)).slice(0, 3).to_pylist()
    if len(written.suffixes) > max(MOST_UNITS, len(distinct.text) / 2):
        note = f"has codes such as {listed(examples[:1])}, taken as text"
        return Found(Reading("text"), notes=(note,))
    first = distinct.text.filter(pa.array(read & of_unit))[0].as_py()
    mostly_numbers = mostly(int(n_read), int(distinct.counts[~distinct.placeholders()].sum()))
    notes = (f"has numbers of several units ({listed([first, *examples], 4)}), taken as text",)
    return Found(Reading("text"), notes=notes if mostly_numbers else ())


def _nearly(distinct: Distinct, read: NDArray[np.bool_]) -> Found | None:
    odd = ~read & ~distinct.placeholders()
    n_read, n_known = int(distinct.counts[read].sum()), int(distinct.counts[read | odd].sum())
    if mostly(n_read, n_known):
        return None
    row, word = distinct.first(odd)
    note = (
        f"is taken as text: {n_read:,} of {n_known:,} values are numbers, others such as {listed([word])} in "
        f"row {row:,} are not; --number (number= in Python) counts those as missing"
    )
    return Found(Reading("text"), notes=(note,) if n_read >= n_known / 2 else ())


def _hexadecimal(distinct: Distinct) -> Found | None:
    """Find codes such as 0a1f; what looks like a number among them, as 1e5, is a code, too."""
    words = distinct.text.filter(pa.array(~distinct.placeholders()))
    if not numerals.matching(words.slice(0, 100), HEXADECIMAL).all():
        return None
    if not numerals.matching(words, HEXADECIMAL).all():
        return None
    codes = numerals.matching(words, NO_UNIT)
    if codes.mean() < LEAST_CODES:
        return None
    example = words[int(np.argmax(codes))].as_py()
    return Found(Reading("text"), notes=(f"has codes such as {listed([example])}, taken as text",))


def _codes(distinct: Distinct, read: NDArray[np.bool_]) -> Found | None:
    """Find zeros before numbers, and telephone numbers."""
    counts, n_read = distinct.counts, distinct.counts[read].sum()
    digits, padded, phones = (
        numerals.matching(distinct.text, pattern) & read
        for pattern in (r"^\d+$", r'^(?:=?")?0\d+"?$', r"^\+\d{7,}$")
    )
    if padded.any():
        lengths = pc.utf8_length(distinct.text).to_numpy(zero_copy_only=False)[digits]
        of_one_length = (
            digits.any()
            and lengths.min() == lengths.max()
            and counts[digits].sum() >= (1 - MOST_ODD) * n_read
        )
    if padded.any() and (of_one_length or counts[padded].sum() >= n_read / 20):
        codes = padded
    elif counts[phones].sum() > n_read / 2:
        codes = phones
    else:
        return None
    example = distinct.text[int(np.argmax(codes))].as_py()
    return Found(Reading("text"), notes=(f"has codes such as {listed([example])}, taken as text",))


def _mark_note(
    distinct: Distinct, written: Written, read: NDArray[np.bool_], mark: Mark, evidence: Evidence
) -> list[str]:
    """Say how a number is read that could have been read otherwise, or has a decimal comma."""
    if evidence.comma and evidence.point:
        return ["has decimal commas and decimal points, each read as it is"]
    if not (mark == "," or (evidence.either and not evidence.point)):
        return []
    marked = read & numerals.matching(written.body, "," if mark == "," and evidence.comma else "[,.]")
    if not marked.any():
        return []
    place = int(np.argmax(marked))
    number = numerals.values(numerals.take_apart(distinct.text.slice(place, 1)), mark)[0]
    word = distinct.text[place].as_py()
    comma = "comma" if mark == "," else "point"
    return [f"is read with a decimal {comma}: {listed([word])} is {number:.12g}"]
