"""Optimizers are settings: checked, frozen, handed to the engine by name."""

from __future__ import annotations

import dataclasses
import decimal
import pickle

import numpy as np
import pytest

import chainrule
from chainrule import SGD, Adagrad, Adam, AdamW, Lion, Nadam, RMSprop, Rprop, _engine
from chainrule.optimizers import OPTIMIZERS, Optimizer


def test_defaults() -> None:
    assert SGD() == SGD(0.01, 0.0, False, l2=0.0)
    assert Adam() == Adam(learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-8, l2=0.0)


def test_registry_is_the_engines() -> None:
    assert list(OPTIMIZERS) == _engine.optimizers()
    model = _engine.Model([2, 1], ["identity"], "squared_error")
    for name, optimizer in OPTIMIZERS.items():
        trainer = _engine.Trainer(model, name, batch_size=1, **optimizer(0.25).settings())
        assert trainer.learning_rate == 0.25
        assert len(trainer.state) == len(optimizer().memory)


@pytest.mark.parametrize("optimizer", OPTIMIZERS.values())
def test_every_optimizer_is_public_and_documented(optimizer: type[Optimizer]) -> None:
    assert getattr(chainrule, optimizer.__name__) is optimizer
    documented = optimizer.__doc__ or ""
    for field in dataclasses.fields(optimizer):
        assert field.name in documented, field.name
    assert "Source" in documented


@pytest.mark.parametrize("optimizer", OPTIMIZERS.values())
def test_defaults_lower_the_loss(optimizer: type[Optimizer]) -> None:
    x = np.linspace(-1, 1, 64).reshape(-1, 1)
    net = chainrule.Network([1, 16, 1], activation="tanh", random_state=0)
    history = net.train(x, x**2, optimizer=optimizer(), epochs=200)
    assert history.loss[-1] < 0.9 * history.loss[0]
    assert history.n_steps == 200 * (1 if optimizer is Rprop else 2)


def test_numbers_become_floats() -> None:
    optimizer = SGD(np.float32(0.5), np.int64(0))
    assert optimizer == SGD(0.5, 0.0)
    assert {name: type(value) for name, value in optimizer.settings().items()} == {
        "learning_rate": float,
        "momentum": float,
        "nesterov": bool,
        "l1": float,
        "l2": float,
    }


def test_the_repr_shows_what_is_not_the_default() -> None:
    assert repr(RMSprop(clip_norm=1)) == "RMSprop(learning_rate=0.01, clip_norm=1.0)"
    assert eval(repr(AdamW(0.5, weight_decay=0, max_norm=3))) == AdamW(0.5, weight_decay=0.0, max_norm=3.0)


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
        (lambda: Adam(l1=-1), ValueError, r"l1 is -1; expected a finite number in \[0, inf\)"),
        (lambda: Adam(clip_norm=0), ValueError, r"clip_norm is 0; expected a finite number in \(0, inf\)"),
        (lambda: SGD(clip_value="1"), TypeError, "clip_value is '1'; expected a number"),
        (lambda: SGD(max_norm=-2), ValueError, "max_norm is -2"),
        (lambda: Adam(amsgrad=1), TypeError, "amsgrad is 1; expected True or False"),
        (lambda: AdamW(weight_decay=-1), ValueError, "weight_decay is -1"),
        (lambda: RMSprop(rho=1), ValueError, r"rho is 1; expected a finite number in \[0, 1\)"),
        (lambda: RMSprop(centered=None), TypeError, "centered is None; expected True or False"),
        (lambda: Adagrad(initial_accumulator=-0.1), ValueError, "initial_accumulator is -0.1"),
        (lambda: Nadam(momentum_decay=-1), ValueError, "momentum_decay is -1"),
        (lambda: Lion(beta_2=1.5), ValueError, "beta_2 is 1.5"),
        (lambda: Rprop(increase=1), ValueError, r"increase is 1; expected a finite number in \(1, inf\)"),
        (lambda: Rprop(decrease=1), ValueError, r"decrease is 1; expected a finite number in \(0, 1\)"),
        (lambda: Rprop(smallest=2, largest=1), ValueError, "smallest is 2.0 and largest is 1.0"),
    ],
)
def test_impossible_settings(make, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()


def test_a_batch_size_of_auto_is_32_but_for_rprop() -> None:
    x = np.linspace(-1, 1, 65).reshape(-1, 1)
    net = chainrule.Network([1, 4, 1], random_state=0)
    assert net.train(x, x, epochs=2).n_steps == 6
    assert net.train(x, x, epochs=2, batch_size="auto").n_steps == 6
    assert net.train(x, x, epochs=2, optimizer=Rprop()).n_steps == 2
    assert net.train(x, x, epochs=2, optimizer=Rprop(), batch_size=32).n_steps == 6
    with pytest.raises(TypeError, match="batch_size is 'all'; expected a number of rows, None for all, or"):
        net.train(x, x, batch_size="all")


@pytest.mark.parametrize("optimizer", OPTIMIZERS.values())
def test_resume_goes_on_as_if_it_had_not_ended(optimizer: type[Optimizer]) -> None:
    x = np.linspace(-1, 1, 70).reshape(-1, 1)
    settings = {"optimizer": optimizer(0.01, clip_norm=1.0), "batch_size": 20}
    whole, parts = (chainrule.Network([1, 8, 1], activation="tanh", random_state=0) for _ in range(2))
    history = whole.train(x, x**2, epochs=6, **settings)
    first = parts.train(x, x**2, epochs=2, **settings)
    parts.n_threads = 3  # another trainer, with the memory of the first
    second = parts.train(x, x**2, epochs=4, resume=True, **settings)
    assert first.loss + second.loss == history.loss
    assert parts._trainee.flat.tobytes() == whole._trainee.flat.tobytes()


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (SGD(0.1, 0.9), SGD(0.1)),
        (RMSprop(momentum=0.9), RMSprop(centered=True)),
        (Adam(), AdamW()),
        (Adam(), Adam(amsgrad=True)),
    ],
    ids=str,
)
def test_memory_of_another_kind_is_not_taken(first: Optimizer, second: Optimizer) -> None:
    net = chainrule.Network([1, 4, 1], random_state=0)
    net.train([[1.0]], [[1.0]], optimizer=first, epochs=1)
    with pytest.raises(ValueError, match="resume=True cannot hand the memory of"):
        net.train([[1.0]], [[1.0]], optimizer=second, epochs=1, resume=True)
