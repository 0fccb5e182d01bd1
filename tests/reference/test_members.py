"""E16: members that share weights are networks of their own, and their gradients add up."""

import itertools
from types import SimpleNamespace

import numpy as np
import pytest

from chainrule import reference
from chainrule.reference import Members, Norm, gradcheck

SIZES, N_MEMBERS, N_EACH = [4, 5, 5, 3], 3, 4


def make_members(make_case, shared=(True, True, True), loss="cross_entropy", hidden="tanh", seed=1):
    """A case with rows of each member, and the factors of the layers that are shared."""
    rng = np.random.default_rng(seed)
    case = make_case(SIZES, hidden, loss, n_samples=N_MEMBERS * N_EACH)
    factors = [
        Members(rng.normal(1, 0.5, (N_MEMBERS, n)), rng.normal(1, 0.5, (N_MEMBERS, m))) if one else None
        for one, (n, m) in zip(shared, itertools.pairwise(SIZES), strict=True)
    ]
    case.biases = [
        b + rng.normal(0, 0.3, (N_MEMBERS, len(b))) if one else b
        for one, b in zip(shared, case.biases, strict=True)
    ]
    return case, factors


def own_network(case, factors, m):
    """Member m alone: W_k = diag(r) W diag(s), its biases and its rows."""
    weights = [
        W if f is None else f.input_factor[m][:, None] * W * f.output_factor[m]
        for W, f in zip(case.weights, factors, strict=True)
    ]
    biases = [b if f is None else b[m] for b, f in zip(case.biases, factors, strict=True)]
    rows = slice(m * N_EACH, (m + 1) * N_EACH)
    return weights, biases, case.x[rows], case.y[rows], case.activations, case.loss


@pytest.mark.parametrize("shared", [(True, True, True), (True, False, True), (False, True, False)])
def test_each_member_is_a_network_of_its_own(make_case, shared):
    case, factors = make_members(make_case, shared)
    g = reference.gradients(*case.arguments, members=factors)
    output = reference.predict(case.weights, case.biases, case.x, case.activations, members=factors)
    alone = [reference.gradients(*own_network(case, factors, m)) for m in range(N_MEMBERS)]
    for m, network in enumerate(alone):
        own = reference.predict(*own_network(case, factors, m)[:3], case.activations)
        np.testing.assert_allclose(output[m * N_EACH : (m + 1) * N_EACH], own, rtol=1e-12)
        rows = slice(m * N_EACH, (m + 1) * N_EACH)
        np.testing.assert_allclose(N_MEMBERS * g.x[rows], network.x, rtol=1e-11)
    np.testing.assert_allclose(g.loss, np.mean([network.loss for network in alone]), rtol=1e-14)
    for k, f in enumerate(factors):
        by_member = [network.weights[k] / N_MEMBERS for network in alone]
        own_biases = np.array([network.biases[k] / N_MEMBERS for network in alone])
        if f is None:
            np.testing.assert_allclose(g.weights[k], sum(by_member), rtol=1e-10)
            np.testing.assert_allclose(g.biases[k], own_biases.sum(axis=0), rtol=1e-10)
            assert g.members[k] is None
            continue
        r, s, W = *f, case.weights[k]
        expected = sum(np.outer(r[m], s[m]) * by_member[m] for m in range(N_MEMBERS))
        np.testing.assert_allclose(g.weights[k], expected, rtol=1e-10)
        np.testing.assert_allclose(g.biases[k], own_biases, rtol=1e-10)
        by_r = [(by_member[m] * W * s[m]).sum(axis=1) for m in range(N_MEMBERS)]
        by_s = [(by_member[m] * W * r[m][:, None]).sum(axis=0) for m in range(N_MEMBERS)]
        np.testing.assert_allclose(g.members[k].input_factor, by_r, rtol=1e-9)
        np.testing.assert_allclose(g.members[k].output_factor, by_s, rtol=1e-9)


@pytest.mark.parametrize("loss", reference.LOSSES)
@pytest.mark.parametrize("extras", [False, True])
def test_gradients_are_right_by_complex_step(make_case, relative_difference, loss, extras):
    case, factors = make_members(make_case, (True, True, True), loss, ["gelu", "relu"])
    rng = np.random.default_rng(3)
    options = {"sample_weight": np.arange(1.0, 1 + len(case.x)), "l2": 0.1}
    if extras:
        options["norms"] = [None, Norm(rng.normal(1, 0.3, 5), rng.normal(0, 0.3, 5)), None]
        options["residual"] = [False, True, False]
        options["masks"] = [(rng.random((len(case.x), 5)) > 0.3) / 0.7, None, None]
    g = reference.gradients(*case.arguments, members=factors, **options)

    def loss_at(*at):
        members = [Members(*at[7 + 2 * k : 9 + 2 * k]) for k in range(3)]
        return reference.batch_loss(
            at[:3], at[3:6], at[6], case.y, case.activations, case.loss, members=members, **options
        )

    parts = [*case.weights, *case.biases, case.x, *(a for f in factors for a in f)]
    found = [*g.weights, *g.biases, g.x, *(a for f in g.members for a in f)]
    for one, truth in zip(found, reference.complex_step(loss_at, parts), strict=True):
        assert relative_difference(one, truth) <= 1e-12


