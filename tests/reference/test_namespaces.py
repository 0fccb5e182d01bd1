"""The same code on other array libraries, where nothing outside the array-API standard exists."""

import importlib
import importlib.util

import array_api_strict
import numpy as np
import pytest

from chainrule import reference
from chainrule.reference import ACTIVATIONS, LOSSES

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
