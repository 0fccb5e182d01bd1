"""E13: columns as sums of waves, whose frequencies are learned."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

from array_api_compat import array_namespace

from chainrule.reference.functions import Array
from chainrule.reference.inputs.base import InputLayer
from chainrule.reference.validation import parameter


@dataclass(frozen=True, eq=False)
class Periodic(InputLayer):
    """[x, W_2^T cos(2 pi w_1 x + b_1) + b_2] of each column, with parameters of its own (PBLD) [E13].

    Periodic, Bias, Linear, DenseNet (the value itself goes along). What a column becomes stands side by side:
    x, then its n_outputs sums of waves, then the next column. Both biases are added.

    Attributes
    ----------
    frequency, phase : array, shape (n_columns, n_frequencies)
        w_1 and b_1. First values N(0, sigma^2) and uniform on [-pi, pi]. sigma decides how fast the waves
        are, and matters much.
    weight : array, shape (n_columns, n_frequencies, n_outputs)
        W_2. First values uniform on [-1, 1] / sqrt(n_frequencies).
    bias : array, shape (n_columns, n_outputs)
        b_2. First values as those of W_2.

    Source: Y. Gorishniy, I. Rubachev and A. Babenko, On embeddings for numerical features in tabular deep
    learning, NeurIPS 2022 (arXiv:2203.05556), section 3.3; with cosines alone, b_1 and x itself:
    D. Holzmueller, L. Grinsztajn and I. Steinwart, Better by default, NeurIPS 2024 (arXiv:2407.04491).

    Examples
    --------
    >>> import numpy as np
    >>> frequency, weight = np.array([[0.5, 1.0]]), np.array([[[3.0], [1.0]]])
    >>> layer = Periodic(frequency, np.zeros((1, 2)), weight, np.zeros((1, 1)))
    >>> layer.forward(np.array([[0.0], [1.0]])).tolist()  # cos of 0 and 0, then of pi and 2 pi
    [[0.0, 4.0], [1.0, -2.0]]
    """

    name: ClassVar[str] = "periodic"
    equation: ClassVar[str] = "E13"
    learned: ClassVar[tuple[str, ...]] = ("frequency", "phase", "weight", "bias")
    frequency: Any
    phase: Any
    weight: Any
    bias: Any

    def n_units(self, n_columns: int) -> int:
        """1 + n_outputs for each column."""
        if n_columns != self.weight.shape[0]:
            raise ValueError(
                f"Periodic has parameters for {self.weight.shape[0]} columns, but is given {n_columns}"
            )
        return n_columns * (1 + int(self.weight.shape[2]))

    def forward(self, x: Array) -> Array:
        """E13: [x, W_2^T cos(u) + b_2] with u = 2 pi w_1 x + b_1, shape (n_samples, n_units)."""
        xp, W, b = array_namespace(x), self.weight, self.bias
        waves = xp.cos(self._angle(x))
        y = (waves[:, :, None, :] @ W)[:, :, 0, :] + b  # E13
        return xp.reshape(xp.concat([x[:, :, None], y], axis=2), (x.shape[0], -1))

    def backward(self, gradient: Array, x: Array) -> tuple[Array, dict[str, Array]]:
        """E13 backward, with delta the part of dE/dy that belongs to the sums of waves.

        dW_2 = cos(u) delta^T, db_2 = delta, g = -sin(u) o (W_2 delta), db_1 = g, dw_1 = 2 pi x g, each summed
        over the rows; dx = the part of dE/dy that belongs to x itself + 2 pi sum w_1 g.
        """
        xp, u, w, W = array_namespace(gradient), self._angle(x), self.frequency, self.weight
        parts = xp.reshape(gradient, (*x.shape, -1))
        straight, delta = parts[:, :, 0], parts[:, :, 1:]
        g = -xp.sin(u) * (W @ delta[:, :, :, None])[:, :, :, 0]  # dE/du
        learned = {
            "frequency": 2 * math.pi * xp.sum(x[:, :, None] * g, axis=0),
            "phase": xp.sum(g, axis=0),
            "weight": xp.sum(xp.cos(u)[:, :, :, None] * delta[:, :, None, :], axis=0),
            "bias": xp.sum(delta, axis=0),
        }
        return straight + 2 * math.pi * xp.sum(w * g, axis=2), learned  # E13

    def _angle(self, x: Array) -> Array:
        """Compute u = 2 pi w_1 x + b_1, shape (n_samples, n_columns, n_frequencies)."""
        w, b = self.frequency, self.phase
        return 2 * math.pi * w * x[:, :, None] + b

    def checked(self, place: str, like: Array) -> Self:
        """Return it with the parameters checked; their shapes fit each other."""
        w = parameter(self.frequency, f"{place}.frequency", like, ("n_columns", "n_frequencies"))
        W = parameter(self.weight, f"{place}.weight", like, (*w.shape, "n_outputs"))
        return replace(
            self,
            frequency=w,
            phase=parameter(self.phase, f"{place}.phase", like, w.shape),
            weight=W,
            bias=parameter(self.bias, f"{place}.bias", like, (W.shape[0], W.shape[2])),
        )
