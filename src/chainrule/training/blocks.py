"""Batches of blocks of rows: which rows each step takes of each block.

A block is a part of the rows, and a batch has its share of every block. The engine sums each block's
gradient apart and adds the sums in a fixed tree, so that a step is a function of the parameters, its number
and the blocks alone, whoever holds which of them.
"""

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule import _engine
from chainrule.model.rows import Rows
from chainrule.model.trainee import Trainee
from chainrule.training.source import Source

Whole = NDArray[np.int64]

#: The most blocks that the engine takes.
MOST_BLOCKS = 4096


def block_seed(seed: int, block: int, window: int = 0) -> int:
    """Return the seed of a block's orders, of a window of it where it is read window by window.

    The finalizer of splitmix64 (Steele, Lea & Flood 2014), twice.

    Examples
    --------
    >>> len({block_seed(0, block, window) for block in range(8) for window in range(8)})
    64
    """
    for number in (block, window):
        seed = (seed + (number + 1) * 0x9E3779B97F4A7C15) % 2**64
        seed = (seed ^ seed >> 30) * 0xBF58476D1CE4E5B9 % 2**64
        seed = (seed ^ seed >> 27) * 0x94D049BB133111EB % 2**64
        seed ^= seed >> 31
    return seed


def even_sizes(n_samples: int, n_blocks: int) -> list[int]:
    """Return the rows of each block where neighboring rows make a block.

    Examples
    --------
    >>> even_sizes(10, 4)
    [2, 3, 2, 3]
    """
    ends = [n_samples * block // n_blocks for block in range(n_blocks + 1)]
    return [end - begin for begin, end in itertools.pairwise(ends)]


def rows_before(sizes: Sequence[int], n_steps: int, first: int = 0, end: int | None = None) -> Whole:
    """Say how many rows of each block the steps before take: each step takes its share of each.

    Parameters
    ----------
    sizes : sequence of int
        Rows of each block.
    n_steps : int
        Of an epoch.
    first, end : int
        Which steps: `first` to `end`, the latter included, because it is where step ``end - 1`` ends.

    Returns
    -------
    ndarray of shape (end - first + 1, n_blocks)

    Examples
    --------
    >>> rows_before([4, 5, 1], 3).tolist()
    [[0, 0, 0], [1, 2, 1], [2, 3, 1], [4, 5, 1]]
    """
    n_blocks = len(sizes)
    whole, rest = np.divmod(np.asarray(sizes, dtype=np.int64), n_steps)
    steps = np.arange(first, (n_steps if end is None else end) + 1, dtype=np.int64)[:, None]
    # Each block rounds at a place of its own, so that all of them together make batches of one size.
    phase = np.arange(n_blocks, dtype=np.int64) * n_steps
    return whole * steps + (rest * steps * n_blocks + phase) // (n_steps * n_blocks)


def bounds_of(before: Whole) -> Whole:
    """Return the engine's `bounds` of steps with these `rows_before`.

    Examples
    --------
    >>> bounds_of(rows_before([4, 4], 2)).tolist()
    [0, 2, 4, 6, 8]
    """
    return np.concatenate([[0], np.cumsum(np.diff(before, axis=0), dtype=np.int64)])


def interleave(order: Whole, before: Whole, bounds: Whole, block: int, rows: Whole) -> None:
    """Put a block's rows where its steps take them, into an order of all blocks' rows.

    Parameters
    ----------
    order : ndarray of shape (n_rows,)
        Written.
    before, bounds : ndarray
        Of these steps.
    block : int
    rows : ndarray
        What these steps take of the block, in their order.

    Examples
    --------
    >>> before = rows_before([2, 2], 2)
    >>> order = np.zeros(4, dtype=np.int64)
    >>> interleave(order, before, bounds_of(before), 0, np.array([10, 11]))
    >>> interleave(order, before, bounds_of(before), 1, np.array([20, 21]))
    >>> order.tolist()
    [10, 20, 11, 21]
    """
    n_blocks = before.shape[1]
    shift = bounds[block:-1:n_blocks] - (before[:-1, block] - before[0, block])
    counts = np.diff(before[:, block])
    order[np.repeat(shift, counts) + np.arange(len(rows))] = rows


def epoch_order(sizes: Sequence[int], before: Whole, bounds: Whole, seed: int | None, epoch: int) -> Whole:
    """Return the rows of an epoch, step by step and block by block, where blocks are neighboring rows.

    Parameters
    ----------
    sizes : sequence of int
        Rows of each block; 0 for those that are elsewhere.
    before, bounds : ndarray
        Of all steps, and these rows.
    seed : int or None
        Of the orders; None takes the rows as they lie.
    epoch : int

    Examples
    --------
    >>> before = rows_before([2, 2], 2)
    >>> epoch_order([2, 2], before, bounds_of(before), None, 0).tolist()
    [0, 2, 1, 3]
    """
    order = np.empty(sum(sizes), dtype=np.int64)
    begin = 0
    for block, size in enumerate(sizes):
        rows = np.arange(size)
        if seed is not None and size:
            rows = _engine.permutation(size, block_seed(seed, block), epoch)
        interleave(order, before, bounds, block, rows + begin)
        begin += size
    return order


def mean_loss(losses: Sequence[float] | NDArray[np.float64], before: Whole) -> float:
    """Return the mean over the rows of each step's loss, from the losses and `rows_before` of all steps.

    Examples
    --------
    >>> mean_loss([1.0, 4.0], np.array([[0, 0], [1, 1], [1, 2]]))
    2.0
    """
    n_rows: list[int] = np.diff(before.sum(axis=1)).tolist()
    return math.fsum(loss * n for loss, n in zip(losses, n_rows, strict=True)) / sum(n_rows)


def check_blocks(n_blocks: int, batch_size: int, n_samples: int) -> None:
    """Raise ValueError where a batch has no row for each block."""
    if min(batch_size, n_samples) < n_blocks:
        what = f"batch_size={batch_size}" if batch_size < n_blocks else f"{n_samples} rows"
        raise ValueError(
            f"row_blocks={n_blocks} takes rows of each block in each step, which {what} cannot give; "
            f"expected at least {n_blocks}, or fewer row_blocks"
        )


class BlockSource(Source):
    """Rows in memory as blocks of neighboring rows, each with orders of its own.

    Parameters
    ----------
    trainee : Trainee
    rows : Rows
        As the engine takes them.
    batch_size : int
        Rows per step, at most: an epoch's steps are as long as each other, up to a row per block.
    shuffle : bool
        Whether each epoch takes each block's rows in an order that is a function of seed, epoch and block.
    n_blocks : int
        That each batch is made of.
    seed, first_epoch : int
        Of these orders.
    """

    def __init__(
        self,
        trainee: Trainee,
        rows: Rows,
        batch_size: int,
        *,
        shuffle: bool,
        n_blocks: int,
        seed: int,
        first_epoch: int,
    ) -> None:
        super().__init__(trainee, rows, batch_size, shuffle=shuffle)
        check_blocks(n_blocks, batch_size, self.n_samples)
        self.seed, self.epoch = seed, first_epoch
        self.sizes = even_sizes(self.n_samples, n_blocks)
        self.before = rows_before(self.sizes, self.steps_per_epoch)
        self.bounds = bounds_of(self.before)

    def order(self, epoch: int) -> Whole:
        """Return the rows of an epoch, step by step and block by block."""
        seed = self.seed if self.shuffle else None
        return epoch_order(self.sizes, self.before, self.bounds, seed, epoch)

    def train(
        self, trainer: _engine.Trainer, n_epochs: int, factors: Any, stop: _engine.Stop | None
    ) -> Sequence[float]:
        """Train for some epochs; return their losses."""
        n_steps, losses = self.steps_per_epoch, []
        for first in range(0, n_epochs * n_steps, n_steps):
            rates = None if factors is None else np.ascontiguousarray(factors[first : first + n_steps])
            order = self.order(self.epoch)
            of_steps = trainer.steps(self.data, order, self.bounds, factors=rates, stop=stop)
            losses.append(mean_loss(of_steps, self.before))
            self.epoch += 1
            self.trainee.n_epochs += 1
        return losses
