"""Paths of one weight: against every path walked one by one, and their sum against the gradient."""

import itertools

import numpy as np
import pytest

from chainrule.derive.page.paths import PathTable


def draw(sizes, *, full=(), residual=(), seed=0):
    rng = np.random.default_rng(seed)
    weights = [rng.normal(size=shape) for shape in itertools.pairwise(sizes)]
    inner = [rng.normal(size=(n, n) if k in full else n) for k, n in enumerate(sizes[1:-1], start=1)]
    skips = [k in residual for k in range(1, len(sizes))]
    return weights, inner, skips, rng.normal(size=sizes[-1])


def walk(network, kind, k, unit):
    """Every path from a node on, as its product."""
    weights, inner, skips, delta = network
    if kind == "x":
        for j in range(weights[k - 1].shape[1]):
            yield from (weights[k - 1][unit, j] * rest for rest in walk(network, "net", k, j))
        if k < len(weights) and skips[k - 1]:
            yield from walk(network, "x", k + 1, unit)
    elif k == len(weights):
        yield delta[unit]
    elif inner[k - 1].ndim == 1:
        yield from (inner[k - 1][unit] * rest for rest in walk(network, "x", k + 1, unit))
    else:
        for i in range(len(inner[k - 1])):
            yield from (inner[k - 1][i, unit] * rest for rest in walk(network, "x", k + 1, i))


NETWORKS = {
    "plain": draw([3, 5, 4, 3]),
    "one layer": draw([3, 2]),
    "one unit wide": draw([2, 1, 1, 2]),
    "normalized": draw([2, 4, 3, 2], full=(1, 2)),
    "residual": draw([2, 3, 3, 3, 2], residual=(2, 3)),
    "both": draw([2, 3, 3, 2], full=(2,), residual=(2,)),
}


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("most", [1, 3, 8, 500])
def test_the_largest_of_all_paths(name, most):
    network = NETWORKS[name]
    table = PathTable(*network, most=most)
    for k, weight in enumerate(network[0], start=1):
        for unit in range(weight.shape[1]):
            every = sorted(walk(network, "net", k, unit), key=abs, reverse=True)
            found = [path.product for path in table.top(k, unit)]
            assert table.count(k, unit) == len(every)
            assert len(found) == min(most, len(every))
            np.testing.assert_allclose(found, every[: len(found)], rtol=1e-12)


@pytest.mark.parametrize("name", NETWORKS)
def test_each_factor_is_the_derivative_between_its_nodes(name):
    weights, inner, _, delta = network = NETWORKS[name]
    for path in PathTable(*network).top(1, 0):
        for kind, factor, (_, k, unit), (_, _, to) in zip(
            path.kinds, path.factors, path.nodes, path.nodes[1:], strict=False
        ):
            expected = {
                "w": lambda k=k, i=unit, j=to: weights[k - 1][i, j],
                "f": lambda k=k, i=unit: inner[k - 1][i],
                "J": lambda k=k, i=unit, j=to: inner[k - 1][j, i],
                "1": lambda: 1.0,
            }[kind]()
            assert factor == expected
        assert path.kinds[-1] == "e"
        assert path.factors[-1] == delta[path.nodes[-1][2]]


def test_more_paths_than_a_double_can_count():
    table = PathTable(*draw([2, *[40] * 30, 2]))
    assert table.count(1, 0) == 40**29 * 2
    assert len(table.top(1, 0)) == 8


def test_dead_units_are_paths_of_zero():
    network = draw([2, 3, 2])
    network[1][0][:] = 0
    assert [path.product for path in PathTable(*network).top(1, 1)] == [0.0, 0.0]
