"""A network's layers and decision as ONNX operators [E1, E8, E2, E9].

ONNX Runtime has most operators for float32 only; for float64 the others are composed of those that it has.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.description import EPSILON, Description, Layer, Meaning

OPSET = 18  # of our own graphs; every ONNX Runtime since 1.14 has it
LEAST_OPSET = 9  # which brought Erf and Where; what newer opsets changed is written as the older ones want it


class Nodes(ABC):
    """Where nodes and constants go; `float32` or `float64` is the type of all numbers."""

    def __init__(self, dtype: np.dtype[Any], opset: int = OPSET) -> None:
        self.dtype = dtype
        self.opset = opset

    @abstractmethod
    def add(self, operator: str, inputs: list[str], domain: str, attributes: dict[str, Any]) -> str:
        """Add a node with one output, whose name is returned."""

    @abstractmethod
    def constant(self, values: NDArray[Any]) -> str:
        """Add a constant array; its name is returned."""

    def op(self, operator: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Add a node with one output, whose name is returned."""
        return self.add(operator, list(inputs), domain, attributes)

    def number(self, value: float) -> str:
        """Add a constant number of the network's type."""
        return self.constant(np.asarray(value, self.dtype))

    def array(self, values: NDArray[Any]) -> str:
        """Add a constant array of the network's type."""
        return self.constant(np.ascontiguousarray(values, self.dtype))

    @property
    def single(self) -> bool:
        """Whether the type is float32, for which every operator exists."""
        return self.dtype.itemsize == 4


def network_outputs(nodes: Nodes, network: Description, x: str) -> str:
    """Add all layers; x (n_samples, n_features) becomes the outputs (n_samples, n_outputs)."""
    if network.inputs:
        x = input_layers(nodes, network.inputs, x)
    for layer in network.layers:
        x = _layer(nodes, layer, x)
    return x


def input_layers(nodes: Nodes, blocks: list[Any], x: str) -> str:
    """Add what stands before the first layer; x (n_samples, n_features) becomes x_1 [E11, E13-E15]."""
    parts = []
    for columns, layers in blocks:
        y = nodes.op("Gather", x, nodes.constant(np.array(columns, np.int64)), axis=1)
        for layer in layers:
            y = INPUT_LAYERS[layer.name](nodes, layer, y)
        parts.append(y)
    return nodes.op("Concat", *parts, axis=1)


def _scale(nodes: Nodes, layer: Any, x: str) -> str:
    return nodes.op("Mul", x, nodes.array(layer.scale))  # E11


def _periodic(nodes: Nodes, layer: Any, x: str) -> str:
    n_columns, _, n_outputs = layer.weight.shape
    each = nodes.op("Unsqueeze", x, nodes.constant(np.array([2])))  # (n_samples, n_columns, 1)
    factors = nodes.array(2 * np.pi * layer.frequency.astype(np.float64))
    angle = nodes.op("Add", nodes.op("Mul", each, factors), nodes.array(layer.phase))
    waves = nodes.op("Unsqueeze", nodes.op("Cos", angle), nodes.constant(np.array([2])))
    sums = nodes.op("MatMul", waves, nodes.array(layer.weight))  # of each column by itself
    sums = nodes.op("Add", nodes.op("Squeeze", sums, nodes.constant(np.array([2]))), nodes.array(layer.bias))
    together = nodes.op("Concat", each, sums, axis=2)
    shape = nodes.constant(np.array([-1, n_columns * (1 + n_outputs)]))
    return nodes.op("Reshape", together, shape)  # E13


def _piecewise_linear(nodes: Nodes, layer: Any, x: str) -> str:
    """w_0 x + b_0 + P V, P the encoding: t of each bin, held to [0, 1] but for the outer ends."""
    n_bins = layer.rise.shape[0]
    low, high = np.zeros(n_bins), np.ones(n_bins)
    low[0], high[-1] = -np.inf, np.inf
    t = nodes.op("Div", nodes.op("Sub", x, nodes.array(layer.edges[:-1])), nodes.array(np.diff(layer.edges)))
    encoding = nodes.op("Max", nodes.op("Min", t, nodes.array(high)), nodes.array(low))
    line = nodes.op("Add", nodes.op("Mul", x, nodes.array(layer.weight[None, :])), nodes.array(layer.bias))
    return nodes.op("Add", line, nodes.op("MatMul", encoding, nodes.array(layer.rise)))  # E14


def _categories(nodes: Nodes, layer: Any, x: str) -> str:
    n = layer.table.shape[0] - 1
    above = nodes.op("GreaterOrEqual", x, nodes.number(0))
    known = nodes.op("And", above, nodes.op("Less", x, nodes.number(n)))
    row = nodes.op("Cast", nodes.op("Where", known, x, nodes.number(n)), to=7)  # int64
    row = nodes.op("Squeeze", row, nodes.constant(np.array([1])))
    return nodes.op("Gather", nodes.array(layer.table), row, axis=0)  # E15


