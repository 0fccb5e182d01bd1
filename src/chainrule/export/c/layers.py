"""A network's layers as C99: constants, the functions that they need, and the statements that run them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule.description import EPSILON, Description, Layer
from chainrule.export.c import text

#: E2 for one number v; {f} is the suffix of the type's literals and functions, {p} the file's prefix.
ACTIVATIONS = {
    "sigmoid": "1 / (1 + exp{f}(-v))",
    "tanh": "tanh{f}(v)",
    "relu": "v < 0 ? 0 : v",
    "leaky_relu": "v > 0 ? v : 0.01{f} * v",
    "elu": "v > 0 ? v : expm1{f}(v)",
    "selu": "v > 0 ? 1.0507009873554804934{f} * v : 1.7580993408473768599{f} * expm1{f}(v)",
    "softplus": "log1p{f}(exp{f}(-fabs{f}(v))) + (v > 0 ? v : 0)",
    "gelu": "0.5{f} * v * erfc{f}(v * -0.70710678118654752440{f})",
    "silu": "v / (1 + exp{f}(-v))",
    "mish": "v * tanh{f}({p}softplus(v))",
    "softsign": "v / (1 + fabs{f}(v))",
    "hardtanh": "v < -1 ? -1 : v > 1 ? 1 : v",
    "relu6": "v < 0 ? 0 : v > 6 ? 6 : v",
    "exp": "exp{f}(v)",
}

FUNCTION = """\
static {real} {p}NAME({real} v)
{{
    return BODY;
}}
"""

DENSE = """\
static void {p}dense(const {real} *x, int n_in, const {real} *W, const {real} *b, int n_out, {real} *net)
{{
    int i, j;
    for (j = 0; j < n_out; ++j)
        net[j] = 0;
    for (i = 0; i < n_in; ++i, W += n_out)
        for (j = 0; j < n_out; ++j)
            net[j] += x[i] * W[j];
    for (j = 0; j < n_out; ++j)
        net[j] += b[j];
}}
"""

NORMALIZE = """\
static void {p}normalize({real} *net, int n, const {real} *gain, const {real} *shift)
{{
    int j;
    {real} mean = 0, variance = 0, scale;
    for (j = 0; j < n; ++j)
        mean += net[j];
    mean /= {cast}n;
    for (j = 0; j < n; ++j)
        variance += (net[j] - mean) * (net[j] - mean);
    scale = 1 / sqrt{f}(variance / {cast}n + {epsilon});
    for (j = 0; j < n; ++j)
        net[j] = gain[j] * ((net[j] - mean) * scale) + shift[j];
}}
"""

SOFTMAX = """\
static void {p}softmax({real} *y, int n)
{{
    int j;
    {real} top = y[0], total = 0;
    for (j = 1; j < n; ++j)
        if (y[j] > top)
            top = y[j];
    for (j = 0; j < n; ++j)
        total += y[j] = exp{f}(y[j] - top);
    for (j = 0; j < n; ++j)
        y[j] /= total;
}}
"""


ORDERED = """\
static void {p}ordered({real} *y, int n, int group)
{{
    int j;
    for (j = 0; j < n; ++j)
        if (j % group > 0)
            y[j] = y[j - 1] + {p}softplus(y[j]);
}}
"""


@dataclass
class Code:
    """Parts of a C file.

    Attributes
    ----------
    prefix : str
        Of every name in the file.
    dtype : dtype
        In which the network computes.
    outer : dtype
        Of numbers that are scaled before it and after it.
    part : str
        What the arrays of one network of several are called by beside.
    constants, functions : list of str
        At file scope.
    """

    prefix: str
    dtype: np.dtype[Any]
    outer: np.dtype[Any]
    part: str = ""
    constants: list[str] = field(default_factory=list)
    functions: dict[str, str] = field(default_factory=dict)

    @property
    def real(self) -> str:
        """C's name of the network's dtype."""
        return text.c_type(self.dtype)

    @property
    def scaled(self) -> str:
        """C's name of the outer dtype."""
        return text.c_type(self.outer)

    @property
    def inwards(self) -> str:
        """Cast of a scaled number to an input of the network; "" where they are the same."""
        return "" if self.dtype == self.outer else f"({self.real})"

    @property
    def outwards(self) -> str:
        """Cast of an output of the network to what it is scaled in."""
        return "" if self.dtype == self.outer else f"({self.scaled})"

    def number(self, value: Any) -> str:
        """Write a constant of the network's dtype."""
        return text.number(value, self.dtype)

    def need(self, name: str, template: str, *, outer: bool = False) -> str:
        """Add a function once, of the network's dtype or of the outer one; return its full name."""
        real = self.scaled if outer else self.real
        suffix = "f" if real == "float" else ""
        self.functions.setdefault(
            name,
            template.format(
                p=self.prefix, real=real, f=suffix, cast=f"({real})", epsilon=f"{EPSILON}{suffix}"
            ),
        )
        return self.prefix + name

    def activation(self, name: str) -> str:
        """Add an element-wise activation; return its full name."""
        if name == "mish":
            self.activation("softplus")
        return self.need(name, FUNCTION.replace("NAME", name).replace("BODY", ACTIVATIONS[name]))


