"""JSON that anybody may have written, read within bounds: in linear time, without deep recursion."""

import json
import math
from typing import Any

#: Of a file's header. safetensors allows 100 MB, whose objects would fill gigabytes of memory.
MAX_BYTES = 32 * 2**20
#: Of the numbers, texts, lists and objects in it: a table of 300,000 columns has about a million.
MAX_VALUES = 2**21
#: Lists and objects in each other; ours have about ten.
MAX_DEPTH = 64


def parse(text: str) -> Any:
    """Return what JSON text says.

    Parameters
    ----------
    text : str
        A header, or the entry in it.

    Returns
    -------
    dict, list, str, int, float, bool or None

    Raises
    ------
    ValueError
        Where it is no JSON, has two entries of one name, numbers that are not finite, text that is no
        Unicode, or more than the bounds allow. The message says what "it" does.

    Examples
    --------
    >>> parse('{"sizes": [2, 1]}')
    {'sizes': [2, 1]}
    >>> parse('{"sizes": [2, 1], "sizes": [3, 1]}')
    Traceback (most recent call last):
    ...
    ValueError: it has two entries of the name 'sizes'
    """
    check_bounds(text)
    try:
        value = json.loads(
            text, object_pairs_hook=_unique, parse_constant=_finite, parse_float=_finite
        )  # NaN and Infinity are no JSON; Python's reader takes them
    except RecursionError:
        raise ValueError(f"it has more than {MAX_DEPTH} lists and objects in each other") from None
    _check_depth(value)
    if "\\u" in text:  # half of a surrogate pair fails wherever it is written
        json.dumps(value, ensure_ascii=False).encode()
    return value


def check_bounds(text: str) -> None:
    """Raise ValueError for JSON text that is longer, or has more values, than `parse` takes."""
    if len(text) > MAX_BYTES:
        raise ValueError(f"it has {len(text):,} characters, more than {MAX_BYTES:,}")
    n_values = sum(map(text.count, ",[{"))  # no fewer than that, and close to it
    if n_values > MAX_VALUES:
        raise ValueError(f"it has {n_values:,} values, more than {MAX_VALUES:,}")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise ValueError(f"it has two entries of the name {twice!r}")
    return found


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"it has the number {text[:40]}, expected finite ones")
    return number


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            part
            for one in level
            if isinstance(one, dict | list)
            for part in (one.values() if isinstance(one, dict) else one)
        ]
        if not level:
            return
    raise ValueError(f"it has more than {MAX_DEPTH} lists and objects in each other")
