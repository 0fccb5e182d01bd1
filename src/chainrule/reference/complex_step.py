"""Complex step: the derivative of an analytic function to its last digits, without hand-derived mathematics.

f(a + ih) = f(a) + ih f'(a) + O(h^2), so f'(a) = Im f(a + ih) / h. Nothing is subtracted, and h can be so
small that h^2 vanishes.

Source: W. Squire and G. Trapp, Using complex variables to estimate derivatives of real functions, SIAM Review
40 (1998) 110-112.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[Any]


def complex_step(function: Callable[..., Any], arrays: Sequence[Floats], step: float = 1e-30) -> list[Floats]:
    """Differentiate a function of NumPy arrays by each of their elements.

    Parameters
    ----------
    function : callable
        Takes as many arrays as are given and returns a scalar; analytic, and accepts complex arrays. It is
        called once per element and must neither change nor keep the arrays.
    arrays : sequence of ndarray
        Real arrays at which to differentiate; not changed.
    step : float
        The imaginary step h; h^2 must be negligible, and h times a derivative must not underflow.

    Returns
    -------
    list of ndarray
        Derivatives in the shapes of the arrays and in their real dtype.

    Examples
    --------
    >>> complex_step(lambda a: (a**3).sum(), [np.array([1.0, 2.0])])
    [array([ 3., 12.])]
    """
    points = [np.array(a, dtype=np.result_type(a, np.complex64), order="C") for a in arrays]
    derivatives = [np.empty(p.shape, dtype=p.real.dtype) for p in points]
    for point, derivative in zip(points, derivatives, strict=True):
        flat, out = point.reshape(-1), derivative.reshape(-1)
        for i in range(flat.size):
            at = flat[i]
            flat[i] = at + 1j * step
            out[i] = np.imag(function(*points)) / step
            flat[i] = at
    return derivatives
