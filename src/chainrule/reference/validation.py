"""Everything that is checked, once, where a caller's arrays come in."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from array_api_compat import array_namespace, device, is_array_api_obj

from chainrule.reference.activations import Activation, get_activation
from chainrule.reference.functions import Array, is_complex, real
from chainrule.reference.losses import Loss

ActivationLike = str | Activation


def as_array(xp: Any, value: Any, name: str, like: Array) -> Array:
    """Array in the namespace and on the device of `like`; TypeError for another library's or no array."""
    if is_array_api_obj(value):
        try:
            array_namespace(like, value)
        except TypeError:
            raise TypeError(
                f"{name} is a {type(value).__module__}.{type(value).__name__}, but the weights are"
                f" {type(like).__module__}.{type(like).__name__}; use one array library for both"
            ) from None
    try:
        array = xp.asarray(value, device=device(like))
    except (TypeError, ValueError) as error:
        raise TypeError(f"{name} cannot be read as an array of numbers: {error}") from None
    if not xp.isdtype(array.dtype, ("numeric", "bool")):
        raise TypeError(f"{name} has dtype {array.dtype}; expected numbers")
    return array


def like_weight(value: Any, name: str, weight: Array) -> Array:
    """Array in the weights' library and dtype (complex where it is)."""
    xp = array_namespace(weight)
    array = as_array(xp, value, name, weight)
    dtype = xp.result_type(weight.dtype, xp.complex64) if is_complex(array) else weight.dtype
    return xp.astype(array, dtype, copy=False)


def parameter(value: Any, name: str, weight: Array, shape: Sequence[int | str]) -> Array:
    """Array of that shape, as `like_weight`; where the shape has a name, any length >= 1 will do."""
    array = like_weight(value, name, weight)
    given = tuple(array.shape)
    if len(given) != len(shape) or any(
        n != one if isinstance(one, int) else n < 1 for n, one in zip(given, shape, strict=True)
    ):
        expected = ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "")
        at_least = ", each >= 1" if any(isinstance(one, str) for one in shape) else ""
        raise ValueError(f"{name} has shape {given}; expected ({expected}){at_least}")
    return array


def increasing(edges: Array, name: str) -> Array:
    """Return the edges; ValueError unless they are finite and each is above the one before."""
    xp, values = array_namespace(edges), real(edges)
    if bool(xp.all(xp.isfinite(values))) and bool(xp.all(values[1:] > values[:-1])):
        return edges
    shown = [float(values[i]) for i in range(min(values.shape[0], 6))]
    more = ", ..." if values.shape[0] > 6 else ""
    raise ValueError(
        f"{name} is [{', '.join(map(repr, shown))}{more}] in {values.dtype}; expected finite numbers, each"
        " greater than the one before"
    )


def largest_code(n_categories: int, name: str, weight: Array) -> None:
    """Raise ValueError where so many categories have no whole numbers of their own in the weights' dtype."""
    largest = int(2 / float(array_namespace(weight).finfo(weight.dtype).eps))
    if n_categories > largest:
        raise ValueError(
            f"{name} is for {n_categories} categories, but their codes are numbers of dtype {weight.dtype},"
            f" which holds every whole number up to {largest} only; use float64"
        )


