"""What is asked of a table is decided and checked in one place."""

import datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import chainrule
from chainrule.io import ParameterError, TableError, TableModel, TableWarning
from chainrule.table_models.posing import pose, question

QUICK = {"epochs": 2, "hidden_layer_sizes": 8}


@pytest.fixture
def frame():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"id": range(400), "x": rng.normal(size=400), "d": rng.normal(size=400)})
    frame["y"] = np.digitize(frame.x + frame.d, [-1, 1])
    return frame


def fit(frame, target="y", **options):
    return TableModel.fit(frame, target, **QUICK | options)


def test_one_name_is_one_column(frame):
    assert fit(frame, ignore="id").columns == ["x", "d"]
    assert fit(frame, ignore=["id", "d"]).columns == ["x"]


def test_a_column_that_counts_the_rows(frame):
    assert fit(frame).preprocessor.left_out == {"id": "only counts the rows"}
    assert fit(frame.sample(frac=1, random_state=0)).columns == ["x", "d"]
    assert fit(frame.sample(frac=0.7, random_state=0).sort_index()).columns == ["x", "d"]
    assert fit(frame.assign(id=frame.id + 1000.0)).columns == ["x", "d"]
    assert fit(frame, number="id").columns == ["id", "x", "d"]
    assert fit(frame[["id", "y"]]).columns == ["id"]  # better than none
    tens = frame.assign(id=10 * frame.id + 100)
    assert fit(tens).columns == ["x", "d"]
    assert fit(tens.sample(frac=1, random_state=0)).columns == ["x", "d"]
    assert fit(frame.sample(frac=0.7, random_state=0)).columns == ["x", "d"]  # no order, and gaps
    hours = frame.assign(id=1_577_836_800 + 3600 * frame.id)
    assert fit(hours).columns == ["id", "x", "d"]
    assert fit(frame.assign(id=10 * (frame.id % 200))).columns == ["id", "x", "d"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"task": "clasification"}, r"task: got 'clasification', .*; did you mean 'classification'\?"),
        ({"validation_fraction": 1.0}, "validation_fraction: got 1, expected a share of the rows"),
        ({"test_fraction": -0.1}, r"test_fraction: got -0.1, expected a share"),
        ({"dtype": "int32"}, "dtype: got 'int32', expected one of float32, float64"),
        ({"hidden_layer_sizes": (8, 0)}, r"hidden_layer_sizes: got \(8, 0\), expected positive whole"),
        ({"hidden_layer_sizes": 10**18}, "hidden_layer_sizes: .* GB of memory"),
        ({"hidden_layer_sizes": "8"}, "hidden_layer_sizes: got '8'"),
        ({"activation": "rellu"}, r"activation: got 'rellu', .*; did you mean 'relu'\?"),
        (
            {"activation": ["relu", "tanh"]},
            "activation: got 2 names, expected one for all or one for each of 1",
        ),
        ({"learning_rate": float("nan")}, "learning_rate: got nan, expected a positive number"),
        ({"l2": -1}, "l2: got -1, expected zero or a positive number"),
        ({"epochs": 0}, "epochs: got 0, expected a whole number, at least 1"),
        ({"epochs": 2.5}, "epochs: got 2.5, expected a whole number"),
        ({"batch_size": True}, "batch_size: got True"),
        ({"random_state": None}, "random_state: got None"),
        ({"callback": 3}, "callback: got 3, expected a function"),
        ({"ignore": "y"}, "ignore: it names the target 'y'"),
        ({"decimal": ";"}, "decimal: got ';', expected one of ., ,"),
        ({"encoding": "utf-9"}, "encoding: got 'utf-9', expected an encoding such as"),
        ({"delimiter": "ab"}, "delimiter: got 'ab', expected one character"),
        ({"text": "x", "number": ["x"]}, "number: got 'x', which is said to be text"),
        ({"early_stopping_rounds": 5}, "'early_stopping_rounds'.* 'patience'"),
        ({"eval_set": []}, "'eval_set'.*validation_fraction"),
    ],
)
def test_parameters_are_checked(frame, options, message):
    with pytest.raises(ParameterError, match=message):
        fit(frame, **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ignore": "z"}, "no column 'z' to ignore, expected one of 'id', 'x', 'd', 'y'"),
        ({"text": "ix"}, "no column 'ix' to read as text"),
        ({"sample_weight": "w"}, "no column 'w' of weights"),
        ({"target": "Y "}, r"no column 'Y' to predict, .*; did you mean 'y'\?"),
        ({"target": ["x", "y"]}, "several targets must all be numbers, but 'y' has whole numbers"),
    ],
)
def test_columns_are_checked(frame, options, message):
    with pytest.raises(TableError, match=message):
        fit(frame, **options)


