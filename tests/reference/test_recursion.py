"""E1-E6: whole networks against complex step, for every activation, loss and depth."""

import numpy as np
import pytest

from chainrule import reference
from chainrule.reference import ACTIVATIONS, LOSSES

HIDDEN = [a.name for a in ACTIVATIONS.values() if not a.output_only]
PAIRS = [(loss.name, output) for loss in LOSSES.values() for output in loss.output_activations]
#: Every hidden activation with every loss, and one of them with every loss and output activation.
NETWORKS = [
    (hidden, loss, output)
    for loss, output in PAIRS
    for hidden in HIDDEN
    if output == LOSSES[loss].default_output_activation or hidden == "tanh"
]
SIZES = {1: [4, 3], 2: [4, 5, 3], 4: [3, 6, 5, 4, 3]}


@pytest.mark.parametrize(("hidden", "loss", "output"), NETWORKS)
@pytest.mark.parametrize("depth", [2, 4])
def test_gradients_are_the_derivatives_by_complex_step(
    make_case, relative_difference, depth, hidden, loss, output
):
    case = make_case(SIZES[depth], hidden, loss, output, n_samples=7, seed=3)
    g = reference.gradients(*case.arguments)
    weights, biases, x = case.complex_step()
    for found, expected in zip((*g.weights, *g.biases, g.x), (*weights, *biases, x), strict=True):
        assert np.all(np.isfinite(found))
        assert np.any(found != 0)
        assert relative_difference(found, expected) <= 1e-12


@pytest.mark.parametrize(("loss", "output"), PAIRS)
def test_one_layer_sample_weights_and_penalty(make_case, relative_difference, loss, output):
    case = make_case(SIZES[1], [], loss, output)
    options = {"sample_weight": np.array([0.5, 2.0, 0.0, 1.25]), "l2": 0.3}
    g = reference.gradients(*case.arguments, **options)
    weights, biases, x = case.complex_step(**options)
    for found, expected in zip((*g.weights, *g.biases, g.x), (*weights, *biases, x), strict=True):
        assert relative_difference(found, expected) <= 1e-12
    assert np.all(g.x[2] == 0)  # the row without weight
    assert float(g.loss) == float(reference.batch_loss(*case.arguments, **options))


def test_activations_may_differ_from_layer_to_layer(make_case, relative_difference):
    hidden = ["gelu", "tanh", "mish", "elu", "softplus", "silu", "leaky_relu", "sigmoid", "selu", "identity"]
    case = make_case([3] + [4] * 10 + [2], hidden, "cross_entropy")
    g = reference.gradients(*case.arguments)
    weights, biases, _ = case.complex_step()
    for found, expected in zip((*g.weights, *g.biases), (*weights, *biases), strict=True):
        assert relative_difference(found, expected) <= 1e-12


@pytest.mark.parametrize(("hidden", "loss", "output"), NETWORKS)
def test_float32_gradients_are_float32_and_near_the_float64_truth(
    make_case, relative_difference, hidden, loss, output
):
    case = make_case([3, 5, 4, 3], hidden, loss, output, n_samples=6).astype(np.float32)
    g = reference.gradients(*case.arguments)
    truth = reference.gradients(*case.astype(np.float64).arguments)
    assert {a.dtype for a in (g.loss, *g.weights, *g.biases, g.x, *g.deltas)} == {np.dtype(np.float32)}
    eps = np.finfo(np.float32).eps
    np.testing.assert_allclose(g.loss, truth.loss, rtol=20 * eps)
    for found, expected in zip(
        (*g.weights, *g.biases, g.x), (*truth.weights, *truth.biases, truth.x), strict=True
    ):
        assert relative_difference(found, expected) <= 50 * eps


def test_complex_step_in_complex64(make_case, relative_difference):
    case = make_case([3, 5, 3], "gelu", "cross_entropy").astype(np.float32)
    g = reference.gradients(*case.arguments)
    weights, biases, _ = case.complex_step()
    for found, expected in zip((*g.weights, *g.biases), (*weights, *biases), strict=True):
        assert expected.dtype == np.float32
        assert relative_difference(found, expected) <= 1e-5


def test_forward_stores_every_layer(make_case):
    case = make_case([3, 5, 4, 2], ["gelu", "tanh"], "squared_error")
    stored = reference.forward(case.weights, case.biases, case.x, case.activations)
    assert [x.shape for x in stored.x] == [(4, 3), (4, 5), (4, 4), (4, 2)]
    assert [net.shape for net in stored.net] == [(4, 5), (4, 4), (4, 2)]
    for k in range(3):
        np.testing.assert_array_equal(stored.net[k], stored.x[k] @ case.weights[k] - case.biases[k])  # E1
        np.testing.assert_array_equal(stored.x[k + 1], stored.activations[k].value(stored.net[k]))  # E2
    assert stored.kept(0) is stored.net[0]
    assert stored.kept(1) is stored.x[2]
    np.testing.assert_array_equal(
        reference.predict(case.weights, case.biases, case.x, case.activations), stored.output
    )


