"""`gradients` is the reference's E3-E7, and `evaluate` its E3, for every activation, loss and dtype."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from scipy import sparse

import chainrule
from chainrule import Network, reference

from .networks import DTYPES, HIDDEN, PAIRS, make_rows, relative_difference

TOLERANCE = {"float64": 2e-13, "float32": 1e-4}


def expected_gradients(net: Network, x: np.ndarray, y: np.ndarray, **options: object) -> reference.Gradients:
    """The reference's, in float64."""
    weights, biases = ([a.astype(np.float64) for a in arrays] for arrays in (net.weights, net.biases))
    return reference.gradients(weights, biases, x, y, net.activations, net.loss, **options)


def check(net: Network, x: np.ndarray, y: np.ndarray, **options: object) -> None:
    found, expected = net.gradients(x, y, **options), expected_gradients(net, x, y, **options)
    tolerance = TOLERANCE[net.dtype.name]
    assert isinstance(found.loss, float)
    assert found.loss == pytest.approx(float(expected.loss), rel=tolerance)
    for k in range(len(net.weights)):
        assert found.weights[k].dtype == found.biases[k].dtype == net.dtype
        assert relative_difference(found.weights[k], expected.weights[k]) < tolerance
        assert relative_difference(found.biases[k], expected.biases[k]) < tolerance


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", HIDDEN)
def test_every_activation(activation: str, dtype: str) -> None:
    net = Network([4, 9, 6, 3], activation=activation, dtype=dtype, random_state=0)
    x, y = (a.astype(dtype) for a in make_rows(net.sizes))
    check(net, x, y)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("loss", "output"), PAIRS)
def test_every_loss(loss: str, output: str, dtype: str) -> None:
    net = Network(
        [4, 9, 3], activation="tanh", output_activation=output, loss=loss, dtype=dtype, random_state=0
    )
    if output in ("relu", "leaky_relu"):
        net.biases[-1] -= 2  # alive in every row
    x, y = (a.astype(dtype) for a in make_rows(net.sizes, loss))
    check(net, x, y)
    weight = np.random.default_rng(1).random(len(x)).astype(dtype)
    check(net, x, y, sample_weight=weight, l2=0.3)
    found, expected = net.evaluate(x, y, weight), expected_gradients(net, x, y, sample_weight=weight)
    assert found == pytest.approx(float(expected.loss), rel=TOLERANCE[dtype])


def test_an_activation_for_each_layer() -> None:
    net = Network([3, 7, 8, 9, 2], activation=["tanh", "gelu", "relu"], random_state=0)
    check(net, *make_rows(net.sizes))


def test_the_seeds_signs() -> None:
    """The bias is subtracted, so its gradient is minus the mean delta."""
    net = Network([2, 1], random_state=0)
    net.weights, net.biases = [[[1.0], [2.0]]], [[0.5]]
    g = net.gradients([[3.0, 4.0], [1.0, 1.0]], [[10.0], [2.0]])  # outputs 10.5 and 2.5
    assert g.loss == 0.125
    assert_array_equal(g.weights[0], [[1.0], [1.25]])
    assert_array_equal(g.biases[0], [-0.5])
    loss, weights, biases = g[:3]
    assert (loss, weights, biases) == (g.loss, g.weights, g.biases)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("loss", list(reference.LOSSES))
def test_gradcheck_passes(loss: str, dtype: str) -> None:
    net = Network([3, 5, 4, 3], activation="sigmoid", loss=loss, dtype=dtype, random_state=0)
    x, y = make_rows(net.sizes, loss)
    y = y.astype(dtype)
    assert chainrule.gradcheck(net, x, y, sample_weight=np.arange(7.0), l2=0.1)
    assert chainrule.gradcheck(net, x[0], y[0])
    if loss == "cross_entropy":
        assert chainrule.gradcheck(net, x, [0, 1, 2, 0, 1, 2, 0])
        assert chainrule.gradcheck(net, x[0], 1)


def test_gradcheck_finds_a_wrong_gradient() -> None:
    class Wrong(Network):
        def gradients(self, x, y, sample_weight=None, l2=0.0):
            g = super().gradients(x, y, sample_weight, l2)
            g.biases[0][1] *= -1
            return g

    net = Wrong([3, 5, 2], activation="tanh", random_state=0)
    report = chainrule.gradcheck(net, *make_rows(net.sizes))
    assert [check.name for check in report.parameters if not check.passed] == ["b_1"]


def test_threads_change_no_bit() -> None:
    net = Network([30, 100, 60, 3], activation="tanh", loss="cross_entropy", random_state=0)
    x, y = make_rows(net.sizes, "cross_entropy", n_samples=700)
    results = []
    for n_threads in (1, 2, 3):
        net.n_threads = n_threads
        g = net.gradients(x, y, l2=0.1)
        results.append([net(x), net.evaluate(x, y), g.loss, *g.weights, *g.biases])
    for other in results[1:]:
        for found, expected in zip(other, results[0], strict=True):
            assert_array_equal(found, expected)


