"""Copies, pickles and files: the same network in other memory."""

from __future__ import annotations

import copy
import json
import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import chainrule
from chainrule import SGD, Network

from .networks import make_rows, parameters


def trained(**settings: object) -> tuple[Network, np.ndarray, np.ndarray]:
    net = Network([3, 6, 5, 2], activation=["tanh", "gelu"], loss="cross_entropy", random_state=0, **settings)
    x, y = make_rows(net.sizes, "cross_entropy", n_samples=20)
    net.train(x, y, epochs=3, batch_size=4)
    return net, x, y


def through_state(net: Network) -> Network:
    tensors, settings = net._get_state()
    return Network._from_state(tensors, json.loads(json.dumps(settings)))


WAYS = [copy.copy, copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net)), through_state]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_copy_is_the_same_network(way, dtype: str) -> None:
    net, x, y = trained(dtype=dtype)
    other = way(net)
    assert repr(other) == repr(net)
    assert_array_equal(other(x), net(x))
    for one in (net, other):  # the next shuffles are the same too
        one.train(x, y, epochs=2, batch_size=4)
    assert_array_equal(parameters(other), parameters(net))


@pytest.mark.parametrize("way", WAYS)
def test_a_copy_shares_nothing(way) -> None:
    net, x, _ = trained()
    before = net(x)
    other = way(net)
    other.weights[0][:] = 0
    other.biases[0][:] = 0
    assert_array_equal(net(x), before)


@pytest.mark.parametrize("way", WAYS[:3])
@pytest.mark.parametrize("n_threads", [None, 2])
def test_copies_keep_the_number_of_threads(way, n_threads: int | None) -> None:
    assert way(Network([3, 2], n_threads=n_threads)).n_threads == n_threads


@pytest.mark.parametrize("way", WAYS)
def test_a_copy_has_no_training_to_resume(way) -> None:
    net, x, y = trained()
    with pytest.raises(
        ValueError, match="resume=True goes on from an earlier call of train, but this network"
    ):
        way(net).train(x, y, epochs=1, resume=True)


def test_subclasses_stay_what_they_are() -> None:
    assert type(copy.deepcopy(Sub([2, 1]))) is Sub
    assert type(pickle.loads(pickle.dumps(Sub([2, 1])))) is Sub


class Sub(Network):
    pass


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_file_holds_the_network(tmp_path, dtype: str) -> None:
    net, x, y = trained(dtype=dtype)
    net.save(tmp_path / "net.safetensors")
    other = chainrule.load(tmp_path / "net.safetensors")
    assert type(other) is Network
    assert repr(other) == repr(net)
    assert_array_equal(other(x), net(x))
    for one in (net, other):
        one.train(x, y, epochs=2, batch_size=4, optimizer=SGD(0.1))
    assert_array_equal(parameters(other), parameters(net))


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda t, s: t.pop("weights.1"), KeyError, "weights.1"),
        (lambda t, s: s.pop("loss"), KeyError, "loss"),
        (
            lambda t, s: t.update({"biases.0": np.zeros(7)}),
            ValueError,
            r"biases\[0\] got an array of shape \(7,\)",
        ),
        (lambda t, s: s.update(sizes=[3, 6, 2]), ValueError, "a list of 2 for 1 hidden layers"),
        (lambda t, s: s.update(sizes=[10**6] * 4), (MemoryError, ValueError), "use smaller sizes"),
        (lambda t, s: s.update(activations=[]), ValueError, "unpack"),
        (lambda t, s: s.update(dtype="float16"), ValueError, "expected 'float32' or 'float64'"),
        (lambda t, s: s.update(n_epochs=-1), ValueError, "n_epochs is -1"),
    ],
)
def test_a_state_that_does_not_fit(change, error, message: str) -> None:
    tensors, settings = trained()[0]._get_state()
    change(tensors, settings)
    with pytest.raises(error, match=message):
        Network._from_state(tensors, settings)
