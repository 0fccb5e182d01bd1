"""The page's table of checks: each step as `verify` computes it again."""

from __future__ import annotations

from typing import Any

from chainrule.derive.derivation import DerivationData
from chainrule.derive.render.mathml import mathml
from chainrule.derive.steps import Step
from chainrule.derive.verify import WAYS, verify
from chainrule.derive.words import Words

NAMES = {
    "as_written": Words("as written", "按式逐项计算"),
    "reference": Words("reference", "参考实现"),
    "engine": Words("engine", "引擎"),
    "complex_step": Words("complex step", "复数步长法"),
}
MOST_WEIGHTS = 10_000  # complex step takes a forward pass for each; of larger networks the page has no table


def checks(derivation: DerivationData) -> dict[str, Any] | None:
    """Verify a derivation for the page.

    Parameters
    ----------
    derivation : DerivationData
        Without numbers it is verified with a sample that is drawn.

    Returns
    -------
    dict or None
        "ways", "drawn", and "rows" with a relative difference for each way, None where a way does not apply;
        None for a network that is too large to be verified while a page is written.
    """
    if sum(layer.n_in * layer.n_out for layer in derivation.model.layers) > MOST_WEIGHTS:
        return None
    report = verify(derivation)
    rows = [
        {
            "step": row["key"],
            "equation": row["equation"],
            "math": _left_side(derivation.step(row["key"])),
            "differences": [row[way] for way in WAYS],
            "passed": row["passed"],
        }
        for row in report.to_dict()["steps"]
    ]
    return {"ways": [NAMES[way].to_dict() for way in WAYS], "drawn": report.drawn, "rows": rows}


def _left_side(step: Step) -> str:
    """Write what a step is about; what an update gives a new value, with its arrow."""
    return f"<mrow>{mathml(step.lhs)}<mo>←</mo></mrow>" if step.assignment else mathml(step.lhs)
