"""Half the unit deviances of Tweedie's family, for positive means: 0 at yhat = y, scaled as scikit-learn's.

With d = log(yhat / y), the logarithm of yhat from net, the half deviances of every power p are one formula:

    y^(2-p) (phi(2 - p, d) - phi(1 - p, d)),    phi(c, d) = (exp(c d) - 1) / c,  phi(0, d) = d,

whose derivative by d is yhat^(1-p) (yhat - y). Poisson is p = 1, gamma p = 2, inverse Gaussian p = 3.

Source: B. Jorgensen, The Theory of Dispersion Models (1997), chapter 4; P. McCullagh and J. A. Nelder,
Generalized Linear Models, 2nd ed. (1989), 2.3 for Poisson and gamma.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from array_api_compat import array_namespace

from chainrule.reference.activations import Activation
from chainrule.reference.functions import Array, xlogx
from chainrule.reference.losses.base import Loss, setting


@dataclass(frozen=True)
class Poisson(Loss):
    """E = sum_i y_i log(y_i / yhat_i) - y_i + yhat_i, half the Poisson deviance, 0 at yhat = y [E3, E4].

    dE/dyhat = 1 - y / yhat, and dE/dnet = (yhat - y) o (log f)'(net), which is yhat - y for f = exp.

    Source: P. McCullagh and J. A. Nelder, Generalized Linear Models, 2nd ed. (1989), 2.3.
    """

    name: ClassVar[str] = "poisson"
    allowed: ClassVar[tuple[str, ...]] = ("exp", "softplus", "sigmoid")

    def value(self, activation: Activation, net: Array, output: Array, target: Array) -> Array:
        """E3: sum y log y - y log yhat - y + yhat, with log yhat from net and 0 log 0 = 0."""
        terms = xlogx(target) - target * activation.log_value(net) - target + output
        return array_namespace(terms).sum(terms, axis=-1)

    def gradient(self, output: Array, target: Array) -> Array:
        """dE/dyhat = (yhat - y) / yhat."""
        return (output - target) / output

    def output_delta(self, activation: Activation, kept: Array, output: Array, target: Array) -> Array:
        """E4: (yhat - y) o f'(net) / f(net), a quotient that is finite where yhat has underflowed."""
        return (output - target) * activation.log_derivative(output)

    def target_problem(self, target: Array) -> str | None:
        """Targets are counts or rates."""
        return not_negative(target)


@dataclass(frozen=True)
class Gamma(Loss):
    """E = sum_i log(yhat_i / y_i) + y_i / yhat_i - 1, half the gamma deviance, 0 at yhat = y [E3, E4].

    dE/dyhat = (yhat - y) / yhat^2, and dE/dnet = (1 - y / yhat) o (log f)'(net), which is 1 - y exp(-net) for
    f = exp. For positive targets whose standard deviation grows in proportion to their mean.

    Source: P. McCullagh and J. A. Nelder, Generalized Linear Models, 2nd ed. (1989), 2.3 and 8.

    Examples
    --------
    >>> import numpy as np
    >>> Gamma().gradient(np.array([[2.0, 4.0]]), np.array([[4.0, 4.0]])).tolist()
    [[-0.5, 0.0]]
    """

    name: ClassVar[str] = "gamma"
    allowed: ClassVar[tuple[str, ...]] = ("exp", "softplus")

    def value(self, activation: Activation, net: Array, output: Array, target: Array) -> Array:
        """E3: sum d + exp(-d) - 1 with d = log yhat - log y, log yhat from net."""
        xp = array_namespace(target)
        d = activation.log_value(net) - xp.log(target)
        return xp.sum(d + xp.expm1(-d), axis=-1)

    def gradient(self, output: Array, target: Array) -> Array:
        """dE/dyhat = (yhat - y) / yhat^2."""
        return (output - target) / output / output

    def output_delta(self, activation: Activation, kept: Array, output: Array, target: Array) -> Array:
        """E4: (1 - y / yhat) o (log f)'(net)."""
        return (output - target) / output * activation.log_derivative(output)

    def target_problem(self, target: Array) -> str | None:
        """Targets are positive amounts."""
        return positive(target)


@dataclass(frozen=True)
class Tweedie(Loss):
    """Half the Tweedie deviance, 0 at yhat = y, of targets whose variance is mean^power [E3, E4].

    E = sum_i y_i^(2-p) / ((1-p)(2-p)) - y_i yhat_i^(1-p) / (1-p) + yhat_i^(2-p) / (2-p), and its limits for
    p = 1 (`Poisson`) and p = 2 (`Gamma`). dE/dyhat = yhat^(-p) (yhat - y), and
    dE/dnet = (yhat^(2-p) - y yhat^(1-p)) o (log f)'(net).

    Source: B. Jorgensen, The Theory of Dispersion Models (1997), chapter 4.

    Parameters
    ----------
    power : float
        p, at least 1. Between 1 and 2 the targets are amounts with many exact zeros (claims, rain); from 2 on
        they must be positive.

    Examples
    --------
    >>> import numpy as np
    >>> Tweedie(power=1.5).gradient(np.array([[4.0]]), np.array([[0.0]])).tolist()
    [[0.5]]
    """

    name: ClassVar[str] = "tweedie"
    allowed: ClassVar[tuple[str, ...]] = ("exp", "softplus")
    power: float = 1.5

    def __post_init__(self) -> None:
        hint = "; power 0 is loss='squared_error', and no distribution has a power between 0 and 1"
        object.__setattr__(self, "power", setting("power", self.power, "[1, inf)", hint))

    def value(self, activation: Activation, net: Array, output: Array, target: Array) -> Array:
        """E3: sum y^b (phi(b, d) - phi(a, d)), and yhat^b / b where y = 0; a = 1 - p, b = 2 - p."""
        xp = array_namespace(target)
        a, b = 1 - self.power, 2 - self.power
        log_output, y = activation.log_value(net), xp.where(target > 0, target, xp.ones_like(target))
        d = log_output - xp.log(y)
        terms = y**b * (_phi(b, d) - _phi(a, d))
        if b > 0:
            terms = xp.where(target == 0, xp.exp(b * log_output) / b, terms)
        return xp.sum(terms, axis=-1)

    def gradient(self, output: Array, target: Array) -> Array:
        """dE/dyhat = yhat^(-p) (yhat - y)."""
        return output**-self.power * (output - target)

    def output_delta(self, activation: Activation, kept: Array, output: Array, target: Array) -> Array:
        """E4: yhat^(1-p) (yhat - y) o (log f)'(net)."""
        return output ** (1 - self.power) * (output - target) * activation.log_derivative(output)

    def target_problem(self, target: Array) -> str | None:
        """Targets are amounts; zeros have a density below power 2 only."""
        return not_negative(target) if self.power < 2 else positive(target)


def _phi(c: float, d: Array) -> Array:
    """(exp(c d) - 1) / c, and its limit d at c = 0."""
    return array_namespace(d).expm1(c * d) / c if c else d


def not_negative(target: Array) -> str | None:
    """Say so where a target is negative or NaN."""
    return None if bool(array_namespace(target).all(target >= 0)) else "must not be negative or NaN"


def positive(target: Array) -> str | None:
    """Say so where a target is not positive."""
    return None if bool(array_namespace(target).all(target > 0)) else "must be positive (no 0, no NaN)"
