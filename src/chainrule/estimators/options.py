"""What the estimators' parameters may be, and what to say when they are something else."""

import difflib
import operator
import os
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.callback import FitCallback
from sklearn.utils._param_validation import Interval, Options, StrOptions

from chainrule import _engine

OUTPUT_ONLY = {"softmax", "exp"}
STOCHASTIC_SOLVERS = ("sgd", "adam")

#: The named choices. "logistic" is scikit-learn's name for sigmoid.
CHOICES: dict[str, list[str]] = {
    "activation": ["logistic", *(name for name in _engine.activations() if name not in OUTPUT_ONLY)],
    "solver": ["lbfgs", *STOCHASTIC_SOLVERS],
    "batch_size": ["auto"],
    "verbose": ["progress"],
    "class_weight": ["balanced"],
    "learning_rate": ["constant", "invscaling", "adaptive"],
    "loss": ["squared_error", "poisson"],
}

#: Other libraries' names, for the hints only.
OTHER_NAMES = {"swish": "silu", "linear": "identity", "mse": "squared_error", "l-bfgs": "lbfgs"}

CONSTRAINTS: dict[str, list[Any]] = {
    "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
    "activation": [StrOptions(set(CHOICES["activation"]))],
    "solver": [StrOptions(set(CHOICES["solver"]))],
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
}

CLASS_WEIGHT: list[Any] = [StrOptions({"balanced"}), dict, list, None]


def hint(message: str, parameters: dict[str, Any]) -> str:
    """Return " Did you mean ...?" for a message about a named choice that was misspelt, else "".

    Examples
    --------
    >>> hint("The 'solver' parameter of MLPClassifier must be ...", {"solver": "adm"})
    " Did you mean 'adam'?"
    """
    for name, choices in CHOICES.items():
        value = parameters.get(name)
        if isinstance(value, str) and message.startswith(f"The {name!r} parameter"):
            known = OTHER_NAMES.get(value.lower(), value.lower())
            close = difflib.get_close_matches(known, choices, n=1)
            if close:
                return f" Did you mean {close[0]!r}?"
    return ""


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
