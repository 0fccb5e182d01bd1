"""`Network.train`: many epochs in one native call, a look at the numbers between two calls."""

import math
from collections.abc import Sequence

import numpy as np

from chainrule import _engine, _threads
from chainrule.model.rows import CSR, Rows
from chainrule.model.trainee import Trainee
from chainrule.optimizers import LBFGS, Optimizer
from chainrule.training.blocks import BlockSource
from chainrule.training.epochs import run
from chainrule.training.errors import DivergenceError
from chainrule.training.history import History
from chainrule.training.pace import RowMeter
from chainrule.training.quasi_newton import train_quasi_newton
from chainrule.training.settings import Settings
from chainrule.training.source import Source
from chainrule.training.state import OptimizerState
from chainrule.training.stopping import Stopping

#: The most between two looks at the numbers, multiply-adds of the forward pass and epochs: some tenths of a
#: second. Not a time, so that what a diverged network is set back to does not depend on the machine.
WORK_PER_CALL = 1_000_000_000
EPOCHS_PER_CALL = 10_000


def train(
    trainee: Trainee,
    rows: Rows,
    settings: Settings,
    stop: _engine.Stop | None = None,
    *,
    source: Source | None = None,
) -> History:
    """Train on rows that fit; `Network.train` documents the errors, `run` what `stop` is.

    With a source of their own, `rows` are some that stand for all.
    """
    settings = settings.fitted_to(trainee)
    if source is None:
        rows = rows.without_weightless()
        if settings.callback is not None:
            rows = rows.own()
        source = _source(trainee, rows, settings)
    trainee.check_finite(rows)
    with _threads.training():
        if isinstance(settings.optimizer, LBFGS):
            return train_quasi_newton(trainee, source.data, settings, stop)
        state = resume(trainee, settings) if settings.resume else start(trainee, settings)
        state.trainer(trainee, settings.batch_size, {})  # which refuses what the engine does not have
        n_before = state.steps_made
        n_epochs = settings.schedule_epochs or settings.epochs
        state.total_steps = source.steps_per_epoch * n_epochs
        if settings.schedule_epochs is None:
            state.total_steps += n_before
        trainee.state = state
        rules = Rules(trainee, state, source, settings, rows)
        run(trainee, state, source, rules, stop=stop)
        return rules.training_ends(len(rules.losses), state.steps_made - n_before)


def _source(trainee: Trainee, rows: Rows, settings: Settings) -> Source:
    n_blocks, shuffle = settings.row_blocks, settings.shuffle
    if n_blocks == 1:
        return Source(trainee, rows, settings.batch_size, shuffle=shuffle)
    return BlockSource(
        trainee,
        rows,
        settings.batch_size,
        shuffle=shuffle,
        n_blocks=n_blocks,
        seed=trainee.seed,
        first_epoch=trainee.n_epochs,
    )


def start(trainee: Trainee, settings: Settings) -> OptimizerState:
    """Return the optimizer's state before its first step."""
    optimizer = settings.optimizer
    assert isinstance(optimizer, Optimizer)
    own = optimizer.settings() | {"precision": settings.precision}
    if settings.row_blocks > 1:
        own["row_blocks"] = settings.row_blocks
    for name in ("learning_rate_factors", "epsilon_factors", "decay_factors"):
        if getattr(settings, name):
            own[name] = getattr(settings, name)
    state = OptimizerState(optimizer.name, own.pop("learning_rate"), own, settings.schedule)
    state.optimizer = optimizer
    if settings.dropout_schedule or settings.decay_schedule:
        state.further = settings.dropout_schedule, settings.decay_schedule
    # Of the epochs before, so that two trainings of a network do not drop the same units.
    state.dropout_seed = (trainee.seed + trainee.n_epochs) % 2**63
    return state


def resume(trainee: Trainee, settings: Settings) -> OptimizerState:
    """Return the state that the last training left, for these settings.

    Raises ValueError where there is none, or another optimizer's.
    """
    last: OptimizerState | None = trainee.state
    if last is None:
        raise ValueError(
            "resume=True goes on from an earlier call of train, but this network has none (a copied,"
            " loaded or diverged network starts anew, and one set back to its best epoch);"
            " use resume=False"
        )
    before, now = last.optimizer, settings.optimizer
    assert isinstance(before, Optimizer)
    assert isinstance(now, Optimizer)
    if (before.name, before.memory) != (now.name, now.memory):
        raise ValueError(f"resume=True cannot hand the memory of {before} to {now}; use resume=False")
    state = start(trainee, settings)
    state.take_over(last)
    return state


class Rules(Stopping):
    """Those of `Network.train`: a network that diverged is set back to what it was before the last call."""

    def __init__(
        self, trainee: Trainee, state: OptimizerState, source: Source, settings: Settings, rows: Rows
    ) -> None:
        super().__init__(trainee, settings)
        self.rows = rows
        per_call = min(max(1, WORK_PER_CALL // (source.n_samples * trainee.flat.size)), EPOCHS_PER_CALL)
        per_call = 1 if self.after_each_epoch else per_call
        self.per_call = state.epochs_per_call(per_call, source.steps_per_epoch)
        self.before, self.n_epochs_before = np.empty_like(trainee.flat), 0
        self.meter = RowMeter(source.n_samples, settings.epochs)
        self.meter.told = getattr(settings.callback, "rows_pass", None)
        source.on_rows = self.meter.rows_pass

    def begin(self) -> int:
        """Remember the parameters; return how many epochs are one call."""
        if self.reason:
            return 0
        np.copyto(self.before, self.trainee.flat)
        self.n_epochs_before = self.trainee.n_epochs
        return min(self.per_call, self.settings.epochs - len(self.losses))

    def look(self, losses: Sequence[float], rates: Sequence[float]) -> float:
        """Record the epochs, unless the network diverged in them; return the loss that counts."""
        trainee = self.trainee
        if not (all(map(math.isfinite, losses)) and _engine.is_finite(trainee.flat)):
            np.copyto(trainee.flat, self.before)
            trainee.n_epochs = self.n_epochs_before
            trainee.state = None
            raise _diverged(rates, self.rows, self.losses, losses)
        self.losses += losses
        self.learning_rates += rates
        self.meter.epochs_end(len(losses))
        return self.epoch_ends(len(self.losses), losses[-1])

    def decide(self) -> None:
        """Call the callback."""
        self.tell(len(self.losses), self.losses[-1], self.learning_rates[-1], self.meter.pace)


def _diverged(
    rates: Sequence[float], rows: Rows, losses: list[float], new: Sequence[float]
) -> DivergenceError:
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
        losses + list(new[: at + 1]),
    )
