"""How good predictions are, of rows that come in portions: sums that merge, and a bounded list of scores."""

import numpy as np
from numpy.typing import NDArray

from chainrule.table_models.evaluation import Evaluation, Floats, Numbers, evaluate
from chainrule.tables.class_target import ClassTarget
from chainrule.tables.errors import TableError
from chainrule.tables.number_target import SeveralTargets
from chainrule.tables.targets import Target

#: Distinct scores that are kept; beyond, neighbors count as equal.
MOST_SCORES = 1 << 20


class Ranks:
    """Scores with the weights of rows of class 0 and class 1, for the area under the ROC curve.

    Exact up to `most` distinct scores. Beyond, the last bits of the scores go, and pairs of rows whose other
    bits are the same count half; `error` is the most that this can change.

    Examples
    --------
    >>> ranks = Ranks()
    >>> ranks.add(np.array([0.1, 0.4]), np.array([0, 0]), np.ones(2))
    >>> ranks.add(np.array([0.4, 0.8]), np.array([1, 1]), np.ones(2))
    >>> ranks.area
    0.875
    """

    def __init__(self, most: int = MOST_SCORES) -> None:
        self.most = most
        self.shift = 0  # bits that went
        self._scores: NDArray[np.int64] = np.empty(0, dtype=np.int64)
        self._weights = np.zeros((2, 0))

    def add(self, scores: Floats, classes: NDArray[np.int64], weights: NDArray[np.float64]) -> None:
        """Add rows; scores are at least 0, so that their bits have their order."""
        kind = np.int32 if scores.dtype == np.float32 else np.int64
        bits = np.maximum(scores, 0).view(kind).astype(np.int64) >> self.shift
        self._merge(bits, np.stack([weights * (classes == k) for k in (0, 1)]))
        while len(self._scores) > self.most:
            self.shift += 1
            self._merge(self._scores[:0], self._weights[:, :0], 1)

    def _merge(self, scores: NDArray[np.int64], weights: NDArray[np.float64], shift: int = 0) -> None:
        both = np.concatenate([self._scores >> shift, scores])
        counts = np.concatenate([self._weights, weights], axis=1)
        self._scores, place = np.unique(both, return_inverse=True)
        self._weights = np.stack(
            [np.bincount(place, weights=row, minlength=len(self._scores)) for row in counts]
        )

    @property
    def area(self) -> float:
        """Chance that a row of class 1 has a higher score than one of class 0; ties count half."""
        of_0, of_1 = self._weights
        total = of_1.sum() * of_0.sum()
        return float((of_1 * (np.cumsum(of_0) - of_0 / 2)).sum() / total) if total else float("nan")

    @property
    def error(self) -> float:
        """How far `area` may be from that of the exact scores."""
        of_0, of_1 = self._weights
        total = of_1.sum() * of_0.sum()
        return float((of_1 * of_0).sum() / 2 / total) if self.shift and total else 0.0


class Measuring:
    """`evaluate` of rows that come in portions: the same numbers, up to rounding.

    Parameters
    ----------
    target : Target
        What is predicted.

    Examples
    --------
    >>> from chainrule.tables.number_target import NumberTarget
    >>> measuring = Measuring(NumberTarget("price", 0.0, 1.0))
    >>> for part in ([1.0, 2.0], [3.0, 4.5]):
    ...     measuring.add(np.array(part) + 0.5, np.array(part), None)
    >>> round(measuring.evaluation().measures["r2"], 3), measuring.evaluation().measures["mae"]
    (0.85, 0.5)
    """

    def __init__(self, target: Target) -> None:
        self.target = target
        several = target.targets if isinstance(target, SeveralTargets) else ()
        self.parts = [Measuring(one) for one in several]
        self.n_samples, self.weight = 0, 0.0
        self._sums: list[dict[str, float]] = [{}, {}]  # of the network, of the simplest prediction
        self._mean = self._squares = 0.0  # of the values
        self._ranks = Ranks()

    def add(self, outputs: Numbers, known: Numbers, weights: Floats | None) -> None:
        """Add rows, as `evaluate` takes them."""
        if not len(known):
            return
        self.n_samples += len(known)
        for k, one in enumerate(self.parts):
            one.add(outputs[:, k], known[:, k], weights)
        row_weights = np.ones(len(known)) if weights is None else np.asarray(weights, dtype=np.float64)
        total = float(row_weights.sum())
        if self.parts or not total:
            self.weight += total
            return
        here = evaluate(self.target, outputs, known, weights)
        for sums, measures in zip(self._sums, (here.measures, here.baseline), strict=True):
            for name, value in measures.items():
                sums[name] = sums.get(name, 0.0) + total * (value**2 if name == "rmse" else value)
        if isinstance(self.target, ClassTarget):
            if len(self.target.classes) == 2:
                self._ranks.add(outputs[:, 1], known, row_weights)
        else:
            values = self.target.decode(known).astype(np.float64)
            mean = float(np.average(values, weights=row_weights))
            apart, both = mean - self._mean, self.weight + total
            self._squares += float((row_weights * (values - mean) ** 2).sum())
            self._squares += apart**2 * (self.weight * total / both)
            self._mean += apart * (total / both)
        self.weight += total

    def evaluation(self) -> Evaluation:
        """Return the measures of all rows.

        Raises
        ------
        TableError
            Where there were none, or none with a weight.
        """
        if not self.n_samples:
            quoted = " or ".join(map(repr, self.target.names))
            raise TableError(f"the target {quoted} has no values, expected at least two different ones")
        if not self.weight:
            raise TableError("all rows have the weight 0, expected some above it")
        if self.parts:
            targets = {one.target.name: one.evaluation() for one in self.parts}
            measures, baseline = (
                {"r2": float(np.mean([one["r2"] for one in each]))}
                for each in (
                    [one.measures for one in targets.values()],
                    [one.baseline for one in targets.values()],
                )
            )
            return Evaluation(self.n_samples, measures, baseline, targets)
        measures, baseline = (self._finished(sums) for sums in self._sums)
        if isinstance(self.target, ClassTarget):
            area = self._ranks.area
            if area == area:
                measures["roc_auc"], baseline["roc_auc"] = area, 0.5
        return Evaluation(self.n_samples, measures, baseline)

    def _finished(self, sums: dict[str, float]) -> dict[str, float]:
        measures = {name: value / self.weight for name, value in sums.items() if name != "roc_auc"}
        if "rmse" in measures:
            residual = sums["rmse"]
            measures["r2"] = 1 - residual / self._squares if self._squares > 0 else float("nan")
            measures["rmse"] = float(np.sqrt(measures["rmse"]))
        return measures
