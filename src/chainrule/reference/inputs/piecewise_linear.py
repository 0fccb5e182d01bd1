"""E14: a column as a line with a kink at each edge of its bins."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

from array_api_compat import array_namespace, device

from chainrule.reference.functions import Array, real, sums_by_place
from chainrule.reference.inputs.base import InputLayer, one_column
from chainrule.reference.validation import increasing, parameter


@dataclass(frozen=True, eq=False)
class PiecewiseLinear(InputLayer):
    """w_0 x + b_0 + sum_{j<i} V_j + t V_i for x in bin i, where t = (x - e_i) / (e_{i+1} - e_i) [E14].

    Bin i reaches from edge e_i, which belongs to it, to e_{i+1}. The first and the last go on beyond the
    outer edges. V_j is what y rises by across bin j; the bias b_0 is added. The sum over the bins below is a
    prefix sum of V, so a row costs as much as one bin, however many there are.

    It is the plain definition w_0 x + b_0 + P V, where P is the piecewise-linear encoding: for each bin 1
    where x is above it, 0 where x is below, t where x is in it (`encoding`).

    Attributes
    ----------
    edges : array, shape (n_bins + 1,)
        e_0 < e_1 < ..., in the column's units: quantiles of the column, or cuts of a decision tree. They are
        not learned.
    rise : array, shape (n_bins, n_units)
        V. First value 0.
    weight, bias : array, shape (n_units,)
        w_0 and b_0.

    Source: Y. Gorishniy, I. Rubachev and A. Babenko, On embeddings for numerical features in tabular deep
    learning, NeurIPS 2022 (arXiv:2203.05556), section 3.2, eq. 1; with w_0 and b_0: Y. Gorishniy, A.
    Kotelnikov and A. Babenko, TabM, ICLR 2025 (arXiv:2410.24210).

    Examples
    --------
    >>> import numpy as np
    >>> layer = PiecewiseLinear(
    ...     np.array([0.0, 1.0, 3.0]), np.array([[10.0], [40.0]]), np.array([0.0]), np.array([5.0])
    ... )
    >>> layer.forward(np.array([[0.5], [1.0], [2.0], [4.0]]))[:, 0].tolist()
    [10.0, 15.0, 35.0, 75.0]
    >>> layer.encoding(np.array([[0.5], [2.0], [4.0]])).tolist()
    [[0.5, 0.0], [1.0, 0.5], [1.0, 1.5]]
    """

    name: ClassVar[str] = "piecewise_linear"
    equation: ClassVar[str] = "E14"
    learned: ClassVar[tuple[str, ...]] = ("rise", "weight", "bias")
    edges: Any
    rise: Any
    weight: Any
    bias: Any

    def n_units(self, n_columns: int) -> int:
        """Return the length of w_0."""
        one_column("PiecewiseLinear", n_columns)
        return int(self.weight.shape[0])

    def forward(self, x: Array) -> Array:
        """E14: w_0 x + b_0 + sum_{j<i} V_j + t V_i, shape (n_samples, n_units)."""
        xp, V, w, b = array_namespace(x), self.rise, self.weight, self.bias
        i, t, _ = self._position(x)
        below = [xp.zeros_like(V[0, :])]
        for j in range(V.shape[0] - 1):
            below.append(below[-1] + V[j, :])  # sum_{j<i} V_j of bin i
        return w * x + b + xp.take(xp.stack(below), i, axis=0) + t * xp.take(V, i, axis=0)  # E14

    def backward(self, gradient: Array, x: Array) -> tuple[Array, dict[str, Array]]:
        """E14 backward, with delta = dE/dy.

        G_i and H_i are the sums of t delta and of delta over the rows in bin i; dV_j = G_j + sum_{i>j} H_i,
        dw_0 = sum x delta, db_0 = sum delta, dx = delta . (w_0 + V_i / h_i).
        """
        xp, delta, V = array_namespace(gradient), gradient, self.rise
        i, t, h = self._position(x)
        G, H = sums_by_place(i, t * delta, V.shape[0]), sums_by_place(i, delta, V.shape[0])
        above, dV = xp.zeros_like(H[0, :]), list[Array]()
        for j in reversed(range(V.shape[0])):
            dV.insert(0, G[j, :] + above)  # E14
            above = above + H[j, :]  # sum_{i>j} H_i of the next lower bin
        slope = self.weight + xp.take(V, i, axis=0) / h
        learned = {"rise": xp.stack(dV), "weight": xp.sum(x * delta, axis=0), "bias": xp.sum(delta, axis=0)}
        return xp.sum(delta * slope, axis=1, keepdims=True), learned

    def encoding(self, x: Array) -> Array:
        """P of the plain definition, shape (n_samples, n_bins): 1, 0, or t in x's own bin."""
        xp, (i, t, _) = array_namespace(x), self._position(x)
        bins = xp.arange(self.rise.shape[0], dtype=i.dtype, device=device(x))[None, :]
        outside = xp.where(bins < i[:, None], xp.ones_like(t), xp.zeros_like(t))
        return xp.where(bins == i[:, None], t, outside)

    def _position(self, x: Array) -> tuple[Array, Array, Array]:
        """Bin i of each row, shape (n_samples,), t in it and the bin's width h, shapes (n_samples, 1)."""
        xp, e = array_namespace(x), self.edges
        inner = real(e)[1:-1]
        i = xp.sum(xp.astype(real(x) >= inner[None, :], xp.int64), axis=1)
        low = xp.take(e, i, axis=0)[:, None]
        h = xp.take(e, i + 1, axis=0)[:, None] - low
        return i, (x - low) / h, h

    def checked(self, place: str, like: Array) -> Self:
        """Return it with the edges in order and the parameters' shapes fitting each other."""
        V = parameter(self.rise, f"{place}.rise", like, ("n_bins", "n_units"))
        edges = parameter(self.edges, f"{place}.edges", like, (V.shape[0] + 1,))
        return replace(
            self,
            edges=increasing(edges, f"{place}.edges"),
            rise=V,
            weight=parameter(self.weight, f"{place}.weight", like, (V.shape[1],)),
            bias=parameter(self.bias, f"{place}.bias", like, (V.shape[1],)),
        )
