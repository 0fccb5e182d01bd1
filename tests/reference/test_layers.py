"""E8-E10 and learned slopes: every combination against complex step, by every parameter."""

import itertools

import numpy as np
import pytest

from chainrule import reference
from chainrule.reference import Norm, equations
from chainrule.reference.activations import PReLU

SIZES = [4, 4, 5, 5, 5, 2]  # E9 may stand at layers 1, 3 and 4
HIDDEN = {
    "tanh": ["tanh"] * 4,
    "gelu": ["gelu"] * 4,
    "prelu": [PReLU()] * 4,
    "mixed": ["relu", PReLU(), "hardtanh", "softsign"],
}


def layer_options(norm, residual, dropout, prelu, sizes=SIZES, n_samples=6, seed=1):
    """Generic vectors and masks for the layers that may have them."""
    rng = np.random.default_rng(seed)
    hidden = sizes[1:-1]
    norms = [Norm(rng.normal(1, 0.3, n), rng.normal(0, 0.3, n)) for n in hidden]
    masks = [(rng.random((n_samples, n)) > 0.3) / 0.7 for n in hidden]
    slopes = [rng.normal(0.2, 0.3, n) if p else None for n, p in zip(hidden, prelu, strict=True)]
    return {
        "norms": [*norms, None] if norm else None,
        "residual": [*(a == b for a, b in itertools.pairwise(sizes[:-1])), False] if residual else None,
        "masks": [*masks, None] if dropout else None,
        "slopes": [*slopes, None],
    }


def all_differences(case, options, relative_difference, **more):
    """Relative differences from complex step of every gradient that there is."""
    g = reference.gradients(*case.arguments, **options, **more)
    n = len(case.weights)
    norms, slopes = options["norms"] or [None] * n, options["slopes"]
    gains = [norm.gain for norm in norms if norm is not None]
    shifts = [norm.shift for norm in norms if norm is not None]
    learned = [s for s in slopes if s is not None]
    parts = [*case.weights, *case.biases, case.x, *gains, *shifts, *learned]

    def loss_at(*at):
        at = iter(at)
        weights, biases = [next(at) for _ in range(n)], [next(at) for _ in range(n)]
        x = next(at)
        new_gains = [None if norm is None else next(at) for norm in norms]
        new_shifts = [None if norm is None else next(at) for norm in norms]
        new_slopes = [None if s is None else next(at) for s in slopes]
        new_norms = [None if a is None else Norm(a, b) for a, b in zip(new_gains, new_shifts, strict=True)]
        new = {**options, "norms": new_norms, "slopes": new_slopes}
        return reference.batch_loss(weights, biases, x, case.y, case.activations, case.loss, **new, **more)

    expected = reference.complex_step(loss_at, parts)
    found = [*g.weights, *g.biases, g.x]
    found += [a for arrays in (g.gains, g.shifts, g.slopes) for a in arrays if a is not None]
    return [relative_difference(a, b) for a, b in zip(found, expected, strict=True)]


@pytest.mark.parametrize("norm", [False, True])
@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("dropout", [False, True])
@pytest.mark.parametrize("hidden", HIDDEN)
def test_every_combination_is_right_by_complex_step(
    make_case, relative_difference, norm, residual, dropout, hidden
):
    case = make_case(SIZES, HIDDEN[hidden], "cross_entropy", n_samples=6, seed=2)
    prelu = [isinstance(f, PReLU) for f in HIDDEN[hidden]]
    options = layer_options(norm, residual, dropout, prelu)
    weights = {"sample_weight": np.array([1.0, 2.0, 0.5, 1.0, 3.0, 1.0]), "l2": 0.1}
    assert max(all_differences(case, options, relative_difference, **weights)) <= 1e-12


def test_the_order_of_a_hidden_layer(make_case):
    """E1, E8, E2, E10, E9."""
    case = make_case([3, 3, 2], [PReLU()], "squared_error")
    options = layer_options(True, True, True, [True], sizes=[3, 3, 2], n_samples=4)
    stored = reference.forward(case.weights, case.biases, case.x, case.activations, **options)
    net = case.x @ case.weights[0] - case.biases[0]
    (gain, shift), mask, slope = options["norms"][0], options["masks"][0], options["slopes"][0]
    deviation = np.sqrt(net.var(axis=1, keepdims=True) + 1e-5)
    z = gain * (net - net.mean(axis=1, keepdims=True)) / deviation + shift
    y = np.where(z > 0, z, slope * z)
    np.testing.assert_allclose(stored.z[0], z, rtol=1e-13)
    np.testing.assert_allclose(stored.y[0], y, rtol=1e-13)
    np.testing.assert_allclose(stored.x[1], y * mask + case.x, rtol=1e-13)
    assert stored.kept(0) is stored.z[0]
    assert stored.z[1] is stored.net[1]
    np.testing.assert_array_equal(stored.slopes[0], slope)
    assert stored.slopes[1] is None


