"""Rows to watch, scorers, early stopping on them, callbacks, progress, the time budget."""

import copy
import io
import pickle

import numpy as np
import pandas as pd
import pytest
import rich.console
import scipy.sparse
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.callback import ScoringMonitor
from sklearn.datasets import load_digits, load_iris, make_multilabel_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import (
    accuracy_score,
    f1_score,
    fbeta_score,
    log_loss,
    make_scorer,
    mean_absolute_error,
    r2_score,
    roc_auc_score,
)
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import chainrule
from chainrule.estimators import FitRecord, MLPClassifier, MLPRegressor, ProgressBar
from chainrule.estimators.metrics import scorers

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, LABELS = load_iris(return_X_y=True)
NAMES = np.array(["setosa", "versicolor", "virginica"])[LABELS]
NUMBERS = X[:, 3] + 0.1 * LABELS
x, x_val, names, names_val, numbers, numbers_val = train_test_split(
    X, NAMES, NUMBERS, random_state=0, stratify=NAMES
)
FAST = {"hidden_layer_sizes": (6,), "max_iter": 8, "random_state": 0, "learning_rate_init": 0.02}
BOTH = [(MLPClassifier, names, names_val), (MLPRegressor, numbers, numbers_val)]
SOLVERS = ["adam", "sgd", "lbfgs"]


class Scores:
    """A callback that measures by itself."""

    def __init__(self, *measures):
        self.measures, self.values = measures, []

    def __call__(self, record):
        self.values.append([measure(record.estimator) for measure in self.measures])


# What is measured


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize(("estimator", "y", "y_val"), BOTH)
def test_rows_to_watch_change_nothing_but_what_is_known(estimator, y, y_val, solver):
    plain = estimator(solver=solver, **FAST).fit(x, y)
    mlp = estimator(solver=solver, **FAST).fit(x, y, X_val=x_val, y_val=y_val)
    for a, b in zip(mlp.coefs_, plain.coefs_, strict=True):
        assert_array_equal(a, b)
    own = {MLPClassifier: "accuracy", MLPRegressor: "r2"}[estimator]
    assert list(mlp.evals_result_) == ["loss", own]
    assert len(mlp.evals_result_[own]) == mlp.n_iter_ == 8
    assert_allclose(mlp.evals_result_[own][-1], mlp.score(x_val, y_val))
    assert mlp.validation_loss_curve_ == mlp.evals_result_["loss"]
    if estimator is MLPClassifier:
        assert_allclose(mlp.validation_loss_curve_[-1], log_loss(y_val, mlp.predict_proba(x_val)))
    else:
        assert_allclose(mlp.validation_loss_curve_[-1], ((mlp.predict(x_val) - y_val) ** 2).mean() / 2)
    assert mlp.best_iteration_ == int(np.argmin(mlp.validation_loss_curve_)) + 1
    assert plain.best_iteration_ is None
    assert plain.evals_result_ == {}
    assert plain.validation_loss_curve_ is None


@pytest.mark.parametrize("solver", SOLVERS)
def test_scorers_of_every_kind(solver):
    def share_of_setosa(estimator, X, y):
        return np.mean(estimator.predict(X) == "setosa")

    macro = make_scorer(fbeta_score, beta=2, average="macro")
    watched = Scores(
        lambda mlp: -log_loss(names_val, mlp.predict_proba(x_val)),
        lambda mlp: share_of_setosa(mlp, x_val, names_val),
        lambda mlp: fbeta_score(names_val, mlp.predict(x_val), beta=2, average="macro"),
        lambda mlp: roc_auc_score(names_val, mlp.predict_proba(x_val), multi_class="ovr"),
        lambda mlp: log_loss(names_val, mlp.predict_proba(x_val)),
    )
    mlp = MLPClassifier(
        solver=solver,
        scoring=["neg_log_loss", share_of_setosa, macro, "roc_auc_ovr", "loss"],
        callbacks=watched,
        **FAST,
    )
    mlp.fit(x, names, X_val=x_val, y_val=names_val)
    found = [mlp.evals_result_[name] for name in ("neg_log_loss", "share_of_setosa", "fbeta_score",
                                                  "roc_auc_ovr", "loss")]  # fmt: skip
    assert_allclose(np.transpose(found), watched.values, rtol=1e-9)
    assert len(mlp.evals_result_) == 5


