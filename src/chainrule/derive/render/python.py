"""A derivation as a Python function: forward and backward of exactly this network, with NumPy alone."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.derive import expression as ex
from chainrule.derive import terms as te
from chainrule.derive.derivation import DerivationData
from chainrule.derive.expression import Expr, Symbol
from chainrule.derive.inputs.stage import learned
from chainrule.derive.model import Model
from chainrule.derive.sample import model_input
from chainrule.derive.steps import Step

SUM, PRODUCT, POWER, ATOM = range(1, 5)

#: Gradients that are passed on, each row by itself.
PASSED = ("delta.", "dh.", "dz.", "du.", "dx.", "dembedded.", "dangle.")

#: Values that neither overflow nor cancel, where the formula as written would.
STABLE = {
    "sigmoid": "sigmoid({0})",
    "softplus": "np.logaddexp(0.0, {0})",
    "tanh": "np.tanh({0})",
    "softmax": "softmax({0})",
}
FUNCTIONS = {
    "exp": "np.exp({0})",
    "log": "np.log({0})",
    "cos": "np.cos({0})",
    "sin": "np.sin({0})",
    "tanh": "np.tanh({0})",
    "cosh": "np.cosh({0})",
    "sqrt": "np.sqrt({0})",
    "abs": "np.abs({0})",
    "sign": "np.sign({0})",
    "sigmoid": STABLE["sigmoid"],
    "softplus": STABLE["softplus"],
    "normal_cdf": "normal_cdf({0})",
    "normal_density": "(np.exp(-0.5 * {0} ** 2) / np.sqrt(2 * np.pi))",
}
HELPERS = {
    "sigmoid": '''def sigmoid(t):
    """1 / (1 + exp(-t)), without overflow."""
    return np.exp(-np.logaddexp(0.0, -t))
''',
    "times_log": '''def times_log(y, p):
    """y log(p), and 0 where y is 0."""
    return np.where(y == 0, 0.0, y * np.log(np.where(y == 0, 1.0, p)))
''',
    "softmax": '''def softmax(net):
    """Softmax of each row, shifted by its largest element."""
    t = np.exp(net - net.max(axis=1, keepdims=True))
    return t / t.sum(axis=1, keepdims=True)
''',
    "one_hot": '''def one_hot(code, n):
    """A row for each code: 1 at its place, at the last one for a code that is none of 0, ..., n - 2."""
    rows = np.zeros((len(code), n))
    known = (code >= 0) & (code < n - 1)
    np.put_along_axis(rows, np.where(known, code, n - 1).astype(int), 1.0, axis=1)
    return rows
''',
    "normal_cdf": '''def normal_cdf(t):
    """Standard normal distribution function, by the midpoint rule (Hunter and Regan 1972)."""
    z = np.minimum(np.abs(t), 50.0) / np.sqrt(2.0)
    nodes = ((np.arange(1, 14) - 0.5) / 2) ** 2
    total = (np.exp(-nodes) / (z[..., None] ** 2 + nodes)).sum(axis=-1)
    pole = np.where(z < 2 * np.pi, 1 / (1 + np.exp(4 * np.pi * np.minimum(z, 7.0))), 0.0)
    tail = z / (2 * np.pi) * np.exp(-(z**2)) * total + pole
    return np.where(t > 0, 1 - tail, tail)
''',
}
RESULTS = {kind: f"{kind}_gradients" for kind in ("gain", "shift", "slope", "alpha")}


def to_python(derivation: DerivationData) -> str:
    """Write the module."""
    body = [f"    {line}" if line else "" for line in _body(derivation)]
    code = "\n".join(body)
    helpers = [text for name, text in HELPERS.items() if f"{name}(" in code]
    head = ['"""Written by chainrule.derive."""', "", "import numpy as np", "", ""]
    functions = "\n\n".join([*helpers, "\n".join([*_signature(derivation), *body])])
    return "\n".join(head) + functions + "\n"


def _extras(derivation: DerivationData) -> dict[str, list[int]]:
    """Return which layers have gains, shifts, slopes, alphas and masks."""
    layers = list(enumerate(derivation.model.layers, start=1))
    normalized = [k for k, layer in layers if layer.normalized]
    found = {
        "gain": normalized,
        "shift": normalized,
        "slope": [k for k, layer in layers if layer.learns == "slope"],
        "alpha": [k for k, layer in layers if layer.learns == "alpha"],
        "mask": [k for k, layer in layers if layer.dropout],
    }
    return {kind: which for kind, which in found.items() if which}


def _signature(derivation: DerivationData) -> list[str]:
    model, extras = derivation.model, _extras(derivation)
    names = ", ".join(layer.function for layer in model.layers)
    sign = "-" if derivation.bias_sign == "-" else "+"
    title, inputs = model.title.replace("→", "->"), _inputs(derivation)
    more = "".join(f", {kind}s" for kind in extras) + ", inputs" * bool(inputs)
    returned = ["loss", "weight_gradients", "bias_gradients"] + [RESULTS[k] for k in extras if k in RESULTS]
    returned += ["input_gradients"] * bool(inputs)
    lines = [
        '@np.errstate(over="ignore")  # in branches that np.where does not take',
        f"def gradients(x, y, weights, biases{more}):",
        f'    """Loss and gradients of the network {title} ({names}; {model.loss.name}).',
        "",
        f"    x (n_samples, {model.n_columns}), y {_shape_of_targets(model)}; rows are samples, or one row is"
        " a vector.",
        f"    weights, biases: lists of arrays (n_k, n_k+1) and (n_k+1,), net = x W {sign} b.",
    ]
    for kind, which in extras.items():
        shape = "(n_samples, n_k+1), the factors of dropout" if kind == "mask" else "(n_k+1,)"
        lines.append(f"    {kind}s: a list of arrays {shape}, one for each of the layers {_listed(which)}.")
    if inputs:
        lines.append("    inputs: a dict of what the input layers learn, as in input_gradients:")
        lines += [f"        {key!r}: {rows} x {columns}" for key, (rows, columns) in inputs.items()]
    lines += [
        f"    Returns ({', '.join(returned)}) of the mean over the rows.",
        '    """',
    ]
    return lines


