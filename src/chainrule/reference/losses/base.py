"""What every loss offers."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from typing import Any, ClassVar

from chainrule.reference.activations import Activation
from chainrule.reference.functions import Array


@dataclass(frozen=True)
class Loss(ABC):
    """A loss E of one row; the loss of a batch is the (weighted) mean over its rows [E3, E4].

    Attributes
    ----------
    name : str
        The name in the registry `LOSSES`.
    allowed : tuple of str
        Every activation of the output layer that the loss allows, its own first.
    takes_classes : bool
        Whether the outputs are probabilities of classes, so that targets may be class indices.
    """

    name: ClassVar[str]
    allowed: ClassVar[tuple[str, ...]]
    takes_classes: ClassVar[bool] = False

    @property
    def output_activations(self) -> tuple[str, ...]:
        """Every activation of the output layer that the loss allows with these settings."""
        return self.allowed

    @property
    def default_output_activation(self) -> str:
        """The activation of the output layer that belongs to the loss."""
        return self.output_activations[0]

    @property
    def parameters(self) -> tuple[float, ...]:
        """The settings as plain numbers, in the order of the fields."""
        return tuple(float(getattr(self, field.name)) for field in fields(self))

    @property
    def outputs_per_target(self) -> int:
        """How many neighboring outputs a target has: 1, or the number of its quantiles."""
        return 1

    @abstractmethod
    def value(self, activation: Activation, net: Array, output: Array, target: Array) -> Array:
        """E3: E for each row, shape (n_samples,).

        `net` and `output` are net_l and yhat = f(net_l), shape (n_samples, n_outputs), as is `target`, which
        has each target once for each of its outputs.
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

    def output_problem(self, activation: Activation, n_outputs: int) -> str | None:
        """Say what is wrong with so many outputs of an activation, or None."""
        if activation.name not in self.output_activations:
            return (
                f"does not go with the output activation {activation.label!r};"
                f" expected one of: {', '.join(self.output_activations)}"
            )
        return None

    def target_problem(self, target: Array) -> str | None:
        """Say what the loss cannot accept in the targets, shape (n_samples, n_targets), or None."""
        return None


def setting(name: str, value: Any, interval: str, hint: str = "") -> float:
    """Return a loss' setting as a float, inside an interval written as in mathematics, such as "[0, 1)".

    Raises TypeError for anything but a real number, ValueError for one outside.
    """
    if isinstance(value, bool | str | bytes) or not hasattr(value, "__float__"):
        raise TypeError(f"{name} is {value!r}; expected a number in {interval}")
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{name} is {value!r}; expected a number in {interval}") from None
    lowest, highest = map(float, interval[1:-1].split(","))
    inside = lowest < number < highest or (number == lowest and interval[0] == "[")
    if not (inside and math.isfinite(number)):
        raise ValueError(f"{name} is {value!r}; expected a finite number in {interval}{hint}")
    return number