def test_weights_of_the_rows_watched():
    weight = np.linspace(0, 1, len(x_val))

    def without_weight(estimator, X, y):
        return accuracy_score(y, estimator.predict(X))

    mlp = MLPClassifier(scoring=["accuracy", without_weight], **FAST).fit(
        x, names, X_val=x_val, y_val=names_val, sample_weight_val=weight
    )
    last = {name: values[-1] for name, values in mlp.evals_result_.items()}
    predicted = mlp.predict(x_val)
    assert_allclose(last["accuracy"], accuracy_score(names_val, predicted, sample_weight=weight))
    assert_allclose(last["without_weight"], accuracy_score(names_val, predicted))
    assert last["accuracy"] != last["without_weight"]
    assert_allclose(last["loss"], log_loss(names_val, mlp.predict_proba(x_val), sample_weight=weight))


def test_training_rows_are_measured_where_there_are_no_others():
    mlp = MLPRegressor(scoring=["neg_mean_absolute_error", "loss"], **FAST).fit(x, numbers)
    assert_allclose(
        mlp.evals_result_["neg_mean_absolute_error"][-1], -mean_absolute_error(numbers, mlp.predict(x))
    )
    assert_allclose(mlp.evals_result_["loss"][-1], ((numbers - mlp.predict(x)) ** 2).mean() / 2)
    assert "loss" not in MLPRegressor(scoring="r2", **FAST).fit(x, numbers).evals_result_


def test_scaled_targets_are_scored_in_their_own_units():
    y, y_val = 1e5 + 1e4 * numbers, 1e5 + 1e4 * numbers_val
    mlp = MLPRegressor(scale_targets=True, scoring=["neg_mean_absolute_error", "r2"], **FAST)
    mlp.fit(x, y, X_val=x_val, y_val=y_val)
    assert_allclose(
        mlp.evals_result_["neg_mean_absolute_error"][-1], -mean_absolute_error(y_val, mlp.predict(x_val))
    )
    assert_allclose(mlp.evals_result_["r2"][-1], r2_score(y_val, mlp.predict(x_val)))
    assert mlp.validation_loss_curve_[-1] < 10  # in standard deviations


def test_several_labels_and_sparse_rows():
    X, y = make_multilabel_classification(n_samples=80, n_classes=4, random_state=0)
    mlp = MLPClassifier(scoring=["f1_macro", "accuracy"], **FAST)
    mlp.fit(scipy.sparse.csr_array(X[:60]), y[:60], X_val=scipy.sparse.csc_matrix(X[60:]), y_val=y[60:])
    expected = f1_score(y[60:], mlp.predict(X[60:]), average="macro", zero_division=0)
    assert_allclose(mlp.evals_result_["f1_macro"][-1], expected)


def test_frames_to_watch():
    frame = pd.DataFrame(x, columns=list("abcd"))
    val = pd.DataFrame(x_val, columns=list("abcd"))
    mlp = MLPClassifier(scoring="roc_auc_ovr", **FAST).fit(frame, names, X_val=val, y_val=names_val)
    same = MLPClassifier(scoring="roc_auc_ovr", **FAST).fit(x, names, X_val=x_val, y_val=names_val)
    assert mlp.evals_result_ == same.evals_result_
    with pytest.raises(ValueError, match="feature names should match"):
        MLPClassifier(**FAST).fit(frame, names, X_val=val[["d", "c", "b", "a"]], y_val=names_val)


def test_what_is_watched_must_fit():
    fit = MLPClassifier(**FAST).fit
    with pytest.raises(ValueError, match="X_val given, but not y_val"):
        fit(x, names, X_val=x_val)
    with pytest.raises(ValueError, match="sample_weight_val given, but not X_val and y_val"):
        fit(x, names, sample_weight_val=np.ones(3))
    with pytest.raises(ValueError, match=r"classes not in `self\.classes_`"):
        fit(x, names, X_val=x_val, y_val=np.full(len(x_val), "rose"))
    with pytest.raises(ValueError, match="expecting 4 features"):
        fit(x, names, X_val=x_val[:, :3], y_val=names_val)
    with pytest.raises(ValueError, match="y_val has 2 columns, but y has 1"):
        MLPRegressor(**FAST).fit(x, numbers, X_val=x_val, y_val=np.ones((len(x_val), 2)))
    with pytest.raises(ValueError, match="needs y_val >= 0, got a smallest value of -1"):
        MLPRegressor(loss="poisson", **FAST).fit(x, numbers, X_val=x_val, y_val=np.full(len(x_val), -1.0))


