"""A derivation as aligned Unicode text."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from chainrule.derive.derivation import DerivationData
from chainrule.derive.expression import Floats
from chainrule.derive.render.data import shape_text
from chainrule.derive.render.given import HEADING, given, settings
from chainrule.derive.render.text import text
from chainrule.derive.rules import RULES
from chainrule.derive.steps import PARTS, Step
from chainrule.derive.words import Language, Words

HEADINGS = {
    "title": Words("Backpropagation of the network", "反向传播的推导：网络"),
    "corrections": Words("The document this network comes from, and its slips", "本网络所出的文档及其笔误"),
    "source": Words(
        "The document that chainrule implements derives this network: 3-5-4-3, sigmoids, squared error. What"
        " it writes → what is written here, and why:",
        "chainrule 所实现的文档推导的正是这个网络：3-5-4-3、sigmoid、平方误差。"
        "原文写法 → 此处写法，以及理由：",
    ),
    "shapes": Words("shapes", "形状"),
}
MOST_ROWS, MOST_COLUMNS = 6, 8


def to_text(derivation: DerivationData, language: Language, width: int, numbers: bool) -> str:
    """Write the whole derivation."""
    title = f"{HEADINGS['title'].to(language)} {derivation.model.title}"
    lines = [title, "=" * columns(title), ""]
    lines += [*origin(derivation, language), ""] * (derivation.model.origin is not None)
    if numbers and derivation.numbers is not None:
        heading = HEADING.to(language)
        lines += [heading, "-" * columns(heading), ""]
        for symbol, value in given(derivation):
            lines += [f"    {text(symbol)} =", *(f"      {row}" for row in array_lines(value)), ""]
    part = None
    for step in derivation.steps:
        if step.part != part:
            part = step.part
            heading = PARTS[part].to(language)
            lines += [heading, "-" * columns(heading), ""]
        lines += [*step_lines(derivation, step, language, width, numbers), ""]
    if derivation.corrections:
        heading = HEADINGS["corrections"].to(language)
        lines += [heading, "-" * columns(heading), "", HEADINGS["source"].to(language), ""]
        for correction in derivation.corrections:
            lines += [f"  {correction.seed}  →  {correction.ours}", f"      {correction.why.to(language)}"]
    return "\n".join(line.rstrip() for line in lines).rstrip() + "\n"


def origin(derivation: DerivationData, language: Language) -> list[str]:
    """Say which network this is, where the model that was given has several."""
    return [] if derivation.model.origin is None else [derivation.model.origin.to(language)]


def step_lines(
    derivation: DerivationData, step: Step, language: Language, width: int = 100, numbers: bool = True
) -> list[str]:
    """Write one step: title, the chain of equals with their rules, a remark, shapes and values."""
    equation = f"[{step.equation}] " if step.equation else ""
    lines = [f"{equation}{step.title.to(language)}  ({step.key})"]
    lhs, sign = text(step.lhs), " ← " if step.assignment else " = "
    formulas = [text(form.expression) for form in step.forms]
    room = min(max(columns(lhs) + 3 + columns(formula) for formula in formulas), width - 30)
    for i, (form, formula) in enumerate(zip(step.forms, formulas, strict=True)):
        left = (lhs if i == 0 else " " * columns(lhs)) + (sign if i == 0 else " = ") + formula
        rule = RULES[form.rule].name.to(language)
        pad = room - columns(left)
        if pad >= 0 and columns(left) + 4 + columns(rule) + pad <= width:
            lines.append(f"    {left}{' ' * pad}    ({rule})")
        else:
            lines += [f"    {left}", f"    {' ' * columns(lhs)}     ({rule})"]
    if step.note.en:
        lines.append(f"    {step.note.to(language)}")
    if numbers and (values := settings(derivation, step)):
        lines.append(f"    {values}")
    known = {text(s): shape_text(s.shape) for s in step.symbols if not s.scalar}
    if known:
        shapes = [f"{name}: {shape}" for name, shape in known.items()]
        lines += wrapped(f"    {HEADINGS['shapes'].to(language)}: ", shapes, width)
    if numbers and derivation.numbers is not None and not step.symbolic:
        lines += [f"      {row}" for row in array_lines(derivation.value(step.key))]
    return lines


def array_lines(array: Floats) -> list[str]:
    """Write a matrix, folded where it is large; of a stack of matrices the first."""
    if array.ndim > 2:
        return [*array_lines(array[0]), f"… × {len(array)}"]
    lines = []
    rows = array if len(array) <= MOST_ROWS else array[: MOST_ROWS - 1]
    for row in rows:
        cells = row if len(row) <= MOST_COLUMNS else row[: MOST_COLUMNS - 1]
        more = f"  … {len(row)}" if len(cells) < len(row) else ""
        lines.append("  ".join(f"{value + 0.0:12.6g}" for value in cells) + more)  # -0.0 + 0.0 is 0.0
    if len(rows) < len(array):
        lines.append(f"           … {len(array)}")
    return lines


def wrapped(start: str, items: Sequence[str], width: int) -> list[str]:
    """Write items with commas between them, on as many lines as they need, aligned below the first."""
    lines, indent = [start], " " * columns(start)
    for i, item in enumerate(items):
        written = item + "," * (i < len(items) - 1)
        if lines[-1].strip() and lines[-1] != start and columns(lines[-1]) + columns(written) >= width:
            lines.append(indent)
        lines[-1] += ("" if lines[-1] in (start, indent) else " ") + written
    return lines


def columns(line: str) -> int:
    """Return how many columns a terminal needs."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line
    )
