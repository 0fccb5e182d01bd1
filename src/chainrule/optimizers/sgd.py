"""Stochastic gradient descent, with momentum if wished."""

from dataclasses import dataclass
from typing import ClassVar

from chainrule.optimizers.base import Optimizer


@dataclass(frozen=True, repr=False)
class SGD(Optimizer):
    """Stochastic gradient descent, with momentum if wished.

    With g the gradient of a batch's loss and v = 0 at the start, each step does::

        v <- momentum v - learning_rate g
        W <- W + v                                  (nesterov: W + momentum v - learning_rate g)

    Parameters
    ----------
    learning_rate : float
        Positive.
    momentum : float
        In [0, 1).
    nesterov : bool
        Nesterov's momentum; needs a momentum above 0.
    l1, l2, clip_value, clip_norm, max_norm
        As for `Optimizer`: penalties and bounds, off by default.

    Raises
    ------
    TypeError, ValueError
        For a setting of another type or outside its interval.

    Notes
    -----
    Source: Sutskever, Martens, Dahl and Hinton, "On the importance of initialization and momentum in deep
    learning" (2013), equations 1-4.

    Examples
    --------
    >>> SGD(0.5, momentum=0.9)
    SGD(learning_rate=0.5, momentum=0.9)
    """

    name: ClassVar[str] = "sgd"
    intervals: ClassVar[dict[str, str]] = {
        "learning_rate": "(0, inf)",
        "momentum": "[0, 1)",
    }

    learning_rate: float = 0.01
    momentum: float = 0.0
    nesterov: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.nesterov and self.momentum == 0:
            raise ValueError(
                "nesterov=True needs a momentum above 0, for example SGD(0.01, 0.9, nesterov=True)"
            )

    @property
    def memory(self) -> tuple[str, ...]:
        """What is kept from step to step, one number for each parameter."""
        return ("velocity",) if self.momentum else ()
