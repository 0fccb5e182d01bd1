"""Steps of one update, the first: every parameter by the optimizer's formula, its memory starting empty."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

from chainrule.derive.batch import batch_gradient
from chainrule.derive.context import Context
from chainrule.derive.expression import Expr, Glyph, Symbol, as_expr
from chainrule.derive.functions import call
from chainrule.derive.inputs import stage
from chainrule.derive.model import Model
from chainrule.derive.steps import Form, Step
from chainrule.derive.terms import Cases, ColumnNorms, Condition, NormSquared
from chainrule.derive.words import NOTHING, Words

DEFAULT = SimpleNamespace(name="sgd", learning_rate=0.1, momentum=0.0, nesterov=False, l2=0.0)
PARAMETERS = {
    "W": Words("weights", "权重"),
    "b": Words("biases", "偏置"),
    "gain": Words("gain", "增益"),
    "shift": Words("shift", "平移"),
    "slope": Words("slopes", "斜率"),
    "alpha": Words("alphas", "α"),
}


@dataclass
class Scope:
    """What an optimizer's formula speaks of: one parameter.

    Attributes
    ----------
    theta, g : Expr
        The parameter, and the gradient of the loss by it, penalties and bounds included.
    name : Words
        What a text calls the parameter: "weights of layer 1".
    is_weight : bool
        Whether penalties and decay are for this parameter: for weights, not for biases.
    settings : Any
        The optimizer.
    symbols : dict
        Settings and memory as symbols with their values at the start, by key; shared by all parameters.
    lines, later : list
        What is remembered: new values that the formula uses, and such that are for the next step.
    """

    theta: Symbol
    g: Expr
    name: Words
    is_weight: bool
    settings: Any
    symbols: dict[str, tuple[Symbol, float]]
    lines: list[tuple[Symbol, Expr]] = field(default_factory=list)
    later: list[tuple[Symbol, Expr]] = field(default_factory=list)

    @property
    def new(self) -> Symbol:
        """The parameter after the update."""
        theta = self.theta
        return Symbol(f"new.{theta.key}", theta.glyph, theta.size, "updated", theta.layer, per_row=False)

    def replace_gradient(self, kind: str, expression: Expr, title: Words) -> Step:
        """Return the step that makes g what the expression gives."""
        k = self.theta.layer
        g = Symbol(
            f"{kind}.{self.theta.key}", Glyph("g", self.theta.glyph.base), self.theta.size, "moment", k
        )
        self.g = g
        return assigned(f"update.{g.key}", k, title, g, expression)

    def setting(self, letter: str, value: float, index: str = "") -> Symbol:
        """Return a setting as a symbol."""
        key = f"setting.{letter}{index}"
        made = Symbol(key, Glyph(letter, index), (1, 1), "setting", None, per_row=False, is_scalar=True)
        return self.symbols.setdefault(key, (made, value))[0]

    @property
    def eta(self) -> Symbol:
        """The learning rate; the layer's own where it has a factor."""
        factors, k = getattr(self.settings, "learning_rate_factors", None), self.theta.layer
        if not factors or k is None or factors[k - 1] == 1:
            return self.setting("η", self.settings.learning_rate)
        return self.setting("η", self.settings.learning_rate * factors[k - 1], str(k))

    @property
    def t(self) -> Symbol:
        """The number of the step: the first."""
        return self.setting("t", 1.0)

    def beta(self, i: int) -> Symbol:
        """Decay of a running mean."""
        return self.setting("β", getattr(self.settings, f"beta_{i}"), str(i))

    @property
    def epsilon(self) -> Symbol:
        """What keeps a denominator from 0."""
        return self.setting("ε", self.settings.epsilon)

    def memory(self, letter: str, start: float = 0.0) -> Symbol:
        """Return what is remembered from the step before: at the start, one number everywhere."""
        key = f"{letter}.{self.theta.key}"
        made = Symbol(key, Glyph(letter), self.theta.size, "moment", self.theta.layer, per_row=False)
        return self.symbols.setdefault(key, (made, start))[0]

    def remember(self, letter: str, expression: Expr, *, later: bool = False) -> Symbol:
        """Replace what is remembered; what follows uses the new value."""
        key = f"{letter}.new.{self.theta.key}"
        made = Symbol(key, Glyph(letter), self.theta.size, "moment", self.theta.layer, per_row=False)
        (self.later if later else self.lines).append((made, expression))
        return made

    def decayed(self) -> Expr:
        """Return the parameter after weight decay."""
        decay = getattr(self.settings, "weight_decay", 0.0)
        if not (decay and self.is_weight):
            return self.theta
        return (1 - self.eta * self.setting("λ", decay, "w")) * self.theta

    def largest(self, letter: str, v: Symbol) -> Symbol:
        """AMSGrad's largest second moment so far; the moment itself without it."""
        if not getattr(self.settings, "amsgrad", False):
            return v
        u = self.memory(letter)
        return self.remember(letter, Cases(((v, Condition(v, ">", u)), (u, Condition(v, "<=", u)))))


