"""Rows set aside for validation: a function of (seed, row number), whoever holds the row."""

import numpy as np
from numpy.typing import NDArray

#: Rows set aside at most: they stay in memory.
MOST_HELD_OUT = 100_000


class HeldOut:
    """Which rows are set aside.

    Parameters
    ----------
    fraction : float
        Of the rows, about; each row is drawn by itself.
    seed : int

    Examples
    --------
    >>> some = HeldOut(0.5, seed=1)
    >>> some.kept(0, 8).tolist()
    [True, True, True, False, False, True, True, True]
    >>> some.kept(4, 8).tolist()
    [False, True, True, True]
    """

    def __init__(self, fraction: float, seed: int) -> None:
        self.below = np.uint64(min(int(fraction * 2**64), 2**64 - 1))
        self.seed = seed

    def kept(self, first: int, end: int) -> NDArray[np.bool_]:
        """Say which of the rows from `first` to `end` are trained on."""
        if not self.below:
            return np.ones(end - first, dtype=bool)
        # splitmix64 (Steele, Lea & Flood 2014), whose state is the row number.
        z = (np.arange(first, end, dtype=np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        z += np.uint64(self.seed % 2**64)
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            z = (z ^ (z >> np.uint64(shift))) * np.uint64(factor)
        z ^= z >> np.uint64(31)
        return z >= self.below


EVERY_ROW = HeldOut(0.0, 0)
