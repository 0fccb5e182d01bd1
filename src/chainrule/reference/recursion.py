"""E1-E16 in a row: forward through every layer, and backward from the error to every gradient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from array_api_compat import array_namespace

from chainrule.reference import equations, layers, validation
from chainrule.reference.activations import Activation, Parametric, PReLU
from chainrule.reference.functions import Array
from chainrule.reference.inputs import Block, stage
from chainrule.reference.layers import Norm
from chainrule.reference.losses import Loss, get_loss
from chainrule.reference.members import Members, check_members, check_rows, member_gradients, member_net_input
from chainrule.reference.validation import ActivationLike


@dataclass(frozen=True)
class Stored:
    """What a forward pass went through and stored.

    Attributes
    ----------
    weights, biases : list of array
        W_1..W_l, shapes (n_k, n_{k+1}), and b_1..b_l, shapes (n_{k+1},), (n_members, n_{k+1}) with E16.
    activations : list of Activation
        f_1..f_l.
    x : list of array
        x_1..x_{l+1}, shapes (n_samples, n_k): the input and the output of each layer; x[-1] is yhat.
    net : list of array
        net_1..net_l, shapes (n_samples, n_{k+1}).
    single : bool
        Whether the input was one row given as (n_1,); it is stored as one row all the same.
    z, y : list of array
        z_1..z_l, what f took: net_k itself where layer k is not normalized (E8); and y_1..y_l = f(z), x_{k+1}
        itself where neither dropout (E10) nor a residual connection (E9) follows.
    norms, residual, masks : list
        As `forward` was given them, one entry per layer, None or False where a layer has none. Slopes and
        alphas are in `activations`.
    members : list of Members or None
        The factors of E16, one entry per layer.
    inputs : list of Block
        The input stage (E11, E13-E15); empty where x_1 is the data.
    data : array, shape (n_samples, n_columns)
        What the input stage took; x_1 itself without one.
    entered : list of list of array
        What each layer of each block of the input stage took.
    """

    weights: list[Array]
    biases: list[Array]
    activations: list[Activation]
    x: list[Array]
    net: list[Array]
    single: bool
    z: list[Array]
    y: list[Array]
    norms: list[Norm | None]
    residual: list[bool]
    masks: list[Array | None]
    members: list[Members | None]
    inputs: list[Block]
    data: Array
    entered: list[list[Array]]

    @property
    def alphas(self) -> list[Array | None]:
        """The alphas of each parametric layer, shape (n_{k+1},), None for other layers."""
        return [f.alpha if isinstance(f, Parametric) else None for f in self.activations]

    @property
    def slopes(self) -> list[Array | None]:
        """The slopes of each prelu layer, shape (n_{k+1},), None for other layers."""
        return [f.slope if isinstance(f, PReLU) else None for f in self.activations]

    @property
    def output(self) -> Array:
        """The network's output yhat, shape (n_samples, n_{l+1}), or (n_{l+1},) for a single row."""
        return self.x[-1][0, :] if self.single else self.x[-1]

    def kept(self, k: int) -> Array:
        """Pick what E7 takes f' of the layer at index `k` from: f's value, or its argument if f needs it."""
        return self.y[k] if self.activations[k].keeps == "output" else self.z[k]


@dataclass(frozen=True)
class Gradients:
    """Loss of a batch and its derivatives, in the seed's signs.

    Attributes
    ----------
    loss : scalar array
        The (weighted) mean of E over the rows, plus l2/2 sum ||W_k||^2.
    weights, biases : list of array
        Derivatives of `loss` by W_k and b_k, in their shapes; those of the biases are minus the column sums
        of `deltas` (over each member's rows with E16).
    x : array
        Derivative of `loss` by the data, in its shape; 0 for category codes.
    deltas : list of array
        delta_k = d loss / d net_k, shapes (n_samples, n_{k+1}); each row carries its share in the mean.
    gains, shifts, slopes, alphas : list of array or None
        Derivatives of `loss` by the vectors of E8, the slopes of prelu and the alphas of E12, shapes
        (n_{k+1},), one entry per layer, None where a layer has none.
    members : list of Members or None
        Derivatives of `loss` by the factors of E16, one entry per layer.
    inputs : list of list of dict of str to array
        Derivatives of `loss` by what the input stage learns: `inputs[0][1]["scale"]` is by `scale` of the
        second layer in the first block.
    """

    loss: Array
    weights: list[Array]
    biases: list[Array]
    x: Array
    deltas: list[Array]
    gains: list[Array | None]
    shifts: list[Array | None]
    slopes: list[Array | None]
    alphas: list[Array | None]
    members: list[Members | None]
    inputs: list[list[dict[str, Array]]]