def _sgd(s: Scope) -> Expr:
    if not s.settings.momentum:
        return s.theta - s.eta * s.g
    mu = s.setting("μ", s.settings.momentum)
    v = s.remember("v", mu * s.memory("v") - s.eta * s.g)
    return s.theta + mu * v - s.eta * s.g if s.settings.nesterov else s.theta + v


def _means(s: Scope) -> tuple[Symbol, Symbol]:
    m = s.remember("m", s.beta(1) * s.memory("m") + (1 - s.beta(1)) * s.g)
    v = s.remember("v", s.beta(2) * s.memory("v") + (1 - s.beta(2)) * s.g**2)
    return m, v


def _adam(s: Scope) -> Expr:
    m, v = _means(s)
    v = s.largest("u", v)
    rate = s.eta * (call("sqrt", 1 - s.beta(2) ** s.t) / (1 - s.beta(1) ** s.t))
    return s.theta - rate * (m / (call("sqrt", v) + s.epsilon))


def _adamw(s: Scope) -> Expr:
    m, v = _means(s)
    v = s.largest("u", v)
    rate = s.eta / (1 - s.beta(1) ** s.t)
    return s.decayed() - rate * (m / (call("sqrt", v / (1 - s.beta(2) ** s.t)) + s.epsilon))


def _rmsprop(s: Scope) -> Expr:
    rho = s.setting("ρ", s.settings.rho)
    v: Expr = s.remember("v", rho * s.memory("v") + (1 - rho) * s.g**2)
    if s.settings.centered:
        a = s.remember("a", rho * s.memory("a") + (1 - rho) * s.g)
        v = v - a**2
    step = s.g / (call("sqrt", v) + s.epsilon)
    if not s.settings.momentum:
        return s.theta - s.eta * step
    return s.theta - s.eta * s.remember("b", s.setting("μ", s.settings.momentum) * s.memory("b") + step)


def _adagrad(s: Scope) -> Expr:
    total = s.remember("s", s.memory("s", s.settings.initial_accumulator) + s.g**2)
    return s.theta - s.eta * (s.g / (call("sqrt", total) + s.epsilon))


def _nadam(s: Scope) -> Expr:
    beta, decay = s.settings.beta_1, s.settings.momentum_decay
    now, after = (beta * (1 - 0.96 ** (t * decay) / 2) for t in (1, 2))
    k, k_next = s.setting("κ", now, "t"), s.setting("κ", after, "t+1")
    m, v = _means(s)
    d = s.g + k_next / (1 - k * k_next) * m
    return s.theta - s.eta * (d / (call("sqrt", v / (1 - s.beta(2) ** s.t)) + s.epsilon))


def _lion(s: Scope) -> Expr:
    m = s.memory("m")
    s.remember("m", s.beta(2) * m + (1 - s.beta(2)) * s.g, later=True)
    return s.decayed() - s.eta * call("sign", s.beta(1) * m + (1 - s.beta(1)) * s.g)


def _rprop(s: Scope) -> Expr:
    return s.theta - s.memory("s", s.settings.learning_rate) * call("sign", s.g)


