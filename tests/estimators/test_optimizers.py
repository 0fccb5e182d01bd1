"""Solvers beside scikit-learn's, schedules, bounds of gradients: as `Network.train` has them."""

import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_digits

import chainrule
from chainrule import MLPClassifier, MLPRegressor, Network
from chainrule.optimizers import OPTIMIZERS, SGD, Adam, AdamW, Lion, RMSprop
from chainrule.training.schedules import SCHEDULES, CosineSchedule, PlateauSchedule

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(50, 4))
Y = np.stack([X[:, 0] * X[:, 1], np.sin(X[:, 2])], axis=1)
FAST = {
    "hidden_layer_sizes": (6, 5),
    "activation": "tanh",
    "max_iter": 7,
    "random_state": 0,
    "shuffle": False,
}
NEW = sorted(set(OPTIMIZERS) - {"sgd", "adam"})


def network_like(mlp):
    """A `Network` with the first parameters of an estimator: those of no training at all."""
    first = clone(mlp).set_params(solver=SGD(1e-300), schedule=None, max_iter=1, callbacks=None).fit(X, Y)
    net = Network([4, 6, 5, 2], activation="tanh")
    net.weights, net.biases = first.coefs_, [-b for b in first.intercepts_]
    return net


def same_training(mlp, optimizer, batch_size=50, **settings):
    net = network_like(mlp)
    history = net.train(X, Y, optimizer=optimizer, epochs=7, batch_size=batch_size, shuffle=False, **settings)
    mlp.fit(X, Y)
    for W, coef in zip(net.weights, mlp.coefs_, strict=True):
        assert_allclose(W, coef, rtol=1e-10, atol=1e-13)
    for b, intercept in zip(net.biases, mlp.intercepts_, strict=True):
        assert_allclose(-b, intercept, rtol=1e-10, atol=1e-13)
    return history


@pytest.mark.parametrize("name", NEW)
def test_named_solvers_are_the_networks_optimizers(name):
    mlp = MLPRegressor(solver=name, alpha=0.0, learning_rate_init=0.02, **FAST)
    decay = {"weight_decay": 0.0} if name in ("adamw", "lion") else {}
    shared = {key: value for key, value in {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-8}.items()
              if hasattr(OPTIMIZERS[name](), key)}  # fmt: skip
    same_training(mlp, OPTIMIZERS[name](learning_rate=0.02, **shared, **decay))


@pytest.mark.parametrize(
    "optimizer",
    [SGD(0.1, momentum=0.5, l2=0.1), Adam(amsgrad=True), AdamW(0.01, weight_decay=0.3), Lion(max_norm=0.5),
     RMSprop(momentum=0.5, centered=True), SGD(0.1, l1=0.01, clip_norm=0.1), SGD(0.5, clip_value=0.01)],
    ids=repr,
)  # fmt: skip
def test_an_instance_brings_all_of_its_settings(optimizer):
    same_training(
        MLPRegressor(solver=optimizer, batch_size=20, alpha=7.0, momentum=0.1, **FAST), optimizer, 20
    )


@pytest.mark.parametrize("solver", ["adamw", "lion"])
def test_alpha_is_the_decoupled_decay(solver):
    mlp = MLPRegressor(solver=solver, alpha=0.3, **FAST)
    same_training(mlp, OPTIMIZERS[solver](0.001, 0.9, 0.999, weight_decay=0.3))


@pytest.mark.parametrize("solver", ["sgd", "adam", "rmsprop", "nadam"])
@pytest.mark.parametrize(
    "setting", [{"l1": 0.5}, {"clip_norm": 0.05}, {"clip_value": 0.01}, {"max_norm": 0.4}]
)
def test_penalties_and_bounds(solver, setting):
    mlp = MLPRegressor(solver=solver, alpha=0.0, **setting, **FAST)
    own = {"sgd": {"momentum": 0.9, "nesterov": True}, "rmsprop": {}}.get(
        solver, {"beta_1": 0.9, "beta_2": 0.999}
    )
    in_network = (
        {"l1": 0.5 / 50} if "l1" in setting else setting
    )  # here it is divided by the rows, like alpha
    same_training(mlp, OPTIMIZERS[solver](learning_rate=0.001, **own, **in_network))
    plain = clone(mlp).set_params(l1=0.0, clip_norm=None, clip_value=None, max_norm=None).fit(X, Y)
    if (solver, *setting) not in [("adam", "clip_norm"), ("nadam", "clip_norm"), ("rmsprop", "clip_norm")]:
        assert np.abs(plain.coefs_[0] - mlp.coefs_[0]).max() > 1e-6


