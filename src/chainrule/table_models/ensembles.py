"""The ensemble behind a TableModel: made, fitted, and asked as one network would be."""

import copy
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from chainrule.table_models.presets import SHARED_IF_NAMED, Preset
from chainrule.tables.errors import ParameterError, TrainingError
from chainrule.tables.tasks import Task
from chainrule.training.errors import DivergenceError

#: Is given the part of the training that is done, and the seconds that it may still take.
Show = Callable[[float, float], object]


def ensemble_class(task: Task) -> Any:
    """Return the ensemble of a task, loaded now: scikit-learn takes a second."""
    from chainrule import tabular

    return tabular.TabularClassifier if task == "classification" else tabular.TabularRegressor


def ensemble(task: Task, preset: Preset, settings: dict[str, Any], seed: int) -> Any:
    """Make the ensemble of a task.

    Raises
    ------
    ParameterError
        For parameters that it does not have; in its own words.
    """
    given = {name: settings[name] for name in SHARED_IF_NAMED if name in settings}
    if "class_weight" in given and task == "regression":
        raise ParameterError("'class_weight' is no parameter for regression")
    made = ensemble_class(task)(
        preset.name,
        time_budget=preset.time_budget,
        n_folds=preset.n_folds,
        random_state=seed,
        n_jobs=settings.get("n_threads"),
        **given,
    )
    try:
        made._check_settings()
    except (TypeError, ValueError) as error:
        raise ParameterError(str(error)) from None
    return made


def fit_ensemble(
    estimator: Any, X: pa.Table, y: NDArray[Any], weights: Any, show: Show | None, *, resume: bool = False
) -> float:
    """Fit it, and return the seconds that this took.

    Raises
    ------
    TrainingError
        Where rows or settings are refused, or training diverges.
    """
    start = time.monotonic()
    if show is not None:
        estimator._show = show
    try:
        estimator.fit(X, y, weights, resume=resume)
    except (ValueError, TypeError, MemoryError, DivergenceError) as error:
        raise TrainingError(str(error)) from error
    finally:
        vars(estimator).pop("_show", None)
    # Threads and files are the machine's business, not the model's.
    estimator.set_params(n_jobs=None, checkpoint=None)
    return time.monotonic() - start


def outputs(estimator: Any, X: pa.Table, n_outputs: int) -> NDArray[np.float64]:
    """Return probabilities (n_samples, n_outputs), or numbers; X as `Preprocessor.read` gives it."""
    return outputs_of_inputs(estimator, estimator.member_inputs(X), n_outputs)


def outputs_of_inputs(estimator: Any, inputs: NDArray[np.float32], n_outputs: int) -> NDArray[np.float64]:
    """Return the same for rows as its members take them."""
    found: NDArray[np.float64] = estimator._answers(estimator._average(inputs))
    if not hasattr(estimator, "classes_") or found.shape[1] == n_outputs:
        return found
    whole = np.zeros((len(found), n_outputs))  # all rows of a class had the weight 0
    whole[:, estimator.classes_] = found
    return whole


def metric(estimator: Any) -> str:
    """Return the name of what networks are chosen by, as the absolute value of their scores counts it."""
    from chainrule.tabular.metrics import get_metric

    classifies = hasattr(estimator, "classes_")
    name = get_metric(estimator.scoring, classifies=classifies, n_outputs=estimator._target.n_outputs).name
    usual = {"r2": "R²", "neg_root_mean_squared_error": "RMSE"}
    return usual.get(name, name.removeprefix("neg_").replace("_", " "))


def best_member(estimator: Any) -> Any:
    """Return the member of the best score on rows that it did not see."""
    return max(estimator.members_, key=lambda member: member.score)


def single(estimator: Any) -> Any:
    """Return an ensemble of the best member alone."""
    one = copy.copy(estimator)
    one.members_ = [replace(best_member(estimator), weight=1.0)]
    return one
