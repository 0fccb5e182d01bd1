"""Derivations whose pages the tests open."""

import numpy as np
from sklearn.datasets import load_digits

import chainrule
from chainrule import inputs
from chainrule.derive import derive
from chainrule.description import Description, Layer


def seed():
    """The seed's own network, 3-5-4-3 with sigmoids."""
    rng = np.random.default_rng(20210814)
    network = chainrule.Network(
        [3, 5, 4, 3], activation="sigmoid", output_activation="sigmoid", random_state=0
    )
    for bias in network.biases:
        bias[:] = rng.normal(size=bias.shape)
    return derive(network, rng.normal(size=3), rng.random(3))


def digits():
    """Handwritten digits through 64-100-10: wide layers are folded."""
    X, y = load_digits(return_X_y=True)
    network = chainrule.Network([64, 100, 10], loss="cross_entropy", random_state=0)
    return derive(network, X[7] / 16, y[7])


def batch():
    """Four rows at once, in Chinese."""
    rng = np.random.default_rng(1)
    network = chainrule.Network([3, 4, 2], activation="gelu", random_state=0)
    return derive(network, rng.normal(size=(4, 3)), rng.normal(size=(4, 2)), language="zh")


def sigmoids():
    """Ten layers of sigmoids, through which the gradient vanishes."""
    rng = np.random.default_rng(2)
    network = chainrule.Network([4, *[6] * 10, 2], activation="sigmoid", random_state=0)
    return derive(network, rng.normal(size=4), rng.normal(size=2))


def deep():
    """Twenty hidden layers and two rows: as deep as a page is meant to be read."""
    rng = np.random.default_rng(3)
    network = chainrule.Network([3, *[10] * 20, 2], activation="tanh", random_state=0)
    return derive(network, rng.normal(size=(2, 3)), rng.normal(size=(2, 2)))


def shapes():
    """No numbers: sizes alone."""
    return derive([3, 5, 4, 3], activation="sigmoid")


def layers():
    """Normalization, dropout and skips in two hidden layers."""
    rng = np.random.default_rng(4)
    weights = [rng.normal(size=(3, 3)), rng.normal(size=(3, 3)), rng.normal(size=(3, 2))]
    biases, gain, shift = [rng.normal(size=n) for n in (3, 3, 2)], rng.normal(size=3), rng.normal(size=3)
    layers = [
        Layer(weights[0], biases[0], "tanh", gain, shift, residual=True, dropout=0.25),
        Layer(weights[1], biases[1], "gelu", residual=True),
        Layer(weights[2], biases[2], "identity"),
    ]
    masks = [np.array([4 / 3, 0.0, 4 / 3]), None, None]
    return derive(Description(layers), rng.normal(size=3), rng.normal(size=2), masks=masks)


def columns():
    """Five columns of data through waves, bins, categories and factors; parametric activations."""
    rng = np.random.default_rng(5)
    network = chainrule.Network(
        [5, 4, 2],
        activation="mish",
        parametric=True,
        inputs=[
            inputs.Periodic([0, 1], 4, 2, sigma=0.5),
            inputs.Numbers([2]),
            inputs.PiecewiseLinear(3, [-1.0, 0.0, 2.0], 1),
            inputs.Categories(4, 3, 2),
            inputs.Scale(),
        ],
        random_state=0,
    )
    return derive(network, [0.5, -1.0, 1.0, 0.25, 2.0], rng.normal(size=2))
