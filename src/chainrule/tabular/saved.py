"""A fitted model as arrays and a JSON-able dictionary, and back: what a model file holds."""

import math
from dataclasses import asdict
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from chainrule.network import Network
from chainrule.tabular.ensemble import Look
from chainrule.tabular.inputs import Stage
from chainrule.tabular.members import Member
from chainrule.tabular.preparation import Preparation
from chainrule.tabular.recipes import Recipe
from chainrule.tabular.targets import Classes, Numbers

Tensors = dict[str, NDArray[Any]]
Model = TypeVar("Model", bound=Any)

#: Attributes that are numbers, if there are any.
SCALARS = {"n_watched_": int, "temperature_": float, "n_features_in_": int}
#: Arrays of a target of numbers.
RANGES = ("mean", "scale", "low", "high")


def get_state(model: Any) -> tuple[Tensors, dict[str, Any]]:
    """Take a fitted model apart.

    Raises
    ------
    TypeError
        For class labels that are neither numbers, booleans nor text.
    """
    tensors: Tensors = {}
    members = []
    for k, member in enumerate(model.members_):
        arrays, network = member.network._get_state()
        tensors |= {f"members.{k}.{name}": array for name, array in arrays.items()}
        members.append(
            {
                "network": network,
                "recipe": member.recipe.to_state(),
                "epoch": member.epoch,
                "fold": member.fold,
                "score": _number(member.score),
                "weight": member.weight,
            }
        )
    arrays, preparation = model.preparation_._get_state()
    tensors |= {f"preparation.{name}": array for name, array in arrays.items()}
    settings: dict[str, Any] = {
        "parameters": parameters(model.get_params(deep=False)),
        "members": members,
        "embeds": model._stage.embeds,
        "preparation": preparation,
        "looks": [{k: _number(v) for k, v in asdict(look).items()} for look in model.looks_],
        "fitted": {
            name: kind(getattr(model, name)) for name, kind in SCALARS.items() if hasattr(model, name)
        },
    }
    if hasattr(model, "feature_names_in_"):
        settings["feature_names"] = [str(name) for name in model.feature_names_in_]
    target = model._target
    if isinstance(target, Classes):
        settings["labels"] = _labels(target.labels)
    else:
        tensors |= {f"target.{name}": getattr(target, name) for name in RANGES}
        settings["one"] = model._one
    return tensors, settings


def set_state(model: Model, tensors: Tensors, settings: dict[str, Any]) -> Model:
    """Put a model together; KeyError, TypeError or ValueError where something is missing or does not fit."""
    known = model.get_params(deep=False)
    parameters = {name: value for name, value in settings["parameters"].items() if name in known}
    weights = parameters.get("class_weight")
    if isinstance(weights, list):
        parameters["class_weight"] = {label: _real(weight) for label, weight in weights}
    elif not (weights is None or isinstance(weights, str)):
        raise ValueError(f"its class_weight is a {type(weights).__name__}")
    model.set_params(**parameters)
    model.preparation_ = Preparation._from_state(_under("preparation.", tensors), settings["preparation"])
    model.members_ = []
    for k, one in enumerate(settings["members"]):
        network = Network._from_state(_under(f"members.{k}.", tensors), one["network"])
        recipe = Recipe.from_state(one["recipe"])
        score, weight = _score(one["score"]), _real(one["weight"])
        model.members_.append(Member(network, recipe, int(one["epoch"]), int(one["fold"]), score, weight))
    if not model.members_:
        raise ValueError("it has no members")
    model.looks_ = [
        Look(
            _real(look["seconds"]),
            int(look["n_finished"]),
            _score(look["score"]),
            _score(look["best_single"]),
        )
        for look in settings["looks"]
    ]
    for name, kind in SCALARS.items():
        if name in settings["fitted"]:
            setattr(model, name, kind(_real(settings["fitted"][name])))
    if not model.n_features_in_ == model.preparation_.n_columns:
        raise ValueError(f"{model.n_features_in_} columns do not fit {model.preparation_.n_columns}")
    if "feature_names" in settings:
        if not isinstance(settings["feature_names"], list):
            raise ValueError("its names of features are no list")
        if len(settings["feature_names"]) != model.n_features_in_:
            raise ValueError(
                f"it has {len(settings['feature_names'])} names of {model.n_features_in_} features"
            )
        model.feature_names_in_ = np.array(settings["feature_names"], dtype=object)
    if "labels" in settings:
        labels = settings["labels"]
        dtype = np.dtype(labels["dtype"])
        longest = max(len(str(value)) for value in labels["values"])
        if dtype.kind not in "biufUO" or dtype.itemsize > max(16, 4 * longest):  # it would fill the memory
            raise ValueError(f"its labels cannot be of type {dtype}")
        model.classes_ = np.array(labels["values"], dtype=dtype)
        model._target = Classes(model.classes_)
        if not (model.temperature_ > 0 and model.n_watched_ >= 0):
            raise ValueError(f"its temperature is {model.temperature_:g} of {model.n_watched_} rows")
    else:
        ranges = [tensors[f"target.{name}"] for name in RANGES]
        if any(array.shape != (len(ranges[0]),) for array in ranges):
            raise ValueError(f"the target's arrays have the shapes {[array.shape for array in ranges]}")
        model._target = Numbers(*ranges)
        model._one = bool(settings["one"])
    model._stage = Stage(model.preparation_.layout, bool(settings["embeds"]))
    n_wanted = model._stage.n_inputs
    if {member.network.sizes[0] for member in model.members_} != {n_wanted}:
        raise ValueError(f"columns make {n_wanted} inputs, but members take others")
    n_outputs = {member.network.sizes[-1] for member in model.members_}
    if n_outputs != {model._target.n_outputs}:
        raise ValueError(f"members have {sorted(n_outputs)} outputs, expected {model._target.n_outputs}")
    return model


def parameters(parameters: dict[str, Any]) -> dict[str, Any]:
    """Return constructor parameters as JSON can hold them; a source of random numbers is not kept."""
    plain = {name: _plain(value) for name, value in parameters.items()}
    if isinstance(parameters.get("class_weight"), dict):
        plain["class_weight"] = [[_plain(k), float(v)] for k, v in parameters["class_weight"].items()]
    return plain


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    return value if value is None or isinstance(value, bool | int | float | str) else None


def _number(value: float) -> float | None:
    """JSON has no infinity, which is the score where there is none."""
    return value if math.isfinite(value) else None


def _score(value: float | None) -> float:
    return -math.inf if value is None else _real(value)


def _real(value: Any) -> float:
    """Return a number that is one: float() takes the text "nan", too."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{value!r} stands where a finite number is expected")
    return float(value)


def _labels(labels: NDArray[Any]) -> dict[str, Any]:
    values = labels.tolist()
    if not all(isinstance(value, bool | int | float | str) for value in values):
        odd = next(value for value in values if not isinstance(value, bool | int | float | str))
        raise TypeError(
            f"cannot save the class label {odd!r} of type {type(odd).__name__}; expected numbers, booleans or"
            " text"
        )
    return {"dtype": "object" if labels.dtype == object else labels.dtype.str, "values": values}


def _under(prefix: str, tensors: Tensors) -> Tensors:
    return {name.removeprefix(prefix): array for name, array in tensors.items() if name.startswith(prefix)}
