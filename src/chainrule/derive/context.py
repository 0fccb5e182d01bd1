"""What the builders of steps share: model, notation, sign of the bias, and the definitions so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from chainrule.derive import activations
from chainrule.derive.expression import Expr, Floats, Symbol
from chainrule.derive.model import Layer, Model
from chainrule.derive.notation import Notation
from chainrule.derive.program import Definition
from chainrule.derive.terms import Call, Function


class _One:
    """The value of a single symbol, to evaluate an entry's formula as a function."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def symbol(self, key: str) -> Any:
        """Return the value, whatever the symbol."""
        return self.value

    def partial(self, of: Symbol, wrt: Symbol, direct: bool) -> Floats:
        """Raise: formulas of functions have no derivatives in them."""
        raise NotImplementedError


@dataclass
class Context:
    """State of a derivation under construction.

    Attributes
    ----------
    model : Model
        The network.
    notation : Notation
        Its symbols.
    bias_sign : {"-", "+"}
        Whether net = x W - b or x W + b.
    n_samples : int
        Rows of the sample; 0 where there are no numbers.
    definitions : list of Definition
        The forward pass, ending with E.
    optimizer : Any
        Whose update ends the derivation.
    """

    model: Model
    notation: Notation
    bias_sign: str
    n_samples: int
    definitions: list[Definition] = field(default_factory=list)
    optimizer: Any = None

    @property
    def n_layers(self) -> int:
        """The number of weight matrices."""
        return len(self.model.layers)

    def layer(self, k: int) -> Layer:
        """Layer k = 1..l."""
        return self.model.layers[k - 1]

    @property
    def same_activation(self) -> bool:
        """Whether one letter f serves all layers."""
        return len({layer.activation for layer in self.model.layers}) == 1

    def signed_bias(self, product: Expr, b: Expr) -> Expr:
        """E1's sum in the sign that was asked for."""
        return product - b if self.bias_sign == "-" else product + b

    def bound(self, k: int) -> Any:
        """Return layer k's activation for its entry's formulas, with the symbol of what it learns."""
        f, learns = self.layer(k).activation, self.layer(k).learns
        if not learns:
            return f
        return SimpleNamespace(**{**vars(f), learns: self.learned(learns, k)})

    def learned(self, kind: str, k: int) -> Symbol:
        """Return gain or shift of E8, the slopes of prelu, or the alphas of E12."""
        base = {"gain": "g", "shift": "c", "slope": "a", "alpha": "α"}[kind]
        return self.notation.vector(kind, base, k, kind)

    def f(self, k: int, argument: Expr) -> Expr:
        """f_k of an expression, computed as the reference computes it."""
        f = self.layer(k).activation
        return Call(Function("f", f.value, "" if self.same_activation else str(k)), argument)

    def f_prime(self, k: int, argument: Expr) -> Expr:
        """f_k' of an expression, computed by the written derivative, from net."""
        f = self.layer(k).activation
        net = self.notation.net(k)
        formula = activations.entry(f).derivative(f, net)[-1]

        def compute(value: Any) -> Any:
            return formula.evaluate(_One(value)) + 0 * value

        return Call(Function("f", compute, "" if self.same_activation else str(k), prime=1), argument)

    def define(self, symbol: Symbol, expression: Expr) -> None:
        """Add a line to the forward pass."""
        self.definitions.append(Definition(symbol, expression))
