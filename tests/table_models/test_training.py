import copy

import numpy as np
import pytest

from chainrule import MLPClassifier, MLPRegressor
from chainrule.table_models.training import check_memory, train
from chainrule.tables.errors import TrainingError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(80, 3))
CLASSES = (X[:, 0] + 0.5 * RNG.normal(size=80) > 0).astype(np.int64)
SET_ASIDE = (X[60:], CLASSES[60:], None)


def classifier(**settings):
    settings = {
        "hidden_layer_sizes": (5,),
        "batch_size": 16,
        "random_state": 0,
        "max_iter": 5,
        "patience": 50,
    } | settings
    return MLPClassifier(**settings)


def test_best_epoch_is_kept():
    kept = []
    estimator = classifier(learning_rate_init=0.5, max_iter=12)

    def keep(epoch):
        kept.append(copy.deepcopy(estimator.coefs_ + estimator.intercepts_))

    history = train(estimator, (X[:60], CLASSES[:60], None), SET_ASIDE, callback=keep)
    losses = [epoch.watched.loss for epoch in history]
    assert [epoch.number for epoch in history] == list(range(1, 13))
    assert [epoch.best for epoch in history] == [loss == min(losses[:n]) for n, loss in enumerate(losses, 1)]
    best = int(np.argmin(losses))
    assert best < 11
    for array, wanted, last in zip(
        estimator.coefs_ + estimator.intercepts_, kept[best], kept[-1], strict=True
    ):
        assert np.array_equal(array, wanted)
        assert not np.array_equal(array, last)
    assert estimator.callbacks is None
    assert estimator.scoring is None


def test_patience():
    estimator = classifier(tol=10.0, patience=2, max_iter=30)
    assert len(train(estimator, (X[:60], CLASSES[:60], None), SET_ASIDE)) == 4
    assert estimator.stop_reason_ == "no_improvement"


def test_callback_stops():
    history = train(
        classifier(max_iter=50), (X, CLASSES, None), None, callback=lambda epoch: epoch.number == 3
    )
    assert len(history) == 3
    assert (
        len(train(classifier(), (X, CLASSES, None), None, callback=lambda epoch: epoch)) == 5
    )  # not True itself


def test_without_validation_the_training_rows_are_watched():
    history = train(classifier(), (X, CLASSES, None), None)
    assert [epoch.watched for epoch in history] == [None] * 5
    assert [epoch.best for epoch in history] == [True] * 5


def test_epochs_are_those_of_fit():
    one = classifier(scoring="roc_auc", early_stopping=True)
    with pytest.warns(UserWarning, match="Maximum iterations"):
        one.fit(X[:60], CLASSES[:60], X_val=X[60:], y_val=CLASSES[60:])
    other = classifier(scoring="roc_auc")
    history = train(other, (X[:60], CLASSES[:60], None), SET_ASIDE)
    assert [epoch.loss for epoch in history] == one.loss_curve_
    assert [epoch.scores["roc_auc"] for epoch in history] == one.evals_result_["roc_auc"]
    assert list(history[0].scores) == ["loss", "roc_auc", "accuracy"]
    assert other.scoring == "roc_auc"
    assert np.array_equal(one.coefs_[0], other.coefs_[0])


@pytest.mark.parametrize("validation", [None, (X, X[:, 0], None)])
def test_divergence(validation):
    estimator = MLPRegressor(hidden_layer_sizes=(5,), solver="sgd", learning_rate_init=1e200)
    with pytest.raises(TrainingError, match=r"diverged in epoch \d: .* lower learning rate than 1e\+200"):
        train(estimator, (X, X[:, 0], None), validation)


def test_targets_that_do_not_suit_the_loss():
    with pytest.raises(TrainingError, match="poisson"):
        train(MLPRegressor("poisson"), (X, X[:, 0], None), None)


def test_interrupt_stops(monkeypatch):
    """An interrupt within an epoch, which the estimators turn into a warning, is an interrupt again."""

    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("chainrule.estimators.watching.EstimatorWatch.epoch_ends", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train(classifier(), (X, CLASSES, None), None)


def test_check_memory():
    check_memory([10, 100, 1], "float32")
    with pytest.raises(TrainingError, match=r"1-10{18}-1 neurons have 3(,000){5},001 param"):
        check_memory([1, 10**18, 1], "float32")
