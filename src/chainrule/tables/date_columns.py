"""Whether a column of text is one of dates or times, and whether days come before months."""

import numpy as np
import pyarrow as pa

from chainrule.tables import dates, numerals
from chainrule.tables.distinct import Distinct
from chainrule.tables.found import Around, Choice, Found, mostly, odd_note, odd_words
from chainrule.tables.reading import Reading

SAMPLE = 200


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
    if guessed:
        place = int(np.argmax(numerals.matching(text, dates.FORMS[1]) & read))
        moment = np.datetime64(int(found.microseconds[place]), "us").astype("datetime64[D]")
        first = "day" if day_first else "month"
        notes.insert(0, f"is read with the {first} first: {distinct.text[place].as_py()!r} is {moment}")
    return Found(reading, None, Around(order=order), tuple(notes), guessed and around is None)
