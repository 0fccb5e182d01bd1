"""What the estimators' parameters may be, and what to say when they are something else."""

import difflib
import operator
import os
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.callback import FitCallback
from sklearn.utils._param_validation import Interval, Options, StrOptions

from chainrule import _engine
from chainrule._settings import real_number
from chainrule.estimators.losses import CLASSIFIER_LOSSES, REGRESSOR_LOSSES
from chainrule.model.initialization import INITIALIZERS, own_name
from chainrule.optimizers import LBFGS, OPTIMIZERS, Optimizer
from chainrule.training.schedules import SCHEDULES, Schedule, check_schedule

if TYPE_CHECKING:
    from chainrule.estimators.base import BaseMLP

OUTPUT_ONLY = {"softmax", "exp", "ordered"}
#: All but "lbfgs": optimisers with epochs.
STOCHASTIC_SOLVERS = tuple(OPTIMIZERS)
PRECISIONS = ["full", "bf16"]

#: The named choices. "logistic" is scikit-learn's name for sigmoid.
CHOICES: dict[str, list[str]] = {
    "activation": ["logistic", *(name for name in _engine.activations() if name not in OUTPUT_ONLY)],
    "solver": ["lbfgs", *STOCHASTIC_SOLVERS],
    "batch_size": ["auto"],
    "schedule": list(SCHEDULES),
    "initializer": list(INITIALIZERS),
    "verbose": ["progress"],
    "class_weight": ["balanced"],
    "precision": PRECISIONS,
    "learning_rate": ["constant", "invscaling", "adaptive"],
}

#: Other libraries' names, for the hints only.
OTHER_NAMES = {
    "swish": "silu", "linear": "identity", "mse": "squared_error", "mae": "absolute_error", "l-bfgs": "lbfgs",
    "pinball": "quantile", "cross_entropy": "log_loss",
}  # fmt: skip

CONSTRAINTS: dict[str, list[Any]] = {
    "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
    "activation": [StrOptions(set(CHOICES["activation"])), list, tuple],
    "solver": [StrOptions(set(CHOICES["solver"])), Optimizer],
    "alpha": [Interval(Real, 0, None, closed="left")],
    "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
    "learning_rate": [StrOptions(set(CHOICES["learning_rate"]))],
    "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
    "power_t": [Interval(Real, 0, None, closed="left")],
    "max_iter": [Interval(Integral, 1, None, closed="left")],
    "shuffle": ["boolean"],
    "random_state": ["random_state"],
    "tol": [Interval(Real, 0, None, closed="left")],
    "verbose": ["verbose", StrOptions({"progress"})],
    "warm_start": ["boolean"],
    "momentum": [Interval(Real, 0, 1, closed="both")],
    "nesterovs_momentum": ["boolean"],
    "early_stopping": ["boolean"],
    "validation_fraction": [Interval(Real, 0, 1, closed="left")],
    "beta_1": [Interval(Real, 0, 1, closed="left")],
    "beta_2": [Interval(Real, 0, 1, closed="left")],
    "epsilon": [Interval(Real, 0, None, closed="neither")],
    "n_iter_no_change": [Interval(Integral, 1, None, closed="left"), Options(Real, {np.inf})],
    "max_fun": [Interval(Integral, 1, None, closed="left")],
    "n_threads": [Interval(Integral, 1, None, closed="left"), None],
    "scoring": [str, callable, list, tuple, None],
    "patience": [Interval(Integral, 1, None, closed="left"), Options(Real, {np.inf}), None],
    "callbacks": [callable, list, tuple, FitCallback, None],
    "max_time": [Interval(Real, 0, None, closed="neither"), None],
    "checkpoint": [str, os.PathLike, None],
    "checkpoint_every": [Interval(Integral, 1, None, closed="left"), str],
    "keep_optimizer": ["boolean"],
    "schedule": [StrOptions(set(SCHEDULES)), Schedule, callable, None],
    "clip_norm": [Interval(Real, 0, None, closed="neither"), None],
    "clip_value": [Interval(Real, 0, None, closed="neither"), None],
    "l1": [Interval(Real, 0, None, closed="left")],
    "max_norm": [Interval(Real, 0, None, closed="neither"), None],
    "learning_rate_factors": ["array-like", None],
    "precision": [StrOptions(set(PRECISIONS))],
    "dropout": [Interval(Real, 0, 1, closed="left"), "array-like"],
    "layer_norm": ["boolean", "array-like"],
    "residual": ["boolean", "array-like"],
    "initializer": [StrOptions(set(INITIALIZERS)), None],
}

CLASS_WEIGHT: list[Any] = [StrOptions({"balanced"}), dict, list, None]


