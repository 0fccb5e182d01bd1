"""How many members, for how many epochs, and between which of them one looks."""

import math
from typing import NamedTuple, Self

from chainrule.tabular.recipes import BATCH_SIZE, EPOCHS, ZEROS


class Plan(NamedTuple):
    """What is trained.

    Attributes
    ----------
    n_members : int
        Networks of one split of the rows; with folds so many groups of networks, one for each fold.
    n_folds : int
        0: one split for all.
    n_epochs : int
        Of a whole training.
    zeros : tuple of int
        Epochs after which a network is finished, ascending.
    stages : tuple of int
        Epochs after which the members so far are looked at together: whether to go on.
    least_gain : float
        Stop where a stage made the score better by less than this part of it.
    best_epoch : bool
        Whether each network is kept as it was in its best epoch, not at the zeros.
    """

    n_members: int
    n_folds: int
    n_epochs: int
    zeros: tuple[int, ...]
    stages: tuple[int, ...]
    least_gain: float = 0.001
    best_epoch: bool = False

    @property
    def n_networks(self) -> int:
        """How many networks there are."""
        return self.n_members * max(1, self.n_folds)

    def of_length(self, n_epochs: int) -> Self:
        """Return the same plan for trainings of so many epochs."""
        ratio = n_epochs / self.n_epochs
        zeros = tuple(sorted({max(1, round(zero * ratio)) for zero in self.zeros}))
        stages = tuple(sorted({max(1, round(stage * ratio)) for stage in self.stages}))
        return self._replace(n_epochs=n_epochs, zeros=zeros, stages=stages)


def zero_epochs(n_epochs: int) -> tuple[int, ...]:
    """Return after which epochs of a training the learning rate is 0.

    Examples
    --------
    >>> zero_epochs(256)
    (17, 51, 119, 256)
    """
    return tuple(sorted({max(1, round(zero * n_epochs)) for zero in ZEROS}))


CYCLES = FIRST, SECOND, THIRD, LAST = zero_epochs(EPOCHS)

#: What the presets train. Nobody waits for the others before all are done, so that no core is idle.
PRESETS = {
    "fast": Plan(1, 0, EPOCHS, (FIRST, SECOND), (SECOND,)),
    "default": Plan(4, 0, EPOCHS, (FIRST, SECOND), (SECOND,)),
    "best": Plan(32, 0, EPOCHS, (FIRST, SECOND, THIRD), (THIRD,)),
}
#: One network, as its authors train it.
SINGLE = Plan(1, 0, EPOCHS, (LAST,), (LAST,), best_epoch=True)

#: With fewer rows a fifth of them would choose by luck, so every row is watched in some fold, and the folds
#: share a recipe: on six tables of up to 3,000 rows, four recipes instead made 19 % more errors.
FEW_ROWS = 5000
#: Sooner than after so many steps a network is not finished: tables of few rows go through more cycles.
LEAST_STEPS = 200
#: Into so many folds, or as many as there are members.
MOST_FOLDS = 4


def make_plan(preset: str, n_members: int | None, n_folds: int, *, n_rows: int, split: bool) -> Plan:
    """Return the plan of a preset for a table.

    Parameters
    ----------
    preset : {"fast", "default", "best"}
    n_members : int or None
        As the user said.
    n_folds : int
        As the user said, 0 for the usual.
    n_rows : int
    split : bool
        Whether rows must be set aside; False where the user gave some.

    Examples
    --------
    >>> make_plan("default", None, 0, n_rows=1000, split=True).n_folds
    4
    >>> [make_plan("fast", None, 0, n_rows=n, split=True).stages for n in (300, 1000, 3000)]
    [(256,), (119,), (51,)]
    """
    plan = _of_enough_steps(PRESETS[preset], n_rows)
    wanted = n_members or plan.n_members
    if not split:
        return plan._replace(n_members=wanted)
    if n_folds:
        return plan._replace(n_members=wanted, n_folds=n_folds)
    folds = min(wanted, MOST_FOLDS)
    if n_rows < FEW_ROWS and folds > 1:
        return plan._replace(n_members=math.ceil(wanted / folds), n_folds=folds)
    return plan._replace(n_members=wanted)


def _of_enough_steps(plan: Plan, n_rows: int) -> Plan:
    """Return the plan, with more cycles where an epoch has few steps."""
    steps, usual = max(1, n_rows // BATCH_SIZE), plan.stages[-1]
    last = next((zero for zero in CYCLES if zero >= usual and zero * steps >= LEAST_STEPS), LAST)
    return plan._replace(zeros=tuple(zero for zero in CYCLES if zero <= last), stages=(last,))
