"""Peers in their processes: they are timed if they compute what chainrule computes, and left out if not."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmarks import machine
from benchmarks.peers import OURS, PEERS
from benchmarks.peers.gemm import flops
from benchmarks.processes import Failed, Missing, Process, environment
from benchmarks.results import Sitting
from benchmarks.sitting import Effort, orders, sit, usual_peers
from benchmarks.works import FITS, Work, classes

TINY = Effort(rounds=2, seconds=0.001, gemm_size=64)
REGRESSION = Work("tiny", (3, 5, 2), "tanh", batch_size=8, n_batches=4)
WORKS = [
    REGRESSION,
    replace(REGRESSION, name="tiny-sgd", optimizer="sgd", learning_rate=0.1, batch_size=1, n_batches=70),
    replace(REGRESSION, name="tiny-gelu", activation="gelu", sizes=(3, 7, 1)),
    replace(REGRESSION, name="tiny-sigmoid", activation="sigmoid", output_activation="sigmoid"),
    classes("tiny-classes", (6, 9, 4), 20, 3),
    classes("tiny-sparse", (50, 9, 4), 20, 3, density=0.1),
    replace(REGRESSION, name="tiny-row", task="predict", batch_size=1, n_batches=1),
    classes("tiny-rows", (6, 9, 4), 20, 1, task="predict"),
    replace(REGRESSION, name="tiny-gradient", task="gradient", n_batches=1),
    replace(REGRESSION, name="tiny-engine", task="engine_gradient", n_batches=1),
    classes("tiny-estimator", (64, 10, 10), 1, 1, task="estimator_predict"),
    classes("tiny-assigned", (64, 10, 10), 1, 1, task="assigned_predict"),
    classes("tiny-partial", (6, 9, 4), 20, 1, task="partial_fit"),
    classes("tiny-call", (6, 9, 4), 20, 3, task="train_call"),
]


def sitting_of(works, peers, dtypes=("float32", "float64"), effort=TINY):
    """Measure and return the sitting."""
    sitting = Sitting(machine={}, settings={})
    told = []
    sit(
        sitting,
        {"training": works},
        peers=[OURS, *peers],
        threads=[1],
        dtypes=dtypes,
        effort=effort,
        tell=lambda sitting, row: told.append(row),
    )
    assert told == sitting.rows
    return sitting


PLANTED = ["WrongRate", "WrongOrder", "Dying", "WrongOutput", "Talkative", "Absent"]


@pytest.fixture(scope="module")
def planted():
    """One sitting of all planted peers and of scikit-learn; rows by the work's name."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(Path(__file__).parent)
        for name in PLANTED:
            patch.setitem(PEERS, name, f"planted:{name}")
        works = [WORKS[k] for k in (0, 1, 2, 3, 4, 6)]
        sitting = sitting_of(works, [*PLANTED, "scikit-learn"], ["float64"])
    return SimpleNamespace(
        rows={row.work.name: row for row in sitting.rows},
        problems=sitting.problems(),
        missing=sitting.missing,
    )


@pytest.mark.slow
@pytest.mark.parametrize("peer", [peer for peer in usual_peers(compiled=False) if peer != OURS])
def test_peers_compute_the_same_and_are_timed(peer):
    try:
        Process(peer, PEERS[peer], 1).close()
    except Missing:
        pytest.skip(f"{peer} is not installed")
    sitting = sitting_of(WORKS, [peer])
    assert not sitting.problems()
    assert len(sitting.rows) == 2 * len(WORKS)
    measured = [row for row in sitting.rows if peer in row.runs]
    assert len(measured) >= 10
    for row in measured:
        assert row.differences[peer]
        assert len(row.runs[peer]) == len(row.runs[OURS]) == TINY.rounds
        assert row.ratio(peer) > 0
        assert row.best_peer() == peer
    for row in sitting.rows:
        assert OURS in row.runs
        assert (peer in row.runs) != (peer in row.absent)
        assert row.gflops() > 0
        assert (sitting.fraction(row) is None) == (row.work.density < 1)
    assert sitting.machine["versions"].keys() >= {"chainrule", peer, "NumPy"}