@dataclass(frozen=True)
class Entry:
    """An optimizer's formula: it adds what is remembered to the scope and returns the new parameter."""

    formula: Callable[[Scope], Expr]
    note: Words = NOTHING
    first_only: bool = False  # whether the formula is that of the first update alone


ENTRIES: dict[str, Entry] = {
    "sgd": Entry(_sgd),
    "adam": Entry(_adam),
    "adamw": Entry(_adamw),
    "rmsprop": Entry(_rmsprop),
    "adagrad": Entry(_adagrad),
    "nadam": Entry(
        _nadam,
        Words(
            "κₜ = β₁ (1 − 0.96^(t ψ)/2) with ψ the momentum's decay. In later steps the gradient has the"
            " factor (1 − κₜ)/(1 − κ₁⋯κₜ), which is 1 in the first.",
            "κₜ = β₁ (1 − 0.96^(t ψ)/2)，ψ 是动量的衰减。"
            "以后各步中梯度的系数是 (1 − κₜ)/(1 − κ₁⋯κₜ)，第一步为 1。",
        ),
        first_only=True,
    ),
    "lion": Entry(_lion),
    "rprop": Entry(
        _rprop,
        Words(
            "Each element has a step of its own; it grows while the gradient keeps its sign, else shrinks.",
            "每个元素有自己的步长：梯度符号不变时变大，改变时变小。",
        ),
        first_only=True,
    ),
}


def update_steps(context: Context, optimizer: Any) -> tuple[list[Step], dict[str, float]]:
    """Return the steps of the first update, and the values of settings and memory at its start by key.

    An optimizer without an entry in `ENTRIES`, such as L-BFGS, whose steps come from a line search, has none.
    """
    if optimizer.name not in ENTRIES:
        return [], {}
    entry = ENTRIES[optimizer.name]
    symbols: dict[str, tuple[Symbol, float]] = {}
    scopes = [
        Scope(theta, _gradient(context, theta), name, is_weight, optimizer, symbols)
        for theta, name, is_weight in _parameters(context)
    ]
    steps = _gradients(scopes)
    for scope in scopes:
        new = entry.formula(scope)
        steps += [_remembered(scope, *line) for line in scope.lines]
        steps.append(_new_parameter(scope, new, entry.note))
        if _on(optimizer, "max_norm") and scope.is_weight:
            steps.append(_bounded(scope))
        steps += [_remembered(scope, *line) for line in scope.later]
    for symbol, _ in symbols.values():
        context.notation.symbols.setdefault(symbol.key, symbol)
    return steps, {key: value for key, (_, value) in symbols.items()}


def check_optimizer(optimizer: Any) -> None:
    """Raise TypeError for anything but an optimizer with its settings."""
    from chainrule.optimizers import LBFGS, Optimizer

    if not isinstance(optimizer, Optimizer | LBFGS):
        given = f"the class {optimizer.__name__}" if isinstance(optimizer, type) else repr(optimizer)
        raise TypeError(f"optimizer is {given}; expected an optimizer, such as chainrule.SGD(0.1)")


def optimizer_of(model: Model, n_samples: int) -> Any:
    """Return the optimizer of a model that keeps one, plain gradient descent for everything else."""
    optimizer = None if model.description is None else model.description.optimizer
    return DEFAULT if optimizer is None else optimizer(n_samples)


def _parameters(context: Context) -> Iterator[tuple[Symbol, Words, bool]]:
    """Yield all parameters from the output back: symbol, name, and whether it is weights."""
    notation = context.notation
    for k in range(context.n_layers, 0, -1):
        layer = context.layer(k)
        for kind in ["W", "b", *["gain", "shift"] * layer.normalized, *[layer.learns] * bool(layer.learns)]:
            theta = {"W": notation.W, "b": notation.b}[kind](k) if kind in "Wb" else context.learned(kind, k)
            name = PARAMETERS[kind]
            yield theta, Words(f"{name.en} of layer {k}", f"第 {k} 层{name.zh}"), kind == "W"
    for _, theta, name in stage.learned(context):
        yield theta, name, False


