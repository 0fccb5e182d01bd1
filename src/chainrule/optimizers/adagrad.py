"""Adagrad."""

from dataclasses import dataclass
from typing import ClassVar

from chainrule.optimizers.base import Optimizer


@dataclass(frozen=True, repr=False)
class Adagrad(Optimizer):
    """Adagrad: steps scaled by the sum of all squared gradients so far.

    With g the gradient of a batch's loss and s = initial_accumulator at the start, each step does::

        s <- s + g^2
        W <- W - learning_rate g / (sqrt(s) + epsilon)

    Parameters
    ----------
    learning_rate : float
        Positive.
    initial_accumulator : float
        Not negative.
    epsilon : float
        Positive.
    l1, l2, clip_value, clip_norm, max_norm
        As for `Optimizer`: penalties and bounds, off by default.

    Raises
    ------
    TypeError, ValueError
        For a setting of another type or outside its interval.

    Notes
    -----
    Source: Duchi, Hazan and Singer, "Adaptive subgradient methods for online learning and stochastic
    optimization" (2011), the diagonal version; the place of epsilon is PyTorch's.

    Examples
    --------
    >>> Adagrad(0.1)
    Adagrad(learning_rate=0.1)
    """

    name: ClassVar[str] = "adagrad"
    intervals: ClassVar[dict[str, str]] = {
        "learning_rate": "(0, inf)",
        "initial_accumulator": "[0, inf)",
        "epsilon": "(0, inf)",
    }

    learning_rate: float = 0.01
    initial_accumulator: float = 0.0
    epsilon: float = 1e-10

    @property
    def memory(self) -> tuple[str, ...]:
        """What is kept from step to step, one number for each parameter."""
        return ("sum of squares",)
