"""Every optimizer, penalty and bound follows its formula in NumPy, on every instruction set and dtype."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from chainrule import _engine as engine
from chainrule.optimizers import OPTIMIZERS

from .formulas import CASES, Formula
from .networks import DTYPES, FMA_ISAS, ISAS, make_case, split, split_vectors

SIZES = [5, 18, 35, 3]
ACTIVATIONS = ["tanh", "softplus", "identity"]
NARROW = {"sizes": [2, 4, 3, 2]}  # kernels of their own where each layer fits into a vector
#: Gains, shifts and slopes are learned beside weights and biases.
LEARNED = {
    "sizes": [5, 18, 18, 3],
    "activations": ["prelu", "prelu", "identity"],
    "layer_norm": [True, True, False],
    "residual": [False, True, False],
}
TOLERANCE = {"float32": 3e-4, "float64": 1e-10}


def weights_of(sizes):
    return [n_in * n_out for n_in, n_out in pairwise(sizes)]


def layers_of(sizes):
    """The layer of each parameter."""
    return np.concatenate([np.repeat([0, 1, 2], weights_of(sizes)), np.repeat([0, 1, 2], sizes[1:])])


N_WEIGHTS, LAYERS = sum(weights_of(SIZES)), layers_of(SIZES)


def case_of(
    dtype="float64", isa=None, sign=-1, n_samples=22, sizes=SIZES, activations=ACTIVATIONS, **layer_options
):
    return make_case(
        sizes,
        activations,
        "squared_error",
        n_samples=n_samples,
        dtype=dtype,
        isa=isa,
        bias_sign=sign,
        seed=3,
        **layer_options,
    )


def bounded(g, clip_value, clip_norm):
    if clip_value:
        g = np.clip(g, -clip_value, clip_value)
    norm = np.linalg.norm(g)
    return g * (clip_norm / norm) if clip_norm and norm > clip_norm else g


def within_norm(w, max_norm, sizes):
    """Columns of the weight matrices scaled back to the norm."""
    for k, (n_in, n_out) in enumerate(pairwise(sizes)):
        here = np.flatnonzero(layers_of(sizes)[: sum(weights_of(sizes))] == k)
        matrix = w[here].reshape(n_in, n_out)
        norms = np.linalg.norm(matrix, axis=0)
        w[here] = (matrix * np.where(norms > max_norm, max_norm / norms, 1.0)).ravel()
    return w


def follow(
    name, settings, dtype, isa, *, n_epochs=3, sign=-1, batch_size=8, factors=None, network=None, **penalties
):
    """Train by the engine, and a twin by the formula on the twin's gradients; the two must agree."""
    network = network or {}
    sizes = network.get("sizes", SIZES)
    case, twin = (case_of(dtype, isa, sign, **network) for _ in range(2))
    n_weights = sum(weights_of(sizes))
    trainer = engine.Trainer(case.model, name, batch_size=batch_size, n_threads=1, **settings, **penalties)
    weights = (np.arange(case.model.parameters.size) < n_weights).astype(float)
    formula = Formula(name, settings, weights)
    l1, l2 = penalties.get("l1", 0.0), penalties.get("l2", 0.0)
    parameters = twin.model.parameters.astype(float)
    moved = np.zeros(parameters.size)
    steps = -(-22 // batch_size)
    for epoch in range(n_epochs):
        order = np.random.default_rng(epoch).permutation(22)
        given = None if factors is None else factors[epoch * steps : (epoch + 1) * steps]
        loss = trainer.epoch(case.data, order, factors=given)
        total = 0.0
        for first in range(0, 22, batch_size):
            rows = order[first : first + batch_size]
            g = np.empty_like(twin.model.parameters)
            data = engine.Dataset(twin.model, twin.x[rows], twin.y[rows])
            value = twin.model.gradients(data, g, l2=l2) + l1 * np.abs(parameters[:n_weights]).sum()
            total += value * len(rows)
            g = g.astype(float) + l1 * np.sign(parameters) * weights
            g = bounded(g, penalties.get("clip_value"), penalties.get("clip_norm"))
            factor = 1.0 if factors is None else factors[formula.t]
            new = formula.step(parameters, g, value, factor)
            if "max_norm" in penalties:
                new = within_norm(new, penalties["max_norm"], sizes)
            moved += np.abs(new - parameters)
            parameters = new
            twin.model.parameters[:] = parameters
        tolerance = TOLERANCE[dtype]
        assert loss == pytest.approx(total / 22, rel=tolerance)
        assert_allclose(case.model.parameters, parameters, rtol=tolerance, atol=tolerance)
    n_vectors = moved.size - n_weights - sum(sizes[1:])
    # The slope of a unit whose net was never negative stays where it was.
    assert np.count_nonzero(moved) >= moved.size - n_vectors // 4
    assert trainer.n_steps == formula.t == steps * n_epochs
    return case, trainer, formula


def test_every_optimizer_has_a_case() -> None:
    assert {name for name, _ in CASES} == set(engine.optimizers()) == set(OPTIMIZERS)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("name", "settings"), CASES)
