"""What networks for tables are trained with: NTP as factors, first values, schedules, preparation, decay."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule import reference
from chainrule.reference.first_values import data_driven_values, data_driven_weight, hull_bias
from chainrule.reference.preparation import robust_scale, smooth_clip
from chainrule.reference.rates import decoupled_decay, ntp_factors
from chainrule.reference.schedules import coslog4, flat_cos

# NTP


def by_v(case, weights):
    """dE/dV of the network net = x V / sqrt(n) - b, which is no derivative by W, by complex step."""

    def loss_at(*at):
        scaled = [V / np.sqrt(V.shape[0]) for V in at]
        return reference.batch_loss(scaled, case.biases, case.x, case.y, case.activations, case.loss)

    return reference.complex_step(loss_at, weights)


def in_both(make_case):
    """A network in NTP and the same in the usual parametrisation."""
    rng = np.random.default_rng(2)
    case = make_case([9, 7, 5, 3], "tanh", "cross_entropy", n_samples=6)
    V = [rng.normal(size=W.shape) for W in case.weights]
    factors = [ntp_factors(W.shape[0]) for W in case.weights]
    case.weights = [one * f.first_weight for one, f in zip(V, factors, strict=True)]
    return case, V, factors


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_gradient_descent_in_ntp_is_that_with_rate_factor_1_over_n(make_case, momentum):
    case, V, factors = in_both(make_case)
    rate, in_v, in_w = 0.3, [0.0] * 3, [0.0] * 3
    for _ in range(4):
        by_w = reference.gradients(*case.arguments).weights
        for k, gradient in enumerate(by_v(case, V)):
            in_v[k] = momentum * in_v[k] - rate * gradient
            in_w[k] = momentum * in_w[k] - rate * factors[k].gradient_rate * by_w[k]
            V[k] = V[k] + in_v[k]
            case.weights[k] = case.weights[k] + in_w[k]
    for one, W in zip(V, case.weights, strict=True):
        np.testing.assert_allclose(W, one / np.sqrt(one.shape[0]), rtol=1e-11)


@pytest.mark.parametrize("epsilon", [1e-8, 0.1])
@pytest.mark.parametrize("rate_factor", [1.0, 6.0])
def test_adam_with_decay_in_ntp_is_that_with_factors_of_the_root(make_case, epsilon, rate_factor):
    case, V, _ = in_both(make_case)
    factors = [ntp_factors(W.shape[0], rate_factor) for W in V]
    rate, decay, beta_1, beta_2 = 0.04, 0.5, 0.9, 0.95
    memory = {name: ([0.0] * 3, [0.0] * 3) for name in "VW"}

    def step(name, k, parameter, gradient, rate, epsilon, decay, t):
        m, v = memory[name]
        m[k] = beta_1 * m[k] + (1 - beta_1) * gradient
        v[k] = beta_2 * v[k] + (1 - beta_2) * gradient**2
        root = np.sqrt(v[k] / (1 - beta_2**t)) + epsilon
        return parameter * (1 - rate * decay) - rate * m[k] / (1 - beta_1**t) / root

    for t in range(1, 5):
        by_w = reference.gradients(*case.arguments).weights
        for k, gradient in enumerate(by_v(case, V)):
            f = factors[k]
            V[k] = step("V", k, V[k], gradient, rate * rate_factor, epsilon, decay * rate_factor, t)
            case.weights[k] = step(
                "W",
                k,
                case.weights[k],
                by_w[k],
                rate * f.adam_rate,
                epsilon * f.adam_epsilon,
                decay * f.adam_decay,
                t,
            )
    for one, W in zip(V, case.weights, strict=True):
        np.testing.assert_allclose(W, one / np.sqrt(one.shape[0]), rtol=1e-10)


def test_decay_has_the_square_of_the_groups_factor():
    theta = np.array([1.0, -2.0])
    np.testing.assert_allclose(decoupled_decay(theta, 0.04, 0.02), theta * (1 - 0.0008), rtol=1e-15)
    np.testing.assert_allclose(decoupled_decay(theta, 0.04, 0.02, 6), theta * (1 - 0.0008 * 36), rtol=1e-15)
    f = ntp_factors(64, 6.0)
    np.testing.assert_allclose(
        theta * (1 - 0.04 * f.adam_rate * 0.02 * f.adam_decay),
        decoupled_decay(theta, 0.04, 0.02, 6),
        rtol=1e-15,
    )


@pytest.mark.parametrize("n_inputs", [0, -1, 2.0, True])
def test_a_layer_has_inputs(n_inputs):
    with pytest.raises(ValueError, match=r"n_inputs is .*; expected a whole number >= 1"):
        ntp_factors(n_inputs)


# First values


def draws(rng, sizes, n_samples, n_points=5):
    pairs = list(itertools.pairwise(sizes))
    return (
        [rng.normal(size=pair) for pair in pairs],
        [rng.integers(0, n_samples, (n_points, m)) for _, m in pairs],
        [rng.exponential(size=(n_points, m)) for _, m in pairs],
    )


def test_every_net_has_deviation_1_in_every_layer_and_a_zero_among_the_rows():
    rng = np.random.default_rng(0)
    sizes, x = [6, 20, 30, 4], rng.gamma(0.5, 40, size=(50, 6))
    weights, rows, exponentials = draws(rng, sizes, len(x))
    names = ["selu", "mish", "identity"]
    functions = [reference.get_activation(name) for name in names]
    found, biases = data_driven_values(x, weights, rows, exponentials, functions)
    stored = reference.forward(found, biases, x, names)
    for k, net in enumerate(stored.net):
        np.testing.assert_allclose(net.std(axis=0), 1, rtol=1e-12)
        np.testing.assert_allclose(
            found[k] / weights[k], np.broadcast_to((found[k] / weights[k])[0], found[k].shape)
        )
        z = stored.x[k] @ found[k]
        chosen = np.take_along_axis(z, rows[k], axis=0)
        assert np.all(biases[k] >= chosen.min(axis=0) - 1e-13)
        assert np.all(biases[k] <= chosen.max(axis=0) + 1e-13)


def test_a_unit_is_0_at_a_point_in_the_hull_of_its_rows():
    rng = np.random.default_rng(1)
    x, W = rng.normal(size=(40, 3)), rng.normal(size=(3, 7))
    _, (rows,), (exponentials,) = draws(rng, [3, 7], 40)
    b = hull_bias(x @ W, rows, exponentials)
    for j in range(7):
        share = exponentials[:, j] / exponentials[:, j].sum()
        point = share @ x[rows[:, j]]
        assert abs(point @ W[:, j] - b[j]) <= 1e-14 * np.abs(x @ W).max()


def test_shares_of_exponentials_are_uniform_on_the_simplex():
    """Their variance: (k - 1) / (k^2 (k + 1)), to 4 standard errors of 20,000 draws."""
    rng = np.random.default_rng(2)
    z, rows = np.eye(5)[:, :1], np.tile(np.arange(5)[:, None], (1, 20_000))
    shares = hull_bias(np.repeat(z, 20_000, axis=1), rows, rng.exponential(size=(5, 20_000)))
    assert shares.mean() == pytest.approx(1 / 5, rel=0.025)
    assert shares.var() == pytest.approx(4 / (25 * 6), rel=0.05)


def test_a_unit_with_the_same_net_in_every_row_stays_as_drawn():
    W = np.array([[3.0, 1.0], [2.0, 0.0]])
    found = data_driven_weight(np.array([[0.0, 1.0], [0.0, 1.0], [0.0, 1.0]]), W)
    np.testing.assert_array_equal(found, W)


# Schedules


@pytest.mark.parametrize(("t", "value"), [(0.1, 0.718355), (0.25, 0.493489), (0.75, 0.875658)])
def test_values_of_coslog4(t, value):
    assert round(coslog4(t), 6) == value
    assert coslog4(t) == pytest.approx(0.5 * (1 - np.cos(2 * np.pi * np.log2(1 + 15 * t))), rel=1e-13)


def test_coslog4_is_0_where_networks_are_finished():
    for zero in (0, 1 / 15, 3 / 15, 7 / 15, 1):
        assert coslog4(zero) <= 1e-28
    n_epochs, steps = 256, 10  # the epochs within which the zeros are reached
    values = [coslog4(step / (n_epochs * steps)) for step in range(n_epochs * steps + 1)]
    minima = [i for i in range(1, len(values) - 1) if values[i] < values[i - 1] and values[i] < values[i + 1]]
    assert [int(i / steps) for i in minima] == [17, 51, 119]
    assert max(values) <= 1
    assert max(values) >= 0.9999


@pytest.mark.parametrize(("t", "value"), [(0, 1), (0.3, 1), (0.5, 1), (0.75, 0.5), (0.9, 0.095492), (1, 0)])
def test_values_of_flat_cos(t, value):
    assert round(flat_cos(t), 6) == value


# Preparation


@pytest.mark.parametrize(("x", "value"), [(1, 0.948683), (2, 1.664101), (10, 2.873479)])
def test_values_of_smooth_clip(x, value):
    assert smooth_clip(np.array([float(x), -float(x)])).round(6).tolist() == [value, -value]


@settings(max_examples=200, deadline=None)
@given(st.floats(width=64))
def test_smooth_clip_is_the_formula_and_stays_within_3(x):
    (found,) = smooth_clip(np.array([x]))
    if np.isnan(x):
        assert np.isnan(found)
        return
    assert abs(found) <= 3
    assert np.sign(found) == np.sign(x)
    if abs(x) < 1e100:
        np.testing.assert_allclose(found, x / np.sqrt(1 + (x / 3) ** 2), rtol=1e-15)
    else:
        assert abs(found) == 3
    assert smooth_clip(np.array([1e30], dtype=np.float32)).dtype == np.float32


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 40), st.integers(0, 2**32 - 1), st.booleans())
def test_robust_scale_is_numpys_median_and_quantiles(n, seed, whole):
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 3, (n, 6)).astype(float) if whole else rng.normal(size=(n, 6))
    center, factor = robust_scale(x)
    np.testing.assert_allclose(center, np.median(x, axis=0), rtol=1e-14)
    q25, q75 = np.quantile(x, [0.25, 0.75], axis=0)
    for found, spread, full in zip(factor, q75 - q25, np.ptp(x, axis=0), strict=True):
        expected = 1 / spread if spread else 2 / full if full else 0
        assert found == pytest.approx(expected, rel=1e-12)
