"""E11 and E13-E15: each input layer alone, in networks, at edges; and how data columns become x_1."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule import reference
from chainrule.reference import gradcheck
from chainrule.reference.activations import Parametric
from chainrule.reference.inputs import (
    INPUT_LAYERS,
    Block,
    Categories,
    Numbers,
    OneHot,
    Periodic,
    PiecewiseLinear,
    Scale,
    stage,
)

N_SAMPLES = 7


def periodic(rng, n_columns=2, n_frequencies=5, n_outputs=3, sigma=1.0):
    shape = (n_columns, n_frequencies)
    return Periodic(
        rng.normal(0, sigma, shape),
        rng.uniform(-np.pi, np.pi, shape),
        rng.uniform(-1, 1, (*shape, n_outputs)),
        rng.uniform(-1, 1, (n_columns, n_outputs)),
    )


def piecewise_linear(rng, n_bins=4, n_units=3):
    edges = np.sort(rng.normal(size=n_bins + 1))
    return PiecewiseLinear(
        edges, rng.normal(size=(n_bins, n_units)), rng.normal(size=n_units), rng.normal(size=n_units)
    )


def numbers(rng, n_columns):
    return rng.normal(size=(N_SAMPLES, n_columns))


def codes(rng, n_columns):
    """Codes 0 to 3, of which each occurs, and one that was not seen in training."""
    return np.stack([rng.permutation([0.0, 1.0, 2.0, 3.0, 3.0, 1.0, -1.0]) for _ in range(n_columns)], axis=1)


#: Each kind of layer: its number of columns, a random one, and data for it.
KINDS = {
    "numbers": (3, lambda rng: Numbers(), numbers),
    "one_hot": (1, lambda rng: OneHot(4), codes),
    "scale": (3, lambda rng: Scale(rng.normal(1, 0.3, 3)), numbers),
    "periodic": (2, periodic, numbers),
    "piecewise_linear": (1, piecewise_linear, numbers),
    "categories": (1, lambda rng: Categories(rng.normal(size=(5, 3))), codes),
}


def mixed_stage(rng):
    """Every kind of layer, columns in another order, scaled as RealMLP does it; the data for it."""
    blocks = [
        Block([5, 0], [periodic(rng), Scale(rng.normal(1, 0.3, 8))]),
        Block([2], [Categories(rng.normal(size=(5, 3))), Scale(rng.normal(1, 0.3, 3))]),
        Block([1], OneHot(4)),
        Block([3], [piecewise_linear(rng)]),
        Block((4, 0), Numbers()),
        Block([4], [Scale(rng.normal(1, 0.3, 1)), piecewise_linear(rng), Scale(rng.normal(1, 0.3, 3))]),
    ]
    x = numbers(rng, 6)
    x[:, 1:3] = codes(rng, 2)
    return blocks, x, 8 + 3 + 4 + 3 + 2 + 3


def complex_step_of(case, blocks, **options):
    """Derivatives of the batch loss by weights, biases, the stage's arrays and the data."""
    blocks = stage.check_inputs(blocks, case.weights[0])
    learned, n = stage.learned_arrays(blocks), len(case.weights)

    def loss_at(*at):
        new = {one.place: a for one, a in zip(learned, at[2 * n : -1], strict=True)}
        inputs = stage.with_arrays(blocks, new)
        return reference.batch_loss(
            at[:n], at[n : 2 * n], at[-1], case.y, case.activations, case.loss, inputs=inputs, **options
        )

    parts = [*case.weights, *case.biases, *(one.array for one in learned), case.x]
    found = reference.complex_step(loss_at, parts)
    return found, [one.place for one in learned]


def gradients_of(case, blocks, places, **options):
    g = reference.gradients(*case.arguments, inputs=blocks, **options)
    return [*g.weights, *g.biases, *(g.inputs[b][k][name] for b, k, name in places), g.x]


def test_every_registered_layer_is_tested_here():
    assert KINDS.keys() == INPUT_LAYERS.keys()


