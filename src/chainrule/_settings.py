"""Checks of settings that are single numbers: what was given, what was expected."""

import difflib
import math
import numbers
import operator
from collections.abc import Collection
from functools import cache
from typing import Any


def real_number(name: str, value: Any, interval: str) -> float:
    """Return a setting as a float.

    Parameters
    ----------
    name : str
        The setting's, for the message.
    value : Any
        What was given.
    interval : str
        Where it must lie, written as in mathematics: "[0, 1)" has 0 and not 1. Infinity is never allowed.

    Raises
    ------
    TypeError
        For anything else than a real number.
    ValueError
        For a number outside.

    Examples
    --------
    >>> real_number("momentum", 0.9, "[0, 1)")
    0.9
    """
    if type(value) is not float and (not isinstance(value, numbers.Real) or isinstance(value, bool)):
        raise TypeError(f"{name} is {value!r}; expected a number in {interval}")
    number = float(value)
    lowest, highest = _bounds(interval)
    inside = lowest < number < highest or (
        (number == lowest and interval[0] == "[") or (number == highest and interval[-1] == "]")
    )
    if not (inside and math.isfinite(number)):
        raise ValueError(f"{name} is {value!r}; expected a finite number in {interval}")
    return number


@cache
def _bounds(interval: str) -> tuple[float, float]:
    lowest, highest = map(float, interval[1:-1].split(","))
    return lowest, highest


def whole_number(name: str, value: Any, lowest: int) -> int:
    """Return a setting as an int.

    Raises TypeError for anything else than a whole number, ValueError for one below `lowest`.

    Examples
    --------
    >>> whole_number("epochs", 10, 1)
    10
    """
    try:
        if isinstance(value, bool):
            raise TypeError
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} is {value!r}; expected a whole number of at least {lowest}") from None
    if number < lowest:
        raise ValueError(f"{name} is {value!r}; expected a whole number of at least {lowest}")
    return number


def flag(name: str, value: Any) -> bool:
    """Return a setting as a bool; TypeError for anything but True and False, NumPy's included."""
    if type(value).__name__ not in ("bool", "bool_"):
        raise TypeError(f"{name} is {value!r}; expected True or False")
    return bool(value)


def named_choice(name: str, value: Any, choices: Collection[str]) -> str:
    """Return a setting that is one of several names.

    Raises ValueError, with a suggestion, for anything else.

    Examples
    --------
    >>> named_choice("kind", "matrix", ["matrix", "histogram"])
    'matrix'
    """
    if isinstance(value, str) and value in choices:
        return value
    close = difflib.get_close_matches(str(value).lower(), choices, n=1, cutoff=0.5)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    raise ValueError(f"{name} is {value!r}; expected one of: {', '.join(map(repr, choices))}{hint}")
