"""Every loss's formula, its derivative by the output, and what an output activation leaves of it.

An entry is functions from expressions to expressions. A new loss is one more entry.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule.derive.expression import Expr, Number, as_expr
from chainrule.derive.functions import call, log
from chainrule.derive.terms import Cases, Condition, Constant, LossCall, NormSquared, SumUnits, TimesLog
from chainrule.derive.words import NOTHING, Words
from chainrule.reference import Loss

LossFormula = Callable[[Any, Expr, Expr], Expr]

HALF = Number(0.5, "½")


@dataclass(frozen=True)
class Entry:
    """How a loss is written.

    Attributes
    ----------
    name : Words
        What a text calls it.
    value, gradient : callable
        (loss, yhat, y) -> E and dE/dyhat.
    collapsed : mapping
        By the output activation's name: (loss, yhat, y) -> dE/dnet where the two cancel, and the rule.
    note : Words
        A remark.
    """

    name: Words
    value: LossFormula
    gradient: LossFormula
    collapsed: Mapping[str, tuple[LossFormula, str]] = field(default_factory=dict)
    note: Words = NOTHING


def _difference(_: Any, p: Expr, y: Expr) -> Expr:
    return p - y


def _number(value: float) -> Number:
    return Number(float(value), f"{value:g}")


def _by_size(of: Expr, bound: Number, small: Expr, large: Expr) -> Expr:
    """Write one expression where |of| <= bound, another where it is larger."""
    size = call("abs", of)
    return Cases(((small, Condition(size, "<=", bound)), (large, Condition(size, ">", bound))))


def _huber(e: Any, p: Expr, y: Expr) -> Expr:
    d, error = _number(e.delta), p - y
    return SumUnits(_by_size(error, d, HALF * error**2, d * (call("abs", error) - HALF * d)))


def _huber_gradient(e: Any, p: Expr, y: Expr) -> Expr:
    d, error = _number(e.delta), p - y
    return _by_size(error, d, error, d * call("sign", error))


def _levels(e: Any, error: Expr) -> Expr:
    """Write the quantile of each output: a number, or the row q."""
    levels, n = e.parameters, error.shape[1]
    if len(levels) == 1:
        return _number(levels[0])
    n_targets = n // len(levels) if isinstance(n, int) else 1  # without sizes there are no numbers
    source = f"np.tile([{', '.join(map(repr, levels))}], {n_targets})[None, :]"
    return Constant("q", np.tile(levels, n_targets)[None, :], source, (1, n))


def _pinball(e: Any, error: Expr, factor: Expr) -> Expr:
    """Write (1 - q) factor above the target, -q factor below it, 0 at it."""
    q, zero = _levels(e, error), as_expr(0)
    above, below = Condition(error, ">", zero), Condition(error, "<", zero)
    at = Condition(error, "=", zero)
    one = isinstance(factor, Number)  # then there is nothing to multiply by
    up, down = (1 - q, -q) if one else ((1 - q) * factor, -q * factor)
    return Cases(((up, above), (down, below), (zero, at)))


def _smoothed(e: Any, p: Expr, y: Expr, n: Any) -> Expr:
    """Write the targets (1 - s) y + s / n."""
    s = e.label_smoothing
    if not s:
        return y
    share = s / n if isinstance(n, int) else float("nan")  # without sizes there are no numbers
    return _number(1 - s) * y + Number(share, f"{s:g}/{n}")


def _cross_entropy(e: Any, p: Expr, y: Expr) -> Expr:
    return -SumUnits(TimesLog(_smoothed(e, p, y, p.shape[1]), p))


def _cross_entropy_gradient(e: Any, p: Expr, y: Expr) -> Expr:
    return -(_smoothed(e, p, y, p.shape[1]) / p)


def _cross_entropy_delta(e: Any, p: Expr, y: Expr) -> Expr:
    return p - _smoothed(e, p, y, p.shape[1])


def _binary(e: Any, p: Expr, y: Expr) -> Expr:
    y = _smoothed(e, p, y, 2)
    return -SumUnits(TimesLog(y, p) + TimesLog(1 - y, 1 - p))


def _binary_gradient(e: Any, p: Expr, y: Expr) -> Expr:
    return (p - _smoothed(e, p, y, 2)) / (p * (1 - p))


def _binary_delta(e: Any, p: Expr, y: Expr) -> Expr:
    return p - _smoothed(e, p, y, 2)


def _focal_term(e: Any, p: Expr, y: Expr) -> Expr:
    """Write y (1 - p)^gamma log p."""
    return y * (1 - p) ** _number(e.gamma) * log(p)


def _focal_slope(e: Any, p: Expr, y: Expr) -> Expr:
    """Write the derivative of -y (1 - p)^gamma log p by p."""
    g = _number(e.gamma)
    return y * (1 - p) ** g * (g * log(p) / (1 - p) - 1 / p)


def _poisson(_: Any, p: Expr, y: Expr) -> Expr:
    return SumUnits(TimesLog(y, y / p) - y + p)


def _gamma(_: Any, p: Expr, y: Expr) -> Expr:
    return SumUnits(log(p / y) + y / p - 1)


def _tweedie(e: Any, p: Expr, y: Expr) -> Expr:
    if e.power in (1, 2):
        return (_poisson if e.power == 1 else _gamma)(e, p, y)
    a, b = _number(1 - e.power), _number(2 - e.power)
    return SumUnits(y**b / (a * b) - y * p**a / a + p**b / b)


ENTRIES: dict[str, Entry] = {
    "squared_error": Entry(
        Words("squared error", "平方误差"),
        lambda e, p, y: HALF * NormSquared(p - y),
        _difference,
    ),
    "absolute_error": Entry(
        Words("absolute error", "绝对误差"),
        lambda e, p, y: SumUnits(call("abs", p - y)),
        lambda e, p, y: call("sign", p - y),
        note=Words("At the kink ŷ = y the derivative is 0.", "在折点 ŷ = y 处导数取 0。"),
    ),
    "huber": Entry(Words("Huber loss", "Huber 损失"), _huber, _huber_gradient),
    "quantile": Entry(
        Words("quantile loss", "分位数损失"),
        lambda e, p, y: SumUnits(_pinball(e, p - y, p - y)),
        lambda e, p, y: _pinball(e, p - y, as_expr(1)),
        note=Words("At the kink ŷ = y the derivative is 0.", "在折点 ŷ = y 处导数取 0。"),
    ),
    "log_cosh": Entry(
        Words("log-cosh loss", "log-cosh 损失"),
        lambda e, p, y: SumUnits(log(call("cosh", p - y))),
        lambda e, p, y: call("tanh", p - y),
    ),
    "cross_entropy": Entry(
        Words("cross-entropy", "交叉熵"),
        _cross_entropy,
        _cross_entropy_gradient,
        {"softmax": (_cross_entropy_delta, "softmax_collapse")},
        Words("The targets of a row are probabilities that sum to 1.", "一行的目标是和为 1 的概率。"),
    ),
    "focal": Entry(
        Words("focal loss", "focal 损失"),
        lambda e, p, y: -SumUnits(_focal_term(e, p, y)),
        _focal_slope,
        note=Words("Rows that are classified well weigh less.", "分得好的行权重较小。"),
    ),
    "binary_cross_entropy": Entry(
        Words("binary cross-entropy", "二元交叉熵"),
        _binary,
        _binary_gradient,
        {"sigmoid": (_binary_delta, "collapse")},
        Words("Each output is a class of its own.", "每个输出各自是一个类别。"),
    ),
    "binary_focal": Entry(
        Words("binary focal loss", "二元 focal 损失"),
        lambda e, p, y: -SumUnits(_focal_term(e, p, y) + _focal_term(e, 1 - p, 1 - y)),
        lambda e, p, y: _focal_slope(e, p, y) - _focal_slope(e, 1 - p, 1 - y),
        note=Words("Each output is a class of its own.", "每个输出各自是一个类别。"),
    ),
    "poisson": Entry(
        Words("Poisson deviance", "泊松偏差"),
        _poisson,
        lambda e, p, y: (p - y) / p,
        {
            "exp": (_difference, "collapse"),
            "sigmoid": (lambda e, p, y: (p - y) * (1 - p), "collapse"),
        },
        Words("Half the Poisson deviance; 0 log 0 = 0.", "泊松偏差的一半；约定 0 log 0 = 0。"),
    ),
    "gamma": Entry(
        Words("gamma deviance", "伽马偏差"),
        _gamma,
        lambda e, p, y: (p - y) / p**2,
        {"exp": (lambda e, p, y: 1 - y / p, "collapse")},
        Words("Half the gamma deviance.", "伽马偏差的一半。"),
    ),
    "tweedie": Entry(
        Words("Tweedie deviance", "Tweedie 偏差"),
        _tweedie,
        lambda e, p, y: (p - y) * p ** _number(-e.power),
        {"exp": (lambda e, p, y: (p - y) * p ** _number(1 - e.power), "collapse")},
        Words("Half the Tweedie deviance.", "Tweedie 偏差的一半。"),
    ),
}


OWN = Entry(
    Words("a loss of your own", "自定义损失函数"),
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
