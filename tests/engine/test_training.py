"""A step of the engine is the reference's gradient in the optimizer's formula; trainers keep their state."""

from __future__ import annotations

import _thread
import threading

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from chainrule import _engine as engine
from chainrule import reference

from .networks import DTYPES, ISAS, make_case

ACTIVATIONS = ["tanh", "relu", "identity"]


def reference_epoch(case, state, settings, optimizer, order, batch_size, l2):
    """One epoch by the formulas of the optimizers, on the reference's gradients; returns the epoch's loss."""
    total = 0.0
    weights, biases = case.weights, case.biases
    for first in range(0, len(order), batch_size):
        rows = order[first : first + batch_size]
        g = reference.gradients(
            weights, biases, case.x[rows], case.y[rows], ACTIVATIONS, "squared_error", l2=l2
        )
        total += float(g.loss) * len(rows)
        state["t"] += 1
        rate = settings["learning_rate"]
        for i, (p, d) in enumerate(zip([*weights, *biases], [*g.weights, *g.biases], strict=True)):
            m, v = state["m"][i], state["v"][i]
            if optimizer == "adam":
                m[...] = 0.9 * m + 0.1 * d
                v[...] = 0.999 * v + 0.001 * d * d
                corrected = rate * np.sqrt(1 - 0.999 ** state["t"]) / (1 - 0.9 ** state["t"])
                p -= corrected * m / (np.sqrt(v) + 1e-8)
            else:
                momentum = settings.get("momentum", 0.0)
                m[...] = momentum * m - rate * d
                p += momentum * m - rate * d if settings.get("nesterov") else m
    return total / len(order)


OPTIMIZERS = [
    ("sgd", {"learning_rate": 0.05}),
    ("sgd", {"learning_rate": 0.05, "momentum": 0.9}),
    ("sgd", {"learning_rate": 0.05, "momentum": 0.8, "nesterov": True}),
    ("adam", {"learning_rate": 0.01}),
]


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("l2", [0.0, 0.1])
@pytest.mark.parametrize(("optimizer", "settings"), OPTIMIZERS)
def test_epochs_follow_the_formulas(isa: str, l2: float, optimizer: str, settings: dict) -> None:
    case = make_case([4, 18, 35, 2], ACTIVATIONS, "squared_error", n_samples=23, isa=isa)
    trainer = engine.Trainer(case.model, optimizer, batch_size=7, l2=l2, n_threads=2, **settings)
    twin = make_case([4, 18, 35, 2], ACTIVATIONS, "squared_error", n_samples=23, isa=isa)
    parts = [*twin.weights, *twin.biases]
    state = {"t": 0, "m": [np.zeros_like(p) for p in parts], "v": [np.zeros_like(p) for p in parts]}
    for epoch in range(3):
        order = np.random.default_rng(epoch).permutation(23)
        loss = trainer.epoch(case.data, order)
        assert loss == pytest.approx(
            reference_epoch(twin, state, settings, optimizer, order, 7, l2), rel=1e-12
        )
        assert_allclose(case.model.parameters, twin.model.parameters, rtol=1e-10, atol=1e-13)
    assert trainer.n_steps == state["t"] == 12


def test_penalty_over_the_rows() -> None:
    """l2_over_rows divides the penalty of each batch by its sum of sample weights."""
    case = make_case([3, 4], ["identity"], "squared_error", n_samples=10, weighted=True)
    gradient, plain = np.empty_like(case.model.parameters), np.empty_like(case.model.parameters)
    loss = case.model.gradients(case.data, gradient, l2=0.5, l2_over_rows=True)
    without = case.model.gradients(case.data, plain)
    total = float(case.sample_weight.sum())
    weights = case.weights[0].ravel()
    assert loss == pytest.approx(without + 0.25 * (weights**2).sum() / total, rel=1e-13)
    assert_allclose(gradient[:12], plain[:12] + 0.5 * weights / total, rtol=1e-13)
    trainer = engine.Trainer(case.model, "sgd", batch_size=10, learning_rate=0.0, l2=0.5, l2_over_rows=True)
    assert trainer.epoch(case.data) == pytest.approx(loss, rel=1e-13)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("sign", [-1, 1])
