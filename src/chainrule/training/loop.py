"""The loop over epochs: many in one native call, a look at the numbers between two calls."""

import math
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule import _engine, _threads
from chainrule.network.arrays import is_finite
from chainrule.network.rows import CSR, Rows
from chainrule.training.errors import DivergenceError
from chainrule.training.history import EpochRecord, History
from chainrule.training.settings import Settings
from chainrule.training.state import TrainingState

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
    rows = rows.without_weightless()
    data = rows.dataset(network._model)
    network._check_finite(rows)
    begin = TrainingState.resume if settings.resume else TrainingState.start
    with _threads.training():
        state = begin(network, settings.optimizer, settings.batch_size, settings.precision)
        return _run(network, state, data, rows, settings, stop)


def _run(
    network: "Network",
    state: TrainingState,
    data: Any,
    rows: Rows,
    settings: Settings,
    stop: _engine.Stop | None,
) -> History:
    parameters, epochs, callback = network._parameters, settings.epochs, settings.callback
    steps_per_epoch = -(-data.n_samples // settings.batch_size)
    steps_before = state.trainer.n_steps
    per_call = min(max(1, WORK_PER_CALL // (data.n_samples * parameters.size)), EPOCHS_PER_CALL)
    if callback is not None:
        per_call = 1
    before = np.empty_like(parameters)
    losses: list[float] = []
    stopped = False
    begin = time.perf_counter()
    while len(losses) < epochs and not stopped:
        if stop is not None and stop.is_set():
            raise KeyboardInterrupt
        # Another trainer where the number of threads has changed, because other trainings began or ended.
        state = state.handed_on(network, settings.optimizer, settings.batch_size, settings.precision)
        network._training = state
        trainer = state.trainer
        np.copyto(before, parameters)
        steps, first_epoch = trainer.n_steps, network._n_epochs
        try:
            new = trainer.epochs(
                data,
                min(per_call, epochs - len(losses)),
                shuffle=settings.shuffle,
                seed=network._shuffle_seed,
                first_epoch=first_epoch,
                stop=stop,
            )
        finally:  # an interrupt leaves the parameters after a whole step, the epoch unfinished
            network._n_epochs = first_epoch + (trainer.n_steps - steps) // steps_per_epoch
        if not (np.isfinite(new).all() and is_finite(parameters)):
            np.copyto(parameters, before)
            network._n_epochs = first_epoch
            network._training = None
            raise _diverged(state, rows, losses, new.tolist())
        losses += new.tolist()
        if callback is not None:
            answer = callback(EpochRecord(len(losses), epochs, losses[-1], time.perf_counter() - begin))
            # Not just something true: what a progress bar returns, say, is no wish to stop.
            stopped = isinstance(answer, bool | np.bool) and bool(answer)
    return History(losses, time.perf_counter() - begin, state.trainer.n_steps - steps_before, stopped)


def _diverged(state: TrainingState, rows: Rows, losses: list[float], new: list[float]) -> DivergenceError:
    """Say when it happened, in which state the network is, and what to do."""
    finite = [math.isfinite(loss) for loss in new]
    at = finite.index(False) if False in finite else len(new) - 1  # the last step's numbers have no loss yet
    epoch = len(losses) + at + 1
    what = f"the loss became {new[at]}" if False in finite else "the parameters became infinite or NaN"
    state_now = f"as they were after epoch {len(losses)}" if losses else "as they were before the first epoch"
    values = rows.x.data if isinstance(rows.x, CSR) else rows.x
    largest = max(abs(float(values.max(initial=0))), abs(float(values.min(initial=0))))
    advice = f"lower the learning rate (it was {state.trainer.learning_rate:g})"
    if largest > 100:
        advice += f", or scale the inputs (the largest is {largest:g}; about 1 suits a network)"
    return DivergenceError(
        f"training diverged in epoch {epoch}: {what}; {advice}. The parameters are {state_now}.",
        epoch,
        losses + new[: at + 1],
    )