def forward(
    weights: Sequence[Array],
    biases: Sequence[Array],
    x: Any,
    activations: Sequence[ActivationLike],
    *,
    norms: Sequence[Norm | None] | None = None,
    residual: Sequence[bool | None] | None = None,
    masks: Sequence[Any] | None = None,
    slopes: Sequence[Any] | None = None,
    alphas: Sequence[Any] | None = None,
    members: Sequence[Members | None] | None = None,
    inputs: Sequence[Block] | None = None,
) -> Stored:
    """Run E1 and E2 (and E8-E16 where a network has them) through every layer and store everything.

    Parameters
    ----------
    weights : sequence of array
        W_1..W_l, shapes (n_k, n_{k+1}), of one array-API library and a floating dtype, real or complex.
    biases : sequence of array
        b_1..b_l, shapes (n_{k+1},); they are subtracted. Where members share a layer's weights (E16),
        (n_members, n_{k+1}).
    x : array-like, shape (n_samples, n_1) or (n_1,)
        Rows are samples; their columns are those of the data where there are `inputs`. Brought to the
        parameters' dtype (to its complex counterpart where x is complex).
    activations : sequence of str or Activation
        One per layer, the output layer's last.
    norms : sequence of Norm or None, optional
        Gain and shift of each normalized layer (E8). This and the following have one entry per layer, None
        where it has none; the output layer's is None always.
    residual : sequence of bool, optional
        Whether layer k adds its input to its output (E9); n_k = n_{k+1} there.
    masks : sequence of array or None, optional
        Factors of dropout (E10), shapes (n_samples, n_{k+1}): 0, or 1 / (1 - rate). Give none to predict.
    slopes : sequence of array or None, optional
        Slopes of each "prelu" layer, shapes (n_{k+1},); without, 0.25 for every unit.
    alphas : sequence of array or None, optional
        Alphas of each `Parametric` layer (E12), shapes (n_{k+1},); without, those that the activation has.
    members : sequence of Members or None, optional
        Factors of the members that share a layer's weights (E16), the output layer's too. The rows of x are
        then those of the first member, as many of the second, and so on.
    inputs : sequence of Block, optional
        The input stage (E11, E13-E15): which columns of x go through which layers, to be x_1 side by side.
        Without, x_1 is x.

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

    A category with an embedding of one number beside a number as it is:

    >>> from chainrule.reference.inputs import Block, Categories, Numbers
    >>> inputs = [Block([1], Categories(np.array([[3.0], [5.0], [0.0]]))), Block([0], Numbers())]
    >>> W, b = [np.array([[1.0], [2.0]])], [np.array([0.5])]
    >>> forward(W, b, [[4.0, 0], [4.0, 1]], ["identity"], inputs=inputs).output.tolist()
    [[10.5], [12.5]]
    """
    weights, biases = list(weights), list(biases)
    shared = layers.per_layer(members, "members", "Members or None", len(weights), output=True)
    weights, biases = validation.check_parameters(weights, biases, [one is not None for one in shared])
    functions = validation.check_activations(activations, len(weights))
    functions = layers.with_slopes(functions, slopes, weights)
    functions = layers.with_alphas(functions, alphas, weights)
    blocks = stage.check_inputs(inputs, weights[0])
    data, single = validation.check_input(x, weights, stage.n_columns_of(blocks) if blocks else None)
    stage.check_data(blocks, data)
    norms, residual = layers.check_norms(norms, weights), layers.check_residual(residual, weights)
    masks = layers.check_masks(masks, weights, data.shape[0])
    shared = check_members(shared, weights, biases)
    check_rows(shared, data.shape[0])
    x, entered = stage.forward(blocks, data) if blocks else (data, [])  # E11, E13-E15
    around = norms, residual, masks, shared, blocks, data, entered
    stored = Stored(weights, biases, functions, [x], [], single, [], [], *around)
    for k, (W, b, f) in enumerate(zip(weights, biases, functions, strict=True)):
        _layer_forward(stored, k, W, b, f)
    return stored


