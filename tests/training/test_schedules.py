"""Schedules: their values at known points, what continues a training, and what the engine makes of them."""

from __future__ import annotations

import dataclasses
import math
import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import chainrule
from chainrule import (
    SGD,
    Adam,
    ConstantSchedule,
    CosineSchedule,
    CosLog4Schedule,
    ExponentialSchedule,
    FlatCosineSchedule,
    InverseTimeSchedule,
    Network,
    OneCycleSchedule,
    PlateauSchedule,
    Rprop,
    StepSchedule,
)
from chainrule.optimizers import OPTIMIZERS
from chainrule.reference.schedules import coslog4, flat_cos
from chainrule.training.schedules import SCHEDULES, Schedule, check_schedule
from chainrule.training.schedules.base import half_cosine

SHAPES = [schedule for schedule in SCHEDULES.values() if schedule is not PlateauSchedule]
X = np.linspace(-1, 1, 70).reshape(-1, 1)


def network() -> Network:
    return Network([1, 8, 1], activation="tanh", random_state=0)


def parameters(net: Network) -> np.ndarray:
    return np.concatenate([p.ravel() for p in [*net.weights, *net.biases]])


def test_half_a_cosine_to_the_last_bits() -> None:
    x = np.linspace(0, 1, 10_001)
    exact = np.array(
        [math.cos(math.pi * v / 2) ** 2 if v < 0.5 else math.sin(math.pi * (1 - v) / 2) ** 2 for v in x]
    )
    assert_allclose(half_cosine(x), exact, rtol=1e-15)


@pytest.mark.parametrize(
    ("schedule", "total", "expected"),
    [
        (ConstantSchedule(), 4, {0: 1, 3: 1, 9: 1}),
        (ConstantSchedule(warmup=0.1), 100, {0: 0.1, 4: 0.5, 9: 1, 10: 1, 99: 1}),
        (StepSchedule(), 100, {0: 1, 49: 1, 50: 0.1, 74: 0.1, 75: 0.01, 99: 0.01, 200: 0.01}),
        (StepSchedule([0.3], factor=0.5, warmup=0.1), 10, {0: 1, 2: 1, 3: 0.5, 9: 0.5}),
        (ExponentialSchedule(), 100, {0: 1, 50: 0.1, 75: 10**-1.5, 100: 0.01, 300: 0.01}),
        (ExponentialSchedule(0.25, warmup=0.5), 8, {0: 0.25, 3: 1, 4: 1, 6: 0.5, 8: 0.25}),
        (CosineSchedule(), 100, {0: 0.2, 4: 1, 5: 1, 52.5: 0.5, 100: 0, 200: 0}),
        (CosineSchedule(warmup=0, final=0.2), 100, {0: 1, 50: 0.6, 100: 0.2, 25: 0.6 + 0.4 / 2**0.5}),
        (InverseTimeSchedule(), 100, {0: 1, 3: 0.5, 99: 0.1, 9999: 0.01}),
        (InverseTimeSchedule(1.0, warmup=0.5), 8, {0: 0.25, 4: 1, 7: 0.25}),
        (OneCycleSchedule(), 100, {0: 0.04, 29: 1, 14.5: 0.52, 64: 0.500002, 99: 4e-6, 200: 4e-6}),
        (
            CosLog4Schedule(),
            60,
            {0: 0, 4: 0, 12: 0, 28: 0, 60: 0, 6: coslog4(0.1), 15: coslog4(0.25), 45: coslog4(0.75)},
        ),
        (FlatCosineSchedule(), 100, {0: 1, 50: 1, 75: 0.5, 90: flat_cos(0.9), 100: 0, 200: 0}),
        (OneCycleSchedule(), 1, {0: 1}),
        (OneCycleSchedule(), 2, {0: 1, 1: 4e-6}),
    ],
    ids=str,
)
def test_known_points(schedule: Schedule, total: int, expected: dict[float, float]) -> None:
    for step, factor in expected.items():
        assert schedule._factors(np.array([float(step)]), total) == pytest.approx(
            [factor],
            rel=1e-12,
            abs=1e-15,
        )


