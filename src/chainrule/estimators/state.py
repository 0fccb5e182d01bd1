"""An estimator as arrays and a JSON-able dictionary, and back: what a model file holds."""

import math
import os
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.estimators import saved
from chainrule.estimators.bound_model import VECTORS
from chainrule.estimators.keywords import names
from chainrule.estimators.labels import Labels
from chainrule.estimators.metrics import LOSS
from chainrule.estimators.optimizer import StochasticOptimizer
from chainrule.estimators.protocol import MLP
from chainrule.inputs import INPUT_LAYERS, InputLayer
from chainrule.optimizers import OPTIMIZERS, Optimizer
from chainrule.reference.losses import LOSSES, Loss
from chainrule.training.schedules import SCHEDULES, Schedule

Tensors = dict[str, NDArray[Any]]

#: What is saved by name: fitted attributes that are numbers, text or None; those that are lists of floats;
#: the optimizer's. Nothing else in a file is ever set, whatever it says.
SCALARS = (
    "n_iter_", "t_", "n_layers_", "n_outputs_", "n_features_in_", "out_activation_", "loss_",
    "best_loss_", "best_validation_score_", "_no_improvement_count", "best_iteration_", "stop_reason_",
)  # fmt: skip
OPTIMIZER = (
    "solver", "schedule", "learning_rate_init", "power_t", "settings", "learning_rate", "last_rate",
    "total_steps", "n_steps", "last_loss", "dropout_seed",
)  # fmt: skip
CURVES = ("loss_curve_", "validation_scores_")
SCALES = ("target_mean_", "target_scale_")
#: Settings that are objects: their classes by name, and where these are registered.
OBJECTS: dict[str, tuple[type, Mapping[str, Any]]] = {
    "optimizer": (Optimizer, OPTIMIZERS),
    "schedule": (Schedule, SCHEDULES),
    "loss": (Loss, LOSSES),
    "input": (InputLayer, INPUT_LAYERS),
}


def get_state(mlp: MLP) -> tuple[Tensors, dict[str, Any]]:
    """Take an estimator apart.

    Returns
    -------
    tensors : dict of str to ndarray
        Parameters ("coefs.0", "intercepts.0", ...), curves, the optimizer's moments, the state of a
        RandomState.
    settings : dict
        Everything else, JSON-able: what JSON has no word for is {"float": "inf"} or {"tuple": [...]}.

    Raises
    ------
    TypeError
        For class labels or parameters that JSON cannot hold.
    """
    tensors: Tensors = {}
    parameters = {
        name: value for name, value in mlp.get_params(deep=False).items() if name not in mlp._not_saved
    }
    settings: dict[str, Any] = {"parameters": parameters}
    if isinstance(parameters["random_state"], np.random.RandomState):
        source: dict[str, Any] = parameters["random_state"].get_state(legacy=False)
        tensors["random_state"] = source["state"].pop("key")
        parameters["random_state"] = source
    for name in names("code"):
        if name in parameters:
            parameters[name] = without_code(parameters[name])
    if parameters["checkpoint"] is not None:
        parameters["checkpoint"] = os.fspath(parameters["checkpoint"])
    if hasattr(mlp, "coefs_"):
        tensors |= {f"coefs.{k}": np.ascontiguousarray(coef) for k, coef in enumerate(mlp.coefs_)}
        for name in VECTORS:
            vectors = enumerate(getattr(mlp, name, ()))
            tensors |= {f"{name[:-1]}.{k}": np.ascontiguousarray(v) for k, v in vectors if v is not None}
        for i, layer in enumerate(getattr(mlp, "inputs_", ())):
            tensors |= {f"inputs.{i}.{name}": np.ascontiguousarray(a) for name, a in layer.arrays.items()}
        tensors |= {f"intercepts.{k}": np.ascontiguousarray(b) for k, b in enumerate(mlp.intercepts_)}
        settings["fitted"] = {name: getattr(mlp, name) for name in SCALARS if hasattr(mlp, name)}
        for name in CURVES:
            values = getattr(mlp, name, None)
            if values is not None:
                tensors[name] = np.asarray(values, dtype=np.float64)
        settings["measures"] = list(mlp.evals_result_)
        for name, values in mlp.evals_result_.items():
            tensors[f"evals_result_.{name}"] = np.asarray(values, dtype=np.float64)
        tensors |= {name: getattr(mlp, name) for name in SCALES if hasattr(mlp, name)}
        if mlp._best is not None:
            tensors["best"] = mlp._best
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
            if optimizer["plateau"] is not None:
                watched = {k: v for k, v in vars(optimizer["plateau"]).items() if k != "schedule"}
                settings["optimizer"]["plateau"] = watched
    json_able: dict[str, Any] = to_json(settings)
    return tensors, json_able


