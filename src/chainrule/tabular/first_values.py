"""First weights and biases of members, written into a network."""

import numpy as np
from numpy.typing import NDArray

from chainrule.model.inputs import as_blocks
from chainrule.network import Network
from chainrule.reference import get_activation
from chainrule.reference.first_values import data_driven_values
from chainrule.reference.inputs.stage import forward

Floats = NDArray[np.float32]

#: Training rows that the first weights are scaled on.
ROWS = 2048
#: Rows whose nets a unit's first zero lies between.
HULL = 5


def data_driven(network: Network, x: Floats, generator: np.random.Generator) -> None:
    """Draw weights N(0, 1), give each unit's net the deviation 1 on rows of x, and its zero among them."""
    rows = x[np.sort(generator.permutation(len(x))[:ROWS])]
    taken = first_rows(network, rows).astype(np.float64)
    shapes = [weight.shape for weight in network.weights]
    weights = [generator.normal(size=shape) for shape in shapes]
    places = [generator.integers(0, len(rows), (HULL, shape[1])) for shape in shapes]
    exponentials = [generator.exponential(size=(HULL, shape[1])) for shape in shapes]
    *hidden, output = network.activations
    # Classes' probabilities are not looked at: the last net is.
    functions = [get_activation(name) for name in [*hidden, "identity" if output == "softmax" else output]]
    network.weights, network.biases = data_driven_values(taken, weights, places, exponentials, functions)


def normal(network: Network, generator: np.random.Generator) -> None:
    """Draw weights N(0, 1/n) and biases N(0, 1); the last layer is 0."""
    *hidden, last = range(len(network.weights))
    for k in hidden:
        n, m = network.weights[k].shape
        network.weights[k] = generator.normal(size=(n, m)) / np.sqrt(n)
        network.biases[k] = generator.normal(size=m)
    network.weights[last] = np.zeros_like(network.weights[last])
    network.biases[last] = np.zeros_like(network.biases[last])


def first_rows(network: Network, x: Floats) -> Floats:
    """Return x_1: what the input layers make of rows x, by the reference."""
    return np.asarray(forward(as_blocks(network._trainee.inputs), x)[0])
