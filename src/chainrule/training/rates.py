"""The learning rate in the course of one training."""

import numpy as np
from numpy.typing import NDArray

from chainrule.optimizers import LBFGS
from chainrule.training.schedules import Plateau
from chainrule.training.settings import Settings

#: Factors handed to one native call at most.
STEPS_PER_CALL = 1_000_000


class LearningRates:
    """Factors of the learning rate for native calls, and the rates that epochs end with.

    Parameters
    ----------
    settings : Settings
        The training's.
    plateau : Plateau or None
        At work, where the schedule is one that watches the loss.
    steps_per_epoch, steps_before : int
        Steps of an epoch; and those that were made before, where this training goes on from one.
    """

    def __init__(
        self, settings: Settings, plateau: Plateau | None, steps_per_epoch: int, steps_before: int
    ) -> None:
        self.settings = settings
        assert not isinstance(settings.optimizer, LBFGS)
        self.learning_rate = float(settings.optimizer.settings()["learning_rate"])
        self.plateau = plateau
        self.steps_per_epoch = steps_per_epoch
        self.total = steps_per_epoch * (settings.schedule_epochs or settings.epochs)
        if settings.schedule_epochs is None:
            self.total += steps_before

    def epochs_per_call(self, most: int) -> int:
        """Return how many epochs one native call may have."""
        if self.settings.schedule is None:
            return most
        if self.plateau is not None:
            return 1
        return max(1, min(most, STEPS_PER_CALL // self.steps_per_epoch))

    def factors(self, first_step: int, n_epochs: int) -> NDArray[np.float64] | None:
        """Return the factors of the next epochs' steps; None for a learning rate that does not change."""
        if self.settings.schedule is None:
            return None
        n = n_epochs * self.steps_per_epoch
        if self.plateau is not None:
            return np.full(n, self.plateau.factor)
        return self.settings.schedule.factors(first_step, n, self.total)

    def of_epochs(self, factors: NDArray[np.float64] | None, n_epochs: int) -> list[float]:
        """Return the learning rate of each epoch's last step."""
        rate = self.learning_rate
        if factors is None:
            return [rate] * n_epochs
        return [rate * float(factor) for factor in factors[self.steps_per_epoch - 1 :: self.steps_per_epoch]]

    def observe(self, loss: float) -> None:
        """Take an epoch's loss into account."""
        if self.plateau is not None:
            self.plateau.observe(loss)
