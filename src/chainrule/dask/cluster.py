"""The client's side of a cluster: which workers there are, and waiting for results without ever hanging."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from typing import Any

from distributed import Client, Future, LocalCluster, get_client
from distributed.scheduler import KilledWorker

from chainrule._words import listed
from chainrule.dask.errors import ClusterError

#: Seconds that a fit waits for workers that are missing, and for the scheduler's answers.
PATIENCE, ANSWER = 20.0, 30.0

#: Seconds for which a worker that a peer could not reach is left out.
SUSPICION = 60.0

#: Seconds without a sign of life, after which a worker is taken for frozen. The scheduler waits for minutes;
#: a worker that loads packages from a slow disk is silent for long, too.
FROZEN = 60.0

#: Of futures that have no end yet. What was lost with a worker is computed again; where that cannot be, it
#: becomes "cancelled".
WAITED_FOR = ("pending", "lost")


@contextlib.contextmanager
def client_of(given: Any) -> Iterator[Client]:
    """Give the user's client: this one, or the one that is there; else that of a cluster for as long."""
    if given is not None:
        if not isinstance(given, Client):
            raise TypeError(f"client is {type(given).__name__}; expected a dask.distributed.Client or None")
        client = given
    else:
        try:
            client = get_client()
        except ValueError:
            client = None
    if client is None:
        # one process: the engine's threads share out the work of one machine better than processes
        with (
            LocalCluster(processes=False, dashboard_address=":0") as cluster,
            Client(cluster, set_as_default=False) as own,
        ):
            print(f"chainrule.dask: there is no Dask client, so this runs on {cluster!r}", file=sys.stderr)
            yield own
        return
    if client.asynchronous:
        raise TypeError("client is asynchronous; expected Client(..., asynchronous=False)")
    yield client


class Changed(Exception):
    """The workers are not those any more that the work was dealt to."""


