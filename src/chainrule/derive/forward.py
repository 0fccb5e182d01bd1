"""Steps of the definition, the forward pass (E1, E2, E8-E10, E12) and the error (E3)."""

from __future__ import annotations

from dataclasses import replace

from chainrule.derive import activations, losses
from chainrule.derive.context import Context
from chainrule.derive.expression import Expr, Glyph, Number, Quotient, Symbol
from chainrule.derive.functions import call
from chainrule.derive.inputs.stage import input_steps
from chainrule.derive.steps import Form, Step
from chainrule.derive.terms import SumUnits
from chainrule.derive.words import NOTHING, Words

EPSILON = Number(1e-5, "ε")  # of the normalization, E8
DEEPEST_NESTED = 4  # layers that are still written as one nested formula


def forward_steps(context: Context) -> list[Step]:
    """Return the steps up to the error; fills the context's definitions."""
    before = input_steps(context)
    steps = [step for k in range(1, context.n_layers + 1) for step in _layer(context, k)]
    return [*_network(context), *before, *steps, _error(context)]


def net_symbol(context: Context, k: int) -> Symbol:
    """Return what the activation of layer k takes: net_k, or z_k after a normalization."""
    notation = context.notation
    return notation.row("z", "z", k, "scaled") if context.layer(k).normalized else notation.net(k)


def activated(context: Context, k: int) -> Symbol:
    """Return what the activation of layer k gives: x_{k+1}, or h_k where more follows."""
    layer = context.layer(k)
    if layer.dropout or layer.residual:
        return context.notation.row("h", "h", k, "activated")
    return context.notation.x(k + 1)


def dropped(context: Context, k: int) -> Symbol:
    """Return what dropout gives: x_{k+1}, or d_k where a skip follows."""
    layer = context.layer(k)
    if not layer.dropout:
        return activated(context, k)
    return context.notation.row("d", "d", k, "dropped") if layer.residual else context.notation.x(k + 1)


def mask(context: Context, k: int) -> Symbol:
    """Return the mask of E10."""
    return context.notation.row("mask", "m", k, "mask")


def normalized(context: Context, k: int) -> Symbol:
    """Return the normalized net of E8."""
    return context.notation.row("normalized", "u", k, "normalized")


def deviation(context: Context, k: int) -> Symbol:
    """Return the row's standard deviation in E8."""
    made = Symbol(f"deviation.{k}", Glyph("s", str(k)), (1, 1), "deviation", k, is_scalar=True)
    return context.notation.symbols.setdefault(made.key, made)


def _network(context: Context) -> list[Step]:
    """Write the network as one nested formula, where that stays readable."""
    notation, layers = context.notation, context.model.layers
    plain = not any(layer.normalized or layer.residual or layer.dropout or layer.learns for layer in layers)
    if not plain or context.n_layers > DEEPEST_NESTED:
        return []
    nested: Expr = notation.x(1)
    for k in range(1, context.n_layers + 1):
        nested = context.f(k, context.signed_bias(nested @ notation.W(k), notation.b(k)))
    title = context.model.title
    return [
        Step(
            "network",
            "E2",
            "definition",
            None,
            Words(f"The network {title} in one formula", f"网络 {title} 写成一个式子"),
            notation.yhat,
            notation.yhat.key,
            (Form(nested, "definition"),),
            Words(
                "Rows are samples: x is a row vector and multiplies from the left.",
                "每行是一个样本：x 是行向量，从左边相乘。",
            ),
        )
    ]


def _layer(context: Context, k: int) -> list[Step]:
    notation, layer = context.notation, context.layer(k)
    net = notation.net(k)
    affine = context.signed_bias(notation.x(k) @ notation.W(k), notation.b(k))
    context.define(net, affine)
    steps = [
        Step(
            f"net.{k}",
            "E1",
            "forward",
            k,
            Words(f"Net input of layer {k}", f"第 {k} 层的净输入"),
            net,
            net.key,
            (Form(affine, "definition"),),
            Words("The bias is subtracted.", "偏置是被减去的。") if context.bias_sign == "-" else NOTHING,
        )
    ]
    if layer.normalized:
        steps += _normalization(context, k)
    steps.append(_activation(context, k))
    if layer.dropout:
        steps.append(_dropout(context, k))
    if layer.residual:
        steps.append(_residual(context, k))
    return steps


