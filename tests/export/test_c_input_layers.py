"""Input layers and parametric activations in C: compiled as strict C99, and compared with the network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule
from chainrule.inputs import Categories, Numbers

from .compiled import call, compile_shared
from .inputs import LAYERS, X, drawn_layers, network
from .networks import HIDDEN

TOLERANCE = {"float64": 1e-13, "float32": 1e-5}


def check(net: chainrule.Network, directory: Path, x: np.ndarray = X) -> None:
    x = x.astype(net.dtype)
    net.export_c(directory / "model.c")
    library = compile_shared(directory / "model.c")
    found, _ = call(library, "model_predict", x, net.sizes[-1], net.dtype.name)
    expected = net(x)
    assert np.abs(found - expected).max() <= TOLERANCE[net.dtype.name] * np.abs(expected).max()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", LAYERS)
def test_input_layers(name: str, dtype: str, tmp_path: Path) -> None:
    check(network(LAYERS[name], dtype), tmp_path)


@pytest.mark.parametrize("seed", range(8))
def test_drawn_input_layers(seed: int, tmp_path: Path) -> None:
    options: dict[str, Any] = {"parametric": True, "activation": "mish", "layer_norm": seed % 2 == 1}
    check(network(drawn_layers(seed), "float64", 7, 7, 2, residual=[False, True], **options), tmp_path)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("hidden", [name for name in HIDDEN if name != "prelu"])
def test_parametric_activations(hidden: str, dtype: str, tmp_path: Path) -> None:
    check(network(None, dtype, 7, 6, 2, activation=hidden, parametric=True), tmp_path)


def test_edges_and_numbers_that_are_no_codes(tmp_path: Path) -> None:
    x = X.copy()
    x[:5, 2] = -1, 0, 1, -50, 50
    x[:5, 3] = 100, -3, 4, 5, 3e9
    check(network(LAYERS["all"]), tmp_path, x)


def test_columns_that_are_missing(tmp_path: Path) -> None:
    net = chainrule.Network([2, 3, 1], inputs=[Categories(0, 3, 2), Numbers([1])], random_state=0)
    x = np.array([[np.nan, 1.0], [0, np.nan]])
    net.export_c(tmp_path / "model.c")
    found, _ = call(compile_shared(tmp_path / "model.c"), "model_predict", x, 1, "float64")
    np.testing.assert_allclose(found[0], net(np.array([[-1.0, 1.0]]))[0], rtol=1e-13)
    assert np.isnan(found[1, 0])


def test_two_files_in_one_program(tmp_path: Path) -> None:
    nets = [network(LAYERS["all"]), network(drawn_layers(3))]
    for name, net in zip("ab", nets, strict=True):
        net.export_c(tmp_path / f"{name}.c")
    library = compile_shared(tmp_path / "a.c", tmp_path / "b.c")
    for name, net in zip("ab", nets, strict=True):
        found, _ = call(library, f"{name}_predict", X, 2, "float64")
        np.testing.assert_allclose(found, net(X), rtol=1e-12)
