"""Numbers drawn at random where a derivation is to be verified that has none."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.reference import Loss

from .expression import Floats
from .model import Layer, Model

if TYPE_CHECKING:
    from .derivation import Derivation

N_ROWS = 3
SEED = 0


def with_numbers(derivation: Derivation) -> Derivation:
    """Return the derivation itself if it has numbers, else the same with parameters and a sample drawn."""
    if derivation.numbers is not None:
        return derivation
    from .derivation import build

    rng = np.random.default_rng(SEED)
    model = draw_parameters(derivation.model, rng)
    x = rng.normal(size=(N_ROWS, model.sizes[0])).astype(model.dtype).astype(np.float64)
    y = draw_targets(model.loss, (N_ROWS, model.sizes[-1]), rng)
    return build(model, x, y, None, derivation.language, derivation.bias_sign)


def draw_parameters(model: Model, rng: np.random.Generator) -> Model:
    """Return the model with parameters, drawn where it has none."""
    if model.has_numbers:
        return model
    return replace(model, layers=tuple(_drawn(layer, rng) for layer in model.layers))


def _drawn(layer: Layer, rng: np.random.Generator) -> Layer:
    bound = np.sqrt(6 / (layer.n_in + layer.n_out))
    vectors: dict[str, Any] = {"bias": rng.uniform(-bound, bound, (1, layer.n_out))}
    if layer.normalized:
        vectors |= {
            "gain": rng.uniform(0.5, 1.5, (1, layer.n_out)),
            "shift": rng.normal(size=(1, layer.n_out)),
        }
    if layer.activation.name == "prelu":
        vectors["slopes"] = np.full((1, layer.n_out), 0.25)
    return replace(layer, weight=rng.uniform(-bound, bound, (layer.n_in, layer.n_out)), **vectors)


def draw_targets(loss: Loss, shape: tuple[int, int], rng: np.random.Generator) -> Floats:
    """Return targets that the loss takes: numbers, or counts, probabilities, shares.

    Raises
    ------
    ValueError
        Where it takes none of them.
    """
    candidates: list[Floats] = [
        rng.normal(size=shape),
        rng.gamma(2.0, size=shape),
        rng.random(shape),
        rng.dirichlet(np.ones(shape[1]), size=shape[0]),
    ]
    for candidate in candidates:
        if loss.target_problem(candidate) is None:
            return candidate
    raise ValueError(f"no targets for loss {loss.name!r} can be drawn; give derive() a sample x, y")
