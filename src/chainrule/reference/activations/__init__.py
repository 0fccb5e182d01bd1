"""Activations: each a value, and E7, its derivative from what the forward pass stored."""

from __future__ import annotations

import re
from difflib import get_close_matches

from chainrule.reference.activations.base import Activation
from chainrule.reference.activations.from_net import GELU, Mish, SiLU
from chainrule.reference.activations.from_output import Exp, Identity, Sigmoid, Softplus, Softsign, Tanh
from chainrule.reference.activations.ordered import Ordered
from chainrule.reference.activations.parametric import Parametric
from chainrule.reference.activations.prelu import PReLU
from chainrule.reference.activations.rectifiers import ELU, SELU, HardTanh, LeakyReLU, ReLU, ReLU6
from chainrule.reference.activations.softmax import Softmax

#: Every activation by its name, hidden ones first, then those for the output layer only.
ACTIVATIONS: dict[str, Activation] = {
    activation.name: activation
    for activation in (
        Identity(),
        Sigmoid(),
        Tanh(),
        ReLU(),
        LeakyReLU(),
        ELU(),
        SELU(),
        Softplus(),
        GELU(),
        SiLU(),
        Mish(),
        Softsign(),
        HardTanh(),
        ReLU6(),
        PReLU(),
        Softmax(),
        Exp(),
        Ordered(),
    )
}


def get_activation(activation: str | Activation) -> Activation:
    """Look up an activation by name; an `Activation` is handed back as it is.

    Raises ValueError for a name that is not registered, TypeError for anything that is not a name.

    Examples
    --------
    >>> get_activation("leaky_relu")
    LeakyReLU(slope=0.01)
    >>> get_activation("ordered(3)")  # in groups of three
    Ordered(size=3)
    """
    if isinstance(activation, Activation):
        return activation
    if not isinstance(activation, str):
        raise TypeError(
            f"an activation is given by its name or as an Activation, not as {type(activation).__name__}"
        )
    groups = re.fullmatch(r"ordered\(([1-9][0-9]*)\)", activation)
    if groups:
        return Ordered(int(groups[1]))
    if activation not in ACTIVATIONS:
        close = get_close_matches(activation, ACTIVATIONS, n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        raise ValueError(f"unknown activation {activation!r}; {hint}known: {', '.join(ACTIVATIONS)}")
    return ACTIVATIONS[activation]


__all__ = [
    "ACTIVATIONS",
    "ELU",
    "GELU",
    "SELU",
    "Activation",
    "Exp",
    "HardTanh",
    "Identity",
    "LeakyReLU",
    "Mish",
    "Ordered",
    "PReLU",
    "Parametric",
    "ReLU",
    "ReLU6",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Softsign",
    "Tanh",
    "get_activation",
]
