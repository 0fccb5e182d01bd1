"""E3 and what E4 starts from: each loss' value, its derivative by the output, and the output delta."""

import numpy as np
import pytest
from scipy.special import xlogy
from sklearn import _loss

from chainrule.losses import (
    AbsoluteError,
    BinaryCrossEntropy,
    BinaryFocal,
    CrossEntropy,
    Focal,
    Gamma,
    Huber,
    LogCosh,
    Poisson,
    Quantile,
    SquaredError,
    Tweedie,
)
from chainrule.reference import ACTIVATIONS, LOSSES, complex_step, get_loss
from loss_targets import random_targets

#: Every loss with its default settings, and with others where it has any.
LOSSES_TESTED = [
    *LOSSES.values(),
    Huber(0.3),
    Quantile(0.9),
    Tweedie(1.0),
    Tweedie(1.1),
    Tweedie(2.0),
    Tweedie(3.0),
    CrossEntropy(0.1),
    BinaryCrossEntropy(0.1),
    Focal(0.0),
    Focal(0.5),
    BinaryFocal(0.0),
    BinaryFocal(0.5),
]
PAIRS = [pytest.param(loss, f, id=f"{loss}-{f}") for loss in LOSSES_TESTED for f in loss.output_activations]
CANONICAL = ["squared_error", "cross_entropy", "binary_cross_entropy", "poisson"]
DEVIANCES = (Poisson, Gamma, Tweedie)


def task(loss, output, seed=0, scale=1.0):
    """Net inputs, outputs and targets of five rows and four outputs."""
    rng = np.random.default_rng(seed)
    net = scale * rng.normal(size=(5, 4))
    f = ACTIVATIONS[output]
    y = random_targets(loss.name, (5, 4), rng)
    if isinstance(loss, Tweedie) and loss.power >= 2:
        y += 0.1
    yhat = f.value(net)
    return f, net, yhat, y, (yhat if f.keeps == "output" else net)


def formula(loss, p, y):
    """Each loss as its source writes it, for outputs that are not extreme."""
    e = p - y
    match loss:
        case SquaredError():
            return e**2 / 2
        case Quantile():
            (q,) = loss.parameters
            return np.maximum(-q * e, (1 - q) * e)
        case AbsoluteError():
            return np.abs(e)
        case Huber(delta):
            return np.where(np.abs(e) <= delta, e**2 / 2, delta * (np.abs(e) - delta / 2))
        case LogCosh():
            return np.log(np.cosh(e))
        case CrossEntropy(s):
            return -((1 - s) * y + s / 4) * np.log(p)
        case BinaryCrossEntropy(s):
            y = (1 - s) * y + s / 2
            return -(y * np.log(p) + (1 - y) * np.log(1 - p))
        case Focal(gamma):
            return -y * (1 - p) ** gamma * np.log(p)
        case BinaryFocal(gamma):
            return -(y * (1 - p) ** gamma * np.log(p) + (1 - y) * p**gamma * np.log(1 - p))
        case Poisson() | Tweedie(1.0):
            return xlogy(y, y / p) - y + p
        case Gamma() | Tweedie(2.0):
            return np.log(p / y) + y / p - 1
        case Tweedie(power):
            a, b = 1 - power, 2 - power
            return y**b / (a * b) - y * p**a / a + p**b / b
    raise AssertionError(loss)


