"""Batches of blocks of rows: each block's sum apart, added in a fixed tree, before all else."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array, random_array

from chainrule import _engine as engine
from chainrule import reference

from .formulas import CASES
from .networks import DTYPES, FMA_ISAS, ISAS, Case, make_case
from .test_inputs import INPUTS, gradient_by_reference, input_case
from .test_layers import gradients, special_case

TOLERANCE = {"float32": 2e-5, "float64": 1e-11}
EVEN, UNEVEN = [4, 4, 4, 4, 4, 4, 4, 4], [8, 0, 2, 16, 1, 4, 1]  # 32 rows: means are exact


def bounds_of(*steps: list[int]) -> np.ndarray:
    return np.concatenate([[0], np.cumsum([n for step in steps for n in step])]).astype(np.int64)


def tree(parts: list[Any]) -> Any:
    """(((0+1)+(2+3))+((4+5)+(6+7))), and as it goes on for other numbers; None adds nothing."""
    if len(parts) == 1:
        return parts[0]
    middle = 1 << (len(parts) - 1).bit_length() - 1
    left, right = tree(parts[:middle]), tree(parts[middle:])
    return right if left is None else left if right is None else left + right


def trainer_of(case: Case, optimizer: str = "sgd", n_blocks: int = 8, **settings: Any) -> engine.Trainer:
    return engine.Trainer(case.model, optimizer, batch_size=32, row_blocks=n_blocks, **settings)


def raw_gradient(case: Case, rows: np.ndarray) -> np.ndarray | None:
    """The sum over rows, whose number is a power of two, in the engine's chain."""
    if not len(rows):
        return None
    weight = None if case.sample_weight is None else case.sample_weight[rows]
    g = np.empty_like(case.model.parameters)
    case.model.gradients(engine.Dataset(case.model, case.x[rows], case.y[rows], weight), g)
    return g * g.dtype.type(len(rows))


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("blocks", [EVEN, UNEVEN, [16, 16], [32, 0, 0]])
@pytest.mark.parametrize("norm", [False, True])
def test_a_step_has_the_bits_of_the_tree(norm: bool, blocks: list[int], dtype: str, isa: str) -> None:
    case = special_case([5, 40, 40, 3], ["tanh", "tanh"], norm=norm, n_samples=50, dtype=dtype, isa=isa)
    order = np.random.default_rng(0).permutation(50)[:32].astype(np.int64)
    bounds = bounds_of(blocks)
    total = tree([raw_gradient(case, order[a:b]) for a, b in itertools.pairwise(bounds)])
    rate = np.dtype(dtype).type(0.125)
    expected = case.model.parameters - rate * (total * np.dtype(dtype).type(1 / 32))
    trainer = trainer_of(case, n_blocks=len(blocks), learning_rate=0.125)
    losses = trainer.steps(case.data, order, bounds)
    assert_array_equal(case.model.parameters, expected)
    assert losses.shape == (1,)
    assert losses[0] == trainer.last_loss
    assert trainer.n_steps == 1


