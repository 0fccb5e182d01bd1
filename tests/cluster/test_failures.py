"""Workers die, hang and join; clients die; fits run side by side. The bits stay, and nothing hangs."""

import contextlib
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import dask
import dask.array as da
import numpy as np
import pytest
from dask.distributed import Client, wait
from numpy.testing import assert_array_equal

from chainrule import MLPClassifier
from chainrule.dask import ClusterError, DaskMLPClassifier
from chainrule.dask.cluster import Cluster

from .conftest import local_cluster

# What Dask itself warns of is not ours, nor how few epochs tests take.
pytestmark = pytest.mark.filterwarnings("ignore")

RNG = np.random.default_rng(1)
N = 800
X = RNG.normal(size=(N, 6)).astype(np.float32)
Y = X[:, 0] * X[:, 1] > 0
SETTINGS = {
    "hidden_layer_sizes": (16,),
    "batch_size": 50,
    "max_iter": 25,
    "tol": 0.0,
    "n_iter_no_change": 100,
    "dropout": 0.1,
    "row_blocks": 8,
    "random_state": 0,
}


def collections(n_parts=6):
    ends = np.linspace(0, N, n_parts + 1).astype(int)
    chunks = tuple(np.diff(ends).tolist())
    return da.from_array(X, chunks=(chunks, (6,))), da.from_array(Y, chunks=(chunks,))


@pytest.fixture(scope="module")
def expected():
    return MLPClassifier(**SETTINGS).fit(X, Y)


def assert_same(got, local):
    for a, b in zip(got.coefs_ + got.intercepts_, local.coefs_ + local.intercepts_, strict=True):
        assert_array_equal(a, b)
    assert got.loss_curve_ == local.loss_curve_


def pids(client):
    return client.run(os.getpid)


class Meanwhile:
    """Does something while a fit runs, after some seconds of it."""

    def __init__(self, seconds, act):
        self.error = None

        def work():
            time.sleep(seconds)
            try:
                act()
            except Exception as error:
                self.error = error

        self.thread = threading.Thread(target=work)

    def __enter__(self):
        self.thread.start()

    def __exit__(self, *error):
        self.thread.join()
        if self.error is not None:
            raise self.error


