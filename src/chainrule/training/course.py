"""What a loss curve looks like at its end: still falling, oscillating, flat, rising."""

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

Shape = Literal["short", "falling", "flat", "oscillating", "rising", "stuck", "exploded", "diverged"]

FEWEST = 8  # epochs, to say anything about a shape
LONGEST = 200  # epochs at the end that are looked at


class Course(NamedTuple):
    """The end of a loss curve.

    Attributes
    ----------
    shape : str
        "short": too few epochs to tell. "falling": over the window by more than 1 % of itself, 0.5 % of all
        that it fell since the first epoch, and the swing. "oscillating": a swing of more than 5 %, up and
        down. "rising": by more than 2 %. "stuck": less than 1 % below the first epoch's loss, ever.
        "exploded": at the end more than twice the first epoch's. "diverged": NaN or infinite. "flat":
        otherwise.
    window : int
        Epochs that were looked at: the last quarter, but 8 to 200.
    change : float
        By what share of itself the loss fell over the window, between the means of its first and last third.
    swing : float
        Standard deviation from the window's trend, as a share of the loss.
    epoch : int
        Number of epochs; for "diverged" the first, from 1, that was not finite.
    first, last : float
        Loss of the first epoch and of the last.
    """

    shape: Shape
    window: int
    change: float
    swing: float
    epoch: int
    first: float
    last: float

    def __str__(self) -> str:
        last = f"over the last {self.window} epochs"
        return {
            "short": f"there were only {self.epoch} epochs",
            "falling": f"the loss was still falling, by {self.change:.1%} {last}",
            "flat": f"the loss was almost at rest {last}",
            "oscillating": f"the loss was oscillating, by {self.swing:.0%} {last}",
            "rising": f"the loss was rising, by {-self.change:.1%} {last}",
            "stuck": f"the loss hardly moved in all {self.epoch} epochs",
            "exploded": f"the loss rose to {self.last:.3g}, it was {self.first:.3g} in the first epoch",
            "diverged": f"the loss was no longer finite in epoch {self.epoch}",
        }[self.shape]

    def advice(self, epochs: str, rate: str) -> str:
        """Say what to do about it.

        Parameters
        ----------
        epochs : str
            What the greatest number of epochs is called.
        rate : str
            What the learning rate is called, with its value if that is known.

        Examples
        --------
        >>> course([1.0, 0.9]).advice("max_iter", "learning_rate_init")
        'Raise max_iter (now 2).'
        """
        return {
            "short": f"Raise {epochs} (now {self.epoch}).",
            "falling": f"Raise {epochs} (now {self.epoch}), or the {rate}.",
            "flat": f"Raise {epochs} (now {self.epoch}) to go on, or tol to stop sooner.",
            "oscillating": f"Lower the {rate}, or take larger batches.",
            "rising": f"Lower the {rate}.",
            "stuck": f"Scale inputs and targets, and try another {rate}.",
            "exploded": f"Lower the {rate}, and scale the inputs.",
            "diverged": f"Lower the {rate}, and scale the inputs.",
        }[self.shape]


def course(loss: Sequence[float]) -> Course:
    """Look at the end of a loss curve.

    Parameters
    ----------
    loss : sequence of float
        One value per epoch.

    Returns
    -------
    Course

    Raises
    ------
    ValueError
        For an empty curve.

    Examples
    --------
    >>> print(course([0.97**epoch for epoch in range(100)]))
    the loss was still falling, by 40.4% over the last 25 epochs
    >>> course([1.0] + [0.5] * 50).shape, course([1 + 0.3 * (-1) ** epoch for epoch in range(50)]).shape
    ('flat', 'oscillating')
    """
    n = len(loss)
    if n == 0:
        raise ValueError("there is no loss to look at")
    finite = [math.isfinite(value) for value in loss]
    if not all(finite):
        return Course("diverged", 0, math.nan, math.nan, finite.index(False) + 1, loss[0], loss[-1])
    if n < FEWEST:
        return Course("short", n, 0.0, 0.0, n, loss[0], loss[-1])
    window = min(max(n // 4, FEWEST), LONGEST)
    tail = np.asarray(loss[-window:], dtype=float)
    third = window // 3
    before, after = float(tail[:third].mean()), float(tail[-third:].mean())
    level = max(abs(before), abs(after))
    if level < np.finfo(float).tiny:
        return Course("flat", window, 0.0, 0.0, n, loss[0], loss[-1])
    place = np.arange(window) - (window - 1) / 2
    rest = tail - tail.mean() - place * (place @ tail) / (place @ place)
    change, swing = (before - after) / level, float(rest.std()) / level
    turns = float(np.mean(np.diff(np.sign(np.diff(tail))) != 0))
    shape: Shape = "flat"
    if after > 2 * loss[0] > 0:
        shape = "exploded"
    elif swing > 0.05 and turns > 0.3 and abs(change) < 3 * swing:
        shape = "oscillating"
    elif min(loss) > loss[0] - 0.01 * abs(loss[0]):
        shape = "rising" if change < -0.02 else "stuck"
    elif change > max(0.01, swing) and before - after > 0.005 * (loss[0] - min(loss)):
        shape = "falling"
    elif change < -max(0.02, swing):
        shape = "rising"
    return Course(shape, window, change, swing, n, loss[0], loss[-1])