def test_steps_follow_the_formula(name: str, settings: dict, dtype: str, isa: str) -> None:
    follow(name, settings, dtype, isa, l2=0.02)


@pytest.mark.parametrize(("name", "settings"), CASES)
def test_intercepts_that_are_added_follow_it_too(name: str, settings: dict) -> None:
    follow(name, settings, "float64", None, sign=1)


def test_rprop_goes_back_and_comes_to_its_bounds() -> None:
    """The cases above would be idle if no loss had risen and no step had met a bound."""
    seen = []
    step = Formula.rprop

    def watched(self, s, w, g, loss):
        seen.append((loss > self.kept.get("loss", np.inf), bool((g * self.keep("q") < 0).any())))
        return step(self, s, w, g, loss)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Formula, "rprop", watched)
        *_, formula = follow(*CASES[-2], "float64", None, batch_size=22, n_epochs=12)
        assert (True, True) in seen
        *_, formula = follow(*CASES[-1], "float64", None, batch_size=22, n_epochs=12)
        assert {0.15, 0.5} <= set(formula.kept["size"])


PENALTIES = [
    {"l1": 0.01},
    {"l1": 0.01, "l2": 0.02},
    {"clip_value": 0.02},
    {"clip_norm": 0.1},
    {"clip_norm": 0.1, "clip_value": 0.02, "l1": 0.01, "l2": 0.02},
    {"max_norm": 0.8},
    {"max_norm": 0.8, "clip_norm": 0.1, "l1": 0.01},
]


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("penalties", PENALTIES, ids=str)
def test_penalties_and_bounds_follow_their_formulas(penalties: dict, dtype: str, isa: str) -> None:
    follow("sgd", {"learning_rate": 0.1, "momentum": 0.5}, dtype, isa, **penalties)


@pytest.mark.parametrize("penalties", [PENALTIES[0], PENALTIES[4], PENALTIES[6]], ids=str)
@pytest.mark.parametrize(("name", "settings"), CASES)
def test_they_go_with_every_optimizer(name: str, settings: dict, penalties: dict) -> None:
    follow(name, settings, "float64", None, **penalties)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("batch_size", [1, 8])
@pytest.mark.parametrize(("name", "settings"), CASES)
def test_narrow_networks_and_batches_of_one_row_too(
    name: str, settings: dict, batch_size: int, isa: str
) -> None:
    for penalties in ({}, PENALTIES[4], PENALTIES[6]):
        follow(name, settings, "float64", isa, network=NARROW, batch_size=batch_size, n_epochs=1, **penalties)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize(("name", "settings"), CASES)
def test_gains_shifts_and_slopes_too(name: str, settings: dict, isa: str) -> None:
    """Penalties, decay and max_norm leave them alone, as biases; clipping does not."""
    for penalties in ({}, PENALTIES[4], PENALTIES[6]):
        follow(name, settings, "float64", isa, network=LEARNED, n_epochs=2, sign=1, **penalties)