def test_registry():
    assert list(LOSSES)[:4] == CANONICAL
    assert all(LOSSES[name].name == name for name in LOSSES)
    default = {name: loss.default_output_activation for name, loss in LOSSES.items()}
    assert {n for n, f in default.items() if f == "softmax"} == {"cross_entropy", "focal"}
    assert {n for n, f in default.items() if f == "sigmoid"} == {"binary_cross_entropy", "binary_focal"}
    assert {n for n, f in default.items() if f == "exp"} == {"poisson", "gamma", "tweedie"}
    for name in ("squared_error", "absolute_error", "huber", "log_cosh", "quantile"):
        assert default[name] == "identity"
        allowed = {n for n, activation in ACTIVATIONS.items() if not activation.hidden_only}
        assert set(LOSSES[name].output_activations) == allowed
    assert LOSSES["cross_entropy"].output_activations == ("softmax",)
    assert LOSSES["binary_cross_entropy"].output_activations == ("sigmoid",)
    assert LOSSES["poisson"].output_activations == ("exp", "softplus", "sigmoid")
    assert LOSSES["gamma"].output_activations == LOSSES["tweedie"].output_activations == ("exp", "softplus")


@pytest.mark.parametrize(("loss", "output"), PAIRS)
def test_value_is_the_formula(loss, output):
    f, net, yhat, y, _ = task(loss, output)
    expected = formula(loss, yhat, y).sum(axis=1)
    np.testing.assert_allclose(loss.value(f, net, yhat, y), expected, rtol=2e-13, atol=0)


@pytest.mark.parametrize(("loss", "output"), PAIRS)
def test_output_delta_is_the_derivative_of_the_value_by_net(loss, output):
    f, net, yhat, y, kept = task(loss, output)
    (expected,) = complex_step(lambda at: loss.value(f, at, f.value(at), y).sum(), [net])
    found = loss.output_delta(f, kept, yhat, y)
    assert np.max(np.abs(found - expected)) <= 1e-13 * np.max(np.abs(expected))


