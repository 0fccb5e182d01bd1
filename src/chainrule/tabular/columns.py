"""What a user gives as X, as numbers or as Arrow columns: arrays, DataFrames, text that is read."""

from typing import Any

import narwhals as nw
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from sklearn.utils.validation import validate_data

from chainrule.tables.frames import to_arrow
from chainrule.tables.source import usual

#: Of more rows a DataFrame is read column by column.
FEW_ROWS = 1000

#: A plain matrix of numbers, or columns of any kind.
Columns = NDArray[np.float64] | list[pa.ChunkedArray]


def read_columns(estimator: Any, X: Any, *, reset: bool) -> Columns:
    """Check X by scikit-learn's rules and return its columns.

    Parameters
    ----------
    estimator : TabularClassifier or TabularRegressor
        Its `n_features_in_` and `feature_names_in_` are set, or X is checked against them.
    X : DataFrame of pandas, polars or pyarrow, or array-like of shape (n_samples, n_features)
        NaN and None are missing values, infinity is a value.
    reset : bool
        Whether this is a fit.

    Returns
    -------
    ndarray of float64 or list of pyarrow.ChunkedArray
        The latter where X has columns that are no numbers, or comes as a DataFrame.
    """
    if nw.dependencies.is_polars_lazyframe(X):
        raise TypeError("X is a LazyFrame, which has no rows yet; expected a DataFrame: X.collect()")
    if nw.dependencies.is_into_dataframe(X):
        validate_data(estimator, X, reset=reset, skip_check_array=True)
        columns = _of_frame(X)
        if not columns or not len(columns[0]):
            n_rows = len(columns[0]) if columns else 0
            raise ValueError(
                f"Found array with {n_rows} sample(s) (shape=({n_rows}, {len(columns)})) while a minimum of 1"
                " is required."
            )
        return columns
    X = validate_data(estimator, X, dtype=None, ensure_all_finite=False, reset=reset)
    if X.dtype.kind in "biuf":
        return np.asarray(X, dtype=np.float64)
    return [_of_values(str(k), X[:, k]) for k in range(X.shape[1])]


def quick_matrix(estimator: Any, X: Any) -> NDArray[np.float64] | None:
    """Return X as it is for `read_columns`, but in microseconds; None where that takes more of a look.

    An array of float64, or a few rows of pandas that are numbers of NumPy's types, in columns of the names
    that were fitted, in their order.
    """
    names = getattr(estimator, "feature_names_in_", None)
    if type(X) is np.ndarray:
        fits = X.dtype == np.float64 and X.ndim == 2 and X.shape[1] == estimator.n_features_in_
        return X if fits and len(X) and names is None else None
    if names is None or not nw.dependencies.is_pandas_dataframe(X) or not 0 < len(X) <= FEW_ROWS:
        return None
    if X.columns.tolist() != names.tolist():
        return None
    values = X.to_numpy()
    return values.astype(np.float64, copy=False) if values.dtype.kind in "fiu" else None


def _of_frame(X: Any) -> list[pa.ChunkedArray]:
    if nw.dependencies.is_pandas_dataframe(X):
        return [to_arrow(str(X.columns[k]), X.iloc[:, k]) for k in range(X.shape[1])]
    table = X if isinstance(X, pa.Table) else nw.from_native(X, eager_only=True).to_arrow()
    columns = map(usual, table.columns)
    return [to_arrow(name, column) for name, column in zip(table.column_names, columns, strict=True)]


def _of_values(name: str, values: NDArray[Any]) -> pa.ChunkedArray:
    """Convert a column of an array of texts or objects."""
    given = values.tolist()
    odd = next((one for one in given if isinstance(one, dict | list | tuple | set | bytes)), None)
    if odd is not None:
        raise TypeError(
            f"column {name} of X has {odd!r} of type {type(odd).__name__}: argument must be a string or a"
            " number"
        )
    return to_arrow(name, given)


def n_rows(columns: Columns) -> int:
    """Count the rows."""
    return len(columns) if isinstance(columns, np.ndarray) else len(columns[0])


def take_rows(columns: Columns, rows: NDArray[np.int64]) -> Columns:
    """Return some of the rows."""
    return columns[rows] if isinstance(columns, np.ndarray) else [column.take(rows) for column in columns]
