"""`train_many`: the bits of each training alone, errors of one job with that job, nothing left behind."""

from __future__ import annotations

import _thread
import copy
import inspect
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse
from threadpoolctl import threadpool_limits

import chainrule
from chainrule import SGD, Adam, History, Network, train_many
from chainrule.training import DivergenceError, EpochRecord, TrainingErrors

ROOT = Path(__file__).parents[2]
PATIENCE = 60  # seconds after which threads that should meet have missed each other


def rows(n_samples: int = 40, n_outputs: int = 2) -> tuple[np.ndarray, np.ndarray]:
    x = np.random.default_rng(0).normal(size=(n_samples, 4))
    return x, np.sin(x[:, :n_outputs])


def small(seed: int = 0, **settings: Any) -> Network:
    return Network([4, 8, 2], random_state=seed, **settings)


def parameters(network: Network) -> np.ndarray:
    return np.concatenate([a.ravel() for a in [*network.weights, *network.biases]])


def no_worker_is_left() -> bool:
    workers = [thread for thread in threading.enumerate() if thread.name.startswith("train_many")]
    for worker in workers:
        worker.join(
            5
        )  # one that an interrupt met while it was being started has yet to see that it is to stop
    return not any(worker.is_alive() for worker in workers)


def mixed_jobs() -> list[tuple[Any, ...]]:
    """Sizes, seeds, data, dtypes, losses and settings that differ from job to job."""
    x, y = rows()
    weight = np.arange(40.0) % 3
    classes = np.random.default_rng(1).integers(0, 3, 40)
    return [
        (small(0), x, y),
        (small(1), x, y, {"optimizer": SGD(0.1, 0.9), "epochs": 30}),
        (small(2, dtype="float32"), x, y, {"batch_size": None}),
        (Network([4, 60, 50, 2], activation="tanh", random_state=3), *rows(300), {"batch_size": 128}),
        (Network([4, 3], loss="cross_entropy", random_state=4), x, classes, {"shuffle": False}),
        (small(5), sparse.csr_matrix(x * (x > 0)), y, {"sample_weight": weight}),
        (small(6), x.tolist(), y.tolist(), {"callback": lambda record: record.epoch == 3}),
    ]


@pytest.mark.parametrize("n_jobs", [1, 2, 4, None])
def test_the_same_bits_as_each_alone(n_jobs: int | None) -> None:
    alone = []
    for network, x, y, *own in mixed_jobs():
        settings = {"epochs": 6, "batch_size": 16, **(own[0] if own else {})}
        alone.append((network.train(x, y, **settings), parameters(network)))
    jobs = mixed_jobs()
    histories = train_many((job for job in jobs), n_jobs=n_jobs, epochs=6, batch_size=16)
    assert [history.n_epochs for history in histories] == [6, 30, 6, 6, 6, 6, 3]
    for job, history, (expected, expected_parameters) in zip(jobs, histories, alone, strict=True):
        assert isinstance(history, History)
        assert history.loss == expected.loss
        assert (history.n_steps, history.stopped) == (expected.n_steps, expected.stopped)
        assert_array_equal(parameters(job[0]), expected_parameters)
    assert no_worker_is_left()


def test_settings_and_defaults_are_those_of_train() -> None:
    of_train = dict(inspect.signature(Network.train).parameters)
    of_many = dict(inspect.signature(train_many).parameters)
    del of_train["self"], of_train["x"], of_train["y"]
    del of_many["jobs"], of_many["n_jobs"], of_many["on_done"]
    assert {name: p.default for name, p in of_many.items()} == {n: p.default for n, p in of_train.items()}


def test_the_longest_jobs_begin_first() -> None:
    """Parameters x rows x epochs."""
    begun: list[int] = []
    x, y = rows()
    jobs = [
        (small(), x, y, {"epochs": 2}),
        (small(), x, y, {"epochs": 4}),
        (small(), *rows(20), {"epochs": 2}),
        (Network([4, 100, 2], random_state=0), x, y, {"epochs": 2}),
    ]
    for i, job in enumerate(jobs):
        job[3]["callback"] = lambda record, i=i: begun.append(i) if record.epoch == 1 else None
    train_many(jobs, n_jobs=1)
    assert begun == [3, 1, 0, 2]


