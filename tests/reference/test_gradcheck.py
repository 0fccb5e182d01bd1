"""Complex step itself, and gradcheck: it passes right gradients, catches wrong ones, and says where."""

from types import SimpleNamespace

import numpy as np
import pytest

from chainrule import reference
from chainrule.reference import Norm, complex_step, gradcheck
from chainrule.reference.activations import PReLU


def network(case, spoil=None):
    """An object like chainrule.Network whose gradients are the reference's, spoiled on request."""

    def gradients(x, y, sample_weight=None, l2=0.0):
        g = reference.gradients(
            case.weights, case.biases, x, y, case.activations, case.loss, sample_weight=sample_weight, l2=l2
        )
        if spoil is not None:
            spoil(g)
        return g

    return SimpleNamespace(
        weights=case.weights,
        biases=case.biases,
        activations=case.activations,
        loss=case.loss,
        gradients=gradients,
    )


def test_complex_step_differentiates_to_the_last_digits():
    x = np.linspace(0.1, 2, 6).reshape(2, 3)
    copy = x.copy()
    first, second = complex_step(lambda a, b: (np.exp(a) * np.sin(b)).sum(), [x, 2 * x])
    np.testing.assert_allclose(first, np.exp(x) * np.sin(2 * x), rtol=1e-15)
    np.testing.assert_allclose(second, np.exp(x) * np.cos(2 * x), rtol=1e-15)
    np.testing.assert_array_equal(x, copy)
    assert first.dtype == np.float64


def test_complex_step_keeps_shape_and_precision():
    (found,) = complex_step(lambda a: (a * a).sum(), [np.arange(6, dtype=np.float32).reshape(2, 3).T])
    assert (found.dtype, found.shape) == (np.float32, (3, 2))
    np.testing.assert_array_equal(found, 2 * np.arange(6).reshape(2, 3).T)


@pytest.mark.parametrize("loss", reference.LOSSES)
def test_right_gradients_pass(make_case, loss):
    case = make_case([3, 5, 4, 3], ["gelu", "relu"], loss)
    report = gradcheck(network(case), case.x, case.y, sample_weight=np.arange(1.0, 5.0), l2=0.2)
    assert report
    assert report.passed
    assert report.largest_relative_difference <= 1e-13
    assert [(c.name, c.equation, c.shape) for c in report.parameters] == [
        ("W_1", "E6", (3, 5)),
        ("b_1", "E5", (5,)),
        ("W_2", "E6", (5, 4)),
        ("b_2", "E5", (4,)),
        ("W_3", "E6", (4, 3)),
        ("b_3", "E4", (3,)),
    ]
    assert (report.tolerance, report.dtype) == (1e-10, "float64")
    expected = reference.batch_loss(*case.arguments, sample_weight=np.arange(1.0, 5.0), l2=0.2)
    assert report.loss == pytest.approx(float(expected), rel=1e-14)


@pytest.mark.parametrize("kind", ["weights", "biases"])
@pytest.mark.parametrize("layer", [0, 1])
def test_one_wrong_number_fails_and_is_named(make_case, kind, layer):
    case = make_case([3, 5, 2], "tanh", "squared_error")

    def spoil(g):
        largest = np.max(np.abs(getattr(g, kind)[layer]))
        getattr(g, kind)[layer][(0, 1) if kind == "weights" else (1,)] += 1e-8 * largest

    report = gradcheck(network(case, spoil), case.x, case.y)
    assert not report
    (failed,) = [c for c in report.parameters if not c.passed]
    assert failed.name == f"{'W' if kind == 'weights' else 'b'}_{layer + 1}"
    assert failed.index == ((0, 1) if kind == "weights" else (1,))
    assert failed.relative_difference == pytest.approx(1e-8, rel=1e-4)
    assert failed.given != failed.expected


def test_the_tolerance_is_relative(make_case):
    case = make_case([3, 5, 2], "tanh", "squared_error")
    case.x, case.weights[0] = 1e-9 * case.x, 1e-9 * case.weights[0]

    def spoil(g):
        g.weights[0][0, 0] *= 1 + 1e-6

    report = gradcheck(network(case, spoil), case.x, case.y)
    assert [c.name for c in report.parameters if not c.passed] == ["W_1"]
    assert gradcheck(network(case, spoil), case.x, case.y, tolerance=1e-5)


def test_zero_must_be_zero_exactly(make_case):
    case = make_case([3, 5, 2], "relu", "squared_error")
    case.biases[0] += 100.0  # every hidden unit is dead

    def spoil(g):
        g.biases[0][2] = 1e-300

    assert gradcheck(network(case), case.x, case.y).parameters[1].relative_difference == 0
    report = gradcheck(network(case, spoil), case.x, case.y)
    assert report.parameters[1].relative_difference == float("inf")
    assert not report


def test_nan_fails(make_case):
    case = make_case([3, 5, 2], "tanh", "squared_error")

    def spoil(g):
        g.weights[1][1, 1] = np.nan

    report = gradcheck(network(case, spoil), case.x, case.y)
    assert not report
    assert report.parameters[2].index == (1, 1)
    assert np.isnan(report.largest_relative_difference)