@pytest.mark.parametrize(("loss", "output"), PAIRS)
def test_output_delta_is_the_gradient_through_the_activation(loss, output):
    f, _, yhat, y, kept = task(loss, output)
    through = f.backward(loss.gradient(yhat, y), kept)
    np.testing.assert_allclose(loss.output_delta(f, kept, yhat, y), through, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("loss", CANONICAL)
def test_canonical_pairs_give_exactly_the_error(loss):
    loss = LOSSES[loss]
    f, _, yhat, y, kept = task(loss, loss.default_output_activation)
    np.testing.assert_array_equal(loss.output_delta(f, kept, yhat, y), yhat - y)


@pytest.mark.parametrize(("loss", "output"), PAIRS)
def test_zero_error_is_a_minimum(loss, output):
    f, net, yhat, _, kept = task(loss, output)
    delta, value = loss.output_delta(f, kept, yhat, yhat), loss.value(f, net, yhat, yhat)
    if isinstance(loss, Focal | BinaryFocal) or getattr(loss, "label_smoothing", 0):
        # their minimum is elsewhere, but at the targets the loss must not grow against the gradient
        step = net - 1e-4 * delta
        assert np.all(loss.value(f, step, f.value(step), yhat) <= value)
        return
    assert np.all(delta == 0)
    if not isinstance(loss, CrossEntropy | BinaryCrossEntropy):
        np.testing.assert_allclose(value, 0, atol=1e-14)


@pytest.mark.parametrize(
    ("near", "other", "tolerance"),
    [
        (Huber(1e6), SquaredError(), 0),
        (CrossEntropy(0.0), CrossEntropy(), 0),
        (Focal(0.0), CrossEntropy(), 1e-15),
        (BinaryFocal(0.0), BinaryCrossEntropy(), 1e-15),
        (Tweedie(1.0), Poisson(), 1e-14),
        (Tweedie(2.0), Gamma(), 1e-14),
        (Tweedie(1 + 1e-9), Poisson(), 1e-8),
        (Tweedie(2 - 1e-9), Gamma(), 1e-8),
    ],
    ids=repr,
)
def test_the_limit_of_a_setting_is_another_loss(near, other, tolerance):
    f, net, yhat, y, kept = task(other, other.default_output_activation)
    for found, expected in (
        (near.value(f, net, yhat, y), other.value(f, net, yhat, y)),
        (near.output_delta(f, kept, yhat, y), other.output_delta(f, kept, yhat, y)),
    ):
        np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


def test_kinks_have_the_derivative_0_and_corners_the_one_of_both_sides():
    y = np.zeros((1, 5))
    yhat = np.array([[-2.0, -1e-300, 0.0, 1e-300, 2.0]])
    assert AbsoluteError().gradient(yhat, y).tolist() == [[-1, -1, 0, 1, 1]]
    assert Huber(2.0).gradient(yhat, y).tolist() == [[-2, -1e-300, 0, 1e-300, 2]]


@pytest.mark.parametrize(
    ("loss", "theirs"),
    [
        (AbsoluteError(), _loss.AbsoluteError()),
        (Huber(0.7), _loss.HuberLoss(delta=0.7)),
        (Poisson(), _loss.HalfPoissonLoss()),
        (Gamma(), _loss.HalfGammaLoss()),
        (Tweedie(1.3), _loss.HalfTweedieLoss(power=1.3)),
        (Tweedie(2.5), _loss.HalfTweedieLoss(power=2.5)),
        (BinaryCrossEntropy(), _loss.HalfBinomialLoss()),
    ],
    ids=lambda loss: repr(loss).partition(" object at ")[0],
)
def test_values_and_deltas_are_scikit_learns(loss, theirs):
    """Scikit-learn's losses of a raw prediction net, with its constant that makes the best value 0."""
    rng = np.random.default_rng(5)
    f = ACTIVATIONS[loss.default_output_activation]
    net, y = rng.normal(size=50), random_targets(loss.name, (50, 1), rng)[:, 0]
    if isinstance(loss, Tweedie):
        y += 0.01
    expected = theirs.loss(y, net)
    if isinstance(loss, DEVIANCES):
        expected = expected + theirs.constant_to_optimal_zero(y)
    column = net[:, None]
    found = loss.value(f, column, f.value(column), y[:, None])
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)
    delta = loss.output_delta(f, f.value(column), f.value(column), y[:, None])
    np.testing.assert_allclose(delta[:, 0], theirs.gradient(y, net), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_cross_entropies_are_taken_from_net_and_never_clipped(dtype):
    net = np.array([[1000.0, 0.0, -1000.0]], dtype=dtype)
    softmax, sigmoid = ACTIVATIONS["softmax"], ACTIVATIONS["sigmoid"]
    wrong = np.array([[0.0, 0.0, 1.0]], dtype=dtype)
    assert LOSSES["cross_entropy"].value(softmax, net, softmax.value(net), wrong) == [2000.0]
    assert LOSSES["cross_entropy"].value(softmax, net, softmax.value(net), wrong[:, ::-1]) == [0.0]
    binary = LOSSES["binary_cross_entropy"].value(
        sigmoid, net[:, [0, 2]], sigmoid.value(net[:, [0, 2]]), wrong[:, 1:]
    )
    np.testing.assert_allclose(binary, [2000.0], rtol=1e-6)


@pytest.mark.parametrize("output", ["exp", "softplus", "sigmoid"])
def test_poisson_survives_an_output_that_underflows(output):
    f, net = ACTIVATIONS[output], np.array([[-2000.0]])
    yhat = f.value(net)
    assert yhat == 0
    for y, value in ((np.array([[0.0]]), 0.0), (np.array([[1.0]]), 1999.0)):
        assert LOSSES["poisson"].value(f, net, yhat, y) == [value]
        assert LOSSES["poisson"].output_delta(f, yhat, yhat, y) == -y


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_log_cosh_neither_cancels_nor_overflows(dtype):
    f = ACTIVATIONS["identity"]
    for error, value in (
        (1e-10, 5e-21),
        (-1e-3, 4.99999916666678e-07),
        (1.5, 0.8554401710137968),
        (3e30, 3e30),
    ):
        net = np.array([[error]], dtype)
        np.testing.assert_allclose(LogCosh().value(f, net, net, 0 * net), [value], rtol=1e-6, atol=0)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0, 5.0])
