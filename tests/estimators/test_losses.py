"""Losses beside scikit-learn's: minimised, scored, kept."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.metrics import d2_pinball_score

import chainrule
from chainrule import MLPClassifier, MLPRegressor
from chainrule.losses import Focal, Huber, Quantile, SquaredError, Tweedie
from chainrule.reference.losses import LOSSES

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(80, 3))
NUMBERS = X[:, 0] * X[:, 1] + 0.1 * RNG.normal(size=80)
LABELS = np.array(["a", "b", "c"])[(X[:, 0] > 0).astype(int) + (X[:, 1] > 0.5)]
BINARY = (X[:, 0] > 0.3).astype(int)
MULTILABEL = (X > 0).astype(int)
FAST = {"hidden_layer_sizes": (6,), "activation": "tanh", "random_state": 0}
POSITIVE = ("poisson", "gamma", "tweedie")
REGRESSION = ["squared_error", "absolute_error", "huber", "log_cosh", "quantile", *POSITIVE, Huber(delta=0.3),
              Tweedie(power=1.9), Quantile([0.2, 0.8])]  # fmt: skip


def targets(loss):
    return np.exp(NUMBERS) if getattr(loss, "name", loss) in POSITIVE else NUMBERS


def value(mlp, outputs, y):
    """The mean loss by the reference, of outputs (n_samples, n_outputs)."""
    loss = mlp._bound.architecture.loss
    output = chainrule.reference.get_activation(mlp._bound.model.activations[-1])
    net = np.log(outputs) if output.name == "exp" else outputs
    y = np.repeat(y.reshape(len(y), -1), loss.outputs_per_target, axis=1)
    return loss.value(output, net, outputs, y).mean() / mlp._bound.model.sizes[-1]


@pytest.mark.parametrize("loss", REGRESSION, ids=str)
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_regressors_minimise_their_loss(loss, solver):
    y = targets(loss)
    mlp = MLPRegressor(loss, solver=solver, max_iter=200, learning_rate_init=0.02, alpha=0.0, **FAST)
    mlp.fit(X[:60], y[:60], X_val=X[60:], y_val=y[60:])
    outputs = mlp.predict(X[60:]).reshape(20, -1)
    assert_allclose(mlp.validation_loss_curve_[-1], value(mlp, outputs, y[60:]), rtol=1e-6)
    constant = np.tile(np.median(y[:60]), (60, outputs.shape[1]))
    assert value(mlp, mlp.predict(X[:60]).reshape(60, -1), y[:60]) < 0.8 * value(mlp, constant, y[:60])
    assert mlp.score(X[:60], y[:60]) > 0.2


@pytest.mark.parametrize("penalty", [{"alpha": 0.0}, {"alpha": 3.0}, {"alpha": 0.0, "l1": 3.0}], ids=str)
def test_a_loss_of_ones_own_gives_the_numbers_of_ours(penalty):
    """Weights and penalty included: penalties are divided by the sum of the weights, as in scikit-learn."""

    def squared(predictions, y, weight=None):
        error = predictions - y
        w = np.full((len(y), 1), 1 / len(y)) if weight is None else (weight / weight.sum())[:, None]
        return float((w * error**2).sum() / 2), w * error

    weight = np.linspace(0.5, 2, 80)
    for solver in ("adam",) if "l1" in penalty else ("adam", "sgd", "lbfgs"):
        for w in (None, weight):
            parameters = {"solver": solver, "max_iter": 20, "batch_size": 30, **penalty, **FAST}
            own = MLPRegressor(squared, **parameters).fit(X, NUMBERS, w)
            ours = MLPRegressor(**parameters).fit(X, NUMBERS, w)
            assert_allclose(own.predict(X), ours.predict(X), rtol=1e-6, atol=1e-8)
            assert_allclose(own.loss_, ours.loss_, rtol=1e-9)


def test_a_classifiers_own_loss():
    def brier(probabilities, y):
        error = probabilities - np.eye(3)[y]
        return float((error**2).sum(axis=1).mean()), 2 * error / len(y)

    mlp = MLPClassifier(loss=brier, max_iter=300, learning_rate_init=0.02, **FAST).fit(X, LABELS)
    assert mlp.score(X, LABELS) > 0.95
    assert_allclose(mlp.predict_proba(X).sum(axis=1), 1)
    own = pickle.loads(pickle.dumps(mlp.set_params(loss="log_loss")))
    assert_array_equal(own.predict(X), mlp.predict(X))


@pytest.mark.parametrize("y", [LABELS, BINARY, MULTILABEL], ids=["three", "two", "several"])
def test_focal_loss_of_every_kind_of_target(y):
    mlp = MLPClassifier(loss="focal", max_iter=300, learning_rate_init=0.02, **FAST).fit(X, y)
    assert mlp.score(X, y) > 0.9
    plain = MLPClassifier(max_iter=300, learning_rate_init=0.02, **FAST).fit(X, y)
    assert mlp.predict_proba(X).max(axis=1).mean() < plain.predict_proba(X).max(axis=1).mean()
    same = MLPClassifier(loss=Focal(gamma=0.0), max_iter=20, learning_rate_init=0.02, **FAST).fit(X, y)
    assert_allclose(
        same.predict_proba(X), plain.set_params(max_iter=20).fit(X, y).predict_proba(X), rtol=1e-6
    )


@pytest.mark.parametrize("y", [LABELS, BINARY, MULTILABEL], ids=["three", "two", "several"])
def test_label_smoothing_keeps_probabilities_from_the_ends(y):
    fits = [
        MLPClassifier(label_smoothing=s, solver="lbfgs", max_iter=500, alpha=0.0, **FAST).fit(X, y)
        for s in (0.0, 0.3)
    ]
    furthest = 0.8 if y is LABELS else 0.85  # 1 - s + s / n
    assert fits[0].predict_proba(X).max() > 0.98
    assert fits[1].predict_proba(X).max() < furthest + 0.1
    assert fits[1].score(X, y) > 0.9


@pytest.mark.parametrize("scale_targets", [False, True])
def test_quantiles(scale_targets):
    x = RNG.uniform(-1, 1, size=(2000, 1))
    y = 50 + 10 * (x[:, 0] + (1 + x[:, 0]) * RNG.uniform(-1, 1, size=2000))
    levels = [0.1, 0.5, 0.9]
    mlp = MLPRegressor("quantile", (16,), quantiles=levels, scale_targets=scale_targets, solver="lbfgs",
                       max_iter=600, random_state=0).fit(x, y)  # fmt: skip
    predicted = mlp.predict(x)
    assert predicted.shape == (2000, 3)
    assert (np.diff(predicted, axis=1) >= 0).all()
    assert_allclose((y[:, None] < predicted).mean(axis=0), levels, atol=0.03)
    assert mlp.out_activation_ == "ordered(3)"
    expected = np.mean([d2_pinball_score(y, predicted[:, k], alpha=q) for k, q in enumerate(levels)])
    assert_allclose(mlp.score(x, y), expected)


def test_quantiles_of_several_targets():
    y = np.stack([NUMBERS, 100 + NUMBERS], axis=1)
    mlp = MLPRegressor("quantile", quantiles=(0.25, 0.75), scale_targets=True, max_iter=100, **FAST)
    mlp.fit(X[:60], y[:60], X_val=X[60:], y_val=y[60:])
    assert mlp.predict(X).shape == (80, 2, 2)
    assert (np.diff(mlp.predict(X), axis=2) >= 0).all()
    assert_allclose(mlp.evals_result_["d2_pinball_score"][-1], mlp.score(X[60:], y[60:]))
    with pytest.raises(ValueError, match="y_val has 1 columns, but y has 2"):
        mlp.fit(X, y, X_val=X, y_val=NUMBERS)


def test_one_quantile_is_a_number():
    for quantiles in (None, 0.9, [0.9]):
        mlp = MLPRegressor("quantile", quantiles=quantiles, max_iter=3, **FAST).fit(X, NUMBERS)
        assert mlp.predict(X).shape == (80,)


@pytest.mark.parametrize("loss", REGRESSION, ids=str)
def test_pickled_saved_cloned_and_gone_on_with(loss, tmp_path):
    mlp = MLPRegressor(loss, max_iter=3, **FAST).fit(X, targets(loss))
    assert clone(mlp).get_params() == mlp.get_params()
    mlp.save(tmp_path / "mlp.safetensors")
    copies = [pickle.loads(pickle.dumps(mlp)), chainrule.load(tmp_path / "mlp.safetensors")]
    for other in copies:
        assert other.get_params() == mlp.get_params()
        assert_array_equal(other.predict(X), mlp.predict(X))
    mlp.partial_fit(X, targets(loss))
    for other in copies:
        assert_array_equal(other.partial_fit(X, targets(loss)).coefs_[0], mlp.coefs_[0])


def test_a_file_holds_no_function(tmp_path):
    mlp = MLPRegressor(lambda p, y: (float(((p - y) ** 2).sum()), 2 * (p - y)), max_iter=3, **FAST).fit(
        X, NUMBERS
    )
    mlp.save(tmp_path / "mlp.safetensors")
    other = chainrule.load(tmp_path / "mlp.safetensors")
    assert other.loss is None
    assert_array_equal(other.predict(X), mlp.predict(X))
    with pytest.raises(ValueError, match="'loss' parameter"):
        other.fit(X, NUMBERS)


def test_every_loss_has_its_estimator():
    from chainrule.estimators.losses import REGRESSOR_LOSSES

    classes = {"cross_entropy", "binary_cross_entropy", "focal", "binary_focal"}
    assert set(REGRESSOR_LOSSES) == set(LOSSES) - classes


@pytest.mark.parametrize(
    ("estimator", "parameters", "error", "message"),
    [
        (MLPRegressor, {"loss": "hubr"}, ValueError, r"'loss' parameter .* Did you mean 'huber'\?"),
        (MLPRegressor, {"loss": "log_loss"}, ValueError, "'loss' parameter of MLPRegressor must be"),
        (MLPRegressor, {"loss": Focal()}, ValueError, "none of a regressor's"),
        (MLPRegressor, {"loss": Huber}, TypeError, r"expected a name, a loss or a function: Huber\(\.\.\.\)"),
        (MLPRegressor, {"quantiles": [0.5]}, ValueError, "needs loss='quantile', not loss='squared_error'"),
        (MLPRegressor, {"loss": "quantile", "quantiles": [0.9, 0.1]}, ValueError, "expected increasing"),
        (MLPRegressor, {"loss": "gamma"}, ValueError, "y .*for loss='gamma'"),
        (MLPRegressor, {"loss": "gamma", "scale_targets": True}, ValueError, "scale_targets=True does not"),
        (MLPClassifier, {"loss": "huber"}, ValueError, "'loss' parameter of MLPClassifier must be"),
        (MLPClassifier, {"loss": SquaredError()}, ValueError, "none of a classifier's: 'log_loss', 'focal'"),
        (MLPClassifier, {"loss": "focal", "label_smoothing": 0.1}, ValueError, "needs loss='log_loss'"),
        (MLPClassifier, {"label_smoothing": 1.0}, ValueError, "'label_smoothing' parameter"),
    ],
)  # fmt: skip
def test_what_cannot_be(estimator, parameters, error, message):
    y = BINARY - 0 if estimator is MLPClassifier else np.abs(NUMBERS) * (NUMBERS > 0)
    if parameters.get("scale_targets"):
        y = y + 1
    with pytest.raises(error, match=message):
        estimator(**FAST | parameters).fit(X, y)


DERIVED = {
    "quantiles": lambda: (MLPRegressor("quantile", quantiles=[0.1, 0.9], max_iter=3, **FAST), NUMBERS),
    "Huber": lambda: (MLPRegressor(Huber(delta=0.1), max_iter=3, **FAST), NUMBERS),
    "focal, two classes": lambda: (MLPClassifier(loss="focal", max_iter=3, **FAST), BINARY),
    "smoothed": lambda: (MLPClassifier(label_smoothing=0.4, max_iter=3, **FAST), BINARY),
}


@pytest.mark.parametrize("name", DERIVED)
def test_derivations_are_of_the_loss_with_its_settings(name):
    mlp, y = DERIVED[name]()
    derivation = chainrule.derive(mlp.fit(X, y), X[:1], y[:1].reshape(1, -1))
    assert derivation.verify()
    assert derivation.model.loss == mlp._bound.architecture.loss


def test_derivation_of_a_loss_of_ones_own():
    def squared(predictions, y):
        return float(((predictions - y) ** 2).mean()), 2 * (predictions - y) / len(y)

    mlp = MLPRegressor(squared, max_iter=3, **FAST).fit(X, NUMBERS)
    assert chainrule.derive(mlp, X[:2], NUMBERS[:2].reshape(2, 1)).verify()
