"""The networks whose derivations stand in the pages, each derived once, when the pages are built."""

from functools import cache

import numpy as np

import chainrule
from chainrule.derive import Derivation, derive


@cache
def derivation(name: str) -> Derivation:
    """Return the derivation of one of the networks below; KeyError for another name."""
    return NETWORKS[name]()


def seed() -> Derivation:
    """Return 3-5-4-3 with sigmoids and one sample: what is derived by hand."""
    return derive(_seed_network(), [0.5, -1.0, 2.0], [0.0, 1.0, 0.0])


def batch() -> Derivation:
    """Return the same network with four rows."""
    rng = np.random.default_rng(1)
    return derive(_seed_network(), rng.normal(size=(4, 3)), rng.random((4, 3)))


def sigmoids() -> Derivation:
    """Return ten hidden layers of sigmoids, weights as LeCun would draw them."""
    return _deep("sigmoid", variance=1.0)


def rectifiers() -> Derivation:
    """Return the same depth with relu, and He's variance 2/n."""
    return _deep("relu", variance=2.0)


def extras() -> Derivation:
    """Return one hidden layer with normalization, dropout and a skip."""
    rng = np.random.default_rng(3)
    weights = [rng.normal(size=(3, 3)), rng.normal(size=(3, 2))]
    network = chainrule.Network([3, 3, 2], activation="tanh", layer_norm=True, residual=True, dropout=0.25)
    network.weights[0], network.weights[1] = weights
    network.biases[0], network.biases[1] = rng.normal(size=3), rng.normal(size=2)
    return derive(
        network, rng.normal(size=3), rng.normal(size=2), masks=[np.array([4 / 3, 0.0, 4 / 3]), None]
    )


def member() -> Derivation:
    """Return a network made as those of `TabularRegressor`, only smaller, and a row of its table.

    Its columns: area and age of a house, centered and scaled; whether it has a garden; its district, a code.
    """
    rng = np.random.default_rng(4)
    x = np.column_stack([rng.normal(size=(400, 2)), rng.integers(0, 2, 400), rng.integers(0, 3, 400)])
    price = x[:, 0] + np.sin(3 * x[:, 1]) + 0.5 * x[:, 2] * (x[:, 3] == 1) + 0.1 * rng.normal(size=400)
    y = (price - price.mean()) / price.std()
    inputs = chainrule.inputs
    network = chainrule.Network(
        [4, 4, 1],
        activation="mish",
        parametric=True,
        inputs=[
            inputs.Periodic([0, 1], n_frequencies=4, n_outputs=2, sigma=0.3),
            inputs.Numbers([2]),
            inputs.Categories(3, n_categories=3, n_outputs=2),
            inputs.Scale(),
        ],
        random_state=0,
    )
    network.train(x, y, optimizer=chainrule.AdamW(0.01), epochs=30, batch_size=32)
    return derive(network, x[0], y[0])


def _seed_network() -> chainrule.Network:
    network = chainrule.Network(
        [3, 5, 4, 3], activation="sigmoid", output_activation="sigmoid", random_state=0
    )
    rng = np.random.default_rng(0)
    for weight in network.weights:
        weight[:] = rng.normal(size=weight.shape)
    for bias in network.biases:
        bias[:] = rng.normal(size=bias.shape)
    return network


def _deep(activation: str, variance: float) -> Derivation:
    """Return ten hidden layers of 32 units; weights normal with variance `variance` / n_k, biases 0."""
    rng = np.random.default_rng(2)
    network = chainrule.Network([8, *[32] * 10, 4], activation=activation, random_state=0)
    for weight, bias in zip(network.weights, network.biases, strict=True):
        weight[:] = rng.normal(scale=np.sqrt(variance / len(weight)), size=weight.shape)
        bias[:] = 0
    return derive(network, rng.normal(size=8), rng.normal(size=4))


NETWORKS = {make.__name__: make for make in (seed, batch, sigmoids, rectifiers, extras, member)}
