"""Networks and samples for derivations: every activation and every loss that is registered."""

import numpy as np

import chainrule
from chainrule.reference import ACTIVATIONS, LOSSES
from loss_targets import random_targets

HIDDEN = [name for name, activation in ACTIVATIONS.items() if not activation.output_only]
PAIRS = [(loss.name, output) for loss in LOSSES.values() for output in loss.output_activations]


def make_targets(loss, n_rows, n_outputs, rng):
    return random_targets(loss, (n_rows, n_outputs), rng)


def make(sizes, n_rows=1, loss="squared_error", seed=0, **settings):
    """A network and a sample: one row (n_1,) where n_rows is 0."""
    rng = np.random.default_rng(seed)
    net = chainrule.Network(sizes, loss=loss, random_state=seed, **settings)
    x, y = rng.normal(size=(n_rows or 1, sizes[0])), make_targets(loss, n_rows or 1, sizes[-1], rng)
    return (net, x, y) if n_rows else (net, x[0], y[0])


def make_seed_network():
    """The seed's network and a sample."""
    net, x, _ = make([3, 5, 4, 3], 0, activation="sigmoid", output_activation="sigmoid")
    return net, x, np.array([0.0, 1.0, 0.5])


def relative_difference(found, expected):
    found, expected = np.asarray(found), np.asarray(expected)
    # The engine's deltas nearer to 0 than 1e-292 are 0 (docs/numerics.md).
    difference, scale = np.max(np.abs(found - expected)), max(np.max(np.abs(expected)), 1e-280)
    return 0.0 if difference == 0 else difference / scale
