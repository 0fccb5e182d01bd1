"""Columns and values that are seldom what they seem: numbers of rows, and numbers for "not measured"."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from chainrule._words import counted

#: Fewer rows are no reason to think that a column counts them.
LEAST_ROWS = 20
#: So many numbers of a span of twice as many would not all be different by chance.
MANY_ROWS = 50
#: A number for "not measured" is in so many rows at least, and in such a share of them.
LEAST_REPEATS, LEAST_SHARE = 3, 0.002


def counts_rows(values: pa.ChunkedArray) -> bool:
    """Whether whole numbers only count the rows: each is another, and there are hardly gaps; perhaps by tens.

    Examples
    --------
    >>> counts_rows(pa.chunked_array([range(1, 400)])), counts_rows(pa.chunked_array([[1, 5, 2, 9] * 10]))
    (True, False)
    >>> counts_rows(pa.chunked_array([range(10, 400, 10)]))
    True
    """
    n = len(values)
    if n < LEAST_ROWS or values.null_count:
        return False
    if pa.types.is_floating(values.type):
        numbers = values.to_numpy()
        if not (np.isfinite(numbers).all() and (numbers == np.floor(numbers)).all()):
            return False
    elif not pa.types.is_integer(values.type):
        return False
    else:
        numbers = values.to_numpy()
    low, span = float(numbers.min()), float(numbers.max()) - float(numbers.min())
    if span < n - 1:
        return False
    steps = np.diff(numbers.astype(np.float64))
    counted_by = 1.0
    # Seconds since 1970 count something else, and so may what has a sign.
    if span >= 2 * n and 0 <= low <= 10 * span < 2**53:
        counted_by = float(np.gcd.reduce(np.abs(steps).astype(np.int64)))
    span /= max(counted_by, 1.0)
    if span >= 2 * n:
        return False
    in_order = bool((steps > 0).all() or (steps < 0).all())
    # Rows may have been taken out of a table that was counted. Measurements of such a span would repeat.
    return in_order or (len(np.unique(numbers)) == n and (span == n - 1 or n >= MANY_ROWS))


def far_codes(numbers: NDArray[np.float64]) -> list[tuple[float, int]]:
    """Return numbers far from all others that many rows share, as 9999 for "not measured", with how many.

    Examples
    --------
    >>> far_codes(np.array([9999.0] * 10 + list(range(990))))
    [(9999.0, 10)]
    """
    known = numbers[np.isfinite(numbers)]
    if known.size < LEAST_ROWS:
        return []
    ordered = np.sort(known)
    # Ranks around those of the quantiles below: no gap is wider than the least that their distance can be.
    inner = ordered[int(0.95 * (known.size - 1))] - ordered[int(0.05 * (known.size - 1)) + 1]
    if np.diff(ordered).max() <= inner:
        return []
    distinct, counts = np.unique(ordered, return_counts=True)
    if len(distinct) < 10:
        return []
    low, high = np.quantile(known, [0.05, 0.95])
    spread = high - low
    if spread == 0:
        return []
    gaps = np.flatnonzero(np.diff(distinct) > spread)
    first = int(gaps[gaps < len(distinct) / 2].max(initial=-1)) + 1  # the others begin there
    last = int(gaps[gaps >= len(distinct) / 2].min(initial=len(distinct) - 1))
    far = [*range(first), *range(last + 1, len(distinct))]
    least = max(LEAST_REPEATS, LEAST_SHARE * known.size)
    if len(far) > 4:
        return []
    return [(float(distinct[k]), int(counts[k])) for k in far if counts[k] >= least]


def codes_text(
    name: str, codes: list[tuple[float, int]], numbers: NDArray[np.float64], *, dates: bool = False
) -> str:
    """Say which numbers, or dates as days, are far from the others, and what to do if they are no values."""

    def shown(value: float, digits: int = 12) -> str:
        return str(np.datetime64(int(value // 1), "D")) if dates else f"{value:.{digits}g}"

    values = [value for value, _ in codes]
    others = numbers[np.isfinite(numbers) & ~np.isin(numbers, values)]
    found = " and ".join(
        f"{shown(value)} in {counted(n, 'row')} ({n / len(numbers):.1%})" for value, n in codes
    )
    first = shown(values[0])
    return (
        f"column {name!r} has {found}, far from its other values ({shown(others.min(), 6)} to "
        f"{shown(others.max(), 6)}); "
        f"if that means 'not measured', --missing {first} (missing={first!r} in Python) says so"
    )


def typed_numbers(values: pa.ChunkedArray) -> NDArray[np.float64]:
    """Return a column of numbers as floats, missing values as NaN."""
    numbers: NDArray[np.float64] = pc.cast(values, pa.float64(), safe=False).to_numpy()
    return numbers