def test_forms_of_the_targets() -> None:
    """Class indices are one-hot rows; one output takes (n_samples,); a row of x takes a row of y."""
    net = Network([3, 4, 3], loss="cross_entropy", random_state=0)
    x = make_rows(net.sizes)[0]
    classes = np.array([0, 2, 1, 1, 0, 2, 2])
    expected = net.gradients(x, np.eye(3)[classes])
    for same in (classes, classes.tolist(), classes.astype(np.uint8), np.eye(3, dtype=int)[classes]):
        assert_same(net.gradients(x, same), expected)
    first = net.gradients(x[:1], classes[:1])
    for same in (classes[0], int(classes[0]), classes[:1], [1.0, 0.0, 0.0], [[1, 0, 0]]):
        assert_same(net.gradients(x[0], same), first)
    net = Network([3, 4, 1], random_state=0)
    y = np.arange(7.0)
    expected = net.gradients(x, y.reshape(7, 1))
    for same in (y, y.tolist(), y.astype(int)):
        assert_same(net.gradients(x, same), expected)
    assert_same(net.gradients(x[0], 5), net.gradients(x[:1], [[5.0]]))


def assert_same(found: object, expected: object) -> None:
    assert found.loss == expected.loss
    for a, b in zip([*found.weights, *found.biases], [*expected.weights, *expected.biases], strict=True):
        assert_array_equal(a, b)


def test_sparse_rows_give_the_bits_of_dense_rows() -> None:
    net = Network([40, 6, 2], activation="tanh", random_state=0)
    x, y = make_rows(net.sizes, n_samples=30)
    x[np.random.default_rng(1).random(x.shape) < 0.8] = 0
    expected = net.gradients(x, y, sample_weight=np.arange(30))
    for rows in (sparse.csr_matrix(x), sparse.csc_array(x), sparse.coo_matrix(x)):
        assert_same(net.gradients(rows, y, sample_weight=np.arange(30)), expected)
        assert net.evaluate(rows, y) == net.evaluate(x, y)


def test_other_dtypes_and_layouts_are_converted() -> None:
    net = Network([3, 4, 2], dtype="float32", random_state=0)
    x, y = make_rows(net.sizes)
    expected = net.gradients(x.astype(np.float32), y.astype(np.float32))
    assert_same(net.gradients(x, y), expected)
    assert_same(net.gradients(np.asfortranarray(x), np.asfortranarray(y)), expected)
    assert_same(net.gradients(x[::-1], y[::-1]), net.gradients(x[::-1].copy(), y[::-1].copy()))


@settings(max_examples=40, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 20), min_size=2, max_size=5),
    n_samples=st.integers(1, 20),
    loss=st.sampled_from(list(reference.LOSSES)),
    activation=st.sampled_from(HIDDEN),
    seed=st.integers(0, 1000),
)
def test_the_gradient_is_the_weighted_mean_of_the_rows(sizes, n_samples, loss, activation, seed) -> None:
    net = Network(sizes, activation=activation, loss=loss, random_state=seed)
    x, y = make_rows(sizes, loss, n_samples, seed)
    weight = np.random.default_rng(seed).integers(0, 4, n_samples)
    weight[0] = 1
    found = net.gradients(x, y, sample_weight=weight)
    rows = [net.gradients(x[i], y[i]) for i in range(n_samples)]
    repeated = net.gradients(np.repeat(x, weight, axis=0), np.repeat(y, weight, axis=0))
    shares = weight / weight.sum()
    for k in range(len(net.weights)):
        for a, per_row, c in (
            (found.weights[k], [row.weights[k] for row in rows], repeated.weights[k]),
            (found.biases[k], [row.biases[k] for row in rows], repeated.biases[k]),
        ):
            # rows may cancel, so errors are measured by the size of what is summed
            scale = np.tensordot(shares, np.abs(per_row), 1).max()
            assert np.abs(a - np.tensordot(shares, per_row, 1)).max() <= 1e-13 * scale
            assert np.abs(a - c).max() <= 1e-13 * scale


def test_at_the_targets_there_is_no_gradient() -> None:
    net = Network([3, 4, 2], random_state=0)
    x = make_rows(net.sizes)[0]
    g = net.gradients(x, net(x))
    assert g.loss == 0
    assert not any(a.any() for a in [*g.weights, *g.biases])


def test_nothing_given_is_written() -> None:
    net = Network([3, 4, 2], random_state=0)
    x, y = make_rows(net.sizes)
    weight = np.arange(7.0)
    given = [x, y, weight]
    before = [a.copy() for a in given]
    for a in given:
        a.flags.writeable = False
    for a in [*net.weights, *net.biases]:
        a.flags.writeable = False
    first = net.gradients(x, y, weight, l2=0.1)
    assert_same(net.gradients(x, y, weight, l2=0.1), first)
    first.weights[0][:] = 0  # a result is the caller's
    for a, b in zip(given, before, strict=True):
        assert_array_equal(a, b)
