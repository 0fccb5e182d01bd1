"""Rows held out, at random and in proportion to the classes."""

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]


def hold_out(
    n_samples: int, fraction: float, seed: int, classes: NDArray[np.int64] | None = None
) -> tuple[Rows, Rows]:
    """Split row numbers into those to train on and those held out.

    Parameters
    ----------
    n_samples : int
        Number of rows.
    fraction : float
        Share to hold out, in [0, 1).
    seed : int
        The same seed holds out the same rows.
    classes : ndarray of shape (n_samples,), optional
        Class indices. Every class is then held out in proportion, and keeps at least one row to train on.

    Returns
    -------
    training, held_out : ndarrays
        Row numbers, ascending.

    Examples
    --------
    >>> training, held_out = hold_out(10, 0.2, seed=0)
    >>> len(training), len(held_out)
    (8, 2)
    """
    rng = np.random.default_rng(seed)
    order = rng.permutation(n_samples)
    if classes is not None:
        order = order[np.argsort(classes[order], kind="stable")]
    # Every (1 / fraction)-th row of that order: a random sample, and a proportionate one where it is sorted.
    steps = np.floor(np.arange(n_samples + 1) * fraction + (rng.random() if classes is not None else 0.5))
    held = np.zeros(n_samples, dtype=bool)
    held[order[np.diff(steps) > 0]] = True
    if classes is not None:
        trained = np.bincount(classes[~held], minlength=int(classes.max(initial=-1)) + 1)
        for label in np.flatnonzero(trained == 0):
            rows = np.flatnonzero(classes == label)
            held[rows[:1]] = False
    return np.flatnonzero(~held).astype(np.int64), np.flatnonzero(held).astype(np.int64)
