"""Letters between workers, by Dask's own connections."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from distributed import Worker, WorkerPlugin, get_worker
from distributed.protocol import to_serialize

#: Seconds between two looks at who is still there, and that an answer may take.
LOOK, ANSWER = 2.0, 10.0


#: One opens a worker's office at a time.
opening = threading.Lock()


class PeerLost(Exception):
    """A worker does not answer, or has no part in this fit any more.

    Attributes
    ----------
    address : str
    answers : bool
        Whether the worker itself is well.
    """

    def __init__(self, address: str, *, answers: bool) -> None:
        super().__init__(address)
        self.address, self.answers = address, answers


class Cancelled(Exception):
    """Nobody waits for this any more: the client is gone, or has another plan."""


class Office(WorkerPlugin):  # type: ignore[misc]  # distributed has no types
    """A worker's letters, and what it holds of each fit; opened by the first task that needs it.

    Attributes
    ----------
    fits : dict of str to Any
        What this worker holds, by the fit's name: forgotten when Dask forgets the task that `keepers` names.
    """

    name = "chainrule"

    def setup(self, worker: Worker) -> None:
        """Open on a worker."""
        self.worker = worker
        self.fits: dict[str, Any] = {}
        self.keepers: dict[str, str] = {}  # the key of a task to the fit that is held for as long
        self.generations: dict[str, int] = {}
        self.arrived = threading.Condition()
        self.letters: dict[tuple[str, int, str, int], list[Any]] = {}
        worker.handlers["chainrule_letter"] = self.letter
        worker.handlers["chainrule_there"] = self.there

    def teardown(self, worker: Worker) -> None:
        """Close."""
        worker.handlers.pop("chainrule_letter", None)
        worker.handlers.pop("chainrule_there", None)

    @classmethod
    def here(cls) -> Office:
        """Return that of the worker whose task this is."""
        worker = get_worker()
        with opening:
            office: Office | None = worker.plugins.get(cls.name)
            if office is None:
                office = cls()
                opened = worker.plugin_add(office, name=cls.name, catch_errors=False)
                asyncio.run_coroutine_threadsafe(opened, worker.loop.asyncio_loop).result(ANSWER)
        return office

    def transition(self, key: str, start: str, finish: str, **kwargs: Any) -> None:
        """Forget a fit with the task that kept it."""
        if key in self.keepers and finish in ("released", "forgotten"):
            fit = self.keepers.pop(key)
            if fit not in self.keepers.values():
                with self.arrived:
                    self.fits.pop(fit, None)
                    self.generations.pop(fit, None)
                    self.letters = {of: letter for of, letter in self.letters.items() if of[0] != fit}

    def keep(self, fit: str, key: str) -> None:
        """Hold a fit until Dask forgets this task, and the ones before."""
        self.keepers[key] = fit

    def begin(self, fit: str, generation: int) -> None:
        """Throw away letters of members that there are no more."""
        with self.arrived:
            self.generations[fit] = max(generation, self.generations.get(fit, 0))
            self.letters = {
                of: letter for of, letter in self.letters.items() if of[0] != fit or of[1] >= generation
            }

    async def there(self, comm: Any = None) -> str:
        """Answer whoever asks whether this worker is well."""
        return "OK"

    async def letter(
        self,
        comm: Any = None,
        fit: str = "",
        generation: int = 0,
        tag: str = "",
        sender: int = 0,
        arrays: Sequence[Any] = (),
    ) -> str:
        """Take a letter in."""
        with self.arrived:
            if fit not in self.fits or generation < self.generations.get(fit, 0):
                return "unknown"
            self.letters[fit, generation, tag, sender] = list(arrays)
            self.arrived.notify_all()
        return "OK"


class Post:
    """The letters of one fit while its members are the same: a `Transport` of `chainrule.training.exchange`.

    Parameters
    ----------
    office : Office
    fit : str
    generation : int
        Counts who the members are: letters of others are not for these.
    addresses : sequence of str
        Of the members' workers.
    me : int
    wanted : callable
        Whether anybody still waits for the result.
    """

    def __init__(
        self,
        office: Office,
        fit: str,
        generation: int,
        addresses: Sequence[str],
        me: int,
        wanted: Callable[[], bool],
    ) -> None:
        self.office, self.fit, self.generation = office, fit, generation
        self.addresses, self.me, self.wanted = addresses, me, wanted
        self.n_swaps = 0

    def swap(self, outgoing: Mapping[int, Sequence[Any]]) -> dict[int, list[Any]]:
        """Send arrays to members, and wait for theirs."""
        self.n_swaps += 1
        return self.exchange(str(self.n_swaps), outgoing, outgoing)

    def exchange(
        self, tag: str, outgoing: Mapping[int, Sequence[Any]], expected: Any
    ) -> dict[int, list[Any]]:
        """Send letters, and wait for those of the members that are expected.

        Raises
        ------
        PeerLost
            Where a member cannot be reached.
        Cancelled
            Where nobody wants the result any more.
        """
        sent = {member: self._send(member, tag, arrays) for member, arrays in outgoing.items()}
        missing = set(expected)
        told: dict[int, list[Any]] = {}
        office, looked = self.office, time.monotonic()
        while True:
            if not self.wanted():
                raise Cancelled
            with office.arrived:
                for member in list(missing):
                    letter = office.letters.pop((self.fit, self.generation, tag, member), None)
                    if letter is not None:
                        told[member] = letter
                        missing.remove(member)
                waiting = missing or not all(answer.done() for answer in sent.values())
                if waiting:
                    office.arrived.wait(0.2)
            for member, answer in sent.items():
                if answer.done():
                    self._check(member, answer)
            if not waiting:
                return told
            if time.monotonic() - looked > LOOK:
                self._ask(missing)
                looked = time.monotonic()

    def _send(self, member: int, tag: str, arrays: Sequence[Any]) -> concurrent.futures.Future[str]:
        address, worker = self.addresses[member], self.office.worker
        if address.startswith("inproc"):  # which passes the arrays themselves
            arrays = [np.array(array) for array in arrays]
        letter = {
            "fit": self.fit,
            "generation": self.generation,
            "tag": tag,
            "sender": self.me,
            "arrays": [to_serialize(array) for array in arrays],
        }

        async def send() -> str:
            answer: str = await worker.rpc(address).chainrule_letter(**letter)
            return answer

        answer = asyncio.run_coroutine_threadsafe(send(), worker.loop.asyncio_loop)
        answer.add_done_callback(self._notify)
        return answer

    def _notify(self, answer: Any) -> None:
        with self.office.arrived:
            self.office.arrived.notify_all()

    def _check(self, member: int, answer: concurrent.futures.Future[str]) -> None:
        try:
            known = answer.result(0) == "OK"
        except (OSError, TimeoutError, concurrent.futures.CancelledError):
            raise PeerLost(self.addresses[member], answers=False) from None
        if not known:
            raise PeerLost(self.addresses[member], answers=True)

    def _ask(self, members: set[int]) -> None:
        """Ask those who are waited for whether they are well."""
        worker = self.office.worker

        async def ask(address: str) -> str:
            answer: str = await asyncio.wait_for(worker.rpc(address).chainrule_there(), ANSWER)
            return answer

        asked = {
            member: asyncio.run_coroutine_threadsafe(ask(self.addresses[member]), worker.loop.asyncio_loop)
            for member in members
        }
        for member, answer in asked.items():
            try:
                answer.result(ANSWER + 1)
            except (OSError, TimeoutError):
                raise PeerLost(self.addresses[member], answers=False) from None
