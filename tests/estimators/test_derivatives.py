"""Derivatives of what estimators predict: against complex step through their own parameters."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_matrix

from chainrule import MLPClassifier, MLPRegressor, reference
from chainrule.reference.complex_step import complex_step

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4))
SETTINGS: dict[str, Any] = {
    "hidden_layer_sizes": (7, 5),
    "activation": "tanh",
    "max_iter": 20,
    "random_state": 0,
}


def classifier(y: np.ndarray) -> MLPClassifier:
    return MLPClassifier(**SETTINGS, solver="lbfgs", alpha=0.1).fit(X, y)


def regressor(y: np.ndarray, **settings: Any) -> MLPRegressor:
    return MLPRegressor(**SETTINGS, solver="lbfgs", **settings).fit(X, y)


def columns(mlp: Any, x: np.ndarray) -> np.ndarray:
    """`predict_proba`'s or `predict`'s columns for one row, of complex numbers too."""
    hidden = "sigmoid" if mlp.activation == "logistic" else mlp.activation
    output = {"logistic": "sigmoid"}.get(mlp.out_activation_, mlp.out_activation_)
    activations = [hidden] * (len(mlp.coefs_) - 1) + [output]
    y = reference.predict(mlp.coefs_, [-b for b in mlp.intercepts_], x, activations)
    return np.stack([1 - y[0], y[0]]) if hasattr(mlp, "predict_proba") and len(y) == 1 else y


BINARY = np.where(X[:, 0] > 0, "yes", "no")
THREE = np.array(["a", "b", "c"])[np.digitize(X[:, 0] + X[:, 1], [-0.7, 0.7])]
MULTILABEL = (X[:, :3] > 0).astype(int)
MODELS = {
    "binary": lambda: classifier(BINARY),
    "three classes": lambda: classifier(THREE),
    "multilabel": lambda: classifier(MULTILABEL),
    "one number": lambda: regressor(X[:, 0] * X[:, 1]),
    "two numbers": lambda: regressor(X[:, :2] ** 2),
    "counts": lambda: regressor(np.round(np.exp(X[:, 0])), loss="poisson"),
}


@pytest.mark.parametrize("name", MODELS)
def test_jacobian_by_complex_step(name: str) -> None:
    mlp = MODELS[name]()
    jacobian = mlp.jacobian(X[:5])
    n_columns = len(columns(mlp, X[0]))
    assert jacobian.shape == (5, n_columns, 4)
    for i in range(5):
        for j in range(n_columns):
            (expected,) = complex_step(lambda x, j=j: columns(mlp, x)[j], [X[i]])
            assert_allclose(jacobian[i, j], expected, rtol=1e-10)


@pytest.mark.parametrize("name", ["binary", "three classes"])
def test_input_gradients_are_of_the_predicted_class(name: str) -> None:
    mlp = MODELS[name]()
    predicted = np.searchsorted(mlp.classes_, mlp.predict(X))
    assert len(set(predicted)) == len(mlp.classes_)
    expected = mlp.jacobian(X)[np.arange(60), predicted]
    assert_allclose(mlp.input_gradients(X), expected, rtol=1e-10, atol=1e-300)
    assert np.abs(expected).max() > 1e-3


@pytest.mark.parametrize("name", ["one number", "counts"])
def test_input_gradients_are_of_the_predicted_number(name: str) -> None:
    mlp = MODELS[name]()
    assert_array_equal(mlp.input_gradients(X), mlp.jacobian(X)[:, 0])
    assert np.abs(mlp.input_gradients(X)).max() > 1e-3


def test_a_single_class_has_probability_1_minus_output() -> None:
    mlp = MLPClassifier((3,), max_iter=1, random_state=0)
    mlp.fit(X, np.zeros(60, int))
    assert_array_equal(mlp.input_gradients(X), mlp.jacobian(X)[:, 0])


@pytest.mark.parametrize("name", MODELS)
def test_per_sample_gradients_average_to_the_followed_gradient(name: str) -> None:
    mlp = MODELS[name]()
    y = {"binary": BINARY, "three classes": THREE, "multilabel": MULTILABEL, "two numbers": X[:, :2]}.get(
        name, np.abs(X[:, 0])
    )
    each, norms = mlp.per_sample_gradients(X, y), mlp.per_sample_gradient_norms(X, y)
    arrays = [*each.weights, *each.biases]
    assert [a.shape[1:] for a in arrays] == [a.shape for a in [*mlp.coefs_, *mlp.intercepts_]]
    squares = sum((a.reshape(60, -1) ** 2).sum(axis=1) for a in arrays)
    assert_allclose(norms, np.sqrt(squares), rtol=1e-12)
    targets = mlp._labels.encode(y) if hasattr(mlp, "classes_") else y.reshape(60, -1)
    flat = np.empty_like(mlp._bound.flat)
    mlp._bound.model.gradients(mlp._bound.dataset(X, targets), flat)
    mean = np.concatenate([a.mean(axis=0).ravel() for a in arrays])
    assert_allclose(mean, flat, rtol=1e-9, atol=1e-14 * np.abs(flat).max())


def test_some_of_the_classes_will_do() -> None:
    mlp = MODELS["three classes"]().set_params(warm_start=True)
    one = THREE == "b"
    expected = mlp.per_sample_gradient_norms(X, THREE)[one]
    assert_array_equal(mlp.per_sample_gradient_norms(X[one], THREE[one]), expected)
    with pytest.raises(
        ValueError, match=r"classes that fit did not see: \['d'\]; expected some of \['a' 'b' 'c'\]"
    ):
        mlp.per_sample_gradient_norms(X[:2], ["a", "d"])


def test_rows_with_several_predictions_are_refused() -> None:
    with pytest.raises(ValueError, match=r"a multilabel classifier predicts a set of them; jacobian\(X\)"):
        MODELS["multilabel"]().input_gradients(X)
    with pytest.raises(ValueError, match=r"MLPRegressor predicts 2; jacobian\(X\)"):
        MODELS["two numbers"]().input_gradients(X)


def test_sparse_rows_float32_and_arrays_put_in_place() -> None:
    mlp = MODELS["three classes"]()
    rows = np.where(X > 0.5, X, 0)
    assert_array_equal(mlp.jacobian(csr_matrix(rows)), mlp.jacobian(rows))
    mlp.coefs_ = [W.astype(np.float32) for W in mlp.coefs_]
    mlp.intercepts_ = [b.astype(np.float32) for b in mlp.intercepts_]
    single = mlp.input_gradients(rows)
    assert single.dtype == np.float32
    assert_allclose(single, MODELS["three classes"]().input_gradients(rows), atol=1e-5)


def test_not_fitted_and_wrong_width() -> None:
    from sklearn.exceptions import NotFittedError

    with pytest.raises(NotFittedError):
        MLPClassifier().jacobian(X)
    with pytest.raises(ValueError, match="X has 3 features, but MLPRegressor is expecting 4"):
        MODELS["one number"]().jacobian(X[:, :3])


def test_scaled_targets_have_derivatives_in_their_own_units() -> None:
    y = np.stack([X[:, 0] * X[:, 1], X[:, 2] ** 2], axis=1)
    shift, factor = np.array([1e3, -5.0]), np.array([200.0, 0.01])
    plain, scaled = (
        regressor((y - y.mean(axis=0)) / y.std(axis=0)),
        regressor(shift + factor * y, scale_targets=True),
    )
    assert_allclose(
        scaled.jacobian(X), plain.jacobian(X) * (factor * y.std(axis=0))[:, None], rtol=1e-4, atol=1e-8
    )
    one = regressor(shift[0] + factor[0] * y[:, 0], scale_targets=True)
    assert_allclose(one.input_gradients(X), one.jacobian(X)[:, 0], rtol=1e-12)
    norms = scaled.per_sample_gradient_norms(X, shift + factor * y)
    standardized = (y - y.mean(axis=0)) / y.std(axis=0)
    assert_allclose(norms, plain.per_sample_gradient_norms(X, standardized), rtol=1e-3)


def test_every_kind_of_layer() -> None:
    """Central differences of predict, exact to their own rounding: fourth order, step 1e-3."""
    reg = MLPRegressor(
        hidden_layer_sizes=(4, 6, 6),
        activation=["silu", "tanh", "gelu"],
        layer_norm=True,
        residual=True,
        dropout=0.1,
        max_iter=20,
        random_state=0,
    ).fit(X, X[:, :2])
    jacobian, h = reg.jacobian(X), 1e-3
    for f in range(4):
        step = np.zeros(4)
        step[f] = h
        near, far = (reg.predict(X + k * step) - reg.predict(X - k * step) for k in (1, 2))
        assert_allclose(jacobian[:, :, f], (8 * near - far) / (12 * h), rtol=1e-7, atol=1e-9)
    each, norms = reg.per_sample_gradients(X, X[:, :2]), reg.per_sample_gradient_norms(X, X[:, :2])
    arrays = [a for arrays in each for a in arrays if a is not None]
    assert len(arrays) == 4 + 4 + 3 + 3
    assert_allclose(norms, np.sqrt(sum((a.reshape(60, -1) ** 2).sum(axis=1) for a in arrays)), rtol=1e-12)
