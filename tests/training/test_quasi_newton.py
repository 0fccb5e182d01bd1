"""`LBFGS` on a Network: scikit-learn's iterates, and what it cannot take."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose

import chainrule
from chainrule import LBFGS, SGD, Network

X = np.random.default_rng(0).normal(size=(80, 3))
Y = np.sin(X).sum(axis=1, keepdims=True)


def network(**settings: object) -> Network:
    return Network([3, 10, 1], activation="tanh", random_state=0, **settings)


def parameters(net: Network) -> np.ndarray:
    return np.concatenate([p.ravel() for p in [*net.weights, *net.biases]])


def test_the_iterates_are_scikit_learns() -> None:
    """From the same parameters; its penalty is alpha/2 over the number of rows."""
    from sklearn.neural_network import MLPRegressor

    net = network()
    peer = MLPRegressor(
        hidden_layer_sizes=(10,), activation="tanh", solver="lbfgs", alpha=0.4, max_iter=12, tol=1e-12
    )
    weights, biases = [w.copy() for w in net.weights], [-b.copy() for b in net.biases]

    class Started(MLPRegressor):
        def _init_coef(self, fan_in, fan_out, dtype):
            k = 0 if fan_in == 3 else 1
            return weights[k], biases[k]

    peer = Started(**peer.get_params())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        peer.fit(X, Y.ravel())
    history = net.train(
        X,
        Y,
        optimizer=LBFGS(l2=0.4 / 80, loss_tolerance=64 * np.finfo(float).eps, gradient_tolerance=1e-12),
        epochs=12,
    )
    for mine, theirs in zip(net.weights, peer.coefs_, strict=True):
        assert_allclose(mine, theirs, rtol=1e-6, atol=1e-9)
    assert history.n_epochs == history.n_steps == 12


def test_history_has_the_loss_before_each_step() -> None:
    net, records = network(), []
    first = net.evaluate(X, Y)
    history = net.train(X, Y, optimizer=LBFGS(), epochs=10, callback=records.append)
    assert history.loss[0] == pytest.approx(first, rel=1e-13)
    assert history.loss == sorted(history.loss, reverse=True)
    assert [record.loss for record in records] == history.loss
    assert [record.epoch for record in records] == list(range(1, 11))
    assert net.evaluate(X, Y) < history.loss[-1]


def test_it_ends_where_it_has_converged_or_a_callback_says_so() -> None:
    flat = Network([2, 1], random_state=0)
    x = np.random.default_rng(1).normal(size=(30, 2))
    history = flat.train(x, x @ [[1.0], [2.0]], optimizer=LBFGS(), epochs=500)
    assert history.n_epochs < 30
    assert not history.stopped
    assert_allclose(flat.weights[0], [[1.0], [2.0]], atol=1e-4)
    again = flat.train(x, flat(x), optimizer=LBFGS(), epochs=5)
    assert again.loss == [0.0]
    net = network()
    seen = []
    stopped = net.train(
        X, Y, optimizer=LBFGS(), epochs=50, callback=lambda r: seen.append(net.evaluate(X, Y)) or r.epoch == 3
    )
    assert stopped.stopped
    assert stopped.n_epochs == 3
    assert net.evaluate(X, Y) == seen[-1]


def test_frozen_layers_do_not_move_a_bit() -> None:
    net, start = network(), network()
    net.train(X, Y, optimizer=LBFGS(l2=0.1), epochs=20, learning_rate_factors=[0, 1])
    assert net.weights[0].tobytes() == start.weights[0].tobytes()
    assert net.biases[0].tobytes() == start.biases[0].tobytes()
    assert (net.weights[1] != start.weights[1]).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_it_fits_in_either_dtype_and_among_many(dtype: str) -> None:
    nets = [network(dtype=dtype), network(dtype=dtype)]
    histories = chainrule.train_many([(net, X, Y) for net in nets], optimizer=LBFGS(), epochs=60)
    assert histories[0].loss == histories[1].loss
    assert histories[0].loss[-1] < 0.05 * histories[0].loss[0]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"batch_size": 20}, "batch_size is 20, but LBFGS takes all 80 rows at once"),
        ({"resume": True}, "resume=True has nothing to go on from"),
        ({"precision": "bf16"}, "LBFGS needs precision='full'"),
        ({"schedule": "cosine"}, "LBFGS has no learning rate to change"),
        ({"learning_rate_factors": [0.5, 1]}, "LBFGS has no learning rate, so expected 0"),
    ],
)
def test_what_it_cannot_take(settings: dict, message: str) -> None:
    net = network()
    with pytest.raises(ValueError, match=message):
        net.train(X, Y, optimizer=LBFGS(), **settings)
    assert parameters(net).tobytes() == parameters(network()).tobytes()


def test_another_optimizer_does_not_go_on_from_it() -> None:
    net = network()
    net.train(X, Y, optimizer=SGD(0.1), epochs=1)
    net.train(X, Y, optimizer=LBFGS(), epochs=1)
    with pytest.raises(ValueError, match="this network has none"):
        net.train(X, Y, optimizer=SGD(0.1), epochs=1, resume=True)


@pytest.mark.filterwarnings("ignore:overflow|invalid:RuntimeWarning")
def test_divergence_sets_the_parameters_back() -> None:
    net = Network([1, 1], random_state=0)
    net.weights[0] = [[1e200]]
    before = parameters(net)
    with pytest.raises(chainrule.training.DivergenceError, match="scale the inputs or begin with smaller"):
        net.train([[1e200]], [[1.0]], optimizer=LBFGS(), epochs=3)
    assert parameters(net).tobytes() == before.tobytes()


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: LBFGS(0), ValueError, "history_size is 0; expected a whole number of at least 1"),
        (lambda: LBFGS(l2=-1), ValueError, "l2 is -1"),
        (lambda: LBFGS(gradient_tolerance="0"), TypeError, "gradient_tolerance is '0'"),
    ],
)
def test_impossible_settings(make, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()
