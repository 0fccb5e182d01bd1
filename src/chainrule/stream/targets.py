"""What is learned of the targets in one pass over the rows: counts, means and variances that merge."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Distinct labels, beyond which a target is taken for numbers.
MOST_LABELS = 10_000

#: Labels that are compared as such; more are compared as numbers.
FEW_LABELS = 100


class TargetSummary:
    """Labels with their rows and weights, or moments of numbers; `merge` adds another part of the rows.

    Attributes
    ----------
    n_rows : int
    weight : float
        Sum of the rows' weights.
    labels : dict or None
        Of each label its weight; None where there are too many, and of several targets.
    mean, squares : ndarray of shape (n_targets,), or None
        Weighted mean, and sum of squared distances from it; None for text.
    between : float
        Share of the target's variation that is between the parts that were merged.

    Examples
    --------
    >>> total = TargetSummary()
    >>> for part in ([1.0, 1.0], [3.0, 3.0]):
    ...     here = TargetSummary()
    ...     here.add(np.array(part), None)
    ...     total.merge(here)
    >>> total.mean, total.variance, total.labels, total.between
    (array([2.]), array([1.]), {1.0: 2.0, 3.0: 2.0}, 1.0)
    """

    def __init__(self) -> None:
        self.n_rows = 0
        self.weight = 0.0
        self.labels: dict[Any, float] | None = {}
        self.mean: NDArray[np.float64] | None = None
        self.squares: NDArray[np.float64] | None = None
        self._within = [0.0, 0.0]  # of the parts: as `_variations`

    def add(self, y: NDArray[Any], weight: NDArray[Any] | None) -> None:
        """Add rows."""
        if not len(y):
            return
        part = TargetSummary()
        weights = np.ones(len(y)) if weight is None else weight
        part.n_rows, part.weight = len(y), float(weights.sum())
        if y.ndim == 1:
            values, places = np.unique(y, return_inverse=True)
            if len(values) <= MOST_LABELS:
                counts = np.bincount(places, weights=weights)
                part.labels = dict(zip(values.tolist(), counts.tolist(), strict=True))
            else:
                part.labels = None
        else:
            part.labels = None
        if y.dtype.kind in "biuf" and part.weight > 0:
            numbers = y.reshape(len(y), -1).astype(np.float64)
            part.mean = np.average(numbers, axis=0, weights=weights)
            part.squares = (weights[:, None] * (numbers - part.mean) ** 2).sum(axis=0)
        self._join(part)

    def merge(self, other: "TargetSummary") -> None:
        """Add a part of the rows, and remember how much they vary in themselves."""
        self._join(other)
        for kind, variation in enumerate(other._variations):
            self._within[kind] += variation

    def _join(self, other: "TargetSummary") -> None:
        both = None if self.labels is None or other.labels is None else dict(self.labels)
        if both is not None:
            for label, weight in (other.labels or {}).items():
                both[label] = both.get(label, 0.0) + weight
        self.labels = both if both is not None and len(both) <= MOST_LABELS else None
        # Chan, Golub & LeVeque 1979.
        if other.mean is not None and other.squares is not None:
            if self.mean is None or self.squares is None:
                self.mean, self.squares = other.mean, other.squares
            else:
                total = self.weight + other.weight
                apart = other.mean - self.mean
                self.mean = self.mean + apart * (other.weight / total)
                self.squares = self.squares + other.squares + apart**2 * (self.weight * other.weight / total)
        self.n_rows += other.n_rows
        self.weight += other.weight

    @property
    def variance(self) -> NDArray[np.float64]:
        """Of each target."""
        assert self.squares is not None
        return self.squares / self.weight

    @property
    def _variations(self) -> tuple[float, float]:
        """Gini's of the labels, and the squared distances from the mean, of several targets their sum."""
        labels = 0.0
        if self.labels and self.weight:
            labels = self.weight - sum(weight * weight for weight in self.labels.values()) / self.weight
        return labels, 0.0 if self.squares is None else float(self.squares.sum())

    @property
    def between(self) -> float:
        """Share of the variation that is between the parts; 0 where there is none."""
        kind = 0 if self.labels is not None and len(self.labels) <= FEW_LABELS else 1
        variation = self._variations[kind]
        return 0.0 if variation <= 0 else max(0.0, 1 - self._within[kind] / variation)
