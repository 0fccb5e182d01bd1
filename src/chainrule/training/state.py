"""The optimizer's memory between two calls of `train`."""

from typing import TYPE_CHECKING, NamedTuple

from chainrule import _engine, _threads
from chainrule.optimizers import Optimizer

if TYPE_CHECKING:
    from chainrule.network import Network


class TrainingState(NamedTuple):
    """An engine's trainer, which holds the moments, and what it was made for."""

    trainer: _engine.Trainer
    optimizer: Optimizer
    batch_size: int
    precision: str
    n_threads: int

    @classmethod
    def start(
        cls, network: "Network", optimizer: Optimizer, batch_size: int, precision: str = "full"
    ) -> "TrainingState":
        """Begin with an empty memory."""
        n_threads = _threads.share(network._n_threads)
        trainer = _engine.Trainer(
            network._model,
            optimizer.name,
            batch_size=batch_size,
            precision=precision,
            n_threads=n_threads,
            **optimizer.settings(),
        )
        return cls(trainer, optimizer, batch_size, precision, n_threads)

    @classmethod
    def resume(
        cls, network: "Network", optimizer: Optimizer, batch_size: int, precision: str = "full"
    ) -> "TrainingState":
        """Go on with the memory of the network's last training.

        Raises ValueError where there is none, or another optimizer's.
        """
        last = network._training
        if last is None:
            raise ValueError(
                "resume=True goes on from an earlier call of train, but this network has none (a copied,"
                " loaded or diverged network starts anew); use resume=False"
            )
        return last.handed_on(network, optimizer, batch_size, precision)

    def handed_on(
        self, network: "Network", optimizer: Optimizer, batch_size: int, precision: str
    ) -> "TrainingState":
        """Return this memory for these settings and the threads to be used now; errors as `resume`."""
        if self[1:] == (optimizer, batch_size, precision, _threads.share(network._n_threads)):
            return self
        if (self.optimizer.name, self.optimizer.memory) != (optimizer.name, optimizer.memory):
            raise ValueError(
                f"resume=True cannot hand the memory of {self.optimizer} to {optimizer}; use resume=False"
            )
        fresh = self.start(network, optimizer, batch_size, precision)
        fresh.trainer.state = self.trainer.state
        fresh.trainer.n_steps = self.trainer.n_steps
        fresh.trainer.last_loss = self.trainer.last_loss
        return fresh
