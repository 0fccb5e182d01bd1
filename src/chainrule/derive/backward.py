"""Steps of the backward pass: E4, E5, E6, E7 and what normalization, skip and dropout add (E8-E10)."""

from __future__ import annotations

from chainrule.derive import activations, losses
from chainrule.derive.context import Context
from chainrule.derive.expression import Expr, MatMul, Number, Symbol, as_expr
from chainrule.derive.forward import activated, deviation, dropped, mask, net_symbol, normalized
from chainrule.derive.inputs.stage import input_gradient_steps
from chainrule.derive.steps import Form, Part, Step
from chainrule.derive.terms import Diag, Identity, Ones, Partial, SumUnits
from chainrule.derive.words import NOTHING, Words

LONGEST_CHAIN = 5  # layers that are still written as one product


def backward_steps(context: Context) -> list[Step]:
    """Return the steps from dE/dyhat back to dE/dx_1, layer by layer, as the seed goes."""
    last = context.n_layers
    steps = [_output_gradient(context)]
    for k in range(last, 0, -1):
        steps += _layer(context, k)
        steps.append(bias_gradient(context, k))
        steps.append(weight_gradient(context, k))
    return [*steps, _input_gradient(context, 1), *input_gradient_steps(context)]


def part_of(context: Context, k: int) -> Part:
    """Return the part in which layer k's delta stands."""
    return "output" if k == context.n_layers else "recursion"


# Activations: E7.


def stored(context: Context, k: int) -> Expr:
    """Return f' of layer k from what the forward pass stored: a row, or the full matrix."""
    entry = activations.entry(context.layer(k).activation)
    if entry.from_output is not None and context.layer(k).activation.keeps == "output":
        return entry.from_output(context.bound(k), activated(context, k))
    return entry.derivative(context.bound(k), net_symbol(context, k))[-1]


def is_one(expression: Expr) -> bool:
    """Whether this is the number 1, which f' of the identity is."""
    return isinstance(expression, Number) and expression.value == 1


def times(gradient: Expr, factor: Expr) -> Expr:
    """Return a gradient by f', which changes nothing where it is 1."""
    return gradient if is_one(factor) else gradient * factor


def stored_rule(context: Context, k: int) -> str:
    """Return the rule that says what f' is taken from."""
    if is_one(stored(context, k)):
        return "identity"
    return "stored_output" if context.layer(k).activation.keeps == "output" else "stored_net"


def is_full(context: Context, k: int) -> bool:
    """Whether the Jacobian of layer k's activation is a full matrix."""
    return activations.entry(context.layer(k).activation).full


def prime(context: Context, k: int) -> Expr:
    """f_k'(net_k), as a row; of a function with learned numbers in it the symbol of step prime.k."""
    if context.layer(k).learns:
        return context.notation.row("prime", "f′", k, "derivative")
    return context.f_prime(k, net_symbol(context, k))


def jacobian(context: Context, k: int) -> Expr:
    """Return the Jacobian of layer k's activation as a matrix."""
    return stored(context, k) if is_full(context, k) else Diag(prime(context, k))


def opened(context: Context, k: int) -> Expr:
    """Return the Jacobian as a diagonal matrix written out, from what the forward pass stored."""
    row = stored(context, k)
    if is_one(row):
        return Identity(context.notation.n(k + 1))
    return Diag(row, opened=True, n=context.notation.n(k + 1) if row.scalar else None)


