"""Estimators as arrays and JSON, and back."""

import json

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import chainrule
from chainrule.estimators import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3))
INDEX = np.arange(40) % 3
TARGETS = {
    "text": np.array(["no", "yes", "who knows"])[INDEX],
    "text objects": np.array(["a", "bb", "ccc"], dtype=object)[INDEX],
    "whole numbers": INDEX - 5,
    "decimals": INDEX * 1.0,
    "booleans": INDEX > 0,
    "several labels": np.stack([INDEX > 0, INDEX > 1], axis=1).astype(int),
    "one class": np.full(40, 7),
}


def through_json(mlp):
    tensors, settings = mlp._get_state()
    tensors = {name: values.copy() for name, values in tensors.items()}
    return type(mlp)._from_state(tensors, json.loads(json.dumps(settings, allow_nan=False)))


@pytest.mark.parametrize("labels", TARGETS)
def test_labels_of_every_kind(labels):
    y = TARGETS[labels]
    mlp = MLPClassifier((4,), max_iter=2, random_state=0).fit(X, y)
    other = through_json(mlp)
    assert other.classes_.dtype == mlp.classes_.dtype
    assert_array_equal(other.classes_, mlp.classes_)
    assert_array_equal(other.predict_proba(X), mlp.predict_proba(X))
    predicted = other.predict(X)
    assert predicted.dtype == mlp.predict(X).dtype
    assert_array_equal(predicted, mlp.predict(X))
    mlp.partial_fit(X, y)
    assert_array_equal(other.partial_fit(X, y).coefs_[0], mlp.coefs_[0])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "parameters",
    [
        {"solver": "adam", "early_stopping": True, "n_iter_no_change": np.inf},
        {"solver": "sgd", "learning_rate": "invscaling"},
        {"solver": "sgd", "learning_rate": "adaptive", "tol": 10, "n_iter_no_change": 1, "momentum": 0},
        {"solver": "lbfgs", "alpha": np.float64(0.1), "activation": "mish"},
        {"loss": "poisson", "hidden_layer_sizes": []},
    ],
)
def test_everything_is_kept(parameters, dtype):
    mlp = MLPRegressor(**{"hidden_layer_sizes": (4, 3), "max_iter": 6, "random_state": 0} | parameters)
    x, y = X.astype(dtype), np.abs(X[:, :2])
    other = through_json(mlp.fit(x, y))
    assert other.get_params() == mlp.get_params()
    fitted = {name for name in vars(mlp) if name.endswith("_")}
    assert {name for name in vars(other) if name.endswith("_")} == fitted
    for name in fitted - {"coefs_", "intercepts_"}:
        assert getattr(other, name) == getattr(mlp, name), name
    for a, b in zip(mlp.coefs_ + mlp.intercepts_, other.coefs_ + other.intercepts_, strict=True):
        assert a.dtype == b.dtype
        assert_array_equal(a, b)
    for going_on in (mlp, other):
        going_on.set_params(warm_start=True, early_stopping=False).fit(x, y)
        if going_on.solver != "lbfgs":
            going_on.partial_fit(x, y)
    assert_array_equal(other.predict(x), mlp.predict(x))


def test_column_names_and_random_states_are_kept():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=["a", "b", "c"])
    mlp = MLPRegressor(max_iter=2, random_state=np.random.RandomState(3)).fit(frame, X[:, 0])
    other = through_json(mlp)
    assert other.feature_names_in_.tolist() == ["a", "b", "c"]
    assert other.feature_names_in_.dtype == object
    assert_array_equal(mlp.fit(frame, X[:, 0]).coefs_[0], other.fit(frame, X[:, 0]).coefs_[0])


def test_an_unfitted_estimator_is_its_parameters():
    mlp = MLPClassifier((7, 8), alpha=0.5)
    other = through_json(mlp)
    assert other.get_params() == mlp.get_params()
    assert not hasattr(other, "coefs_")


@pytest.mark.parametrize("estimator", [MLPClassifier, MLPRegressor])
def test_files(estimator, tmp_path):
    mlp = estimator(max_iter=2, random_state=0).fit(X, INDEX)
    mlp.save(tmp_path / "mlp.safetensors")
    other = chainrule.load(tmp_path / "mlp.safetensors")
    assert type(other) is estimator
    assert_array_equal(other.predict(X), mlp.predict(X))


def test_what_json_cannot_hold_is_refused():
    mlp = MLPClassifier(max_iter=1, random_state=0).fit(X, INDEX)
    mlp.set_params(alpha=1 + 2j)
    with pytest.raises(TypeError, match=r"can hold numbers, text and None, not complex: \(1\+2j\)"):
        mlp._get_state()


def test_parts_that_do_not_fit_are_refused():
    tensors, settings = MLPRegressor(hidden_layer_sizes=(4,), max_iter=1).fit(X, INDEX)._get_state()
    with pytest.raises(ValueError, match="coefs_ and intercepts_ must have shapes"):
        MLPRegressor._from_state(tensors | {"coefs.1": np.ones((9, 1))}, settings)
    with pytest.raises(KeyError, match=r"intercepts\.0"):
        MLPRegressor._from_state({k: v for k, v in tensors.items() if k != "intercepts.0"}, settings)
    settings["fitted"]["n_features_in_"] = 5
    with pytest.raises(ValueError, match=r"layers of \[3, 4, 1\] neurons do not fit 5 features"):
        MLPRegressor._from_state(tensors, settings)


def test_a_file_sets_no_other_attributes():
    tensors, settings = MLPRegressor(hidden_layer_sizes=(4,), max_iter=1).fit(X, INDEX)._get_state()
    settings["fitted"]["predict"] = "something else"
    other = MLPRegressor._from_state(tensors, settings)
    assert other.predict(X).shape == (40,)
