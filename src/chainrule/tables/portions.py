"""Tables that are read in portions, so that they need not fit into memory: Parquet and CSV files."""

import contextlib
import glob
import os
import stat
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pyarrow as pa

from chainrule.stream.errors import StreamError
from chainrule.stream.row_groups import RowGroups, missing
from chainrule.tables.csv_file import (
    MOST_BLOCK,
    csv_format,
    first_block,
    left_out,
    peek,
    read_lines,
    reader_options,
    swallowed,
    what_failed,
)
from chainrule.tables.csv_format import CsvFormat, CsvOptions
from chainrule.tables.errors import TableError, TableWarning
from chainrule.tables.json_file import looks_like_json
from chainrule.tables.names import tidy
from chainrule.tables.parquet_file import MAGIC
from chainrule.tables.source import Source, from_arrow
from chainrule.tables.tables import open_table, told

#: What a folder of CSV files is searched for.
CSV_NAMES = ("*.csv", "*.csv.gz", "*.tsv", "*.tsv.gz")

#: Rows in a portion, unless memory= asks for fewer.
PORTION_ROWS = 65_536


class Portions:
    """A table before it is read: its names, and a way to some rows after others.

    Parameters
    ----------
    header : Source
        The table's names, with no rows.
    read : callable
        Yields portions of the columns of those own names, each a `Source` of rows that follow the last's.
    files : sequence of str
        That are read.
    n_rows : int, optional
        Where it is known beforehand.

    Examples
    --------
    >>> portions = open_portions({"a": [1, 2, 3], "b": [4, 5, 6]}, rows=2)
    >>> [(first, source.read(["b"])["b"].to_pylist()) for first, source in portions.of(["b"])]
    [(0, [4, 5]), (2, [6])]
    """

    def __init__(
        self,
        header: Source,
        read: Callable[[list[str]], Iterator[Source]],
        files: Sequence[str] = (),
        n_rows: int | None = None,
    ) -> None:
        self.header, self._read = header, read
        self.files, self.n_rows = list(files), n_rows

    def of(self, names: Sequence[str]) -> Iterator[tuple[int, Source]]:
        """Yield (number of the first row, from 0; portion) with the columns of these tidy names.

        A table without rows is one portion without rows.
        """
        wanted = list(dict.fromkeys(names))
        self.header.read(wanted)  # a name that two columns have
        first = 0
        try:
            for source in self._read(wanted):
                n_rows = len(source.read(wanted[:1])) if wanted else 0
                yield first, source
                first += n_rows
        except StreamError as error:
            raise TableError(str(error)) from None
        if not first:
            yield 0, self.header


@contextlib.contextmanager
def counted_from(first: int, what: str = "the table") -> Iterator[None]:
    """Say with a TableError from which row of the table its rows are counted."""
    try:
        yield
    except TableError as error:
        if not first or " in row " not in str(error):
            raise
        raise TableError(f"{error} (rows counted from row {first + 1:,} of {what})") from None


def open_portions(data: Any, options: CsvOptions | None = None, rows: int = PORTION_ROWS) -> Portions:
    """Open a table to be read in portions.

    Parameters
    ----------
    data : path, pattern, folder, list of paths, pyarrow.dataset.Dataset, or what `open_table` takes
        Parquet or CSV files, by their content. Anything else is in memory, and handed out in portions.
    options : CsvOptions, optional
        What was said of CSV files.
    rows : int
        The most in a portion; of CSV about so many.

    Raises
    ------
    TableError
        For files that are not there, no tables, or not all of one kind or with the same columns.
    """
    import pyarrow.dataset as ds

    if isinstance(data, ds.Dataset):
        return _parquet(data, [], rows)
    many = (
        isinstance(data, list | tuple) and bool(data) and all(isinstance(p, str | os.PathLike) for p in data)
    )
    if not (many or isinstance(data, str | os.PathLike)):
        return _in_memory(open_table(data, options), rows)
    files = table_files(data)
    kinds = [file_kind(file) for file in files]
    strange = next((file for file, kind in zip(files, kinds, strict=True) if kind != kinds[0]), None)
    if strange is not None:
        raise TableError(f"{files[0]} is {kinds[0]}, but {strange} is not; expected files of one kind")
    if kinds[0] == "Parquet":
        return _parquet(files, files, rows)
    if kinds[0] == "CSV":
        return _csv(files, options or CsvOptions(), rows)
    if len(files) > 1:
        raise TableError(f"{files[0]} is {kinds[0]}; expected Parquet or CSV where there are several files")
    return _in_memory(open_table(files[0], options), rows)


def table_files(data: Any) -> list[str]:
    """Return the files that paths, folders and patterns name, in order.

    Raises
    ------
    TableError
        Where there are none.
    """
    paths = data if isinstance(data, list | tuple) else [data]
    if not paths or not all(isinstance(path, str | os.PathLike) for path in paths):
        raise TableError(
            f"the table is of type {type(data).__name__}, expected paths of Parquet or CSV files to "
            "read in portions"
        )
    files: list[str] = []
    for path in map(os.fspath, paths):
        if os.path.isdir(path):
            folder = os.path.join(glob.escape(path), "**")
            found: list[str] = []
            for names in (["*.parquet"], CSV_NAMES):
                found = found or sorted(
                    {file for name in names for file in glob.glob(os.path.join(folder, name), recursive=True)}
                )
        elif glob.has_magic(path) and not os.path.exists(path):
            found = sorted(filter(os.path.isfile, glob.glob(path, recursive=True)))
        else:
            found = [path] if os.path.exists(path) else []
        if not found:
            what = "has no files *.parquet or *.csv" if os.path.isdir(path) else missing(path)
            raise TableError(f"{path} {what}; expected files, a folder of them or a pattern")
        files += found
    return files