def is_stochastic(mlp: "BaseMLP") -> bool:
    """Whether the solver goes over the rows in epochs."""
    return isinstance(mlp.solver, Optimizer) or mlp.solver in STOCHASTIC_SOLVERS


def check_together(mlp: "BaseMLP") -> None:
    """Refuse parameters that are valid each, but mean nothing together.

    Raises
    ------
    TypeError, ValueError
        With what to leave out.
    """
    check_schedule(mlp.schedule)
    for name in () if isinstance(mlp.activation, str) else mlp.activation:
        if name not in CHOICES["activation"]:
            close = _nearest(name, CHOICES["activation"])
            known = ", ".join(CHOICES["activation"])
            raise ValueError(f"activation has {name!r}; expected names of activations: {known}.{close}")
    if not is_stochastic(mlp):
        off = {"l1": 0, "precision": "full", "dropout": 0}
        for name in ("checkpoint", "schedule", "clip_norm", "clip_value", "l1", "max_norm",
                     "learning_rate_factors", "precision", "dropout"):  # fmt: skip
            value = getattr(mlp, name)
            if value is not None and value != off.get(name):
                raise ValueError(
                    f"{name}={value!r} does not go with solver={mlp.solver!r}, which has no steps of that "
                    f"kind; leave it out, or use one of: {', '.join(STOCHASTIC_SOLVERS)}."
                )
    elif mlp.schedule is not None:
        name = mlp.solver if isinstance(mlp.solver, str) else mlp.solver.name
        if not OPTIMIZERS[name].scheduled:
            raise ValueError(
                f"schedule={mlp.schedule!r} does not go with {name!r}, which finds its own steps."
            )
        if mlp.solver == "sgd" and mlp.learning_rate != "constant":
            raise ValueError(
                f"schedule={mlp.schedule!r} and learning_rate={mlp.learning_rate!r} would both change the "
                "learning rate; leave one of them out."
            )
    for factor in () if mlp.learning_rate_factors is None else mlp.learning_rate_factors:
        real_number("a number of learning_rate_factors", factor, "[0, inf)")


def hint(message: str, parameters: dict[str, Any], losses: list[str] | None = None) -> str:
    """Return " Did you mean ...?" for a message about a named choice that was misspelt, else "".

    Examples
    --------
    >>> hint("The 'solver' parameter of MLPClassifier must be ...", {"solver": "adm"})
    " Did you mean 'adam'?"
    """
    for name, choices in {**CHOICES, "loss": losses or []}.items():
        value = parameters.get(name)
        if name in parameters and message.startswith(f"The {name!r} parameter"):
            return _meant(name, value) or (_nearest(value, choices) if isinstance(value, str) else "")
    return ""


def _meant(name: str, value: Any) -> str:
    """Return the hint for a value that is right in another place."""
    if name == "learning_rate":
        if isinstance(value, Real):
            return f" Did you mean learning_rate_init={value!r}?"
        if value in SCHEDULES:
            return f" Did you mean schedule={value!r}?"
    if name == "solver":
        if isinstance(value, LBFGS):
            return " Did you mean solver='lbfgs'?"
        if isinstance(value, type) and issubclass(value, Optimizer):
            return f" Did you mean {value.__name__}()?"
    if name == "loss":
        if value is None:
            return " A model file cannot hold a function: give it again by set_params(loss=function)."
        for names, estimator in ((CLASSIFIER_LOSSES, "MLPClassifier"), (REGRESSOR_LOSSES, "MLPRegressor")):
            if value in names:
                return f" {value!r} is a loss of {estimator}."
    return ""


def _nearest(value: Any, choices: list[str]) -> str:
    known = OTHER_NAMES.get(str(value).lower(), own_name(str(value)))
    longer = [choice for choice in choices if choice.startswith(known)]
    close = difflib.get_close_matches(known, choices, n=1) or longer
    return f" Did you mean {close[0]!r}?" if close else ""


def hidden_sizes(value: Any) -> list[int]:
    """Return `hidden_layer_sizes` as a list of positive integers; a number stands for one layer.

    Raises
    ------
    ValueError
        For anything that is not whole, or not positive.

    Examples
    --------
    >>> hidden_sizes(100), hidden_sizes((64, 32)), hidden_sizes([])
    ([100], [64, 32], [])
    """
    try:
        sizes = [operator.index(size) for size in (value if hasattr(value, "__iter__") else [value])]
    except TypeError:
        raise ValueError(
            f"hidden_layer_sizes must be a whole number or a flat list of whole numbers, got {value!r}."
        ) from None
    if any(size <= 0 for size in sizes):
        raise ValueError(f"hidden_layer_sizes must be > 0, got {sizes}.")
    return sizes
