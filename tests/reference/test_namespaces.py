"""The same code on other array libraries, where nothing outside the array-API standard exists."""

import importlib
import importlib.util

import array_api_strict
import numpy as np
import pytest

from chainrule import reference
from chainrule.reference import ACTIVATIONS, LOSSES, Members
from chainrule.reference.activations import Parametric
from chainrule.reference.first_values import data_driven_values
from chainrule.reference.inputs import Block, Categories, Numbers, OneHot, Periodic, PiecewiseLinear, Scale
from chainrule.reference.preparation import robust_scale, smooth_clip

HIDDEN = [a.name for a in ACTIVATIONS.values() if not a.output_only]
PAIRS = [(loss.name, output) for loss in LOSSES.values() for output in loss.output_activations]


@pytest.fixture(params=["array_api_strict", *(["torch"] if importlib.util.find_spec("torch") else [])])
def library(request):
    return importlib.import_module(request.param)


def as_numpy(array):
    return (
        np.from_dlpack(array) if type(array).__module__.startswith("array_api_strict") else np.asarray(array)
    )


def moved(case, library):
    """The case's arrays in another library."""
    return (
        [library.asarray(W) for W in case.weights],
        [library.asarray(b) for b in case.biases],
        library.asarray(case.x),
        library.asarray(case.y),
        case.activations,
        case.loss,
    )


