"""What every activation offers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal

from array_api_compat import array_namespace

from chainrule.reference.functions import Array


@dataclass(frozen=True)
class Activation(ABC):
    """An activation function f of a layer: x_{k+1} = f(net_k) [E2, E7].

    Attributes
    ----------
    name : str
        The name in the registry `ACTIVATIONS`.
    keeps : {"output", "net"}
        What `derivative` and `backward` take: the stored output y = f(net), or net itself where f' is no
        function of y.
    output_only : bool
        Whether the activation belongs in the output layer only.
    hidden_only : bool
        Whether it belongs in hidden layers only.
    """

    name: ClassVar[str]
    keeps: ClassVar[Literal["output", "net"]] = "output"
    output_only: ClassVar[bool] = False
    hidden_only: ClassVar[bool] = False

    @property
    def label(self) -> str:
        """The name that `get_activation` finds it by, with a setting where that belongs to the network."""
        return self.name

    @abstractmethod
    def value(self, net: Array) -> Array:
        """E2: f(net); net has shape (n_samples, n_units), and so has the result."""

    @abstractmethod
    def derivative(self, kept: Array) -> Array:
        """E7: f'(net) element by element, shape (n_samples, n_units), from y or net as `keeps` says."""

    def backward(self, gradient: Array, kept: Array) -> Array:
        """Multiply dE/dy by the Jacobian of f: the delta dE/dnet, shape (n_samples, n_units).

        For an activation that acts on each element alone the Jacobian is diagonal, and the product is
        gradient o f'(net).
        """
        return gradient * self.derivative(kept)

    def log_value(self, net: Array) -> Array:
        """(log f)(net) for an activation with positive values; losses take logarithms from net by it."""
        return array_namespace(net).log(self.value(net))

    def log_derivative(self, output: Array) -> Array:
        """(log f)'(net) = f'(net) / f(net) from the output of an activation with positive values."""
        return self.derivative(output) / output
