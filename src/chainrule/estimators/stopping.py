"""scikit-learn's rules for a fit by epochs: what it draws, how it counts, when it stops."""

import contextlib
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.exceptions import ConvergenceWarning

from chainrule import _engine
from chainrule.estimators.advice import about_the_curve, about_the_rows, learned_nothing, what_to_try
from chainrule.estimators.bound_model import BoundModel
from chainrule.estimators.callbacks import AfterEpoch
from chainrule.estimators.checkpoint import Checkpoint
from chainrule.estimators.optimizer import StochasticOptimizer, full_batch, settings
from chainrule.estimators.protocol import MLP
from chainrule.estimators.rows import learned, split
from chainrule.estimators.streaming import Stream
from chainrule.estimators.warning import warn
from chainrule.estimators.watching import EstimatorWatch, patience, start_watching
from chainrule.model.rows import Rows
from chainrule.training.blocks import BlockSource
from chainrule.training.epochs import run
from chainrule.training.pace import BETWEEN_LINES, Pace, RowMeter
from chainrule.training.source import Source


def fit_stochastic(
    mlp: MLP,
    bound: BoundModel,
    rows: Rows,
    validation: Rows | None,
    random_state: np.random.RandomState,
    checkpoint: Checkpoint | None,
    *,
    incremental: bool,
    stream: Stream | None = None,
) -> None:
    """Train for `max_iter` epochs, or until nothing improves any more; one epoch if `incremental`.

    Draws from random_state, like scikit-learn: the validation split, then one shuffle per epoch, each of
    the order before it. Of a stream, `rows` are some that stand for all.
    """
    resumed = checkpoint is not None and checkpoint.resumed
    if not resumed:
        begin(mlp, bound, incremental=incremental)
    optimizer = mlp._optimizer
    assert isinstance(optimizer, StochasticOptimizer)
    if np.any(mlp.dropout):
        seed = int(random_state.randint(2**31))  # drawn in any case, so that what follows is the same
        if optimizer.steps_made == 0 and not resumed:
            optimizer.dropout_seed = seed
    if mlp.early_stopping and validation is None:
        if stream is not None:
            validation = stream.set_aside(random_state)
        else:
            stratify = is_classifier(mlp) and mlp.n_outputs_ == 1
            rows, validation = split(rows, mlp.validation_fraction, random_state, stratify)
    if stream is not None and mlp.scoring is not None and validation is None:
        raise ValueError(
            "scoring measures rows in memory, and ParquetRows are read while training; pass X_val and y_val, "
            "or set early_stopping=True."
        )
    watch = EstimatorWatch.of(mlp, bound, rows, validation)
    rows = rows if stream is not None else mlp._weigh_classes(rows)

    if not resumed:
        mlp.n_iter_ = 0
    if stream is None:
        source = _source(mlp, bound, rows, random_state)
    else:
        source = stream.source(bound, random_state, batch_rows)
    if optimizer.rates is not None and not (resumed or (incremental and optimizer.total_steps)):
        optimizer.total_steps = optimizer.steps_made + mlp.max_iter * source.steps_per_epoch
    n_epochs = 1 if incremental else mlp.max_iter
    finished = checkpoint is not None and checkpoint.finished
    if not finished:
        mlp.stop_reason_ = None
        rules = Rules(mlp, bound, optimizer, source, n_epochs, watch, checkpoint, streamed=stream is not None)
        try:
            with rules.running():
                run(bound, optimizer, source, rules, penalty=optimizer.penalty(float(mlp.alpha)))
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
    if mlp.stop_reason_ == "no_improvement" and not (incremental or finished) and learned_nothing(mlp, rows):
        warn(
            f"Stochastic Optimizer: stopped after {mlp.n_iter_} iterations that taught next to nothing. "
            f"{reason(mlp)}{what_to_try(mlp, rows)}",
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


def begin(mlp: MLP, bound: BoundModel, *, incremental: bool) -> None:
    """Make the optimizer and what is remembered about stopping ready: from the start, or to go on."""
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


def _source(mlp: MLP, bound: BoundModel, rows: Rows, random_state: np.random.RandomState) -> Source:
    if mlp.row_blocks == 1:
        return DrawnSource(mlp, bound, rows, random_state, n_before=mlp.n_iter_)
    return BlockSource(
        bound,
        learned(mlp, bound, rows),
        batch_rows(mlp, rows.n_samples),
        shuffle=bool(mlp.shuffle),
        n_blocks=int(mlp.row_blocks),
        seed=int(random_state.randint(2**31)),
        first_epoch=mlp.n_iter_,
    )


class DrawnSource(Source):
    """Rows in memory in scikit-learn's orders: each epoch's is drawn, by shuffling that of the last.

    Parameters
    ----------
    n_before : int
        Epochs of this fit that were trained before, whose orders are drawn again.
    """

    def __init__(
        self, mlp: MLP, bound: BoundModel, rows: Rows, random_state: np.random.RandomState, n_before: int
    ) -> None:
        n_samples = rows.n_samples
        super().__init__(
            bound, learned(mlp, bound, rows), batch_rows(mlp, n_samples), shuffle=bool(mlp.shuffle)
        )
        self.random_state = random_state
        self.order = np.arange(n_samples, dtype=np.int64) if self.shuffle else None
        for _ in range(n_before):
            self.begin()

    def begin(self) -> None:
        """Draw the next epoch's order."""
        if self.order is not None:
            self.random_state.shuffle(self.order)

    def train(
        self, trainer: _engine.Trainer, n_epochs: int, factors: Any, stop: _engine.Stop | None
    ) -> Sequence[float]:
        """Train for an epoch; return its loss."""
        return [trainer.epoch(self.data, self.order, factors=factors)]


class Rules:
    """Those of an estimator's fit, as `training.epochs` asks for them; the results are the estimator's."""

    def __init__(
        self,
        mlp: MLP,
        bound: BoundModel,
        optimizer: StochasticOptimizer,
        source: Source,
        n_epochs: int,
        watch: EstimatorWatch | None,
        checkpoint: Checkpoint | None,
        *,
        streamed: bool,
    ) -> None:
        self.mlp, self.bound, self.optimizer = mlp, bound, optimizer
        self.watch, self.checkpoint = watch, checkpoint
        self.n_samples, self.n_epochs, self.streamed = source.n_samples, n_epochs, streamed
        self.meter = RowMeter(source.n_samples, n_epochs - mlp.n_iter_)
        self.meter.told, source.on_rows = self._rows_pass, self.meter.rows_pass
        self._next_line = time.monotonic() + BETWEEN_LINES
        self.after = AfterEpoch.of(mlp, n_epochs)
        self.verbose = bool(mlp.verbose) and mlp.verbose != "progress"
        self.allowed = patience(mlp)

    def running(self) -> contextlib.AbstractContextManager[None]:
        """Show progress for as long, where it is wanted."""
        return contextlib.nullcontext() if self.after is None else self.after.running()

    def begin(self) -> int:
        """Return 1 for another epoch."""
        mlp = self.mlp
        if mlp.stop_reason_ is not None or mlp.n_iter_ >= self.n_epochs:
            return 0
        if self.after is not None:
            self.after.epoch_begins()
        self.bound.n_threads = int(mlp.n_threads or 0)
        return 1

    def look(self, losses: Sequence[float], rates: Sequence[float]) -> float:
        """Record the epoch, and count whether it improved anything."""
        mlp, watch = self.mlp, self.watch
        mlp.loss_ = losses[0]
        mlp.n_iter_ += 1
        mlp.t_ += self.n_samples
        mlp.loss_curve_.append(mlp.loss_)
        self.meter.epochs_end(1)
        if self.verbose:  # in memory as scikit-learn
            pace = f", {self.meter.pace}" if self.streamed else ""
            print(f"Iteration {mlp.n_iter_}, loss = {mlp.loss_:.8f}{pace}")
            self._next_line = time.monotonic() + BETWEEN_LINES
        improved = watch.epoch_ends(len(mlp.loss_curve_)) if watch is not None else True
        if watch is None or not watch.stops:
            improved = loss_improved(mlp)
        mlp._no_improvement_count = 0 if improved else mlp._no_improvement_count + 1
        self.optimizer.epoch_ends(mlp.t_)
        measured = mlp.validation_loss_curve_ if watch is not None else None
        return (measured or mlp.loss_curve_)[-1]

    def decide(self) -> None:
        """Stop where nothing improved for too long, or somebody asks to; write the checkpoint."""
        mlp = self.mlp
        if mlp._no_improvement_count > self.allowed:
            if self.optimizer.no_improvement(reason(mlp), self.verbose):
                mlp.stop_reason_ = "no_improvement"
            else:
                mlp._no_improvement_count = 0
        if self.after is not None:
            mlp.stop_reason_ = self.after.epoch_ends(mlp.loss_, self.meter.pace) or mlp.stop_reason_
        if self.checkpoint is not None and mlp.stop_reason_ is None and mlp.n_iter_ < self.n_epochs:
            self.checkpoint.epoch_ends()

    def _rows_pass(self, pace: Pace) -> None:
        """Show how far an epoch is that takes long."""
        if self.after is not None:
            self.after.rows_pass(pace)
        if self.verbose and time.monotonic() > self._next_line:
            self._next_line = time.monotonic() + BETWEEN_LINES
            print(f"Iteration {self.mlp.n_iter_ + 1}: {pace}")


def batch_rows(mlp: MLP, n_samples: int) -> int:
    """Return the number of rows per update."""
    if mlp.batch_size == "auto":
        return n_samples if full_batch(mlp.solver) else min(200, n_samples)
    batch_size = int(mlp.batch_size)
    if batch_size > n_samples:
        warn("Got `batch_size` less than 1 or larger than sample size. It is going to be clipped")
    return min(batch_size, n_samples)


def loss_improved(mlp: MLP) -> bool:
    """Whether the last epoch's loss beat the best by `tol`; keeps the best. NaN counts as improved."""
    assert mlp.best_loss_ is not None
    improved = not mlp.loss_ > mlp.best_loss_ - mlp.tol
    if mlp.loss_ < mlp.best_loss_:
        mlp.best_loss_ = mlp.loss_
    return improved


def reason(mlp: MLP) -> str:
    """Say what did not improve for too long."""
    what = "Validation score" if mlp.early_stopping else "Training loss"
    epochs = int(patience(mlp))
    return f"{what} did not improve more than tol={mlp.tol:f} for {epochs} consecutive epochs."
