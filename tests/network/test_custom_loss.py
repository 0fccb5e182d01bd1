"""A user's own loss: a Python function of predictions and targets."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

import chainrule
from chainrule import SGD, Adam, Network
from chainrule.model.custom_loss import CustomLoss
from chainrule.reference import ACTIVATIONS
from chainrule.training.errors import DivergenceError

from .networks import make_rows, parameters, relative_difference

OUTPUTS = [name for name, activation in ACTIVATIONS.items() if not activation.hidden_only]


def half_squares(predictions, targets):
    """Network's own squared error."""
    error = predictions - targets
    return 0.5 * (error**2).sum() / len(error), error / len(error)


def weighted_half_squares(predictions, targets, sample_weight):
    error, share = predictions - targets, sample_weight[:, None] / sample_weight.sum()
    return 0.5 * (share * error**2).sum(), share * error


def ranking(predictions, targets):
    """A loss that is no sum over rows: pairs in the wrong order."""
    p, y = predictions[:, 0], targets[:, 0]
    pairs = np.sign(y[:, None] - y)
    margin = pairs * (p[:, None] - p)
    slope = -pairs / (1 + np.exp(margin)) / len(p) ** 2
    return np.log1p(np.exp(-margin)).mean(), (slope.sum(axis=1) - slope.sum(axis=0))[:, None]


def pair(loss, output="identity", **settings):
    """The same network with its own squared error and with a function."""
    given = {"activation": "tanh", "output_activation": output, "random_state": 0, **settings}
    return Network([4, 9, 3], **given), Network([4, 9, 3], loss=loss, **given)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("output", OUTPUTS)
def test_gradients_of_the_squared_error_as_a_function(output: str, dtype: str) -> None:
    own, custom = pair(half_squares, output, dtype=dtype)
    x, y = (a.astype(dtype) for a in make_rows(own.sizes, n_samples=23))
    expected, found = own.gradients(x, y, l2=0.1), custom.gradients(x, y, l2=0.1)
    tolerance = 1e-5 if dtype == "float32" else 1e-13
    assert found.loss == pytest.approx(expected.loss, rel=tolerance)
    for a, b in zip([*found.weights, *found.biases], [*expected.weights, *expected.biases], strict=True):
        assert a.dtype == dtype
        assert relative_difference(a, b) < tolerance
    assert custom.evaluate(x, y) == pytest.approx(own.evaluate(x, y), rel=tolerance)


@pytest.mark.parametrize("optimizer", [SGD(0.1, momentum=0.9, l2=0.01), Adam(0.01, clip_norm=0.5)], ids=repr)
def test_training_is_that_of_the_loss_of_its_own(optimizer) -> None:
    own, custom = pair(half_squares)
    x, y = make_rows(own.sizes, n_samples=64)
    # batches of a power of two, so that dividing by it and multiplying with it is exact
    expected = own.train(x, y, optimizer=optimizer, epochs=5, batch_size=16)
    found = custom.train(x, y, optimizer=optimizer, epochs=5, batch_size=16)
    assert_allclose(found.loss, expected.loss, rtol=1e-13)
    assert_allclose(parameters(custom), parameters(own), rtol=1e-12, atol=1e-14)


def test_a_loss_that_is_no_sum_over_rows() -> None:
    net = Network([3, 16, 1], activation="tanh", loss=ranking, random_state=0)
    x = make_rows(net.sizes, n_samples=40)[0]
    y = np.exp(x[:, :1] + x[:, 1:2] ** 2)
    g = net.gradients(x, y)  # beyond 1024 rows too, the whole data are one batch
    checks = chainrule.gradcheck(net, x, y).parameters
    assert all(check.passed for check in checks[:-1])
    assert abs(checks[-1].given) < 1e-15  # what all outputs share makes no difference to their order
    step = 1e-6 * g.weights[0]
    before, net.weights[0] = net.evaluate(x, y), net.weights[0] - step
    assert net.evaluate(x, y) - before == pytest.approx(-(step * g.weights[0]).sum(), rel=1e-3)
    history = net.train(x, y, epochs=60, batch_size=None, optimizer=Adam(0.02))
    assert history.loss[-1] < 0.3 * history.loss[0]


def test_more_rows_than_a_chunk_are_one_batch() -> None:
    seen = []

    def loss(predictions, targets):
        seen.append(len(predictions))
        return half_squares(predictions, targets)

    net = Network([4, 5, 3], loss=loss, random_state=0)
    x, y = make_rows(net.sizes, n_samples=2500)
    net.gradients(x, y)
    net.evaluate(x, y)
    net.train(x, y, epochs=1, batch_size=1000, shuffle=False)
    assert seen == [2500, 2500, 1000, 1000, 500]


