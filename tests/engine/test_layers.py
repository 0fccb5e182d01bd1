"""E8, E9, E10 and prelu in the engine: equal to the reference, the same bits everywhere, the masks."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy.sparse import csr_matrix

from chainrule import _engine as engine
from chainrule import reference

from .networks import DTYPES, FMA_ISAS, ISAS, VECTOR_BYTES, Case, make_case, split, split_vectors
from .test_against_reference import TOLERANCE, assert_close
from .test_bf16 import needs_bf16

COMBINATIONS = list(itertools.product([False, True], repeat=3))  # norm, residual, prelu


def special_case(
    sizes: list[int],
    hidden: list[str],
    loss: str = "squared_error",
    output: str = "identity",
    *,
    norm: bool = False,
    residual: bool = False,
    dropout: float = 0.0,
    **settings: Any,
) -> Case:
    n_hidden = len(sizes) - 2
    case = make_case(
        sizes,
        [*hidden, output],
        loss,
        dropout=[dropout] * n_hidden + [0.0],
        layer_norm=[norm] * n_hidden + [False],
        residual=[residual and a == b for a, b in itertools.pairwise(sizes[:-1])] + [False],
        **settings,
    )
    for vectors in split_vectors(case.model, case.model.parameters)[::2]:  # gains and slopes
        for vector in vectors:
            if vector is not None:
                vector[:] += 0.6
    return case


def gradients(case: Case, masks: list[Any] | None = None, **options: Any) -> tuple[float, list[np.ndarray]]:
    """Loss and every gradient by the reference, in the order of the flat parameters."""
    weights = [w.astype(np.float64) for w in case.weights]
    biases = [b.astype(np.float64) for b in case.biases]
    y = case.y if case.y.ndim == 1 else case.y.astype(np.float64)
    weight = None if case.sample_weight is None else case.sample_weight.astype(np.float64)
    g = reference.gradients(
        weights,
        biases,
        case.x.astype(np.float64),
        y,
        case.model.activations,
        case.model.loss,
        weight,
        **options,
        **case.layer_options(masks),
    )
    vectors = [a for pair in zip(g.gains, g.shifts, strict=True) for a in pair if a is not None]
    return float(g.loss), [*g.weights, *g.biases, *vectors, *(s for s in g.slopes if s is not None)]


def parts(model: engine.Model, flat: np.ndarray) -> list[np.ndarray]:
    gains, shifts, slopes, *_ = split_vectors(model, flat)
    vectors = [a for pair in zip(gains, shifts, strict=True) for a in pair if a is not None]
    return [
        *(a for arrays in split(model, flat) for a in arrays),
        *vectors,
        *(s for s in slopes if s is not None),
    ]


def check(case: Case) -> None:
    """Prediction, single rows, loss and gradients; dropout is for training alone."""
    model, dtype = case.model, case.model.dtype
    loss, expected = gradients(case, l2=0.25)
    gradient = np.full_like(model.parameters, np.nan)
    assert_close(model.gradients(case.data, gradient, l2=0.25), loss, dtype)
    for given, wanted in zip(parts(model, gradient), expected, strict=True):
        assert_close(given, wanted, dtype)
        assert (given != 0).any()
    output = reference.predict(
        [w.astype(np.float64) for w in case.weights],
        [b.astype(np.float64) for b in case.biases],
        case.x.astype(np.float64),
        model.activations,
        **case.layer_options(),
    )
    predicted = model.predict(case.data)
    assert_close(predicted, output, dtype)
    assert_array_equal(model.forward(case.x[0]), predicted[0])
    assert_array_equal(model.forward(case.x[:2]), predicted[:2])
    penalty = 0.125 * sum(float((w.astype(np.float64) ** 2).sum()) for w in case.weights)
    assert_close(model.evaluate(case.data), loss - penalty, dtype)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("norm", "residual", "prelu"), COMBINATIONS)
def test_every_combination_is_the_reference(
    isa: str, dtype: str, norm: bool, residual: bool, prelu: bool
) -> None:
    hidden = ["prelu"] * 4 if prelu else ["tanh", "gelu", "softplus", "silu"]
    case = special_case(
        [19, 19, 34, 34, 34, 3],
        hidden,
        "cross_entropy",
        "softmax",
        norm=norm,
        residual=residual,
        dropout=0.5,
        n_samples=21,
        dtype=dtype,
        isa=isa,
        weighted=True,
    )
    check(case)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_widths_around_the_vector_width(isa: str, dtype: str) -> None:
    w = VECTOR_BYTES[isa] // np.dtype(dtype).itemsize
    # Not below 5: of two or three units normalized to +-1 little but rounding error comes back.
    for n in {max(n, 5) for n in (w - 1, w, w + 1, 3 * w, 4 * w + 3)}:
        for norm, residual in itertools.product([False, True], repeat=2):
            hidden = ["prelu", "tanh", "softsign"]
            case = special_case(
                [n, n, n, n, 2], hidden, norm=norm, residual=residual, n_samples=n + 3, dtype=dtype, isa=isa
            )
            check(case)


@pytest.mark.parametrize("isa", ISAS)
def test_activations_and_options_layer_by_layer(isa: str) -> None:
    """Plain layers before, between and after special ones, and more rows than a block of them."""
    case = make_case(
        [6, 40, 40, 40, 40, 9, 9, 2],
        ["tanh", "gelu", "prelu", "sigmoid", "elu", "mish", "identity"],
        "squared_error",
        n_samples=600,
        isa=isa,
        layer_norm=[False, True, False, True, False, False, False],
        residual=[False, True, True, False, False, True, False],
        dropout=[0.3, 0.0, 0.2, 0.0, 0.1, 0.0, 0.0],
    )
    check(case)


def test_a_long_batch_accumulates_every_vector() -> None:
    case = special_case([5, 8, 8, 2], ["prelu", "prelu"], norm=True, residual=True, n_samples=2100)
    check(case)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("norm", "residual", "prelu"), COMBINATIONS)
def test_training_with_dropout_is_the_reference_with_the_same_masks(
    isa: str, dtype: str, norm: bool, residual: bool, prelu: bool
) -> None:
    hidden = ["prelu"] * 3 if prelu else ["tanh", "mish", "sigmoid"]
    case = special_case(
        [7, 7, 35, 35, 2],
        hidden,
        norm=norm,
        residual=residual,
        dropout=0.3,
        n_samples=37,
        dtype=dtype,
        isa=isa,
    )
    model, rate = case.model, 0.125
    trainer = engine.Trainer(model, "sgd", batch_size=37, learning_rate=rate, dropout_seed=11)
    trainer.n_steps = 5
    for step in (5, 6):
        masks = [
            engine.dropout_mask(37, n, 0.3, seed=11, step=step, layer=k) for k, n in enumerate([7, 35, 35])
        ]
        loss, expected = gradients(case, [*masks, None])
        start = model.parameters.copy()
        assert_close(trainer.epoch(case.data), loss, dtype)
        for before, after, g in zip(
            parts(model, start), parts(model, model.parameters), expected, strict=True
        ):
            scale = max(np.abs(before).max(), rate * np.abs(g).max())
            assert np.abs(after - (before - rate * g)).max() <= TOLERANCE[dtype] * scale
            assert (after != before).any()


def test_the_norm_that_is_clipped_is_of_every_parameter() -> None:
    case = special_case([6, 9, 9, 2], ["prelu", "prelu"], norm=True, n_samples=12)
    _, expected = gradients(case)
    norm = np.sqrt(sum(float((g**2).sum()) for g in expected))
    start = case.model.parameters.copy()
    trainer = engine.Trainer(case.model, "sgd", batch_size=12, learning_rate=1.0, clip_norm=0.5 * norm)
    trainer.epoch(case.data)
    for before, after, g in zip(
        parts(case.model, start), parts(case.model, case.model.parameters), expected, strict=True
    ):
        np.testing.assert_allclose(before - after, 0.5 * g, rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("optimizer", engine.optimizers())
def test_every_optimizer_moves_every_vector(optimizer: str) -> None:
    case = special_case([6, 9, 9, 2], ["prelu", "prelu"], norm=True, residual=True, dropout=0.1, n_samples=12)
    start = case.model.parameters.copy()
    options = {} if optimizer == "rprop" else {"learning_rate": 0.01}
    trainer = engine.Trainer(case.model, optimizer, batch_size=12, **options)
    trainer.epochs(case.data, 3)
    for before, after in zip(parts(case.model, start), parts(case.model, case.model.parameters), strict=True):
        assert (after != before).any()
        assert np.isfinite(after).all()
    assert all(moment.shape == start.shape for moment in trainer.state)


@pytest.mark.parametrize("dtype", DTYPES)
def test_same_bits_for_any_instruction_set_and_number_of_threads(dtype: str) -> None:
    results = []
    for isa, n_threads in [*itertools.product(FMA_ISAS, [1, 2, 3]), ("baseline", 1), ("baseline", 3)]:
        case = special_case(
            [33, 33, 70, 70, 4],
            ["prelu", "gelu", "tanh"],
            "cross_entropy",
            "softmax",
            norm=True,
            residual=True,
            dropout=0.4,
            n_samples=900,
            dtype=dtype,
            isa=isa,
        )
        trainer = engine.Trainer(
            case.model,
            "adam",
            batch_size=256,
            learning_rate=0.01,
            l2=0.01,
            n_threads=n_threads,
            dropout_seed=3,
        )
        losses = trainer.epochs(case.data, 2, seed=5)
        results.append((isa == "baseline", case.model.parameters.copy(), losses, *trainer.state))
    for group in (True, False):
        first, *others = [r[1:] for r in results if r[0] is group] or [()]
        for other in others:
            for a, b in zip(first, other, strict=True):
                assert_array_equal(a, b)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_trainer_that_goes_on_has_the_bits_of_one_never_stopped(dtype: str) -> None:
    def fresh() -> tuple[Case, engine.Trainer]:
        case = special_case(
            [5, 20, 20, 1], ["prelu", "relu"], norm=True, dropout=0.5, n_samples=50, dtype=dtype
        )
        return case, engine.Trainer(case.model, "adam", batch_size=16, learning_rate=0.01, dropout_seed=9)

    whole, trainer = fresh()
    trainer.epochs(whole.data, 4, seed=1)
    first, trainer = fresh()
    trainer.epochs(first.data, 2, seed=1)
    second, resumed = fresh()
    second.model.parameters[:] = first.model.parameters
    resumed.state, resumed.n_steps = trainer.state, trainer.n_steps
    resumed.epochs(second.data, 2, seed=1, first_epoch=2)
    assert_array_equal(second.model.parameters, whole.model.parameters)
    other, unlike = fresh()
    other.model.parameters[:] = first.model.parameters
    unlike.state = trainer.state  # without its n_steps: other masks
    unlike.epochs(other.data, 2, seed=1, first_epoch=2)
    assert (other.model.parameters != whole.model.parameters).any()


@pytest.mark.parametrize("index", [np.int32, np.int64])
def test_sparse_rows_are_the_dense_ones(index: type) -> None:
    case = special_case(
        [60, 60, 21, 2], ["tanh", "prelu"], norm=True, residual=True, dropout=0.2, n_samples=50, weighted=True
    )
    case.x[np.random.default_rng(1).random(case.x.shape) < 0.8] = 0
    rows = csr_matrix(case.x)
    arrays = (rows.data, rows.indices.astype(index), rows.indptr.astype(index))
    sparse = engine.Dataset(case.model, arrays, case.y, case.sample_weight)
    assert_array_equal(case.model.predict(sparse), case.model.predict(case.data))
    results = []
    for data in (case.data, sparse):
        start = case.model.parameters.copy()
        trainer = engine.Trainer(case.model, "adam", batch_size=7, learning_rate=0.01, n_threads=2)
        losses = trainer.epochs(data, 2, seed=3)
        results.append((case.model.parameters.copy(), losses))
        case.model.parameters[:] = start
    for dense, other in zip(*results, strict=True):
        assert_array_equal(other, dense)


@needs_bf16
def test_products_of_bfloat16_change_digits_only() -> None:
    results = []
    for precision in ("full", "bf16"):
        case = special_case(
            [20, 20, 50, 50, 2],
            ["prelu", "gelu", "tanh"],
            norm=True,
            residual=True,
            dropout=0.3,
            n_samples=64,
            dtype="float32",
        )
        start = case.model.parameters.copy()
        trainer = engine.Trainer(
            case.model, "sgd", batch_size=64, learning_rate=0.1, dropout_seed=1, precision=precision
        )
        loss = trainer.epoch(case.data)
        results.append(
            (
                loss,
                [
                    a - b
                    for a, b in zip(
                        *(parts(case.model, p) for p in (case.model.parameters, start)), strict=True
                    )
                ],
            )
        )
    (full, moves), (rounded, others) = results
    assert rounded == pytest.approx(full, rel=0.02)
    assert rounded != full
    for move, other in zip(moves, others, strict=True):
        assert np.linalg.norm(other - move) <= 0.05 * np.linalg.norm(move)


# --- masks ---


def mask(n_rows: int = 400, n_units: int = 300, rate: float = 0.3, **where: int) -> np.ndarray:
    return engine.dropout_mask(n_rows, n_units, rate, **{"seed": 1, "step": 2, "layer": 0, **where})


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.5, 0.9])
def test_a_mask_drops_its_rate_and_keeps_the_mean(rate: float) -> None:
    m = mask(2000, 500, rate=rate)
    assert set(np.unique(m)) <= {0.0, 1 / (1 - rate)}
    deviation = np.sqrt(rate * (1 - rate) / m.size)
    assert abs((m == 0).mean() - rate) <= 5 * deviation
    for axis in (0, 1):  # of each unit and of each row
        n = m.shape[axis]
        z = ((m == 0).mean(axis=axis) - rate) / max(np.sqrt(rate * (1 - rate) / n), 1e-9)
        assert np.abs(z).max() <= 6
        if rate:
            assert 0.85 <= z.var() <= 1.15  # as of independent units


@pytest.mark.parametrize(
    "where", [{"step": 3}, {"layer": 1}, {"seed": 2}, {"seed": 1 + 2**32}, {"step": 2**40}]
)
def test_masks_of_other_steps_layers_and_seeds_are_independent(where: dict[str, int]) -> None:
    a, b = mask() == 0, mask(**where) == 0
    both = (a & b).mean()
    assert abs(both - 0.09) <= 5 * np.sqrt(0.09 * 0.91 / a.size)


def test_rows_and_units_of_a_mask_are_independent() -> None:
    dropped = (mask(500, 500, rate=0.5) == 0) - 0.5
    for shifted in [np.roll(dropped, k, axis) for k in (1, 2, 8, 16, 255, 256) for axis in (0, 1)]:
        assert abs((dropped * shifted).mean()) <= 5 * 0.25 / np.sqrt(dropped.size)


def test_a_mask_is_a_function_of_the_place_alone() -> None:
    whole = mask(50, 70)
    assert_array_equal(mask(20, 33), whole[:20, :33])
    assert_array_equal(mask(50, 70), whole)


def test_dropout_0_is_none() -> None:
    plain = make_case([4, 9, 2], ["tanh", "identity"], "squared_error", n_samples=20)
    zero = make_case([4, 9, 2], ["tanh", "identity"], "squared_error", n_samples=20, dropout=[0.0, 0.0])
    for case in (plain, zero):
        engine.Trainer(case.model, "sgd", batch_size=5, learning_rate=0.1).epochs(case.data, 2)
    assert_array_equal(plain.model.parameters, zero.model.parameters)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dropout": [0.1]}, r"dropout has 1 entries; expected 2"),
        ({"dropout": [1.0, 0.0]}, r"dropout rates must lie in \[0, 1\), got 1"),
        ({"dropout": [float("nan"), 0.0]}, r"dropout rates must lie in \[0, 1\), got"),
        ({"dropout": [0.0, 0.5]}, r"dropout is for hidden layers"),
        ({"layer_norm": [False, True]}, r"layer_norm is for hidden layers"),
        ({"residual": [True, False]}, r"layer 1 has 3 inputs and 5 outputs"),
    ],
)
def test_impossible_options(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        engine.Model([3, 5, 2], ["tanh", "identity"], "squared_error", **options)


def test_prelu_is_for_hidden_layers() -> None:
    with pytest.raises(ValueError, match="prelu is for hidden layers"):
        engine.Model([3, 5, 2], ["tanh", "prelu"], "squared_error")