def test_state_moves_to_another_trainer(dtype: str, sign: int) -> None:
    def trained(n_epochs: int, first: int = 0, state=None, parameters=None, n_steps=0):
        case = make_case(
            [6, 40, 3], ["relu", "softmax"], "cross_entropy", n_samples=50, dtype=dtype, bias_sign=sign
        )
        trainer = engine.Trainer(case.model, "adam", batch_size=8, learning_rate=0.01)
        if state is not None:
            case.model.parameters[:] = parameters
            trainer.state, trainer.n_steps = state, n_steps
            for given, kept in zip(state, trainer.state, strict=True):
                assert_array_equal(given, kept)
        losses = trainer.epochs(case.data, n_epochs, seed=1, first_epoch=first)
        return case.model.parameters.copy(), trainer.state, trainer.n_steps, list(losses)

    whole = trained(4)
    half = trained(2)
    rest = trained(2, first=2, state=half[1], parameters=half[0], n_steps=half[2])
    assert_array_equal(rest[0], whole[0])
    assert half[3] + rest[3] == whole[3]
    assert rest[2] == whole[2] == 28


def test_larger_data_later_keep_the_moments() -> None:
    """The workspace grows with the batch; the optimizer's memory goes along."""
    case = make_case([6, 40, 3], ["relu", "softmax"], "cross_entropy", n_samples=50)
    trainer = engine.Trainer(case.model, "adam", batch_size=40, learning_rate=0.01)
    trainer.epoch(engine.Dataset(case.model, case.x[:5], case.y[:5]))
    before = trainer.state
    start = case.model.parameters.copy()
    trainer.epoch(case.data)
    case.model.parameters[:] = start
    fresh = engine.Trainer(case.model, "adam", batch_size=40, learning_rate=0.01)
    fresh.state, fresh.n_steps = before, 1
    fresh.epoch(case.data)
    for a, b in zip(trainer.state, fresh.state, strict=True):
        assert_array_equal(a, b)


def test_epochs_shuffle_by_permutation() -> None:
    case = make_case([6, 10, 3], ["relu", "softmax"], "cross_entropy", n_samples=30)
    start = case.model.parameters.copy()
    trainer = engine.Trainer(case.model, "adam", batch_size=8, learning_rate=0.01)
    losses = trainer.epochs(case.data, 3, seed=9, first_epoch=2)
    end = case.model.parameters.copy()
    case.model.parameters[:] = start
    trainer = engine.Trainer(case.model, "adam", batch_size=8, learning_rate=0.01)
    again = [trainer.epoch(case.data, engine.permutation(30, 9, epoch)) for epoch in (2, 3, 4)]
    assert list(losses) == again
    assert_array_equal(case.model.parameters, end)
    case.model.parameters[:] = start
    trainer = engine.Trainer(case.model, "adam", batch_size=8, learning_rate=0.01)
    unshuffled = trainer.epochs(case.data, 1, shuffle=False)[0]
    case.model.parameters[:] = start
    trainer = engine.Trainer(case.model, "adam", batch_size=8, learning_rate=0.01)
    assert unshuffled == trainer.epoch(case.data)


def test_data_are_never_written() -> None:
    case = make_case([6, 10, 3], ["relu", "identity"], "squared_error", n_samples=30, weighted=True)
    before = [a.copy() for a in (case.x, case.y, case.sample_weight)]
    for a in (case.x, case.y, case.sample_weight):
        a.flags.writeable = False
    trainer = engine.Trainer(case.model, "sgd", batch_size=7, learning_rate=0.1)
    trainer.epochs(case.data, 2)
    case.model.predict(case.data)
    for now, then in zip((case.x, case.y, case.sample_weight), before, strict=True):
        assert_array_equal(now, then)


def test_learning_rate_is_settable() -> None:
    case = make_case([3, 2], ["identity"], "squared_error", n_samples=5)
    trainer = engine.Trainer(case.model, "sgd", batch_size=5, learning_rate=0.1)
    start = case.model.parameters.copy()
    trainer.learning_rate = 0.0
    trainer.epoch(case.data)
    assert_array_equal(case.model.parameters, start)
    assert trainer.learning_rate == 0.0


