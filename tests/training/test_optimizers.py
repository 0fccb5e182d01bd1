"""Optimizers are settings: checked, frozen, handed to the engine by name."""

from __future__ import annotations

import dataclasses
import decimal
import pickle

import numpy as np
import pytest

import chainrule
from chainrule import SGD, Adam, _engine
from chainrule.optimizers import OPTIMIZERS


def test_defaults() -> None:
    assert SGD() == SGD(0.01, 0.0, False, l2=0.0)
    assert Adam() == Adam(learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-8, l2=0.0)


def test_registry_is_the_engines() -> None:
    assert list(OPTIMIZERS) == _engine.optimizers()
    model = _engine.Model([2, 1], ["identity"], "squared_error")
    for name, optimizer in OPTIMIZERS.items():
        trainer = _engine.Trainer(model, name, batch_size=1, **optimizer(0.25).settings())
        assert trainer.learning_rate == 0.25


def test_numbers_become_floats() -> None:
    optimizer = SGD(np.float32(0.5), np.int64(0))
    assert optimizer == SGD(0.5, 0.0)
    assert [type(value) for value in optimizer.settings().values()] == [float, float, bool, float]


def test_frozen_and_picklable() -> None:
    optimizer = Adam(0.1, l2=0.5)
    with pytest.raises(dataclasses.FrozenInstanceError):
        optimizer.l2 = 1.0
    assert pickle.loads(pickle.dumps(optimizer)) == optimizer
    assert dataclasses.replace(optimizer, l2=0.0) == Adam(0.1)
    assert len({Adam(), Adam(), SGD()}) == 2


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: SGD(0), ValueError, r"learning_rate is 0; expected a finite number in \(0, inf\)"),
        (lambda: SGD(-0.1), ValueError, "learning_rate is -0.1"),
        (lambda: SGD(float("nan")), ValueError, "learning_rate is nan; expected a finite number"),
        (lambda: SGD(float("inf")), ValueError, "learning_rate is inf; expected a finite number"),
        (lambda: SGD("0.1"), TypeError, r"learning_rate is '0.1'; expected a number in \(0, inf\)"),
        (lambda: SGD(True), TypeError, "learning_rate is True; expected a number"),
        (lambda: SGD(decimal.Decimal(1)), TypeError, "expected a number"),
        (lambda: SGD(0.1, 1.0), ValueError, r"momentum is 1.0; expected a finite number in \[0, 1\)"),
        (lambda: SGD(0.1, -0.5), ValueError, "momentum is -0.5"),
        (lambda: SGD(0.1, nesterov=True), ValueError, "nesterov=True needs a momentum above 0"),
        (lambda: SGD(0.1, 0.9, nesterov=1), TypeError, "nesterov is 1; expected True or False"),
        (lambda: SGD(0.1, l2=-1), ValueError, r"l2 is -1; expected a finite number in \[0, inf\)"),
        (lambda: Adam(0), ValueError, "learning_rate is 0"),
        (lambda: Adam(beta_1=1), ValueError, r"beta_1 is 1; expected a finite number in \[0, 1\)"),
        (lambda: Adam(beta_2=-0.1), ValueError, "beta_2 is -0.1"),
        (lambda: Adam(epsilon=0), ValueError, r"epsilon is 0; expected a finite number in \(0, inf\)"),
        (lambda: Adam(l2=None), TypeError, "l2 is None; expected a number"),
    ],
)
def test_impossible_settings(make, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()


def test_public_names() -> None:
    assert (chainrule.SGD, chainrule.Adam) == (SGD, Adam)
