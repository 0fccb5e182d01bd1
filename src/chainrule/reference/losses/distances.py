"""Losses of the distance between output and target: any output activation goes with them.

Where a loss has a kink at yhat = y (absolute error, pinball loss), its derivative there is 0, as in the
engine: of all the subgradients the one that leaves an exact fit alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from array_api_compat import array_namespace

from chainrule.reference.activations import ACTIVATIONS, Activation
from chainrule.reference.functions import Array, log1p, minus_magnitude, real
from chainrule.reference.losses.base import Loss, setting

#: Every activation that an output layer can have.
NOT_HIDDEN = tuple(name for name, activation in ACTIVATIONS.items() if not activation.hidden_only)


@dataclass(frozen=True)
class SquaredError(Loss):
    """E = 1/2 ||yhat - y||^2, dE/dyhat = yhat - y [E3].

    Source: the seed.
    """

    name: ClassVar[str] = "squared_error"
    allowed: ClassVar[tuple[str, ...]] = NOT_HIDDEN

    def value(self, activation: Activation, net: Array, output: Array, target: Array) -> Array:
        """E3: 1/2 ||yhat - y||^2."""
        error = output - target
        return 0.5 * array_namespace(error).sum(error * error, axis=-1)

    def gradient(self, output: Array, target: Array) -> Array:
        """dE/dyhat = yhat - y."""
        return output - target


@dataclass(frozen=True)
class AbsoluteError(Loss):
    """E = sum_i |yhat_i - y_i|, dE/dyhat = sign(yhat - y), 0 at the kink; fits medians [E3].

    Source: P. Bloomfield and W. L. Steiger, Least Absolute Deviations (1983), chapter 1.

    Examples
    --------
    >>> import numpy as np
    >>> AbsoluteError().gradient(np.array([[1.0, 2.0, 3.0]]), np.array([[2.0, 2.0, 2.0]])).tolist()
    [[-1.0, 0.0, 1.0]]
    """

    name: ClassVar[str] = "absolute_error"
    allowed: ClassVar[tuple[str, ...]] = NOT_HIDDEN

    def value(self, activation: Activation, net: Array, output: Array, target: Array) -> Array:
        """E3: sum |yhat - y|."""
        error = output - target
        return array_namespace(error).sum(-minus_magnitude(error), axis=-1)

    def gradient(self, output: Array, target: Array) -> Array:
        """dE/dyhat = sign(yhat - y)."""
        error = output - target
        return array_namespace(error).sign(error)


@dataclass(frozen=True)
class Huber(Loss):
    """E = sum_i e_i^2 / 2 where |e_i| <= delta, else delta (|e_i| - delta / 2); e = yhat - y [E3].

    dE/dyhat = e, cut off at -delta and delta: continuous, so that the corner at |e| = delta needs no choice.
    The larger delta, the nearer to the squared error.

    Source: P. J. Huber, Robust estimation of a location parameter, Ann. Math. Statist. 35 (1964) 73-101.

    Parameters
    ----------
    delta : float
        From which error on the loss grows linearly, in units of the targets; positive.

    Examples
    --------
    >>> import numpy as np
    >>> Huber(delta=2.0).gradient(np.array([[-5.0, 0.5, 7.0]]), np.zeros((1, 3))).tolist()
    [[-2.0, 0.5, 2.0]]
    """

    name: ClassVar[str] = "huber"
    allowed: ClassVar[tuple[str, ...]] = NOT_HIDDEN
    delta: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "delta", setting("delta", self.delta, "(0, inf)"))

    def value(self, activation: Activation, net: Array, output: Array, target: Array) -> Array:
        """E3: sum c (|e| - c / 2) with c = min(|e|, delta), which is both branches at once."""
        error = output - target
        xp = array_namespace(error)
        magnitude = -minus_magnitude(error)
        c = xp.where(real(magnitude) > self.delta, xp.full_like(magnitude, self.delta), magnitude)
        return xp.sum(c * (magnitude - 0.5 * c), axis=-1)

    def gradient(self, output: Array, target: Array) -> Array:
        """dE/dyhat = min(max(e, -delta), delta)."""
        error = output - target
        return array_namespace(error).clip(error, -self.delta, self.delta)


@dataclass(frozen=True)
class LogCosh(Loss):
    """E = sum_i log cosh(yhat_i - y_i), dE/dyhat = tanh(yhat - y): e^2/2 near 0, |e| - log 2 far away [E3].

    Source: P. J. Green, Bayesian reconstructions from emission tomography data using a modified EM algorithm,
    IEEE Trans. Medical Imaging 9 (1990) 84-93.

    Examples
    --------
    >>> import numpy as np
    >>> LogCosh().gradient(np.array([[0.0, 1000.0]]), np.zeros((1, 2))).tolist()
    [[0.0, 1.0]]
    """

    name: ClassVar[str] = "log_cosh"
    allowed: ClassVar[tuple[str, ...]] = NOT_HIDDEN

    def value(self, activation: Activation, net: Array, output: Array, target: Array) -> Array:
        """E3: sum log cosh(e), as log(1 + (1 - w)^2 / 2w) or |e| - log 2 + log(1 + w^2), with w = exp(-|e|).

        The first does not cancel where e is small, the second does not overflow.
        """
        error = output - target
        xp = array_namespace(error)
        m = xp.expm1(minus_magnitude(error))
        w, magnitude = 1 + m, -minus_magnitude(error)
        near = real(magnitude) < 1
        terms = log1p(xp.where(near, m * m / (2 * xp.where(near, w, xp.ones_like(w))), w * w))
        return xp.sum(terms + xp.where(near, xp.zeros_like(terms), magnitude - math.log(2)), axis=-1)

    def gradient(self, output: Array, target: Array) -> Array:
        """dE/dyhat = tanh(e)."""
        return array_namespace(output).tanh(output - target)
