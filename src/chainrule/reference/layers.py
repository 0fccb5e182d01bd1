"""What may stand around a hidden layer's activation: normalization, a residual connection, a mask, vectors.

Each is a list with one entry per layer of weights, None (or False) where the layer has none; the output
layer's entry always is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from array_api_compat import array_namespace

from chainrule.reference.activations import Activation, Parametric, PReLU
from chainrule.reference.functions import Array
from chainrule.reference.validation import like_weight


class Norm(NamedTuple):
    """The learned vectors of a layer's normalization (E8), shapes (n_{k+1},).

    Attributes
    ----------
    gain, shift : array
        z = gain o (net - mean) / sqrt(variance + 1e-5) + shift. First values 1 and 0.
    """

    gain: Array
    shift: Array


def check_norms(norms: Sequence[Any] | None, weights: Sequence[Array]) -> list[Norm | None]:
    """Gains and shifts of the layers' widths, in the weights' dtype."""
    given = per_layer(norms, "norms", "Norm or None", len(weights))
    checked: list[Norm | None] = []
    for k, norm in enumerate(given):
        if norm is None:
            checked.append(None)
            continue
        if not (isinstance(norm, tuple) and len(norm) == 2):
            raise TypeError(
                f"norms[{k}] is {norm!r}; expected a Norm(gain, shift), or None for no normalization"
            )
        vectors = (_vector(a, f"norms[{k}].{n}", weights[k]) for a, n in zip(norm, Norm._fields, strict=True))
        checked.append(Norm(*vectors))
    return checked


def check_residual(residual: Sequence[Any] | None, weights: Sequence[Array]) -> list[bool]:
    """Which layers add their input to their output (E9): those as wide as their input."""
    checked = [bool(one) for one in per_layer(residual, "residual", "True or False", len(weights))]
    for k, (one, W) in enumerate(zip(checked, weights, strict=True)):
        if one and W.shape[0] != W.shape[1]:
            raise ValueError(
                f"residual[{k}] is True, but layer {k + 1} has {W.shape[0]} inputs and {W.shape[1]} outputs;"
                " a residual connection adds one to the other and needs as many of both"
            )
    return checked


def check_masks(masks: Sequence[Any] | None, weights: Sequence[Array], n_samples: int) -> list[Array | None]:
    """Check the factors of E10, shapes (n_samples, n_{k+1}): 0 or 1 / (1 - rate)."""
    given = per_layer(masks, "masks", "an array or None", len(weights))
    checked: list[Array | None] = []
    for k, (mask, W) in enumerate(zip(given, weights, strict=True)):
        expected = (n_samples, W.shape[1])
        if mask is not None:
            mask = like_weight(mask, f"masks[{k}]", W)
            if tuple(mask.shape) != expected:
                raise ValueError(
                    f"masks[{k}] has shape {tuple(mask.shape)}; expected {expected}, as the layer's output"
                )
        checked.append(mask)
    return checked


def with_slopes(
    activations: Sequence[Activation], slopes: Sequence[Any] | None, weights: Sequence[Array]
) -> list[Activation]:
    """Each prelu with the slopes of its layer's units, by default its own slope for all."""
    return _with_vectors(activations, slopes, weights, PReLU, "slope")


def with_alphas(
    activations: Sequence[Activation], alphas: Sequence[Any] | None, weights: Sequence[Array]
) -> list[Activation]:
    """Each parametric activation (E12) with the alphas of its layer's units, by default its own for all."""
    return _with_vectors(activations, alphas, weights, Parametric, "alpha")


def _with_vectors(
    activations: Sequence[Activation],
    vectors: Sequence[Any] | None,
    weights: Sequence[Array],
    kind: type[PReLU | Parametric],
    field: str,
) -> list[Activation]:
    """Each activation of that kind with one number per unit in that field."""
    given = per_layer(vectors, f"{field}s", "an array or None", len(weights))
    found: list[Activation] = []
    for k, (activation, vector, W) in enumerate(zip(activations, given, weights, strict=True)):
        if isinstance(activation, kind):
            if vector is None:
                xp = array_namespace(W)
                vector = xp.zeros_like(W[0, :]) + xp.asarray(getattr(activation, field), dtype=W.dtype)
            activation = replace(activation, **{field: _vector(vector, f"{field}s[{k}]", W)})
        elif vector is not None:
            raise ValueError(
                f"{field}s[{k}] is given, but the layer's activation is {activation.name!r}; expected None"
                f" (only {kind.name!r} has {field}s)"
            )
        found.append(activation)
    return found


def per_layer(
    values: Sequence[Any] | None, name: str, kind: str, n_layers: int, *, output: bool = False
) -> list[Any]:
    """One entry per layer, the output layer's empty unless `output`."""
    if values is None:
        return [None] * n_layers
    if isinstance(values, str | bool) or not isinstance(values, Sequence):
        raise TypeError(
            f"{name} is {values!r}; expected a list with {kind} for each of the {n_layers} layers"
        )
    given = list(values)
    if len(given) != n_layers:
        raise ValueError(
            f"{name} has {len(given)} entries for {n_layers} layers; expected one each, output last"
        )
    if not output and given[-1] is not None and given[-1] is not False:
        raise ValueError(f"{name}[{n_layers - 1}] belongs to the output layer, which has none; expected None")
    return given


def _vector(value: Any, name: str, weight: Array) -> Array:
    """One number per unit of a layer."""
    array = like_weight(value, name, weight)
    if tuple(array.shape) != (weight.shape[1],):
        raise ValueError(
            f"{name} has shape {tuple(array.shape)}; expected {(weight.shape[1],)}, one per unit of the layer"
        )
    return array
