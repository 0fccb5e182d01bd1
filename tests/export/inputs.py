"""Networks with input layers and parametric activations, for the tests of each export."""

from __future__ import annotations

from typing import Any

import numpy as np

import chainrule
from chainrule.inputs import Categories, Numbers, Periodic, PiecewiseLinear, Scale

RNG = np.random.default_rng(0)
X = RNG.normal(size=(50, 5))
X[:, 3] = RNG.integers(-1, 6, 50)
LAYERS = {
    "numbers": [Numbers([2, 0, 1, 3, 4])],
    "scale": [Numbers(range(5)), Scale()],
    "periodic": [Periodic([4, 0], 5, 3, sigma=0.7), Numbers([1, 2, 3])],
    "piecewise linear": [PiecewiseLinear(1, [-1, -0.5, 0.25, 1], 3), Numbers([0, 2, 3, 4])],
    "one bin": [PiecewiseLinear(1, [-0.5, 0.5], 2), Numbers([0, 2, 3, 4])],
    "categories": [Categories(3, 4, 6), Numbers([0, 1, 2, 4])],
    "all": [
        Periodic([0, 1], 16, 3, sigma=0.5),
        PiecewiseLinear(2, [-1, 0, 1], 4),
        Categories(3, 5, 8),
        Numbers([4, 0]),
        Scale(),
    ],
}


def network(layers: Any, dtype: str = "float64", *sizes: int, **options: Any) -> chainrule.Network:
    """Every learned number drawn, also those that begin as 0 or 1."""
    net = chainrule.Network([5, *(sizes or (7, 2))], inputs=layers, dtype=dtype, random_state=0, **options)
    flat = net._trainee.flat
    flat[:] = np.random.default_rng(1).normal(size=flat.size) / 2
    return net


def drawn_layers(seed: int) -> list[Any]:
    """Some input layers in any order, each with its sizes drawn, that take all five columns."""
    rng = np.random.default_rng(seed)
    kinds = [
        Periodic(rng.permutation([0, 1, 2, 4])[: rng.integers(1, 5)], *rng.integers(1, 9, 2), sigma=1),
        PiecewiseLinear(int(rng.choice([0, 1, 2, 4])), np.cumsum(rng.random(rng.integers(2, 9))) - 1, 3),
        Categories(3, int(rng.integers(1, 9)), int(rng.integers(1, 6))),
        Numbers(rng.permutation(5)[: rng.integers(1, 6)]),
    ]
    chosen = [kinds[k] for k in rng.permutation(4)[: rng.integers(1, 5)]]
    missing = {0, 1, 2, 3, 4} - {column for layer in chosen for column in layer.taken}
    rest = [Numbers(sorted(missing))] if missing else []
    return [*chosen, *rest, *([Scale()] if rng.random() < 0.5 else [])]
