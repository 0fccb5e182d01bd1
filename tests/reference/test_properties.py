"""Properties of the gradients that hold for any network."""

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule import reference
from chainrule.reference import ACTIVATIONS, LOSSES

HIDDEN = [a.name for a in ACTIVATIONS.values() if not a.output_only]
PAIRS = [(loss.name, output) for loss in LOSSES.values() for output in loss.output_activations]

networks = st.fixed_dictionaries(
    {
        "sizes": st.lists(st.integers(1, 7), min_size=2, max_size=5),
        "hidden": st.lists(st.sampled_from(HIDDEN), min_size=4, max_size=4),
        "pair": st.sampled_from(PAIRS),
        "n_samples": st.integers(1, 6),
        "seed": st.integers(0, 2**32 - 1),
    }
)
quick = settings(max_examples=60, deadline=None)


def build(make_case, drawn):
    sizes = drawn["sizes"]
    loss, output = drawn["pair"]
    return make_case(
        sizes, drawn["hidden"][: len(sizes) - 2], loss, output, drawn["n_samples"], drawn["seed"]
    )


def arrays(g):
    return [*g.weights, *g.biases]


def assert_close(found, expected, scale=None):
    """Within 1e-10 of the largest magnitude; arrays that are all zero (dead units) must be zero exactly.

    Two orders above what complex step is held to, because an array drawn at random may be a sum that cancels.
    """
    scale = np.max(np.abs(expected)) if scale is None else scale
    assert found.shape == expected.shape
    assert np.max(np.abs(found - expected)) <= 1e-10 * scale


@quick
@given(networks, st.data())
def test_batch_gradient_is_the_weighted_mean_of_the_rows_gradients(make_case, drawn, data):
    case = build(make_case, drawn)
    n_samples = len(case.x)
    weight = data.draw(st.lists(st.floats(0.125, 8), min_size=n_samples, max_size=n_samples))
    batch = reference.gradients(*case.arguments, sample_weight=weight)
    rows = [
        reference.gradients(case.weights, case.biases, x, y, case.activations, case.loss)
        for x, y in zip(case.x, case.y, strict=True)
    ]
    shares = np.array(weight) / np.sum(weight)
    for i, found in enumerate(arrays(batch)):
        terms = [share * arrays(row)[i] for share, row in zip(shares, rows, strict=True)]
        # the rows may cancel, so the scale is that of what is summed
        assert_close(found, sum(terms), scale=np.max(np.sum(np.abs(terms), axis=0)))
    losses = [share * row.loss for share, row in zip(shares, rows, strict=True)]
    # a poisson loss is a small difference of targets and outputs, so their size is the scale
    yhat = reference.predict(case.weights, case.biases, case.x, case.activations)
    assert_close(batch.loss, sum(losses), scale=np.mean(np.abs(case.y) + np.abs(yhat)) + sum(losses))
    assert_close(batch.x, np.array([share * row.x for share, row in zip(shares, rows, strict=True)]))


@quick
@given(networks, st.data())
def test_equal_weights_are_no_weights_and_their_scale_does_not_matter(make_case, drawn, data):
    case = build(make_case, drawn)
    weight = np.full(len(case.x), data.draw(st.floats(1e-3, 1e3)))
    plain, weighted = (
        reference.gradients(*case.arguments),
        reference.gradients(*case.arguments, sample_weight=weight),
    )
    for found, expected in zip(
        [*weighted.weights, *weighted.deltas], [*plain.weights, *plain.deltas], strict=True
    ):
        assert_close(found, expected)


@quick
@given(networks, st.data())
def test_permuting_hidden_units_permutes_the_gradient(make_case, drawn, data):
    case = build(make_case, drawn)
    if len(case.weights) < 2:
        return
    k = data.draw(st.integers(0, len(case.weights) - 2))
    order = data.draw(st.permutations(range(case.weights[k].shape[1])))
    before = reference.gradients(*case.arguments)
    case.weights[k] = case.weights[k][:, order]
    case.biases[k] = case.biases[k][order]
    case.weights[k + 1] = case.weights[k + 1][order]
    after = reference.gradients(*case.arguments)
    before.weights[k] = before.weights[k][:, order]
    before.biases[k] = before.biases[k][order]
    before.weights[k + 1] = before.weights[k + 1][order]
    for found, expected in zip(
        [*after.weights, *after.deltas[k + 1 :]], [*before.weights, *before.deltas[k + 1 :]], strict=True
    ):
        assert_close(found, expected)
    np.testing.assert_allclose(after.loss, before.loss, rtol=1e-8)


@quick
@given(networks)
def test_zero_error_gives_zero_gradient(make_case, drawn):
    case = build(make_case, drawn)
    if case.loss in ("focal", "binary_focal"):
        return  # minimal elsewhere
    case.y = reference.predict(case.weights, case.biases, case.x, case.activations)
    if case.loss in ("squared_error", "absolute_error", "huber", "log_cosh"):
        assert reference.batch_loss(*case.arguments) == 0
    if case.loss in ("poisson", "gamma", "tweedie"):
        assert abs(reference.batch_loss(*case.arguments)) <= 1e-13 * np.sum(case.y)
    for gradient in arrays(reference.gradients(*case.arguments)):
        assert np.all(gradient == 0)


@quick
@given(networks, st.floats(0, 10))
def test_penalty_adds_to_the_weights_gradient_only(make_case, drawn, l2):
    case = build(make_case, drawn)
    plain, penalised = reference.gradients(*case.arguments), reference.gradients(*case.arguments, l2=l2)
    squares = sum(np.sum(W**2) for W in case.weights)
    np.testing.assert_allclose(penalised.loss, plain.loss + l2 / 2 * squares, rtol=1e-12)
    for W, found, before in zip(case.weights, penalised.weights, plain.weights, strict=True):
        np.testing.assert_array_equal(found, before + l2 * W)
    for found, before in zip(penalised.biases, plain.biases, strict=True):
        np.testing.assert_array_equal(found, before)


@quick
@given(networks)
def test_inputs_are_never_changed(make_case, drawn):
    case = build(make_case, drawn)
    weight = np.arange(1.0, 1 + len(case.x))
    given_arrays = [*case.weights, *case.biases, case.x, case.y, weight]
    copies = [a.copy() for a in given_arrays]
    for a in given_arrays:
        a.flags.writeable = False
    first = reference.gradients(*case.arguments, sample_weight=weight, l2=0.1)
    second = reference.gradients(*case.arguments, sample_weight=weight, l2=0.1)
    for found, copy in zip(given_arrays, copies, strict=True):
        np.testing.assert_array_equal(found, copy)
    for found, again in zip(arrays(first), arrays(second), strict=True):
        np.testing.assert_array_equal(found, again)
        assert not any(np.shares_memory(found, a) for a in given_arrays)


@quick
@given(networks)
def test_fortran_order_and_strides_do_not_matter(make_case, drawn):
    case = build(make_case, drawn)
    expected = reference.gradients(*case.arguments)
    case.weights = [np.asfortranarray(W) for W in case.weights]
    case.x = np.repeat(case.x, 2, axis=1)[:, ::2]
    case.y = case.y[::-1][::-1]
    for found, before in itertools.zip_longest(
        [*reference.gradients(*case.arguments).weights], [*expected.weights]
    ):
        assert_close(found, before)
