"""What a file may say about an estimator: checked before it is believed.

A file can be damaged, or made by an enemy. What is wrong with it must be found while it is loaded, not in the
engine or in the middle of a later `partial_fit`.
"""

import math
import re
from collections.abc import Collection
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_classifier
from sklearn.utils._param_validation import validate_parameter_constraints

from chainrule import _engine
from chainrule._settings import named_choice, real_number, whole_number
from chainrule.estimators.bound_model import SHAPING, BoundModel
from chainrule.estimators.labels import Labels
from chainrule.estimators.optimizer import StochasticOptimizer
from chainrule.estimators.options import CHOICES
from chainrule.estimators.protocol import MLP
from chainrule.inputs import check_inputs
from chainrule.model.inputs import LearnedInput
from chainrule.training.schedules import Plateau

Tensors = dict[str, NDArray[Any]]

KINDS_OF_LABELS = ("binary", "multiclass", "multilabel-indicator")
MAX_LABEL_BYTES = 2**28
#: Counts among the fitted attributes, and the lowest that they can be.
COUNTS = {"n_iter_": 0, "t_": 0, "n_layers_": 2, "n_outputs_": 1, "n_features_in_": 1}
NUMBERS = ("loss_", "best_loss_", "best_validation_score_", "_no_improvement_count")
#: Parameters that are used where nothing is fitted.
ALWAYS = ("n_threads", "checkpoint", "random_state")
MT19937_WORDS = 624


def part(settings: dict[str, Any], name: str) -> dict[str, Any]:
    """Return a part of the settings that must be there and be a dictionary."""
    values = settings[name]
    if not isinstance(values, dict):
        raise TypeError(f"{name!r} is {type(values).__name__}, expected a dictionary")
    return values


def parameters_of(mlp: MLP, settings: dict[str, Any], tensors: Tensors) -> dict[str, Any]:
    """Return an estimator's parameters; checked as far as loading needs them."""
    parameters = part(settings, "parameters")
    unknown = parameters.keys() - mlp.get_params(deep=False).keys()
    if unknown:
        raise ValueError(f"{type(mlp).__name__} has no parameter {sorted(unknown)[0]!r}")
    if isinstance(parameters["random_state"], dict):
        key = tensors["random_state"]
        parameters["random_state"] = source_of_random_numbers(parameters["random_state"], key)
    check_parameters(mlp, parameters, ALWAYS)
    n_threads = parameters.get("n_threads")
    if n_threads is not None and n_threads >= 2**31:
        raise ValueError(f"n_threads is {n_threads}")
    return parameters


def check_parameters(mlp: MLP, parameters: dict[str, Any], names: Collection[str]) -> None:
    """Check some parameters as `fit` would."""
    constraints = {
        name: mlp._parameter_constraints[name] for name in names if name in mlp._parameter_constraints
    }
    validate_parameter_constraints(constraints, parameters, type(mlp).__name__)


def source_of_random_numbers(source: Any, key: NDArray[Any]) -> np.random.RandomState:
    """Return a RandomState in the state of a file. NumPy itself would read beyond the end of `key`.

    Parameters
    ----------
    source : dict
        The state without its key, as `RandomState.get_state(legacy=False)` has it.
    key : ndarray of shape (624,)

    Raises
    ------
    KeyError, TypeError, ValueError
        Where that is no state.
    """
    position = whole_number("pos", source["state"]["pos"], 0)
    state: dict[str, Any] = {
        "bit_generator": named_choice("bit_generator", source["bit_generator"], ["MT19937"]),
        "state": {"key": key, "pos": position},
        "has_gauss": whole_number("has_gauss", source["has_gauss"], 0),
        "gauss": real_number("gauss", source["gauss"], "(-inf, inf)"),
    }
    if position > MT19937_WORDS or state["has_gauss"] > 1:
        raise ValueError(f"a state of random numbers is at word {position:,} of {MT19937_WORDS}")
    if key.shape != (MT19937_WORDS,) or key.dtype != np.uint32:
        raise ValueError(f"a state of random numbers has {key.shape} words of {key.dtype}")
    random_state = np.random.RandomState()
    random_state.set_state(state)
    return random_state


