"""Random targets that suit each loss, for the tests of every layer of the house."""

from __future__ import annotations

import numpy as np

SHARES = ("cross_entropy", "focal")  # rows that sum to 1
PROBABILITIES = ("binary_cross_entropy", "binary_focal")


def random_targets(loss: str, shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Float64 targets (n_samples, n_outputs)."""
    if loss in SHARES:
        return rng.dirichlet(np.ones(shape[1]), size=shape[0])
    if loss in PROBABILITIES:
        return rng.random(shape)
    if loss == "poisson":
        return rng.poisson(1.5, shape).astype(float)
    if loss == "gamma":
        return rng.gamma(2.0, size=shape)
    if loss == "tweedie":
        return rng.gamma(2.0, size=shape) * (rng.random(shape) < 0.7)
    return rng.normal(size=shape)
