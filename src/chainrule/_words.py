"""How names and numbers are put into messages."""

import difflib
import functools
import inspect
from collections.abc import Callable, Iterable
from typing import NoReturn, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


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


def hinted_by(
    refuse: Callable[[type, str, str, list[str]], NoReturn],
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Return a decorator that lets a method refuse keywords that it does not have.

    `refuse` is given the class, the method's name, the keyword and those that there are, and raises a
    TypeError that says what is meant.
    """

    def hinted(method: Callable[P, R]) -> Callable[P, R]:
        known = inspect.signature(method).parameters

        @functools.wraps(method)
        def called(*args: P.args, **given: P.kwargs) -> R:
            for name in given:
                if name not in known:
                    refuse(type(args[0]), method.__name__, name, list(known))
            return method(*args, **given)

        return called

    return hinted


def listed(names: Iterable[object], limit: int = 8) -> str:
    """Return names for a message, at most `limit` of them, and of long ones both ends.

    Examples
    --------
    >>> listed(["a", "b", "c"], limit=2)
    "'a', 'b' and 1 more"
    """
    names = list(names)
    text = ", ".join(shortened(repr(name)) for name in names[:limit])
    return text if len(names) <= limit else f"{text} and {len(names) - limit:,} more"


def shortened(text: str, limit: int = 100) -> str:
    """Return both ends of a text that is longer than a message should be.

    Examples
    --------
    >>> shortened("'abcdefghijklmnopqrstuvwxyz'", limit=15)
    "'abcde...uvwxyz'"
    """
    half = (limit - 3) // 2
    return text if len(text) <= limit else f"{text[:half]}...{text[len(text) - half - 1 :]}"


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