def test_factors_of_1_and_equal_biases_are_the_plain_network(make_case):
    case, _ = make_members(make_case, (False, False, False))
    plain = reference.gradients(*case.arguments)
    ones = [Members(np.ones((2, n)), np.ones((2, m))) for n, m in itertools.pairwise(SIZES)]
    biases = [np.stack([b, b]) for b in case.biases]
    g = reference.gradients(case.weights, biases, case.x, case.y, case.activations, case.loss, members=ones)
    assert float(g.loss) == float(plain.loss)
    for k in range(3):
        np.testing.assert_allclose(g.weights[k], plain.weights[k], rtol=1e-12)
        np.testing.assert_allclose(g.biases[k].sum(axis=0), plain.biases[k], rtol=1e-12)


def test_gradcheck_covers_members(make_case):
    case, factors = make_members(make_case, (True, False, True))
    network = SimpleNamespace(**{k: getattr(case, k) for k in ("weights", "biases", "activations", "loss")})
    network.members = factors
    network.gradients = lambda x, y, **options: reference.gradients(
        *case.arguments, members=factors, **options
    )
    report = gradcheck(network, case.x, case.y, l2=0.1, tolerance=1e-12)
    assert report, report
    assert [(c.name, c.equation) for c in report.parameters] == [
        *(("W_1", "E6"), ("b_1", "E5"), ("r_1", "E16"), ("s_1", "E16")),
        *(("W_2", "E6"), ("b_2", "E5")),
        *(("W_3", "E6"), ("b_3", "E4"), ("r_3", "E16"), ("s_3", "E16")),
    ]

    def spoiled(x, y, **options):
        g = reference.gradients(*case.arguments, members=factors, **options)
        g.members[2].output_factor[1, 0] *= 1 + 1e-6
        return g

    network.gradients = spoiled
    assert [c.name for c in gradcheck(network, case.x, case.y).parameters if not c.passed] == ["s_3"]


def test_float32_stays_float32(make_case):
    case, factors = make_members(make_case)
    g = reference.gradients(*case.astype(np.float32).arguments, members=factors)
    arrays = [*g.weights, *g.biases, g.x, *(a for f in g.members for a in f)]
    assert {a.dtype for a in arrays} == {np.dtype(np.float32)}


def ones(n_members=3, n_in=4, n_out=5):
    return Members(np.ones((n_members, n_in)), np.ones((n_members, n_out)))


@pytest.mark.parametrize(
    ("members", "biases", "error", "message"),
    [
        ([ones(), None], None, ValueError, r"members has 2 entries for 3 layers; expected one each"),
        (ones(), None, ValueError, r"members has 2 entries for 3 layers"),
        ([3, None, None], (3, 5), TypeError, r"members\[0\] is 3; expected Members\(input_factor, output_fa"),
        ([ones(), None, None], None, ValueError, r"biases\[0\] has shape \(5,\); expected \(n_members, 5\)"),
        ([None] * 3, (3, 5), ValueError, r"biases\[0\] has shape \(3, 5\); expected \(5,\), as weights\[0\]"),
        (
            [ones(2), None, None],
            (3, 5),
            ValueError,
            r"members\[0\]\.input_factor has shape \(2, 4\); expected \(3, 4\)",
        ),
        (
            [ones(3, 4, 4), None, None],
            (3, 5),
            ValueError,
            r"members\[0\]\.output_factor has shape \(3, 4\); expected \(3, 5\)",
        ),
        ([ones(5), None, None], (5, 5), ValueError, r"x has 12 rows for 5 members; expected a multiple: the"),
    ],
)
def test_what_does_not_fit_is_named(make_case, members, biases, error, message):
    case, _ = make_members(make_case, (False, False, False))
    if biases is not None:
        case.biases[0] = np.ones(biases)
    with pytest.raises(error, match=message):
        reference.gradients(*case.arguments, members=members)


def test_layers_with_different_numbers_of_members_are_refused(make_case):
    case, _ = make_members(make_case, (False, False, False))
    case.biases[0], case.biases[1] = np.ones((3, 5)), np.ones((2, 5))
    with pytest.raises(ValueError, match=r"members has layers of \[2, 3\] members; expected the same number"):
        reference.gradients(*case.arguments, members=[ones(), ones(2, 5, 5), None])