@pytest.mark.parametrize(
    "schedule", [*SCHEDULES, CosineSchedule(warmup=0.5, final=0.1), lambda part: 1 - part / 2]
)
@pytest.mark.parametrize("solver", ["sgd", "adam", "adamw"])
def test_schedules(schedule, solver):
    rates = []
    mlp = MLPRegressor(
        solver=solver, alpha=0.0, schedule=schedule, batch_size=20, momentum=0, nesterovs_momentum=False,
        learning_rate_init=0.05, callbacks=lambda record: rates.append(record.learning_rate), **FAST,
    )  # fmt: skip
    decay = {"weight_decay": 0.0} if solver == "adamw" else {}
    history = same_training(mlp, OPTIMIZERS[solver](0.05, **decay), 20, schedule=schedule)
    assert_allclose(rates, history.learning_rate)


def test_plateau_watches_the_rows_that_are_watched():
    rates = []
    mlp = MLPRegressor(
        schedule=PlateauSchedule(0.5, patience=0), learning_rate_init=0.1,
        callbacks=lambda record: rates.append(record.learning_rate), **FAST | {"max_iter": 40},
    ).fit(X, Y, X_val=X[::-1] + 1, y_val=Y)  # fmt: skip
    plateau = PlateauSchedule(0.5, patience=0).start()
    for rate, loss in zip(rates, mlp.validation_loss_curve_, strict=True):
        assert rate == 0.1 * plateau.factor
        plateau.observe(loss)
    assert plateau.factor < 1


@pytest.mark.parametrize("schedule", ["cosine", "plateau"])
def test_partial_fit_goes_along_the_schedule(schedule):
    whole = MLPRegressor(schedule=schedule, batch_size=20, **FAST).fit(X, Y)
    step = MLPRegressor(schedule=schedule, batch_size=20, **FAST)
    for k in range(7):
        step.partial_fit(X, Y)
        if k == 3:
            step = pickle.loads(pickle.dumps(step))
    assert_array_equal(step.coefs_[0], whole.coefs_[0])


def test_rprop_takes_all_rows_at_once():
    mlp = MLPRegressor(solver="rprop", learning_rate_init=0.01, random_state=0, max_iter=60)
    x = RNG.normal(size=(500, 4))
    assert mlp.fit(x, x[:, 0])._optimizer.n_steps == mlp.n_iter_
    assert mlp.score(x, x[:, 0]) > 0.9


def test_learning_rate_factors_freeze_layers():
    mlp = MLPRegressor(learning_rate_factors=[0, 1, 0.1], **FAST)
    before = clone(mlp).set_params(solver=SGD(1e-300), max_iter=1).fit(X, Y)
    mlp.fit(X, Y)
    assert_array_equal(mlp.coefs_[0], before.coefs_[0])
    assert np.abs(mlp.coefs_[1] - before.coefs_[1]).max() > 1e-4


@pytest.mark.parametrize(
    "parameters",
    [
        {"solver": "rprop"},
        {"solver": "adamw", "schedule": "onecycle", "clip_norm": 1.0},
        {"solver": RMSprop(0.01, momentum=0.5), "schedule": PlateauSchedule(0.5, patience=1)},
        {"solver": "nadam", "l1": 0.1, "max_norm": 2.0, "learning_rate_factors": [1, 0.5, 1]},
        {"solver": Adam(amsgrad=True), "schedule": "step"},
    ],
    ids=str,
)
def test_checkpoints_saving_and_cloning(parameters, tmp_path):
    class Killed(BaseException):
        pass

    def kill(record):
        if record.epoch == 5:
            raise Killed

    mlp = MLPClassifier(**FAST | {"shuffle": True, "batch_size": 20} | parameters)
    assert clone(mlp).get_params() == mlp.get_params()
    y = (Y[:, 0] > 0) + (Y[:, 1] > 0)
    whole = clone(mlp).fit(X, y)
    with pytest.raises(Killed):
        clone(mlp).set_params(checkpoint=tmp_path / "run", callbacks=kill).fit(X, y)
    resumed = clone(mlp).set_params(checkpoint=tmp_path / "run").fit(X, y, resume=True)
    assert_array_equal(resumed.coefs_[0], whole.coefs_[0])
    assert resumed.loss_curve_ == whole.loss_curve_
    whole.save(tmp_path / "mlp.safetensors")
    other = chainrule.load(tmp_path / "mlp.safetensors")
    assert other.get_params() == whole.get_params()
    for going_on in (whole, other):
        going_on.partial_fit(X, y)
    assert_array_equal(other.coefs_[0], whole.coefs_[0])


