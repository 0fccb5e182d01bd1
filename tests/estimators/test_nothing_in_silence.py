"""What would go wrong without a word is refused, or warned about with what to do."""

import pickle
import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_array_equal
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import LabelBinarizer

from chainrule import MLPClassifier, MLPRegressor

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 3))
NUMBERS = X[:, 0] + X[:, 1] ** 2
CLASSES = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0)
FAST = {"hidden_layer_sizes": (7,), "max_iter": 3, "random_state": 0}

pytestmark = pytest.mark.filterwarnings(
    "ignore:Stochastic Optimizer. Maximum:sklearn.exceptions.ConvergenceWarning"
)


@pytest.mark.parametrize("way", ["warm_start", "partial_fit"])
@pytest.mark.parametrize(("kind", "y"), [(MLPClassifier, CLASSES), (MLPRegressor, NUMBERS)])
@pytest.mark.parametrize("sizes", [(8,), (7, 7), (), [5]])
def test_other_hidden_layers_are_refused(way, kind, y, sizes):
    mlp = kind(**FAST, warm_start=way == "warm_start").fit(X, y).set_params(hidden_layer_sizes=sizes)
    go_on = mlp.fit if way == "warm_start" else mlp.partial_fit
    what = "Set warm_start=False" if way == "warm_start" else "Call fit"
    with pytest.raises(ValueError, match=rf"fitted with \(7,\)\. {what} to start again, or set_params"):
        go_on(X, y)
    assert mlp.coefs_[0].shape == (3, 7)
    mlp.set_params(hidden_layer_sizes=[7])
    go_on(X, y)
    mlp.set_params(hidden_layer_sizes=sizes, warm_start=False).fit(X, y)
    assert len(mlp.coefs_) == len(sizes) + 1


@pytest.mark.parametrize("scoring", [None, "loss"])
@pytest.mark.parametrize(("kind", "y"), [(MLPClassifier, CLASSES), (MLPRegressor, NUMBERS)])
def test_rows_to_watch_that_all_weigh_nothing(kind, y, scoring):
    mlp = kind(**FAST, early_stopping=True, scoring=scoring)
    with pytest.raises(ValueError, match="Sample weights must contain at least one non-zero"):
        mlp.fit(X, y, X_val=X, y_val=y, sample_weight_val=np.zeros(len(X)))
    weight = np.zeros(len(X))
    weight[np.setdiff1d(np.arange(len(X)), validation_of(mlp, y))] = 1.0
    with pytest.raises(ValueError, match=r"weights of all rows to watch are 0.* or pass X_val and y_val"):
        mlp.fit(X, y, weight)


def validation_of(mlp, y):
    """Which rows early stopping sets aside: those that are missing where it trains."""
    seen = []
    spy = mlp.__class__(**mlp.get_params()).set_params(scoring=lambda estimator, x, _: seen.append(x) or 0.0)
    spy.fit(X, y)
    return [int(np.flatnonzero((row == X).all(axis=1))[0]) for row in seen[0]]


def test_early_stopping_of_a_fit_that_learned_nothing():
    mlp = MLPRegressor(early_stopping=True, random_state=0)
    with pytest.warns(ConvergenceWarning, match="taught next to nothing") as caught:
        mlp.fit(X, 250_000 + 100_000 * X[:, 0])
    message = str(caught[0].message)
    assert mlp.stop_reason_ == "no_improvement"
    assert "Validation score did not improve more than tol=0.000100 for 10 consecutive epochs." in message
    assert "targets are not scaled: their root mean square is" in message
    assert "Set scale_targets=True" in message


def test_patience_of_a_fit_that_learned_nothing():
    mlp = MLPRegressor(tol=1.0, n_iter_no_change=12, learning_rate_init=1e-6, random_state=0)
    with pytest.warns(ConvergenceWarning, match=r"hardly moved in all \d+ epochs.* another learning rate"):
        mlp.fit(X, NUMBERS)


@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize(("kind", "y"), [(MLPClassifier, CLASSES), (MLPRegressor, NUMBERS)])
def test_a_fit_that_learned_stops_without_a_word(kind, y, again):
    mlp = kind(early_stopping=True, random_state=0, learning_rate_init=0.01, max_iter=500, warm_start=again)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mlp.fit(X, y)
        if again:
            mlp.fit(X, y)
    assert mlp.stop_reason_ == "no_improvement"


def test_parameters_are_checked_before_classes():
    with pytest.raises(ValueError, match="'alpha' parameter"):
        MLPClassifier(alpha=-1.0).partial_fit(X, CLASSES)
    with pytest.raises(ValueError, match="'alpha' parameter"):
        MLPRegressor(alpha=-1.0).partial_fit(X, NUMBERS)


TARGETS = {
    "binary": X[:, 0] > 0,
    "text": np.array(["no", "yes"])[(X[:, 0] > 0).astype(int)],
    "three classes": CLASSES,
    "multilabel": (X[:, :2] > 0).astype(int),
}


