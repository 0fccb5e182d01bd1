"""The learning rate drops where the loss no longer falls."""

import math
from dataclasses import KW_ONLY, dataclass
from typing import ClassVar

import numpy as np

from chainrule._settings import whole_number
from chainrule.training.schedules.base import Numbers, Schedule


@dataclass(frozen=True)
class PlateauSchedule(Schedule):
    """The learning rate is multiplied with `factor` after an epoch that was one too many without improvement.

    Parameters
    ----------
    factor : float
        In (0, 1).
    patience : int
        Epochs without improvement that are borne.
    tolerance : float
        In [0, 1): a loss counts as improved below (1 - tolerance) times the best one.
    cooldown : int
        Epochs after a drop that are not counted.
    smallest : float
        In [0, 1): where the factor ends.

    Notes
    -----
    PyTorch's ReduceLROnPlateau with threshold_mode="rel", and its defaults; Keras' callback of that name.
    What is watched is the epoch's validation loss, or its training loss where no rows are set aside.
    """

    name: ClassVar[str] = "plateau"
    intervals: ClassVar[dict[str, str]] = {"factor": "(0, 1)", "tolerance": "[0, 1)", "smallest": "[0, 1)"}
    factor: float = 0.1
    patience: int = 10
    _: KW_ONLY
    tolerance: float = 1e-4
    cooldown: int = 0
    smallest: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("patience", "cooldown"):
            object.__setattr__(self, name, whole_number(name, getattr(self, name), 0))

    def start(self) -> "Plateau":
        """Begin to watch."""
        return Plateau(self)

    def _factors(self, step: Numbers, total: int) -> Numbers:
        return np.ones_like(step)


@dataclass
class Plateau:
    """A `PlateauSchedule` at work: `factor` is what the learning rate is multiplied with now.

    Examples
    --------
    >>> plateau = PlateauSchedule(0.5, patience=1).start()
    >>> for loss in (1.0, 0.9, 0.9, 0.9, 0.8):
    ...     plateau.observe(loss)
    >>> plateau.factor
    0.5
    """

    schedule: PlateauSchedule
    factor: float = 1.0
    best: float = math.inf
    n_waited: int = 0
    n_resting: int = 0

    def observe(self, loss: float) -> None:
        """Take an epoch's loss, of training or validation, into account."""
        schedule = self.schedule
        if loss < self.best * (1 - schedule.tolerance):
            self.best, self.n_waited = loss, 0
        else:
            self.n_waited += 1
        if self.n_resting > 0:
            self.n_resting, self.n_waited = self.n_resting - 1, 0
        if self.n_waited > schedule.patience:
            self.factor = max(self.factor * schedule.factor, schedule.smallest)
            self.n_resting, self.n_waited = schedule.cooldown, 0
