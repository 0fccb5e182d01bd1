"""Curves show what was recorded, of any model, alone or beside others."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from chainrule import MLPClassifier, MLPRegressor, Network, TrainingCurveDisplay
from chainrule.table_models.table_model import TableModel

X, y = load_iris(return_X_y=True)


def stopped_early(**parameters):
    return MLPClassifier((8,), early_stopping=True, max_iter=2000, random_state=0, **parameters)


def test_losses_and_scores_are_the_estimators():
    clf = stopped_early().fit(X, y)
    display = TrainingCurveDisplay.from_estimator(clf)
    np.testing.assert_array_equal(display.line_.get_ydata(), clf.loss_curve_)
    np.testing.assert_array_equal(display.line_.get_xdata(), np.arange(1, clf.n_iter_ + 1))
    scores = display.lines_["MLPClassifier", "accuracy"]
    np.testing.assert_array_equal(scores.get_ydata(), clf.validation_scores_)
    best = int(np.argmax(clf.validation_scores_)) + 1
    assert [line.get_xdata()[0] for line in display.score_ax_.get_lines() if len(line.get_xdata()) == 1] == [
        best
    ]
    assert display.figure_ is display.ax_.figure is display.score_ax_.figure


def test_without_scores_there_is_one_panel():
    reg = MLPRegressor(hidden_layer_sizes=(8,), solver="sgd", max_iter=2000, random_state=0).fit(
        X[:, :3], X[:, 3]
    )
    display = TrainingCurveDisplay.from_estimator(reg)
    assert display.score_ax_ is None
    assert len(display.figure_.axes) == 1
    assert display.ax_.get_legend() is None
    display = TrainingCurveDisplay.from_estimator(stopped_early().fit(X, y), scores=False)
    assert display.score_ax_ is None


def test_several_models_have_a_legend():
    models = {"slow": stopped_early(learning_rate_init=1e-3), "fast": stopped_early(learning_rate_init=1e-2)}
    display = TrainingCurveDisplay.from_estimator({name: model.fit(X, y) for name, model in models.items()})
    labels = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert labels == ["slow", "slow, validation", "fast", "fast, validation"]
    assert len({line.get_color() for line in display.ax_.get_lines()}) == 2
    listed = TrainingCurveDisplay.from_estimator(list(models.values()))
    assert [text.get_text() for text in listed.ax_.get_legend().get_texts()] == [
        "MLPClassifier 1",
        "MLPClassifier 1, validation",
        "MLPClassifier 2",
        "MLPClassifier 2, validation",
    ]


def test_axes_of_ones_own():
    clf = stopped_early().fit(X, y)
    _, ax = plt.subplots()
    display = TrainingCurveDisplay.from_estimator(clf, ax=ax, color="k")
    assert display.ax_ is ax
    assert display.score_ax_ is None
    assert display.line_.get_color() == "k"
    _, pair = plt.subplots(1, 2)
    display = display.plot(pair)
    assert [display.ax_, display.score_ax_] == list(pair)
    with pytest.raises(ValueError, match="draws 2 panels, but ax has 3 axes"):
        display.plot(plt.subplots(1, 3)[1])


def test_wrapped_models():
    pipeline = make_pipeline(StandardScaler(), stopped_early())
    search = GridSearchCV(pipeline, {"mlpclassifier__alpha": [1e-4, 1e-2]}, cv=2).fit(X, y)
    display = TrainingCurveDisplay.from_estimator(search, name="found")
    inner = search.best_estimator_[-1]
    np.testing.assert_array_equal(display.lines_["found", "loss"].get_ydata(), inner.loss_curve_)


def test_table_model_shows_validation_loss_and_score():
    rng = np.random.default_rng(0)
    table = {"a": rng.normal(size=300), "b": rng.normal(size=300)}
    table["target"] = table["a"] - table["b"]
    model = TableModel.fit(table, "target", epochs=12)
    display = TrainingCurveDisplay.from_estimator(model)
    assert set(display.lines_) == {("MLPRegressor", curve) for curve in ("loss", "validation_loss", "R²")}
    np.testing.assert_array_equal(display.line_.get_ydata(), [epoch.loss for epoch in model.history])


def test_history_of_a_network():
    net = Network([4, 5, 3], loss="cross_entropy", random_state=0)
    history = net.train(X, y, epochs=5)
    display = TrainingCurveDisplay.from_estimator(history)
    assert display.line_.get_ydata().tolist() == history.loss
    with pytest.raises(ValueError, match="a Network keeps no curve; give the History"):
        TrainingCurveDisplay.from_estimator(net)


def test_history_with_validation():
    net = Network([4, 5, 3], loss="cross_entropy", random_state=0)
    history = net.train(X[::2], y[::2], epochs=30, validation=(X[1::2], y[1::2]), patience=3)
    display = TrainingCurveDisplay.from_estimator(history)
    assert display.lines_["History", "validation_loss"].get_ydata().tolist() == history.validation_loss
    (dot,) = [line for line in display.ax_.get_lines() if line not in display.lines_.values()]
    assert dot.get_xdata() == [history.best_epoch]


def test_large_ranges_are_logarithmic():
    net = Network([4, 5, 3], loss="cross_entropy", random_state=0)
    history = net.train(X, y, epochs=2)
    assert TrainingCurveDisplay.from_estimator(history).ax_.get_yscale() == "linear"
    history.loss[:] = [100.0, 1.0]
    assert TrainingCurveDisplay.from_estimator(history).ax_.get_yscale() == "log"


def test_nothing_to_draw():
    with pytest.raises(ValueError, match="this MLPClassifier is not fitted yet; call fit first"):
        TrainingCurveDisplay.from_estimator(MLPClassifier())
    lbfgs = MLPClassifier((4,), solver="lbfgs", max_iter=1000, random_state=0).fit(X, y)
    with pytest.raises(ValueError, match="solver='lbfgs' records no epochs"):
        TrainingCurveDisplay.from_estimator(lbfgs)
    with pytest.raises(ValueError, match="the collection is empty"):
        TrainingCurveDisplay.from_estimator({})
    with pytest.raises(
        TypeError, match=r"expected a Network, an MLPClassifier or MLPRegressor.*got StandardScaler"
    ):
        TrainingCurveDisplay.from_estimator(StandardScaler())
    with pytest.raises(ValueError, match="this GridSearchCV is not fitted yet"):
        TrainingCurveDisplay.from_estimator(GridSearchCV(MLPClassifier(), {}))
