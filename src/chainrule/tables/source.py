"""A table before its columns are asked for: names, and a way to read some of the columns."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from chainrule._words import listed
from chainrule.tables.errors import TableError
from chainrule.tables.names import tidy

#: Reads the columns at some places, in that order, under any names.
ReadPlaces = Callable[[list[int]], pa.Table]


class Source:
    """A table whose columns are read when they are needed, by name.

    Parameters
    ----------
    title : str
        What messages call it: "the table", or the file's name.
    names : sequence
        The columns' own names; not all of them need be different, or texts.
    read : callable
        Reads the columns at some places.
    aside : collection of int
        Places of what is no column of the table unless it is asked for: a named index of pandas.
    notes : sequence of str
        What was guessed to find the columns.
    is_file : bool
        Whether it is a file, whose text says nothing of types.

    Attributes
    ----------
    names : list of str
        Names of the columns, without those of no name.
    nameless : int
        How many columns have no name.

    Examples
    --------
    >>> source = Source("the table", [" a", "b"], pa.table({"0": [1], "1": [2]}).select)
    >>> source.names, source.read(["a"]).to_pydict()
    (['a', 'b'], {'a': [1]})
    """

    def __init__(
        self,
        title: str,
        names: Sequence[Any],
        read: ReadPlaces,
        *,
        aside: Iterable[int] = (),
        notes: Sequence[str] = (),
        is_file: bool = False,
    ) -> None:
        self.title = title
        self.notes = list(notes)
        self.is_file = is_file
        self._read = read
        self._places: dict[str, list[int]] = {}
        aside = set(aside)
        tidied = [tidy(name) for name in names]
        for place, name in enumerate(tidied):
            if place not in aside:
                self._places.setdefault(name, []).append(place)
        self.nameless = len(self._places.pop("", []))
        self.names = list(self._places)
        for place in sorted(aside):
            self._places.setdefault(tidied[place], [place])

    @property
    def all_names(self) -> list[str]:
        """Names of the columns and of the index that is aside."""
        return list(self._places)

    def __contains__(self, name: str) -> bool:
        return name in self._places

    def read(self, names: Sequence[str]) -> pa.Table:
        """Read columns by their tidy names.

        Raises
        ------
        TableError
            Where a name is that of several columns, or a column cannot be read.
        """
        twice = [name for name in names if len(self._places[name]) > 1]
        if twice:
            raise TableError(f"{self.title} has the column name {listed(twice)} more than once; rename one")
        places = [self._places[name][0] for name in names]
        columns = self._read(places).columns if places else []
        return pa.table(dict(zip(names, map(usual, columns), strict=True)))


def usual(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column whose layout has few functions in Arrow in the usual one."""
    if pa.types.is_run_end_encoded(values.type):
        values = pa.chunked_array(
            [pc.run_end_decode(chunk) for chunk in values.chunks], values.type.value_type
        )
    if pa.types.is_string_view(values.type):
        values = values.cast(pa.large_string())
    return values.cast(pa.large_binary()) if pa.types.is_binary_view(values.type) else values


def from_arrow(table: pa.Table, title: str = "the table", **options: Any) -> Source:
    """Return the source of a table of pyarrow."""
    return Source(title, table.column_names, table.select, **options)


def check_rows(table: pa.Table, title: str) -> None:
    """Raise TableError for a table without rows."""
    if table.num_rows == 0:
        names = f" (columns: {listed(table.column_names)})" if table.column_names else ""
        raise TableError(f"{title} has no rows{names}, expected at least one")
