"""The same fits as scikit-learn's, number for number, over drawn configurations.

Tolerance. Both libraries compute the same sums in different orders, so one update differs by a few units
in the last place, and training multiplies that: by the steepness of the loss, in adam by 1 / epsilon where a
gradient is nearly zero (so float32 draws a larger epsilon), in L-BFGS by its line search. The draws are short
and mostly tame (a few epochs, inputs of unit size); the first bound is a constant, relative to the largest
parameter. Some draws are steep, and a few diverge. There scikit-learn is asked how well its own numbers are
defined: it fits again with every input moved by at most one unit in the last place, and we may differ by
`AMPLIFIED` times as much as it then differs from itself, but never by more than `LOOSEST`.
"""

import warnings
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest
import scipy.sparse
import sklearn.exceptions
import sklearn.neural_network
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

import chainrule.estimators as ours

CLASSIFICATION = ["binary", "multiclass", "multilabel"]
REGRESSION = ["one number", "several numbers", "counts"]


@dataclass
class Case:
    """What one comparison does."""

    task: str
    parameters: dict[str, Any]
    course: str
    rows: str
    dtype: str
    weights: str
    n_samples: int
    n_features: int
    seed: int
    data: dict[str, Any] = field(default_factory=dict, repr=False)

    def __post_init__(self):
        rng = np.random.default_rng(self.seed)
        x = rng.normal(size=(self.n_samples, self.n_features))
        hidden = np.tanh(x @ rng.normal(size=(self.n_features, 4)))
        score = hidden @ rng.normal(size=(4, 3)) + 0.3 * rng.normal(size=(self.n_samples, 3))
        if self.rows != "dense":
            x = x * (rng.random(x.shape) < 0.4)
        # The first rows show every class, so that partial_fit and the stratified split have them all.
        score[:3] = 2 * np.eye(3)
        score[3:6] = -2 * np.eye(3) + 0.1
        self.data["y"] = {
            "binary": np.array(["no", "yes"])[(score[:, 0] > 0).astype(int)],
            "multiclass": np.array([3, 5, 9])[score.argmax(axis=1)],
            "multilabel": (score > 0).astype(int),
            "one number": score[:, 0],
            "several numbers": score,
            "counts": rng.poisson(np.exp(0.5 * score[:, 0])),
        }[self.task]
        x = x.astype(self.dtype)
        self.data["x"] = {
            "dense": lambda: x,
            "fortran": lambda: np.asfortranarray(x),
            "csr": lambda: scipy.sparse.csr_array(x),
            "csc": lambda: scipy.sparse.csc_matrix(x),
        }[self.rows]()
        w = rng.uniform(0.2, 3.0, self.n_samples)
        if self.weights == "some zero":
            w[::4] = 0
        self.data["w"] = None if self.weights == "none" else w

    def fit(self, library):
        """Fit with one library; return the estimator, or the error that it raised."""
        kind = "MLPClassifier" if self.task in CLASSIFICATION else "MLPRegressor"
        mlp = getattr(library, kind)(**self.parameters)
        x, y, w = (self.data[name] for name in "xyw")
        classes = {}
        if kind == "MLPClassifier":
            classes = {"classes": np.arange(y.shape[1]) if y.ndim == 2 else np.unique(y)}
        try:
            if self.course in ("fit", "warm start", "fit, then partial_fit"):
                mlp.fit(x, y, sample_weight=w)
            if self.course == "warm start":
                mlp.set_params(alpha=0.01, max_iter=mlp.max_iter + 1).fit(x, y, sample_weight=w)
            if self.course in ("partial_fit", "fit, then partial_fit"):
                for part in (slice(None), slice(0, 7), slice(2, None), slice(0, 7)):
                    part_w = None if w is None else w[part]
                    part_x = x.tocsr()[part] if scipy.sparse.issparse(x) else x[part]
                    mlp.partial_fit(part_x, y[part], sample_weight=part_w, **classes)
        except (ValueError, ZeroDivisionError) as error:
            return error
        return mlp