def test_what_the_function_is_given() -> None:
    given = []

    def loss(predictions, targets):
        given.append((predictions.copy(), targets))
        predictions[:] = np.nan  # it is the function's own
        return 0.0, np.zeros_like(predictions)

    net = Network([4, 5, 3], loss=loss, output_activation="softmax", dtype="float32", random_state=0)
    x = make_rows(net.sizes)[0].astype(np.float32)
    for y, dtype in (
        (np.array([0, 2, 1, 1, 0, 2, 2], np.uint8), np.int64),
        (np.arange(7.0), np.float32),
        (np.ones((7, 3)), np.float32),
        (np.ones((7, 2, 5), int), np.float32),
    ):
        net.gradients(x, y)
        predictions, targets = given.pop()
        assert_array_equal(predictions, net(x))
        assert_array_equal(targets, y)
        assert (targets.dtype, type(targets)) == (dtype, np.ndarray)
    net.gradients(x[0], 2)
    assert given.pop()[1].tolist() == [2]
    net.gradients(x[0], [1.0, 0.0, 0.0])
    assert given.pop()[1].shape == (1, 3)
    net.train(x, np.arange(7), epochs=1, batch_size=3)
    assert sorted(np.concatenate([targets for _, targets in given]).tolist()) == list(range(7))


def test_sample_weights() -> None:
    own, custom = pair(weighted_half_squares)
    x, y = make_rows(own.sizes, n_samples=16)
    weight = np.random.default_rng(0).integers(0, 3, 16).astype(float)
    assert custom.evaluate(x, y, weight) == pytest.approx(own.evaluate(x, y, weight), rel=1e-14)
    expected, found = own.gradients(x, y, weight), custom.gradients(x, y, weight)
    assert relative_difference(found.weights[0], expected.weights[0]) < 1e-13
    for net in (own, custom):  # rows of weight 0 are left out before batches are made
        net.train(x, y, sample_weight=weight, epochs=3, batch_size=4, optimizer=SGD(0.1))
    assert_allclose(parameters(custom), parameters(own), rtol=1e-12)
    for loss in (half_squares, lambda predictions, targets: half_squares(predictions, targets)):
        with pytest.raises(
            ValueError, match=r"takes no weights; give it a third argument: loss\(predictions"
        ):
            Network([4, 3], loss=loss).gradients(x, y, weight)
    seen = []

    def optional(predictions, targets, sample_weight="none given"):
        seen.append(sample_weight)
        return half_squares(predictions, targets)

    def needed(predictions, targets, sample_weight):
        seen.append(sample_weight)
        return half_squares(predictions, targets)

    for loss in (optional, needed):
        Network([4, 3], loss=loss).gradients(x, y)
    assert seen == ["none given", None]


def test_sparse_rows_and_threads_give_the_same_bits() -> None:
    results = []
    for n_threads in (1, 2, 3):
        net = Network([40, 30, 3], activation="tanh", loss=half_squares, random_state=0, n_threads=n_threads)
        x, y = make_rows(net.sizes, n_samples=400)
        x[np.random.default_rng(1).random(x.shape) < 0.8] = 0
        for rows in (x, sparse.csr_array(x)):
            again = copy.copy(net)
            g = again.gradients(rows, y)
            history = again.train(rows, y, epochs=2, batch_size=128)
            results.append([g.loss, *g.weights, history.loss, parameters(again)])
    for other in results[1:]:
        for a, b in zip(other, results[0], strict=True):
            assert_array_equal(a, b)


@pytest.mark.parametrize("n_threads", [1, 3])
@pytest.mark.parametrize("error", [ZeroDivisionError("at the third"), KeyboardInterrupt()], ids=repr)
def test_an_exception_leaves_the_parameters_after_the_last_whole_step(error, n_threads: int) -> None:
    calls = 0

    def loss(predictions, targets):
        nonlocal calls
        calls += 1
        if calls == 3:
            raise error
        return half_squares(predictions, targets)

    net = Network([4, 300, 3], activation="tanh", loss=loss, random_state=0, n_threads=n_threads)
    wanted = Network([4, 300, 3], activation="tanh", loss=half_squares, random_state=0)
    x, y = make_rows(net.sizes, n_samples=512)
    with pytest.raises(type(error)) as caught:
        net.train(x, y, epochs=2, batch_size=128, shuffle=False, optimizer=SGD(0.1))
    assert caught.value is error
    assert any("test_custom_loss" in str(entry.path) for entry in caught.traceback)
    wanted.train(x[:256], y[:256], epochs=1, batch_size=128, shuffle=False, optimizer=SGD(0.1))
    assert_array_equal(parameters(net), parameters(wanted))
    calls = 10
    net.train(x, y, epochs=1, optimizer=SGD(0.1), resume=True)  # and it can go on
    for method in (net.gradients, net.evaluate):
        calls = 2
        with pytest.raises(type(error)):
            method(x, y)
    assert np.isfinite(net.evaluate(x, y))


