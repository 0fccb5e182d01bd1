"""What the estimators' parameters may be, and what to say when they are something else."""

import difflib
import inspect
import operator
from numbers import Real
from typing import Any

from chainrule._settings import real_number
from chainrule.estimators.keywords import ALL, OneOf, names
from chainrule.estimators.losses import CLASSIFIER_LOSSES, REGRESSOR_LOSSES
from chainrule.estimators.protocol import MLP
from chainrule.model.initialization import own_name
from chainrule.optimizers import LBFGS, OPTIMIZERS, Optimizer
from chainrule.training.schedules import SCHEDULES, check_schedule

#: All but "lbfgs": optimizers with epochs.
STOCHASTIC_SOLVERS = tuple(OPTIMIZERS)

#: The named choices of each parameter that has some.
CHOICES: dict[str, list[str]] = {
    name: rule.options
    for name, keyword in ALL.items()
    for rule in keyword.constraint
    if isinstance(rule, OneOf) and name != "loss"
}

#: Other libraries' names, for the hints only.
OTHER_NAMES = {
    "swish": "silu", "linear": "identity", "mse": "squared_error", "mae": "absolute_error", "l-bfgs": "lbfgs",
    "pinball": "quantile", "cross_entropy": "log_loss",
}  # fmt: skip


def is_stochastic(mlp: MLP) -> bool:
    """Whether the solver goes over the rows in epochs."""
    return isinstance(mlp.solver, Optimizer) or mlp.solver in STOCHASTIC_SOLVERS


def check_together(mlp: MLP) -> None:
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
        defaults = inspect.signature(type(mlp)).parameters
        for name in names("steps_only"):
            value = getattr(mlp, name)
            if value is not None and value != defaults[name].default:
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
