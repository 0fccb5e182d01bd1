"""find_learning_rate: sane rates, the network as it was, and a picture."""

import dataclasses

import numpy as np
import pytest
import scipy.sparse
from sklearn.pipeline import make_pipeline

from chainrule import (
    LBFGS,
    SGD,
    Adam,
    AdamW,
    Lion,
    MLPClassifier,
    MLPRegressor,
    Network,
    Rprop,
    find_learning_rate,
)
from chainrule.inspection import LearningRateSearch

RNG = np.random.default_rng(0)
X = RNG.normal(size=(400, 5))
Y = np.sin(X).sum(axis=1, keepdims=True)


def network(**settings):
    return Network([5, 20, 1], activation="tanh", random_state=0, **settings)


def parameters(net):
    return np.concatenate([p.ravel() for p in [*net.weights, *net.biases]])


@pytest.mark.parametrize("optimizer", [None, SGD(momentum=0.9), Lion()], ids=str)
def test_far_below_and_far_above_the_suggestion_training_is_worse(optimizer):
    search = find_learning_rate(network(), X, Y, optimizer=optimizer)
    final = {}
    for times in (0.01, 1.0, 1000.0):
        tried = dataclasses.replace(optimizer or Adam(), learning_rate=search.suggestion * times)
        net = network()
        try:
            net.train(X, Y, optimizer=tried, epochs=4)
            final[times] = net.evaluate(X, Y)
        except FloatingPointError:
            final[times] = np.inf
    assert final[1.0] < 0.7 * final[0.01]
    assert final[1.0] < final[1000.0]


def test_gradient_descent_on_a_quadratic_stays_below_the_rate_that_diverges():
    """The largest curvature bounds what converges: rate < 2 / lambda."""
    net = Network([5, 1], random_state=0)
    search = find_learning_rate(net, X * 3, Y, optimizer=SGD(), batch_size=None, highest=100)
    largest = np.linalg.eigvalsh(np.c_[3 * X, -np.ones(400)].T @ np.c_[3 * X, -np.ones(400)] / 400)[-1]
    assert 0.01 / largest < search.suggestion < 2 / largest
    assert search.rates[-1] < 100  # the loss rose, so it ended


def test_the_network_is_left_as_it_was():
    net, twin = network(), network()
    for one in (net, twin):
        one.train(X, Y, epochs=2)
    before = parameters(net)
    find_learning_rate(net, X, Y)
    assert parameters(net).tobytes() == before.tobytes()
    rest = [one.train(X, Y, epochs=2, resume=True).loss for one in (net, twin)]
    assert rest[0] == rest[1]


def test_each_step_is_one_of_training():
    """The first epoch's batches, each with its own rate."""
    net = network()
    search = find_learning_rate(
        net, X, Y, optimizer=SGD(0.5), batch_size=40, lowest=0.001, highest=0.01, n_steps=10
    )
    rates = np.geomspace(0.001, 0.01, 10)
    np.testing.assert_allclose(search.rates, rates)
    history = net.train(
        X, Y, optimizer=SGD(1.0), batch_size=40, epochs=1, schedule=lambda part: rates[round(10 * part)]
    )
    assert history.loss[0] == pytest.approx(search.losses.mean(), rel=1e-12)


def test_more_than_an_epoch_of_sparse_weighted_rows():
    weights = RNG.random(400) + 0.1
    weights[::7] = 0.0
    x = np.where(np.abs(X) < 0.8, 0.0, X)
    dense, sparse = (
        find_learning_rate(network(), rows, Y, sample_weight=weights, batch_size=100, n_steps=30)
        for rows in (x, scipy.sparse.csr_array(x))
    )
    np.testing.assert_allclose(dense.losses, sparse.losses, rtol=1e-9)
    assert len(dense.losses) > 4


def test_where_nothing_falls_there_is_no_suggestion():
    search = find_learning_rate(network(), X, Y, lowest=1e-12, highest=1e-10)
    assert search.suggestion is None
    assert repr(search).startswith(
        "LearningRateSearch(suggestion none: the loss did not fall; 200 steps from 1e-12"
    )
    assert isinstance(search, LearningRateSearch)


