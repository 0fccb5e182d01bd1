"""Smooth activations whose derivative is a function of their value: E7 from the stored output y."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from array_api_compat import array_namespace

from chainrule.reference import functions
from chainrule.reference.activations.base import Activation
from chainrule.reference.functions import Array


@dataclass(frozen=True)
class Identity(Activation):
    """f(net) = net, f' = 1 [E7]."""

    name: ClassVar[str] = "identity"

    def value(self, net: Array) -> Array:
        """E2: y = net."""
        return net

    def derivative(self, kept: Array) -> Array:
        """E7: 1."""
        return array_namespace(kept).ones_like(kept)


@dataclass(frozen=True)
class Sigmoid(Activation):
    """f(net) = 1 / (1 + exp(-net)), f' = y (1 - y) [E7].

    Where y has rounded towards 1, 1 - y has few digits left: the price of storing y alone, for tanh too.

    Source: the seed; D. E. Rumelhart, G. E. Hinton and R. J. Williams, Nature 323 (1986) 533-536, eq. 2.
    """

    name: ClassVar[str] = "sigmoid"

    def value(self, net: Array) -> Array:
        """E2: y = 1 / (1 + exp(-net))."""
        return functions.sigmoid(net)

    def derivative(self, kept: Array) -> Array:
        """E7: y (1 - y)."""
        y = kept
        return y * (1 - y)

    def log_value(self, net: Array) -> Array:
        """(log f)(net) = -softplus(-net)."""
        return -functions.softplus(-net)

    def log_derivative(self, output: Array) -> Array:
        """(log f)' = y (1 - y) / y = 1 - y."""
        return 1 - output


@dataclass(frozen=True)
class Tanh(Activation):
    """f(net) = tanh(net), f' = 1 - y^2 [E7].

    Source: the seed; Y. LeCun et al., Efficient BackProp, in Neural Networks: Tricks of the Trade (1998),
    section 4.4.
    """

    name: ClassVar[str] = "tanh"

    def value(self, net: Array) -> Array:
        """E2: y = tanh(net)."""
        return array_namespace(net).tanh(net)

    def derivative(self, kept: Array) -> Array:
        """E7: 1 - y^2."""
        y = kept
        return 1 - y * y


@dataclass(frozen=True)
class Softsign(Activation):
    """f(net) = net / (1 + |net|), f' = 1 / (1 + |net|)^2 = (1 - |y|)^2 [E7].

    Source: J. Bergstra, G. Desjardins, P. Lamblin and Y. Bengio, Quadratic polynomials learn better image
    features, technical report 1337, Universite de Montreal (2009), section 2.
    """

    name: ClassVar[str] = "softsign"

    def value(self, net: Array) -> Array:
        """E2: y = net / (1 + |net|)."""
        return net / (1 - functions.minus_magnitude(net))

    def derivative(self, kept: Array) -> Array:
        """E7: (1 - |y|)^2."""
        y = kept
        return (1 + functions.minus_magnitude(y)) ** 2


@dataclass(frozen=True)
class Softplus(Activation):
    """f(net) = log(1 + exp(net)), f' = sigmoid(net) = 1 - exp(-y) [E7].

    Source: C. Dugas et al., Incorporating second-order functional knowledge, NIPS 13 (2000).
    """

    name: ClassVar[str] = "softplus"

    def value(self, net: Array) -> Array:
        """E2: y = log(1 + exp(net))."""
        return functions.softplus(net)

    def derivative(self, kept: Array) -> Array:
        """E7: 1 - exp(-y), as -expm1(-y), which does not cancel where y is small."""
        y = kept
        return -array_namespace(y).expm1(-y)

    def log_value(self, net: Array) -> Array:
        """(log f)(net) = log softplus(net), without underflow."""
        return functions.log_softplus(net)

    def log_derivative(self, output: Array) -> Array:
        """(log f)' = (1 - exp(-y)) / y, and its limit 1 where y has underflowed to 0."""
        xp = array_namespace(output)
        y = xp.where(output == 0, xp.ones_like(output), output)
        return xp.where(output == 0, xp.ones_like(output), self.derivative(y) / y)


@dataclass(frozen=True)
class Exp(Activation):
    """f(net) = exp(net), f' = y; for outputs that are rates [E7].

    Source: P. McCullagh and J. A. Nelder, Generalized Linear Models, 2nd ed. (1989), 2.2: the log link.
    """

    name: ClassVar[str] = "exp"
    output_only: ClassVar[bool] = True

    def value(self, net: Array) -> Array:
        """E2: y = exp(net)."""
        return array_namespace(net).exp(net)

    def derivative(self, kept: Array) -> Array:
        """E7: y."""
        return kept

    def log_value(self, net: Array) -> Array:
        """(log f)(net) = net."""
        return net

    def log_derivative(self, output: Array) -> Array:
        """(log f)' = y / y = 1."""
        return array_namespace(output).ones_like(output)