#: Every kind of `chainrule.inputs` by its name.
INPUT_LAYERS: dict[str, Callable[[Nodes, Any, str], str]] = {
    "numbers": lambda nodes, layer, x: x,
    "scale": _scale,
    "periodic": _periodic,
    "piecewise_linear": _piecewise_linear,
    "categories": _categories,
}


def _layer(nodes: Nodes, layer: Layer, x: str) -> str:
    product = nodes.op("MatMul", x, nodes.array(layer.weights))
    net = nodes.op("Add", product, nodes.array(layer.intercepts))  # E1
    if layer.gain is not None and layer.shift is not None:
        net = _normalize(nodes, net, nodes.array(layer.gain), nodes.array(layer.shift))  # E8
    if layer.slopes is not None:
        positive = nodes.op("Max", net, nodes.number(0))
        y = nodes.op("Add", positive, nodes.op("Mul", nodes.array(layer.slopes), _negative(nodes, net)))
    elif layer.group:
        y = _ordered(nodes, net, layer.weights.shape[1], layer.group)
    else:
        y = _activation(nodes, layer.activation, net)  # E2
    if layer.alphas is not None:
        blended = nodes.op("Mul", nodes.array(layer.alphas), y)
        y = nodes.op("Add", nodes.op("Mul", nodes.array(1 - layer.alphas), net), blended)  # E12
    return nodes.op("Add", y, x) if layer.residual else y  # E9


def _normalize(nodes: Nodes, net: str, gain: str, shift: str) -> str:
    if nodes.single and nodes.opset >= 17:
        return nodes.op("LayerNormalization", net, gain, shift, axis=-1, epsilon=EPSILON)
    rest = nodes.op("Sub", net, _mean(nodes, net))
    variance = _mean(nodes, nodes.op("Mul", rest, rest))
    deviation = nodes.op("Sqrt", nodes.op("Add", variance, nodes.number(EPSILON)))
    return nodes.op("Add", nodes.op("Mul", gain, nodes.op("Div", rest, deviation)), shift)


def _mean(nodes: Nodes, v: str) -> str:
    if nodes.opset < 18:
        return nodes.op("ReduceMean", v, axes=[-1])
    return nodes.op("ReduceMean", v, nodes.constant(np.array([-1])))


#: Operators that ONNX Runtime has for both types; those that it has for float32 alone.
FOR_BOTH: dict[str, tuple[str, dict[str, Any]]] = {
    "sigmoid": ("Sigmoid", {}),
    "tanh": ("Tanh", {}),
    "relu": ("Relu", {}),
    "exp": ("Exp", {}),
    "softmax": ("Softmax", {"axis": -1}),
}
FOR_SINGLE: dict[str, tuple[str, dict[str, Any]]] = {
    "leaky_relu": ("LeakyRelu", {"alpha": 0.01}),
    "elu": ("Elu", {"alpha": 1.0}),
    "selu": ("Selu", {}),
    "softplus": ("Softplus", {}),
    "softsign": ("Softsign", {}),
}


def _activation(nodes: Nodes, name: str, net: str) -> str:
    if name == "identity":
        return net
    native = FOR_BOTH.get(name) or (FOR_SINGLE.get(name) if nodes.single else None)
    if native:
        operator, attributes = native
        return nodes.op(operator, net, **attributes)
    return COMPOSED[name](nodes, net)


def _negative(nodes: Nodes, v: str) -> str:
    return nodes.op("Min", v, nodes.number(0))


def _leaky_relu(nodes: Nodes, v: str) -> str:
    return nodes.op("Max", v, nodes.op("Mul", v, nodes.number(0.01)))


def _below_0(nodes: Nodes, v: str) -> str:
    return nodes.op("Sub", nodes.op("Exp", _negative(nodes, v)), nodes.number(1))


def _elu(nodes: Nodes, v: str) -> str:
    return nodes.op("Add", nodes.op("Relu", v), _below_0(nodes, v))


def _selu(nodes: Nodes, v: str) -> str:
    """Add both parts with factors of their own: ONNX Runtime rounds one before a product to float32."""
    above = nodes.op("Mul", nodes.op("Relu", v), nodes.number(1.0507009873554805))
    below = nodes.op("Mul", _below_0(nodes, v), nodes.number(1.7580993408473766))
    return nodes.op("Add", above, below)


def _softplus(nodes: Nodes, v: str) -> str:
    tail = nodes.op("Exp", nodes.op("Neg", nodes.op("Abs", v)))
    return nodes.op("Add", nodes.op("Relu", v), nodes.op("Log", nodes.op("Add", tail, nodes.number(1))))


def _softsign(nodes: Nodes, v: str) -> str:
    return nodes.op("Div", v, nodes.op("Add", nodes.op("Abs", v), nodes.number(1)))


def _silu(nodes: Nodes, v: str) -> str:
    """Add v sigmoid(v), which some ONNX Runtimes fuse for float32 alone: in float64 v / (1 + exp(-v))."""
    if nodes.single:
        return nodes.op("Mul", v, nodes.op("Sigmoid", v))
    return nodes.op("Div", v, nodes.op("Add", nodes.number(1), nodes.op("Exp", nodes.op("Neg", v))))


