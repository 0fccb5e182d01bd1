"""The chain rule of one weight as a sum over paths: from a net input to the error, the largest paths first.

dE/dW_k[i, j] is x_k[i] times the sum, over the paths from net_k[j] to the outputs, of the product of the
derivatives along the path. There are exponentially many; the largest are found exactly by dynamic programming
from the output back, since a largest product through a unit continues a largest product from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[Any]
Kind = Literal["w", "f", "J", "1", "e"]  # weight, f', Jacobian of a whole row, skip, derivative of the error


@dataclass(frozen=True)
class Path:
    """One path: the units it passes, the derivative at each step, and their product.

    Attributes
    ----------
    nodes : list of (str, int, int)
        ("net" or "x", k, unit), from net_k[j] to an output's net.
    factors : list of float
        One derivative from each node to the next, and dE/dnet of the output at the end.
    kinds : list of str
        What each factor is.
    """

    nodes: list[tuple[str, int, int]]
    factors: list[float]
    kinds: list[Kind]

    @property
    def product(self) -> float:
        """The path's share in dE/dnet."""
        return float(np.prod(self.factors))


@dataclass
class _Level:
    """The best products from each unit of one row of units, and how each goes on."""

    name: tuple[str, int]
    products: Floats  # (n_units, n_best)
    ways: list[
        list[tuple[Kind, float, _Level, int, int] | None]
    ]  # factor, next level, unit there, place there
    count: list[int]


class PathTable:
    """The largest paths from every net input of a network, for one sample.

    Parameters
    ----------
    weights : sequence of ndarray
        W_1..W_l, shapes (n_k, n_{k+1}).
    inner : sequence of ndarray
        d x_{k+1} / d net_k without the skip, for k = 1..l-1: (n_{k+1},) where it is diagonal, else (n_{k+1},
        n_{k+1}) with J[i, j] = d x_i / d net_j.
    residual : sequence of bool
        Whether layer k = 1..l-1 adds its input to its output.
    output_delta : ndarray, shape (n_{l+1},)
        dE/dnet_l.
    most : int
        Paths to keep for each unit.

    Examples
    --------
    >>> weights = [np.ones((1, 2)), np.array([[1.0], [3.0]])]
    >>> table = PathTable(weights, [np.array([0.5, 0.25])], [False], np.array([2.0]))
    >>> table.count(1, 1), [path.factors for path in table.top(1, 1)]
    (1, [[0.25, 3.0, 2.0]])
    """

    def __init__(
        self,
        weights: Sequence[Floats],
        inner: Sequence[Floats],
        residual: Sequence[bool],
        output_delta: Floats,
        most: int = 8,
    ) -> None:
        last = len(weights)
        delta = np.asarray(output_delta, dtype=np.float64)
        end = _Level(("net", last), delta[:, None], [[None] for _ in delta], [1] * len(delta))
        self._net = {last: end}
        after = end  # x_{k+2}, in the loop below
        for k in range(last - 1, 0, -1):
            leads: list[tuple[Kind, Floats, _Level]] = [("w", np.asarray(weights[k]), self._net[k + 1])]
            if k + 1 < last and residual[k]:
                leads.append(("1", np.ones(len(weights[k])), after))
            after = _join(("x", k + 1), leads, most)
            jacobian = np.asarray(inner[k - 1])
            lead: tuple[Kind, Floats, _Level] = (
                ("f", jacobian, after) if jacobian.ndim == 1 else ("J", jacobian.T, after)
            )
            self._net[k] = _join(("net", k), [lead], most)

    def count(self, k: int, unit: int) -> int:
        """Count the paths from net_k[unit] to the error."""
        return self._net[k].count[unit]

    def top(self, k: int, unit: int) -> list[Path]:
        """List the largest paths from net_k[unit], by magnitude."""
        level = self._net[k]
        return [self._follow(level, unit, place) for place in range(len(level.ways[unit]))]

    @staticmethod
    def _follow(level: _Level, unit: int, place: int) -> Path:
        path = Path([(*level.name, unit)], [], [])
        while (way := level.ways[unit][place]) is not None:
            kind, factor, level, unit, place = way
            path.nodes.append((*level.name, unit))
            path.factors.append(factor)
            path.kinds.append(kind)
        path.factors.append(float(level.products[unit, place]))
        path.kinds.append("e")
        return path


def _join(name: tuple[str, int], leads: list[tuple[Kind, Floats, _Level]], most: int) -> _Level:
    """Continue the best paths one step back; `leads` are derivatives to levels, a row or number per unit."""
    n = len(leads[0][1])
    products, ways, count = np.zeros((n, most)), [], []
    for unit in range(n):
        options: list[tuple[float, Kind, float, _Level, int, int]] = []
        total = 0
        for kind, derivative, level in leads:
            row = derivative[unit] if derivative.ndim == 2 else derivative[unit : unit + 1]
            first = 0 if derivative.ndim == 2 else unit
            total += sum(level.count) if derivative.ndim == 2 else level.count[unit]
            found = row[:, None] * level.products[first : first + len(row)]
            real = np.array([len(level.ways[first + to]) for to in range(len(row))])
            size = np.where(np.arange(found.shape[1]) < real[:, None], np.abs(found), -1.0)
            for flat in np.argsort(-size, axis=None, kind="stable")[:most]:
                to, place = divmod(int(flat), found.shape[1])
                if size[to, place] >= 0:
                    options.append((float(found[to, place]), kind, float(row[to]), level, first + to, place))
        options.sort(key=lambda option: -abs(option[0]))
        options = options[:most]
        products[unit, : len(options)] = [option[0] for option in options]
        ways.append([option[1:] for option in options])
        count.append(total)
    return _Level(name, products, ways, count)  # type: ignore[arg-type]