def threads_at_once(n: int, **options: Any) -> set[int]:
    """Threads of n jobs that wait for each other in their callbacks: a timeout where fewer run at once."""
    barrier = threading.Barrier(n)
    threads: set[int] = set()

    def meet(record: EpochRecord) -> None:
        threads.add(threading.get_ident())
        barrier.wait(PATIENCE)

    train_many([(small(seed), *rows()) for seed in range(n)], callback=meet, epochs=2, **options)
    return threads


@pytest.mark.parametrize("n", [1, 2, 3])
def test_as_many_at_once_as_asked_for(n: int) -> None:
    threads = threads_at_once(n, n_jobs=n)
    assert len(threads) == n
    assert threading.get_ident() not in threads


def distinct_threads(**options: Any) -> int:
    threads: set[int] = set()
    jobs = [(small(seed), *rows()) for seed in range(20)]
    train_many(jobs, epochs=1, callback=lambda record: threads.add(threading.get_ident()), **options)
    return len(threads)


def test_openmps_limit_is_the_default() -> None:
    with threadpool_limits(1, user_api="openmp"):
        assert distinct_threads() == 1
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    with threadpool_limits(cores + 1, user_api="openmp"):
        assert distinct_threads() <= cores


def test_negative_n_jobs_count_from_all_cores() -> None:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    with threadpool_limits(1, user_api="openmp"):
        assert len(threads_at_once(cores, n_jobs=-1)) == cores
    assert distinct_threads(n_jobs=-cores) == 1
    assert distinct_threads(n_jobs=-1000) == 1


def test_a_network_uses_one_thread_while_it_is_trained() -> None:
    x, y = rows(2000)
    wide, alone = (Network([4, 100, 100, 2], random_state=0, n_threads=2) for _ in range(2))
    alone.train(x, y, epochs=1, batch_size=1000)
    assert alone._trainee.state._trainer.n_threads == 2  # these steps are worth a second thread
    seen: list[int | None] = []
    job = (wide, x, y, {"callback": lambda record: seen.append(wide.n_threads)})
    train_many([job], epochs=1, batch_size=1000)
    assert wide._trainee.state._trainer.n_threads == 1
    assert (seen, wide.n_threads) == ([1], 2)
    assert_array_equal(parameters(wide), parameters(alone))
    train_many([(wide, x, y)], epochs=1, batch_size=1000, resume=True)
    alone.train(x, y, epochs=1, batch_size=1000, resume=True)
    assert_array_equal(parameters(wide), parameters(alone))


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="counts threads where Linux shows them")
def test_no_threads_but_the_workers() -> None:
    """In a process of its own, whose OpenMP would use four threads for each of these networks."""
    done = python(
        """
        x = np.random.default_rng(0).normal(size=(2000, 50))
        nets = [chainrule.Network([50, 100, 50], random_state=seed) for seed in range(4)]
        before, seen = len(os.listdir("/proc/self/task")), []

        def job(net):
            def count(record):
                net(x)
                seen.append(len(os.listdir("/proc/self/task")))

            return net, x, x, {"callback": count}

        chainrule.train_many([job(net) for net in nets], n_jobs=2, batch_size=500, epochs=3)
        assert max(seen) == before + 2, (before, seen)
        nets[0].train(x, x, batch_size=500, epochs=1)
        assert len(os.listdir("/proc/self/task")) == before + 3
        """,
        OMP_NUM_THREADS="4",
    )
    assert done.returncode == 0, done.stderr


def python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    program = "import os, signal, threading\nimport numpy as np\nimport chainrule\n" + inspect.cleandoc(code)
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=10 * PATIENCE,
        check=False,
    )


