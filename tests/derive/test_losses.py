"""Losses with settings, quantiles that cannot cross, and losses that are functions."""

import numpy as np
import pytest

import chainrule
from chainrule import losses

from .networks import relative_difference
from .test_python import compiled
from .test_steps import assert_forms_agree

SETTINGS = [
    losses.CrossEntropy(label_smoothing=0.1),
    losses.BinaryCrossEntropy(label_smoothing=0.2),
    losses.Huber(delta=0.3),
    losses.Quantile(0.9),
    losses.Tweedie(power=1.3),
    losses.Focal(gamma=3.0),
    losses.BinaryFocal(gamma=1.0),
]


def make_sample(loss, n_rows, n_outputs=3):
    rng = np.random.default_rng(1)
    candidates = [
        rng.normal(size=(n_rows, n_outputs)),
        rng.gamma(2.0, size=(n_rows, n_outputs)),
        rng.random((n_rows, n_outputs)),
        rng.dirichlet(np.ones(n_outputs), n_rows),
    ]
    y = next(y for y in candidates if loss.target_problem(y) is None)
    return rng.normal(size=(n_rows, 4)), y


@pytest.mark.parametrize("loss", SETTINGS, ids=repr)
def test_settings(loss):
    net = chainrule.Network([4, 5, 3], activation="tanh", loss=loss, random_state=0)
    x, y = make_sample(loss, 3)
    derivation = chainrule.derive(net, x, y)
    assert_forms_agree(derivation)
    assert derivation.verify()
    assert_same_in_python(derivation, net, x, y)


def assert_same_in_python(derivation, net, x, y):
    g = net.gradients(x, y)
    loss, weights, biases = compiled(derivation)(x, y, net.weights, net.biases)
    assert loss == pytest.approx(g.loss, rel=1e-12)
    for found, expected in zip([*weights, *biases], [*g.weights, *g.biases], strict=True):
        assert relative_difference(found, expected) < 1e-11


@pytest.mark.parametrize("n_outputs", [3, 6])
@pytest.mark.parametrize("n_rows", [1, 4])
def test_quantiles_that_cannot_cross(n_outputs, n_rows):
    loss = losses.Quantile([0.1, 0.5, 0.9])
    net = chainrule.Network([4, 5, n_outputs], activation="tanh", loss=loss, random_state=0)
    x, y = make_sample(loss, n_rows, n_outputs // 3)
    derivation = chainrule.derive(net, x, y)
    assert_forms_agree(derivation)
    report = derivation.verify()
    assert next(step for step in report.steps if step.key == "dW.1").engine is not None
    assert "U" in derivation.to_latex()
    derivation.to_text(language="zh")
    derivation.to_dict()
    g = net.gradients(x, y)
    found = compiled(derivation)(x, y, net.weights, net.biases)
    assert found[0] == pytest.approx(g.loss, rel=1e-12)
    assert relative_difference(found[1][0], g.weights[0]) < 1e-11


def huber_like(predictions, targets):
    error = predictions - targets
    return np.mean(np.sum(np.sqrt(1 + error**2) - 1, axis=1)), error / np.sqrt(1 + error**2) / len(error)


@pytest.mark.parametrize("n_rows", [1, 4])
def test_a_function_as_loss(n_rows):
    net = chainrule.Network([4, 5, 3], activation="tanh", loss=huber_like, random_state=0)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(n_rows, 4)), rng.normal(size=(n_rows, 3))
    derivation = chainrule.derive(net, x, y)
    assert derivation.verify()
    assert "E = L(ŷ,y)" in derivation.to_text()
    prefix = "" if n_rows == 1 else "batch."
    g = net.gradients(x, y)
    assert relative_difference(derivation.value(f"{prefix}dW.1"), g.weights[0]) < 1e-12


def test_a_function_whose_gradient_is_of_something_else_is_not_seen_but_its_sum_is():
    def total(predictions, targets):
        value, gradient = huber_like(predictions, targets)
        return value * len(predictions), gradient * len(predictions)

    net = chainrule.Network([4, 5, 3], loss=total, random_state=0)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(3, 4)), rng.normal(size=(3, 3))
    with pytest.raises(ValueError, match="a derivation needs the mean over rows: give one row"):
        chainrule.derive(net, x, y)
    assert chainrule.derive(net, x[:1], y[:1]).verify()
    with pytest.raises(ValueError, match="a loss that is a function has no NumPy source"):
        chainrule.derive(net, x[:1], y[:1]).to_python()
