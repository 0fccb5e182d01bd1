"""What a derivation's numbers start from: the sample and the parameters."""

from __future__ import annotations

from chainrule.derive.derivation import DerivationData
from chainrule.derive.expression import Floats, Symbol
from chainrule.derive.render.text import text
from chainrule.derive.sample import model_input
from chainrule.derive.steps import Step
from chainrule.derive.words import Words

HEADING = Words("Given: the sample and the parameters", "已知：样本与参数")
KINDS = ("W", "b", "gain", "shift", "slope", "alpha", "mask")


def settings(derivation: DerivationData, step: Step) -> str:
    """Write the optimizer's settings that a step has, such as "η = 0.1, t = 1"; nothing without numbers."""
    if derivation.numbers is None:
        return ""
    found = [symbol for symbol in step.symbols if symbol.role == "setting"]
    return ", ".join(f"{text(symbol)} = {derivation.value(symbol.key).item():.6g}" for symbol in found)


def given(derivation: DerivationData) -> list[tuple[Symbol, Floats]]:
    """Return the input, the parameters layer by layer, and the target with their values; nothing without."""
    if derivation.numbers is None:
        return []
    layers = range(1, len(derivation.model.layers) + 1)
    stage = derivation.model.stage
    before = [] if stage is None else list(stage.given())
    keys = [model_input(derivation.model), *before, *(f"{kind}.{k}" for k in layers for kind in KINDS), "y"]
    symbols, arrays = derivation.context.notation.symbols, derivation.numbers.arrays
    return [(symbols[key], derivation.value(key)) for key in keys if key in symbols and key in arrays]
