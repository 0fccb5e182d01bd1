"""How good predictions are, and how good the simplest ones would be."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chainrule.tables.targets import ClassTarget, NumberTarget

Floats = NDArray[np.floating]


@dataclass(frozen=True)
class Evaluation:
    """Measures on some rows.

    Attributes
    ----------
    n_samples : int
        Number of rows.
    measures : dict of str to float
        Classification: "accuracy", "log_loss" (natural logarithm) and, for two classes, "roc_auc".
        Regression: "r2", "rmse" and "mae", in the target's own units.
    baseline : dict of str to float
        The same of the simplest prediction, which needs no columns: the training rows' most frequent class
        and its classes' shares; their mean.
    """

    n_samples: int
    measures: dict[str, float]
    baseline: dict[str, float]


def evaluate_classes(target: ClassTarget, probabilities: Floats, classes: NDArray[np.int64]) -> Evaluation:
    """Compare probabilities (n_samples, n_classes) with class indices (n_samples,)."""
    shares = np.broadcast_to(target.frequencies, probabilities.shape)
    measures, baseline = (
        {"accuracy": accuracy(p, classes), "log_loss": log_loss(p, classes)} for p in (probabilities, shares)
    )
    if len(target.classes) == 2 and 0 < classes.mean() < 1:
        measures["roc_auc"], baseline["roc_auc"] = roc_auc(probabilities[:, 1], classes), 0.5
    return Evaluation(len(classes), measures, baseline)


def evaluate_numbers(target: NumberTarget, predicted: Floats, values: Floats) -> Evaluation:
    """Compare predictions (n_samples,) with values (n_samples,), both in the target's own units."""
    mean = np.full(len(values), target.mean)
    measures, baseline = (
        {
            "r2": r2(p, values),
            "rmse": float(np.sqrt(np.mean((p - values) ** 2))),
            "mae": float(np.mean(np.abs(p - values))),
        }
        for p in (predicted, mean)
    )
    return Evaluation(len(values), measures, baseline)


def accuracy(probabilities: Floats, classes: NDArray[np.int64]) -> float:
    """Share of rows whose most probable class is the right one."""
    return float(np.mean(probabilities.argmax(axis=1) == classes))


def log_loss(probabilities: Floats, classes: NDArray[np.int64]) -> float:
    """Mean of -log of the right class' probability, which is taken to be at least the dtype's epsilon."""
    right = probabilities[np.arange(len(classes)), classes]
    return float(-np.mean(np.log(np.maximum(right, np.finfo(right.dtype).eps), dtype=np.float64)))


def roc_auc(scores: Floats, positive: NDArray[np.int64]) -> float:
    """Chance that a row of class 1 has a higher score than one of class 0; ties count half."""
    _, rank_of, counts = np.unique(scores, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks = (last - (counts - 1) / 2)[rank_of]  # mean rank of equal scores, from 1
    n_positive = int(positive.sum())
    n_negative = len(positive) - n_positive
    return float((ranks[positive == 1].sum() - n_positive * (n_positive + 1) / 2) / (n_positive * n_negative))


def r2(predicted: Floats, values: Floats) -> float:
    """Share of the variance explained, 1 - residual / total; NaN where all values are equal."""
    total = float(np.sum((values - values.mean()) ** 2))
    residual = float(np.sum((predicted - values) ** 2))
    return 1 - residual / total if total > 0 else float("nan")
