"""A row alone has the inputs, to the bit, that it has in a table, whichever way it comes."""

import datetime

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chainrule import TabularClassifier, TabularRegressor
from chainrule.tables.errors import TableError
from chainrule.tabular.columns import read_columns

from .mixed_tables import mixed

FAST = {"preset": "fast", "random_state": 0, "n_jobs": 1}
DAYS = st.dates(datetime.date(1700, 1, 1), datetime.date(2200, 1, 1))
#: Values of each column of `mixed`, as they are and as they may be written.
VALUES = {
    "size": st.none() | st.floats(allow_nan=True) | st.integers(-5, 5).map(float),
    "color": st.none() | st.sampled_from(["red", "green", " red", "RED", "größe", "", "NA", "7"]),
    "street": st.none() | st.sampled_from([f"street {k}" for k in range(9)] + ["street 1 ", "NA", "?", ""]),
    "sold": st.none() | DAYS,
    "new": st.none() | st.booleans(),
    "rooms": st.none() | st.integers(-(2**62), 2**62) | st.integers(0, 5),
    "weight": st.none() | st.sampled_from(["0.5", "-1", "7", "1e3", "1E-2", " 0.25", "+3", "NA", "-", "1,5"]),
    "empty": st.none(),
    "constant": st.just(3.0),
}
TYPES = {
    "size": pa.float64(),
    "color": pa.string(),
    "street": pa.string(),
    "sold": pa.date32(),
    "new": pa.bool_(),
    "rooms": pa.int64(),
    "weight": pa.string(),
    "empty": pa.float64(),
    "constant": pa.float64(),
}
WAYS = {
    "pandas": lambda table: table.to_pandas(),
    "objects": lambda table: table.to_pandas().astype(object),
    "moments": lambda table: table.to_pandas().astype({"sold": "datetime64[us]"}),
    "nullable": lambda table: table.to_pandas(types_mapper=pd.ArrowDtype),
    "categories": lambda table: table.to_pandas().astype({"color": "category", "street": "category"}),
    "polars": lambda table: pl.from_arrow(table),
    "pyarrow": lambda table: table,
}


@pytest.fixture(scope="module")
def model():
    X, y = mixed(60)
    return TabularRegressor(**FAST).fit(X, y)


def whole(model, X):
    """Return the inputs by the way that tables of many rows take."""
    return model._inputs(model.preparation_.transform(read_columns(model, X, reset=False)))


def rows(X):
    return [X[k : k + 1] if not isinstance(X, pa.Table) else X.slice(k, 1) for k in range(len(X))]


@pytest.mark.parametrize("way", WAYS)
@given(table=st.lists(st.fixed_dictionaries(VALUES), min_size=2, max_size=4))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_row(model, way, table):
    X = WAYS[way](pa.table({name: pa.array([row[name] for row in table], TYPES[name]) for name in TYPES}))
    together = model.member_inputs(X)
    for k, row in enumerate(rows(X)):
        np.testing.assert_array_equal(model.member_inputs(row), whole(model, row))
        np.testing.assert_array_equal(model.member_inputs(row)[0], together[k])


@pytest.mark.parametrize("table", [True, False], ids=["fitted to objects", "fitted to text"])
def test_arrays_of_objects_and_text(table):
    rng = np.random.default_rng(0)
    X = np.array([[str(rng.integers(3)), str(rng.choice(["a", "b", "c"])), str(k % 2)] for k in range(60)])
    X = X.astype(object) if table else X
    model = TabularClassifier(**FAST).fit(X, rng.random(60) < 0.5)
    for row in (
        X[:1],
        np.array([[" 1", "new", None]], dtype=object),
        np.array([[1, "c", np.nan]], dtype=object),
    ):
        np.testing.assert_array_equal(model.member_inputs(row), whole(model, row))
    with pytest.raises(ValueError, match="2 features"):
        model.predict(X[:1, :2])


def test_every_width_of_categories():
    """One-hot, two as one column, more than are one-hot, and codes for an embedding, with statistics."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame({str(n): rng.integers(0, n, 600).astype(str) for n in (2, 5, 40, 70, 200)})
    X = "w" + X
    X["with missing"] = pd.Series(rng.choice(["a", "b"], 600)).where(rng.random(600) < 0.9)
    for recipe in (None, "realmlp-td-s"):
        model = TabularRegressor(**FAST, recipe=recipe, time_budget=0.2).fit(X, rng.random(600))
        unseen = X[:2].assign(**{"5": ["new", "w4"], "70": [None, "new"], "with missing": [None, "new"]})
        for row in rows(pd.concat([X[:6], unseen])):
            np.testing.assert_array_equal(model.member_inputs(row), whole(model, row))


@pytest.mark.parametrize(("name", "word"), [("weight", "twelve"), ("sold", "2024-02-30"), ("size", "large")])
def test_what_cannot_be_read_says_so(model, name, word):
    X, _ = mixed(2)
    row = X[:1].astype(object).assign(**{name: word})
    with pytest.raises(TableError, match=f"column '{name}' has"):
        model.predict(row)


def test_another_fit_has_rows_of_its_own(model):
    X, y = mixed(60)
    other = TabularRegressor(**FAST).fit(X, y)
    before = other.predict(X[:1])
    other.fit(X[["size", "color"]], y)
    row = X[["size", "color"]][:1]
    np.testing.assert_array_equal(other.member_inputs(row), whole(other, row))
    assert len(before) == 1


def test_blanks_are_those_of_tables():
    X = pd.DataFrame({"a": ["a", "b", "c"] * 4, "b": np.arange(12.0)})
    model = TabularRegressor(**FAST).fit(X, np.arange(12.0))
    for k in range(1, 128):
        for text in (chr(k) + "a", "a" + chr(k)):
            row = pd.DataFrame({"a": [text], "b": [1.0]})
            np.testing.assert_array_equal(model.member_inputs(row), whole(model, row))