def check_fitted(mlp: MLP, fitted: dict[str, Any]) -> None:
    """Check what fitting found and a file has in words: counts, numbers, names."""
    for name, lowest in COUNTS.items():
        if name in fitted or lowest:
            whole_number(name, fitted[name], lowest)
    for name in NUMBERS:
        if fitted.get(name) is not None and (not _is_number(fitted[name])):
            raise TypeError(f"{name} is {fitted[name]!r}; expected a number")
    if fitted.get("best_iteration_") is not None:
        whole_number("best_iteration_", fitted["best_iteration_"], 0)
    for name in ("out_activation_", "stop_reason_"):
        if not isinstance(fitted.get(name, ""), str | None):
            raise TypeError(f"{name} is {fitted[name]!r}; expected a name")
    if not isinstance(fitted["out_activation_"], str):
        raise TypeError("out_activation_ is missing")
    # Those that shape the network. The others are checked when somebody trains it.
    values = mlp.get_params(deep=False)
    check_parameters(mlp, values, set(SHAPING) - {"loss"})
    activation = values["activation"]
    for name in [activation] if isinstance(activation, str) else activation:
        named_choice("activation", name, CHOICES["activation"])


def inputs_of(mlp: MLP, tensors: Tensors) -> list[LearnedInput]:
    """Return what input layers have learned; `BoundModel.read` checks the shapes."""
    found, n = [], 0
    for i, layer in enumerate(check_inputs(mlp.inputs, mlp.n_features_in_)):
        arrays = {name: tensors[f"inputs.{i}.{name}"] for name in layer.shapes(n)}
        n = layer.n_units(n) if layer.name == "scale" else n + layer.n_units(n)
        found.append(LearnedInput(layer, arrays, f"inputs_[{i}]"))
    return found


def check_network(mlp: MLP, bound: BoundModel) -> None:
    """Check that labels, scales, optimizer and the best parameters are those of a network of this size."""
    sizes = bound.model.sizes
    if (sizes[0], sizes[-1]) != (mlp.n_features_in_, mlp.n_outputs_):
        raise ValueError(
            f"layers of {sizes} neurons do not fit {mlp.n_features_in_} features and {mlp.n_outputs_} outputs"
        )
    labels: Labels | None = getattr(mlp, "_labels", None)
    if labels is None and is_classifier(mlp):
        raise ValueError("a classifier has no labels")
    if labels is not None and labels.n_outputs != sizes[-1]:
        raise ValueError(f"{len(labels.classes)} classes do not fit {sizes[-1]} outputs")
    names = getattr(mlp, "feature_names_in_", None)
    if names is not None and len(names) != sizes[0]:
        raise ValueError(f"{len(names)} names do not fit {sizes[0]} features")
    check_scale(mlp)
    best = mlp._best
    if best is not None and (best.shape != bound.flat.shape or best.dtype != bound.dtype):
        raise ValueError(f"the best parameters have shape {best.shape}, expected {bound.flat.shape}")
    if isinstance(mlp._optimizer, StochasticOptimizer):
        check_optimizer(mlp._optimizer, bound)


def check_scale(mlp: MLP) -> None:
    """Check the units in which targets were learned."""
    mean, scale = (getattr(mlp, name, None) for name in ("target_mean_", "target_scale_"))
    if mean is None and scale is None:
        return
    if mean is None or scale is None or mean.shape != scale.shape or mean.ndim != 1 or not mean.size:
        raise ValueError("target_mean_ and target_scale_ do not fit each other")
    if mlp.n_outputs_ % len(mean) or not (scale > 0).all():
        raise ValueError(f"target_scale_ does not fit {mlp.n_outputs_} outputs, or is not positive")


def plateau(running: Plateau, of_optimizer: dict[str, Any]) -> dict[str, Any]:
    """Return what a plateau schedule has seen."""
    found = part(of_optimizer, "plateau")
    if found.keys() != vars(running).keys() - {"schedule"} or not all(map(_is_number, found.values())):
        raise ValueError(f"a plateau has {found!r}")
    return found


