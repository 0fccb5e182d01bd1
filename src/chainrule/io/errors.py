"""What can be wrong with a file or a table, and how names are listed in messages."""

import difflib
from collections.abc import Iterable


class ModelFileError(ValueError):
    """A file that is no model, is damaged, or was written by a newer version."""


class TableError(ValueError):
    """A table that cannot be read, or does not have what was asked of it."""


class TableWarning(UserWarning):
    """Something in a table that a model had to make do with."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return "did you mean 'x'?", or "" where nothing is close.

    Examples
    --------
    >>> did_you_mean("prise", ["price", "rooms"])
    "did you mean 'price'?"
    """
    by_lower = {other.lower(): other for other in known}
    close = difflib.get_close_matches(name.lower().strip(), by_lower, n=1)
    return f"did you mean {by_lower[close[0]]!r}?" if close else ""


def listed(names: Iterable[object], limit: int = 8) -> str:
    """Return names for a message, at most `limit` of them.

    Examples
    --------
    >>> listed(["a", "b", "c"], limit=2)
    "'a', 'b' and 1 more"
    """
    names = list(names)
    text = ", ".join(repr(name) for name in names[:limit])
    return text if len(names) <= limit else f"{text} and {len(names) - limit:,} more"


def counted(n: int, noun: str) -> str:
    """Return a number with its noun.

    Examples
    --------
    >>> counted(1, "row"), counted(1200, "row"), counted(2, "category")
    ('1 row', '1,200 rows', '2 categories')
    """
    if n == 1:
        return f"1 {noun}"
    return f"{n:,} {noun[:-1]}ies" if noun.endswith("ry") else f"{n:,} {noun}s"


class TrainingError(ValueError):
    """Training that came to nothing."""


class ParameterError(ValueError):
    """A parameter of the network that no estimator has, or with a value that it cannot have."""
