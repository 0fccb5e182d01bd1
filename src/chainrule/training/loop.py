"""The loop over epochs: many in one native call, a look at the numbers between two calls."""

import math
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule import _engine, _threads
from chainrule.model.arrays import is_finite
from chainrule.model.rows import CSR, Rows
from chainrule.optimizers import LBFGS
from chainrule.training.errors import DivergenceError
from chainrule.training.history import EpochRecord, History
from chainrule.training.quasi_newton import minimize
from chainrule.training.rates import LearningRates
from chainrule.training.settings import Settings
from chainrule.training.state import TrainingState
from chainrule.training.watch import Watch

if TYPE_CHECKING:
    from chainrule.network import Network

#: The most between two looks at the numbers, multiply-adds of the forward pass and epochs: some tenths of a
#: second. Not a time, so that what a diverged network is set back to does not depend on the machine.
WORK_PER_CALL = 1_000_000_000
EPOCHS_PER_CALL = 10_000


def train(network: "Network", rows: Rows, settings: Settings, stop: _engine.Stop | None = None) -> History:
    """Train a network on rows that fit it; `Network.train` documents the errors.

    KeyboardInterrupt, which Python raises in its main thread only, is also raised once `stop` is set.
    """
    settings = settings.fitted_to(network)
    rows = rows.without_weightless()
    data = rows.dataset(network._model)
    network._check_finite(rows)
    if isinstance(settings.optimizer, LBFGS):
        with _threads.training():
            return minimize(network, data, rows, settings, stop)
    begin = TrainingState.resume if settings.resume else TrainingState.start
    with _threads.training():
        state = begin(network, settings)
        return _run(network, state, data, rows, settings, stop)


def _run(
    network: "Network",
    state: TrainingState,
    data: Any,
    rows: Rows,
    settings: Settings,
    stop: _engine.Stop | None,
) -> History:
    begin = time.perf_counter()
    parameters, epochs, callback = network._parameters, settings.epochs, settings.callback
    steps_per_epoch = -(-data.n_samples // settings.batch_size)
    steps_before = state.trainer.n_steps
    per_call = min(max(1, WORK_PER_CALL // (data.n_samples * parameters.size)), EPOCHS_PER_CALL)
    watch = Watch(network, settings)
    if callback is not None or watch.between_epochs:
        per_call = 1
    rates = LearningRates(settings, state.plateau, steps_per_epoch, steps_before)
    per_call = rates.epochs_per_call(per_call)
    before = np.empty_like(parameters)
    losses: list[float] = []
    learning_rates: list[float] = []
    reason = ""
    while len(losses) < epochs and not reason:
        if stop is not None and stop.is_set():
            raise KeyboardInterrupt
        # Another trainer where the number of threads has changed, because other trainings began or ended.
        state = state.handed_on(network, settings)
        network._training = state
        trainer = state.trainer
        np.copyto(before, parameters)
        steps, first_epoch = trainer.n_steps, network._n_epochs
        n_epochs = min(per_call, epochs - len(losses))
        factors = rates.factors(steps, n_epochs)
        try:
            new = trainer.epochs(
                data,
                n_epochs,
                shuffle=settings.shuffle,
                seed=network._shuffle_seed,
                first_epoch=first_epoch,
                factors=factors,
                stop=stop,
            )
        finally:  # an interrupt leaves the parameters after a whole step, the epoch unfinished
            network._n_epochs = first_epoch + (trainer.n_steps - steps) // steps_per_epoch
        if not (np.isfinite(new).all() and is_finite(parameters)):
            np.copyto(parameters, before)
            network._n_epochs = first_epoch
            network._training = None
            raise _diverged(rates.of_epochs(factors, n_epochs), rows, losses, new.tolist())
        losses += new.tolist()
        learning_rates += rates.of_epochs(factors, n_epochs)
        rates.observe(watch.epoch_ends(len(losses), losses[-1]))
        reason = watch.reason
        if callback is not None:
            record = EpochRecord(
                len(losses),
                epochs,
                losses[-1],
                time.perf_counter() - begin,
                learning_rates[-1],
                validation_loss=watch.losses[-1] if watch.losses else None,
            )
            # Not just something true: what a progress bar returns, say, is no wish to stop.
            answer = callback(record)
            if isinstance(answer, bool | np.bool) and answer:
                reason = "callback"
    watch.training_ends(len(losses))
    return History(
        losses,
        time.perf_counter() - begin,
        state.trainer.n_steps - steps_before,
        reason != "",
        learning_rates,
        watch.losses,
        watch.best_epoch,
        reason,
    )


def _diverged(rates: list[float], rows: Rows, losses: list[float], new: list[float]) -> DivergenceError:
    """Say when it happened, in which state the network is, and what to do."""
    finite = [math.isfinite(loss) for loss in new]
    at = finite.index(False) if False in finite else len(new) - 1  # the last step's numbers have no loss yet
    epoch = len(losses) + at + 1
    what = f"the loss became {new[at]}" if False in finite else "the parameters became infinite or NaN"
    state_now = f"as they were after epoch {len(losses)}" if losses else "as they were before the first epoch"
    values = rows.x.data if isinstance(rows.x, CSR) else rows.x
    largest = max(abs(float(values.max(initial=0))), abs(float(values.min(initial=0))))
    advice = f"lower the learning rate (it was {rates[at]:g})"
    if largest > 100:
        advice += f", or scale the inputs (the largest is {largest:g}; about 1 suits a network)"
    return DivergenceError(
        f"training diverged in epoch {epoch}: {what}; {advice}. The parameters are {state_now}.",
        epoch,
        losses + new[: at + 1],
    )