def test_they_are_frozen_with_their_layer() -> None:
    case = case_of(**LEARNED)
    start = case.model.parameters.copy()
    trainer = engine.Trainer(
        case.model, "adam", batch_size=8, learning_rate_factors=[0, 1, 1], learning_rate=0.01, clip_norm=1.0
    )
    trainer.epochs(case.data, 2)
    moved = case.model.parameters != start
    for part in (split(case.model, moved), split_vectors(case.model, moved)):
        for arrays in part:
            assert [None if a is None else bool(a.any()) for a in arrays] in (
                [False, True, True],
                [False, True, None],
                [None, None, None],  # nobody has it
            )


@pytest.mark.parametrize("penalties", PENALTIES, ids=str)
def test_each_of_them_does_something(penalties: dict) -> None:
    runs = []
    for given in ({}, penalties):
        case = case_of()
        engine.Trainer(case.model, "sgd", batch_size=8, learning_rate=0.5, **given).epoch(case.data)
        runs.append(case.model.parameters.copy())
    assert np.abs(runs[0] - runs[1]).max() > 1e-4


def test_bounds_that_are_not_reached_change_no_bit() -> None:
    runs = []
    for given in ({}, {"max_norm": 1e6}, {"clip_norm": 1e6}, {"clip_value": 1e6}):
        case = case_of()
        trainer = engine.Trainer(case.model, "adam", batch_size=8, learning_rate=0.01, l2=0.1, **given)
        runs.append((trainer.epochs(case.data, 3, seed=1).tobytes(), case.model.parameters.tobytes()))
    assert len(set(runs)) == 1


def test_l1_leaves_a_zero_weight_alone() -> None:
    case = make_case([3, 2], ["identity"], "squared_error", n_samples=4)
    case.model.parameters[:] = 0.0
    case.y[:] = 0.0
    case.model.parameters[0] = 0.5
    trainer = engine.Trainer(case.model, "sgd", batch_size=4, learning_rate=0.1, l1=0.25)
    case.x[:] = 0.0
    assert trainer.epoch(case.data) == 0.125
    assert_array_equal(case.model.parameters[:6], [0.475, 0, 0, 0, 0, 0])


@pytest.mark.parametrize("isa", ISAS)
def test_l1_over_the_rows(isa: str) -> None:
    """l2_over_rows divides both penalties by the batch's sum of sample weights."""
    losses = []
    for given in ({"l1": 0.5, "l2": 0.25, "l2_over_rows": True}, {"l1": 0.5 / 22, "l2": 0.25 / 22}):
        case = case_of(isa=isa)
        losses.append(
            engine.Trainer(case.model, "sgd", batch_size=22, learning_rate=0.1, **given).epoch(case.data)
        )
    assert losses[0] == pytest.approx(losses[1], rel=1e-13)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("name", "settings"), CASES)
def test_the_bits_depend_on_neither_threads_nor_instruction_set(
    name: str, settings: dict, dtype: str
) -> None:
    """Wide enough for three threads, with every penalty and bound, and without any."""

    def bits(isa: str, n_threads: int, penalties: dict) -> tuple:
        sizes, activations = [28, 101, 64, 1], ["relu", "selu", "identity"]
        case = make_case(
            sizes, activations, "squared_error", n_samples=130, dtype=dtype, isa=isa, weighted=True
        )
        trainer = engine.Trainer(
            case.model, name, batch_size=128, n_threads=n_threads, **settings, **penalties
        )
        losses = trainer.epochs(case.data, 2, seed=4)
        assert trainer.n_threads == n_threads
        return losses.tobytes(), case.model.parameters.tobytes(), *[a.tobytes() for a in trainer.state]

    every = {"l1": 1e-3, "l2": 1e-2, "clip_value": 0.1, "clip_norm": 0.5, "max_norm": 0.9}
    for penalties in ({}, every):
        expected = bits(FMA_ISAS[0] if FMA_ISAS else "baseline", 1, penalties)
        for isa in FMA_ISAS:
            for n_threads in (1, 3):
                assert bits(isa, n_threads, penalties) == expected, (isa, n_threads)
        assert bits("baseline", 1, penalties) == bits("baseline", 2, penalties)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_bits_of_matrices_larger_than_caches(dtype: str) -> None:
    """Weights and rows of more than 2 MB, which products may take in other blocks and ask for ahead."""

    def bits(isa: str, n_threads: int) -> tuple:
        activations = ["relu", "tanh", "identity"]
        case = make_case(
            [790, 770, 700, 3], activations, "squared_error", n_samples=730, dtype=dtype, isa=isa
        )
        trainer = engine.Trainer(case.model, "adam", batch_size=700, n_threads=n_threads)
        losses = trainer.epochs(case.data, 1, seed=4)
        return losses.tobytes(), case.model.parameters.tobytes(), *[a.tobytes() for a in trainer.state]

    assert len({bits(isa, n_threads) for isa in FMA_ISAS for n_threads in (1, 3)}) <= 1


