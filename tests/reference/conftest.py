"""Generic networks: random parameters, rows and targets that suit each loss."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from chainrule import reference
from loss_targets import random_targets


@dataclass
class Case:
    """A network and a batch; `arguments` go to reference.gradients and batch_loss as they are."""

    weights: list[Any]
    biases: list[Any]
    x: Any
    y: Any
    activations: list[str]
    loss: str

    @property
    def arguments(self) -> tuple[Any, ...]:
        return self.weights, self.biases, self.x, self.y, self.activations, self.loss

    def astype(self, dtype: Any) -> Case:
        cast = [[a.astype(dtype) for a in arrays] for arrays in (self.weights, self.biases, [self.x, self.y])]
        return Case(cast[0], cast[1], *cast[2], self.activations, self.loss)

    def complex_step(self, **options: Any) -> tuple[list[Any], list[Any], Any]:
        """Derivatives of the batch loss by weights, biases and x."""
        n = len(self.weights)

        def loss_at(*at: Any) -> Any:
            return reference.batch_loss(
                at[:n], at[n : 2 * n], at[-1], self.y, self.activations, self.loss, **options
            )

        found = reference.complex_step(loss_at, [*self.weights, *self.biases, self.x])
        return found[:n], found[n : 2 * n], found[-1]


def make_case(
    sizes: list[int],
    hidden: str | list[str],
    loss: str,
    output: str | None = None,
    n_samples: int = 4,
    seed: int = 0,
) -> Case:
    rng = np.random.default_rng(seed)
    weights = [rng.normal(size=shape) / np.sqrt(shape[0]) for shape in itertools.pairwise(sizes)]
    biases = [0.5 * rng.normal(size=n) for n in sizes[1:]]
    biases[-1] = -np.abs(biases[-1]) - 0.2  # towards positive outputs, so that a relu there is alive
    if output == "hardtanh":
        weights[-1], biases[-1] = 0.3 * weights[-1], 0.3 * biases[-1]  # between its bounds
    shape = (n_samples, sizes[-1])
    y = random_targets(loss, shape, rng)
    hidden = [hidden] * (len(sizes) - 2) if isinstance(hidden, str) else hidden
    output = output or reference.LOSSES[loss].default_output_activation
    return Case(weights, biases, rng.normal(size=(n_samples, sizes[0])), y, [*hidden, output], loss)


def relative_difference(found: Any, expected: Any) -> float:
    """Largest difference over the largest magnitude that is expected, which must not be zero."""
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.shape == expected.shape
    assert np.max(np.abs(expected)) > 0
    return float(np.max(np.abs(found - expected)) / np.max(np.abs(expected)))


@pytest.fixture(scope="session", name="make_case")
def make_case_fixture() -> Any:
    return make_case


@pytest.fixture(scope="session", name="relative_difference")
def relative_difference_fixture() -> Any:
    return relative_difference
