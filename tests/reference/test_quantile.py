"""Quantiles: the pinball loss, and outputs in order."""

import numpy as np
import pytest
from sklearn._loss import PinballLoss

from chainrule import reference
from chainrule.losses import AbsoluteError, Quantile
from chainrule.reference import complex_step, get_activation

THREE = Quantile([0.1, 0.5, 0.9])


def test_pinball_is_its_formula_and_scikit_learns():
    rng = np.random.default_rng(0)
    net, y = rng.normal(size=(50, 1)), rng.normal(size=(50, 1))
    identity = get_activation("identity")
    for q in (0.05, 0.5, 0.8):
        e, theirs = net - y, PinballLoss(quantile=q)
        found = Quantile(q).value(identity, net, net, y)
        np.testing.assert_allclose(found, np.maximum(-q * e, (1 - q) * e)[:, 0], rtol=1e-14)
        np.testing.assert_allclose(found, theirs.loss(y[:, 0].copy(), net[:, 0].copy()), rtol=1e-14)
        slope = theirs.gradient(y[:, 0].copy(), net[:, 0].copy())
        np.testing.assert_allclose(Quantile(q).gradient(net, y)[:, 0], slope, rtol=1e-14)


def test_the_median_is_half_the_absolute_error():
    rng = np.random.default_rng(1)
    net, y, f = rng.normal(size=(5, 4)), rng.normal(size=(5, 4)), get_activation("identity")
    y[0] = net[0]
    np.testing.assert_array_equal(Quantile().value(f, net, net, y), AbsoluteError().value(f, net, net, y) / 2)
    np.testing.assert_array_equal(Quantile().gradient(net, y), AbsoluteError().gradient(net, y) / 2)


def test_a_targets_quantiles_are_neighbours():
    output = np.array([[1.0, 2.0, 3.0, -1.0, 0.0, 1.0]])
    y = np.array([[2.0, 2.0, 2.0, 0.0, 0.0, 0.0]])
    np.testing.assert_allclose(THREE.gradient(output, y), [[-0.1, 0, 0.1, -0.1, 0, 0.1]], rtol=1e-14)
    f = get_activation("identity")
    np.testing.assert_allclose(THREE.value(f, output, output, y), [0.4], rtol=1e-14)


@pytest.mark.parametrize(
    ("name", "n_units"), [("ordered", 1), ("ordered", 5), ("ordered(2)", 6), ("ordered(3)", 6)]
)
def test_backward_of_ordered_is_its_jacobian(name, n_units):
    f, rng = get_activation(name), np.random.default_rng(2)
    net, g = 2 * rng.normal(size=(3, n_units)), rng.normal(size=(3, n_units))
    (expected,) = complex_step(lambda at: (g * f.value(at)).sum(), [net])
    np.testing.assert_allclose(f.backward(g, net), expected, rtol=1e-13)
    groups = f.value(net).reshape(3, -1, f.size or n_units)
    assert (np.diff(groups, axis=2) > 0).all()
    np.testing.assert_array_equal(groups[:, :, 0], net.reshape(groups.shape)[:, :, 0])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_ordered_outputs_never_cross(dtype):
    rng = np.random.default_rng(3)
    net = (1e4 * rng.normal(size=(1000, 5))).astype(dtype)
    y = get_activation("ordered").value(net)
    assert np.isfinite(y).all()
    assert (np.diff(y, axis=1) >= 0).all()


def test_names_of_ordered():
    assert get_activation("ordered(3)").label == "ordered(3)"
    assert get_activation("ordered").label == "ordered"
    with pytest.raises(ValueError, match=r"unknown activation 'ordered\(0\)'"):
        get_activation("ordered(0)")
    with pytest.raises(ValueError, match=r"unknown activation 'tanh\(3\)'; did you mean 'tanh'"):
        get_activation("tanh(3)")
    with pytest.raises(TypeError, match=r"triangular Jacobian.*use backward\(\)"):
        get_activation("ordered").derivative(np.ones((1, 2)))


@pytest.mark.parametrize(("n_targets", "output"), [(1, "ordered"), (2, "ordered(3)")])
def test_networks_against_complex_step(make_case, relative_difference, n_targets, output):
    case = make_case([3, 6, 5, 3 * n_targets], "tanh", "quantile", output, n_samples=6, seed=3)
    case.y, case.loss = case.y[:, :n_targets], THREE
    g = reference.gradients(*case.arguments, sample_weight=np.arange(6.0))
    weights, biases, x = case.complex_step(sample_weight=np.arange(6.0))
    for found, expected in zip((*g.weights, *g.biases, g.x), (*weights, *biases, x), strict=True):
        assert relative_difference(found, expected) <= 1e-12


@pytest.mark.parametrize(
    ("sizes", "output", "y", "message"),
    [
        (
            [2, 6],
            "ordered(3)",
            (4, 6),
            r"y has shape \(4, 6\); expected \(4, 2\) for 4 rows of x and 6 outputs, 3 for each",
        ),
        (
            [2, 6],
            "ordered(2)",
            (4, 2),
            r"3 quantiles; .*output activation 'ordered\(3\)', not 'ordered\(2\)'",
        ),
        ([2, 6], "ordered", (4, 2), r"3 quantiles; .*output activation 'ordered\(3\)', not 'ordered'"),
        ([2, 4], "ordered(3)", (4, 2), r"4 outputs .* multiple of 3"),
        (
            [2, 3],
            "identity",
            (4, 1),
            r"loss 'quantile' does not go with the output activation 'identity'.* ordered",
        ),
    ],
)
def test_what_does_not_fit(sizes, output, y, message):
    W, b = [np.ones(sizes)], [np.zeros(sizes[1])]
    with pytest.raises(ValueError, match=message):
        reference.gradients(W, b, np.ones((4, 2)), np.zeros(y), [output], THREE)


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ([], ValueError, "quantiles is empty"),
        ([0.5, 0.1], ValueError, r"quantiles is \[0\.5, 0\.1\]; expected increasing numbers"),
        ([0.5, 0.5], ValueError, "expected increasing numbers"),
        (1.0, ValueError, r"quantiles is 1\.0; expected a finite number in \(0, 1\)"),
        ([0.1, "x"], TypeError, "quantiles is 'x'; expected a number"),
        ("0.5", TypeError, "quantiles is '0.5'; expected a number"),
    ],
)
def test_quantiles_out_of_range(given, error, message):
    with pytest.raises(error, match=message):
        Quantile(given)
