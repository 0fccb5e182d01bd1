"""Every way into a table: CSV, Parquet and JSON files, DataFrames, mappings, lists of rows; and out again."""

import contextlib
import csv
import itertools
import os
import stat
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from chainrule.files.atomic import atomic_path
from chainrule.tables.csv_file import PEEK_BYTES, open_csv, peek
from chainrule.tables.csv_format import CsvOptions
from chainrule.tables.detecting import detect_all
from chainrule.tables.errors import TableError
from chainrule.tables.found import Choice
from chainrule.tables.frames import open_frame
from chainrule.tables.json_file import looks_like_json, open_json
from chainrule.tables.names import tidy
from chainrule.tables.parquet_file import MAGIC, open_parquet
from chainrule.tables.source import Source, check_rows
from chainrule.tables.values import is_text


def open_table(data: Any, options: CsvOptions | None = None) -> Source:
    """Open anything that is a table, without reading more than its names.

    Parameters
    ----------
    data : path, DataFrame (pandas, polars, pyarrow, ...), mapping of columns, list of rows, or Source
        Of a file the content decides what it is, not the name. A folder holds the Parquet parts of one table.
    options : CsvOptions, optional
        What was said of a CSV file.

    Returns
    -------
    Source

    Raises
    ------
    TypeError
        For anything else; a NumPy array has no column names.
    TableError
        For a file that is no table.
    OSError
        Where a file cannot be read.

    Examples
    --------
    >>> open_table({"rooms": [3, 4], "street": ["Elm", None]}).names
    ['rooms', 'street']
    """
    if isinstance(data, Source):
        return data
    if not isinstance(data, str | os.PathLike):
        return open_frame(data)
    title, path = os.fspath(data), os.fspath(data)
    if os.path.isdir(path):
        return _guarded(open_parquet(title, path))
    with open(path, "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise TableError(f"{title} is not a regular file, expected a CSV or Parquet file")
        start = file.read(PEEK_BYTES)
    if not start.strip():
        raise TableError(f"{title} is empty, expected a table with a line of column names")
    # The file could be opened, so an OSError is what pyarrow says of damaged compression.
    with told(title):
        if start.startswith(MAGIC):
            return _guarded(open_parquet(title, path))
        zipped = start.startswith(b"\x1f\x8b")
        if looks_like_json(peek(path, PEEK_BYTES, zipped=zipped)[0]):
            return open_json(title, path, zipped=zipped)
        return _guarded(open_csv(title, path, options or CsvOptions()))


def read_table(path: str | os.PathLike[str], *, text: Iterable[str] = ()) -> pa.Table:
    r"""Read a CSV, Parquet or JSON file; the content decides which it is, not the name.

    CSV may be gzip. Delimiter and types are found out: numbers may have decimal commas, units and thousands
    separators, dates the usual orders; empty fields and words such as NA, null, NaN and ? are missing values.

    Parameters
    ----------
    path : str or path-like
        The file, or a folder with Parquet parts of one table.
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
    ...     _ = path.write_text("rooms;street;price\n3;Elm;100,5\n4;NA;120\n")
    ...     read_table(path).to_pydict()
    {'rooms': [3, 4], 'street': ['Elm', None], 'price': [100.5, 120.0]}
    """
    source = open_table(path)
    table = source.read(source.names)
    check_rows(table, source.title)
    choices = {tidy(name): Choice("text") for name in text}
    return read_text(table, choices) if source.is_file else table


def read_text(table: pa.Table, choices: Mapping[str, Choice] | None = None) -> pa.Table:
    """Return a table with the columns of text as what they mean.

    Examples
    --------
    >>> read_text(pa.table({"x": ["1", "2"]})).schema.field("x").type
    DataType(int64)
    """
    texts = {name: table[name] for name in table.column_names if is_text(table[name].type)}
    found = detect_all(texts, choices or {})
    columns = {name: found[name].values if name in found else table[name] for name in table.column_names}
    plain = {
        name: values.cast(pa.string()) if pa.types.is_large_string(values.type) else values
        for name, values in columns.items()
        if values is not None
    }
    return pa.table(plain)


@contextlib.contextmanager
def told(title: str) -> Iterator[None]:
    """Turn what pyarrow says of a file into a TableError."""
    try:
        yield
    except (pa.ArrowException, UnicodeError, OSError, EOFError, csv.Error, zlib.error) as error:
        raise TableError(f"{title} could not be read as a table: {_first_line(error)}") from None


def _guarded(source: Source) -> Source:
    read = source._read

    def guarded(places: list[int]) -> pa.Table:
        with told(source.title):
            return read(places)

    source._read = guarded
    return source


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
    write_tables([table], path)


def write_tables(tables: Iterable[pa.Table], path: str | os.PathLike[str]) -> None:
    """Write tables of the same columns one below the other, as `write_table` does; at least one."""
    import pyarrow.parquet

    ending = table_ending(path)
    with atomic_path(path) as temporary:
        if ending == ".csv":
            with open(temporary, "wb") as file:
                write_csv(tables, file)
            return
        first, tables = _first_of(tables)
        with pyarrow.parquet.ParquetWriter(temporary, first.schema) as writer:
            for table in tables:
                writer.write_table(table)


def write_csv(tables: Iterable[pa.Table], file: Any) -> None:
    """Write tables as CSV one below the other, text in quotes, to an open binary file."""
    import pyarrow.csv

    first, tables = _first_of(tables)
    with pyarrow.csv.CSVWriter(file, first.schema) as writer:
        for table in tables:
            writer.write_table(table)


def _first_of(tables: Iterable[pa.Table]) -> tuple[pa.Table, Iterator[pa.Table]]:
    rest = iter(tables)
    first = next(rest)
    return first, itertools.chain([first], rest)


def table_ending(path: str | os.PathLike[str]) -> str:
    """Return ".csv" or ".parquet"; raise TableError for a name with another ending."""
    ending = Path(path).suffix.lower()
    if ending not in (".csv", ".parquet"):
        raise TableError(f"cannot write {os.fspath(path)}, expected a name that ends in .csv or .parquet")
    return ending


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