def test_scoring_that_is_none():
    with pytest.raises(ValueError, match=r"'acuracy', which is no scorer .* Did you mean 'accuracy'\?"):
        MLPClassifier(scoring=["loss", "acuracy"]).fit(x, names)
    with pytest.raises(ValueError, match="scoring has 'r2' twice"):
        scorers(["r2", "r2"])
    with pytest.raises(TypeError, match="scoring has 7; expected names of scorers or callables"):
        scorers(["r2", 7])
    with pytest.raises(ValueError, match="'scoring' parameter of MLPClassifier must be"):
        MLPClassifier(scoring=7).fit(x, names)


# Early stopping


@pytest.mark.parametrize(
    ("scoring", "measure"),
    [
        (None, lambda mlp: accuracy_score(names_val, mlp.predict(x_val))),
        ("loss", lambda mlp: -log_loss(names_val, mlp.predict_proba(x_val))),
        (
            ["roc_auc_ovr", "loss"],
            lambda mlp: roc_auc_score(names_val, mlp.predict_proba(x_val), multi_class="ovr"),
        ),
    ],
)
@pytest.mark.parametrize("solver", SOLVERS)
def test_the_best_parameters_are_restored(solver, scoring, measure):
    watched = Scores(measure, lambda mlp: copy.deepcopy(mlp.coefs_))
    mlp = MLPClassifier(
        solver=solver, early_stopping=True, scoring=scoring, patience=3, tol=1e-3, callbacks=watched,
        **FAST | {"max_iter": 300, "learning_rate_init": 0.1},
    ).fit(x, names, X_val=x_val, y_val=names_val)  # fmt: skip
    scores = [score for score, _ in watched.values]
    assert_allclose(mlp.validation_scores_, scores, rtol=1e-9)
    best = int(np.argmax(mlp.validation_scores_))
    assert mlp.best_iteration_ == best + 1
    assert mlp.best_validation_score_ == max(mlp.validation_scores_)
    assert mlp.stop_reason_ == "no_improvement"
    assert mlp.n_iter_ == len(scores) < 300
    for found, expected in zip(mlp.coefs_, watched.values[best][1], strict=True):
        assert_array_equal(found, expected)


@pytest.mark.parametrize("solver", SOLVERS)
def test_the_best_epoch_is_known_without_early_stopping(solver):
    """A learning rate so high that the last epoch is not the best: the parameters stay the last epoch's."""
    parameters = FAST | {"learning_rate_init": 0.5, "max_iter": 25}
    seen = []
    mlp = MLPClassifier(
        solver=solver, scoring=["roc_auc_ovr", "loss"], patience=30,
        callbacks=lambda record: seen.append(record.best_iteration), **parameters,
    )  # fmt: skip
    mlp.fit(x, names, X_val=x_val, y_val=names_val)
    curve = mlp.evals_result_["roc_auc_ovr"]
    assert mlp.best_iteration_ == int(np.argmax(curve)) + 1 < mlp.n_iter_
    assert seen == [int(np.argmax(curve[:n])) + 1 for n in range(1, len(curve) + 1)]
    assert getattr(mlp, "validation_scores_", None) is None
    assert_allclose(curve[-1], roc_auc_score(names_val, mlp.predict_proba(x_val), multi_class="ovr"))


def test_the_best_epoch_over_several_calls(tmp_path):
    mlp = MLPRegressor(warm_start=True, **FAST)
    mlp.fit(x, numbers, X_val=x_val, y_val=numbers_val)
    mlp.save(tmp_path / "half.safetensors")
    assert chainrule.load(tmp_path / "half.safetensors").best_iteration_ == mlp.best_iteration_
    mlp.fit(x, numbers, X_val=x_val, y_val=numbers_val)
    assert mlp.best_iteration_ == int(np.argmin(mlp.validation_loss_curve_)) + 1 > 8
    mlp.set_params(warm_start=False).fit(x, numbers)
    assert mlp.best_iteration_ is None


@pytest.mark.parametrize(
    ("estimator", "y", "scoring"),
    [(MLPClassifier, names, "roc_auc_ovr"), (MLPRegressor, numbers, ["r2", "loss"])],
)
def test_a_diverging_fit_is_told_by_us_not_by_the_scorers(estimator, y, scoring):
    mlp = estimator(scoring=scoring, solver="sgd", **FAST | {"learning_rate_init": 1e200})
    with pytest.raises(ValueError, match=r"no longer finite in epoch 2\. Lower the learning rate"):
        mlp.fit(x, y)
    assert np.isnan(mlp.evals_result_[next(iter(scorers(scoring)))][-1])