@pytest.mark.parametrize("kind", KINDS)
def test_a_layer_alone_is_right_by_complex_step(relative_difference, kind):
    """dE/dx and every learned array, for E = sum(w o y^2)."""
    n_columns, make, data = KINDS[kind]
    rng = np.random.default_rng(4)
    layer, x = make(rng), data(rng, n_columns)
    y = layer.forward(x)
    assert y.shape == (N_SAMPLES, layer.n_units(n_columns))
    w = rng.normal(size=y.shape)
    dx, learned = layer.backward(2 * w * y, x)
    assert tuple(learned) == layer.learned

    def error_at(x, *arrays):
        block = [Block([0], [layer])]
        places = {(0, 0, name): array for name, array in zip(layer.learned, arrays, strict=True)}
        (_, (changed,)) = stage.with_arrays(block, places)[0]
        return (w * changed.forward(x) ** 2).sum()

    by_x, *expected = reference.complex_step(error_at, [x, *(getattr(layer, name) for name in layer.learned)])
    for found, truth in zip(learned.values(), expected, strict=True):
        assert relative_difference(found, truth) <= 1e-12
    assert dx.shape == x.shape
    if layer.takes_codes:
        assert not np.any(dx)
        assert not np.any(by_x)
    else:
        assert relative_difference(dx, by_x) <= 1e-12


@pytest.mark.parametrize("loss", reference.LOSSES)
def test_networks_with_every_layer_are_right_by_complex_step(make_case, relative_difference, loss):
    rng = np.random.default_rng(8)
    blocks, x, n_1 = mixed_stage(rng)
    case = make_case([n_1, 5, 3], "tanh", loss, n_samples=N_SAMPLES)
    case.x = x
    options = {"sample_weight": np.arange(1.0, 1 + N_SAMPLES), "l2": 0.1}
    expected, places = complex_step_of(case, blocks, **options)
    for found, truth in zip(gradients_of(case, blocks, places, **options), expected, strict=True):
        assert np.all(np.isfinite(found))
        assert relative_difference(found, truth) <= 1e-12
    assert not np.any(gradients_of(case, blocks, places)[-1][:, 1:3])  # by the codes


@pytest.mark.parametrize("kind", KINDS)
def test_gradcheck_covers_each_layer_and_names_what_is_wrong(make_case, kind):
    n_columns, make, data = KINDS[kind]
    rng = np.random.default_rng(1)
    layer, x = make(rng), data(rng, n_columns)
    case = make_case([layer.n_units(n_columns), 4, 2], "gelu", "squared_error", n_samples=N_SAMPLES)
    inputs = [Block(range(n_columns), layer)]
    network = SimpleNamespace(**{k: getattr(case, k) for k in ("weights", "biases", "activations", "loss")})
    network.inputs = inputs

    def gradients(x, y, **options):
        arguments = case.weights, case.biases, x, y, case.activations, case.loss
        return reference.gradients(*arguments, inputs=inputs, **options)

    network.gradients = gradients
    report = gradcheck(network, x, case.y, l2=0.1, tolerance=1e-12)
    assert report, report
    names = [f"inputs[0].layers[0].{name}" for name in layer.learned]
    assert [c.name for c in report.parameters] == [*names, "W_1", "b_1", "W_2", "b_2"]
    assert {c.equation for c in report.parameters[: len(names)]} <= {layer.equation}
    for name in layer.learned:

        def spoiled(x, y, name=name, **options):
            g = gradients(x, y, **options)
            array = g.inputs[0][0][name]
            array[np.unravel_index(np.argmax(np.abs(array)), array.shape)] *= 1 + 1e-8
            return g

        network.gradients = spoiled
        assert [c.name for c in gradcheck(network, x, case.y).parameters if not c.passed] == [
            f"inputs[0].layers[0].{name}"
        ]
    if layer.learned:
        network.gradients = lambda x, y, **options: SimpleNamespace(
            **{k: getattr(gradients(x, y, **options), k) for k in ("weights", "biases")}
        )
        with pytest.raises(ValueError, match=r"network's gradients have shapes \[\(0,\)"):
            gradcheck(network, x, case.y)


