"""Row groups of Parquet files: found, compared, decoded."""

import glob
import os
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from chainrule._words import listed
from chainrule.stream.errors import StreamError


class Group(NamedTuple):
    """A row group: the least that is read at once.

    Attributes
    ----------
    fragment : pyarrow.dataset.Fragment
    first, end : int
        Numbers of its rows among all rows, from 0.
    place : str
        What messages call it.
    """

    fragment: Any
    first: int
    end: int
    place: str


class RowGroups:
    """The row groups of a table.

    Parameters
    ----------
    source : path, list of paths, or pyarrow.dataset.Dataset

    Attributes
    ----------
    title : str
        What messages call it.
    schema : pyarrow.Schema
        Of the first file.
    groups : list of Group
        Once they were looked for.
    """

    def __init__(self, source: Any) -> None:
        self._dataset, self.title = _open(source)
        self.schema = self._dataset.schema
        self.groups: list[Group] = []

    def look(self, names: Sequence[str], *, empty: bool = False) -> None:
        """Find the row groups, after a look at these columns of every file; `empty` allows no rows.

        Raises
        ------
        StreamError
            For files that cannot be read, have other columns, or no rows.
        """
        self.groups = _groups(self._dataset, self.title, list(names))
        if not empty and (not self.groups or self.groups[-1].end == 0):
            raise StreamError(f"{self.title} has no rows, expected at least one")

    def decode(self, group: Group, names: list[str], batch_rows: int) -> Iterator[tuple[int, Any]]:
        """Yield (number of the first row, batch of pyarrow) of a row group."""
        import pyarrow as pa

        first = group.first
        try:
            for batch in self._batches(group.fragment, list(dict.fromkeys(names)), batch_rows):
                if batch.num_rows:
                    yield first, batch
                first += batch.num_rows
        except (OSError, pa.ArrowException) as error:
            raise StreamError(f"{group.place} cannot be read: {_first_line(error)}") from None
        if first != group.end:
            raise StreamError(
                f"{group.place} had {group.end - group.first} rows, now it has {first - group.first}"
            )

    def _batches(self, fragment: Any, names: list[str], batch_rows: int) -> Iterator[Any]:
        groups = getattr(fragment, "row_groups", None)
        if not groups or not set(names) <= set(
            fragment.physical_schema.names
        ):  # no file, or parts of its path
            yield from fragment.to_batches(
                schema=self.schema, columns=names, batch_size=batch_rows, use_threads=False
            )
            return
        import pyarrow.parquet as pq

        with fragment.open() as opened:  # without a dataset's scanner, which takes milliseconds to begin
            file = pq.ParquetFile(opened, metadata=fragment.metadata)
            numbers = [group.id for group in groups]
            yield from file.iter_batches(batch_rows, row_groups=numbers, columns=names, use_threads=False)


def _open(source: Any) -> tuple[Any, str]:
    """Return a dataset of pyarrow, and what messages call it."""
    import pyarrow as pa
    import pyarrow.dataset as ds

    if isinstance(source, ds.Dataset):
        return source, "the dataset"
    paths = [source] if isinstance(source, str | os.PathLike) else source
    if not isinstance(paths, list | tuple) or not all(isinstance(path, str | os.PathLike) for path in paths):
        raise StreamError(
            f"rows are of type {type(source).__name__}; expected paths of Parquet files, or a pyarrow dataset"
        )
    files: list[str] = []
    for path in [os.fspath(path) for path in paths]:
        if os.path.isdir(path):
            found = sorted(glob.glob(os.path.join(glob.escape(path), "**", "*.parquet"), recursive=True))
        elif glob.has_magic(path) and not os.path.exists(path):
            found = sorted(glob.glob(path, recursive=True))
        else:
            found = [path] if os.path.exists(path) else []
        if not found:
            what = "has no files *.parquet" if os.path.isdir(path) else missing(path)
            raise StreamError(f"{path} {what}; expected Parquet files, a folder of them or a pattern")
        files += found
    if not files:
        raise StreamError("there are no paths; expected Parquet files, a folder of them or a pattern")
    title = os.fspath(paths[0]) if len(paths) == 1 else f"{len(files)} files"
    try:
        return ds.dataset(files, format="parquet"), title
    except (OSError, pa.ArrowException) as error:
        raise StreamError(f"{title} cannot be read as Parquet: {_first_line(error)}") from None


def missing(path: str) -> str:
    """Say what is wrong with a path where there is nothing.

    Examples
    --------
    >>> missing("s3://bucket/x.parquet")
    'is an address, not a path; pyarrow.dataset.dataset opens it'
    """
    return "is an address, not a path; pyarrow.dataset.dataset opens it" if "://" in path else "is not there"


def _groups(dataset: Any, title: str, names: list[str]) -> list[Group]:
    """Return the row groups of a dataset, after a look at every file's columns."""
    import pyarrow as pa

    groups: list[Group] = []
    first = 0
    for number, fragment in enumerate(dataset.get_fragments()):
        path = getattr(fragment, "path", f"fragment {number} of {title}")
        try:
            schema, parts = fragment.physical_schema, _split(fragment)
            sizes = [_rows_of(part) for part in parts]
        except (OSError, pa.ArrowException) as error:
            raise StreamError(f"{path} cannot be read as Parquet: {_first_line(error)}") from None
        for name in names:
            if name not in schema.names and name in dataset.schema.names:
                if any(name in str(part.partition_expression) for part in parts[:1]):
                    continue
                raise StreamError(
                    f"{path} has no column {name!r}, which other files have; it has {listed(schema.names)}"
                )
            wanted, given = dataset.schema.field(name).type, schema.field(name).type
            if wanted != given:
                raise StreamError(f"column {name!r} is {given} in {path}, but {wanted} in the first file")
        for part, size in zip(parts, sizes, strict=True):
            groups.append(Group(part, first, first + size, str(path)))
            first += size
    return groups


def _split(fragment: Any) -> list[Any]:
    return list(fragment.split_by_row_group()) if hasattr(fragment, "split_by_row_group") else [fragment]


def _rows_of(part: Any) -> int:
    groups = getattr(part, "row_groups", None)  # a fragment of some groups counts the rows of its whole file
    return sum(group.num_rows for group in groups) if groups else int(part.count_rows())


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
