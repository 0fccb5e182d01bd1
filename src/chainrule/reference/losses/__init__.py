"""Losses: E3 for one row, its derivative by the output, and what E4 starts from."""

from __future__ import annotations

from difflib import get_close_matches

from chainrule.reference.losses.base import Loss
from chainrule.reference.losses.classification import BinaryCrossEntropy, BinaryFocal, CrossEntropy, Focal
from chainrule.reference.losses.deviances import Gamma, Poisson, Tweedie
from chainrule.reference.losses.distances import AbsoluteError, Huber, LogCosh, SquaredError
from chainrule.reference.losses.quantile import Quantile

#: Every loss by its name, with its default settings.
LOSSES: dict[str, Loss] = {
    loss.name: loss
    for loss in (
        SquaredError(),
        CrossEntropy(),
        BinaryCrossEntropy(),
        Poisson(),
        AbsoluteError(),
        Huber(),
        LogCosh(),
        Quantile(),
        Gamma(),
        Tweedie(),
        Focal(),
        BinaryFocal(),
    )
}


def get_loss(loss: str | Loss) -> Loss:
    """Look up a loss by name; a `Loss` is handed back as it is.

    Raises ValueError for a name that is not registered, TypeError for anything that is not a name.

    Examples
    --------
    >>> get_loss("cross_entropy").default_output_activation
    'softmax'
    """
    if isinstance(loss, Loss):
        return loss
    if not isinstance(loss, str):
        raise TypeError(f"a loss is given by its name or as a Loss, not as {type(loss).__name__}")
    if loss not in LOSSES:
        close = get_close_matches(loss, LOSSES, n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        raise ValueError(f"unknown loss {loss!r}; {hint}known: {', '.join(LOSSES)}")
    return LOSSES[loss]


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
