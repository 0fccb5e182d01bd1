"""The recursion for any layer k of any depth: the seed's summary."""

from __future__ import annotations

from chainrule.derive import activations, losses
from chainrule.derive.context import Context
from chainrule.derive.expression import Expr, Glyph, Gradient, Shape, Symbol
from chainrule.derive.steps import Form, Step
from chainrule.derive.terms import Call, Diag, Function, Partial
from chainrule.derive.words import NOTHING, Words


def _symbol(kind: str, base: str, index: str, size: Shape, *, scalar: bool = False) -> Symbol:
    return Symbol(
        f"{kind}.{index}", Glyph(base, index), size, "general", None, per_row=False, is_scalar=scalar
    )


def general_steps(context: Context) -> list[Step]:
    """Return E1, E2 and E4-E6 for layer k, without numbers."""
    minus = context.bias_sign == "-"
    row, after = (1, "n_k+1"), (1, "n_k+2")
    x, out = _symbol("x", "x", "k", (1, "n_k")), _symbol("x", "x", "k+1", row)
    W, b = _symbol("W", "W", "k", ("n_k", "n_k+1")), _symbol("b", "b", "k", row)
    net, W_next = _symbol("net", "net", "k", row), _symbol("W", "W", "k+1", ("n_k+1", "n_k+2"))
    E = Symbol("E", Glyph("E"), (1, 1), "loss", None, is_scalar=True)
    loss = context.model.loss
    counted = getattr(loss, "outputs_per_target", 1) > 1 or getattr(loss, "label_smoothing", 0)
    last: Shape = (
        1,
        context.model.sizes[-1] if counted else "n_l+1",
    )  # a formula may have their number in it
    b_last, net_last = _symbol("b", "b", "l", last), _symbol("net", "net", "l", last)
    yhat = Symbol("x.l+1", Glyph("y", "", "hat"), last, "output", None)
    y = Symbol("y", Glyph("y"), last, "target", None)
    b_next = _symbol("b", "b", "k+1", after)

    def by(of: Symbol, key: str) -> Gradient:
        return Gradient(key, Glyph("∂"), of.size, "general", None, of=E, wrt=of)

    def f(argument: Symbol, index: str, prime: int = 0) -> Expr:
        return Call(Function("f", lambda value: value, index, prime), argument)

    def step(
        key: str, equation: str, title: Words, lhs: Expr, forms: tuple[Form, ...], note: Words = NOTHING
    ) -> Step:
        return Step(key, equation, "general", None, title, lhs, "", forms, note, symbolic=True)

    def signed(expression: Expr) -> Expr:
        return -expression if minus else expression

    error = losses.entry(context.model.loss).gradient(context.model.loss, yhat, y)
    db, db_next, db_last = by(b, "db.k"), by(b_next, "db.k+1"), by(b_last, "db.l")
    back = db_next @ W_next.T
    affine = x @ W - b if minus else x @ W + b
    output = context.layer(context.n_layers).activation
    output_forms = [Form(signed(error @ Partial(yhat, net_last)), "chain_rule", "chain")]
    collapsed = losses.entry(context.model.loss).collapsed
    if output.name in collapsed:
        formula, rule = collapsed[output.name]
        output_forms.append(Form(signed(formula(context.model.loss, yhat, y)), rule, "collapsed"))
    elif not activations.entry(output).full:
        output_forms.append(Form(signed(error @ Diag(f(net_last, "l", 1))), "elementwise", "jacobians"))
        output_forms.append(Form(signed(error * f(net_last, "l", 1)), "hadamard", "collapsed"))
    l_note = Words("l is the number of weight matrices.", "l 是权重矩阵的个数。")
    extras = [
        text
        for wanted, text in (
            (any(la.normalized for la in context.model.layers), Words("normalization (E8)", "归一化（E8）")),
            (any(la.residual for la in context.model.layers), Words("skips (E9)", "跳跃连接（E9）")),
            (any(la.dropout for la in context.model.layers), Words("dropout (E10)", "dropout（E10）")),
        )
        if wanted
    ]
    within = NOTHING
    if extras:
        within = Words(
            f"For a layer with nothing more in it; this network also has {', '.join(w.en for w in extras)}.",
            f"适用于没有附加结构的层；这个网络还有{'、'.join(w.zh for w in extras)}，见前文。",
        )
    return [
        step(
            "general.E1",
            "E1",
            Words("Net input of layer k", "第 k 层的净输入"),
            net,
            (Form(affine, "definition"),),
        ),
        step(
            "general.E2",
            "E2",
            Words("Output of layer k", "第 k 层的输出"),
            out,
            (Form(f(net, "k"), "definition"),),
        ),
        step(
            "general.E4",
            "E4",
            Words("Bias gradient of the output layer, k = l", "输出层偏置的梯度，k = l"),
            db_last,
            tuple(output_forms),
            l_note,
        ),
        step(
            "general.E5",
            "E5",
            Words("Bias gradient of a hidden layer, k < l", "隐藏层偏置的梯度，k < l"),
            db,
            (
                Form(back @ Diag(f(net, "k", 1)), "chain_rule", "jacobians"),
                Form(back * f(net, "k", 1), "hadamard", "collapsed"),
            ),
            within,
        ),
        step(
            "general.E6",
            "E6",
            Words("Weight gradient of any layer", "任一层权重的梯度"),
            by(W, "dW.k"),
            (Form(signed(x.T @ db), "weight", "collapsed"),),
        ),
    ]