def test_a_layer_without_any_of_them_has_its_own_bits(make_case):
    case = make_case([4, 4, 2], "tanh", "cross_entropy")
    plain = reference.gradients(*case.arguments)
    given = reference.gradients(
        *case.arguments, norms=[None, None], residual=[False, False], masks=[None, None], slopes=[None, None]
    )
    for a, b in zip([*plain.weights, *plain.biases], [*given.weights, *given.biases], strict=True):
        np.testing.assert_array_equal(a, b)
    assert plain.gains == plain.shifts == plain.slopes == [None, None]


def test_prelu_without_slopes_begins_with_a_quarter(make_case):
    case = make_case([3, 5, 2], [PReLU()], "squared_error")
    default = reference.gradients(*case.arguments)
    given = reference.gradients(*case.arguments, slopes=[np.full(5, 0.25), None])
    assert float(default.loss) == float(given.loss)
    np.testing.assert_array_equal(default.slopes[0], given.slopes[0])


def test_normalised_rows_have_mean_shift_and_deviation_gain():
    net = np.random.default_rng(0).normal(3, 50, (4, 400))
    z = equations.layer_norm(net, np.full(400, 2.0), np.full(400, 5.0))
    np.testing.assert_allclose(z.mean(axis=1), 5.0, rtol=1e-13)
    np.testing.assert_allclose(z.std(axis=1), 2.0, rtol=1e-8)  # 1e-5 beside a variance of 2500
    np.testing.assert_array_equal(equations.layer_norm(np.full((2, 3), 7.0), np.ones(3), np.zeros(3)), 0)


def test_float32_stays_float32(make_case):
    case = make_case(SIZES, [PReLU()] * 4, "squared_error", n_samples=6).astype(np.float32)
    options = layer_options(True, True, True, [True] * 4)
    g = reference.gradients(*case.arguments, **options)
    arrays = [*g.weights, *g.biases, g.x, *g.deltas, *g.gains[:-1], *g.shifts[:-1], *g.slopes[:-1]]
    assert {a.dtype for a in arrays} == {np.dtype(np.float32)}


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"norms": True}, TypeError, r"norms is True; expected a list with Norm or None for each of the 2"),
        ({"norms": [None]}, ValueError, r"norms has 1 entries for 2 layers"),
        ({"norms": [np.ones(5), None]}, TypeError, r"norms\[0\] is .*expected a Norm\(gain, shift\)"),
        (
            {"norms": [Norm(np.ones(4), np.ones(5)), None]},
            ValueError,
            r"norms\[0\]\.gain has shape \(4,\); expected \(5,\)",
        ),
        ({"norms": [None, Norm(np.ones(2), np.ones(2))]}, ValueError, r"norms\[1\] belongs to the output"),
        ({"residual": [True, False]}, ValueError, r"layer 1 has 3 inputs and 5 outputs"),
        ({"residual": [False, True]}, ValueError, r"residual\[1\] belongs to the output layer"),
        ({"masks": [np.ones(5), None]}, ValueError, r"masks\[0\] has shape \(5,\); expected \(4, 5\)"),
        ({"slopes": [np.ones(5), None]}, ValueError, r"activation is 'tanh'; expected None"),
    ],
)
def test_wrong_options_are_named(make_case, options, error, message):
    case = make_case([3, 5, 2], "tanh", "squared_error")
    with pytest.raises(error, match=message):
        reference.gradients(*case.arguments, **options)
    prelu = make_case([3, 5, 2], [PReLU()], "squared_error")
    with pytest.raises(ValueError, match=r"slopes\[0\] has shape \(2,\); expected \(5,\)"):
        reference.forward(prelu.weights, prelu.biases, prelu.x, prelu.activations, slopes=[np.ones(2), None])


def test_prelu_is_for_hidden_layers(make_case):
    case = make_case([3, 5, 2], "tanh", "squared_error")
    with pytest.raises(ValueError, match=r"activations\[-1\] is 'prelu', which is for hidden layers only"):
        reference.forward(case.weights, case.biases, case.x, ["tanh", PReLU()])