def _inputs(derivation: DerivationData) -> dict[str, tuple[Any, ...]]:
    """Return the shapes of what the input layers learn, by the keys of the symbols."""
    return {symbol.key: symbol.shape for _, symbol, _ in learned(derivation.context)}


def _shape_of_targets(model: Model) -> str:
    shape = f"(n_samples, {model.sizes[-1] // getattr(model.loss, 'outputs_per_target', 1)})"
    return f"{shape} or class indices (n_samples,)" if model.loss.takes_classes else shape


def _listed(which: list[int]) -> str:
    return ", ".join(map(str, which))


def _body(derivation: DerivationData) -> list[str]:
    model, extras = derivation.model, _extras(derivation)
    layers = range(1, len(model.layers) + 1)

    def unpacked(kind: str, which: list[int] | range, name: str) -> str:
        return f"{', '.join(f'{kind}{k}' for k in which)}, = {name}".replace(
            ", =", " =" if len(which) > 1 else ", ="
        )

    lines = [unpacked("W", layers, "weights"), unpacked("b", layers, "biases")]
    lines += [unpacked(kind, which, f"{kind}s") for kind, which in extras.items()]
    data, inputs = identifier(model_input(model)), _inputs(derivation)
    lines += [f"{identifier(key)} = np.reshape(inputs[{key!r}], {shape})" for key, shape in inputs.items()]
    lines += _edges(model)
    lines += [f"{data} = np.atleast_2d(x)", f"n_samples = len({data})"]
    lines += [*_target(model), *_constants(derivation), ""]
    backward: list[str] = []
    unused = ("dx.0",) if inputs else ("dx.0", "dx.1")
    shared = {f"d{key}" for key in inputs}
    shared |= {f"d{kind}.{k}" for kind, which in extras.items() if kind in RESULTS for k in which}
    for step in derivation.steps:
        if step.part in ("inputs", "forward", "loss"):
            lines.append(f"{identifier(step.target)} = {_forward_source(derivation, step)}{_equation(step)}")
        elif step.key != "dyhat" and step.target.startswith(PASSED) and step.target not in unused:
            backward.append(
                f"{identifier(step.target)} = {source(step.forms[-1].expression)}{_equation(step)}"
            )
        elif step.target in shared:
            expression = step.forms[-1].expression
            formula = source(expression)
            if not isinstance(expression, ex.MatMul):  # else the product sums over the rows
                formula = f"({formula}).sum(axis=0)"
            backward.append(f"{identifier(step.target)} = {formula} / n_samples{_equation(step)}")
    lines += ["loss = E.mean()", "", *backward, ""]
    sign = "-" if derivation.bias_sign == "-" else ""
    for k in layers:
        lines.append(f"dW{k} = x{k}.T @ delta{k} / n_samples  # E6")
        lines.append(
            f"db{k} = {sign}delta{k}.sum(axis=0) / n_samples  # {'E4' if k == len(layers) else 'E5'}"
        )
    returned = ["loss", *(f"[{', '.join(f'{d}{k}' for k in layers)}]" for d in ("dW", "db"))]
    returned += [
        f"[{', '.join(f'd{kind}{k}' for k in which)}]" for kind, which in extras.items() if kind in RESULTS
    ]
    if inputs:
        lines += ["input_gradients = {", *(f"    {key!r}: d{identifier(key)}," for key in inputs), "}"]
        returned.append("input_gradients")
    return [*lines, f"return {', '.join(returned)}"]


def _equation(step: Step) -> str:
    return f"  # {step.equation}" if step.equation else ""


def _edges(model: Model) -> list[str]:
    """Define the edges of bins, which are not learned."""
    pieces = () if model.stage is None else model.stage.pieces
    return [
        f"{identifier(piece.key(name))} = np.array({array.tolist()})"
        for piece in pieces
        if piece.edges is not None
        for name, array in (("edge", piece.edges[:, :-1]), ("width", np.diff(piece.edges)))
    ]


