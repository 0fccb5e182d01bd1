"""TabularClassifier and TabularRegressor on tables of all kinds."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import chainrule
from chainrule import TabularClassifier, TabularRegressor

from .mixed_tables import mixed

FAST = {"preset": "fast", "random_state": 0, "n_jobs": 1}


def r2(y, predictions):
    return 1 - np.mean((y - predictions) ** 2) / np.var(y)


@pytest.fixture(scope="module")
def fitted():
    X, y = mixed()
    return TabularRegressor(**FAST).fit(X, y), X, y


def test_a_table_of_all_kinds_of_columns(fitted):
    model, X, _ = fitted
    new, y_new = mixed(seed=1)
    assert r2(y_new, model.predict(new)) > 0.75
    assert list(model.feature_names_in_) == list(X.columns)
    left_out = {"empty": "has no values", "constant": "has one value only"}
    assert model.preparation_.left_out == left_out
    kinds = {column.name: column.kind for column in model.preparation_.numbers}
    assert kinds == {"size": "number", "sold": "date", "rooms": "number", "weight": "number"}
    assert {column.name for column in model.preparation_.categories} == {"color", "street", "new"}


def test_every_library_of_data_frames_gives_the_same(fitted):
    model, X, y = fitted
    expected = model.predict(X)
    X = X.assign(color=X["color"].astype(str))
    frames = [pl.from_pandas(X), pa.Table.from_pandas(X, preserve_index=False)]
    for frame in frames:
        assert (model.predict(frame) == expected).all()
    again = TabularRegressor(**FAST).fit(frames[0], y)
    assert np.allclose(again.predict(frames[1]), expected)


def test_a_row_alone_is_predicted_as_in_the_table(fitted):
    model, X, _ = fitted
    together = model.predict(X.iloc[:5])
    alone = [model.predict(X.iloc[[k]])[0] for k in range(5)]
    assert np.allclose(together, alone, rtol=1e-6)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64])
def test_few_rows_of_numbers_are_read_as_many(dtype):
    rng = np.random.default_rng(0)
    numbers = (rng.normal(size=(1500, 4)) * 100).astype(dtype)
    X = pd.DataFrame(numbers, columns=list("abcd")).assign(e=rng.integers(0, 2**60, 1500), word="left out")
    X["word"] = [f"row {k}" for k in range(1500)]
    plain = X.drop(columns="word")
    for table in (X, plain):
        model = TabularRegressor(**FAST, n_members=1, time_budget=1).fit(table, X["a"] + X["b"])
        expected = model.member_inputs(table)
        assert np.array_equal(model.member_inputs(table.iloc[7:9]), expected[7:9])
        assert np.array_equal(model.member_inputs(pl.from_pandas(table)), expected)
        missing = table.iloc[7:9].astype({"b": float})
        missing.iloc[0, 1] = np.nan
        assert np.array_equal(model.member_inputs(missing), model.member_inputs(pl.from_pandas(missing)))
        with pytest.raises(ValueError, match="feature names should match"):
            model.predict(table.iloc[:2, ::-1])


def test_the_average_is_that_of_members_called_one_by_one(fitted):
    model, X, _ = fitted
    for rows in (X, X.iloc[:1]):
        inputs, total = model.member_inputs(rows), 0.0
        for member in model.members_:
            total = total + member.weight * member.network(inputs).astype(float)
        assert np.array_equal(model._outputs(rows), total)


def test_the_best_member_is_derived_from_the_column_to_the_loss(fitted):
    model, X, y = fitted
    derivation = chainrule.derive(model, X.iloc[:1], y[:1])
    best = max(model.members_, key=lambda member: member.score)
    assert repr(best) in derivation.model.origin.en
    assert {"E11", "E12", "E13", "E15"} <= {step.equation for step in derivation}
    rows, targets = model.member_inputs(X.iloc[:1]), model.member_targets(X.iloc[:1], y[:1])
    assert np.array_equal(derivation.value("x.0"), rows)
    assert np.array_equal(derivation.value("y"), targets)
    gradients = best.network.gradients(rows, targets)
    for key, expected in (
        ("dfrequency.2", gradients.inputs[0].frequency[1]),
        ("dalpha.3", gradients.alphas[2]),
        ("dscale.0", gradients.inputs[-1].scale),
    ):
        scale = np.abs(expected).max()
        np.testing.assert_allclose(derivation.value(key)[0], expected, rtol=0, atol=1e-4 * scale)
    for written in (derivation.to_text(), derivation.to_markdown(), derivation._repr_html_()):
        assert repr(best) in written
    labels = np.where(y > 0.5, "high", "low")
    classifier = TabularClassifier(**FAST, recipe="realmlp-td-s").fit(X, labels)
    found = chainrule.derive(classifier, X.iloc[:3], labels[:3])
    assert found.value("y").argmax(axis=1).tolist() == (labels[:3] == "low").astype(int).tolist()
    assert "the network of a model that has one" in found.model.origin.en


def test_members_and_looks(fitted):
    model, X, _ = fitted
    assert sum(member.weight for member in model.members_) == pytest.approx(1)
    assert [member.weight for member in model.members_] == sorted(
        (member.weight for member in model.members_), reverse=True
    )
    inputs = model.member_inputs(X)
    total = sum(member.weight * member.network(inputs)[:, 0].astype(float) for member in model.members_)
    target = model._target
    clipped = np.clip(total * target.scale[0] + target.mean[0], target.low[0], target.high[0])
    assert np.allclose(clipped, model.predict(X))
    assert model.looks_[-1].score >= model.looks_[-1].best_single - 1e-12
    assert repr(model.members_[0]).startswith("Member(256-256-256 mish, epoch ")


def test_text_labels_probabilities_and_class_weights():
    X, y = mixed()
    labels = np.where(y > 0.5, "high", "low").astype(object)
    model = TabularClassifier(**FAST).fit(X, labels)
    probabilities = model.predict_proba(X)
    assert list(model.classes_) == ["high", "low"]
    assert np.allclose(probabilities.sum(axis=1), 1)
    assert (probabilities > 0).all()
    assert (model.classes_[probabilities.argmax(axis=1)] == model.predict(X)).all()
    assert model.score(X, labels) > 0.85
    weighted = TabularClassifier(**FAST, class_weight={"high": 100.0}).fit(X, labels)
    assert (weighted.predict(X) == "high").sum() > (model.predict(X) == "high").sum()
    with pytest.raises(ValueError, match="class_weight has the class 'hihg'"):
        TabularClassifier(**FAST, class_weight={"hihg": 2.0}).fit(X, labels)


@pytest.mark.parametrize("scoring", [None, "neg_log_loss", "roc_auc", "f1"])
def test_scoring_of_two_classes(scoring):
    X, y = mixed()
    model = TabularClassifier(**FAST, scoring=scoring).fit(X, y > 0.5)
    assert model.score(X, y > 0.5) > 0.85
    smoothing = model.members_[0].recipe.label_smoothing
    assert smoothing == (0.0 if scoring in ("neg_log_loss", "roc_auc") else 0.1)


def test_several_targets():
    X, y = mixed()
    both = np.stack([y, -100 * y + 7], axis=1)
    model = TabularRegressor(**FAST).fit(X, both)
    predictions = model.predict(X)
    assert predictions.shape == both.shape
    assert r2(both[:, 1], predictions[:, 1]) > 0.75
    assert predictions.max() <= both.max()


def test_rows_to_choose_by():
    X, y = mixed()
    new, y_new = mixed(seed=1)
    model = TabularRegressor("default", n_members=2, random_state=0).fit(X, y, X_val=new, y_val=y_new)
    assert r2(y_new, model.predict(new)) > 0.75
    error = np.sqrt(np.mean((y_new - model.predict(new)) ** 2))
    assert model.looks_[-1].score == pytest.approx(-error, rel=1e-5)
    with pytest.raises(ValueError, match="X_val and y_val belong together"):
        TabularRegressor().fit(X, y, X_val=new)


def test_rows_of_weight_0_are_left_out():
    X, y = mixed()
    weights = np.ones(len(y))
    weights[:100] = 0
    spoiled = y.copy()
    spoiled[:100] = 1000
    model = TabularRegressor(**FAST).fit(X, spoiled, sample_weight=weights)
    same = TabularRegressor(**FAST).fit(X.iloc[100:], y[100:])
    assert np.allclose(model.predict(X), same.predict(X))


@pytest.mark.parametrize("folds", [0, 3])
def test_the_same_bits_for_any_number_of_threads(folds):
    X, y = mixed(120)
    models = [
        TabularRegressor(n_members=3, n_folds=folds, random_state=0, n_jobs=n_jobs).fit(X, y)
        for n_jobs in (1, 2, 5)
    ]
    first = models[0].predict(X)
    for model in models[1:]:
        assert (model.predict(X) == first).all()
        assert [m.weight for m in model.members_] == [m.weight for m in models[0].members_]


def test_few_rows_are_all_watched():
    X, y = mixed(120)
    model = TabularRegressor(random_state=0).fit(X, y)
    assert {member.fold for member in model.members_} == {0, 1, 2, 3}
    assert np.isfinite(model.predict(X)).all()


@pytest.mark.parametrize("n", [2, 50])
@pytest.mark.parametrize("preset", ["fast", "default"])
def test_very_few_rows(n, preset):
    X, y = mixed(n)
    assert np.isfinite(TabularRegressor(preset, random_state=0).fit(X, y).predict(X)).all()
    labels = np.arange(n) % 2
    assert TabularClassifier(preset, random_state=0).fit(X, labels).predict_proba(X).shape == (n, 2)


def test_one_number_to_predict_and_one_class():
    X, _ = mixed(60)
    model = TabularRegressor(**FAST).fit(X, np.full(60, 7.0))
    assert (model.predict(X) == 7).all()
    with pytest.raises(ValueError, match="y has one class only"):
        TabularClassifier(**FAST).fit(X, np.full(60, "a"))
    with pytest.raises(ValueError, match="missing values"):
        TabularClassifier(**FAST).fit(X, np.array([None, "a"] * 30, dtype=object))


def test_columns_that_are_of_no_use_make_a_sensible_model():
    rng = np.random.default_rng(0)
    y = rng.normal(size=80)
    for column in (np.full(80, np.nan), np.full(80, 4.0)):
        model = TabularRegressor(**FAST).fit(column[:, None], y)
        assert np.allclose(model.predict(column[:, None]), y.mean(), atol=0.5)


def test_infinite_huge_and_unseen_values():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 3))
    X[::10, 0], X[1::10, 0], X[::7, 1] = np.inf, -np.inf, 1e308
    X[:, 2] = np.where(X[:, 2] > 0, np.inf, 1.0)
    y = (X[:, 2] > 1).astype(float)
    model = TabularRegressor(**FAST).fit(X, y)
    assert r2(y, model.predict(X)) > 0.9
    frame = pd.DataFrame({"a": ["x", "y", None] * 40, "b": np.arange(120.0)})
    model = TabularRegressor(**FAST).fit(frame, np.arange(120.0))
    unseen = pd.DataFrame({"a": ["new", None], "b": [np.nan, -np.inf]})
    assert np.isfinite(model.predict(unseen)).all()


def test_a_row_of_missing_values_only(fitted):
    model, X, _ = fitted
    nothing = pd.DataFrame({name: [None] for name in X.columns})
    assert np.isfinite(model.predict(nothing)).all()


def test_many_categories_tell_of_the_target():
    rng = np.random.default_rng(0)
    n, k = 6000, 300
    effect, code = rng.normal(size=k), rng.integers(0, k, size=n)
    X = pd.DataFrame({"shop": [f"shop {c}" for c in code], "x": rng.normal(size=n)})
    y = effect[code] + X["x"].to_numpy() + rng.normal(scale=0.2, size=n)
    model = TabularRegressor(**FAST).fit(X[:5000], y[:5000])
    assert r2(y[5000:], model.predict(X[5000:])) > 0.9


@pytest.mark.slow
def test_ten_thousand_categories_and_two_thousand_columns():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {"word": [f"w{k}" for k in rng.integers(0, 10_000, size=30_000)], "x": rng.random(30_000)}
    )
    model = TabularRegressor(time_budget=5, random_state=0).fit(X, X["x"])
    assert r2(X["x"], model.predict(X)) > 0.9
    X = rng.normal(size=(500, 2000))
    model = TabularClassifier(**FAST).fit(X, X[:, 0] > 0)
    assert model.predict(X).shape == (500,)


@pytest.mark.parametrize("budget", [0.5, 2.0])
def test_time_budget(budget):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20_000, 8))
    y = X[:, 0] * X[:, 1]
    model = TabularRegressor("best", time_budget=budget, random_state=0).fit(X, y)
    assert model.predict(X[:5]).shape == (5,)
    assert sum(member.epoch for member in model.members_) < 32 * 119 / 4  # seconds depend on the machine


def test_progress(capsys):
    X, y = mixed(60)
    TabularRegressor(**FAST, verbose=True).fit(X, y)
    said = capsys.readouterr()
    assert "member 1, epoch 17" in said.err
    assert "s left" in said.err
    assert not said.out
    TabularRegressor(**FAST).fit(X, y)
    assert not capsys.readouterr().err


def test_saving_and_loading(fitted, tmp_path):
    model, X, _ = fitted
    model.save(tmp_path / "model")
    same = chainrule.load(tmp_path / "model")
    assert (same.predict(X) == model.predict(X)).all()
    assert same.get_params() == model.get_params()
    assert list(same.feature_names_in_) == list(model.feature_names_in_)
    assert same.looks_ == model.looks_
    assert [m.recipe for m in same.members_] == [m.recipe for m in model.members_]
    again = pickle.loads(pickle.dumps(model))
    assert (again.predict(X) == model.predict(X)).all()


@pytest.mark.parametrize("labels", [["a", "b"], [3, 5], [False, True], [0.0, 1.0]])
def test_saving_class_labels(labels, tmp_path):
    X, y = mixed(80)
    y = np.array(labels)[(y > 0.5).astype(int)]
    model = TabularClassifier(**FAST, class_weight={labels[0]: 2.0}).fit(X, y)
    model.save(tmp_path / "model")
    same = chainrule.load(tmp_path / "model")
    assert same.classes_.dtype == model.classes_.dtype
    assert (same.predict(X) == model.predict(X)).all()
    assert (same.predict_proba(X) == model.predict_proba(X)).all()
    assert same.class_weight == model.class_weight


def test_what_is_not_fitted_cannot_be_saved(tmp_path):
    with pytest.raises(ValueError, match="not fitted"):
        TabularClassifier().save(tmp_path / "model")


@pytest.mark.parametrize("recipe", ["realmlp-td", "realmlp-td-s"])
def test_one_network_as_its_authors_train_it(recipe):
    X, y = mixed(150)
    model = TabularRegressor(recipe=recipe, random_state=0).fit(X, y)
    (member,) = model.members_
    assert member.weight == 1
    assert (member.recipe.sigma is None) == (recipe == "realmlp-td-s")
    assert r2(y, model.predict(X)) > 0.7


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"preset": "fats"}, "did you mean 'fast'"),
        ({"recipe": "realmlp"}, "did you mean 'realmlp-td"),
        ({"time_budget": 0}, "time_budget is 0"),
        ({"n_members": 0}, "n_members is 0"),
        ({"n_folds": 1}, "n_folds is 1"),
        ({"scoring": "acuracy"}, "did you mean 'accuracy'"),
    ],
)
def test_settings_that_are_none(settings, message):
    X, y = mixed(30)
    with pytest.raises(ValueError, match=message):
        TabularClassifier(**settings).fit(X, y > 0)


def test_objects_that_are_no_values():
    X = np.array([[1, {"a": 1}], [2, "b"]], dtype=object)
    with pytest.raises(TypeError, match="argument must be a string or a number"):
        TabularClassifier().fit(X, [0, 1])
