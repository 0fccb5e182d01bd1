"""Every check finds what it is for, and says nothing about healthy trainings."""

import numpy as np
import pytest
import scipy.sparse
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from chainrule import SGD, MLPClassifier, MLPRegressor, Network, TableModel, diagnose

X, y = load_iris(return_X_y=True)
Z = StandardScaler().fit_transform(X)
ignored = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize("load", [load_iris, load_wine, load_breast_cancer, load_digits])
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_healthy_classifiers(load, activation):
    X, y = load(return_X_y=True)
    clf = MLPClassifier((50,), activation=activation, max_iter=3000, random_state=0)
    model = make_pipeline(StandardScaler(), clf).fit(X, y)
    report = diagnose(model, X, y)
    assert report.ok, str(report)
    assert report
    assert "nothing to complain about" in str(report)


def test_healthy_regressor():
    X, y = load_diabetes(return_X_y=True)
    reg = MLPRegressor(hidden_layer_sizes=(20,), early_stopping=True, max_iter=5000, random_state=0)
    model = TransformedTargetRegressor(make_pipeline(StandardScaler(), reg), transformer=StandardScaler())
    model.fit(X, y)
    report = diagnose(model, X, StandardScaler().fit_transform(y.reshape(-1, 1)))
    assert report.ok, str(report)


def test_healthy_network():
    net = Network([4, 16, 3], activation="tanh", loss="cross_entropy", random_state=0)
    history = net.train(Z, y, epochs=1500)
    report = diagnose(net, Z, y, history=history)
    assert report.ok, str(report)


@ignored
def test_too_few_epochs():
    clf = MLPClassifier((20,), max_iter=30, random_state=0).fit(Z, y)
    (finding,) = diagnose(clf, Z, y)
    assert finding.code == "loss-falling"
    assert finding.advice == "Raise max_iter (now 30), or the learning rate (learning_rate_init=0.001)."
    clf.set_params(max_iter=3).fit(Z, y)
    assert diagnose(clf, Z, y).codes == ["loss-short"]


@ignored
def test_too_large_steps():
    sgd = {"solver": "sgd", "batch_size": 10, "n_iter_no_change": 100, "random_state": 0}
    clf = MLPClassifier((20,), activation="tanh", learning_rate_init=0.5, **sgd).fit(Z, y)
    (finding,) = diagnose(clf, Z, y)
    assert finding.code == "loss-oscillating"
    assert finding.advice.startswith("Lower the learning rate (learning_rate_init=0.5)")
    clf = MLPClassifier((20,), learning_rate_init=2, **sgd).fit(Z, y)
    assert diagnose(clf, Z, y).codes == ["loss-exploded", "dead-units"]


@ignored
def test_the_learning_rate_is_named():
    """The one that was used: an estimator's parameter, its optimizer's own, a network's last."""
    own = MLPClassifier((20,), solver=SGD(0.02), max_iter=30, random_state=0).fit(Z, y)
    assert "the learning rate (solver=SGD(learning_rate=0.02))" in diagnose(own, Z, y).findings[0].advice
    net = Network([4, 10, 3], loss="cross_entropy", random_state=0)
    net.train(Z, y, optimizer=SGD(0.03), epochs=2)
    net.biases[0][:] = 99.0
    dead = diagnose(net, Z, y).findings[0]
    assert dead.code == "dead-units"
    assert dead.advice.startswith("Lower the learning rate (it was 0.03), scale the inputs")
    history = net.train(Z, y, optimizer=SGD(0.04), epochs=2, schedule="cosine")
    net.biases[0][:] = 99.0
    highest = max(history.learning_rate)
    assert highest < 0.04
    assert f"(it was {highest:g})" in str(diagnose(net, Z, y, history=history))
    fresh = Network([4, 10, 3], random_state=0)
    fresh.biases[0][:] = 99.0
    assert diagnose(fresh, Z, y[:, None] * 1.0).findings[0].advice.startswith("Lower the learning rate, sc")


@ignored
def test_network_that_was_trained_shortly():
    net = Network([4, 8, 3], loss="cross_entropy", random_state=0)
    history = net.train(Z, y, optimizer=SGD(0.01), epochs=20)
    (finding,) = diagnose(net, Z, y, history=history)
    assert finding.advice == "Raise epochs (now 20), or the learning rate (it was 0.01)."
    assert diagnose(net, Z, y).ok  # without the history there is no curve to judge


def test_inputs_not_scaled():
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    clf = MLPClassifier((10,), solver="lbfgs", max_iter=5000, random_state=0).fit(X, y)
    finding = diagnose(clf, X).findings[0]
    assert finding.code == "inputs-not-scaled"
    assert "column 23 (worst area) has a root mean square of 1.05e+03" in finding.message
    small, targets = load_diabetes(return_X_y=True)
    reg = MLPRegressor(hidden_layer_sizes=(5,), solver="lbfgs", max_iter=5000, random_state=0).fit(
        small, targets
    )
    assert diagnose(reg, small, targets).codes[:2] == ["inputs-not-scaled", "targets-not-scaled"]


