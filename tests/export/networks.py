"""Networks for the tests of exports, every kind of layer among them, and their outputs by the reference."""

from __future__ import annotations

import numpy as np

import chainrule
from chainrule import MLPRegressor, Network, reference
from chainrule.description import Description, Layer, Meaning
from chainrule.reference import Norm
from chainrule.reference.activations import PReLU

HIDDEN = [
    name
    for name, activation in reference.ACTIVATIONS.items()
    if not activation.output_only and name != "prelu"
]
OUTPUTS = [name for name, activation in reference.ACTIVATIONS.items() if not activation.hidden_only]


def make_layer(
    rng: np.random.Generator,
    n_in: int,
    n_out: int,
    activation: str,
    dtype: str = "float64",
    *,
    norm: bool = False,
    residual: bool = False,
) -> Layer:
    def draw(*shape: int) -> np.ndarray:
        return rng.normal(size=shape).astype(dtype)

    return Layer(
        draw(n_in, n_out) / np.sqrt(n_in).astype(dtype),
        draw(n_out),
        activation,
        draw(n_out) + np.asarray(1, dtype) if norm else None,
        draw(n_out) if norm else None,
        draw(n_out) if activation == "prelu" else None,
        residual,
    )


def everything(dtype: str = "float64", output: str = "softmax") -> Description:
    """A network with normalized, residual and prelu layers, alone and together."""
    rng = np.random.default_rng(5)
    layers = [
        make_layer(rng, 6, 6, "tanh", dtype, residual=True),
        make_layer(rng, 6, 9, "relu", dtype, norm=True),
        make_layer(rng, 9, 9, "prelu", dtype, norm=True, residual=True),
        make_layer(rng, 9, 9, "prelu", dtype, residual=True),
        make_layer(rng, 9, 4, "silu", dtype),
        make_layer(rng, 4, 3, output, dtype),
    ]
    return Description(layers, Meaning())


def outputs(described: Description, x: np.ndarray) -> np.ndarray:
    """By the reference, in float64."""
    layers = described.layers

    def wide(array: np.ndarray | None) -> np.ndarray | None:
        return None if array is None else array.astype(np.float64)

    return reference.forward(
        [wide(layer.weights) for layer in layers],
        [layer.biases.astype(np.float64) for layer in layers],
        x.astype(np.float64),
        [PReLU() if layer.activation == "prelu" else layer.activation for layer in layers],
        norms=[None if n.gain is None else Norm(wide(n.gain), wide(n.shift)) for n in layers],
        residual=[layer.residual for layer in layers],
        slopes=[wide(layer.slopes) for layer in layers],
    ).output


def scaled(dtype: str = "float64") -> tuple[Description, np.ndarray, np.ndarray]:
    """A network whose outputs are not in their own units, and those units: scale and mean."""
    rng = np.random.default_rng(4)
    layers = [make_layer(rng, 6, 5, "tanh", dtype), make_layer(rng, 5, 3, "softplus", dtype)]
    scale, mean = np.array([2.0, 30.0, 0.5]), np.array([100.0, 0.0, -7.0])
    return Description(layers, Meaning(scale=scale, mean=mean)), scale, mean


def regressor_of_everything(x: np.ndarray, y: np.ndarray) -> MLPRegressor:
    """An estimator whose layers drop, normalize, skip and learn slopes; its targets are standardized."""
    return MLPRegressor(
        hidden_layer_sizes=(6, 9, 9),
        activation=["prelu", "tanh", "prelu"],
        dropout=0.2,
        layer_norm=True,
        residual=True,
        scale_targets=True,
        max_iter=20,
        random_state=0,
    ).fit(x, y)


def quantiles(dtype: str) -> Network:
    """Three quantiles each of two targets, which cannot cross."""
    loss = chainrule.losses.Quantile([0.1, 0.5, 0.9])
    return Network([6, 5, 6], loss=loss, dtype=dtype, random_state=0)


def network_of_everything(dtype: str) -> Network:
    """A Network whose layers drop, normalize, skip and learn slopes."""
    rng = np.random.default_rng(3)
    net = Network(
        [6, 6, 9, 9, 2],
        activation=["prelu", "tanh", "prelu"],
        output_activation="softplus",
        dtype=dtype,
        dropout=0.2,
        layer_norm=[False, True, True],
        residual=True,
        random_state=0,
    )
    for vectors in (net.norm_gains, net.norm_shifts, net.slopes):
        for vector in vectors:
            if vector is not None:
                vector[...] = rng.normal(size=vector.shape)
    return net
