"""Tables in memory: DataFrames of any library, mappings of columns, and lists of rows."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from chainrule.tables.errors import TableError
from chainrule.tables.names import tidy
from chainrule.tables.source import Source, from_arrow


def open_frame(data: Any) -> Source:
    """Return the source of a table in memory; columns that are not needed are never converted.

    Parameters
    ----------
    data : pyarrow.Table, DataFrame, mapping of columns, mapping of values (one row), or list of rows
        Rows are mappings, as of JSON.

    Raises
    ------
    TypeError
        For anything else.

    Examples
    --------
    >>> open_frame([{"rooms": 3, "street": "Elm"}, {"rooms": 4}]).read(["rooms", "street"]).to_pydict()
    {'rooms': [3, 4], 'street': ['Elm', None]}
    """
    if isinstance(data, pa.Table):
        return from_arrow(data)
    if isinstance(data, pa.RecordBatch):
        return from_arrow(pa.Table.from_batches([data]))
    if isinstance(data, Mapping):
        return _of_mapping(data)
    if isinstance(data, list | tuple) and all(isinstance(row, Mapping) for row in data):
        names = list(dict.fromkeys(name for row in data for name in row))
        return _of_mapping({name: [row.get(name) for row in data] for name in names})
    if hasattr(data, "iloc") and hasattr(data, "dtypes") and hasattr(data, "columns"):
        return _of_pandas(data)
    return _of_narwhals(data)


def to_arrow(name: str, values: Any) -> pa.ChunkedArray:
    """Convert one column; what Arrow has no type for becomes dates, numbers or text, as it is closest.

    Parameters
    ----------
    name : str
        The column's, for messages.
    values : array-like
        A Series of pandas, an array, or a list.

    Raises
    ------
    TableError
        For values that are no column.

    Examples
    --------
    >>> to_arrow("x", [1, "n/a", None]).to_pylist()
    ['1', 'n/a', None]
    """
    dtype = type(getattr(values, "dtype", None)).__name__
    if dtype == "SparseDtype":
        values = values.sparse.to_dense() if hasattr(values, "sparse") else np.asarray(values)
    elif dtype == "PeriodDtype":
        values = values.dt.to_timestamp() if hasattr(values, "dt") else values.to_timestamp()
    elif dtype == "IntervalDtype" or (dtype == "CategoricalDtype" and _has_odd_categories(values)):
        values = _as_text(values)
    if not hasattr(values, "dtype") and isinstance(values, str | bytes):
        raise TableError(f"column {name!r} is one text, expected a value for each row")
    if getattr(values, "ndim", 1) != 1:
        raise TableError(f"column {name!r} has {values.ndim} dimensions, expected one value for each row")
    try:
        array = pa.array(values, from_pandas=True)
    except (pa.ArrowException, TypeError, ValueError, OverflowError, AttributeError):
        array = _mixed(name, values)
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks() if array.num_chunks != 1 else array.chunk(0)
    if isinstance(array.type, pa.BaseExtensionType):
        array = array.storage
    return pa.chunked_array([array])


def _mixed(name: str, values: Any) -> pa.Array:
    """Convert values of several types as the texts of a file would be."""
    values = list(values)
    bad = next(
        (
            one
            for one in values
            if isinstance(one, bytes | complex | Mapping | list | tuple | set | np.ndarray)
        ),
        None,
    )
    if bad is not None:
        raise TableError(
            f"column {name!r} has the value {str(bad)[:40]!r} of type {type(bad).__name__}, "
            "expected numbers, dates, booleans or text"
        )
    try:
        return pa.array([None if _is_missing(one) else str(one) for one in values], pa.large_string())
    except UnicodeEncodeError as error:
        raise TableError(f"column {name!r} has text that is no Unicode: {error}") from None


def _is_missing(value: Any) -> bool:
    return value is None or type(value).__name__ in ("NAType", "NaTType") or value != value


def _has_odd_categories(values: Any) -> bool:
    categories = values.cat.categories if hasattr(values, "cat") else values.categories
    return type(getattr(categories, "dtype", None)).__name__ in ("IntervalDtype", "PeriodDtype")


def _as_text(values: Any) -> pa.Array:
    texts = [None if _is_missing(one) else str(one) for one in values]
    return pa.array(texts, pa.large_string()).dictionary_encode()


def _of_columns(names: Sequence[Any], column: Callable[[int], Any], **options: Any) -> Source:
    """Return the source of columns that are converted one by one."""

    def read(places: list[int]) -> pa.Table:
        columns = [to_arrow(tidy(names[place]), column(place)) for place in places]
        lengths = {len(one) for one in columns}
        if len(lengths) > 1:
            texts = ", ".join(f"{tidy(names[p])!r} {len(c):,}" for p, c in zip(places, columns, strict=True))
            raise TableError(f"the columns have different lengths: {texts}")
        return pa.Table.from_arrays(columns, [str(place) for place in places])

    return Source("the table", names, read, **options)


def _of_mapping(data: Mapping[Any, Any]) -> Source:
    names = list(data)
    one_row = bool(names) and all(
        isinstance(value, str | bytes) or not hasattr(value, "__len__") for value in data.values()
    )
    return _of_columns(names, lambda place: [data[names[place]]] if one_row else data[names[place]])


def _of_pandas(data: Any) -> Source:
    """Return the source of a DataFrame of pandas, in which names may be repeated, and need not be texts."""
    index = [name for name in data.index.names if name is not None]
    names = [*data.columns, *index]
    n_columns = len(data.columns)

    def column(place: int) -> Any:
        if place < n_columns:
            return data.iloc[:, place]
        return data.index.get_level_values(names[place])

    return _of_columns(names, column, aside=range(n_columns, len(names)))


def _of_narwhals(data: Any) -> Source:
    import narwhals as nw

    try:
        frame = nw.from_native(data)
    except TypeError:
        raise TypeError(
            "expected a DataFrame (pandas, polars, pyarrow), a mapping of columns, a list of rows or a path, "
            f"got {type(data).__name__}; an array needs column names: pandas.DataFrame(array, columns=...)"
        ) from None
    if isinstance(frame, nw.LazyFrame):
        names = frame.collect_schema().names()
        lazy = frame
        return Source(
            "the table",
            names,
            lambda places: lazy.select([names[p] for p in places]).collect("pyarrow").to_native(),
        )
    names = frame.columns
    return Source("the table", names, lambda places: frame.select([names[p] for p in places]).to_arrow())