def test_bias_gradients_are_minus_the_column_sums_of_the_deltas(make_case):
    case = make_case([3, 5, 2], "tanh", "poisson")
    g = reference.gradients(*case.arguments)
    assert [delta.shape for delta in g.deltas] == [(4, 5), (4, 2)]
    for bias, delta in zip(g.biases, g.deltas, strict=True):
        np.testing.assert_allclose(bias, -delta.sum(axis=0), rtol=1e-15)
    stored = reference.forward(case.weights, case.biases, case.x, case.activations)
    np.testing.assert_allclose(g.deltas[1], (stored.output - case.y) / 4, rtol=1e-15)


def test_a_single_row_is_a_batch_of_one(make_case):
    case = make_case([3, 5, 2], "tanh", "squared_error", n_samples=1)
    batch = reference.gradients(*case.arguments)
    row = reference.gradients(case.weights, case.biases, case.x[0], case.y[0], case.activations, case.loss)
    assert row.x.shape == (3,)
    assert float(row.loss) == float(batch.loss)
    for found, expected in zip(
        (*row.weights, *row.biases, row.x), (*batch.weights, *batch.biases, batch.x[0]), strict=True
    ):
        np.testing.assert_array_equal(found, expected)
    output = reference.predict(case.weights, case.biases, case.x[0], case.activations)
    assert output.shape == (2,)


def test_class_indices_are_rows_of_zero_and_one(make_case):
    case = make_case([3, 5, 3], "relu", "cross_entropy")
    classes = np.array([2, 0, 1, 2])
    for y in (classes, classes.astype(np.uint8), classes.tolist(), np.eye(3, dtype=int)[classes]):
        indices = reference.gradients(case.weights, case.biases, case.x, y, case.activations, case.loss)
        one_hot = reference.gradients(
            case.weights, case.biases, case.x, np.eye(3)[classes], case.activations, case.loss
        )
        assert float(indices.loss) == float(one_hot.loss)
        np.testing.assert_array_equal(indices.weights[0], one_hot.weights[0])
    single = reference.batch_loss(case.weights, case.biases, case.x[1], 0, case.activations, case.loss)
    row = reference.batch_loss(case.weights, case.biases, case.x[1:2], [0], case.activations, case.loss)
    assert float(single) == float(row)


def test_narrow_class_indices_for_many_classes(make_case):
    case = make_case([2, 300], [], "cross_entropy")
    classes = np.array([0, 44, 255, 200], dtype=np.uint8)  # 44 = 300 mod 256
    found = reference.batch_loss(case.weights, case.biases, case.x, classes, case.activations, case.loss)
    one_hot = np.eye(300)[classes]
    assert found == reference.batch_loss(
        case.weights, case.biases, case.x, one_hot, case.activations, case.loss
    )


def test_without_penalty_the_size_of_the_weights_does_not_matter(make_case):
    case = make_case([2, 1], [], "squared_error")
    case.weights[0][:] = 1e200  # whose square overflows
    case.x = np.zeros_like(case.x)
    assert np.isfinite(reference.batch_loss(*case.arguments))


def test_one_output_takes_flat_targets(make_case):
    case = make_case([3, 4, 1], "tanh", "squared_error")
    flat = reference.gradients(case.weights, case.biases, case.x, case.y[:, 0], case.activations, case.loss)
    column = reference.gradients(*case.arguments)
    assert float(flat.loss) == float(column.loss)
    np.testing.assert_array_equal(flat.weights[0], column.weights[0])


def test_integers_lists_and_other_precisions_come_in_the_parameters_dtype(make_case):
    case = make_case([2, 3, 1], "relu", "squared_error").astype(np.float32)
    g = reference.gradients(
        case.weights,
        case.biases,
        [[1, 2], [3, 4]],
        [[True], [False]],
        case.activations,
        case.loss,
        [1, 3],
        0.1,
    )
    assert {a.dtype for a in (g.loss, *g.weights, *g.biases, g.x)} == {np.dtype(np.float32)}
    output = reference.predict(case.weights, case.biases, np.ones((2, 2), np.complex128), case.activations)
    assert output.dtype == np.complex64


def test_activation_objects_with_their_own_parameters(make_case, relative_difference):
    case = make_case([3, 5, 2], [reference.get_activation("leaky_relu").__class__(0.3)], "squared_error")
    weights, _, _ = case.complex_step()
    assert relative_difference(reference.gradients(*case.arguments).weights[0], weights[0]) <= 1e-12