def _gradient(context: Context, theta: Symbol) -> Symbol:
    """Return the gradient of the loss by a parameter: of the row, or of the batch."""
    if context.n_samples == 1:
        return context.notation.symbols[f"d{theta.key}"]
    return batch_gradient(context, theta)


def _on(optimizer: Any, name: str) -> float:
    """Return a setting of all optimizers, 0 where it is off."""
    return float(getattr(optimizer, name, None) or 0.0)


def _gradients(scopes: list[Scope]) -> list[Step]:
    """Penalties and bounds of the gradient, where there are any: each scope's g becomes what they give."""
    optimizer = scopes[0].settings
    l1, l2, most = (_on(optimizer, name) for name in ("l1", "l2", "clip_value"))
    steps = []
    for scope in scopes:
        if scope.is_weight and (l1 or l2):
            g = scope.g
            if l2:
                g = g + scope.setting("λ", l2) * scope.theta
            if l1:
                g = g + scope.setting("λ", l1, "1") * call("sign", scope.theta)
            title = Words("The penalties' gradient is added", "加上惩罚项的梯度")
            steps.append(scope.replace_gradient("penalized", g, title))
        if most:
            c = scope.setting("c", most)
            clipped = Cases(
                (
                    (-c, Condition(scope.g, "<", -c)),
                    (c, Condition(scope.g, ">", c)),
                    (scope.g, Condition(call("abs", scope.g), "<=", c)),
                )
            )
            title = Words("Each element of the gradient is bounded", "限制梯度的每个元素")
            steps.append(scope.replace_gradient("clipped", clipped, title))
    if _on(optimizer, "clip_norm"):
        first = scopes[0]
        bound, total = first.setting("c", _on(optimizer, "clip_norm"), "n"), NormSquared(first.g)
        squares: Expr = total
        for scope in scopes[1:]:
            squares = squares + NormSquared(scope.g)
        norm = Symbol("norm.g", Glyph("r"), (1, 1), "moment", None, per_row=False, is_scalar=True)
        title = Words("Norm of the whole gradient", "整个梯度的范数")
        forms = (Form(call("sqrt", squares), "optimizer"),)
        steps.append(Step("update.norm", "", "update", None, title, norm, norm.key, forms))
        one = as_expr(1)
        factor = Cases(((one, Condition(norm, "<=", bound)), (bound / norm, Condition(norm, ">", bound))))
        for scope in scopes:
            title = Words("The gradient is scaled down if its norm is too large", "范数过大时缩短梯度")
            steps.append(scope.replace_gradient("shortened", factor * scope.g, title))
    return steps


def _remembered(scope: Scope, symbol: Symbol, expression: Expr) -> Step:
    k, name = scope.theta.layer, scope.name
    title = Words(f"The optimizer's memory of the {name.en}", f"优化器对{name.zh}的记忆量")
    return assigned(f"update.{symbol.key}", k, title, symbol, expression)


def _new_parameter(scope: Scope, new: Expr, note: Words) -> Step:
    title = Words(f"New {scope.name.en}", f"{scope.name.zh}的新值")
    made = assigned(f"update.{scope.theta.key}", scope.theta.layer, title, scope.new, new)
    return replace(made, note=note)


def _bounded(scope: Scope) -> Step:
    """Columns of W that are too long, made as long as allowed."""
    new, k = scope.new, scope.theta.layer
    bound = scope.setting("c", scope.settings.max_norm, "m")
    norms = ColumnNorms(new)
    factor = Cases(
        ((as_expr(1), Condition(norms, "<=", bound)), (bound / norms, Condition(norms, ">", bound)))
    )
    bounded = Symbol(f"bounded.{new.key}", new.glyph, new.size, "updated", k, per_row=False)
    title = Words(f"Columns of layer {k} that are too long are scaled down", f"缩短第 {k} 层过长的列")
    return assigned(f"update.bounded.{scope.theta.key}", k, title, bounded, factor * new)


def assigned(key: str, layer: int | None, title: Words, symbol: Symbol, expression: Expr) -> Step:
    """Return a step with an arrow: what stands left gets a new value."""
    forms = (Form(expression, "optimizer"),)
    return Step(key, "", "update", layer, title, symbol, symbol.key, forms, assignment=True)
