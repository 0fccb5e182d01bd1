"""Steps, numbers and tables of a derivation as HTML, formulas in MathML: nothing is fetched to read them."""

from functools import cache
from html import escape
from typing import Any

import numpy as np

from chainrule.derive import Derivation, Step
from chainrule.derive.page.data import page_data
from chainrule.derive.render.mathml import math, mathml
from chainrule.derive.render.mathml import matrix as mathml_matrix
from chainrule.derive.rules import RULES

#: Keys of gradients by parameters.
PARAMETERS = (
    "dW.", "db.", "dalpha.", "dscale.", "dfrequency.", "dphase.", "dweight.", "dbias.", "drise.", "dtable.",
)  # fmt: skip
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
WORDS = {
    "en": {
        "layer": "Layer",
        "delta": "‖δ‖",
        "weight": "‖∂E/∂W‖",
        "factor": "against the layer after it",
        "path": "Path",
        "along": "Derivatives along it",
        "product": "Product",
        "rest": "the other {n} paths together",
        "sum": "sum of all {n} paths",
        "explore": "Walk through this derivation, step by step",
    },
    "zh": {
        "layer": "层",
        "delta": "‖δ‖",
        "weight": "‖∂E/∂W‖",
        "factor": "与后一层之比",
        "path": "路径",
        "along": "沿途各导数",
        "product": "乘积",
        "rest": "其余 {n} 条路径之和",
        "sum": "全部 {n} 条路径之和",
        "explore": "逐步浏览这份推导",
    },
}


def number(value: float) -> str:
    """Write four significant digits, with the minus sign of typography and powers of ten as such."""
    mantissa, _, exponent = f"{value:#.4g}".rstrip(".").replace("-", "−").partition("e")
    power = f"{int(exponent.replace('−', '-'))}".translate(SUPERSCRIPTS) if exponent else ""
    return f"{mantissa}·10{power}" if power else mantissa


def step(derivation: Derivation, key: str, language: str, *, numbers: bool = False) -> str:
    """Write a step: each line of its statement with the rule beside it, and what it gives."""
    found: Step = derivation.step(key)
    lines = []
    for i, form in enumerate(found.forms):
        lhs = mathml(found.lhs) if i == 0 else f"<mphantom>{mathml(found.lhs)}</mphantom>"
        sign = "←" if found.assignment and i == 0 else "="
        formula = math(f"<mrow>{lhs}<mo>{sign}</mo>{mathml(form.expression)}</mrow>")
        rule = escape(RULES[form.rule].name.to(language))
        lines.append(f'<li><div class="formula">{formula}</div><span class="rule">{rule}</span></li>')
    equation = f'<span class="equation">{found.equation}</span> ' if found.equation else ""
    title = f'<p class="title">{equation}{escape(found.title.to(language))}</p>'
    value = given(derivation, key) if numbers else ""
    return f'<div class="derive-step" data-step="{escape(key)}">{title}<ol>{"".join(lines)}</ol>{value}</div>'


def given(derivation: Derivation, key: str) -> str:
    """Write what a step or symbol is worth: name = matrix."""
    symbol = derivation.context.notation.symbols.get(key)
    name = mathml(derivation.step(key).lhs if symbol is None else symbol)
    value = derivation.value(key)
    matrix = mathml_matrix(value if value.ndim == 2 else value[0], number)
    return f'<div class="value">{math(f"{name}<mo>=</mo>{matrix}", block=False)}</div>'


@cache
def shown(derivation: Derivation) -> dict[str, Any]:
    """Return what the explorer's page works out: paths, norms, checks."""
    return page_data(derivation)


def norms(derivation: Derivation, language: str) -> str:
    """Write the length of the gradient in each layer, with a bar on a logarithmic scale, 1e-8 to 1e2."""
    words, found = WORDS[language], shown(derivation)["norms"]
    rows = []
    for k, (delta, weight) in enumerate(zip(found["delta"], found["weight"], strict=True)):
        after = found["delta"][k + 1] if k + 1 < len(found["delta"]) else None
        width = 10 * (8 + np.log10(max(delta, 1e-8)))
        bar = f'<span class="bar" style="width:{min(100, max(1, width)):.0f}%"></span>'
        ratio = "" if not after else f"× {number(delta / after)}"
        cells = (str(k + 1), f"{number(delta)}{bar}", number(weight), ratio)
        rows.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
    head = "".join(f"<th>{words[name]}</th>" for name in ("layer", "delta", "weight", "factor"))
    return f'<table class="derive-norms"><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table>'


def shrinking(derivation: Derivation) -> float:
    """Return the norm of delta in the first layer over that in the last."""
    delta = shown(derivation)["norms"]["delta"]
    return delta[0] / delta[-1]


def paths(derivation: Derivation, layer: int, i: int, j: int, language: str) -> str:
    """Write the gradient of one weight as a sum over paths; layer, i and j count from 1."""
    words = WORDS[language]
    found = next(u for u in shown(derivation)["paths"]["layers"][layer - 1]["units"] if u["unit"] == j - 1)
    total, count, top = (found["samples"][0][name] for name in ("total", "count", "top"))
    x = float(derivation.value(f"x.{layer}")[0, i - 1])
    rows = []
    for path in top:
        nodes = [f"<msub><mi>x</mi><mrow><mn>{layer}</mn><mo>,</mo><mn>{i}</mn></mrow></msub>"]
        nodes += [
            f"<msub><mi>net</mi><mrow><mn>{k}</mn><mo>,</mo><mn>{unit + 1}</mn></mrow></msub>"
            for kind, k, unit in path["nodes"]
            if kind == "net"
        ]
        factors = " · ".join(f"({number(f)})" if f < 0 else number(f) for f in (x, *path["factors"]))
        rows.append((math("<mo>→</mo>".join(nodes), block=False), factors, number(x * path["product"])))
    if int(count) > len(top):
        rest = total - sum(path["product"] for path in top)
        rows.append((words["rest"].format(n=int(count) - len(top)), "", number(x * rest)))
    rows.append(
        (f"<strong>{words['sum'].format(n=count)}</strong>", "", f"<strong>{number(x * total)}</strong>")
    )
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    head = "".join(f"<th>{words[name]}</th>" for name in ("path", "along", "product"))
    return f'<table class="derive-paths"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def checks(derivation: Derivation, language: str) -> str:
    """Write the rows of the page's table of checks that are gradients of parameters."""
    found = shown(derivation)["check"]
    head = "".join(f"<th>{escape(way[language])}</th>" for way in found["ways"])
    rows = "".join(
        f"<tr><td>{math(row['math'], block=False)}</td><td>{row['equation']}</td>"
        + "".join(f"<td>{'' if d is None else f'{d:.1e}'.replace('-', '−')}</td>" for d in row["differences"])
        + "</tr>"
        for row in found["rows"]
        if row["step"].startswith(PARAMETERS)
    )
    head = f"<thead><tr><th></th><th></th>{head}</tr></thead>"
    return f'<table class="derive-checks">{head}<tbody>{rows}</tbody></table>'


def link(address: str, language: str) -> str:
    """Write the link to an explorer."""
    return f'<p class="derive-explore"><a href="{escape(address)}">{WORDS[language]["explore"]}</a></p>'
