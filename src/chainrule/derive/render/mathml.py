"""Formulas as Presentation MathML (the Core subset that browsers render).

A symbol is wrapped in an <mrow data-symbol="KEY">, so that a page can light it up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields
from html import escape

from chainrule.derive import layout as lo
from chainrule.derive.expression import Expr, Floats

ACCENTS = {"hat": "^", "bar": "¯"}


def mathml(expression: Expr) -> str:
    """Write an expression as MathML, without the <math> around it."""
    return render(lo.Layout().box(expression))


def math(fragment: str, *, block: bool = True) -> str:
    """Put <math> around a fragment."""
    display = ' display="block"' if block else ""
    return f'<math xmlns="http://www.w3.org/1998/Math/MathML"{display}>{fragment}</math>'


def render(box: lo.Box) -> str:
    """Write a box as one MathML element."""
    match box:
        case lo.Ident(name):
            return f"<mi>{escape(name)}</mi>"
        case lo.Num(name):
            return _number(name)
        case lo.Op():
            return _operator(box)
        case lo.Row(items):
            return _row("".join(map(render, items)))
        case lo.Marked(key, body):
            return f'<mrow data-symbol="{escape(key)}">{render(body)}</mrow>'
        case lo.Accent(body, accent):
            return f'<mover accent="true">{render(body)}<mo stretchy="false">{ACCENTS[accent]}</mo></mover>'
        case lo.Script(base, below, above):
            return _script(base, below, above)
        case lo.Frac(above, below):
            return f"<mfrac>{render(above)}{render(below)}</mfrac>"
        case lo.Exp(exponent):
            return f"<msup><mi>e</mi>{render(exponent)}</msup>"
        case lo.Fence(left, body, right):
            grows = "" if _tall(body) else ' stretchy="false"'  # what grows stands apart in browsers
            opening = f'<mo fence="true" form="prefix"{grows}>{escape(left)}</mo>'
            closing = f'<mo fence="true" form="postfix"{grows}>{escape(right)}</mo>'
            return _row(opening + render(body) + closing)
        case lo.Apply(lo.Ident("√"), argument):
            return f"<msqrt>{render(argument)}</msqrt>"
        case lo.Apply(name, argument):
            return _row(render(name) + "<mo>\u2061</mo>" + render(lo.fenced(argument)))
        case lo.Piecewise(rows):
            cells = "".join(f"<mtr><mtd>{render(v)}</mtd><mtd>{render(c)}</mtd></mtr>" for v, c in rows)
            table = f'<mtable columnalign="left left">{cells}</mtable>'
            return _row('<mo fence="true" form="prefix" stretchy="true">{</mo>' + table)
        case lo.Diagonal(first, last, _):
            return _diagonal(first, last)
        case lo.Big(below, above, body):
            sign = '<mo movablelimits="false" largeop="true">∑</mo>'
            if above is None:
                return _row(f"<munder>{sign}{render(below)}</munder>{render(body)}")
            return _row(f"<munderover>{sign}{render(below)}{render(above)}</munderover>{render(body)}")
    raise TypeError(f"no MathML for {type(box).__name__}")


def _tall(box: lo.Box) -> bool:
    """Whether brackets around a box must grow."""
    if isinstance(box, lo.Frac | lo.Piecewise | lo.Diagonal | lo.Big):
        return True
    return any(_tall(part) for part in _parts(box))


def _parts(box: lo.Box) -> Iterator[lo.Box]:
    for field in fields(box):
        value = getattr(box, field.name)
        yield from (
            part for part in (value if isinstance(value, tuple) else (value,)) if isinstance(part, lo.Box)
        )


def _number(digits: str) -> str:
    above, stroke, below = digits.partition("/")
    if not stroke:
        return f"<mn>{escape(digits)}</mn>"
    return f'<mfrac displaystyle="false"><mn>{escape(above)}</mn><mn>{escape(below)}</mn></mfrac>'


def _row(content: str) -> str:
    return f"<mrow>{content}</mrow>"


def _operator(box: lo.Op) -> str:
    sign = escape(box.text)
    if box.form == "prefix":
        return f'<mo form="prefix" lspace="0" rspace="0">{sign}</mo>'
    if box.form == "separator":
        return f'<mo separator="true">{sign}</mo>'
    if box.text == "\u2062":
        return '<mspace width="0.2em"></mspace>'
    return f"<mo>{sign}</mo>"


def _script(base: lo.Box, below: lo.Box | None, above: lo.Box | None) -> str:
    if below is not None and above is not None:
        return f"<msubsup>{render(base)}{render(below)}{render(above)}</msubsup>"
    if below is not None:
        return f"<msub>{render(base)}{render(below)}</msub>"
    if above is not None:
        return f"<msup>{render(base)}{render(above)}</msup>"
    return render(base)


def _diagonal(first: lo.Box, last: lo.Box | None) -> str:
    blank = "<mtd></mtd>"
    if last is None:
        cells = f"<mtr><mtd>{render(first)}</mtd></mtr>"
    else:
        rows = (
            f"<mtd>{render(first)}</mtd>{blank}{blank}",
            f"{blank}<mtd><mo>⋱</mo></mtd>{blank}",
            f"{blank}{blank}<mtd>{render(last)}</mtd>",
        )
        cells = "".join(f"<mtr>{row}</mtr>" for row in rows)
    return _bracketed(f"<mtable>{cells}</mtable>")


def _bracketed(content: str) -> str:
    opening, closing = (
        f'<mo fence="true" form="{form}" stretchy="true">{sign}</mo>'
        for form, sign in (("prefix", "["), ("postfix", "]"))
    )
    return _row(opening + content + closing)


def matrix(array: Floats, number: Callable[[float], str], most_rows: int = 99, most_columns: int = 99) -> str:
    """Write numbers between brackets, the first rows and columns of many; a single number as it is.

    Examples
    --------
    >>> import numpy as np
    >>> matrix(np.array([[0.5]]), str)
    '<mn>0.5</mn>'
    """
    cells = [[f"<mn>{number(value + 0.0)}</mn>" for value in row[:most_columns]] for row in array[:most_rows]]
    if array.size == 1:
        return cells[0][0]
    for row in cells:
        row += ["<mo>⋯</mo>"] * (array.shape[1] > most_columns)
    cells += [["<mo>⋮</mo>"]] * (len(array) > most_rows)
    rows = ("".join(f"<mtd>{cell}</mtd>" for cell in row) for row in cells)
    return _bracketed("<mtable>" + "".join(f"<mtr>{row}</mtr>" for row in rows) + "</mtable>")
