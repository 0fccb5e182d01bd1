"""E2 and E7: each activation's value, and its derivative from what the forward pass stored."""

import mpmath
import numpy as np
import pytest

from chainrule.reference import ACTIVATIONS, Activation, get_activation
from chainrule.reference.activations import ELU, LeakyReLU, PReLU

ELEMENTWISE = [name for name in ACTIVATIONS if name not in ("softmax", "ordered")]
GRID = np.concatenate([-np.geomspace(1e-3, 12, 40)[::-1], np.geomspace(1e-3, 12, 40)])
SELU_SCALE, SELU_ALPHA = 1.0507009873554804934, 1.6732632423543772848

VALUES = {
    "identity": lambda x: x,
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "tanh": mpmath.tanh,
    "relu": lambda x: max(x, mpmath.mpf(0)),
    "leaky_relu": lambda x: x if x > 0 else x * 0.01,
    "elu": lambda x: x if x > 0 else mpmath.expm1(x),
    "selu": lambda x: SELU_SCALE * (x if x > 0 else SELU_ALPHA * mpmath.expm1(x)),
    "softplus": lambda x: mpmath.log1p(mpmath.exp(x)),
    "gelu": lambda x: x * mpmath.ncdf(x),
    "silu": lambda x: x / (1 + mpmath.exp(-x)),
    "mish": lambda x: x * mpmath.tanh(mpmath.log1p(mpmath.exp(x))),
    "softsign": lambda x: x / (1 + abs(x)),
    "hardtanh": lambda x: min(max(x, mpmath.mpf(-1)), mpmath.mpf(1)),
    "relu6": lambda x: min(max(x, mpmath.mpf(0)), mpmath.mpf(6)),
    "prelu": lambda x: x if x > 0 else x / 4,
    "exp": mpmath.exp,
}


def kept(activation, net):
    return activation.value(net) if activation.keeps == "output" else net


def test_registry_has_the_names_of_the_engine():
    assert list(ACTIVATIONS) == [
        *(
            "identity",
            "sigmoid",
            "tanh",
            "relu",
            "leaky_relu",
            "elu",
            "selu",
            "softplus",
            "gelu",
            "silu",
            "mish",
            "softsign",
            "hardtanh",
            "relu6",
            "prelu",
        ),
        *("softmax", "exp", "ordered"),
    ]
    assert {a.name for a in ACTIVATIONS.values() if a.keeps == "net"} == {
        "gelu",
        "silu",
        "mish",
        "prelu",
        "ordered",
    }
    assert {a.name for a in ACTIVATIONS.values() if a.output_only} == {"softmax", "exp", "ordered"}


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_value_is_the_formula(name):
    with mpmath.workdps(40):
        expected = np.array([float(VALUES[name](mpmath.mpf(float(x)))) for x in GRID])
    np.testing.assert_allclose(ACTIVATIONS[name].value(GRID), expected, rtol=2e-14, atol=0)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_derivative_from_what_was_stored_is_the_derivative_by_net(name):
    """E7: f' from the output equals f' from net, here by complex step of the value."""
    f = ACTIVATIONS[name]
    by_net = f.value(GRID + 1e-30j).imag / 1e-30
    from_kept = f.derivative(kept(f, GRID))
    assert np.max(np.abs(from_kept - by_net)) <= 1e-14 * np.max(np.abs(by_net))
    assert np.any(by_net != 0)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_backward_is_the_diagonal_jacobian_times_the_gradient(name):
    f = ACTIVATIONS[name]
    gradient = np.cos(np.arange(GRID.size))
    np.testing.assert_array_equal(f.backward(gradient, kept(f, GRID)), gradient * f.derivative(kept(f, GRID)))


def test_backward_of_softmax_is_its_jacobian_times_the_gradient():
    rng = np.random.default_rng(0)
    net, gradient = rng.normal(size=(2, 5, 4))
    softmax = ACTIVATIONS["softmax"]
    y = softmax.value(net)
    for row in range(5):
        by_complex_step = np.array(
            [softmax.value(net[row] + 1e-30j * unit).imag / 1e-30 for unit in np.eye(4)]
        )  # [j, i] = dy_i / dnet_j
        np.testing.assert_allclose(by_complex_step, np.diag(y[row]) - np.outer(y[row], y[row]), rtol=1e-13)
        np.testing.assert_allclose(
            softmax.backward(gradient, y)[row], by_complex_step @ gradient[row], rtol=1e-13, atol=0
        )
    with pytest.raises(TypeError, match=r"full Jacobian.*backward"):
        softmax.derivative(y)


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("relu", {0.0, 1.0}),
        ("leaky_relu", {0.01, 1.0}),
        ("elu", {1.0}),
        ("selu", {SELU_SCALE, SELU_SCALE * SELU_ALPHA}),
        ("relu6", {0.0, 1.0}),
    ],
)
def test_derivative_at_the_kink_is_one_of_the_two_sides(name, allowed):
    f = ACTIVATIONS[name]
    for zero in (0.0, -0.0):
        y = f.value(np.array([zero]))
        assert y == 0
        assert float(f.derivative(y)[0]) in allowed