@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize(("name", "settings"), CASES)
def test_state_goes_on_in_another_trainer(name: str, settings: dict, sign: int) -> None:
    def trained(n_epochs, first=0, go_on_from=None):
        case = case_of(sign=sign)
        trainer = engine.Trainer(case.model, name, batch_size=8, clip_norm=0.5, **settings)
        if go_on_from is not None:
            parameters, trainer.state, trainer.n_steps, trainer.last_loss = go_on_from
            case.model.parameters[:] = parameters
        trainer.epochs(case.data, n_epochs, seed=1, first_epoch=first)
        return case.model.parameters.copy(), trainer.state, trainer.n_steps, trainer.last_loss

    whole, half = trained(4), trained(2)
    rest = trained(2, first=2, go_on_from=half)
    assert_array_equal(rest[0], whole[0])
    assert rest[2:] == whole[2:]
    for a, b in zip(rest[1], whole[1], strict=True):
        assert_array_equal(a, b)


@pytest.mark.parametrize(("name", "settings"), CASES)
def test_memory_before_the_first_step_is_that_of_the_start(name: str, settings: dict) -> None:
    """Reading and setting it before any data came changes nothing, and there is as much as its class says."""
    case, twin = case_of(), case_of()
    trainer = engine.Trainer(case.model, name, batch_size=8, **settings)
    assert len(trainer.state) == len(OPTIMIZERS[name](**settings).memory)
    trainer.state = trainer.state
    trainer.epochs(case.data, 2, seed=1)
    engine.Trainer(twin.model, name, batch_size=8, **settings).epochs(twin.data, 2, seed=1)
    assert_array_equal(case.model.parameters, twin.model.parameters)


@pytest.mark.parametrize(("name", "settings"), CASES)
def test_not_a_number_is_never_hidden(name: str, settings: dict) -> None:
    """A row with NaN makes the weights that it reaches NaN, whatever signs and bounds are taken."""
    for penalties in ({}, {"clip_value": 0.1, "clip_norm": 0.1}):
        case = case_of()
        case.x[0, 0] = np.nan
        trainer = engine.Trainer(case.model, name, batch_size=22, **settings, **penalties)
        assert np.isnan(trainer.epoch(case.data))
        assert np.isnan(case.model.parameters).all()


@pytest.mark.parametrize("frozen", [0, 1, 2])
@pytest.mark.parametrize(("name", "settings"), CASES)
def test_frozen_layers_do_not_move_a_bit(name: str, settings: dict, frozen: int) -> None:
    case = case_of()
    here = np.equal(LAYERS, frozen)
    case.model.parameters[np.flatnonzero(here)[0]] = -0.0
    start = case.model.parameters.copy()
    factors = [1.0, 1.0, 1.0]
    factors[frozen] = 0.0
    trainer = engine.Trainer(
        case.model,
        name,
        batch_size=8,
        learning_rate_factors=factors,
        l1=0.01,
        l2=0.01,
        clip_norm=1.0,
        max_norm=0.1,
        n_threads=2,
        **settings,
    )
    trainer.epochs(case.data, 3)
    moved = case.model.parameters != start
    assert moved[~here].all()
    assert start[here].tobytes() == case.model.parameters[here].tobytes()


def test_penalties_of_frozen_layers_are_in_the_loss() -> None:
    """As the first layer cannot change, its penalties are a constant that is reported."""
    case = case_of()
    parameters = case.model.parameters
    trainer = engine.Trainer(
        case.model, "sgd", batch_size=22, learning_rate=0.1, l1=0.1, l2=0.2, learning_rate_factors=[0, 1, 1]
    )
    expected = case.model.evaluate(case.data) + 0.1 * np.abs(parameters[:N_WEIGHTS]).sum()
    expected += 0.1 * (parameters[:N_WEIGHTS] ** 2).sum()
    assert trainer.epoch(case.data) == pytest.approx(expected, rel=1e-13)


