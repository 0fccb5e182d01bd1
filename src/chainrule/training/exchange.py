"""Sums of blocks that are computed in several places: what goes out, and how all of it is added.

A step's sum is that of a fixed binary tree over the blocks (`chainrule.training.blocks`). Each member sums
up its own blocks as far as the tree joins them, the members tell each other, and each adds the rest in the
tree's order. So all have the same bits as one that has all blocks, and take the same step.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[Any]
Node = tuple[int, int]

#: Numbers, below which everybody is told everything: one message instead of two in a row.
FEW = 20_000


class Transport(Protocol):
    """How members tell each other."""

    def swap(self, outgoing: Mapping[int, Sequence[Floats]]) -> Mapping[int, Sequence[Floats]]:
        """Send arrays to members, and return what each of these has sent in its own call of the same number.

        Raises where that cannot be.
        """


def middle(begin: int, end: int) -> int:
    """Return the first block of the right half of blocks `begin` to `end`.

    Examples
    --------
    >>> middle(0, 8), middle(0, 6), middle(4, 6)
    (4, 4, 5)
    """
    return begin + (1 << (end - begin - 1).bit_length() - 1)


def nodes_of(blocks: Iterable[int], n_blocks: int) -> list[Node]:
    """Return the largest parts of the tree that consist of these blocks.

    Examples
    --------
    >>> nodes_of([0, 1, 2, 3], 8), nodes_of([3, 4, 5], 8), nodes_of(range(6), 6)
    ([(0, 4)], [(3, 4), (4, 6)], [(0, 6)])
    """
    own = set(blocks)

    def largest(begin: int, end: int) -> list[Node]:
        if own.issuperset(range(begin, end)):
            return [(begin, end)]
        if end - begin == 1:
            return []
        half = middle(begin, end)
        return largest(begin, half) + largest(half, end)

    return largest(0, n_blocks)


def added(parts: Mapping[Node, Any], begin: int, end: int) -> Any:
    """Add parts of the tree; None, of blocks without rows, adds nothing.

    Examples
    --------
    >>> added({(0, 1): 1.0, (1, 2): None, (2, 3): 0.5}, 0, 3)
    1.5
    """
    if (begin, end) in parts:
        return parts[begin, end]
    half = middle(begin, end)
    left, right = added(parts, begin, half), added(parts, half, end)
    return right if left is None else left if right is None else left + right


class TreeExchange:
    """What `_engine.Trainer.steps` calls in each step: makes the sums of all blocks from everybody's.

    Parameters
    ----------
    transport : Transport
    members : sequence of list of Node
        What each member sums up.
    me : int
        Which of them this is.
    n_blocks : int
    """

    def __init__(
        self, transport: Transport, members: Sequence[Sequence[Node]], me: int, n_blocks: int
    ) -> None:
        self.transport, self.members, self.me, self.n_blocks = transport, members, me, n_blocks

    def __call__(self, sums: Floats, numbers: NDArray[np.float64]) -> None:
        """Write the sums and numbers of all blocks into the first rows.

        Parameters
        ----------
        sums : ndarray of shape (n_nodes, n_parameters)
            Of this member's nodes.
        numbers : ndarray of shape (n_nodes, 3)
            Loss, weight and rows of each.
        """
        n_members, size = len(self.members), sums.shape[1]
        others = [member for member in range(n_members) if member != self.me]
        at = [size * member // n_members for member in range(n_members + 1)]
        if n_members <= 2 or size < FEW:
            at = [0] * (self.me + 1) + [size] * (n_members - self.me)  # all of it is mine to add
            outgoing = dict.fromkeys(others, (sums, numbers))
        else:
            outgoing = {
                member: (np.ascontiguousarray(sums[:, at[member] : at[member + 1]]), numbers)
                for member in others
            }
        mine = sums[:, at[self.me] : at[self.me + 1]]
        told = {self.me: (mine, numbers), **self.transport.swap(outgoing)}
        counted: dict[Node, Any] = {}
        summed: dict[Node, Any] = {}
        for member, nodes in enumerate(self.members):
            of_nodes, of_numbers = told[member]
            for node, part, number in zip(nodes, of_nodes, of_numbers, strict=True):
                counted[node] = number
                summed[node] = part if number[2] else None
        total = added(summed, 0, self.n_blocks)
        total = np.zeros(mine.shape[1], dtype=sums.dtype) if total is None else total
        numbers[0] = added(counted, 0, self.n_blocks)
        sums[0, at[self.me] : at[self.me + 1]] = total
        if total.shape[0] < size:
            for member, (part,) in self.transport.swap(dict.fromkeys(others, (total,))).items():
                sums[0, at[member] : at[member + 1]] = part
