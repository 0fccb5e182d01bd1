"""JSON: a list of rows, one row a line, or columns."""

import gzip
import json
from typing import Any

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
    source = open_frame(_rows(title, text))
    source.title = title
    return source


def _rows(title: str, text: str) -> Any:
    """Return a list of rows, or columns."""
    where = ""
    try:
        try:
            found = json.loads(text)
        except ValueError:
            if text.lstrip().startswith("["):
                raise
            found = []
            for number, line in enumerate(text.split("\n"), 1):
                where = f" in line {number:,}"
                found += [json.loads(line)] if line.strip() else []
    except (ValueError, RecursionError) as error:
        raise TableError(
            f"{title} could not be read as JSON{where}: {error}; expected a list of rows, or a row a line"
        ) from None
    if isinstance(found, dict):
        found = _columns(found) or [found]
    if isinstance(found, list) and not all(isinstance(row, dict) for row in found):
        raise TableError(f'{title} is JSON, but no list of rows such as [{{"rooms": 3}}, ...]')
    return found


def _columns(found: dict[str, Any]) -> dict[str, list[Any]] | None:
    """Return the lists in an object, or the values by row that pandas writes; None for other objects."""
    columns = list(found.values())
    if columns and all(isinstance(one, list) for one in columns) and len(set(map(len, columns))) == 1:
        return found
    if columns and all(isinstance(one, dict) and one.keys() == columns[0].keys() for one in columns):
        return {name: list(one.values()) for name, one in found.items()}
    return None
