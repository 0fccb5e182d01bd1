"""Activations per layer, dropout, normalisation, residual connections, initialisers: as on `Network`."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

import chainrule
from chainrule import MLPClassifier, MLPRegressor, Network
from chainrule.model.initialization import INITIALIZERS
from chainrule.optimizers import SGD

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4))
Y = np.stack([X[:, 0] * X[:, 1], np.sin(X[:, 2])], axis=1)
LABELS = np.array(["a", "b", "c"])[(X[:, 0] > 0).astype(int) + (X[:, 1] > 0.5)]
FAST = {"hidden_layer_sizes": (6, 6, 5), "max_iter": 6, "random_state": 0, "batch_size": 16}
OPTIONS = {
    "activations": {"activation": ["tanh", "prelu", "softsign"]},
    "layer_norm": {"layer_norm": True},
    "residual": {"residual": True},
    "dropout": {"dropout": 0.3},
    "everything": {"activation": ["prelu", "mish", "prelu"], "layer_norm": [True, False, True],
                   "residual": [False, True, False], "dropout": [0.0, 0.5, 0.2], "initializer": "he_normal"},
}  # fmt: skip


def arrays(mlp):
    names = ("coefs_", "intercepts_", "norm_gains_", "norm_shifts_", "slopes_")
    return [array for name in names for array in getattr(mlp, name, []) if array is not None]


def same(a, b):
    assert len(arrays(a)) == len(arrays(b))
    for one, other in zip(arrays(a), arrays(b), strict=True):
        assert_array_equal(one, other)


@pytest.mark.parametrize(
    "options", [options for name, options in OPTIONS.items() if name != "dropout"], ids=str
)
def test_the_same_network_as_networks(options):
    options = {name: value for name, value in options.items() if name not in ("initializer", "dropout")}
    parameters = FAST | {"batch_size": 60, "shuffle": False, "alpha": 0.0} | options
    mlp = MLPRegressor(solver=SGD(0.1), **parameters)
    first = clone(mlp).set_params(solver=SGD(1e-300), max_iter=1).fit(X, Y)
    net = Network([4, 6, 6, 5, 2], **{"activation": "relu"} | options)
    net.weights, net.biases = first.coefs_, [-b for b in first.intercepts_]
    net.train(X, Y, optimizer=SGD(0.1), epochs=6, batch_size=60, shuffle=False)
    mlp.fit(X, Y)
    assert_allclose(mlp.predict(X), net(X), rtol=1e-9, atol=1e-12)
    pairs = [(mlp.coefs_, net.weights), (mlp.intercepts_, [-b for b in net.biases])]
    pairs += [
        (getattr(mlp, f"{name}_", [None] * 4), getattr(net, name))
        for name in ("norm_gains", "norm_shifts", "slopes")
    ]
    for ours, theirs in pairs:
        for a, b in zip(ours, theirs, strict=True):
            assert (a is None) == (b is None)
            if a is not None:
                assert_allclose(a, b, rtol=1e-9, atol=1e-12)
    plain = MLPRegressor(solver=SGD(0.1), **parameters | dict.fromkeys(set(options) - {"activation"}, False))
    if set(options) != {"activation"}:
        assert np.abs(plain.fit(X, Y).predict(X) - mlp.predict(X)).max() > 1e-6


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("estimator", [MLPClassifier, MLPRegressor])
def test_pickled_saved_cloned_and_gone_on_with(estimator, options, tmp_path):
    y = LABELS if estimator is MLPClassifier else Y
    mlp = estimator(**FAST | OPTIONS[options]).fit(X, y)
    assert clone(mlp).get_params() == mlp.get_params()
    mlp.save(tmp_path / "mlp.safetensors")
    copies = [pickle.loads(pickle.dumps(mlp)), chainrule.load(tmp_path / "mlp.safetensors")]
    for other in copies:
        same(other, mlp)
        assert other.get_params() == mlp.get_params()
        assert_array_equal(other.predict(X), mlp.predict(X))
    mlp.partial_fit(X, y)
    for other in copies:
        same(other.partial_fit(X, y), mlp)


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_checkpoints_early_stopping_and_threads(options, dtype, tmp_path):
    class Killed(BaseException):
        pass

    def kill(record):
        if record.epoch == 4:
            raise Killed

    x = X.astype(dtype)
    mlp = MLPClassifier(early_stopping=True, patience=20, **FAST | OPTIONS[options])
    whole = clone(mlp).fit(x, LABELS)
    with pytest.raises(Killed):
        clone(mlp).set_params(checkpoint=tmp_path / "run", callbacks=kill).fit(x, LABELS)
    same(clone(mlp).set_params(checkpoint=tmp_path / "run").fit(x, LABELS, resume=True), whole)
    same(clone(mlp).set_params(n_threads=3).fit(x, LABELS), whole)


def test_the_best_vectors_are_restored():
    seen = []

    def keep(record):
        seen.append([array.copy() for array in arrays(record.estimator)])

    mlp = MLPClassifier(early_stopping=True, scoring="loss", patience=2, callbacks=keep,
                        **FAST | OPTIONS["everything"])  # fmt: skip
    mlp.set_params(max_iter=200, learning_rate_init=0.05)
    mlp.fit(X, LABELS)
    assert mlp.stop_reason_ == "no_improvement"
    for a, b in zip(arrays(mlp), seen[mlp.best_iteration_ - 1], strict=True):
        assert_array_equal(a, b)


def test_dropout_only_in_training():
    mlp = MLPRegressor(dropout=0.5, **FAST).fit(X, Y)
    assert_array_equal(mlp.predict(X), mlp.predict(X))
    plain = MLPRegressor(**FAST).fit(X, Y)
    assert np.abs(mlp.coefs_[0] - plain.coefs_[0]).max() > 1e-4
    other = MLPRegressor(dropout=0.5, **FAST | {"random_state": 1}).fit(X, Y)
    assert np.abs(mlp.predict(X) - other.predict(X)).max() > 1e-4


@pytest.mark.parametrize("name", INITIALIZERS)
def test_initializers(name):
    mlp = MLPRegressor(
        hidden_layer_sizes=(64, 64),
        initializer=name,
        solver=SGD(1e-300),
        alpha=0.0,
        max_iter=1,
        random_state=0,
    ).fit(X, Y)
    again = clone(mlp).fit(X, Y)
    assert_array_equal(again.coefs_[1], mlp.coefs_[1])
    assert all(np.abs(b).max() < 1e-200 for b in mlp.intercepts_)
    variance = {"glorot": 2 / 128, "he": 2 / 64, "lecun": 1 / 64, "orthogonal": 1 / 64}[name.split("_")[0]]
    assert_allclose(mlp.coefs_[1].var(), variance, rtol=0.1)


def test_vectors_can_be_changed_and_replaced():
    mlp = MLPRegressor(**FAST | OPTIONS["everything"]).fit(X, Y)
    before = mlp.predict(X)
    mlp.norm_gains_[0][:] *= 2
    changed = mlp.predict(X)
    assert np.abs(changed - before).max() > 1e-6
    mlp.norm_gains_[0] = mlp.norm_gains_[0] / 2
    assert_allclose(mlp.predict(X), before, rtol=1e-12)
    mlp.partial_fit(X, Y)
    assert np.isfinite(mlp.predict(X)).all()


def test_options_switched_between_warm_starts():
    mlp = MLPRegressor(warm_start=True, **FAST).fit(X, Y)
    assert not hasattr(mlp, "norm_gains_")
    mlp.set_params(layer_norm=True).fit(X, Y)
    assert [gain is None for gain in mlp.norm_gains_] == [False, False, False, True]
    mlp.set_params(layer_norm=False).fit(X, Y)
    assert not hasattr(mlp, "norm_gains_")


def test_lbfgs_with_vectors():
    options = {"layer_norm": True, "residual": True, "activation": "prelu"}
    mlp = MLPRegressor(
        hidden_layer_sizes=(6, 6), solver="lbfgs", max_iter=200, random_state=0, **options
    ).fit(X, Y)
    assert mlp.score(X, Y) > 0.9
    assert np.abs(mlp.norm_gains_[0] - 1).max() > 1e-3


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"dropout": 1.0}, "'dropout' parameter of MLPRegressor must be"),
        ({"dropout": [0.5]}, "dropout is a list of 1 for 3 hidden layers"),
        ({"layer_norm": [True]}, "layer_norm is a list of 1 for 3 hidden layers"),
        (
            {"residual": [True, False, False]},
            r"residual\[0\] is True, but that layer has 4 inputs and 6 outputs",
        ),
        ({"initializer": "he_norm"}, r"'initializer' parameter .* Did you mean 'he_"),
        ({"activation": ["relu"]}, "activation is a list of 1 for 3 hidden layers"),
        ({"activation": ["relu", "tanh", "swish"]}, r"activation has 'swish'.* Did you mean 'silu'\?"),
        ({"solver": "lbfgs", "dropout": 0.5}, "dropout=0.5 does not go with solver='lbfgs'"),
    ],
)
def test_what_cannot_be(parameters, message):
    with pytest.raises(ValueError, match=message):
        MLPRegressor(**FAST | parameters).fit(X, Y)
