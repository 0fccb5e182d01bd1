"""First weights and biases from the data: nets of deviation 1, and a zero of each unit among the rows.

The random numbers are arguments, so that these are functions.
"""

from __future__ import annotations

from collections.abc import Sequence

from array_api_compat import array_namespace

from chainrule.reference.activations import Activation
from chainrule.reference.functions import Array


def data_driven_weight(x: Array, weight: Array) -> Array:
    """Divide each column of W by the deviation of its net x W over the rows, shape (n_k, n_{k+1}).

    Then every net has deviation 1 on these rows. A column whose net is the same in every row stays as it is.

    Parameters
    ----------
    x : array, shape (n_samples, n_k)
        What the layer takes: for the first layer x_1, for the others what the layer before gives.
    weight : array, shape (n_k, n_{k+1})
        Drawn from N(0, 1).

    Source: P. Kraehenbuehl, C. Doersch, J. Donahue and T. Darrell, Data-dependent initializations of
    convolutional neural networks, ICLR 2016, algorithm 1; as used by D. Holzmueller, L. Grinsztajn and I.
    Steinwart, Better by default, NeurIPS 2024 (arXiv:2407.04491).

    Examples
    --------
    >>> import numpy as np
    >>> data_driven_weight(np.array([[1.0], [5.0]]), np.array([[1.0, -3.0]])).tolist()
    [[0.5, -0.5]]
    """
    xp, W = array_namespace(x), weight
    deviation = xp.std(x @ W, axis=0)
    return W / xp.where(deviation == 0, xp.ones_like(deviation), deviation)


def hull_bias(z: Array, rows: Array, exponentials: Array) -> Array:
    """First biases "he+5": b_j = sum_i p_ij z[rows_ij, j], with p_ij = e_ij / sum_i e_ij, shape (n_{k+1},).

    The net z - b of each unit is then 0 at a random point in the convex hull of five rows, so that its kink
    lies among the data. With e ~ Exp(1) the shares p are uniform on the simplex. E1 subtracts the bias, so b
    has the sign of z.

    Parameters
    ----------
    z : array, shape (n_samples, n_{k+1})
        x W of the layer.
    rows : array of int, shape (5, n_{k+1})
        Random rows of z, for each unit its own; another number than five will do.
    exponentials : array, shape (5, n_{k+1})
        Drawn from Exp(1).

    Source: I. Steinwart, A sober look at neural network initializations, arXiv:1903.11482 (2019); as used by
    D. Holzmueller, L. Grinsztajn and I. Steinwart, Better by default, NeurIPS 2024 (arXiv:2407.04491).

    Examples
    --------
    >>> import numpy as np
    >>> hull_bias(np.array([[1.0], [5.0], [9.0]]), np.array([[0], [2]]), np.array([[3.0], [1.0]])).tolist()
    [3.0]
    """
    xp = array_namespace(z)
    share = exponentials / xp.sum(exponentials, axis=0, keepdims=True)
    return xp.sum(share * xp.take_along_axis(z, rows, axis=0), axis=0)


def data_driven_values(
    x: Array,
    weights: Sequence[Array],
    rows: Sequence[Array],
    exponentials: Sequence[Array],
    activations: Sequence[Activation],
) -> tuple[list[Array], list[Array]]:
    """First weights and biases of every layer, one after the other: each from what the layer before gives.

    Parameters
    ----------
    x : array, shape (n_samples, n_1)
        x_1 of some training rows.
    weights, rows, exponentials : sequence of array
        Each layer's, as for `data_driven_weight` and `hull_bias`.
    activations : sequence of Activation
        One per layer, the output layer's last.

    Returns
    -------
    weights, biases : list of array
        W_1..W_l and b_1..b_l of E1.
    """
    found: list[Array] = []
    biases: list[Array] = []
    for W, i, e, f in zip(weights, rows, exponentials, activations, strict=True):
        W = data_driven_weight(x, W)
        z = x @ W
        b = hull_bias(z, i, e)
        x = f.value(z - b)  # E1, E2
        found.append(W)
        biases.append(b)
    return found, biases
