"""The outputs of several networks, summed in one call."""

import numpy as np
import pytest

import chainrule
from chainrule import _engine
from chainrule.inputs import Numbers, Periodic, Scale

RNG = np.random.default_rng(0)


def networks(dtype):
    inputs = [Periodic([0], 4, 2), Numbers([1, 2]), Scale()]
    return [
        chainrule.Network([3, 7, 2], dtype=dtype, random_state=0),
        chainrule.Network([3, 40, 20, 2], activation="mish", parametric=True, dtype=dtype, random_state=1),
        chainrule.Network([3, 9, 2], inputs=inputs, dtype=dtype, random_state=2),
    ]


@pytest.mark.parametrize("n_rows", [0, 1, 3, 4, 100])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_it_has_the_bits_of_the_networks_one_by_one(dtype, n_rows) -> None:
    nets, weights = networks(dtype), [0.5, 0.3, 0.2]
    x = RNG.normal(size=(n_rows, 3)).astype(dtype)
    expected = np.zeros((n_rows, 2))
    for net, weight in zip(nets, weights, strict=True):
        expected += weight * net(x).astype(float)
    found = _engine.weighted_sum([net._trainee.model for net in nets], weights, x)
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, expected)


def test_networks_that_do_not_fit_are_refused() -> None:
    a, b, c = (net._trainee.model for net in networks("float32"))
    single, x = networks("float64")[0]._trainee.model, np.zeros((2, 3), np.float32)
    with pytest.raises(TypeError, match="networks of one dtype"):
        _engine.weighted_sum([a, single], [1, 1], x)
    with pytest.raises(TypeError, match=r"networks of one dtype|incompatible"):
        _engine.weighted_sum([a, None], [1, 1], x)
    with pytest.raises(ValueError, match="as many inputs and outputs"):
        _engine.weighted_sum([a, chainrule.Network([4, 2], dtype="float32")._trainee.model], [1, 1], x)
    with pytest.raises(ValueError, match="a weight for each"):
        _engine.weighted_sum([a, b, c], [1, 1], x)
    with pytest.raises(ValueError, match="at least one model"):
        _engine.weighted_sum([], [], x)
    with pytest.raises(ValueError, match="shape"):
        _engine.weighted_sum([a], [1], x[:, :2].copy())
    with pytest.raises(TypeError, match="float32"):
        _engine.weighted_sum([a], [1], x.astype(float))
