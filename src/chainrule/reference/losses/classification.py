"""Losses of probabilities: cross-entropies, with smoothed targets on request, and their focal forms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from array_api_compat import array_namespace

from chainrule.reference.activations import Activation
from chainrule.reference.functions import Array, xlogx
from chainrule.reference.losses.base import Loss, setting


@dataclass(frozen=True)
class CrossEntropy(Loss):
    """E = -sum_i y_i log p_i with p = softmax(net); dE/dnet = p - y for targets that sum to 1 [E3, E4].

    Source: C. M. Bishop, Neural Networks for Pattern Recognition (1995), section 6.9; label smoothing:
    C. Szegedy et al., Rethinking the Inception architecture for computer vision, CVPR 2016, section 7.

    Parameters
    ----------
    label_smoothing : float
        Each target y_i becomes (1 - s) y_i + s / n_outputs; 0 <= s < 1. The loss of a perfect fit is then
        the entropy of those targets, not 0.

    Examples
    --------
    >>> from chainrule import Network
    >>> net = Network([4, 8, 3], loss=CrossEntropy(label_smoothing=0.1), random_state=0)
    >>> net.loss
    CrossEntropy(label_smoothing=0.1)
    """

    name: ClassVar[str] = "cross_entropy"
    allowed: ClassVar[tuple[str, ...]] = ("softmax",)
    takes_classes: ClassVar[bool] = True
    label_smoothing: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(
            self, "label_smoothing", setting("label_smoothing", self.label_smoothing, "[0, 1)")
        )

    def _smoothed(self, target: Array) -> Array:
        """(1 - s) y + s / n_outputs; y itself, to the bit, without smoothing."""
        s = self.label_smoothing
        return (1 - s) * target + s / target.shape[-1] if s else target

    def value(self, activation: Activation, net: Array, output: Array, target: Array) -> Array:
        """E3: -sum y log p, the logarithm from net."""
        log_p = activation.log_value(net)
        return -array_namespace(log_p).sum(self._smoothed(target) * log_p, axis=-1)

    def gradient(self, output: Array, target: Array) -> Array:
        """dE/dp = -y / p."""
        return -self._smoothed(target) / output

    def output_delta(self, activation: Activation, kept: Array, output: Array, target: Array) -> Array:
        """E4: p - y, what the Jacobian of softmax leaves of -y / p."""
        return output - self._smoothed(target)

    def target_problem(self, target: Array) -> str | None:
        """Targets are probabilities: not negative, and each row sums to 1."""
        return no_distribution(target)


@dataclass(frozen=True)
class Focal(Loss):
    """E = -sum_i y_i (1 - p_i)^gamma log p_i with p = softmax(net) [E3, E4].

    Rows that are classified well weigh less; gamma = 0 is the cross-entropy. With
    h_i = y_i (gamma p_i log p_i (1 - p_i)^(gamma - 1) - (1 - p_i)^gamma), dE/dnet = h - p sum_i h_i.

    Source: T.-Y. Lin, P. Goyal, R. Girshick, K. He and P. Dollar, Focal loss for dense object detection, ICCV
    2017, eq. 4.

    Parameters
    ----------
    gamma : float
        The exponent, at least 0.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import Network
    >>> net = Network([4, 8, 3], loss=Focal(gamma=1.5), random_state=0)
    >>> g = net.gradients(np.ones((2, 4)), [0, 2])  # class indices, as for the cross-entropy
    """

    name: ClassVar[str] = "focal"
    allowed: ClassVar[tuple[str, ...]] = ("softmax",)
    takes_classes: ClassVar[bool] = True
    gamma: float = 2.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "gamma", setting("gamma", self.gamma, "[0, inf)"))

    def value(self, activation: Activation, net: Array, output: Array, target: Array) -> Array:
        """E3: -sum y (1 - p)^gamma log p, with log p from net and 1 - p = -expm1(log p)."""
        log_p = activation.log_value(net)
        xp = array_namespace(log_p)
        return -xp.sum(target * (-xp.expm1(log_p)) ** self.gamma * log_p, axis=-1)

    def gradient(self, output: Array, target: Array) -> Array:
        """dE/dp = y (gamma (1 - p)^gamma (log p / (1 - p)) - (1 - p)^gamma / p)."""
        q = 1 - output
        return target * q**self.gamma * (self.gamma * _log_ratio(output) - 1 / output)

    def output_delta(self, activation: Activation, kept: Array, output: Array, target: Array) -> Array:
        """E4: h - p sum h, h = p dE/dp: what the Jacobian of softmax leaves, without a division by p."""
        p, xp = output, array_namespace(output)
        h = target * (1 - p) ** self.gamma * (self.gamma * p * _log_ratio(p) - 1)
        return h - p * xp.sum(h, axis=-1, keepdims=True)

    def target_problem(self, target: Array) -> str | None:
        """Targets are probabilities: not negative, and each row sums to 1."""
        return no_distribution(target)


@dataclass(frozen=True)
class BinaryCrossEntropy(Loss):
    """E = -sum_i y_i log p_i + (1 - y_i) log(1 - p_i) with p = sigmoid(net); dE/dnet = p - y [E3, E4].

    Each output is a class of its own, so this is the multilabel loss too.

    Source: C. M. Bishop, Neural Networks for Pattern Recognition (1995), sections 6.7 and 6.8.

    Parameters
    ----------
    label_smoothing : float
        Each target y_i becomes (1 - s) y_i + s / 2; 0 <= s < 1.

    Examples
    --------
    >>> import numpy as np
    >>> BinaryCrossEntropy(label_smoothing=0.5).output_delta(None, None, np.array([[0.5]]), np.array([[1.0]]))
    array([[-0.25]])
    """

    name: ClassVar[str] = "binary_cross_entropy"
    allowed: ClassVar[tuple[str, ...]] = ("sigmoid",)
    label_smoothing: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(
            self, "label_smoothing", setting("label_smoothing", self.label_smoothing, "[0, 1)")
        )

    def _smoothed(self, target: Array) -> Array:
        """(1 - s) y + s / 2; y itself, to the bit, without smoothing."""
        s = self.label_smoothing
        return (1 - s) * target + s / 2 if s else target

    def value(self, activation: Activation, net: Array, output: Array, target: Array) -> Array:
        """E3: -sum y log p + (1 - y) log(1 - p), from net, with 1 - sigmoid(net) = sigmoid(-net)."""
        y = self._smoothed(target)
        terms = y * activation.log_value(net) + (1 - y) * activation.log_value(-net)
        return -array_namespace(terms).sum(terms, axis=-1)

    def gradient(self, output: Array, target: Array) -> Array:
        """dE/dp = (p - y) / (p (1 - p))."""
        return (output - self._smoothed(target)) / (output * (1 - output))

    def output_delta(self, activation: Activation, kept: Array, output: Array, target: Array) -> Array:
        """E4: p - y, as p (1 - p) of E7 cancels the denominator of the gradient."""
        return output - self._smoothed(target)

    def target_problem(self, target: Array) -> str | None:
        """Targets are probabilities."""
        return no_probabilities(target)


@dataclass(frozen=True)
class BinaryFocal(Loss):
    """E = -sum_i y_i q_i^gamma log p_i + (1 - y_i) p_i^gamma log q_i; p = sigmoid(net), q = 1 - p [E3, E4].

    Each output is a class of its own; gamma = 0 is the binary cross-entropy.
    dE/dnet = y q^gamma (gamma p log p - q) - (1 - y) p^gamma (gamma q log q - p).

    Source: T.-Y. Lin, P. Goyal, R. Girshick, K. He and P. Dollar, Focal loss for dense object detection, ICCV
    2017, eq. 4 and appendix B.

    Parameters
    ----------
    gamma : float
        The exponent, at least 0.

    Examples
    --------
    >>> import numpy as np
    >>> BinaryFocal(gamma=0.0).output_delta(None, None, np.array([[0.75]]), np.array([[1.0]]))
    array([[-0.25]])
    """

    name: ClassVar[str] = "binary_focal"
    allowed: ClassVar[tuple[str, ...]] = ("sigmoid",)
    gamma: float = 2.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "gamma", setting("gamma", self.gamma, "[0, inf)"))

    def value(self, activation: Activation, net: Array, output: Array, target: Array) -> Array:
        """E3: -sum y q^gamma log p + (1 - y) p^gamma log q, everything from net."""
        log_p, log_q = activation.log_value(net), activation.log_value(-net)
        xp, g = array_namespace(log_p), self.gamma
        terms = target * xp.exp(g * log_q) * log_p + (1 - target) * xp.exp(g * log_p) * log_q
        return -xp.sum(terms, axis=-1)

    def gradient(self, output: Array, target: Array) -> Array:
        """dE/dp = y q^gamma (gamma log p / q - 1 / p) - (1 - y) p^gamma (gamma log q / p - 1 / q)."""
        p, q, g = output, 1 - output, self.gamma
        return target * q**g * (g * _log_ratio(p) - 1 / p) - (1 - target) * p**g * (g * _log_ratio(q) - 1 / q)

    def output_delta(self, activation: Activation, kept: Array, output: Array, target: Array) -> Array:
        """E4: y q^gamma (gamma p log p - q) - (1 - y) p^gamma (gamma q log q - p)."""
        p, q, g = output, 1 - output, self.gamma
        return target * q**g * (g * xlogx(p) - q) - (1 - target) * p**g * (g * xlogx(q) - p)

    def target_problem(self, target: Array) -> str | None:
        """Targets are probabilities."""
        return no_probabilities(target)


def _log_ratio(p: Array) -> Array:
    """log(p) / (1 - p) and its limit -1 at p = 1; finite, too, where p has underflowed to 0."""
    xp = array_namespace(p)
    inside = xp.where((p == 0) | (p == 1), xp.full_like(p, 0.5), p)
    return xp.where((p == 0) | (p == 1), -xp.ones_like(p), xp.log(inside) / (1 - inside))


def no_distribution(target: Array) -> str | None:
    """Say so where a row of targets is no probability distribution."""
    xp = array_namespace(target)
    if not bool(xp.all(target >= 0)):
        return "must not be negative or NaN"
    if not bool(xp.all(xp.abs(xp.sum(target, axis=-1) - 1) <= 1e-5)):
        return "must have rows that sum to 1 (or be class indices, shape (n_samples,), integer dtype)"
    return None


def no_probabilities(target: Array) -> str | None:
    """Say so where a target is no probability."""
    inside = (target >= 0) & (target <= 1)
    return None if bool(array_namespace(target).all(inside)) else "must lie in [0, 1]"
