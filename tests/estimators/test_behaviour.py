"""What users do with a fitted estimator, beside predicting."""

import _thread
import concurrent.futures
import copy
import inspect
import itertools
import pickle
import threading
import warnings

import joblib
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import sklearn.neural_network
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris, make_multilabel_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import chainrule.estimators as ours
from chainrule.estimators import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, LABELS = load_iris(return_X_y=True)
NUMBERS = X[:, 3] + 0.1 * LABELS
BOTH = [("MLPClassifier", LABELS), ("MLPRegressor", NUMBERS)]


def fitted(name, y, library=ours, **parameters):
    parameters = {"hidden_layer_sizes": (5, 4), "max_iter": 4, "random_state": 5} | parameters
    return getattr(library, name)(**parameters).fit(X, y)


def outputs(mlp, x=X):
    return mlp.predict_proba(x) if hasattr(mlp, "predict_proba") else mlp.predict(x)


@pytest.mark.parametrize("name", ["MLPClassifier", "MLPRegressor"])
def test_constructor_is_scikit_learns_and_more(name):
    their = inspect.signature(getattr(sklearn.neural_network, name)).parameters
    our = inspect.signature(getattr(ours, name)).parameters
    assert list(our)[: len(their)] == list(their)
    for parameter in their:
        assert our[parameter].default == their[parameter].default, parameter
        assert our[parameter].kind == their[parameter].kind, parameter
    off = {"checkpoint_every": 1, "row_blocks": 1, "precision": "full", "loss": "log_loss"}
    for parameter in list(our)[len(their) :]:
        assert our[parameter].kind == inspect.Parameter.KEYWORD_ONLY, parameter
        assert our[parameter].default is None or our[parameter].default in (False, off.get(parameter))


@pytest.mark.parametrize("name", ["MLPClassifier", "MLPRegressor"])
def test_docstring_covers_every_parameter_and_attribute(name):
    estimator = getattr(ours, name)
    text = inspect.getdoc(estimator)
    assert "{" not in text.replace("{k+1}", "").split("Parameters")[0]
    for parameter in inspect.signature(estimator).parameters:
        assert parameter in text
    mlp = fitted(name, LABELS)
    for attribute in vars(mlp):
        if attribute.endswith("_") and not attribute.startswith("_"):
            assert f"\n{attribute} : " in text, attribute


def test_digits_with_all_defaults():
    x, y = load_digits(return_X_y=True)
    their = sklearn.neural_network.MLPClassifier(random_state=0, max_iter=15).fit(x, y)
    our = MLPClassifier(random_state=0, max_iter=15).fit(x, y)
    assert_allclose(our.loss_curve_, their.loss_curve_, rtol=1e-9)
    assert_allclose(our.predict_proba(x), their.predict_proba(x), rtol=1e-7, atol=1e-10)


def test_digits_in_float32_with_all_defaults():
    x, y = load_digits(return_X_y=True)
    x = x.astype(np.float32)
    their = sklearn.neural_network.MLPClassifier(random_state=0, max_iter=15).fit(x, y)
    our = MLPClassifier(random_state=0, max_iter=15).fit(x, y)
    assert_allclose(our.loss_curve_, their.loss_curve_, rtol=2e-3)
    assert our.predict_proba(x).dtype == np.float32


@pytest.mark.parametrize(("name", "y"), BOTH)
def test_arrays_changed_or_replaced_by_the_user_count(name, y):
    """Every way of changing coefs_ that scikit-learn honours, one after the other, beside scikit-learn."""
    mlps = [fitted(name, y, library) for library in (ours, sklearn.neural_network)]

    def agree():
        assert_allclose(outputs(mlps[0]), outputs(mlps[1]), rtol=1e-9, atol=1e-12)
        return outputs(mlps[0])

    results = [agree()]
    for mlp in mlps:
        mlp.coefs_[0][:2] *= -1
    results.append(agree())
    for mlp in mlps:
        mlp.coefs_[1] = np.full((5, 4), 0.2)
    results.append(agree())
    for mlp in mlps:
        mlp.coefs_[1][:] = np.linspace(0, 1, 20).reshape(5, 4)  # in place, in the user's own array
    results.append(agree())
    for mlp in mlps:
        mlp.coefs_ = [0.5 * coef for coef in mlp.coefs_]
        mlp.intercepts_ = [b + 0.1 for b in mlp.intercepts_]
    results.append(agree())
    for mlp in mlps:
        mlp.set_params(activation="tanh")
    results.append(agree())
    for mlp in mlps:
        mlp.set_params(warm_start=True).fit(X, y)
    results.append(agree())
    for mlp in mlps:
        mlp.partial_fit(X, y)
    results.append(agree())
    for before, after in itertools.pairwise(results):
        assert np.abs(before - after).max() > 1e-6


