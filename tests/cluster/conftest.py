"""Clusters of real processes, and a watchdog: no test of a cluster may hang."""

import importlib.util
import signal

import pytest

if not importlib.util.find_spec("distributed"):
    collect_ignore_glob = ["test_*.py"]
else:
    import dask
    from dask.distributed import Client, LocalCluster

SECONDS, SLOW = 120, 1800


class Bite(BaseException):
    """What nobody should catch."""


@pytest.fixture(autouse=True)
def watchdog(request):
    """Ends a test that takes too long, wherever it is."""
    seconds = SLOW if request.node.get_closest_marker("slow") else SECONDS

    def bite(signum, frame):
        raise Bite(f"the test took more than {seconds} s")

    before = signal.signal(signal.SIGALRM, bite)
    signal.setitimer(signal.ITIMER_REAL, seconds, 5)  # again and again: somebody may catch everything
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def local_cluster(n_workers, **options):
    # Memory limits would depend on what else this machine does.
    return LocalCluster(
        n_workers=n_workers,
        threads_per_worker=1,
        processes=True,
        dashboard_address=":0",
        memory_limit=None,
        **options,
    )


@pytest.fixture(scope="session")
def cluster():
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "10s"}),
        local_cluster(2) as cluster,
    ):
        yield cluster


@pytest.fixture
def client(cluster):
    with Client(cluster, set_as_default=False) as client:
        client.wait_for_workers(2, timeout=60)
        yield client