@contextlib.contextmanager
def lone_workers(n, address):
    """Workers without a Nanny, which would begin a new one where one dies."""
    command = [sys.executable, "-m", "distributed.cli.dask_worker", address]
    options = ["--no-nanny", "--nthreads", "1", "--no-dashboard", "--memory-limit", "0"]
    workers = [
        subprocess.Popen(command + options, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(n)
    ]
    try:
        yield workers
    finally:
        for worker in workers:
            with contextlib.suppress(ProcessLookupError):
                worker.send_signal(signal.SIGCONT)
            worker.kill()
            worker.wait()


@contextlib.contextmanager
def bare_cluster(n):
    """A scheduler, and workers without Nanny."""
    with (
        local_cluster(0) as cluster,
        lone_workers(n, cluster.scheduler_address) as workers,
        Client(cluster, set_as_default=False) as client,
    ):
        if n:
            client.wait_for_workers(n, timeout=60)
        yield client, workers


@pytest.mark.slow
def test_a_worker_is_killed_and_another_begins(expected):
    with local_cluster(2) as cluster, Client(cluster, set_as_default=False) as client:
        client.wait_for_workers(2, timeout=60)
        victim = next(iter(pids(client).values()))
        with Meanwhile(1.0, lambda: os.kill(victim, signal.SIGKILL)):
            got = DaskMLPClassifier(**SETTINGS, client=client, min_workers=2).fit(*collections())
        assert_same(got, expected)


def test_a_worker_is_killed_and_the_others_go_on(expected):
    with bare_cluster(2) as (client, workers):

        def kill():
            while not all(held(client)):
                time.sleep(0.05)
            workers[0].kill()

        with Meanwhile(0.0, kill):
            got = DaskMLPClassifier(**SETTINGS, client=client).fit(*collections())
        assert_same(got, expected)
        assert len(client.nthreads()) == 1


def test_what_a_worker_had_computed_is_computed_again_where_that_can_be():
    with bare_cluster(2) as (client, workers):
        futures = client.compute([dask.delayed(pow)(2, k) for k in range(6)])
        client.gather(futures)
        scattered = [
            client.scatter(k, workers=[address], hash=False) for k, address in enumerate(client.nthreads())
        ]
        workers[0].kill()
        cluster = Cluster(client, 1)
        assert cluster.results(futures, cluster.workers) == [1, 2, 4, 8, 16, 32]
        with pytest.raises(ClusterError, match=r"has lost rows: .* that Dask can read again"):
            cluster.results(scattered, cluster.workers)


@pytest.mark.slow
def test_a_worker_that_does_not_answer_is_left_out():
    with bare_cluster(2) as (client, workers):

        def freeze():
            while not all(held(client)):
                time.sleep(0.05)
            time.sleep(0.3)
            workers[0].send_signal(signal.SIGSTOP)

        longer = SETTINGS | {"max_iter": 60}
        with Meanwhile(0.0, freeze):
            got = DaskMLPClassifier(**longer, client=client).fit(*collections())
        assert_same(got, MLPClassifier(**longer).fit(X, Y))


@pytest.mark.slow
def test_a_frozen_worker_alone_has_rows_that_are_needed(monkeypatch):
    monkeypatch.setattr("chainrule.dask.cluster.FROZEN", 6.0)
    monkeypatch.setattr("chainrule.dask.cluster.PATIENCE", 4.0)
    with bare_cluster(2) as (client, workers):
        rows = client.persist([*collections()])
        with client.as_current():
            wait(rows)
        workers[0].send_signal(signal.SIGSTOP)
        with pytest.raises(ClusterError, match="no sign of life for 10 s while rows were read; restart"):
            DaskMLPClassifier(**SETTINGS, client=client).fit(*rows)


@pytest.mark.slow
def test_a_worker_that_joins_is_used(expected):
    with bare_cluster(1) as (client, _):
        seen = set()

        def look():
            with contextlib.ExitStack() as stack:
                stack.enter_context(lone_workers(1, client.scheduler.address))
                for _ in range(150):
                    seen.update(held(client))
                    if (4,) in seen:
                        break
                    time.sleep(0.1)
                done.wait(60)

        done = threading.Event()
        thread = threading.Thread(target=look)
        thread.start()
        try:
            longer = SETTINGS | {"max_iter": 150}
            got = DaskMLPClassifier(**longer, client=client).fit(*collections())
        finally:
            done.set()
            thread.join()
        assert_same(got, MLPClassifier(**longer).fit(X, Y))
        assert (4,) in seen


def held(client):
    """How many blocks each worker holds of each fit."""

    def look(dask_worker):
        office = dask_worker.plugins.get("chainrule")
        return () if office is None else tuple(len(fit.blocks) for fit in office.fits.values())

    return list(client.run(look).values())


def test_two_fits_at_once(client):
    results = {}

    settings = SETTINGS | {"max_iter": 8}

    def fit(k):
        results[k] = DaskMLPClassifier(**settings, client=client).fit(*collections())

    threads = [threading.Thread(target=fit, args=(k,)) for k in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expected = MLPClassifier(**settings).fit(X, Y)
    for got in results.values():
        assert_same(got, expected)
    assert len(results) == 2


def test_workers_forget_a_fit(client):
    DaskMLPClassifier(**SETTINGS | {"max_iter": 2}, client=client).fit(*collections())
    assert everything_is_forgotten(client)


def everything_is_forgotten(client, seconds=20):
    for _ in range(10 * seconds):
        if not any(held(client)) and not any(client.processing().values()):
            return True
        time.sleep(0.1)
    return False


def test_the_client_dies(cluster, client):
    script = f"""
        import numpy as np
        from dask.distributed import Client, wait
        from chainrule.dask import DaskMLPClassifier

        client = Client({cluster.scheduler_address!r})
        x = np.random.default_rng(0).normal(size=(400, 4))
        print("fit", flush=True)
        DaskMLPClassifier(max_iter=100_000, tol=0, n_iter_no_change=100_000).fit(x, x[:, 0] > 0)
    """
    program = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert program.stdout.readline() == b"fit\n"
    for _ in range(300):
        if all(held(client)):
            break
        time.sleep(0.1)
    else:
        pytest.fail("the fit did not begin")
    program.kill()
    program.wait()
    program.stdout.close()
    assert everything_is_forgotten(client)


@pytest.mark.parametrize(("n", "patience"), [(1, 1.0), pytest.param(0, None, marks=pytest.mark.slow)])
def test_too_few_workers(n, patience, monkeypatch):
    if patience is not None:
        monkeypatch.setattr("chainrule.dask.cluster.PATIENCE", patience)
    with bare_cluster(n) as (client, _):
        begin = time.monotonic()
        message = rf"has {n} workers that can work, expected at least min_workers=2; .* lower min_workers"
        clf = DaskMLPClassifier(**SETTINGS, client=client, min_workers=2)
        with pytest.raises(ClusterError, match=message):
            clf.fit(*collections())
        assert time.monotonic() - begin < 30


@pytest.mark.slow
def test_too_few_workers_are_left():
    with bare_cluster(2) as (client, workers):
        begin = time.monotonic()
        clf = DaskMLPClassifier(**SETTINGS | {"max_iter": 10_000}, client=client, min_workers=2)
        with Meanwhile(1.0, workers[0].kill), pytest.raises(ClusterError, match="min_workers=2"):
            clf.fit(*collections())
        assert time.monotonic() - begin < 31


@pytest.mark.slow
def test_the_scheduler_dies():
    command = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--port", "0", "--no-dashboard"]
    scheduler = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        for line in scheduler.stderr:
            if "Scheduler at:" in line:
                address = line.split()[-1]
                break
        with lone_workers(2, address), Client(address, set_as_default=False) as client:
            client.wait_for_workers(2, timeout=60)
            clf = DaskMLPClassifier(**SETTINGS | {"max_iter": 10_000}, client=client)
            with Meanwhile(1.0, scheduler.kill), pytest.raises(ClusterError, match=r"scheduler|client is"):
                clf.fit(*collections())
    finally:
        scheduler.kill()
        scheduler.wait()
        scheduler.stderr.close()


@pytest.mark.slow
@pytest.mark.parametrize("nanny", [True, False])
def test_workers_are_killed_at_random_moments(expected, nanny):
    """Fifty of them, all in all: at moments of loading, training and between epochs."""
    rng = np.random.default_rng(nanny)
    kills, longest = 0, 0.0
    while kills < 25:
        with contextlib.ExitStack() as stack:
            if nanny:
                cluster = stack.enter_context(local_cluster(3))
                client = stack.enter_context(Client(cluster, set_as_default=False))
                client.wait_for_workers(3, timeout=60)
            else:
                client, _ = stack.enter_context(bare_cluster(3))
            for _ in range(25 - kills if nanny else 2):
                victims = list(pids(client).values())
                victim = victims[int(rng.integers(len(victims)))]
                begin = time.monotonic()
                with Meanwhile(
                    float(rng.uniform(0, 1.5)), lambda victim=victim: os.kill(victim, signal.SIGKILL)
                ):
                    got = DaskMLPClassifier(**SETTINGS, client=client).fit(*collections())
                longest = max(longest, time.monotonic() - begin)
                assert_same(got, expected)
                kills += 1
                if nanny:
                    try:
                        client.wait_for_workers(3, timeout=30)
                    except TimeoutError:  # a Nanny does not begin a worker again that died while it began
                        break
    print(f"{kills} kills; the longest fit took {longest:.1f} s")
