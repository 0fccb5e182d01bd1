"""What all schedules have in common: factors of the learning rate, step by step."""

from typing import Any, ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule import _engine
from chainrule._settings import real_number

Numbers: TypeAlias = NDArray[np.float64]


class Schedule:
    """What the learning rate is multiplied with in step t = 0, 1, ..., T - 1 of a training of T steps.

    It depends on t and T alone, so a training that is continued goes on as if it had not ended; after the
    T steps it stays where it is. The same numbers come out on every machine: exponential, logarithm and
    cosine are not the C library's.

    Attributes
    ----------
    name : str
        What `Network.train` takes for this schedule with its default settings.
    """

    name: ClassVar[str]
    #: Settings that are numbers, and where they must lie.
    intervals: ClassVar[dict[str, str]] = {}

    def __post_init__(self) -> None:
        for name, interval in self.intervals.items():
            object.__setattr__(self, name, real_number(name, getattr(self, name), interval))

    def factors(self, first: int, n: int, total: int) -> Numbers:
        """Return the factors of steps first, ..., first + n - 1 of `total`, an array (n,) of float64."""
        return self._factors(np.arange(first, first + n, dtype=np.float64), total)

    def _factors(self, step: Numbers, total: int) -> Numbers:
        raise NotImplementedError


def warmed_up(step: Numbers, total: int, warmup: float) -> tuple[Numbers, Numbers]:
    """Linear warm-up over the first w = `warmup` T steps: min(1, (t + 1) / w).

    Returns
    -------
    factor, progress : ndarray
        That, and the part from 0 to 1 of the steps after the warm-up that is done: (t - w) / (T - w).
    """
    w = warmup * total
    factor = np.minimum(1.0, (step + 1) / w) if w > 0 else np.ones_like(step)
    return factor, np.clip((step - w) / max(total - w, 1e-300), 0.0, 1.0)


def half_cosine(x: Numbers) -> Numbers:
    """(1 + cos(pi x)) / 2 for x in [0, 1], from 1 down to 0, by the Taylor series of sin(pi x / 2).

    Examples
    --------
    >>> half_cosine(np.array([0.0, 0.5, 1.0])).round(3).tolist()
    [1.0, 0.5, 0.0]
    """
    angle = np.minimum(x, 1 - x) * (np.pi / 2)  # at most pi/4
    series = np.ones_like(angle)
    for n in range(16, 0, -2):
        series = 1 - angle * angle / (n * (n + 1)) * series
    sine_squared = (angle * series) ** 2
    return np.where(x < 0.5, 1 - sine_squared, sine_squared)


def exp(x: Numbers) -> Numbers:
    """e^x by the engine's own polynomial, the same on every machine."""
    return _engine.evaluate_function("exp", np.ascontiguousarray(x), isa="baseline")


def log(x: Any) -> Numbers:
    """Natural logarithm of x, likewise."""
    return _engine.evaluate_function("log", np.ascontiguousarray(x, dtype=np.float64), isa="baseline")