def test_numbers_for_not_measured(frame):
    frame["far"] = np.where(frame.index % 100 == 7, 9999.0, frame.x)
    with pytest.warns(
        TableWarning, match=r"column 'far' has 9999 in 4 rows \(1.0%\), far from .* --missing 9999"
    ):
        fit(frame)
    model = fit(frame, missing="9999")
    assert "far is missing" in model.preprocessor.feature_names
    gap = frame.assign(far=frame.far.replace(9999, np.nan))
    assert np.array_equal(model.predict(frame), model.predict(gap))


@pytest.mark.parametrize("codes", [[-999], [-1, 999], [998, 999], [-9.0], [-200]])
def test_codes_of_other_surveys(codes):
    rng = np.random.default_rng(0)
    values = rng.uniform(0, 5, 1000)
    for k, code in enumerate(codes):
        values[k * 10 : k * 10 + 10] = code * (10 if code == -1 else 1)
    with pytest.warns(TableWarning, match="far from its other values"):
        fit({"x": values, "y": rng.normal(size=1000)})


def test_rows_are_those_of_the_users_table(tmp_path):
    rows = [f"{i % 7},{i}.5" for i in range(300)]
    rows[3] = "2,"
    rows[250] = "inf,1.5"
    (tmp_path / "t.csv").write_text("x,y\n" + "\n".join(rows) + "\n")
    with pytest.raises(TableError, match="'x' has 1 infinite value, the first in row 251"):
        fit(tmp_path / "t.csv")
    rows[250] = "1e300,1.5"
    (tmp_path / "t.csv").write_text("x,y\n" + "\n".join(rows) + "\n")
    for seed in range(4):  # whichever part the row is in
        try:
            with pytest.warns(TableWarning, match="1 row of 300 without a value of 'y' dropped"):
                fit(tmp_path / "t.csv", test_fraction=0.4, random_state=seed)
        except TableError as error:
            assert "'x' has 1e+300 in row 251, too far" in str(error)  # noqa: PT017


def test_weights(frame):
    weights = np.where(frame.y == 0, 0.0, 1.0)
    by_name = fit(frame.assign(w=weights), sample_weight="w")
    by_array = fit(frame, sample_weight=weights)
    assert by_name.columns == by_array.columns == ["x", "d"]
    assert np.array_equal(by_name.predict_proba(frame), by_array.predict_proba(frame))
    assert not np.array_equal(by_array.predict_proba(frame), fit(frame).predict_proba(frame))
    only = frame[frame.y != 0]
    assert by_array.evaluate(frame, sample_weight=weights).measures["accuracy"] == pytest.approx(
        by_array.evaluate(only).measures["accuracy"]
    )
    for bad, message in (
        ([-1.0], "has -1 in row 1"),
        ([np.nan], "has no value in row 1"),
        ([0.0], "the weight 0"),
    ):
        with pytest.raises(TableError, match=message):
            fit(frame, sample_weight=[*bad, *([0.0] if bad == [0.0] else [1.0]) * 399])
    with pytest.raises(TableError, match=r"has the shape \(3,\), expected \(400,\)"):
        fit(frame, sample_weight=[1, 2, 3])