def test_numbers_alone_are_the_plain_network_to_the_bit(make_case):
    case = make_case([3, 5, 2], "tanh", "squared_error")
    plain = reference.gradients(*case.arguments)
    staged = reference.gradients(*case.arguments, inputs=[Block([0], Numbers()), Block([1, 2], Numbers())])
    for a, b in zip([*plain.weights, *plain.biases], [*staged.weights, *staged.biases], strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(plain.x, staged.x)
    assert (plain.inputs, staged.inputs) == ([], [[{}], [{}]])


def test_columns_enter_in_the_order_of_the_blocks_and_may_enter_twice(make_case):
    case = make_case([4, 2], [], "squared_error")
    case.x = case.x[:, :3]
    blocks = [Block([2, 0], Numbers()), Block([0, 1], Scale(np.array([2.0, 3.0])))]
    stored = reference.forward(case.weights, case.biases, case.x, case.activations, inputs=blocks)
    x = case.x
    np.testing.assert_array_equal(stored.x[0], np.stack([x[:, 2], x[:, 0], 2 * x[:, 0], 3 * x[:, 1]], 1))
    np.testing.assert_array_equal(stored.data, x)
    g = reference.backward(stored, case.y, case.loss)
    by_x1 = g.deltas[0] @ case.weights[0].T
    expected = np.stack([by_x1[:, 1] + 2 * by_x1[:, 2], 3 * by_x1[:, 3], by_x1[:, 0]], axis=1)
    np.testing.assert_allclose(g.x, expected, rtol=1e-13)


def test_a_single_row_is_a_batch_of_one(make_case):
    rng = np.random.default_rng(3)
    blocks, x, n_1 = mixed_stage(rng)
    case = make_case([n_1, 3, 2], "tanh", "squared_error", n_samples=1)
    row = reference.gradients(
        case.weights, case.biases, x[2], case.y[0], ["tanh", "identity"], case.loss, inputs=blocks
    )
    batch = reference.gradients(
        case.weights, case.biases, x[2:3], case.y, ["tanh", "identity"], case.loss, inputs=blocks
    )
    assert row.x.shape == (6,)
    np.testing.assert_array_equal(row.x, batch.x[0])
    np.testing.assert_array_equal(row.inputs[1][0]["table"], batch.inputs[1][0]["table"])


def test_float32_stays_float32_and_nothing_is_changed(make_case, relative_difference):
    rng = np.random.default_rng(5)
    blocks, x, n_1 = mixed_stage(rng)
    case = make_case([n_1, 5, 2], "tanh", "squared_error", n_samples=N_SAMPLES)
    case.x = x
    _, places = complex_step_of(case, blocks)
    arrays = {place: getattr(blocks[place[0]].layers[place[1]], place[2]) for place in places}
    copies = {place: array.copy() for place, array in arrays.items()}
    for array in (*arrays.values(), x):
        array.flags.writeable = False
    truth = gradients_of(case, blocks, places)
    found = gradients_of(case.astype(np.float32), blocks, places)
    assert {a.dtype for a in found} == {np.dtype(np.float32)}
    for a, b in zip(found, truth, strict=True):
        assert relative_difference(a, b) <= 200 * np.finfo(np.float32).eps
    for place, array in arrays.items():
        np.testing.assert_array_equal(array, copies[place])


def test_with_everything_that_a_hidden_layer_may_have(make_case, relative_difference):
    rng = np.random.default_rng(6)
    blocks, x, n_1 = mixed_stage(rng)
    case = make_case([n_1, n_1, n_1, 2], "tanh", "cross_entropy", n_samples=N_SAMPLES)
    case.activations[0], case.x = Parametric(reference.get_activation("mish"), 0.7), x
    options = {
        "norms": [reference.Norm(rng.normal(1, 0.3, n_1), rng.normal(0, 0.3, n_1)), None, None],
        "residual": [True, True, False],  # around the first layer: x_1 itself
        "masks": [None, (rng.random((N_SAMPLES, n_1)) > 0.3) / 0.7, None],
    }
    expected, places = complex_step_of(case, blocks, **options)
    for found, truth in zip(gradients_of(case, blocks, places, **options), expected, strict=True):
        assert relative_difference(found, truth) <= 1e-12


# E13


@pytest.mark.parametrize("sigma", [0.1, 50.0])
def test_periodic_is_the_formula_column_by_column(sigma):
    rng = np.random.default_rng(0)
    layer, x = periodic(rng, sigma=sigma), numbers(rng, 2)
    y = layer.forward(x).reshape(N_SAMPLES, 2, 4)
    for c in range(2):
        np.testing.assert_array_equal(y[:, c, 0], x[:, c])
        u = 2 * np.pi * np.outer(x[:, c], layer.frequency[c]) + layer.phase[c]
        np.testing.assert_allclose(
            y[:, c, 1:], np.cos(u) @ layer.weight[c] + layer.bias[c], rtol=1e-12, atol=1e-13 * sigma
        )


# E14


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 12), st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_prefix_sums_are_the_plain_definition(n_bins, n_units, seed):
    rng = np.random.default_rng(seed)
    layer = piecewise_linear(rng, n_bins, n_units)
    inside = rng.uniform(layer.edges[0], layer.edges[-1], 20)
    x = np.concatenate([inside, layer.edges, layer.edges[[0, -1]] + [-3, 3]])[:, None]
    e, h = layer.edges[:-1], np.diff(layer.edges)
    position = (x - e) / h  # of every row in every bin
    low = np.where(np.arange(n_bins) == 0, -np.inf, 0)  # the outer bins go on
    high = np.where(np.arange(n_bins) == n_bins - 1, np.inf, 1)
    encoding = np.clip(position, low, high)
    np.testing.assert_allclose(layer.encoding(x), encoding, rtol=1e-13)
    plain = x * layer.weight + layer.bias + encoding @ layer.rise
    scale = np.abs(x * layer.weight) + np.abs(layer.bias) + np.abs(encoding) @ np.abs(layer.rise)
    assert np.all(np.abs(layer.forward(x) - plain) <= 1e-13 * scale)