def check_parameters(
    weights: Sequence[Array], biases: Sequence[Array], shared: Sequence[bool] | None = None
) -> tuple[list[Array], list[Array]]:
    """Weights (n_k, n_{k+1}) and biases (n_{k+1},) that fit each other, brought to one floating dtype.

    Where `shared[k]`, members share the weights of layer k (E16), and its biases are (n_members, n_{k+1}).
    """
    weights, biases = list(weights), list(biases)
    if not weights:
        raise ValueError("weights is empty; a network has at least one layer")
    if len(biases) != len(weights):
        raise ValueError(f"got {len(weights)} weights and {len(biases)} biases; each layer has one of either")
    for array, name in [(a, n) for arrays, n in ((weights, "weights"), (biases, "biases")) for a in arrays]:
        if not is_array_api_obj(array):
            raise TypeError(f"{name} must hold arrays, but holds a {type(array).__name__}")
    try:
        xp = array_namespace(*weights, *biases)
    except TypeError:
        raise TypeError("weights and biases mix array libraries; use one") from None
    for k, (W, b) in enumerate(zip(weights, biases, strict=True)):
        if W.ndim != 2 or 0 in W.shape:
            raise ValueError(
                f"weights[{k}] has shape {tuple(W.shape)}; expected (n_{k + 1}, n_{k + 2}), both >= 1"
            )
        if k and W.shape[0] != weights[k - 1].shape[1]:
            raise ValueError(
                f"weights[{k}] has shape {tuple(W.shape)}; expected {weights[k - 1].shape[1]} rows, one per"
                f" column of weights[{k - 1}]"
            )
        of_members = bool(shared and shared[k])
        if b.ndim != 1 + of_members or b.shape[-1] != W.shape[1] or 0 in b.shape:
            expected = f"(n_members, {W.shape[1]})" if of_members else f"({W.shape[1]},)"
            raise ValueError(f"biases[{k}] has shape {tuple(b.shape)}; expected {expected}, as weights[{k}]")
        for array, name in ((W, "weights"), (b, "biases")):
            if not xp.isdtype(array.dtype, ("real floating", "complex floating")):
                raise TypeError(f"{name}[{k}] has dtype {array.dtype}; expected a floating dtype")
    dtype = xp.result_type(*weights, *biases)
    return (
        [xp.astype(W, dtype, copy=False) for W in weights],
        [xp.astype(b, dtype, copy=False) for b in biases],
    )


def check_activations(activations: Sequence[ActivationLike], n_layers: int) -> list[Activation]:
    """One activation per layer, the output layer's last, output-only ones nowhere else."""
    if isinstance(activations, str | Activation):
        raise TypeError(
            f"activations is {activations!r}; expected a list with one name for each of the {n_layers}"
            " layers, output last"
        )
    found = [get_activation(activation) for activation in activations]
    if len(found) != n_layers:
        raise ValueError(
            f"got {len(found)} activations for {n_layers} layers; expected one each, output last"
        )
    for k, activation in enumerate(found[:-1]):
        if activation.output_only:
            raise ValueError(f"activations[{k}] is {activation.name!r}, which is for the output layer only")
    if found[-1].hidden_only:
        raise ValueError(f"activations[-1] is {found[-1].name!r}, which is for hidden layers only")
    return found


def check_pair(loss: Loss, activation: Activation, n_outputs: int) -> None:
    """Raise ValueError unless the loss allows so many outputs of the activation."""
    problem = loss.output_problem(activation, n_outputs)
    if problem:
        raise ValueError(f"loss {loss.name!r} {problem}")


def check_input(x: Any, weights: Sequence[Array], n_columns: int | None = None) -> tuple[Array, bool]:
    """Rows x (n_samples, n_1) in the weights' dtype (complex where x is); whether x was one row (n_1,).

    With an input stage, rows of `n_columns` instead of n_1.
    """
    W = weights[0]
    xp = array_namespace(W)
    x = like_weight(x, "x", W)
    single = x.ndim == 1
    n, why = W.shape[0], f"weights[0] has {W.shape[0]} rows"
    if n_columns is not None:
        n, why = n_columns, f"inputs take the columns 0 to {n_columns - 1}"
    if x.ndim not in (1, 2) or x.shape[-1] != n:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (n_samples, {n}) or ({n},), since {why}")
    if x.shape[0] == 0:
        raise ValueError("x has no rows; expected at least one sample")
    return (xp.reshape(x, (1, -1)) if single else x), single


