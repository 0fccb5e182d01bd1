"""Input layers and parametric activations in ONNX: run by ONNX Runtime, and compared."""

import numpy as np
import pytest

import chainrule

from .inputs import LAYERS, X, drawn_layers, network
from .networks import HIDDEN
from .test_onnx import run


def check(net, x, dtype):
    x = x.astype(dtype)
    outputs = run(net.to_onnx(), {"X": x})["output"]
    bound = 1e-12 if dtype == "float64" else 2e-5
    np.testing.assert_allclose(outputs, net(x), rtol=bound, atol=bound * abs(net(x)).max())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", LAYERS)
def test_input_layers(name, dtype) -> None:
    check(network(LAYERS[name], dtype), X, dtype)


@pytest.mark.parametrize("seed", range(5))
def test_drawn_input_layers(seed) -> None:
    check(network(drawn_layers(seed), parametric=True, activation="selu"), X, "float64")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("hidden", [name for name in HIDDEN if name != "prelu"])
def test_parametric_activations(hidden, dtype) -> None:
    net = network(None, dtype, 7, 6, 2, activation=hidden, parametric=True)
    check(net, X, dtype)


def test_edges_and_numbers_that_are_no_codes() -> None:
    net = network(LAYERS["all"])
    x = X.copy()
    x[:3, 2] = -1, 0, 1
    x[:4, 3] = 100, -3, 4, 5
    check(net, x, "float64")


def test_classes_and_another_dtype(tmp_path) -> None:
    net = chainrule.Network([5, 7, 3], inputs=LAYERS["all"], loss="cross_entropy", random_state=0)
    proto = net.to_onnx(tmp_path / "net.onnx", dtype="float32")
    outputs = run(tmp_path / "net.onnx", {"X": X.astype(np.float32)})["output"]
    np.testing.assert_allclose(outputs, net(X), atol=1e-5)
    assert proto.graph.input[0].type.tensor_type.shape.dim[1].dim_value == 5


def test_numbers_that_are_not_finite() -> None:
    net = chainrule.Network([5, 7, 2], inputs=LAYERS["all"], random_state=0)
    net.inputs[0].phase[0, 0] = np.nan
    with pytest.raises(ValueError, match="are not finite; train the model again"):
        net.to_onnx()
