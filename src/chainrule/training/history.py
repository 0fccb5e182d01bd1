"""What training reports: a record per epoch, and a history at the end."""

import math
from dataclasses import dataclass, field

import numpy as np

from chainrule.training.pace import Pace


@dataclass(frozen=True)
class EpochRecord:
    """One epoch, as a callback sees it.

    Attributes
    ----------
    epoch : int
        Number of the epoch within this call of `train`, from 1.
    n_epochs : int
        How many the call was asked for.
    loss : float
        The mean over the epoch's rows of each batch's loss before its step, penalty included.
    seconds : float
        Since training began.
    learning_rate : float
        Of the epoch's last step.
    validation_loss : float or None
        The loss of the rows set aside, after the epoch, without penalty.
    pace : Pace or None
        The epoch's rows (`n_rows`), `rows_per_second`, and `seconds_left` at most; None where an epoch is an
        iteration of "lbfgs".
    """

    epoch: int
    n_epochs: int
    loss: float
    seconds: float
    learning_rate: float = math.nan
    validation_loss: float | None = field(default=None, kw_only=True)
    pace: Pace | None = field(default=None, kw_only=True, compare=False)


@dataclass(frozen=True)
class History:
    """What one call of `Network.train` did.

    Attributes
    ----------
    loss : list of float
        One value per epoch: the mean over its rows of each batch's loss before its step, penalty included.
    seconds : float
        Wall time of the epochs, callbacks included.
    n_steps : int
        Batches, each of which changed the parameters once.
    stopped : bool
        Whether training was stopped before its last epoch.
    learning_rate : list of float
        One value per epoch: that of its last step.
    validation_loss : list of float
        One value per epoch, after it, without penalty, where rows were set aside.
    best_epoch : int or None
        With `patience`, the epoch, from 1, whose parameters the network has.
    reason : str
        What stopped it: "callback", "patience", "max_time", or "" for nothing.

    Examples
    --------
    >>> History([0.5, 0.25], seconds=0.01, n_steps=20)
    History(2 epochs, 20 steps, loss 0.5 -> 0.25, 0.01 s)
    """

    loss: list[float]
    seconds: float
    n_steps: int
    stopped: bool = False
    learning_rate: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    best_epoch: int | None = None
    reason: str = ""

    @property
    def n_epochs(self) -> int:
        """The number of epochs."""
        return len(self.loss)

    def __repr__(self) -> str:
        cause = {"callback": "the callback"}.get(self.reason, self.reason)
        stopped = f", stopped by {cause}" if self.stopped else ""
        best = "" if self.best_epoch is None else f", best epoch {self.best_epoch}"
        return (
            f"History({self.n_epochs} epochs, {self.n_steps} steps,"
            f" loss {self.loss[0]:.4g} -> {self.loss[-1]:.4g}, {self.seconds:.3g} s{stopped}{best})"
        )


def asks_to_stop(answer: object) -> bool:
    """Whether a callback returned True. Not just something true: a progress bar, say, may return anything."""
    return isinstance(answer, bool | np.bool) and bool(answer)
