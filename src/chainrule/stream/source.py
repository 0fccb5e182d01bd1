"""Blocks of rows that are read window by window, the next one while the engine trains."""

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainrule import _engine
from chainrule.model.rows import Rows
from chainrule.model.trainee import Trainee
from chainrule.stream.held_out import EVERY_ROW, HeldOut
from chainrule.stream.rows import StreamedRows
from chainrule.training.blocks import Whole, block_seed, bounds_of, check_blocks, interleave, rows_before
from chainrule.training.source import Source

#: Turns rows, their targets and weights, as they were read, into what the engine takes. x is of its dtype.
Encode = Callable[[NDArray[Any], NDArray[Any], NDArray[Any] | None], Rows]


class Window(NamedTuple):
    """What one look at the files brings into memory, of all blocks.

    Attributes
    ----------
    groups : list of list of int
        Row groups of each block.
    rows : list of int
        Rows of each block among them.
    first, end : int
        The steps that are taken of this window, and of what the last one left.
    left : list of int
        Rows of each block that these steps leave.
    """

    groups: list[list[int]]
    rows: list[int]
    first: int
    end: int
    left: list[int]


class Plan:
    """Which row groups an epoch reads when, and which steps can be taken then.

    Parameters
    ----------
    sizes : sequence of int
        Rows of each row group.
    n_blocks : int
    window : float or int
        As `ParquetRows` has it.
    batch_size : int
        Rows per step.

    Attributes
    ----------
    blocks : list of list of int
        Row groups of each block: neighbors.
    block_sizes : list of int
    n_steps : int
    n_windows : int

    Examples
    --------
    >>> plan = Plan([10, 10, 10, 10], n_blocks=2, window=0.5, batch_size=8)
    >>> plan.blocks, plan.block_sizes, plan.n_steps, plan.n_windows
    ([[0, 1], [2, 3]], [20, 20], 5, 2)
    >>> for window in plan.windows(plan.blocks):
    ...     print(window)
    Window(groups=[[0], [2]], rows=[10, 10], first=0, end=2, left=[2, 2])
    Window(groups=[[1], [3]], rows=[10, 10], first=2, end=5, left=[0, 0])
    """

    def __init__(self, sizes: Sequence[int], n_blocks: int, window: float, batch_size: int) -> None:
        self.sizes = sizes
        total = sum(sizes)
        self.n_steps = -(-total // batch_size)
        self.blocks: list[list[int]] = [[] for _ in range(n_blocks)]
        first = 0
        for group, size in enumerate(sizes):  # of the block that has its middle
            self.blocks[min((2 * first + size) * n_blocks // (2 * total), n_blocks - 1)].append(group)
            first += size
        self.block_sizes = [sum(sizes[group] for group in groups) for groups in self.blocks]
        most = max(map(len, self.blocks))
        self.n_windows = -(-most // window) if isinstance(window, int) else min(math.ceil(1 / window), most)

    def windows(self, orders: list[list[int]]) -> Iterator[Window]:
        """Yield the windows of an epoch that takes each block's row groups in this order.

        Groups of a window are in the order of the files.
        """
        n_blocks = len(orders)
        taken, loaded, step = [0] * n_blocks, np.zeros(n_blocks, dtype=np.int64), 0
        for window in range(self.n_windows):
            groups = []
            for block, order in enumerate(orders):
                end = -(-len(order) * (window + 1) // self.n_windows)
                groups.append(sorted(order[taken[block] : end]))
                taken[block] = end
            rows = [sum(self.sizes[group] for group in part) for part in groups]
            loaded += rows
            end = self._steps_of(loaded, step)
            left = (loaded - self._before(end)).tolist()
            yield Window(groups, rows, step, end, left)
            step = end

    def _before(self, step: int) -> Whole:
        before: Whole = rows_before(self.block_sizes, self.n_steps, step, step)[0]
        return before

    def _steps_of(self, loaded: Whole, begin: int) -> int:
        """Return how many steps can be taken of so many rows of each block."""
        end = self.n_steps
        while begin < end:
            middle = (begin + end + 1) // 2
            if (self._before(middle) <= loaded).all():
                begin = middle
            else:
                end = middle - 1
        return begin


class Read(NamedTuple):
    """A window in memory: first room for the rows that the last one left, then its own, block by block.

    `parts` has the blocks' targets and weights; None for a block without rows.
    """

    window: Window
    room: int
    x: NDArray[Any]
    parts: list[Rows | None]


class StreamSource(Source):
    """Rows of a Parquet table in blocks.

    Parameters
    ----------
    trainee : Trainee
    stream : ParquetRows
    encode : callable
        (x, y, weights) of some rows, as they were read, to `Rows` as the engine takes them.
    batch_size : int
        Rows per step.
    shuffle : bool
        Whether row groups and rows are shuffled; else they come as the files have them.
    n_blocks : int
    seed, first_epoch : int
        Of the orders.
    held_out : HeldOut
        Rows that are not trained on.
    """

    def __init__(
        self,
        trainee: Trainee,
        stream: StreamedRows,
        encode: Encode,
        batch_size: int,
        *,
        shuffle: bool,
        n_blocks: int,
        seed: int,
        first_epoch: int,
        held_out: HeldOut = EVERY_ROW,
    ) -> None:
        self.trainee, self.stream, self.encode = trainee, stream, encode
        self.batch_size, self.shuffle, self.held_out = batch_size, shuffle, held_out
        self.seed, self.epoch = seed, first_epoch
        sizes = stream.sizes(held_out)
        self.n_samples = sum(sizes)
        check_blocks(n_blocks, batch_size, self.n_samples)
        self.plan = Plan(sizes, n_blocks, stream.window, batch_size)
        self.steps_per_epoch = self.plan.n_steps
        self._reader = ThreadPoolExecutor(1, "chainrule-reader")
        self._next: tuple[tuple[int, int], Future[Read]] | None = None
        self._kept: Read | None = None  # where one window holds all rows

    def train(
        self, trainer: _engine.Trainer, n_epochs: int, factors: Any, stop: _engine.Stop | None
    ) -> Sequence[float]:
        """Train for some epochs; return their losses."""
        losses = []
        for first in range(0, n_epochs * self.steps_per_epoch, self.steps_per_epoch):
            rates = None if factors is None else factors[first : first + self.steps_per_epoch]
            losses.append(self._train_epoch(trainer, rates, stop))
            self.epoch += 1
            self.trainee.n_epochs += 1
        return losses

    def _train_epoch(self, trainer: _engine.Trainer, factors: Any, stop: _engine.Stop | None) -> float:
        losses = []
        carried: list[Rows] | None = None
        sizes = self.plan.block_sizes
        for number in range(self.plan.n_windows):
            read = self._window(number)
            window = read.window
            rows, positions = self._combined(read, carried, number)
            data = rows.dataset(self.trainee.model)
            before = rows_before(sizes, self.plan.n_steps, window.first, window.end)
            bounds, taken = bounds_of(before), before[-1] - before[0]
            order = np.empty(int(bounds[-1]), dtype=np.int64)
            for block, of_block in enumerate(positions):
                interleave(order, before, bounds, block, of_block[: taken[block]])
            rates = None if factors is None else np.ascontiguousarray(factors[window.first : window.end])
            of_steps = trainer.steps(data, order, bounds, factors=rates, stop=stop)
            n_rows = np.diff(before.sum(axis=1))
            losses.append((of_steps * n_rows).tolist())
            if self.on_rows is not None:
                self.on_rows(int(n_rows.sum()))
            carried = [rows.take(of_block[n:]) for of_block, n in zip(positions, taken, strict=True)]
            del read, rows, data  # before the next but one is read
        return math.fsum(itertools.chain.from_iterable(losses)) / self.n_samples

    def _combined(self, read: Read, carried: list[Rows] | None, number: int) -> tuple[Rows, list[Whole]]:
        """Return the rows of a window with those left over, and each block's in the order of its epoch."""
        x, positions, at, begin = read.x, [], 0, read.room
        left = [] if carried is None else carried
        for block, n_rows in enumerate(read.window.rows):
            n_left = left[block].n_samples if left else 0
            if n_left:
                x[at : at + n_left] = left[block].x
            own = np.arange(n_rows)
            if self.shuffle:
                own = _engine.permutation(n_rows, block_seed(self.seed, block, number), self.epoch)
            positions.append(np.concatenate([np.arange(at, at + n_left), begin + own]))
            at += n_left
            begin += n_rows
        parts = [*left, *(part for part in read.parts if part is not None)]
        weights = [part.sample_weight for part in parts if part.sample_weight is not None]
        weight = np.concatenate(weights) if weights else None
        return Rows(x, np.concatenate([part.y for part in parts]), weight, parts[0].loss), positions

    def end(self) -> None:
        """Wait until nothing is read any more."""
        self._next = self._kept = None
        self._reader.shutdown(wait=True, cancel_futures=True)

    # Reading ahead.

    def _window(self, number: int) -> Read:
        """Return a window of this epoch, and let the next be read meanwhile."""
        if self._kept is not None:
            return self._kept
        if self._next is None or self._next[0] != (self.epoch, number):
            self._begin(self.epoch, number)
        assert self._next is not None
        read = self._next[1].result()
        if self.plan.n_windows == 1:
            self._kept, self._next = read, None
        elif number + 1 < self.plan.n_windows:
            self._begin(self.epoch, number + 1)
        else:
            self._begin(self.epoch + 1, 0)
        return read

    def _begin(self, epoch: int, number: int) -> None:
        self._next = (epoch, number), self._reader.submit(self._read, epoch, number)

    def _read(self, epoch: int, number: int) -> Read:
        windows = itertools.islice(self.plan.windows(self._orders(epoch)), max(number - 1, 0), number + 1)
        *before, window = windows
        room = sum(before[0].left) if before else 0
        x = np.empty((room + sum(window.rows), len(self.stream.columns)), dtype=self.trainee.dtype)
        parts: list[Rows | None] = []
        begin = room
        for groups, n_rows in zip(window.groups, window.rows, strict=True):
            part = x[begin : begin + n_rows]
            begin += n_rows
            y, weight = self.stream.read(groups, part, self.held_out)
            parts.append(self.encode(part, y, weight) if n_rows else None)
        return Read(window, room, x, parts)

    def _orders(self, epoch: int) -> list[list[int]]:
        if not self.shuffle:
            return self.plan.blocks
        orders = []
        for block, groups in enumerate(self.plan.blocks):
            order = _engine.permutation(len(groups), block_seed(self.seed, block, -1), epoch)
            orders.append([groups[place] for place in order.tolist()])
        return orders
