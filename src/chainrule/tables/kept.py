"""Columns that are carried over to predictions as they stand in the table, such as ids."""

from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from chainrule.tables.errors import TableError
from chainrule.tables.names import no_such, tidy
from chainrule.tables.source import Source
from chainrule.tables.values import is_text

#: Text that is a whole number, and loses nothing as one.
WHOLE_NUMBER = r"^(?:0|-?[1-9]\d{0,17})$"


def kept_names(source: Source, names: Sequence[str]) -> list[str]:
    """Return tidy names, each once; TableError for a column that the table does not have."""
    wanted = list(dict.fromkeys(map(tidy, names)))
    for name in wanted:
        if name not in source:
            raise TableError(no_such(name, source.names, "to keep"))
    return wanted


def kept_columns(
    source: Source, names: Sequence[str], whole: Mapping[str, bool] | None = None
) -> dict[str, pa.ChunkedArray]:
    """Return columns as they stand; text that is a whole number as such, but 007 stays 007.

    `whole` says which columns of text are whole numbers in every row, where these are some rows of a table.

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
    wanted = kept_names(source, names)
    table = source.read(wanted)
    return {name: _plain(source, table[name], (whole or {}).get(name)) for name in wanted}


def _plain(source: Source, values: pa.ChunkedArray, whole: bool | None) -> pa.ChunkedArray:
    if not (source.is_file and is_text(values.type)):
        return values
    if whole is None:
        whole = pc.all(pc.match_substring_regex(values, WHOLE_NUMBER), min_count=0).as_py()
    return values.cast(pa.int64() if whole else pa.string())