def test_several_targets(frame, tmp_path):
    frame["a"], frame["b"] = 100 + 5 * frame.x, frame.d - frame.x
    model = TableModel.fit(frame, ["a", "b"], ignore=["y"], test_fraction=0.2, epochs=60, learning_rate=0.01)
    assert model.predict(frame).shape == (400, 2)
    found = model.evaluate(frame)
    assert found.targets["a"].measures["r2"] > 0.9
    assert found.targets["b"].measures["r2"] > 0.9
    assert found.measures["r2"] == pytest.approx(
        np.mean([one.measures["r2"] for one in found.targets.values()])
    )
    assert set(model.test.targets) == {"a", "b"}
    model.save(tmp_path / "m")
    again = chainrule.load(tmp_path / "m")
    assert np.array_equal(again.predict(frame), model.predict(frame))
    assert again.target.names == ["a", "b"]
    assert repr(again) == "<TableModel: regression of 'a', 'b' from 2 columns, network 2-128-128-2>"
    with pytest.warns(TableWarning, match="1 row of 400 without a value of 'a' or 'b' dropped"):
        fit(frame.assign(a=frame.a.where(frame.index > 0)), ["a", "b"])


def test_no_rows_give_no_predictions(frame):
    classes, numbers = fit(frame), fit(frame, "x")
    assert classes.predict(frame[:0]).shape == (0,)
    assert classes.predict(frame[:0]).dtype == classes.predict(frame).dtype
    assert classes.predict_proba(frame[:0]).shape == (0, 3)
    assert numbers.predict({"d": [], "y": []}).shape == (0,)
    with pytest.raises(TableError, match="has no rows"):
        classes.evaluate(frame[:0])
    with pytest.raises(TableError, match="has no rows"):
        fit(frame[:0])


def test_columns_that_are_not_needed_are_not_converted(frame):
    class Broken:
        def __len__(self):
            raise AssertionError("looked at")

    columns = {name: frame[name].to_numpy() for name in frame}
    model = fit(columns | {"z": Broken()}, ignore=["z"])
    assert len(model.predict(columns | {"z": Broken()})) == 400


def test_names_are_found_in_any_form(frame):
    composed, decomposed = "Gr\u00f6\u00dfe", "Gro\u0308\u00dfe"
    model = fit(frame.rename(columns={"x": decomposed, "d": " d ", "y": "y "}), "y", ignore="id")
    assert model.columns == [composed, "d"]
    assert len(model.predict({composed: [1.0], "d ": [2.0]})) == 1


def test_notes_say_what_was_guessed():
    table = pa.table({"a": ["0,5", "1,5", "-"], "b": ["1,25", "2", "3"], "y": [1.5, 2, 3]})
    problem = pose(table, question("y"))
    assert problem.notes == [
        "'a' is read with a decimal comma: '0,5' is 0.5; so is 'b'",
        "'a': 2 of 3 values are numbers; '-' in row 3 counts as missing",
    ]


@pytest.mark.parametrize("far", ["9999-12-31", "1900-01-01"])
def test_dates_for_not_known(far, tmp_path):
    days = (
        pd.date_range("2020-01-01", periods=200, freq="9D").strftime("%Y-%m-%d").to_series(index=range(200))
    )
    frame = pd.DataFrame({"until": days.where(days.index % 20 > 0, far), "y": np.arange(200.0)})
    typed = pd.DataFrame({"until": frame.until.map(datetime.date.fromisoformat), "y": frame.y})
    for table in (frame, typed):
        with pytest.warns(TableWarning, match=rf"'until' has {far} in 10 rows .*--missing {far} \(missing="):
            fit(table)
        model = fit(table, missing=far)
        assert model.preprocessor.feature_names == ["until", "until is missing"]
        model.save(tmp_path / "m")
        for again in (frame, typed):
            assert np.array_equal(chainrule.load(tmp_path / "m").predict(again), model.predict(table))


def test_weights_that_are_missing(frame):
    with pytest.raises(TableError, match="column 'w' has no value in row 8, expected weights of at least 0"):
        fit(frame.assign(w=np.where(frame.index == 7, np.nan, 1.0)), sample_weight="w")


def test_numbers_too_close_to_each_other(frame):
    left_out = fit(frame.assign(c=2**60 + frame.index % 9)).preprocessor.left_out
    assert left_out["c"] == "has values too close to each other to compute with"
