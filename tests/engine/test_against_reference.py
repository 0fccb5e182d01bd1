"""Engine equals `chainrule.reference`: every instruction set, activation and loss, and odd sizes."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy.sparse import csr_matrix

from chainrule import _engine as engine
from chainrule import reference

from .networks import DTYPES, HIDDEN, ISAS, PAIRS, VECTOR_BYTES, Case, make_case, random_case, split

# Sums of rounding errors, in units of the largest value compared: engine and reference round differently in
# every operation, and some hundred operations follow each other.
TOLERANCE = {"float64": 2e-12, "float32": 2e-4}


def assert_close(given: np.ndarray, expected: np.ndarray, dtype: str, scale: float | None = None) -> None:
    given, expected = np.asarray(given, np.float64), np.asarray(expected, np.float64)
    assert given.shape == expected.shape
    scale = np.abs(expected).max() if scale is None else scale
    assert np.abs(given - expected).max() <= TOLERANCE[dtype] * scale


def check(case: Case, loss: reference.Loss | None = None) -> None:
    """Outputs, loss and gradient of a case are the reference's; `loss` where it has settings of its own."""
    model, dtype = case.model, case.model.dtype
    args = [np.asarray(a, np.float64) for a in (case.x,)]
    weights = [w.astype(np.float64) for w in case.weights]
    biases = [b.astype(np.float64) for b in case.biases]
    y = case.y if case.y.ndim == 1 else case.y.astype(np.float64)
    weight = None if case.sample_weight is None else case.sample_weight.astype(np.float64)
    expected = reference.gradients(
        weights, biases, *args, y, model.activations, loss or model.loss, weight, l2=0.25
    )
    data = case.data
    assert_close(model.predict(data), reference.predict(weights, biases, *args, model.activations), dtype)
    gradient = np.full_like(model.parameters, np.nan)
    assert_close(model.gradients(data, gradient, l2=0.25), expected.loss, dtype)
    penalty = 0.125 * sum(float((w**2).sum()) for w in weights)
    assert_close(model.evaluate(data), expected.loss - penalty, dtype)
    by_weights, by_biases = split(model, gradient)
    for given, wanted in zip(by_weights, expected.weights, strict=True):
        assert_close(given, wanted, dtype)
    for given, wanted, deltas in zip(by_biases, expected.biases, expected.deltas, strict=True):
        # rows of either sign may cancel in a single sum, so the scale is that of what is summed
        assert_close(given, wanted, dtype, np.abs(deltas).sum(axis=0).max())


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("hidden", HIDDEN)
def test_every_hidden_activation(isa: str, dtype: str, hidden: str) -> None:
    sizes = [5, 19, 34, 3]
    case = make_case(sizes, [hidden, hidden, "identity"], "squared_error", n_samples=21, dtype=dtype, isa=isa)
    check(case)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("loss", "output"), PAIRS)
def test_every_loss_and_output(isa: str, dtype: str, loss: str, output: str) -> None:
    for n_out in (1, 7, 70):
        case = make_case(
            [4, 9, n_out], ["tanh", output], loss, n_samples=13, dtype=dtype, isa=isa, weighted=True
        )
        check(case)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_sizes_around_the_vector_width(isa: str, dtype: str) -> None:
    w = VECTOR_BYTES[isa] // np.dtype(dtype).itemsize
    for n in (1, w - 1, w, w + 1, 3 * w, 4 * w + 3):
        for m in (1, w + 1, 4 * w + 3):
            sizes = [max(n, 1), m, max(n, 1)]
            case = make_case(
                sizes, ["tanh", "identity"], "squared_error", n_samples=max(n, 1), dtype=dtype, isa=isa
            )
            check(case)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_random_networks(isa: str, dtype: str) -> None:
    rng = np.random.default_rng(7)
    for _ in range(40):
        check(random_case(rng, widths=[1, 2, 3, 7, 8, 15, 17, 31, 48, 49, 100], isa=isa, dtype=dtype))


@pytest.mark.slow
@pytest.mark.parametrize("isa", ISAS)
def test_deep_and_wide_networks(isa: str) -> None:
    rng = np.random.default_rng(8)
    for depth in range(1, 9):
        sizes = [int(n) for n in rng.integers(1, 301, depth + 1)]
        hidden = [HIDDEN[i] for i in rng.integers(len(HIDDEN), size=depth - 1)]
        loss, output = PAIRS[rng.integers(len(PAIRS))]
        check(make_case(sizes, [*hidden, output], loss, n_samples=9, isa=isa, seed=depth))


