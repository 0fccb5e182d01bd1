"""The one-cycle policy."""

from dataclasses import KW_ONLY, dataclass
from typing import ClassVar

import numpy as np

from chainrule.training.schedules.base import Numbers, Schedule, half_cosine


@dataclass(frozen=True)
class OneCycleSchedule(Schedule):
    """The learning rate rises to its full size along half a cosine, then falls along another, far below.

    The optimizer's learning rate is the highest one. Its momentum stays as it is.

    Parameters
    ----------
    rise : float
        In (0, 1): the part of all steps in which it rises.
    start : float
        In (0, 1]: the factor of the first step.
    final : float
        In [0, 1]: the factor of the last step.

    Notes
    -----
    Source: Smith and Topin, "Super-convergence: very fast training of neural networks using large learning
    rates" (2018). Shape and defaults are those of PyTorch's OneCycleLR (pct_start, 1/div_factor,
    1/(div_factor final_div_factor)) without its cycling of the momentum.

    Examples
    --------
    >>> OneCycleSchedule(rise=0.5, start=0.2, final=0).factors(0, 6, total=6).round(3).tolist()
    [0.2, 0.6, 1.0, 0.75, 0.25, 0.0]
    """

    name: ClassVar[str] = "onecycle"
    intervals: ClassVar[dict[str, str]] = {"rise": "(0, 1)", "start": "(0, 1]", "final": "[0, 1]"}
    _: KW_ONLY
    rise: float = 0.3
    start: float = 0.04
    final: float = 4e-6

    def _factors(self, step: Numbers, total: int) -> Numbers:
        top, last = max(self.rise * total - 1, 0.0), total - 1
        rising = half_cosine(np.clip(1 - step / top, 0.0, 1.0)) if top > 0 else np.ones_like(step)
        falling = half_cosine(np.clip((step - top) / max(last - top, 1e-300), 0.0, 1.0))
        return np.where(
            step <= top, self.start + (1 - self.start) * rising, self.final + (1 - self.final) * falling
        )
