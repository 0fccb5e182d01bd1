"""What hidden layers may have beside weights, biases and activation, checked once."""

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple, TypeVar

from chainrule._settings import flag, real_number

T = TypeVar("T")


class LayerOptions(NamedTuple):
    """One entry per layer of weights, the output layer's, 0.0 or False, last.

    Attributes
    ----------
    dropout : tuple of float
        Rates [E10].
    layer_norm, residual, parametric : tuple of bool
        E8, E9 and E12.
    """

    dropout: tuple[float, ...]
    layer_norm: tuple[bool, ...]
    residual: tuple[bool, ...]
    parametric: tuple[bool, ...]

    @classmethod
    def of(
        cls, sizes: Sequence[int], dropout: Any, layer_norm: Any, residual: Any, parametric: Any = False
    ) -> "LayerOptions":
        """Check what a user gave: one value for all hidden layers, or a list with one for each."""
        n_hidden = len(sizes) - 2
        rates = _per_hidden_layer("dropout", dropout, n_hidden, "number", _rate)
        norms = _per_hidden_layer("layer_norm", layer_norm, n_hidden, "bool", flag)
        blends = _per_hidden_layer("parametric", parametric, n_hidden, "bool", flag)
        return cls((*rates, 0.0), (*norms, False), (*_residual(residual, sizes), False), (*blends, False))


def _rate(name: str, value: Any) -> float:
    return real_number(name, value, "[0, 1)")


def _per_hidden_layer(
    name: str, value: Any, n_hidden: int, kind: str, check: Callable[[str, Any], T]
) -> list[T]:
    if isinstance(value, str) or not isinstance(value, Iterable):
        return [check(name, value)] * n_hidden
    values = list(value)
    if len(values) != n_hidden:
        raise ValueError(
            f"{name} is a list of {len(values)} for {n_hidden} hidden layers; expected one {kind} for all or"
            " a list with one per hidden layer"
        )
    return [check(f"{name}[{k}]", one) for k, one in enumerate(values)]


def _residual(value: Any, sizes: Sequence[int]) -> list[bool]:
    """Take True for all as: wherever a layer is as wide as its input."""
    equal = [a == b for a, b in pairwise(sizes[:-1])]
    wanted = _per_hidden_layer("residual", value, len(equal), "bool", flag)
    if isinstance(value, Iterable):
        for k, (one, fits) in enumerate(zip(wanted, equal, strict=True)):
            if one and not fits:
                raise ValueError(
                    f"residual[{k}] is True, but that layer has {sizes[k]} inputs and {sizes[k + 1]} outputs;"
                    " a residual connection adds one to the other and needs as many of both"
                )
        return wanted
    layers = [one and fits for one, fits in zip(wanted, equal, strict=True)]
    if value and not any(layers):
        hint = list(sizes)
        hint[1:-1] = [hint[1] if len(hint) > 2 else hint[0]] * max(len(hint) - 2, 2)
        raise ValueError(
            f"residual is True, but no hidden layer of sizes {list(sizes)} is as wide as its input; for"
            f" example {hint} has one"
        )
    return layers
