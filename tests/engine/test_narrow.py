"""Networks whose layers fit into one vector: their own kernels give the bits of the general ones.

Sparse rows take the general kernels; with no zero among them, they are the same sums in the same order.
"""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse
from numpy.testing import assert_array_equal

from chainrule import _engine as engine

from .networks import DTYPES, HIDDEN, ISAS, PAIRS, VECTOR_BYTES, make_case


def ends(case, batch_size: int, optimizer: str = "adam", n_threads: int = 1, **settings) -> list[np.ndarray]:
    """Losses, parameters and gradient after some epochs, with dense and with sparse rows."""
    start = case.model.parameters.copy()
    results = []
    csr = scipy.sparse.csr_array(case.x)
    for x in (case.x, (csr.data, csr.indices, csr.indptr)):
        case.model.parameters[:] = start
        data = engine.Dataset(case.model, x, case.y, case.sample_weight)
        trainer = engine.Trainer(
            case.model, optimizer, batch_size=batch_size, learning_rate=0.005, n_threads=n_threads, **settings
        )
        losses = trainer.epochs(data, 3, seed=1)
        gradient = np.empty_like(start)
        loss = case.model.gradients(data, gradient, n_threads=n_threads)
        results.append(np.concatenate([losses, [loss], case.model.parameters, gradient]))
    assert np.isfinite(results[0]).all()
    return results


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("loss", "output"), PAIRS)
def test_every_loss(isa: str, dtype: str, loss: str, output: str) -> None:
    width = VECTOR_BYTES[isa] // np.dtype(dtype).itemsize
    n_out = min(width, 3)
    case = make_case([4, min(width, 7), n_out], ["tanh", output], loss, n_samples=37, dtype=dtype, isa=isa)
    for batch_size in (1, 16, 37):
        assert_array_equal(*ends(case, batch_size))


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", HIDDEN)
def test_every_activation(isa: str, dtype: str, activation: str) -> None:
    width = VECTOR_BYTES[isa] // np.dtype(dtype).itemsize
    sizes = [min(width + 3, 20), width, max(1, width // 2), 1]
    case = make_case(
        sizes, [activation, activation, "identity"], "squared_error", n_samples=41, dtype=dtype, isa=isa
    )
    for batch_size in (1, 4, 17, 41):
        assert_array_equal(*ends(case, batch_size, "sgd", momentum=0.9))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("sizes", [[1, 1], [2, 2, 2], [3, 5, 4, 3], [24, 8, 2], [64, 4, 4], [65, 3, 2]])
def test_sizes_weights_and_settings(sizes: list[int], weighted: bool) -> None:
    activations = ["sigmoid"] * (len(sizes) - 1)
    case = make_case(sizes, activations, "squared_error", n_samples=1500, weighted=weighted)
    for settings in ({}, {"l2": 0.1, "l1": 0.01}, {"clip_norm": 0.01, "max_norm": 1.0}):
        assert_array_equal(*ends(case, 200, **settings))
    assert_array_equal(*ends(case, 1, "sgd"))


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_width(isa: str, dtype: str) -> None:
    width = min(9, VECTOR_BYTES[isa] // np.dtype(dtype).itemsize)
    for n_in in (*range(1, 10), 17, 33):
        for n_out in range(1, width + 1):
            case = make_case(
                [n_in, n_out, n_out], ["tanh", "sigmoid"], "squared_error", n_samples=21, dtype=dtype, isa=isa
            )
            for batch_size in (1, 19):
                assert_array_equal(*ends(case, batch_size, "sgd"))


@pytest.mark.parametrize(
    "settings",
    [
        {"l2": 0.1, "l1": 0.01},
        {"clip_value": 0.01},
        {"clip_norm": 0.01},
        {"max_norm": 1.0},
        {"learning_rate_factors": [0.0, 1.0, 0.5]},
    ],
    ids=str,
)
@pytest.mark.parametrize("weighted", [False, True])
def test_one_row_at_a_time(settings: dict[str, object], weighted: bool) -> None:
    case = make_case([11, 5, 4, 3], ["tanh"] * 3, "squared_error", n_samples=40, weighted=weighted)
    assert_array_equal(*ends(case, 1, **settings))


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "nadam", "rmsprop"])
def test_one_row_at_a_time_in_one_call_or_many(optimizer: str) -> None:
    results = []
    factors = np.linspace(1, 0.1, 450)
    for calls in ([3], [1, 2], [1, 1, 1]):
        case = make_case([3, 5, 4, 3], ["sigmoid"] * 3, "squared_error", n_samples=150)
        data = engine.Dataset(case.model, case.x, case.y)
        trainer = engine.Trainer(case.model, optimizer, batch_size=1, learning_rate=0.01)
        losses: list[float] = []
        for n in calls:
            first = len(losses)
            some = factors[150 * first : 150 * (first + n)]
            losses.extend(trainer.epochs(data, n, seed=3, first_epoch=first, factors=some))
        results.append(np.concatenate([losses, case.model.parameters]))
    assert_array_equal(results[0], results[1])
    assert_array_equal(results[0], results[2])


def test_class_indices_and_one_hot_targets() -> None:
    case = make_case([5, 6, 4], ["relu", "softmax"], "cross_entropy", n_samples=50, dtype="float32")
    classes = np.argmax(case.y, axis=1) if case.y.ndim == 2 else case.y
    results = []
    start = case.model.parameters.copy()
    for y in (classes.astype(np.int64), classes.astype(np.int32), np.eye(4, dtype=np.float32)[classes]):
        case.model.parameters[:] = start
        trainer = engine.Trainer(case.model, "adam", batch_size=16, learning_rate=0.01)
        trainer.epochs(engine.Dataset(case.model, case.x, y), 2)
        results.append(case.model.parameters.copy())
    assert_array_equal(results[0], results[1])
    assert_array_equal(results[0], results[2])


def test_threads_change_no_bit() -> None:
    results = []
    for n_threads in (1, 3):
        case = make_case([16, 16, 16, 8], ["tanh", "tanh", "identity"], "squared_error", n_samples=6000)
        results.append(ends(case, 6000, n_threads=n_threads))
    assert_array_equal(results[0][0], results[1][0])
    assert_array_equal(results[0][0], results[0][1])
