"""Tables from CSV and Parquet files and from DataFrames, all as pyarrow Tables; and back to files."""

import os
import stat
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from chainrule._words import listed
from chainrule.files.atomic import atomic_path
from chainrule.tables.errors import TableError

# pyarrow's own list of words for a missing value, and the one of the UCI repository's tables.
MISSING_WORDS = [
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "N/A", "NA",
    "NULL", "NaN", "n/a", "nan", "null", "?",
]  # fmt: skip
DELIMITERS = (",", ";", "\t")
PEEK_BYTES = 65536


def read_table(path: str | os.PathLike[str], *, text: Iterable[str] = ()) -> pa.Table:
    r"""Read a CSV file (plain or gzip) or a Parquet file; the content decides which it is, not the name.

    CSV: UTF-8, the first line has the names; comma, semicolon or tab, whichever is most frequent there;
    types are inferred; empty fields and words such as NA, null, NaN and ? are missing values.

    Parameters
    ----------
    path : str or path-like
        The file.
    text : iterable of str
        Columns of a CSV file to read as text, even if all of it looks like numbers.

    Returns
    -------
    pyarrow.Table
        Columns of distinct names; at least one row.

    Raises
    ------
    TableError
        A ValueError: the file is no table, has no rows, or has a name twice.
    OSError
        Where the file cannot be read.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as directory:
    ...     path = pathlib.Path(directory, "houses.csv")
    ...     _ = path.write_text("rooms,street,price\n3,Elm,100.5\n4,NA,120\n")
    ...     read_table(path).to_pydict()
    {'rooms': [3, 4], 'street': ['Elm', None], 'price': [100.5, 120.0]}
    """
    name = os.fspath(path)
    with open(path, "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise TableError(f"{name} is not a regular file, expected a CSV or Parquet file")
        start = file.read(PEEK_BYTES)
    if not start.strip():
        raise TableError(f"{name} is empty, expected a table with a line of column names")
    try:
        is_parquet = start.startswith(b"PAR1")
        table = _read_parquet(name) if is_parquet else _read_csv(name, start, text)
        return check_table(table, name)
    # The file could be opened, so an OSError is what pyarrow says of damaged compression.
    except (pa.ArrowException, UnicodeDecodeError, OSError) as error:
        raise TableError(f"{name} could not be read as a table: {_first_line(error)}") from None


def as_table(data: Any, *, text: Iterable[str] = ()) -> pa.Table:
    """Turn anything that is a table into a pyarrow Table with rows and distinct names.

    Parameters
    ----------
    data : pyarrow.Table, DataFrame (pandas, polars, modin, ...), mapping of columns, or path of a file
        The table. An index of pandas is no column.
    text : iterable of str
        As in `read_table`, for a path.

    Returns
    -------
    pyarrow.Table

    Raises
    ------
    TypeError
        For anything else; a NumPy array has no column names.
    TableError
        Where a column's values have no common type, or as in `read_table`.

    Examples
    --------
    >>> as_table({"rooms": [3, 4], "street": ["Elm", None]}).column_names
    ['rooms', 'street']
    """
    if isinstance(data, str | os.PathLike):
        return read_table(data, text=text)
    try:
        if isinstance(data, pa.Table):
            table = data
        elif isinstance(data, Mapping):
            table = pa.table({str(name): values for name, values in data.items()})
        else:
            table = _from_dataframe(data)
    except (pa.ArrowException, UnicodeError) as error:
        raise TableError(f"the table could not be read: {_first_line(error)}") from None
    return check_table(table, "the table")


def write_table(table: pa.Table, path: str | os.PathLike[str]) -> None:
    """Write a table as .csv or .parquet, whichever the name says, whole or not at all.

    Parameters
    ----------
    table : pyarrow.Table
        The table.
    path : str or path-like
        File to write; its ending decides.

    Raises
    ------
    TableError
        For another ending.
    OSError
        Where the file cannot be written.
    """
    ending = table_ending(path)
    with atomic_path(path) as temporary:
        if ending == ".csv":
            with open(temporary, "wb") as file:
                write_csv(table, file)
        else:
            import pyarrow.parquet

            pyarrow.parquet.write_table(table, temporary)


def write_csv(table: pa.Table, file: Any) -> None:
    """Write a table as CSV, text in quotes, to an open binary file."""
    import pyarrow.csv

    pyarrow.csv.write_csv(table, file)


def table_ending(path: str | os.PathLike[str]) -> str:
    """Return ".csv" or ".parquet"; raise TableError for a name with another ending."""
    ending = Path(path).suffix.lower()
    if ending not in (".csv", ".parquet"):
        raise TableError(f"cannot write {os.fspath(path)}, expected a name that ends in .csv or .parquet")
    return ending


def check_table(table: pa.Table, name: str) -> pa.Table:
    """Return the table; raise TableError where it has no rows, or a column name twice."""
    twice = [column for column, n in Counter(table.column_names).items() if n > 1]
    if twice:
        raise TableError(f"{name} has the column name {listed(twice)} more than once; rename one")
    if table.num_rows == 0:
        names = f" (columns: {listed(table.column_names)})" if table.column_names else ""
        raise TableError(f"{name} has no rows{names}, expected at least one")
    return table


def _read_parquet(name: str) -> pa.Table:
    import pyarrow.parquet

    # One file as it is: not a folder whose name may hold more columns.
    table = pyarrow.parquet.read_table(name, partitioning=None)
    # pandas' nameless row numbers, which it writes as if they were a column.
    return table.drop_columns(
        [column for column in table.column_names if column.startswith("__index_level_")]
    )


def _read_csv(name: str, start: bytes, text: Iterable[str]) -> pa.Table:
    import pyarrow.csv as csv

    zipped = start.startswith(b"\x1f\x8b")
    if zipped:
        start = _unzipped(start)
    if b"\0" in start:
        raise TableError(f"{name} is a binary file, expected CSV (UTF-8 text, may be gzip) or Parquet")
    header = start.strip().partition(b"\n")[0]
    delimiter = _delimiter(header)
    table = csv.read_csv(
        pa.input_stream(name, compression="gzip" if zipped else None),
        # A blank line means nothing in a wide table, but is a missing value in a table of one column.
        parse_options=csv.ParseOptions(
            delimiter=delimiter, newlines_in_values=True, ignore_empty_lines=delimiter.encode() in header
        ),
        convert_options=csv.ConvertOptions(
            null_values=MISSING_WORDS,
            strings_can_be_null=True,
            column_types={column: pa.large_string() for column in text},
        ),
    )
    not_utf8 = [field.name for field in table.schema if pa.types.is_binary(field.type)]
    if not_utf8:
        raise TableError(
            f"{name} is not UTF-8 text in column {listed(not_utf8)}; "
            "convert it, for example: iconv -f latin1 -t utf-8"
        )
    return table


def _unzipped(start: bytes) -> bytes:
    """Return the beginning of the text of a gzip file."""
    try:
        return zlib.decompressobj(wbits=31).decompress(start, PEEK_BYTES)
    except zlib.error:
        return b"\0"  # binary, whatever it is


def _delimiter(header: bytes) -> str:
    unquoted = b"".join(header.split(b'"')[::2])
    return max(DELIMITERS, key=lambda delimiter: unquoted.count(delimiter.encode()))


def _from_dataframe(data: Any) -> pa.Table:
    import narwhals as nw

    try:
        frame = nw.from_native(data)
    except TypeError:
        raise TypeError(
            f"expected a DataFrame (pandas, polars, pyarrow), a mapping of columns, or a path, "
            f"got {type(data).__name__}; an array needs column names: pandas.DataFrame(array, columns=...)"
        ) from None
    if isinstance(frame, nw.LazyFrame):
        frame = frame.collect("pyarrow")
    return nw.maybe_reset_index(frame).to_arrow()


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
