"""One clear error for every careless input, of scikit-learn's types."""

import re

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.utils._param_validation import InvalidParameterError

import chainrule
from chainrule.estimators import MLPClassifier, MLPRegressor
from chainrule.estimators.options import hidden_sizes, hint

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(30, 4))
LABELS = (X[:, 0] > 0).astype(int)
NUMBERS = X[:, 0] ** 2


def with_value(array, value):
    array = array.copy()
    array[7, 2] = value
    return array


UNFITTABLE = {
    "NaN": (with_value(X, np.nan), LABELS, "Input X contains NaN"),
    "infinity": (with_value(X, np.inf), LABELS, "Input X contains infinity"),
    "text": (np.full((30, 4), "a"), LABELS, "could not convert string to float"),
    "no rows": (X[:0], LABELS[:0], r"Found array with 0 sample\(s\)"),
    "no columns": (X[:, :0], LABELS, r"Found array with 0 feature\(s\)"),
    "one dimension": (X[:, 0], LABELS, "Expected 2D array, got 1D array"),
    "complex": (X + 1j, LABELS, "Complex data not supported"),
    "too few targets": (X, LABELS[:5], r"inconsistent numbers of samples: \[30, 5\]"),
    "no targets": (X, None, "requires y to be passed, but the target y is None"),
}


@pytest.mark.parametrize("estimator", [MLPClassifier, MLPRegressor])
@pytest.mark.parametrize("case", UNFITTABLE)
def test_unfittable_data(case, estimator):
    x, y, message = UNFITTABLE[case]
    mlp = estimator()
    with pytest.raises(ValueError, match=message):
        mlp.fit(x, y)
    assert not hasattr(mlp, "coefs_")


@pytest.mark.parametrize(
    ("estimator", "y", "message"),
    [
        (MLPClassifier(), NUMBERS, "Unknown label type: continuous"),
        (
            MLPClassifier(),
            np.stack([LABELS, 2 + LABELS], axis=1),
            "Multioutput target data is not supported",
        ),
        (MLPRegressor(), np.where(LABELS, np.nan, 1), "Input y contains NaN"),
        (
            MLPRegressor(),
            np.full(30, "a"),
            "could not convert string to float|dtype='numeric' is not compatible",
        ),
        (MLPRegressor("poisson"), X[:, 0], r"loss='poisson' needs y >= 0, got a smallest value of -"),
        (
            MLPClassifier(early_stopping=True),
            [0] * 29 + [1],
            "least populated classes in y have only 1 member",
        ),
        (MLPRegressor(early_stopping=True, validation_fraction=0.01), NUMBERS, "validation set is too small"),
    ],
)
def test_unfittable_targets(estimator, y, message):
    with pytest.raises(ValueError, match=message):
        estimator.fit(X, y)


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        ([1.0, 2.0], r"sample_weight.shape == \(2,\), expected \(30,\)"),
        (np.full(30, np.nan), "Input sample_weight contains NaN"),
        (np.zeros(30), "must contain at least one non-zero number"),
    ],
)
def test_unusable_sample_weights(weight, message):
    with pytest.raises(ValueError, match=message):
        MLPRegressor().fit(X, NUMBERS, sample_weight=weight)


@pytest.mark.parametrize("method", ["predict", "predict_proba", "predict_log_proba"])
@pytest.mark.parametrize(
    ("x", "message"),
    [
        (with_value(X, np.nan), "Input X contains NaN"),
        (with_value(X, -np.inf), "Input X contains infinity"),
        (np.full((1, 4), 1.2e308) * [1, 1, -1, np.inf], "Input X contains infinity"),
        (X[:, :3], "X has 3 features, but MLPClassifier is expecting 4 features as input"),
        (np.hstack([X, X]), "X has 8 features, but MLPClassifier is expecting 4 features as input"),
        (X[0], "Expected 2D array, got 1D array"),
        (X[:0], r"Found array with 0 sample\(s\)"),
        ([["a", "b", "c", "d"]], "could not convert string to float|dtype='numeric' is not compatible"),
    ],
)
def test_unpredictable_rows(method, x, message):
    mlp = MLPClassifier((3,), max_iter=2, random_state=0).fit(X, LABELS)
    with pytest.raises(ValueError, match=message):
        getattr(mlp, method)(x)


def test_rows_whose_sum_overflows_are_finite():
    """The quick check for finite rows sums them; an overflowing sum of finite numbers is no error."""
    mlp = MLPRegressor("squared_error", (3,), "tanh", max_iter=2, random_state=0).fit(X, NUMBERS)
    assert np.isfinite(mlp.predict(np.full((2, 4), 1e308))).all()


