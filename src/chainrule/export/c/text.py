"""Python's values as C99 text: numbers, arrays, strings, names, comments."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

WIDTH = 100

#: C99's keywords, and what <math.h> defines and the generated code uses.
RESERVED = frozenset((
    "auto", "break", "case", "char", "const", "continue", "default", "do", "double", "else", "enum", "extern",
    "float", "for", "goto", "if", "inline", "int", "long", "register", "restrict", "return", "short",
    "signed", "sizeof", "static", "struct", "switch", "typedef", "union", "unsigned", "void", "volatile",
    "while", "_Bool", "_Complex", "_Imaginary", "main", "NAN", "INFINITY", "NULL", "isnan",
))  # fmt: skip


def number(value: Any, dtype: np.dtype[Any]) -> str:
    """Write the shortest decimal that reads back as the same bits.

    Examples
    --------
    >>> number(0.1, np.dtype("float32")), number(-2, np.dtype("float64"))
    ('0.1f', '-2.0')
    """
    text = str(dtype.type(value))
    return text + "f" if dtype.itemsize == 4 else text


def array(name: str, values: NDArray[Any], comment: str = "") -> str:
    """Write a constant array; its numbers read back as the same bits."""
    flat = np.ravel(values)
    suffix = "f" if flat.dtype.itemsize == 4 else ""
    ctype = "float" if suffix else "double"
    lines = wrap(f"{value!s}{suffix}," for value in flat)
    shape = " * ".join(map(str, np.shape(values)))
    head = f"/* {comment} */\n" if comment else ""
    return f"{head}static const {ctype} {name}[{shape}] = {{\n{lines}\n}};\n"


def wrap(words: Iterable[str], indent: str = "    ") -> str:
    """Fill lines with words."""
    lines: list[str] = []
    line: list[str] = []
    length = len(indent)
    for word in words:
        if line and length + len(word) + 1 > WIDTH:
            lines.append(indent + " ".join(line))
            line, length = [], len(indent)
        line.append(word)
        length += len(word) + 1
    return "\n".join([*lines, indent + " ".join(line)])


def string(text: str) -> str:
    r"""Write a string literal of UTF-8 bytes.

    Examples
    --------
    >>> print(string('say "é"'))
    "say \"\303\251\""
    """
    plain = {ord('"'): r"\"", ord("\\"): r"\\", ord("?"): r"\?"}  # two question marks may begin a trigraph
    parts = [
        plain.get(byte, chr(byte) if 32 <= byte < 127 else f"\\{byte:03o}") for byte in text.encode("utf-8")
    ]
    return '"' + "".join(parts) + '"'


def identifier(text: str, fallback: str = "x") -> str:
    """Make a name that C accepts.

    Examples
    --------
    >>> identifier("house price (€)"), identifier("2nd"), identifier("int")
    ('house_price', 'x2nd', 'int_')
    """
    name = re.sub(r"\W+", "_", text, flags=re.ASCII).strip("_")
    if not name:
        return fallback
    if name[0].isdigit():
        name = f"x{name}"
    return f"{name}_" if name in RESERVED else name


def identifiers(texts: Sequence[str]) -> list[str]:
    """Make a different name for each of several texts."""
    names: list[str] = []
    taken: set[str] = set()
    for k, text in enumerate(texts):
        name = base = identifier(text, f"x{k + 1}")
        n = 2
        while name in taken:
            name = f"{base}_{n}"
            n += 1
        taken.add(name)
        names.append(name)
    return names


def comment(lines: Iterable[str]) -> str:
    """Write a comment, whatever the lines hold."""
    safe = [
        _safe(part)
        for line in lines
        for part in (textwrap.wrap(line, WIDTH - 3, subsequent_indent="  ") or [""])
    ]
    return "/* " + "\n".join(f" * {line}".rstrip() for line in safe)[3:] + "\n */\n"


def remark(text: str) -> str:
    """Write a comment at the end of a line."""
    return f"/* {_safe(text)} */"


def _safe(text: str) -> str:
    """Without what would end a comment, or begin one, or join lines."""
    shown = "".join(c if c.isprintable() else " " for c in text)
    shown = shown.replace("*/", "* /").replace("/*", "/ *").replace("??/", "?? /")
    return shown[:-1] + "/" if shown.endswith("\\") else shown
