"""Shapes of loss curves."""

import numpy as np
import pytest

from chainrule.training.course import course

EPOCH = np.arange(200)
NOISE = np.random.default_rng(0).normal(size=200)

CURVES = {
    "short": [1.0, 0.5, 0.25],
    "falling": np.exp(-EPOCH / 100),
    "flat": 0.1 + np.exp(-EPOCH / 10),
    "oscillating": 0.5 + 0.5 * np.exp(-EPOCH / 10) + 0.2 * (-1.0) ** EPOCH,
    "rising": np.concatenate([np.exp(-EPOCH[:100] / 20), np.exp(-99 / 20) * 1.02 ** EPOCH[:100]]),
    "exploded": 1.0 + EPOCH**2,
    "stuck": np.full(200, 2.3),
    "diverged": [1.0, 10.0, np.inf, np.nan],
}


@pytest.mark.parametrize("shape", CURVES)
def test_shape(shape):
    assert course(CURVES[shape]).shape == shape
    assert course(list(CURVES[shape])).shape == shape


@pytest.mark.parametrize("shape", ["falling", "flat", "rising", "stuck"])
def test_a_little_noise_changes_nothing(shape):
    curve = np.asarray(CURVES[shape]) * (1 + 0.001 * NOISE)
    assert course(curve).shape == shape


def test_falling_in_strong_noise_is_oscillating():
    assert course(CURVES["flat"] * (1 + 0.3 * NOISE)).shape == "oscillating"


def test_words():
    assert str(course(CURVES["diverged"])) == "the loss was no longer finite in epoch 3"
    assert str(course(CURVES["short"])) == "there were only 3 epochs"
    assert str(course(CURVES["falling"])) == "the loss was still falling, by 28.8% over the last 50 epochs"
    assert str(course(CURVES["stuck"])) == "the loss hardly moved in all 200 epochs"


def test_zero_is_flat():
    assert course([1.0] + [0.0] * 30).shape == "flat"
