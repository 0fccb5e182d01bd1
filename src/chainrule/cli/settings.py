"""`--set NAME=VALUE`: further parameters of the estimators, written as in Python or JSON."""

import ast
import json
from collections.abc import Sequence
from typing import Any

import typer

#: Parameters that have an option of their own.
OPTIONS = {
    "hidden_layer_sizes": "--hidden",
    "activation": "--activation",
    "max_iter": "--epochs",
    "epochs": "--epochs",
    "patience": "--patience",
    "n_iter_no_change": "--patience",
    "batch_size": "--batch-size",
    "learning_rate": "--learning-rate",
    "learning_rate_init": "--learning-rate",
    "alpha": "--l2",
    "l2": "--l2",
    "validation_fraction": "--validation-fraction",
    "random_state": "--seed",
    "n_threads": "--threads",
    "verbose": "--quiet",
    "checkpoint": "--checkpoint",
    "preset": "--preset",
    "time_budget": "--time-budget",
    "n_folds": "--folds",
}


def parse_settings(texts: Sequence[str]) -> dict[str, Any]:
    """Return parameters from texts "name=value"; BadParameter for what no estimator has.

    Examples
    --------
    >>> parse_settings(["dropout=0.1", "solver=adamw", "max_time=none", "class_weight={'yes': 5}"])
    {'dropout': 0.1, 'solver': 'adamw', 'max_time': None, 'class_weight': {'yes': 5}}
    >>> parse_settings(["loss=Huber(delta=2.0)"])
    {'loss': Huber(delta=2.0)}
    """
    from chainrule.table_models.network_parameters import check_parameter
    from chainrule.tables.errors import ParameterError

    found: dict[str, Any] = {}
    for text in texts:
        name, equals, value = (part.strip() for part in text.partition("="))
        name = name.replace("-", "_")
        if not (name and equals and value):
            raise _bad(f"got {text!r}, expected NAME=VALUE such as dropout=0.1")
        if name in OPTIONS:
            raise _bad(f"{name!r} has an option of its own, {OPTIONS[name]}")
        if name in found:
            raise _bad(f"got {name!r} twice")
        try:
            check_parameter(name, aside=OPTIONS)
        except ParameterError as error:
            raise _bad(str(error)) from None
        found[name] = parse_value(name, value)
    return found


def parse_value(name: str, text: str) -> Any:
    """Return a number, a list, a dictionary, true, false, none, a setting with settings of its own, or text.

    Examples
    --------
    >>> [parse_value("x", text) for text in ("1e-3", "true", "None", "[0.1, 0.2]", "10 min", "adam")]
    [0.001, True, None, [0.1, 0.2], '10 min', 'adam']
    """
    if text.lower() in ("true", "false", "none", "null"):
        return {"true": True, "false": False}.get(text.lower())
    for read in (json.loads, ast.literal_eval):
        try:
            return read(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            pass
    return _object(name, text) if text.endswith(")") else text


def _object(name: str, text: str) -> Any:
    """Make an optimizer, schedule or loss from its class's name and its settings."""
    from chainrule.optimizers import OPTIMIZERS
    from chainrule.reference.losses import LOSSES
    from chainrule.training.schedules import SCHEDULES

    homes: dict[str, list[Any]] = {
        "solver": list(OPTIMIZERS.values()),
        "schedule": list(SCHEDULES.values()),
        "loss": [type(loss) for loss in LOSSES.values()],
    }
    known = {one.__name__: one for one in homes.get(name, [])}
    by_lower = {one.lower(): made for one, made in known.items()}
    by_lower |= {one.lower().removesuffix("schedule"): made for one, made in known.items()}
    try:
        call = ast.parse(text, mode="eval").body
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name)):
            raise SyntaxError
        made = by_lower.get(call.func.id.lower().replace("_", ""))
        if made is None:
            raise SyntaxError
        positional = [ast.literal_eval(argument) for argument in call.args]
        named = {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in call.keywords}
    except (SyntaxError, ValueError):
        classes = f", or one of {', '.join(known)} with settings" if known else ""
        raise _bad(f"{name} is {text!r}, expected a number, a name, a list{classes}") from None
    try:
        return made(*positional, **named)
    except (TypeError, ValueError) as error:
        raise _bad(f"{name}={text}: {error}") from None


def _bad(message: str) -> typer.BadParameter:
    return typer.BadParameter(message, param_hint="'--set'")
