"""A derivation as an HTML fragment with MathML, for notebooks."""

from __future__ import annotations

from html import escape
from itertools import groupby

from chainrule.derive.derivation import DerivationData
from chainrule.derive.expression import Floats
from chainrule.derive.render.document import HEADINGS, origin
from chainrule.derive.render.given import HEADING, given, settings
from chainrule.derive.render.mathml import mathml, matrix
from chainrule.derive.rules import RULES
from chainrule.derive.steps import PARTS, Step
from chainrule.derive.words import Language

MOST_ROWS, MOST_COLUMNS = 6, 8
CELL = "text-align:left;padding:.15em .6em"


def to_html_fragment(derivation: DerivationData, language: Language) -> str:
    """Write everything as one <div>, a <details> for each part; no script, no style sheet."""
    title = f"{HEADINGS['title'].to(language)} {derivation.model.title}"
    lines = [f'<div class="chainrule-derivation" lang="{language}"><h3>{escape(title)}</h3>']
    lines += [f"<p>{escape(line)}</p>" for line in origin(derivation, language)]
    if derivation.numbers is not None:
        lines.append(f"<details><summary><b>{escape(HEADING.to(language))}</b></summary>")
        lines += [f"<p>{_value(mathml(symbol), value)}</p>" for symbol, value in given(derivation)]
        lines.append("</details>")
    for part, steps in groupby(derivation.steps, key=lambda step: step.part):
        lines.append(f"<details open='open'><summary><b>{escape(PARTS[part].to(language))}</b></summary>")
        lines += [step_html(derivation, step, language) for step in steps]
        lines.append("</details>")
    if derivation.corrections:
        heading, source = (escape(HEADINGS[name].to(language)) for name in ("corrections", "source"))
        lines.append(f"<details><summary><b>{heading}</b></summary><p>{source}</p><ul>")
        for c in derivation.corrections:
            lines.append(f"<li>{escape(c.seed)} → {escape(c.ours)}: {escape(c.why.to(language))}</li>")
        lines.append("</ul></details>")
    return "\n".join([*lines, "</div>"])


def step_html(derivation: DerivationData, step: Step, language: Language) -> str:
    """Write one step: title, a formula with a line and a rule for each form, a remark, the value."""
    equation = f"[{escape(step.equation)}] " if step.equation else ""
    rows = []
    for i, form in enumerate(step.forms):
        sign = "←" if step.assignment and i == 0 else "="
        lhs = mathml(step.lhs) if i == 0 else ""
        formula = _inline(f"<mo>{sign}</mo>{mathml(form.expression)}")
        rule = RULES[form.rule]
        hint = escape(rule.text.to(language), quote=True)
        name = f'<small title="{hint}">{escape(rule.name.to(language))}</small>'
        cells = (_inline(lhs) if lhs else "", formula, name)
        rows.append("<tr>" + "".join(f'<td style="{CELL}">{cell}</td>' for cell in cells) + "</tr>")
    notes = [step.note.to(language), settings(derivation, step)]
    note = "".join(f"<p>{escape(text)}</p>" for text in notes if text)
    title = f"<p><b>{equation}</b>{escape(step.title.to(language))} <code>{escape(step.key)}</code></p>"
    value = ""
    if derivation.numbers is not None and not step.symbolic:
        value = f"<p>{_value(mathml(step.lhs), derivation.value(step.key))}</p>"
    return f"<div>{title}<table>{''.join(rows)}</table>{note}{value}</div>"


def _inline(content: str) -> str:
    return (
        f'<math xmlns="http://www.w3.org/1998/Math/MathML" displaystyle="true"><mrow>{content}</mrow></math>'
    )


def _value(name: str, array: Floats) -> str:
    found = array if array.ndim < 3 else array[0]
    return _inline(f"{name}<mo>=</mo>{matrix(found, '{:.5g}'.format, MOST_ROWS, MOST_COLUMNS)}")