def test_a_replaced_network_of_another_width_predicts():
    mlp = fitted("MLPRegressor", NUMBERS)
    mlp.coefs_ = [np.ones((4, 2)), np.ones((2, 1))]
    mlp.intercepts_ = [np.array([-100, 0.0]), np.array([1.0])]
    assert_allclose(mlp.predict(X), 1 + X.sum(axis=1))


def test_output_activation_changed_by_the_user_counts():
    mlp = fitted("MLPClassifier", LABELS)
    probabilities = mlp.predict_proba(X)
    mlp.out_activation_ = "identity"
    logits = mlp.predict_proba(X)
    softmax = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert_allclose(softmax, probabilities, rtol=1e-12)
    assert np.abs(logits - probabilities).max() > 0.1


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.parametrize(("name", "y"), BOTH)
def test_copies_predict_and_go_on_alike(name, y, solver, tmp_path):
    mlp = fitted(name, y, solver=solver, warm_start=True)
    joblib.dump(mlp, tmp_path / "mlp.joblib")
    copies = [
        pickle.loads(pickle.dumps(mlp)),
        copy.deepcopy(mlp),
        copy.copy(mlp),
        joblib.load(tmp_path / "mlp.joblib"),
        joblib.load(tmp_path / "mlp.joblib", mmap_mode="r"),
    ]
    expected = outputs(mlp)
    for other in copies:
        assert_array_equal(outputs(other), expected)

    def go_on(mlp):
        return outputs(mlp.fit(X, y) if solver == "lbfgs" else mlp.partial_fit(X, y).partial_fit(X, y))

    after = go_on(mlp)
    assert np.abs(after - expected).max() > 1e-6
    for other in copies:
        assert_array_equal(outputs(other), expected)  # a copy shares nothing
        assert_array_equal(go_on(other), after)


def test_a_copy_in_the_middle_of_partial_fits_keeps_the_moments():
    mlp = MLPRegressor(hidden_layer_sizes=(4,), random_state=0).partial_fit(X, NUMBERS)
    other = pickle.loads(pickle.dumps(mlp))
    for _ in range(3):
        mlp.partial_fit(X, NUMBERS)
        other.partial_fit(X, NUMBERS)
    assert_array_equal(mlp.coefs_[0], other.coefs_[0])


@pytest.mark.parametrize(("name", "y"), BOTH)
def test_clone_is_unfitted_with_the_same_parameters(name, y):
    mlp = fitted(name, y, alpha=0.3, n_threads=2)
    other = clone(mlp)
    assert other.get_params() == mlp.get_params()
    assert not hasattr(other, "coefs_")
    assert repr(other).startswith(f"{name}(")
    assert "n_threads=2" in repr(other)


@pytest.mark.parametrize(("name", "y"), BOTH)
def test_pipeline_grid_search_and_cross_validation(name, y):
    pipeline = make_pipeline(
        StandardScaler(), getattr(ours, name)(hidden_layer_sizes=(8,), solver="lbfgs", random_state=0)
    )
    grid = GridSearchCV(pipeline, {f"{name.lower()}__alpha": [1e-3, 1e3]}, cv=3, n_jobs=2).fit(X, y)
    assert grid.best_params_ == {f"{name.lower()}__alpha": 1e-3}
    assert grid.score(X, y) > 0.9
    order = np.random.default_rng(0).permutation(len(X))
    assert cross_val_score(pipeline, X[order], y[order], cv=3).min() > 0.85


