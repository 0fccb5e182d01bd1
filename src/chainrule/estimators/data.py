"""What comes in beside plain arrays: data frames, validation rows, class weights, targets' own units."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import narwhals as nw
import numpy as np
from numpy.typing import NDArray
from sklearn.utils import column_or_1d
from sklearn.utils.class_weight import compute_class_weight, compute_sample_weight
from sklearn.utils.validation import _check_sample_weight, validate_data

if TYPE_CHECKING:
    from chainrule.estimators.base import BaseMLP
    from chainrule.estimators.labels import Labels
    from chainrule.estimators.rows import Rows

Floats = NDArray[Any]


def validated(mlp: "BaseMLP", X: Any, y: Any, *, reset: bool, **options: Any) -> tuple[Any, NDArray[Any]]:
    """Validate rows and targets by scikit-learn; a single column of targets becomes (n_samples,).

    Data frames of pandas, polars and pyarrow (whatever narwhals knows) leave their names in
    `feature_names_in_`, or are checked against it. Columns that are all float32 are trained in float32.

    Raises
    ------
    ValueError, TypeError
        scikit-learn's own; for text and dates in a data frame with the names of its columns.
    """
    refuse_dates(X)
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


def validation_rows(mlp: "BaseMLP", X_val: Any, y_val: Any, sample_weight_val: Any) -> "Rows | None":
    """Validate the rows to watch, which must be like those of `fit`; None where there are none.

    Raises
    ------
    ValueError
        Where rows or targets are given alone, or do not fit the estimator.
    """
    from chainrule.estimators.rows import Rows

    given = {"X_val": X_val, "y_val": y_val, "sample_weight_val": sample_weight_val}
    missing = [name for name in ("X_val", "y_val") if given[name] is None]
    if missing:
        present = [name for name, value in given.items() if value is not None]
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
    return Rows(x, targets, weight, TargetScale.used_by(mlp))


# Targets in standard deviations.


@dataclass(frozen=True, eq=False)
class TargetScale:
    """Mean and standard deviation of every target, to train on (y - mean) / scale.

    Attributes
    ----------
    mean, scale : ndarray of shape (n_outputs,)
        In the units of y. The scale of a constant target is 1.
    """

    mean: Floats
    scale: Floats

    @classmethod
    def of(cls, targets: Floats, sample_weight: Floats | None) -> Self:
        """Measure targets (n_samples, n_outputs), weighted by sample_weight (n_samples,).

        Examples
        --------
        >>> TargetScale.of(np.array([[1.0], [3.0]]), None)
        TargetScale(mean=array([2.]), scale=array([1.]))
        """
        targets = targets.astype(np.float64, copy=False)
        if sample_weight is not None and not sample_weight.any():
            sample_weight = None
        mean = np.average(targets, axis=0, weights=sample_weight)
        scale = np.sqrt(np.average((targets - mean) ** 2, axis=0, weights=sample_weight))
        # The rounding errors of a constant's mean are no spread.
        constant = scale <= 10 * np.finfo(np.float64).eps * np.abs(mean)
        return cls(mean, np.where(constant, 1.0, scale))

    @classmethod
    def used_by(cls, mlp: "BaseMLP") -> Self | None:
        """Return the scale that a fitted estimator learned in, None where it learned y as it is."""
        mean = getattr(mlp, "target_mean_", None)
        return None if mean is None else cls(mean, mlp.target_scale_)

    def standardize(self, targets: Floats) -> Floats:
        """Turn targets in units of y into what the network learns."""
        standardized: Floats = (targets - self.mean) / self.scale
        return standardized

    def restore(self, outputs: Floats) -> Floats:
        """Turn what the network says into units of y, in its dtype."""
        mean, scale = self.spread(outputs.shape[1])
        return (outputs * scale + mean).astype(outputs.dtype, copy=False)

    def spread(self, n_outputs: int) -> tuple[Floats, Floats]:
        """Return mean and scale of each output: a target may have several, its quantiles."""
        each = n_outputs // len(self.scale)
        return np.repeat(self.mean, each), np.repeat(self.scale, each)


def learn_target_scale(mlp: "BaseMLP", targets: Floats, sample_weight: Floats | None, *, first: bool) -> None:
    """Set `target_mean_` and `target_scale_` where `scale_targets` asks for them, and remove them elsewhere.

    Later fits that go on from the first one's parameters keep its units.
    """
    if not getattr(mlp, "scale_targets", False):
        mlp.__dict__.pop("target_mean_", None)
        mlp.__dict__.pop("target_scale_", None)
    elif first or not hasattr(mlp, "target_mean_"):
        scale = TargetScale.of(targets, sample_weight)
        mlp.target_mean_, mlp.target_scale_ = scale.mean, scale.scale


# Classes that count more than others.


def weigh_classes(labels: "Labels", class_weight: Any, rows: "Rows") -> "Rows":
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
        weight = compute_sample_weight(class_weight, rows.targets.astype(int))
    else:
        if isinstance(class_weight, list):
            raise ValueError(
                "class_weight is a list, which is for a multilabel y; expected a dict or 'balanced'."
            )
        index = rows.targets if rows.targets.ndim == 1 else rows.targets[:, 0].astype(np.intp)
        given = labels.classes[index]
        classes, seen, weight_seen = labels.classes, given, rows.sample_weight
        if class_weight == "balanced":  # rows of weight 0 are no rows
            if weight_seen is not None and weight_seen.any():
                seen, weight_seen = given[weight_seen > 0], weight_seen[weight_seen > 0]
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
