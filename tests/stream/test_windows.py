"""Windows: what is in memory when, which rows are set aside, and that sorted files are learned."""

import itertools
import threading

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.testing import assert_allclose
from sklearn.datasets import load_digits

from chainrule import MLPClassifier
from chainrule.stream import ParquetRows
from chainrule.stream.held_out import HeldOut
from chainrule.stream.source import Plan
from chainrule.stream.targets import TargetSummary

from .conftest import FEATURES

pytestmark = pytest.mark.filterwarnings("ignore:.*hasn't converged")


@pytest.mark.parametrize("window", [1, 2, 5, 0.1, 0.3, 1.0])
@pytest.mark.parametrize("n_blocks", [1, 3, 8])
def test_a_plan_takes_every_step_as_soon_as_its_rows_are_there(n_blocks: int, window: float) -> None:
    rng = np.random.default_rng(n_blocks)
    sizes = rng.integers(0, 300, 40).tolist()
    plan = Plan(sizes, n_blocks, window, batch_size=50)
    assert sorted(group for groups in plan.blocks for group in groups) == list(range(40))
    orders = [rng.permutation(groups).tolist() for groups in plan.blocks]
    windows = list(plan.windows(orders))
    assert windows[0].first == 0
    assert windows[-1].end == plan.n_steps
    assert windows[-1].left == [0] * n_blocks
    assert len(windows) == plan.n_windows
    for before, after in itertools.pairwise(windows):
        assert before.end == after.first
    read = [group for window in windows for groups in window.groups for group in groups]
    assert sorted(read) == list(range(40))
    most = max(len(groups) for window in windows for groups in window.groups)
    wanted = window if isinstance(window, int) else -(-max(map(len, plan.blocks)) // round(1 / window))
    assert most <= wanted + 1
    # What is left for the next window is a row group or two of each block, however large the table is.
    assert max(max(window.left) for window in windows) <= 2 * max(sizes) + 50 // n_blocks + 1


def test_rows_set_aside_are_a_function_of_seed_and_number() -> None:
    some = HeldOut(0.2, seed=5)
    kept = some.kept(0, 10_000)
    assert 0.78 < kept.mean() < 0.82
    assert (some.kept(1234, 5678) == kept[1234:5678]).all()
    assert not (HeldOut(0.2, seed=6).kept(0, 10_000) == kept).all()
    assert HeldOut(0.0, 1).kept(3, 9).all()


def test_early_stopping_watches_rows_that_are_not_trained_on(folder) -> None:
    rows = ParquetRows(folder, "label", FEATURES)
    clf = MLPClassifier((16,), row_blocks=4, random_state=0, early_stopping=True, max_iter=30, batch_size=32)
    clf.fit(rows, None)
    assert 0.87 < clf.t_ / clf.n_iter_ / 1600 < 0.93
    assert len(clf.validation_scores_) == clf.n_iter_
    assert clf.best_validation_score_ > 0.85


@pytest.mark.parametrize("n_parts", [1, 2, 7])
def test_summaries_merge_to_those_of_all(n_parts: int) -> None:
    rng = np.random.default_rng(0)
    y, weight = rng.integers(0, 5, 500), rng.random(500)
    for values, weights in ((y, None), (y, weight), (rng.normal(size=(500, 2)) + 1e6, weight)):
        total = TargetSummary()
        for part in np.array_split(np.arange(500), n_parts):
            here = TargetSummary()
            here.add(values[part], None if weights is None else weights[part])
            total.merge(here)
        columns = values.reshape(500, -1).astype(float)
        mean = np.average(columns, axis=0, weights=weights)
        assert_allclose(total.mean, mean, rtol=1e-12)
        assert_allclose(total.variance, np.average((columns - mean) ** 2, axis=0, weights=weights), rtol=1e-9)
        if values.ndim == 1:
            counts = np.bincount(y, weights=weights)
            assert sorted(total.labels) == [0, 1, 2, 3, 4]
            assert_allclose([total.labels[label] for label in range(5)], counts)
        assert total.between < 0.1


def test_text_has_labels_and_no_mean() -> None:
    total = TargetSummary()
    total.add(np.array(["a", "b", "a"]), None)
    assert total.labels == {"a": 2.0, "b": 1.0}
    assert total.mean is None


@pytest.mark.filterwarnings("ignore::chainrule.stream.StreamWarning")
def test_a_file_sorted_by_label_is_learned_with_a_small_window(tmp_path) -> None:
    digits = load_digits()
    test = np.arange(len(digits.target)) % 4 == 0
    x, y = digits.data / 16, digits.target
    order = np.argsort(y[~test], kind="stable")
    table = pa.table({f"p{i}": x[~test][order, i] for i in range(64)} | {"digit": y[~test][order]})
    pq.write_table(table, tmp_path / "sorted.parquet", row_group_size=14)
    scores = {}
    for window in (0.1, 1.0):
        rows = ParquetRows(tmp_path / "sorted.parquet", "digit", window=window)
        clf = MLPClassifier((32,), row_blocks=8, max_iter=30, batch_size=32, random_state=0).fit(rows, None)
        names = {name: x[test][:, i] for i, name in enumerate(rows.columns)}
        scores[window] = clf.score(pa.table(names), y[test])
    assert scores[0.1] > scores[1.0] - 0.015


def test_nothing_is_read_once_training_has_ended(folder) -> None:
    """Neither after the last epoch, nor after an error."""

    def readers() -> list[str]:
        return [thread.name for thread in threading.enumerate() if thread.name.startswith("chainrule-reader")]

    def fail(record) -> None:
        raise RuntimeError("stop here")

    rows = ParquetRows(folder, "label", FEATURES)
    MLPClassifier((4,), row_blocks=4, max_iter=2).fit(rows, None)
    assert not readers()
    with pytest.raises(RuntimeError, match="stop here"):
        MLPClassifier((4,), row_blocks=4, callbacks=fail).fit(rows, None)
    assert not readers()
