"""Input layers and parametric activations as PyTorch modules, there and back."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import chainrule
from chainrule import Network

from .inputs import LAYERS, X, drawn_layers, network
from .networks import HIDDEN

torch = pytest.importorskip("torch")

TOLERANCE = {"float64": 1e-13, "float32": 1e-5}


def check(net: Network, x: np.ndarray = X) -> None:
    x, expected = x.astype(net.dtype), net(x)
    module = net.to_torch()
    with torch.no_grad():
        found = module(torch.tensor(x)).numpy()
        one = module(torch.tensor(x[0])).numpy()
    scale = TOLERANCE[net.dtype.name] * np.abs(expected).max()
    assert found.dtype == net.dtype
    assert np.abs(found - expected).max() <= scale
    assert np.abs(one - expected[0]).max() <= scale
    again = chainrule.from_torch(pickle.loads(pickle.dumps(module)))
    assert again.sizes == net.sizes
    assert len(again.inputs) == len(net.inputs)
    np.testing.assert_array_equal(again._trainee.flat, net._trainee.flat)
    np.testing.assert_array_equal(again(x), expected)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", LAYERS)
def test_input_layers(name: str, dtype: str) -> None:
    check(network(LAYERS[name], dtype))


@pytest.mark.parametrize("seed", range(8))
def test_drawn_input_layers(seed: int) -> None:
    options = {"parametric": True, "activation": "mish", "layer_norm": seed % 2 == 1}
    check(network(drawn_layers(seed), "float64", 7, 7, 2, residual=[False, True], **options))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("hidden", [name for name in HIDDEN if name != "prelu"])
def test_parametric_activations(hidden: str, dtype: str) -> None:
    check(network(None, dtype, 7, 6, 2, activation=hidden, parametric=True))


def test_edges_and_numbers_that_are_no_codes() -> None:
    x = X.copy()
    x[:5, 2] = -1, 0, 1, -50, 50
    x[:5, 3] = 100, -3, 4, 5, 3e9
    check(network(LAYERS["all"]), x)


def test_gradients_are_those_of_the_network() -> None:
    net = network(LAYERS["all"], parametric=True, activation="selu")
    x, y = X, np.random.default_rng(2).normal(size=(len(X), 2))
    module = net.to_torch()
    loss = 0.5 * ((module(torch.tensor(x)) - torch.tensor(y)) ** 2).sum(dim=1).mean()
    loss.backward()
    found = {name: one.grad.numpy() for name, one in module.named_parameters()}
    ours = net.gradients(x, y)
    np.testing.assert_allclose(found["0.0.1.frequency"], ours.inputs[0].frequency, rtol=1e-10, atol=1e-14)
    np.testing.assert_allclose(found["0.1.1.rise"], ours.inputs[1].rise, rtol=1e-10, atol=1e-14)
    np.testing.assert_allclose(found["0.2.1.weight"], ours.inputs[2].table, rtol=1e-10, atol=1e-14)
    np.testing.assert_allclose(found["2.alpha"], ours.alphas[0], rtol=1e-10, atol=1e-14)
    scale = np.concatenate([found[f"0.{block}.{place}.scale"] for block, place in enumerate((2, 2, 2, 1))])
    np.testing.assert_allclose(scale, ours.inputs[4].scale, rtol=1e-10, atol=1e-14)


def test_a_module_that_scales_some_blocks_is_refused() -> None:
    module = network(LAYERS["all"]).to_torch()
    module[0]["1"].pop(-1)
    with pytest.raises(ValueError, match=r"SideBySide \(0\) scales some of its blocks"):
        chainrule.from_torch(module)
