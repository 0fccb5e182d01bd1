import numpy as np
import pytest

from chainrule import MLPClassifier, MLPRegressor
from chainrule.io.errors import TrainingError
from chainrule.io.training import Watched, check_memory, train

X = np.random.default_rng(0).normal(size=(80, 3))
CLASSES = (X[:, 0] > 0).astype(np.int64)


def classifier(**settings):
    settings = {
        "hidden_layer_sizes": (5,),
        "batch_size": 16,
        "random_state": np.random.RandomState(0),
    } | settings
    return MLPClassifier(**settings)


def losses(*values):
    """Return what watches a validation set whose loss is so after each epoch."""
    left = iter(values)
    return lambda: Watched(next(left), 0.0)


def test_best_epoch_is_kept():
    kept = []
    estimator = classifier()

    def keep(epoch):
        kept.append([array.copy() for array in estimator.coefs_ + estimator.intercepts_])

    history = train(estimator, X, CLASSES, losses(3, 1, 2, 4), epochs=4, patience=9, callback=keep)
    assert [epoch.best for epoch in history] == [True, True, False, False]
    assert [epoch.number for epoch in history] == [1, 2, 3, 4]
    for array, best, last in zip(estimator.coefs_ + estimator.intercepts_, kept[1], kept[3], strict=True):
        assert np.array_equal(array, best)
        assert not np.array_equal(array, last)


def test_patience():
    history = train(classifier(), X, CLASSES, losses(3, 2, 2, 1.99999, 0, 0), epochs=6, patience=2)
    assert len(history) == 4


def test_callback_stops():
    history = train(
        classifier(), X, CLASSES, None, epochs=50, patience=50, callback=lambda epoch: epoch.number == 3
    )
    assert len(history) == 3


def test_without_validation_the_training_loss_is_watched():
    history = train(classifier(), X, CLASSES, None, epochs=5, patience=5)
    assert [epoch.watched for epoch in history] == [None] * 5
    assert [epoch.best for epoch in history] == [True] * 5


def test_epochs_are_those_of_fit():
    """Epoch by epoch gives what one call of fit gives: the optimiser goes on."""
    one = classifier(shuffle=False, max_iter=5)
    with pytest.warns(UserWarning, match="Maximum iterations"):
        one.fit(X, CLASSES)
    history = train(classifier(shuffle=False), X, CLASSES, None, epochs=5, patience=5)
    assert [epoch.loss for epoch in history] == one.loss_curve_


def test_epochs_are_shuffled_differently():
    estimators = [classifier(random_state=random_state) for random_state in (np.random.RandomState(0), 0)]
    going_on, again = (train(e, X, CLASSES, None, epochs=3, patience=5) for e in estimators)
    assert going_on[0].loss == again[0].loss
    assert going_on[1].loss != again[1].loss


def test_divergence():
    estimator = MLPRegressor(hidden_layer_sizes=(5,), solver="sgd", learning_rate_init=1e200)
    with pytest.raises(TrainingError, match=r"diverged in epoch \d: .* lower learning rate than 1e\+200"):
        train(estimator, X, X[:, 0], None, epochs=5, patience=5)


def test_interrupt_stops(monkeypatch):
    """An interrupt within an epoch, which the estimators turn into a warning, is an interrupt again."""
    estimator = classifier()

    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("chainrule.estimators.stochastic.loss_improved", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train(estimator, X, CLASSES, None, epochs=5, patience=5)


def test_check_memory():
    check_memory([10, 100, 1], "float32")
    with pytest.raises(TrainingError, match=r"1-10{18}-1 neurons have 3(,000){5},001 param"):
        check_memory([1, 10**18, 1], "float32")
