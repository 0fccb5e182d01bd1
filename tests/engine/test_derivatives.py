"""Derivatives of each row: of its loss by input and parameters, of every output by the input."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy.sparse import csr_matrix

from chainrule import _engine as engine
from chainrule import reference
from chainrule.reference.complex_step import complex_step

from .networks import DTYPES, FMA_ISAS, HIDDEN, ISAS, PAIRS, VECTOR_BYTES, Case, make_case, random_case

# As in test_against_reference: rounding errors of some hundred operations, in units of the largest value.
TOLERANCE = {"float64": 2e-12, "float32": 2e-4}


def assert_close(given: np.ndarray, expected: np.ndarray, dtype: str) -> None:
    assert given.dtype == dtype
    assert given.shape == expected.shape
    assert np.abs(given - expected).max() <= TOLERANCE[dtype] * max(np.abs(expected).max(), 1e-30)


def flat(gradients: reference.Gradients) -> np.ndarray:
    """Laid out as the parameters: gain and shift of each layer stand together."""
    norms = [a for pair in zip(gradients.gains, gradients.shifts, strict=True) for a in pair]
    arrays = [*gradients.weights, *gradients.biases, *norms, *gradients.slopes]
    return np.concatenate([a.ravel() for a in arrays if a is not None])


def wide(case: Case) -> tuple[list[np.ndarray], list[np.ndarray]]:
    return [w.astype(np.float64) for w in case.weights], [b.astype(np.float64) for b in case.biases]


def check(case: Case) -> None:
    """Rows one at a time through the reference; the Jacobian against one gradient per output."""
    model, dtype = case.model, case.model.dtype
    weights, biases = wide(case)
    x, y = case.x.astype(np.float64), case.y if case.y.ndim == 1 else case.y.astype(np.float64)
    rows = [
        reference.gradients(
            weights,
            biases,
            x[i : i + 1],
            y[i : i + 1],
            model.activations,
            model.loss,
            **case.layer_options(),
        )
        for i in range(len(x))
    ]
    by_parameters = np.stack([flat(g) for g in rows])
    data = case.data
    assert_close(model.input_gradients(data), np.concatenate([g.x for g in rows]), dtype)
    assert_close(model.per_sample_gradients(data), by_parameters, dtype)
    assert_close(model.per_sample_gradient_norms(data), np.linalg.norm(by_parameters, axis=1), dtype)
    check_jacobian(case)


def check_jacobian(case: Case) -> None:
    """Against squared errors of the reference: with target yhat - e_j, dE/dx is dyhat_j/dx."""
    model, dtype = case.model, case.model.dtype
    weights, biases = wide(case)
    x, n_out = case.x.astype(np.float64), model.sizes[-1]
    options = case.layer_options()
    yhat = reference.predict(weights, biases, x, model.activations, **options)
    expected = np.stack(
        [
            len(x)
            * reference.gradients(
                weights, biases, x, yhat - e, model.activations, "squared_error", **options
            ).x
            for e in np.eye(n_out)
        ],
        axis=1,
    )
    jacobian = model.jacobian(case.data)
    assert_close(jacobian, expected, dtype)
    v = np.random.default_rng(0).normal(size=yhat.shape).astype(dtype)
    pulled = np.einsum("rj,rjf->rf", v.astype(np.float64), expected)
    assert_close(model.input_gradients(case.data, v), pulled, dtype)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("hidden", HIDDEN)
def test_every_hidden_activation(isa: str, dtype: str, hidden: str) -> None:
    sizes = [5, 19, 34, 3]
    check(make_case(sizes, [hidden, hidden, "identity"], "squared_error", n_samples=11, dtype=dtype, isa=isa))


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("loss", "output"), PAIRS)
def test_every_loss_and_output(isa: str, dtype: str, loss: str, output: str) -> None:
    for n_out in (1, 7):
        check(make_case([4, 9, n_out], ["tanh", output], loss, n_samples=5, dtype=dtype, isa=isa))


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_sizes_around_the_vector_width(isa: str, dtype: str) -> None:
    w = VECTOR_BYTES[isa] // np.dtype(dtype).itemsize
    for n in (1, w - 1, w, w + 1, 3 * w, 4 * w + 3):
        for m in (1, w + 1, 4 * w + 3):
            sizes = [max(n, 1), m, max(n, 1)]
            check(make_case(sizes, ["tanh", "softmax"], "cross_entropy", n_samples=3, dtype=dtype, isa=isa))


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_random_networks(isa: str, dtype: str) -> None:
    rng = np.random.default_rng(7)
    for _ in range(10):
        check(random_case(rng, widths=[1, 2, 3, 7, 8, 15, 17, 31, 48, 49], isa=isa, dtype=dtype))


def special_case(isa: str, dtype: str = "float64", n_samples: int = 9) -> Case:
    """Normalized, residual and prelu layers, alone and together; the first is as wide as the rows."""
    return make_case(
        [21, 21, 19, 19, 19, 4],
        ["tanh", "prelu", "gelu", "prelu", "softmax"],
        "cross_entropy",
        n_samples=n_samples,
        dtype=dtype,
        isa=isa,
        layer_norm=[False, True, False, True, False],
        residual=[True, False, True, True, False],
    )


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_kind_of_layer(isa: str, dtype: str) -> None:
    check(special_case(isa, dtype))
    one = make_case([5, 5, 5], ["prelu", "tanh"], "squared_error", n_samples=3, isa=isa, dtype=dtype,
                    layer_norm=[True, False], residual=[True, False])  # fmt: skip
    check(one)


@pytest.mark.parametrize("isa", ISAS)
def test_jacobian_by_complex_step(isa: str) -> None:
    case = make_case([4, 7, 6, 3], ["gelu", "silu", "softmax"], "cross_entropy", n_samples=2, isa=isa)
    weights, biases, activations = case.weights, case.biases, case.model.activations
    jacobian = case.model.jacobian(case.data)
    for i, x in enumerate(case.x):
        for j in range(3):

            def output(x: np.ndarray, j: int = j) -> np.ndarray:
                return reference.predict(weights, biases, x, activations)[j]

            (expected,) = complex_step(output, [x])
            np.testing.assert_allclose(jacobian[i, j], expected, rtol=1e-12)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_more_rows_than_go_through_the_layers_together(isa: str, dtype: str) -> None:
    case = make_case([6, 5, 2], ["tanh", "identity"], "squared_error", n_samples=1100, dtype=dtype, isa=isa)
    check_jacobian(case)
    gradient = np.empty_like(case.model.parameters)
    case.model.gradients(case.data, gradient)
    each = case.model.per_sample_gradients(case.data)
    assert_close(each.mean(axis=0, dtype=np.float64).astype(dtype), gradient.astype(np.float64), dtype)
    norms = case.model.per_sample_gradient_norms(case.data)
    assert_close(norms, np.linalg.norm(each.astype(np.float64), axis=1), dtype)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("index", [np.int32, np.int64])
def test_sparse_rows_give_the_bits_of_dense_rows(isa: str, index: type) -> None:
    check_sparse(make_case([60, 21, 3], ["relu", "softmax"], "cross_entropy", n_samples=50, isa=isa), index)
    check_sparse(special_case(isa, n_samples=50), index)


def check_sparse(case: Case, index: type) -> None:
    case.x[np.random.default_rng(1).random(case.x.shape) < 0.8] = 0
    case.x[3] = 0
    rows = csr_matrix(case.x)
    triple = (rows.data, rows.indices.astype(index), rows.indptr.astype(index))
    sparse = engine.Dataset(case.model, triple, case.y)
    for name in ("input_gradients", "jacobian", "per_sample_gradients", "per_sample_gradient_norms"):
        derive = getattr(case.model, name)
        assert_array_equal(derive(sparse), derive(case.data))


def test_the_same_bits_for_any_thread_count_and_fma_instruction_set() -> None:
    plain = [
        make_case([70, 90, 90, 5], ["tanh", "gelu", "softmax"], "cross_entropy", n_samples=900, isa=isa)
        for isa in FMA_ISAS
    ]
    for cases in (plain, [special_case(isa, n_samples=900) for isa in FMA_ISAS]):
        check_bits(cases)


def check_bits(cases: list[Case]) -> None:
    for name in ("input_gradients", "jacobian", "per_sample_gradients", "per_sample_gradient_norms"):
        first = None  # hundreds of megabytes, of which two are kept at a time
        for case in cases:
            for n_threads in (1, 2, 3):
                found = getattr(case.model, name)(case.data, n_threads=n_threads)
                first = found if first is None else first
                assert found.tobytes() == first.tobytes(), (name, n_threads)


def test_sample_weights_play_no_part() -> None:
    case = make_case([3, 4, 2], ["tanh", "identity"], "squared_error", n_samples=6, weighted=True)
    plain = engine.Dataset(case.model, case.x, case.y)
    for name in ("input_gradients", "per_sample_gradients", "per_sample_gradient_norms"):
        assert_array_equal(getattr(case.model, name)(case.data), getattr(case.model, name)(plain))


def test_biases_that_are_added_have_the_other_sign() -> None:
    minus = engine.Model([2, 3], ["tanh"], "squared_error")
    plus = engine.Model([2, 3], ["tanh"], "squared_error", bias_sign=1)
    minus.parameters[:] = np.arange(9) / 10
    plus.parameters[:] = minus.parameters * ([1] * 6 + [-1] * 3)
    x, y = np.ones((1, 2)), np.ones((1, 3))
    a, b = (m.per_sample_gradients(engine.Dataset(m, x, y)) for m in (minus, plus))
    assert_array_equal(b[:, :6], a[:, :6])
    assert_array_equal(b[:, 6:], -a[:, 6:])
    assert (a != 0).all()


def test_norms_of_gradients_whose_squares_leave_the_range_of_float32() -> None:
    model = engine.Model([1, 1], ["identity"], "squared_error", dtype="float32")
    model.parameters[:] = [1, 0]
    x = np.array([[1e-25], [1e15]], np.float32)
    norms = model.per_sample_gradient_norms(engine.Dataset(model, x, np.zeros((2, 1), np.float32)))
    np.testing.assert_allclose(norms, [1e-25, 1e30], rtol=1e-6)


def test_wrong_cotangents() -> None:
    case = make_case([3, 4, 2], ["tanh", "identity"], "squared_error", n_samples=6)
    with pytest.raises(ValueError, match=r"cotangents has shape \(6, 3\), expected \(6, 2\)"):
        case.model.input_gradients(case.data, np.ones((6, 3)))
    with pytest.raises(TypeError, match="cotangents must be a float64 array"):
        case.model.input_gradients(case.data, np.ones((6, 2), np.float32))
    with pytest.raises(ValueError, match="the data have no targets y"):
        case.model.input_gradients(engine.Dataset(case.model, case.x))