@pytest.mark.parametrize("with_binarizer", [False, True])
@pytest.mark.parametrize("name", TARGETS)
def test_a_classifier_put_together_by_hand_predicts(name, with_binarizer):
    y = TARGETS[name]
    fitted, made = MLPClassifier(**FAST).fit(X, y), MLPClassifier(hidden_layer_sizes=(7,))
    for attribute in ("coefs_", "intercepts_", "classes_", "n_layers_", "n_outputs_", "out_activation_"):
        setattr(made, attribute, getattr(fitted, attribute))
    if with_binarizer:
        made._label_binarizer = LabelBinarizer().fit(y)
    assert_array_equal(made.predict(X), fitted.predict(X))
    assert_array_equal(made.predict_proba(X), fitted.predict_proba(X))
    for mlp in (made, fitted):  # as converters of scikit-learn's models read it
        theirs = LabelBinarizer().fit(y)
        assert mlp._label_binarizer.y_type_ == theirs.y_type_
        assert_array_equal(mlp._label_binarizer.classes_, theirs.classes_)
    assert not hasattr(MLPClassifier(), "_label_binarizer")


def test_a_regressor_put_together_by_hand_predicts():
    fitted, made = MLPRegressor(**FAST).fit(X, NUMBERS), MLPRegressor()
    made.coefs_, made.intercepts_, made.out_activation_ = fitted.coefs_, fitted.intercepts_, "identity"
    assert_array_equal(made.predict(X), fitted.predict(X))


@pytest.mark.parametrize("replaced", [False, True])
def test_all_attributes_can_be_pickled(replaced):
    mlp = MLPClassifier(**FAST).fit(X, CLASSES).partial_fit(X, CLASSES)
    if replaced:
        mlp.coefs_ = [coef.copy() for coef in mlp.coefs_]
        mlp.predict(X)
    restored = MLPClassifier()
    vars(restored).update(pickle.loads(pickle.dumps(vars(mlp))))
    assert_array_equal(restored.predict_proba(X), mlp.predict_proba(X))


def test_arrays_of_the_users_own_are_read_every_time_into_one_model():
    mlp = MLPRegressor(**FAST).fit(X, NUMBERS)
    mlp.coefs_ = [coef.copy() for coef in mlp.coefs_]
    first = mlp.predict(X)
    model = mlp._stand_in.model
    mlp.coefs_[1][...] *= 2
    assert not np.array_equal(mlp.predict(X), first)
    mlp.coefs_[1] = mlp.coefs_[1] / 2
    assert_array_equal(mlp.predict(X), first)
    assert mlp._stand_in.model is model
    mlp.coefs_, mlp.intercepts_ = (
        [mlp.coefs_[0][:, :4], mlp.coefs_[1][:4]],
        [mlp.intercepts_[0][:4], mlp.intercepts_[1]],
    )
    assert mlp.predict(X).shape == first.shape  # another shape, another model
    mlp.fit(X, NUMBERS)
    assert mlp._stand_in is None


def malformed():
    x = sp.csr_matrix((5, 3))
    x.data, x.indices = np.zeros(0), np.zeros(0, np.int32)
    x.indptr = np.array([0, 0, 0, 0, 1_000_000, 0], np.int32)
    return x


def malformed_csc():
    x = sp.csc_matrix((5, 3))
    x.data, x.indices = np.ones(1), np.array([10**9], np.int32)
    x.indptr = np.array([0, 1, 1, 1], np.int32)
    return x


def malformed_coo():
    x = sp.coo_matrix((5, 3))
    x.data, x.row, x.col = np.ones(1), np.array([10**9], np.int32), np.zeros(1, np.int32)
    return x


ENTRANCES = {
    "fit": lambda mlp, x, y: mlp.fit(x, y),
    "fit, rows set aside": lambda mlp, x, y: mlp.set_params(early_stopping=True).fit(x, y),
    "fit, rows to watch": lambda mlp, x, y: mlp.fit(X[:5], y, X_val=x, y_val=y),
    "partial_fit": lambda mlp, x, y: mlp.partial_fit(x, y),
    "predict": lambda mlp, x, _: mlp.predict(x),
    "score": lambda mlp, x, y: mlp.score(x, y),
    "jacobian": lambda mlp, x, _: mlp.jacobian(x),
    "per_sample_gradients": lambda mlp, x, y: mlp.per_sample_gradients(x, y),
}


@pytest.mark.parametrize("entrance", ENTRANCES)
@pytest.mark.parametrize("make", [malformed, malformed_csc, malformed_coo])
@pytest.mark.parametrize(("kind", "y"), [(MLPClassifier, CLASSES), (MLPRegressor, NUMBERS)])
def test_malformed_sparse_rows_are_refused(kind, y, make, entrance):
    mlp = kind(**FAST).fit(X, y)
    with pytest.raises(ValueError, match="malformed sparse matrix"):
        ENTRANCES[entrance](mlp, make(), y[:5])


def test_index_arrays_may_change_while_training():
    def spoil(record):
        x.indices[:] = 1_000_000_000
        x.indptr[1:] = 1_000_000_000

    x = sp.csr_matrix(X)
    same = MLPRegressor(**FAST).fit(x.copy(), NUMBERS)
    mlp = MLPRegressor(**FAST, callbacks=spoil).fit(x, NUMBERS)
    assert_array_equal(mlp.coefs_[0], same.coefs_[0])


def test_unaligned_arrays_are_copied():
    x = np.zeros(X.nbytes + 1, dtype=np.uint8)[1:].view(X.dtype).reshape(X.shape)
    x[...] = X
    y = np.zeros(NUMBERS.nbytes + 1, dtype=np.uint8)[1:].view(X.dtype)
    y[...] = NUMBERS
    mlp, same = MLPRegressor(**FAST).fit(x, y), MLPRegressor(**FAST).fit(X, NUMBERS)
    assert_array_equal(mlp.coefs_[0], same.coefs_[0])
    assert_array_equal(mlp.partial_fit(x, y).predict(x), same.partial_fit(X, NUMBERS).predict(X))
