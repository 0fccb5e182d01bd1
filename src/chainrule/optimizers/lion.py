"""Lion."""

from dataclasses import KW_ONLY, dataclass
from typing import ClassVar

from chainrule.optimizers.base import Optimizer


@dataclass(frozen=True, repr=False)
class Lion(Optimizer):
    """Lion: steps of one size, against the sign of a running mean of the gradient.

    With g the gradient of a batch's loss and m = 0 at the start, each step does::

        W <- (1 - learning_rate weight_decay) W                           (weights, not biases)
        W <- W - learning_rate sign(beta_1 m + (1 - beta_1) g)
        m <- beta_2 m + (1 - beta_2) g

    Parameters
    ----------
    learning_rate : float
        Positive; a third to a tenth of what suits Adam.
    beta_1, beta_2 : float
        In [0, 1).
    weight_decay : float
        Not negative; three to ten times what suits AdamW.
    l1, l2, clip_value, clip_norm, max_norm
        As for `Optimizer`: penalties and bounds, off by default.

    Raises
    ------
    TypeError, ValueError
        For a setting of another type or outside its interval.

    Notes
    -----
    Source: Chen and others, "Symbolic discovery of optimization algorithms" (2023), program 1; both pieces of
    advice are from its section 5.

    Examples
    --------
    >>> Lion(weight_decay=0.1)
    Lion(learning_rate=0.0001, weight_decay=0.1)
    """

    name: ClassVar[str] = "lion"
    intervals: ClassVar[dict[str, str]] = {
        "learning_rate": "(0, inf)",
        "beta_1": "[0, 1)",
        "beta_2": "[0, 1)",
        "weight_decay": "[0, inf)",
    }

    learning_rate: float = 1e-4
    beta_1: float = 0.9
    beta_2: float = 0.99
    _: KW_ONLY
    weight_decay: float = 0.0

    @property
    def memory(self) -> tuple[str, ...]:
        """What is kept from step to step, one number for each parameter."""
        return ("mean",)
