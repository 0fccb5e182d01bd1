"""What derive is given: an estimator's own labels and units, scikit-learn's estimators, and what is wrong."""

import numpy as np
import pytest
from sklearn.neural_network import MLPClassifier as TheirClassifier
from sklearn.neural_network import MLPRegressor as TheirRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import chainrule
from chainrule import MLPClassifier, MLPRegressor

from .networks import make, relative_difference

FAST = {"hidden_layer_sizes": (4,), "max_iter": 3, "random_state": 0}
pytestmark = pytest.mark.filterwarnings("ignore:.*(reached|failed to converge)")
RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3))
THREE, TWO = RNG.integers(0, 3, 40), RNG.integers(0, 2, 40)
NUMBERS = RNG.normal(5, 3, size=40)


@pytest.mark.parametrize("classes", [["ape", "bee", "cat"], [3, 5, 8], [-1.0, 0.0, 2.0]])
def test_labels_are_the_estimators(classes):
    y = np.array(classes)[THREE]
    mlp = MLPClassifier(**FAST).fit(X, y)
    derivation = chainrule.derive(mlp, X[:5], y[:5])
    assert np.array_equal(derivation.value("y"), np.eye(3)[THREE[:5]])
    assert derivation.value("batch.E").item() == pytest.approx(
        -np.mean(np.log(mlp.predict_proba(X[:5])[range(5), THREE[:5]])), rel=1e-12
    )
    assert np.array_equal(chainrule.derive(mlp, X[3], y[3]).value("y"), np.eye(3)[THREE[[3]]])


@pytest.mark.parametrize("classes", [["no", "yes"], [1, 2], [False, True]])
def test_two_labels(classes):
    y = np.array(classes)[TWO]
    mlp = MLPClassifier(**FAST).fit(X, y)
    for given in (y[:5], y[:5, None]):
        assert np.array_equal(chainrule.derive(mlp, X[:5], given).value("y")[:, 0], TWO[:5])
    assert np.array_equal(chainrule.derive(mlp, X[3], y[3]).value("y"), TWO[None, [3]])


def test_labels_of_several_columns_and_rows_of_a_networks_targets_stay():
    several = RNG.integers(0, 2, (40, 3))
    mlp = MLPClassifier(**FAST).fit(X, several)
    assert np.array_equal(chainrule.derive(mlp, X[:3], several[:3]).value("y"), several[:3])
    mlp.fit(X, THREE)
    assert np.array_equal(
        chainrule.derive(mlp, X[:2], np.full((2, 3), 1 / 3)).value("y"), np.full((2, 3), 1 / 3)
    )


def test_labels_that_fit_did_not_see():
    mlp = MLPClassifier(**FAST).fit(X, np.array(list("abc"))[THREE])
    with pytest.raises(ValueError, match=r"y has classes that fit did not see: \['q'\]; expected some of"):
        chainrule.derive(mlp, X[:2], ["a", "q"])


@pytest.mark.parametrize("loss", ["squared_error", "quantile"])
@pytest.mark.parametrize("columns", [1, 2])
def test_standardized_targets_are_in_the_units_that_were_fitted(loss, columns):
    y = NUMBERS if columns == 1 else np.stack([NUMBERS, X[:, 0]], axis=1)
    options = {"quantiles": [0.1, 0.9]} if loss == "quantile" else {}
    mlp = MLPRegressor(loss, scale_targets=True, **options, **FAST).fit(X, y)
    derivation = chainrule.derive(mlp, X[:4], y[:4])
    expected = (y.reshape(40, -1)[:4] - y.reshape(40, -1).mean(0)) / y.reshape(40, -1).std(0)
    assert relative_difference(derivation.value("y")[:, :: len(options) + 1], expected) < 1e-12
    assert derivation.verify()
    norms = np.sqrt(
        sum(np.sum(derivation.value(f"d{p}.{k}").reshape(4, -1) ** 2, 1) for p in "Wb" for k in (1, 2))
    )
    assert relative_difference(norms, mlp.per_sample_gradient_norms(X[:4], y[:4])) < 1e-12


@pytest.mark.parametrize(
    ("mlp", "y"),
    [
        (TheirClassifier(**FAST), np.array(list("abc"))[THREE]),
        (TheirClassifier(**FAST), TWO),
        (TheirRegressor(solver="sgd", **FAST), NUMBERS),
        (TheirRegressor(solver="lbfgs", **FAST), NUMBERS),
    ],
)
def test_scikit_learns_own_estimators(mlp, y):
    derivation = chainrule.derive(mlp.fit(X, y), X[:3], y[:3])
    report = derivation.verify()
    assert all(report.largest[way] < 1e-12 for way in report.largest)
    assert next(step for step in report.steps if step.key == "batch.dW.1").engine is not None
    assert bool([step for step in derivation if step.part == "update"])


def test_an_estimator_before_fit():
    for mlp in (MLPClassifier(), TheirClassifier(), TheirRegressor()):
        with pytest.raises(TypeError, match=f"this {type(mlp).__name__} is not fitted yet; call fit first"):
            chainrule.derive(mlp)


def refused(error, message, network, x=(1.0, 1.0, 1.0), y=(1.0, 1.0), **options):
    with pytest.raises(error, match=message):
        chainrule.derive(network, x, y, **options)


def test_samples_that_do_not_fit():
    net = make([3, 4, 2])[0]
    refused(ValueError, "y has values that are not finite", net, y=[np.nan, 1.0])
    refused(ValueError, "x has values that are not finite", net, x=[np.inf, 1.0, 1.0])
    refused(TypeError, "x cannot be read as an array of numbers: could not convert", net, x=["a", "b", "c"])


def test_optimizers_that_are_none():
    net = make([3, 4, 2])[0]
    refused(
        TypeError,
        r"optimizer is 'adam'; expected an optimizer, such as chainrule.SGD\(0.1\)",
        net,
        optimizer="adam",
    )
    assert (
        chainrule.derive(net, [1.0, 1.0, 1.0], [1.0, 1.0], optimizer=chainrule.LBFGS())[-1].part == "general"
    )
    refused(TypeError, "optimizer is the class Adam", net, optimizer=chainrule.Adam)


def test_masks_that_do_not_fit():
    net = make([3, 4, 2])[0]
    refused(
        ValueError, r"masks\[0\] is for layer 1, which has no dropout; expected None", net, masks=[np.ones(4)]
    )
    net = make([3, 4, 2], dropout=0.5)[0]
    refused(ValueError, r"masks\[0\] has shape \(7,\); expected \(1, 4\) or \(4,\)", net, masks=[np.ones(7)])
    refused(ValueError, "got 3 masks for 2 layers", net, masks=[None] * 3)
    refused(
        TypeError, "masks is a ndarray; expected a list with one mask for each layer", net, masks=np.ones(4)
    )


def test_what_holds_a_network_is_told_where():
    pipeline = make_pipeline(StandardScaler(), MLPRegressor(**FAST)).fit(X, NUMBERS)
    refused(
        TypeError, r"of a pipeline give pipeline\[-1\], and pipeline\[:-1\].transform\(x\) as x", pipeline
    )
    derivation = chainrule.derive(pipeline[-1], pipeline[:-1].transform(X[:1]), NUMBERS[:1])
    assert relative_difference(derivation.value("x.3"), pipeline.predict(X[:1])[:, None]) < 1e-12