def test_shared_data_are_read_where_they_are() -> None:
    from chainrule.network.jobs import as_jobs

    x, y = rows()
    settings = {
        "optimizer": None, "epochs": 1, "batch_size": 8, "shuffle": True, "sample_weight": None,
        "callback": None, "resume": False, "precision": "full",
    }  # fmt: skip
    jobs = as_jobs([(small(seed), x, y) for seed in range(3)], settings)
    assert all(np.shares_memory(job.rows.x, x) and np.shares_memory(job.rows.y, y) for job in jobs)
    jobs = as_jobs([(small(seed, dtype="float32"), x, y) for seed in range(3)], settings)
    assert jobs[0].rows.x.dtype == np.float32
    assert all(job.rows is jobs[0].rows for job in jobs)  # converted once
    jobs = as_jobs([(small(0), x, y), (Network([4, 2], loss="poisson"), x, y**2)], settings)
    assert jobs[0].rows is not jobs[1].rows


def test_inputs_are_not_written() -> None:
    x, y = rows()
    before = x.copy(), y.copy()
    for a in (x, y):
        a.flags.writeable = False
    train_many([(small(seed), x, y) for seed in range(3)], epochs=2)
    assert_array_equal(x, before[0])
    assert_array_equal(y, before[1])


def test_no_jobs() -> None:
    assert train_many([]) == []


def test_two_rounds_with_resume_are_one() -> None:
    x, y = rows()
    whole, parts = ([small(seed) for seed in range(3)] for _ in range(2))
    expected = train_many([(net, x, y) for net in whole], epochs=7)
    first = train_many([(net, x, y) for net in parts], epochs=3)
    second = train_many([(net, x, y) for net in parts], epochs=4, resume=True)
    for i in range(3):
        assert first[i].loss + second[i].loss == expected[i].loss
        assert_array_equal(parameters(parts[i]), parameters(whole[i]))


def test_a_callback_stops_its_own_job() -> None:
    x, y = rows()
    own = {"callback": lambda record: record.epoch == 2}
    histories = train_many([(small(0), x, y), (small(1), x, y, own), (small(2), x, y)], epochs=5)
    assert [(history.n_epochs, history.stopped) for history in histories] == [(5, 0), (2, 1), (5, 0)]


def test_on_done_is_told_of_each_job_in_the_callers_thread() -> None:
    heard: dict[int, History] = {}

    def hear(index: int, history: History) -> None:
        assert threading.current_thread() is threading.main_thread()
        heard[index] = history

    histories = train_many([(small(seed), *rows()) for seed in range(5)], on_done=hear, epochs=2)
    assert len(heard) == 5
    assert all(heard[i] is history for i, history in enumerate(histories))


def test_from_another_thread() -> None:
    results: list[list[History]] = []
    jobs = [(small(seed), *rows()) for seed in range(3)]
    thread = threading.Thread(target=lambda: results.append(train_many(jobs, epochs=2)))
    thread.start()
    thread.join()
    assert [history.n_epochs for history in results[0]] == [2, 2, 2]


# ---- what goes wrong ---------------------------------------------------------------------------------------


def test_the_error_of_one_job_does_not_lose_the_others() -> None:
    x, y = rows()

    def fail(record: EpochRecord) -> None:
        if record.epoch == 2:
            raise OSError("full disk")

    nets = [small(seed) for seed in range(5)]
    jobs = [(net, x, y) for net in nets]
    jobs[1] = (nets[1], x, y, {"optimizer": SGD(1e200)})
    jobs[3] = (nets[3], x, y, {"callback": fail})
    heard: dict[int, object] = {}
    with pytest.raises(TrainingErrors, match=r"2 of 5 jobs failed: jobs\[1\], jobs\[3\]") as caught:
        train_many(jobs, n_jobs=2, epochs=4, on_done=heard.__setitem__)
    divergence, failure = caught.value.exceptions
    assert isinstance(divergence, DivergenceError)
    assert isinstance(failure, OSError)
    assert divergence.__notes__ == ["jobs[1]: " + repr(nets[1])]
    assert failure.__notes__ == ["jobs[3]: " + repr(nets[3])]
    results = caught.value.results
    assert [type(result) for result in results] == [History, DivergenceError, History, OSError, History]
    assert [heard[i] for i in range(5)] == results
    for i in (0, 2, 4):
        alone = small(i)
        assert results[i].loss == alone.train(x, y, epochs=4).loss
        assert_array_equal(parameters(nets[i]), parameters(alone))
    assert_array_equal(parameters(nets[1]), parameters(small(1)))  # set back, as train does alone
    assert no_worker_is_left()


