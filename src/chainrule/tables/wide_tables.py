"""Tables of thousands of columns: those of plain numbers are found together, a pattern at a time."""

import re
from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from chainrule.tables.dates import COMPACT
from chainrule.tables.found import Around, Choice, Found
from chainrule.tables.number_columns import CODES, POINT
from chainrule.tables.numerals import Evidence
from chainrule.tables.reading import PLAIN, WHOLE, Reading

#: Fewer columns are looked at one by one, and so are those of more rows.
LEAST_COLUMNS, MOST_ROWS = 200, 20_000


def find_together(columns: Mapping[str, pa.ChunkedArray], choices: Mapping[str, Choice]) -> dict[str, Found]:
    """Find the columns all of whose values are plain numbers; the others are not in the result.

    Examples
    --------
    >>> columns = {f"x{k}": pa.chunked_array([["1.5", str(k)]]) for k in range(300)}
    >>> found = find_together(columns | {"town": pa.chunked_array([["A", "B"]])}, {})
    >>> len(found), found["x7"].values.to_pylist()
    (300, [1.5, 7.0])
    """
    names = [
        name
        for name, values in columns.items()
        if choices.get(name, Choice()) == Choice() and not values.null_count and not _perhaps_date(values)
    ]
    n_rows = len(columns[names[0]]) if names else 0
    if len(names) < LEAST_COLUMNS or not 0 < n_rows <= MOST_ROWS:
        return {}
    parts = [columns[name].cast(pa.large_string()).combine_chunks() for name in names]

    def matches(pattern: str) -> NDArray[np.bool_]:
        """Return an array (n_columns, n_rows)."""
        found = pc.match_substring_regex(pa.chunked_array(parts), pattern)
        return np.asarray(found.to_numpy(), dtype=bool).reshape(len(names), n_rows)

    whole, plain, codes = matches(WHOLE).all(1), matches(PLAIN).all(1), matches(CODES).any(1)
    point = matches(POINT).any(1)
    result = {}
    for of_type, wanted in ((whole & ~codes, pa.int64()), (plain & ~whole & ~codes & point, pa.float64())):
        places = np.flatnonzero(of_type)
        numbers = pa.chunked_array([parts[k] for k in places], pa.large_string()).cast(wanted)
        numbers = pa.chunked_array([numbers.combine_chunks()])
        for at, k in enumerate(places):
            around = Around(Evidence(point=int(wanted == pa.float64())))
            values = numbers.slice(at * n_rows, n_rows)
            result[names[k]] = Found(Reading("number"), values, around)
    return result


def _perhaps_date(values: pa.ChunkedArray) -> bool:
    return len(values) > 0 and bool(re.match(COMPACT, str(values[0].as_py())))