def test_divergence_ends_it():
    search = find_learning_rate(network(), X, Y, optimizer=SGD(), highest=1e6)
    assert len(search.rates) == len(search.losses) == len(search.smoothed) < 200
    assert np.isfinite(search.losses).all()
    assert search.suggestion < 1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"optimizer": Rprop()}, "Rprop has no learning rate to find"),
        ({"optimizer": LBFGS()}, "LBFGS has no learning rate to find"),
        ({"lowest": 1.0, "highest": 0.1}, "lowest is 1 and highest is 0.1; expected lowest < highest"),
        ({"lowest": 0.0}, r"lowest is 0.0; expected a finite number in \(0, inf\)"),
        ({"n_steps": 9}, "n_steps is 9; expected a whole number of at least 10"),
    ],
)
def test_impossible_settings(settings, message):
    with pytest.raises(ValueError, match=message):
        find_learning_rate(network(), X, Y, **settings)


def test_the_picture_shows_losses_and_suggestion():
    from matplotlib import pyplot

    search = find_learning_rate(network(), X, Y)
    axes = search.plot()
    assert axes.get_xscale() == "log"
    assert [line.get_label() for line in axes.lines] == [
        "loss of a batch",
        "smoothed",
        f"suggestion {search.suggestion:.2g}",
    ]
    np.testing.assert_array_equal(axes.lines[1].get_ydata(), search.smoothed)
    _, ax = pyplot.subplots()
    assert search.plot(ax) is ax


LABELS = np.array(["a", "b", "c"])[np.digitize(Y[:, 0], [-1, 1])]
FULL = {
    "dropout": 0.1, "layer_norm": True, "early_stopping": True, "scoring": "accuracy",
    "class_weight": "balanced", "schedule": "cosine", "callbacks": lambda record: True,
    "checkpoint": "nowhere/at.all", "verbose": True,
}  # fmt: skip


@pytest.mark.parametrize(
    ("estimator", "y"),
    [
        (MLPClassifier((20,), solver="sgd", random_state=0), LABELS),
        (MLPClassifier((20,), solver=AdamW(weight_decay=0.1), random_state=0, **FULL), LABELS),
        (MLPClassifier((20,), random_state=0), (X[:, :3] > 0).astype(int)),
        (MLPRegressor(hidden_layer_sizes=(20,), scale_targets=True, random_state=0), 50 + 9 * Y[:, 0]),
        (MLPRegressor("poisson", (20,), random_state=0), np.exp(Y)),
    ],
    ids=["classes", "all settings", "labels", "scaled targets", "poisson"],
)
def test_estimators(estimator, y, capfd):
    search = find_learning_rate(estimator, X, np.squeeze(y), batch_size=50)
    assert 1e-4 < search.suggestion < 2
    assert not hasattr(estimator, "coefs_")
    assert capfd.readouterr().out == ""


def test_an_estimators_steps_are_those_of_its_fit():
    """All rows in a batch: the losses are those of a fit with the same learning rates."""
    rates = np.geomspace(0.001, 0.1, 10)
    parameters = {"hidden_layer_sizes": (6,), "random_state": 0, "scale_targets": True, "max_iter": 10}
    weight = np.r_[np.zeros(100), np.linspace(1, 2, 300)]
    search = find_learning_rate(
        MLPRegressor(**parameters), X, Y[:, 0], sample_weight=weight, batch_size=None, lowest=0.001,
        highest=0.1, n_steps=10,
    )  # fmt: skip
    fit = MLPRegressor(**parameters, learning_rate_init=1.0, batch_size=400, patience=10,
                       schedule=lambda part: rates[min(round(10 * part), 9)])  # fmt: skip
    with pytest.warns(UserWarning, match="Maximum iterations"):
        fit.fit(X, Y[:, 0], weight)
    np.testing.assert_allclose(search.losses, fit.loss_curve_, rtol=1e-9)


@pytest.mark.parametrize(
    ("estimator", "settings", "error", "message"),
    [
        (MLPClassifier(solver="lbfgs"), {}, ValueError, "lbfgs has no learning rate to find"),
        (MLPClassifier(solver=Rprop()), {}, ValueError, "Rprop has no learning rate to find"),
        (MLPClassifier(), {"optimizer": SGD()}, ValueError, "an estimator has its solver; set that"),
        (MLPClassifier(dropout=2), {}, ValueError, "'dropout' parameter"),
        (
            make_pipeline(MLPClassifier()),
            {},
            TypeError,
            "network is a Pipeline; .* give the last step, and x",
        ),
    ],
)
def test_estimators_without_a_learning_rate(estimator, settings, error, message):
    with pytest.raises(error, match=message):
        find_learning_rate(estimator, X, LABELS, **settings)
