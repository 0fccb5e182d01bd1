"""Options that need more than a type: lists of sizes, names, fractions."""

import difflib
from collections.abc import Iterable, Sequence

import typer


def parse_sizes(text: str, option: str, separator: str = ",") -> list[int]:
    """Return positive whole numbers; BadParameter for anything else.

    Examples
    --------
    >>> parse_sizes("100,50", "--hidden")
    [100, 50]
    """
    parts = [part.strip() for part in text.split(separator)]
    if not all(part.isascii() and part.isdigit() and 0 < len(part) < 30 and int(part) for part in parts):
        example = separator.join(("128", "64"))
        raise typer.BadParameter(
            f"got {text!r}, expected positive whole numbers such as {example}", param_hint=f"'{option}'"
        )
    return [int(part) for part in parts]


def check_name(name: str, known: Iterable[str], option: str) -> str:
    """Return a name that is among the known ones; BadParameter with a hint for another."""
    known = list(known)
    if name in known:
        return name
    close = difflib.get_close_matches(name.lower(), known, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    raise typer.BadParameter(
        f"got {name!r}, expected one of {', '.join(known)}{hint}", param_hint=f"'{option}'"
    )


def check_fraction(value: float, option: str) -> float:
    """Return a number in [0, 1); BadParameter for another."""
    if not 0 <= value < 1:
        raise typer.BadParameter(
            f"got {value:g}, expected a share of the rows, at least 0 and less than 1",
            param_hint=f"'{option}'",
        )
    return value


def check_positive(value: float, option: str, *, or_zero: bool = False) -> float:
    """Return a finite number above zero, or zero where allowed; BadParameter for another."""
    if not (0 < value < float("inf") or (or_zero and value == 0)):
        expected = "zero or a positive number" if or_zero else "a positive number"
        raise typer.BadParameter(f"got {value:g}, expected {expected}", param_hint=f"'{option}'")
    return value


def check_activation(name: str, option: str) -> str:
    """Return the name of an activation for hidden layers; BadParameter for another."""
    from chainrule import _engine

    return check_name(
        name, [n for n in _engine.activations() if n not in ("softmax", "exp", "ordered")], option
    )


def check_activations(text: str, n_layers: int, option: str) -> str | list[str]:
    """Return one name, or a list with one per hidden layer of names separated by commas."""
    names = [check_activation(name.strip(), option) for name in text.split(",")]
    if len(names) == 1:
        return names[0]
    if len(names) != n_layers:
        raise typer.BadParameter(
            f"got {len(names)} names, expected one for all or one for each of {n_layers} hidden layers",
            param_hint=f"'{option}'",
        )
    return names


def check_memory(sizes: Sequence[int], dtype: str, option: str) -> None:
    """Raise BadParameter for a network that this machine cannot train."""
    from chainrule.tables.errors import TrainingError
    from chainrule.tables.training import check_memory

    try:
        check_memory(sizes, dtype)
    except TrainingError as error:
        raise typer.BadParameter(str(error), param_hint=f"'{option}'") from None
