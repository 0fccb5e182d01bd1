"""E12: every registered activation with a learned strength, against complex step, sigma itself and prelu."""

from types import SimpleNamespace

import numpy as np
import pytest

from chainrule import reference
from chainrule.reference import ACTIVATIONS, get_activation, gradcheck
from chainrule.reference.activations import Parametric, PReLU

SIGMAS = [a.name for a in ACTIVATIONS.values() if not (a.output_only or a.hidden_only)]
GRID = np.concatenate([-np.geomspace(1e-3, 12, 40)[::-1], np.geomspace(1e-3, 12, 40)])[:, None]
ALPHA = np.array([1.0, 0.4, -0.3, 1.7])


def parametric(name, alpha=1.0):
    return Parametric(get_activation(name), alpha)


def test_every_activation_that_learns_nothing_may_be_sigma():
    hidden = {a.name for a in ACTIVATIONS.values() if not a.output_only}
    assert hidden - {"prelu"} == set(SIGMAS)


@pytest.mark.parametrize("name", SIGMAS)
def test_value_and_derivatives(name):
    f, sigma = parametric(name, ALPHA), ACTIVATIONS[name]
    net = np.repeat(GRID, 4, axis=1)
    np.testing.assert_allclose(
        f.value(net), net + ALPHA * (sigma.value(net) - net), rtol=1e-12, atol=1e-12
    )  # cancels where alpha (net - sigma) is near net
    by_net = np.imag(f.value(net + 1e-30j)) / 1e-30
    assert np.max(np.abs(f.derivative(net) - by_net)) <= 1e-14 * np.max(np.abs(by_net))
    by_alpha = np.imag(parametric(name, ALPHA + 1e-30j).value(net)) / 1e-30
    found = f.alpha_gradient(np.ones_like(net), net)
    assert np.max(np.abs(found - by_alpha)) <= 1e-14 * np.max(np.abs(by_alpha))
    np.testing.assert_array_equal(f.backward(np.cos(net), net), np.cos(net) * f.derivative(net))


@pytest.mark.parametrize("name", SIGMAS)
def test_it_is_sigma_to_the_bit_at_1_and_the_identity_at_0(name):
    sigma = ACTIVATIONS[name]
    np.testing.assert_array_equal(parametric(name).value(GRID), sigma.value(GRID))
    kept = GRID if sigma.keeps == "net" else sigma.value(GRID)
    np.testing.assert_array_equal(parametric(name).derivative(GRID), sigma.derivative(kept))
    np.testing.assert_array_equal(parametric(name, 0.0).value(GRID), GRID)
    np.testing.assert_array_equal(parametric(name, 0.0).derivative(GRID), 1)


@pytest.mark.parametrize(
    ("name", "kink", "slopes"),
    [
        ("relu", 0.0, {0.0, 1.0}),
        ("leaky_relu", 0.0, {0.01, 1.0}),
        ("selu", 0.0, {1.0507009873554804934, 1.0507009873554804934 * 1.6732632423543772848}),
        ("relu6", 6.0, {0.0, 1.0}),
        ("hardtanh", -1.0, {0.0, 1.0}),
    ],
)
@pytest.mark.parametrize("alpha", [1.0, 0.5, -2.0])
def test_derivative_at_the_kink_of_sigma_is_one_of_the_two_sides(name, kink, slopes, alpha):
    f = parametric(name, alpha)
    found = float(f.derivative(np.array([kink]))[0])
    assert found in {(1 - alpha) + alpha * slope for slope in slopes}
    by_net = np.imag(f.value(np.array([kink + 1e-30j])))[0] / 1e-30
    np.testing.assert_allclose(found, by_net, rtol=1e-15)


@pytest.mark.parametrize("name", SIGMAS)
def test_networks_are_right_by_complex_step(make_case, relative_difference, name):
    rng = np.random.default_rng(9)
    case = make_case([3, 5, 4, 3], [parametric(name), parametric(name)], "cross_entropy", n_samples=7)
    alphas = [rng.normal(0.8, 0.4, 5), rng.normal(0.8, 0.4, 4), None]
    g = reference.gradients(*case.arguments, alphas=alphas)

    def loss_at(*at):
        return reference.batch_loss(
            at[:3], at[3:6], at[6], case.y, case.activations, case.loss, alphas=[at[7], at[8], None]
        )

    expected = reference.complex_step(loss_at, [*case.weights, *case.biases, case.x, *alphas[:2]])
    for found, truth in zip((*g.weights, *g.biases, g.x, *g.alphas[:2]), expected, strict=True):
        if name == "identity" and not np.any(truth):  # which alpha does not change
            assert not np.any(found)
        else:
            assert relative_difference(found, truth) <= 1e-12
    assert g.alphas[2] is None