@st.composite
def cases(draw):
    """Draw a configuration that scikit-learn can fit."""
    task = draw(st.sampled_from(CLASSIFICATION + REGRESSION))
    solver = draw(st.sampled_from(["adam", "sgd", "sgd", "lbfgs"]))
    courses = ["fit", "warm start"] * 2 + ["partial_fit", "fit, then partial_fit"] * (solver != "lbfgs")
    course = draw(st.sampled_from(courses))
    n_samples = draw(st.integers(20, 60))
    dtype = draw(st.sampled_from(["float64", "float64", "float32"]))
    parameters = {
        "hidden_layer_sizes": draw(st.lists(st.integers(1, 9), max_size=3)),
        "activation": draw(st.sampled_from(["identity", "logistic", "tanh", "relu"])),
        "solver": solver,
        "alpha": draw(st.sampled_from([0, 1e-4, 0.5])),
        "max_iter": draw(st.integers(1, 7)),
        "random_state": draw(st.integers(0, 1000)),
        "tol": draw(st.sampled_from([1e-7, 1e-4, 0.03] if solver != "lbfgs" else [1e-3, 0.03])),
    }
    if (solver, dtype) == ("lbfgs", "float32"):
        parameters["tol"] = 0.03  # stop before the line search is among the rounding errors
    if solver != "lbfgs":
        parameters |= {
            "batch_size": draw(st.sampled_from(["auto", 1, 2, 7, 16, 100])),
            "learning_rate_init": draw(st.sampled_from([0.001, 0.003] + [0.03] * (task != "counts"))),
            "shuffle": draw(st.booleans()),
            "n_iter_no_change": draw(st.sampled_from([1, 2, 10, np.inf])),
        }
        if course in ("fit", "warm start") and draw(st.sampled_from([True, True, False])):
            parameters |= {
                "early_stopping": True,
                "validation_fraction": draw(st.sampled_from([0.15, 0.4])),
            }
    if solver == "sgd":
        parameters |= {
            "learning_rate": draw(st.sampled_from(["constant", "invscaling", "adaptive"])),
            "power_t": draw(st.sampled_from([0.25, 0.5])),
            "momentum": draw(st.sampled_from([0, 0.5, 0.9])),
            "nesterovs_momentum": draw(st.booleans()),
        }
    if solver == "adam":
        parameters |= {
            "beta_1": draw(st.sampled_from([0.0, 0.9])),
            "beta_2": draw(st.sampled_from([0.9, 0.999])),
            "epsilon": draw(st.sampled_from([1e-8, 1e-3] if dtype == "float64" else [1e-5, 1e-3])),
        }
    if course == "warm start":
        parameters["warm_start"] = True
    if task == "counts":
        parameters["loss"] = "poisson"
    # scikit-learn divides by the sum of a batch's weights.
    whole = parameters.get("batch_size", "auto") == "auto"
    return Case(
        task,
        parameters,
        course,
        rows=draw(st.sampled_from(["dense", "dense", "fortran", "csr", "csc"])),
        dtype=dtype,
        weights=draw(st.sampled_from(["none", "positive"] + ["some zero"] * whole)),
        n_samples=n_samples,
        n_features=draw(st.integers(1, 6)),
        seed=draw(st.integers(0, 1000)),
    )


#: Tolerance, relative to the largest parameter.
TOLERANCES = {
    ("float64", "sgd"): 1e-12,
    ("float64", "adam"): 1e-12,
    ("float64", "lbfgs"): 1e-8,
    ("float32", "sgd"): 1e-5,
    ("float32", "adam"): 2e-3,
    ("float32", "lbfgs"): 2e-3,
}
AMPLIFIED = 10
LOOSEST = {"float64": 1e-6, "float32": 1e-2}


def compare(case):
    """Fit with both libraries and hold everything that a user can see against each other."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        their, our = case.fit(sklearn.neural_network), case.fit(ours)
        if isinstance(their, Exception):
            assert type(our) is type(their)
            assert str(our).startswith(str(their))  # ours goes on with what to do
            return
        assert not isinstance(our, Exception), our
        tolerance = TOLERANCES[case.dtype, case.parameters["solver"]]
        try:
            assert_same(their, our, case, tolerance)
        except AssertionError:
            wider = min(AMPLIFIED * sensitivity(their, case), LOOSEST[case.dtype])
            if not wider > tolerance:
                raise
            assert_same(their, our, case, wider)


def sensitivity(their, case):
    """How far scikit-learn's fit moves, relatively, if its inputs move by one unit in the last place."""
    moves = [0.0]
    for seed in range(8):
        rng = np.random.default_rng(seed)
        nudged = replace(case, data={})
        x = nudged.data["x"]
        values = x.data if scipy.sparse.issparse(x) else x
        towards = rng.choice([-np.inf, np.inf], values.shape).astype(values.dtype)
        values[...] = np.where(
            (values != 0) & (rng.random(values.shape) < 0.5), np.nextafter(values, towards), values
        )
        again = nudged.fit(sklearn.neural_network)
        if isinstance(again, Exception) or again.n_iter_ != their.n_iter_:
            continue
        losses = [(np.atleast_1d(m.loss_), getattr(m, "loss_curve_", [])) for m in (again, their)]
        pairs = [(np.asarray(a), np.asarray(b), 1.0) for a, b in zip(*losses, strict=True)]
        arrays = [m.coefs_ + m.intercepts_ for m in (again, their)]
        scale = max(1.0, *(np.abs(a).max() for a in arrays[1]))
        pairs += [(a, b, scale) for a, b in zip(*arrays, strict=True)]
        for a, b, size in pairs:
            if a.shape == b.shape and a.size:
                moves.append(float((np.abs(a - b) / (size + np.abs(b))).max()))
    return max(moves)


