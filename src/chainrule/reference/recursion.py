"""E1-E6 in a row: forward through every layer, and backward from the error to every gradient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from array_api_compat import array_namespace

from . import equations, validation
from .activations import Activation
from .functions import Array
from .losses import Loss, get_loss
from .validation import ActivationLike


@dataclass(frozen=True)
class Stored:
    """What a forward pass went through and stored.

    Attributes
    ----------
    weights, biases : list of array
        W_1..W_l, shapes (n_k, n_{k+1}), and b_1..b_l, shapes (n_{k+1},).
    activations : list of Activation
        f_1..f_l.
    x : list of array
        x_1..x_{l+1}, shapes (n_samples, n_k): the input and the output of each layer; x[-1] is yhat.
    net : list of array
        net_1..net_l, shapes (n_samples, n_{k+1}).
    single : bool
        Whether the input was one row given as (n_1,); it is stored as one row all the same.
    """

    weights: list[Array]
    biases: list[Array]
    activations: list[Activation]
    x: list[Array]
    net: list[Array]
    single: bool

    @property
    def output(self) -> Array:
        """The network's output yhat, shape (n_samples, n_{l+1}), or (n_{l+1},) for a single row."""
        return self.x[-1][0, :] if self.single else self.x[-1]

    def kept(self, k: int) -> Array:
        """Pick what E7 takes f' of the layer at index `k` from: its output, or net where f needs it."""
        return self.x[k + 1] if self.activations[k].keeps == "output" else self.net[k]


@dataclass(frozen=True)
class Gradients:
    """Loss of a batch and its derivatives, in the seed's signs.

    Attributes
    ----------
    loss : scalar array
        The (weighted) mean of E over the rows, plus l2/2 sum ||W_k||^2.
    weights, biases : list of array
        Derivatives of `loss` by W_k and b_k, in their shapes; those of the biases are minus the column sums
        of `deltas`.
    x : array
        Derivative of `loss` by the input, in its shape.
    deltas : list of array
        delta_k = d loss / d net_k, shapes (n_samples, n_{k+1}); each row carries its share in the mean.
    """

    loss: Array
    weights: list[Array]
    biases: list[Array]
    x: Array
    deltas: list[Array]


def forward(
    weights: Sequence[Array], biases: Sequence[Array], x: Any, activations: Sequence[ActivationLike]
) -> Stored:
    """Run E1 and E2 through every layer and store everything.

    Parameters
    ----------
    weights : sequence of array
        W_1..W_l, shapes (n_k, n_{k+1}), of one array-API library and a floating dtype, real or complex.
    biases : sequence of array
        b_1..b_l, shapes (n_{k+1},); they are subtracted.
    x : array-like, shape (n_samples, n_1) or (n_1,)
        Rows are samples. Brought to the parameters' dtype (to its complex counterpart where x is complex).
    activations : sequence of str or Activation
        One per layer, the output layer's last.

    Returns
    -------
    Stored
        Inputs, net inputs and outputs of every layer.

    Raises
    ------
    ValueError
        Where shapes do not fit each other, a name is unknown, or an output activation is in a hidden layer.
    TypeError
        Where something is no array of numbers, or array libraries are mixed.

    Examples
    --------
    >>> import numpy as np
    >>> stored = forward([np.array([[1.0], [2.0]])], [np.array([0.5])], [[3.0, 4.0]], ["identity"])
    >>> stored.output.tolist()
    [[10.5]]
    """
    weights, biases = validation.check_parameters(weights, biases)
    functions = validation.check_activations(activations, len(weights))
    x, single = validation.check_input(x, weights)
    xs, nets = [x], []
    for W, b, f in zip(weights, biases, functions, strict=True):
        nets.append(equations.net_input(xs[-1], W, b))  # E1
        xs.append(equations.layer_output(nets[-1], f))  # E2
    return Stored(weights, biases, functions, xs, nets, single)


def predict(
    weights: Sequence[Array], biases: Sequence[Array], x: Any, activations: Sequence[ActivationLike]
) -> Array:
    """Compute the outputs yhat for the rows of x [E1, E2].

    Their shape is (n_samples, n_{l+1}), or (n_{l+1},) for one row (n_1,). Parameters and errors are those
    of `forward`.

    Examples
    --------
    >>> import numpy as np
    >>> predict([np.array([[1.0], [2.0]])], [np.array([0.5])], [3.0, 4.0], ["identity"]).tolist()
    [10.5]
    """
    return forward(weights, biases, x, activations).output


def batch_loss(
    weights: Sequence[Array],
    biases: Sequence[Array],
    x: Any,
    y: Any,
    activations: Sequence[ActivationLike],
    loss: str | Loss,
    sample_weight: Any = None,
    l2: float = 0.0,
) -> Array:
    """Loss of a batch: the (weighted) mean of E over its rows plus l2/2 sum ||W_k||^2, a scalar [E1, E2, E3].

    Parameters and errors are those of `gradients`.

    Examples
    --------
    >>> import numpy as np
    >>> float(batch_loss([np.array([[1.0]])], [np.array([0.0])], [[3.0], [1.0]], [[1.0], [1.0]], ["identity"],
    ...                  "squared_error"))
    1.0
    """
    stored = forward(weights, biases, x, activations)
    loss, y, share, l2 = _check_task(stored, y, loss, sample_weight, l2)
    return _loss(stored, y, loss, share, l2)