def _target(model: Model) -> list[str]:
    """Write how y is read: rows, one number for each row, or class indices; numpy refuses anything else."""
    each, n_outputs = getattr(model.loss, "outputs_per_target", 1), model.sizes[-1]
    rows = f"np.reshape(y, (n_samples, {n_outputs // each}))"
    if each > 1:
        return [f"y = np.repeat({rows}, {each}, axis=1)  # each target once for every output that it has"]
    if model.loss.takes_classes and n_outputs > 1:
        classes = f"np.eye({n_outputs})[np.reshape(y, n_samples)]"
        return [f"y = {classes} if np.size(y) == n_samples else {rows}"]
    return [f"y = {rows}"]


def _constants(derivation: DerivationData) -> list[str]:
    """Define the matrices of given numbers that the last forms have."""
    found: dict[str, str] = {}

    def look(expression: Expr) -> None:
        if isinstance(expression, te.Constant):
            found[expression.text] = expression.source
        for child in expression.children:
            look(child)

    for step in derivation.steps:
        if not step.symbolic:
            look(step.forms[-1].expression)
    return [f"{name} = {source}" for name, source in found.items()]


def _forward_source(derivation: DerivationData, step: Step) -> str:
    if step.key.startswith("output."):
        assert step.layer is not None
        f = derivation.model.layers[step.layer - 1].activation.name
        if f in STABLE:
            return STABLE[f].format(source(next(iter(step.forms[-1].expression.symbols()))))
    return source(step.forms[-1].expression)


def identifier(key: str) -> str:
    """Return the variable of a symbol."""
    return key.replace(".", "")


def source(expression: Expr, loosest: int = SUM) -> str:
    """Write an expression for all rows at once, in parentheses where it binds more loosely than `loosest`."""
    binding, text = _source(expression)
    return f"({text})" if binding < loosest else text


def _source(e: Expr) -> tuple[int, str]:
    match e:
        case Symbol():
            return ATOM, identifier(e.key)
        case te.Constant():
            return ATOM, e.text
        case te.LossCall():
            raise ValueError("a loss that is a function has no NumPy source; use a loss of chainrule.losses")
        case ex.Number():
            return (ATOM if e.value >= 0 else SUM), repr(int(e.value) if e.value == int(e.value) else e.value)
        case ex.Sum():
            return SUM, _sum(e)
        case ex.Scaled(left, right):
            return PRODUCT, f"{source(left, PRODUCT)} * {source(right, POWER)}"
        case ex.Hadamard(factors):
            return PRODUCT, _product(factors, " * ")
        case ex.MatMul(factors):
            return PRODUCT, _product(factors, " @ ")
        case ex.Quotient(above, below):
            return PRODUCT, f"{source(above, PRODUCT)} / {source(below, POWER)}"
        case ex.Power(base, exponent):
            return POWER, f"{source(base, ATOM)} ** {source(exponent, ATOM)}"
        case ex.Transpose(operand):
            return ATOM, f"{source(operand, ATOM)}.T"
        case te.Call(function, argument):
            return ATOM, FUNCTIONS[function.name].format(source(argument, ATOM))
        case te.TimesLog(factor, argument):
            return ATOM, f"times_log({source(factor)}, {source(argument)})"
        case te.SumUnits(operand, mean):
            return ATOM, f"{source(operand, ATOM)}.{'mean' if mean else 'sum'}(axis=1, keepdims=True)"
        case te.Columns(operand, begin, end):
            return ATOM, f"{identifier(operand.key)}[:, {begin}:{end}]"
        case te.Beside(parts):
            return ATOM, f"np.hstack([{', '.join(map(source, parts))}])"
        case te.OneHot(operand, n):
            return ATOM, f"one_hot({identifier(operand.key)}, {n})"
        case te.NormSquared(operand):
            return ATOM, f"({source(operand, ATOM)} ** 2).sum(axis=1, keepdims=True)"
        case te.Cases(branches):
            return ATOM, _cases(branches)
        case te.Indicator(condition):
            return PRODUCT, f"1.0 * ({_condition(condition)})"
    raise TypeError(f"no Python for {type(e).__name__}")


def _sum(e: ex.Sum) -> str:
    text = ""
    for i, (sign, term) in enumerate(e.terms):
        mark = ("-" if sign < 0 else "") if i == 0 else (" - " if sign < 0 else " + ")
        text += mark + source(term, PRODUCT)
    return text


def _product(factors: tuple[Expr, ...], sign: str) -> str:
    first, *rest = factors
    return sign.join([source(first, PRODUCT), *(source(factor, POWER) for factor in rest)])


def _condition(condition: te.Condition) -> str:
    relation = "==" if condition.relation == "=" else condition.relation
    return f"{source(condition.left)} {relation} {source(condition.right)}"


def _cases(branches: tuple[tuple[Expr, te.Condition], ...]) -> str:
    *earlier, (otherwise, _) = branches
    text = source(otherwise)
    for value, condition in reversed(earlier):
        text = f"np.where({_condition(condition)}, {source(value)}, {text})"
    return text
