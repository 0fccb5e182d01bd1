"""Python's values as C99 text: numbers, arrays, strings, names, comments."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

WIDTH = 100

#: Keywords of C, to C23, and of C++, to C++26.
KEYWORDS = """
    auto break case char const continue default do double else enum extern float for goto if inline int long
    register restrict return short signed sizeof static struct switch typedef union unsigned void volatile
    while alignas alignof bool complex constexpr false imaginary noreturn nullptr static_assert thread_local
    true typeof typeof_unqual

    and and_eq asm atomic_cancel atomic_commit atomic_noexcept bitand bitor catch char16_t char32_t char8_t
    class co_await co_return co_yield compl concept const_cast consteval constinit contract_assert decltype
    delete dynamic_cast explicit export friend mutable namespace new noexcept not not_eq operator or or_eq
    private protected public reflexpr reinterpret_cast requires static_cast synchronized template this throw
    try typeid typename using virtual wchar_t xor xor_eq
"""

#: Macros of <math.h>, <string.h> and what they include, and those that compilers define by themselves.
MACROS = """
    BIG_ENDIAN BYTE_ORDER DOMAIN EXIT_FAILURE EXIT_SUCCESS FD_SETSIZE HUGE INFINITY LITTLE_ENDIAN
    MATH_ERREXCEPT MATH_ERRNO MAXFLOAT MB_CUR_MAX MSDOS NAN NFDBITS NULL OVERFLOW PDP_ENDIAN PLOSS RAND_MAX
    SING TLOSS UNDERFLOW WCONTINUED WEXITED WIN32 WIN64 WINNT WNOHANG WNOWAIT WSTOPPED WUNTRACED X_TLOSS
    arm errno hppa hpux i386 isnan linux m68k main math_errhandling mips pdp11 sgi sparc sun unix vax
"""
RESERVED = frozenset([*KEYWORDS.split(), *MACROS.split()])

#: Groups of such macros: M_PI and M_PIf32x, FP_NAN, HUGE_VALF, SNANL.
MACRO_GROUPS = re.compile(
    r"M_(E|LOG2E|LOG10E|LN2|LN10|PI|PI_2|PI_4|1_PI|2_PI|2_SQRTPI|SQRT2|SQRT1_2)([fl]|f\d+x?)?"
    r"|FP_(NAN|INFINITE|ZERO|NORMAL|SUBNORMAL|FAST_\w+|INT_\w+|I?L?LOGB(0|NAN))|(HUGE_VAL|SNAN)\w*"
)


def number(value: Any, dtype: np.dtype[Any]) -> str:
    """Write the shortest decimal that reads back as the same bits.

    Examples
    --------
    >>> number(0.1, np.dtype("float32")), number(-2, np.dtype("float64"))
    ('0.1f', '-2.0')
    """
    return next(numbers(np.asarray(value), dtype))


def numbers(values: NDArray[Any], dtype: np.dtype[Any]) -> Iterator[str]:
    """Write numbers one by one; ValueError for one that is too large for the dtype."""
    flat = np.ravel(values)
    with np.errstate(over="ignore"):
        converted = flat.astype(dtype)
    if not np.isfinite(converted).all():
        worst = flat[np.argmax(~np.isfinite(converted))]
        raise ValueError(f"{worst:g} is too large for {dtype}; keep float64")
    suffix = "f" if dtype.itemsize == 4 else ""
    return (f"{value!s}{suffix}" for value in converted)


def c_type(dtype: np.dtype[Any]) -> str:
    """Return C's name of float32 or float64."""
    return "float" if dtype.itemsize == 4 else "double"


def array(name: str, values: NDArray[Any], dtype: np.dtype[Any], comment: str = "") -> str:
    """Write a constant array; its numbers read back as the same bits."""
    lines = wrap(f"{text}," for text in numbers(values, dtype))
    shape = " * ".join(map(str, np.shape(values)))
    head = f"/* {comment} */\n" if comment else ""
    return f"{head}static const {c_type(dtype)} {name}[{shape}] = {{\n{lines}\n}};\n"


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
    """Make a name that C and C++ accept, and that no macro replaces.

    Examples
    --------
    >>> identifier("house price (€)"), identifier("2nd"), identifier("class")
    ('house_price', 'x2nd', 'class_')
    """
    name = beginning(text, fallback)
    return f"{name}_" if name in RESERVED or MACRO_GROUPS.fullmatch(name) else name


def beginning(text: str, fallback: str) -> str:
    """Make what a longer name can begin with."""
    name = re.sub(r"\W+", "_", text, flags=re.ASCII).strip("_")
    if not name:
        return fallback
    return f"x{name}" if name[0].isdigit() else name


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
