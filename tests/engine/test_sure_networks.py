"""Networks that have become sure of their rows: their numbers are 0 or large enough to compute with.

docs/numerics.md says what becomes 0, and why. No time is asserted: an operation with a subnormal result is
seen by the processor's flag.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from chainrule import _engine as engine
from chainrule import reference

from .networks import DTYPES, FMA_ISAS, ISAS, Case, make_case, split
from .underflow import underflows

#: By dtype, what is the least but 0: of weights after a step; of moments with a sign, and of deltas that are
#: asked for (those of a training are in tests/native).
WEIGHT = {"float32": 2.0**-63, "float64": 2.0**-511}
MOMENT = {"float32": 2.0**-103, "float64": 2.0**-970}
#: Deltas of float64 have further to go until they are tiny.
SCALE = {"float32": 1.0, "float64": 8.0}

HIDDEN = [name for name in engine.activations() if name not in ("softmax", "ordered", "exp")]
#: Those that learn a vector.
LEARNING = {name for name in HIDDEN if name == "prelu" or name not in reference.ACTIVATIONS}
OPTIMIZERS: list[tuple[str, dict[str, Any]]] = [
    ("sgd", {"learning_rate": 0.5}),
    ("sgd", {"learning_rate": 0.2, "momentum": 0.9}),
    ("sgd", {"learning_rate": 0.2, "momentum": 0.9, "nesterov": True}),
    ("adam", {"learning_rate": 0.02}),
    ("adam", {"learning_rate": 0.02, "amsgrad": True}),
    ("adamw", {"learning_rate": 0.02, "weight_decay": 0.5}),
    ("rmsprop", {"learning_rate": 0.01}),
    ("rmsprop", {"learning_rate": 0.01, "momentum": 0.7, "centered": True}),
    ("adagrad", {"learning_rate": 0.1}),
    ("nadam", {"learning_rate": 0.02}),
    ("lion", {"learning_rate": 0.003}),
    ("rprop", {"learning_rate": 0.01}),
    ("adam", {"learning_rate": 0.02, "clip_norm": 0.5, "l1": 1e-3}),
]
#: Losses with output activations that let an output, or its derivative, become tiny.
OUTPUTS = [
    ("binary_cross_entropy", "sigmoid"),
    ("binary_focal", "sigmoid"),
    ("squared_error", "sigmoid"),
    ("squared_error", "softmax"),
    ("log_cosh", "sigmoid"),
    ("cross_entropy", "softmax"),
    ("focal", "softmax"),
    ("poisson", "exp"),
    ("poisson", "softplus"),
]


def easy(
    sizes: list[int], activation: str, loss: str, output: str, *, scale: float = 1.0, **settings: Any
) -> Case:
    """A network for rows of two classes far apart; its parameters are `scale` times the usual.

    No row reaches a third of the first layer's units: their net is far below 0.
    """
    activations = [activation] * (len(sizes) - 2) + [output]
    case = make_case(sizes, activations, loss, n_samples=48, seed=2, **settings)
    case.model.parameters[:] *= scale
    case.biases[0][: sizes[1] // 3] = 100 * SCALE[case.model.dtype]
    case.x[:, 0] += np.sign(case.x[:, 0])
    side = (case.x[:, 0] > 0).astype(int)
    case.y = (
        side
        if case.y.ndim == 1
        else np.ascontiguousarray((np.indices(case.y.shape)[1] == side[:, None]), case.x.dtype)
    )
    return case


def train(
    case: Case, n_steps: int, name: str = "adam", n_threads: int = 1, **settings: Any
) -> engine.Trainer:
    trainer = engine.Trainer(case.model, name, batch_size=16, n_threads=n_threads, **settings)
    trainer.epochs(case.data, n_steps // 3, seed=1)
    return trainer


def deltas(case: Case) -> list[np.ndarray]:
    """Every layer's dE/dnet, (n_samples, n_out) each: with the bias subtracted, minus the gradient by it."""
    by_parameters = case.model.per_sample_gradients(case.data)
    ends = np.cumsum(case.model.sizes[1:])
    at = sum(n_in * n_out for n_in, n_out in zip(case.model.sizes, case.model.sizes[1:], strict=False))
    return [
        by_parameters[:, at + end - n : at + end] for n, end in zip(case.model.sizes[1:], ends, strict=True)
    ]