def test_targets_out_of_reach():
    net = Network([4, 3, 1], output_activation="tanh", random_state=0)
    finding = diagnose(net, Z, np.linspace(0, 5, len(Z))).findings[0]
    assert finding.code == "targets-out-of-reach"
    assert finding.message == "targets go from 0 to 5, but a tanh output lies between -1 and 1"


def test_saturated_outputs():
    net = Network([4, 3], loss="cross_entropy", random_state=0)
    net.weights[0][:] *= 100
    found = diagnose(net, Z, (y + 1) % 3)
    assert "outputs-saturated" in found.codes
    right = net(Z).argmax(axis=1)
    assert diagnose(net, Z, right).ok  # sure of itself, and right


def test_dead_units_are_counted_by_layer():
    net = Network([4, 10, 8, 3], loss="cross_entropy", random_state=0)
    net.biases[1][:] = -1.0  # subtracted
    net.biases[1][:6] = 100.0
    (finding,) = diagnose(net, Z, y)
    assert finding.code == "dead-units"
    assert finding.layer == 2
    assert "6 of 8 relu units of layer 2 are dead" in finding.message
    net.biases[1][:] = 100.0
    assert "all 8 relu units of layer 2 are dead" in diagnose(net, Z, y).findings[0].message
    net.biases[1][:] = 0.0
    assert diagnose(net, Z, y).ok


def test_saturated_hidden_units():
    net = Network([4, 10, 3], activation="tanh", loss="cross_entropy", random_state=0)
    net.biases[0][:7] = 100.0
    (finding,) = diagnose(net, Z, y)
    assert finding.code == "hidden-saturated"
    assert "7 of 10 tanh units of layer 1 are saturated" in finding.message


def test_not_finite():
    net = Network([4, 10, 3], random_state=0)
    net.weights[1][0, 0] = np.nan
    found = diagnose(net, Z)
    assert found.codes == ["not-finite"]
    assert "the weights of layer 2 are not finite" in found.findings[0].message


def test_overfitting():
    clf = MLPClassifier((5,), solver="lbfgs", max_iter=1000, random_state=0).fit(Z, y)
    clf.validation_loss_curve_ = [1.0, 0.5, 0.4, *[0.6] * 20]
    (finding,) = diagnose(clf, Z, y)
    assert finding.code == "overfitting"
    assert "lowest in epoch 3, and is 50% above that now" in finding.message
    clf.best_iteration_ = 3  # known without early stopping, too
    assert not diagnose(clf, Z, y).ok
    clf.validation_scores_ = [0.9]  # early stopping went back to it
    assert diagnose(clf, Z, y).ok


def test_report_as_text_warnings_and_html():
    net = Network([4, 10, 3], random_state=0)
    found = diagnose(net, 1000 * Z)
    assert str(found).startswith("Network 4-10-3, 150 rows:\n1. 4 of 4 columns are not scaled:")
    assert not found
    with pytest.warns(ConvergenceWarning, match=r"StandardScaler.*\[inputs-not-scaled\]") as caught:
        found.warn()
    assert caught[0].filename == __file__
    html = found._repr_html_()
    assert "<ol" in html
    assert "inputs-not-scaled" in html
    assert "<ol" not in diagnose(net, Z)._repr_html_()


def test_sparse_and_many_rows():
    net = Network([4, 10, 3], loss="cross_entropy", random_state=0)
    many, labels = np.tile(Z, (100, 1)), np.tile(y, 100)
    found = diagnose(net, scipy.sparse.csr_array(many), labels)
    assert found.summary == "Network 4-10-3, 5,000 rows"


def test_errors():
    net = Network([4, 3], random_state=0)
    with pytest.raises(ValueError, match=r"X has shape \(150, 2\); expected rows of 4 features"):
        diagnose(net, Z[:, :2])
    with pytest.raises(ValueError, match="X has 150 rows, but y has 3"):
        diagnose(net, Z, [1, 2, 3])
    with pytest.raises(NotFittedError):
        diagnose(MLPClassifier(), Z)
    with pytest.raises(TypeError, match="got StandardScaler"):
        diagnose(StandardScaler(), Z)


@pytest.mark.parametrize("target", ["number", "numbers", "text"])
def test_targets_of_a_table_are_judged_as_the_network_learns_them(target):
    """In the table they are 70,000 and more, or words; the network learns standardized numbers or indices."""
    rng = np.random.default_rng(0)
    table = {"a": rng.normal(size=300), "b": rng.normal(size=300)}
    price = 70_000 + 9000 * table["a"]
    if target == "text":
        model = TableModel.fit(table | {"y": np.where(table["a"] > 0, "yes", "no")}, "y", epochs=60)
        y = np.where(table["a"] > 0, "yes", "no")
    elif target == "number":
        model, y = TableModel.fit(table | {"y": price}, "y", epochs=60), price
    else:
        both = {"y": price, "z": price + 1e5 * table["b"]}
        model, y = TableModel.fit(table | both, ["y", "z"], epochs=60), np.column_stack([*both.values()])
    wrong = {"targets-not-scaled", "targets-out-of-reach", "outputs-saturated"}
    assert not wrong & set(diagnose(model, table, y).codes)
