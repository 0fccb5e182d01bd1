"""CSV files, plain or gzip: every field as the text that stands there; whole columns decide their types."""

import zlib
from typing import Any

import pyarrow as pa

from chainrule.tables.csv_format import CsvFormat, CsvOptions, find_format, not_utf8
from chainrule.tables.names import tidy
from chainrule.tables.source import Source

PEEK_BYTES = 1 << 16
LEAST_BLOCK = 1 << 20
#: pyarrow's limit of a block, which must hold a whole line.
MOST_BLOCK = (1 << 31) - 1


def open_csv(title: str, path: str, options: CsvOptions) -> Source:
    """Return the source of a CSV file.

    Raises
    ------
    TableError
        For what is no text, or not in the encoding.
    """
    zipped = _starts(path, 2) == b"\x1f\x8b"
    n_bytes = PEEK_BYTES
    while True:
        start, whole = peek(path, n_bytes, zipped=zipped)
        form = find_format(title, start, options)
        # The line of names and the first row must be there as a whole.
        if whole or len(start) > 2 * form.longest:
            break
        n_bytes *= 8

    def read(places: list[int]) -> pa.Table:
        return _read(title, path, form, places, zipped=zipped)

    return Source(title, form.names, read, notes=form.notes, is_file=True)


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


def _read(title: str, path: str, form: CsvFormat, places: list[int], *, zipped: bool) -> pa.Table:
    import pyarrow.csv as csv

    names = [str(place) for place in range(len(form.names))]
    wanted = [names[place] for place in places]
    block = min(max(LEAST_BLOCK, 4 * form.longest), MOST_BLOCK)
    while True:
        try:
            return csv.read_csv(
                pa.input_stream(path, compression="gzip" if zipped else None),
                read_options=csv.ReadOptions(
                    column_names=names, skip_rows=form.skip, encoding=form.encoding, block_size=block
                ),
                # A blank line means nothing in a wide table, but is a missing value in a table of one column.
                parse_options=csv.ParseOptions(
                    delimiter=form.delimiter,
                    newlines_in_values=True,
                    ignore_empty_lines=len(names) > 1,
                    invalid_row_handler=_comments_are_skipped,
                ),
                convert_options=csv.ConvertOptions(
                    null_values=[],
                    column_types=dict.fromkeys(wanted, pa.large_string()),
                    include_columns=wanted,
                ),
            )
        except pa.ArrowInvalid as error:
            message = str(error)
            if "straddling" in message and block < MOST_BLOCK:
                block = min(16 * block, MOST_BLOCK)
                continue
            if "Empty CSV file" in message or "Could not skip initial" in message:
                return pa.table({name: pa.array([], pa.large_string()) for name in wanted})
            if "invalid UTF8" in message or "Invalid UTF8" in message:
                number = message.partition("#")[2].partition(":")[0]
                column = tidy(form.names[int(number)]) if number.isdigit() else "?"
                raise not_utf8(title, f"column {column!r}") from None
            raise


def _comments_are_skipped(row: Any) -> str:
    return "skip" if row.text.lstrip().startswith("#") else "error"