def test_negative_weights_are_refused():
    """A batch whose weights do not sum to something positive would silently not be learned."""
    weight = np.r_[np.ones(len(X) - 1), -1e-9]
    message = "Negative values in data passed to `sample_weight`"
    with pytest.raises(ValueError, match=message):
        MLPRegressor(max_iter=2).fit(X, NUMBERS, weight)
    with pytest.raises(ValueError, match=message):
        MLPRegressor(max_iter=2).partial_fit(X, NUMBERS, weight)
    with pytest.raises(ValueError, match=message):
        MLPRegressor(max_iter=2).fit(X, NUMBERS, X_val=X, y_val=NUMBERS, sample_weight_val=weight)


def test_a_warm_start_cannot_change_what_the_outputs_are():
    mlp = MLPRegressor(solver="lbfgs", warm_start=True).fit(X, np.abs(NUMBERS))
    mlp.set_params(loss="huber").fit(X, np.abs(NUMBERS))
    with pytest.raises(
        ValueError, match=r"loss='poisson' has 'exp' outputs, but this .* with 'identity' ones"
    ):
        mlp.set_params(loss="poisson").fit(X, np.abs(NUMBERS))


@pytest.mark.parametrize("method", ["predict", "predict_proba"])
def test_prediction_before_fitting(method):
    with pytest.raises(NotFittedError, match="This MLPClassifier instance is not fitted yet"):
        getattr(MLPClassifier(), method)(X)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"activation": "rleu"}, r"The 'activation' parameter.*Got 'rleu' instead\. Did you mean 'relu'\?"),
        ({"activation": "ReLU"}, r"Got 'ReLU' instead\. Did you mean 'relu'\?"),
        ({"activation": "swish"}, r"Did you mean 'silu'\?"),
        ({"activation": "softmax"}, r"must be a str among"),
        ({"solver": "adm"}, r"Did you mean 'adam'\?"),
        ({"solver": "L-BFGS"}, r"Did you mean 'lbfgs'\?"),
        ({"learning_rate": "adaptve"}, r"Did you mean 'adaptive'\?"),
        ({"batch_size": "atuo"}, r"Did you mean 'auto'\?"),
        ({"learning_rate": 0.01}, r"Did you mean learning_rate_init=0.01\?"),
        ({"learning_rate": "cosine"}, r"Did you mean schedule='cosine'\?"),
        ({"solver": chainrule.SGD}, r"Did you mean SGD\(\)\?"),
        ({"solver": chainrule.LBFGS()}, r"Did you mean solver='lbfgs'\?"),
        ({"initializer": "he"}, r"Did you mean 'he_uniform'\?"),
        ({"initializer": "xavier"}, r"Did you mean 'glorot_\w+'\?"),
        ({"loss": "log_loss"}, "'log_loss' is a loss of MLPClassifier"),
        ({"loss": None}, r"A model file cannot hold a function: .* set_params\(loss=function\)"),
        ({"loss": "poison"}, r"The 'loss' parameter of MLPRegressor.*Did you mean 'poisson'\?"),
        ({"loss": "mse"}, r"Did you mean 'squared_error'\?"),
        ({"batch_size": 0}, r"The 'batch_size' parameter of MLPRegressor must be .* Got 0 instead\."),
        ({"batch_size": -3}, r"Got -3 instead\."),
        ({"max_iter": 0}, r"The 'max_iter' parameter.*Got 0 instead\."),
        ({"alpha": -1}, r"The 'alpha' parameter.*Got -1 instead\."),
        ({"alpha": np.nan}, r"The 'alpha' parameter.*Got nan instead\."),
        ({"momentum": 1.5}, r"The 'momentum' parameter.*Got 1\.5 instead\."),
        ({"validation_fraction": 1.0}, r"The 'validation_fraction' parameter.*Got 1\.0 instead\."),
        (
            {"n_threads": 0},
            r"The 'n_threads' parameter of MLPRegressor must be an int .* or None. Got 0 instead\.",
        ),
        ({"hidden_layer_sizes": -5}, r"The 'hidden_layer_sizes' parameter.*Got -5 instead\."),
        ({"hidden_layer_sizes": "100"}, r"The 'hidden_layer_sizes' parameter.*Got '100' instead\."),
    ],
)
def test_parameters_out_of_range(parameters, message):
    with pytest.raises(InvalidParameterError, match=message):
        MLPRegressor(**parameters).fit(X, NUMBERS)


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ([5, -1], r"hidden_layer_sizes must be > 0, got \[5, -1\]\."),
        ((0,), r"hidden_layer_sizes must be > 0, got \[0\]\."),
        ([5.5], r"must be a whole number or a flat list of whole numbers, got \[5\.5\]"),
        ([[3, 4]], r"flat list of whole numbers, got \[\[3, 4\]\]"),
        (["3"], r"whole numbers, got \['3'\]"),
    ],
)
def test_layer_sizes(sizes, message):
    with pytest.raises(ValueError, match=message):
        MLPClassifier(sizes).fit(X, LABELS)


def test_layer_sizes_of_numpy_are_welcome():
    assert hidden_sizes(np.array([3, 4])) == [3, 4]
    assert hidden_sizes(np.int32(7)) == [7]


