"""An estimator as arrays and a JSON-able dictionary, and back: what a model file holds."""

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chainrule.estimators.labels import Labels
from chainrule.estimators.optimizer import StochasticOptimizer

if TYPE_CHECKING:
    from chainrule.estimators.base import BaseMLP

Tensors = dict[str, NDArray[Any]]

#: What is saved by name: fitted attributes that are numbers, text or None; those that are lists of floats;
#: the optimiser's. Nothing else in a file is ever set, whatever it says.
SCALARS = (
    "n_iter_", "t_", "n_layers_", "n_outputs_", "n_features_in_", "out_activation_", "loss_",
    "best_loss_", "best_validation_score_", "_no_improvement_count",
)  # fmt: skip
OPTIMIZER = (
    "solver", "schedule", "learning_rate_init", "power_t", "settings", "learning_rate", "n_steps",
)  # fmt: skip
CURVES = ("loss_curve_", "validation_scores_")


def get_state(mlp: "BaseMLP") -> tuple[Tensors, dict[str, Any]]:
    """Take an estimator apart.

    Returns
    -------
    tensors : dict of str to ndarray
        Parameters ("coefs.0", "intercepts.0", ...), curves, the optimiser's moments, the state of a
        RandomState.
    settings : dict
        Everything else, JSON-able: what JSON has no word for is {"float": "inf"} or {"tuple": [...]}.

    Raises
    ------
    TypeError
        For class labels or parameters that JSON cannot hold.
    """
    tensors: Tensors = {}
    parameters = mlp.get_params(deep=False)
    settings: dict[str, Any] = {"parameters": parameters}
    if isinstance(parameters["random_state"], np.random.RandomState):
        source: dict[str, Any] = parameters["random_state"].get_state(legacy=False)
        tensors["random_state"] = source["state"].pop("key")
        parameters["random_state"] = source
    if hasattr(mlp, "coefs_"):
        tensors |= {f"coefs.{k}": np.ascontiguousarray(coef) for k, coef in enumerate(mlp.coefs_)}
        tensors |= {f"intercepts.{k}": np.ascontiguousarray(b) for k, b in enumerate(mlp.intercepts_)}
        settings["fitted"] = {name: getattr(mlp, name) for name in SCALARS if hasattr(mlp, name)}
        for name in CURVES:
            curve = getattr(mlp, name, None)
            if curve is not None:
                tensors[name] = np.asarray(curve, dtype=np.float64)
        if hasattr(mlp, "feature_names_in_"):
            settings["feature_names"] = mlp.feature_names_in_
        labels: Labels | None = getattr(mlp, "_labels", None)
        if labels is not None:
            settings["labels"] = {
                "kind": labels.kind,
                "sparse": labels.sparse,
                "dtype": labels.classes.dtype.str if labels.classes.dtype != object else "object",
                "classes": labels.classes,
            }
        if mlp._optimizer is not None:
            optimizer = mlp._optimizer.__getstate__()
            for k, moment in enumerate(optimizer["moments"]):
                tensors[f"moments.{k}"] = moment
            settings["optimizer"] = {name: optimizer[name] for name in OPTIMIZER}
    json_able: dict[str, Any] = to_json(settings)
    return tensors, json_able


def set_state(mlp: "BaseMLP", tensors: Tensors, settings: dict[str, Any]) -> None:
    """Put an estimator together; the inverse of `get_state`.

    Raises
    ------
    KeyError, ValueError
        Where a part is missing, or does not fit the others.
    """
    settings = from_json(settings)
    parameters = settings["parameters"]
    source = parameters["random_state"]
    if isinstance(source, dict):
        source["state"]["key"] = tensors["random_state"]
        random_state = np.random.RandomState()
        random_state.set_state(source)
        parameters["random_state"] = random_state
    mlp.set_params(**parameters)
    if "fitted" not in settings:
        return
    n_layers = int(settings["fitted"]["n_layers_"]) - 1
    mlp.coefs_ = [tensors[f"coefs.{k}"] for k in range(n_layers)]
    mlp.intercepts_ = [tensors[f"intercepts.{k}"] for k in range(n_layers)]
    for name in SCALARS:
        if name in settings["fitted"]:
            setattr(mlp, name, settings["fitted"][name])
    if "loss_curve_" in tensors:
        mlp.loss_curve_ = tensors["loss_curve_"].tolist()
        mlp.validation_scores_ = (
            tensors["validation_scores_"].tolist() if "validation_scores_" in tensors else None
        )
    if "feature_names" in settings:
        mlp.feature_names_in_ = np.array(settings["feature_names"], dtype=object)
    if "labels" in settings:
        labels = settings["labels"]
        mlp.classes_ = np.array(labels["classes"], dtype=labels["dtype"])
        mlp._labels = Labels(mlp.classes_, labels["kind"], labels["sparse"])
    if "optimizer" in settings:
        mlp._optimizer = StochasticOptimizer(mlp)
        for name in OPTIMIZER:
            setattr(mlp._optimizer, name, settings["optimizer"][name])
        moments = [name for name in sorted(tensors) if name.startswith("moments.")]
        mlp._optimizer.moments = [tensors[name] for name in moments]
    sizes = mlp._bind().model.sizes
    if (sizes[0], sizes[-1]) != (mlp.n_features_in_, mlp.n_outputs_):
        raise ValueError(
            f"layers of {sizes} neurons do not fit {mlp.n_features_in_} features and {mlp.n_outputs_} outputs"
        )


def to_json(value: Any) -> Any:
    """Replace NumPy's types by Python's, and what JSON has no word for by {"float": ...}, {"tuple": ...}."""
    if isinstance(value, dict):
        return {str(key): to_json(part) for key, part in value.items()}
    if isinstance(value, tuple):
        return {"tuple": to_json(list(value))}
    if isinstance(value, list | np.ndarray):
        return [to_json(part) for part in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": repr(value)}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"A model file can hold numbers, text and None, not {type(value).__name__}: {value!r}.")


def from_json(value: Any) -> Any:
    """Undo `to_json`; arrays stay lists."""
    if isinstance(value, dict):
        if set(value) == {"float"}:
            return float(value["float"])
        if set(value) == {"tuple"}:
            return tuple(from_json(value["tuple"]))
        return {key: from_json(part) for key, part in value.items()}
    if isinstance(value, list):
        return [from_json(part) for part in value]
    return value
