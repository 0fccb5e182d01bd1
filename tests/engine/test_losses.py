"""The engine's losses with settings of their own, at their limits and where numbers are extreme."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from chainrule import _engine as engine
from chainrule.losses import (
    LOSSES,
    AbsoluteError,
    BinaryCrossEntropy,
    BinaryFocal,
    CrossEntropy,
    Focal,
    Gamma,
    Huber,
    LogCosh,
    Loss,
    Poisson,
    Quantile,
    SquaredError,
    Tweedie,
)
from chainrule.reference import get_activation
from loss_targets import random_targets

from .networks import DTYPES, FMA_ISAS, ISAS, Case, make_case
from .test_against_reference import check

SETTINGS = [
    Huber(0.05),
    Huber(50.0),
    Tweedie(1.0),
    Tweedie(1.01),
    Tweedie(1.99),
    Tweedie(2.0),
    Tweedie(3.0),
    CrossEntropy(0.1),
    BinaryCrossEntropy(0.3),
    Focal(0.0),
    Focal(0.5),
    Focal(5.0),
    BinaryFocal(0.0),
    BinaryFocal(0.5),
    BinaryFocal(5.0),
]


def case_of(loss: Loss, sizes: list[int], output: str | None = None, **options: object) -> Case:
    output = output or loss.default_output_activation
    hidden = ["tanh"] * (len(sizes) - 2)
    case = make_case(sizes, [*hidden, output], loss.name, loss_parameters=loss.parameters, **options)
    if isinstance(loss, Tweedie) and loss.power >= 2:
        case.y += np.asarray(0.1, case.y.dtype)
    return case


def output_layer(loss: Loss, output: str, net: object, y: object, dtype: str) -> tuple[float, np.ndarray]:
    """Loss and dE/dnet of one row of nets, through a layer of zero biases and one input of 1."""
    net = np.asarray(net, dtype)
    model = engine.Model([1, net.size], [output], loss.name, dtype=dtype, loss_parameters=loss.parameters)
    model.parameters[: net.size] = net
    gradient = np.empty_like(model.parameters)
    y = np.asarray(y)
    y = y.astype(np.int64) if y.ndim == 1 else y.astype(dtype)
    value = model.gradients(engine.Dataset(model, np.ones((1, 1), dtype), y), gradient)
    return value, gradient[: net.size]


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("loss", SETTINGS, ids=repr)
def test_settings_reach_the_kernels(loss: Loss, isa: str, dtype: str) -> None:
    for output in loss.output_activations[-2:]:
        for n_out in (1, 7, 70):
            case = case_of(loss, [4, 9, n_out], output, n_samples=13, dtype=dtype, isa=isa, weighted=True)
            check(case, loss)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("levels", [[0.5], [0.3, 0.6], [0.05, 0.25, 0.5, 0.75, 0.95]])
def test_quantiles(levels: list[float], isa: str, dtype: str) -> None:
    loss, n = Quantile(levels), len(levels)
    output = f"ordered({n})" if n > 1 else "identity"
    for n_targets in (1, 5, 23):
        sizes, rng = [4, 9, n * n_targets], np.random.default_rng(0)
        case = case_of(loss, sizes, output, n_samples=13, dtype=dtype, isa=isa, weighted=True)
        case.y = rng.normal(size=(13, n_targets)).astype(dtype)
        check(case, loss)
        outputs = case.model.predict(case.data)
        assert_array_equal([case.model.forward(x) for x in case.x], outputs)
        assert (np.diff(outputs.reshape(13, n_targets, n), axis=2) >= 0).all()


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_ordered_outputs_never_cross(isa: str, dtype: str) -> None:
    """Whatever the numbers: steps that vanish beside the sum, and sums that only float64 could tell apart."""
    model = engine.Model([1, 40], ["ordered(8)"], "squared_error", dtype=dtype, isa=isa)
    net = np.random.default_rng(0).normal(size=40) * 10.0 ** np.arange(-4, 16, 0.5)
    model.parameters[:40] = net
    y = model.forward(np.ones((1, 1), dtype))
    assert np.isfinite(y).all()
    assert (np.diff(y.reshape(5, 8), axis=1) >= 0).all()
    assert_array_equal(y.reshape(5, 8)[:, 0], net.astype(dtype).reshape(5, 8)[:, 0])


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("loss", [CrossEntropy(0.2), Focal(1.5)], ids=repr)
def test_classes_are_rows_of_zero_and_one_and_shares_are_taken_too(loss: Loss, isa: str, dtype: str) -> None:
    case = case_of(loss, [4, 9, 21], n_samples=13, dtype=dtype, isa=isa)
    assert case.y.dtype.kind == "i"
    by_class, by_row = np.empty_like(case.model.parameters), np.empty_like(case.model.parameters)
    value = case.model.gradients(case.data, by_class)
    case.y = np.eye(21, dtype=dtype)[case.y]
    assert_allclose(
        case.model.gradients(case.data, by_row), value, rtol=1e-5 if dtype == "float32" else 1e-13
    )
    assert_array_equal(by_row, by_class)
    case.y = random_targets(loss.name, case.y.shape, np.random.default_rng(0)).astype(dtype)
    check(case, loss)


@pytest.mark.skipif(len(FMA_ISAS) < 2, reason="one instruction set with fused multiply-add")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("loss", [*LOSSES.values(), *SETTINGS], ids=repr)
def test_bits_do_not_depend_on_the_instruction_set(loss: Loss, dtype: str) -> None:
    for output in loss.output_activations[:2]:
        for sizes, batch_size in (([4, 40, 23], 9), ([4, 5, 3], 8), ([4, 5, 3], 1)):  # two of them narrow
            results = []
            for isa in FMA_ISAS:
                case = case_of(loss, sizes, output, n_samples=20, dtype=dtype, isa=isa, weighted=True)
                trainer = engine.Trainer(case.model, "sgd", batch_size=batch_size, learning_rate=0.01)
                losses = trainer.epochs(case.data, 2)
                results.append((losses.tobytes(), case.model.parameters.tobytes()))
            assert len(set(results)) == 1
            assert np.isfinite(losses).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("near", "other"),
    [
        (Huber(1e6), SquaredError()),
        (CrossEntropy(0.0), CrossEntropy()),
        (BinaryCrossEntropy(0.0), BinaryCrossEntropy()),
        (Focal(0.0), CrossEntropy()),
        (BinaryFocal(0.0), BinaryCrossEntropy()),
        (Tweedie(1.0), Poisson()),
        (Tweedie(2.0), Gamma()),
    ],
    ids=repr,
)
def test_the_limit_of_a_setting_is_another_loss(near: Loss, other: Loss, dtype: str) -> None:
    found, expected = (case_of(loss, [4, 9, 7], n_samples=13, dtype=dtype) for loss in (near, other))
    gradients = [np.empty_like(case.model.parameters) for case in (found, expected)]
    found.y = expected.y
    values = [
        case.model.gradients(case.data, g) for case, g in zip((found, expected), gradients, strict=True)
    ]
    if near.name == other.name or isinstance(near, Huber):
        assert values[0] == values[1]
        assert_array_equal(*gradients)
    rtol = 2e-5 if dtype == "float32" else 1e-13
    assert_allclose(values[0], values[1], rtol=rtol)
    assert_allclose(*gradients, rtol=rtol, atol=rtol * np.abs(gradients[1]).max())


@pytest.mark.parametrize("dtype", DTYPES)
def test_kinks_have_the_derivative_0(dtype: str) -> None:
    y, net = np.zeros((1, 5)), [-2.0, -1e-30, 0.0, 1e-30, 2.0]
    value, delta = output_layer(AbsoluteError(), "identity", net, y, dtype)
    assert value == 4
    assert_array_equal(delta, [-1, -1, 0, 1, 1])
    _, delta = output_layer(Huber(2.0), "identity", net, y, dtype)
    assert_array_equal(delta, np.array(net, dtype))


@pytest.mark.parametrize("dtype", DTYPES)
def test_log_cosh_neither_cancels_nor_overflows(dtype: str) -> None:
    for error, expected in (
        (1e-10, 5e-21),
        (-1e-3, 4.99999916666678e-07),
        (1.5, 0.8554401710137968),
        (3e30, 3e30),
    ):
        value, delta = output_layer(LogCosh(), "identity", [error], [[0.0]], dtype)
        assert value == pytest.approx(expected, rel=1e-6)
        assert_allclose(delta, [np.tanh(error)], rtol=1e-6)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0])
def test_focal_losses_of_probabilities_that_have_rounded(gamma: float, dtype: str) -> None:
    net = [1000.0, 0.0, -1000.0]
    value, delta = output_layer(Focal(gamma), "softmax", net, [2], dtype)
    assert value == 2000
    assert_array_equal(delta, [1, 0, -1])
    value, delta = output_layer(Focal(gamma), "softmax", net, [0], dtype)
    assert value == 0
    assert_array_equal(delta, [0, 0, 0])
    value, delta = output_layer(BinaryFocal(gamma), "sigmoid", net, [[0.0, 1.0, 1.0]], dtype)
    assert value == pytest.approx(2000 + np.log(2) * 0.5**gamma, rel=1e-6)
    assert_allclose(delta, [1.0, -(0.5**gamma) * (gamma * np.log(2) + 1) / 2, -1.0], rtol=1e-6)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("output", ["exp", "softplus"])
@pytest.mark.parametrize("loss", [Poisson(), Tweedie(1.0), Tweedie(1.5), Gamma(), Tweedie(2.0)], ids=repr)
def test_deviances_of_outputs_that_underflow(loss: Loss, output: str, dtype: str) -> None:
    """Finite wherever the formula is, though log(yhat) of the rounded yhat = 0 would be infinite."""
    power = {"poisson": 1.0, "gamma": 2.0}.get(loss.name) or loss.parameters[0]
    a, b, net = 1 - power, 2 - power, -85.0 if power > 1 else -900.0
    if dtype == "float64" and power > 1:
        net *= 8
    y = 3.0
    rest = np.exp(-a * -net) if a else -net  # of y yhat^a / a, the part that grows
    phi = -net + np.log(y) if a == 0 else (np.exp(a * net) * y**-a - 1) / -a
    expected = (
        y**b * (phi - (1 / b if b else np.log(y) - net)) if b else np.exp(-net) * y + net - np.log(y) - 1
    )
    value, delta = output_layer(loss, output, [net], [[y]], dtype)
    assert np.isfinite(rest)
    assert value == pytest.approx(expected, rel=1e-4 if dtype == "float32" else 1e-12)
    assert_allclose(delta, [-y * np.exp(a * net)], rtol=1e-4 if dtype == "float32" else 1e-12)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("loss", [Poisson(), Gamma(), Tweedie(1.5)], ids=repr)
def test_deviances_near_the_target_do_not_cancel(loss: Loss, dtype: str) -> None:
    """For yhat = y (1 + x) the loss is y^(2 - p) x^2 / 2, here of counts of a million."""
    y, x = 2.0**20, 2.0**-7
    value, _ = output_layer(
        loss, "softplus", [y * (1 + x)], [[y]], dtype
    )  # softplus is the identity up there
    power = {"poisson": 1.0, "gamma": 2.0}.get(loss.name) or loss.parameters[0]
    assert value == pytest.approx(y ** (2 - power) * x**2 / 2, rel=2e-2)
    assert output_layer(loss, "softplus", [y], [[y]], dtype) == (0.0, np.zeros(1))


@pytest.mark.parametrize("output", list(SquaredError().output_activations))
@pytest.mark.parametrize("loss", [AbsoluteError(), Huber(), LogCosh()], ids=repr)
def test_nan_is_not_hidden(loss: Loss, output: str) -> None:
    value, delta = output_layer(loss, output, [np.nan, 1.0], [[0.0, 0.0]], "float64")
    assert np.isnan(value)
    assert np.isnan(delta[0]) or get_activation(output).name in ("relu", "leaky_relu", "elu", "selu")


@pytest.mark.parametrize(
    ("loss", "output", "parameters", "message"),
    [
        ("huber", "identity", [0.0], "delta is out of range"),
        ("tweedie", "exp", [0.5], "power is out of range"),
        ("focal", "softmax", [np.nan], "gamma is out of range"),
        ("cross_entropy", "softmax", [1.0], "label_smoothing is out of range"),
        ("huber", "identity", [1.0, 2.0], "the loss 'huber' has one parameter, got 2"),
        ("poisson", "exp", [1.0], "the loss 'poisson' has no parameters, got 1"),
        (
            "gamma",
            "identity",
            [],
            "'gamma' does not go with the output activation 'identity'; use exp or softplus",
        ),
        ("poisson", "tanh", [], "use exp, softplus or sigmoid"),
        ("focal", "sigmoid", [], "use softmax"),
        ("quantile", "identity", [0.5, 0.5], "quantiles must increase and lie between 0 and 1"),
        ("quantile", "identity", [0.0], "quantiles must increase and lie between 0 and 1"),
        ("quantile", "identity", [0.1, 0.5, 0.8], r"3 quantiles need the output activation 'ordered\(3\)'"),
        ("quantile", "ordered", [0.1, 0.5], "3 outputs are no groups of 2"),
        ("squared_error", "ordered(2)", [], "3 outputs are no groups of 2"),
        ("squared_error", "ordered(0)", [], r"unknown activation 'ordered\(0\)'"),
        ("squared_error", "ordered(x)", [], r"unknown activation 'ordered\(x\)'"),
        ("binary_focal", "softmax", [], "use sigmoid"),
    ],
)
def test_what_the_engine_refuses(
    loss: str, output: str, parameters: list[float], message: str | None
) -> None:
    with pytest.raises(ValueError, match=message):
        engine.Model([2, 3], [output], loss, loss_parameters=parameters)


def test_names_of_ordered() -> None:
    for n_out, given, shown in (
        (3, "ordered(3)", "ordered"),
        (3, "ordered", "ordered"),
        (6, "ordered(3)", "ordered(3)"),
    ):
        model = engine.Model([2, n_out], [given], "quantile", loss_parameters=[0.1, 0.5, 0.8])
        assert model.activations == [shown]
