"""Activations that are not monotone, so that f' is no function of y: E7 from the stored net."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from array_api_compat import array_namespace

from chainrule.reference.activations.base import Activation
from chainrule.reference.functions import Array, normal_cdf, normal_density, sigmoid, softplus


@dataclass(frozen=True)
class GELU(Activation):
    """f(net) = net Phi(net), f' = Phi(net) + net phi(net); the exact form, not the tanh approximation [E7].

    Source: D. Hendrycks and K. Gimpel, Gaussian error linear units, arXiv:1606.08415 (2016), section 2.
    """

    name: ClassVar[str] = "gelu"
    keeps: ClassVar[Literal["output", "net"]] = "net"

    def value(self, net: Array) -> Array:
        """E2: y = net Phi(net)."""
        return net * normal_cdf(net)

    def derivative(self, kept: Array) -> Array:
        """E7: Phi(net) + net phi(net)."""
        net = kept
        return normal_cdf(net) + net * normal_density(net)


@dataclass(frozen=True)
class SiLU(Activation):
    """f(net) = net s(net) with s the sigmoid, f' = s (1 + net (1 - s)); also called swish [E7].

    Source: S. Elfwing, E. Uchibe and K. Doya, Sigmoid-weighted linear units, Neural Networks 107 (2018).
    """

    name: ClassVar[str] = "silu"
    keeps: ClassVar[Literal["output", "net"]] = "net"

    def value(self, net: Array) -> Array:
        """E2: y = net s(net)."""
        return net * sigmoid(net)

    def derivative(self, kept: Array) -> Array:
        """E7: s (1 + net (1 - s)), with 1 - s(net) = s(-net)."""
        net = kept
        return sigmoid(net) * (1 + net * sigmoid(-net))


@dataclass(frozen=True)
class Mish(Activation):
    """f(net) = net w with w = tanh(softplus(net)), f' = w + net (1 - w^2) sigmoid(net) [E7].

    Source: D. Misra, Mish: a self regularized non-monotonic activation function, BMVC 2020.
    """

    name: ClassVar[str] = "mish"
    keeps: ClassVar[Literal["output", "net"]] = "net"

    def value(self, net: Array) -> Array:
        """E2: y = net tanh(softplus(net))."""
        return net * array_namespace(net).tanh(softplus(net))

    def derivative(self, kept: Array) -> Array:
        """E7: w + net (1 - w^2) sigmoid(net)."""
        net = kept
        w = array_namespace(net).tanh(softplus(net))
        return w + net * (1 - w * w) * sigmoid(net)
