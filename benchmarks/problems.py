"""The numbers of a work, the same in every process: rows, targets, first parameters."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.works import Work

MOST_SHOWN = 1000  # numbers of evidence that travel between processes


@dataclass(frozen=True)
class Problem:
    """A work's arrays, all of one dtype.

    Attributes
    ----------
    x : ndarray of shape (n_samples, n_1), or scipy.sparse.csr_array
        Rows are samples.
    y : ndarray
        Targets (n_samples, n_outputs), or class indices (n_samples,) of int64.
    weights, biases : lists of ndarray
        First parameters, of shapes (n_k, n_{k+1}) and (n_{k+1},). Biases are added: net = x W + b.
    """

    work: Work
    dtype: str
    x: Any
    y: NDArray[Any]
    weights: list[NDArray[Any]]
    biases: list[NDArray[Any]]

    def changes(self, weights: Sequence[Any], biases: Sequence[Any]) -> list[float]:
        """How parameters differ from the first ones; of many, a selection spread over all layers."""
        pairs = zip([*weights, *biases], [*self.weights, *self.biases], strict=True)
        return shown(np.concatenate([(np.asarray(now) - first).ravel() for now, first in pairs]))


def make_problem(work: Work, dtype: str) -> Problem:
    """Draw the numbers of a work, the same for every caller.

    Parameters
    ----------
    work : Work
        Its name is the seed.
    dtype : {"float32", "float64"}
        Of all arrays but class indices. Both have the same numbers up to rounding.
    """
    rng = np.random.default_rng(zlib.crc32(work.name.encode()))
    n_samples, n_outputs = work.n_samples, work.sizes[-1]
    if work.density < 1:
        import scipy.sparse

        x: Any = scipy.sparse.random_array(
            (n_samples, work.sizes[0]), density=work.density, format="csr", dtype=dtype, rng=rng
        )
    else:
        x = rng.standard_normal((n_samples, work.sizes[0]), dtype="float32").astype(dtype)
    if work.loss == "cross_entropy":  # scikit-learn takes as classes what it sees: each is there
        y = rng.permutation(np.arange(n_samples, dtype=np.int64) % n_outputs)
    else:
        y = rng.random((n_samples, n_outputs), dtype="float32").astype(dtype)
    shapes = list(pairwise(work.sizes))
    bounds = [(6 / (n_in + n_out)) ** 0.5 for n_in, n_out in shapes]
    weights = [rng.uniform(-b, b, shape).astype(dtype) for b, shape in zip(bounds, shapes, strict=True)]
    biases = [rng.uniform(-0.1, 0.1, n_out).astype(dtype) for _, n_out in shapes]
    return Problem(work, dtype, x, y, weights, biases)


def shown(values: Any) -> list[float]:
    """At most 1000 of the numbers, evenly spaced, ready for JSON."""
    flat = np.asarray(values, dtype=np.float64).ravel()
    return flat[:: -(-flat.size // MOST_SHOWN) or 1].tolist()
