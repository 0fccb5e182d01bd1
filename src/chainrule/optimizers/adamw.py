"""Adam with decoupled weight decay."""

from dataclasses import KW_ONLY, dataclass
from typing import ClassVar

from chainrule.optimizers.base import Optimizer


@dataclass(frozen=True, repr=False)
class AdamW(Optimizer):
    """Adam with weight decay that is decoupled from the gradient.

    With g the gradient of a batch's loss and m = v = u = t = 0 at the start, each step does::

        t <- t + 1
        W <- (1 - learning_rate weight_decay) W                           (weights, not biases)
        m <- beta_1 m + (1 - beta_1) g
        v <- beta_2 v + (1 - beta_2) g^2
        u <- v                                                            (amsgrad: max(u, v))
        W <- W - learning_rate / (1 - beta_1^t) m / (sqrt(u / (1 - beta_2^t)) + epsilon)

    The penalty `l2` is another thing: its gradient is part of g, and so is scaled like g.

    Parameters
    ----------
    learning_rate : float
        Positive.
    beta_1, beta_2 : float
        In [0, 1).
    epsilon : float
        Positive.
    weight_decay : float
        Not negative. A schedule of the learning rate is one of the decay, too.
    amsgrad : bool
        Whether to divide by the largest second moment so far instead of the present one.
    l1, l2, clip_value, clip_norm, max_norm
        As for `Optimizer`: penalties and bounds, off by default.

    Raises
    ------
    TypeError, ValueError
        For a setting of another type or outside its interval.

    Notes
    -----
    Source: Loshchilov and Hutter, "Decoupled weight decay regularization" (2019), algorithm 2, in PyTorch's
    form: the decay is multiplied by the learning rate. Unlike PyTorch's default it leaves biases alone.

    Examples
    --------
    >>> AdamW(weight_decay=0.1)
    AdamW(learning_rate=0.001, weight_decay=0.1)
    """

    name: ClassVar[str] = "adamw"
    intervals: ClassVar[dict[str, str]] = {
        "learning_rate": "(0, inf)",
        "beta_1": "[0, 1)",
        "beta_2": "[0, 1)",
        "epsilon": "(0, inf)",
        "weight_decay": "[0, inf)",
    }

    learning_rate: float = 0.001
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8
    _: KW_ONLY
    weight_decay: float = 0.01
    amsgrad: bool = False

    @property
    def memory(self) -> tuple[str, ...]:
        """What is kept from step to step, one number for each parameter."""
        return ("mean", "square", "largest square") if self.amsgrad else ("mean", "square")