@pytest.mark.parametrize(
    ("returned", "error", "message"),
    [
        (None, TypeError, r"returned a NoneType; expected \(value, gradient\).* of shape \(7, 3\)"),
        (1.0, TypeError, r"returned a float; expected \(value, gradient\)"),
        ((1.0, 2.0, 3.0), TypeError, "returned 3 things; expected"),
        ((1.0, np.zeros((7, 2))), ValueError, r"a gradient of shape \(7, 2\); expected .* of shape \(7, 3\)"),
        ((1.0, 0.0), ValueError, r"a gradient of shape \(\); expected"),
        (
            (np.zeros(7), np.zeros((7, 3))),
            ValueError,
            r"returned a value of shape \(7,\); expected .*a number",
        ),
        ((1.0, "gradient"), TypeError, r"returned no real numbers \(could not convert"),
        ((np.nan, np.zeros((7, 3))), ValueError, r"a value with nan for predictions that are all finite"),
        ((1.0, np.full((7, 3), np.inf)), ValueError, r"a gradient with inf .*guard its logarithms"),
    ],
)
def test_what_a_function_must_not_return(returned, error: type[Exception], message: str) -> None:
    net = Network([4, 3], loss=lambda predictions, targets: returned, random_state=0)
    x, y = make_rows(net.sizes)
    before = parameters(net)
    for method in (net.gradients, net.evaluate, net.train):
        with pytest.raises(error, match=message):
            method(x, y)
    assert_array_equal(parameters(net), before)


def test_one_output_may_have_a_flat_gradient_and_other_dtypes_are_converted() -> None:
    def loss(predictions, targets):
        value, gradient = half_squares(predictions, targets)
        return np.array([value], np.float32), gradient[:, 0].astype(np.float32).tolist()

    net, own = (Network([4, 1], loss=which, random_state=0) for which in (loss, "squared_error"))
    x, y = make_rows(net.sizes)
    assert relative_difference(net.gradients(x, y).weights[0], own.gradients(x, y).weights[0]) < 1e-6


def test_divergence_is_reported_as_ever() -> None:
    net = Network([4, 3], loss=half_squares, random_state=0)
    x, y = make_rows(net.sizes)
    with pytest.raises(DivergenceError, match="training diverged"), np.errstate(all="ignore"):
        net.train(x, y, optimizer=SGD(1e200), epochs=10)


def test_targets_need_a_row_each() -> None:
    net = Network([4, 3], loss=half_squares)
    x = make_rows(net.sizes)[0]
    with pytest.raises(ValueError, match=r"y has shape \(6, 3\); expected a row for each of the 7 rows of x"):
        net.gradients(x, np.ones((6, 3)))
    with pytest.raises(TypeError, match="y has dtype"):
        net.gradients(x, ["a"] * 7)
    with pytest.raises(ValueError, match=r"y has nan in row 2"):
        net.evaluate(x, [[0.0] * 3, [0.0] * 3, [np.nan] * 3, *[[0.0] * 3] * 4])


def test_no_derivatives_row_by_row() -> None:
    net = Network([4, 3], loss=half_squares, random_state=0)
    x, y = make_rows(net.sizes)
    for method in (net.input_gradients, net.per_sample_gradients, net.per_sample_gradient_norms):
        with pytest.raises(ValueError, match="a Python function is one number for a batch"):
            method(x, y)
    assert net.jacobian(x).shape == (7, 3, 4)
    with pytest.raises(TypeError, match="one number for a batch"):
        CustomLoss(half_squares).value()


def test_copies_pickles_and_files(tmp_path) -> None:
    net = Network([4, 3], loss=half_squares, random_state=0)
    x, y = make_rows(net.sizes)
    assert net.loss is half_squares
    assert "loss=<function half_squares" in repr(net)
    for other in (copy.copy(net), copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert other.loss is half_squares
        assert other.evaluate(x, y) == net.evaluate(x, y)
    net.save(tmp_path / "net.safetensors")
    loaded = chainrule.load(tmp_path / "net.safetensors")
    assert loaded.loss == "custom"
    assert_array_equal(loaded(x), net(x))
    with pytest.raises(
        ValueError, match=r"a Python function, which its file cannot hold; set it first: net\.loss ="
    ):
        loaded.train(x, y)
    loaded.loss = half_squares
    assert loaded.evaluate(x, y) == net.evaluate(x, y)
    with pytest.raises(AttributeError, match="the loss of a network is fixed, here 'squared_error'"):
        Network([4, 3]).loss = half_squares
    with pytest.raises(AttributeError, match="the loss of a network is fixed"):
        net.loss = "squared_error"


@pytest.mark.parametrize("loss", [lambda: 0, lambda a: 0, lambda a, b, c, d: 0])
def test_functions_with_other_arguments(loss) -> None:
    with pytest.raises(TypeError, match=r"expected a function of \(predictions, targets\) or"):
        Network([4, 3], loss=loss)


def test_gradcheck_checks_the_functions_own_gradient() -> None:
    def wrong(predictions, targets):
        value, gradient = half_squares(predictions, targets)
        return value, 2 * gradient

    x, y = make_rows([4, 5, 3])
    for loss, right in ((half_squares, True), (wrong, False)):
        net = Network([4, 5, 3], activation="tanh", loss=loss, random_state=0)
        assert bool(chainrule.gradcheck(net, x, y, l2=0.1)) is right
    net = Network([4, 5, 3], loss=lambda p, y: (float(np.abs(p).sum()), np.sign(p)), random_state=0)
    with pytest.raises(TypeError, match=r"gradcheck calls the loss function with complex predictions"):
        chainrule.gradcheck(net, x, y)