@pytest.mark.parametrize(("loss", "output"), PAIRS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gradients_are_numpys(make_case, relative_difference, library, dtype, loss, output):
    case = make_case([3] + [5] * len(HIDDEN) + [3], HIDDEN, loss, output, seed=1).astype(dtype)
    weight = np.array([1.0, 2.0, 0.5, 1.0], dtype=dtype)
    expected = reference.gradients(*case.arguments, sample_weight=weight, l2=0.1)
    found = reference.gradients(*moved(case, library), sample_weight=library.asarray(weight), l2=0.1)
    tolerance = 200 * np.finfo(dtype).eps
    for ours, theirs in zip(
        (found.loss, *found.weights, *found.biases, found.x),
        (expected.loss, *expected.weights, *expected.biases, expected.x),
        strict=True,
    ):
        assert type(ours).__module__.split(".")[0] == library.__name__
        assert ours.dtype == getattr(library, dtype)
        assert relative_difference(as_numpy(ours), theirs) <= tolerance


@pytest.mark.parametrize("hidden", HIDDEN)
def test_complex_step(make_case, library, hidden):
    case = make_case([3, 4, 3], hidden, "cross_entropy")
    weights, biases, x, y, activations, loss = moved(case, library)
    g = reference.gradients(weights, biases, x, y, activations, loss)
    step = np.zeros((3, 4), dtype=np.complex128)
    step[1, 2] = 1e-30j
    complex_weights = [library.asarray(case.weights[0] + step), weights[1]]
    value = reference.batch_loss(complex_weights, biases, x, y, activations, loss)
    expected = complex(value).imag / 1e-30
    assert expected != 0
    assert abs(float(g.weights[0][1, 2]) - expected) <= 1e-13 * np.max(np.abs(as_numpy(g.weights[0])))


def test_class_indices_and_single_rows(make_case, library):
    case = make_case([3, 4, 3], "tanh", "cross_entropy")
    weights, biases, x, _, activations, loss = moved(case, library)
    found = reference.batch_loss(weights, biases, x, library.asarray([0, 2, 1, 2]), activations, loss)
    expected = reference.batch_loss(case.weights, case.biases, case.x, [0, 2, 1, 2], activations, loss)
    assert abs(float(found) - float(expected)) <= 1e-14
    assert tuple(reference.predict(weights, biases, x[0, :], activations).shape) == (3,)


def test_mixed_libraries_are_refused(make_case):
    case = make_case([3, 4, 2], "tanh", "squared_error")
    weights, biases, *_ = moved(case, array_api_strict)
    with pytest.raises(
        TypeError, match=r"x is a numpy\.ndarray, but the weights are array_api_strict.*one array lib"
    ):
        reference.predict(weights, biases, case.x, case.activations)
    with pytest.raises(TypeError, match=r"mix array libraries"):
        reference.predict(weights, case.biases, case.x, case.activations)


def in_library(library, arrays, dtype):
    """A network with E11-E16 whose arrays are in that library."""
    a = {name: library.asarray(array.astype(dtype)) for name, array in arrays.items()}
    periodic = Periodic(a["frequency"], a["phase"], a["weight"], a["bias"])
    line = PiecewiseLinear(a["edges"], a["rise"], a["w_0"], a["b_0"])
    inputs = [
        Block([0, 1], [periodic, Scale(a["scale"])]),
        Block([2], line),
        Block([3], Categories(a["table"])),
        Block([3], OneHot(3)),
        Block([0], Numbers()),
    ]
    return {
        "weights": [a["W_1"], a["W_2"]],
        "biases": [a["b_1"], a["b_2"]],
        "x": a["x"],
        "y": library.asarray([0, 2, 1, 2, 1, 0]),
        "activations": [Parametric(reference.get_activation("mish"), 0.5), "softmax"],
        "loss": "cross_entropy",
        "members": [Members(a["r"], a["s"]), None],
        "inputs": inputs,
    }


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_input_layers_members_and_alphas_are_numpys(relative_difference, library, dtype):
    rng = np.random.default_rng(6)
    shapes = {"frequency": (2, 3), "phase": (2, 3), "weight": (2, 3, 2), "bias": (2, 2), "scale": (6,)}
    shapes |= {"rise": (3, 2), "w_0": (2,), "b_0": (2,), "table": (4, 2), "W_1": (14, 4), "W_2": (4, 3)}
    shapes |= {"b_1": (2, 4), "b_2": (3,), "r": (2, 14), "s": (2, 4), "x": (6, 4)}
    arrays = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    arrays["edges"] = np.array([-1.0, -0.25, 0.5, 1.0])
    arrays["x"][:, 3] = [0, 2, 1, 2, 7, np.nan]
    expected = reference.gradients(**in_library(np, arrays, dtype))
    found = reference.gradients(**in_library(library, arrays, dtype))

    def parts(g):
        learned = [array for block in g.inputs for layer in block for array in layer.values()]
        return [g.loss, *g.weights, *g.biases, g.alphas[0], *g.members[0], *learned, g.x]

    assert len(parts(found)) == 1 + 2 + 2 + 1 + 2 + (4 + 1 + 3 + 1) + 1
    for ours, theirs in zip(parts(found), parts(expected), strict=True):
        assert type(ours).__module__.split(".")[0] == library.__name__
        assert ours.dtype == getattr(library, dtype)
        assert relative_difference(as_numpy(ours), theirs) <= 200 * np.finfo(dtype).eps


def test_first_values_and_preparation_are_numpys(library):
    rng = np.random.default_rng(7)
    x, W = rng.normal(size=(9, 3)), rng.normal(size=(3, 4))
    rows, exponentials = rng.integers(0, 9, (5, 4)), rng.exponential(size=(5, 4))
    tanh = [reference.get_activation("tanh")]
    given = [library.asarray(array) for array in (x, W, rows, exponentials)]
    (found,), (bias,) = data_driven_values(given[0], *([array] for array in given[1:]), tanh)
    (expected,), (expected_bias,) = data_driven_values(x, [W], [rows], [exponentials], tanh)
    np.testing.assert_allclose(as_numpy(found), expected, rtol=1e-13)
    np.testing.assert_allclose(as_numpy(bias), expected_bias, rtol=1e-12)
    np.testing.assert_allclose(as_numpy(smooth_clip(given[0])), smooth_clip(x), rtol=1e-15)
    for ours, theirs in zip(robust_scale(given[0]), robust_scale(x), strict=True):
        np.testing.assert_allclose(as_numpy(ours), theirs, rtol=1e-14)
