"""Schedules that are one formula, each with a linear warm-up if wished."""

from collections.abc import Iterable
from dataclasses import KW_ONLY, dataclass
from typing import ClassVar

import numpy as np

from chainrule._settings import real_number
from chainrule.training.schedules.base import Numbers, Schedule, exp, half_cosine, log, warmed_up

WARMUP = "[0, 1)"


@dataclass(frozen=True)
class ConstantSchedule(Schedule):
    """The learning rate as it is, after a warm-up.

    Parameters
    ----------
    warmup : float
        In [0, 1): the part of all steps in which the learning rate rises linearly to its full size (Goyal and
        others, "Accurate, large minibatch SGD", 2017, section 2.2).

    Examples
    --------
    >>> ConstantSchedule(warmup=0.5).factors(0, 8, total=8).tolist()
    [0.25, 0.5, 0.75, 1.0, 1.0, 1.0, 1.0, 1.0]
    """

    name: ClassVar[str] = "constant"
    intervals: ClassVar[dict[str, str]] = {"warmup": WARMUP}
    _: KW_ONLY
    warmup: float = 0.0

    def _factors(self, step: Numbers, total: int) -> Numbers:
        return warmed_up(step, total, self.warmup)[0]


@dataclass(frozen=True)
class StepSchedule(Schedule):
    """The learning rate drops at milestones.

    Parameters
    ----------
    milestones : tuple of float
        Parts of all steps, each in (0, 1).
    factor : float
        In (0, 1): what the learning rate is multiplied with at each of them.
    warmup : float
        As for `ConstantSchedule`.

    Notes
    -----
    PyTorch's MultiStepLR, with parts of the training instead of epochs.

    Examples
    --------
    >>> StepSchedule((0.5, 0.75), factor=0.5).factors(0, 8, total=8).tolist()
    [1.0, 1.0, 1.0, 1.0, 0.5, 0.5, 0.25, 0.25]
    """

    name: ClassVar[str] = "step"
    intervals: ClassVar[dict[str, str]] = {"factor": "(0, 1)", "warmup": WARMUP}
    milestones: tuple[float, ...] = (0.5, 0.75)
    factor: float = 0.1
    _: KW_ONLY
    warmup: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.milestones, str) or not isinstance(self.milestones, Iterable):
            raise TypeError(
                f"milestones is {self.milestones!r}; expected numbers in (0, 1), as in (0.5, 0.75)"
            )
        milestones = tuple(sorted(real_number("a milestone", value, "(0, 1)") for value in self.milestones))
        object.__setattr__(self, "milestones", milestones)

    def _factors(self, step: Numbers, total: int) -> Numbers:
        passed = np.searchsorted(np.array(self.milestones) * total, step, side="right")
        powers = np.cumprod([1.0, *[self.factor] * len(self.milestones)])
        return warmed_up(step, total, self.warmup)[0] * powers[passed]


@dataclass(frozen=True)
class ExponentialSchedule(Schedule):
    """The learning rate falls by the same factor in each step: final^p after the part p of all steps.

    Parameters
    ----------
    final : float
        In (0, 1): the factor at the end.
    warmup : float
        As for `ConstantSchedule`; p counts from its end.

    Notes
    -----
    PyTorch's ExponentialLR, with gamma = final^(1/epochs), in steps instead of epochs.

    Examples
    --------
    >>> ExponentialSchedule(0.01).factors(0, 5, total=4).round(3).tolist()
    [1.0, 0.316, 0.1, 0.032, 0.01]
    """

    name: ClassVar[str] = "exponential"
    intervals: ClassVar[dict[str, str]] = {"final": "(0, 1)", "warmup": WARMUP}
    final: float = 0.01
    _: KW_ONLY
    warmup: float = 0.0

    def _factors(self, step: Numbers, total: int) -> Numbers:
        rising, progress = warmed_up(step, total, self.warmup)
        return rising * exp(progress * log([self.final]))


