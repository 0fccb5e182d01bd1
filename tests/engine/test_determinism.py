"""Same seed, same bits: on any number of threads, and on every instruction set with fused multiply-add."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from chainrule import _engine as engine

from .networks import DTYPES, FMA_ISAS, ISAS, make_case

CASES = [
    ([7, 33, 20, 5], ["tanh", "gelu", "softmax"], "cross_entropy", 130, 37),
    ([28, 101, 64, 1], ["relu", "selu", "identity"], "squared_error", 300, 128),
    ([5, 300, 17], ["mish", "sigmoid"], "binary_cross_entropy", 90, 90),
    ([3, 5, 4, 3], ["sigmoid", "sigmoid", "sigmoid"], "squared_error", 20, 1),
    ([9, 50, 3], ["elu", "exp"], "poisson", 50, 16),
    ([600, 70, 2], ["softplus", "softplus"], "poisson", 50, 50),
]


def bits(case_number: int, dtype: str, isa: str, n_threads: int, optimizer: str) -> list[bytes]:
    sizes, activations, loss, n_samples, batch_size = CASES[case_number]
    case = make_case(sizes, activations, loss, n_samples=n_samples, dtype=dtype, isa=isa, weighted=True)
    assert case.model.isa == isa
    settings = {"adam": {}, "sgd": {"momentum": 0.9, "nesterov": True}}[optimizer]
    trainer = engine.Trainer(
        case.model,
        optimizer,
        batch_size=batch_size,
        learning_rate=1e-3,
        l2=0.01,
        l2_over_rows=True,
        n_threads=n_threads,
        **settings,
    )
    losses = trainer.epochs(case.data, 3, seed=4)
    assert np.isfinite(losses).all()
    gradient = np.empty_like(case.model.parameters)
    case.model.gradients(case.data, gradient, l2=0.1, n_threads=n_threads)
    arrays = [
        losses,
        case.model.parameters,
        *trainer.state,
        case.model.predict(case.data, n_threads),
        gradient,
    ]
    return [a.tobytes() for a in arrays]


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case_number", range(len(CASES)))
def test_bits_do_not_depend_on_threads_or_instruction_set(
    case_number: int, dtype: str, optimizer: str
) -> None:
    expected = bits(case_number, dtype, FMA_ISAS[0] if FMA_ISAS else "baseline", 1, optimizer)
    for isa in FMA_ISAS:
        for n_threads in (1, 2, 3):
            assert bits(case_number, dtype, isa, n_threads, optimizer) == expected, (isa, n_threads)
    expected = bits(case_number, dtype, "baseline", 1, optimizer)
    for n_threads in (2, 3):
        assert bits(case_number, dtype, "baseline", n_threads, optimizer) == expected, n_threads


@pytest.mark.parametrize("isa", ISAS)
def test_a_row_alone_has_the_bits_of_its_row_in_a_batch(isa: str) -> None:
    for dtype in DTYPES:
        sizes = [11, 130, 67, 9, 1]
        case = make_case(
            sizes, ["tanh", "gelu", "relu", "sigmoid"], "squared_error", n_samples=40, dtype=dtype, isa=isa
        )
        together = case.model.forward(case.x)
        for row, expected in zip(case.x, together, strict=True):
            assert case.model.forward(row).tobytes() == expected.tobytes()


def test_a_second_thread_really_ran() -> None:
    case = make_case([64, 256, 10], ["relu", "softmax"], "cross_entropy", n_samples=256)
    trainer = engine.Trainer(case.model, "adam", batch_size=256, learning_rate=1e-3, n_threads=2)
    trainer.epoch(case.data)
    assert trainer.n_threads == 2


def test_a_tiny_step_takes_one_thread() -> None:
    case = make_case([3, 5, 4, 3], ["sigmoid"] * 3, "squared_error", n_samples=32)
    trainer = engine.Trainer(case.model, "sgd", batch_size=1, learning_rate=0.1, n_threads=2)
    trainer.epoch(case.data)
    assert trainer.n_threads == 1


@pytest.mark.parametrize("isa", ISAS)
def test_environment_forces_the_instruction_set(isa: str) -> None:
    code = (
        "from chainrule import _engine as e;"
        "print(e.isa(), e.Model([1, 1], ['identity'], 'squared_error').isa, e.available_isas())"
    )
    assert run(code, isa) == f"{isa} {isa} {ISAS}"


def test_environment_that_cannot_be_met_is_an_error() -> None:
    code = (
        "from chainrule import _engine as e\n"
        "try: e.Model([1, 1], ['identity'], 'squared_error')\n"
        "except ValueError as error: print(error)"
    )
    assert run(code, "avx1024").startswith("CHAINRULE_ISA asks for the instruction set 'avx1024', but")


def run(code: str, isa: str) -> str:
    import os

    environment = {**os.environ, "CHAINRULE_ISA": isa}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_permutation_is_one_and_depends_on_seed_and_epoch() -> None:
    for n in (1, 2, 3, 5, 8, 100, 4096, 4097, 5000, 8192, 8193):
        order = engine.permutation(n, 5, 0)
        assert sorted(order) == list(range(n))
    assert list(engine.permutation(100, 5, 0)) == list(engine.permutation(100, 5, 0))
    assert list(engine.permutation(100, 5, 0)) != list(engine.permutation(100, 5, 1))
    assert list(engine.permutation(100, 5, 0)) != list(engine.permutation(100, 6, 0))


def chi_squared_is_plausible(counts: np.ndarray, degrees: int, sigmas: float = 4) -> bool:
    expected = counts.mean()
    statistic = ((counts - expected) ** 2 / expected).sum()
    return abs(statistic - degrees) < sigmas * np.sqrt(2 * degrees)


def test_small_permutations_are_uniform() -> None:
    """Each of the 24 orders of 4 rows, and each value in each of 50 places: as chance says, to 4 sigma."""
    codes = [tuple(engine.permutation(4, 11, epoch)) for epoch in range(24_000)]
    counts = np.array([codes.count(code) for code in sorted(set(codes))])
    assert len(counts) == 24
    assert chi_squared_is_plausible(counts, 23)
    places = np.zeros((50, 50))
    for epoch in range(5000):
        places[np.arange(50), engine.permutation(50, 3, epoch)] += 1
    assert chi_squared_is_plausible(places, 49 * 49)


@pytest.mark.parametrize("n", [5000, 8191, 10_000])
def test_large_permutations_look_random(n: int) -> None:
    """Where rows go, and how far neighbors end apart, in 40 x 40 cells over 100 epochs.

    Within 6 sigma: neighbors are not quite independent.
    """
    cells = 40
    places, distances = np.zeros((cells, cells)), np.zeros(cells)
    for epoch in range(100):
        order = engine.permutation(n, 3, epoch)
        np.add.at(places, (np.arange(n) * cells // n, order * cells // n), 1)
        np.add.at(distances, np.diff(order) % n * cells // n, 1)
    assert chi_squared_is_plausible(places, (cells - 1) ** 2, 6)
    assert chi_squared_is_plausible(distances, cells - 1, 6)
