"""Works and their numbers: operations, data, guard, memory."""

import dataclasses
import sys

import numpy as np
import pytest

from benchmarks import guard, memory
from benchmarks.problems import MOST_SHOWN, make_problem, shown
from benchmarks.works import TRAINING, Work, classes

WORK = Work("x", (3, 5, 4, 2), "tanh", batch_size=7, n_batches=2)


def test_operations_are_those_of_the_products():
    forward = 2 * (3 * 5 + 5 * 4 + 4 * 2) * 7
    backward = 2 * (5 * 4 + 4 * 2) * 7  # the first layer propagates nothing back
    assert WORK.flops == 2 * forward + backward
    assert dataclasses.replace(WORK, task="predict").flops == forward
    assert dataclasses.replace(WORK, task="gradient").flops == WORK.flops
    assert dataclasses.replace(WORK, task="train_call").flops == WORK.flops * WORK.n_batches
    assert classes("s", (50, 4, 2), 10, 1, density=0.1).flops == 10 * (4 * 50 * 4 * 0.1 + 6 * 8)


def test_issue_s_works_are_there():
    assert [(work.name, work.network, work.batch_size, work.target) for work in TRAINING] == [
        ("seed", "3-5-4-3", 1, 10),
        ("seed32", "3-5-4-3", 32, 15),
        ("small", "8-64-64-1", 64, 3),
        ("digits", "64-100-10", 200, 4),
        ("table", "28-3x256-1", 256, 1.25),
        ("mnist", "784-512-512-10", 128, 1.5),
        ("wide", "784-3x2048-10", 1024, 1.1),
    ]


def test_numbers_are_the_same_everywhere_and_of_the_dtype():
    one, two = make_problem(WORK, "float32"), make_problem(WORK, "float32")
    double = make_problem(WORK, "float64")
    parts = [[p.x, p.y, *p.weights, *p.biases] for p in (one, two, double)]
    for a, b, c in zip(*parts, strict=True):
        assert a.dtype == np.float32
        assert c.dtype == np.float64
        assert (a == b).all()
        assert a == pytest.approx(c, rel=1e-6)
    assert one.x.shape == (14, 3)
    assert one.y.shape == (14, 2)
    assert [w.shape for w in one.weights] == [(3, 5), (5, 4), (4, 2)]
    assert all((b != 0).all() for b in one.biases)


def test_every_class_is_there_and_sparse_rows_are_as_full_as_they_should():
    problem = make_problem(classes("s", (500, 4, 3), 20, 2, density=0.1), "float64")
    assert np.bincount(problem.y).tolist() == [14, 13, 13]
    assert problem.x.format == "csr"
    assert problem.x.nnz == pytest.approx(500 * 40 * 0.1, rel=0.1)


def test_what_is_shown_is_a_selection():
    assert shown(np.arange(5)) == [0, 1, 2, 3, 4]
    assert shown(np.zeros(0)) == []
    many = shown(np.arange(10_001))
    assert len(many) <= MOST_SHOWN
    assert many[1] == 11
    problem = make_problem(WORK, "float64")
    changes = problem.changes([w + 1 for w in problem.weights], problem.biases)
    assert sum(changes) == pytest.approx(3 * 5 + 5 * 4 + 4 * 2)


def test_guard_measures_relative_differences():
    found = guard.differences({"loss": [3.0, 4.0], "order": [1]}, {"loss": [3.0, 4.5], "other": [0]})
    assert found == {"loss": 0.1}
    assert guard.disagreement(found, "float64") == (
        "computes something else: differs in loss by 1.0e-01, at most 1e-11 is rounding"
    )
    assert guard.disagreement({"loss": 1e-12, "change": 1e-11}, "float64") is None
    assert guard.disagreement({"loss": 1e-6}, "float64")
    assert guard.disagreement({"loss": 1e-6}, "float32") is None


@pytest.mark.parametrize(
    "theirs", [{"loss": [float("nan")]}, {"loss": [float("inf")]}, {"loss": []}, {}, {"new": [1]}]
)
def test_guard_takes_nothing_for_agreement_that_is_none(theirs):
    found = guard.differences({"loss": [1.0]}, theirs)
    assert set(found.values()) == {float("inf")}
    assert guard.disagreement(found, "float32")
    assert guard.disagreement(found, "float64", long=True)


def test_memory_formula_by_hand():
    assert memory.formula((3, 5, 2), 10, 8, 2) == {
        "packed": [8 * 15, 8 * 10, 8 * 5, 8 * 2],
        "transposed": [8 * 10],
        "moments": [8 * 15, 8 * 10, 8 * 5, 8 * 2] * 2,
        "before": [8 * 32],
        "batch": [8 * 10 * 3, 8 * 10 * 5, 8 * 10 * 2, 8 * 10 * 5, 8 * 10 * 2],
    }
    assert memory.formula((3, 5, 2), 10, 4, 0, n_kept_nets=1)["batch"][5:] == [4 * 10 * 5]
    assert memory.in_pages({"a": [100, 1 << 20], "b": [(2 << 20) + 1]}) == 100 + 3 * (2 << 20)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_is_the_formula_s_whatever_the_number_of_rows(monkeypatch):
    monkeypatch.setattr(memory, "N_SAMPLES", (2048, 8192, 32768))
    cases = memory.measure(runs=[("float32", "adam")])
    assert len(cases) == len(memory.N_SAMPLES)
    for case in cases:
        assert case["training"] == pytest.approx(case["in_pages"], abs=3e6)
    peaks = [case["peak"] for case in cases]
    assert max(peaks) - min(peaks) < 2e6  # the longest data are 24 MB longer than the shortest
