"""A column of numbers to predict, or several."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from chainrule.tables.errors import TableError
from chainrule.tables.reading import Reading
from chainrule.tables.tasks import Task
from chainrule.tables.values import mean_and_scale, to_numbers


@dataclass(frozen=True)
class NumberTarget:
    """Numbers: the network learns (value - mean) / scale.

    Attributes
    ----------
    name : str
        The column's.
    mean, scale : float
        Of the training rows, in the target's own units.
    centered : bool
        Whether the mean is subtracted. It is not for losses of positive numbers, such as "poisson".
    reading : Reading or None
        How text is read as numbers; None for the usual way.
    """

    name: str
    mean: float
    scale: float
    centered: bool = True
    task: Task = "regression"
    reading: Reading | None = None

    @property
    def names(self) -> list[str]:
        """Names of the columns that are predicted."""
        return [self.name]

    @property
    def n_outputs(self) -> int:
        """How many numbers the network gives."""
        return 1

    @property
    def shift(self) -> float:
        """What is subtracted before the network, and added to its outputs."""
        return self.mean if self.centered else 0.0

    @classmethod
    def fit(
        cls, name: str, values: pa.ChunkedArray, *, centered: bool = True, reading: Reading | None = None
    ) -> Self:
        """Find mean and scale of a column without missing values."""
        mean, scale = mean_and_scale(to_numbers(name, values, reading=reading))
        if scale == 0:
            raise TableError(f"the target {name!r} is {mean:g} in every row, expected different values")
        return cls(name, mean, scale, centered, reading=reading)

    def encode(self, values: pa.ChunkedArray) -> NDArray[np.float64]:
        """Return standardised values (n_samples,) of a column without missing values."""
        return (to_numbers(self.name, values, reading=self.reading) - self.shift) / self.scale

    def decode(self, outputs: NDArray[Any]) -> NDArray[np.float64]:
        """Return values in the target's own units."""
        return outputs.astype(np.float64) * self.scale + self.shift


@dataclass(frozen=True)
class SeveralTargets:
    """Numbers of several columns: an output for each.

    Attributes
    ----------
    targets : tuple of NumberTarget
        In the order of the network's outputs.
    """

    targets: tuple[NumberTarget, ...]
    task: Task = "regression"

    @property
    def names(self) -> list[str]:
        """Names of the columns that are predicted."""
        return [target.name for target in self.targets]

    @property
    def name(self) -> str:
        """All of them, for messages."""
        return ", ".join(self.names)

    @property
    def n_outputs(self) -> int:
        """How many numbers the network gives."""
        return len(self.targets)

    @property
    def mean(self) -> NDArray[np.float64]:
        """Means of the training rows, shape (n_targets,)."""
        return np.array([target.mean for target in self.targets])

    @property
    def scale(self) -> NDArray[np.float64]:
        """Scales, shape (n_targets,)."""
        return np.array([target.scale for target in self.targets])

    @property
    def shift(self) -> NDArray[np.float64]:
        """What is subtracted before the network, and added to its outputs, shape (n_targets,)."""
        return np.array([target.shift for target in self.targets])

    def encode(self, *columns: pa.ChunkedArray) -> NDArray[np.float64]:
        """Return standardised values (n_samples, n_targets) of columns without missing values."""
        pairs = zip(self.targets, columns, strict=True)
        return np.column_stack([target.encode(values) for target, values in pairs])

    def decode(self, outputs: NDArray[Any]) -> NDArray[np.float64]:
        """Return values in the targets' own units."""
        return outputs.astype(np.float64) * self.scale + self.shift