def _mish(nodes: Nodes, v: str) -> str:
    return nodes.op("Mul", v, nodes.op("Tanh", _activation(nodes, "softplus", v)))


def _clip(low: float, high: float) -> Callable[[Nodes, str], str]:
    def clip(nodes: Nodes, v: str) -> str:
        return nodes.op("Min", nodes.op("Max", v, nodes.number(low)), nodes.number(high))

    return clip


def _gelu(nodes: Nodes, v: str) -> str:
    """Add v Phi(v): by Erf in float32; in float64, which has none, by the complementary error function.

    v Phi(v) = max(v, 0) - |v| erfc(z) / 2 with z = |v| / sqrt(2), and erfc(z) = exp(-z^2) t h(t) with
    t = 2 / (2 + z), where h is a polynomial: erfcx(z) / t is smooth on the whole half-line.
    """
    if nodes.single:
        erf = nodes.op("Erf", nodes.op("Mul", v, nodes.number(0.5**0.5)))
        return nodes.op("Mul", nodes.op("Mul", v, nodes.number(0.5)), nodes.op("Add", erf, nodes.number(1)))
    size = nodes.op("Abs", v)
    z = nodes.op("Mul", size, nodes.number(0.5**0.5))
    t = nodes.op("Div", nodes.number(2), nodes.op("Add", z, nodes.number(2)))
    place = nodes.op("Sub", nodes.op("Mul", t, nodes.number(2)), nodes.number(1))
    first, *others = reversed(erfcx_polynomial())
    h = nodes.number(first)
    for coefficient in others:
        h = nodes.op("Add", nodes.op("Mul", h, place), nodes.number(coefficient))
    gauss = nodes.op("Exp", nodes.op("Neg", nodes.op("Mul", z, z)))
    half_erfc = nodes.op("Mul", nodes.op("Mul", nodes.op("Mul", gauss, t), h), nodes.number(0.5))
    return nodes.op("Sub", nodes.op("Relu", v), nodes.op("Mul", size, half_erfc))


def erfcx_polynomial() -> list[float]:
    """Return h's coefficients in u = 2t - 1, ascending: erfcx(z) = t h(2t - 1) to 1e-14, t = 2 / (2 + z)."""
    from numpy.polynomial import chebyshev
    from scipy.special import erfcx

    def h(u: Any) -> Any:
        t = (u + 1) / 2
        return erfcx(2 / t - 2) / t

    coefficients: list[float] = chebyshev.cheb2poly(chebyshev.chebinterpolate(h, 26)).tolist()
    return coefficients


def _ordered(nodes: Nodes, net: str, n: int, group: int) -> str:
    """Add running sums of net_1, softplus(net_2), ... in each group: a product with a triangular matrix."""
    places = np.arange(n)
    first = nodes.constant(places % group == 0)
    steps = nodes.op("Where", first, net, _activation(nodes, "softplus", net))
    same_group = places[:, None] // group == places // group
    return nodes.op("MatMul", steps, nodes.array(same_group & (places[:, None] <= places)))


#: Activations made of several operators.
COMPOSED: dict[str, Callable[[Nodes, str], str]] = {
    "leaky_relu": _leaky_relu,
    "elu": _elu,
    "selu": _selu,
    "softplus": _softplus,
    "softsign": _softsign,
    "silu": _silu,
    "mish": _mish,
    "gelu": _gelu,
    "hardtanh": _clip(-1, 1),
    "relu6": _clip(0, 6),
}


def own_units(nodes: Nodes, meaning: Meaning, outputs: str) -> str:
    """Add output * scale + mean where numbers are not in their own units already."""
    if not meaning.scaled:
        return outputs
    scale, mean = (nodes.array(np.asarray(values)) for values in (meaning.scale, meaning.mean))
    return nodes.op("Add", nodes.op("Mul", outputs, scale), mean)


def probabilities(nodes: Nodes, meaning: Meaning, outputs: str) -> str:
    """Add `predict_proba`'s columns."""
    if meaning.kind != "binary":
        return outputs
    return nodes.op("Concat", nodes.op("Sub", nodes.number(1), outputs), outputs, axis=1)


def label(nodes: Nodes, meaning: Meaning, outputs: str) -> str:
    """Add `predict`'s labels (n_samples,), or indicators (n_samples, n_labels)."""
    if meaning.kind == "classes":
        index = nodes.op("ArgMax", outputs, axis=1, keepdims=0)
    else:
        threshold = nodes.number(0.5 if len(meaning.classes) > 1 or meaning.kind == "multilabel" else 2)
        index = nodes.op("Cast", nodes.op("Greater", outputs, threshold), to=7)  # int64
        if meaning.kind == "multilabel":
            return index
        index = nodes.op("Reshape", index, nodes.constant(np.array([-1])))
    return nodes.op("Gather", nodes.constant(labels(meaning)), index, axis=0)


def labels(meaning: Meaning) -> NDArray[Any]:
    """Return the class labels as an array that ONNX can hold: strings, int64, float64 or bool."""
    array = np.array(meaning.classes)
    if array.dtype.kind in "US":
        return array.astype(object)
    return array.astype(np.int64) if array.dtype.kind in "iu" else array
