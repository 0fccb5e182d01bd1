"""Nadam."""

from dataclasses import KW_ONLY, dataclass
from typing import ClassVar

from chainrule.optimizers.base import Optimizer


@dataclass(frozen=True, repr=False)
class Nadam(Optimizer):
    """Nadam: Adam with Nesterov's momentum.

    With g the gradient of a batch's loss, m = v = t = 0 and p = 1 at the start, each step does::

        t <- t + 1
        k(t) = beta_1 (1 - 0.96^(t momentum_decay) / 2)
        p <- k(t) p
        m <- beta_1 m + (1 - beta_1) g
        v <- beta_2 v + (1 - beta_2) g^2
        d = (1 - k(t)) / (1 - p) g + k(t + 1) / (1 - p k(t + 1)) m
        W <- W - learning_rate d / (sqrt(v / (1 - beta_2^t)) + epsilon)

    Parameters
    ----------
    learning_rate : float
        Positive.
    beta_1, beta_2 : float
        In [0, 1).
    epsilon : float
        Positive.
    momentum_decay : float
        Not negative.
    l1, l2, clip_value, clip_norm, max_norm
        As for `Optimizer`: penalties and bounds, off by default.

    Raises
    ------
    TypeError, ValueError
        For a setting of another type or outside its interval.

    Notes
    -----
    Source: Dozat, "Incorporating Nesterov momentum into Adam" (2016), with his schedule of the momentum, as
    in PyTorch.

    Examples
    --------
    >>> Nadam()
    Nadam(learning_rate=0.002)
    """

    name: ClassVar[str] = "nadam"
    intervals: ClassVar[dict[str, str]] = {
        "learning_rate": "(0, inf)",
        "beta_1": "[0, 1)",
        "beta_2": "[0, 1)",
        "epsilon": "(0, inf)",
        "momentum_decay": "[0, inf)",
    }

    learning_rate: float = 0.002
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8
    _: KW_ONLY
    momentum_decay: float = 0.004

    @property
    def memory(self) -> tuple[str, ...]:
        """What is kept from step to step, one number for each parameter."""
        return ("mean", "square")
