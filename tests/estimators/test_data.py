"""Class weights, targets in their own units, data frames."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import sklearn.neural_network
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_iris, make_classification, make_multilabel_classification
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.class_weight import compute_class_weight, compute_sample_weight

import chainrule
from chainrule.estimators import MLPClassifier, MLPRegressor
from chainrule.estimators.target_scale import TargetScale

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, LABELS = load_iris(return_X_y=True)
NAMES = np.array(["a", "b", "c"])[LABELS]
ROWS = np.r_[0:50, 50:70, 100:110]  # 50, 20 and 10 rows of the three classes
FAST = {"hidden_layer_sizes": (6,), "max_iter": 5, "random_state": 0}
SOLVERS = ["adam", "sgd", "lbfgs"]


# class_weight


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("class_weight", ["balanced", {"a": 1.0, "b": 4.0, "c": 0.5}])
def test_class_weights_are_sample_weights(class_weight, weighted, solver):
    x, y = X[ROWS], NAMES[ROWS]
    weight = np.linspace(1, 2, len(x)) if weighted else None
    mlp = MLPClassifier(solver=solver, class_weight=class_weight, **FAST).fit(x, y, weight)
    classes = np.unique(y)
    by_class = compute_class_weight(class_weight, classes=classes, y=y, sample_weight=weight)
    rows = by_class[np.searchsorted(classes, y)] * (1 if weight is None else weight)
    their = sklearn.neural_network.MLPClassifier(solver=solver, **FAST).fit(x, y, rows)
    assert_allclose(mlp.predict_proba(x), their.predict_proba(x), rtol=1e-6)
    plain = MLPClassifier(solver=solver, **FAST).fit(x, y, weight)
    assert np.abs(plain.predict_proba(x) - mlp.predict_proba(x)).max() > 1e-4


def test_balanced_weights_see_no_rows_of_weight_0():
    weight = (LABELS != 1).astype(float)
    weight[:25] = 0
    mlp = MLPClassifier(class_weight="balanced", **FAST).fit(X, NAMES, weight)
    same = MLPClassifier(**FAST).fit(X, NAMES, weight * np.array([1.5, 0, 0.75])[LABELS])
    assert_allclose(mlp.coefs_[0], same.coefs_[0], rtol=1e-12)


def test_class_weights_of_two_classes():
    x, y = X[ROWS], NAMES[ROWS] == "a"
    mlp = MLPClassifier(class_weight={False: 3, True: 1}, **FAST).fit(x, y)
    same = MLPClassifier(**FAST).fit(x, y, np.where(y, 1.0, 3.0))
    assert_array_equal(mlp.coefs_[0], same.coefs_[0])


@pytest.mark.parametrize("class_weight", ["balanced", [{0: 1, 1: 2}, {0: 3, 1: 1}, {0: 1, 1: 5}]])
def test_class_weights_of_several_labels(class_weight):
    x, y = make_multilabel_classification(n_samples=60, n_classes=3, random_state=0)
    mlp = MLPClassifier(class_weight=class_weight, **FAST).fit(x, y)
    same = MLPClassifier(**FAST).fit(x, y, compute_sample_weight(class_weight, y))
    assert_array_equal(mlp.coefs_[0], same.coefs_[0])
    assert np.abs(mlp.coefs_[0] - MLPClassifier(**FAST).fit(x, y).coefs_[0]).max() > 0


def test_early_stopping_scores_without_class_weights():
    x, y = make_classification(n_samples=400, weights=[0.9], random_state=0)
    fits = [
        MLPClassifier(
            class_weight=class_weight,
            early_stopping=True,
            patience=np.inf,
            learning_rate_init=0.02,
            **FAST | {"max_iter": 60},
        ).fit(x, y)
        for class_weight in (None, {0: 1e-9, 1: 1.0})
    ]
    assert fits[0].validation_scores_[-1] > 0.8
    assert fits[1].validation_scores_[-1] < 0.2  # only the rare class is learned, and the others are counted


def test_class_weights_that_do_not_fit():
    with pytest.raises(ValueError, match=r"The classes, .*are not in class_weight"):
        MLPClassifier(class_weight={"a": 1, "z": 2}, **FAST).fit(X, NAMES)
    with pytest.raises(ValueError, match=r"'class_weight' parameter .* Did you mean 'balanced'\?"):
        MLPClassifier(class_weight="balance", **FAST).fit(X, NAMES)
    with pytest.raises(ValueError, match="class_weight has negative weights"):
        MLPClassifier(class_weight={"a": -1}, **FAST).fit(X, NAMES)
    with pytest.raises(ValueError, match="class_weight is a list, which is for a multilabel y"):
        MLPClassifier(class_weight=[{0: 1}], **FAST).fit(X, NAMES)
    with pytest.raises(ValueError, match="class_weight is a dict, but y is multilabel"):
        MLPClassifier(class_weight={0: 1}, **FAST).fit(X, np.eye(3, dtype=int)[LABELS])
    with pytest.raises(ValueError, match="'balanced' is not supported for partial_fit"):
        MLPClassifier(class_weight="balanced", **FAST).partial_fit(X, NAMES, classes=["a", "b", "c"])


def test_class_weights_in_partial_fit():
    weights = {"a": 1.0, "b": 4.0, "c": 0.5}
    mlp, same = MLPClassifier(class_weight=weights, **FAST), MLPClassifier(**FAST)
    for rows in (slice(0, 60), slice(60, 150)):
        mlp.partial_fit(X[rows], NAMES[rows], classes=["a", "b", "c"])
        by_row = np.array([weights[name] for name in NAMES[rows]])
        same.partial_fit(X[rows], NAMES[rows], by_row, classes=["a", "b", "c"])
    assert_array_equal(mlp.coefs_[0], same.coefs_[0])


# scale_targets

FAR = np.stack([1e6 + 3e4 * X[:, 0], 1e-3 * X[:, 3]], axis=1)


@pytest.mark.parametrize("columns", [[0], [0, 1]])
@pytest.mark.parametrize("solver", SOLVERS)
def test_scaled_targets_are_those_of_a_transformed_regressor(solver, columns):
    y = FAR[:, columns] if len(columns) > 1 else FAR[:, 0]
    parameters = FAST | {"solver": solver, "max_iter": 30}
    mlp = MLPRegressor(scale_targets=True, **parameters).fit(X, y)
    same = TransformedTargetRegressor(
        sklearn.neural_network.MLPRegressor(**parameters), transformer=StandardScaler()
    ).fit(X, y)
    assert mlp.predict(X).shape == y.shape
    assert_allclose(mlp.predict(X), same.predict(X), rtol=1e-6)
    assert_allclose(mlp.coefs_[0], same.regressor_.coefs_[0], rtol=1e-4)
    assert_allclose(mlp.target_mean_, FAR[:, columns].mean(axis=0))
    assert_allclose(mlp.target_scale_, FAR[:, columns].std(axis=0))
    assert np.abs(mlp.predict(X) - y.mean(axis=0)).max() > 0.1 * y.std(axis=0).max()


@pytest.mark.parametrize("early_stopping", [False, True])
def test_scaled_targets_learn_what_others_cannot(early_stopping):
    parameters = {"max_iter": 200, "random_state": 0, "early_stopping": early_stopping}
    scaled = MLPRegressor(scale_targets=True, **parameters).fit(X, FAR[:, 0])
    assert scaled.score(X, FAR[:, 0]) > 0.5
    if early_stopping:
        assert max(scaled.validation_scores_) > 0.5
    assert MLPRegressor(**parameters).fit(X, FAR[:, 0]).score(X, FAR[:, 0]) < 0


def test_scale_of_targets():
    weight = np.array([1.0, 3.0, 0.0])
    scale = TargetScale.of(np.array([[1.0, 0.1], [3.0, 0.1], [99.0, 0.1]]), weight)
    assert_allclose(scale.mean, [2.5, 0.1])
    assert_allclose(scale.scale, [np.sqrt(0.75), 1.0])
    y = np.array([[5.0, 0.25]])
    assert_allclose(scale.restore(scale.standardize(y)), y)
    assert scale.restore(y.astype(np.float32)).dtype == np.float32
    assert_allclose(TargetScale.of(np.array([[2.0], [4.0]]), np.zeros(2)).mean, [3.0])


def test_scaled_targets_in_float32_keep_their_digits():
    x = X.astype(np.float32)
    mlp = MLPRegressor(scale_targets=True, **FAST).fit(x, FAR[:, 0])
    assert mlp.coefs_[0].dtype == mlp.predict(x).dtype == np.float32
    same = MLPRegressor(**FAST).fit(x, (FAR[:, 0] - FAR[:, 0].mean()) / FAR[:, 0].std())
    assert_allclose(mlp.coefs_[0], same.coefs_[0], rtol=1e-5)


def test_scale_is_kept_where_training_goes_on():
    mlp = MLPRegressor(scale_targets=True, **FAST).partial_fit(X[:50], FAR[:50, 0])
    mean = mlp.target_mean_
    assert_array_equal(mlp.partial_fit(X, FAR[:, 0]).target_mean_, mean)
    assert_array_equal(mlp.set_params(warm_start=True).fit(X, FAR[:, 0]).target_mean_, mean)
    mlp.set_params(warm_start=False).fit(X, FAR[:, 0])
    assert_allclose(mlp.target_mean_, FAR[:, 0].mean())
    mlp.set_params(scale_targets=False).fit(X, X[:, 0])
    assert not hasattr(mlp, "target_mean_")
    assert not hasattr(mlp, "target_scale_")


def test_scaled_targets_are_saved(tmp_path):
    mlp = MLPRegressor(scale_targets=True, **FAST).fit(X, FAR)
    mlp.save(tmp_path / "far.safetensors")
    for other in (chainrule.load(tmp_path / "far.safetensors"), pickle.loads(pickle.dumps(mlp))):
        assert_array_equal(other.predict(X), mlp.predict(X))
        assert other.get_params() == mlp.get_params()


def test_scale_targets_needs_an_identity_output():
    with pytest.raises(ValueError, match="scale_targets=True does not go with loss='poisson'"):
        MLPRegressor(loss="poisson", scale_targets=True).fit(X, LABELS)


# Data frames

COLUMNS = ["length", "width", "petal length", "petal width"]
FRAMES = {
    "pandas": lambda x: pd.DataFrame(x, columns=COLUMNS),
    "polars": lambda x: pl.DataFrame(x, schema=COLUMNS),
    "pyarrow": lambda x: pa.table({name: x[:, k] for k, name in enumerate(COLUMNS)}),
}
SERIES = {"pandas": pd.Series, "polars": pl.Series, "pyarrow": lambda y: pa.chunked_array([pa.array(y)])}


@pytest.mark.parametrize("library", FRAMES)
@pytest.mark.parametrize("estimator", [MLPClassifier, MLPRegressor])
def test_frames(estimator, library):
    frame, y = FRAMES[library](X), NAMES.tolist() if estimator is MLPClassifier else X[:, 0]
    mlp = estimator(early_stopping=True, **FAST).fit(frame, SERIES[library](y))
    plain = estimator(early_stopping=True, **FAST).fit(X, np.array(y))
    assert mlp.feature_names_in_.tolist() == COLUMNS
    assert mlp.feature_names_in_.dtype == object
    assert not hasattr(plain, "feature_names_in_")
    assert_array_equal(mlp.predict(frame), plain.predict(X))
    for other in FRAMES.values():
        assert_array_equal(mlp.predict(other(X)), plain.predict(X))
    with pytest.raises(ValueError, match="feature names should match"):
        mlp.predict(
            FRAMES[library](X)[COLUMNS[::-1]] if library != "pyarrow" else frame.select(COLUMNS[::-1])
        )
    with pytest.raises(ValueError, match="feature names should match"):
        mlp.partial_fit(pd.DataFrame(X), y) if False else mlp.predict(
            frame.rename({"width": "x"}, **({"axis": 1} if library == "pandas" else {}))
            if library != "pyarrow"
            else frame.rename_columns(["length", "x", *COLUMNS[2:]])
        )
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        mlp.predict(X)


@pytest.mark.parametrize("library", FRAMES)
def test_frames_of_targets(library):
    y = FRAMES[library](X)
    columns = ["length", "width"]
    mlp = MLPRegressor(**FAST).fit(X, y[columns] if library != "pyarrow" else y.select(columns))
    assert_array_equal(mlp.predict(X), MLPRegressor(**FAST).fit(X, X[:, :2]).predict(X))


@pytest.mark.parametrize("library", FRAMES)
def test_frames_of_float32_are_trained_in_float32(library):
    frame = FRAMES[library](X.astype(np.float32))
    mlp = MLPRegressor(**FAST).fit(frame, X[:, 0])
    assert mlp.coefs_[0].dtype == np.float32
    assert_array_equal(
        mlp.predict(frame),
        MLPRegressor(**FAST)
        .fit(frame.to_numpy() if library != "pyarrow" else X.astype(np.float32), X[:, 0])
        .predict(X.astype(np.float32)),
    )


def test_frames_of_several_types():
    frame = pl.DataFrame({"a": LABELS, "b": X[:, 0], "c": LABELS > 1})
    x = np.stack([LABELS, X[:, 0], LABELS > 1], axis=1)
    assert_array_equal(
        MLPRegressor(**FAST).fit(frame, X[:, 0]).predict(frame),
        MLPRegressor(**FAST).fit(x, X[:, 0]).predict(x),
    )


@pytest.mark.parametrize(
    "frame", [pd.DataFrame({"n": X[:, 0], "name": NAMES}), pl.DataFrame({"n": X[:, 0], "name": NAMES}),
              pa.table({"n": X[:, 0], "name": NAMES.tolist()})], ids=["pandas", "polars", "pyarrow"]
)  # fmt: skip
def test_text_is_named(frame):
    with pytest.raises(ValueError, match=r"Columns of text: 'name'\. Encode them first"):
        MLPRegressor().fit(frame, X[:, 0])


DAYS = pd.date_range("2020-01-01", periods=len(X))


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"n": X[:, 0], "day": DAYS}),
        pl.DataFrame({"n": X[:, 0], "day": DAYS.to_numpy()}),
        pl.DataFrame({"n": X[:, 0], "day": DAYS.to_numpy()}).with_columns(pl.col("day").cast(pl.Date)),
        pa.table({"n": X[:, 0], "day": DAYS - DAYS[0]}),
    ],
    ids=["pandas", "polars", "polars dates", "pyarrow durations"],
)
def test_dates_are_named(frame):
    with pytest.raises(ValueError, match=r"Columns of dates or times: 'day'\. Turn them into numbers first"):
        MLPRegressor().fit(frame, X[:, 0])


def test_lazy_frames_have_no_rows():
    with pytest.raises(TypeError, match=r"X is a LazyFrame.* expected a DataFrame: X\.collect\(\)"):
        MLPRegressor().fit(pl.DataFrame({"n": X[:, 0]}).lazy(), X[:, 0])


def test_missing_values_are_refused():
    with pytest.raises(ValueError, match="Input X contains NaN"):
        MLPRegressor().fit(pl.DataFrame({"n": [1.0, None] * 75}), X[:, 0])


def test_set_output_is_for_transformers():
    """scikit-learn's predictors have no set_output: a pipeline sets it on the steps before them."""
    assert not hasattr(MLPClassifier(), "set_output")
    assert not hasattr(sklearn.neural_network.MLPClassifier(), "set_output")
    for library, frame in (("pandas", pd.DataFrame), ("polars", pl.DataFrame)):
        pipeline = make_pipeline(StandardScaler(), MLPClassifier(**FAST)).set_output(transform=library)
        pipeline.fit(FRAMES[library](X), NAMES)
        assert isinstance(pipeline[:-1].transform(FRAMES[library](X)), frame)
        assert pipeline[-1].feature_names_in_.tolist() == COLUMNS
        assert isinstance(pipeline.predict(FRAMES[library](X)), np.ndarray)
