"""Losses with their settings, for ``Network(loss=...)``; each class documents its formula and source.

Examples
--------
>>> from chainrule import Network
>>> from chainrule.losses import Huber
>>> Network([3, 8, 1], loss=Huber(delta=2.0), random_state=0).loss
Huber(delta=2.0)
"""

from chainrule.reference.losses import (
    LOSSES,
    AbsoluteError,
    BinaryCrossEntropy,
    BinaryFocal,
    CrossEntropy,
    Focal,
    Gamma,
    Huber,
    LogCosh,
    Loss,
    Poisson,
    Quantile,
    SquaredError,
    Tweedie,
    get_loss,
)

__all__ = [
    "LOSSES",
    "AbsoluteError",
    "BinaryCrossEntropy",
    "BinaryFocal",
    "CrossEntropy",
    "Focal",
    "Gamma",
    "Huber",
    "LogCosh",
    "Loss",
    "Poisson",
    "Quantile",
    "SquaredError",
    "Tweedie",
    "get_loss",
]
