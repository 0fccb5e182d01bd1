"""What is predicted, as networks learn it: class indices, or standardized numbers."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from chainrule.tables.values import mean_and_scale

Floats = NDArray[np.float64]

#: Of so many classes or numbers, at most, categories are asked what they say.
MOST_STATISTICS = 10


@dataclass(frozen=True, eq=False)
class Classes:
    """Class labels.

    Attributes
    ----------
    labels : ndarray of shape (n_classes,)
        Sorted.
    """

    labels: NDArray[Any]

    @property
    def n_outputs(self) -> int:
        """One for each class, also of two."""
        return len(self.labels)

    def encode(self, y: NDArray[Any]) -> NDArray[np.int64]:
        """Return the index of each label, all of which must be known."""
        index = np.searchsorted(self.labels, y)
        index = np.minimum(index, len(self.labels) - 1).astype(np.int64)
        unknown = self.labels[index] != y
        if unknown.any():
            raise ValueError(
                f"y_val has the class {y[unknown][0]!r}, which y does not have; expected those of y:"
                f" {self.labels.tolist()[:20]}"
            )
        return index

    def statistics(self, y: NDArray[np.int64]) -> Floats:
        """Return what categories are asked about: which rows are of a class; of two, of the second."""
        if self.n_outputs == 2:
            asked = np.array([1])
        else:
            frequent = np.argsort(-np.bincount(y, minlength=self.n_outputs), kind="stable")
            asked = np.sort(frequent[:MOST_STATISTICS])
        return np.asarray(y[:, None] == asked, dtype=np.float64)


@dataclass(frozen=True, eq=False)
class Numbers:
    """One number or several.

    Attributes
    ----------
    mean, scale, low, high : ndarray of shape (n_outputs,)
        Of the training rows. Predictions stay between low and high.
    """

    mean: Floats
    scale: Floats
    low: Floats
    high: Floats

    @classmethod
    def of(cls, y: Floats) -> Self:
        """Find means, scales and ranges of y, shape (n_samples, n_outputs)."""
        pairs = [mean_and_scale(column) for column in y.T]
        scale = np.array([scale or 1.0 for _, scale in pairs])
        return cls(np.array([mean for mean, _ in pairs]), scale, y.min(axis=0), y.max(axis=0))

    @property
    def n_outputs(self) -> int:
        """How many numbers."""
        return len(self.mean)

    def encode(self, y: Floats) -> NDArray[np.float32]:
        """Return standardized numbers."""
        return ((y - self.mean) / self.scale).astype(np.float32)

    def decode(self, outputs: NDArray[Any]) -> Floats:
        """Return numbers in their own units, within the range of training."""
        own = outputs * self.scale + self.mean
        return np.asarray(np.minimum(np.maximum(own, self.low), self.high))

    def statistics(self, y: Floats) -> Floats:
        """Return what categories are asked about."""
        return np.asarray(((y - self.mean) / self.scale)[:, :MOST_STATISTICS])
