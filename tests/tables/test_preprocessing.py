import datetime
import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.tables.columns import MAX_CATEGORIES, CategoryColumn
from chainrule.tables.errors import TableError, TableWarning
from chainrule.tables.preprocessing import Preprocessor


def fit(**columns):
    return Preprocessor.fit(pa.table(columns))


def encode(preprocessor, **columns):
    return preprocessor.transform(pa.table(columns), "float64").tolist()


def test_numbers_are_standardised():
    preprocessor = fit(x=[1, 3, 5])
    scale = np.std([1, 3, 5])
    assert encode(preprocessor, x=[3, 1, 7]) == [[0], [-2 / scale], [4 / scale]]


def test_missing_numbers_are_the_mean_and_have_a_feature():
    preprocessor = fit(x=[1.0, None, 3.0, float("nan")])
    assert preprocessor.feature_names == ["x", "x is missing"]
    assert encode(preprocessor, x=[1, None]) == [[-1, 0], [0, 1]]


def test_missing_numbers_that_training_did_not_have():
    preprocessor = fit(x=[1, 3])
    with pytest.warns(TableWarning, match=r"missing values where training had none, .*: 'x' \(2 rows\)"):
        assert encode(preprocessor, x=[None, None]) == [[0], [0]]


def test_text_is_one_hot():
    preprocessor = fit(town=["b", "a", "b", "c"])
    assert preprocessor.feature_names == ["town=a", "town=b", "town=c"]
    assert encode(preprocessor, town=["c", "a"]) == [[0, 0, 1], [1, 0, 0]]


def test_missing_text_is_a_category_of_its_own():
    preprocessor = fit(town=["b", None, "a", ""])
    assert preprocessor.feature_names == ["town=a", "town=b", "town is missing"]
    assert encode(preprocessor, town=["", None, "b"]) == [[0, 0, 1], [0, 0, 1], [0, 1, 0]]


def test_missing_text_that_training_did_not_have():
    preprocessor = fit(town=["b", "a"])
    with pytest.warns(TableWarning, match=r"missing values where training had none, .*: 'town' \(1 row\)"):
        assert encode(preprocessor, town=["a", None]) == [[1, 0], [0, 0]]


def test_unknown_categories_give_one_warning():
    preprocessor = fit(town=["b", "a"], heating=["gas", "oil"])
    with pytest.warns(TableWarning) as caught:
        assert encode(preprocessor, town=["d", "a", "e"], heating=["oil", "sun", "gas"]) == [
            [0, 0, 0, 1],
            [1, 0, 0, 0],
            [0, 0, 1, 0],
        ]
    assert [str(warning.message) for warning in caught] == [
        "categories unknown to the model, taken as none of its own: "
        "'town' ('d', 2 rows), 'heating' ('sun', 1 row)"
    ]


@pytest.mark.parametrize("values", [[True, False], [1, 0], ["True", "false"]])
def test_booleans(values):
    preprocessor = fit(garden=[True, False, True])
    assert preprocessor.feature_names == ["garden=false", "garden=true"]
    assert encode(preprocessor, garden=values) == [[0, 1], [1, 0]]


def test_dictionaries_are_categories_even_of_numbers():
    preprocessor = fit(town=pa.array([10, 20, 10]).dictionary_encode())
    assert preprocessor.feature_names == ["town=10", "town=20"]
    assert encode(preprocessor, town=[20, 10]) == [[0, 1], [1, 0]]


def test_integers_of_few_values_stay_numbers():
    assert fit(x=[0, 1, 0, 1]).feature_names == ["x"]


def test_dates_are_days():
    preprocessor = fit(day=[datetime.date(2020, 1, 1), datetime.date(2020, 1, 3)])
    assert encode(preprocessor, day=[datetime.datetime(2020, 1, 2, 12)]) == [[0.5]]
    assert encode(preprocessor, day=["2020-01-03"]) == [[1]]


def test_many_categories_leave_the_rare_ones_to_other():
    frequent = [f"c{i:03}" for i in range(MAX_CATEGORIES - 1)]
    preprocessor = fit(town=[*frequent * 3, *(f"rare{i}" for i in range(40))])
    assert preprocessor.feature_names == [*(f"town={c}" for c in frequent), "town is other"]
    features = np.array(encode(preprocessor, town=["c000", "rare7", "never seen"]))
    assert features.argmax(axis=1).tolist() == [0, MAX_CATEGORIES - 1, MAX_CATEGORIES - 1]
    assert features.sum(axis=1).tolist() == [1, 1, 1]