def test_with_a_schedule_the_number_of_epochs_must_stay(tmp_path):
    mlp = MLPRegressor(schedule="cosine", checkpoint=tmp_path / "run", **FAST).fit(X, Y)
    with pytest.raises(ValueError, match=r"belongs to a fit with max_iter=7 \(now 9\)"):
        mlp.set_params(max_iter=9).fit(X, Y, resume=True)


def test_a_function_is_not_saved(tmp_path):
    mlp = MLPRegressor(schedule=lambda part: 1.0, **FAST).fit(X, Y)
    mlp.save(tmp_path / "mlp.safetensors")
    other = chainrule.load(tmp_path / "mlp.safetensors")
    assert other.schedule is None
    assert_array_equal(other.predict(X), mlp.predict(X))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"solver": "adamm"}, r"'solver' parameter .* Did you mean 'adam"),
        ({"schedule": "cosin"}, r"'schedule' parameter .* Did you mean 'cosine'\?"),
        ({"precision": "bf"}, r"'precision' parameter .* Did you mean 'bf16'\?"),
        ({"clip_norm": 0}, "'clip_norm' parameter"),
        ({"l1": -1}, "'l1' parameter"),
        ({"learning_rate_factors": [1, -1]}, "a number of learning_rate_factors is -1"),
        ({"solver": "lbfgs", "l1": 0.5}, r"l1=0.5 does not go with solver='lbfgs'.*use one of: sgd, adam"),
        ({"solver": "lbfgs", "schedule": "step"}, "schedule='step' does not go with solver='lbfgs'"),
        ({"solver": "rprop", "schedule": "step"}, "does not go with 'rprop', which finds its own steps"),
        ({"solver": "sgd", "learning_rate": "adaptive", "schedule": "step"}, "would both change the"),
    ],
)  # fmt: skip
def test_what_cannot_be(parameters, message):
    with pytest.raises(ValueError, match=message):
        MLPRegressor(**parameters).fit(X, Y)


def test_bf16_needs_float32():
    with pytest.raises(ValueError, match="float32"):
        MLPRegressor(precision="bf16", **FAST).fit(X, Y)


def bf16_works():
    x = X.astype(np.float32)
    try:
        MLPRegressor("squared_error", (2,), precision="bf16", max_iter=1).fit(x, x[:, 0])
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("solver", ["sgd", "adam", "adamw"])
def test_bf16_trains_to_the_same_quality(solver):
    if not bf16_works():
        pytest.skip("this processor has no AVX512_BF16")
    x, y = load_digits(return_X_y=True)
    x = (x / 16).astype(np.float32)
    parameters = {"hidden_layer_sizes": (64,), "max_iter": 20, "random_state": 0, "solver": solver,
                  "learning_rate_init": 0.1 if solver == "sgd" else 0.003}  # fmt: skip
    full = MLPClassifier(**parameters).fit(x[:1400], y[:1400])
    half = MLPClassifier(precision="bf16", **parameters).fit(x[:1400], y[:1400])
    assert half.coefs_[0].dtype == np.float32
    assert np.abs(half.coefs_[0] - full.coefs_[0]).max() > 0
    assert half.score(x[1400:], y[1400:]) == pytest.approx(full.score(x[1400:], y[1400:]), abs=0.015)


def test_bf16_is_refused_where_the_processor_lacks_it():
    program = (
        "import numpy as np; from chainrule import MLPRegressor;"
        "x = np.zeros((4, 2), np.float32); MLPRegressor(precision='bf16').fit(x, x[:, 0])"
    )
    environment = os.environ | {"CHAINRULE_ISA": "baseline", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "ValueError" in done.stderr
    lacks = "a processor with AVX512_BF16"  # this one; else only the instruction set that is asked for
    assert f"precision 'bf16' needs {lacks}" in done.stderr or (
        "precision 'bf16' needs the instruction set 'avx512', but this network runs on" in done.stderr
    )
