"""The rectifier whose slope is a parameter: the one activation that learns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from array_api_compat import array_namespace

from chainrule.reference.activations.base import Activation
from chainrule.reference.functions import Array, where_positive


@dataclass(frozen=True, eq=False)
class PReLU(Activation):
    """f(net) = net where net > 0, else slope net; f' = 1 where net > 0, else slope [E7].

    The slope is learned, one per unit; its gradient is the column sum of `slope_gradient`. A slope may become
    negative, so f' is told from the sign of net, not of y.

    Attributes
    ----------
    slope : float or array, shape (n_units,)
        First value 0.25.

    Source: K. He, X. Zhang, S. Ren and J. Sun, Delving deep into rectifiers: surpassing human-level
    performance on ImageNet classification, ICCV 2015, section 2.1.
    """

    name: ClassVar[str] = "prelu"
    keeps: ClassVar[Literal["output", "net"]] = "net"
    hidden_only: ClassVar[bool] = True
    first_slope: ClassVar[float] = 0.25
    slope: Any = 0.25

    def value(self, net: Array) -> Array:
        """E2: y = net where net > 0, else slope net."""
        return where_positive(net, net, self.slope * net)

    def derivative(self, kept: Array) -> Array:
        """E7: 1 where net > 0, else slope."""
        net, xp = kept, array_namespace(kept)
        return where_positive(net, xp.ones_like(net), self.slope * xp.ones_like(net))

    def slope_gradient(self, gradient: Array, kept: Array) -> Array:
        """Differentiate by the slopes, a row per sample: gradient o min(net, 0), (n_samples, n_units)."""
        net = kept
        return gradient * where_positive(net, array_namespace(net).zeros_like(net), net)