def _layer_forward(stored: Stored, k: int, W: Array, b: Array, f: Activation) -> None:
    """Layer k in the order of the equations; what it computes is appended to what is stored."""
    x, norm, mask, members = stored.x[k], stored.norms[k], stored.masks[k], stored.members[k]
    net = equations.net_input(x, W, b) if members is None else member_net_input(x, W, b, members)  # E1, E16
    z = net if norm is None else equations.layer_norm(net, *norm)  # E8
    y = equations.layer_output(z, f)  # E2
    output = y if mask is None else equations.dropout(y, mask)  # E10
    if stored.residual[k]:
        output = equations.residual(output, x)  # E9
    for values, new in ((stored.net, net), (stored.z, z), (stored.y, y), (stored.x, output)):
        values.append(new)


def predict(
    weights: Sequence[Array],
    biases: Sequence[Array],
    x: Any,
    activations: Sequence[ActivationLike],
    **layer_options: Any,
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
    return forward(weights, biases, x, activations, **layer_options).output


def batch_loss(
    weights: Sequence[Array],
    biases: Sequence[Array],
    x: Any,
    y: Any,
    activations: Sequence[ActivationLike],
    loss: str | Loss,
    sample_weight: Any = None,
    l2: float = 0.0,
    **layer_options: Any,
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
    stored = forward(weights, biases, x, activations, **layer_options)
    loss, y, share, l2 = _check_task(stored, y, loss, sample_weight, l2)
    return _loss(stored, y, loss, share, l2)


def backward(
    stored: Stored, y: Any, loss: str | Loss, sample_weight: Any = None, l2: float = 0.0
) -> Gradients:
    """Run E3-E6 from what `forward` stored, and E8-E16 backward where a network has them.

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
    W, f, x = stored.weights, stored.activations, stored.x
    last = len(W) - 1

    # dE/db_k, a row per sample. The row's share in the mean goes in at the start and, E5 being linear, stays.
    db = [share * equations.output_bias_gradient(loss, f[last], stored.kept(last), x[-1], y)]  # E4
    learned, products = [_Learned()], list[_Product]()
    dx: Array = None
    for k in reversed(range(last + 1)):
        around = dx  # dE/dx_{k+1}
        products.insert(0, _product_backward(stored, k, db[0]))  # E5, E6
        dx = products[0].x
        if stored.residual[k]:
            dx = equations.residual_gradient(dx, around)  # E9
        if k:
            rows, of_vectors = _layer_backward(stored, k - 1, dx)
            db.insert(0, rows)
            learned.insert(0, of_vectors)

    of_inputs: list[list[dict[str, Array]]] = []
    if stored.inputs:
        dx, of_inputs = stage.backward(
            stored.inputs, stored.entered, dx, stored.data.shape[1]
        )  # E11, E13-E15
    return Gradients(
        loss=_loss(stored, y, loss, share, l2),
        weights=[product.weight + l2 * W[k] for k, product in enumerate(products)],  # l2 W: the penalty's
        biases=[product.bias for product in products],
        x=dx[0, :] if stored.single else dx,
        deltas=[-rows for rows in db],
        gains=[vectors.gain for vectors in learned],
        shifts=[vectors.shift for vectors in learned],
        slopes=[vectors.slope for vectors in learned],
        alphas=[vectors.alpha for vectors in learned],
        members=[product.members for product in products],
        inputs=of_inputs,
    )


class _Product(NamedTuple):
    """Derivatives by what makes net_k: x_k, W_k, b_k and the factors of members."""

    x: Array
    weight: Array
    bias: Array
    members: Members | None = None


def _product_backward(stored: Stored, k: int, db: Array) -> _Product:
    """From dE/db_k, a row per sample, to the derivatives by everything in E1, or in E16."""
    x, W, members = stored.x[k], stored.weights[k], stored.members[k]
    if members is not None:
        return _Product(*member_gradients(db, x, W, members))  # E16
    dx, dW = equations.input_gradient(db, W), equations.weight_gradient(x, db)  # E5, E6
    return _Product(dx, dW, array_namespace(db).sum(db, axis=0))


class _Learned(NamedTuple):
    """Derivatives by the vectors that a layer learns beside its biases, None where it has none."""

    gain: Array | None = None
    shift: Array | None = None
    slope: Array | None = None
    alpha: Array | None = None


def _layer_backward(stored: Stored, k: int, dx: Array) -> tuple[Array, _Learned]:
    """From dE/dx_{k+1} of a hidden layer to dE/db_k, a row per sample, and the gradients of its vectors."""
    f, norm, mask, xp = stored.activations[k], stored.norms[k], stored.masks[k], array_namespace(dx)
    learned = _Learned()
    dy = dx if mask is None else equations.dropout_gradient(dx, mask)  # E10
    if isinstance(f, PReLU):
        learned = learned._replace(
            slope=xp.sum(equations.slope_gradient(dy, f, stored.kept(k)), axis=0)  # E7
        )
    if isinstance(f, Parametric):
        learned = learned._replace(
            alpha=xp.sum(equations.alpha_gradient(dy, f, stored.kept(k)), axis=0)  # E12
        )
    db = equations.hidden_bias_gradient(dy, f, stored.kept(k))  # E5, E7; -dE/dz where z is normalized
    if norm is not None:
        gain = -xp.sum(equations.gain_gradient(db, stored.net[k]), axis=0)  # E8
        learned = learned._replace(gain=gain, shift=-xp.sum(db, axis=0))
        db = equations.layer_norm_gradient(db, stored.net[k], norm.gain)  # E8
    return db, learned


def gradients(
    weights: Sequence[Array],
    biases: Sequence[Array],
    x: Any,
    y: Any,
    activations: Sequence[ActivationLike],
    loss: str | Loss,
    sample_weight: Any = None,
    l2: float = 0.0,
    **layer_options: Any,
) -> Gradients:
    """Loss of a batch and its exact derivatives by every parameter and the input [E1-E16].

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
        Factor of the penalty l2/2 sum ||W_k||^2 that is added to the mean; biases are not penalized.
    **layer_options
        `norms`, `residual`, `masks`, `slopes`, `alphas`, `members` and `inputs`, as for `forward`.

    Returns
    -------
    Gradients
        `loss`, `weights`, `biases`, `x` and `deltas`, and `gains`, `shifts`, `slopes`, `alphas`, `members`
        and `inputs`, of the parameters' dtype.

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
    return backward(forward(weights, biases, x, activations, **layer_options), y, loss, sample_weight, l2)


def _check_task(
    stored: Stored, y: Any, loss: str | Loss, sample_weight: Any, l2: float
) -> tuple[Loss, Array, Array, float]:
    """Loss, targets, shares and penalty, checked against the output."""
    loss = get_loss(loss)
    output = stored.x[-1]
    validation.check_pair(loss, stored.activations[-1], output.shape[1])
    y = validation.check_target(y, loss, output, stored.single)
    return loss, y, validation.check_shares(sample_weight, output), validation.check_l2(l2)


def _loss(stored: Stored, y: Array, loss: Loss, share: Array, l2: float) -> Array:
    """E3 averaged over the rows, plus the penalty."""
    rows = equations.row_errors(loss, stored.activations[-1], stored.net[-1], stored.x[-1], y)  # E3
    mean = array_namespace(rows).sum(share[:, 0] * rows)
    return mean + equations.penalty(stored.weights, l2) if l2 else mean