def network_code(described: Description, code: Code, source: str, last: str) -> list[str]:
    """Write the statements that take the array `source` through all layers into the array `last`.

    Hidden layers alternate between the arrays `a` and `b`; `j` must be an int.
    """
    statements: list[str] = []
    before = source
    for k, layer in enumerate(described.layers, start=1):
        into = last if k == len(described.layers) else "ab"[(k - 1) % 2]
        statements += layer_code(layer, k, code, before, into)
        before = into
    return statements


def layer_code(layer: Layer, k: int, code: Code, x: str, y: str) -> list[str]:
    """Write one layer: its constants into `code`, its statements as the result."""
    p, (n_in, n_out) = code.prefix + code.part, layer.weights.shape
    code.constants += [
        text.array(
            f"{p}W{k}", layer.weights, code.dtype, f"layer {k}: {n_in} to {n_out}, {layer.activation}"
        ),
        text.array(f"{p}b{k}", layer.intercepts, code.dtype),
    ]
    lines = [f"{code.need('dense', DENSE)}({x}, {n_in}, {p}W{k}, {p}b{k}, {n_out}, {y});"]
    if layer.gain is not None and layer.shift is not None:
        code.constants += [
            text.array(f"{p}gain{k}", layer.gain, code.dtype),
            text.array(f"{p}shift{k}", layer.shift, code.dtype),
        ]
        lines.append(f"{code.need('normalize', NORMALIZE)}({y}, {n_out}, {p}gain{k}, {p}shift{k});")
    value = f"{y}[j]"
    if layer.activation == "softmax":
        lines.append(f"{code.need('softmax', SOFTMAX)}({y}, {n_out});")
    elif layer.group:
        code.activation("softplus")
        lines.append(f"{code.need('ordered', ORDERED)}({y}, {n_out}, {layer.group});")
    elif layer.slopes is not None:
        code.constants.append(text.array(f"{p}slope{k}", layer.slopes, code.dtype))
        value = f"{y}[j] > 0 ? {y}[j] : {p}slope{k}[j] * {y}[j]"
    elif layer.activation != "identity":
        value = f"{code.activation(layer.activation)}({y}[j])"
    if layer.alphas is not None:
        alpha = f"{p}alpha{k}[j]"
        code.constants.append(text.array(f"{p}alpha{k}", layer.alphas, code.dtype))
        value = f"(1 - {alpha}) * {y}[j] + {alpha} * ({value})"  # E12
    if layer.residual:
        value = f"({value}) + {x}[j]" if "?" in value else f"{value} + {x}[j]"
    if value != f"{y}[j]":
        lines += [f"for (j = 0; j < {n_out}; ++j)", f"    {y}[j] = {value};"]
    return lines
