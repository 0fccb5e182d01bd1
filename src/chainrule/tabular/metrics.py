"""By what members are chosen: a number for averaged outputs, the greater the better."""

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import get_scorer, get_scorer_names

from chainrule._settings import named_choice

Floats = NDArray[np.float64]

#: Where label smoothing would harm: the probabilities themselves are measured, or their order.
OF_PROBABILITIES = (
    "neg_log_loss",
    "neg_brier_score",
    "roc_auc",
    "roc_auc_ovr",
    "roc_auc_ovo",
    "average_precision",
)


class Metric(NamedTuple):
    """What is measured.

    Attributes
    ----------
    name : str
        As scikit-learn calls it.
    of_probabilities : bool
        Whether it takes a classifier's probabilities, not its labels.
    function : callable
        ``function(y, predictions, sample_weight)``.
    """

    name: str
    of_probabilities: bool
    function: Callable[[Any, Any, Any], float]


def get_metric(scoring: Any, *, classifies: bool, n_outputs: int) -> Metric:
    """Return what `scoring` means.

    Parameters
    ----------
    scoring : str or None
        scikit-learn's name of a scorer; None is "accuracy" of classes, "neg_root_mean_squared_error" of one
        number and "r2" of several.
    classifies : bool
    n_outputs : int

    Raises
    ------
    ValueError
        For an unknown name, with a suggestion.

    Examples
    --------
    >>> get_metric(None, classifies=True, n_outputs=2).name
    'accuracy'
    """
    if scoring is None:
        scoring = "accuracy" if classifies else "neg_root_mean_squared_error" if n_outputs == 1 else "r2"
    if not isinstance(scoring, str):
        raise TypeError(f"scoring is {scoring!r}; expected the name of a scorer of scikit-learn, or None")
    scorer = get_scorer(named_choice("scoring", scoring, get_scorer_names()))
    responses = np.atleast_1d(scorer._response_method)
    of_probabilities = classifies and "predict" not in responses
    score, sign, more = scorer._score_func, scorer._sign, scorer._kwargs
    weighs = "sample_weight" in inspect.signature(score).parameters

    def function(y: Any, predictions: Any, sample_weight: Any) -> float:
        weight = {"sample_weight": sample_weight} if weighs and sample_weight is not None else {}
        return float(sign * score(y, predictions, **weight, **more))

    quick = {"accuracy": _accuracy, "neg_log_loss": _log_likelihood}.get(scoring)
    return Metric(scoring, of_probabilities, quick or function)


def _accuracy(y: NDArray[Any], predictions: NDArray[Any], sample_weight: Any) -> float:
    return float(np.average(y == predictions, weights=sample_weight))


def _log_likelihood(y: NDArray[np.int64], probabilities: Floats, sample_weight: Any) -> float:
    own = np.take_along_axis(probabilities, y[:, None], axis=1)[:, 0]
    return float(np.average(np.log(np.maximum(own, 1e-15)), weights=sample_weight))
