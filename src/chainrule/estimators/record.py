"""What a callback of an estimator is given."""

from dataclasses import dataclass, field
from typing import Any

from chainrule.training.history import EpochRecord


@dataclass(frozen=True)
class FitRecord(EpochRecord):
    """One epoch of an estimator's fit, as a callback sees it.

    Attributes
    ----------
    epoch, n_epochs, loss, seconds, learning_rate, validation_loss, pace
        As in `EpochRecord`; with solver="lbfgs" an iteration counts as an epoch, and has no learning rate
        (NaN).
    scores : dict of str to float
        The last values of `evals_result_`: what was measured on the rows watched.
    best_iteration : int or None
        The number of the best epoch so far for the rows watched, as `best_iteration_`.
    estimator : MLPClassifier or MLPRegressor
        The one that is being fitted: it predicts, and its `coefs_` are those after this epoch.
    """

    scores: dict[str, float] = field(default_factory=dict)
    best_iteration: int | None = None
    estimator: Any = field(default=None, repr=False, compare=False)
