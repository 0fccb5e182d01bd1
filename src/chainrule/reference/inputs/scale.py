"""E11: a learned factor for each column."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

from array_api_compat import array_namespace

from chainrule.reference.functions import Array
from chainrule.reference.inputs.base import InputLayer
from chainrule.reference.validation import parameter


@dataclass(frozen=True, eq=False)
class Scale(InputLayer):
    """y_i = s_i x_i [E11].

    A factor that goes to 0 switches its column off: a soft choice of columns, which a diagonal matrix learns
    faster than the first product does.

    Attributes
    ----------
    scale : array, shape (n_columns,)
        s. First value 1.

    Source: D. Holzmueller, L. Grinsztajn and I. Steinwart, Better by default: strong pre-tuned MLPs and
    boosted trees on tabular data, NeurIPS 2024 (arXiv:2407.04491), section 3.

    Examples
    --------
    >>> import numpy as np
    >>> layer, x = Scale(np.array([2.0, 0.5])), np.array([[3.0, 4.0], [1.0, -2.0]])
    >>> layer.forward(x).tolist()
    [[6.0, 2.0], [2.0, -1.0]]
    >>> dx, learned = layer.backward(np.ones((2, 2)), x)
    >>> dx.tolist(), learned["scale"].tolist()
    ([[2.0, 0.5], [2.0, 0.5]], [4.0, 2.0])
    """

    name: ClassVar[str] = "scale"
    equation: ClassVar[str] = "E11"
    learned: ClassVar[tuple[str, ...]] = ("scale",)
    scale: Any

    def n_units(self, n_columns: int) -> int:
        """As many as it takes, one for each factor."""
        if n_columns != self.scale.shape[0]:
            raise ValueError(f"Scale has {self.scale.shape[0]} factors, but is given {n_columns} columns")
        return n_columns

    def forward(self, x: Array) -> Array:
        """E11: y = s o x, shape (n_samples, n_columns)."""
        s = self.scale
        return s * x  # E11

    def backward(self, gradient: Array, x: Array) -> tuple[Array, dict[str, Array]]:
        """E11 backward: dE/dx = s o dE/dy; dE/ds = sum over the rows of x o dE/dy."""
        xp, s = array_namespace(gradient), self.scale
        return s * gradient, {"scale": xp.sum(x * gradient, axis=0)}  # E11

    def checked(self, place: str, like: Array) -> Self:
        """Return it with the factors checked, shape (n_columns,)."""
        return replace(self, scale=parameter(self.scale, f"{place}.scale", like, ("n_columns",)))
