"""The settings of a training, checked."""

import sys
from collections.abc import Callable
from typing import Any, NamedTuple, Self

from chainrule._settings import flag, whole_number
from chainrule.optimizers import Adam, Optimizer, check_optimizer
from chainrule.training.history import EpochRecord

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
    """

    optimizer: Optimizer
    epochs: int
    batch_size: int
    shuffle: bool
    callback: Callable[[EpochRecord], object] | None
    resume: bool
    precision: str

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
        )