def assert_same(their, our, case, tolerance):
    for name in ("n_iter_", "t_", "n_layers_", "n_outputs_", "out_activation_", "n_features_in_"):
        assert getattr(our, name) == getattr(their, name), name
    for name in ("loss_", "best_loss_", "loss_curve_", "validation_scores_", "best_validation_score_"):
        assert hasattr(our, name) == hasattr(their, name), name
        expected = getattr(their, name, None)
        if expected is None:
            assert getattr(our, name, None) is None, name
        else:
            assert_allclose(getattr(our, name), expected, rtol=tolerance, atol=tolerance, err_msg=name)
    scale = max(1.0, *(np.abs(a).max() for a in their.coefs_ + their.intercepts_))
    for name in ("coefs_", "intercepts_"):
        assert len(getattr(our, name)) == len(getattr(their, name))
        for mine, expected in zip(getattr(our, name), getattr(their, name), strict=True):
            assert mine.dtype == expected.dtype
            assert_allclose(mine, expected, rtol=tolerance, atol=tolerance * scale, err_msg=name)
    x = case.data["x"]
    if case.task in REGRESSION:
        expected, mine = their.predict(x), our.predict(x)
        assert mine.dtype == expected.dtype
    else:
        assert_array_equal(our.classes_, their.classes_)
        expected, mine = their.predict_proba(x), our.predict_proba(x)
        undecided = np.abs(np.sort(expected) - 0.5).min(axis=1) < 10 * tolerance
        assert_array_equal(our.predict(x)[~undecided], their.predict(x)[~undecided])
    assert mine.shape == expected.shape
    size = max(1.0, np.abs(expected).max())
    assert_allclose(mine, expected, rtol=tolerance, atol=10 * tolerance * size)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("task", CLASSIFICATION)
def test_loss_of_saturated_outputs(task, dtype):
    """scikit-learn reports the loss of probabilities clipped to [eps, 1 - eps]."""
    parameters = {"hidden_layer_sizes": [3], "activation": "identity", "solver": "sgd", "random_state": 0}
    case = Case(task, parameters, "partial_fit", "dense", dtype, "none", n_samples=30, n_features=4, seed=0)
    losses = []
    for library in (sklearn.neural_network, ours):
        mlp = case.fit(library)
        for coef in mlp.coefs_:
            coef *= 50
        mlp.partial_fit(case.data["x"], case.data["y"])
        losses.append(mlp.loss_ - 0.5 * mlp.alpha * sum((coef**2).sum() for coef in mlp.coefs_) / 30)
    assert losses[0] > 5
    assert_allclose(losses[1], losses[0], rtol=1e-9 if dtype == "float64" else 1e-4)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("activation", ["relu", "logistic", "tanh"])
@pytest.mark.parametrize(("solver", "rate"), [("adam", 0.02), ("sgd", 0.5)])
def test_until_the_network_is_sure(solver, rate, activation, dtype):
    """What the engine takes for 0 in deltas, weights and moments changes nothing (docs/numerics.md)."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 5)).astype(dtype)
    x[:, 0] += np.sign(x[:, 0])
    y = (x[:, 0] > 0).astype(int)
    parameters = {
        "hidden_layer_sizes": (12, 9),
        "activation": activation,
        "solver": solver,
        "learning_rate_init": rate,
        "batch_size": 60,
        "max_iter": 1500,
        "tol": 0,
        "n_iter_no_change": 10_000,
        "alpha": 1e-6,
        "random_state": 0,
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sklearn.exceptions.ConvergenceWarning)
        theirs = sklearn.neural_network.MLPClassifier(**parameters).fit(x, y)
        mlp = ours.MLPClassifier(**parameters).fit(x, y)
    assert theirs.loss_ < 1e-3
    rtol = 1e-3 if dtype == "float32" else 1e-11
    largest = max(np.abs(w).max() for w in theirs.coefs_)
    for a, b in zip([*mlp.coefs_, *mlp.intercepts_], [*theirs.coefs_, *theirs.intercepts_], strict=True):
        assert_allclose(a, b, rtol=0, atol=rtol * largest)
    # in float32, scikit-learn's own losses differ by so much from one processor's BLAS to another's
    assert_allclose(mlp.loss_curve_, theirs.loss_curve_, rtol=rtol, atol=1e-8 if dtype == "float32" else 0)
    assert_allclose(mlp.predict_proba(x), theirs.predict_proba(x), rtol=0, atol=rtol)


drawn = settings(deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow])


@settings(drawn, max_examples=250)
@given(cases())
def test_drawn_configurations(case):
    compare(case)


@pytest.mark.slow
@settings(drawn, max_examples=1000)
@given(cases())
def test_many_drawn_configurations(case):
    compare(case)
