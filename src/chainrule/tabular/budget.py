"""How long trainings take, measured before they begin, so that a time budget is kept."""

import time

import numpy as np

from chainrule.tabular.plan import Plan
from chainrule.tabular.recipes import Recipe
from chainrule.tabular.training import Data

#: Rows whose training is measured.
TRIAL_ROWS = 2560
#: Of the time that is left, the part that the first wave's second cycle may take.
FIRST_PART = 0.7
#: Of the time that is left, what a stage may take by the measurement; the rest is for its error.
MARGIN = 0.95
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
        self.deadline = start + seconds
        self.per_row = 0.0  # seconds that one network takes for one row

    @property
    def left(self) -> float:
        """Seconds that are left."""
        return self.deadline - time.monotonic()

    def measure(self, data: Data, recipe: Recipe) -> None:
        """Measure an epoch of a network that is thrown away."""
        network = recipe.network(data.stage, data.n_outputs, data.x, classifies=data.classifies, seed=0)
        network.n_threads = 1
        n = min(TRIAL_ROWS, len(data.x))
        settings = recipe.settings(network) | {"epochs": 1}
        seconds = []
        for _ in range(2):  # the first also warms up
            begin = time.perf_counter()
            network.train(data.x[:n], data.y[:n], **settings)
            seconds.append(time.perf_counter() - begin)
        self.per_row = min(seconds) / n

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
