"""A TableModel that is an ensemble does what one of a plain network does."""

import contextlib
import pickle

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

import chainrule
from chainrule.io import ParameterError, TableError, TableModel, TableWarning, TrainingError

#: One short training.
QUICK = {"preset": "fast", "time_budget": 0.3}


def make(n=300, seed=0):
    rng = np.random.default_rng(seed)
    rooms, heating = rng.integers(1, 9, n).astype(float), rng.choice(["gas", "oil"], n)
    price = 50 * rooms + 40 * (heating == "gas") + rng.normal(size=n)
    rooms[::10] = np.nan
    code = rng.choice(["007", "12", "15"], n)
    return {
        "rooms": rooms,
        "heating": heating.tolist(),
        "code": code.tolist(),
        "sold": np.datetime64("2020-01-01") + rng.integers(0, 2000, n),
        "price": price,
        "half": price / 2,
        "dear": np.where(price > 250, "yes", "no").tolist(),
    }


TARGETS = {"numbers": ["price"], "several": ["price", "half"], "classes": ["dear"]}


@pytest.fixture(scope="module", params=TARGETS)
def fitted(request):
    targets = TARGETS[request.param]
    ignored = [name for name in ("price", "half", "dear") if name not in targets]
    return TableModel.fit(make(), targets, ignore=ignored, text="code", test_fraction=0.2, **QUICK)


def test_it_is_saved_pickled_and_evaluated(fitted, tmp_path):
    table = make(40, seed=1)
    fitted.save(tmp_path / "m")
    for again in (chainrule.load(tmp_path / "m"), pickle.loads(pickle.dumps(fitted))):
        np.testing.assert_array_equal(again.predict(table), fitted.predict(table))
        assert again.evaluate(table) == fitted.evaluate(table)
        assert again.sizes == fitted.sizes
        assert again.metric == fitted.metric
    assert "network" in repr(fitted)


def test_the_report_has_the_best_network_alone(fitted):
    for one in (fitted.test, *fitted.test.targets.values()):
        assert one.single.keys() == one.measures.keys() == one.baseline.keys()


def test_values_are_read_as_in_training(fitted):
    table = make(30, seed=2)
    written = {
        name: ["" if value != value else str(value) for value in np.asarray(values).tolist()]
        for name, values in table.items()
        if name not in ("price", "half", "dear")
    }
    np.testing.assert_allclose(
        np.asarray(fitted.predict(pa.table(written)) == fitted.predict(table), dtype=float), 1.0
    )
    with pytest.warns(TableWarning, match="unknown to the model"):
        fitted.predict(table | {"heating": ["coal"] * 30})
    with pytest.raises(TableError, match="lacks 'rooms'"):
        fitted.predict({"heating": ["gas"]})
    with pytest.raises(TableError, match="expected a number"):
        fitted.predict(table | {"rooms": ["many"] * 30})


def test_tables_in_portions(fitted, tmp_path):
    table = make(700, seed=3)
    pa.parquet.write_table(pa.table(table), tmp_path / "t.parquet")
    whole = fitted.predict(table)
    parts = fitted.predict(tmp_path / "t.parquet", memory="100kB")
    assert (whole == parts).all() or np.allclose(whole, parts)
    by_parts = fitted.evaluate(tmp_path / "t.parquet", memory="100kB")
    at_once = fitted.evaluate(table)
    for one, other in [
        (at_once, by_parts),
        *((at_once.targets[n], by_parts.targets[n]) for n in at_once.targets),
    ]:
        assert other.measures == pytest.approx(one.measures, rel=1e-6)
        assert other.single == pytest.approx(one.single, rel=1e-6)


def test_a_fit_goes_on_from_its_checkpoint(tmp_path):
    asked = {"ignore": ["half", "dear"], "preset": "fast", "checkpoint": str(tmp_path / "c")}
    model = TableModel.fit(make(100), "price", **asked)
    again = TableModel.fit(make(100), "price", resume=True, **asked)
    np.testing.assert_array_equal(model.predict(make(20)), again.predict(make(20)))


