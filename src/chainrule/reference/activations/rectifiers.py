"""Piecewise activations with kinks: E7 from the stored output y.

At a kink itself, net = 0 say, the derivative is that of the flatter side, as in the engine: [y > 0] is false.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from array_api_compat import array_namespace

from chainrule.reference.activations.base import Activation
from chainrule.reference.functions import Array, real, where_positive


def _expm1_of_negative(net: Array) -> Array:
    """exp(net) - 1 where net <= 0, else 0, so that the branch that is not taken cannot overflow."""
    xp = array_namespace(net)
    return xp.expm1(where_positive(net, xp.zeros_like(net), net))


def _clipped(net: Array, low: float, high: float) -> Array:
    """Net, or the bound that it is beyond; NaN stays NaN."""
    xp = array_namespace(net)
    above = xp.where(real(net) >= high, xp.full_like(net, high), net)
    return xp.where(real(net) <= low, xp.full_like(net, low), above)


def _strictly_between(y: Array, low: float, high: float) -> Array:
    """1 where low < y < high, else 0."""
    xp = array_namespace(y)
    return xp.where((real(y) > low) & (real(y) < high), xp.ones_like(y), xp.zeros_like(y))


@dataclass(frozen=True)
class ReLU(Activation):
    """f(net) = max(net, 0), f' = [y > 0] [E7].

    Source: V. Nair and G. E. Hinton, Rectified linear units improve restricted Boltzmann machines,
    ICML 2010.
    """

    name: ClassVar[str] = "relu"

    def value(self, net: Array) -> Array:
        """E2: y = max(net, 0)."""
        return where_positive(net, net, array_namespace(net).zeros_like(net))

    def derivative(self, kept: Array) -> Array:
        """E7: 1 where y > 0, else 0."""
        y, xp = kept, array_namespace(kept)
        return where_positive(y, xp.ones_like(y), xp.zeros_like(y))


@dataclass(frozen=True)
class ReLU6(Activation):
    """f(net) = min(max(net, 0), 6), f' = [0 < y < 6] [E7].

    Source: A. Krizhevsky, Convolutional deep belief networks on CIFAR-10, unpublished manuscript (2010).
    """

    name: ClassVar[str] = "relu6"

    def value(self, net: Array) -> Array:
        """E2: y = min(max(net, 0), 6)."""
        return _clipped(net, 0.0, 6.0)

    def derivative(self, kept: Array) -> Array:
        """E7: 1 where 0 < y < 6, else 0."""
        return _strictly_between(kept, 0.0, 6.0)


@dataclass(frozen=True)
class HardTanh(Activation):
    """f(net) = min(max(net, -1), 1), f' = [-1 < y < 1] [E7].

    Source: R. Collobert, Large scale machine learning, PhD thesis, Universite Paris VI (2004).
    """

    name: ClassVar[str] = "hardtanh"

    def value(self, net: Array) -> Array:
        """E2: y = min(max(net, -1), 1)."""
        return _clipped(net, -1.0, 1.0)

    def derivative(self, kept: Array) -> Array:
        """E7: 1 where -1 < y < 1, else 0."""
        return _strictly_between(kept, -1.0, 1.0)


@dataclass(frozen=True)
class LeakyReLU(Activation):
    """f(net) = net where net > 0, else slope net; f' = 1 where y > 0, else slope [E7].

    Source: A. L. Maas, A. Y. Hannun and A. Y. Ng, Rectifier nonlinearities improve neural network acoustic
    models, ICML 2013.
    """

    name: ClassVar[str] = "leaky_relu"
    slope: float = 0.01

    def __post_init__(self) -> None:
        if not (math.isfinite(self.slope) and self.slope >= 0):
            raise ValueError(
                f"slope is {self.slope!r}; it must be finite and not negative, since f' is told from y's sign"
            )

    def value(self, net: Array) -> Array:
        """E2: y = net where net > 0, else slope net."""
        return where_positive(net, net, self.slope * net)

    def derivative(self, kept: Array) -> Array:
        """E7: 1 where y > 0, else slope."""
        y, xp = kept, array_namespace(kept)
        return where_positive(y, xp.ones_like(y), xp.full_like(y, self.slope))


@dataclass(frozen=True)
class ELU(Activation):
    """f(net) = net where net > 0, else alpha (exp(net) - 1); f' = 1 where y > 0, else y + alpha [E7].

    Source: D.-A. Clevert, T. Unterthiner and S. Hochreiter, Fast and accurate deep network learning by
    exponential linear units, ICLR 2016.
    """

    name: ClassVar[str] = "elu"
    alpha: float = 1.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.alpha) and self.alpha >= 0):
            raise ValueError(
                f"alpha is {self.alpha!r}; it must be finite and not negative, since f' is told from y's sign"
            )

    def value(self, net: Array) -> Array:
        """E2: y = net where net > 0, else alpha (exp(net) - 1)."""
        return where_positive(net, net, self.alpha * _expm1_of_negative(net))

    def derivative(self, kept: Array) -> Array:
        """E7: 1 where y > 0, else alpha exp(net) = y + alpha."""
        y, xp = kept, array_namespace(kept)
        return where_positive(y, xp.ones_like(y), y + self.alpha)


@dataclass(frozen=True)
class SELU(Activation):
    """f(net) = lambda net where net > 0, else lambda alpha (exp(net) - 1) [E7].

    f' = lambda where y > 0, else y + lambda alpha. The constants make mean 0 and variance 1 a fixed point of
    a layer with LeCun-normal weights.

    Source: G. Klambauer et al., Self-normalizing neural networks, NIPS 2017, eq. 2; constants to the
    last digit of float64.
    """

    name: ClassVar[str] = "selu"
    scale: ClassVar[float] = 1.0507009873554805
    alpha: ClassVar[float] = 1.6732632423543772

    def value(self, net: Array) -> Array:
        """E2: y = lambda net where net > 0, else lambda alpha (exp(net) - 1)."""
        return where_positive(net, self.scale * net, (self.scale * self.alpha) * _expm1_of_negative(net))

    def derivative(self, kept: Array) -> Array:
        """E7: lambda where y > 0, else lambda alpha exp(net) = y + lambda alpha."""
        y, xp = kept, array_namespace(kept)
        return where_positive(y, xp.full_like(y, self.scale), y + self.scale * self.alpha)