@pytest.mark.parametrize("batch_size", [20, 100])  # on one thread; on as many as are fast
def test_an_interrupt_ends_an_epoch_between_two_steps(batch_size: int) -> None:
    """Ctrl-C is heard inside native code, the last whole step's parameters stand, and training can go on."""
    case = make_case([50, 100, 3], ["relu", "identity"], "squared_error", n_samples=2000)
    start = case.model.parameters.copy()
    trainer = engine.Trainer(case.model, "adam", batch_size=batch_size, learning_rate=1e-3, n_threads=2)
    timer = threading.Timer(0.3, _thread.interrupt_main)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        trainer.epochs(case.data, 1_000_000, seed=1)
    timer.join()
    n_steps, steps = trainer.n_steps, 2000 // batch_size
    assert 0 < n_steps < steps * 1_000_000
    stopped = case.model.parameters.copy()
    assert np.isfinite(stopped).all()
    case.model.parameters[:] = start
    again = engine.Trainer(case.model, "adam", batch_size=batch_size, learning_rate=1e-3)
    again.epochs(case.data, n_steps // steps, seed=1)
    rest = engine.permutation(2000, 1, n_steps // steps)[: batch_size * (n_steps % steps)]
    if len(rest):
        again.epoch(engine.Dataset(case.model, case.x[rest], case.y[rest]))
    assert_array_equal(case.model.parameters, stopped)


def test_a_batch_without_weight_changes_nothing() -> None:
    case = make_case([3, 2], ["identity"], "squared_error", n_samples=6, weighted=True)
    case.sample_weight[:3] = 0.0
    start = case.model.parameters.copy()
    trainer = engine.Trainer(case.model, "sgd", batch_size=3, learning_rate=0.1, l2=0.5, l2_over_rows=True)
    loss = trainer.epoch(case.data)
    after = case.model.parameters.copy()
    case.model.parameters[:] = start
    trainer = engine.Trainer(case.model, "sgd", batch_size=3, learning_rate=0.1, l2=0.5, l2_over_rows=True)
    rest = engine.Dataset(case.model, case.x[3:], case.y[3:], case.sample_weight[3:])
    assert trainer.epoch(rest) == pytest.approx(2 * loss, rel=1e-13)
    assert_array_equal(case.model.parameters, after)


@pytest.mark.parametrize("n_threads", [1, 2])
def test_parameters_may_be_written_between_two_calls(n_threads: int) -> None:
    """What a trainer keeps from call to call is not trusted: another number anywhere is seen."""

    def trained(anew: bool) -> list[np.ndarray]:
        case = make_case([70, 150, 700, 2], ACTIVATIONS, "squared_error", n_samples=40)
        make = {"batch_size": 16, "learning_rate": 0.01, "n_threads": n_threads}
        trainer = engine.Trainer(case.model, "adam", **make)
        for epoch in range(4):
            trainer.epochs(case.data, 1, seed=epoch)
            if epoch > 0:
                case.weights[epoch - 1][-1, -1] += 0.5
            case.biases[1][3] = -case.biases[1][3]
            if anew:
                state, n_steps = trainer.state, trainer.n_steps
                trainer = engine.Trainer(case.model, "adam", **make)
                trainer.state, trainer.n_steps = state, n_steps
        trainer.epochs(case.data, 1, seed=4)
        return [case.model.parameters, *trainer.state]

    for kept, expected in zip(trained(False), trained(True), strict=True):
        assert_array_equal(kept, expected)


@pytest.mark.parametrize("sizes", [[3, 5, 2], [40, 300, 2]])
def test_predictions_and_losses_follow_the_parameters(sizes: list[int]) -> None:
    case = make_case(sizes, ["tanh", "identity"], "squared_error", n_samples=30)
    for n_rows in (30, 5, 12):
        data = engine.Dataset(case.model, case.x[:n_rows], case.y[:n_rows])
        case.weights[0][-1, -1] += 1
        weights, biases = case.weights, case.biases
        expected = reference.predict(weights, biases, case.x[:n_rows], ["tanh", "identity"])
        for found in (case.model.predict(data), case.model.forward(case.x[:n_rows])):
            assert_allclose(found, expected, rtol=1e-12, atol=1e-12)
        loss = 0.5 * ((expected - case.y[:n_rows]) ** 2).sum(axis=1).mean()
        assert case.model.evaluate(data) == pytest.approx(loss, rel=1e-12)
