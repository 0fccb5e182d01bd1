"""E3 and what E4 starts from: each loss' value, its derivative by the output, and the output delta."""

import numpy as np
import pytest
import scipy.special

from chainrule.reference import ACTIVATIONS, LOSSES, complex_step, get_loss

PAIRS = [(loss.name, output) for loss in LOSSES.values() for output in loss.output_activations]
CANONICAL = [
    ("squared_error", "identity"),
    ("cross_entropy", "softmax"),
    ("binary_cross_entropy", "sigmoid"),
    ("poisson", "exp"),
]


def task(loss, output, seed=0, scale=1.0):
    """Net inputs, outputs and targets of five rows and four outputs."""
    rng = np.random.default_rng(seed)
    net = scale * rng.normal(size=(5, 4))
    f = ACTIVATIONS[output]
    y = {
        "squared_error": rng.normal(size=(5, 4)),
        "cross_entropy": rng.dirichlet(np.ones(4), size=5),
        "binary_cross_entropy": rng.random((5, 4)),
        "poisson": rng.poisson(2.0, (5, 4)).astype(float),
    }[loss]
    yhat = f.value(net)
    return f, net, yhat, y, (yhat if f.keeps == "output" else net)


def test_registry():
    assert list(LOSSES) == ["squared_error", "cross_entropy", "binary_cross_entropy", "poisson"]
    assert [(name, LOSSES[name].default_output_activation) for name in LOSSES] == CANONICAL
    assert set(LOSSES["squared_error"].output_activations) == set(ACTIVATIONS)
    assert LOSSES["cross_entropy"].output_activations == ("softmax",)
    assert LOSSES["binary_cross_entropy"].output_activations == ("sigmoid",)
    assert LOSSES["poisson"].output_activations == ("exp", "softplus", "sigmoid")


@pytest.mark.parametrize(("loss", "output"), PAIRS)
def test_value_is_the_formula(loss, output):
    f, net, yhat, y, _ = task(loss, output)
    if loss == "squared_error":
        expected = np.linalg.norm(yhat - y, axis=1) ** 2 / 2
    elif loss == "cross_entropy":
        expected = scipy.special.xlogy(y, 1 / yhat).sum(axis=1)
    elif loss == "binary_cross_entropy":
        expected = -(y * np.log(yhat) + (1 - y) * np.log(1 - yhat)).sum(axis=1)
    else:
        expected = (scipy.special.xlogy(y, y / yhat) - y + yhat).sum(axis=1)
    np.testing.assert_allclose(LOSSES[loss].value(f, net, yhat, y), expected, rtol=1e-13, atol=0)


@pytest.mark.parametrize(("loss", "output"), PAIRS)
def test_output_delta_is_the_derivative_of_the_value_by_net(loss, output):
    f, net, yhat, y, kept = task(loss, output)
    loss = LOSSES[loss]
    (expected,) = complex_step(lambda at: loss.value(f, at, f.value(at), y).sum(), [net])
    found = loss.output_delta(f, kept, yhat, y)
    assert np.max(np.abs(found - expected)) <= 1e-13 * np.max(np.abs(expected))


@pytest.mark.parametrize(("loss", "output"), PAIRS)
def test_output_delta_is_the_gradient_through_the_activation(loss, output):
    f, _, yhat, y, kept = task(loss, output)
    loss = LOSSES[loss]
    through = f.backward(loss.gradient(yhat, y), kept)
    np.testing.assert_allclose(loss.output_delta(f, kept, yhat, y), through, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(("loss", "output"), CANONICAL)
def test_canonical_pairs_give_exactly_the_error(loss, output):
    f, _, yhat, y, kept = task(loss, output)
    np.testing.assert_array_equal(LOSSES[loss].output_delta(f, kept, yhat, y), yhat - y)


@pytest.mark.parametrize(("loss", "output"), PAIRS)
def test_zero_error_is_a_minimum(loss, output):
    f, net, yhat, _, kept = task(loss, output)
    loss = LOSSES[loss]
    assert np.all(loss.output_delta(f, kept, yhat, yhat) == 0)
    if loss.name in ("squared_error", "poisson"):
        np.testing.assert_allclose(loss.value(f, net, yhat, yhat), 0, atol=1e-14)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_cross_entropies_are_taken_from_net_and_never_clipped(dtype):
    net = np.array([[1000.0, 0.0, -1000.0]], dtype=dtype)
    softmax, sigmoid = ACTIVATIONS["softmax"], ACTIVATIONS["sigmoid"]
    wrong = np.array([[0.0, 0.0, 1.0]], dtype=dtype)
    assert LOSSES["cross_entropy"].value(softmax, net, softmax.value(net), wrong) == [2000.0]
    assert LOSSES["cross_entropy"].value(softmax, net, softmax.value(net), wrong[:, ::-1]) == [0.0]
    binary = LOSSES["binary_cross_entropy"].value(
        sigmoid, net[:, [0, 2]], sigmoid.value(net[:, [0, 2]]), wrong[:, 1:]
    )
    np.testing.assert_allclose(binary, [2000.0], rtol=1e-6)


@pytest.mark.parametrize("output", ["exp", "softplus", "sigmoid"])
def test_poisson_survives_an_output_that_underflows(output):
    f, net = ACTIVATIONS[output], np.array([[-2000.0]])
    yhat = f.value(net)
    assert yhat == 0
    for y, value in ((np.array([[0.0]]), 0.0), (np.array([[1.0]]), 1999.0)):
        assert LOSSES["poisson"].value(f, net, yhat, y) == [value]
        assert LOSSES["poisson"].output_delta(f, yhat, yhat, y) == -y


@pytest.mark.parametrize(("loss", "output"), PAIRS)
def test_float32_stays_float32(loss, output):
    f, net, yhat, y, kept = (
        a.astype(np.float32) if isinstance(a, np.ndarray) else a for a in task(loss, output)
    )
    loss = LOSSES[loss]
    assert loss.value(f, net, yhat, y).dtype == np.float32
    assert loss.gradient(yhat, y).dtype == np.float32
    assert loss.output_delta(f, kept, yhat, y).dtype == np.float32


def test_lookup():
    assert get_loss("poisson") is LOSSES["poisson"]
    assert get_loss(LOSSES["poisson"]) is LOSSES["poisson"]
    with pytest.raises(
        ValueError, match=r"unknown loss 'crossentropy'; did you mean 'cross_entropy'\? known: sq"
    ):
        get_loss("crossentropy")
    with pytest.raises(TypeError, match=r"not as NoneType"):
        get_loss(None)