def test_an_empty_list_of_scorers():
    with pytest.raises(ValueError, match="scoring is empty; expected at least one scorer"):
        MLPRegressor(scoring=[], **FAST).fit(x, numbers)


def test_an_epoch_without_a_number_is_not_the_best():
    values = iter([np.nan, 1.0, np.nan, 3.0, 2.0, *[np.nan] * 3])
    mlp = MLPRegressor(scoring=lambda *_: next(values), **FAST)
    mlp.fit(x, numbers, X_val=x_val, y_val=numbers_val)
    assert mlp.best_iteration_ == 4


def test_patience_is_another_name():
    a = MLPRegressor(patience=2, early_stopping=True, tol=1.0, **FAST).fit(x, numbers)
    b = MLPRegressor(n_iter_no_change=2, early_stopping=True, tol=1.0, **FAST).fit(x, numbers)
    assert a.validation_scores_ == b.validation_scores_
    assert a.n_iter_ < 8
    assert MLPRegressor(patience=np.inf, n_iter_no_change=2, tol=1.0, **FAST).fit(x, numbers).n_iter_ == 8


def test_minimum_improvement():
    small = MLPRegressor(early_stopping=True, patience=2, tol=1e-9, **FAST | {"max_iter": 40})
    large = clone(small).set_params(tol=10.0)
    n_small, n_large = (mlp.fit(x, numbers, X_val=x_val, y_val=numbers_val).n_iter_ for mlp in (small, large))
    assert n_large == 4  # the first epoch always improves on minus infinity
    assert n_small > n_large


def test_partial_fit_keeps_early_stoppings_books(tmp_path):
    # One order of the rows for all: partial_fit shuffles those of each call, fit shuffles on.
    parameters = FAST | {"learning_rate_init": 0.1, "max_iter": 300, "shuffle": False}
    stopping = {"early_stopping": True, "scoring": "loss", "patience": 3}
    whole = MLPClassifier(**stopping, **parameters)
    whole.fit(x, names, X_val=x_val, y_val=names_val)
    step = MLPClassifier(**stopping, **parameters)
    n_calls = 0
    while getattr(step, "stop_reason_", None) is None:
        step.partial_fit(x, names, classes=np.unique(names), X_val=x_val, y_val=names_val)
        n_calls += 1
        if n_calls == 4:
            step = pickle.loads(pickle.dumps(step))
        if n_calls == 6:
            step.save(tmp_path / "step.safetensors")
            step = chainrule.load(tmp_path / "step.safetensors")
    assert n_calls == whole.n_iter_
    assert step.stop_reason_ == "no_improvement"
    assert step.validation_scores_ == whole.validation_scores_
    assert step.best_iteration_ == whole.best_iteration_
    for a, b in zip(step.coefs_, whole.coefs_, strict=True):
        assert_array_equal(a, b)
    step.partial_fit(x, names, X_val=x_val, y_val=names_val)
    assert step.stop_reason_ is None


def test_partial_fit_needs_rows_for_early_stopping():
    with pytest.raises(ValueError, match="early_stopping=True without rows to watch: pass X_val and y_val"):
        MLPRegressor(early_stopping=True).partial_fit(x, numbers)


def test_partial_fit_of_several_labels_with_weights():
    X, y = make_multilabel_classification(n_samples=80, n_classes=4, random_state=0)
    weight = np.linspace(0, 2, 60)
    a = MLPClassifier(shuffle=False, **FAST)
    for _ in range(8):
        a.partial_fit(X[:60], y[:60], weight, classes=np.arange(4), X_val=X[60:], y_val=y[60:])
    b = MLPClassifier(shuffle=False, **FAST).fit(X[:60], y[:60], weight, X_val=X[60:], y_val=y[60:])
    assert_array_equal(a.coefs_[0], b.coefs_[0])
    assert a.evals_result_ == b.evals_result_


