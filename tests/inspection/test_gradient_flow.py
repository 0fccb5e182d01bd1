"""The recorder's norms are those of the exact gradients, the display shows them."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris, make_multilabel_classification
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from chainrule import GradientFlowDisplay, GradientRecorder, MLPClassifier, MLPRegressor, Network, reference
from chainrule.inspection.gradient_recorder import weight_gradients

X, y = load_iris(return_X_y=True)


def numbers_by_reference(estimator, X, targets, loss):
    """dE/dW of the data's loss, by the equations, for an estimator's parameters."""
    hidden = [estimator.activation] * (len(estimator.coefs_) - 1)
    output = {"logistic": "sigmoid"}.get(estimator.out_activation_, estimator.out_activation_)
    biases = [-b for b in estimator.intercepts_]
    return reference.gradients(estimator.coefs_, biases, X, targets, [*hidden, output], loss).weights


def test_network_records_each_epoch_and_the_start():
    net = Network([4, 6, 5, 3], loss="cross_entropy", random_state=0)
    first = net.gradients(X, y)
    recorder = GradientRecorder(X, y, net, every=2)
    net.train(X, y, epochs=5, callback=recorder)
    assert recorder.epochs == [0, 2, 4]
    np.testing.assert_allclose(recorder.norms[0], [np.linalg.norm(W) for W in first.weights])
    assert repr(recorder) == "GradientRecorder(3 epochs, 3 layers)"
    display = GradientFlowDisplay.from_recorder(recorder)
    assert len(display.lines_) == 3
    for k, line in enumerate(display.lines_):
        assert line.get_xdata().tolist() == [0, 2, 4]
        np.testing.assert_array_equal(line.get_ydata(), np.array(recorder.norms)[:, k])
    assert display.ax_.get_yscale() == "log"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_estimators_gradients_are_the_references(dtype):
    rows = X.astype(dtype)
    labels = make_multilabel_classification(150, 4, n_classes=3, random_state=0)[1]
    both = y % 2
    cases = [
        (MLPClassifier, y, np.eye(3)[y], "cross_entropy"),
        (MLPClassifier, both, both.reshape(-1, 1).astype(float), "binary_cross_entropy"),
        (MLPClassifier, labels, labels.astype(float), "binary_cross_entropy"),
        (MLPRegressor, X[:, 0], X[:, :1], "squared_error"),
        (MLPRegressor, X[:, :2], X[:, :2], "squared_error"),
    ]
    for make, given, targets, loss in cases:
        estimator = make(
            hidden_layer_sizes=(6, 5), activation="tanh", alpha=10, max_iter=2, random_state=0
        ).fit(rows, given)
        found = weight_gradients(estimator, rows, given)
        expected = numbers_by_reference(estimator, rows, targets.astype(dtype), loss)
        for ours, theirs in zip(found, expected, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-3 if dtype == "float32" else 1e-9, atol=1e-6)
            assert np.any(ours)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_by_hand_and_through_a_pipeline():
    model = make_pipeline(StandardScaler(), MLPClassifier((6,), max_iter=3, random_state=0)).fit(X, y)
    display = GradientFlowDisplay.from_estimator(model, X, y)
    assert display.lines_ == []
    assert display.line_ is None
    expected = [np.linalg.norm(W) for W in weight_gradients(model[-1], model[0].transform(X), y)]
    np.testing.assert_allclose([bar.get_height() for bar in display.ax_.patches], expected)
    recorder = GradientRecorder(X, y)
    recorder.record(7, model)
    assert recorder.epochs == [7]


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_callback_of_estimators(solver):
    recorder = GradientRecorder(X, y)
    clf = MLPClassifier((6,), solver=solver, max_iter=4, callbacks=recorder, random_state=0).fit(X, y)
    assert recorder.epochs == [1, 2, 3, 4]
    np.testing.assert_allclose(recorder.norms[-1], [np.linalg.norm(W) for W in weight_gradients(clf, X, y)])
    copy = clone(clf).set_params(random_state=1).fit(X, y)
    assert recorder.epochs == [1, 2, 3, 4]  # the copy has a recorder of its own
    assert copy.callbacks.epochs[-4:] == [1, 2, 3, 4]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_targets_that_the_estimator_scales():
    given = 100 + 50 * X[:, 3]
    reg = MLPRegressor(hidden_layer_sizes=(6,), scale_targets=True, max_iter=2, random_state=0)
    reg.fit(X[:, :3], given)
    learned = ((given - given.mean()) / given.std()).reshape(-1, 1)
    expected = numbers_by_reference(reg, X[:, :3], learned, "squared_error")
    for ours, theirs in zip(weight_gradients(reg, X[:, :3], given), expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9)


def test_partial_fit_by_hand():
    clf = MLPClassifier((6,), random_state=0)
    recorder = GradientRecorder(X, y, clf)
    assert recorder.epochs == []  # not fitted: there is nothing to record yet
    for epoch in range(1, 4):
        clf.partial_fit(X, y, classes=[0, 1, 2])
        recorder.record(epoch)
    assert np.shape(recorder.norms) == (3, 2)


def test_a_gradient_of_zero_is_left_out():
    display = GradientFlowDisplay(epochs=[1, 2], norms=[[1.0, 0.0], [0.5, 0.0]]).plot()
    display.figure_.canvas.draw()
    assert np.isnan(display.lines_[1].get_ydata()).all()


def test_errors():
    recorder = GradientRecorder(X, y)
    with pytest.raises(ValueError, match="the recorder is empty"):
        GradientFlowDisplay.from_recorder(recorder)
    net = Network([4, 3], loss="cross_entropy", random_state=0)
    with pytest.raises(TypeError, match="does not know the network; give it as model="):
        net.train(X, y, epochs=1, callback=recorder)
    with pytest.raises(ValueError, match="every is 0; expected a whole number of at least 1"):
        GradientRecorder(X, y, every=0)
