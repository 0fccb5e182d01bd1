"""Ordered: outputs that cannot cross, because each adds something positive to the one before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from array_api_compat import array_namespace

from chainrule.reference.activations.base import Activation
from chainrule.reference.functions import Array, sigmoid, softplus


@dataclass(frozen=True)
class Ordered(Activation):
    """y_1 = net_1 and y_i = y_{i-1} + softplus(net_i), in each group of `size` neighboring outputs [E7].

    dy_i/dnet_j is 0 for j > i, else 1 for j = 1 and sigmoid(net_j) for j > 1: lower triangular, so that its
    product with a gradient is the gradient's suffix sums, times softplus'.

    Source: after Y. Park, D. Maddix, F.-X. Aubet, K. Kan, J. Gasthaus and Y. Wang, Learning quantile
    functions without quantile crossing for distribution-free time series forecasting, AISTATS 2022.

    Parameters
    ----------
    size : int
        Outputs in a group; 0 for the whole row.

    Examples
    --------
    >>> import numpy as np
    >>> Ordered().value(np.array([[2.0, -40.0, 40.0]])).round(6).tolist()
    [[2.0, 2.0, 42.0]]
    """

    name: ClassVar[str] = "ordered"
    keeps: ClassVar[Literal["output", "net"]] = "net"
    output_only: ClassVar[bool] = True
    size: int = 0

    @property
    def label(self) -> str:
        """The name with the size of its groups, "ordered(3)", where that is not the whole row."""
        return f"{self.name}({self.size})" if self.size else self.name

    def _groups(self, row: Array) -> Array:
        """View rows (..., n_units) as groups, shape (..., n_groups, size)."""
        size = self.size or row.shape[-1]
        if row.shape[-1] % size:
            raise ValueError(
                f"{row.shape[-1]} outputs are no groups of {size}; expected a multiple of {size}"
            )
        return array_namespace(row).reshape(row, (*row.shape[:-1], row.shape[-1] // size, size))

    def value(self, net: Array) -> Array:
        """E2: the sums of net_1, softplus(net_2), ..., softplus(net_i)."""
        xp, groups = array_namespace(net), self._groups(net)
        columns = [groups[..., 0]]
        for i in range(1, groups.shape[-1]):
            columns.append(columns[-1] + softplus(groups[..., i]))
        return xp.reshape(xp.stack(columns, axis=-1), net.shape)

    def derivative(self, kept: Array) -> Array:
        """Raise TypeError: the derivative is a triangular matrix per row; see `backward`."""
        raise TypeError("ordered has a triangular Jacobian, no derivative element by element; use backward()")

    def backward(self, gradient: Array, kept: Array) -> Array:
        """E7: sum_{i >= j} gradient_i, times sigmoid(net_j) for all but the first of a group."""
        xp, net, groups = array_namespace(kept), self._groups(kept), self._groups(gradient)
        last = groups.shape[-1] - 1
        sums = [groups[..., last]]
        for i in reversed(range(last)):
            sums.insert(0, sums[0] + groups[..., i])
        columns = [sums[0], *(sums[j] * sigmoid(net[..., j]) for j in range(1, last + 1))]
        return xp.reshape(xp.stack(columns, axis=-1), gradient.shape)
