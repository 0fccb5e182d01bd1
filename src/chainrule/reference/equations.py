"""E1-E6, one function each, in the order in which a step runs them.

Shapes: x_k (n_samples, n_k), W_k (n_k, n_{k+1}), b_k (n_{k+1},), net_k and dE/db_k (n_samples, n_{k+1}).
The bias gradients of E4 and E5 have one row per sample; the gradient of the shared bias is their column sum.
With delta_k = dE/dnet_k, the delta of the generalised delta rule, dE/db_k = -delta_k.

Nothing is checked here: `recursion` has the functions that are called from outside.

Source: the seed; D. E. Rumelhart, G. E. Hinton and R. J. Williams, Learning internal representations by error
propagation (1986), eqs. 13-14.
"""

from __future__ import annotations

from array_api_compat import array_namespace

from .activations import Activation
from .functions import Array
from .losses import Loss


def net_input(x: Array, weight: Array, bias: Array) -> Array:
    """E1: net_k = x_k W_k - b_k, shape (n_samples, n_{k+1})."""
    W, b = weight, bias
    return x @ W - b  # E1


def layer_output(net: Array, activation: Activation) -> Array:
    """E2: x_{k+1} = f_k(net_k), shape (n_samples, n_{k+1})."""
    return activation.value(net)  # E2


def row_errors(loss: Loss, activation: Activation, net: Array, output: Array, target: Array) -> Array:
    """E3: E = 1/2 ||yhat - y||^2, or another loss, for each row, shape (n_samples,)."""
    return loss.value(activation, net, output, target)  # E3


def output_bias_gradient(
    loss: Loss, activation: Activation, kept: Array, output: Array, target: Array
) -> Array:
    """E4: dE/db_l = -(yhat - y) o f'(net_l), shape (n_samples, n_{l+1}).

    For another loss than the squared error (yhat - y) o f' is that loss' dE/dnet_l. `kept` is what layer l
    stored for f' (E7).
    """
    delta = loss.output_delta(activation, kept, output, target)
    return -delta  # E4


def hidden_bias_gradient(
    next_bias_gradient: Array, next_weight: Array, activation: Activation, kept: Array
) -> Array:
    """E5: dE/db_k = (dE/db_{k+1}) W_{k+1}^T o f'(net_k) for k < l, shape (n_samples, n_{k+1})."""
    db, W = next_bias_gradient, next_weight
    return activation.backward(db @ W.T, kept)  # E5; backward multiplies by f' (E7)


def weight_gradient(x: Array, bias_gradient: Array) -> Array:
    """E6: dE/dW_k = -x_k^T (dE/db_k), shape (n_k, n_{k+1}); the product sums over the samples."""
    db = bias_gradient
    return -(x.T @ db)  # E6


def input_gradient(bias_gradient: Array, weight: Array) -> Array:
    """Carry E5 one step past the first layer: dE/dx_1 = -(dE/db_1) W_1^T, shape (n_samples, n_1)."""
    db, W = bias_gradient, weight
    return -(db @ W.T)


def penalty(weights: list[Array], l2: float) -> Array:
    """l2/2 sum_k ||W_k||^2, whose gradient by W_k is l2 W_k."""
    return 0.5 * l2 * sum(array_namespace(W).sum(W * W) for W in weights)
