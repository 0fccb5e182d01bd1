import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.tables.splitting import hold_out

fractions = st.floats(0, 0.99)


@given(st.integers(1, 300), fractions, st.integers(0, 10))
def test_every_row_is_in_one_part(n, fraction, seed):
    training, held = hold_out(n, fraction, seed)
    assert sorted([*training, *held]) == list(range(n))
    assert abs(len(held) - n * fraction) <= 1


@given(st.lists(st.integers(0, 5), min_size=1, max_size=200), fractions, st.integers(0, 10))
def test_every_class_is_trained_on_and_held_out_in_proportion(classes, fraction, seed):
    classes = np.array(classes)
    training, held = hold_out(len(classes), fraction, seed, classes)
    assert sorted([*training, *held]) == list(range(len(classes)))
    assert set(classes[training]) == set(classes)
    for label, count in zip(*np.unique(classes, return_counts=True), strict=True):
        n_held = np.count_nonzero(classes[held] == label)
        assert abs(n_held - count * fraction) <= 1 or n_held == count - 1


def test_seeds():
    first, again, other = (hold_out(1000, 0.2, seed)[1] for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("classes", [None, np.zeros(10_000, dtype=np.int64)])
def test_rows_are_drawn_evenly(classes):
    _, held = hold_out(10_000, 0.1, 0, classes)
    assert abs(held.mean() - 5000) < 300
    assert len(set(np.diff(held))) > 10
