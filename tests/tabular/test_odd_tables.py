"""Tables of odd sizes and values: a clear error, or a sensible model."""

import numpy as np
import pandas as pd
import pytest

from chainrule import TabularClassifier, TabularRegressor
from chainrule.io import TableError, TableModel

FAST = {"preset": "fast", "random_state": 0, "n_jobs": 1}


def r2(y, predictions):
    return 1 - np.mean((y - predictions) ** 2) / np.var(y)


def numbers(n=60, d=3):
    return np.random.default_rng(0).normal(size=(n, d))


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"a": [np.nan] * 40}, "'a' has no values"),
        ({"a": [3.5] * 40, "b": ["x"] * 40}, "'a' has one value only; 'b' has one value only"),
        ({"a": [f"name {k}" for k in range(40)]}, "'a' has 40 different texts in 40 rows, like a name"),
        ({}, "no column to predict from"),
        ({"a": [1.0, np.inf] * 20}, "'a' has 20 infinite values, the first in row 2"),
    ],
    ids=["missing", "constant", "names", "none", "infinite"],
)
def test_a_table_of_no_use_says_why(columns, said):
    y = np.arange(40.0)
    with pytest.raises(TableError, match=said):
        TableModel.fit({**columns, "y": y}, "y", preset="fast")


@pytest.mark.parametrize("n", [2, 3, 9, 10, 11, 50])
def test_few_rows(n):
    X = numbers(n)
    table = {"a": X[:, 0], "b": np.where(X[:, 1] > 0, "up", "down"), "y": X[:, 0]}
    predictions = TableModel.fit(table, "y", preset="fast").predict(table)
    assert np.isfinite(predictions).all()
    if n == 50:
        assert r2(table["y"], predictions) > 0.5


@pytest.mark.parametrize("preset", ["fast", "default"])
def test_one_number_to_predict(preset):
    X = numbers()
    model = TabularRegressor(preset, random_state=0, n_jobs=1, time_budget=1.0).fit(X, np.full(60, -3.25))
    assert (model.predict(X) == -3.25).all()
    several = np.stack([X[:, 0], np.full(60, 2.0)], axis=1)
    assert (TabularRegressor(**FAST).fit(X, several).predict(X)[:, 1] == 2).all()


def test_one_class_is_an_error():
    X = numbers()
    with pytest.raises(ValueError, match="y has one class only, 'a'; expected rows of at least two classes"):
        TabularClassifier(**FAST).fit(X, np.full(60, "a"))
    with pytest.raises(TableError, match=r"has one value only|one class"):
        TableModel.fit({"x": X[:, 0], "y": ["a"] * 60}, "y", preset="fast")


def test_a_class_of_one_row():
    X = numbers()
    y = np.array(["rare"] + ["a", "b"] * 29 + ["a"])
    for settings in ({"preset": "fast"}, {"n_members": 2, "n_folds": 3}):
        model = TabularClassifier(random_state=0, n_jobs=1, **settings).fit(X, y)
        assert list(model.classes_) == ["a", "b", "rare"]
        assert (model.predict_proba(X) > 0).all()


def test_columns_with_missing_infinite_and_huge_values_are_used():
    X = numbers(200)
    y = X[:, 0].copy()
    X[::3, 1], X[1::3, 2], X[2::3, 2] = np.nan, np.inf, -1e308
    X = np.column_stack([X, np.full(200, np.nan), np.full(200, 5.0), np.where(X[:, 0] > 0, np.nan, 1.0)])
    model = TabularRegressor(**FAST).fit(X, y)
    assert set(model.preparation_.left_out) == {"3", "4"}
    assert r2(y, model.predict(X)) > 0.8
    strange = np.array([[np.nan] * 6, [np.inf] * 6, [-1e300] * 6])
    assert np.isfinite(model.predict(strange)).all()


def test_categories_that_training_did_not_have():
    X = pd.DataFrame({"a": ["x", "y", "z", None] * 30, "b": [f"w{k % 60}" for k in range(120)]})
    y = (X["a"] == "x").to_numpy(dtype=float)
    model = TabularRegressor(**FAST).fit(X, y)
    assert r2(y, model.predict(X)) > 0.8
    unseen = pd.DataFrame({"a": ["new", None, ""], "b": ["new", "w1", None]})
    assert np.isfinite(model.predict(unseen)).all()


def test_more_columns_than_rows():
    X = numbers(40, 200)
    model = TabularClassifier(**FAST, time_budget=2.0).fit(X, X[:, 0] > 0)
    assert model.predict(X).shape == (40,)


@pytest.mark.slow
def test_two_thousand_columns():
    X = numbers(500, 2000)
    X[:, 0] *= 20
    model = TabularClassifier(**FAST).fit(X, X[:, 0] > 0)
    assert model.predict(X).shape == (500,)


@pytest.mark.slow
def test_a_million_rows():
    X = numbers(1_000_000, 6).astype(np.float32)
    y = X[:, 0] * X[:, 1]
    model = TabularRegressor(time_budget=20.0, random_state=0).fit(X, y)
    assert r2(y[:10_000], model.predict(X[:10_000])) > 0.9
