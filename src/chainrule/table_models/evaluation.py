"""How good predictions are, and how good the simplest ones would be."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.tables.class_target import ClassTarget
from chainrule.tables.number_target import NumberTarget
from chainrule.tables.targets import Target

Floats = NDArray[np.floating]
Numbers = NDArray[Any]


@dataclass(frozen=True)
class Evaluation:
    """Measures on some rows.

    Attributes
    ----------
    n_samples : int
        Number of rows.
    measures : dict of str to float
        Classification: "accuracy", "log_loss" (natural logarithm) and, for two classes, "roc_auc".
        Regression: "r2", "rmse" and "mae", in the target's own units; of several targets the mean "r2" alone.
    baseline : dict of str to float
        The same of the simplest prediction, which needs no columns: the training rows' most frequent class
        and its classes' shares; their mean.
    targets : dict of str to Evaluation
        Of several targets each one's own; else empty.
    single : dict of str to float, or None
        The same of an ensemble's best member alone.
    """

    n_samples: int
    measures: dict[str, float]
    baseline: dict[str, float]
    targets: dict[str, "Evaluation"] = field(default_factory=dict)
    single: dict[str, float] | None = None

    def beside(self, other: "Evaluation") -> "Evaluation":
        """Return this evaluation with that of the best member alone, on the same rows."""
        targets = {name: one.beside(other.targets[name]) for name, one in self.targets.items()}
        return replace(self, targets=targets, single=other.measures)


def evaluate(target: Target, outputs: Numbers, known: Numbers, weights: Floats | None = None) -> Evaluation:
    """Compare what a network gives with what the network learns, both as in training.

    Parameters
    ----------
    target : Target
        What is predicted.
    outputs : ndarray
        Probabilities (n_samples, n_classes), or standardised numbers (n_samples,) or (n_samples, n_targets).
    known : ndarray
        Class indices, or standardised numbers.
    weights : ndarray of shape (n_samples,), optional
        Of the rows.
    """
    if isinstance(target, ClassTarget):
        return evaluate_classes(target, outputs, known, weights)
    if isinstance(target, NumberTarget):
        return evaluate_numbers(target, target.decode(outputs), target.decode(known), weights)
    parts = {
        one.name: evaluate(one, outputs[:, k], known[:, k], weights) for k, one in enumerate(target.targets)
    }
    network, simplest = (
        {"r2": float(np.mean([measures["r2"] for measures in each]))}
        for each in ([one.measures for one in parts.values()], [one.baseline for one in parts.values()])
    )
    return Evaluation(len(known), network, simplest, parts)


def evaluate_classes(
    target: ClassTarget,
    probabilities: Floats,
    classes: NDArray[np.int64],
    weights: Floats | None = None,
) -> Evaluation:
    """Compare probabilities (n_samples, n_classes) with class indices (n_samples,)."""
    shares = np.broadcast_to(target.frequencies, probabilities.shape)
    measures, baseline = (
        {"accuracy": accuracy(p, classes, weights), "log_loss": log_loss(p, classes, weights)}
        for p in (probabilities, shares)
    )
    if len(target.classes) == 2 and 0 < classes.mean() < 1:
        measures["roc_auc"], baseline["roc_auc"] = roc_auc(probabilities[:, 1], classes, weights), 0.5
    return Evaluation(len(classes), measures, baseline)


def evaluate_numbers(
    target: NumberTarget, predicted: Floats, values: Floats, weights: Floats | None = None
) -> Evaluation:
    """Compare predictions (n_samples,) with values (n_samples,), both in the target's own units."""
    mean = np.full(len(values), target.mean)
    measures, baseline = (
        {
            "r2": r2(p, values, weights),
            "rmse": float(np.sqrt(_mean((p - values) ** 2, weights))),
            "mae": _mean(np.abs(p - values), weights),
        }
        for p in (predicted, mean)
    )
    return Evaluation(len(values), measures, baseline)


def accuracy(probabilities: Floats, classes: NDArray[np.int64], weights: Floats | None = None) -> float:
    """Share of rows whose most probable class is the right one."""
    return _mean(probabilities.argmax(axis=1) == classes, weights)


def log_loss(probabilities: Floats, classes: NDArray[np.int64], weights: Floats | None = None) -> float:
    """Mean of -log of the right class' probability, which is taken to be at least the dtype's epsilon."""
    right = probabilities[np.arange(len(classes)), classes]
    logs = np.log(np.maximum(right, np.finfo(right.dtype).eps), dtype=np.float64)
    return -_mean(logs, weights)


def roc_auc(scores: Floats, positive: NDArray[np.int64], weights: Floats | None = None) -> float:
    """Chance that a row of class 1 has a higher score than one of class 0; ties count half."""
    _, place = np.unique(scores, return_inverse=True)
    weights = np.ones(len(scores)) if weights is None else weights
    of_1, of_0 = (np.bincount(place, weights=weights * (positive == k)) for k in (1, 0))
    lower = np.cumsum(of_0) - of_0 / 2
    total = of_1.sum() * of_0.sum()
    return float((of_1 * lower).sum() / total) if total else float("nan")


def r2(predicted: Floats, values: Floats, weights: Floats | None = None) -> float:
    """Share of the variance explained, 1 - residual / total; NaN where all values are equal."""
    weights = np.ones(len(values)) if weights is None else weights
    total = float(np.sum(weights * (values - _mean(values, weights)) ** 2))
    residual = float(np.sum(weights * (predicted - values) ** 2))
    return 1 - residual / total if total > 0 else float("nan")


def _mean(values: NDArray[Any], weights: Floats | None) -> float:
    return float(np.average(values, weights=weights))
