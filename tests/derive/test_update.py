"""The first update of every optimizer is the engine's."""

import numpy as np
import pytest

import chainrule
from chainrule import optimizers
from chainrule.derive import update

from .networks import make, relative_difference
from .test_layers import make_layered

SETTINGS = [
    optimizers.SGD(0.1),
    optimizers.SGD(0.1, momentum=0.9),
    optimizers.SGD(0.1, momentum=0.9, nesterov=True),
    optimizers.Adam(0.1),
    optimizers.Adam(0.1, amsgrad=True, l2=0.2),
    optimizers.AdamW(0.1, weight_decay=0.3),
    optimizers.AdamW(0.1, amsgrad=True),
    optimizers.RMSprop(0.1),
    optimizers.RMSprop(0.1, momentum=0.5, centered=True),
    optimizers.Adagrad(0.1, initial_accumulator=0.5),
    optimizers.Nadam(0.1),
    optimizers.Lion(0.1, weight_decay=0.2),
    optimizers.Rprop(0.1),
    optimizers.SGD(0.1, l1=0.1, l2=0.2),
    optimizers.SGD(0.1, clip_value=0.05),
    optimizers.SGD(0.1, clip_norm=0.1),
    optimizers.SGD(0.1, max_norm=0.4),
    optimizers.Adam(0.1, l2=0.1, l1=0.01, clip_value=0.2, clip_norm=0.1, max_norm=0.5),
]


@pytest.mark.parametrize("bias_sign", ["-", "+"])
@pytest.mark.parametrize("optimizer", SETTINGS, ids=repr)
def test_every_optimizer(optimizer, bias_sign):
    for n_rows in (1, 4):
        net, x, y = make([3, 4, 2], n_rows, activation="tanh")
        derivation = chainrule.derive(net, x, y, optimizer=optimizer, bias_sign=bias_sign)
        report = derivation.verify()
        before = [array.copy() for array in (*net.weights, *net.biases)]
        net.train(x, y, optimizer=optimizer, epochs=1, batch_size=None, shuffle=False)
        sign = 1 if bias_sign == "-" else -1
        for k in (1, 2):
            key = f"update.bounded.W.{k}" if optimizer.max_norm else f"update.W.{k}"
            assert relative_difference(derivation.value(key), net.weights[k - 1]) < 1e-12
            assert relative_difference(sign * derivation.value(f"update.b.{k}")[0], net.biases[k - 1]) < 1e-12
            assert next(step for step in report.steps if step.key == key).engine is not None
        assert all(np.any(now != old) for now, old in zip((*net.weights, *net.biases), before, strict=True))
        derivation.to_text(language="zh")
        derivation.to_dict()


def test_every_registered_optimizer_is_written():
    assert set(update.ENTRIES) >= set(optimizers.OPTIMIZERS)
    assert {optimizer.name for optimizer in SETTINGS} >= set(optimizers.OPTIMIZERS)


def test_a_wrong_formula_is_caught(monkeypatch):
    def without_bias_correction(s):
        m, v = update._means(s)
        return s.theta - s.eta * (m / (update.call("sqrt", v) + s.epsilon))

    monkeypatch.setitem(update.ENTRIES, "adam", update.Entry(without_bias_correction))
    derivation = chainrule.derive(*make([3, 2]), optimizer=optimizers.Adam(0.1))
    report = derivation.verify(raise_on_failure=False)
    assert [step.key for step in report.steps if "engine" in step.failed] == ["update.W.1", "update.b.1"]


def test_default_is_gradient_descent():
    net, x, y = make([3, 2], 1)
    derivation = chainrule.derive(net, x, y)
    expected = net.weights[0] - 0.1 * net.gradients(x, y).weights[0]
    np.testing.assert_allclose(derivation.value("update.W.1"), expected, rtol=1e-14)
    assert derivation.step("update.W.1").assignment


@pytest.mark.filterwarnings("ignore:.*(reached|failed to converge)")
def test_estimators_bring_their_solver():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(20, 3)), rng.normal(size=20)
    settings = {"max_iter": 1, "random_state": 0, "momentum": 0.8, "alpha": 0.5, "hidden_layer_sizes": (4,)}
    wanted = {
        "adam": "m.new.W.1",
        "sgd": "v.new.W.1",
        "adamw": "m.new.W.1",
        "rmsprop": "v.new.W.1",
        "lbfgs": "W.1",
    }
    for solver, key in wanted.items():
        model = chainrule.MLPRegressor(solver=solver, **settings).fit(X, y)
        derivation = chainrule.derive(model, X[:5], y[:5])
        assert derivation.step(f"update.{key}")
        penalized = "update.penalized.W.1" in [step.key for step in derivation]
        assert penalized == (solver not in ("lbfgs", "adamw"))
        assert derivation.verify()


@pytest.mark.filterwarnings("ignore:.*(reached|failed to converge)")
@pytest.mark.parametrize("solver", ["sgd", "adam", "adamw", "rmsprop", "nadam"])
def test_an_estimators_update_is_its_own(solver):
    """One epoch of one batch: partial_fit, which has scikit-learn's place for the penalty."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(6, 3)), rng.normal(size=6)
    settings = {
        "random_state": 0,
        "alpha": 0.5,
        "hidden_layer_sizes": (4,),
        "shuffle": False,
        "batch_size": 6,
    }
    model = chainrule.MLPRegressor(solver=solver, max_iter=1, **settings)
    model.fit(X, y)
    model._optimizer = None  # the update that is derived is the first
    derivation = chainrule.derive(model, X, y)
    model.partial_fit(X, y)
    for k in (1, 2):
        assert relative_difference(derivation.value(f"update.W.{k}"), model.coefs_[k - 1]) < 1e-12
        assert relative_difference(-derivation.value(f"update.b.{k}")[0], model.intercepts_[k - 1]) < 1e-12


def test_learned_vectors_are_updated_too():
    net, x, y, _ = make_layered(True, False, False, "prelu", 3)
    derivation = chainrule.derive(net, x, y)
    for kind in ("gain", "shift", "slope"):
        gradient = derivation.value(f"batch.d{kind}.1")
        change = derivation.value(f"update.{kind}.1") - derivation.value(f"{kind}.1")
        np.testing.assert_allclose(change, -0.1 * gradient, rtol=1e-10)