def real_dtype(x: Array) -> Any:
    """Return the real dtype of the same precision as the array's."""
    xp = array_namespace(x)
    return xp.real(x).dtype if is_complex(x) else x.dtype


def check_target(y: Any, loss: Loss, output: Array, single: bool) -> Array:
    """Targets in the output's shape (n_samples, n_outputs); class indices become rows of 0 and 1."""
    xp = array_namespace(output)
    n_samples, n_outputs = output.shape
    y = as_array(xp, y, "y", output)
    if is_complex(y):
        raise TypeError(f"y has dtype {y.dtype}; targets are real")
    given = tuple(y.shape)
    if loss.takes_classes and given == (() if single else (n_samples,)):
        return _one_hot(xp.reshape(y, (n_samples,)), output)
    n_each = loss.outputs_per_target
    n_targets = n_outputs // n_each
    if given not in {(n_targets,) if single else None, (n_samples, n_targets)} and not (
        n_targets == 1 and given == (() if single else (n_samples,))
    ):
        classes = ", or class indices of shape (n_samples,)" if loss.takes_classes else ""
        each = f", {n_each} for each target" if n_each > 1 else ""
        raise ValueError(
            f"y has shape {given}; expected {(n_samples, n_targets)} for {n_samples} rows of x and"
            f" {n_outputs} outputs{each}{classes}"
        )
    y = xp.astype(xp.reshape(y, (n_samples, n_targets)), real_dtype(output), copy=False)
    problem = loss.target_problem(y)
    if problem:
        raise ValueError(f"y {problem}, for loss {loss.name!r}")
    if n_each == 1:
        return y
    return xp.reshape(xp.stack([y] * n_each, axis=-1), (n_samples, n_outputs))


def _one_hot(classes: Array, output: Array) -> Array:
    """Rows of 0 and 1 from class indices (n_samples,)."""
    xp = array_namespace(output)
    n_outputs = output.shape[1]
    if not xp.isdtype(classes.dtype, "integral"):
        raise TypeError(
            f"y has dtype {classes.dtype} and shape (n_samples,); class indices need an integer dtype"
        )
    lowest, highest = int(xp.min(classes)), int(xp.max(classes))
    if lowest < 0 or highest >= n_outputs:
        raise ValueError(f"y has class indices from {lowest} to {highest}; expected 0 to {n_outputs - 1}")
    every = xp.arange(n_outputs, dtype=xp.int64, device=device(output))
    return xp.astype(xp.astype(classes, xp.int64)[:, None] == every[None, :], real_dtype(output))


def check_shares(sample_weight: Any, output: Array) -> Array:
    """Each row's share in the batch loss, shape (n_samples, 1): its weight over the sum, or 1/n_samples."""
    xp = array_namespace(output)
    n_samples = output.shape[0]
    dtype = real_dtype(output)
    if sample_weight is None:
        return xp.full((n_samples, 1), 1 / n_samples, dtype=dtype, device=device(output))
    weight = as_array(xp, sample_weight, "sample_weight", output)
    if tuple(weight.shape) != (n_samples,):
        raise ValueError(
            f"sample_weight has shape {tuple(weight.shape)}; expected {(n_samples,)}, one per row of x"
        )
    if is_complex(weight):
        raise TypeError(f"sample_weight has dtype {weight.dtype}; weights are real")
    weight = xp.astype(weight, dtype, copy=False)
    total = float(xp.sum(weight))
    if not (bool(xp.all(weight >= 0)) and 0 < total < math.inf):
        raise ValueError("sample_weight must be finite and not negative, with a positive sum")
    return xp.reshape(weight / total, (n_samples, 1))


def check_l2(l2: float) -> float:
    """Return the penalty's factor as a float; ValueError unless finite and not negative."""
    l2 = float(l2)
    if not (math.isfinite(l2) and l2 >= 0):
        raise ValueError(f"l2 is {l2!r}; expected a finite number >= 0")
    return l2
