"""Generic networks and batches that suit each loss."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule import Network
from chainrule.reference import ACTIVATIONS, LOSSES
from loss_targets import random_targets

HIDDEN = [name for name, activation in ACTIVATIONS.items() if not activation.output_only]
PAIRS = [(loss.name, output) for loss in LOSSES.values() for output in loss.output_activations]
DTYPES = ["float32", "float64"]


def make_rows(
    sizes: list[int], loss: str = "squared_error", n_samples: int = 7, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Inputs (n_samples, n_1) and targets (n_samples, n_outputs) in float64."""
    rng = np.random.default_rng(seed)
    shape = (n_samples, sizes[-1])
    y = random_targets(loss, shape, rng)
    return rng.normal(size=(n_samples, sizes[0])), y


def parameters(network: Network) -> np.ndarray:
    """All parameters as one new array."""
    return np.concatenate([a.ravel() for a in [*network.weights, *network.biases]])


def relative_difference(found: Any, expected: Any) -> float:
    """Largest difference over the largest magnitude that is expected, which must not be zero."""
    found, expected = np.asarray(found, np.float64), np.asarray(expected, np.float64)
    assert found.shape == expected.shape
    assert np.max(np.abs(expected)) > 0
    return float(np.max(np.abs(found - expected)) / np.max(np.abs(expected)))
