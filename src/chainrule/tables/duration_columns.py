"""Whether a column of text is one of durations, or of times of the day: both are read in seconds."""

import numpy as np
import pyarrow as pa

from chainrule._words import listed
from chainrule.tables import dates, durations, numerals
from chainrule.tables.distinct import Distinct
from chainrule.tables.found import Choice, Found, mostly, odd_note, odd_words
from chainrule.tables.reading import Reading

SAMPLE = 200


def find_durations(distinct: Distinct, choice: Choice) -> Found | None:
    """Find durations; arguments as those of `find_numbers`.

    Texts such as 90 min are durations beside others of another unit; alone they are numbers with a unit.
    """
    places = np.linspace(0, len(distinct.text) - 1, min(len(distinct.text), SAMPLE)).astype(int)
    sample = numerals.plain_signs(distinct.text.take(pa.array(places)))
    if not len(sample) or np.isnan(durations.seconds(sample)).mean() > 0.75:
        return None
    text = numerals.plain_signs(distinct.text)
    read = ~np.isnan(durations.seconds(text))
    units = durations.units(text.filter(pa.array(read)))
    letters = set("".join(units))
    if len(units) == 1 and len(letters) == 1:
        return None
    if letters & set("yo") and "m" in letters and "h" not in letters:
        return None  # 2y beside 6m: are they months?
    n_known = int(distinct.counts[read | ~distinct.placeholders()].sum())
    n_read, forced = int(distinct.counts[read].sum()), choice.kind == "number"
    if not (mostly(n_read, n_known) or (forced and n_read >= n_known / 2)):
        return None
    if dates.times(text.filter(pa.array(~read))).valid.any():
        return None  # 5:30 pm: times of the day
    first = durations.first_of_two(text)
    missing, lenient = odd_words(distinct, read)
    lenient = lenient or forced
    reading = Reading("number", ".", missing=(*choice.missing, *missing), lenient=lenient, durations=first)
    of_two = numerals.matching(text, durations.TWO)
    place = int(np.argmax(of_two if of_two.any() else read))
    seconds = durations.seconds(text.slice(place, 1), first)[0]
    notes = [f"is read in seconds: {listed([distinct.text[place].as_py()])} is {seconds:.12g}"]
    return Found(reading, notes=(*notes, *odd_note(distinct, read, "durations")))
