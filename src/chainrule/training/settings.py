"""The settings of a training, checked."""

import sys
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, Self

from chainrule._settings import flag, real_number, whole_number
from chainrule.model.rows import Rows, as_rows
from chainrule.model.trainee import Trainee
from chainrule.optimizers import LBFGS, Adam, Optimizer, check_optimizer
from chainrule.training.history import EpochRecord
from chainrule.training.schedules import Schedule, check_schedule

#: Of the products in training: the network's dtype, or bfloat16 with sums in float32.
PRECISIONS = ("full", "bf16")

#: Rows per step of "auto", but for optimizers that are made for all rows in one batch.
AUTO_BATCH_SIZE = 32


class Settings(NamedTuple):
    """How a network is trained; `Network.train` documents each setting.

    Attributes
    ----------
    batch_size : int
        Rows per step; sys.maxsize for all rows in one batch.
    learning_rate_factors : tuple of float
        One per layer, or none.
    validation : tuple, Rows or None
        (x, y) or (x, y, sample_weight) as given; rows of the network, once `fitted_to` one.
    """

    optimizer: Optimizer | LBFGS
    epochs: int
    batch_size: int
    shuffle: bool
    callback: Callable[[EpochRecord], object] | None
    resume: bool
    precision: str
    schedule: Schedule | None = None
    schedule_epochs: int | None = None
    learning_rate_factors: tuple[float, ...] = ()
    validation: Any = None
    patience: int | None = None
    min_improvement: float = 0.0
    max_time: float | None = None

    @classmethod
    def checked(
        cls,
        *,
        optimizer: Any,
        epochs: Any,
        batch_size: Any,
        shuffle: Any,
        callback: Any,
        resume: Any,
        precision: Any,
        schedule: Any = None,
        schedule_epochs: Any = None,
        learning_rate_factors: Any = None,
        validation: Any = None,
        patience: Any = None,
        min_improvement: Any = 0.0,
        max_time: Any = None,
    ) -> Self:
        """Check what a user gave; TypeError or ValueError for what is none or out of range."""
        optimizer = check_optimizer(Adam() if optimizer is None else optimizer)
        epochs = whole_number("epochs", epochs, 1)
        if isinstance(batch_size, str):
            if batch_size != "auto":
                raise TypeError(
                    f"batch_size is {batch_size!r}; expected a number of rows, None for all, or 'auto'"
                )
            batch_size = None if optimizer.full_batch else AUTO_BATCH_SIZE
        batch_size = sys.maxsize if batch_size is None else whole_number("batch_size", batch_size, 1)
        shuffle = flag("shuffle", shuffle)
        if callback is not None and not callable(callback):
            raise TypeError(f"callback is {callback!r}; expected a function of one EpochRecord")
        if precision not in PRECISIONS:
            raise ValueError(f"precision is {precision!r}; expected one of: {', '.join(PRECISIONS)}")
        return cls(
            optimizer,
            epochs,
            min(batch_size, sys.maxsize),
            shuffle,
            callback,
            flag("resume", resume),
            precision,
            _schedule(optimizer, schedule),
            None if schedule_epochs is None else whole_number("schedule_epochs", schedule_epochs, 1),
            _factors(learning_rate_factors),
            _validation(validation),
            None if patience is None else whole_number("patience", patience, 1),
            real_number("min_improvement", min_improvement, "[0, inf)"),
            None if max_time is None else real_number("max_time", max_time, "(0, inf)"),
        )

    def fitted_to(self, trainee: Trainee) -> Self:
        """Return these settings with rows that fit the network; TypeError or ValueError where they do not."""
        n, n_layers = len(self.learning_rate_factors), len(trainee.parts.weights)
        if n not in (0, n_layers):
            raise ValueError(
                f"learning_rate_factors has {n} numbers; expected {n_layers}, one per layer of weights"
            )
        if not isinstance(self.validation, tuple) or isinstance(self.validation, Rows):
            return self
        try:
            rows = as_rows(trainee.architecture, *self.validation)
            rows.check_finite()
        except (TypeError, ValueError) as error:
            raise type(error)(f"validation: {error}") from None
        return self._replace(validation=rows)


def _validation(validation: Any) -> Any:
    if validation is None or (isinstance(validation, tuple | list) and len(validation) in (2, 3)):
        return None if validation is None else tuple(validation)
    raise TypeError(
        f"validation is of type {type(validation).__name__}; expected (x, y) or (x, y, sample_weight), rows"
        " to measure the loss on after each epoch"
    )


def _schedule(optimizer: Optimizer | LBFGS, value: Any) -> Schedule | None:
    schedule = check_schedule(value)
    if schedule is not None and not optimizer.scheduled:
        raise ValueError(
            f"schedule is {value!r}, but {type(optimizer).__name__} has no learning rate to change: it finds"
            " its own steps; leave schedule out"
        )
    return schedule


def _factors(value: Any) -> tuple[float, ...]:
    if value is None:
        return ()
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise TypeError(
            f"learning_rate_factors is {value!r}; expected a list with a number per layer of weights, such as"
            " [0, 0.1, 1]"
        )
    factors = tuple(real_number("a number of learning_rate_factors", one, "[0, inf)") for one in value)
    if not any(factors):
        raise ValueError(f"learning_rate_factors is {value!r}: no layer would change; expected one above 0")
    return factors