@dataclass(frozen=True)
class CosineSchedule(Schedule):
    """The learning rate falls along half a cosine: final + (1 - final) (1 + cos(pi p)) / 2.

    p is the part, from 0 to 1, of the steps after the warm-up that is done.

    Parameters
    ----------
    warmup : float
        As for `ConstantSchedule`.
    final : float
        In [0, 1]: the factor at the end.

    Notes
    -----
    Source: Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts" (2017), equation 5,
    without restarts. PyTorch's CosineAnnealingLR after a LinearLR, Keras' CosineDecay.

    Examples
    --------
    >>> CosineSchedule(warmup=0, final=0).factors(0, 5, total=4).round(3).tolist()
    [1.0, 0.854, 0.5, 0.146, 0.0]
    """

    name: ClassVar[str] = "cosine"
    intervals: ClassVar[dict[str, str]] = {"warmup": WARMUP, "final": "[0, 1]"}
    _: KW_ONLY
    warmup: float = 0.05
    final: float = 0.0

    def _factors(self, step: Numbers, total: int) -> Numbers:
        rising, progress = warmed_up(step, total, self.warmup)
        return rising * (self.final + (1 - self.final) * half_cosine(progress))


@dataclass(frozen=True)
class InverseTimeSchedule(Schedule):
    """The learning rate falls as a power of time: (1 + s)^-power in step s after the warm-up.

    Parameters
    ----------
    power : float
        Positive; for 1/2 to 1 stochastic gradient descent converges (Robbins and Monro 1951).
    warmup : float
        As for `ConstantSchedule`.

    Notes
    -----
    scikit-learn's "invscaling" counts rows instead of steps, and changes the rate after each epoch.

    Examples
    --------
    >>> InverseTimeSchedule().factors(0, 4, total=100).round(3).tolist()
    [1.0, 0.707, 0.577, 0.5]
    """

    name: ClassVar[str] = "inverse_time"
    intervals: ClassVar[dict[str, str]] = {"power": "(0, inf)", "warmup": WARMUP}
    power: float = 0.5
    _: KW_ONLY
    warmup: float = 0.0

    def _factors(self, step: Numbers, total: int) -> Numbers:
        elapsed = np.maximum(step - self.warmup * total, 0.0)
        return warmed_up(step, total, self.warmup)[0] * exp(-self.power * log(1 + elapsed))


@dataclass(frozen=True)
class CosLog4Schedule(Schedule):
    """Four cycles, each twice as long as the one before: (1 - cos(2 pi log2(1 + 15 p))) / 2.

    p is the part of the steps that is done. The factor is 0 at p = 0, 1/15, 3/15, 7/15 and 1, where the
    network is a finished one: after 17, 51 and 119 of 256 epochs, say.

    Notes
    -----
    Source: D. Holzmueller, L. Grinsztajn and I. Steinwart, Better by default, NeurIPS 2024
    (arXiv:2407.04491), section 3.

    Examples
    --------
    >>> CosLog4Schedule().factors(0, 5, total=4).round(4).tolist()
    [0.0, 0.4935, 0.0736, 0.8757, 0.0]
    """

    name: ClassVar[str] = "coslog4"

    def _factors(self, step: Numbers, total: int) -> Numbers:
        cycles = log(1 + 15 * np.minimum(step / total, 1.0)) / log([2.0])
        part = np.abs(cycles - np.rint(cycles))  # of a cycle, at most a half
        return 1 - half_cosine(2 * part)


@dataclass(frozen=True)
class FlatCosineSchedule(Schedule):
    """1 for the first half, then down to 0 along half a cosine: (1 + cos(pi max(0, 2 p - 1))) / 2.

    p is the part of the steps that is done. For dropout and weight decay, too.

    Notes
    -----
    Source: as of `CosLog4Schedule`, whose flat_cos it is.

    Examples
    --------
    >>> FlatCosineSchedule().factors(0, 5, total=4).round(4).tolist()
    [1.0, 1.0, 1.0, 0.5, 0.0]
    """

    name: ClassVar[str] = "flat_cosine"

    def _factors(self, step: Numbers, total: int) -> Numbers:
        return half_cosine(np.clip(2 * step / total - 1, 0.0, 1.0))