def test_at_an_edge_both_sides_meet_and_the_derivative_is_that_of_one():
    rng = np.random.default_rng(2)
    layer = piecewise_linear(rng, n_bins=5, n_units=3)
    edges, gradient = layer.edges[1:-1, None], rng.normal(size=(4, 3))
    below, above = np.nextafter(edges, -np.inf), np.nextafter(edges, np.inf)
    np.testing.assert_allclose(layer.forward(edges), layer.forward(below), rtol=1e-13)
    np.testing.assert_allclose(layer.forward(edges), layer.forward(above), rtol=1e-13)
    dx, _ = layer.backward(gradient, edges)
    sides = [layer.backward(gradient, side)[0] for side in (below, above)]
    for found, *allowed in zip(dx[:, 0], *(side[:, 0] for side in sides), strict=True):
        assert found in allowed
    assert np.all(sides[0] != sides[1])
    np.testing.assert_array_equal(dx, sides[1])  # an edge belongs to the bin above it
    by_edge = np.imag(np.sum(gradient * layer.forward(edges + 1e-30j), axis=1)) / 1e-30
    np.testing.assert_allclose(dx[:, 0], by_edge, rtol=1e-12)


def test_gradients_are_right_at_every_edge_and_beyond(make_case, relative_difference):
    rng = np.random.default_rng(12)
    layer = piecewise_linear(rng, n_bins=4)
    case = make_case([3, 4, 2], "relu", "squared_error", n_samples=N_SAMPLES)
    case.x = np.concatenate([layer.edges, layer.edges[[0, -1]] + [-1, 1]])[:, None]
    expected, places = complex_step_of(case, [Block([0], layer)])
    for found, truth in zip(gradients_of(case, [Block([0], layer)], places), expected, strict=True):
        assert relative_difference(found, truth) <= 1e-12


