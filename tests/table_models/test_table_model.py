import importlib
import pickle

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pytest

import chainrule
from chainrule.io import TableModel
from chainrule.tables.errors import ParameterError, TableError, TableWarning

QUICK = {"hidden_layer_sizes": (16,), "epochs": 30, "learning_rate": 0.01}


@pytest.fixture(scope="session")
def prices(houses):
    return TableModel.fit(houses(400), "price", ignore=["dear"], **QUICK)


@pytest.fixture(scope="session")
def dear(houses):
    return TableModel.fit(houses(400), "dear", ignore=["price"], **QUICK)


def test_regression_in_its_own_units(prices, houses):
    assert prices.task == "regression"
    assert prices.classes is None
    assert prices.columns == ["rooms", "heating", "garden", "sold"]
    found = prices.evaluate(houses(200, seed=1))
    assert found.measures["r2"] > 0.8
    assert found.measures["rmse"] < 0.5 * found.baseline["rmse"]
    assert 50 < prices.predict(houses(200, seed=1)).mean() < 500


def test_classification(dear, houses):
    table = houses(200, seed=1)
    assert dear.task == "classification"
    assert dear.classes == ["no", "yes"]
    assert dear.evaluate(table).measures["accuracy"] > 0.85
    probabilities = dear.predict_proba(table)
    assert probabilities.shape == (200, 2)
    assert probabilities.sum(axis=1) == pytest.approx(1, abs=1e-6)
    assert dear.predict(table).tolist() == [dear.classes[i] for i in probabilities.argmax(axis=1)]


def test_several_classes(houses):
    table = houses(300)
    model = TableModel.fit(table, "heating", ignore=["dear"], **QUICK)
    assert model.sizes[-1] == 3
    assert model.evaluate(table).measures["accuracy"] > model.evaluate(table).baseline["accuracy"]


def test_many_classes_without_a_warning():
    rows = {"x": np.arange(600.0) % 30, "y": [f"c{i % 30:02}" for i in range(600)]}
    assert TableModel.fit(rows, "y", epochs=1).sizes[-1] == 30


def test_task_can_be_chosen(houses):
    table = houses()
    table["grade"] = (np.arange(120) % 3).tolist()
    assert TableModel.fit(table, "grade", epochs=1).task == "classification"
    assert TableModel.fit(table, "grade", epochs=1, task="regression").task == "regression"


