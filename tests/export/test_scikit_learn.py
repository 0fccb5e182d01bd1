"""`from_sklearn` and `to_sklearn`: the same estimator on the other side."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import neural_network
from sklearn.linear_model import LinearRegression

import chainrule
from chainrule import MLPClassifier, MLPRegressor
from chainrule.export import to_sklearn

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
X = np.random.default_rng(0).normal(size=(80, 4))
TARGETS: dict[str, Any] = {
    "binary": np.where(X[:, 0] > 0, "yes", "no"),
    "classes": np.digitize(X[:, 0], [-0.5, 0.5]) * 10,
    "multilabel": (X[:, :3] > 0).astype(int),
    "number": X[:, 0] * X[:, 1],
    "numbers": X[:, :2] ** 2,
}
SETTINGS: dict[str, Any] = {
    "hidden_layer_sizes": (7, 5),
    "activation": "logistic",
    "max_iter": 15,
    "random_state": 0,
}


def pair(target: str) -> tuple[type, type]:
    if target.startswith("number"):
        return neural_network.MLPRegressor, MLPRegressor
    return neural_network.MLPClassifier, MLPClassifier


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("target", TARGETS)
def test_from_sklearn(target: str, dtype: Any) -> None:
    theirs, ours_type = pair(target)
    x, y = X.astype(dtype), TARGETS[target]
    fitted = theirs(**SETTINGS, alpha=0.01).fit(x, y)
    ours = chainrule.from_sklearn(fitted)
    assert type(ours) is ours_type
    assert ours.alpha == 0.01
    assert ours.n_iter_ == fitted.n_iter_
    assert ours.loss_curve_ == fitted.loss_curve_
    if hasattr(fitted, "classes_"):
        assert_array_equal(ours.predict(x), fitted.predict(x))
        assert_allclose(ours.predict_proba(x), fitted.predict_proba(x), rtol=1e-5, atol=1e-7)
    else:
        assert_allclose(ours.predict(x), fitted.predict(x), rtol=1e-4, atol=1e-6)
    before = ours.coefs_[0].copy()
    ours.partial_fit(x, y)
    assert (ours.coefs_[0] != before).any()
    assert_array_equal(fitted.coefs_[0], before)  # nothing is shared


@pytest.mark.parametrize("target", TARGETS)
def test_to_sklearn(target: str) -> None:
    theirs_type, ours_type = pair(target)
    fitted = ours_type(**SETTINGS).fit(X, TARGETS[target])
    theirs = to_sklearn(fitted)
    assert type(theirs) is theirs_type
    if hasattr(theirs, "classes_"):
        assert_allclose(theirs.predict_proba(X), fitted.predict_proba(X), rtol=1e-10)
        assert_array_equal(theirs.predict(X), fitted.predict(X))
    else:
        assert_allclose(theirs.predict(X), fitted.predict(X), rtol=1e-10)
    assert_allclose(theirs.score(X, TARGETS[target]), fitted.score(X, TARGETS[target]), rtol=1e-9)


def test_names_of_features_and_unfitted() -> None:
    frame = pd.DataFrame(X, columns=list("abcd"))
    ours = chainrule.from_sklearn(neural_network.MLPRegressor(**SETTINGS).fit(frame, X[:, 0]))
    assert ours.feature_names_in_.tolist() == list("abcd")
    assert ours.predict(frame).shape == (80,)
    assert not hasattr(chainrule.from_sklearn(neural_network.MLPClassifier(solver="sgd")), "coefs_")
    assert chainrule.from_sklearn(neural_network.MLPClassifier(solver="sgd")).solver == "sgd"
    assert to_sklearn(MLPClassifier(power_t=0.25)).power_t == 0.25


def test_refused() -> None:
    with pytest.raises(TypeError, match="MLPClassifier or MLPRegressor, not a LinearRegression"):
        chainrule.from_sklearn(LinearRegression())
    with pytest.raises(
        TypeError, match="to_sklearn takes an MLPClassifier or MLPRegressor, not a LinearRegression"
    ):
        to_sklearn(LinearRegression())
    with pytest.raises(ValueError, match="'activation' parameter of MLPClassifier must be a str among"):
        to_sklearn(MLPClassifier(activation="gelu"))
    with pytest.raises(ValueError, match="scikit-learn's MLPRegressor has no scale_targets=True"):
        to_sklearn(MLPRegressor(scale_targets=True))
