"""Numbers drawn at random, to verify a derivation that has none, and one that has at another place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.derive.derivation import DerivationData
from chainrule.derive.expression import Floats
from chainrule.derive.model import Layer, Model
from chainrule.derive.own_loss import RowLoss
from chainrule.derive.program import Numbers
from chainrule.derive.sample import given_arrays, model_input
from chainrule.derive.steps import Step
from chainrule.reference import Loss

N_ROWS = 3
SEED = 0
ROWS_ELSEWHERE = 4  # of which some meet either branch of relu
MOST_DRAWS = 20


def with_numbers(derivation: DerivationData) -> DerivationData:
    """Return the derivation itself if it has numbers, else the same with parameters and a sample drawn."""
    if derivation.numbers is not None:
        return derivation
    rng = np.random.default_rng(SEED)
    model = draw_parameters(derivation.model, rng)
    x = draw_rows(model, N_ROWS, rng).astype(model.dtype).astype(np.float64)
    y = _draw_learned_targets(model, N_ROWS, rng)
    return DerivationData.build(model, x, y, None, derivation.language, derivation.bias_sign)


def elsewhere(derivation: DerivationData) -> DerivationData | None:
    """Return the same steps with all numbers drawn: a gain of 1 or a unit at rest may hide a wrong factor.

    Parameters
    ----------
    derivation : DerivationData
        With numbers.

    Returns
    -------
    DerivationData or None
        Without the update, which has no numbers of its own to be compared with; None for a loss that is a
        function, of which it is not known where it is defined.
    """
    n_rows = derivation.n_samples if derivation.n_samples > 1 else ROWS_ELSEWHERE
    steps = [step for step in derivation.steps if step.part != "update"]
    for seed in range(1, MOST_DRAWS):
        drawn = draw_numbers(derivation, n_rows, seed, masked=True)
        if drawn is None:
            break
        found = at(derivation, *drawn, steps)
        if all(np.any(found.value(f"delta.{k}")) for k in range(1, len(found.model.layers) + 1)):
            return found
    return None


def draw_numbers(
    derivation: DerivationData, n_rows: int, seed: int, *, masked: bool
) -> tuple[Model, dict[str, Floats]] | None:
    """Return a model of the same kind and all that is given, by key; None where no targets are known."""
    model, rng = derivation.model, np.random.default_rng(seed)
    if isinstance(model.loss, RowLoss):
        return None
    drawn = _all_drawn(model, rng)
    arrays = given_arrays(drawn, derivation.bias_sign)
    for k, layer in enumerate(model.layers, start=1):
        if layer.dropout:
            shape = (n_rows, 1, layer.n_out)
            arrays[f"mask.{k}"] = rng.uniform(0.5, 1.5, shape) if masked else np.ones(shape)
    arrays[model_input(model)] = draw_rows(model, n_rows, rng)[:, None, :]
    try:
        arrays["y"] = _draw_learned_targets(model, n_rows, rng)[:, None, :]
    except ValueError:
        return None
    return drawn, arrays


def at(
    derivation: DerivationData, model: Model, arrays: dict[str, Floats], steps: Sequence[Step]
) -> DerivationData:
    """Return a derivation's steps with other numbers."""
    context = replace(derivation.context, model=model, n_samples=len(arrays["y"]))
    return DerivationData(context, steps, Numbers(context.definitions, arrays), derivation.language)


def draw_parameters(model: Model, rng: np.random.Generator) -> Model:
    """Return the model with parameters, drawn where it has none."""
    if model.has_numbers:
        return model
    return _all_drawn(model, rng)


def _all_drawn(model: Model, rng: np.random.Generator) -> Model:
    stage = None if model.stage is None else model.stage.drawn(rng)
    return replace(model, layers=tuple(_drawn(layer, rng) for layer in model.layers), stage=stage)


def draw_rows(model: Model, n_rows: int, rng: np.random.Generator) -> Floats:
    """Draw rows of data (n_rows, n_columns)."""
    if model.stage is None:
        return rng.normal(size=(n_rows, model.n_columns))
    return model.stage.draw_rows(n_rows, rng)


def _drawn(layer: Layer, rng: np.random.Generator) -> Layer:
    bound = np.sqrt(6 / (layer.n_in + layer.n_out))
    vectors: dict[str, Any] = {"bias": rng.uniform(-bound, bound, (1, layer.n_out))}
    if layer.normalized:
        vectors |= {
            "gain": rng.uniform(0.5, 1.5, (1, layer.n_out)),
            "shift": rng.normal(size=(1, layer.n_out)),
        }
    if layer.learns:
        vectors[f"{layer.learns}s"] = rng.uniform(0.1, 0.5, (1, layer.n_out))
    return replace(layer, weight=rng.uniform(-bound, bound, (layer.n_in, layer.n_out)), **vectors)


def _draw_learned_targets(model: Model, n_rows: int, rng: np.random.Generator) -> Floats:
    """Return targets (n_rows, n_outputs): each once for every output that it has."""
    each = getattr(model.loss, "outputs_per_target", 1)
    return np.repeat(draw_targets(model.loss, (n_rows, model.sizes[-1] // each), rng), each, axis=1)


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
