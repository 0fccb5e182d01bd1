"""CSV files, plain or gzip: every field as the text that stands there; whole columns decide their types.

pyarrow reads those of which all lines have as many fields as there are names; others are read line by line.
"""

import csv
import gzip
import io
import itertools
import sys
import warnings
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from chainrule._words import counted
from chainrule.tables.csv_format import CsvFormat, CsvOptions, find_format, not_utf8, plain_blanks
from chainrule.tables.errors import TableError, TableWarning
from chainrule.tables.names import tidy
from chainrule.tables.source import Source

PEEK_BYTES = 1 << 16
LEAST_BLOCK = 1 << 20
#: pyarrow's limit of a block, which must hold a whole line.
MOST_BLOCK = (1 << 31) - 1
#: So many lines at the end may have another number of fields: a sum, a source, half of a line.
MOST_LAST = 5
#: In so many columns texts are searched for rows.
MOST_SEARCHED = 1000


def open_csv(title: str, path: str, options: CsvOptions) -> Source:
    """Return the source of a CSV file.

    Raises
    ------
    TableError
        For what is no text, or not in the encoding.
    """
    form, zipped = csv_format(title, path, options)

    def read(places: list[int]) -> pa.Table:
        table, note = None if form.blanks else _read(title, path, form, places, zipped=zipped), ""
        if table is None:
            table, note = _read_lines(title, path, form, places, zipped=zipped)
        for one in filter(None, (note, swallowed(form, places, table))):
            if one not in source.notes:
                source.notes.append(one)
                warnings.warn(one, TableWarning, stacklevel=3)
        return table

    source = Source(title, form.names, read, notes=form.notes, is_file=True)
    return source


def csv_format(title: str, path: str, options: CsvOptions) -> tuple[CsvFormat, bool]:
    """Return how a CSV file is written, and whether it is gzip."""
    zipped = _starts(path, 2) == b"\x1f\x8b"
    n_bytes = PEEK_BYTES
    while True:
        start, whole = peek(path, n_bytes, zipped=zipped)
        form = find_format(title, start, options)
        # The line of names and the first row must be there as a whole.
        if whole or len(start) > 2 * form.longest:
            return form, zipped
        n_bytes *= 8


def peek(path: str, n_bytes: int, *, zipped: bool) -> tuple[bytes, bool]:
    """Return the beginning of a text, and whether that is all of it."""
    if not zipped:
        start = _starts(path, n_bytes + 1)
        return start[:n_bytes], len(start) <= n_bytes
    unzip = zlib.decompressobj(wbits=31)
    start = b""
    with open(path, "rb") as file:
        try:
            while len(start) <= n_bytes and (piece := file.read(PEEK_BYTES)):
                start += unzip.decompress(piece)
        except zlib.error:
            return start or b"\0", True  # binary, whatever it is
    return start[:n_bytes], len(start) <= n_bytes


def _starts(path: str, n_bytes: int) -> bytes:
    with open(path, "rb") as file:
        return file.read(n_bytes)


def _read(title: str, path: str, form: CsvFormat, places: list[int], *, zipped: bool) -> pa.Table | None:
    """Read columns; None where a line has more or fewer fields than there are names."""
    import pyarrow.csv

    block = first_block(form)
    while True:
        try:
            file = pa.input_stream(path, compression="gzip" if zipped else None)
            return pyarrow.csv.read_csv(file, **reader_options(form, places, block))
        except pa.ArrowInvalid as error:
            what = what_failed(title, form, error)
            if what == "long" and block < MOST_BLOCK:
                block = min(16 * block, MOST_BLOCK)
            elif what == "empty":
                return pa.table({str(place): pa.array([], pa.large_string()) for place in places})
            elif what == "ragged":
                return None
            else:
                raise


def first_block(form: CsvFormat) -> int:
    """Return how many bytes pyarrow reads at a time, unless a line is longer."""
    return min(max(LEAST_BLOCK, 4 * form.longest), MOST_BLOCK)


def reader_options(form: CsvFormat, places: list[int], block: int) -> dict[str, Any]:
    """Return pyarrow's options to read columns as the text that stands there, called "0", "1", ..."""
    import pyarrow.csv

    names = [str(place) for place in range(len(form.names))]
    wanted = [names[place] for place in places]
    return {
        "read_options": pyarrow.csv.ReadOptions(
            column_names=names, skip_rows=form.skip, encoding=form.encoding, block_size=block
        ),
        # A blank line means nothing in a wide table, but is a missing value in a table of one column.
        "parse_options": pyarrow.csv.ParseOptions(
            delimiter=form.delimiter,
            quote_char=form.quote,
            escape_char=form.escape or False,
            newlines_in_values=True,
            ignore_empty_lines=len(names) > 1,
        ),
        "convert_options": pyarrow.csv.ConvertOptions(
            null_values=[],
            column_types=dict.fromkeys(wanted, pa.large_string()),
            include_columns=wanted,
        ),
    }


def what_failed(title: str, form: CsvFormat, error: pa.ArrowInvalid) -> str:
    """Return "long" for a line longer than a block, "empty", "ragged" for other numbers of fields, or "".

    Raises
    ------
    TableError
        For what is not in the encoding, with the column.
    """
    message = str(error)
    if "invalid UTF8" in message or "Invalid UTF8" in message:
        number = message.partition("#")[2].partition(":")[0]
        column = tidy(form.names[int(number)]) if number.isdigit() else "?"
        raise not_utf8(title, f"column {column!r}") from None
    if "Empty CSV file" in message or "Could not skip initial" in message:
        return "empty"
    return "long" if "straddling" in message else "ragged" if "columns, got" in message else ""