def file_kind(path: str) -> str:
    """Return "Parquet", "JSON" or "CSV", as the content says."""
    with open(path, "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise TableError(f"{path} is not a regular file, expected a CSV or Parquet file")
        start = file.read(len(MAGIC))
    if start == MAGIC:
        return "Parquet"
    with told(path):
        zipped = start.startswith(b"\x1f\x8b")
        return "JSON" if looks_like_json(peek(path, 1 << 16, zipped=zipped)[0]) else "CSV"


def _in_memory(source: Source, rows: int) -> Portions:
    def read(names: list[str]) -> Iterator[Source]:
        table = source.read(names)
        for first in range(0, len(table), rows):
            yield from_arrow(table.slice(first, rows), source.title, is_file=source.is_file)

    return Portions(source, read)


def _parquet(data: Any, files: Sequence[str], rows: int) -> Portions:
    try:
        table = RowGroups(data)
        own: dict[str, str] = {}
        for name in table.schema.names:
            own.setdefault(tidy(name), name)
        header = from_arrow(table.schema.empty_table(), table.title)
        table.look([], empty=True)
    except StreamError as error:
        raise TableError(str(error)) from None

    def read(names: list[str]) -> Iterator[Source]:
        wanted = [own[name] for name in names]
        table.look(wanted, empty=True)
        for group in table.groups:
            for _, batch in table.decode(group, wanted, rows):
                yield from_arrow(pa.table({name: batch.column(name) for name in wanted}), table.title)

    return Portions(header, read, files, table.groups[-1].end if table.groups else 0)


def _csv(files: Sequence[str], options: CsvOptions, rows: int) -> Portions:
    forms: dict[str, tuple[CsvFormat, bool]] = {}
    for path in files:
        with told(path):
            if not os.path.getsize(path):
                raise TableError(f"{path} is empty, expected a table with a line of column names")
            forms[path] = csv_format(path, path, options)
    title = files[0] if len(files) == 1 else f"{len(files)} files"
    names = list(map(tidy, forms[files[0]][0].names))
    for path, (form, _) in forms.items():
        others = set(map(tidy, form.names))
        if others != set(names):
            some = sorted(others ^ set(names))[0]
            lacks, has = (path, files[0]) if some in names else (files[0], path)
            raise TableError(f"{lacks} has no column {some!r}, which {has} has; expected the same columns")

    def empty(places: list[int]) -> pa.Table:
        return pa.table({str(place): pa.array([], pa.large_string()) for place in places})

    notes = list(dict.fromkeys(note for form, _ in forms.values() for note in form.notes))
    header = Source(title, forms[files[0]][0].names, empty, notes=notes, is_file=True)

    def read(wanted: list[str]) -> Iterator[Source]:
        for path, (form, zipped) in forms.items():
            own = list(map(tidy, form.names))
            places = [own.index(name) for name in wanted]
            with told(path):
                for table in _csv_tables(path, form, sorted(places), rows, zipped=zipped):
                    columns = [table[str(place)] for place in places]
                    yield from_arrow(pa.table(columns, names=wanted), title, is_file=True)

    return Portions(header, read, files)


def _csv_tables(
    path: str, form: CsvFormat, places: list[int], rows: int, *, zipped: bool
) -> Iterator[pa.Table]:
    """Yield the columns of a CSV file in portions: by pyarrow as far as it goes, else line by line."""
    import pyarrow.csv

    block, given, ragged, warned = first_block(form), 0, form.blanks, False
    last: list[tuple[int, list[str]]] = []
    while True:
        skip = given
        try:
            if ragged:
                tables = read_lines(path, path, form, places, rows, last, zipped=zipped)
            else:
                file = pa.input_stream(path, compression="gzip" if zipped else None)
                reader = pyarrow.csv.open_csv(file, **reader_options(form, places, block))
                tables = (pa.Table.from_batches([batch]) for batch in reader)
            for table in tables:
                new = table.slice(skip)
                skip -= len(table) - len(new)
                for begin in range(0, len(new), rows):
                    portion = new.slice(begin, rows)
                    note = "" if warned else swallowed(form, places, portion, given)
                    if note:
                        warnings.warn(note, TableWarning, stacklevel=4)
                        warned = True
                    given += len(portion)
                    yield portion
        except pa.ArrowInvalid as error:
            what = what_failed(path, form, error)
            if what == "long" and block < MOST_BLOCK:
                block = min(16 * block, MOST_BLOCK)
            elif what == "ragged":
                ragged = True
            elif what == "empty":
                return
            else:
                raise
        else:
            if last:
                warnings.warn(left_out(path, form, last), TableWarning, stacklevel=4)
            return
