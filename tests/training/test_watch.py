"""Rows set aside, early stopping and the time budget of `Network.train`."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse

import chainrule
from chainrule import LBFGS, SGD, Adam, Network, PlateauSchedule
from chainrule.training import EpochRecord

RNG = np.random.default_rng(0)
X, X_VAL = RNG.normal(size=(60, 4)), RNG.normal(size=(40, 4))
Y, Y_VAL = (x[:, :1] ** 2 + 0.5 * RNG.normal(size=(len(x), 1)) for x in (X, X_VAL))


def network(**settings: object) -> Network:
    return Network([4, 64, 1], activation="tanh", random_state=0, **settings)


def parameters(net: Network) -> np.ndarray:
    return np.concatenate([p.ravel() for p in [*net.weights, *net.biases]])


def test_validation_changes_no_bit_and_is_measured_after_each_epoch() -> None:
    net, twin = network(), network()
    seen: list[float] = []
    records: list[EpochRecord] = []

    def callback(record: EpochRecord) -> None:
        seen.append(net.evaluate(X_VAL, Y_VAL))
        records.append(record)

    history = net.train(X, Y, optimizer=Adam(l2=0.1), epochs=5, validation=(X_VAL, Y_VAL), callback=callback)
    plain = twin.train(X, Y, optimizer=Adam(l2=0.1), epochs=5)
    assert history.validation_loss == seen == [record.validation_loss for record in records]
    assert history.loss == plain.loss
    assert parameters(net).tobytes() == parameters(twin).tobytes()
    assert plain.validation_loss == []
    assert (history.stopped, history.best_epoch, history.reason) == (False, None, "")


def test_weighted_and_sparse_rows_are_set_aside() -> None:
    net, weights = network(), RNG.random(40)
    history = net.train(X, Y, epochs=1, validation=(scipy.sparse.csr_array(X_VAL), Y_VAL, weights))
    assert history.validation_loss == [pytest.approx(net.evaluate(X_VAL, Y_VAL, weights), rel=1e-12)]


def test_patience_stops_and_keeps_the_best_epoch() -> None:
    net = network()
    kept = {}
    history = net.train(
        X,
        Y,
        optimizer=Adam(0.02),
        epochs=500,
        validation=(X_VAL, Y_VAL),
        patience=15,
        callback=lambda record: kept.update({record.epoch: parameters(net)}),
    )
    best = int(np.argmin(history.validation_loss)) + 1
    assert history.stopped
    assert history.reason == "patience"
    assert history.best_epoch == best
    assert history.n_epochs == best + 15 < 500
    assert parameters(net).tobytes() == kept[best].tobytes()
    assert net.evaluate(X_VAL, Y_VAL) == pytest.approx(min(history.validation_loss), rel=1e-13)
    assert repr(history).endswith(f"s, stopped by patience, best epoch {best})")
    with pytest.raises(ValueError, match="one set back to its best epoch"):
        net.train(X, Y, epochs=1, resume=True)


def test_the_best_epoch_may_be_the_last() -> None:
    net, twin = network(), network()
    history = net.train(X, Y, optimizer=SGD(0.01), epochs=6, patience=5, shuffle=False)
    twin.train(X, Y, optimizer=SGD(0.01), epochs=6, shuffle=False)
    assert history.best_epoch == 6
    assert parameters(net).tobytes() == parameters(twin).tobytes()
    net.train(X, Y, optimizer=SGD(0.01), epochs=1, resume=True)


def test_too_small_an_improvement_is_none() -> None:
    history = network().train(
        X, Y, optimizer=SGD(1e-9), epochs=50, patience=3, min_improvement=1e-3, shuffle=False
    )
    assert (history.best_epoch, history.n_epochs) == (1, 4)


def test_without_validation_the_training_loss_counts() -> None:
    net = network()
    history = net.train(X, Y, optimizer=SGD(0.3), epochs=200, patience=4)
    assert history.best_epoch == int(np.argmin(history.loss)) + 1
    assert history.n_epochs == history.best_epoch + 4


def test_max_time_begins_no_further_epoch() -> None:
    net = network()
    history = net.train(X, Y, epochs=10**9, max_time=0.05)
    assert history.reason == "max_time"
    assert history.stopped
    assert history.seconds >= 0.05
    assert history.n_steps == 2 * history.n_epochs
    twin = network()
    twin.train(X, Y, epochs=history.n_epochs)
    assert parameters(net).tobytes() == parameters(twin).tobytes()


def test_a_plateau_watches_the_validation_loss() -> None:
    history = network().train(
        X,
        Y,
        optimizer=Adam(0.02),
        epochs=80,
        validation=(X_VAL, Y_VAL),
        schedule=PlateauSchedule(0.5, patience=3),
    )
    plateau = PlateauSchedule(0.5, patience=3).start()
    rates = []
    for loss in history.validation_loss:
        rates.append(0.02 * plateau.factor)
        plateau.observe(loss)
    assert history.learning_rate == rates
    assert len(set(rates)) > 2


def test_lbfgs_is_watched_too() -> None:
    net = network()
    history = net.train(X, Y, optimizer=LBFGS(), epochs=300, validation=(X_VAL, Y_VAL), patience=5)
    assert history.reason == "patience"
    assert history.best_epoch == int(np.argmin(history.validation_loss)) + 1
    assert history.n_epochs == history.best_epoch + 5
    assert net.evaluate(X_VAL, Y_VAL) == pytest.approx(min(history.validation_loss), rel=1e-9)


def test_many_networks_are_watched_each_by_its_own_settings() -> None:
    nets = [network(), network()]
    alone = network()
    own = {"validation": (X_VAL, Y_VAL), "patience": 10}
    histories = chainrule.train_many([(nets[0], X, Y, own), (nets[1], X, Y)], optimizer=Adam(0.02), epochs=60)
    expected = alone.train(X, Y, optimizer=Adam(0.02), epochs=60, **own)
    assert histories[0].validation_loss == expected.validation_loss
    assert histories[1].n_epochs == 60
    assert parameters(nets[0]).tobytes() == parameters(alone).tobytes()


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"validation": X_VAL}, TypeError, r"validation is of type ndarray; expected \(x, y\) or"),
        ({"validation": (X_VAL,)}, TypeError, r"validation is of type tuple; expected \(x, y\) or"),
        ({"validation": (X_VAL, Y_VAL[1:])}, ValueError, r"validation: y has shape \(39, 1\)"),
        ({"validation": (X_VAL * np.nan, Y_VAL)}, ValueError, "validation: x has"),
        ({"patience": 0}, ValueError, "patience is 0; expected a whole number of at least 1"),
        ({"min_improvement": -1}, ValueError, "min_improvement is -1"),
        ({"max_time": 0}, ValueError, "max_time is 0"),
    ],
)
def test_impossible_settings(settings: dict, error: type[Exception], message: str) -> None:
    net = network()
    with pytest.raises(error, match=message):
        net.train(X, Y, **settings)
    with pytest.raises(error, match=r"jobs\[0\]: " + message):
        chainrule.train_many([(net, X, Y, settings)])
    assert parameters(net).tobytes() == parameters(network()).tobytes()
