"""What comes in beside plain arrays: data frames, sparse matrices, validation rows, class weights."""

from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray
from sklearn.utils import column_or_1d
from sklearn.utils.class_weight import compute_class_weight, compute_sample_weight
from sklearn.utils.validation import _check_sample_weight, validate_data

from chainrule.estimators.labels import Labels
from chainrule.estimators.protocol import MLP
from chainrule.model.rows import Rows, check_sparse


def validated(mlp: MLP, X: Any, y: Any, *, reset: bool, **options: Any) -> tuple[Any, NDArray[Any]]:
    """Validate rows and targets by scikit-learn; a single column of targets becomes (n_samples,).

    Data frames of pandas, polars and pyarrow (whatever narwhals knows) leave their names in
    `feature_names_in_`, or are checked against it. Columns that are all float32 are trained in float32.

    Raises
    ------
    ValueError, TypeError
        scikit-learn's own; for text and dates in a data frame with the names of its columns.
    """
    refuse_dates(X)
    check_sparse(X)
    check_sparse(y, "y", dense=True)
    try:
        X, y = validate_data(
            mlp,
            X,
            y,
            accept_sparse=["csr", "csc"],
            multi_output=True,
            dtype=np.float32 if is_single_frame(X) else (np.float64, np.float32),
            reset=reset,
            **options,
        )
    except ValueError as error:
        texts = columns_of(X, TEXT) if "could not convert" in str(error) else []
        if not texts:
            raise
        raise ValueError(
            f"{error}. Columns of text: {', '.join(map(repr, texts))}. Encode them first, for example by "
            "sklearn.preprocessing.OneHotEncoder in a ColumnTransformer."
        ) from None
    if y.ndim == 2 and y.shape[1] == 1:
        y = column_or_1d(y, warn=True)
    return X, y


def validated_features(mlp: MLP, X: Any, dtype: Any) -> Any:
    """Validate rows for a fitted network, in its dtype; errors are scikit-learn's own."""
    check_sparse(X)
    return validate_data(mlp, X, accept_sparse=["csr", "csc"], dtype=dtype, order="C", reset=False)


def is_single_frame(X: Any) -> bool:
    """Whether X is a data frame of float32 columns, which polars and pyarrow do not tell NumPy."""
    if not nw.dependencies.is_into_dataframe(X):
        return False
    dtypes = nw.from_native(X, eager_only=True).schema.dtypes()
    return bool(dtypes) and all(dtype == nw.Float32 for dtype in dtypes)


TEXT = (nw.String, nw.Categorical, nw.Enum, nw.Object)
DATES = (nw.Date, nw.Datetime, nw.Duration, nw.Time)


def columns_of(X: Any, dtypes: tuple[Any, ...]) -> list[str]:
    """Return the names of a data frame's columns of such types; [] for anything else."""
    if not nw.dependencies.is_into_dataframe(X):
        return []
    schema = nw.from_native(X, eager_only=True).schema
    return [str(name) for name, dtype in schema.items() if dtype in dtypes]


def refuse_dates(X: Any) -> None:
    """Refuse dates and times, of which one library makes numbers of a unit of its own, and another an error.

    Raises
    ------
    ValueError
        With the names of the columns.
    TypeError
        For a LazyFrame, which has no rows yet.
    """
    if nw.dependencies.is_polars_lazyframe(X):
        raise TypeError("X is a LazyFrame, which has no rows yet; expected a DataFrame: X.collect()")
    dates = columns_of(X, DATES)
    if dates:
        raise ValueError(
            f"Columns of dates or times: {', '.join(map(repr, dates))}. Turn them into numbers first, for "
            "example into days since the first; TableModel and `chainrule fit` do so."
        )


def validation_rows(mlp: MLP, X_val: Any, y_val: Any, sample_weight_val: Any) -> Rows | None:
    """Validate the rows to watch, which must be like those of `fit`; None where there are none.

    Raises
    ------
    ValueError
        Where rows or targets are given alone, or do not fit the estimator.
    """
    parts = {"X_val": X_val, "y_val": y_val, "sample_weight_val": sample_weight_val}
    missing = [name for name in ("X_val", "y_val") if parts[name] is None]
    if missing:
        present = [name for name, value in parts.items() if value is not None]
        if present:
            raise ValueError(
                f"{' and '.join(present)} given, but not {' and '.join(missing)}: rows to watch need both "
                "X_val and y_val."
            )
        return None
    x, targets = mlp._check_validation(X_val, y_val)
    weight = sample_weight_val
    if weight is not None:
        weight = _check_sample_weight(weight, x, ensure_non_negative=True)
    return Rows(x, targets, weight)


def weigh_classes(labels: Labels, class_weight: Any, rows: Rows) -> Rows:
    """Multiply the rows' weights by those of their classes.

    "balanced" gives class c the weight n / (n_classes n_c), with n the number (sum of weights) of all
    rows and n_c of the class's: G. King and L. Zeng, "Logistic regression in rare events data", 2001. In a
    multilabel target each column has two classes, and the weights of a row's columns are multiplied.

    Parameters
    ----------
    labels : Labels
    class_weight : dict, "balanced", list of dict, or None
        Weights by class label; for a multilabel target a list with one {0: ..., 1: ...} per column.
    rows : Rows
        Targets as `labels.encode` gives them.

    Raises
    ------
    ValueError
        For a dict with labels that are no classes, or of the wrong form for the target.
    """
    if class_weight is None:
        return rows
    if labels.kind == "multilabel-indicator":
        if isinstance(class_weight, dict):
            raise ValueError(
                "class_weight is a dict, but y is multilabel; expected 'balanced', or a list with one dict "
                "{0: weight, 1: weight} per column of y."
            )
        weight = compute_sample_weight(class_weight, rows.y.astype(int))
    else:
        if isinstance(class_weight, list):
            raise ValueError(
                "class_weight is a list, which is for a multilabel y; expected a dict or 'balanced'."
            )
        index = rows.y if rows.y.ndim == 1 else rows.y[:, 0].astype(np.intp)
        of_rows = labels.classes[index]
        classes, seen, weight_seen = labels.classes, of_rows, rows.sample_weight
        if class_weight == "balanced":  # rows of weight 0 are no rows
            if weight_seen is not None and weight_seen.any():
                seen, weight_seen = of_rows[weight_seen > 0], weight_seen[weight_seen > 0]
            classes = np.unique(seen)
        weights = np.zeros(len(labels.classes))
        weights[labels.index(classes)] = compute_class_weight(
            class_weight, classes=classes, y=seen, sample_weight=weight_seen
        )
        if not (weights >= 0).all():
            raise ValueError(f"class_weight has negative weights, got {class_weight!r}.")
        weight = weights[index]
    if rows.sample_weight is not None:
        weight = weight * rows.sample_weight
    return rows._replace(sample_weight=weight)
