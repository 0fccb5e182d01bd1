"""The rows that choose: what they are, and how good averaged outputs are on them."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainrule.tabular.metrics import Metric
from chainrule.tabular.training import Candidate

Outputs = NDArray[np.float64]
Score = tuple[float, float]


class Unit(NamedTuple):
    """What can be chosen: a recipe's networks at one epoch, of all folds.

    Attributes
    ----------
    member : int
    place : int
        Of the finished networks of each.
    candidates : list of Candidate
    """

    member: int
    place: int
    candidates: list[Candidate]

    @property
    def epoch(self) -> int:
        """After which they were finished."""
        return self.candidates[0].finished[self.place].epoch


class Watched:
    """Rows to choose by, with their targets.

    Parameters
    ----------
    y : ndarray
        Class indices, or numbers in their own units, of all watched rows.
    weights : ndarray of shape (n_watched,), or None
    rows : list of ndarray
        For each fold the places of its rows among them.
    metric : Metric
    decode : callable
        From a network's outputs to numbers in their own units.
    classifies : bool
    """

    def __init__(
        self,
        y: NDArray[Any],
        weights: NDArray[np.float64] | None,
        rows: list[NDArray[np.int64]],
        metric: Metric,
        decode: Callable[[Outputs], Outputs],
        *,
        classifies: bool,
    ) -> None:
        self.y, self.weights, self.rows, self.metric = y, weights, rows, metric
        self.decode, self.classifies = decode, classifies

    def outputs(self, unit: Unit) -> Outputs:
        """Return the outputs of a unit for all watched rows, each by networks that did not see it."""
        parts = [one.finished[unit.place].outputs for one in unit.candidates]
        outputs = np.empty((len(self.y), parts[0].shape[1]))
        for rows, part in zip(self.rows, parts, strict=True):
            outputs[rows] = part
        return outputs

    def score(self, outputs: Outputs) -> Score:
        """Score outputs, or averages of them; the second number decides between equals."""
        return self._score(outputs, self.y, self.weights)

    def score_of(self, candidate: Candidate, outputs: NDArray[Any]) -> Score:
        """Score what one network says of its own watched rows."""
        rows = self.rows[candidate.fold]
        weights = None if self.weights is None else self.weights[rows]
        return self._score(outputs.astype(np.float64), self.y[rows], weights)

    def _score(self, outputs: Outputs, y: NDArray[Any], weights: NDArray[np.float64] | None) -> Score:
        if not self.classifies:
            predictions = self.decode(outputs)
            error = np.average((predictions - y) ** 2, weights=weights, axis=0)
            return self._measure(y, predictions, weights), -float(np.mean(error))
        own = np.take_along_axis(outputs, y[:, None], axis=1)[:, 0]
        likelihood = float(np.average(np.log(np.maximum(own, 1e-15)), weights=weights))
        if self.metric.name == "neg_log_loss":
            return likelihood, 0.0
        if not self.metric.of_probabilities:
            return self._measure(y, outputs.argmax(axis=1), weights), likelihood
        return self._measure(y, outputs if outputs.shape[1] > 2 else outputs[:, 1], weights), likelihood

    def _measure(self, y: NDArray[Any], predictions: NDArray[Any], weights: Any) -> float:
        score = self.metric.function(y, predictions, weights)
        return score if np.isfinite(score) else -np.inf


def units(candidates: Sequence[Candidate], n_folds: int) -> Iterator[Unit]:
    """Yield what can be chosen so far, in an order that no thread decides."""
    n_folds = max(1, n_folds)
    for begin in range(0, len(candidates), n_folds):
        group = list(candidates[begin : begin + n_folds])
        for place in range(min(len(one.finished) for one in group)):
            yield Unit(group[0].member, place, group)
