"""Losses: E3 for one row, its derivative by the output, and what E4 starts from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from difflib import get_close_matches
from typing import ClassVar

from array_api_compat import array_namespace

from .activations import ACTIVATIONS, Activation
from .functions import Array, xlogx


@dataclass(frozen=True)
class Loss(ABC):
    """A loss E of one row; the loss of a batch is the (weighted) mean over its rows [E3, E4].

    Attributes
    ----------
    name : str
        The name in the registry `LOSSES`.
    default_output_activation : str
        The activation of the output layer that belongs to the loss.
    output_activations : tuple of str
        Every activation of the output layer that the loss allows.
    """

    name: ClassVar[str]
    default_output_activation: ClassVar[str]
    output_activations: ClassVar[tuple[str, ...]]

    @abstractmethod
    def value(self, activation: Activation, net: Array, output: Array, target: Array) -> Array:
        """E3: E for each row, shape (n_samples,).

        `net` and `output` are net_l and yhat = f(net_l), shape (n_samples, n_outputs), as is `target`.
        Logarithms are taken of f at net, not of the output, which may have rounded to 0 or 1.
        """

    @abstractmethod
    def gradient(self, output: Array, target: Array) -> Array:
        """dE/dyhat for each row, shape (n_samples, n_outputs)."""

    def output_delta(self, activation: Activation, kept: Array, output: Array, target: Array) -> Array:
        """E4 without its sign: dE/dnet_l, from dE/dyhat and what the output activation kept (E7).

        All shapes are (n_samples, n_outputs).
        """
        return activation.backward(self.gradient(output, target), kept)

    def target_problem(self, target: Array) -> str | None:
        """Say what the loss cannot accept in the targets, shape (n_samples, n_outputs), or None."""
        return None


@dataclass(frozen=True)
class SquaredError(Loss):
    """E = 1/2 ||yhat - y||^2, dE/dyhat = yhat - y [E3].

    Source: the seed.
    """

    name: ClassVar[str] = "squared_error"
    default_output_activation: ClassVar[str] = "identity"
    output_activations: ClassVar[tuple[str, ...]] = tuple(
        name for name, activation in ACTIVATIONS.items() if not activation.hidden_only
    )

    def value(self, activation: Activation, net: Array, output: Array, target: Array) -> Array:
        """E3: 1/2 ||yhat - y||^2."""
        error = output - target
        return 0.5 * array_namespace(error).sum(error * error, axis=-1)

    def gradient(self, output: Array, target: Array) -> Array:
        """dE/dyhat = yhat - y."""
        return output - target


@dataclass(frozen=True)
class CrossEntropy(Loss):
    """E = -sum_i y_i log p_i with p = softmax(net); dE/dnet = p - y for targets that sum to 1 [E3, E4].

    Source: C. M. Bishop, Neural Networks for Pattern Recognition (1995), section 6.9.
    """

    name: ClassVar[str] = "cross_entropy"
    default_output_activation: ClassVar[str] = "softmax"
    output_activations: ClassVar[tuple[str, ...]] = ("softmax",)

    def value(self, activation: Activation, net: Array, output: Array, target: Array) -> Array:
        """E3: -sum y log p, the logarithm from net."""
        log_p = activation.log_value(net)
        return -array_namespace(log_p).sum(target * log_p, axis=-1)

    def gradient(self, output: Array, target: Array) -> Array:
        """dE/dp = -y / p."""
        return -target / output

    def output_delta(self, activation: Activation, kept: Array, output: Array, target: Array) -> Array:
        """E4: p - y, what the Jacobian of softmax leaves of -y / p."""
        return output - target

    def target_problem(self, target: Array) -> str | None:
        """Targets are probabilities: not negative, and each row sums to 1."""
        xp = array_namespace(target)
        if not bool(xp.all(target >= 0)):
            return "must not be negative or NaN"
        if not bool(xp.all(xp.abs(xp.sum(target, axis=-1) - 1) <= 1e-5)):
            return "must have rows that sum to 1 (or be class indices, shape (n_samples,), integer dtype)"
        return None


@dataclass(frozen=True)
class BinaryCrossEntropy(Loss):
    """E = -sum_i y_i log p_i + (1 - y_i) log(1 - p_i) with p = sigmoid(net); dE/dnet = p - y [E3, E4].

    Each output is a class of its own, so this is the multilabel loss too.

    Source: C. M. Bishop, Neural Networks for Pattern Recognition (1995), sections 6.7 and 6.8.
    """

    name: ClassVar[str] = "binary_cross_entropy"
    default_output_activation: ClassVar[str] = "sigmoid"
    output_activations: ClassVar[tuple[str, ...]] = ("sigmoid",)

    def value(self, activation: Activation, net: Array, output: Array, target: Array) -> Array:
        """E3: -sum y log p + (1 - y) log(1 - p), from net, with 1 - sigmoid(net) = sigmoid(-net)."""
        terms = target * activation.log_value(net) + (1 - target) * activation.log_value(-net)
        return -array_namespace(terms).sum(terms, axis=-1)

    def gradient(self, output: Array, target: Array) -> Array:
        """dE/dp = (p - y) / (p (1 - p))."""
        return (output - target) / (output * (1 - output))

    def output_delta(self, activation: Activation, kept: Array, output: Array, target: Array) -> Array:
        """E4: p - y, as p (1 - p) of E7 cancels the denominator of the gradient."""
        return output - target

    def target_problem(self, target: Array) -> str | None:
        """Targets are probabilities."""
        if not bool(array_namespace(target).all((target >= 0) & (target <= 1))):
            return "must lie in [0, 1]"
        return None


@dataclass(frozen=True)
class Poisson(Loss):
    """E = sum_i y_i log(y_i / yhat_i) - y_i + yhat_i, half the Poisson deviance, 0 at yhat = y [E3, E4].

    dE/dyhat = 1 - y / yhat, and dE/dnet = (yhat - y) o (log f)'(net), which is yhat - y for f = exp.

    Source: P. McCullagh and J. A. Nelder, Generalized Linear Models, 2nd ed. (1989), 2.3.
    """

    name: ClassVar[str] = "poisson"
    default_output_activation: ClassVar[str] = "exp"
    output_activations: ClassVar[tuple[str, ...]] = ("exp", "softplus", "sigmoid")

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
        if not bool(array_namespace(target).all(target >= 0)):
            return "must not be negative or NaN"
        return None


#: Every loss by its name.
LOSSES: dict[str, Loss] = {
    loss.name: loss for loss in (SquaredError(), CrossEntropy(), BinaryCrossEntropy(), Poisson())
}


def get_loss(loss: str | Loss) -> Loss:
    """Look up a loss by name; a `Loss` is handed back as it is.

    Raises ValueError for a name that is not registered, TypeError for anything that is not a name.

    Examples
    --------
    >>> get_loss("cross_entropy").default_output_activation
    'softmax'
    """
    if isinstance(loss, Loss):
        return loss
    if not isinstance(loss, str):
        raise TypeError(f"a loss is given by its name or as a Loss, not as {type(loss).__name__}")
    if loss not in LOSSES:
        close = get_close_matches(loss, LOSSES, n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        raise ValueError(f"unknown loss {loss!r}; {hint}known: {', '.join(LOSSES)}")
    return LOSSES[loss]