def test_many_errors_are_counted_and_some_named() -> None:
    jobs = [(small(seed), *rows()) for seed in range(7)]
    with pytest.raises(
        TrainingErrors, match=r"7 of 7 jobs failed: jobs\[0\], .*jobs\[4\], \.\.\.$"
    ) as caught:
        train_many(jobs, optimizer=SGD(1e200))
    assert caught.value.split(DivergenceError)[1] is None


def test_resume_without_memory_is_its_jobs_error() -> None:
    trained, fresh = small(0), small(1)
    trained.train(*rows(), epochs=1)
    with pytest.raises(TrainingErrors, match=r"1 of 2 jobs failed: jobs\[1\]") as caught:
        train_many([(net, *rows()) for net in (trained, fresh)], epochs=1, resume=True)
    assert "resume=True goes on from an earlier call" in str(caught.value.exceptions[0])


def endless(n: int, **settings: Any) -> list[tuple[Any, ...]]:
    """Jobs that end when they are stopped."""
    return [(small(seed), *rows(), {"epochs": 10**9, **settings}) for seed in range(n)]


def stops_all(jobs: list[tuple[Any, ...]], error: type[BaseException], **options: Any) -> None:
    """All jobs end by this error; those that ran go on later, those that waited are as they were."""
    before = [parameters(network) for network, *_ in jobs]
    with pytest.raises(error):
        train_many(jobs, n_jobs=2, batch_size=8, **options)
    assert no_worker_is_left()
    begun = [not np.array_equal(old, parameters(job[0])) for old, job in zip(before, jobs, strict=True)]
    assert begun == [True, True, False]
    for network, x, y, _ in jobs[:2]:
        whole = small(jobs.index((network, x, y, _)))
        whole.train(x, y, epochs=network._trainee.n_epochs + 1, batch_size=8)
        network.train(x, y, epochs=1, batch_size=8, resume=True)
        assert_array_equal(parameters(network), parameters(whole))


def meeting(n: int, then: Callable[[], object]) -> Callable[[EpochRecord], None]:
    """Do something once n jobs have trained for an epoch."""
    barrier = threading.Barrier(n)

    def meet(record: EpochRecord) -> None:
        if record.epoch == 1 and barrier.wait(PATIENCE) == 0:
            then()

    return meet


def test_an_interrupt_stops_all() -> None:
    stops_all(endless(3, callback=meeting(2, _thread.interrupt_main)), KeyboardInterrupt)


def test_an_interrupt_is_heard_while_all_are_in_native_code() -> None:
    nets = [Network([4, 50, 2], random_state=seed) for seed in range(3)]
    timer = threading.Timer(0.3, _thread.interrupt_main)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        train_many([(net, *rows(1000)) for net in nets], n_jobs=2, epochs=10**9)
    timer.join()
    assert no_worker_is_left()
    for net in nets[:2]:
        assert np.isfinite(parameters(net)).all()
        net.train(*rows(1000), epochs=1, resume=True)
    assert_array_equal(parameters(nets[2]), parameters(Network([4, 50, 2], random_state=2)))


