"""Derivatives of each row by itself, in parts between which Ctrl-C is heard."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from chainrule import _engine
from chainrule.model.architecture import installed_memory
from chainrule.model.arrays import Floats
from chainrule.model.inputs import LearnedInput
from chainrule.model.rows import Rows
from chainrule.model.trainee import Trainee

#: Multiply-adds of one native call at most, some tenths of a second, unless a single row has more.
WORK_PER_CALL = 4_000_000_000


class PerSampleGradients(NamedTuple):
    """Derivatives of each row's own loss by every parameter.

    Attributes
    ----------
    weights : list of ndarray
        dE/dW_k, of shapes (n_samples, n_k, n_{k+1}); without the first axis for a single row (n_1,).
    biases : list of ndarray
        dE/db_k, of shapes (n_samples, n_{k+1}), for biases that are subtracted: minus the deltas.
    gains, shifts, slopes, alphas : list of ndarray or None
        By the vectors of normalized, of "prelu" and of parametric layers, of shapes (n_samples, n_{k+1}).
    inputs : list of LearnedInput
        By what the input layers have learned, as attributes; n_samples comes first in their shapes.
    """

    weights: list[Floats]
    biases: list[Floats]
    gains: list[Floats | None]
    shifts: list[Floats | None]
    slopes: list[Floats | None]
    alphas: list[Floats | None]
    inputs: list[LearnedInput]


def input_gradients(trainee: Trainee, rows: Rows, factors: Floats | None = None) -> Floats:
    """Differentiate each row's loss by the row, (n_samples, n_1).

    With `factors` (n_samples, n_{l+1}), the sum over outputs of factors * yhat instead.
    """

    def compute(data: _engine.Dataset, part: slice) -> Floats:
        own = None if factors is None else factors[part]
        return trainee.model.input_gradients(data, own, trainee.threads)

    return _in_parts(trainee, rows, 1, trainee.architecture.sizes[:1], compute)


def jacobian(trainee: Trainee, rows: Rows) -> Floats:
    """Differentiate every output by every input, (n_samples, n_{l+1}, n_1)."""
    n_in, *_, n_out = trainee.architecture.sizes
    compute = trainee.model.jacobian
    return _in_parts(trainee, rows, n_out, (n_out, n_in), lambda data, _: compute(data, trainee.threads))


def per_sample_gradients(trainee: Trainee, rows: Rows) -> Floats:
    """Differentiate each row's own loss by all parameters, (n_samples, n_parameters)."""
    compute = trainee.model.per_sample_gradients
    shape = (trainee.flat.size,)
    return _in_parts(trainee, rows, 1, shape, lambda data, _: compute(data, trainee.threads))


def per_sample_gradient_norms(trainee: Trainee, rows: Rows) -> Floats:
    """Return the Euclidean norms (n_samples,) of the rows of the gradients, which are not computed."""
    compute = trainee.model.per_sample_gradient_norms
    return _in_parts(trainee, rows, 1, (), lambda data, _: compute(data, trainee.threads))


def _in_parts(
    trainee: Trainee,
    rows: Rows,
    n_passes: int,
    shape: tuple[int, ...],
    compute: Callable[[_engine.Dataset, slice], Floats],
) -> Floats:
    """Compute an array of this shape for each row, with so many passes back."""
    n_samples = rows.n_samples
    check_room((n_samples, *shape), trainee.architecture.dtype)
    n_each = max(1, WORK_PER_CALL // (trainee.flat.size * (1 + 2 * n_passes)))
    if n_samples <= n_each:
        return compute(rows.dataset(trainee.model), slice(None))
    result = np.empty((n_samples, *shape), trainee.architecture.dtype)
    for first in range(0, n_samples, n_each):
        part = slice(first, first + n_each)
        result[part] = compute(rows.part(part).dataset(trainee.model), part)
    return result


def check_room(shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    """Raise MemoryError for a result of this shape, rows first, that this machine's memory cannot hold."""
    n_bytes, installed = math.prod(shape) * dtype.itemsize, installed_memory()
    if installed is not None and n_bytes > installed:
        raise MemoryError(
            f"a result of shape {shape} takes {n_bytes / 1e9:,.1f} GB in {dtype.name}, but this machine has"
            f" {installed / 1e9:,.1f} GB; give fewer rows at a time"
        )
