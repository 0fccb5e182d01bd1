"""Parquet: one file, or a folder of parts."""

import json
import os
from pathlib import Path
from typing import Any

import pyarrow as pa

from chainrule.tables.errors import TableError
from chainrule.tables.source import Source

MAGIC = b"PAR1"


def open_parquet(title: str, path: str) -> Source:
    """Return the source of a Parquet file, or of a folder with parts of one table.

    An index that pandas wrote is aside: it is no column of the DataFrame either.
    """
    import pyarrow.dataset
    import pyarrow.parquet

    if os.path.isdir(path):
        files = parts(path)
        folders = {"format": "parquet", "partitioning": "hive", "partition_base_dir": path}
        schema = _common_schema(title, pyarrow.dataset.dataset(files, **folders), files)
        dataset = pyarrow.dataset.dataset(files, schema=schema, **folders)
    else:
        schema = pyarrow.parquet.read_schema(path)
        dataset = None
    index = _index_columns(schema)
    aside = [place for place, name in enumerate(schema.names) if name in index]

    def read(places: list[int]) -> pa.Table:
        if dataset is not None:
            return dataset.to_table(columns=[schema.names[place] for place in places])
        # One file as it is: not a folder whose name may hold more columns.
        file = pyarrow.parquet.ParquetFile(path)
        table = file.read(columns=[schema.names[place] for place in places])
        # A name with a point is also that of a field, so more may have come.
        return table.select([table.column_names.index(schema.names[place]) for place in places])

    return Source(title, schema.names, read, aside=aside)


def parts(path: str) -> list[str]:
    """Return the Parquet files of a folder and its folders, in order of their names.

    Raises IsADirectoryError where there is none.
    """
    found = [
        str(file)
        for file in sorted(Path(path).rglob("*"))
        if file.is_file() and not _hidden(file.relative_to(path)) and _is_parquet(file)
    ]
    if not found:
        raise IsADirectoryError(
            21, "Is a directory without Parquet files, expected a CSV or Parquet file", path
        )
    return found


def _hidden(path: Path) -> bool:
    return any(part.startswith((".", "_")) for part in path.parts)


def _is_parquet(path: Path) -> bool:
    with open(path, "rb") as file:
        return file.read(4) == MAGIC


def _common_schema(title: str, dataset: Any, files: list[str]) -> pa.Schema:
    """Return the columns of all parts: whole numbers of one are numbers of another."""
    import pyarrow.parquet

    schemas = [pyarrow.parquet.read_schema(file).remove_metadata() for file in files]
    names = {tuple(sorted(schema.names)) for schema in schemas}
    if len(names) > 1:
        strange = next(
            file
            for file, schema in zip(files, schemas, strict=True)
            if set(schema.names) != set(schemas[0].names)
        )
        raise TableError(f"{title} has parts with different columns: {os.path.basename(strange)} and others")
    merged = pa.unify_schemas(schemas, promote_options="permissive")
    extra = [field for field in dataset.schema if field.name not in merged.names]
    return pa.schema([*merged, *extra], metadata=pyarrow.parquet.read_schema(files[0]).metadata)


def _index_columns(schema: pa.Schema) -> set[str]:
    """Return the columns in which pandas keeps its index."""
    try:
        listed = json.loads((schema.metadata or {}).get(b"pandas", b"{}"))["index_columns"]
    except (KeyError, ValueError, TypeError):
        listed = []
    return {name for name in listed if isinstance(name, str)} | {
        name for name in schema.names if name.startswith("__index_level_")
    }