def derivative_steps(context: Context, k: int) -> list[Step]:
    """Return f' from its formula and from what was stored, and the Jacobian as a matrix."""
    layer, into, out = context.layer(k), net_symbol(context, k), activated(context, k)
    entry, part = activations.entry(layer.activation), part_of(context, k)
    lines = entry.derivative(context.bound(k), into)
    lhs = context.notation.jacobian(out, into)
    name, equation = layer.function, "E12" if layer.learns == "alpha" else "E7"
    title = Words(f"Derivative of layer {k}'s function, {name}", f"第 {k} 层函数 {name} 的导数")
    if entry.full:
        forms = [Form(line, "full_jacobian", "jacobians") for line in lines]
        forms.append(Form(stored(context, k), stored_rule(context, k), "stored"))
        return [Step(f"jacobian.{k}", "E7", part, k, title, lhs, lhs.key, tuple(forms), entry.note)]
    steps = []
    row = context.notation.row("prime", "f′", k, "derivative")
    forms = [Form(line, "derivative") for line in lines]
    if layer.activation.keeps == "output":
        if not is_one(lines[-1]):
            forms.append(Form(stored(context, k), "stored_output", "stored"))
        note = entry.note
    else:
        note = Words(
            f"{entry.note.en} The forward pass stores net for this layer.".strip(),
            f"{entry.note.zh}前向传播为该层存下 net。",
        )
    steps.append(
        Step(f"prime.{k}", equation, part, k, title, context.f_prime(k, into), row.key, tuple(forms), note)
    )
    matrix = Words(f"Its Jacobian matrix, layer {k}", f"第 {k} 层的雅可比矩阵")
    shapes = [
        Form(Diag(prime(context, k)), "elementwise", "jacobians"),
        Form(opened(context, k), stored_rule(context, k), "stored"),
    ]
    steps.append(Step(f"jacobian.{k}", equation, part, k, matrix, lhs, lhs.key, tuple(shapes)))
    return steps


# One layer.


def _output_gradient(context: Context) -> Step:
    notation, loss = context.notation, context.model.loss
    expression = losses.entry(loss).gradient(loss, notation.yhat, notation.y)
    lhs = notation.dx(context.n_layers + 1)
    title = Words("Derivative of the error by the output", "误差对输出的导数")
    forms = (Form(expression, "derivative"),)
    return Step(
        "dyhat", "E3", "output", context.n_layers, title, lhs, lhs.key, forms, losses.entry(loss).note
    )


def _layer(context: Context, k: int) -> list[Step]:
    """Everything from the gradient by the layer's output to delta_k."""
    layer, last = context.layer(k), k == context.n_layers
    if last:
        return [*derivative_steps(context, k), _output_delta(context)]
    plain = not (layer.normalized or layer.dropout or layer.residual)
    steps = []
    joined = context.layer(k + 1).residual
    if joined or not plain or layer.learns:
        steps.append(_input_gradient(context, k + 1))
    steps += derivative_steps(context, k)
    if plain and not joined:
        steps.append(_hidden_delta(context, k))
        return steps + _of_activation(context, k)
    if layer.dropout:
        steps.append(_through_dropout(context, k))
    steps.append(_through_activation(context, k))
    steps += _of_activation(context, k)
    if layer.normalized:
        steps += _through_normalization(context, k)
    return steps


def _output_delta(context: Context) -> Step:
    notation, l, loss = context.notation, context.n_layers, context.model.loss  # noqa: E741
    delta, yhat, net = notation.delta(l), notation.yhat, notation.net(l)
    entry, f = losses.entry(loss), context.layer(l).activation
    gradient = entry.gradient(loss, yhat, notation.y)
    forms = [
        Form(Partial(notation.E, net, direct=False), "definition", "chain"),
        Form(MatMul((Partial(notation.E, yhat), Partial(yhat, net))), "chain_rule", "chain"),
    ]
    if is_full(context, l):
        forms.append(Form(gradient @ jacobian(context, l), "full_jacobian", "jacobians"))
    else:
        forms.append(Form(gradient @ jacobian(context, l), "elementwise", "jacobians"))
        forms.append(Form(gradient * prime(context, l), "hadamard", "collapsed"))
    if f.name in entry.collapsed:
        formula, rule = entry.collapsed[f.name]
        forms.append(Form(formula(loss, yhat, notation.y), rule, "stored"))
    elif is_full(context, l):
        product = activations.entry(f).product
        assert product is not None
        kept = yhat if f.keeps == "output" else net
        forms.append(Form(product(f, gradient, kept), "algebra", "collapsed"))
    else:
        forms.append(Form(times(gradient, stored(context, l)), stored_rule(context, l), "stored"))
    title = Words("Delta of the output layer", "输出层的 δ")
    note = (
        Words("The minus sign of E4 comes with ∂E/∂b.", "E4 中的负号来自 ∂E/∂b。")
        if context.bias_sign == "-"
        else NOTHING
    )
    return Step(f"delta.{l}", "E4", "output", l, title, delta, delta.key, tuple(forms), note)