class Cluster:
    """Workers as a fit sees them.

    Parameters
    ----------
    client : Client
    min_workers : int
        Fewer are an error.
    """

    def __init__(self, client: Client, min_workers: int) -> None:
        self.client, self.min_workers = client, min_workers
        self.suspects: dict[str, float] = {}
        self.signs: dict[str, tuple[float, float]] = {}  # of life: the scheduler's time, and ours
        self.frozen: set[str] = set()

    def _call(self, function: Callable[[], Any]) -> Any:
        try:
            return function()
        except (OSError, TimeoutError) as error:
            raise ClusterError(f"the Dask scheduler does not answer: {error!r}") from None

    def threads(self) -> dict[str, int]:
        """Return the workers that can work now, and how many threads they have."""
        client = self.client
        if client.status not in ("running", "connecting"):
            raise ClusterError(f"the Dask client is {client.status}; the fit ends")
        found = self._call(lambda: client.sync(client.scheduler.identity, callback_timeout=ANSWER))["workers"]
        now = time.monotonic()
        before = self.signs
        self.signs = {}
        for address, worker in found.items():
            last = worker["last_seen"]
            known = before.get(address)
            self.signs[address] = known if known is not None and known[0] == last else (last, now)
        self.frozen = {address for address, (_, since) in self.signs.items() if now - since > FROZEN}
        self.suspects = {address: until for address, until in self.suspects.items() if until > now}
        return {
            address: worker["nthreads"]
            for address, worker in found.items()
            if worker["status"] == "running" and address not in self.suspects and address not in self.frozen
        }

    def workers(self) -> list[str]:
        """Return the workers that can work, once there are enough.

        Raises
        ------
        ClusterError
            Where there are too few for `PATIENCE` seconds.
        """
        begin = time.monotonic()
        while True:
            found = sorted(self.threads())
            if len(found) >= max(self.min_workers, 1):
                return found
            if time.monotonic() - begin > PATIENCE:
                raise ClusterError(
                    f"the Dask cluster has {len(found)} workers that can work, expected at least min_workers="
                    f"{self.min_workers}; waited {PATIENCE:.0f} s. Start more, or lower min_workers"
                )
            time.sleep(0.2)

    def suspect(self, address: str) -> None:
        """Leave a worker out for a while."""
        self.suspects[address] = time.monotonic() + SUSPICION

    def wait_for_one(self, futures: Sequence[Future], check: Callable[[], object]) -> None:
        """Wait until one of these futures has an end, or for half a second, and then call `check`."""
        begin, nap = time.monotonic(), 0.001
        while time.monotonic() - begin < 0.5:
            if not futures or any(future.status not in WAITED_FOR for future in futures):
                return
            time.sleep(nap)
            nap = min(1.5 * nap, 0.004)
        check()

    def wait(self, futures: Sequence[Future], check: Callable[[], object]) -> None:
        """Wait until all futures are there, or one has failed; call `check` from time to time.

        Raises
        ------
        ClusterError
            Where nothing comes any more since a worker is frozen: others may wait for what it has.
        """
        before, since = 0, time.monotonic()
        while all(future.status in (*WAITED_FOR, "finished") for future in futures):
            finished = sum(future.status == "finished" for future in futures)
            if finished == len(futures):
                return
            if finished > before or not self.frozen:
                before, since = finished, time.monotonic()
            if time.monotonic() - since > PATIENCE:
                raise ClusterError(
                    f"{listed(sorted(self.frozen))} gave no sign of life for {FROZEN + PATIENCE:.0f} s while "
                    "rows were read; restart the worker, and fit again"
                )
            self.wait_for_one([future for future in futures if future.status in WAITED_FOR], check)

    def result(self, future: Future, check: Callable[[], object]) -> Any:
        """Return the result of a finished future; call `check` from time to time, as its worker may die."""

        async def gather() -> Any:
            return await self.client.gather(future, asynchronous=True)

        gathered = asyncio.run_coroutine_threadsafe(gather(), self.client.loop.asyncio_loop)
        try:
            while True:
                with contextlib.suppress(TimeoutError):
                    return gathered.result(0.5)
                if gathered.done():
                    raise Changed
                check()
        finally:
            gathered.cancel()

    def results(self, futures: Sequence[Future], check: Callable[[], object]) -> list[Any]:
        """Return what finished futures have.

        Raises
        ------
        Exception
            Of the task.
        ClusterError
            Where Dask has lost it.
        """
        for future in futures:
            if future.status == "error":
                raise of_task(future)
        found = []
        for future in futures:
            self.wait([future], check)  # it may be lost while the others are fetched
            try:
                found.append(self.result(future, check))
            except CancelledError:
                check()  # where the scheduler is gone, that is what is wrong
                raise ClusterError(
                    f"Dask has lost rows: a task is {future.status}. Data that were scattered or "
                    "persisted on a worker that is gone cannot be made again; pass collections that Dask can "
                    "read again"
                ) from None
        return found

    def gather(self, delayed: Sequence[Any]) -> list[Any]:
        """Compute delayed values, while there are workers."""
        while True:
            only = self.only()
            futures = self.client.compute(list(delayed), workers=only)

            def check(only: list[str] | None = only) -> None:
                self.workers()
                if self.only() != only:
                    raise Changed

            try:
                self.wait(futures, check)
                return self.results(futures, check)
            except Changed:  # what a frozen worker has begun is begun again elsewhere
                continue
            finally:
                self.client.cancel(futures)

    def only(self) -> list[str] | None:
        """Return the workers that tasks have to go to, where others do not answer; else None."""
        able = self.threads()
        return sorted(able) if self.frozen or self.suspects else None


def of_task(future: Future) -> BaseException:
    """Return the error of a task that failed."""
    error: BaseException = future.exception(timeout=ANSWER)
    if isinstance(error, ImportError):
        return ClusterError(
            f"a worker cannot load what it needs: {error}. Install the same packages on all machines"
        )
    if isinstance(error, KilledWorker):
        return ClusterError(
            f"workers died again and again while they read rows; is memory too small? {error}"
        )
    return error
