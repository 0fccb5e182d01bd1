"""What is looked at between epochs: the loss of rows set aside, the best parameters, the time."""

import math
import time
from typing import TYPE_CHECKING

from chainrule import _engine
from chainrule.training.settings import Settings

if TYPE_CHECKING:
    from chainrule.network import Network


class Watch:
    """The losses of the rows set aside, the best parameters, and whether it is time to stop.

    Parameters
    ----------
    network : Network
        As it begins.
    settings : Settings
        Its `validation` has the rows set aside, if any.

    Attributes
    ----------
    losses : list of float
        Of the rows set aside, one per epoch; empty without such rows.
    best_epoch : int or None
        The epoch, from 1, after which the watched loss was least; None without patience.
    reason : str
        Why to stop: "patience", "max_time"; "" as long as there is none.
    """

    def __init__(self, network: "Network", settings: Settings) -> None:
        self.network = network
        self.settings = settings
        self.data: _engine.Dataset | None = None
        if settings.validation is not None:
            self.data = settings.validation.dataset(network._model)
        self.losses: list[float] = []
        self.best_epoch: int | None = None
        self.reason = ""
        self._least, self._best, self._waited = math.inf, network._parameters, 0
        self._end = math.inf if settings.max_time is None else time.perf_counter() + settings.max_time

    @property
    def between_epochs(self) -> bool:
        """Whether there is anything to look at."""
        settings = self.settings
        return self.data is not None or settings.patience is not None or settings.max_time is not None

    def epoch_ends(self, epoch: int, loss: float) -> float:
        """Look at the network after an epoch of this training loss; return the loss that counts."""
        network, patience = self.network, self.settings.patience
        if self.data is not None:
            loss = network._model.evaluate(self.data, network._n_threads)
            self.losses.append(loss)
        if patience is not None:
            self._waited += 1
            if loss < self._least - (self.settings.min_improvement if self.best_epoch else 0.0):
                self._least, self._waited, self.best_epoch = loss, 0, epoch
                self._best = network._parameters.copy()
            if self._waited >= patience:
                self.reason = "patience"
        if time.perf_counter() >= self._end:
            self.reason = self.reason or "max_time"
        return loss

    def training_ends(self, epoch: int) -> None:
        """With patience, put the best parameters back; the optimizer's memory is not theirs."""
        if self.best_epoch is not None and self.best_epoch != epoch:
            self.network._parameters[:] = self._best
            self.network._training = None