def test_a_bin_without_rows_below_the_rows_has_their_gradient_and_above_them_none():
    layer = piecewise_linear(np.random.default_rng(0), n_bins=3, n_units=1)
    x = np.full((2, 1), layer.edges[1:3].mean())
    _, learned = layer.backward(np.array([[2.0], [4.0]]), x)
    np.testing.assert_allclose(learned["rise"], [[6.0], [3.0], [0.0]], rtol=1e-13)


# E15, one-hot


def test_a_table_is_the_product_with_one_hot_rows(make_case):
    """As Categories, and as OneHot before a first product whose rows are the table's."""
    rng = np.random.default_rng(7)
    table, x = rng.normal(size=(4, 3)), codes(rng, 1)
    table = np.vstack([table, np.zeros(3)])  # as a category that one-hot has no column for
    one_hot = OneHot(4).forward(x)
    np.testing.assert_array_equal(one_hot, np.eye(5)[np.where(x[:, 0] < 0, 4, x[:, 0]).astype(int)][:, :4])
    layer, gradient = Categories(table), rng.normal(size=(N_SAMPLES, 3))
    np.testing.assert_array_equal(layer.forward(x), one_hot @ table[:4])
    _, learned = layer.backward(gradient, x)
    np.testing.assert_allclose(learned["table"][:4], one_hot.T @ gradient, rtol=1e-13)


def test_the_gradient_of_a_table_sums_in_the_order_of_the_rows():
    gradient = np.array([[1e16], [5.0], [1.0], [-1e16], [1.0]])
    layer, x = Categories(np.zeros((3, 1))), np.array([[0.0], [1.0], [0.0], [0.0], [0.0]])
    _, learned = layer.backward(gradient, x)
    assert learned["table"][:, 0].tolist() == [((1e16 + 1.0) - 1e16) + 1.0, 5.0, 0.0] == [1.0, 5.0, 0.0]


@pytest.mark.parametrize("code", [-1.0, 3.0, 1e300, -7.0, np.nan])
def test_what_is_no_known_category_has_the_last_row(make_case, code):
    case = make_case([2, 2], [], "squared_error", n_samples=3)
    case.x, table = np.array([[0.0], [code], [2.0]]), np.arange(8.0).reshape(4, 2)
    blocks = [Block([0], Categories(table))]
    stored = reference.forward(case.weights, case.biases, case.x, case.activations, inputs=blocks)
    np.testing.assert_array_equal(stored.x[0], table[[0, 3, 2]])
    g = reference.backward(stored, case.y, case.loss)
    assert np.all(g.inputs[0][0]["table"][[0, 2, 3]] != 0)
    assert not np.any(g.inputs[0][0]["table"][1])
    assert not np.any(OneHot(3).forward(case.x)[1])
    assert not np.any(OneHot(2).forward(np.array([[code]])))


@pytest.mark.parametrize("dtype", [np.float32, np.int64, np.uint8, bool])
def test_codes_may_come_in_any_dtype(make_case, dtype):
    case = make_case([1, 2], [], "squared_error", n_samples=2)
    blocks = [Block([0], Categories(np.array([[1.0], [2.0], [3.0]])))]
    x = np.array([[0], [1]], dtype=dtype)
    stored = reference.forward(case.weights, case.biases, x, case.activations, inputs=blocks)
    assert stored.x[0].tolist() == [[1.0], [2.0]]


