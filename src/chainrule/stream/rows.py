"""What training asks of rows that are read while it runs, whatever they are read from."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainrule.stream.held_out import EVERY_ROW, HeldOut
from chainrule.stream.targets import TargetSummary
from chainrule.training.source import Source


class Values(NamedTuple):
    """Rows as they were read.

    Attributes
    ----------
    x : ndarray of shape (n_samples, n_features)
    y : ndarray of shape (n_samples,) or (n_samples, n_targets)
    sample_weight : ndarray of shape (n_samples,), or None
    """

    x: NDArray[Any]
    y: NDArray[Any]
    sample_weight: NDArray[Any] | None


class StreamedRows(ABC):
    """Rows in groups, which are read when they are needed; targets and weights come with them.

    Attributes
    ----------
    columns : list of str
        Names of the features.
    targets : list of str
    single : bool
        Whether targets have the shape (n_samples,).
    sample_weight : str or None
        The column of weights.
    window : float or int
        As `ParquetRows` has it.
    n_rows : int
    named : bool
        Whether the features' names are for the estimator to know.
    """

    columns: list[str]
    targets: list[str]
    single: bool
    sample_weight: str | None
    window: float
    n_rows: int
    named: bool = True

    def __len__(self) -> int:
        return self.n_rows

    @abstractmethod
    def batches(self) -> Iterator[Values]:
        """Yield all rows in their order, some at a time."""

    @abstractmethod
    def sample(self) -> Values:
        """Return some rows that stand for all."""

    @abstractmethod
    def held_out(self, held_out: HeldOut) -> Values:
        """Return the rows that are set aside."""

    @abstractmethod
    def summary(self, held_out: HeldOut = EVERY_ROW) -> TargetSummary:
        """Sum up the targets of the rows that are trained on."""

    @abstractmethod
    def sizes(self, held_out: HeldOut) -> list[int]:
        """Return how many rows of each group are trained on."""

    def own_source(self, mlp: Any, encoding: Any, batch_size: int, **options: Any) -> Source | None:
        """Return the source of an estimator's fit where the rows do not come here; else None.

        Parameters
        ----------
        mlp : MLPClassifier or MLPRegressor
        encoding : callable
            (bound, x, y, weights) of some rows to `Rows` as the engine takes them.
        batch_size : int
            Rows per step.
        **options
            As those of `StreamSource`.
        """
        return None

    @abstractmethod
    def read(
        self, groups: Iterable[int], x: NDArray[Any], held_out: HeldOut = EVERY_ROW
    ) -> tuple[NDArray[Any], NDArray[Any] | None]:
        """Read groups, but for rows set aside, into x (n_samples, n_features); return targets and weights."""


def joined(parts: list[Values]) -> Values:
    """Return several parts of rows as one."""
    weights = [part.sample_weight for part in parts if part.sample_weight is not None]
    return Values(
        np.concatenate([part.x for part in parts]),
        np.concatenate([part.y for part in parts]),
        np.concatenate(weights) if weights else None,
    )