def _hidden_delta(context: Context, k: int) -> Step:
    notation = context.notation
    delta, net, x = notation.delta(k), notation.net(k), notation.x(k + 1)
    back = notation.delta(k + 1) @ notation.W(k + 1).T
    chain = (
        Partial(notation.E, notation.net(k + 1), direct=False),
        Partial(notation.net(k + 1), x),
        Partial(x, net),
    )
    forms = (
        Form(Partial(notation.E, net, direct=False), "definition", "chain"),
        Form(MatMul(chain), "chain_rule", "chain"),
        Form(back @ jacobian(context, k), "jacobians", "jacobians"),
        Form(back * prime(context, k), "hadamard", "collapsed"),
        Form(times(back, stored(context, k)), stored_rule(context, k), "stored"),
    )
    title = Words(f"Delta of layer {k}, from layer {k + 1}", f"由第 {k + 1} 层得到第 {k} 层的 δ")
    return Step(f"delta.{k}", "E5", "recursion", k, title, delta, delta.key, forms)


def _input_gradient(context: Context, k: int) -> Step:
    """dE/dx_k from delta_k, and past the skip where there is one."""
    notation, layer = context.notation, context.layer(k)
    x, net, lhs = notation.x(k), notation.net(k), notation.dx(k)
    back = notation.delta(k) @ notation.W(k).T
    chain: Expr = MatMul((Partial(notation.E, net, direct=False), Partial(net, x)))
    part: Part = "parameters" if k == 1 else "recursion"
    title = Words(f"Gradient by the input of layer {k}", f"对第 {k} 层输入的梯度")
    forms: tuple[Form, ...]
    if not layer.residual:
        forms = (Form(chain, "chain_rule", "chain"), Form(back, "matrix_vector", "jacobians"))
        return Step(f"dx.{k}", "E5", part, k, title, lhs, lhs.key, forms)
    out = notation.x(k + 1)
    skip = MatMul((Partial(notation.E, out, direct=False), Partial(out, x)))
    forms = (
        Form(chain + skip, "sum_of_paths", "chain"),
        Form(back + notation.dx(k + 1) @ Identity(x.shape[1]), "residual", "jacobians"),
        Form(back + notation.dx(k + 1), "algebra", "collapsed"),
    )
    return Step(f"dx.{k}", "E9", part, k, title, lhs, lhs.key, forms)


def _into(context: Context, k: int) -> Symbol:
    """Return the gradient by h_k: that of x_{k+1}, or through the mask."""
    if context.layer(k).dropout:
        notation = context.notation
        return notation.gradient(f"dh.{k}", notation.E, activated(context, k))
    return context.notation.dx(k + 1)


def _through_dropout(context: Context, k: int) -> Step:
    notation = context.notation
    h, m, out = activated(context, k), mask(context, k), dropped(context, k)
    lhs, gradient = _into(context, k), notation.dx(k + 1)
    forms = (
        Form(MatMul((Partial(notation.E, out, direct=False), Partial(out, h))), "chain_rule", "chain"),
        Form(gradient @ Diag(m), "dropout", "jacobians"),
        Form(gradient * m, "hadamard", "collapsed"),
    )
    title = Words(f"Back through the mask of layer {k}", f"反向通过第 {k} 层的掩码")
    return Step(f"dh.{k}", "E10", "recursion", k, title, lhs, lhs.key, forms)


def _through_activation(context: Context, k: int) -> Step:
    """dE/dz_k, or delta_k itself where there is no normalization."""
    notation, layer = context.notation, context.layer(k)
    h, into, gradient = activated(context, k), net_symbol(context, k), _into(context, k)
    lhs: Symbol = notation.gradient(f"dz.{k}", notation.E, into) if layer.normalized else notation.delta(k)
    forms = (
        Form(MatMul((Partial(notation.E, h, direct=False), Partial(h, into))), "chain_rule", "chain"),
        Form(gradient @ jacobian(context, k), "elementwise", "jacobians"),
        Form(gradient * prime(context, k), "hadamard", "collapsed"),
        Form(times(gradient, stored(context, k)), stored_rule(context, k), "stored"),
    )
    title = Words(f"Back through the function of layer {k}", f"反向通过第 {k} 层的函数")
    return Step(lhs.key, "E5", "recursion", k, title, lhs, lhs.key, forms)


