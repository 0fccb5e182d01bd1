"""E1-E6 and E8-E10, one function each and one for its way back, in the order in which a step runs them.

Shapes: x_k (n_samples, n_k), W_k (n_k, n_{k+1}), b_k (n_{k+1},), net_k and dE/db_k (n_samples, n_{k+1}).
The bias gradients of E4 and E5 have one row per sample; the gradient of the shared bias is their column sum.
With delta_k = dE/dnet_k, the delta of the generalized delta rule, dE/db_k = -delta_k.

A hidden layer may have more than E1 and E2. In this order:

    E1: net_k = x_k W_k - b_k   E8: z = its layer norm   E2: y = f(z)   E10: y o m   E9: x_{k+1} = that + x_k

The functions `..._gradient` of E8-E10 are linear in the gradient that they take, and give dE/d of the forward
function's first argument.

Nothing is checked here: `recursion` has the functions that are called from outside.

Source: the seed; D. E. Rumelhart, G. E. Hinton and R. J. Williams, Learning internal representations by error
propagation (1986), eqs. 13-14; for E8-E10 the functions name theirs.
"""

from __future__ import annotations

from array_api_compat import array_namespace

from chainrule.reference.activations import Activation, Parametric, PReLU
from chainrule.reference.functions import Array
from chainrule.reference.losses import Loss

#: Added to the variance in E8, so that a row of equal numbers has no division by 0.
NORM_EPSILON = 1e-5


def net_input(x: Array, weight: Array, bias: Array) -> Array:
    """E1: net_k = x_k W_k - b_k, shape (n_samples, n_{k+1})."""
    W, b = weight, bias
    return x @ W - b  # E1


def layer_output(net: Array, activation: Activation) -> Array:
    """E2: x_{k+1} = f_k(net_k), shape (n_samples, n_{k+1})."""
    return activation.value(net)  # E2


def layer_norm(net: Array, gain: Array, shift: Array) -> Array:
    """E8: z = gain o (net - mean) / sqrt(variance + 1e-5) + shift, shape (n_samples, n_{k+1}).

    Mean and (biased) variance are those of a row's units: no row depends on another, unlike in batch
    normalization. `gain` and `shift` are learned, shape (n_{k+1},).

    Source: J. L. Ba, J. R. Kiros and G. E. Hinton, Layer normalization, arXiv:1607.06450 (2016), eqs. 3-4.
    """
    normalized, _ = _normalized(net)
    return gain * normalized + shift  # E8


def dropout(output: Array, mask: Array) -> Array:
    """E10: y o m, shape (n_samples, n_{k+1}); m is 0 with probability p, else 1 / (1 - p). In training only.

    Source: N. Srivastava, G. E. Hinton, A. Krizhevsky, I. Sutskever and R. Salakhutdinov, Dropout: a simple
    way to prevent neural networks from overfitting, JMLR 15 (2014), section 4; scaled in training
    (section 10), so that nothing changes for prediction.
    """
    return output * mask  # E10


def residual(output: Array, x: Array) -> Array:
    """E9: x_{k+1} = y + x_k, where a hidden layer is as wide as its input, shape (n_samples, n_{k+1}).

    Source: K. He, X. Zhang, S. Ren and J. Sun, Deep residual learning for image recognition, CVPR 2016,
    eq. 1.
    """
    return output + x  # E9


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


def input_gradient(bias_gradient: Array, weight: Array) -> Array:
    """E5, first half: dE/dx_k = -(dE/db_k) W_k^T, shape (n_samples, n_k); k = 1 gives the network's input."""
    db, W = bias_gradient, weight
    return -(db @ W.T)


def hidden_bias_gradient(output_gradient: Array, activation: Activation, kept: Array) -> Array:
    """E5: dE/db_k = (dE/db_{k+1}) W_{k+1}^T o f'(net_k) for k < l, shape (n_samples, n_{k+1}).

    `output_gradient` is dE/dx_{k+1} = -(dE/db_{k+1}) W_{k+1}^T, to which E9 may have added and E10 its mask.
    In a layer with E8, whose f takes z, the result is -dE/dz, and `layer_norm_gradient` goes on from it.
    """
    return -activation.backward(output_gradient, kept)  # E5; backward multiplies by f' (E7)


def residual_gradient(gradient: Array, around: Array) -> Array:
    """E9 backward: dE/dx_k = what came through layer k + dE/dx_{k+1}, which goes around it unchanged."""
    return gradient + around  # E9


def dropout_gradient(gradient: Array, mask: Array) -> Array:
    """E10 backward: dE/dy = dE/d(y o m) o m."""
    return gradient * mask  # E10


def layer_norm_gradient(gradient: Array, net: Array, gain: Array) -> Array:
    """E8 backward: dE/dnet = (g - mean(g) - n mean(g o n)) / sqrt(variance + 1e-5), g = dE/dz o gain.

    n = (net - mean) / sqrt(variance + 1e-5), the means are over a row's units.
    """
    n, deviation = _normalized(net)
    g = gradient * gain
    return (g - _row_mean(g) - n * _row_mean(g * n)) / deviation  # E8


def gain_gradient(gradient: Array, net: Array) -> Array:
    """E8 by the gain: dE/dz o n, one row per sample, as net is; the gain's gradient is its column sum.

    That of the shift is the column sum of dE/dz itself.
    """
    normalized, _ = _normalized(net)
    return gradient * normalized


def slope_gradient(gradient: Array, activation: PReLU, kept: Array) -> Array:
    """E7 by the slopes of prelu: dE/dy o min(z, 0), one row per sample; their gradient is its column sum."""
    return activation.slope_gradient(gradient, kept)


def alpha_gradient(gradient: Array, activation: Parametric, kept: Array) -> Array:
    """E12 by alpha: dE/dy o (sigma(z) - z), one row per sample; alpha's gradient is its column sum."""
    return activation.alpha_gradient(gradient, kept)


def weight_gradient(x: Array, bias_gradient: Array) -> Array:
    """E6: dE/dW_k = -x_k^T (dE/db_k), shape (n_k, n_{k+1}); the product sums over the samples."""
    db = bias_gradient
    return -(x.T @ db)  # E6


def _row_mean(a: Array) -> Array:
    """Mean of each row, shape (n_samples, 1); of complex rows too."""
    return array_namespace(a).sum(a, axis=-1, keepdims=True) / a.shape[-1]


def _normalized(net: Array) -> tuple[Array, Array]:
    """(net - mean) / deviation row by row, and the deviation sqrt(variance + 1e-5), shape (n_samples, 1)."""
    centered = net - _row_mean(net)
    deviation = array_namespace(net).sqrt(_row_mean(centered * centered) + NORM_EPSILON)
    return centered / deviation, deviation


def penalty(weights: list[Array], l2: float) -> Array:
    """l2/2 sum_k ||W_k||^2, whose gradient by W_k is l2 W_k."""
    return 0.5 * l2 * sum(array_namespace(W).sum(W * W) for W in weights)
