"""`Network`'s derivatives of each row: against the reference, against complex step, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from chainrule import Network, reference
from chainrule.model import per_sample
from chainrule.reference.complex_step import complex_step

from .networks import DTYPES, PAIRS, make_rows, relative_difference

TOLERANCE = {"float64": 2e-13, "float32": 1e-4}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("loss", "output"), PAIRS)
def test_each_row_as_the_reference_alone(loss: str, output: str, dtype: str) -> None:
    net = Network(
        [4, 9, 3], activation="tanh", output_activation=output, loss=loss, dtype=dtype, random_state=0
    )
    if output in ("relu", "leaky_relu"):
        net.biases[-1] -= 2  # alive in every row
    x, y = (a.astype(dtype) for a in make_rows(net.sizes, loss))
    if output == "softmax" and loss in ("absolute_error", "quantile"):
        y[:] = [0.0, 1.0, 0.0]  # not all on one side of the outputs, where the signs would cancel
    weights, biases = ([a.astype(np.float64) for a in arrays] for arrays in (net.weights, net.biases))
    by_input, each = net.input_gradients(x, y), net.per_sample_gradients(x, y)
    norms = net.per_sample_gradient_norms(x, y)
    assert by_input.dtype == each.weights[0].dtype == norms.dtype == dtype
    for i in range(len(x)):
        expected = reference.gradients(weights, biases, x[i], y[i], net.activations, net.loss)
        assert relative_difference(by_input[i], expected.x) < TOLERANCE[dtype]
        parameters = [*expected.weights, *expected.biases]
        for found, wanted in zip([*each.weights, *each.biases], parameters, strict=True):
            assert relative_difference(found[i], wanted) < TOLERANCE[dtype]
        norm = np.sqrt(sum(float((a**2).sum()) for a in parameters))
        assert norms[i] == pytest.approx(norm, rel=TOLERANCE[dtype])


def test_by_complex_step() -> None:
    net = Network([3, 6, 5, 2], activation=["gelu", "tanh"], loss="cross_entropy", random_state=3)
    x, y = make_rows(net.sizes, "cross_entropy", n_samples=2)
    jacobian, by_input = net.jacobian(x), net.input_gradients(x, y)
    for i in range(2):

        def loss(row: np.ndarray, i: int = i) -> np.ndarray:
            return reference.batch_loss(net.weights, net.biases, row, y[i], net.activations, net.loss)

        assert_allclose(by_input[i], complex_step(loss, [x[i]])[0], rtol=1e-12)
        for j in range(2):

            def output(row: np.ndarray, j: int = j) -> np.ndarray:
                return reference.predict(net.weights, net.biases, row, net.activations)[j]

            assert_allclose(jacobian[i, j], complex_step(output, [x[i]])[0], rtol=1e-12)


def test_the_batch_gradient_is_the_mean_of_the_rows() -> None:
    net = Network([4, 7, 3], activation="silu", random_state=0)
    x, y = make_rows(net.sizes, n_samples=30)
    g, each = net.gradients(x, y), net.per_sample_gradients(x, y)
    for whole, rows in zip([*g.weights, *g.biases], [*each.weights, *each.biases], strict=True):
        assert relative_difference(rows.mean(axis=0), whole) < 1e-14


def test_a_single_row_has_no_axis_of_rows() -> None:
    net = Network([4, 7, 3], random_state=0)
    x, y = make_rows(net.sizes, n_samples=1)
    assert_array_equal(net.jacobian(x[0]), net.jacobian(x)[0])
    assert_array_equal(net.jacobian(x[0].tolist()), net.jacobian(x)[0])
    assert_array_equal(net.input_gradients(x[0], y[0]), net.input_gradients(x, y)[0])
    assert net.per_sample_gradient_norms(x[0], y[0]) == net.per_sample_gradient_norms(x, y)[0]
    assert net.per_sample_gradients(x[0], y[0]).weights[1].shape == (7, 3)


def test_sparse_rows_and_class_indices() -> None:
    net = Network([6, 5, 3], loss="cross_entropy", random_state=0)
    x, y = make_rows(net.sizes, n_samples=8)[0], np.arange(8) % 3
    x[x < 0.5] = 0
    rows = sparse.csr_matrix(x)
    assert_array_equal(net.jacobian(rows), net.jacobian(x))
    assert_array_equal(net.input_gradients(rows, y), net.input_gradients(x, np.eye(3)[y]))
    assert_array_equal(net.per_sample_gradient_norms(rows, y), net.per_sample_gradient_norms(x, y))


def test_no_rows() -> None:
    assert Network([3, 4, 2]).jacobian(np.empty((0, 3))).shape == (0, 2, 3)


def test_parameters_set_to_nan_are_named() -> None:
    net = Network([2, 3, 1], random_state=0)
    net.weights[1][0] = np.nan
    with pytest.raises(ValueError, match=r"weights\[1\] has nan in row 0, column 0"):
        net.jacobian([[1.0, 2.0]])
    with pytest.raises(ValueError, match="x has inf in row 0, column 1"):
        Network([2, 3, 1]).per_sample_gradient_norms([[1.0, np.inf]], [1.0])


def test_targets_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match=r"y has shape \(3,\); expected \(2, 1\)"):
        Network([2, 1]).input_gradients(np.ones((2, 2)), np.ones(3))


def test_results_that_no_memory_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(per_sample, "installed_memory", lambda: 1000)
    net = Network([10, 3])
    with pytest.raises(MemoryError, match=r"shape \(5, 3, 10\) takes .* give fewer rows at a time"):
        net.jacobian(np.ones((5, 10)))
    with pytest.raises(MemoryError, match=r"shape \(5, 33\)"):
        net.per_sample_gradients(np.ones((5, 10)), np.ones((5, 3)))
    assert net.per_sample_gradient_norms(np.ones((5, 10)), np.ones((5, 3))).shape == (5,)