@pytest.mark.parametrize(
    ("sizes", "error", "message"),
    [
        (10**18, ValueError, r"6,000,000,000,000,000,001 parameters.* more than memory can address"),
        ((10**30,), ValueError, r"more than memory can address\. Reduce hidden_layer_sizes"),
        ((10**10, 10**10), ValueError, r"more than memory can address"),
        (
            (10**7, 10**7),
            MemoryError,
            r"100,000,070,000,001 parameters.* but this machine has .* GB of memory",
        ),
    ],
)
def test_layers_that_no_memory_holds(sizes, error, message):
    with pytest.raises(error, match=message):
        MLPRegressor(hidden_layer_sizes=sizes).fit(X, NUMBERS)


def test_misspelt_parameter_names():
    with pytest.raises(TypeError, match="unexpected keyword argument 'hiden_layer_sizes'"):
        MLPClassifier(hiden_layer_sizes=3)
    with pytest.raises(ValueError, match=r"Invalid parameter 'hiden_layer_sizes'.*Valid parameters are"):
        MLPClassifier().set_params(hiden_layer_sizes=3)


def test_no_hint_where_nothing_is_close():
    assert hint("The 'solver' parameter of MLPClassifier ...", {"solver": "zzz"}) == ""
    assert hint("The 'alpha' parameter of MLPClassifier ...", {"alpha": -1, "solver": "adam"}) == ""


def test_targets_too_large_for_float32():
    with pytest.raises(
        ValueError, match=r"y has .*e\+298, too large for float32; scale it, or fit with X in float64"
    ):
        MLPRegressor().fit(X.astype(np.float32), 1e300 * NUMBERS)


def test_outputs_of_another_number_when_going_on():
    mlp = MLPRegressor(max_iter=1, random_state=0).fit(X, NUMBERS)
    with pytest.raises(ValueError, match="y has 4 outputs, but this MLPRegressor was fitted with 1"):
        mlp.partial_fit(X, X)
    assert mlp.n_outputs_ == 1


def test_labels_and_columns_unknown_when_going_on():
    mlp = MLPClassifier(random_state=0)
    with pytest.raises(ValueError, match="classes must be passed on the first call to partial_fit"):
        mlp.partial_fit(X, LABELS)
    mlp.partial_fit(X, LABELS, classes=[0, 1])
    loss_curve = list(mlp.loss_curve_)
    for y in (LABELS + 1, (LABELS + 1).tolist(), np.where(LABELS, 0, -5), LABELS + 0.0 + 1):
        with pytest.raises(ValueError, match=r"`y` has classes not in `self.classes_`"):
            mlp.partial_fit(X, y)
    for x in (X[:, :3], X[:, :3].tolist()):
        with pytest.raises(ValueError, match="X has 3 features, but MLPClassifier is expecting 4"):
            mlp.partial_fit(x, LABELS)
    for x in (with_value(X, np.nan), with_value(X, np.inf)):
        with pytest.raises(ValueError, match="Input X contains"):
            mlp.partial_fit(x, LABELS)
    with pytest.raises(ValueError, match="The object was not fitted with multilabel input"):
        mlp.partial_fit(X, np.stack([LABELS, 1 - LABELS], axis=1))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        mlp.partial_fit(X, LABELS[:3])
    assert mlp.loss_curve_ == loss_curve


def test_targets_with_nan_when_going_on():
    mlp = MLPRegressor(random_state=0).partial_fit(X, NUMBERS)
    with pytest.raises(ValueError, match="Input y contains NaN"):
        mlp.partial_fit(X, np.where(LABELS, np.nan, 1))


@pytest.mark.parametrize("estimator", [MLPClassifier, MLPRegressor])
def test_partial_fit_needs_epochs(estimator):
    mlp = estimator(solver="lbfgs")
    assert not hasattr(mlp, "partial_fit")
    with pytest.raises(AttributeError, match="has no attribute 'partial_fit'"):
        mlp.partial_fit(X, LABELS)


@pytest.mark.parametrize(
    ("coefs", "intercepts"),
    [
        ([np.ones((4, 3))], [np.ones(3), np.ones(1)]),
        ([np.ones((4, 3)), np.ones((2, 1))], [np.ones(3), np.ones(1)]),
        ([np.ones((4, 3)), np.ones((3, 1))], [np.ones(3), np.ones(2)]),
        ([], []),
    ],
)
def test_replaced_arrays_that_do_not_fit_together(coefs, intercepts):
    mlp = MLPRegressor(hidden_layer_sizes=(3,), max_iter=1, random_state=0).fit(X, NUMBERS)
    mlp.coefs_, mlp.intercepts_ = coefs, intercepts
    shapes = re.escape(str([coef.shape for coef in coefs]))
    with pytest.raises(ValueError, match=rf"coefs_ and intercepts_ must have shapes .* but have {shapes}"):
        mlp.predict(X)
