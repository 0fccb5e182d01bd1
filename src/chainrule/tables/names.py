"""Names of columns: found whatever blanks surround them and whichever Unicode form they have."""

import unicodedata
from collections.abc import Iterable
from typing import Any

from chainrule._words import did_you_mean, listed


def tidy(name: Any) -> str:
    r"""Return a name as text, composed (NFC) and without blanks around it.

    Examples
    --------
    >>> tidy(" income"), tidy(2), tidy("Gro\u0308\u00dfe") == "Gr\u00f6\u00dfe"
    ('income', '2', True)
    """
    text = str(name).strip()
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def no_such(name: str, known: Iterable[str], use: str) -> str:
    """Return the message for a column that a table does not have.

    Examples
    --------
    >>> no_such("prise", ["price", "rooms"], "to ignore")
    "the table has no column 'prise' to ignore, expected one of 'price', 'rooms'; did you mean 'price'?"
    """
    known = list(known)
    if not known:
        return f"the table has no column {name!r} {use}: it has no columns"
    hint = did_you_mean(name, known)
    text = f"the table has no column {name!r} {use}, expected one of {listed(known, 20)}"
    return text + (f"; {hint}" if hint else "")


def are_numbers(names: Iterable[str]) -> bool:
    """Whether all names are numbers, as the values of a first row are where a file has no names."""
    names = [name for name in names if name]
    return bool(names) and all(_is_number(name) for name in names)


def _is_number(name: str) -> bool:
    try:
        float(name.replace(",", "."))
    except ValueError:
        return False
    return True