def _read_lines(
    title: str, path: str, form: CsvFormat, places: list[int], *, zipped: bool
) -> tuple[pa.Table, str]:
    """Read columns line by line; return them, and a note of the lines at the end that are no rows."""
    last: list[tuple[int, list[str]]] = []
    (table,) = read_lines(title, path, form, places, sys.maxsize, last, zipped=zipped)
    return table, left_out(title, form, last)


def read_lines(
    title: str,
    path: str,
    form: CsvFormat,
    places: list[int],
    most: int,
    last: list[tuple[int, list[str]]],
    *,
    zipped: bool,
) -> Iterator[pa.Table]:
    """Read columns line by line, `most` rows at a time, of an empty file one table without rows.

    Lines at the end that are no rows, as they have more or fewer fields than there are names, go to `last`.

    Raises
    ------
    TableError
        For such a line that is not at the end.
    """

    def table() -> pa.Table:
        arrays = [_array(title, form, place, column) for place, column in zip(places, columns, strict=True)]
        return pa.table(dict(zip(map(str, places), arrays, strict=True)))

    n_names = len(form.names)
    columns: list[list[str]] = [[] for _ in places]
    n_rows = n_given = 0
    for number, n_lines, fields in _records(path, form, zipped=zipped):
        if not any(fields[n_names:]):
            fields = fields[:n_names]
        row = fields or [""]  # a blank line is a row of a table of one column
        if len(row) == n_names and not last:
            for column, place in zip(columns, places, strict=True):
                column.append(row[place])
            n_rows += 1
            if n_rows == most:
                yield table()
                columns, n_rows, n_given = [[] for _ in places], 0, n_given + most
        elif fields and not (len(fields) != n_names and fields[0].lstrip().startswith("#")):
            if len(fields) != n_names:
                last.append((number, fields))
            if len(fields) == n_names or n_lines > 1 or len(last) > MOST_LAST:
                raise TableError(_ragged(title, form, *last[0], n_lines if len(last) == 1 else 1))
    if n_rows or not n_given:
        yield table()


def _records(path: str, form: CsvFormat, *, zipped: bool) -> Iterator[tuple[int, int, list[str]]]:
    """Yield the number of a record's first line, how many lines it has, and its fields."""
    with gzip.open(path, "rb") if zipped else open(path, "rb") as file:
        # What is not in the encoding is told of when its column is known.
        text = io.TextIOWrapper(file, form.encoding, "surrogateescape", newline="")
        lines: Iterator[str] = itertools.islice(text, form.skip, None)
        if form.delimiter == " ":
            lines = map(plain_blanks, lines)
        reader = csv.reader(
            lines, delimiter=form.delimiter, quotechar=form.quote, escapechar=form.escape,
            skipinitialspace=form.blanks,
        )  # fmt: skip
        before = 0
        for fields in reader:
            if form.skip == before == 0 and fields:
                fields[0] = fields[0].removeprefix("\ufeff")
            yield form.skip + before + 1, reader.line_num - before, fields
            before = reader.line_num


def _array(title: str, form: CsvFormat, place: int, texts: list[str]) -> pa.Array:
    try:
        return pa.array(texts, pa.large_string())
    except UnicodeEncodeError:
        raise not_utf8(title, f"column {tidy(form.names[place])!r}") from None


def _ragged(title: str, form: CsvFormat, number: int, fields: list[str], n_lines: int) -> str:
    """Say which line has another number of fields than there are names, and what may be the reason."""
    hint = ""
    if n_lines > 1:
        hint = f"; a quote that is opened there is closed {n_lines - 1:,} lines later, or never"
    elif len(fields) > len(form.names):
        hint = f"; a text with {form.delimiter!r} in it must stand between quotes"
    return (
        f"line {number:,} of {title} has {counted(len(fields), 'field')}, expected {len(form.names):,} as in "
        f"{'the line of names' if form.header else 'the first line'}: {_shown(form, fields)}{hint}"
    )


def left_out(title: str, form: CsvFormat, last: list[tuple[int, list[str]]]) -> str:
    """Say which lines at the end are no rows; "" for none."""
    if not last:
        return ""
    n, texts = counted(len(form.names), "field"), ", ".join(_shown(form, fields) for _, fields in last)
    if len(last) == 1:
        return f"the last line of {title} was left out, as it does not have {n}: {texts}"
    return f"the last {len(last)} lines of {title} were left out, as they do not have {n}: {texts}"


def swallowed(form: CsvFormat, places: list[int], table: pa.Table, first: int = 0) -> str:
    """Say which text holds rows of the table: between two quotes that do not belong together."""
    if len(form.names) == 1 or len(places) > MOST_SEARCHED:
        return ""
    for place, column in zip(places, table.columns, strict=True):
        found = pc.match_substring(column, "\n")
        for row in np.flatnonzero(found.to_numpy()) if pc.any(found).as_py() else ():
            lines = str(column[int(row)].as_py()).splitlines()[1:-1]
            if len(lines) > 1 and {line.count(form.delimiter) for line in lines} == {len(form.names) - 1}:
                return (
                    f"the text of {tidy(form.names[place])!r} in row {first + row + 1:,} holds "
                    f"{len(lines):,} lines that look like rows; is a quote {form.quote} missing at its end?"
                )
    return ""


def _shown(form: CsvFormat, fields: list[str]) -> str:
    text = form.delimiter.join(fields).encode(errors="replace").decode().partition("\n")[0]
    return repr(text if len(text) <= 60 else f"{text[:57]}...")