PENALTIES: list[dict[str, float]] = [
    {},
    {"l2": 0.1, "l1": 0.01},
    {"l2": 0.1, "l2_over_rows": True, "clip_value": 0.05},
    {"clip_norm": 0.1, "l2": 0.1},
    {"max_norm": 0.4, "weight_decay": 0.01},
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize(("optimizer", "settings"), CASES)
def test_penalties_bounds_and_optimizers_come_after_the_sum(
    optimizer: str, settings: dict, penalty: dict, dtype: str
) -> None:
    """With the same batches as one block each, whose steps are tested against the formulas."""

    def trained(n_blocks: int) -> tuple[np.ndarray, np.ndarray]:
        case = make_case(
            [6, 50, 3], ["relu", "softmax"], "cross_entropy", n_samples=60, dtype=dtype, weighted=True
        )
        order = np.random.default_rng(1).permutation(60).astype(np.int64)
        bounds = bounds_of([2, 3, 5, 4, 0, 4, 9, 1], [4] * 8)
        with_all = settings | penalty
        trainer = trainer_of(case, optimizer, n_blocks, **with_all)
        bounds = bounds if n_blocks > 1 else bounds[::8].copy()
        losses = [trainer.steps(case.data, order, bounds) for _ in range(3)]
        return np.concatenate(losses), case.model.parameters

    (losses, parameters), (expected_losses, expected) = trained(8), trained(1)
    # A sign that rounding decides moves a parameter by a whole step: none does here in float64.
    loose = 1 if dtype == "float64" else 50
    assert_allclose(losses, expected_losses, rtol=loose * TOLERANCE[dtype])
    assert_allclose(parameters, expected, rtol=loose * TOLERANCE[dtype], atol=loose * TOLERANCE[dtype])


def test_dropout_is_of_step_block_and_row() -> None:
    case = special_case([4, 30, 30, 2], ["tanh", "tanh"], dropout=0.4, residual=True, n_samples=32)
    trainer = trainer_of(case, n_blocks=len(UNEVEN), learning_rate=0.5, dropout_seed=7)
    for step in range(2):
        masks = [
            np.concatenate(
                [
                    engine.dropout_mask(n, 30, 0.4, seed=7, step=step, layer=k, block=block)
                    for block, n in enumerate(UNEVEN)
                ]
            )
            for k in range(2)
        ]
        loss, wanted = gradients(case, [*masks, None])
        expected = case.model.parameters - 0.5 * np.concatenate([g.ravel() for g in wanted])
        got = trainer.steps(case.data, np.arange(32), bounds_of(UNEVEN))
        assert got[0] == pytest.approx(loss, rel=1e-12)
        assert_allclose(case.model.parameters, expected, rtol=1e-10, atol=1e-13)
    assert not np.array_equal(
        engine.dropout_mask(9, 30, 0.4, seed=7, step=0, layer=0, block=0),
        engine.dropout_mask(9, 30, 0.4, seed=7, step=0, layer=0),
    )


def test_a_loss_of_weighted_rows_is_the_reference_s() -> None:
    case = make_case([3, 8, 2], ["gelu", "identity"], "squared_error", n_samples=30, weighted=True)
    loss = reference.gradients(
        case.weights, case.biases, case.x, case.y, ["gelu", "identity"], "squared_error", case.sample_weight
    ).loss
    trainer = trainer_of(case, n_blocks=3, learning_rate=0.1)
    got = trainer.steps(case.data, np.arange(30), bounds_of([10, 11, 9]))
    assert got[0] == pytest.approx(float(loss), rel=1e-13)


def bits(isa: str, n_threads: int, dtype: str, sparse: bool, factors: list[float]) -> bytes:
    case = special_case(
        [70, 130, 130, 5],
        ["relu", "prelu"],
        "cross_entropy",
        "softmax",
        norm=True,
        residual=True,
        dropout=0.1,
        n_samples=200,
        dtype=dtype,
        isa=isa,
        weighted=True,
    )
    matrix = random_array((200, 70), density=0.2, format="csr", rng=np.random.default_rng(0), dtype=dtype)
    x = (matrix.data, matrix.indices, matrix.indptr) if sparse else matrix.toarray()
    data = engine.Dataset(case.model, x, case.y, case.sample_weight)
    trainer = trainer_of(
        case,
        "adam",
        learning_rate=0.01,
        n_threads=n_threads,
        l2=0.1,
        clip_norm=1.0,
        learning_rate_factors=factors,
    )
    order = np.random.default_rng(0).permutation(200).astype(np.int64)
    losses = trainer.steps(data, order, bounds_of([13, 12, 0, 12, 30, 1, 7, 25], [12] * 8))
    assert np.isfinite(losses).all()
    return b"".join(a.tobytes() for a in [losses, case.model.parameters, *trainer.state])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("factors", [[], [1.0, 0.0, 0.5]])
def test_bits_do_not_depend_on_threads_instruction_set_or_zeros(factors: list[float], dtype: str) -> None:
    first = FMA_ISAS[0] if FMA_ISAS else "baseline"
    expected = bits(first, 1, dtype, False, factors)
    for isa in FMA_ISAS or ["baseline"]:
        for n_threads in (1, 2, 3):
            assert bits(isa, n_threads, dtype, False, factors) == expected, (isa, n_threads)
            assert bits(isa, n_threads, dtype, True, factors) == expected, (isa, n_threads, "sparse")
    # Blocks are summed apart: another number of them is another order of sums.
    assert bits("baseline", 2, dtype, False, factors) == bits("baseline", 1, dtype, False, factors)


def test_longer_sparse_rows_later() -> None:
    """Room for a batch's entries is shared out anew where rows become fewer and longer."""
    case = make_case([12, 9, 2], ["tanh", "identity"], "squared_error", n_samples=40)
    trainer, twin = trainer_of(case, n_blocks=4, learning_rate=0.1), None
    thin = np.where(np.arange(12) < 3, case.x, 0.0)
    matrix = random_array((40, 12), density=0.25, format="csr", rng=np.random.default_rng(0))
    for x, n in ((thin, 40), (case.x, 10), (matrix.toarray(), 20)):
        rows = csr_array(x)
        data = engine.Dataset(case.model, (rows.data, rows.indices, rows.indptr), case.y)
        bounds = bounds_of([n // 2, 0, n // 2 - 1, 1])
        start = case.model.parameters.copy()
        trainer.steps(data, np.arange(n), bounds)
        got = case.model.parameters.copy()
        case.model.parameters[:] = start
        twin = trainer_of(case, n_blocks=4, learning_rate=0.1)
        twin.steps(engine.Dataset(case.model, np.ascontiguousarray(x), case.y), np.arange(n), bounds)
        assert_array_equal(got, case.model.parameters)


def test_steps_go_on_where_the_last_call_ended() -> None:
    """One call of many steps is many calls of one; data may be others in each."""

    def case_and_trainer():
        case = make_case([6, 40, 1], ["relu", "identity"], "squared_error", n_samples=96)
        return case, trainer_of(case, "adam", 4, learning_rate=0.01)

    order = np.random.default_rng(3).permutation(96).astype(np.int64)
    case, trainer = case_and_trainer()
    factors = np.array([1.0, 0.5, 0.25])
    losses = trainer.steps(case.data, order, bounds_of(*[[8] * 4] * 3), factors=factors)
    again, parts = case_and_trainer()
    for step in range(3):
        rows = order[32 * step : 32 * step + 32]
        data = engine.Dataset(again.model, again.x[rows], again.y[rows])
        loss = parts.steps(data, np.arange(32), bounds_of([8] * 4), factors=factors[step : step + 1])
        assert loss[0] == losses[step]
    assert_array_equal(case.model.parameters, again.model.parameters)


def test_a_step_without_rows_moves_by_the_optimizer_s_memory_alone() -> None:
    case = make_case([3, 20, 1], ["relu", "identity"], "squared_error", n_samples=8)
    trainer = trainer_of(case, n_blocks=2, learning_rate=0.1, momentum=0.5)
    trainer.steps(case.data, np.arange(8), bounds_of([4, 4]))
    before, velocity = case.model.parameters.copy(), trainer.state[0].copy()
    assert trainer.steps(case.data, np.arange(8), bounds_of([0, 0])).tolist() == [0.0]
    assert_array_equal(case.model.parameters, before + 0.5 * velocity)


def test_what_cannot_be_is_refused() -> None:
    case = make_case([3, 2], ["identity"], "squared_error", n_samples=10)
    with pytest.raises(ValueError, match="row_blocks must be 1 to 4096, got 0"):
        trainer_of(case, n_blocks=0)
    trainer = trainer_of(case, n_blocks=2)
    order = np.arange(10)
    with pytest.raises(ValueError, match="takes batches of 2 blocks of rows, by `steps`"):
        trainer.epoch(case.data)
    with pytest.raises(ValueError, match="2 numbers per step, and one more"):
        trainer.steps(case.data, order, np.array([0, 2, 4, 5]))
    with pytest.raises(ValueError, match="rise, from 0"):
        trainer.steps(case.data, order, np.array([0, 2, 1]))
    with pytest.raises(ValueError, match="rise, from 0"):
        trainer.steps(case.data, order, np.array([0, 2, 11]))
    with pytest.raises(ValueError, match=r"numbers of rows, 0 \.\. n_samples - 1"):
        trainer.steps(case.data, np.array([10]), np.array([0, 1, 1]))
    with pytest.raises(ValueError, match="one per step"):
        trainer.steps(case.data, order, np.array([0, 1, 1]), factors=np.ones(2))
    single = make_case([3, 2], ["identity"], "squared_error", n_samples=10, dtype="float32")
    with pytest.raises(ValueError, match=r"bf16|bfloat16"):
        trainer_of(single, n_blocks=2, precision="bf16")


# Input layers (E11, E13-E15)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("blocks", [EVEN, UNEVEN, [32, 0, 0]])
@pytest.mark.parametrize("kind", INPUTS)
def test_what_input_layers_learn_is_summed_in_the_tree(
    kind: str, blocks: list[int], dtype: str, isa: str
) -> None:
    inputs = INPUTS[kind]
    case = input_case(inputs, ["tanh"], n_samples=50, dtype=dtype, isa=isa, weighted=False)
    order = np.random.default_rng(0).permutation(50)[:32].astype(np.int64)
    bounds = bounds_of(blocks)
    total = tree([raw_gradient(case, order[a:b]) for a, b in itertools.pairwise(bounds)])
    start, rate = case.model.parameters.copy(), np.dtype(dtype).type(0.125)
    expected = start - rate * (total * np.dtype(dtype).type(1 / 32))
    trainer = trainer_of(case, n_blocks=len(blocks), learning_rate=0.125)
    losses = trainer.steps(case.data, order, bounds)
    assert_array_equal(case.model.parameters, expected)
    rows = replace(case, x=case.x[order], y=case.y[order])
    case.model.parameters[:] = start
    loss, gradient = gradient_by_reference(inputs, rows)
    assert losses[0] == pytest.approx(loss, rel=TOLERANCE[dtype])
    scale = np.abs(gradient).max()
    assert_allclose(expected, start - 0.125 * gradient, rtol=0, atol=20 * TOLERANCE[dtype] * scale)


@pytest.mark.parametrize(("optimizer", "settings"), CASES)
def test_input_layers_learn_as_from_one_block(optimizer: str, settings: dict) -> None:
    """Weights of rows, penalties, bounds of the norm, and a frozen input layer."""

    def trained(n_blocks: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        case = input_case(INPUTS["all"], ["tanh"], n_samples=60)
        order = np.random.default_rng(1).permutation(60).astype(np.int64)
        bounds = bounds_of([2, 3, 5, 4, 0, 4, 9, 1], [4] * 8)
        factors = np.linspace(0.5, 1.0, len(case.model.layout))
        factors[-1] = 0.0
        with_all = settings | {"clip_norm": 0.3, "l2": 0.01, "learning_rate_factors": factors.tolist()}
        trainer = trainer_of(case, optimizer, n_blocks, **with_all)
        before = case.model.parameters.copy()
        bounds = bounds if n_blocks > 1 else bounds[::8].copy()
        losses = [trainer.steps(case.data, order, bounds) for _ in range(3)]
        return np.concatenate(losses), case.model.parameters, before

    (losses, parameters, before), (expected_losses, expected, _) = trained(8), trained(1)
    assert_allclose(losses, expected_losses, rtol=TOLERANCE["float64"])
    assert_allclose(parameters, expected, rtol=TOLERANCE["float64"], atol=TOLERANCE["float64"])
    assert_array_equal(parameters == before, expected == before)
    assert (parameters != before).any()


@pytest.mark.parametrize("dtype", DTYPES)
def test_bits_of_input_layers_do_not_depend_on_threads_or_instruction_set(dtype: str) -> None:
    def of(isa: str, n_threads: int) -> bytes:
        case = input_case(INPUTS["all"], ["relu", "tanh"], n_samples=200, dtype=dtype, isa=isa)
        trainer = trainer_of(case, "adam", learning_rate=0.01, n_threads=n_threads, l2=0.1, clip_norm=1.0)
        order = np.random.default_rng(0).permutation(200).astype(np.int64)
        losses = trainer.steps(case.data, order, bounds_of([13, 12, 0, 12, 30, 1, 7, 25], [12] * 8))
        assert np.isfinite(losses).all()
        return b"".join(a.tobytes() for a in [losses, case.model.parameters, *trainer.state])

    isas = FMA_ISAS or ["baseline"]
    expected = of(isas[0], 1)
    for isa, n_threads in itertools.product(isas, (1, 2, 3)):
        assert of(isa, n_threads) == expected, (isa, n_threads)
    assert of("baseline", 2) == of("baseline", 1)