def test_what_is_left_out_and_why():
    names = [f"name {i}" for i in range(200)]
    preprocessor = fit(
        x=range(200),
        constant=[1.5] * 200,
        word=["a"] * 200,
        nothing=pa.nulls(200),
        no_numbers=pa.nulls(200, pa.float64()),
        no_text=[None, ""] * 100,
        name=names,
        parts=[[1]] * 200,
        **{"": range(200)},
    )
    assert preprocessor.feature_names == ["x"]
    assert preprocessor.left_out == {
        "constant": "has one value only",
        "word": "has one value only",
        "nothing": "has no values",
        "no_numbers": "has no values",
        "no_text": "has no values",
        "name": "has 200 different texts in 200 rows, like a name",
        "parts": "has values of type list<item: int64>, expected numbers, dates, booleans or text",
        "": "has no name",
    }


def test_constant_with_gaps_keeps_the_gaps():
    preprocessor = fit(x=[7.0, None, 7.0], town=["a", None, "a"])
    assert preprocessor.feature_names == ["x", "x is missing", "town=a", "town is missing"]
    assert encode(preprocessor, x=[7, None], town=["a", None]) == [[0, 0, 1, 0], [0, 1, 0, 1]]


def test_ignored_columns_are_not_even_read():
    preprocessor = Preprocessor.fit(pa.table({"x": [1, 2], "y": [np.inf, 0]}), ignore=["y"])
    assert preprocessor.feature_names == ["x"]
    assert preprocessor.left_out == {}


def test_columns_are_found_by_name():
    preprocessor = fit(x=[1, 3], town=["a", "b"])
    assert encode(preprocessor, extra=["?"], town=["b"], x=[1]) == [[-1, 0, 1]]


def test_wrong_columns():
    preprocessor = fit(rooms=[1, 3], town=["a", "b"])
    with pytest.raises(TableError, match=r"lacks 'rooms', expected the 2 columns.*; did you mean 'Rooms'\?"):
        encode(preprocessor, Rooms=[1], town=["a"])
    with pytest.raises(TableError, match="'rooms' has the text 'three' in row 2, expected a number"):
        encode(preprocessor, rooms=["2", "three"], town=["a", "b"])
    with pytest.raises(TableError, match="'rooms' has 1 infinite value"):
        encode(preprocessor, rooms=[np.inf], town=["a"])
    with pytest.raises(TableError, match=r"'rooms' has 1e\+300 in row 1, too far from the values of"):
        preprocessor.transform(pa.table({"rooms": [1e300], "town": ["a"]}))


def test_no_column_is_left():
    with pytest.raises(TableError, match=r"no column to predict from, .* \('x' has one value only\)"):
        fit(x=[1, 1])
    with pytest.raises(TableError, match="no column to predict from"):
        Preprocessor.fit(pa.table({"y": [1, 2]}), ignore=["y"])


cells = {
    "numbers": st.none() | st.floats(-1e9, 1e9) | st.just(float("nan")),
    "text": st.none() | st.text(max_size=3),
    "booleans": st.none() | st.booleans(),
}
TYPES = {"numbers": pa.float64(), "text": pa.string(), "booleans": pa.bool_()}


@given(
    st.lists(st.fixed_dictionaries(cells), min_size=2, max_size=20), st.sampled_from(["float32", "float64"])
)
def test_any_table(rows, dtype):
    """Training rows encode to finite numbers without a warning, and the state says everything."""
    table = pa.table({name: pa.array([row[name] for row in rows], kind) for name, kind in TYPES.items()})
    try:
        preprocessor = Preprocessor.fit(table)
    except TableError as error:
        assert "no column to predict from" in str(error)  # noqa: PT017
        return
    features = preprocessor.transform(table, dtype)
    assert features.dtype == dtype
    assert features.shape == (len(rows), len(preprocessor.feature_names))
    assert np.isfinite(features).all()
    one_hot = [column for column in preprocessor.columns if isinstance(column, CategoryColumn)]
    n_one_hot = sum(len(column.feature_names) for column in one_hot)
    assert (features[:, len(features.T) - n_one_hot :].sum(axis=1) == len(one_hot)).all()
    tensors, settings = preprocessor._get_state()
    again = Preprocessor._from_state(tensors, json.loads(json.dumps(settings)))
    assert np.array_equal(again.transform(table, dtype), features)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda tensors, settings: tensors.update(mean=np.zeros(2)), "1 columns of numbers have means"),
        (lambda tensors, settings: tensors.update(scale=np.zeros(1)), "scale is not positive"),
        (lambda tensors, settings: settings["columns"][0].update(kind="tree"), "unknown kind 'tree'"),
    ],
)
def test_damaged_state(change, message):
    tensors, settings = fit(town=["a", "b"], x=[1, 2])._get_state()
    change(tensors, settings)
    with pytest.raises(ValueError, match=message):
        Preprocessor._from_state(tensors, settings)