def test_an_interrupt_is_heard_within_an_epoch() -> None:
    """Of two million steps, which take far longer than this test."""
    x, y = rows(2_000_000)
    net = Network([4, 100, 100, 2], random_state=0)
    timer = threading.Timer(0.3, _thread.interrupt_main)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        train_many([(net, x, y)], epochs=1, batch_size=1)
    timer.join()
    assert no_worker_is_left()
    assert 0 < net._trainee.state.steps_made < 2_000_000
    assert net._trainee.n_epochs == 0
    assert np.isfinite(parameters(net)).all()
    net.train(*rows(), epochs=1, resume=True)


def test_an_error_in_on_done_stops_all() -> None:
    def fail(index: int, result: object) -> None:
        raise RuntimeError("no display")

    x, y = rows()
    nets = [small(seed) for seed in range(4)]
    jobs = [(net, x, y, {"epochs": 10**9}) for net in nets[:2]]
    barrier = threading.Barrier(2)  # the short job ends when a long one has begun
    jobs[0][3]["callback"] = lambda record: record.epoch == 1 and barrier.wait(PATIENCE) and None
    jobs[1] = (nets[1], x, y, {"epochs": 10**8, "callback": lambda r: bool(barrier.wait(PATIENCE) + 1)})
    jobs += [(net, x, y) for net in nets[2:]]
    with pytest.raises(RuntimeError, match="no display"):
        train_many(jobs, n_jobs=2, on_done=fail)
    assert no_worker_is_left()


def test_leaving_the_program_in_a_callback_stops_all() -> None:
    stops_all(endless(3, callback=meeting(2, sys.exit)), SystemExit)


@pytest.mark.skipif(os.name != "posix", reason="sends a signal")
def test_ctrl_c_in_a_process_of_its_own() -> None:
    done = python(
        """
        nets = [chainrule.Network([4, 50, 2], random_state=seed) for seed in range(3)]
        x = np.ones((1000, 4))
        threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
        chainrule.train_many([(net, x, x[:, :2]) for net in nets], epochs=10**9)
        """
    )
    assert done.returncode in (-signal.SIGINT, 1)
    assert done.stderr.rstrip().endswith("KeyboardInterrupt")


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (
            {"n_jobs": 0},
            ValueError,
            "n_jobs is 0; expected a whole number of at least 1, -1 for all cores, or",
        ),
        ({"n_jobs": 1.5}, TypeError, "n_jobs is 1.5; expected a whole number"),
        ({"on_done": 3}, TypeError, "on_done is 3; expected a function of an index and a result"),
        ({"epochs": 0}, ValueError, r"jobs\[0\]: epochs is 0; expected a whole number of at least 1"),
        (
            {"optimizer": "adam"},
            TypeError,
            r"jobs\[0\]: optimizer is 'adam'.*did you mean chainrule.Adam\(\)",
        ),
        (
            {"sample_weight": [1.0]},
            ValueError,
            r"jobs\[0\]: sample_weight has shape \(1,\); expected \(40,\)",
        ),
        ({"epoch": 3}, TypeError, "unexpected keyword argument 'epoch'"),
    ],
)
def test_impossible_options(options: dict[str, Any], error: type[Exception], message: str) -> None:
    net = small()
    with pytest.raises(error, match=message):
        train_many([(net, *rows())], **options)
    assert_array_equal(parameters(net), parameters(small()))


