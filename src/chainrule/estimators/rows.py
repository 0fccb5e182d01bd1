"""Rows on their way to the engine: split, in the network's units, recognized when they need no validation."""

from typing import Any

import numpy as np
from sklearn.model_selection import train_test_split

from chainrule import _engine
from chainrule.estimators.bound_model import BoundModel
from chainrule.estimators.protocol import MLP
from chainrule.estimators.target_scale import TargetScale
from chainrule.model.rows import Rows


def split(
    rows: Rows, validation_fraction: float, random_state: np.random.RandomState, stratify: bool
) -> tuple[Rows, Rows]:
    """Set rows aside for validation, by scikit-learn's `train_test_split`.

    Raises
    ------
    ValueError
        Where a class has too few rows to be in both parts, or fewer than two rows would be set aside.
    """
    training, validation = train_test_split(
        np.arange(rows.n_samples),
        test_size=validation_fraction,
        random_state=random_state,
        stratify=rows.y if stratify else None,
    )
    if len(validation) < 2:
        raise ValueError(
            "The validation set is too small. Increase 'validation_fraction' or the size of your dataset."
        )
    return rows.take(training), rows.take(validation)


def learned(mlp: MLP, bound: BoundModel, rows: Rows) -> Rows:
    """Return rows as the engine takes them, their targets in the units in which the network learns.

    Their index arrays are copies where a callback or a scorer of the user's could change them.
    """
    scale = TargetScale.used_by(mlp)
    y = rows.y if scale is None else scale.standardize(rows.y)
    ready = bound.rows(rows.x, y, rows.sample_weight)
    return ready if mlp.callbacks is None and mlp.scoring is None else ready.own()


def ready(mlp: MLP, x: Any, dtype: np.dtype[Any]) -> bool:
    """Whether x passes scikit-learn's validation unchanged, decided in microseconds for few rows.

    Only a plain array can: C-contiguous, of the network's dtype and width, not empty, finite. Everything
    else, and everything wrong, goes the long way, which also words the error.
    """
    return (
        type(x) is np.ndarray
        and x.dtype == dtype
        and x.ndim == 2
        and x.shape[0] > 0
        and x.shape[1] == getattr(mlp, "n_features_in_", -1)
        and x.flags.c_contiguous
        and x.flags.aligned
        and "feature_names_in_" not in vars(mlp)
        and _engine.is_finite(x)
    )


def ready_to_train(mlp: MLP, x: Any, y: Any) -> bool:
    """Whether x and y need no validation to go on training: x as in `ready`, y numbers (n_samples,)."""
    return (
        type(y) is np.ndarray
        and y.ndim == 1
        and (y.dtype.kind in "iub" or y.dtype in (np.float32, np.float64))
        and y.flags.carray
        and mlp._bound is not None
        and ready(mlp, x, mlp._bound.dtype)
        and len(y) == len(x)
        and (y.dtype.kind != "f" or _engine.is_finite(y))
    )
