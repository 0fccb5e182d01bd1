"""What columns are worth: known where the table's rule is known."""

import numpy as np
import pytest

from chainrule.io import ParameterError, TableModel

FITS = {"plain": {"preset": "plain", "epochs": 60, "learning_rate": 0.01}, "ensemble": {"preset": "fast"}}


def make(n=400):
    rng = np.random.default_rng(0)
    table = {
        "steep": 10 * rng.normal(size=n) + 3,
        "flat": rng.normal(size=n),
        "heating": rng.choice(["gas", "oil", "wood"], n).tolist(),
    }
    table["y"] = 0.3 * table["steep"] + 2.0 * (np.asarray(table["heating"]) == "gas")
    table["z"] = 5 * table["flat"]
    table["large"] = np.where(table["y"] > 1.5, "yes", "no").tolist()
    return table


@pytest.fixture(scope="module", params=FITS)
def fit(request):
    return FITS[request.param]


def by_column(explanation):
    return {one.column: one for one in explanation.importances}


def test_numbers(fit):
    model = TableModel.fit(make(), "y", ignore=["z", "large"], **fit)
    found = model.explain(make())
    assert [one.column for one in found.importances] == ["steep", "heating", "flat"]
    assert (found.metric, found.n_samples, found.n_repeats) == ("r2", 400, 5)
    columns = by_column(found)
    # 0.3 times the deviation of "steep"; two rows differ in "gas" with the chance 4/9.
    assert columns["steep"].sensitivity == pytest.approx(0.3 * np.std(make()["steep"]), rel=0.1)
    assert columns["heating"].sensitivity == pytest.approx(2 * 4 / 9, rel=0.15)
    assert columns["flat"].sensitivity < 0.3
    assert abs(columns["flat"].mean) < 0.02
    assert found == model.explain(make())
    assert found != model.explain(make(), random_state=1)


def test_classes_by_a_measure_that_falls(fit):
    found = TableModel.fit(make(), "large", ignore=["y", "z"], **fit).explain(make(), metric="log_loss")
    assert found.importances[0].column == "steep"
    assert found.importances[0].mean > 0
    assert all(0 <= one.sensitivity <= 1 for one in found.importances)


def test_several_targets_together_and_one(fit):
    model = TableModel.fit(make(), ["y", "z"], ignore="large", **fit)
    assert len(model.explain(make(), n_repeats=2).importances) == 3
    of_z = by_column(model.explain(make(), target="z"))
    assert max(of_z, key=lambda name: of_z[name].mean) == "flat"
    assert of_z["flat"].sensitivity == pytest.approx(5 * np.std(make()["flat"]), rel=0.15)
    with pytest.raises(ParameterError, match="predicts 'y', 'z'"):
        model.explain(make(), target="x")


def test_careless_settings():
    model = TableModel.fit(make(), "y", ignore=["z", "large"], epochs=1)
    with pytest.raises(ParameterError, match="expected one of r2, rmse, mae"):
        model.explain(make(), metric="accuracy")
    with pytest.raises(ParameterError, match="whole number"):
        model.explain(make(), n_repeats=0)
    with pytest.raises(AttributeError, match="explain"):
        model.feature_importances_  # noqa: B018


def test_table_and_pictures(tmp_path):
    pytest.importorskip("matplotlib")
    model = TableModel.fit(make(), "y", ignore=["z", "large"], epochs=1)
    found = model.explain(make(), n_repeats=1)
    assert "r2 lost" in str(found)
    beginnings = {"svg": b"<?xml", "png": b"\x89PNG", "pdf": b"%PDF", "html": b"<!DOCTYPE html>"}
    for ending, beginning in beginnings.items():
        found.save(tmp_path / f"a.{ending}")
        assert (tmp_path / f"a.{ending}").read_bytes().startswith(beginning)
    with pytest.raises(ParameterError, match="endings"):
        found.save(tmp_path / "a.gif")
