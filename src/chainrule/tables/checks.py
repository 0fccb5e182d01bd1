"""Values of parameters, checked alike for Python and for the command line."""

import numbers
from collections.abc import Iterable, Sequence
from typing import Any

from chainrule._words import did_you_mean
from chainrule.tables.errors import ParameterError


def one_of(name: str, value: Any, known: Sequence[str]) -> Any:
    """Return a value that is among the known ones.

    Raises
    ------
    ParameterError
        For another, with the nearest.

    Examples
    --------
    >>> one_of("dtype", "float32", ["float32", "float64"])
    'float32'
    """
    if isinstance(value, str) and value in known:
        return value
    hint = did_you_mean(str(value), known)
    raise ParameterError(
        f"got {value!r}, expected one of {', '.join(known)}" + (f"; {hint}" if hint else ""), name
    )


def share(name: str, value: Any) -> float:
    """Return a share of the rows, in [0, 1); raise ParameterError for anything else."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or not 0 <= float(value) < 1:
        raise ParameterError(
            f"got {_shown(value)}, expected a share of the rows, at least 0 and less than 1", name
        )
    return float(value)


def positive(name: str, value: Any, *, or_zero: bool = False) -> Any:
    """Return a finite number above zero, or zero where allowed; raise ParameterError for anything else."""
    real = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not (real and (0 < value < float("inf") or (or_zero and value == 0))):
        expected = "zero or a positive number" if or_zero else "a positive number"
        raise ParameterError(f"got {_shown(value)}, expected {expected}", name)
    return value


def whole(name: str, value: Any, *, least: int = 1) -> int:
    """Return a whole number of at least `least`; raise ParameterError for anything else."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or int(value) < least:
        raise ParameterError(f"got {_shown(value)}, expected a whole number, at least {least}", name)
    return int(value)


def sizes(name: str, value: Any) -> tuple[int, ...]:
    """Return widths of layers as a tuple; one number is one layer.

    Raises
    ------
    ParameterError
        For anything but positive whole numbers.

    Examples
    --------
    >>> sizes("hidden_layer_sizes", 64), sizes("hidden_layer_sizes", [64, 32])
    ((64,), (64, 32))
    """
    widths = list(value) if isinstance(value, Iterable) and not isinstance(value, str) else [value]
    whole_numbers = all(
        isinstance(n, numbers.Integral) and not isinstance(n, bool) and int(n) > 0 for n in widths
    )
    if not whole_numbers:
        raise ParameterError(f"got {value!r}, expected positive whole numbers such as (128, 64)", name)
    return tuple(int(n) for n in widths)


def names(name: str, value: Any) -> list[str]:
    """Return one column's name or several as a list of texts.

    Raises
    ------
    ParameterError
        For what is no name.

    Examples
    --------
    >>> names("ignore", "id"), names("ignore", ["id", 3])
    (['id'], ['id', '3'])
    """
    if value is None:
        return []
    if isinstance(value, str) or not isinstance(value, Iterable):
        value = [value]
    return [str(one) for one in value]


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else repr(value)
