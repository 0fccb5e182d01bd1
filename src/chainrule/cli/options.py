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


def check_activation(name: str, option: str) -> str:
    """Return the name of an activation for hidden layers; BadParameter for another."""
    from chainrule import _engine

    return check_name(
        name, [n for n in _engine.activations() if n not in ("softmax", "exp", "ordered")], option
    )


#: Options that are not called as their parameter is.
OPTIONS = {
    "hidden_layer_sizes": "--hidden",
    "random_state": "--seed",
    "n_threads": "--threads",
    "header": "--no-header",
    "sample_weight": "--weight",
    "day_first": "--day-first",
    "n_folds": "--folds",
}


def option_of(parameter: str) -> str:
    """Return the option that sets a parameter of `TableModel.fit`.

    Examples
    --------
    >>> option_of("random_state"), option_of("batch_size")
    ('--seed', '--batch-size')
    """
    return OPTIONS.get(parameter, "--" + parameter.replace("_", "-"))


def check_memory(sizes: Sequence[int], dtype: str, option: str) -> None:
    """Raise BadParameter for a network that this machine cannot train."""
    from chainrule.table_models.training import check_memory
    from chainrule.tables.errors import TrainingError

    try:
        check_memory(sizes, dtype)
    except TrainingError as error:
        raise typer.BadParameter(str(error), param_hint=f"'{option}'") from None