@pytest.mark.parametrize(
    ("job", "error", "message"),
    [
        (
            small(),
            TypeError,
            r"got something of type Network; expected \(network, x, y\) or \(network, x, y, s",
        ),
        ((small(), 1.0), TypeError, r"got 2 items; expected \(network, x, y\)"),
        ((rows()[0], *rows()), TypeError, "got something of type ndarray in the network's place; expected"),
        ((chainrule.Network, *rows()), TypeError, "got <class .*> in the network's place"),
        ((small(), *rows(), 10), TypeError, "settings is 10; expected a dictionary such as"),
        ((small(), *rows(), {"epoch": 10}), TypeError, r"unknown setting 'epoch'; did you mean 'epochs'\?"),
        ((small(), *rows(), {3: 10}), TypeError, "unknown setting 3; expected one of: optimizer, epochs, "),
        ((small(), *rows(), {"epochs": 0}), ValueError, "epochs is 0; expected"),
        ((small(), rows()[0][:, :3], rows()[1]), ValueError, r"x has shape \(40, 3\); expected"),
        ((small(), rows()[0], rows()[1][:-1]), ValueError, r"y has shape \(39, 2\); expected"),
        (
            (small(), rows()[0] * np.nan, rows()[1]),
            ValueError,
            "x has nan in row 0, column 0; remove or fill",
        ),
        ((small(), "x", rows()[1]), TypeError, "x has dtype <U1; expected real numbers"),
    ],
)
def test_impossible_jobs_are_found_before_the_first_begins(
    job: Any, error: type[Exception], message: str
) -> None:
    net = small()
    with pytest.raises(error, match=r"^jobs\[1\]: " + message):
        train_many([(net, *rows()), job])
    assert_array_equal(parameters(net), parameters(small()))


@pytest.mark.parametrize(
    ("jobs", "message"),
    [
        (3, "jobs is 3; expected a list, each"),
        (
            {"net": small()},
            r"jobs is .*; expected a list, each \(network, x, y\) or \(network, x, y, settings\)",
        ),
        (
            (small(), *rows()),
            r"jobs\[0\] is a Network; expected \(network, x, y\) .*single job: \[\(network, x, y\)\]",
        ),
    ],
)
def test_no_list_of_jobs(jobs: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        train_many(jobs)


def test_one_network_twice() -> None:
    net, other = small(0), small(1)
    with pytest.raises(ValueError, match=r"jobs\[0\] and jobs\[2\] have the same network; .* copy.deepcopy"):
        train_many([(net, *rows()), (other, *rows()), (net, *rows())])
    assert_array_equal(parameters(net), parameters(small()))
    train_many([(net, *rows()), (copy.deepcopy(net), *rows())], optimizer=Adam(0.01), epochs=2)


def test_the_code_in_the_docs_runs() -> None:
    text = (ROOT / "docs" / "many-networks.md").read_text(encoding="utf-8")
    first, second = re.findall(r"^```python\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)
    names: dict[str, Any] = {"x": np.random.default_rng(0).random((50, 64)), "y": np.arange(50) % 10}
    exec(first, names)
    assert [history.n_epochs for history in names["histories"]] == [30] * 8
    names["jobs"] = [(small(0), *rows()), (small(1), *rows(), {"optimizer": SGD(1e200)})]
    exec(second, names)
    assert [type(result) for result in names["results"]] == [History, DivergenceError]
    measurement = re.findall(r"^python - <<'END'\n(.*?)^END", text, flags=re.DOTALL | re.MULTILINE)[0]
    exec(measurement.replace("epochs=20", "epochs=1").replace("range(10)", "range(1)"), {})


def test_train_many_example(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error", str(ROOT / "examples" / "train_many.py")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    *table, ensemble = [line for line in done.stdout.splitlines() if line.startswith(("hidden", "all"))]
    assert len(table) == 8
    accuracies = [float(line.split()[-1]) for line in table]
    assert all(accuracy > 0.9 for accuracy in accuracies)
    assert float(ensemble.split()[-1]) > np.mean(accuracies)


def test_index_arrays_may_change_while_others_train() -> None:
    def spoil(*_: object) -> None:
        x.indices[:] = 1_000_000_000
        x.indptr[1:] = 1_000_000_000

    dense, y = rows()
    x = sparse.csr_array(dense)
    nets, same = ([small(seed) for seed in range(3)] for _ in range(2))
    train_many([(net, x.copy(), y) for net in same], epochs=3)
    train_many([(net, x, y) for net in nets], epochs=3, on_done=spoil, n_jobs=1)
    for a, b in zip(nets, same, strict=True):
        assert_array_equal(parameters(a), parameters(b))