def _normalization(context: Context, k: int) -> list[Step]:
    net, s, u = context.notation.net(k), deviation(context, k), normalized(context, k)
    z = net_symbol(context, k)
    centered = net - SumUnits(net, mean=True)
    lines: list[tuple[Symbol, Expr, Words]] = [
        (
            s,
            call("sqrt", SumUnits(centered**2, mean=True) + EPSILON),
            Words(f"Deviation of the row in layer {k}", f"第 {k} 层该行的标准差"),
        ),
        (u, Quotient(centered, s), Words(f"Normalized net of layer {k}", f"第 {k} 层归一化后的 net")),
        (
            z,
            u * context.learned("gain", k) + context.learned("shift", k),
            Words(f"Gain and shift of layer {k}", f"第 {k} 层的增益与平移"),
        ),
    ]
    steps = []
    for symbol, expression, title in lines:
        context.define(symbol, expression)
        form = Form(expression, "definition")
        steps.append(Step(symbol.key, "E8", "forward", k, title, symbol, symbol.key, (form,)))
    note = Words("ε = 10⁻⁵; mean over the units of the row.", "ε = 10⁻⁵；均值取自该行的各单元。")
    steps[0] = replace(steps[0], note=note)
    return steps


def _activation(context: Context, k: int) -> Step:
    f, into, out = context.layer(k).activation, net_symbol(context, k), activated(context, k)
    entry = activations.entry(f)
    bound = context.bound(k)
    written = entry.value(bound, into)
    learns, name = context.layer(k).learns, context.layer(k).function
    computed = written if learns else context.f(k, into)
    context.define(out, computed)
    forms = [] if learns else [Form(context.f(k, into), "definition")]
    if f.name != "identity":
        forms.append(Form(written, "function"))
    else:
        forms.append(Form(into, "function"))
    title = Words(f"Output of layer {k}: {name}", f"第 {k} 层的输出：{name}")
    equation = "E12" if learns == "alpha" else "E2"
    return Step(f"output.{k}", equation, "forward", k, title, out, out.key, tuple(forms), entry.note)


def _dropout(context: Context, k: int) -> Step:
    h, m, out = activated(context, k), mask(context, k), dropped(context, k)
    expression = h * m
    context.define(out, expression)
    p = context.layer(k).dropout
    note = Words(
        f"m has 0 with probability {p:g} and {1 / (1 - p):.4g} otherwise; when the network predicts, every"
        " element is 1.",
        f"m 的元素以概率 {p:g} 取 0，否则取 {1 / (1 - p):.4g}；预测时全部为 1。",
    )
    title = Words(f"Dropout in layer {k}", f"第 {k} 层的 dropout")
    return Step(
        f"dropout.{k}", "E10", "forward", k, title, out, out.key, (Form(expression, "definition"),), note
    )


def _residual(context: Context, k: int) -> Step:
    out = context.notation.x(k + 1)
    expression = dropped(context, k) + context.notation.x(k)
    context.define(out, expression)
    title = Words(f"Skip around layer {k}", f"跨过第 {k} 层的跳跃连接")
    return Step(f"residual.{k}", "E9", "forward", k, title, out, out.key, (Form(expression, "definition"),))


def _error(context: Context) -> Step:
    notation = context.notation
    entry = losses.entry(context.model.loss)
    expression = entry.value(context.model.loss, notation.yhat, notation.y)
    context.define(notation.E, expression)
    title = Words(f"Error of one row: {entry.name.en}", f"一行的误差：{entry.name.zh}")
    return Step(
        "loss", "E3", "loss", None, title, notation.E, "E", (Form(expression, "definition"),), entry.note
    )


__all__ = [
    "activated",
    "deviation",
    "dropped",
    "forward_steps",
    "mask",
    "net_symbol",
    "normalized",
]