def assert_zero_or_at_least(least: float, *arrays: np.ndarray) -> None:
    for a in arrays:
        assert np.isfinite(a).all()
        assert np.all((a == 0) | (np.abs(a) >= least)), np.abs(a[a != 0]).min()


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", HIDDEN)
def test_deltas_of_every_activation(activation: str, dtype: str, isa: str) -> None:
    seen = np.zeros(2, int)
    for scale in np.array([1, 10, 40, 200, 2000]) * SCALE[dtype]:
        case = easy(
            [5, 18, 35, 1], activation, "binary_cross_entropy", "sigmoid", dtype=dtype, isa=isa, scale=scale
        )
        found = deltas(case)
        assert_zero_or_at_least(MOMENT[dtype], *found)
        seen += [sum(np.count_nonzero(d == 0) for d in found), sum(np.count_nonzero(d) for d in found)]
    assert seen.min() > 100


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("loss", "output"), OUTPUTS)
def test_deltas_of_losses(loss: str, output: str, dtype: str, isa: str) -> None:
    for scale in (1, 10, 40, 200, 2000):
        case = easy(
            [5, 9, 3],
            "tanh",
            loss,
            output,
            dtype=dtype,
            isa=isa,
            scale=min(scale, 30) if output == "exp" else scale,
        )
        assert_zero_or_at_least(MOMENT[dtype], *deltas(case))


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("name", "settings"), OPTIMIZERS)
def test_moments_and_weights(name: str, settings: dict[str, Any], dtype: str, isa: str) -> None:
    """Units of relu that no row reaches any more have gradients of 0: what is kept of them fades."""
    case = easy([5, 18, 17, 1], "relu", "binary_cross_entropy", "sigmoid", dtype=dtype, isa=isa, scale=2)
    trainer = engine.Trainer(case.model, name, batch_size=16, n_threads=1, l2=1e-4, **settings)
    case.biases[0][:6] = 0
    trainer.epochs(case.data, 16)  # of three steps
    case.biases[0][:12] = 100  # from now on
    trainer.epochs(case.data, 16 * 25)
    assert trainer.n_steps % 32 == 0  # the last step has swept
    assert_zero_or_at_least(WEIGHT[dtype], case.model.parameters)
    tiny = np.finfo(dtype).tiny
    for kept in trainer.state:
        assert_zero_or_at_least(tiny, kept)
    if name in ("adam", "adamw", "nadam", "lion") or settings.get("momentum"):
        signed = trainer.state[1 if name == "rmsprop" else 0]
        assert_zero_or_at_least(MOMENT[dtype], signed)


@pytest.mark.parametrize("dtype", DTYPES)
def test_weights_that_decay_to_nothing(dtype: str) -> None:
    case = easy([5, 18, 1], "tanh", "binary_cross_entropy", "sigmoid", dtype=dtype)
    case.x[:, 1:] = 0  # four columns without news
    trainer = train(case, 9216 if dtype == "float64" else 1536, "sgd", learning_rate=0.5, l2=0.3)
    assert trainer.n_steps % 32 == 0
    assert np.all(case.weights[0][1:] == 0)
    assert_zero_or_at_least(WEIGHT[dtype], case.model.parameters)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("sizes", [[5, 18, 17, 1], [5, 3, 2, 1]])
@pytest.mark.parametrize("activation", HIDDEN)
def test_no_operation_of_a_step_underflows(activation: str, sizes: list[int], dtype: str, isa: str) -> None:
    """Of 30 epochs late in a training hardly one has an operation with a subnormal result."""
    case = easy(sizes, activation, "binary_cross_entropy", "sigmoid", dtype=dtype, isa=isa, scale=2)
    trainer = train(case, 1500, learning_rate=0.02, l2=1e-5)
    found = 0
    for epoch in range(30):
        with underflows() as seen:
            trainer.epochs(case.data, 1, seed=1, first_epoch=500 + epoch)
            case.model.predict(case.data, 1)
        found += seen()
    assert found <= 3


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", ["relu", "silu", "gelu", "sigmoid"])
def test_same_bits_on_all_threads_and_instruction_sets(activation: str, dtype: str) -> None:
    def bits(isa: str, n_threads: int) -> list[bytes]:
        case = easy(
            [5, 60, 64, 1], activation, "binary_cross_entropy", "sigmoid", dtype=dtype, isa=isa, scale=2
        )
        trainer = train(case, 900, n_threads=n_threads, learning_rate=0.02, l2=1e-4)
        everything = [case.model.parameters, *trainer.state, case.model.predict(case.data), *deltas(case)]
        assert sum(np.count_nonzero(d == 0) for d in everything[-3:]) > 100  # there was something to flush
        return [a.tobytes() for a in everything]

    for isas in (FMA_ISAS, ["baseline"]):
        expected = [bits(isa, n_threads) for isa in isas for n_threads in (1, 2)]
        assert all(found == expected[0] for found in expected)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", [name for name in HIDDEN if name not in LEARNING])
def test_gradients_are_the_equations_to_rounding(activation: str, dtype: str) -> None:
    case = easy(
        [5, 18, 17, 1],
        activation,
        "binary_cross_entropy",
        "sigmoid",
        dtype=dtype,
        scale=8,
    )
    weights, biases = ([a.astype(np.float64) for a in part] for part in (case.weights, case.biases))
    x, y = case.x.astype(np.float64), case.y.astype(np.float64)
    exact = reference.gradients(weights, biases, x, y, case.model.activations, case.model.loss)
    gradient = np.empty_like(case.model.parameters)
    case.model.gradients(case.data, gradient)
    parts = split(case.model, gradient)
    for found, expected in zip((*parts[0], *parts[1]), (*exact.weights, *exact.biases), strict=True):
        assert_allclose(found, expected, rtol=0, atol=np.abs(expected).max() * 2e3 * np.finfo(dtype).eps)
    for found, expected in zip(deltas(case), exact.deltas, strict=True):
        assert_allclose(
            -found / 48, expected, rtol=0, atol=np.abs(expected).max() * 2e3 * np.finfo(dtype).eps
        )
