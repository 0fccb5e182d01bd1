"""Functions that formulas are written with: how they are computed and how they look."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.derive.expression import Expr
from chainrule.derive.terms import Call, Function
from chainrule.reference import functions

LARGEST_EXPONENT = 700.0  # e^700 is finite, so that a formula written with e^net does not become inf/inf


def _exp(x: Any) -> Any:
    return np.exp(np.where(np.real(x) > LARGEST_EXPONENT, LARGEST_EXPONENT, x))


def _abs(x: Any) -> Any:
    return np.where(np.real(x) < 0, -x, x)


def _sign(x: Any) -> Any:
    return np.sign(np.real(x))


COMPUTE: dict[str, Callable[[Any], Any]] = {
    "exp": _exp,
    "log": np.log,
    "log1p": functions.log1p,
    "cos": np.cos,
    "sin": np.sin,
    "tanh": np.tanh,
    "cosh": np.cosh,
    "sqrt": np.sqrt,
    "abs": _abs,
    "sign": _sign,
    "sigmoid": functions.sigmoid,
    "softplus": functions.softplus,
    "normal_cdf": functions.normal_cdf,
    "normal_density": functions.normal_density,
}


def call(name: str, argument: Expr) -> Expr:
    """Apply a function by its name."""
    return Call(Function(name, COMPUTE[name]), argument)


def exp(argument: Expr) -> Expr:
    """Write e^argument."""
    return call("exp", argument)


def log(argument: Expr) -> Expr:
    """Write the natural logarithm."""
    return call("log", argument)
