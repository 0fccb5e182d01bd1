"""Formulas as one line of Unicode text."""

from __future__ import annotations

from chainrule.derive import layout as lo
from chainrule.derive.expression import Expr

SUBSCRIPTS = dict(zip("0123456789+-−()=klnij,", "₀₁₂₃₄₅₆₇₈₉₊₋₋₍₎₌ₖₗₙᵢⱼ,", strict=True))
SUPERSCRIPTS = dict(zip("0123456789+-−()=in⊤′", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁽⁾⁼ⁱⁿᵀ′", strict=True))
ACCENTS = {"hat": "\u0302", "bar": "\u0304"}
COMPOSED = {"y\u0302": "ŷ", "Y\u0302": "Ŷ", "E\u0304": "Ē"}


def text(expression: Expr) -> str:
    """Write an expression in one line of Unicode text."""
    return render(lo.Layout().box(expression))


def render(box: lo.Box) -> str:
    """Write a box in one line."""
    match box:
        case lo.Ident(name) | lo.Num(name):
            return "ᵀ" if name == "⊤" else name
        case lo.Op(sign, form):
            return sign if form == "prefix" else {"\u2062": " ", ",": ","}.get(sign, f" {sign} ")
        case lo.Row(items):
            return "".join(map(render, items))
        case lo.Marked(_, body):
            return render(body)
        case lo.Accent(body, accent):
            accented = render(body) + ACCENTS[accent]
            return COMPOSED.get(accented, accented)
        case lo.Script(base, below, above):
            return render(base) + _script(below, SUBSCRIPTS, "_") + _script(above, SUPERSCRIPTS, "^")
        case lo.Frac():
            return _fraction(box)
        case lo.Exp(exponent):
            return f"exp({render(exponent)})"
        case lo.Fence(left, body, right):
            return f"{left}{render(body)}{right}"
        case lo.Apply(name, argument):
            return f"{render(name)}({render(argument)})"
        case lo.Piecewise(rows):
            return "{ " + "; ".join(f"{render(value)} ({render(when)})" for value, when in rows) + " }"
        case lo.Diagonal(_, _, line):
            return render(line)
        case lo.Big(below, above, body):
            limits = _script(below, SUBSCRIPTS, "_") + (_script(above, SUPERSCRIPTS, "^") if above else "")
            return f"Σ{limits} {render(body)}"
    raise TypeError(f"no text for {type(box).__name__}")


def _script(box: lo.Box | None, alphabet: dict[str, str], mark: str) -> str:
    """Write an index or exponent in small characters, or after a mark where there are none."""
    if box is None:
        return ""
    plain = render(box).replace(" ", "")
    plain = plain.replace("ᵀ", "⊤")
    if all(character in alphabet for character in plain):
        return "".join(alphabet[character] for character in plain)
    return f"{mark}{plain}" if len(plain) == 1 else f"{mark}({plain})"


def _fraction(box: lo.Frac) -> str:
    above, below = render(box.above), render(box.below)
    if box.derivative:
        return f"{above}/{below}"
    whole = f"{_part(box.above, above)}/{_part(box.below, below)}"
    return f"({whole})" if box.factor else whole


def _part(box: lo.Box, written: str) -> str:
    """Put parentheses around a sum or product above or below a stroke."""
    return f"({written})" if isinstance(box, lo.Row) and len(box.items) > 1 else written
