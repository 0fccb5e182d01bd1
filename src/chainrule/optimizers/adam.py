"""Adam, and AMSGrad."""

from dataclasses import KW_ONLY, dataclass
from typing import ClassVar

from chainrule.optimizers.base import Optimizer


@dataclass(frozen=True, repr=False)
class Adam(Optimizer):
    """Adam: steps scaled by running means of the gradient and of its square.

    With g the gradient of a batch's loss and m = v = u = t = 0 at the start, each step does::

        t <- t + 1
        m <- beta_1 m + (1 - beta_1) g
        v <- beta_2 v + (1 - beta_2) g^2
        u <- v                                                            (amsgrad: max(u, v))
        W <- W - learning_rate sqrt(1 - beta_2^t) / (1 - beta_1^t) m / (sqrt(u) + epsilon)

    Parameters
    ----------
    learning_rate : float
        Positive.
    beta_1, beta_2 : float
        In [0, 1).
    epsilon : float
        Positive.
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
    Sources: Kingma and Ba, "Adam: a method for stochastic optimization" (2015), the reordered form at the end
    of section 2, as in scikit-learn: epsilon is added to sqrt(v) before its correction. PyTorch adds it
    after, and so does `AdamW`. AMSGrad: Reddi, Kale and Kumar, "On the convergence of Adam and beyond"
    (2018), algorithm 2.

    Examples
    --------
    >>> Adam()
    Adam(learning_rate=0.001)
    >>> Adam(0.01, amsgrad=True, l2=1e-4)
    Adam(learning_rate=0.01, amsgrad=True, l2=0.0001)
    """

    name: ClassVar[str] = "adam"
    intervals: ClassVar[dict[str, str]] = {
        "learning_rate": "(0, inf)",
        "beta_1": "[0, 1)",
        "beta_2": "[0, 1)",
        "epsilon": "(0, inf)",
    }

    learning_rate: float = 0.001
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8
    _: KW_ONLY
    amsgrad: bool = False

    @property
    def memory(self) -> tuple[str, ...]:
        """What is kept from step to step, one number for each parameter."""
        return ("mean", "square", "largest square") if self.amsgrad else ("mean", "square")