def check_course(mlp: MLP, expected: tuple[list[int], np.dtype[Any]]) -> None:
    """Check that a fit can go on from here: layers of these sizes and dtype, and all that epochs count."""
    bound = mlp._bind()
    if (bound.model.sizes, bound.dtype) != expected:
        raise ValueError(f"it has layers of {bound.model.sizes} neurons, expected {expected[0]}")
    if mlp._optimizer is None or not mlp._optimizer.fits(bound):
        raise ValueError("it has no optimizer of this network")
    needed = ["n_iter_", "t_", "loss_", "_no_improvement_count", "loss_curve_"]
    needed += ["best_validation_score_", "validation_scores_"] if mlp.early_stopping else ["best_loss_"]
    missing = [name for name in needed if getattr(mlp, name, None) is None]
    if missing:
        raise ValueError(f"it has no {missing[0]}")
    if mlp.n_iter_ > len(mlp.loss_curve_):  # each is an epoch whose shuffling is repeated
        raise ValueError(f"it has {len(mlp.loss_curve_)} losses of {mlp.n_iter_} epochs")


def check_optimizer(optimizer: StochasticOptimizer, bound: BoundModel) -> None:
    """Let the engine check an optimizer's settings, on a network as deep and one neuron wide."""
    for name in ("learning_rate_init", "learning_rate", "last_rate", "power_t", "last_loss"):
        if not _is_number(getattr(optimizer, name)):
            raise TypeError(f"{name} is {getattr(optimizer, name)!r}; expected a number")
    for name in ("total_steps", "n_steps", "dropout_seed"):
        if whole_number(name, getattr(optimizer, name), 0) >= 2**63:
            raise ValueError(f"{name} is {getattr(optimizer, name)}; expected less than 2^63")
    named_choice("schedule", optimizer.schedule, CHOICES["learning_rate"])
    for name, value in part(vars(optimizer), "settings").items():
        values = value if isinstance(value, list) and name == "learning_rate_factors" else [value]
        if name != "precision" and not all(isinstance(one, bool) or _is_number(one) for one in values):
            raise TypeError(f"{name} is {value!r}; expected a number")
    depth = len(bound.model.sizes)
    trainer = _engine.Trainer(
        _engine.Model(
            [1] * depth, ["identity"] * (depth - 1), "squared_error", dtype=bound.architecture.dtype_name
        ),
        named_choice("solver", optimizer.solver, CHOICES["solver"]),
        batch_size=1,
        learning_rate=optimizer.learning_rate,
        n_threads=1,
        **optimizer.settings,
    )
    shapes = {moment.shape for moment in optimizer.moments}
    if optimizer.n_steps and (len(optimizer.moments) != len(trainer.state) or len(shapes) > 1):
        raise ValueError(
            f"{optimizer.solver} has {len(optimizer.moments)} arrays of shapes {shapes}; expected "
            f"{len(trainer.state)} of shape {bound.flat.shape}"
        )
    if any(moment.dtype != bound.dtype for moment in optimizer.moments):
        raise ValueError(f"{optimizer.solver} has arrays of another dtype than {bound.dtype}")


def labels_of(settings: dict[str, Any]) -> Labels:
    """Return the class labels of a file."""
    classes, kind = settings["classes"], named_choice("kind", settings["kind"], KINDS_OF_LABELS)
    if not isinstance(classes, list) or not classes or any(isinstance(one, list | dict) for one in classes):
        raise ValueError("the classes are no list of labels")
    name = settings["dtype"]
    if not isinstance(name, str) or not re.fullmatch(r"object|[<>|=]?[biufU]\d{1,9}", name):
        raise ValueError(f"the classes have dtype {name!r}")
    dtype = np.dtype(name)
    if dtype.itemsize * len(classes) > MAX_LABEL_BYTES:
        raise ValueError(f"{len(classes)} classes have dtype {dtype}")
    if kind == "binary" and len(classes) > 2:
        raise ValueError(f"{len(classes)} classes are not two")
    return Labels(np.array(classes, dtype=dtype), kind, bool(settings["sparse"]))


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(float(value))
