"""Whether a column of text is one of dates or times, and whether days come before months."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from chainrule.tables import dates, numerals
from chainrule.tables.distinct import Distinct
from chainrule.tables.found import Around, Choice, Found, mostly, odd_note, odd_words
from chainrule.tables.reading import Reading
from chainrule.tables.values import whole_as_text

SAMPLE = 200
#: Quarters and weeks, of which the first day is taken.
PERIODS = r"(?i:\dQ|[QW]\d)"
#: Fewer numbers such as 20240131 may be anything.
LEAST_COMPACT = 3


def find_dates(distinct: Distinct, choice: Choice, around: Around | None) -> Found | None:
    """Find dates or times; arguments as those of `find_numbers`."""
    places = np.linspace(0, len(distinct.text) - 1, min(len(distinct.text), SAMPLE)).astype(int)
    sample = numerals.plain_signs(distinct.text.take(pa.array(places)))
    of_days = dates.moments(sample, day_first=True).valid.mean()
    if max(of_days, dates.times(sample).valid.mean()) < 0.25:
        return None
    text = numerals.plain_signs(distinct.text)
    order, slashes = dates.order(text, distinct.counts)
    day_first, guessed = choice.day_first, False
    if day_first is None and of_days:
        day_first = order.decided
        if day_first is None and order.either:
            guessed = True
            day_first = around.order.decided if around else None
            day_first = not slashes if day_first is None else day_first
    found = dates.moments(text, day_first=bool(day_first)) if of_days else dates.times(text)
    read = found.valid
    n_known = int(distinct.counts[read | ~distinct.placeholders()].sum())
    if not mostly(int(distinct.counts[read].sum()), n_known):
        return None
    missing, lenient = odd_words(distinct, read)
    reading = Reading("date", day_first=day_first, missing=(*choice.missing, *missing), lenient=lenient)
    notes = odd_note(distinct, read, "dates")
    short = read & ~numerals.matching(text, r"\d{4}") if of_days else np.zeros(len(read), bool)
    if short.any():
        place = int(np.argmax(short))
        notes.insert(0, f"is read with years of two digits: {_shown(distinct, found, place)}")
    periods = read & numerals.matching(text, PERIODS)
    if periods.any() and not short.any():
        notes.insert(0, f"is read as dates: {_shown(distinct, found, int(np.argmax(periods)))}")
    if guessed:
        place = int(np.argmax(numerals.matching(text, dates.FORMS[1]) & read))
        first = "day" if day_first else "month"
        notes.insert(0, f"is read with the {first} first: {_shown(distinct, found, place)}")
    return Found(reading, None, Around(order=order), tuple(notes), guessed and around is None)


def find_compact(values: pa.ChunkedArray, choice: Choice) -> Found | None:
    """Find dates such as 20240131, which are whole numbers otherwise."""
    start = Distinct.of(values.slice(0, 100), choice.missing).text
    if not pc.all(pc.match_substring_regex(start, dates.COMPACT), min_count=0).as_py():
        return None
    distinct = Distinct.of(values, choice.missing)
    found = dates.moments(numerals.plain_signs(distinct.text), day_first=False)
    compact = numerals.matching(distinct.text, dates.COMPACT)
    if len(distinct.text) < LEAST_COMPACT or not (compact & found.valid).all():
        return None
    note = f"is read as dates: {_shown(distinct, found, 0)}"
    return Found(Reading("date", missing=choice.missing), None, notes=(note,))


def are_compact_dates(values: pa.ChunkedArray) -> bool:
    """Whether all of a column of whole numbers are such dates."""
    of_type = pa.types.is_integer(values.type) or pa.types.is_float64(values.type)
    if not of_type or len(values) == values.null_count:
        return False
    ends = pc.min_max(values).as_py()
    if not 19000101 <= ends["min"] <= ends["max"] <= 20991231:
        return False
    text = whole_as_text(values)
    return text is not None and find_compact(text, Choice()) is not None


def _shown(distinct: Distinct, found: dates.Moments, place: int) -> str:
    moment = np.datetime64(int(found.microseconds[place]), "us").astype("datetime64[D]")
    return f"{distinct.text[place].as_py()!r} is {moment}"
