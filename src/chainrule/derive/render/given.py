"""What a derivation's numbers start from: the sample and the parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..expression import Floats, Symbol
from ..words import Words

if TYPE_CHECKING:
    from ..derivation import Derivation

HEADING = Words("Given: the sample and the parameters", "已知：样本与参数")
KINDS = ("W", "b", "gain", "shift", "slope", "mask")


def given(derivation: Derivation) -> list[tuple[Symbol, Floats]]:
    """Return the input, the parameters layer by layer, and the target with their values; nothing without."""
    if derivation.numbers is None:
        return []
    layers = range(1, len(derivation.model.layers) + 1)
    keys = ["x.1", *(f"{kind}.{k}" for k in layers for kind in KINDS), "y"]
    symbols, arrays = derivation.context.notation.symbols, derivation.numbers.arrays
    return [(symbols[key], derivation.value(key)) for key in keys if key in symbols and key in arrays]
