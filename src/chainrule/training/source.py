"""Where the rows of a training come from: arrays and CSR in memory, in the orders of `Network.train`."""

from collections.abc import Callable, Sequence
from typing import Any

from chainrule import _engine
from chainrule.model.rows import Rows
from chainrule.model.trainee import Trainee


class Source:
    """Rows in memory, each epoch in an order that is a function of the network's seed and its epochs so far.

    Parameters
    ----------
    trainee : Trainee
    rows : Rows
        As the engine takes them.
    batch_size : int
        Rows per step.
    shuffle : bool
        Whether there is such an order, or always that of the rows.

    Attributes
    ----------
    on_rows : callable or None
        Is told of rows that were trained on while an epoch runs, where it is read in parts.
    """

    on_rows: Callable[[int], None] | None = None

    def __init__(self, trainee: Trainee, rows: Rows, batch_size: int, *, shuffle: bool) -> None:
        self.trainee, self.batch_size, self.shuffle = trainee, batch_size, shuffle
        self.data: _engine.Dataset = rows.dataset(trainee.model)
        self.n_samples = self.data.n_samples
        self.steps_per_epoch = -(-self.n_samples // batch_size)

    def begin(self) -> None:
        """Get ready for the next call of `train`."""

    def end(self) -> None:
        """Let go of what was got ready for further calls of `train`, of which there will be none."""

    def train(
        self, trainer: _engine.Trainer, n_epochs: int, factors: Any, stop: _engine.Stop | None
    ) -> Sequence[float]:
        """Train for some epochs in one native call; return their losses."""
        trainee, first, steps = self.trainee, self.trainee.n_epochs, trainer.n_steps
        try:
            losses: list[float] = trainer.epochs(
                self.data,
                n_epochs,
                shuffle=self.shuffle,
                seed=trainee.seed,
                first_epoch=first,
                factors=factors,
                stop=stop,
            ).tolist()
        finally:  # an interrupt leaves the parameters after a whole step, the epoch unfinished
            trainee.n_epochs = first + (trainer.n_steps - steps) // self.steps_per_epoch
        return losses
