"""Epochs of sgd, adam and others, in native code, and scikit-learn's rules for stopping between them."""

import contextlib
from typing import TYPE_CHECKING

import numpy as np
from sklearn.base import is_classifier
from sklearn.exceptions import ConvergenceWarning

from chainrule.estimators.advice import about_the_curve, about_the_rows
from chainrule.estimators.bound_model import BoundModel
from chainrule.estimators.callbacks import AfterEpoch
from chainrule.estimators.checkpoint import Checkpoint
from chainrule.estimators.optimizer import StochasticOptimizer, full_batch, settings
from chainrule.estimators.rows import Rows
from chainrule.estimators.warning import warn
from chainrule.estimators.watching import Watch, patience, start_watching

if TYPE_CHECKING:
    from chainrule.estimators.base import BaseMLP


def fit_stochastic(
    mlp: "BaseMLP",
    bound: BoundModel,
    rows: Rows,
    validation: Rows | None,
    random_state: np.random.RandomState,
    checkpoint: Checkpoint | None,
    *,
    incremental: bool,
) -> None:
    """Train for `max_iter` epochs, or until nothing improves any more; one epoch if `incremental`.

    Draws from random_state, like scikit-learn: the validation split, then one shuffle per epoch, each of
    the order before it.
    """
    resumed = checkpoint is not None and checkpoint.resumed
    if not resumed:
        begin(mlp, bound, incremental=incremental)
    if np.any(mlp.dropout):
        seed = int(random_state.randint(2**31))  # drawn in any case, so that what follows is the same
        if mlp._optimizer.n_steps == 0 and not resumed:
            mlp._optimizer.dropout_seed = seed
    if mlp.early_stopping and validation is None:
        stratify = is_classifier(mlp) and mlp.n_outputs_ == 1
        rows, validation = rows.split(mlp.validation_fraction, random_state, stratify)
    watch = Watch.of(mlp, bound, rows, validation)
    rows = mlp._weigh_classes(rows)

    n_samples, n_epochs = rows.x.shape[0], 1 if incremental else mlp.max_iter
    batch_size, alpha = batch_rows(mlp, n_samples), float(mlp.alpha)
    data = rows.dataset(bound)
    order = np.arange(n_samples, dtype=np.int64) if mlp.shuffle else None
    if not resumed:
        mlp.n_iter_ = 0
    elif order is not None:
        for _ in range(mlp.n_iter_):
            random_state.shuffle(order)
    optimizer, after = mlp._optimizer, AfterEpoch.of(mlp, n_epochs)
    if optimizer.rates is not None and not (resumed or (incremental and optimizer.total_steps)):
        optimizer.plan(mlp.max_iter, -(-n_samples // batch_size))
    verbose, allowed = bool(mlp.verbose) and mlp.verbose != "progress", patience(mlp)
    finished = checkpoint is not None and checkpoint.finished
    if not finished:
        mlp.stop_reason_ = None
    try:
        with contextlib.nullcontext() if after is None else after.running():
            while mlp.n_iter_ < n_epochs and not finished:
                if after is not None:
                    after.epoch_begins()
                if order is not None:
                    random_state.shuffle(order)
                # The last epoch's, unless the number of threads has changed.
                trainer = optimizer.trainer(bound, batch_size, alpha, mlp._threads)
                mlp.loss_ = optimizer.epoch(trainer, data, order)
                mlp.n_iter_ += 1
                mlp.t_ += n_samples
                mlp.loss_curve_.append(mlp.loss_)
                if verbose:
                    print(f"Iteration {mlp.n_iter_}, loss = {mlp.loss_:.8f}")
                improved = watch.epoch_ends(len(mlp.loss_curve_)) if watch is not None else True
                if watch is None or not watch.stops:
                    improved = loss_improved(mlp)
                mlp._no_improvement_count = 0 if improved else mlp._no_improvement_count + 1
                optimizer.epoch_ends(mlp.t_)
                if optimizer.plateau is not None:
                    optimizer.plateau.observe((mlp.validation_loss_curve_ or mlp.loss_curve_)[-1])
                if mlp._no_improvement_count > allowed:
                    if optimizer.no_improvement(reason(mlp), verbose):
                        mlp.stop_reason_ = "no_improvement"
                    else:
                        mlp._no_improvement_count = 0
                if after is not None:
                    mlp.stop_reason_ = after.epoch_ends(mlp.loss_) or mlp.stop_reason_
                if mlp.stop_reason_ is not None:
                    break
                if checkpoint is not None and mlp.n_iter_ < n_epochs:
                    checkpoint.epoch_ends()
    except KeyboardInterrupt:
        warn("Training interrupted by user.")
        mlp.stop_reason_ = "interrupted"
    if mlp.stop_reason_ is None and not incremental:
        mlp.stop_reason_ = "max_iter"
        warn(
            f"Stochastic Optimizer: Maximum iterations ({mlp.max_iter}) reached and the "
            f"optimization hasn't converged yet.{about_the_curve(mlp)}{about_the_rows(mlp, rows)}",
            ConvergenceWarning,
        )
    # An interrupt can leave an epoch half done, with which no fit could go on to the same bits.
    if checkpoint is not None and not finished and mlp.stop_reason_ != "interrupted":
        checkpoint.write()
    if watch is not None and watch.stops and (not incremental or mlp.stop_reason_ is not None):
        watch.training_ends(len(mlp.loss_curve_))
        mlp._no_improvement_count = 0 if incremental else mlp._no_improvement_count
    if not incremental:
        mlp._best = None
        optimizer.release()


def begin(mlp: "BaseMLP", bound: BoundModel, *, incremental: bool) -> None:
    """Make the optimiser and what is remembered about stopping ready: from the start, or to go on."""
    kept = mlp._optimizer
    goes_on = incremental or (
        mlp.keep_optimizer and mlp.warm_start and kept is not None and kept.solver == settings(mlp)[0]
    )
    if not goes_on or kept is None or not kept.fits(bound):
        mlp._optimizer = StochasticOptimizer(mlp)
    watched = getattr(mlp, "validation_scores_", None) is not None
    if not hasattr(mlp, "loss_curve_"):  # going on from lbfgs
        mlp.loss_curve_ = []
        start_watching(mlp)
    elif mlp.early_stopping != watched:  # switched since the last fit
        start_watching(mlp)
    if mlp.early_stopping and not (incremental and mlp.loss_curve_):
        mlp._best = None if mlp.loss_curve_ else bound.flat.copy()


def batch_rows(mlp: "BaseMLP", n_samples: int) -> int:
    """Return the number of rows per update."""
    if mlp.batch_size == "auto":
        return n_samples if full_batch(mlp.solver) else min(200, n_samples)
    batch_size = int(mlp.batch_size)
    if batch_size > n_samples:
        warn("Got `batch_size` less than 1 or larger than sample size. It is going to be clipped")
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
    epochs = int(patience(mlp))
    return f"{what} did not improve more than tol={mlp.tol:f} for {epochs} consecutive epochs."