def test_focal_losses_of_probabilities_that_have_rounded(gamma):
    net = np.array([[1000.0, 0.0, -1000.0]])
    softmax, sigmoid = ACTIVATIONS["softmax"], ACTIVATIONS["sigmoid"]
    p, wrong = softmax.value(net), np.array([[0.0, 0.0, 1.0]])
    assert Focal(gamma).value(softmax, net, p, wrong) == [2000.0]
    np.testing.assert_array_equal(Focal(gamma).output_delta(softmax, p, p, wrong), [[1.0, 0.0, -1.0]])
    np.testing.assert_array_equal(Focal(gamma).output_delta(softmax, p, p, wrong[:, ::-1]), [[0.0, 0.0, 0.0]])
    p, y = sigmoid.value(net), np.array([[0.0, 1.0, 1.0]])
    np.testing.assert_allclose(BinaryFocal(gamma).value(sigmoid, net, p, y), 2000 + np.log(2) * 0.5**gamma)
    delta = BinaryFocal(gamma).output_delta(sigmoid, p, p, y)
    np.testing.assert_allclose(delta, [[1.0, -(0.5**gamma) * (gamma * np.log(2) + 1) / 2, -1.0]], rtol=1e-14)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Huber(0), ValueError, r"delta is 0; expected a finite number in \(0, inf\)"),
        (lambda: Huber("1"), TypeError, r"delta is '1'; expected a number in \(0, inf\)"),
        (lambda: Huber(True), TypeError, r"delta is True; expected a number"),
        (lambda: Tweedie(0.5), ValueError, r"power is 0\.5; expected .*\[1, inf\); power 0 is loss='squared"),
        (lambda: Focal(float("nan")), ValueError, r"gamma is nan; expected a finite number in \[0, inf\)"),
        (lambda: BinaryFocal(-1), ValueError, r"gamma is -1; expected"),
        (lambda: CrossEntropy(1.0), ValueError, r"label_smoothing is 1\.0; expected .* in \[0, 1\)"),
        (lambda: BinaryCrossEntropy([0.1]), TypeError, r"label_smoothing is \[0\.1\]; expected a number"),
    ],
)
def test_settings_out_of_range(make, error, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize(
    ("loss", "target", "message"),
    [
        (Gamma(), 0.0, r"must be positive"),
        (Tweedie(2.0), 0.0, r"must be positive"),
        (Tweedie(1.5), -1.0, r"must not be negative"),
        (Focal(), 0.3, r"rows that sum to 1"),
        (BinaryFocal(), 1.5, r"must lie in \[0, 1\]"),
    ],
)
def test_targets_that_a_loss_cannot_take(loss, target, message):
    with pytest.raises(AssertionError, match=message):
        raise AssertionError(loss.target_problem(np.full((2, 2), target)))
    assert Tweedie(1.5).target_problem(np.zeros((2, 2))) is None


@pytest.mark.parametrize(("loss", "output"), PAIRS)
def test_float32_stays_float32(loss, output):
    f, net, yhat, y, kept = (
        a.astype(np.float32) if isinstance(a, np.ndarray) else a for a in task(loss, output)
    )
    assert loss.value(f, net, yhat, y).dtype == np.float32
    assert loss.gradient(yhat, y).dtype == np.float32
    assert loss.output_delta(f, kept, yhat, y).dtype == np.float32


def test_lookup():
    assert get_loss("poisson") is LOSSES["poisson"]
    assert get_loss(LOSSES["poisson"]) is LOSSES["poisson"]
    with pytest.raises(
        ValueError, match=r"unknown loss 'crossentropy'; did you mean 'cross_entropy'\? known: sq"
    ):
        get_loss("crossentropy")
    with pytest.raises(TypeError, match=r"not as NoneType"):
        get_loss(None)
