"""E11 to E15 in the engine: equal to the reference, the same bits everywhere, every optimizer's factors."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from chainrule import _engine as engine
from chainrule import reference
from chainrule.inputs import Categories, InputLayer, Numbers, Periodic, PiecewiseLinear, Scale, width
from chainrule.model.inputs import LearnedInput, as_blocks, split_inputs
from chainrule.reference import Norm
from chainrule.reference.activations import Parametric

from .networks import DTYPES, FMA_ISAS, HIDDEN, ISAS, VECTOR_BYTES, Case, split, split_vectors
from .test_against_reference import TOLERANCE, assert_close
from .test_bf16 import needs_bf16

EDGES = [-1.5, -0.375, 0.125, 0.25, 1.25]
N_COLUMNS = 7
CODES = (2, 6)  # columns with codes
INPUTS: dict[str, list[InputLayer]] = {
    "numbers": [Numbers([3, 0, 1, 2, 4, 6, 5])],
    "periodic": [Periodic([4, 0], 5, 3, 0.7), Numbers([1, 2, 3, 5, 6])],
    "wide periodic": [Periodic([1], 18, 11, 0.7), Numbers([0, 2, 3, 4, 5, 6])],
    "piecewise linear": [
        PiecewiseLinear(3, EDGES, 9),
        Numbers([0, 1, 2, 4, 5, 6]),
        PiecewiseLinear(0, [0, 1], 1),
    ],
    "categories": [Categories(2, 4, 3), Numbers([0, 1, 3, 4, 5]), Categories(6, 1, 21)],
    "scale": [Numbers(range(7)), Scale()],
    "all": [
        Numbers([5]),
        Periodic([0, 1, 3], 16, 3, 0.3),
        Categories(6, 4, 8),
        PiecewiseLinear(4, EDGES, 5),
        Numbers([3, 4]),
        Categories(2, 3, 2),
        PiecewiseLinear(3, EDGES, 2),
        Scale(),
    ],
}


def input_case(
    inputs: list[InputLayer],
    hidden: list[str],
    *,
    widths: tuple[int, ...] = (19, 34),
    n_samples: int = 37,
    dtype: str = "float64",
    isa: str | None = None,
    parametric: bool = False,
    seed: int = 0,
    weighted: bool = True,
    first: int | None = None,
    **settings: Any,
) -> Case:
    rng = np.random.default_rng(seed)
    sizes = [N_COLUMNS, *widths[: len(hidden)], 3]
    model = engine.Model(
        sizes,
        [*hidden, "identity"],
        "squared_error",
        dtype=dtype,
        isa=isa,
        parametric=[parametric] * len(hidden) + [False],
        inputs=[layer.engine for layer in inputs],
        **settings,
    )
    assert model.n_1 == width(inputs, N_COLUMNS)
    model.parameters[:] = rng.normal(size=model.parameters.size) / 4
    x = rng.normal(size=(n_samples, N_COLUMNS))
    for column in CODES:
        x[:, column] = rng.integers(-1, 5, n_samples)
    x[0, 3] = EDGES[1]  # exactly at an edge
    y = rng.normal(size=(n_samples, 3)).astype(dtype)
    weight = rng.random(n_samples).astype(dtype) + np.asarray(0.1, dtype) if weighted else None
    return Case(model, x.astype(dtype), y, weight)


def learned(inputs: list[InputLayer], model: engine.Model, flat: np.ndarray) -> list[LearnedInput]:
    return split_inputs(flat, inputs, model.layout)


def by_reference(inputs: list[InputLayer], case: Case, flat: np.ndarray, **options: Any) -> dict[str, Any]:
    """What the reference takes for these parameters, in float64."""
    flat = flat.astype(np.float64)
    gains, shifts, _, alphas, *_ = split_vectors(case.model, flat)
    weights, biases = split(case.model, flat)
    norms = [None if g is None else Norm(g, s) for g, s in zip(gains, shifts, strict=True)]
    return {
        "weights": weights,
        "biases": biases,
        "x": case.x.astype(np.float64),
        "activations": [
            name if a is None else Parametric(reference.get_activation(name))
            for name, a in zip(case.model.activations, alphas, strict=True)
        ],
        "inputs": as_blocks(learned(inputs, case.model, flat)),
        "alphas": alphas,
        "norms": norms,
        "residual": case.model.residual,
        **options,
    }


def gradient_by_reference(inputs: list[InputLayer], case: Case, **options: Any) -> tuple[float, np.ndarray]:
    """Loss and gradient, laid out as the parameters."""
    weight = None if case.sample_weight is None else case.sample_weight.astype(np.float64)
    arguments = by_reference(inputs, case, case.model.parameters, **options)
    g = reference.gradients(
        y=case.y.astype(np.float64), loss="squared_error", sample_weight=weight, **arguments
    )
    flat = np.zeros(case.model.parameters.size)
    weights, biases = split(case.model, flat)
    gains, shifts, _, alphas, *_ = split_vectors(case.model, flat)
    kinds = (weights, g.weights), (biases, g.biases), (gains, g.gains), (shifts, g.shifts), (alphas, g.alphas)
    for views, arrays in kinds:
        for view, array in zip(views, arrays, strict=True):
            if view is not None:
                view[...] = array
    n, scale = 0, [one for one in learned(inputs, case.model, flat) if "scale" in one.arrays]
    others = [one for one in learned(inputs, case.model, flat) if "scale" not in one.arrays]
    for one, of_block in zip(others, g.inputs, strict=True):
        for name, array in of_block[0].items():
            one.arrays[name][...] = array
        if scale:
            part = of_block[1]["scale"]
            scale[0].scale[n : n + part.size] = part
            n += part.size
    return float(g.loss), flat


def check(inputs: list[InputLayer], case: Case, **options: Any) -> None:
    model, dtype, data = case.model, case.model.dtype, case.data
    outputs = reference.predict(**by_reference(inputs, case, model.parameters, **options))
    predicted = model.predict(data)
    assert_close(predicted, outputs, dtype)
    for i in range(5):
        assert_array_equal(model.forward(case.x[i]), predicted[i])
    assert_array_equal(model.forward(case.x), predicted)
    loss, expected = gradient_by_reference(inputs, case, **options)
    gradient = np.full_like(model.parameters, np.nan)
    assert_close(model.gradients(case.data, gradient), loss, dtype)
    assert_close(model.evaluate(data), loss, dtype)
    for place in model.layout:
        part = slice(place.offset, place.offset + place.size)
        scale = max(np.abs(expected[part]).max(), 0.1 * np.abs(expected).max())
        assert_close(gradient[part], expected[part], dtype, scale)
        flat = place.name == "alphas" and "identity" in case.model.activations[:-1]  # sigma(x) - x is 0
        assert flat or (gradient[part] != 0).any(), place
    rows = model.per_sample_gradients(data)
    weight = np.ones(len(case.x)) if case.sample_weight is None else case.sample_weight
    mean = weight.astype(np.float64) @ rows.astype(np.float64) / weight.sum()
    assert_close(mean, gradient, dtype)
    norms = model.per_sample_gradient_norms(data)
    np.testing.assert_allclose(
        norms, np.linalg.norm(rows, axis=1), rtol=1e-3 if dtype == "float32" else 1e-10
    )


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", INPUTS)
def test_every_input_layer(name: str, dtype: str, isa: str) -> None:
    check(INPUTS[name], input_case(INPUTS[name], ["tanh", "gelu"], dtype=dtype, isa=isa))


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("hidden", HIDDEN)
def test_every_parametric_activation(hidden: str, dtype: str, isa: str) -> None:
    inputs = INPUTS["numbers"]
    check(inputs, input_case(inputs, [hidden, hidden], parametric=True, dtype=dtype, isa=isa))


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("norm", "residual"), [*itertools.product([False, True], repeat=2)])
def test_with_what_else_hidden_layers_have(norm: bool, residual: bool, dtype: str, isa: str) -> None:
    inputs = [*INPUTS["all"]]
    n = width(inputs, N_COLUMNS)
    case = input_case(
        inputs,
        ["selu", "mish"],
        widths=(n, n),
        parametric=True,
        dtype=dtype,
        isa=isa,
        layer_norm=[norm, norm, False],
        residual=[residual, residual, False],
    )
    check(inputs, case)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_row_counts_and_widths(dtype: str, isa: str) -> None:
    w = VECTOR_BYTES[isa] // np.dtype(dtype).itemsize
    for n in (1, w - 1, w, w + 1, 4 * w + 3):
        for n_outputs in (1, w, w + 1):
            inputs = [
                Periodic([0, 3, 4], n, n_outputs),
                Categories(2, 4, n_outputs),
                PiecewiseLinear(1, EDGES, n_outputs),
                Numbers([5, 6]),
                Scale(),
            ]
            check(inputs, input_case(inputs, [], n_samples=max(n, 6), dtype=dtype, isa=isa))


@pytest.mark.parametrize("isa", ISAS)
def test_more_rows_than_are_taken_at_a_time(isa: str) -> None:
    check(INPUTS["all"], input_case(INPUTS["all"], ["tanh"], n_samples=2100, isa=isa))


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_derivatives_by_the_data(dtype: str, isa: str) -> None:
    inputs = INPUTS["all"]
    case = input_case(inputs, ["tanh", "mish"], parametric=True, dtype=dtype, isa=isa, weighted=False)
    model, data, n = case.model, case.data, len(case.x)
    arguments = by_reference(inputs, case, model.parameters)
    g = reference.gradients(y=case.y.astype(np.float64), loss="squared_error", **arguments)
    by_row = model.input_gradients(data)
    assert_close(by_row, n * g.x, dtype)
    assert not by_row[:, CODES].any()
    jacobian = model.jacobian(data)
    assert_close(np.einsum("noi,no->ni", jacobian, model.predict(data) - case.y), by_row, dtype)
    weights = np.ones((n, 3), dtype)
    assert_close(model.input_gradients(data, weights), jacobian.sum(axis=1), dtype)


def train(case: Case, optimizer: str = "adam", n_epochs: int = 3, **settings: Any) -> list[np.ndarray]:
    settings = {"batch_size": 16, "learning_rate": 1e-2, **settings}
    trainer = engine.Trainer(case.model, optimizer, **settings)
    losses = trainer.epochs(case.data, n_epochs, seed=4)
    assert np.isfinite(losses).all()
    return [losses, case.model.parameters, *trainer.state]


@pytest.mark.parametrize("settings", [{}, {"clip_norm": 0.5}, {"l1": 0.01, "weight_decay": 0.1}])
@pytest.mark.parametrize("dtype", DTYPES)
def test_bits_do_not_depend_on_threads_or_instruction_set(dtype: str, settings: dict[str, float]) -> None:
    inputs = [*INPUTS["all"][:-1], Categories(0, 3000, 8), Scale()]  # a table that threads share
    found = []
    for isa, n_threads in [*itertools.product(FMA_ISAS or ["baseline"], [1, 2, 5])]:
        case = input_case(
            inputs,
            ["selu", "mish"],
            n_samples=130,
            parametric=True,
            dtype=dtype,
            isa=isa,
            dropout=[0.2, 0.1, 0],
        )
        n = len(case.model.layout)
        own = (
            {"decay_factors": [0.5] * n, "batch_size": 128}
            if "weight_decay" in settings
            else {"batch_size": 128}
        )
        found.append([a.tobytes() for a in train(case, n_threads=n_threads, **settings, **own)])
    assert all(one == found[0] for one in found)


def adam(flat: np.ndarray, gradient: np.ndarray, *, rate: Any, epsilon: Any, decay: Any) -> np.ndarray:
    """The first step."""
    m, v = 0.1 * gradient, 0.001 * gradient**2
    step = m / 0.1 / (np.sqrt(v / 0.001) + epsilon)
    return flat * (1 - rate * decay) - rate * step


@pytest.mark.parametrize("clip_norm", [0.0, 0.1])
@pytest.mark.parametrize("isa", ISAS)
def test_factors_of_each_place(isa: str, clip_norm: float) -> None:
    inputs = INPUTS["all"]
    case = input_case(inputs, ["selu"], parametric=True, isa=isa)
    rng, places, flat = np.random.default_rng(1), case.model.layout, case.model.parameters
    rates, epsilons, decays = (rng.uniform(0.1, 2, len(places)) for _ in range(3))
    for one in (rates, epsilons, decays):  # one of each input layer's
        for i in range(len(inputs)):
            own = [q for q, place in enumerate(places) if place.of_input and place.layer == i]
            one[own] = one[own[0]] if own else 0
    by_parameter = [np.repeat(one, [place.size for place in places]) for one in (rates, epsilons, decays)]
    gradient, before = np.empty_like(flat), flat.copy()
    case.model.gradients(case.data, gradient)
    if clip_norm:
        gradient *= clip_norm / np.linalg.norm(gradient)
    rate, epsilon, decay = by_parameter
    expected = adam(before, gradient, rate=0.01 * rate, epsilon=0.1 * epsilon, decay=0.5 * decay)
    train(
        case,
        "adamw",
        1,
        batch_size=len(case.x),
        epsilon=0.1,
        weight_decay=0.5,
        clip_norm=clip_norm,
        learning_rate_factors=rates,
        epsilon_factors=epsilons,
        decay_factors=decays,
    )
    np.testing.assert_allclose(flat, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("optimizer", engine.optimizers())
def test_every_optimizer_and_frozen_places(optimizer: str) -> None:
    inputs = INPUTS["all"]
    case = input_case(inputs, ["selu"], parametric=True, dtype="float32")
    flat, before = case.model.parameters, case.model.parameters.copy()
    places = case.model.layout
    rates = [0.0 if place.layer in (1, 3) and place.of_input else 1.0 for place in places]
    train(case, optimizer, 2, learning_rate_factors=rates)
    for place, rate in zip(places, rates, strict=True):
        part = slice(place.offset, place.offset + place.size)
        assert (flat[part] == before[part]).all() == (rate == 0), place


@pytest.mark.parametrize("isa", ISAS)
def test_weights_and_biases_are_frozen_each_by_itself(isa: str) -> None:
    for sizes, batch_size in itertools.product([[4, 6, 2], [4, 40, 2]], [1, 8]):
        rng = np.random.default_rng(0)
        for frozen in ("weights", "biases"):
            model = engine.Model(sizes, ["tanh", "identity"], "squared_error", isa=isa)
            model.parameters[:] = rng.normal(size=model.parameters.size)
            before = model.parameters.copy()
            data = engine.Dataset(model, rng.normal(size=(24, 4)), rng.normal(size=(24, 2)))
            rates = [float(place.name != frozen) for place in model.layout]
            trainer = engine.Trainer(model, "adam", batch_size=batch_size, learning_rate_factors=rates)
            trainer.epochs(data, 2)
            for place in model.layout:
                part = slice(place.offset, place.offset + place.size)
                same = model.parameters[part] == before[part]
                assert same.all() if place.name == frozen else not same.any(), (sizes, batch_size, place)


@pytest.mark.parametrize("isa", ISAS)
def test_whatever_is_no_code_has_the_last_row(isa: str) -> None:
    layer = Categories(0, 3, 2)
    model = engine.Model([1, 2], ["identity"], "squared_error", isa=isa, inputs=[layer.engine])
    split(model, model.parameters)[0][0][...] = np.eye(2)
    split_inputs(model.parameters, [layer], model.layout)[0].table = np.arange(8.0).reshape(4, 2)
    codes = [0, 2, 3, -1, -0.5, 1e300, np.inf, -np.inf, np.nan]
    expected = [0, 2, 3, 3, 3, 3, 3, 3, 3]
    assert model.forward(np.array(codes)[:, None])[:, 0].tolist() == [2 * row for row in expected]
    assert [model.forward(np.array([float(code)]))[0] for code in codes] == [2 * row for row in expected]


@needs_bf16
def test_products_of_bfloat16() -> None:
    case = input_case(INPUTS["all"], ["selu"], parametric=True, dtype="float32", isa="avx512")
    same = input_case(INPUTS["all"], ["selu"], parametric=True, dtype="float32", isa="avx512")
    train(case, precision="bf16")
    train(same)
    assert np.abs(case.model.parameters - same.model.parameters).max() < 0.1


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ([("scale", [], 0, 0, [])], r"inputs\[0\] is scale, which takes all that stands before it"),
        ([("numbers", [2], 0, 0, [])], r"inputs\[0\] takes column 2 of 2"),
        ([("numbers", [], 0, 0, [])], r"inputs\[0\] takes no column"),
        ([("categories", [0, 1], 3, 2, [])], r"inputs\[0\] takes one column"),
        ([("periodic", [0], 0, 2, [])], r"inputs\[0\] has a size below 1"),
        ([("categories", [0], 2**60, 2**60, [])], "more memory than a machine has"),
        ([("piecewise_linear", [0], 2, 2, [0, 1])], "has 2 edges for 2 bins"),
        ([("piecewise_linear", [0], 1, 2, [1, 1])], "edges that do not increase"),
        ([("wavy", [0], 1, 2, [])], "unknown input layer 'wavy'"),
    ],
)
def test_layers_that_cannot_be(inputs: list[Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        engine.Model([2, 1], ["identity"], "squared_error", inputs=inputs)


def test_sparse_rows_are_refused() -> None:
    model = engine.Model([2, 1], ["identity"], "squared_error", inputs=[Numbers([0, 1]).engine])
    parts = np.ones(1), np.zeros(1, np.int32), np.array([0, 1], np.int32)
    with pytest.raises(ValueError, match="input layers take dense rows, not sparse ones"):
        engine.Dataset(model, parts)


def test_prelu_is_not_parametric() -> None:
    with pytest.raises(ValueError, match="prelu has a parameter of its own"):
        engine.Model([2, 3, 1], ["prelu", "identity"], "squared_error", parametric=[True, False])


assert set(TOLERANCE) == set(DTYPES)