@pytest.mark.parametrize("schedule", SHAPES)
@pytest.mark.parametrize("total", [1, 2, 7, 1000])
def test_any_part_has_the_bits_of_the_whole(schedule: type[Schedule], total: int) -> None:
    whole = schedule().factors(0, total + 5, total)
    assert whole.dtype == np.float64
    assert ((whole >= 0) & (whole <= 1)).all()
    for first in (0, 1, total // 2, total):
        assert_array_equal(schedule().factors(first, total + 5 - first, total), whole[first:])


@pytest.mark.parametrize("schedule", SHAPES)
def test_there_are_no_jumps_but_where_they_are_meant(schedule: type[Schedule]) -> None:
    factors = schedule().factors(0, 10_000, 10_000)
    steps = np.abs(np.diff(factors))
    allowed = 2 if schedule is StepSchedule else 4 if schedule is InverseTimeSchedule else 0
    assert (steps > 0.05).sum() <= allowed


@pytest.mark.parametrize("schedule", SCHEDULES.values())
def test_every_schedule_is_public_and_documented(schedule: type[Schedule]) -> None:
    assert getattr(chainrule, schedule.__name__) is schedule
    for field in dataclasses.fields(schedule):
        assert field.name in (schedule.__doc__ or ""), field.name
    assert check_schedule(schedule.name) == schedule()
    assert pickle.loads(pickle.dumps(schedule())) == schedule()
    assert hash(schedule()) == hash(schedule())


def by_hand(factors: np.ndarray) -> tuple[np.ndarray, list[float]]:
    """Gradient descent on batches of 20 rows as they lie."""
    net, losses = network(), []
    for epoch in range(3):
        total = 0.0
        for k in range(4):
            rows = slice(20 * k, 20 * k + 20)
            g = net.gradients(X[rows], X[rows] ** 2)
            total += g.loss * len(X[rows])
            for p, d in zip([*net.weights, *net.biases], [*g.weights, *g.biases], strict=True):
                p -= 0.1 * factors[4 * epoch + k] * d
        losses.append(total / 70)
    return parameters(net), losses


@pytest.mark.parametrize("name", [schedule.name for schedule in SHAPES])
def test_training_follows_the_factors(name: str) -> None:
    net = network()
    history = net.train(X, X**2, optimizer=SGD(0.1), epochs=3, batch_size=20, shuffle=False, schedule=name)
    factors = SCHEDULES[name]().factors(0, 12, 12)
    expected, losses = by_hand(factors)
    assert_allclose(parameters(net), expected, rtol=1e-11)
    assert_allclose(history.loss, losses, rtol=1e-11)
    assert_allclose(history.learning_rate, 0.1 * factors[3::4], rtol=1e-15)


def test_a_callable_gets_the_part_of_the_training_that_is_done() -> None:
    net, seen = network(), []

    def schedule(part: float) -> float:
        seen.append(part)
        return 1 - part / 2

    net.train(X, X**2, optimizer=SGD(0.1), epochs=3, batch_size=20, shuffle=False, schedule=schedule)
    assert seen == [k / 12 for k in range(12)]
    assert_allclose(parameters(net), by_hand(1 - np.arange(12) / 24)[0], rtol=1e-11)


@pytest.mark.parametrize("optimizer", [o for o in OPTIMIZERS.values() if o is not Rprop])
@pytest.mark.parametrize("schedule", ["cosine", "onecycle", "plateau", lambda part: 1 - part])
def test_a_training_in_two_parts_is_one_training(optimizer: type, schedule: object) -> None:
    settings = {"optimizer": optimizer(0.01), "batch_size": 20, "schedule": schedule, "schedule_epochs": 6}
    whole, parts = network(), network()
    history = whole.train(X, X**2, epochs=6, **settings)
    first = parts.train(X, X**2, epochs=2, **settings)
    second = parts.train(X, X**2, epochs=4, resume=True, **settings)
    assert first.loss + second.loss == history.loss
    assert first.learning_rate + second.learning_rate == history.learning_rate
    assert parameters(parts).tobytes() == parameters(whole).tobytes()


def test_a_callback_sees_the_rate_and_changes_no_bit() -> None:
    records: list[chainrule.training.EpochRecord] = []
    nets = [network(), network()]
    settings = {"optimizer": Adam(0.01), "epochs": 5, "schedule": "cosine"}
    history = nets[0].train(X, X**2, callback=records.append, **settings)
    nets[1].train(X, X**2, **settings)
    assert parameters(nets[0]).tobytes() == parameters(nets[1]).tobytes()
    assert [record.learning_rate for record in records] == history.learning_rate
    assert len(set(history.learning_rate)) == 5
    assert network().train(X, X**2, optimizer=Adam(0.01), epochs=2).learning_rate == [0.01, 0.01]


def test_the_schedule_of_a_continued_training_counts_what_was_before() -> None:
    net = network()
    net.train(X, X**2, optimizer=SGD(1.0), epochs=2, batch_size=70, schedule=lambda part: 1 - part)
    history = net.train(
        X, X**2, optimizer=SGD(1.0), epochs=2, batch_size=70, schedule=lambda part: 1 - part, resume=True
    )
    assert history.learning_rate == [0.5, 0.25]


def reduce_on_plateau(losses: list[float], factor: float, patience: int, cooldown: int) -> list[float]:
    """PyTorch's rule, from its documentation: the factor of each epoch."""
    best, bad, resting, now, factors = math.inf, 0, 0, 1.0, []
    for loss in losses:
        factors.append(now)
        if loss < best * (1 - 1e-4):
            best, bad = loss, 0
        else:
            bad += 1
        if resting > 0:
            resting -= 1
            bad = 0
        if bad > patience:
            now, resting, bad = now * factor, cooldown, 0
    return factors


def test_plateau_drops_by_the_rule() -> None:
    schedule = PlateauSchedule(0.5, patience=2, cooldown=3)
    net = network()
    y = np.random.default_rng(0).normal(size=X.shape)
    history = net.train(X, y, optimizer=SGD(0.5), epochs=60, batch_size=7, schedule=schedule)
    expected = reduce_on_plateau(history.loss, 0.5, 2, 3)
    assert_allclose(history.learning_rate, 0.5 * np.array(expected), rtol=1e-15)
    assert 3 < len(set(expected)) < 20


def test_plateau_stops_at_the_smallest_factor() -> None:
    plateau = PlateauSchedule(0.1, patience=0, smallest=0.05).start()
    for _ in range(4):
        plateau.observe(1.0)
    assert plateau.factor == 0.05


def test_another_plateau_starts_anew() -> None:
    net = network()
    y = np.zeros_like(X)
    net.train(X, y, optimizer=SGD(1e-9), epochs=5, schedule=PlateauSchedule(0.5, patience=1))
    again = PlateauSchedule(0.25, patience=1)
    history = net.train(X, y, optimizer=SGD(1e-9), epochs=5, schedule=again, resume=True)
    assert_allclose(history.learning_rate, [1e-9, 1e-9, 1e-9, 0.25e-9, 0.25e-9], rtol=1e-12)


def test_many_networks_take_schedules() -> None:
    nets = [network(), network()]
    alone = network()
    chainrule.train_many([(net, X, X**2) for net in nets], epochs=4, schedule="onecycle", n_jobs=2)
    alone.train(X, X**2, epochs=4, schedule="onecycle")
    assert parameters(nets[1]).tobytes() == parameters(alone).tobytes()


def test_divergence_names_the_rate_of_its_epoch() -> None:
    with pytest.raises(
        chainrule.training.DivergenceError, match=r"lower the learning rate \(it was 1e\+300\)"
    ):
        network().train(X, X**2, optimizer=SGD(1e200), epochs=3, schedule=lambda part: 1e100)


def test_factors_of_layers() -> None:
    net, start = network(), network()
    net.train(X, X**2, epochs=5, learning_rate_factors=[0, 1])
    assert net.weights[0].tobytes() == start.weights[0].tobytes()
    assert net.biases[0].tobytes() == start.biases[0].tobytes()
    assert (net.weights[1] != start.weights[1]).all()
    same = network()
    same.train(X, X**2, epochs=5, learning_rate_factors=[1.0, 1.0])
    start.train(X, X**2, epochs=5)
    assert parameters(same).tobytes() == parameters(start).tobytes()


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        (
            {"schedule": "cosin"},
            ValueError,
            "schedule is 'cosin'; expected one of: .*; did you mean 'cosine'?",
        ),
        ({"schedule": CosineSchedule}, TypeError, r"did you mean CosineSchedule\(\)"),
        ({"schedule": 0.1}, TypeError, "schedule is 0.1; expected one of: 'constant', 'step',"),
        (
            {"schedule": lambda part: -1},
            ValueError,
            r"schedule\(0\) is -1; expected a finite number in \[0, inf\)",
        ),
        ({"schedule": lambda part: None}, TypeError, r"schedule\(0\) is None; expected a number"),
        ({"schedule": "cosine", "optimizer": Rprop()}, ValueError, "Rprop has no learning rate to change"),
        ({"schedule_epochs": 0}, ValueError, "schedule_epochs is 0; expected a whole number of at least 1"),
        (
            {"learning_rate_factors": [1]},
            ValueError,
            "learning_rate_factors has 1 numbers; expected 2, one per",
        ),
        ({"learning_rate_factors": [0, 0]}, ValueError, "no layer would change"),
        (
            {"learning_rate_factors": [-1, 1]},
            ValueError,
            r"a number of learning_rate_factors is -1; expected",
        ),
        ({"learning_rate_factors": 1}, TypeError, "learning_rate_factors is 1; expected a list"),
    ],
)
def test_impossible_settings(settings: dict, error: type[Exception], message: str) -> None:
    net = network()
    with pytest.raises(error, match=message):
        net.train(X, X**2, **settings)
    assert parameters(net).tobytes() == parameters(network()).tobytes()
    if "schedule(0)" not in message.replace("\\", ""):
        with pytest.raises(error, match=r"jobs\[0\]: .*" + message):
            chainrule.train_many([(net, X, X**2, settings)])


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: CosineSchedule(warmup=1), ValueError, r"warmup is 1; expected a finite number in \[0, 1\)"),
        (lambda: CosineSchedule(final=2), ValueError, "final is 2"),
        (lambda: StepSchedule(0.5), TypeError, r"milestones is 0.5; expected numbers in \(0, 1\)"),
        (lambda: StepSchedule((0.5, 1)), ValueError, "a milestone is 1; expected a finite number"),
        (lambda: ExponentialSchedule(0), ValueError, "final is 0"),
        (lambda: InverseTimeSchedule("1"), TypeError, "power is '1'"),
        (lambda: OneCycleSchedule(rise=0), ValueError, "rise is 0"),
        (lambda: PlateauSchedule(1.5), ValueError, "factor is 1.5"),
        (lambda: PlateauSchedule(patience=-1), ValueError, "patience is -1"),
    ],
)
def test_impossible_schedules(make, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()