def test_sums_longer_than_the_blocks() -> None:
    """Inner sums over more columns than one block, batches longer than one chunk of `gradients`."""
    for dtype in DTYPES:
        check(make_case([1100, 20, 2], ["relu", "identity"], "squared_error", n_samples=2100, dtype=dtype))


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("index", [np.int32, np.int64])
def test_sparse_rows_give_the_bits_of_dense_rows(isa: str, dtype: str, index: type) -> None:
    case = make_case(
        [60, 21, 3], ["relu", "softmax"], "cross_entropy", n_samples=50, dtype=dtype, isa=isa, weighted=True
    )
    case.x[np.random.default_rng(1).random(case.x.shape) < 0.8] = 0
    case.x[3] = 0
    rows = csr_matrix(case.x)
    sparse = engine.Dataset(
        case.model,
        (rows.data, rows.indices.astype(index), rows.indptr.astype(index)),
        case.y,
        case.sample_weight,
    )
    assert_array_equal(case.model.predict(sparse), case.model.predict(case.data))
    assert case.model.evaluate(sparse) == case.model.evaluate(case.data)
    results = []
    for data in (case.data, sparse):
        gradient = np.empty_like(case.model.parameters)
        case.model.gradients(data, gradient)
        start = case.model.parameters.copy()
        trainer = engine.Trainer(case.model, "adam", batch_size=7, learning_rate=0.01, l2=0.1, n_threads=2)
        losses = trainer.epochs(data, 2, seed=3)
        results.append((gradient, case.model.parameters.copy(), losses))
        case.model.parameters[:] = start
    for dense, other in zip(*results, strict=True):
        assert_array_equal(other, dense)


def test_gradients_are_finite_and_not_zero() -> None:
    case = make_case(
        [6, 20, 20, 20, 4], ["tanh", "silu", "softplus", "softmax"], "cross_entropy", n_samples=30
    )
    gradient = np.empty_like(case.model.parameters)
    case.model.gradients(case.data, gradient)
    for part in [p for parts in split(case.model, gradient) for p in parts]:
        assert np.isfinite(part).all()
        assert (part != 0).any()


def test_scikit_learn_signs_and_settings() -> None:
    """bias_sign=+1 adds the biases; the loss is divided and clipped, its gradient is not."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(8, 3)) * 50, np.eye(4)[rng.integers(0, 4, 8)]
    minus = engine.Model([3, 5, 4], ["tanh", "softmax"], "cross_entropy")
    plus = engine.Model(
        [3, 5, 4], ["tanh", "softmax"], "cross_entropy", bias_sign=1, probability_floor=0.1, loss_divisor=4.0
    )
    minus.parameters[:] = rng.normal(size=minus.parameters.size)
    plus.parameters[:] = minus.parameters
    n_biases = 9
    plus.parameters[-n_biases:] *= -1
    assert_array_equal(plus.forward(x), minus.forward(x))
    g_minus, g_plus = np.empty_like(minus.parameters), np.empty_like(plus.parameters)
    minus.gradients(engine.Dataset(minus, x, y), g_minus)
    loss = plus.gradients(engine.Dataset(plus, x, y), g_plus)
    assert_array_equal(g_plus[:-n_biases], g_minus[:-n_biases])
    assert_array_equal(g_plus[-n_biases:], -g_minus[-n_biases:])
    p = np.clip(plus.forward(x), 0.1, 0.9)
    assert loss == pytest.approx(-(y * np.log(p)).sum() / 8 / 4, rel=1e-13)


def test_extreme_inputs_keep_their_exact_loss() -> None:
    """Cross-entropies come from net, so probabilities that round to 0 or 1 do not end in infinity or nan."""
    model = engine.Model([1, 1], ["sigmoid"], "binary_cross_entropy")
    model.parameters[:] = [1.0, 0.0]
    x, y = np.array([[800.0], [-800.0], [40.0]]), np.array([[0.0], [1.0], [1.0]])
    assert model.evaluate(engine.Dataset(model, x[:2], y[:2])) == 800.0
    assert model.evaluate(engine.Dataset(model, x[2:], y[2:])) == pytest.approx(np.exp(-40.0), rel=1e-12)
    model = engine.Model([2, 2], ["softmax"], "cross_entropy")
    model.parameters[:4] = [1, 0, 0, 1]
    data = engine.Dataset(model, np.array([[900.0, -900.0]]), np.array([1]))
    assert model.evaluate(data) == 1800.0


def test_nan_is_not_hidden_by_relu() -> None:
    model = engine.Model([2, 3, 1], ["relu", "identity"], "squared_error")
    model.parameters[:] = 1.0
    assert np.isnan(model.forward(np.array([np.nan, 1.0]))).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("output", ["exp", "softplus", "sigmoid"])
def test_poisson_gradient_where_the_output_underflows(dtype: str, output: str) -> None:
    """dE/dnet tends to -y there, where dE/dyhat = 1 - y/yhat alone would be infinite."""
    model = engine.Model([1, 1], [output], "poisson", dtype=dtype)
    model.parameters[:] = [1.0, 0.0]
    data = engine.Dataset(model, np.array([[-900.0]], dtype), np.array([[3.0]], dtype))
    gradient = np.empty_like(model.parameters)
    model.gradients(data, gradient)
    assert_array_equal(gradient, np.array([2700.0, 3.0], dtype))
