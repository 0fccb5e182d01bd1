"""Columns and values that are seldom what they seem: numbers of rows, and numbers for "not measured"."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from chainrule._words import counted

#: Fewer rows are no reason to think that a column counts them.
LEAST_ROWS = 20
#: A number for "not measured" is in so many rows at least, and in such a share of them.
LEAST_REPEATS, LEAST_SHARE = 3, 0.002


def counts_rows(values: pa.ChunkedArray) -> bool:
    """Whether whole numbers only count the rows: each is another, and there are hardly gaps.

    Examples
    --------
    >>> counts_rows(pa.chunked_array([range(1, 400)])), counts_rows(pa.chunked_array([[1, 5, 2, 9] * 10]))
    (True, False)
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
    span = float(numbers.max()) - float(numbers.min())
    if span < n - 1:
        return False
    if span == n - 1:  # in any order
        return len(np.unique(numbers)) == n
    steps = np.diff(numbers.astype(np.float64))
    # Rows were taken out of a table that was counted.
    return bool(span < 2 * n and ((steps > 0).all() or (steps < 0).all()))


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
    distinct, counts = np.unique(known, return_counts=True)
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


def codes_text(name: str, codes: list[tuple[float, int]], numbers: NDArray[np.float64]) -> str:
    """Say which numbers are far from the others, and what to do if they are no measurements."""
    values = [value for value, _ in codes]
    others = numbers[np.isfinite(numbers) & ~np.isin(numbers, values)]
    found = " and ".join(
        f"{value:.12g} in {counted(n, 'row')} ({n / len(numbers):.1%})" for value, n in codes
    )
    first = f"{values[0]:.12g}"
    return (
        f"column {name!r} has {found}, far from its other values ({others.min():.6g} to {others.max():.6g}); "
        f"if that means 'not measured', --missing {first} (missing={first!r} in Python) says so"
    )


def typed_numbers(values: pa.ChunkedArray) -> NDArray[np.float64]:
    """Return a column of numbers as floats, missing values as NaN."""
    numbers: NDArray[np.float64] = pc.cast(values, pa.float64(), safe=False).to_numpy()
    return numbers