def test_without_alphas_those_of_the_activation(make_case):
    case = make_case([3, 5, 2], [parametric("mish", 0.3)], "squared_error")
    default = reference.gradients(*case.arguments)
    given = reference.gradients(*case.arguments, alphas=[np.full(5, 0.3), None])
    assert float(default.loss) == float(given.loss)
    np.testing.assert_array_equal(default.alphas[0], given.alphas[0])
    stored = reference.forward(case.weights, case.biases, case.x, case.activations)
    np.testing.assert_array_equal(stored.alphas[0], np.full(5, 0.3))
    assert stored.kept(0) is stored.z[0]


def test_prelu_is_parametric_relu_with_slope_1_minus_alpha(make_case):
    slope = np.array([0.25, -0.5, 1.5, 0.0, 1.0])
    prelu = make_case([3, 5, 2], [PReLU(slope)], "squared_error")
    relu = make_case([3, 5, 2], [parametric("relu", 1 - slope)], "squared_error")
    a, b = reference.gradients(*prelu.arguments), reference.gradients(*relu.arguments)
    np.testing.assert_allclose(a.loss, b.loss, rtol=1e-14)
    np.testing.assert_allclose(a.weights[0], b.weights[0], rtol=1e-13)
    np.testing.assert_allclose(a.slopes[0], -b.alphas[0], rtol=1e-13)


def test_gradcheck_covers_alphas(make_case):
    case = make_case([3, 5, 2], [parametric("selu")], "squared_error")
    network = SimpleNamespace(**{k: getattr(case, k) for k in ("weights", "biases", "activations", "loss")})
    network.alphas = [np.linspace(0.5, 1.2, 5), None]

    def gradients(x, y, **options):
        return reference.gradients(*case.arguments, alphas=network.alphas, **options)

    network.gradients = gradients
    report = gradcheck(network, case.x, case.y, tolerance=1e-12)
    assert report, report
    assert [(c.name, c.equation) for c in report.parameters] == [
        ("W_1", "E6"),
        ("b_1", "E5"),
        ("alpha_1", "E12"),
        ("W_2", "E6"),
        ("b_2", "E4"),
    ]


def test_float32_stays_float32(make_case):
    case = make_case([3, 5, 2], [parametric("mish")], "squared_error").astype(np.float32)
    g = reference.gradients(*case.arguments, alphas=[np.ones(5), None])
    assert {a.dtype for a in (g.alphas[0], *g.weights, *g.deltas)} == {np.dtype(np.float32)}


def test_what_does_not_fit_is_named(make_case):
    with pytest.raises(
        TypeError, match=r"sigma is 'mish'; expected an Activation, such as get_activation\('mi"
    ):
        Parametric("mish")
    with pytest.raises(ValueError, match=r"sigma is 'softmax', which is for the output layer only; expected"):
        parametric("softmax")
    for own in (PReLU(), parametric("mish")):
        with pytest.raises(ValueError, match=rf"sigma is '{own.name}', which has a parameter of its own"):
            Parametric(own)
    case = make_case([3, 5, 2], [parametric("mish")], "squared_error")
    with pytest.raises(ValueError, match=r"alphas\[0\] has shape \(2,\); expected \(5,\), one per unit"):
        reference.forward(case.weights, case.biases, case.x, case.activations, alphas=[np.ones(2), None])
    with pytest.raises(
        ValueError, match=r"activations\[-1\] is 'parametric', which is for hidden layers only"
    ):
        reference.forward(case.weights, case.biases, case.x, ["tanh", parametric("mish")])
    with pytest.raises(
        ValueError, match=r"alphas\[0\] is given, .* 'tanh'; .* \(only 'parametric' has alphas\)"
    ):
        reference.forward(case.weights, case.biases, case.x, ["tanh", "identity"], alphas=[np.ones(5), None])
