"""Which rows train and which choose: one split, folds, or the rows that a user gave."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainrule.tables.splitting import hold_out

Rows = NDArray[np.int64]

#: Of the rows, set aside where there are no folds.
PART = 0.2
#: With fewer rows none are set aside: all train, and all choose.
LEAST_ROWS = 10


class Split(NamedTuple):
    """Rows of one network.

    Attributes
    ----------
    training, watched : ndarray of int64
        Row numbers.
    """

    training: Rows
    watched: Rows


def make_splits(n_rows: int, n_folds: int, seed: int, classes: NDArray[np.int64] | None) -> list[Split]:
    """Split the rows, in proportion to the classes if there are any.

    Returns
    -------
    list of Split
        One, or one for each fold: then each row is watched in one of them.

    Examples
    --------
    >>> [len(split.watched) for split in make_splits(50, 0, 0, None)]
    [10]
    >>> [split.watched.tolist() for split in make_splits(10, 2, 0, None)]
    [[2, 3, 4, 8, 9], [0, 1, 5, 6, 7]]
    """
    everything = np.arange(n_rows, dtype=np.int64)
    if n_rows < LEAST_ROWS:
        return [Split(everything, everything)] * max(1, n_folds)
    if not n_folds:
        return [Split(*hold_out(n_rows, PART, seed, classes))]
    order = np.random.default_rng(seed).permutation(n_rows)
    if classes is not None:
        order = order[np.argsort(classes[order], kind="stable")]
    fold = np.empty(n_rows, dtype=np.int64)
    fold[order] = everything % n_folds
    return [Split(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(n_folds)]
