"""Numbers: columns that enter as they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from chainrule.reference.functions import Array
from chainrule.reference.inputs.base import InputLayer


@dataclass(frozen=True)
class Numbers(InputLayer):
    """y = x: columns of x_1 that are columns of the data.

    Examples
    --------
    >>> import numpy as np
    >>> Numbers().forward(np.array([[2.0, 3.0]])).tolist()
    [[2.0, 3.0]]
    """

    name: ClassVar[str] = "numbers"

    def n_units(self, n_columns: int) -> int:
        """As many as it takes."""
        return n_columns

    def forward(self, x: Array) -> Array:
        """Give x as it is."""
        return x

    def backward(self, gradient: Array, x: Array) -> tuple[Array, dict[str, Array]]:
        """dE/dx = dE/dy; nothing is learned."""
        return gradient, {}
