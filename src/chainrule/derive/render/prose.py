"""Words for LaTeX and HTML: what stands in them of mathematics is set as mathematics."""

from __future__ import annotations

import re

SUBSCRIPTS = dict(zip("₀₁₂₃₄₅₆₇₈₉ₖₗₙᵢⱼ₊", "0123456789klnij+", strict=True))
SUPERSCRIPTS = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ⁱⁿᵗ", "0123456789+-()int", strict=True))
MATHEMATICS = {
    "δ": r"\delta",
    "Δ": r"\Delta",
    "Φ": r"\Phi",
    "φ": r"\varphi",
    "σ": r"\sigma",
    "λ": r"\lambda",
    "α": r"\alpha",
    "γ": r"\gamma",
    "ε": r"\varepsilon",
    "τ": r"\tau",
    "ψ": r"\psi",
    "ω": r"\omega",
    "θ": r"\theta",
    "ξ": r"\xi",
    "π": r"\pi ",
    "∞": r"\infty ",
    "ρ": r"\rho",
    "μ": r"\mu",
    "κ": r"\kappa",
    "β": r"\beta",
    "η": r"\eta",
    "Σ": r"\textstyle\sum",
    "ŷ": r"\hat{y}",
    "∂": r"\partial ",
    "∘": r"\circ ",
    "·": r"\cdot ",
    "×": r"\times ",
    "−": "-",
    "′": "'",
    "ᵀ": r"^{\top}",
    "→": r"\rightarrow ",
    "≤": r"\le ",
    "≥": r"\ge ",
    "½": r"\tfrac{1}{2}",
    "‖": r"\|",
    "…": r"\ldots ",
}


def latex_prose(text: str) -> str:
    r"""Write a text for LaTeX: its mathematical characters as formulas, special ones escaped.

    Examples
    --------
    >>> latex_prose("f′ of hidden₁, 100%")
    "f$'$ of hidden$_{1}$, 100\\%"
    """
    runs = re.compile("([{}]+)".format("".join({**SUBSCRIPTS, **SUPERSCRIPTS, **MATHEMATICS})))
    parts = runs.split(re.sub(r"\b([A-Za-z])_([a-z]{1,2})\b", _indexed, text))
    return "".join(f"${_mathematics(part)}$" if i % 2 else _escaped(part) for i, part in enumerate(parts))


def latex_words(text: str) -> str:
    r"""Write a text that stands in a formula: words as \text, what is mathematics as it is, no dollar signs.

    Examples
    --------
    >>> latex_words("f′ of the output")
    "\\text{f}'\\text{ of the output}"
    """
    pieces = latex_prose(text).split("$")
    return "".join(piece if i % 2 else rf"\text{{{piece}}}" for i, piece in enumerate(pieces) if piece)


def _indexed(match: re.Match[str]) -> str:
    """Write J_ij with small letters where there are some, else leave it."""
    small = {plain: sub for sub, plain in SUBSCRIPTS.items()}
    letters = match[2]
    return match[1] + "".join(small[c] for c in letters) if all(c in small for c in letters) else match[0]


def _mathematics(run: str) -> str:
    run = _scripts(run, SUBSCRIPTS, "_")
    run = _scripts(run, SUPERSCRIPTS, "^")
    return "".join(MATHEMATICS.get(character, character) for character in run)


def _scripts(run: str, alphabet: dict[str, str], mark: str) -> str:
    pattern = "[{}]+".format("".join(alphabet))
    return re.sub(pattern, lambda m: f"{mark}{{{''.join(alphabet[c] for c in m[0])}}}", run)


def _escaped(text: str) -> str:
    return "".join(rf"\{c}" if c in "_%&#$" else c for c in text)
