"""JSON: a list of rows, or one row a line."""

import gzip
import json

from chainrule.tables.errors import TableError
from chainrule.tables.frames import open_frame
from chainrule.tables.source import Source


def looks_like_json(start: bytes) -> bool:
    """Whether a text begins as rows of JSON do.

    Examples
    --------
    >>> looks_like_json(b'[{"a": 1}]'), looks_like_json(b'{"a": 1}'), looks_like_json(b"a,b")
    (True, True, False)
    """
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    return (text[:1] == b"[" and text[1:].lstrip()[:1] == b"{") or (
        text[:1] == b"{" and text[1:].lstrip()[:1] in (b'"', b"}")
    )


def open_json(title: str, path: str, *, zipped: bool) -> Source:
    """Return the source of a JSON file; TableError for what is no list of rows."""
    with (gzip.open if zipped else open)(path, "rb") as file:
        text = file.read().decode("utf-8-sig")
    try:
        rows = json.loads(text) if text.lstrip().startswith("[") else None
        rows = rows if rows is not None else [json.loads(line) for line in text.splitlines() if line.strip()]
    except (ValueError, RecursionError) as error:
        raise TableError(
            f"{title} could not be read as JSON: {error}; expected a list of rows, or a row a line"
        ) from None
    if not all(isinstance(row, dict) for row in rows):
        raise TableError(f'{title} is JSON, but no list of rows such as [{{"rooms": 3}}, ...]')
    source = open_frame(rows)
    source.title = title
    return source
