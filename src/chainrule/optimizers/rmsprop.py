"""RMSprop."""

from dataclasses import KW_ONLY, dataclass
from typing import ClassVar

from chainrule.optimizers.base import Optimizer


@dataclass(frozen=True, repr=False)
class RMSprop(Optimizer):
    """RMSprop: steps scaled by a running mean of the squared gradient.

    With g the gradient of a batch's loss and v = a = b = 0 at the start, each step does::

        v <- rho v + (1 - rho) g^2
        a <- rho a + (1 - rho) g                                          (centered; else a = 0)
        b <- momentum b + g / (sqrt(v - a^2) + epsilon)
        W <- W - learning_rate b

    Parameters
    ----------
    learning_rate : float
        Positive.
    rho : float
        In [0, 1). PyTorch calls it alpha.
    momentum : float
        In [0, 1).
    epsilon : float
        Positive.
    centered : bool
        Whether to scale by the gradient's running variance instead of its mean square.
    l1, l2, clip_value, clip_norm, max_norm
        As for `Optimizer`: penalties and bounds, off by default.

    Raises
    ------
    TypeError, ValueError
        For a setting of another type or outside its interval.

    Notes
    -----
    Sources: Tieleman and Hinton, lecture 6.5 of "Neural networks for machine learning" (2012); centered:
    Graves, "Generating sequences with recurrent neural networks" (2013), equations 38-41. Momentum and the
    place of epsilon are PyTorch's.

    Examples
    --------
    >>> RMSprop(0.001, momentum=0.9)
    RMSprop(learning_rate=0.001, momentum=0.9)
    """

    name: ClassVar[str] = "rmsprop"
    intervals: ClassVar[dict[str, str]] = {
        "learning_rate": "(0, inf)",
        "rho": "[0, 1)",
        "momentum": "[0, 1)",
        "epsilon": "(0, inf)",
    }

    learning_rate: float = 0.01
    rho: float = 0.99
    momentum: float = 0.0
    epsilon: float = 1e-8
    _: KW_ONLY
    centered: bool = False

    @property
    def memory(self) -> tuple[str, ...]:
        """What is kept from step to step, one number for each parameter."""
        return ("square", *["mean"] * self.centered, *["velocity"] * (self.momentum > 0))