# Callbacks


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_callback_is_told_of_every_epoch(solver):
    records = []
    mlp = MLPRegressor(solver=solver, callbacks=records.append, **FAST)
    mlp.fit(x, numbers, X_val=x_val, y_val=numbers_val)
    assert [record.epoch for record in records] == list(range(1, 9))
    assert all(isinstance(record, FitRecord) and record.estimator is mlp for record in records)
    assert {record.n_epochs for record in records} == {8}
    assert [record.scores["r2"] for record in records] == mlp.evals_result_["r2"]
    assert sorted(record.seconds for record in records) == [record.seconds for record in records]
    assert [record.validation_loss for record in records] == mlp.validation_loss_curve_
    assert records[-1].loss == mlp.loss_
    if solver != "lbfgs":
        assert [record.loss for record in records] == mlp.loss_curve_
        assert records[-1].learning_rate == 0.02
    assert "estimator" not in repr(records[0])


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("answer", [True, np.True_])
def test_a_callback_that_returns_true_stops(solver, answer, recwarn):
    heard = []
    mlp = MLPRegressor(
        solver=solver,
        callbacks=[lambda record: answer if record.epoch == 3 else "text", heard.append],
        **FAST,
    ).fit(x, numbers)
    assert mlp.n_iter_ == len(heard) == 3
    assert mlp.stop_reason_ == "callback"
    assert not [w for w in recwarn if issubclass(w.category, ConvergenceWarning)]


def test_a_callback_may_change_the_network():
    def freeze(record):
        record.estimator.coefs_[0][:2] = 0

    mlp = MLPRegressor(callbacks=freeze, **FAST).fit(x, numbers)
    assert not mlp.coefs_[0][:2].any()
    assert mlp.coefs_[0][2:].all()


def test_an_error_in_a_callback_is_the_callers():
    def fail(record):
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        MLPRegressor(callbacks=fail, **FAST).fit(x, numbers)


@pytest.mark.parametrize("callbacks", [[7], ["text"], [Scores], [lambda record: None, None]])
def test_what_cannot_be_called(callbacks):
    with pytest.raises(TypeError, match="expected callables that take the record of an epoch"):
        MLPRegressor(callbacks=callbacks).fit(x, numbers)


def test_callbacks_in_partial_fit():
    records = []
    mlp = MLPRegressor(callbacks=records.append, **FAST)
    for _ in range(3):
        mlp.partial_fit(x, numbers)
    assert [record.loss for record in records] == mlp.loss_curve_


class Recorder:
    """scikit-learn's protocol, written down."""

    max_propagation_depth = None

    def __init__(self, stop_at=None):
        self.hooks, self.stop_at, self.losses = [], stop_at, []

    def setup(self, estimator, context):
        self.hooks.append(("setup", context.task_name))

    def teardown(self, estimator, context):
        self.hooks.append(("teardown", context.task_name))

    def on_fit_task_begin(self, estimator, context):
        self.hooks.append(("begin", context.task_name, context.task_id))

    def on_fit_task_end(self, estimator, context, *, X=None, y=None, metadata=None, fitted_estimator=None):
        self.hooks.append(("end", context.task_name, context.task_id))
        if context.task_name == "epoch":
            self.given = X, y, metadata
            self.losses.append(fitted_estimator.loss_)
            self.last = fitted_estimator
        return self.stop_at is not None and len(self.losses) == self.stop_at


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("way", ["set_callbacks", "parameter"])
def test_scikit_learns_protocol(way, solver):
    recorder, weight = Recorder(), np.ones(len(x))
    mlp = MLPClassifier(solver=solver, **FAST | {"max_iter": 2})
    mlp = mlp.set_callbacks(recorder) if way == "set_callbacks" else mlp.set_params(callbacks=[recorder])
    mlp.fit(x, names, weight)
    epochs = [(hook, "epoch", number) for number in range(2) for hook in ("begin", "end")]
    assert recorder.hooks == [
        ("setup", "fit"),
        ("begin", "fit", 0),
        *epochs,
        ("end", "fit", 0),
        ("teardown", "fit"),
    ]
    assert recorder.given[0] is x
    assert recorder.given[1] is names
    assert recorder.given[2] == {"sample_weight": weight}
    assert_array_equal(recorder.last.predict_proba(x), mlp.predict_proba(x))
    assert not np.shares_memory(recorder.last.coefs_[0], mlp.coefs_[0])
    assert getattr(mlp, "_skl_callbacks", []) == ([recorder] if way == "set_callbacks" else [])
    assert not {"_callback_data", "_callback_fit_ctx"} & set(vars(mlp))


@pytest.mark.parametrize("solver", SOLVERS)
def test_scikit_learns_protocol_stops(solver):
    mlp = MLPClassifier(solver=solver, **FAST).set_callbacks(Recorder(stop_at=3)).fit(x, names)
    assert mlp.n_iter_ == 3
    assert mlp.stop_reason_ == "callback"


