"""Arrays as the page reads them: little-endian float64 in base64, large ones only in part."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np

Packed = dict[str, Any]

WHOLE = 16_384  # numbers: an array up to here goes into the page whole, 8 bytes each


def pack(array: Any, rows: Sequence[int], columns: Sequence[int], whole: int = WHOLE) -> Packed:
    """Pack a matrix for the page.

    Parameters
    ----------
    array : array-like, shape (n_rows, n_columns)
        What to pack.
    rows, columns : sequence of int
        What the page needs to show if the matrix is too large to go in whole.
    whole : int
        Numbers up to which it goes in whole.

    Returns
    -------
    dict
        "shape", "scale" (the largest finite magnitude), "data" (base64), and "rows" and "columns" where not
        all are there.

    Examples
    --------
    >>> packed = pack([[0.5, -2.0]], [0], [0])
    >>> packed["shape"], packed["scale"], len(packed["data"])
    ([1, 2], 2.0, 24)
    """
    matrix = np.asarray(array, dtype="<f8")
    size = np.abs(matrix[np.isfinite(matrix)])
    packed: Packed = {"shape": list(matrix.shape), "scale": float(size.max()) if size.size else 0.0}
    if matrix.size > whole:
        packed |= {"rows": list(rows), "columns": list(columns)}
        matrix = matrix[np.ix_(rows, columns)]
    return packed | {"data": base64.b64encode(np.ascontiguousarray(matrix).tobytes()).decode("ascii")}


def shown(n: int, most: int = 10) -> list[int]:
    """Pick the indices of n that are shown: all of them, or the first ones and the last.

    Examples
    --------
    >>> shown(5), shown(100)
    ([0, 1, 2, 3, 4], [0, 1, 2, 3, 4, 5, 6, 7, 99])
    """
    return list(range(n)) if n <= most else [*range(most - 2), n - 1]
