"""Random networks for the engine's tests: a model, its data, and the same as lists for the reference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule import _engine as engine
from chainrule.reference import ACTIVATIONS, LOSSES, Norm
from loss_targets import SHARES

ISAS = engine.available_isas()
FMA_ISAS = [isa for isa in ISAS if isa != "baseline"]
DTYPES = ["float32", "float64"]
HIDDEN = [name for name in engine.activations() if name not in ("softmax", "exp", "ordered", "prelu")]
PAIRS = [
    (loss, activation)
    for loss in engine.losses()
    for activation in engine.activations()
    if activation in LOSSES[loss].output_activations
]
VECTOR_BYTES = {"avx512": 64, "avx2": 32, "neon": 16, "baseline": 16}


@dataclass
class Case:
    model: engine.Model
    x: np.ndarray
    y: np.ndarray
    sample_weight: np.ndarray | None

    @property
    def data(self) -> engine.Dataset:
        return engine.Dataset(self.model, self.x, self.y, self.sample_weight)

    @property
    def weights(self) -> list[np.ndarray]:
        return split(self.model, self.model.parameters)[0]

    @property
    def biases(self) -> list[np.ndarray]:
        return split(self.model, self.model.parameters)[1]

    def layer_options(self, masks: list[Any] | None = None) -> dict[str, Any]:
        """What `chainrule.reference` takes beside weights and biases, in float64."""
        gains, shifts, slopes, *_ = split_vectors(self.model, self.model.parameters.astype(np.float64))
        norms = [None if g is None else Norm(g, s) for g, s in zip(gains, shifts, strict=True)]
        return {"norms": norms, "residual": self.model.residual, "slopes": slopes, "masks": masks}


def split(model: engine.Model, flat: np.ndarray) -> list[list[np.ndarray]]:
    """The flat parameters (or gradient) as lists of matrices and of biases."""
    return by_kind(model, flat)[:2]


def split_vectors(model: engine.Model, flat: np.ndarray) -> list[list[Any]]:
    """Gains, shifts, slopes, ..., None for layers that have none."""
    return by_kind(model, flat)[2:]


def by_kind(model: engine.Model, flat: np.ndarray) -> list[list[Any]]:
    """All that layers of weights learn, in the order of `engine.learned`."""
    kinds: dict[str, list[Any]] = {name: [None] * (len(model.sizes) - 1) for name in engine.learned()}
    for place in model.layout:
        if place.of_input:
            continue
        kinds[place.name][place.layer] = flat[place.offset : place.offset + place.size].reshape(place.shape)
    return list(kinds.values())


def make_case(
    sizes: list[int],
    activations: list[str],
    loss: str,
    *,
    n_samples: int,
    dtype: str = "float64",
    isa: str | None = None,
    seed: int = 0,
    weighted: bool = False,
    **settings: Any,
) -> Case:
    rng = np.random.default_rng(seed)
    model = engine.Model(sizes, activations, loss, dtype=dtype, isa=isa, **settings)
    model.parameters[:] = rng.normal(size=model.parameters.size) / np.sqrt(max(sizes))
    x = rng.normal(size=(n_samples, sizes[0])).astype(dtype)
    y = rng.random((n_samples, sizes[-1])).astype(dtype)
    if loss in SHARES:
        y = rng.integers(0, sizes[-1], n_samples)
    if loss == "tweedie":
        y[y < 0.3] = 0
    weight = rng.random(n_samples).astype(dtype) + np.asarray(0.1, dtype) if weighted else None
    return Case(model, x, y, weight)


def random_case(rng: np.random.Generator, *, widths: list[int], isa: str, dtype: str) -> Case:
    depth = int(rng.integers(1, 5))
    sizes = [int(n) for n in rng.choice(widths, depth + 1)]
    loss, output = PAIRS[rng.integers(len(PAIRS))]
    hidden = [HIDDEN[i] for i in rng.integers(len(HIDDEN), size=depth - 1)]
    return make_case(
        sizes,
        [*hidden, output],
        loss,
        n_samples=int(rng.integers(1, 70)),
        dtype=dtype,
        isa=isa,
        seed=int(rng.integers(2**31)),
        weighted=bool(rng.integers(2)),
    )


assert set(HIDDEN) <= set(ACTIVATIONS)