def test_the_same_seed_gives_the_same_model(houses, tmp_path):
    for name, n_threads in (("a", None), ("b", 1)):
        model = TableModel.fit(houses(), "price", epochs=3, random_state=5, n_threads=n_threads)
        model.save(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_shuffles_differ_from_epoch_to_epoch(houses):
    """Two epochs at once are not the first one twice."""
    model = TableModel.fit(houses(), "price", epochs=2, patience=9)
    assert model.history[0].loss != model.history[1].loss
    assert len(model.history) == 2


def test_validation_rows_choose_the_epoch(houses):
    model = TableModel.fit(houses(400), "dear", ignore=["price"], **(QUICK | {"epochs": 40, "patience": 5}))
    best = min(model.history, key=lambda epoch: epoch.watched.loss)
    assert model.training["rows"] == {"training": 320, "validation": 80}
    assert abs(best.watched.loss - model.history[model.training["best_epoch"] - 1].watched.loss) < 1e-3


def test_small_tables_spare_no_rows(houses):
    model = TableModel.fit(houses(40), "price", epochs=2)
    assert model.training["rows"] == {"training": 40, "validation": 0}
    assert model.history[0].watched is None


def test_any_data_frame(prices, houses):
    table = houses(30, seed=2)
    expected = prices.predict(table)
    assert np.array_equal(prices.predict(pd.DataFrame(table)), expected)
    assert np.array_equal(prices.predict(pa.table(table)), expected)


def test_polars(prices, houses):
    polars = pytest.importorskip("polars")
    table = houses(30, seed=2)
    assert np.array_equal(prices.predict(polars.DataFrame(pa.table(table))), prices.predict(table))


def test_paths(prices, dear, houses, tmp_path):
    table = pa.table(houses(30, seed=2))
    pyarrow.csv.write_csv(table, tmp_path / "table.csv")
    assert np.allclose(prices.predict(tmp_path / "table.csv"), prices.predict(table))
    assert dear.evaluate(str(tmp_path / "table.csv")).n_samples == 30


def test_text_that_looks_like_numbers(tmp_path):
    """Labels and categories that are text in training stay text when a file happens to hold digits only."""
    rows = {"code": ["01", "x"] * 30, "label": ["7", "seven"] * 30}
    model = TableModel.fit(rows, "label", epochs=2)
    (tmp_path / "digits.csv").write_text("code,label\n01,7\n01,7\n")
    assert model.evaluate(tmp_path / "digits.csv").n_samples == 2
    assert model.predict(tmp_path / "digits.csv").dtype == object


def test_comes_back_the_same(prices, dear, houses, tmp_path):
    table = houses(50, seed=3)
    for model, answer in ((prices, "predict"), (dear, "predict_proba")):
        model.save(tmp_path / "model")
        again = chainrule.load(tmp_path / "model")
        assert np.array_equal(getattr(again, answer)(table), getattr(model, answer)(table))
        assert (again.task, again.classes, again.columns) == (model.task, model.classes, model.columns)
        assert again.training == model.training
        assert again.preprocessor.left_out == model.preprocessor.left_out


def test_table_without_numbers(tmp_path):
    rows = {"code": ["a", "b", "c"] * 20, "label": ["x", "y", "y"] * 20}
    model = TableModel.fit(rows, "label", epochs=2)
    model.save(tmp_path / "model")
    assert np.array_equal(chainrule.load(tmp_path / "model").predict_proba(rows), model.predict_proba(rows))


def test_no_optimiser_in_the_file(prices):
    tensors, _ = prices._get_state()
    assert not [name for name in tensors if "moment" in name]


def test_rows_without_target(prices, houses):
    table = houses(30, seed=2)
    table["price"][:10] = np.nan
    with pytest.warns(TableWarning, match="10 rows of 30 without a value of 'price' dropped"):
        assert prices.evaluate(table).n_samples == 20
    with pytest.warns(TableWarning, match="10 rows of 30"):
        assert TableModel.fit(table, "price", epochs=1).training["rows"]["training"] == 20


def test_predicting_needs_no_target(prices, houses):
    table = houses(30, seed=2)
    del table["price"]
    assert prices.predict(table).shape == (30,)
    with pytest.raises(TableError, match="no column 'price'"):
        prices.evaluate(table)


def test_wrong_tables(prices, dear, houses):
    table = houses(30, seed=2)
    with pytest.raises(TableError, match="lacks 'rooms', 'garden'"):
        prices.predict({"heating": ["gas"], "sold": table["sold"][:1]})
    with pytest.raises(TableError, match="'rooms' has the text 'many' in row 1, expected a number"):
        prices.predict(table | {"rooms": ["many"] * 30})
    with pytest.raises(TableError, match="number 'price', which has no probabilities"):
        prices.predict_proba(table)
    with pytest.raises(TableError, match="'dear' has 'maybe' in 30 rows, expected the classes that"):
        dear.evaluate(table | {"dear": ["maybe"] * 30})


def test_unknown_category_warns_once(prices, houses):
    table = houses(30, seed=2) | {"heating": ["sun"] * 30}
    with pytest.warns(TableWarning, match=r"unknown to the model.*'heating' \('sun', 30 rows\)") as caught:
        assert np.isfinite(prices.predict(table)).all()
    assert len(caught) == 1


@pytest.mark.parametrize("n_classes", [2, 3])
def test_network_must_fit_the_columns(n_classes):
    rows = {"x": np.arange(60.0), "y": [f"c{i % n_classes}" for i in range(60)]}
    tensors, settings = TableModel.fit(rows, "y", epochs=1)._get_state()
    settings["preprocessing"]["columns"][0]["missing"] = True
    with pytest.raises(ValueError, match="does not fit 2 features"):
        TableModel._from_state(tensors, settings)


def test_a_model_for_tables_that_are_written_otherwise(tmp_path):
    rng = np.random.default_rng(0)
    table = {
        "x": rng.normal(size=90),
        "word": rng.choice(["a", "b", "none"], 90).tolist(),
        "y": rng.choice(["yes", "no"], 90).tolist(),
    }
    model = TableModel.fit(table, "y", epochs=2)
    other = model.read_with(decimal=",", missing=["-9", "none"])
    assert other.estimator is model.estimator
    assert [column.reading for column in model.preprocessor.columns] != [
        column.reading for column in other.preprocessor.columns
    ]
    assert model.read_with().predict_proba(table).tolist() == model.predict_proba(table).tolist()
    rows = {"x": ["1,500", "2"], "word": ["a", "b"]}
    assert np.array_equal(other.predict_proba(rows), model.predict_proba({"x": [1.5, 2], "word": ["a", "b"]}))
    with pytest.warns(TableWarning, match=r"missing values where training had none.*'x' \(1 row\)"):
        other.predict({"x": [-9, 1], "word": ["a", "b"]})
    other.save(tmp_path / "m")
    assert np.array_equal(chainrule.load(tmp_path / "m").predict_proba(rows), other.predict_proba(rows))
    with pytest.raises(ParameterError, match="decimal: got ';'"):
        model.read_with(decimal=";")


def test_pickles_of_before_find_the_classes_where_they_are_now() -> None:
    for module, name in [("table_model", "TableModel"), ("training", "Epoch"), ("evaluation", "Evaluation")]:
        line = f"cchainrule.tables.{module}\n{name}\n.".encode()  # pickle's opcode for a class
        here = importlib.import_module(f"chainrule.table_models.{module}")
        assert pickle.loads(line) is getattr(here, name)