def test_workers_take_memory_mapped_rows():
    """joblib hands large arrays to its workers read-only, from a file."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 500))
    assert x.nbytes > 1e6
    scores = cross_val_score(
        MLPClassifier((4,), max_iter=3, random_state=0), x, x[:, 0] > 0, cv=2, n_jobs=2, error_score="raise"
    )
    assert np.isfinite(scores).all()


@pytest.mark.parametrize(("name", "y"), BOTH)
def test_every_form_of_the_same_rows_predicts_alike(name, y):
    mlp = fitted(name, y)
    expected = outputs(mlp)
    read_only = X.copy()
    read_only.flags.writeable = False
    wide = np.zeros((len(X), 8))
    wide[:, ::2] = X
    for x in (X.tolist(), np.asfortranarray(X), read_only, wide[:, ::2], X.astype(">f8"), X.astype(object)):
        assert_allclose(outputs(mlp, x), expected, rtol=1e-12)
    for x in (scipy.sparse.csr_array(X), scipy.sparse.csc_matrix(X), scipy.sparse.coo_array(X)):
        assert_allclose(outputs(mlp, x), expected, rtol=1e-12)
    assert_allclose(np.concatenate([outputs(mlp, row[np.newaxis]) for row in X]), expected, rtol=1e-12)
    assert_allclose(outputs(mlp, X.astype(np.float32)), expected, rtol=1e-4)


def test_unsorted_and_repeated_sparse_entries_are_summed():
    mlp = fitted("MLPRegressor", NUMBERS)
    x = scipy.sparse.csr_array(
        (np.array([1.0, 2.0, 3.0]), np.array([3, 0, 3]), np.array([0, 3])), shape=(1, 4)
    )
    assert_allclose(mlp.predict(x), mlp.predict(np.array([[2.0, 0.0, 0.0, 4.0]])), rtol=1e-12)


@pytest.mark.parametrize(("name", "y"), BOTH)
def test_input_is_not_changed(name, y):
    x, weight = X.copy(), np.linspace(1, 2, len(X))
    for early_stopping in (False, True):
        mlp = getattr(ours, name)(max_iter=2, early_stopping=early_stopping, random_state=0)
        outputs(mlp.fit(x, y, sample_weight=weight), x)
    assert_array_equal(x, X)
    assert_array_equal(weight, np.linspace(1, 2, len(X)))


def test_column_names_are_kept_and_checked():
    frame = pd.DataFrame(X, columns=["a", "b", "c", "d"])
    mlp = MLPClassifier(max_iter=2, random_state=0).fit(frame, pd.Series(LABELS))
    assert mlp.feature_names_in_.tolist() == ["a", "b", "c", "d"]
    expected = mlp.predict_proba(frame)
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        assert_array_equal(mlp.predict_proba(X), expected)
    with pytest.raises(ValueError, match="feature names should match"):
        mlp.predict(frame[["d", "c", "b", "a"]])


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_any_number_of_threads_gives_the_same_bits(solver):
    x, y = load_digits(return_X_y=True)
    x = x / 16
    fits = [
        MLPClassifier((40,), solver=solver, max_iter=3, random_state=0, n_threads=n).fit(x, y)
        for n in (1, 2, 3)
    ]
    for other in fits[1:]:
        for a, b in zip(fits[0].coefs_ + fits[0].intercepts_, other.coefs_ + other.intercepts_, strict=True):
            assert_array_equal(a, b)


@pytest.mark.parametrize("early_stopping", [False, True])
def test_interrupted_training_keeps_what_it_has(early_stopping, monkeypatch):
    from chainrule.estimators.optimizer import StochasticOptimizer

    def interrupt(optimizer, n_seen):
        if n_seen > 2 * 100:
            raise KeyboardInterrupt

    monkeypatch.setattr(StochasticOptimizer, "epoch_ends", interrupt)
    mlp = MLPRegressor(max_iter=50, random_state=0, early_stopping=early_stopping)
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        mlp.fit(X, NUMBERS)
    assert mlp.n_iter_ == len(mlp.loss_curve_) == 2
    assert np.isfinite(mlp.predict(X)).all()


def test_ctrl_c_during_an_epoch():
    x = np.random.default_rng(0).normal(size=(20_000, 20))
    mlp = MLPRegressor(hidden_layer_sizes=(100, 100), max_iter=3000, n_iter_no_change=np.inf, random_state=0)
    timer = threading.Timer(0.5, _thread.interrupt_main)
    timer.start()
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        mlp.fit(x, x[:, 0])
    assert mlp.n_iter_ < 3000
    assert np.isfinite(mlp.predict(x)).all()


def test_threads_predict_with_one_estimator():
    mlp = fitted("MLPClassifier", LABELS, hidden_layer_sizes=(64, 32))
    expected = mlp.predict_proba(X)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for found in pool.map(mlp.predict_proba, [X] * 200):
            assert_array_equal(found, expected)


def test_numpy_numbers_as_parameters():
    plain = {
        "alpha": 0.5, "batch_size": 16, "learning_rate_init": 0.25, "max_iter": 3, "tol": 0.0, "power_t": 0.5,
        "momentum": 0.5, "n_iter_no_change": 2, "max_fun": 50, "random_state": 1, "n_threads": 2,
        "validation_fraction": 0.25, "beta_1": 0.5, "beta_2": 0.75, "epsilon": 0.125,
    }  # fmt: skip
    numpy = {k: np.float32(v) if isinstance(v, float) else np.int64(v) for k, v in plain.items()}
    for solver in ("adam", "sgd", "lbfgs"):
        a, b = (fitted("MLPRegressor", NUMBERS, solver=solver, **kind) for kind in (plain, numpy))
        assert_array_equal(a.coefs_[0], b.coefs_[0])


def test_warnings_point_at_the_callers_line():
    with pytest.warns(ConvergenceWarning, match=r"Maximum iterations \(4\) reached") as caught:
        MLPRegressor(max_iter=4, random_state=0).fit(X, NUMBERS)
    assert caught[0].filename == __file__
    with pytest.warns(ConvergenceWarning, match=r"(?s)lbfgs failed to converge.*max_iter=4") as caught:
        MLPRegressor(max_iter=4, solver="lbfgs", random_state=0).fit(X, NUMBERS)
    assert caught[0].filename == __file__
    with pytest.warns(UserWarning, match="going to be clipped") as caught:
        MLPRegressor(batch_size=1000, max_iter=1, random_state=0).fit(X, NUMBERS)
    assert __file__ in [warning.filename for warning in caught]


def test_switching_early_stopping_between_warm_starts():
    mlp = MLPRegressor(max_iter=3, warm_start=True, early_stopping=True, random_state=0).fit(X, NUMBERS)
    assert len(mlp.validation_scores_) == 3
    mlp.set_params(early_stopping=False).fit(X, NUMBERS)
    assert mlp.validation_scores_ is None
    assert mlp.best_loss_ == min(mlp.loss_curve_[3:])
    mlp.set_params(early_stopping=True).fit(X, NUMBERS)
    assert len(mlp.validation_scores_) == 3
    assert mlp.best_loss_ is None


def test_going_on_with_another_solver():
    mlp = MLPRegressor(solver="lbfgs", max_iter=3, warm_start=True, random_state=0).fit(X, NUMBERS)
    loss = mlp.loss_
    mlp.set_params(solver="adam", max_iter=20).fit(X, NUMBERS)
    assert mlp.loss_curve_[0] < 1.5 * loss
    assert len(mlp.loss_curve_) == 20
    mlp.set_params(solver="sgd").partial_fit(X, NUMBERS)
    assert len(mlp.loss_curve_) == 21


def test_one_class_only():
    mlp = MLPClassifier(max_iter=2, random_state=0).fit(X, np.full(len(X), "only"))
    assert set(mlp.predict(X)) == {"only"}
    their = sklearn.neural_network.MLPClassifier(max_iter=2, random_state=0).fit(X, np.full(len(X), "only"))
    assert_allclose(mlp.predict_proba(X), their.predict_proba(X), rtol=1e-12)


def test_sparse_labels_come_back_sparse():
    x, y = make_multilabel_classification(n_samples=40, random_state=0)
    dense = MLPClassifier(max_iter=3, random_state=0).fit(x, y)
    sparse = MLPClassifier(max_iter=3, random_state=0, early_stopping=False).fit(
        x, scipy.sparse.csr_matrix(y)
    )
    assert scipy.sparse.issparse(sparse.predict(x))
    assert_array_equal(sparse.predict(x).toarray(), dense.predict(x))


@pytest.mark.parametrize("weighted", [False, True])
def test_validation_score_is_scikit_learns_r2(weighted):
    rng = np.random.default_rng(0)
    mlp = MLPRegressor()
    weight = rng.uniform(size=20) if weighted else None
    targets = np.stack([rng.normal(size=20), np.ones(20), np.ones(20)], axis=1)
    predictions = targets + np.stack([0.5 * rng.normal(size=20), np.zeros(20), rng.normal(size=20)], axis=1)
    for columns in ([0], [1], [2], [0, 1, 2]):
        expected = r2_score(targets[:, columns], predictions[:, columns], sample_weight=weight)
        score = mlp._score_outputs(predictions[:, columns], targets[:, columns], weight)
        assert_allclose(score, expected, rtol=1e-12)


def test_verbose_prints_scikit_learns_lines(capsys):
    printed = []
    parameters = {
        "solver": "sgd",
        "learning_rate": "adaptive",
        "tol": 10,
        "n_iter_no_change": 1,
        "max_iter": 9,
    }
    for library in (ours, sklearn.neural_network):
        fitted("MLPClassifier", LABELS, library, early_stopping=True, verbose=True, **parameters)
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1]
    assert "Setting learning rate to" in printed[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        MLPRegressor(solver="lbfgs", max_iter=2, verbose=True, random_state=0).fit(X, NUMBERS)
    assert capsys.readouterr().out.startswith("Iteration 1, loss = ")
