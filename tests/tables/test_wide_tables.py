"""Tables of thousands of columns have the numbers, and the errors, of a table of one."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.tables.columns import Remarks
from chainrule.tables.errors import TableError
from chainrule.tables.preprocessing import TOGETHER, Preprocessor
from chainrule.tables.suspicious import LEAST_ROWS, far_codes


def wide(n_columns):
    generator = np.random.default_rng(0)
    columns = {f"x{k}": pa.array(generator.normal(size=30)) for k in range(n_columns)}
    columns["whole"] = pa.array(range(30))
    columns["with gaps"] = pa.array([None, *range(29)])
    columns["town"] = pa.array(["A", "B"] * 15)
    return pa.table(columns)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_many_columns_are_encoded_as_each_is(dtype):
    table = wide(2 * TOGETHER + 3)
    preprocessor = Preprocessor.fit(table)
    alone = [Preprocessor([column], {}).transform(table, dtype) for column in preprocessor.columns]
    np.testing.assert_array_equal(preprocessor.transform(table, dtype), np.hstack(alone))


def test_text_of_many_columns_is_read_as_that_of_each():
    table = wide(TOGETHER)
    preprocessor = Preprocessor.fit(table)
    texts = pa.table(
        {name: table[name].cast(pa.float64()).cast(pa.string()) for name in table.column_names[:-1]}
        | {"town": table["town"]}
    )
    texts = texts.set_column(0, "x0", pa.array(["1.234,5", "5 %", "1e1", "-"] + ["0.5"] * 26))
    parts = (Preprocessor([column], {}) for column in preprocessor.columns)
    alone = [part.transform(texts, remarks=Remarks()) for part in parts]
    result = preprocessor.transform(texts, remarks=Remarks())
    np.testing.assert_array_equal(result, np.hstack(alone))


@pytest.mark.parametrize(
    ("value", "message"),
    [(np.inf, "'x7' has 1 infinite value, the first in row 4"), (1e300, "row 4, too far")],
)
def test_errors_name_the_row(value, message):
    table = wide(TOGETHER)
    preprocessor = Preprocessor.fit(table)
    numbers = table["x7"].to_numpy().copy()
    numbers[3] = value
    with pytest.raises(TableError, match=message):
        preprocessor.transform(table.set_column(7, "x7", pa.array(numbers)))


def slow_far_codes(known):
    """What `far_codes` says without its way out for the most columns."""
    distinct, counts = np.unique(known, return_counts=True)
    low, high = np.quantile(known, [0.05, 0.95])
    if len(distinct) < 10 or high == low:
        return []
    gaps = np.flatnonzero(np.diff(distinct) > high - low)
    first = int(gaps[gaps < len(distinct) / 2].max(initial=-1)) + 1
    last = int(gaps[gaps >= len(distinct) / 2].min(initial=len(distinct) - 1))
    far = [*range(first), *range(last + 1, len(distinct))]
    least = max(3, 0.002 * known.size)
    return [(distinct[k], counts[k]) for k in far if counts[k] >= least] if len(far) <= 4 else []


@given(
    st.lists(st.integers(-20, 20), min_size=LEAST_ROWS, max_size=60),
    st.lists(st.sampled_from([-999.0, 60.0, 9999.0]), max_size=12),
)
def test_codes_are_found_as_without_the_short_way(numbers, codes):
    known = np.array([*numbers, *codes], dtype=float)
    assert far_codes(known) == slow_far_codes(known)
