"""`weights` and `biases` are the numbers that the engine computes with; whatever is assigned goes there."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from chainrule import Network


def make() -> tuple[Network, np.ndarray, np.ndarray]:
    net = Network([3, 4, 2], activation="identity", random_state=0)
    x = np.random.default_rng(1).normal(size=(5, 3))
    return net, x, net(x)


def test_writing_in_place_changes_the_network() -> None:
    net, x, before = make()
    net.weights[1][:] *= 2
    net.biases[1][:] *= 2
    np.testing.assert_allclose(net(x), 2 * before, rtol=1e-14)


def test_assigning_an_item_writes_into_the_network() -> None:
    net, x, before = make()
    view = net.weights[1]
    net.weights[1] = 2 * net.weights[1]
    net.biases[-1] = (2 * net.biases[-1]).tolist()
    np.testing.assert_allclose(net(x), 2 * before, rtol=1e-14)
    assert net.weights[1] is view


def test_augmented_assignment_to_an_item() -> None:
    net, x, before = make()
    net.weights[1] *= 2
    net.biases[1] *= 2
    np.testing.assert_allclose(net(x), 2 * before, rtol=1e-14)


def test_assigning_a_list_copies() -> None:
    net, x, before = make()
    other = Network([3, 4, 2], activation="identity", random_state=1)
    other.weights, other.biases = net.weights, [b.tolist() for b in net.biases]
    assert_array_equal(other(x), before)
    other.weights[0][:] = 0
    assert_array_equal(net(x), before)


def test_assigning_arrays_that_overlap() -> None:
    net = Network([2, 2, 2], random_state=0)
    W_1, W_2 = (W.copy() for W in net.weights)
    net.weights = [net.weights[1], net.weights[0].T]
    assert_array_equal(net.weights[0], W_2)
    assert_array_equal(net.weights[1], W_1.T)


def test_nothing_is_written_unless_all_fits() -> None:
    net, x, before = make()
    for values in ([np.zeros((3, 4)), np.zeros((3, 2))], [np.zeros((3, 4))], [np.zeros((3, 4)), "no"]):
        with pytest.raises((TypeError, ValueError)):
            net.weights = values
    assert_array_equal(net(x), before)


@pytest.mark.parametrize(
    ("index", "values", "error", "message"),
    [
        (slice(None), [np.zeros((3, 4))], ValueError, "weights got 1 arrays; expected 2"),
        (
            slice(None),
            [np.zeros((3, 4)), np.zeros((2, 4))],
            ValueError,
            r"weights\[1\] got an array of shape \(2, 4\); expected \(4, 2\)",
        ),
        (slice(None), 5, TypeError, "weights got 5; expected a list of 2 arrays"),
        (0, 0.0, ValueError, r"weights\[0\] got an array of shape \(\); expected \(3, 4\)"),
        (-2, np.zeros((4, 3)), ValueError, r"weights\[0\] got an array of shape \(4, 3\)"),
        (0, [["a"] * 4] * 3, TypeError, r"weights\[0\] has dtype <U1; expected real numbers"),
        (2, np.zeros((3, 4)), IndexError, "weights has 2 arrays, none at 2"),
    ],
)
def test_what_does_not_fit(index: object, values: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()[0].weights[index] = values


def test_the_list_keeps_its_length() -> None:
    net = make()[0]
    changes = [
        lambda: net.weights.append(1),
        lambda: net.weights.clear(),
        lambda: net.weights.sort(key=len),
        lambda: net.biases.pop(),
        lambda: net.weights.__delitem__(0),
        lambda: net.biases.__iadd__([1]),
    ]
    for change in changes:
        with pytest.raises(TypeError, match=r"the list (weights|biases) has one array per layer; write into"):
            change()
    assert isinstance(net.weights, list)
    assert [len(net.weights), len(net.biases)] == [2, 2]


def test_copies_of_the_lists_belong_to_no_network() -> None:
    net, x, before = make()
    for copied in (
        copy.deepcopy(net.weights),
        pickle.loads(pickle.dumps(net.weights)),
        [W.copy() for W in net.weights],
    ):
        assert type(copied) is list
        copied[0][:] = 0
        copied.append(1)
    assert_array_equal(net(x), before)


def test_views_outlive_the_network() -> None:
    net = make()[0]
    weights = net.weights
    expected = weights[0].copy()
    del net
    assert_array_equal(weights[0], expected)
