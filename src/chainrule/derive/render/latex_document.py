"""A derivation as a LaTeX fragment, and as a document that XeLaTeX compiles."""

from __future__ import annotations

from itertools import groupby

from chainrule.derive.derivation import DerivationData
from chainrule.derive.expression import Expr, Floats
from chainrule.derive.render.document import HEADINGS, columns, origin
from chainrule.derive.render.given import HEADING, given, settings
from chainrule.derive.render.latex import latex
from chainrule.derive.render.prose import latex_prose
from chainrule.derive.render.text import text
from chainrule.derive.rules import RULES
from chainrule.derive.steps import PARTS, Step
from chainrule.derive.terms import Diag
from chainrule.derive.words import Language

#: The name of a rule beside a formula, and a formula made smaller where it is wider than the page.
COMMANDS = r"""\providecommand{\rulename}[1]{\text{\footnotesize\itshape #1}}
\providecommand{\fitted}[1]{\sbox0{$\displaystyle #1$}%
  \ifdim\wd0>.8\linewidth\resizebox{.8\linewidth}{!}{\usebox0}\else\usebox0\fi}
"""
ROOM = 85  # characters of formula and rule that fit on a line; a rule has small ones
MOST_ROWS, MOST_COLUMNS = 8, 7

PREAMBLE = r"""\documentclass[11pt]{article}
%s\usepackage{amsmath,amssymb,graphicx}
\usepackage[a4paper,margin=22mm]{geometry}
\allowdisplaybreaks
\setcounter{MaxMatrixCols}{20}
\setlength{\parindent}{0pt}
%s\title{%s}
\date{}
\begin{document}
\maketitle
"""
CHINESE = {
    "zh": r"\usepackage[UTF8,fontset=fandol]{ctex}",
    "en": r"\usepackage[UTF8,scheme=plain,fontset=fandol]{ctex}",
}


def to_latex(derivation: DerivationData, language: Language, *, document: bool, numbers: bool) -> str:
    """Write everything, as a document to compile with XeLaTeX or as a fragment to include."""
    lines = [latex_prose(line) for line in origin(derivation, language)]
    if numbers and derivation.numbers is not None:
        lines.append(rf"\section*{{{latex_prose(HEADING.to(language))}}}")
        lines += [rf"\[ {latex(symbol)} = {matrix(value)} \]" for symbol, value in given(derivation)]
    for part, steps in groupby(derivation.steps, key=lambda step: step.part):
        lines.append(rf"\section*{{{latex_prose(PARTS[part].to(language))}}}")
        for step in steps:
            lines += [*_step(derivation, step, language, numbers), ""]
    if derivation.corrections:
        lines += _corrections(derivation, language)
    body = "\n".join(lines) + "\n"
    if not document:
        return COMMANDS + body
    title = latex_prose(f"{HEADINGS['title'].to(language)} {derivation.model.title}")
    chinese = f"{CHINESE[language]}\n" if language == "zh" or derivation.corrections else ""
    return PREAMBLE % (chinese, COMMANDS, title) + body + "\\end{document}\n"


def _step(derivation: DerivationData, step: Step, language: Language, numbers: bool) -> list[str]:
    equation = rf"\textbf{{[{step.equation}]}} " if step.equation else ""
    lines = [rf"\paragraph*{{}}{equation}{latex_prose(step.title.to(language))}", r"\begin{align*}"]
    names = [RULES[form.rule].name.to(language) for form in step.forms]
    widths = [width(form.expression) for form in step.forms]
    needed = columns(text(step.lhs)) + max(widths) + 0.8 * max(map(columns, names))
    for i, (form, name) in enumerate(zip(step.forms, names, strict=True)):
        lhs, sign = (latex(step.lhs), r"\leftarrow" if step.assignment else "=") if i == 0 else ("", "=")
        formula, rule = latex(form.expression), rf"\rulename{{{latex_prose(name)}}}"
        end = r" \\" if i < len(step.forms) - 1 else ""
        if needed <= ROOM:
            lines.append(rf"{lhs} &{sign} {formula} && {rule}{end}")
        else:
            lines += [rf"{lhs} &{sign} \fitted{{{formula}}} \\", rf"&\qquad {rule}{end}"]
    lines.append(r"\end{align*}")
    if step.note.en:
        lines.append(latex_prose(step.note.to(language)))
    if numbers and (values := settings(derivation, step)):
        lines.append(latex_prose(values))
    if numbers and derivation.numbers is not None and not step.symbolic:
        value = derivation.value(step.key)
        lines += [rf"\[ {latex(step.lhs)} = {matrix(value if value.ndim < 3 else value[0])} \]"]
    return lines


def width(expression: Expr) -> int:
    """Estimate the width of a formula in characters; a matrix written out has two entries side by side."""
    opened = isinstance(expression, Diag) and expression.opened
    return columns(text(expression)) * (2 if opened else 1)


def matrix(array: Floats) -> str:
    r"""Write a matrix, folded with \cdots where it is large; one number as it is.

    Examples
    --------
    >>> import numpy as np
    >>> matrix(np.array([[1.0, 0.25]]))
    '\\begin{bmatrix}1 & 0.25\\end{bmatrix}'
    """
    if array.size == 1:
        return number(float(array.reshape(-1)[0]))
    folded_rows, folded_columns = len(array) > MOST_ROWS, array.shape[1] > MOST_COLUMNS
    rows = []
    for row in array[: MOST_ROWS - 1] if folded_rows else array:
        cells = [number(float(value)) for value in (row[: MOST_COLUMNS - 1] if folded_columns else row)]
        rows.append(" & ".join(cells + [r"\cdots"] * folded_columns))
    rows += [r"\vdots"] * folded_rows
    return "\\begin{bmatrix}" + r" \\ ".join(rows) + "\\end{bmatrix}"


def number(value: float) -> str:
    r"""Write a number with five digits, powers of ten as such.

    Examples
    --------
    >>> number(-1.5e-7), number(0.25)
    ('-1.5 \\cdot 10^{-7}', '0.25')
    """
    mantissa, e, exponent = f"{value + 0.0:.5g}".partition("e")
    return rf"{mantissa} \cdot 10^{{{int(exponent)}}}" if e else mantissa


def _corrections(derivation: DerivationData, language: Language) -> list[str]:
    heading, source = (latex_prose(HEADINGS[name].to(language)) for name in ("corrections", "source"))
    lines = [rf"\section*{{{heading}}}", source, r"\begin{itemize}"]
    for correction in derivation.corrections:
        seed, ours = latex_prose(correction.seed), latex_prose(correction.ours)
        lines.append(rf"\item {seed} $\;\rightarrow\;$ {ours}. {latex_prose(correction.why.to(language))}")
    return [*lines, r"\end{itemize}"]
