"""A derivation as what JSON can hold: everything that a page needs to show it."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.derive.derivation import DerivationData
from chainrule.derive.expression import Expr, Gradient, Shape, Symbol
from chainrule.derive.layout import size
from chainrule.derive.notation import ROLES
from chainrule.derive.render.latex import latex
from chainrule.derive.render.mathml import mathml
from chainrule.derive.render.text import render as text_of_box
from chainrule.derive.render.text import text
from chainrule.derive.rules import RULES
from chainrule.derive.steps import PARTS, Step

FORMAT, VERSION = "chainrule.derivation", 1


def to_dict(derivation: DerivationData) -> dict[str, Any]:
    """Return structure, symbols and steps; see docs/derivation.md for the keys."""
    model = derivation.model
    symbols: dict[str, Symbol] = {}
    for step in derivation.steps:
        for symbol in step.symbols:
            if symbol.role != "general":
                symbols.setdefault(symbol.key, symbol)
    layers = [
        {
            "layer": k,
            "n_in": layer.n_in,
            "n_out": layer.n_out,
            "activation": layer.function,
            "keeps": layer.activation.keeps,
            "normalized": layer.normalized,
            "residual": layer.residual,
            "dropout": layer.dropout,
        }
        for k, layer in enumerate(model.layers, start=1)
    ]
    rules = {form.rule for step in derivation.steps for form in step.forms}
    return {
        "format": FORMAT,
        "version": VERSION,
        "language": derivation.language,
        "bias_sign": derivation.bias_sign,
        "n_samples": derivation.n_samples,
        "network": {
            "sizes": model.sizes,
            "n_columns": model.n_columns,
            "layers": layers,
            "loss": model.loss.name,
            "dtype": model.dtype,
            "seed": derivation.context.notation.seed,
            "origin": None if model.origin is None else model.origin.to_dict(),
        },
        "parts": {part: words.to_dict() for part, words in PARTS.items()},
        "rules": {
            name: {"name": RULES[name].name.to_dict(), "text": RULES[name].text.to_dict()}
            for name in sorted(rules)
        },
        "symbols": [symbol_dict(derivation, symbol) for symbol in symbols.values()],
        "steps": [step_dict(derivation, step) for step in derivation.steps],
        "corrections": [
            {"seed": c.seed, "ours": c.ours, "why": c.why.to_dict()} for c in derivation.corrections
        ],
    }


def written(expression: Expr) -> dict[str, str]:
    """Return an expression in the forms that a page can use; MathML without the <math> around it."""
    return {"text": text(expression), "latex": latex(expression), "mathml": mathml(expression)}


def shape_text(shape: Shape) -> str:
    """Return a shape as "3×5" or "nₖ×nₖ₊₁"."""
    return "×".join(text_of_box(size(n)) for n in shape)


def symbol_dict(derivation: DerivationData, symbol: Symbol) -> dict[str, Any]:
    """Return what a symbol is and what it is worth."""
    found: dict[str, Any] = {
        "key": symbol.key,
        **written(symbol),
        "role": symbol.role,
        "meaning": ROLES[symbol.role].to_dict(),
        "layer": symbol.layer,
        "shape": list(symbol.shape),
        "shape_text": shape_text(symbol.shape),
        "per_row": symbol.per_row,
        "value": value_list(derivation, symbol.key),
    }
    if isinstance(symbol, Gradient) and symbol.of and symbol.wrt:
        found |= {"of": symbol.of.key, "wrt": symbol.wrt.key}
    return found


def step_dict(derivation: DerivationData, step: Step) -> dict[str, Any]:
    """Return a step: words, every form, shapes, symbols and the value of its left-hand side."""
    return {
        "key": step.key,
        "equation": step.equation,
        "part": step.part,
        "layer": step.layer,
        "title": step.title.to_dict(),
        "note": step.note.to_dict(),
        "lhs": written(step.lhs),
        "relation": "←" if step.assignment else "=",
        "forms": [{**written(f.expression), "rule": f.rule, "kind": f.kind} for f in step.forms],
        "target": step.target,
        "symbols": [symbol.key for symbol in step.symbols],
        "shapes": [
            {**written(s), "key": s.key, "shape": list(s.shape), "shape_text": shape_text(s.shape)}
            for s in step.symbols
            if not s.scalar
        ],
        "symbolic": step.symbolic,
        "value": None if step.symbolic else value_list(derivation, step.target),
    }


def value_list(derivation: DerivationData, key: str) -> Any:
    """Return a value as nested lists, as `Derivation.value` shows it; None where there is none."""
    numbers = derivation.numbers
    if numbers is None or key not in numbers.arrays:
        return None
    return json_numbers(derivation.value(key))


def json_numbers(array: Any) -> Any:
    """Return nested lists with None for what JSON has no number for."""
    array = np.asarray(array)
    if np.isfinite(array).all():
        return array.tolist()
    array = array.astype(object)
    array[~np.isfinite(array.astype(float))] = None
    return array.tolist()
