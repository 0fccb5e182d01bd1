"""An epoch on a cluster: the blocks are dealt to workers, and dealt anew where one is lost or joins."""

from __future__ import annotations

import contextlib
import itertools
import time
import uuid
from collections.abc import Sequence
from concurrent.futures import CancelledError
from dataclasses import replace
from typing import Any

import dask
import numpy as np
from distributed import Future

from chainrule import _engine
from chainrule.dask.cluster import WAITED_FOR, Changed, Cluster, of_task
from chainrule.dask.errors import ClusterError
from chainrule.dask.member import Cut, Job, Order, Report, State, hold, train
from chainrule.dask.partitions import DaskRows
from chainrule.model.trainee import Trainee
from chainrule.stream.held_out import HeldOut
from chainrule.training.blocks import check_blocks, even_sizes, mean_loss, rows_before
from chainrule.training.source import Source
from chainrule.training.state import OptimizerState

#: Times that the work is dealt to the same workers until the fit gives up.
MOST_TRIALS = 10


def dealt(held: dict[str, list[int]], workers: Sequence[str], n_blocks: int) -> dict[str, list[int]]:
    """Deal blocks to workers evenly; a worker keeps what it has as far as that goes.

    Examples
    --------
    >>> dealt({}, ["a", "b"], 4)
    {'a': [0, 1], 'b': [2, 3]}
    >>> dealt({"a": [0, 1], "b": [2, 3]}, ["b", "c", "d"], 4)
    {'b': [2, 3], 'c': [0], 'd': [1]}
    """
    workers = workers[:n_blocks] if not held else workers
    kept = {worker: list(held.get(worker, [])) for worker in workers}
    if not any(kept.values()):
        n = min(len(workers), n_blocks)
        return {
            worker: list(range(n_blocks * k // n, n_blocks * (k + 1) // n))
            for k, worker in enumerate(workers[:n])
        }
    owned = set(itertools.chain.from_iterable(kept.values()))
    for block in range(n_blocks):
        if block not in owned:
            kept[min(workers, key=lambda worker: len(kept[worker]))].append(block)
    while True:
        most = max(workers, key=lambda worker: len(kept[worker]))
        least = min(workers, key=lambda worker: len(kept[worker]))
        if len(kept[most]) - len(kept[least]) <= 1:
            return {worker: sorted(blocks) for worker, blocks in kept.items() if blocks}
        kept[least].append(kept[most].pop())


class ClusterSource(Source):
    """Rows on the workers of a cluster.

    The network, its optimizer's memory and the losses come back after each epoch, so that everything which
    happens between epochs happens here, as in every fit.

    Parameters
    ----------
    cluster : Cluster
    rows : DaskRows
    trainee : Trainee
        Of this process: it has what the workers have after each epoch.
    optimizer : OptimizerState
    encoding : Encoding
        Of the rows; it knows the estimator, without its network.
    penalty : dict
        As `training.epochs.run` has it.
    **others
        As for `chainrule.stream.source.StreamSource`.
    """

    def __init__(
        self,
        cluster: Cluster,
        rows: DaskRows,
        trainee: Trainee,
        optimizer: OptimizerState,
        encoding: Any,
        penalty: dict[str, Any],
        batch_size: int,
        *,
        shuffle: bool,
        n_blocks: int,
        seed: int,
        first_epoch: int,
        held_out: HeldOut,
    ) -> None:
        self.cluster, self.rows, self.trainee = cluster, rows, trainee
        self.batch_size, self.shuffle, self.epoch = batch_size, shuffle, first_epoch
        of_parts = rows.sizes(held_out)
        self.n_samples = sum(of_parts)
        check_blocks(n_blocks, batch_size, self.n_samples)
        self.steps_per_epoch = -(-self.n_samples // batch_size)
        sizes = even_sizes(self.n_samples, n_blocks)
        self.before = rows_before(sizes, self.steps_per_epoch)
        self.cuts = cuts_of(sizes, of_parts)
        self.job = Job(
            fit=f"chainrule-{uuid.uuid4().hex}",
            encoding=encoding,
            layers=list(trainee.architecture.sizes),
            dtype=trainee.dtype,
            batch_size=batch_size,
            n_steps=self.steps_per_epoch,
            sizes=sizes,
            seed=seed if shuffle else None,
            held_out=held_out,
            optimizer=memoryless(optimizer),
            penalty=penalty,
            dropout_seed=optimizer.dropout_seed,
        )
        self.generation = 0
        self.held: dict[str, list[int]] = {}
        self.keepers: dict[str, Future] = {}
        self.known: Any = None  # the parameters that the workers have
        self.version = 0  # counts what they were given from here

    def train(
        self, trainer: _engine.Trainer, n_epochs: int, factors: Any, stop: _engine.Stop | None
    ) -> Sequence[float]:
        """Train for some epochs; return their losses."""
        losses = []
        for first in range(0, n_epochs * self.steps_per_epoch, self.steps_per_epoch):
            rates = None if factors is None else factors[first : first + self.steps_per_epoch]
            state = self._train_epoch(trainer, rates, stop)
            self.trainee.flat[:] = state.flat
            self.known = state.flat
            trainer.state = state.moments
            trainer.n_steps, trainer.last_loss = state.n_steps, state.last_loss
            losses.append(mean_loss(state.losses, self.before))
            self.epoch += 1
            self.trainee.n_epochs += 1
        return losses

    def end(self) -> None:
        """Let the workers forget this fit."""
        self._release(list(self.keepers.values()))
        self.keepers, self.held = {}, {}

    def _train_epoch(self, trainer: _engine.Trainer, factors: Any, stop: _engine.Stop | None) -> State:
        flat = self.trainee.flat
        push = self.known is None or not np.array_equal(flat.view(np.uint8), self.known.view(np.uint8))
        self.version += push
        trials, before, reports = 0, set[str](), dict[int, Report]()
        while trials < MOST_TRIALS:
            workers = self.cluster.workers()
            trials = trials + 1 if set(workers) == before else 0
            before = set(workers)
            self.generation += 1
            state = None
            if push:
                moments = trainer.state if trainer.n_steps else []
                state = State(flat.copy(), moments, np.empty(0), trainer.n_steps, trainer.last_loss)
            order = Order(
                generation=self.generation,
                members=[],
                me=0,
                epoch=self.epoch,
                first=trainer.n_steps,
                version=self.version,
                learning_rate=trainer.learning_rate,
                factors=factors,
                state=state,
            )
            try:
                order = replace(order, members=self._deal(workers))
                reports = self._take(order, stop)
            except Changed:
                continue
            if len(reports) == len(order.members) and all(one.what == "done" for one in reports.values()):
                assert reports[0].state is not None
                return reports[0].state
            for me, report in reports.items():
                push = push or report.what == "no state"
                if report.what == "no rows":
                    self._forget(order.members[me][0])
                if report.peer is not None:
                    self._forget(report.peer)
                    if not report.answers:
                        self.cluster.suspect(report.peer)
        raise ClusterError(
            f"the workers could not finish epoch {self.epoch + 1} together in {trials} trials; at last they "
            f"said {[report.what for report in reports.values()]}"
        )

    # Rows to workers.

    def _deal(self, workers: Sequence[str]) -> list[tuple[str, list[int]]]:
        """Let the workers hold their blocks."""
        for address in [address for address in self.held if address not in workers]:
            self._forget(address)
        plan = dealt(self.held, workers, len(self.job.sizes))
        new = {address: blocks for address, blocks in plan.items() if self.held.get(address) != blocks}
        for address in [address for address in self.held if address not in plan]:
            self._forget(address)
        if new:
            self._hold(new)
        return sorted(plan.items(), key=lambda member: member[1])

    def _hold(self, new: dict[str, list[int]]) -> None:
        cluster, client = self.cluster, self.cluster.client
        cuts = {
            address: [
                cut for block in blocks if block not in self.held.get(address, []) for cut in self.cuts[block]
            ]
            for address, blocks in new.items()
        }
        only = cluster.only()
        numbers = sorted({cut.part for of_worker in cuts.values() for cut in of_worker})
        parts = dict(
            zip(
                numbers,
                client.compute([self.rows.delayed(number) for number in numbers], workers=only),
                strict=True,
            )
        )
        futures: dict[str, Future] = {}
        try:
            for address, blocks in new.items():
                needed = sorted({cut.part for cut in cuts[address]})
                needed_parts = [parts[number] for number in needed]
                futures[address] = self._submit(
                    hold, self.job, blocks, cuts[address], needed, needed_parts, to=address
                )

            def check() -> None:
                self._check(new)
                if cluster.only() != only:
                    raise Changed  # what a frozen worker has begun is begun again elsewhere

            cluster.wait(list(futures.values()), check)
            if any(future.status == "error" for future in futures.values()):
                self._raise_of_data([*parts.values(), *futures.values()])
            if any(future.status != "finished" for future in futures.values()):
                raise Changed
            for address, future in futures.items():
                self._release([self.keepers[address]] if address in self.keepers else [])
                self.keepers[address], self.held[address] = future, new[address]
            futures = {}
        finally:
            for address in futures:  # nobody knows how far it came
                self._forget(address)
            self._release(list(futures.values()))
            for part in parts.values():  # to cancel it would cancel what was made of it
                part.release()

    def _raise_of_data(self, futures: Sequence[Future]) -> None:
        """Raise the error of a task; `Changed` where it is that of a worker that died."""
        for future in futures:
            if future.status == "error":
                error = of_task(future)
                if not isinstance(error, CancelledError):
                    raise error
        raise Changed

    def _forget(self, address: str) -> None:
        self.held.pop(address, None)
        keeper = self.keepers.pop(address, None)
        if keeper is not None:
            self._release([keeper])

    def _release(self, futures: list[Future]) -> None:
        if futures:
            with contextlib.suppress(Exception):  # the scheduler may be gone, and with it all of it
                self.cluster.client.cancel(futures, force=True)

    # Steps.

    def _take(self, order: Order, stop: _engine.Stop | None) -> dict[int, Report]:
        """Let all members take the steps of an epoch; return what they say until one is not done."""
        began = time.monotonic()
        futures = [
            self._submit(train, self.job.fit, replace(order, me=me), to=address)
            for me, (address, _) in enumerate(order.members)
        ]
        addresses = {address for address, _ in order.members}

        def check() -> None:
            if stop is not None and stop.is_set():
                raise KeyboardInterrupt
            found = self._check(addresses)
            more = min(len(found), len(self.job.sizes))
            if more > len(addresses) and time.monotonic() - began > 2:
                raise Changed  # somebody has joined

        try:
            reports: dict[int, Report] = {}
            while len(reports) < len(futures):
                waited_for = [future for me, future in enumerate(futures) if me not in reports]
                self.cluster.wait_for_one(waited_for, check)
                if any(future.status not in (*WAITED_FOR, "finished") for future in futures):
                    self._raise_of_data(futures)
                for me, future in enumerate(futures):
                    if me not in reports and future.status == "finished":
                        reports[me] = self.cluster.result(future, check)
                        if reports[me].what != "done":
                            return reports
            return reports
        except (OSError, TimeoutError, CancelledError):
            raise Changed from None  # a worker died with its result
        finally:
            self._release(futures)

    def _submit(self, function: Any, *given: Any, to: str) -> Future:
        with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1 TB"}):
            return self.cluster.client.submit(
                function,
                *given,
                key=f"{self.job.fit}-{function.__name__}-{uuid.uuid4().hex}",
                workers=[to],
                pure=False,
            )

    def _check(self, addresses: Any) -> dict[str, int]:
        """Return the workers that can work; `Changed` where some of these cannot."""
        found = self.cluster.threads()
        if not set(addresses) <= set(found):
            raise Changed
        return found


def cuts_of(sizes: Sequence[int], of_parts: Sequence[int]) -> list[list[Cut]]:
    """Return the cuts of partitions that make up each block, where blocks are neighboring rows.

    Examples
    --------
    >>> for cuts in cuts_of([3, 3], [2, 0, 4]):
    ...     print(cuts)
    [Cut(block=0, part=0, begin=0, end=2), Cut(block=0, part=2, begin=0, end=1)]
    [Cut(block=1, part=2, begin=1, end=4)]
    """
    cuts: list[list[Cut]] = [[] for _ in sizes]
    firsts = [0, *itertools.accumulate(of_parts)]
    begin = 0
    for block, size in enumerate(sizes):
        end = begin + size
        for part, (first, last) in enumerate(itertools.pairwise(firsts)):
            low, high = max(begin, first), min(end, last)
            if low < high:
                cuts[block].append(Cut(block, part, low - first, high - first))
        begin = end
    return cuts


def memoryless(optimizer: OptimizerState) -> OptimizerState:
    """Return the same optimizer before its first step."""
    return OptimizerState(optimizer.solver, optimizer.learning_rate, dict(optimizer.settings), None)
