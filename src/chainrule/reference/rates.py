"""The parametrization NTP as rate and decay factors of the usual one, and decoupled decay.

NTP (neural tangent parametrization) writes a layer with n inputs as net = x V / sqrt(n) - b, V with first
values N(0, 1). With W = V / sqrt(n) it is E1, and a step in V is a step in W:

| in V, with rate eta | in W = V / sqrt(n) |
|---|---|
| first values N(0, 1) | N(0, 1/n) |
| dE/dV | dE/dW = sqrt(n) dE/dV |
| gradient descent, momentum: V - eta dE/dV | rate eta/n |
| Adam: V - eta m/(sqrt(v) + epsilon) | rate eta/sqrt(n), epsilon sqrt(n) |
| decoupled decay: V (1 - eta lambda) | W (1 - eta lambda): lambda sqrt(n) where the rate is eta/sqrt(n) |

So a network needs no other layers for NTP, only factors (`ntp_factors`).

Source: A. Jacot, F. Gabriel and C. Hongler, Neural tangent kernel, NeurIPS 2018, section 2; used by D.
Holzmueller, L. Grinsztajn and I. Steinwart, Better by default, NeurIPS 2024 (arXiv:2407.04491).
"""

from __future__ import annotations

import math
from typing import NamedTuple

from chainrule.reference.functions import Array


class NTPFactors(NamedTuple):
    """What weights W have in the usual parametrization where NTP has 1.

    Attributes
    ----------
    first_weight : float
        Factor of first values N(0, 1).
    gradient_rate : float
        Factor of the learning rate for gradient descent, with momentum or without.
    adam_rate, adam_epsilon, adam_decay : float
        Factors of the learning rate, of epsilon and of the decay for Adam with decoupled decay, which
        multiplies the decay with the rate.
    """

    first_weight: float
    gradient_rate: float
    adam_rate: float
    adam_epsilon: float
    adam_decay: float


def ntp_factors(n_inputs: int, rate_factor: float = 1.0) -> NTPFactors:
    """Factors of a layer's weights for NTP.

    Parameters
    ----------
    n_inputs : int
        n of the layer.
    rate_factor : float
        The group's own factor f of the rate in NTP. The decay then has f too (`decoupled_decay`).

    Examples
    --------
    >>> factors = ntp_factors(256)
    >>> factors.first_weight, factors.gradient_rate, factors.adam_rate, factors.adam_decay
    (0.0625, 0.00390625, 0.0625, 16.0)
    """
    if isinstance(n_inputs, bool) or not isinstance(n_inputs, int) or n_inputs < 1:
        raise ValueError(f"n_inputs is {n_inputs!r}; expected a whole number >= 1")
    root, f = math.sqrt(n_inputs), rate_factor
    return NTPFactors(1 / root, f / n_inputs, f / root, root, f * root)


def decoupled_decay(parameter: Array, learning_rate: float, decay: float, rate_factor: float = 1.0) -> Array:
    """Decay a parameter before the optimizer's step: theta (1 - rate decay f^2).

    f is the group's rate factor: of the rate, and of the decay as well, as RealMLP's code has it. Biases have
    no decay.

    Source: I. Loshchilov and F. Hutter, Decoupled weight decay regularization, ICLR 2019, algorithm 2.

    Examples
    --------
    >>> decoupled_decay(2.0, learning_rate=0.1, decay=0.5, rate_factor=2.0)
    1.6
    """
    return parameter * (1 - learning_rate * decay * rate_factor**2)