def _of_activation(context: Context, k: int) -> list[Step]:
    """Return the gradient of what the activation learns: slopes of prelu (E7), or alphas (E12)."""
    layer, notation = context.layer(k), context.notation
    if not layer.learns:
        return []
    into, vector, h = net_symbol(context, k), context.learned(layer.learns, k), activated(context, k)
    lhs = notation.gradient(f"d{layer.learns}.{k}", notation.E, vector)
    gradient = _into(context, k)
    if layer.learns == "slope":
        by_vector = activations.by_sign(into, as_expr(0), into)
        equation, name = "E7", Words("slopes", "斜率")
    else:
        sigma = context.bound(k).sigma
        by_vector = activations.entry(sigma).value(sigma, into) - into
        equation, name = "E12", Words("alphas", "α")
    forms = (
        Form(MatMul((Partial(notation.E, h, direct=False), Partial(h, vector))), "chain_rule", "chain"),
        Form(gradient @ Diag(by_vector), "elementwise", "jacobians"),
        Form(gradient * by_vector, "hadamard", "collapsed"),
    )
    title = Words(f"Gradient of the {name.en} of layer {k}", f"第 {k} 层{name.zh}的梯度")
    return [Step(lhs.key, equation, "parameters", k, title, lhs, lhs.key, forms)]


def _through_normalization(context: Context, k: int) -> list[Step]:
    notation, n = context.notation, context.notation.n(k + 1)
    E, net, u, s = notation.E, notation.net(k), normalized(context, k), deviation(context, k)
    z, gain, shift = net_symbol(context, k), context.learned("gain", k), context.learned("shift", k)
    dz = notation.gradient(f"dz.{k}", E, z)
    dgain, dshift = notation.gradient(f"dgain.{k}", E, gain), notation.gradient(f"dshift.{k}", E, shift)
    du = notation.gradient(f"du.{k}", E, u)
    delta = notation.delta(k)
    mean = activations.number(1 / n, f"1/{n}")
    matrix = Identity(n) - mean * (Ones(n).T @ Ones(n)) - mean * (u.T @ u)

    def step(key: str, part: Part, title: Words, lhs: Symbol, *forms: Form) -> Step:
        return Step(key, "E8", part, k, title, lhs, lhs.key, forms)

    through_z = Partial(E, z, direct=False)
    return [
        step(
            f"dgain.{k}",
            "parameters",
            Words(f"Gradient of the gain of layer {k}", f"第 {k} 层增益的梯度"),
            dgain,
            Form(MatMul((through_z, Partial(z, gain))), "chain_rule", "chain"),
            Form(dz @ Diag(u), "gain", "jacobians"),
            Form(dz * u, "hadamard", "collapsed"),
        ),
        step(
            f"dshift.{k}",
            "parameters",
            Words(f"Gradient of the shift of layer {k}", f"第 {k} 层平移的梯度"),
            dshift,
            Form(MatMul((through_z, Partial(z, shift))), "chain_rule", "chain"),
            Form(dz @ Identity(n), "gain", "jacobians"),
            Form(dz, "algebra", "collapsed"),
        ),
        step(
            f"du.{k}",
            "recursion",
            Words(f"Back through the gain of layer {k}", f"反向通过第 {k} 层的增益"),
            du,
            Form(MatMul((through_z, Partial(z, u))), "chain_rule", "chain"),
            Form(dz @ Diag(gain), "elementwise", "jacobians"),
            Form(dz * gain, "hadamard", "collapsed"),
        ),
        step(
            f"delta.{k}",
            "recursion",
            Words(f"Delta of layer {k}, back through the normalization", f"反向通过归一化得到第 {k} 层的 δ"),
            delta,
            Form(MatMul((Partial(E, u, direct=False), Partial(u, net, direct=False))), "chain_rule", "chain"),
            Form((du @ matrix) / s, "normalization", "jacobians"),
            Form(
                (du - SumUnits(du, mean=True) - u * SumUnits(du * u, mean=True)) / s, "algebra", "collapsed"
            ),
        ),
    ]


# Parameters: E4, E5, E6.


