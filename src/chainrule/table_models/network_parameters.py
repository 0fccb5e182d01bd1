"""The estimator behind a TableModel: which of its parameters may be set, and to what."""

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule._words import did_you_mean, listed
from chainrule.tables.class_target import ClassTarget
from chainrule.tables.errors import ParameterError, TableError
from chainrule.tables.tasks import Task

#: What `TableModel.fit` has under a name of its own.
OWN_NAMES = {
    "alpha": "l2",
    "learning_rate_init": "learning_rate",
    "max_iter": "epochs",
    "n_iter_no_change": "patience",
}
#: What it decides itself, and why.
DECIDED = {
    "early_stopping": "rows are always watched; patience is how long",
    "scale_targets": "numbers to predict are standardised anyway",
    "learning_rate": "it is the step size here, which a schedule can change",
    "verbose": "a callback shows the epochs",
    "callbacks": "it has a callback of its own",
    "warm_start": "each fit begins anew",
    "keep_optimizer": "each fit begins anew",
}


#: What other libraries call otherwise, and what it is here.
ELSEWHERE = {
    "early_stopping_rounds": "'patience' is how many epochs may pass without getting better",
    "eval_set": "'validation_fraction' of the rows is watched; MLPClassifier.fit has X_val and y_val",
    "eval_metric": "'scoring' names what is measured",
    "n_estimators": "'epochs' is how long a network is trained, 'hidden_layer_sizes' how large it is",
    "num_boost_round": "'epochs' is how long a network is trained",
    "max_depth": "'hidden_layer_sizes' has a width for each layer",
    "weight": "'sample_weight' has the weights of the rows, or the name of their column",
    "weights": "'sample_weight' has the weights of the rows, or the name of their column",
    "cat_features": "'text' names columns of categories",
    "categorical_feature": "'text' names columns of categories",
    "lr": "it is called 'learning_rate' here",
    "seed": "it is called 'random_state' here",
    "n_jobs": "it is called 'n_threads' here",
    "hidden": "it is called 'hidden_layer_sizes' here",
    "optimizer": "it is called 'solver' here",
    "sep": "it is called 'delimiter' here",
    "na_values": "it is called 'missing' here",
}


def estimator_class(task: Task) -> Any:
    """Return the estimator of a task, loaded now: scikit-learn takes a second."""
    from chainrule import estimators

    return estimators.MLPClassifier if task == "classification" else estimators.MLPRegressor


def known_parameters(task: Task | None = None) -> list[str]:
    """Return the names of the estimator's parameters that can be set, of both where the task is unknown."""
    tasks: list[Task] = ["classification", "regression"] if task is None else [task]
    names = {name for one in tasks for name in estimator_class(one)().get_params()}
    return sorted(names - OWN_NAMES.keys() - DECIDED.keys())


def check_parameter(name: str, task: Task | None = None, aside: Collection[str] = ()) -> None:
    """Refuse a name that no estimator has, or not that of the task; a message lists none of those `aside`.

    Raises
    ------
    ParameterError
        With the nearest name, or with what to set instead.
    """
    known = known_parameters(task)
    if name in known:
        return
    if name in OWN_NAMES:
        raise ParameterError(f"{name!r} is called {OWN_NAMES[name]!r} here")
    if name in DECIDED:
        raise ParameterError(f"{name!r} cannot be set: {DECIDED[name]}")
    if name in known_parameters():
        raise ParameterError(f"{name!r} is no parameter for {task}")
    if name in ELSEWHERE:
        raise ParameterError(f"there is no parameter {name!r}: {ELSEWHERE[name]}")
    hint = did_you_mean(name, [*known, *OWN_NAMES.values()])
    expected = ", ".join(one for one in known if one not in aside)
    raise ParameterError(
        f"there is no parameter {name!r}, expected one of {expected}" + (f"; {hint}" if hint else "")
    )


def network(task: Task, parameters: Mapping[str, Any]) -> Any:
    """Make the estimator of a task.

    Raises
    ------
    ParameterError
        For parameters that it does not have, or that cannot be so; in its own words.
    """
    estimator = estimator_class(task)()
    unknown = [name for name in parameters if name not in estimator.get_params()]
    for name in unknown:
        check_parameter(name, task)
    estimator.set_params(**parameters)
    try:
        estimator._validate_params()
    except (ValueError, TypeError) as error:
        raise ParameterError(str(error)) from None
    quantiles = getattr(estimator, "quantiles", None)
    if isinstance(quantiles, list | tuple) and len(quantiles) > 1:
        raise ParameterError(
            f"quantiles={quantiles!r}: a TableModel predicts one number a row, expected one quantile; "
            "MLPRegressor takes several"
        )
    return estimator


def learns_positive_numbers(estimator: Any) -> bool:
    """Whether the loss is one of positive numbers, which must not be centred."""
    loss = estimator.loss
    return (loss if isinstance(loss, str) else getattr(loss, "name", "")) in ("poisson", "gamma", "tweedie")


def check_positive(estimator: Any, name: str, numbers: NDArray[np.float64]) -> None:
    """Refuse targets that such a loss cannot learn, in their own units; TableError."""
    smallest, positive = float(numbers.min()), "gamma" in str(estimator.loss).lower()
    if smallest < 0 or (positive and smallest == 0):
        expected = "positive numbers" if positive else "no negative numbers"
        raise TableError(
            f"the target {name!r} has the value {smallest:g}, expected {expected} for loss={estimator.loss!r}"
        )


def class_weights(estimator: Any, target: ClassTarget) -> None:
    """Turn weights by label into weights by class index, which is what the network learns.

    Raises
    ------
    ParameterError
        For labels that the target does not have.
    """
    given = estimator.class_weight
    if not isinstance(given, dict):
        return
    index = {str(label): k for k, label in enumerate(target.classes)}
    if target.kind == "boolean":
        index |= {label.lower(): k for label, k in index.items()}
    unknown = [label for label in given if str(label) not in index]
    if unknown:
        expected = f"classes of {target.name!r}: {listed(target.classes)}"
        raise ParameterError(f"class_weight has {listed(unknown)}, expected {expected}")
    estimator.set_params(class_weight={index[str(label)]: weight for label, weight in given.items()})
