"""How columns of numbers are prepared for a network on tables: a robust scale, then a smooth clip.

Source: D. Holzmueller, L. Grinsztajn and I. Steinwart, Better by default: strong pre-tuned MLPs and boosted
trees on tabular data, NeurIPS 2024 (arXiv:2407.04491), section 3.
"""

from __future__ import annotations

from array_api_compat import array_namespace

from chainrule.reference.functions import Array


def smooth_clip(x: Array) -> Array:
    """Compute x / sqrt(1 + (x/3)^2): x itself near 0, never beyond -3 and 3.

    Where |x| > 3 it is computed as 3 sign(x) / sqrt(1 + (3/x)^2), which neither overflows nor is lost at
    infinity.

    Examples
    --------
    >>> import numpy as np
    >>> smooth_clip(np.array([1.0, 2.0, 10.0, -np.inf])).round(6).tolist()
    [0.948683, 1.664101, 2.873479, -3.0]
    """
    xp = array_namespace(x)
    large = xp.abs(x) > 3
    near, far = xp.where(large, xp.zeros_like(x), x), xp.where(large, x, xp.full_like(x, 3))
    return xp.where(
        large, 3 * xp.sign(far) / xp.sqrt(1 + (3 / far) ** 2), near / xp.sqrt(1 + (near / 3) ** 2)
    )


def robust_scale(x: Array) -> tuple[Array, Array]:
    """Center and factor of each column, for (x - center) o factor.

    The center is the median. The factor is 1/(q75 - q25); where q75 = q25, it is 2/(max - min); in a column
    of one value it is 0.

    Parameters
    ----------
    x : array, shape (n_samples, n_columns)
        Numbers without NaN.

    Returns
    -------
    center, factor : array, shape (n_columns,)
        Quantiles are interpolated linearly between the two next values.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.array([[1.0, 0.0, 7.0], [2.0, 0.0, 7.0], [3.0, 0.0, 7.0], [4.0, 0.0, 7.0], [9.0, 4.0, 7.0]])
    >>> center, factor = robust_scale(x)
    >>> center.tolist(), factor.tolist()
    ([3.0, 0.0, 7.0], [0.5, 0.5, 0.0])
    """
    xp = array_namespace(x)
    rows = xp.sort(x, axis=0)
    low, q25, center, q75, high = (_quantile(rows, q) for q in (0.0, 0.25, 0.5, 0.75, 1.0))
    return center, _inverse(q75 - q25, 1.0, _inverse(high - low, 2.0, xp.zeros_like(low)))


def _quantile(rows: Array, q: float) -> Array:
    """Quantile of each column of sorted rows."""
    position = q * (rows.shape[0] - 1)
    below = int(position)
    above = min(below + 1, rows.shape[0] - 1)
    return rows[below, :] + (position - below) * (rows[above, :] - rows[below, :])


def _inverse(spread: Array, numerator: float, otherwise: Array) -> Array:
    """Numerator / spread, or `otherwise` where the spread is 0."""
    xp = array_namespace(spread)
    return xp.where(spread == 0, otherwise, numerator / xp.where(spread == 0, xp.ones_like(spread), spread))
