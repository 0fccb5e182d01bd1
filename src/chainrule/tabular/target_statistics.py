"""What a category of many says of the target: the mean of the rows before, in a random order.

With the mean of all rows each row would see its own target. Of an order, a row sees only those before it.

Source: L. Prokhorenkova, G. Gusev, A. Vorobev, A. V. Dorogush and A. Gulin, CatBoost: unbiased boosting with
categorical features, NeurIPS 2018, section 3.2.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def strength(codes: NDArray[np.int64], targets: Floats, n_codes: int) -> Floats:
    """Return how many rows the prior counts: variance within the categories over that between them.

    Parameters
    ----------
    codes : ndarray of shape (n_samples,)
    targets : ndarray of shape (n_samples, n_targets)
    n_codes : int

    Returns
    -------
    ndarray of shape (n_targets,)
        Between 1 and 1000. It is the number that makes the mean the best linear guess of a category's
        effect, where effects and noise have these variances (Fisher's analysis of variance).

    Examples
    --------
    >>> strength(np.array([0, 0, 1, 1]), np.array([[0.0], [1.0], [10.0], [11.0]]), 2)
    array([1.])
    """
    counts, sums = _sums(codes, targets, n_codes)
    some = counts > 0
    means = sums[some] / counts[some, None]
    n, k = len(codes), int(some.sum())
    all_within = (targets**2).sum(axis=0) - (counts[some, None] * means**2).sum(axis=0)
    within = np.maximum(all_within, 0.0) / max(n - k, 1)
    size = max((n - (counts**2).sum() / n) / max(k - 1, 1), 1.0)  # rows of a category, on the whole
    spread = (counts[some, None] * (means - targets.mean(axis=0)) ** 2).sum(axis=0) / max(k - 1, 1)
    between = np.maximum((spread - within) / size, 0.0)
    return np.asarray(np.clip(within / np.maximum(between, 1e-300), 1.0, 1000.0))


def full(codes: NDArray[np.int64], targets: Floats, n_codes: int, prior_rows: Floats) -> Floats:
    """Return the statistic of each category over all rows, for rows to come; the last is the prior.

    Returns
    -------
    ndarray of shape (n_codes + 1, n_targets)

    Examples
    --------
    >>> full(np.array([0, 0, 1]), np.array([[1.0], [1.0], [0.0]]), 2, np.ones(1)).round(3).tolist()
    [[0.889], [0.333], [0.667]]
    """
    prior = targets.mean(axis=0)
    counts, sums = _sums(codes, targets, n_codes)
    known = (sums + prior_rows * prior) / (counts[:, None] + prior_rows)
    return np.vstack([known, prior])


def ordered(
    codes: NDArray[np.int64], targets: Floats, prior_rows: Floats, order: NDArray[np.int64]
) -> Floats:
    """Return the statistic of each row: of the rows of its category that stand before it in `order`.

    Returns
    -------
    ndarray of shape (n_samples, n_targets)

    Examples
    --------
    >>> codes, targets = np.array([0, 0, 1]), np.array([[1.0], [0.0], [0.5]])
    >>> ordered(codes, targets, np.ones(1), np.array([0, 1, 2])).tolist()
    [[0.5], [0.75], [0.5]]
    """
    prior = targets.mean(axis=0)
    rows = order[np.argsort(codes[order], kind="stable")]
    grouped, sorted_codes = targets[rows], codes[rows]
    before = np.cumsum(grouped, axis=0) - grouped
    begins = np.flatnonzero(np.append(True, sorted_codes[1:] != sorted_codes[:-1]))
    sizes = np.diff(np.append(begins, len(rows)))
    before -= np.repeat(before[begins], sizes, axis=0)
    seen = np.arange(len(rows)) - np.repeat(begins, sizes)
    statistics = np.empty_like(targets)
    statistics[rows] = (before + prior_rows * prior) / (seen[:, None] + prior_rows)
    return statistics


def _sums(codes: NDArray[np.int64], targets: Floats, n_codes: int) -> tuple[Floats, Floats]:
    """Count and sum the targets of each category."""
    counts = np.bincount(codes, minlength=n_codes).astype(np.float64)
    each = [np.bincount(codes, column, minlength=n_codes) for column in targets.T]
    return counts, np.stack(each, axis=1)