@pytest.mark.slow
def test_what_a_library_cannot_do_is_said(planted):
    reasons = [planted.rows[name].absent["scikit-learn"] for name in ("tiny-gelu", "tiny-sigmoid")]
    assert reasons == ["has no gelu", "has no sigmoid output with squared error"]
    assert not [problem for problem in planted.problems if "scikit-learn" in problem]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("wrong", "work", "kind"),
    [
        ("WrongRate", "tiny", "change"),
        ("WrongRate", "tiny-sgd", "loss"),
        ("WrongOrder", "tiny", "change"),
        ("WrongOrder", "tiny-classes", "loss"),
        ("WrongOutput", "tiny-row", "output"),
    ],
)
def test_a_peer_that_computes_something_else_is_not_timed(planted, wrong, work, kind):
    row = planted.rows[work]
    assert row.runs.keys() & {OURS, "scikit-learn", wrong} == {OURS, "scikit-learn"}
    assert row.absent[wrong].startswith("computes something else: differs in ")
    assert kind in row.absent[wrong]
    assert len([p for p in planted.problems if f"{work}, float64, 1 thread: {wrong} computes" in p]) == 1


@pytest.mark.slow
def test_a_peer_that_dies_ends_no_sitting(planted):
    training, prediction = planted.rows["tiny"], planted.rows["tiny-row"]
    assert training.absent["Dying"].startswith("failed: its process ended with status 3:")
    assert training.absent["Dying"].endswith("goodbye")
    assert training.runs.keys() >= {OURS, "scikit-learn"}
    assert prediction.absent["Dying"].startswith("failed: ")
    assert any("tiny, float64, 1 thread: Dying failed" in problem for problem in planted.problems)


@pytest.mark.slow
def test_a_peer_that_prints_disturbs_nothing(planted):
    assert not [problem for problem in planted.problems if "Talkative" in problem]
    assert "Talkative" in planted.rows["tiny"].runs


@pytest.mark.slow
def test_a_peer_that_is_not_installed_is_left_out(planted):
    assert list(planted.missing) == ["Absent"]
    assert "a_library_that_nobody_has" in planted.missing["Absent"]
    for row in planted.rows.values():
        assert OURS in row.runs
        assert "Absent" not in {**row.runs, **row.absent}


def test_an_exception_is_a_failure_with_its_message():
    with (
        Process("it", PEERS["scikit-learn"], 1) as process,
        pytest.raises(Failed, match="has no attribute 'dance'"),
    ):
        process.ask("dance")


def test_a_class_that_is_not_there_is_a_failure():
    with pytest.raises(Failed, match="NoSuchClass"):
        Process("it", "benchmarks.peers.ours:NoSuchClass", 1)


def test_a_missing_module_is_missing():
    with pytest.raises(Missing, match="no_such_module"):
        Process("it", "benchmarks.peers.no_such_module:Class", 1)


@pytest.mark.slow
def test_whole_fits_have_the_same_numbers():
    fit = replace(FITS[0], parameters={"random_state": 0, "max_iter": 3, "hidden_layer_sizes": [7]})
    sitting = sitting_of([fit], ["scikit-learn"], effort=replace(TINY, seconds=0.3))
    (row,) = sitting.rows  # in float64 alone
    assert not sitting.problems()
    assert row.differences["scikit-learn"]["loss"] < 1e-9
    assert row.differences["scikit-learn"]["epochs"] == 0
    assert row.gflops() is None


@pytest.mark.slow
def test_gemm_is_measured_for_each_dtype():
    sitting = sitting_of([WORKS[6]], [])
    assert set(sitting.gemm) == {("float32", 1), ("float64", 1)}
    assert all(rate > 0 for rates in sitting.gemm.values() for rate in rates)
    assert flops(10) == 2000


def test_environment_sets_threads_and_unsets_kernels(monkeypatch):
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Prescott")
    monkeypatch.setenv("XLA_FLAGS", "--mine")
    one, many = environment(1), environment(3)
    assert "OPENBLAS_CORETYPE" not in one
    assert (one["OMP_NUM_THREADS"], many["OMP_NUM_THREADS"], many["NPROC"]) == ("1", "3", "3")
    assert one["XLA_FLAGS"] == "--mine --xla_cpu_multi_thread_eigen=false"


def test_orders_are_one_permutation_per_epoch():
    with Process(OURS, PEERS[OURS], 1) as process:
        process.ask("prepare", spec=vars(WORKS[0]), dtype="float64")
        first, second = orders(process.ask("evidence", orders=None))
    assert sorted(first) == sorted(second) == list(range(32))
    assert first != second != sorted(second)
    assert orders({"output": [1.0]}) == []


def test_machine_is_described():
    facts = machine.describe()
    assert facts["cores"] >= 1
    assert facts["packages"]["numpy"]
    assert facts["busy_before"] is None or 0 <= facts["busy_before"] <= 1
