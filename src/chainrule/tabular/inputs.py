"""Prepared rows as a network's inputs: categories one-hot."""

import numpy as np
from numpy.typing import NDArray

from chainrule.tabular.preparation import Layout

Floats = NDArray[np.float32]

#: Codes from here on share one column.
MOST_COLUMNS = 64


def n_inputs(layout: Layout) -> int:
    """Count the columns of `expand`; at least one."""
    return max(1, layout.n_values + layout.n_flags + sum(map(_width, layout.n_codes)))


def expand(layout: Layout, rows: Floats) -> Floats:
    """Return values and flags as they are, and a column for each of the most frequent categories.

    Two categories are one column: -1 and 1, and 0 for one not seen in training.

    Examples
    --------
    >>> rows = np.array([[0.5, 0.0, 2.0], [0.1, 1.0, 3.0]], dtype=np.float32)
    >>> expand(Layout(1, 0, (2, 3)), rows).tolist()
    [[0.5, -1.0, 0.0, 0.0, 1.0], [0.10000000149011612, 1.0, 0.0, 0.0, 0.0]]
    """
    plain = layout.n_values + layout.n_flags
    if not layout.n_codes and plain:
        return rows
    inputs = np.zeros((len(rows), n_inputs(layout)), dtype=np.float32)
    inputs[:, :plain] = rows[:, :plain]
    begin = plain
    for k, n in enumerate(layout.n_codes):
        codes = rows[:, plain + k].astype(np.int64)
        if n == 2:
            inputs[:, begin] = np.array([-1, 1, 0], dtype=np.float32)[codes]
        else:
            width = _width(n)
            places = np.minimum(codes, width - 1) if n > width else codes
            known = np.flatnonzero(places < width)
            inputs[known, begin + places[known]] = 1
        begin += _width(n)
    return inputs


def _width(n_codes: int) -> int:
    return 1 if n_codes == 2 else min(n_codes, MOST_COLUMNS)
