"""Targets in standard deviations: units in which a network learns them."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from chainrule.estimators.protocol import MLP

Floats = NDArray[Any]


@dataclass(frozen=True, eq=False)
class TargetScale:
    """Mean and standard deviation of every target, to train on (y - mean) / scale.

    Attributes
    ----------
    mean, scale : ndarray of shape (n_outputs,)
        In the units of y. The scale of a constant target is 1.
    """

    mean: Floats
    scale: Floats

    @classmethod
    def of(cls, targets: Floats, sample_weight: Floats | None) -> Self:
        """Measure targets (n_samples, n_outputs), weighted by sample_weight (n_samples,).

        Examples
        --------
        >>> TargetScale.of(np.array([[1.0], [3.0]]), None)
        TargetScale(mean=array([2.]), scale=array([1.]))
        """
        targets = targets.astype(np.float64, copy=False)
        if sample_weight is not None and not sample_weight.any():
            sample_weight = None
        mean = np.average(targets, axis=0, weights=sample_weight)
        scale = np.sqrt(np.average((targets - mean) ** 2, axis=0, weights=sample_weight))
        # The rounding errors of a constant's mean are no spread.
        constant = scale <= 10 * np.finfo(np.float64).eps * np.abs(mean)
        return cls(mean, np.where(constant, 1.0, scale))

    @classmethod
    def used_by(cls, mlp: MLP) -> Self | None:
        """Return the scale that a fitted estimator learned in, None where it learned y as it is."""
        mean = getattr(mlp, "target_mean_", None)
        return None if mean is None else cls(mean, mlp.target_scale_)

    def standardize(self, targets: Floats) -> Floats:
        """Turn targets in units of y into what the network learns."""
        standardized: Floats = (targets - self.mean) / self.scale
        return standardized

    def restore(self, outputs: Floats) -> Floats:
        """Turn what the network says into units of y, in its dtype."""
        mean, scale = self.spread(outputs.shape[1])
        return (outputs * scale + mean).astype(outputs.dtype, copy=False)

    def spread(self, n_outputs: int) -> tuple[Floats, Floats]:
        """Return mean and scale of each output: a target may have several, its quantiles."""
        each = n_outputs // len(self.scale)
        return np.repeat(self.mean, each), np.repeat(self.scale, each)


def learn_target_scale(mlp: MLP, targets: Floats, sample_weight: Floats | None, *, first: bool) -> None:
    """Set `target_mean_` and `target_scale_` where `scale_targets` asks for them, and remove them elsewhere.

    Later fits that go on from the first one's parameters keep its units.
    """
    if not getattr(mlp, "scale_targets", False):
        mlp.__dict__.pop("target_mean_", None)
        mlp.__dict__.pop("target_scale_", None)
    elif first or not hasattr(mlp, "target_mean_"):
        scale = TargetScale.of(targets, sample_weight)
        mlp.target_mean_, mlp.target_scale_ = scale.mean, scale.scale
