"""Which finished networks make the model, and with which weights: greedily, with replacement.

Source: R. Caruana, A. Niculescu-Mizil, G. Crew and A. Ksikes, Ensemble selection from libraries of models,
ICML 2004, section 2.
"""

import time
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Outputs = NDArray[np.float64]

#: Networks that are taken at most, one after the other.
ROUNDS = 40


def greedy(
    score: Callable[[Outputs], tuple[float, float]],
    outputs: Sequence[Outputs],
    rounds: int = ROUNDS,
    until: float = float("inf"),
) -> tuple[NDArray[np.int64], tuple[float, float]]:
    """Take one after the other whichever makes the average best, and keep the best average on the way.

    Parameters
    ----------
    score : callable
        Of averaged outputs: what counts, and what decides between equals; the greater the better.
    outputs : sequence of ndarray
        Of each candidate on the same rows.
    rounds : int
    until : float
        No round begins after that, by `time.monotonic`, but the first.

    Returns
    -------
    counts : ndarray of int64, shape (n_candidates,)
        How often each is in the average. Of equals one that is in already is taken, then the first.
    best : (float, float)
        The score of that average.

    Examples
    --------
    >>> y = np.array([1.0, 0.0])
    >>> score = lambda average: (-float(np.abs(average - y).sum()), 0.0)
    >>> greedy(score, [np.array([0.0, 0.0]), np.array([2.0, 0.0]), np.array([5.0, 5.0])])
    (array([1, 1, 0]), (-0.0, 0.0))
    """
    counts = np.zeros(len(outputs), dtype=np.int64)
    total = np.zeros_like(outputs[0])
    taken: list[int] = []
    best, n_best = (-np.inf, -np.inf), 0
    for n in range(1, rounds + 1):
        scores = [score((total + one) / n) for one in outputs]
        chosen = max(range(len(outputs)), key=lambda k: (*scores[k], counts[k] > 0, -k))
        total = total + outputs[chosen]
        counts[chosen] += 1
        taken.append(chosen)
        if scores[chosen] > best:
            best, n_best = scores[chosen], n
        if len(outputs) == 1 or time.monotonic() >= until:
            break
    return np.bincount(taken[:n_best], minlength=len(outputs)).astype(np.int64), best
