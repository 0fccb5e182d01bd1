"""When `Network.train` stops: patience, time, the callback; and the parameters of its best epoch."""

import math
import time

from chainrule.model.trainee import Trainee
from chainrule.training.history import EpochRecord, History, asks_to_stop
from chainrule.training.pace import Pace
from chainrule.training.settings import Settings
from chainrule.training.watch import Watch


class Stopping(Watch):
    """What is recorded, measured and decided after each epoch.

    Parameters
    ----------
    trainee : Trainee
        As it begins.
    settings : Settings
        `fitted_to` it.

    Attributes
    ----------
    losses, learning_rates, validation_losses : list of float
        One per epoch; the last of the rows set aside, if any.
    best_epoch : int or None
        The epoch, from 1, after which the watched loss was least; None without patience.
    reason : str
        Why to stop: "callback", "patience", "max_time"; "" as long as there is none.
    """

    def __init__(self, trainee: Trainee, settings: Settings) -> None:
        super().__init__(trainee, settings.validation)
        self.settings = settings
        self.losses: list[float] = []
        self.validation_losses: list[float] = []
        self.learning_rates: list[float] = []
        self.best_epoch: int | None = None
        self.reason = ""
        self._least, self._waited, self._start = math.inf, 0, time.perf_counter()

    @property
    def after_each_epoch(self) -> bool:
        """Whether there is anything to do after each epoch."""
        settings = self.settings
        nothing = settings.callback is settings.validation is settings.patience is settings.max_time is None
        return not nothing

    @property
    def seconds(self) -> float:
        """Since training began."""
        return time.perf_counter() - self._start

    def epoch_ends(self, epoch: int, loss: float) -> float:
        """Look at the network after an epoch of this training loss; return the loss that counts."""
        settings = self.settings
        if self.data is not None:
            loss = self.loss()
            self.validation_losses.append(loss)
        if settings.patience is not None:
            self._waited += 1
            if loss < self._least - (settings.min_improvement if self.best_epoch else 0.0):
                self._least, self._waited, self.best_epoch = loss, 0, epoch
                self.keep()
            if self._waited >= settings.patience:
                self.reason = "patience"
        if settings.max_time is not None and self.seconds >= settings.max_time:
            self.reason = self.reason or "max_time"
        return loss

    def tell(
        self, epoch: int, loss: float, learning_rate: float = math.nan, pace: Pace | None = None
    ) -> None:
        """Call the callback, which may ask to stop."""
        if self.settings.callback is not None:
            validation_loss = self.validation_losses[-1] if self.validation_losses else None
            record = EpochRecord(
                epoch,
                self.settings.epochs,
                loss,
                self.seconds,
                learning_rate,
                validation_loss=validation_loss,
                pace=pace,
            )
            if asks_to_stop(self.settings.callback(record)):
                self.reason = "callback"

    def training_ends(self, epoch: int, n_steps: int) -> History:
        """With patience, put the best parameters back; the optimizer's memory is not theirs."""
        if self.best_epoch is not None and self.best_epoch != epoch:
            self.put_back()
            self.trainee.state = None
        return History(
            self.losses,
            self.seconds,
            n_steps,
            self.reason != "",
            self.learning_rates,
            self.validation_losses,
            self.best_epoch,
            self.reason,
        )
