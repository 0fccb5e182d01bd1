"""The optimizer's memory between two calls of `train`."""

from typing import TYPE_CHECKING, NamedTuple

from chainrule import _engine, _threads
from chainrule.optimizers import LBFGS, Optimizer
from chainrule.training.schedules import Plateau, PlateauSchedule
from chainrule.training.settings import Settings

if TYPE_CHECKING:
    from chainrule.network import Network


class TrainingState(NamedTuple):
    """An engine's trainer, which holds the optimizer's arrays, and what it was made for."""

    trainer: _engine.Trainer
    plateau: Plateau | None
    optimizer: Optimizer
    batch_size: int
    precision: str
    learning_rate_factors: tuple[float, ...]
    n_threads: int

    @classmethod
    def start(cls, network: "Network", settings: Settings) -> "TrainingState":
        """Begin with an empty memory."""
        made_for = _made_for(network, settings)
        optimizer, batch_size, precision, learning_rate_factors, n_threads = made_for
        trainer = _engine.Trainer(
            network._model,
            optimizer.name,
            batch_size=batch_size,
            precision=precision,
            learning_rate_factors=learning_rate_factors,
            # Of the epochs before, so that two trainings of a network do not drop the same units.
            dropout_seed=(network._shuffle_seed + network._n_epochs) % 2**63,
            n_threads=n_threads,
            **optimizer.settings(),
        )
        schedule = settings.schedule
        return cls(trainer, schedule.start() if isinstance(schedule, PlateauSchedule) else None, *made_for)

    @classmethod
    def resume(cls, network: "Network", settings: Settings) -> "TrainingState":
        """Go on with the memory of the network's last training.

        Raises ValueError where there is none, or another optimizer's.
        """
        last = network._training
        if last is None:
            raise ValueError(
                "resume=True goes on from an earlier call of train, but this network has none (a copied,"
                " loaded or diverged network starts anew, and one set back to its best epoch);"
                " use resume=False"
            )
        return last.handed_on(network, settings)

    def handed_on(self, network: "Network", settings: Settings) -> "TrainingState":
        """Return this memory for these settings and the threads to be used now; errors as `resume`."""
        known = self.plateau.schedule if self.plateau else None
        wanted = settings.schedule if isinstance(settings.schedule, PlateauSchedule) else None
        if self[2:] == _made_for(network, settings) and known == wanted:
            return self
        optimizer = _made_for(network, settings)[0]
        if (self.optimizer.name, self.optimizer.memory) != (optimizer.name, optimizer.memory):
            raise ValueError(
                f"resume=True cannot hand the memory of {self.optimizer} to {optimizer}; use resume=False"
            )
        fresh = self.start(network, settings)
        fresh.trainer.state = self.trainer.state
        fresh.trainer.n_steps = self.trainer.n_steps
        fresh.trainer.last_loss = self.trainer.last_loss
        fresh.trainer.dropout_seed = self.trainer.dropout_seed
        return fresh._replace(plateau=self.plateau) if known == wanted else fresh


def _made_for(network: "Network", settings: Settings) -> tuple[Optimizer, int, str, tuple[float, ...], int]:
    assert not isinstance(settings.optimizer, LBFGS)
    n_threads = _threads.share(network._n_threads)
    return (
        settings.optimizer,
        settings.batch_size,
        settings.precision,
        settings.learning_rate_factors,
        n_threads,
    )
