"""Every activation's formula and its derivative, E7, from net and, where it is a function of it, from y.

An entry is functions from expressions to expressions: `value` of net; `derivative`, the lines of the
differentiation, all of net; `from_output` of y. A new activation is one more entry.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.derive.expression import Expr, Number, Quotient, as_expr
from chainrule.derive.functions import call, exp, log
from chainrule.derive.terms import Cases, Condition, Constant, Diag, Indicator, SumUnits
from chainrule.derive.words import NOTHING, Words
from chainrule.reference import Activation


@dataclass(frozen=True)
class Entry:
    """How an activation is written.

    Attributes
    ----------
    value : callable
        (activation, net) -> f(net).
    derivative : callable
        (activation, net) -> the lines of f'(net), each an expression of net; for a full Jacobian (softmax)
        the lines of the matrix.
    from_output : callable or None
        (activation, y) -> f' as a function of y = f(net); None where f' is no function of y.
    note : Words
        A remark.
    product : callable or None
        (activation, gradient, kept) -> the gradient times the Jacobian, where that is a full matrix; kept is
        y or net, as the activation keeps it. None where the Jacobian is diagonal.
    """

    value: Callable[[Any, Expr], Expr]
    derivative: Callable[[Any, Expr], list[Expr]]
    from_output: Callable[[Any, Expr], Expr] | None
    note: Words = NOTHING
    product: Callable[[Any, Expr, Expr], Expr] | None = None

    @property
    def full(self) -> bool:
        """Whether the Jacobian is a full matrix."""
        return self.product is not None


def positive(expression: Expr) -> Condition:
    """Write expression > 0."""
    return Condition(expression, ">", as_expr(0))


def by_sign(of: Expr, above: Expr, below: Expr) -> Expr:
    """Write one expression where `of` > 0, another where it is not."""
    return Cases(((above, positive(of)), (below, Condition(of, "<=", as_expr(0)))))


def number(value: float, text: str = "") -> Number:
    """Write a constant."""
    return Number(float(value), text or f"{value:g}")


def _sigmoid_derivative(_: Any, net: Expr) -> list[Expr]:
    y = 1 / (1 + exp(-net))
    return [exp(-net) / (1 + exp(-net)) ** 2, y * (1 - y)]


def _softmax_value(_: Any, net: Expr) -> Expr:
    return exp(net) / SumUnits(exp(net))


def _softmax_jacobian(f: Any, net: Expr) -> list[Expr]:
    y = _softmax_value(f, net)
    return [Diag(y) - y.T @ y]


def _elu(f: Any, net: Expr) -> Expr:
    return by_sign(net, net, number(f.alpha) * (exp(net) - 1))


def _selu_constants(f: Any) -> tuple[Number, Number]:
    return number(f.scale, "λ"), number(f.alpha, "α")


def _selu(f: Any, net: Expr) -> Expr:
    scale, alpha = _selu_constants(f)
    return by_sign(net, scale * net, scale * alpha * (exp(net) - 1))


def _selu_derivative(f: Any, net: Expr) -> list[Expr]:
    scale, alpha = _selu_constants(f)
    return [by_sign(net, scale, scale * alpha * exp(net))]


def _selu_from_output(f: Any, y: Expr) -> Expr:
    scale, alpha = _selu_constants(f)
    return by_sign(y, scale, y + scale * alpha)


def _mish_derivative(_: Any, net: Expr) -> list[Expr]:
    w = call("tanh", call("softplus", net))
    return [w + net * (1 - w**2) * call("sigmoid", net)]


def _clipped(low: float, high: float) -> Entry:
    """Write min(max(net, low), high)."""
    floor, ceiling = as_expr(low), as_expr(high)

    def value(_: Any, net: Expr) -> Expr:
        branches = (
            (floor, Condition(net, "<=", floor)),
            (ceiling, Condition(net, ">=", ceiling)),
            (net, Condition(net, "<", ceiling)),
        )
        return Cases(branches)

    def inside(_: Any, of: Expr) -> Expr:
        return Indicator(Condition(of, ">", floor)) * Indicator(Condition(of, "<", ceiling))

    return Entry(value, lambda f, net: [inside(f, net)], inside, EDGE)


def _groups(f: Any, net: Expr) -> tuple[int, int]:
    """Return the number of groups of ordered outputs, and their size."""
    n = net.shape[1]
    assert isinstance(n, int)
    size = f.size or n
    return n // size, size


def _first(f: Any, net: Expr) -> Expr:
    groups, size = _groups(f, net)
    row = np.tile(np.eye(1, size), groups)
    return Constant("u", row, f"np.tile(np.eye(1, {size}), {groups})", (1, groups * size))


def _sums(f: Any, net: Expr) -> Expr:
    groups, size = _groups(f, net)
    matrix = np.kron(np.eye(groups), np.triu(np.ones((size, size))))
    source = f"np.kron(np.eye({groups}), np.triu(np.ones(({size}, {size}))))"
    return Constant("U", matrix, source, (groups * size, groups * size))


def _steps(f: Any, net: Expr) -> Expr:
    return _first(f, net) * net + (1 - _first(f, net)) * call("softplus", net)


def _slopes(f: Any, net: Expr) -> Expr:
    return _first(f, net) + (1 - _first(f, net)) * call("sigmoid", net)


def _parametric_value(f: Any, net: Expr) -> Expr:
    alpha: Expr = f.alpha
    return net + alpha * (entry(f.sigma).value(f.sigma, net) - net)


def _parametric_derivative(f: Any, net: Expr) -> list[Expr]:
    return [1 - f.alpha + f.alpha * entry(f.sigma).derivative(f.sigma, net)[-1]]


EDGE = Words("At the kinks the derivative is 0, here as in the engine.", "折点处导数取 0，这里与引擎一致。")
BRANCH = Words(
    "At net = 0 the left branch is taken, here as in the engine.", "net = 0 处取左支，这里与引擎一致。"
)

ENTRIES: dict[str, Entry] = {
    "identity": Entry(
        lambda f, net: net,
        lambda f, net: [as_expr(1)],
        lambda f, y: as_expr(1),
    ),
    "sigmoid": Entry(
        lambda f, net: 1 / (1 + exp(-net)),
        _sigmoid_derivative,
        lambda f, y: y * (1 - y),
    ),
    "tanh": Entry(
        lambda f, net: (exp(net) - exp(-net)) / (exp(net) + exp(-net)),
        lambda f, net: [4 / (exp(net) + exp(-net)) ** 2, 1 - call("tanh", net) ** 2],
        lambda f, y: 1 - y**2,
    ),
    "relu": Entry(
        lambda f, net: by_sign(net, net, as_expr(0)),
        lambda f, net: [Indicator(positive(net))],
        lambda f, y: Indicator(positive(y)),
        BRANCH,
    ),
    "leaky_relu": Entry(
        lambda f, net: by_sign(net, net, number(f.slope) * net),
        lambda f, net: [by_sign(net, as_expr(1), number(f.slope))],
        lambda f, y: by_sign(y, as_expr(1), number(f.slope)),
        BRANCH,
    ),
    "elu": Entry(
        _elu,
        lambda f, net: [by_sign(net, as_expr(1), number(f.alpha) * exp(net))],
        lambda f, y: by_sign(y, as_expr(1), y + number(f.alpha)),
        BRANCH,
    ),
    "selu": Entry(
        _selu,
        _selu_derivative,
        _selu_from_output,
        Words("λ = 1.0507…, α = 1.6733….", "λ = 1.0507…，α = 1.6733…。"),
    ),
    "softplus": Entry(
        lambda f, net: log(1 + exp(net)),
        lambda f, net: [exp(net) / (1 + exp(net)), 1 - 1 / (1 + exp(net))],
        lambda f, y: 1 - exp(-y),
    ),
    "gelu": Entry(
        lambda f, net: net * call("normal_cdf", net),
        lambda f, net: [call("normal_cdf", net) + net * call("normal_density", net)],
        None,
        Words(
            "Φ is the standard normal distribution function, φ its density. The function is not monotone,"
            " so f′ is no function of y.",
            "Φ 是标准正态分布函数，φ 是其密度。该函数不单调，所以 f′ 不是 y 的函数。",
        ),
    ),
    "silu": Entry(
        lambda f, net: net * call("sigmoid", net),
        lambda f, net: [
            call("sigmoid", net) + net * call("sigmoid", net) * (1 - call("sigmoid", net)),
            call("sigmoid", net) * (1 + net * (1 - call("sigmoid", net))),
        ],
        None,
        Words(
            "σ is the sigmoid function. The function is not monotone, so f′ is no function of y.",
            "σ 是 sigmoid 函数。该函数不单调，所以 f′ 不是 y 的函数。",
        ),
    ),
    "mish": Entry(
        lambda f, net: net * call("tanh", call("softplus", net)),
        _mish_derivative,
        None,
        Words(
            "softplus(t) = log(1 + eᵗ), σ is the sigmoid function. The function is not monotone, so f′ is no"
            " function of y.",
            "softplus(t) = log(1 + eᵗ)，σ 是 sigmoid 函数。该函数不单调，所以 f′ 不是 y 的函数。",
        ),
    ),
    "softmax": Entry(
        _softmax_value,
        _softmax_jacobian,
        lambda f, y: Diag(y) - y.T @ y,
        Words(
            "Every output depends on every net through the sum, so the Jacobian is a full matrix:"
            " ∂yᵢ/∂netⱼ = yᵢ([i = j] − yⱼ).",
            "每个输出都通过分母的和依赖每个 net，所以雅可比矩阵是满阵：∂yᵢ/∂netⱼ = yᵢ([i = j] − yⱼ)。",
        ),
        product=lambda f, gradient, y: y * (gradient - SumUnits(gradient * y)),
    ),
    "ordered": Entry(
        lambda f, net: _steps(f, net) @ _sums(f, net),
        lambda f, net: [_sums(f, net).T @ Diag(_slopes(f, net))],
        None,
        Words(
            "u is 1 for the first output of each group, 0 for the others; U adds up within a group (ones on"
            " and above the diagonal of its blocks). Each output depends on the nets up to its own.",
            "u 在每组的第一个输出处为 1，其余为 0；U 在组内求前缀和（各对角块的上三角为 1）。"
            "每个输出依赖组内直到自身的 net。",
        ),
        product=lambda f, gradient, net: (gradient @ _sums(f, net).T) * _slopes(f, net),
    ),
    "softsign": Entry(
        lambda f, net: net / (1 + call("abs", net)),
        lambda f, net: [1 / (1 + call("abs", net)) ** 2],
        lambda f, y: (1 - call("abs", y)) ** 2,
    ),
    "hardtanh": _clipped(-1, 1),
    "relu6": _clipped(0, 6),
    "prelu": Entry(
        lambda f, net: by_sign(net, net, f.slope * net),
        lambda f, net: [by_sign(net, as_expr(1), f.slope)],
        None,
        Words(
            "Each unit learns its slope a. The slope may become negative, so f′ is told from net.",
            "每个单元学习自己的斜率 a。斜率可能变成负数，所以 f′ 由 net 的符号决定。",
        ),
    ),
    "parametric": Entry(
        _parametric_value,
        _parametric_derivative,
        None,
        Words(
            "net + α (σ(net) − net) for the function σ: each unit learns its own α, 1 at first, where it is σ"
            " itself; at 0 it is the identity.",
            "net + α (σ(net) − net)，σ 是该层的函数：每个单元学习自己的 α，初值为 1，"
            "此时就是 σ 本身；α = 0 时是恒等函数。",
        ),
    ),
    "exp": Entry(
        lambda f, net: exp(net),
        lambda f, net: [exp(net)],
        lambda f, y: y,
    ),
}


def entry(activation: Activation) -> Entry:
    """Return how an activation is written; KeyError says where to add it."""
    try:
        return ENTRIES[activation.name]
    except KeyError:
        raise KeyError(
            f"activation {activation.name!r} has no derivation; add an entry to chainrule.derive.activations"
        ) from None


__all__ = ["ENTRIES", "Entry", "Quotient", "by_sign", "entry", "number", "positive"]
