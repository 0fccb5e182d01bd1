"""Quantiles in one pass: never further off than is stated, however the parts are merged."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from chainrule.stream import ParquetRows
from chainrule.stream.quantiles import KEPT, QuantileSummary

from .conftest import FEATURES

LEVELS = [0.0, 0.001, 0.1, 0.25, 0.5, 0.77, 0.999, 1.0]
NUMBERS = {
    "sorted": lambda rng, n: np.arange(n, dtype=float),
    "reversed": lambda rng, n: np.arange(n, dtype=float)[::-1],
    "zigzag": lambda rng, n: np.where(np.arange(n) % 2, 1.0, -1.0) * np.arange(n),
    "constant": lambda rng, n: np.full(n, 7.5),
    "ties": lambda rng, n: rng.integers(0, 3, n).astype(float),
    "almost all 0": lambda rng, n: np.where(rng.random(n) < 0.99, 0.0, rng.normal(size=n)),
    "heavy tails": lambda rng, n: rng.standard_cauchy(n) ** 5,
    "large": lambda rng, n: 1.7e9 + rng.normal(size=n),
    "infinite": lambda rng, n: np.where(rng.random(n) < 0.1, np.inf, rng.normal(size=n)),
    "missing": lambda rng, n: np.where(rng.random(n) < 0.3, np.nan, rng.normal(size=n)),
}


def summed_up(numbers, kept, rng):
    """Numbers in parts of random sizes, merged in a random tree."""
    parts, begin = [], 0
    while begin < len(numbers):
        end = begin + int(rng.choice([3, kept, 5 * kept, 40 * kept]))
        parts.append(QuantileSummary(kept))
        for portion in np.array_split(numbers[begin:end], int(rng.integers(1, 4))):
            parts[-1].add(portion)
        begin = end
    while len(parts) > 1:
        one, other = rng.choice(len(parts), 2, replace=False)
        parts[one].merge(parts[other])
        del parts[other]
    return parts[0]


@pytest.mark.parametrize("kind", NUMBERS)
@settings(max_examples=30)
@given(n=st.integers(1, 3000), kept=st.sampled_from([8, 9, 64, 257]), seed=st.integers(0, 2**32 - 1))
def test_ranks_are_within_the_bound(kind, n, kept, seed):
    rng = np.random.default_rng(seed)
    numbers = NUMBERS[kind](rng, n)
    summary = summed_up(numbers, kept, rng)
    known = np.sort(numbers[~np.isnan(numbers)])
    assert summary.n == len(known)
    assert summary.error <= summary.worst_error(summary.n)
    found = summary.quantiles(LEVELS)
    if not len(known):
        assert np.isnan(found).all()
        return
    assert (found[0], found[-1]) == (known[0], known[-1])
    assert (summary.least, summary.most) == (known[0], known[-1])
    for level, value in zip(LEVELS, found, strict=True):
        place = level * (len(known) - 1)
        if np.isfinite(value):  # between a number and infinity there is no number
            assert np.searchsorted(known, value, side="right") >= place - summary.error
            assert np.searchsorted(known, value, side="left") <= place + summary.error + 1
    # What is held does not grow with the rows.
    assert all(len(level) < kept for level in summary._levels)
    assert len(summary._levels) <= np.log2(max(n / kept, 1)) + 2


@given(numbers=st.lists(st.floats(-1e300, 1e300), min_size=1, max_size=KEPT - 1))
def test_few_numbers_are_exact(numbers):
    summary = QuantileSummary()
    for portion in np.array_split(np.array(numbers), 3):
        summary.add(portion)
    assert summary.error == 0
    assert_allclose(summary.quantiles(LEVELS), np.quantile(numbers, LEVELS), rtol=1e-12)


def test_the_bound_is_that_of_the_text():
    summary = QuantileSummary()
    assert summary.worst_error(100_000) <= 0.0035 * 100_000
    assert summary.worst_error(10**8) <= 0.009 * 10**8
    assert QuantileSummary().worst_error(KEPT - 1) == 0
    with pytest.raises(ValueError, match=r"levels is 1\.5"):
        summary.quantiles([1.5])


def test_columns_of_rows(folder, data, tmp_path):
    rows = ParquetRows(folder, "number", FEATURES, batch_rows=33)
    assert_allclose(rows.quantiles(LEVELS), np.quantile(data["x"], LEVELS, axis=0).T, rtol=1e-12)
    rng = np.random.default_rng(0)
    x = rng.lognormal(size=40_000)
    pq.write_table(pa.table({"x": x, "flag": x > 1, "y": x}), tmp_path / "x.parquet", row_group_size=5000)
    rows = ParquetRows(tmp_path / "x.parquet", "y")
    found = rows.quantiles([0.25, 0.5, 0.75])
    ranks = np.searchsorted(np.sort(x), found[0]) / len(x)
    assert_allclose(ranks, [0.25, 0.5, 0.75], rtol=0, atol=0.0035)
    assert_array_equal(found[1], [0, 0, 1])
    again = ParquetRows(tmp_path / "x.parquet", "y", batch_rows=5000)
    assert_array_equal(again.quantiles([0.25, 0.5, 0.75]), found)