def test_the_norm_of_the_gradient_leaves_frozen_layers_out() -> None:
    case, twin = case_of(), case_of()
    g = np.empty_like(twin.model.parameters)
    twin.model.gradients(twin.data, g)
    g[LAYERS == 1] = 0.0
    trainer = engine.Trainer(
        case.model, "sgd", batch_size=22, learning_rate=1.0, clip_norm=0.1, learning_rate_factors=[1, 0, 1]
    )
    trainer.epoch(case.data)
    assert np.linalg.norm(g) > 0.1
    expected = twin.model.parameters - 0.1 * g / np.linalg.norm(g)
    assert_allclose(case.model.parameters, expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name", ["sgd", "adamw", "lion", "rprop"])
def test_factors_of_layers_multiply_their_steps(name: str) -> None:
    settings = {"learning_rate": 0.01, "weight_decay": 0.5} if name != "rprop" else {"learning_rate": 0.01}
    steps = []
    for factors in ([1, 1, 1], [0.5, 2.0, 0.25]):
        case = case_of()
        start = case.model.parameters.copy()
        engine.Trainer(case.model, name, batch_size=22, learning_rate_factors=factors, **settings).epoch(
            case.data
        )
        steps.append(case.model.parameters - start)
    assert_allclose(steps[1], steps[0] * np.array([0.5, 2.0, 0.25])[LAYERS], rtol=1e-9, atol=1e-16)


@pytest.mark.parametrize(("name", "settings"), [case for case in CASES if case[0] != "rprop"])
def test_factors_multiply_the_learning_rate_step_by_step(name: str, settings: dict) -> None:
    follow(name, settings, "float64", None, factors=np.linspace(1.5, 0.0, 9))


def test_sparse_rows_have_the_bits_of_dense_ones() -> None:
    """With every penalty and bound."""
    import scipy.sparse

    runs = []
    for sparse in (False, True):
        case = case_of()
        case.x[np.abs(case.x) < 0.5] = 0.0
        rows = scipy.sparse.csr_array(case.x)
        x = (rows.data, rows.indices.astype(np.int32), rows.indptr.astype(np.int32)) if sparse else case.x
        trainer = engine.Trainer(
            case.model, "adamw", batch_size=8, l1=0.01, clip_norm=0.1, max_norm=0.8, weight_decay=0.1
        )
        losses = trainer.epochs(engine.Dataset(case.model, x, case.y), 3, seed=1)
        runs.append((losses, case.model.parameters.copy()))
    assert_allclose(runs[0][0], runs[1][0], rtol=1e-12)
    assert_allclose(runs[0][1], runs[1][1], rtol=1e-9, atol=1e-12)


def test_settings_that_do_not_fit() -> None:
    case = case_of()
    with pytest.raises(
        ValueError, match="unknown optimizer 'adan'; expected one of sgd, adam, adamw, rmsprop"
    ):
        engine.Trainer(case.model, "adan", batch_size=1)
    for value in (None, "a", [1.0], {}, 1j):
        with pytest.raises(TypeError, match="setting 'momentum' is not a number"):
            engine.Trainer(case.model, "sgd", batch_size=1, momentum=value)
    with pytest.raises(TypeError, match="unknown setting 'momentun'"):
        engine.Trainer(case.model, "sgd", batch_size=1, momentun=0.9)
    with pytest.raises(ValueError, match="learning_rate_factors has 2 numbers, expected 3"):
        engine.Trainer(case.model, "sgd", batch_size=1, learning_rate_factors=[1, 1])
    trainer = engine.Trainer(case.model, "sgd", batch_size=8)
    with pytest.raises(ValueError, match=r"factors has shape \(5,\), expected \(6,\), one per step"):
        trainer.epochs(case.data, 2, factors=np.ones(5))
    with pytest.raises(TypeError, match="factors must be a float64 array"):
        trainer.epoch(case.data, factors=np.ones(3, np.float32))
