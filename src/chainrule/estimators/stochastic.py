"""Epochs of sgd and adam, in native code, and scikit-learn's rules for stopping between them."""

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_classifier
from sklearn.exceptions import ConvergenceWarning

from chainrule import _engine
from chainrule.estimators.bound_model import BoundModel
from chainrule.estimators.initialization import start_watching
from chainrule.estimators.optimizer import StochasticOptimizer
from chainrule.estimators.rows import Rows

if TYPE_CHECKING:
    from chainrule.estimators.base import BaseMLP

# From here through fit_stochastic, _fit and fit to the caller's line.
CALLER = 4


def fit_stochastic(
    mlp: "BaseMLP",
    bound: BoundModel,
    rows: Rows,
    random_state: np.random.RandomState,
    *,
    incremental: bool,
) -> None:
    """Train for `max_iter` epochs, or until nothing improves any more; one epoch if `incremental`.

    Draws from random_state, like scikit-learn: the validation split, then one shuffle per epoch, each of
    the order before it.
    """
    if not incremental or mlp._optimizer is None or not mlp._optimizer.fits(bound):
        mlp._optimizer = StochasticOptimizer(mlp)
    watched = getattr(mlp, "validation_scores_", None) is not None
    if not hasattr(mlp, "loss_curve_"):  # going on from lbfgs
        mlp.loss_curve_ = []
        start_watching(mlp)
    elif mlp.early_stopping != watched:  # switched since the last fit
        start_watching(mlp)
    validation = None
    if mlp.early_stopping:
        stratify = is_classifier(mlp) and mlp.n_outputs_ == 1
        rows, validation_rows = rows.split(mlp.validation_fraction, random_state, stratify)
        validation = Validation(mlp, bound, validation_rows)

    n_samples = rows.x.shape[0]
    batch_size, alpha = batch_rows(mlp, n_samples), float(mlp.alpha)
    data = rows.dataset(bound)
    order = np.arange(n_samples, dtype=np.int64) if mlp.shuffle else None
    mlp.n_iter_ = 0
    try:
        for _ in range(1 if incremental else mlp.max_iter):
            if order is not None:
                random_state.shuffle(order)
            # The last epoch's, unless the number of threads has changed.
            trainer = mlp._optimizer.trainer(bound, batch_size, alpha, mlp._threads)
            mlp.loss_ = trainer.epoch(data, order)
            mlp.n_iter_ += 1
            mlp.t_ += n_samples
            mlp.loss_curve_.append(mlp.loss_)
            if mlp.verbose:
                print(f"Iteration {mlp.n_iter_}, loss = {mlp.loss_:.8f}")
            improved = loss_improved(mlp) if validation is None else validation.improved()
            mlp._no_improvement_count = 0 if improved else mlp._no_improvement_count + 1
            mlp._optimizer.epoch_ends(mlp.t_)
            if mlp._no_improvement_count > mlp.n_iter_no_change:
                if mlp._optimizer.no_improvement(reason(mlp), bool(mlp.verbose)):
                    break
                mlp._no_improvement_count = 0
            if mlp.n_iter_ == mlp.max_iter and not incremental:
                warnings.warn(
                    f"Stochastic Optimizer: Maximum iterations ({mlp.max_iter}) reached and the "
                    "optimization hasn't converged yet.",
                    ConvergenceWarning,
                    stacklevel=CALLER,
                )
    except KeyboardInterrupt:
        warnings.warn("Training interrupted by user.", stacklevel=CALLER)
    if validation is not None:
        validation.restore()
    if not incremental:
        mlp._optimizer.release()


def batch_rows(mlp: "BaseMLP", n_samples: int) -> int:
    """Return the number of rows per update."""
    if mlp.batch_size == "auto":
        return min(200, n_samples)
    batch_size = int(mlp.batch_size)
    if batch_size > n_samples:
        warnings.warn(
            "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped",
            stacklevel=CALLER + 1,
        )
    return min(batch_size, n_samples)


def loss_improved(mlp: "BaseMLP") -> bool:
    """Whether the last epoch's loss beat the best by `tol`; keeps the best. NaN counts as improved."""
    assert mlp.best_loss_ is not None
    improved = not mlp.loss_ > mlp.best_loss_ - mlp.tol
    if mlp.loss_ < mlp.best_loss_:
        mlp.best_loss_ = mlp.loss_
    return improved


def reason(mlp: "BaseMLP") -> str:
    """Say what did not improve for too long."""
    what = "Validation score" if mlp.early_stopping else "Training loss"
    epochs = int(mlp.n_iter_no_change)
    return f"{what} did not improve more than tol={mlp.tol:f} for {epochs} consecutive epochs."


class Validation:
    """The rows set aside for early stopping, and the best parameters by their score.

    The parameters of the start count as best until an epoch has a score at all. After a warm start that
    is not so: scikit-learn then takes for "best" the arrays that it is training, and so returns the last
    epoch's parameters where none beats the former fit. We give the same numbers.
    """

    def __init__(self, mlp: "BaseMLP", bound: BoundModel, rows: Rows) -> None:
        self.mlp = mlp
        self.flat = bound.flat
        self.model: _engine.Model = bound.model
        self.targets, self.sample_weight = rows.targets, rows.sample_weight
        self.data = bound.dataset(rows.x)
        self.best: NDArray[Any] | None = None if mlp.loss_curve_ else bound.flat.copy()

    def improved(self) -> bool:
        """Score the parameters, keep them if they are the best, and return whether they are so by `tol`."""
        mlp = self.mlp
        assert mlp.validation_scores_ is not None
        outputs = self.model.predict(self.data, mlp._threads)
        score = mlp._score_outputs(outputs, self.targets, self.sample_weight)
        mlp.validation_scores_.append(score)
        if mlp.verbose:
            print(f"Validation score: {score:f}")
        assert mlp.best_validation_score_ is not None
        improved = not score < mlp.best_validation_score_ + mlp.tol
        if score > mlp.best_validation_score_:
            mlp.best_validation_score_ = score
            self.best = self.flat.copy()
        return improved

    def restore(self) -> None:
        """Put the best parameters back."""
        if self.best is not None:
            self.flat[...] = self.best
