r"""A derivation as Markdown with formulas in LaTeX: in fences, for GitHub and GitLab, or between $$.

Between $$, GitHub reads a formula as Markdown first and takes backslashes away, from ``\\`` too.
"""

from __future__ import annotations

from itertools import groupby
from typing import Literal

from chainrule.derive.derivation import DerivationData
from chainrule.derive.render.document import HEADINGS, origin
from chainrule.derive.render.given import HEADING, given, settings
from chainrule.derive.render.latex import latex
from chainrule.derive.render.latex_document import matrix
from chainrule.derive.render.prose import latex_words
from chainrule.derive.rules import RULES
from chainrule.derive.steps import PARTS, Step
from chainrule.derive.words import Language

Mathematics = Literal["fenced", "dollars"]
FENCES: dict[Mathematics, tuple[str, str]] = {"fenced": ("```math", "```"), "dollars": ("$$", "$$")}


def to_markdown(
    derivation: DerivationData, language: Language, *, numbers: bool, math: Mathematics = "fenced"
) -> str:
    """Write everything."""
    lines = [f"# {HEADINGS['title'].to(language)} {derivation.model.title}", ""]
    lines += [part for line in origin(derivation, language) for part in (line, "")]
    if numbers and derivation.numbers is not None:
        lines += [f"## {HEADING.to(language)}", ""]
        for symbol, value in given(derivation):
            lines += [FENCES[math][0], f"{latex(symbol)} = {matrix(value)}", FENCES[math][1], ""]
    for part, steps in groupby(derivation.steps, key=lambda step: step.part):
        lines += [f"## {PARTS[part].to(language)}", ""]
        for step in steps:
            lines += [*step_lines(derivation, step, language, numbers=numbers, math=math), ""]
    if derivation.corrections:
        lines += [f"## {HEADINGS['corrections'].to(language)}", "", HEADINGS["source"].to(language), ""]
        lines += [f"- {c.seed} → {c.ours}: {c.why.to(language)}" for c in derivation.corrections]
    return "\n".join(lines).rstrip() + "\n"


def step_lines(
    derivation: DerivationData, step: Step, language: Language, *, numbers: bool, math: Mathematics = "fenced"
) -> list[str]:
    """Write one step: its title, the chain of equals as one formula, a remark and the value."""
    equation = f"{step.equation}: " if step.equation else ""
    lines = [
        f"**{equation}{step.title.to(language)}** (`{step.key}`)",
        "",
        FENCES[math][0],
        r"\begin{aligned}",
    ]
    for i, form in enumerate(step.forms):
        sign = r"\leftarrow" if step.assignment and i == 0 else "="
        lhs = latex(step.lhs) if i == 0 else ""
        rule = latex_words(RULES[form.rule].name.to(language))
        lines.append(rf"{lhs} &{sign} {latex(form.expression)} && {rule} \\")
    lines += [r"\end{aligned}", FENCES[math][1], ""]
    if step.note.en:
        lines += [step.note.to(language), ""]
    if numbers and (values := settings(derivation, step)):
        lines += [values, ""]
    if numbers and derivation.numbers is not None and not step.symbolic:
        value = derivation.value(step.key)
        shown = matrix(value if value.ndim < 3 else value[0])
        lines += [FENCES[math][0], f"{latex(step.lhs)} = {shown}", FENCES[math][1], ""]
    return lines[:-1]
