"""Resilient propagation."""

from dataclasses import KW_ONLY, dataclass
from typing import ClassVar

from chainrule.optimizers.base import Optimizer


@dataclass(frozen=True, repr=False)
class Rprop(Optimizer):
    """Resilient propagation: each parameter has a step of its own, and takes only the sign of its gradient.

    For full batches: signs of the gradients of small batches are mostly noise. With g the gradient of the
    loss E, q = 0 and s = learning_rate at the start, each step does, parameter by parameter::

        g q > 0:  s <- min(increase s, largest);   W <- W - s sign(g);   q <- g
        g q = 0:                                   W <- W - s sign(g);   q <- g
        g q < 0:  s' = s;  s <- max(decrease s, smallest);  q <- 0;
                  W <- W + s' sign(q), taking the last step back, if E has risen and backtracking

    Parameters
    ----------
    learning_rate : float
        The first step of every parameter.
    increase : float
        Above 1.
    decrease : float
        In (0, 1).
    smallest, largest : float
        Bounds of the steps.
    backtracking : bool
        iRprop+ if True, iRprop- if False.
    l1, l2, clip_value, clip_norm, max_norm
        As for `Optimizer`: penalties and bounds, off by default.

    Raises
    ------
    TypeError, ValueError
        For a setting of another type or outside its interval.

    Notes
    -----
    There is no learning rate to have a schedule; a layer's learning-rate factor multiplies its steps.

    Source: Igel and Huesken, "Improving the Rprop learning algorithm" (2000). PyTorch's Rprop is iRprop-.

    Examples
    --------
    >>> Rprop(backtracking=False)
    Rprop(learning_rate=0.01, backtracking=False)
    """

    name: ClassVar[str] = "rprop"
    intervals: ClassVar[dict[str, str]] = {
        "learning_rate": "(0, inf)",
        "increase": "(1, inf)",
        "decrease": "(0, 1)",
        "smallest": "(0, inf)",
        "largest": "(0, inf)",
    }
    full_batch: ClassVar[bool] = True
    scheduled: ClassVar[bool] = False

    learning_rate: float = 0.01
    increase: float = 1.2
    decrease: float = 0.5
    smallest: float = 1e-6
    largest: float = 50.0
    _: KW_ONLY
    backtracking: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.smallest > self.largest:
            raise ValueError(
                f"smallest is {self.smallest} and largest is {self.largest}; expected smallest <= largest"
            )

    @property
    def memory(self) -> tuple[str, ...]:
        """What is kept from step to step, one number for each parameter."""
        return ("gradient", "step")