@pytest.mark.parametrize(("name", "bounds"), [("hardtanh", (-1.0, 1.0)), ("relu6", (0.0, 6.0))])
def test_a_clipped_activation_is_flat_at_and_beyond_its_bounds(name, bounds):
    f, (low, high) = ACTIVATIONS[name], bounds
    y = f.value(np.array([low - 1, low, low + 0.5, high, high + 1]))
    np.testing.assert_array_equal(y, [low, low, low + 0.5, high, high])
    np.testing.assert_array_equal(f.derivative(y), [0, 0, 1, 0, 0])


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.complex128])
def test_dtype_and_shape_stay(name, dtype):
    f = ACTIVATIONS[name]
    net = np.linspace(-3, 3, 12).reshape(3, 4).astype(dtype)
    y = f.value(net)
    delta = f.backward(np.ones_like(y), kept(f, net))
    assert (y.dtype, y.shape, delta.dtype, delta.shape) == (dtype, (3, 4), dtype, (3, 4))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_complex_arguments_give_the_real_value_as_real_part(name):
    net = np.linspace(-5, 5, 21).reshape(3, 7)
    f = ACTIVATIONS[name]
    np.testing.assert_allclose(f.value(net + 1e-30j).real, f.value(net), rtol=1e-14, atol=1e-59)


@pytest.mark.parametrize("name", [n for n in ACTIVATIONS if n != "exp"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_extreme_net_inputs_stay_finite(name, dtype):
    f = ACTIVATIONS[name]
    net = np.array([[-1e4, -800.0, -100.0, 0.0, 100.0, 800.0, 1e4]], dtype=dtype)
    assert np.all(np.isfinite(f.value(net)))
    assert np.all(np.isfinite(f.backward(np.ones_like(net), kept(f, net))))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_nan_is_not_swallowed(name):
    assert np.isnan(ACTIVATIONS[name].value(np.array([[np.nan, 1.0]]))[0, 0])


@pytest.mark.parametrize("name", ["sigmoid", "softplus", "exp"])
def test_logarithm_of_a_positive_activation(name):
    f = ACTIVATIONS[name]
    net = np.linspace(-600, 20, 311)
    np.testing.assert_allclose(f.log_value(net), np.log(f.value(net)), rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(
        f.log_derivative(f.value(net)), f.derivative(f.value(net)) / f.value(net), rtol=1e-15, atol=0
    )
    assert np.isfinite(f.log_value(np.array([-5000.0])))[0]
    assert f.log_derivative(np.array([0.0]))[0] == 1  # the output has underflowed; (log f)' has not


def test_prelu_has_a_slope_for_each_unit_which_may_be_negative():
    slope = np.array([0.25, -0.5, 2.0])
    f, net = PReLU(slope), np.array([[-2.0, -2.0, 3.0], [1.0, -1.0, -1.0]])
    np.testing.assert_array_equal(f.value(net), [[-0.5, 1.0, 3.0], [1.0, 0.5, -2.0]])
    by_net = f.value(net + 1e-30j).imag / 1e-30
    np.testing.assert_allclose(f.derivative(net), by_net, rtol=1e-15)
    by_slope = (PReLU(slope + 1e-30j).value(net)).imag / 1e-30
    np.testing.assert_allclose(f.slope_gradient(np.ones_like(net), net), by_slope, rtol=1e-15)


def test_parameters_of_an_activation():
    np.testing.assert_allclose(LeakyReLU(0.25).value(np.array([-2.0, 2.0])), [-0.5, 2.0])
    np.testing.assert_allclose(ELU(2.0).value(np.array([-50.0, 2.0])), [-2.0, 2.0])
    for f in (LeakyReLU(0.25), ELU(2.0)):
        by_net = f.value(GRID + 1e-30j).imag / 1e-30
        np.testing.assert_allclose(f.derivative(f.value(GRID)), by_net, rtol=1e-9, atol=0)
    with pytest.raises(ValueError, match=r"slope is -0\.1.*not negative"):
        LeakyReLU(-0.1)
    with pytest.raises(ValueError, match=r"alpha is nan.*finite"):
        ELU(float("nan"))


def test_lookup():
    assert get_activation("tanh") is ACTIVATIONS["tanh"]
    own = LeakyReLU(0.3)
    assert isinstance(own, Activation)
    assert get_activation(own) is own
    with pytest.raises(
        ValueError, match=r"unknown activation 'sigmoyd'; did you mean 'sigmoid'\? known: identity, "
    ):
        get_activation("sigmoyd")
    with pytest.raises(ValueError, match=r"unknown activation 'zzz'; known: identity"):
        get_activation("zzz")
    with pytest.raises(TypeError, match=r"not as int"):
        get_activation(3)
