"""What training reports: a record per epoch, and a history at the end."""

import math
from dataclasses import dataclass, field


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
    """

    epoch: int
    n_epochs: int
    loss: float
    seconds: float
    learning_rate: float = math.nan


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
        Whether a callback stopped the training before its last epoch.
    learning_rate : list of float
        One value per epoch: that of its last step.

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

    @property
    def n_epochs(self) -> int:
        """The number of epochs."""
        return len(self.loss)

    def __repr__(self) -> str:
        stopped = ", stopped by the callback" if self.stopped else ""
        return (
            f"History({self.n_epochs} epochs, {self.n_steps} steps,"
            f" loss {self.loss[0]:.4g} -> {self.loss[-1]:.4g}, {self.seconds:.3g} s{stopped})"
        )
