"""Predictions and scores of Dask collections: lazy, partition by partition."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import dask
import dask.array as da
import numpy as np
from numpy.typing import NDArray

from chainrule.dask.partitions import collected


def predicted(value: Any, function: Callable[[Any], Any]) -> Any:
    """Return a lazy array of what a function makes of the rows of each partition.

    Parameters
    ----------
    value : dask.array.Array or dask.dataframe.DataFrame
    function : callable
        From rows to an array of as many rows.
    """
    rows = collected(value, "X")
    n_columns = len(rows.dtypes) if rows.columns is not None else int(rows.shape[1])
    meta = np.asarray(function(_one_row(value, n_columns)))[:0]
    sizes = value.chunks[0] if hasattr(value, "chunks") else (math.nan,) * len(rows.parts)
    applied, one = dask.delayed(_applied, pure=False), dask.delayed(function, pure=False)
    arrays = [
        da.from_delayed(applied(one, part, meta), (size, *meta.shape[1:]), meta=meta)
        for part, size in zip(rows.parts, sizes, strict=True)
    ]
    return da.concatenate(arrays, allow_unknown_chunksizes=True)


def _one_row(value: Any, n_columns: int) -> Any:
    if hasattr(value, "_meta_nonempty"):
        return value._meta_nonempty.iloc[:1]
    return np.zeros((1, n_columns), dtype=value.dtype)


def _applied(function: Callable[[Any], Any], rows: Any, meta: NDArray[Any]) -> Any:
    return function(rows) if len(rows) else meta


class Fits(NamedTuple):
    """How well predictions fit, as sums over rows that merge.

    Attributes
    ----------
    weight : float
    mean, squares : ndarray of shape (n_targets,)
        Of the targets: their mean, and the sum of squared distances from it.
    rest : ndarray of shape (n_targets,)
        Sum of the squared errors.
    """

    weight: float
    mean: NDArray[Any]
    squares: NDArray[Any]
    rest: NDArray[Any]

    def merge(self, other: Fits) -> Fits:
        """Add other rows; Chan, Golub & LeVeque 1979."""
        total = self.weight + other.weight
        if not total:
            return self
        apart = other.mean - self.mean
        return Fits(
            total,
            self.mean + apart * (other.weight / total),
            self.squares + other.squares + apart**2 * (self.weight * other.weight / total),
            self.rest + other.rest,
        )


def fits(predict: Callable[[Any], Any], x: Any, y: Any, weight: Any) -> Fits | None:
    """Sum up a partition of a regression."""
    if not len(x):
        return None
    targets = np.asarray(y, dtype=np.float64).reshape(len(x), -1)
    errors = targets - np.asarray(predict(x), dtype=np.float64).reshape(targets.shape)
    weights = np.ones(len(x)) if weight is None else np.asarray(weight, dtype=np.float64).reshape(-1)
    total = float(weights.sum())
    mean = weights @ targets / total if total else targets.mean(axis=0)
    return Fits(total, mean, weights @ (targets - mean) ** 2, weights @ errors**2)


def right(predict: Callable[[Any], Any], x: Any, y: Any, weight: Any) -> tuple[float, float]:
    """Return the weight of the rows of a partition that are classified right, and of all."""
    if not len(x):
        return 0.0, 0.0
    correct = np.asarray(predict(x)) == np.asarray(y).reshape(-1)
    weights = np.ones(len(x)) if weight is None else np.asarray(weight, dtype=np.float64).reshape(-1)
    return float(weights[correct].sum()), float(weights.sum())


def summed_up(
    function: Callable[..., Any], predict: Callable[[Any], Any], x: Any, y: Any, weight: Any, client: Any
) -> list[Any]:
    """Return what a function says of each partition, in their order."""
    rows = collected(x, "X")
    others = [
        None if other is None else collected(other, name, x) for name, other in (("y", y), ("w", weight))
    ]
    for other in others:
        if other is not None and len(other.parts) != len(rows.parts):
            raise ValueError(
                f"X has {len(rows.parts)} partitions and y or sample_weight {len(other.parts)}; expected the "
                "same rows in the same partitions"
            )
    one, of_part = dask.delayed(predict, pure=False), dask.delayed(function, pure=False)
    nothing = [None] * len(rows.parts)
    ys, weights = (nothing if other is None else other.parts for other in others)
    values = [of_part(one, *parts) for parts in zip(rows.parts, ys, weights, strict=True)]
    return list(dask.compute(*values, **({} if client is None else {"scheduler": client})))


def r2(parts: list[Fits | None]) -> float:
    """Return R^2, averaged over the targets: a constant target scores 1 if predicted exactly, else 0."""
    known = [part for part in parts if part is not None]
    if not known:
        raise ValueError("there are no rows to score; expected some")
    total = known[0]
    for part in known[1:]:
        total = total.merge(part)
    constant = total.squares == 0
    scores = np.where(constant, total.rest == 0, 1 - total.rest / np.where(constant, 1, total.squares))
    return float(scores.mean())


def accuracy(parts: list[tuple[float, float]]) -> float:
    """Return the share of the weight that is classified right."""
    total = math.fsum(of_all for _, of_all in parts)
    if not total:
        raise ValueError("there are no rows to score; expected some")
    return math.fsum(of_right for of_right, _ in parts) / total
