"""`to_torch` and `from_torch`: the same numbers, there and back. Runs where PyTorch is installed."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import chainrule
from chainrule import MLPClassifier, MLPRegressor, Network, TableModel
from chainrule.description import Description, Meaning
from chainrule.export import to_torch

from .networks import (
    HIDDEN,
    OUTPUTS,
    everything,
    make_layer,
    outputs,
    quantiles,
    regressor_of_everything,
    scaled,
)

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from chainrule.export.torch_layers import Residual  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
X = np.random.default_rng(0).normal(size=(40, 6))
TOLERANCE = {"float64": 1e-13, "float32": 5e-6}


def run(module: Any, x: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        return module(torch.tensor(x)).numpy()


def check(described: Description) -> None:
    x = (3 * X[:, : described.n_inputs]).astype(described.dtype)
    found, expected = run(to_torch(described), x), outputs(described, x)
    assert found.dtype == described.dtype
    scale = np.abs(expected).max()
    assert np.abs(found - expected).max() <= TOLERANCE[described.dtype.name] * scale


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("hidden", HIDDEN)
def test_every_hidden_activation(hidden: str, dtype: str) -> None:
    rng = np.random.default_rng(1)
    layers = [make_layer(rng, 6, 9, hidden, dtype), make_layer(rng, 9, 3, "identity", dtype)]
    check(Description(layers, Meaning()))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("output", OUTPUTS)
def test_every_output_activation_behind_every_kind_of_layer(output: str, dtype: str) -> None:
    check(everything(dtype, output))


def test_there_and_back() -> None:
    net = Network([6, 8, 5, 3], activation=["gelu", "tanh"], loss="cross_entropy", random_state=0)
    module = net.to_torch()
    again = chainrule.from_torch(module)
    assert (again.sizes, again.activations, again.loss) == (net.sizes, net.activations, net.loss)
    for one, other in zip([*net.weights, *net.biases], [*again.weights, *again.biases], strict=True):
        assert_array_equal(one, other)
    assert not module.training
    net.weights[0][...] = 0
    assert (again.weights[0] != 0).any()
    assert all((p != 0).any() for p in module.parameters())


def test_every_kind_of_layer_there_and_back() -> None:
    described = everything()
    module = to_torch(described)
    net = chainrule.from_torch(module)
    assert_allclose(net(X), outputs(described, X), rtol=1e-11)
    assert net.residual == [layer.residual for layer in described.layers]
    again = net.to_torch()
    assert str(again) == str(module)
    for one, other in zip(module.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, other)
    assert_array_equal(run(pickle.loads(pickle.dumps(module)), X), run(module, X))


def test_dropout_is_kept_for_training_alone() -> None:
    module = nn.Sequential(nn.Linear(6, 500), nn.ReLU(), nn.Dropout(0.25), nn.Linear(500, 1)).double()
    net = chainrule.from_torch(module)
    assert net.dropout == [0.25, 0]
    again = net.to_torch()
    assert [part.p for part in again if isinstance(part, nn.Dropout)] == [0.25]
    assert_allclose(run(again, X), net(X), rtol=1e-12)
    assert (run(again.train(), X) != net(X)).any()


@pytest.mark.parametrize("y", [X[:, 0] > 0, np.digitize(X[:, 0], [-0.5, 0.5]), (X[:, :3] > 0).astype(int)])
def test_classifiers_give_logits(y: np.ndarray) -> None:
    mlp = MLPClassifier((5,), "tanh", max_iter=10, random_state=0).fit(X, y)
    logits = run(mlp.to_torch(), X)
    p = 1 / (1 + np.exp(-logits))
    if y.ndim == 1 and logits.shape[1] > 1:
        p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert_allclose(p[:, -1], mlp.predict_proba(X)[:, -1], rtol=1e-11)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_outputs_in_their_own_units(dtype: str) -> None:
    described, scale, mean = scaled(dtype)
    expected = outputs(described, X.astype(dtype)) * scale + mean
    found = run(to_torch(described), X.astype(dtype))
    assert_allclose(found, expected, rtol=1e-5 if dtype == "float32" else 1e-12)


@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
def test_regressors_give_predictions(loss: str) -> None:
    mlp = MLPRegressor(loss, (5,), "tanh", max_iter=10, random_state=0).fit(X, np.abs(X[:, :2]))
    assert_allclose(run(mlp.to_torch(), X), mlp.predict(X), rtol=1e-11)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_quantiles_there_and_back(dtype: str) -> None:
    net, x = quantiles(dtype), X.astype(dtype)
    module = net.to_torch()
    assert_allclose(run(module, x), net(x), rtol=1e-4 if dtype == "float32" else 1e-11)
    again = chainrule.from_torch(module, loss=net.loss)
    assert again.activations == net.activations
    assert_array_equal(again(x), net(x))


def test_estimator_with_every_kind_of_layer() -> None:
    mlp = regressor_of_everything(X, 100 + 30 * X[:, :2])
    module = mlp.to_torch()
    assert_allclose(run(module, X), mlp.predict(X), rtol=1e-11)
    assert "Dropout(p=0.2" in str(module)


def test_from_torch_trains_on() -> None:
    """A network begun in PyTorch goes on here, with the gradient that PyTorch computes."""
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Flatten(), nn.Linear(6, 8), nn.SiLU(), nn.Sequential(nn.Linear(8, 3, bias=False))
    ).double()
    net = chainrule.from_torch(module, loss="cross_entropy")
    y = np.arange(40) % 3
    nn.functional.cross_entropy(module(torch.tensor(X)), torch.tensor(y)).backward()
    g = net.gradients(X, y)
    for found, parameter in zip(g.weights, [module[1].weight, module[3][0].weight], strict=True):
        assert_allclose(found, parameter.grad.numpy().T, rtol=1e-10, atol=1e-15)
    assert net.activations == ["silu", "softmax"]
    assert_array_equal(net.biases[1], np.zeros(3))
    logits = chainrule.from_torch(module, output_activation="softmax")
    assert (logits.loss, logits.activations[-1]) == ("cross_entropy", "softmax")
    assert chainrule.from_torch(nn.Linear(3, 1)).sizes == [3, 1]


@pytest.mark.parametrize(
    ("modules", "error", "message"),
    [
        ([nn.ReLU(), nn.Linear(2, 1)], ValueError, r"ReLU \(0\) stands before the first Linear"),
        (
            [nn.Linear(2, 3), nn.ReLU(), nn.Tanh(), nn.Linear(3, 1)],
            ValueError,
            r"Tanh \(2\) follows an activation",
        ),
        (
            [nn.Linear(2, 3), nn.ReLU(), nn.LayerNorm(3), nn.Linear(3, 1)],
            ValueError,
            "normalizes net, before f",
        ),
        ([nn.Linear(2, 3), nn.LayerNorm(3, eps=1e-3), nn.Linear(3, 1)], ValueError, "must have eps=1e-5"),
        (
            [nn.Linear(2, 3), nn.LeakyReLU(0.2), nn.Linear(3, 1)],
            ValueError,
            "negative_slope=0.2; a Network's",
        ),
        ([nn.Linear(2, 3), nn.GELU("tanh"), nn.Linear(3, 1)], ValueError, "approximate='tanh'"),
        (
            [nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Linear(3, 1)],
            TypeError,
            r"BatchNorm1d \(1\) is no module that",
        ),
        ([nn.Linear(2, 3), nn.Dropout(0.5)], ValueError, "the last layer has LayerNorm, Dropout"),
        (
            [Residual(nn.Linear(2, 2), nn.Linear(2, 2)), nn.Linear(2, 1)],
            ValueError,
            "second Linear of a Residual",
        ),
        ([Residual(Residual(nn.Linear(2, 2))), nn.Linear(2, 1)], ValueError, "is inside another"),
        ([nn.Identity()], ValueError, "the module has no Linear"),
        ([nn.Linear(2, 1).half()], TypeError, r"computes in float16; call .float\(\)"),
    ],
)
def test_refused(modules: list[Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        chainrule.from_torch(nn.Sequential(*modules))


def test_other_things_are_refused() -> None:
    table = TableModel.fit({"a": X[:, 0], "y": X[:, 1]}, "y", epochs=1)
    with pytest.raises(TypeError, match=r"a TableModel reads a table's columns, .* its network, model\."):
        to_torch(table)
    with pytest.raises(TypeError, match=r"takes a torch\.nn.Sequential, not a ReLU"):
        chainrule.from_torch(nn.ReLU())
    with pytest.raises(ValueError, match="ends with sigmoid; output_activation='softmax' would be a second"):
        chainrule.from_torch(nn.Sequential(nn.Linear(2, 1), nn.Sigmoid()), output_activation="softmax")
