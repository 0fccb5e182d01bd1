"""Every loss's formula, its derivative by the output, and what an output activation leaves of it.

An entry is functions from expressions to expressions. A new loss is one more entry.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from chainrule.reference import Loss

from .expression import Expr, Number
from .terms import LossCall, NormSquared, SumUnits, TimesLog
from .words import NOTHING, Words

LossFormula = Callable[[Any, Expr, Expr], Expr]

HALF = Number(0.5, "½")


@dataclass(frozen=True)
class Entry:
    """How a loss is written.

    Attributes
    ----------
    value, gradient : callable
        (loss, yhat, y) -> E and dE/dyhat.
    collapsed : mapping
        By the output activation's name: (loss, yhat, y) -> dE/dnet where the two cancel, and the rule.
    note : Words
        A remark.
    """

    value: LossFormula
    gradient: LossFormula
    collapsed: Mapping[str, tuple[LossFormula, str]] = field(default_factory=dict)
    note: Words = NOTHING


def _binary(_: Any, p: Expr, y: Expr) -> Expr:
    return -SumUnits(TimesLog(y, p) + TimesLog(1 - y, 1 - p))


def _difference(_: Any, p: Expr, y: Expr) -> Expr:
    return p - y


ENTRIES: dict[str, Entry] = {
    "squared_error": Entry(
        lambda e, p, y: HALF * NormSquared(p - y),
        _difference,
    ),
    "cross_entropy": Entry(
        lambda e, p, y: -SumUnits(TimesLog(y, p)),
        lambda e, p, y: -(y / p),
        {"softmax": (_difference, "softmax_collapse")},
        Words("The targets of a row are probabilities that sum to 1.", "一行的目标是和为 1 的概率。"),
    ),
    "binary_cross_entropy": Entry(
        _binary,
        lambda e, p, y: (p - y) / (p * (1 - p)),
        {"sigmoid": (_difference, "collapse")},
        Words("Each output is a class of its own.", "每个输出各自是一个类别。"),
    ),
    "poisson": Entry(
        lambda e, p, y: SumUnits(TimesLog(y, y / p) - y + p),
        lambda e, p, y: (p - y) / p,
        {
            "exp": (_difference, "collapse"),
            "sigmoid": (lambda e, p, y: (p - y) * (1 - p), "collapse"),
        },
        Words("Half the Poisson deviance; 0 log 0 = 0.", "泊松偏差的一半；约定 0 log 0 = 0。"),
    ),
}


OWN = Entry(
    lambda e, p, y: LossCall(e, p, y),
    lambda e, p, y: LossCall(e, p, y, gradient=True),
    note=Words(
        "L is the loss that was given as a function; its gradient ∇L is taken as the function returns it.",
        "L 是以函数给出的损失；它的梯度 ∇L 取函数返回的值。",
    ),
)


def entry(loss: Loss) -> Entry:
    """Return how a loss is written; a user's own without a formula."""
    return ENTRIES.get(loss.name, OWN)
