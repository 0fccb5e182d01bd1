"""Steps that say where the sum over the rows of a batch enters."""

from __future__ import annotations

from chainrule.derive.context import Context
from chainrule.derive.expression import Expr, Glyph, Gradient, MatMul, Number, Size, Symbol
from chainrule.derive.inputs import stage
from chainrule.derive.steps import Form, Step
from chainrule.derive.terms import Ones, Stacked, SumSamples
from chainrule.derive.words import Words


def batch_steps(context: Context) -> list[Step]:
    """Return the batch's error and gradients; none for a single sample."""
    if context.n_samples == 1:
        return []
    steps = [_error(context)]
    for k in range(context.n_layers, 0, -1):
        steps += [_bias(context, k), _weight(context, k)]
        layer = context.layer(k)
        kinds = ["gain", "shift"] * layer.normalized + [layer.learns] * bool(layer.learns)
        steps += [_vector(context, kind, k) for kind in kinds]
    for equation, symbol, name in stage.learned(context):
        title = Words(f"Gradient of the {name.en}, batch", f"{name.zh}的梯度（批）")
        steps.append(_shared(context, symbol, equation, title, 0))
    return steps


def rows(context: Context) -> Size:
    """Return the number of rows, N where there are no numbers."""
    return context.n_samples or "N"


def mean_error(context: Context) -> Symbol:
    """Return the mean error of the batch."""
    made = Symbol("batch.E", Glyph("E", "", "bar"), (1, 1), "loss", None, per_row=False, is_scalar=True)
    return context.notation.symbols.setdefault(made.key, made)


def batch_gradient(context: Context, wrt: Symbol) -> Gradient:
    """Return the derivative of the mean error by a parameter."""
    return context.notation.gradient(f"batch.d{wrt.key}", mean_error(context), wrt, per_row=False)


def _share(context: Context) -> Expr:
    n = context.n_samples
    return Number(1 / n, f"1/{n}") if n else Number(0.0, "1/N")


def _summed(context: Context, expression: Expr) -> Expr:
    return _share(context) * SumSamples(expression, rows(context))


def _error(context: Context) -> Step:
    lhs = mean_error(context)
    forms = (Form(_summed(context, context.notation.E), "definition"),)
    title = Words("Error of the batch", "批的误差")
    note = Words(
        "The mean over the rows. Rows do not see each other: all steps before hold for each row.",
        "各行误差的平均。各行互不影响：前面的每一步对每一行都成立。",
    )
    return Step("batch.E", "E3", "batch", None, title, lhs, lhs.key, forms, note)


def _weight(context: Context, k: int) -> Step:
    notation = context.notation
    x, delta, n = notation.x(k), notation.delta(k), rows(context)
    lhs = batch_gradient(context, notation.W(k))
    forms = (
        Form(_summed(context, notation.dW(k)), "sum_over_rows", "chain"),
        Form(_summed(context, x.T @ delta), "substitution", "jacobians"),
        Form(_share(context) * MatMul((Stacked(x, n).T, Stacked(delta, n))), "stacked_rows", "collapsed"),
    )
    title = Words(f"Gradient of the weights of layer {k}, batch", f"第 {k} 层权重的梯度（批）")
    return Step(lhs.key, "E6", "batch", k, title, lhs, lhs.key, forms)


def _bias(context: Context, k: int) -> Step:
    notation, minus = context.notation, context.bias_sign == "-"
    delta, n = notation.delta(k), rows(context)
    lhs = batch_gradient(context, notation.b(k))
    stacked = _share(context) * MatMul((Ones(n), Stacked(delta, n)))
    summed = _summed(context, delta)
    forms = (
        Form(_summed(context, notation.db(k)), "sum_over_rows", "chain"),
        Form(-summed if minus else summed, "substitution", "jacobians"),
        Form(-stacked if minus else stacked, "stacked_rows", "collapsed"),
    )
    equation = "E4" if k == context.n_layers else "E5"
    title = Words(f"Gradient of the biases of layer {k}, batch", f"第 {k} 层偏置的梯度（批）")
    return Step(lhs.key, equation, "batch", k, title, lhs, lhs.key, forms)


def _vector(context: Context, kind: str, k: int) -> Step:
    names = {
        "gain": Words("gain", "增益"),
        "shift": Words("shift", "平移"),
        "slope": Words("slopes", "斜率"),
        "alpha": Words("alphas", "α"),
    }[kind]
    title = Words(f"Gradient of the {names.en} of layer {k}, batch", f"第 {k} 层{names.zh}的梯度（批）")
    equation = {"slope": "E7", "alpha": "E12"}.get(kind, "E8")
    return _shared(context, context.learned(kind, k), equation, title, k)


def _shared(context: Context, wrt: Symbol, equation: str, title: Words, layer: int) -> Step:
    """Return the sum over the rows of the gradients by what they share."""
    lhs, one = batch_gradient(context, wrt), context.notation.symbols[f"d{wrt.key}"]
    forms = (Form(_summed(context, one), "sum_over_rows", "chain"),)
    return Step(lhs.key, equation, "batch", layer, title, lhs, lhs.key, forms)