def test_no_rows_give_no_predictions(fitted):
    assert len(fitted.predict({name: values[:0] for name, values in make().items()})) == 0


def test_what_needs_one_network_says_so(fitted):
    with pytest.raises(NotImplementedError, match="preset='plain'"):
        chainrule.diagnose(fitted, make(), make()["price"])


def test_the_best_member_is_derived(fitted):
    best = max(fitted.members, key=lambda member: member.score)
    x, y = fitted.network_rows(make(), slice(0, 2))
    derivation = chainrule.derive(fitted, x, y)
    assert repr(best) in derivation.model.origin.en
    last = len(best.network.weights) + 1
    np.testing.assert_allclose(derivation.value(f"x.{last}"), best.network(x), rtol=1e-4, atol=1e-5)
    assert derivation.value("batch.E").item() == pytest.approx(best.network.evaluate(x, y), rel=1e-4)


def test_members_take_the_rows_that_network_rows_gives(fitted):
    x, y = fitted.network_rows(make(), slice(0, 5))
    assert x.shape == (5, fitted.sizes[0])
    assert len(y) == 5
    assert fitted.members[0].network.evaluate(x, y) >= 0


def test_class_weights_are_by_label_and_rows_of_weight_0_do_not_count():
    table = make() | {"w": np.where(np.asarray(make()["code"]) == "12", 0.0, 1.0)}
    asked = {"sample_weight": "w", "task": "classification", "text": "code"}
    model = TableModel.fit(table, "code", class_weight={"007": 50}, preset="fast", **asked)
    assert model.classes == ["007", "12", "15"]
    probabilities = model.predict_proba(table)
    assert probabilities.shape == (300, 3)
    assert (probabilities[:, 1] == 0).all()
    assert (model.predict(table) == "007").mean() > 0.5
    with pytest.raises(ParameterError, match="class_weight has 'maybe'"):
        TableModel.fit(table, "dear", class_weight={"maybe": 2}, **QUICK)
    table["w"] = np.where(np.asarray(table["dear"]) == "yes", 0.0, 1.0)
    with pytest.raises(TableError, match="only rows of 'no' have a weight"):
        TableModel.fit(table, "dear", sample_weight="w", **QUICK)


def test_class_weight_of_numbers_is_refused():
    with pytest.raises(ParameterError, match="no parameter for regression"):
        TableModel.fit(make(), "price", class_weight="balanced", **QUICK)


def test_unknown_scoring_is_refused():
    with pytest.raises((ParameterError, TrainingError), match="scoring"):
        TableModel.fit(make(), "dear", scoring="acuracy", **QUICK)


@pytest.mark.parametrize("n", [2, 7])
def test_few_rows(n):
    table = make(n)
    table["dear"] = ["yes" if k % 2 else "no" for k in range(n)]
    for target in ("price", "dear"):
        with contextlib.suppress(TableError):  # no column may be of use
            model = TableModel.fit(table, target, **QUICK)
            assert len(model.predict(table)) == n


def test_the_same_seed_gives_the_same_bits():
    asked = {"ignore": ["half", "dear"], "preset": "fast", "random_state": 3}
    first, second = (TableModel.fit(make(120), "price", n_threads=n, **asked) for n in (1, 2))
    np.testing.assert_array_equal(first.predict(make(50)), second.predict(make(50)))


def test_plain_is_what_fit_was_before():
    table = make(150)
    asked = {"ignore": ["half", "dear"], "random_state": 1}
    plain = TableModel.fit(table, "price", preset="plain", **asked)
    described = TableModel.fit(table, "price", hidden_layer_sizes=(128, 128), **asked)
    np.testing.assert_array_equal(plain.predict(table), described.predict(table))
    assert plain.training == described.training
    assert not plain.members