def bias_gradient(context: Context, k: int) -> Step:
    """dE/db_k: opened to the output where that stays readable, then E4 or E5."""
    notation, last = context.notation, context.n_layers
    E, b, net, delta, lhs = notation.E, notation.b(k), notation.net(k), notation.delta(k), notation.db(k)
    minus = context.bias_sign == "-"
    n = b.shape[1]
    by_bias: Expr = -Identity(n) if minus else Identity(n)
    forms = [
        Form(
            MatMul((Partial(E, notation.yhat), Partial(notation.yhat, b, direct=False))),
            "chain_rule",
            "chain",
        )
    ]
    opened = _opened(context, k)
    if opened:
        chain, matrices = opened
        forms.append(Form(MatMul((*chain, Partial(net, b))), "chain_rule", "chain"))
        forms.append(Form(MatMul((*matrices, by_bias)), "jacobians", "jacobians"))
    forms.append(Form(MatMul((delta, by_bias)), "substitution", "jacobians"))
    forms.append(Form(-delta if minus else delta, "algebra", "collapsed"))
    layer = context.layer(k)
    if k == last:
        closed = _closed_delta(context)
        if closed is not None:
            forms.append(Form(-closed if minus else closed, "substitution", "stored"))
    elif not (layer.normalized or layer.dropout or layer.residual or context.layer(k + 1).residual):
        back = notation.db(k + 1) @ notation.W(k + 1).T
        forms.append(Form(back * prime(context, k), "substitution", "collapsed"))
        forms.append(Form(times(back, stored(context, k)), stored_rule(context, k), "stored"))
    equation = "E4" if k == last else "E5"
    title = Words(f"Gradient of the biases of layer {k}", f"第 {k} 层偏置的梯度")
    return Step(f"db.{k}", equation, "parameters", k, title, lhs, lhs.key, tuple(forms))


def _closed_delta(context: Context) -> Expr | None:
    """Return delta of the output layer without delta; None where the Jacobian is full and nothing cancels."""
    notation, k = context.notation, context.n_layers
    loss, f = losses.entry(context.model.loss), context.layer(k).activation.name
    if f in loss.collapsed:
        return loss.collapsed[f][0](context.model.loss, notation.yhat, notation.y)
    if is_full(context, k):
        return None
    gradient = loss.gradient(context.model.loss, notation.yhat, notation.y)
    return times(gradient, stored(context, k))


def _opened(context: Context, k: int) -> tuple[list[Expr], list[Expr]] | None:
    """Return the factors from dE/dyhat to dx_{k+1}/dnet_k, as fractions and as matrices; None if too many."""
    notation, last = context.notation, context.n_layers
    layers = [context.layer(j) for j in range(k, last + 1)]
    if len(layers) > LONGEST_CHAIN or any(la.normalized or la.dropout or la.residual for la in layers):
        return None
    loss = context.model.loss
    chain: list[Expr] = [Partial(notation.E, notation.yhat)]
    matrices: list[Expr] = [losses.entry(loss).gradient(loss, notation.yhat, notation.y)]
    for j in range(last, k - 1, -1):
        chain.append(Partial(notation.x(j + 1), notation.net(j)))
        matrices.append(jacobian(context, j))
        if j > k:
            chain.append(Partial(notation.net(j), notation.x(j)))
            matrices.append(notation.W(j).T)
    return chain, matrices


def weight_gradient(context: Context, k: int) -> Step:
    """dE/dW_k: E6."""
    notation = context.notation
    x, delta, lhs = notation.x(k), notation.delta(k), notation.dW(k)
    from_bias: Expr = -(x.T @ notation.db(k)) if context.bias_sign == "-" else x.T @ notation.db(k)
    forms = [
        Form(x.T @ Partial(notation.E, notation.net(k), direct=False), "weight", "chain"),
        Form(x.T @ delta, "substitution", "jacobians"),
    ]
    closed = _closed_delta(context) if k == context.n_layers else None
    if closed is not None:
        forms.append(Form(x.T @ closed, "substitution", "stored"))
    forms.append(Form(from_bias, "substitution", "collapsed"))
    title = Words(f"Gradient of the weights of layer {k}", f"第 {k} 层权重的梯度")
    return Step(f"dW.{k}", "E6", "parameters", k, title, lhs, lhs.key, tuple(forms))
