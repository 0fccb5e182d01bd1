"""The settings of a training, checked."""

import sys
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, Self

from chainrule._settings import flag, real_number, whole_number
from chainrule.model.rows import Rows, as_rows
from chainrule.model.trainee import Trainee
from chainrule.optimizers import LBFGS, Adam, Optimizer, check_optimizer
from chainrule.training.blocks import MOST_BLOCKS
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

    optimizer: Optimizer | LBFGS = Adam()
    epochs: int = 100
    batch_size: int = AUTO_BATCH_SIZE
    shuffle: bool = True
    callback: Callable[[EpochRecord], object] | None = None
    resume: bool = False
    precision: str = "full"
    schedule: Schedule | None = None
    schedule_epochs: int | None = None
    learning_rate_factors: tuple[float, ...] = ()
    validation: Any = None
    patience: int | None = None
    min_improvement: float = 0.0
    max_time: float | None = None
    row_blocks: int = 1

    @classmethod
    def checked(cls, **settings: Any) -> Self:
        """Check what a user gave; TypeError or ValueError for what is none or out of range."""
        raw: Any = cls(**{"batch_size": "auto", "learning_rate_factors": None, **settings})
        optimizer = check_optimizer(Adam() if raw.optimizer is None else raw.optimizer)
        return cls(
            optimizer,
            whole_number("epochs", raw.epochs, 1),
            _batch_size(optimizer, raw.batch_size),
            flag("shuffle", raw.shuffle),
            _callback(raw.callback),
            flag("resume", raw.resume),
            _precision(raw.precision),
            _schedule(optimizer, raw.schedule),
            None if raw.schedule_epochs is None else whole_number("schedule_epochs", raw.schedule_epochs, 1),
            _factors(raw.learning_rate_factors),
            _validation(raw.validation),
            None if raw.patience is None else whole_number("patience", raw.patience, 1),
            real_number("min_improvement", raw.min_improvement, "[0, inf)"),
            None if raw.max_time is None else real_number("max_time", raw.max_time, "(0, inf)"),
            _row_blocks(raw.row_blocks),
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
        return self._replace(validation=rows if self.callback is None else rows.own())


def _batch_size(optimizer: Optimizer | LBFGS, value: Any) -> int:
    if isinstance(value, str) and value == "auto":
        value = None if optimizer.full_batch else AUTO_BATCH_SIZE
    if isinstance(value, str):
        raise TypeError(f"batch_size is {value!r}; expected a number of rows, None for all, or 'auto'")
    return sys.maxsize if value is None else min(whole_number("batch_size", value, 1), sys.maxsize)


def _row_blocks(value: Any) -> int:
    n_blocks = whole_number("row_blocks", value, 1)
    if n_blocks > MOST_BLOCKS:
        raise ValueError(f"row_blocks is {n_blocks}; expected at most {MOST_BLOCKS}")
    return n_blocks


def _callback(value: Any) -> Any:
    if value is not None and not callable(value):
        raise TypeError(f"callback is {value!r}; expected a function of one EpochRecord")
    return value


def _precision(value: Any) -> str:
    if value not in PRECISIONS:
        raise ValueError(f"precision is {value!r}; expected one of: {', '.join(PRECISIONS)}")
    return str(value)


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
