"""Columns that are carried over to predictions as they stand in the table, such as ids."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from chainrule.tables.errors import TableError
from chainrule.tables.names import no_such, tidy
from chainrule.tables.source import Source
from chainrule.tables.values import is_text


def kept_columns(source: Source, names: Sequence[str]) -> dict[str, pa.ChunkedArray]:
    """Return columns as they stand; text that is a whole number as such, but 007 stays 007.

    Raises
    ------
    TableError
        For a column that the table does not have.

    Examples
    --------
    >>> from chainrule.tables.tables import open_table
    >>> kept_columns(open_table({"id": ["007", "12"]}), ["id"])["id"].to_pylist()
    ['007', '12']
    """
    wanted = list(dict.fromkeys(map(tidy, names)))
    for name in wanted:
        if name not in source:
            raise TableError(no_such(name, source.names, "to keep"))
    table = source.read(wanted)
    return {name: _plain(source, table[name]) for name in wanted}


def _plain(source: Source, values: pa.ChunkedArray) -> pa.ChunkedArray:
    if not (source.is_file and is_text(values.type)):
        return values
    whole = pc.all(pc.match_substring_regex(values, r"^(?:0|-?[1-9]\d{0,17})$"), min_count=0).as_py()
    return values.cast(pa.int64() if whole else pa.string())
