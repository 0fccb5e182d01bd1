"""Rows on their way to the engine: validated, split, and recognised when they need no validation."""

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split

from chainrule import _engine
from chainrule.estimators.bound_model import BoundModel, DType, cast
from chainrule.estimators.data import TargetScale

if TYPE_CHECKING:
    from chainrule.estimators.base import BaseMLP


class Rows(NamedTuple):
    """Samples with their targets.

    Attributes
    ----------
    x : ndarray or sparse matrix of shape (n_samples, n_features)
    targets : ndarray of shape (n_samples, n_outputs), or class indices of shape (n_samples,)
        In units of y.
    sample_weight : ndarray of shape (n_samples,), or None
    scale : TargetScale or None
        In what the network learns the targets.
    """

    x: Any
    targets: NDArray[Any]
    sample_weight: NDArray[Any] | None
    scale: TargetScale | None = None

    def take(self, index: NDArray[Any]) -> "Rows":
        """Return the rows of the given numbers."""
        weight = None if self.sample_weight is None else self.sample_weight[index]
        return self._replace(x=self.x[index], targets=self.targets[index], sample_weight=weight)

    def split(
        self, validation_fraction: float, random_state: np.random.RandomState, stratify: bool
    ) -> tuple["Rows", "Rows"]:
        """Set rows aside for validation, by scikit-learn's `train_test_split`.

        Raises
        ------
        ValueError
            Where a class has too few rows to be in both parts, or fewer than two rows would be set aside.
        """
        training, validation = train_test_split(
            np.arange(self.x.shape[0]),
            test_size=validation_fraction,
            random_state=random_state,
            stratify=self.targets if stratify else None,
        )
        if len(validation) < 2:
            raise ValueError(
                "The validation set is too small. Increase 'validation_fraction' or the size of your dataset."
            )
        return self.take(training), self.take(validation)

    def dataset(self, bound: BoundModel) -> _engine.Dataset:
        """Hand the rows to the engine in the model's dtype.

        Raises
        ------
        ValueError
            For targets or weights that the dtype cannot hold.
        """
        targets = self.targets if self.scale is None else self.scale.standardize(self.targets)
        if targets.ndim == 2:
            targets = cast(targets, bound.dtype, "y")
        weight = self.sample_weight
        if weight is not None:
            weight = cast(weight, bound.dtype, "sample_weight")
        return bound.dataset(self.x, targets, weight)


def ready(mlp: "BaseMLP", x: Any, dtype: DType) -> bool:
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
        and not hasattr(mlp, "feature_names_in_")
        and all_finite(x)
    )


def ready_to_train(mlp: "BaseMLP", x: Any, y: Any) -> bool:
    """Whether x and y need no validation to go on training: x as in `ready`, y numbers (n_samples,)."""
    return (
        type(y) is np.ndarray
        and y.ndim == 1
        and y.dtype.kind in "fiub"
        and mlp._bound is not None
        and ready(mlp, x, mlp._bound.dtype)
        and len(y) == len(x)
        and (y.dtype.kind != "f" or all_finite(y))
    )


def all_finite(values: NDArray[Any]) -> bool:
    """Whether no value is NaN or infinite. The sum is, unless it overflows: one pass, no temporary."""
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.isfinite(values.sum()))