def test_codes_of_a_large_table_are_exact_in_float32_up_to_its_limit():
    weight = np.zeros((1, 1), dtype=np.float32)
    largest = np.broadcast_to(np.float32(0), (2**24 + 1, 1))
    (block,) = stage.check_inputs([Block([0], Categories(largest))], weight)
    x = np.array([[2**24 - 1], [2**24 - 2], [2**24]], dtype=np.float32)
    assert block.layers[0]._row(x).tolist() == [2**24 - 1, 2**24 - 2, 2**24]
    too_large = np.broadcast_to(np.float32(0), (2**24 + 2, 1))
    with pytest.raises(
        ValueError, match=r"is for 16777217 categories, .* float32, .* up to 16777216 only; use float64"
    ):
        stage.check_inputs([Block([0], Categories(too_large))], weight)


# What is refused


TABLE, EDGES = np.ones((4, 3)), np.array([0.0, 1.0, 2.0])
V, VECTOR = np.ones((2, 3)), np.ones(3)


@pytest.mark.parametrize(
    ("inputs", "error", "message"),
    [
        (Block([0], Numbers()), TypeError, r"inputs is Block\(.*expected a list of Block\(columns, layers\)"),
        ([], TypeError, r"inputs is \[\]; expected a list of Block"),
        ([Numbers()], TypeError, r"inputs\[0\] is Numbers\(\); expected a Block\(columns, layers\)"),
        ([Block("01", Numbers())], TypeError, r"inputs\[0\]\.columns is '01'; expected a list of whole"),
        ([Block(2, Numbers())], TypeError, r"inputs\[0\]\.columns is 2; expected a list of whole numbers"),
        (
            [Block([], Numbers())],
            ValueError,
            r"columns is \[\]; expected at least one column, none of them tw",
        ),
        (
            [Block([0, 0], Numbers())],
            ValueError,
            r"columns is \[0, 0\]; expected at least one column, none of",
        ),
        ([Block([0, -1], Numbers())], ValueError, r"columns is \[0, -1\]; expected whole numbers from 0"),
        ([Block([0, 1.0], Numbers())], ValueError, r"columns is \[0, 1\.0\]; expected whole numbers from 0"),
        ([Block([0], [])], TypeError, r"inputs\[0\]\.layers is \[\]; expected input layers, such as"),
        ([Block([0], Scale)], TypeError, r"inputs\[0\]\.layers is <class .*Scale'>; expected input layers"),
        ([Block([0], ["scale"])], TypeError, r"layers\[0\] is 'scale'; expected an input layer, such as Num"),
        (
            [Block([0, 1, 2], Scale(np.ones(2)))],
            ValueError,
            r"inputs\[0\]: Scale has 2 factors, but is given 3 columns",
        ),
        (
            [Block([0, 1], OneHot(3))],
            ValueError,
            r"inputs\[0\]: OneHot takes one column, but is given 2; give",
        ),
        ([Block([0, 1], Categories(TABLE))], ValueError, r"Categories takes one column, but is given 2"),
        (
            [Block([0], [Numbers(), Categories(TABLE)])],
            ValueError,
            r"layers\[1\] is Categories, which takes category codes of the data; expected it first",
        ),
        (
            [Block([0], OneHot(1))],
            ValueError,
            r"layers\[0\]\.n_categories is 1; expected a whole number >= 2",
        ),
        ([Block([0], OneHot(3.0))], ValueError, r"n_categories is 3\.0; expected a whole number >= 2"),
        (
            [Block([0], Categories(np.ones(3)))],
            ValueError,
            r"layers\[0\]\.table has shape \(3,\); expected \(n_categories \+ 1, n_units\), each >= 1",
        ),
        (
            [Block([0], Categories(np.ones((1, 3))))],
            ValueError,
            r"table has 1 row; expected one for each cate",
        ),
        ([Block([0], Categories([["a"]]))], TypeError, r"layers\[0\]\.table has dtype <U1; expected numbers"),
        (
            [Block([0], PiecewiseLinear(EDGES[:2], V, VECTOR, VECTOR))],
            ValueError,
            r"layers\[0\]\.edges has shape \(2,\); expected \(3,\)",
        ),
        (
            [Block([0], PiecewiseLinear([0.0, 1.0, 1.0], V, VECTOR, VECTOR))],
            ValueError,
            r"edges is \[0\.0, 1\.0, 1\.0\] in float64; expected finite numbers, each greater than the one",
        ),
        (
            [Block([0], PiecewiseLinear([0.0, 1.0, np.inf], V, VECTOR, VECTOR))],
            ValueError,
            r"edges is \[0\.0, 1\.0, inf\] in float64; expected finite",
        ),
        (
            [Block([0], PiecewiseLinear(EDGES, V, VECTOR, np.ones(2)))],
            ValueError,
            r"layers\[0\]\.bias has shape \(2,\); expected \(3,\)",
        ),
        (
            [Block([0], Periodic(np.ones((1, 4)), np.ones((1, 4)), np.ones((1, 3, 2)), np.ones((1, 2))))],
            ValueError,
            r"layers\[0\]\.weight has shape \(1, 3, 2\); expected \(1, 4, n_outputs\), each >= 1",
        ),
        (
            [Block([0, 1], Periodic(np.ones((1, 4)), np.ones((1, 4)), np.ones((1, 4, 2)), np.ones((1, 2))))],
            ValueError,
            r"Periodic has parameters for 1 columns, but is given 2",
        ),
        (
            [Block([0, 3], Numbers()), Block([1], Numbers())],
            ValueError,
            r"no block of inputs takes column 2 of x, though one takes column 3; give it to a Block",
        ),
        (
            [Block([0, 1], Numbers()), Block([2], OneHot(5))],
            ValueError,
            r"inputs give 2 \+ 5 = 7 columns of x_1, but weights\[0\] has 3 rows",
        ),
        (
            [Block([0, 1, 2, 3], Numbers())],
            ValueError,
            r"inputs give 4 columns of x_1, but weights\[0\] has 3 rows; expected as many of both",
        ),
        (
            [Block([0, 1], Numbers()), Block([1], Numbers())],
            ValueError,
            r"x has shape \(4, 3\); expected \(n_samples, 2\) or \(2,\), since inputs take the columns",
        ),
        (
            [Block([0, 1], Numbers()), Block([2], OneHot(2))],
            ValueError,
            r"column 2 of x has .* where category codes are expected: whole numbers 0 to 1, and any other",
        ),
    ],
)
def test_what_does_not_fit_is_named(make_case, inputs, error, message):
    case = make_case([3, 2], [], "squared_error")
    with pytest.raises(error, match=message):
        reference.forward(case.weights, case.biases, case.x, case.activations, inputs=inputs)