def set_state(mlp: MLP, tensors: Tensors, settings: dict[str, Any]) -> None:
    """Put an estimator together; the inverse of `get_state`.

    Raises
    ------
    KeyError, ValueError
        Where a part is missing, or does not fit the others.
    """
    settings = from_json(settings)
    mlp.set_params(**saved.parameters_of(mlp, settings, tensors))
    if "fitted" not in settings:
        return
    if "feature_names" in settings:
        mlp.feature_names_in_ = np.array(list(map(str, settings["feature_names"])), dtype=object)
    if "labels" in settings:
        mlp._labels = saved.labels_of(saved.part(settings, "labels"))
        mlp.classes_ = mlp._labels.classes
    set_progress(mlp, tensors, settings)


def set_progress(mlp: MLP, tensors: Tensors, settings: dict[str, Any]) -> None:
    """Put the part together that training changes: parameters, curves, counts, optimizer."""
    fitted = saved.part(settings, "fitted")
    saved.check_fitted(mlp, fitted)
    n_layers = fitted["n_layers_"] - 1
    mlp.coefs_ = [tensors[f"coefs.{k}"] for k in range(n_layers)]
    mlp.intercepts_ = [tensors[f"intercepts.{k}"] for k in range(n_layers)]
    for name in VECTORS:
        arrays = [tensors.get(f"{name[:-1]}.{k}") for k in range(n_layers)]
        if any(array is not None for array in arrays):
            setattr(mlp, name, arrays)
    for name in SCALARS:
        if name in fitted:
            setattr(mlp, name, fitted[name])
    if mlp.inputs is not None:
        mlp.inputs_ = saved.inputs_of(mlp, tensors)
    if "loss_curve_" in tensors:
        mlp.loss_curve_ = curve(tensors, "loss_curve_")
        mlp.validation_scores_ = (
            curve(tensors, "validation_scores_") if "validation_scores_" in tensors else None
        )
    # Files of chainrule 0.1 before it watched have none of these.
    mlp.best_iteration_, mlp.stop_reason_ = fitted.get("best_iteration_"), fitted.get("stop_reason_")
    mlp.evals_result_ = {
        str(name): curve(tensors, f"evals_result_.{name}") for name in settings.get("measures", [])
    }
    mlp.validation_loss_curve_ = mlp.evals_result_.get(LOSS)
    for name in SCALES:
        if name in tensors:
            setattr(mlp, name, tensors[name])
    mlp._best = tensors.get("best")
    if "optimizer" in settings:
        optimizer = mlp._optimizer = StochasticOptimizer(mlp)
        of_optimizer = saved.part(settings, "optimizer")
        for name in OPTIMIZER:
            if name in of_optimizer:  # a file of another version may lack some
                setattr(optimizer, name, of_optimizer[name])
        if optimizer.plateau is not None:
            vars(optimizer.plateau).update(saved.plateau(optimizer.plateau, of_optimizer))
        moments = [name for name in sorted(tensors) if name.startswith("moments.")]
        optimizer.moments = [tensors[name] for name in moments]
    saved.check_network(mlp, mlp._bind())


def curve(tensors: Tensors, name: str) -> list[float]:
    """Return one number per epoch."""
    if tensors[name].ndim != 1:
        raise ValueError(f"{name!r} has shape {tensors[name].shape}, expected one number for each epoch")
    numbers: list[float] = tensors[name].tolist()
    return numbers


def without_code(value: Any) -> Any:
    """Return a parameter that names what it wants, None for one that brings the code itself."""
    if isinstance(value, list | tuple):
        return value if all(isinstance(one, str) for one in value) else None
    known = isinstance(value, str) or any(is_registered(value, *home) for home in OBJECTS.values())
    return value if known else None


def is_registered(value: Any, base: type, registry: Mapping[str, Any]) -> bool:
    """Whether a value is an object that its registered name and its settings describe."""
    return isinstance(value, base) and getattr(value, "name", None) in registry


def to_json(value: Any) -> Any:
    """Replace NumPy's types by Python's, and what JSON has no word for by {"float": ...}, {"tuple": ...}."""
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            return {"pairs": [[to_json(key), to_json(part)] for key, part in value.items()]}
        return {str(key): to_json(part) for key, part in value.items()}
    for kind, home in OBJECTS.items():
        if is_registered(value, *home):
            return {"object": [kind, value.name, to_json(vars(value))]}
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
        if set(value) == {"object"}:
            kind, name, of_object = value["object"]
            known = OBJECTS[kind][1][name]  # a class, or its usual instance
            return (known if isinstance(known, type) else type(known))(**from_json(of_object))
        if set(value) == {"pairs"}:
            return {from_json(key): from_json(part) for key, part in value["pairs"]}
        return {key: from_json(part) for key, part in value.items()}
    if isinstance(value, list):
        return [from_json(part) for part in value]
    return value
