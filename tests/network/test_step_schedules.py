"""Dropout rates and weight decay that change from step to step."""

import numpy as np
import pytest

import chainrule
from chainrule import _engine as engine
from chainrule.training.schedules import FlatCosineSchedule

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3))
Y = RNG.normal(size=(40, 1))


def network(**settings):
    return chainrule.Network([3, 20, 20, 1], random_state=0, **settings)


def flat(net):
    return np.concatenate([a.ravel() for a in [*net.weights, *net.biases]])


def test_a_constant_of_1_changes_no_bit() -> None:
    options = {"optimizer": chainrule.AdamW(0.01, weight_decay=0.1), "epochs": 4, "batch_size": 16}
    plain, scheduled = network(dropout=0.3), network(dropout=0.3)
    plain.train(X, Y, **options)
    scheduled.train(X, Y, dropout_schedule="constant", decay_schedule=lambda part: 1, **options)
    assert (flat(plain) == flat(scheduled)).all()


def test_a_constant_is_another_rate_or_decay() -> None:
    half, other = network(dropout=0.4), network(dropout=0.2)
    half.train(X, Y, epochs=4, dropout_schedule=lambda part: 0.5)
    other.train(X, Y, epochs=4)
    np.testing.assert_allclose(flat(half), flat(other), rtol=1e-12)
    half, other = network(), network()
    half.train(X, Y, epochs=4, optimizer=chainrule.AdamW(weight_decay=0.4), decay_schedule=lambda part: 0.5)
    other.train(X, Y, epochs=4, optimizer=chainrule.AdamW(weight_decay=0.2))
    np.testing.assert_allclose(flat(half), flat(other), rtol=1e-12)


def test_without_dropout_from_some_step_on() -> None:
    net, same = network(dropout=0.5), network()
    for one in (net, same):
        one.train(X, Y, epochs=2, dropout_schedule=lambda part: 0)
    assert (flat(net) == flat(same)).all()


def test_each_step_has_its_own() -> None:
    """Training in one call is training step by step with the factors of a schedule."""
    net, by_hand = network(dropout=0.5), network(dropout=0.5)
    settings = {"batch_size": 40, "optimizer": chainrule.SGD(0.1)}
    net.train(X, Y, epochs=10, dropout_schedule="flat_cosine", **settings)
    factors = np.ones((10, 3))
    factors[:, 1] = FlatCosineSchedule().factors(0, 10, 10)
    trainer = engine.Trainer(
        by_hand._trainee.model, "sgd", batch_size=40, learning_rate=0.1, dropout_seed=by_hand._trainee.seed
    )
    data = engine.Dataset(by_hand._trainee.model, X, Y)
    for step in range(10):
        trainer.epochs(
            data, 1, seed=by_hand._trainee.seed, first_epoch=step, factors=factors[step : step + 1]
        )
    assert (flat(net) == flat(by_hand)).all()


def test_in_parts_and_side_by_side() -> None:
    options = {"dropout_schedule": "flat_cosine", "decay_schedule": "cosine", "schedule": "coslog4"}
    options |= {"optimizer": chainrule.AdamW(0.02, weight_decay=0.1), "schedule_epochs": 6}
    whole, parts, many = (network(dropout=0.3) for _ in range(3))
    whole.train(X, Y, epochs=6, **options)
    parts.train(X, Y, epochs=2, **options)
    parts.train(X, Y, epochs=4, resume=True, **options)
    chainrule.train_many([(many, X, Y)], epochs=6, **options)
    assert (flat(whole) == flat(parts)).all()
    assert (flat(whole) == flat(many)).all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"dropout_schedule": "plateau"},
            "dropout_schedule is 'plateau', but a plateau is of the learning rate",
        ),
        ({"decay_schedule": "cosin"}, "decay_schedule: schedule is 'cosin'.*did you mean 'cosine'"),
        ({"decay_schedule": "cosine", "optimizer": chainrule.LBFGS()}, "LBFGS has no steps"),
        (
            {"dropout_schedule": lambda part: 3},
            r"a factor makes a dropout rate 1.5.*; expected rates in \[0, 1\)",
        ),
    ],
)
def test_what_cannot_be(settings, message) -> None:
    with pytest.raises(ValueError, match=message):
        network(dropout=0.5).train(X, Y, epochs=2, batch_size=None, **settings)