@pytest.mark.parametrize("code", [0.5, np.inf, -np.inf])
def test_what_is_no_code_is_refused(make_case, code):
    case = make_case([3, 2], [], "squared_error", n_samples=2)
    blocks = [Block([0], Categories(TABLE))]
    with pytest.raises(ValueError, match=rf"column 0 of x has {code} where category codes are expected"):
        reference.forward(case.weights, case.biases, [[0.0], [code]], case.activations, inputs=blocks)


def test_edges_that_meet_in_the_weights_dtype_are_refused(make_case):
    case = make_case([3, 2], [], "squared_error").astype(np.float32)
    layer = PiecewiseLinear(1 + 1e-9 * EDGES, V, VECTOR, VECTOR)
    with pytest.raises(ValueError, match=r"edges is \[1\.0, 1\.0, 1\.0\] in float32; expected finite"):
        reference.forward(
            case.weights, case.biases, case.x[:, :1], case.activations, inputs=[Block([0], layer)]
        )


def test_nan_in_the_data_shows_in_the_loss(make_case):
    rng = np.random.default_rng(0)
    for layer in (Numbers(), Scale(np.ones(1)), periodic(rng, 1), piecewise_linear(rng)):
        case = make_case([layer.n_units(1), 2], [], "squared_error", n_samples=1)
        loss = reference.batch_loss(
            case.weights,
            case.biases,
            [[np.nan]],
            case.y,
            case.activations,
            case.loss,
            inputs=[Block([0], layer)],
        )
        assert np.isnan(loss)