def test_scikit_learns_protocol_ends_after_an_error():
    class Failing(Recorder):
        def on_fit_task_begin(self, estimator, context):
            super().on_fit_task_begin(estimator, context)
            if context.task_id == 1:
                raise RuntimeError("enough")

    recorder = Failing()
    mlp = MLPClassifier(**FAST).set_callbacks(recorder)
    with pytest.raises(RuntimeError, match="enough"):
        mlp.fit(x, names)
    assert recorder.hooks[-1] == ("teardown", "fit")
    assert not {"_callback_data", "_callback_fit_ctx"} & set(vars(mlp))


def test_scikit_learns_protocol_in_a_pipeline():
    recorder = Recorder()
    make_pipeline(StandardScaler(), MLPClassifier(**FAST)).set_callbacks(recorder).fit(x, names)
    assert recorder.hooks.count(("begin", "epoch", 7)) == 1


def test_scikit_learns_scoring_monitor():
    monitor = ScoringMonitor(scoring="accuracy")
    mlp = (
        MLPClassifier(scoring="accuracy", **FAST)
        .set_callbacks(monitor)
        .fit(pd.DataFrame(x, columns=list("abcd")), names)
    )
    log = [row for row in monitor.get_logs().data if row["task_name"] == "epoch"]
    assert_allclose([row["accuracy"] for row in log], mlp.evals_result_["accuracy"])


# Progress and time


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_progress(solver, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "150")
    MLPRegressor(solver=solver, verbose="progress", early_stopping=True, **FAST).fit(
        x, numbers, X_val=x_val, y_val=numbers_val
    )
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "epoch 8/8" in shown.err
    assert "validation loss" in shown.err
    assert "best epoch" in shown.err
    with pytest.raises(ValueError, match=r"'verbose' parameter .* Did you mean 'progress'\?"):
        MLPRegressor(verbose="progres").fit(x, numbers)


def test_progress_elsewhere():
    console = rich.console.Console(file=io.StringIO(), width=120)
    with ProgressBar(8, console) as bar:
        MLPRegressor(callbacks=bar, **FAST).fit(x, numbers)
    assert "epoch 8/8" in console.file.getvalue()


@pytest.mark.parametrize("solver", SOLVERS)
def test_time_budget(solver):
    mlp = MLPRegressor(solver=solver, max_time=1e-9, **FAST).fit(x, numbers)
    assert mlp.n_iter_ == 1
    assert mlp.stop_reason_ == "max_time"
    assert MLPRegressor(solver=solver, max_time=1e9, **FAST).fit(x, numbers).n_iter_ == 8


# All of it together


def test_why_training_ended():
    assert MLPRegressor(**FAST).fit(x, numbers).stop_reason_ == "max_iter"
    assert (
        MLPRegressor(**FAST | {"tol": 9.0, "max_iter": 99}).fit(x, numbers).stop_reason_ == "no_improvement"
    )
    assert MLPRegressor(solver="lbfgs", max_iter=5000).fit(x, numbers).stop_reason_ == "no_improvement"


@pytest.mark.parametrize(("estimator", "y", "y_val"), BOTH)
def test_what_was_watched_is_saved(estimator, y, y_val, tmp_path):
    mlp = estimator(early_stopping=True, callbacks=[print], scoring=["loss"], max_time=99.0, **FAST)
    mlp.fit(x, y, X_val=x_val, y_val=y_val)
    mlp.save(tmp_path / "mlp.safetensors")
    other = chainrule.load(tmp_path / "mlp.safetensors")
    assert other.get_params() == mlp.get_params() | {"callbacks": None}
    for name in (
        "evals_result_",
        "validation_loss_curve_",
        "best_iteration_",
        "stop_reason_",
        "validation_scores_",
    ):
        assert getattr(other, name) == getattr(mlp, name), name
    copied = clone(mlp)
    assert copied.get_params() == mlp.get_params()
    assert not hasattr(copied, "evals_result_")


def test_any_number_of_threads_gives_the_same_bits():
    X, y = load_digits(return_X_y=True)
    fits = [
        MLPClassifier((30,), max_iter=4, early_stopping=True, class_weight="balanced", scoring="loss",
                      random_state=0, n_threads=n).fit(X / 16, y)
        for n in (1, 3)
    ]  # fmt: skip
    assert fits[0].evals_result_ == fits[1].evals_result_
    assert_array_equal(fits[0].coefs_[0], fits[1].coefs_[0])
