"""The loop over epochs, one for `Network.train` and the estimators: what they differ in are its rules."""

from collections.abc import Sequence
from typing import Any, Protocol

from chainrule import _engine
from chainrule.model.trainee import Trainee
from chainrule.training.source import Source
from chainrule.training.state import OptimizerState


class Rules(Protocol):
    """What happens between epochs: when to look, what to record, when to stop."""

    def begin(self) -> int:
        """Return how many epochs to train before the next look; 0 ends the training."""

    def look(self, losses: Sequence[float], rates: Sequence[float]) -> float:
        """Record losses and last learning rates of these epochs; return the loss that a plateau watches."""

    def decide(self) -> None:
        """Decide whether to go on, and tell whoever wants to know."""


def run(
    trainee: Trainee,
    state: OptimizerState,
    source: Source,
    rules: Rules,
    *,
    penalty: dict[str, Any] | None = None,
    stop: _engine.Stop | None = None,
) -> None:
    """Train until the rules end it.

    Parameters
    ----------
    trainee : Trainee
    state : OptimizerState
        Of the optimizer, as it begins.
    source : Source
        Of the rows.
    rules : Rules
        What happens between epochs.
    penalty : dict, optional
        Settings of the engine's `Trainer` that are not the optimizer's own.
    stop : Stop, optional
        KeyboardInterrupt, which Python raises in its main thread only, is also raised once it is set.
    """
    penalty, n_steps = penalty or {}, source.steps_per_epoch
    try:
        while n_epochs := rules.begin():
            if stop is not None and stop.is_set():
                raise KeyboardInterrupt
            source.begin()
            # Another one where the number of threads has changed, because other trainings began or ended.
            trainer = state.trainer(trainee, source.batch_size, penalty)
            factors, rates = state.plan(trainer, n_epochs, n_steps)
            loss = rules.look(source.train(trainer, n_epochs, factors, stop), rates)
            if state.plateau is not None:
                state.plateau.observe(loss)
            rules.decide()
    finally:
        source.end()