def backward(
    stored: Stored, y: Any, loss: str | Loss, sample_weight: Any = None, l2: float = 0.0
) -> Gradients:
    """Run E3-E6 from what `forward` stored.

    Parameters
    ----------
    stored : Stored
        What `forward` returned.
    y, loss, sample_weight, l2
        As for `gradients`.

    Returns
    -------
    Gradients
        Loss, derivatives by every parameter and by the input, and the deltas.

    Examples
    --------
    >>> import numpy as np
    >>> stored = forward([np.array([[1.0], [2.0]])], [np.array([0.5])], [[3.0, 4.0]], ["identity"])
    >>> g = backward(stored, [[10.0]], "squared_error")
    >>> float(g.loss), g.weights[0].tolist(), g.biases[0].tolist()
    (0.125, [[1.5], [2.0]], [-0.5])
    """
    loss, y, share, l2 = _check_task(stored, y, loss, sample_weight, l2)
    xp = array_namespace(stored.x[-1])
    W, f, x = stored.weights, stored.activations, stored.x
    last = len(W) - 1

    # dE/db_k, a row per sample. The row's share in the mean goes in at the start and, E5 being linear, stays.
    db = [share * equations.output_bias_gradient(loss, f[last], stored.kept(last), x[-1], y)]  # E4
    for k in reversed(range(last)):
        db.insert(0, equations.hidden_bias_gradient(db[0], W[k + 1], f[k], stored.kept(k)))  # E5

    dW = [equations.weight_gradient(x[k], db[k]) + l2 * W[k] for k in range(last + 1)]  # E6; l2 W: penalty
    dx = equations.input_gradient(db[0], W[0])
    return Gradients(
        loss=_loss(stored, y, loss, share, l2),
        weights=dW,
        biases=[xp.sum(rows, axis=0) for rows in db],
        x=dx[0, :] if stored.single else dx,
        deltas=[-rows for rows in db],
    )


def gradients(
    weights: Sequence[Array],
    biases: Sequence[Array],
    x: Any,
    y: Any,
    activations: Sequence[ActivationLike],
    loss: str | Loss,
    sample_weight: Any = None,
    l2: float = 0.0,
) -> Gradients:
    """Loss of a batch and its exact derivatives by every weight, every bias and the input [E1-E7].

    Parameters
    ----------
    weights, biases, x, activations
        As for `forward`.
    y : array-like, shape (n_samples, n_outputs)
        Targets; (n_outputs,) with a single row x; (n_samples,) where there is one output, or as class indices
        of an integer dtype for "cross_entropy".
    loss : str or Loss
        "squared_error", "cross_entropy", "binary_cross_entropy" or "poisson".
    sample_weight : array-like, shape (n_samples,), optional
        Weights of the rows in the mean, whose denominator is their sum.
    l2 : float
        Factor of the penalty l2/2 sum ||W_k||^2 that is added to the mean; biases are not penalised.

    Returns
    -------
    Gradients
        `loss`, `weights`, `biases`, `x` and `deltas`, of the parameters' dtype.

    Raises
    ------
    ValueError, TypeError
        As for `forward`; where y or sample_weight do not fit x, y does not suit the loss, or the loss does
        not go with the output activation.

    Examples
    --------
    >>> import numpy as np
    >>> W, b = [np.array([[0.5, 1.0]]), np.array([[1.0], [2.0]])], [np.zeros(2), np.zeros(1)]
    >>> g = gradients(W, b, [[2.0]], [[0.0]], ["relu", "identity"], "squared_error")
    >>> float(g.loss), [gradient.tolist() for gradient in g.weights]
    (12.5, [[[10.0, 20.0]], [[5.0], [10.0]]])
    """
    return backward(forward(weights, biases, x, activations), y, loss, sample_weight, l2)


def _check_task(
    stored: Stored, y: Any, loss: str | Loss, sample_weight: Any, l2: float
) -> tuple[Loss, Array, Array, float]:
    """Loss, targets, shares and penalty, checked against the output."""
    loss = get_loss(loss)
    validation.check_pair(loss, stored.activations[-1])
    output = stored.x[-1]
    y = validation.check_target(y, loss, output, stored.single)
    return loss, y, validation.check_shares(sample_weight, output), validation.check_l2(l2)


def _loss(stored: Stored, y: Array, loss: Loss, share: Array, l2: float) -> Array:
    """E3 averaged over the rows, plus the penalty."""
    rows = equations.row_errors(loss, stored.activations[-1], stored.net[-1], stored.x[-1], y)  # E3
    mean = array_namespace(rows).sum(share[:, 0] * rows)
    return mean + equations.penalty(stored.weights, l2) if l2 else mean