def test_float32_networks_are_compared_with_the_float64_truth(make_case):
    case = make_case([3, 6, 3], "mish", "cross_entropy")
    single = case.astype(np.float32)
    report = gradcheck(network(single), case.x, case.y)
    assert (report.tolerance, report.dtype) == (1e-3, "float32")
    assert report
    assert 0 < report.largest_relative_difference < 1e-5

    def spoil(g):
        g.weights[0] *= 1.01

    assert not gradcheck(network(single, spoil), case.x, case.y)


@pytest.mark.parametrize(("x", "y"), [(1000.0001, 1000.0), (1000.0, 1000.0001)])
def test_rows_and_targets_are_rounded_as_the_network_rounds_them(make_case, x, y):
    case = make_case([1, 1], [], "squared_error").astype(np.float32)
    case.weights[0][:], case.biases[0][:] = 1, 0  # the gradient is x - y, of which float32 keeps one digit
    report = gradcheck(network(case), [[x]], [[y]])
    assert report
    assert abs(report.parameters[1].expected) == abs(float(np.float32(1000.0001)) - 1000.0)


def test_class_indices_and_single_rows(make_case):
    case = make_case([3, 6, 3], "tanh", "cross_entropy")
    assert gradcheck(network(case), case.x, [0, 2, 1, 1])
    assert gradcheck(network(case), case.x[0], case.y[0])


def test_name_of_the_loss_may_be_loss_name(make_case):
    case = make_case([3, 4, 2], "tanh", "squared_error")
    net = network(case)
    net.loss, net.loss_name = (lambda x, y: 0.0), "squared_error"
    assert gradcheck(net, case.x, case.y)


def test_report_prints_a_table(make_case):
    case = make_case([3, 5, 2], "tanh", "squared_error")

    def spoil(g):
        g.biases[1] *= -1

    lines = str(gradcheck(network(case, spoil), case.x, case.y)).splitlines()
    assert lines[0].split() == [
        "equation",
        "shape",
        "relative",
        "difference",
        "at",
        "gradient",
        "complex",
        "step",
    ]
    assert [line.split()[:2] for line in lines[1:5]] == [
        ["W_1", "E6"],
        ["b_1", "E5"],
        ["W_2", "E6"],
        ["b_2", "E4"],
    ]
    assert lines[1].split()[2:5] == ["3", "x", "5"]
    assert ["FAILED" in line for line in lines[1:5]] == [False, False, False, True]
    assert lines[5].startswith("FAILED in 1 of 4 arrays: 32 parameters in float64, loss ")
    assert lines[5].endswith("largest relative difference 2.0e+00, tolerance 1e-10")
    assert str(gradcheck(network(case), case.x, case.y)).splitlines()[5].startswith("passed: 32 parameters")


def test_gradients_of_wrong_shape_are_an_error(make_case):
    case = make_case([3, 5, 2], "tanh", "squared_error")

    def spoil(g):
        g.weights[0] = g.weights[0].T

    with pytest.raises(ValueError, match=r"gradients have shapes \[\(5, 3\), .*expected .*, \[\(3, 5\)"):
        gradcheck(network(case, spoil), case.x, case.y)


def test_arguments_are_checked_before_the_network_sees_them(make_case):
    case = make_case([3, 5, 2], "tanh", "squared_error")
    with pytest.raises(ValueError, match=r"x has shape \(4, 2\); expected"):
        gradcheck(network(case), case.x[:, :2], case.y)


def test_learned_vectors_of_layers_are_checked_too(make_case):
    case = make_case([4, 4, 3, 2], ["tanh", "gelu"], "squared_error")
    case.activations[1] = PReLU()
    rng = np.random.default_rng(5)
    net = network(case)
    net.norm_gains, net.norm_shifts = [rng.random(4), None, None], [rng.random(4), None, None]
    net.slopes, net.residual = [None, rng.random(3), None], [True, False, False]

    def gradients(x, y, spoil=False, **options):
        norms = [Norm(net.norm_gains[0], net.norm_shifts[0]), None, None]
        g = reference.gradients(
            case.weights,
            case.biases,
            x,
            y,
            case.activations,
            case.loss,
            norms=norms,
            residual=net.residual,
            slopes=net.slopes,
            **options,
        )
        if spoil:
            g.gains[0][1] *= 1 + 1e-6
        return g

    net.gradients = gradients
    report = gradcheck(net, case.x, case.y, l2=0.1)
    assert report
    assert report.largest_relative_difference <= 1e-13
    names = ["W_1", "b_1", "gain_1", "shift_1", "W_2", "b_2", "slope_2", "W_3", "b_3"]
    equations = ["E6", "E5", "E8", "E8", "E6", "E5", "E7", "E6", "E4"]
    assert [(c.name, c.equation) for c in report.parameters] == list(zip(names, equations, strict=True))
    net.gradients = lambda x, y, **options: gradients(x, y, spoil=True, **options)
    assert [c.name for c in gradcheck(net, case.x, case.y).parameters if not c.passed] == ["gain_1"]
    del net.gradients
    net.gradients = lambda x, y, **options: SimpleNamespace(
        **{name: getattr(gradients(x, y, **options), name) for name in ("weights", "biases")}
    )
    with pytest.raises(ValueError, match=r"network's gradients have shapes .*\(0,\)"):
        gradcheck(net, case.x, case.y)
