"""Softmax: the one activation whose Jacobian is not diagonal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from array_api_compat import array_namespace

from chainrule.reference import functions
from chainrule.reference.activations.base import Activation
from chainrule.reference.functions import Array


@dataclass(frozen=True)
class Softmax(Activation):
    """y_i = exp(net_i) / sum_j exp(net_j) for each row; dy_i/dnet_j = y_i ([i = j] - y_j) [E7].

    Source: J. S. Bridle, Probabilistic interpretation of feedforward classification network outputs, in
    Neurocomputing: Algorithms, Architectures and Applications (1990).
    """

    name: ClassVar[str] = "softmax"
    output_only: ClassVar[bool] = True

    def value(self, net: Array) -> Array:
        """E2: y_i = exp(net_i) / sum_j exp(net_j)."""
        return functions.softmax(net)

    def derivative(self, kept: Array) -> Array:
        """Raise TypeError: the derivative of softmax is a matrix per row; see `backward`."""
        raise TypeError("softmax has a full Jacobian, no derivative element by element; use backward()")

    def backward(self, gradient: Array, kept: Array) -> Array:
        """E7: delta = y o (gradient - sum_j gradient_j y_j), the Jacobian times the gradient, row by row."""
        y = kept
        return y * (gradient - array_namespace(y).sum(gradient * y, axis=-1, keepdims=True))

    def log_value(self, net: Array) -> Array:
        """(log f)(net) = net - log sum exp(net)."""
        return functions.log_softmax(net)
