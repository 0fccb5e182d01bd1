"""Probabilities that mean what they say: one temperature, then a step towards uniform."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

TINY = 1e-30


def find_temperature(
    probabilities: Floats, classes: NDArray[np.int64], sample_weight: NDArray[np.float64] | None = None
) -> float:
    """Return the temperature T whose softmax(log p / T) has the least cross-entropy, by bisection.

    Parameters
    ----------
    probabilities : ndarray of shape (n_samples, n_classes)
        Of rows that training did not have.
    classes : ndarray of int64, shape (n_samples,)
    sample_weight : ndarray of shape (n_samples,), optional

    Returns
    -------
    float
        Between 1/20 and 20. The derivative of the cross-entropy by 1/T is the expected log p less that of the
        true class, and rises with 1/T.

    Examples
    --------
    >>> probabilities = np.array([[0.99, 0.01]] * 10)
    >>> round(find_temperature(probabilities, np.array([0] * 9 + [1])), 2)
    2.09
    """
    logs = np.log(np.maximum(probabilities, TINY))
    own = np.take_along_axis(logs, classes[:, None], axis=1)[:, 0]
    low, high = np.log(1 / 20), np.log(20.0)  # of 1/T
    for _ in range(40):
        middle = (low + high) / 2
        expected = (tempered(logs, float(np.exp(-middle))) * logs).sum(axis=1)
        if np.average(expected - own, weights=sample_weight) > 0:
            high = middle
        else:
            low = middle
    return float(np.exp(-(low + high) / 2))


def tempered(logs: Floats, temperature: float) -> Floats:
    """softmax(logs / T), shape (n_samples, n_classes)."""
    z = logs / temperature
    z = np.exp(z - z.max(axis=1, keepdims=True))
    return np.asarray(z / z.sum(axis=1, keepdims=True))


def calibrated(probabilities: Floats, temperature: float, n_rows: int) -> Floats:
    """Apply a temperature, then p <- n/(n + 1) p + 1/((n + 1) C).

    With n rows looked at, nothing is impossible: one more could be of any class.

    Examples
    --------
    >>> calibrated(np.array([[1.0, 0.0]]), 1.0, 9).round(3).tolist()
    [[0.95, 0.05]]
    """
    p = tempered(np.log(np.maximum(probabilities, TINY)), temperature)
    return np.asarray((n_rows * p + 1 / p.shape[1]) / (n_rows + 1))
