"""The page's table of checks: the gradient by each parameter against complex step and the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..expression import Gradient
from ..render.mathml import mathml
from ..words import Words

if TYPE_CHECKING:
    from chainrule.derive import Derivation

WAYS = (Words("complex step", "复数步长法"), Words("the engine", "引擎"))
KINDS = {"W": "weights", "b": "biases", "gain": "gains", "shift": "shifts", "slope": "slopes"}
MOST_PARAMETERS = 20_000  # for complex step, which takes a forward pass for each
TOLERANCE = {"float64": 1e-10, "float32": 1e-3}


def checks(derivation: Derivation) -> dict[str, Any]:
    """Compare the gradient by each parameter with its other computations.

    Parameters
    ----------
    derivation : Derivation
        With numbers.

    Returns
    -------
    dict
        "ways", and "rows" with a relative difference for each way: the largest difference in the array over
        the array's largest magnitude; None where a way does not apply.
    """
    engine = _engine(derivation)
    rows = []
    for step in derivation.steps:
        gradient = derivation.context.notation.symbols.get(step.target)
        if (
            not isinstance(gradient, Gradient)
            or gradient.wrt is None
            or gradient.wrt.per_row
            or gradient.of is None
        ):
            continue
        is_batch = step.part == "batch"
        if is_batch != (derivation.n_samples > 1):
            continue
        value = derivation.value(step.key)
        differences = [
            _relative(value, other)
            for other in (_complex_step(derivation, gradient), engine.get(gradient.wrt.key))
        ]
        limits = (TOLERANCE["float64"], TOLERANCE.get(derivation.model.dtype, 1e-10))
        passed = all(d is None or d <= limit for d, limit in zip(differences, limits, strict=True))
        rows.append(
            {
                "step": step.key,
                "equation": step.equation,
                "math": mathml(gradient),
                "differences": differences,
                "passed": passed,
            }
        )
    return {"ways": [way.to_dict() for way in WAYS], "rows": rows}


def _complex_step(derivation: Derivation, gradient: Gradient) -> Any:
    """Differentiate the error of each row by complex step through the definitions, and take the mean."""
    assert derivation.numbers is not None
    assert gradient.wrt is not None
    if sum(layer.n_in * layer.n_out for layer in derivation.model.layers) > MOST_PARAMETERS:
        return None
    partial = derivation.numbers.partial(derivation.context.notation.E, gradient.wrt, direct=False)
    return np.mean(partial, axis=0) if partial.ndim == 3 else partial


def _engine(derivation: Derivation) -> dict[str, Any]:
    """Return the gradients of the network that was derived, by symbol; empty where it computes none."""
    if not hasattr(derivation.model.source, "gradients") or any(
        layer.dropout for layer in derivation.model.layers
    ):
        return {}
    found = derivation.model.source.gradients(derivation.value("x.1"), derivation.value("y"))
    sign = -1 if derivation.bias_sign == "+" else 1
    arrays = {}
    for kind, name in KINDS.items():
        for k, array in enumerate(getattr(found, name, None) or (), start=1):
            if array is not None:
                arrays[f"{kind}.{k}"] = np.atleast_2d(array) * (sign if kind == "b" else 1)
    return arrays


def _relative(value: Any, other: Any) -> float | None:
    if other is None:
        return None
    scale = float(np.max(np.abs(other)))
    difference = float(np.max(np.abs(value - other)))
    return difference / scale if scale > 0 else difference
