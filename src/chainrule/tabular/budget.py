"""How long trainings take, measured before they begin, so that a time budget is kept."""

import time

import numpy as np

from chainrule.tabular.plan import Plan
from chainrule.tabular.recipes import Recipe
from chainrule.tabular.training import Data

#: Rows whose training is measured, at first and at most, and the part of the time that is enough to tell.
FIRST_ROWS, MOST_ROWS = 64, 2560
TRIAL_PART = 0.02
#: Of the time that is left, the part that the first wave's second cycle may take.
FIRST_PART = 0.7
#: Of the time that is left, what a stage may take by the measurement; the rest is for its error.
MARGIN = 0.95
#: Of the whole time, what the last choice may take at most.
CHOICE_PART = 0.1
#: Epochs of the shortest training that has four zeros.
FEWEST_EPOCHS = 15


class Budget:
    """Seconds that may pass.

    Parameters
    ----------
    seconds : float
        From `start` on.
    start : float
        By `time.monotonic`.
    """

    def __init__(self, seconds: float, start: float) -> None:
        self.seconds, self.deadline = seconds, start + seconds
        self.per_row = 0.0  # seconds that one network takes for one row
        self.reserve = 0.0  # seconds that are kept for the choice

    @property
    def left(self) -> float:
        """Seconds that are left for training."""
        return self.training_ends - time.monotonic()

    @property
    def training_ends(self) -> float:
        """When training must end, by `time.monotonic`."""
        return self.deadline - self.reserve

    def keep(self, seconds: float) -> None:
        """Keep so many seconds for the choice, or a tenth of all."""
        self.reserve = min(seconds, CHOICE_PART * self.seconds)

    def measure(self, data: Data, recipe: Recipe) -> None:
        """Measure an epoch of a network that is thrown away, of more and more rows until it tells enough."""
        network = recipe.network(data.stage, data.n_outputs, data.x, classifies=data.classifies, seed=0)
        network.n_threads = 1
        settings = recipe.settings(network) | {"epochs": 1}
        n = min(FIRST_ROWS, len(data.x))
        while True:
            begin = time.perf_counter()
            network.train(data.x[:n], data.y[:n], **settings)
            seconds = time.perf_counter() - begin
            if n == min(MOST_ROWS, len(data.x)) or seconds >= TRIAL_PART * self.seconds:
                break
            n = min(3 * n, MOST_ROWS, len(data.x))
        self.per_row = seconds / n

    def fitted(self, plan: Plan, n_rows: int, networks_per_thread: int) -> tuple[Plan, float]:
        """Shorten a plan so that its first networks come through their second cycle.

        Returns
        -------
        plan : Plan
        part : float
            Of the rows that train, 1 where an epoch of all fits.
        """
        epoch = self.per_row * n_rows * networks_per_thread
        most = FIRST_PART * self.left / max(epoch, 1e-12)  # epochs
        second = plan.zeros[min(1, len(plan.zeros) - 1)]
        if most >= second:
            return plan, 1.0
        n_epochs = max(FEWEST_EPOCHS, int(most * plan.n_epochs / second))
        shorter = plan.of_length(n_epochs)
        return shorter, float(np.clip(most / shorter.zeros[0], 0.0, 1.0))

    def fits(self, n_epochs: int, n_rows: int, networks_per_thread: int) -> bool:
        """Whether so many further epochs are done in time."""
        return self.per_row * n_rows * n_epochs * networks_per_thread <= MARGIN * self.left
