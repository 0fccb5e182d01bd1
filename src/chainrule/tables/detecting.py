"""What the text of a column means: numbers, dates, booleans or words; decided by all of its values.

The rule: where nine tenths of the values, or all but one, read as numbers, it is a column of numbers, and
what does not read is missing. Durations come before, dates after, by the same rule. Codes, which begin with
zeros or have digits and letters in any order, are words.
"""

from collections.abc import Mapping
from dataclasses import replace

import pyarrow as pa

from chainrule.tables.date_columns import find_compact, find_dates
from chainrule.tables.distinct import Distinct
from chainrule.tables.duration_columns import find_durations
from chainrule.tables.found import Around, Choice, Found
from chainrule.tables.number_columns import find_numbers, find_plain
from chainrule.tables.reading import Reading, booleans
from chainrule.tables.wide_tables import find_together


def detect(values: pa.ChunkedArray, choice: Choice | None = None, around: Around | None = None) -> Found:
    """Decide what a column of text means.

    Parameters
    ----------
    values : pyarrow.ChunkedArray of strings
        All rows.
    choice : Choice, optional
        What was said of the column.
    around : Around, optional
        The evidence of all columns of the table, which decides what this one leaves open.

    Examples
    --------
    >>> found = detect(pa.chunked_array([["0,5", "1,25", "-", "1,234"]]))
    >>> found.reading.kind, found.reading.mark, found.reading.missing
    ('number', ',', ('-',))
    >>> found.notes[0]
    "is read with a decimal comma: '0,5' is 0.5"
    >>> detect(pa.chunked_array([["007", "008"]])).reading.kind
    'text'
    """
    choice = choice or Choice()
    if choice.kind == "text":
        return Found(Reading("text", missing=choice.missing, verbatim=True))
    if choice.kind is None:
        plain = find_compact(values, choice) or find_plain(values, choice, around)
        if plain is not None:
            return plain
    distinct = Distinct.of(values, choice.missing)
    found = None
    if len(distinct.text) or choice.kind:
        found = find_durations(distinct, choice) or find_numbers(distinct, choice, around)
    if (found is None or found.reading.kind == "text") and choice.kind is None and len(distinct.text):
        found = find_dates(distinct, choice, around) or _booleans(distinct) or found
    if found is None or found.reading.kind == "text":
        reading = Reading("text", missing=choice.missing)
        found = Found(reading, distinct.spread(distinct.text), notes=found.notes if found else ())
    return found


def detect_all(columns: Mapping[str, pa.ChunkedArray], choices: Mapping[str, Choice]) -> dict[str, Found]:
    """Decide what columns of text mean, each by its values, and where those leave it open, by the others'.

    Returns
    -------
    dict of str to Found
        With the values of each column.

    Examples
    --------
    >>> columns = {"a": pa.chunked_array([["0,5", "2"]]), "b": pa.chunked_array([["1.234", "5.678"]])}
    >>> detect_all(columns, {})["b"].values.to_pylist()
    [1234.0, 5678.0]
    """
    together = find_together(columns, choices)
    found = {
        name: together.get(name) or detect(values, choices.get(name)) for name, values in columns.items()
    }
    around = sum((one.around for one in found.values()), Around())
    for name, one in found.items():
        if one.open:
            found[name] = one = detect(columns[name], choices.get(name), around)
        if one.values is None:
            found[name] = replace(one, values=one.reading.apply(name, columns[name]))
    return found


def _booleans(distinct: Distinct) -> Found | None:
    if len(distinct.text) > 6:
        return None
    _, valid = booleans(distinct.text)
    words = {word.lower() for word in distinct.text.to_pylist()}
    return Found(Reading("boolean")) if valid.all() and words <= {"true", "false"} else None
