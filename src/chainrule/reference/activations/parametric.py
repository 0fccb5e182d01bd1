"""E12: an activation whose strength is a parameter of each neuron."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from chainrule.reference.activations.base import Activation
from chainrule.reference.functions import Array


@dataclass(frozen=True, eq=False)
class Parametric(Activation):
    """f(x) = x + alpha (sigma(x) - x), f' = 1 - alpha + alpha sigma'(x) [E2, E12]; [E7] is that of sigma.

    Computed as (1 - alpha) x + alpha sigma(x), which is sigma(x) to the last bit at alpha = 1. prelu is that
    of relu: its slope is 1 - alpha.

    Attributes
    ----------
    sigma : Activation
        Any registered activation of hidden layers that learns nothing itself.
    alpha : float or array, shape (n_units,)
        First value 1, where f is sigma; at 0 it is the identity. It is learned, one per neuron; its gradient
        is the column sum of `alpha_gradient`.

    Source: D. Holzmueller, L. Grinsztajn and I. Steinwart, Better by default: strong pre-tuned MLPs and
    boosted trees on tabular data, NeurIPS 2024 (arXiv:2407.04491), section 3.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule.reference import get_activation
    >>> f = Parametric(get_activation("relu"), np.array([1.0, 0.75]))
    >>> f.value(np.array([[-2.0, -2.0], [3.0, 3.0]])).tolist()
    [[0.0, -0.5], [3.0, 3.0]]
    """

    name: ClassVar[str] = "parametric"
    keeps: ClassVar[Literal["output", "net"]] = "net"
    hidden_only: ClassVar[bool] = True
    sigma: Activation
    alpha: Any = 1.0

    def __post_init__(self) -> None:
        if not isinstance(self.sigma, Activation):
            raise TypeError(
                f"sigma is {self.sigma!r}; expected an Activation, such as get_activation('mish')"
            )
        if self.sigma.output_only or self.sigma.hidden_only:
            reason = (
                "is for the output layer only" if self.sigma.output_only else "has a parameter of its own"
            )
            raise ValueError(
                f"sigma is {self.sigma.name!r}, which {reason}; expected one such as 'mish' or 'selu'"
            )

    def value(self, net: Array) -> Array:
        """E2: y = x + alpha (sigma(x) - x), for x = net."""
        x, a = net, self.alpha
        return (1 - a) * x + a * self.sigma.value(x)  # E12

    def derivative(self, kept: Array) -> Array:
        """E12: f' = 1 - alpha + alpha sigma'(x), shape (n_samples, n_units)."""
        x, a = kept, self.alpha
        return (1 - a) + a * self.sigma.derivative(self._kept_by_sigma(x))  # E12

    def alpha_gradient(self, gradient: Array, kept: Array) -> Array:
        """Differentiate by alpha, a row per sample: gradient o (sigma(x) - x), (n_samples, n_units)."""
        x = kept
        return gradient * (self.sigma.value(x) - x)  # E12

    def _kept_by_sigma(self, x: Array) -> Array:
        """Pick what sigma takes its derivative from."""
        return self.sigma.value(x) if self.sigma.keeps == "output" else x
