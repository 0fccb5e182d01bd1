r"""Formulas as LaTeX, for amsmath: \pmod and friends are not used, `\begin{cases}` and `bmatrix` are."""

from __future__ import annotations

from chainrule.derive import layout as lo
from chainrule.derive.expression import Expr

NAMES = {
    "δ": r"\delta",
    "Δ": r"\Delta",
    "Φ": r"\Phi",
    "φ": r"\varphi",
    "σ": r"\sigma",
    "λ": r"\lambda",
    "α": r"\alpha",
    "β": r"\beta",
    "γ": r"\gamma",
    "ε": r"\varepsilon",
    "η": r"\eta",
    "τ": r"\tau",
    "κ": r"\kappa",
    "ψ": r"\psi",
    "ω": r"\omega",
    "θ": r"\theta",
    "ξ": r"\xi",
    "2π": r"2\pi ",
    "…": r"\ldots ",
    "cos": r"\cos",
    "sin": r"\sin",
    "∂": r"\partial",
    "⊤": r"\top",
    "√": r"\sqrt",
    "log": r"\log",
    "tanh": r"\tanh",
    "cosh": r"\cosh",
    "𝟏": r"\mathbf{1}",
    "½": r"\tfrac{1}{2}",
    "f′": "f'",
}
SIGNS = {
    "−": "-",
    "∘": r"\circ",
    "·": r"\cdot",
    "\u2062": r"\,",
    "≥": r"\ge",
    "≤": r"\le",
    "←": r"\leftarrow",
    "∂": r"\partial ",
    "′": "'",
    "″": "''",
}
FENCES = {"‖": r"\|", "|": "|", "(": "(", ")": ")", "[": "[", "]": "]"}


def latex(expression: Expr) -> str:
    """Write an expression as LaTeX, for mathematics mode."""
    return render(lo.Layout().box(expression))


def render(box: lo.Box) -> str:
    """Write a box as LaTeX."""
    match box:
        case lo.Ident(name, upright):
            known = NAMES.get(name)
            return known or (rf"\mathrm{{{escape(name)}}}" if upright else escape(name))
        case lo.Num(name):
            return _number(name)
        case lo.Op(sign, form):
            written = SIGNS.get(sign, sign)
            return (
                written
                if form == "prefix" and written != "-"
                else f" {written} "
                if form == "infix"
                else written
            )
        case lo.Row(items):
            return "".join(map(render, items))
        case lo.Marked(_, body):
            return render(body)
        case lo.Accent(body, accent):
            return rf"\{accent}{{{render(body)}}}"
        case lo.Script(base, below, above):
            return _script(base, below, above)
        case lo.Frac(above, below, derivative):
            return rf"\{'d' if derivative else ''}frac{{{render(above)}}}{{{render(below)}}}"
        case lo.Exp(exponent):
            return f"e^{{{render(exponent)}}}"
        case lo.Fence(left, body, right):
            return rf"\left{FENCES[left]}{render(body)}\right{FENCES[right]}"
        case lo.Apply(lo.Ident("√"), argument):
            return rf"\sqrt{{{render(argument)}}}"
        case lo.Apply(name, argument):
            return rf"{render(name)}\!\left({render(argument)}\right)"
        case lo.Piecewise(rows):
            lines = r" \\ ".join(f"{render(value)} & {render(when)}" for value, when in rows)
            return rf"\begin{{cases}}{lines}\end{{cases}}"
        case lo.Diagonal(first, last, _):
            if last is None:
                return rf"\begin{{bmatrix}}{render(first)}\end{{bmatrix}}"
            entries = rf"{render(first)} & & \\ & \ddots & \\ & & {render(last)}"
            return rf"\begin{{bmatrix}}{entries}\end{{bmatrix}}"
        case lo.Big(below, above, body):
            upper = f"^{{{render(above)}}}" if above is not None else ""
            return rf"\sum_{{{render(below)}}}{upper} {render(body)}"
    raise TypeError(f"no LaTeX for {type(box).__name__}")


def escape(name: str) -> str:
    """Escape what LaTeX would read as a command."""
    return "".join(rf"\{c}" if c in "_%&#${}" else c for c in name)


def _number(name: str) -> str:
    if name in NAMES:
        return NAMES[name]
    whole, stroke, parts = name.partition("/")
    return rf"\tfrac{{{whole}}}{{{parts}}}" if stroke else name.replace("−", "-")


def _script(base: lo.Box, below: lo.Box | None, above: lo.Box | None) -> str:
    written = render(base)
    if below is not None:
        written += f"_{{{render(below)}}}"
    if above is not None:
        prime = isinstance(above, lo.Op) and set(above.text) == {"′"}
        written += render(above).replace("′", "'") if prime else f"^{{{render(above)}}}"
    return written
