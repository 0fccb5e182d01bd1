"""Rows that are streamed train as the same blocks in memory do, bit for bit."""

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from chainrule import Adam, MLPClassifier, MLPRegressor, Network
from chainrule.inputs import Numbers, Periodic, PiecewiseLinear, Scale
from chainrule.stream import ParquetRows

from .conftest import FEATURES, frame_of, table_of

pytestmark = pytest.mark.filterwarnings("ignore:.*hasn't converged")
INPUTS = [Periodic([0], 8, 3, 0.5), PiecewiseLinear(1, [-1.0, 0.0, 1.0], 4), Numbers([2]), Scale()]
SETTINGS = {"hidden_layer_sizes": (20, 10), "random_state": 0, "max_iter": 4, "row_blocks": 8}


def rows_of(folder, target, **options):
    return ParquetRows(folder, target, FEATURES, **options)


def same(a, b):
    for one, other in zip(a.coefs_ + a.intercepts_, b.coefs_ + b.intercepts_, strict=True):
        assert_array_equal(one, other)
    assert a.loss_curve_ == b.loss_curve_


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"batch_size": 50, "dropout": 0.2, "layer_norm": True},
        {"batch_size": 1600, "solver": "rprop"},
        {"shuffle": False, "schedule": "cosine", "clip_norm": 0.5},
        {"batch_size": 8, "row_blocks": 4, "max_iter": 1},
    ],
)
def test_an_estimator_has_the_bits_of_rows_in_memory(options, folder, data) -> None:
    settings = SETTINGS | options
    rows = rows_of(folder, "number", window=1.0)
    same(MLPRegressor(**settings).fit(rows, None), MLPRegressor(**settings).fit(data["x"], data["number"]))
    rows = rows_of(folder, "label", window=1.0)
    streamed = MLPClassifier(**settings).fit(rows, None)
    memory = MLPClassifier(**settings).fit(data["x"], data["label"])
    same(streamed, memory)
    assert_array_equal(streamed.classes_, memory.classes_)
    assert streamed.n_features_in_ == 3
    assert streamed.feature_names_in_.tolist() == FEATURES


@pytest.mark.parametrize("inputs", [None, INPUTS])
@pytest.mark.parametrize("row_blocks", [2, 8])
def test_a_network_has_the_bits_of_rows_in_memory(row_blocks, inputs, folder, data) -> None:
    streamed, memory = (Network([3, 16, 1], dtype="float32", random_state=0, inputs=inputs) for _ in range(2))
    options = {"optimizer": Adam(0.01), "epochs": 3, "batch_size": 64, "row_blocks": row_blocks}
    history = streamed.train(rows_of(folder, "number", window=1.0), **options)
    again = memory.train(data["x"], data["number"], **options)
    assert history.loss == again.loss
    assert history.n_steps == again.n_steps == 75
    assert_array_equal(streamed.weights[0], memory.weights[0])
    for one, other in zip(streamed.inputs, memory.inputs, strict=True):
        for name, array in one.arrays.items():
            assert_array_equal(array, other.arrays[name])


def test_weights_and_class_weights_go_along(folder, data) -> None:
    rows = rows_of(folder, "label", sample_weight="weight", window=1.0)
    for class_weight in (None, {"low": 3.0, "middle": 1.0, "high": 2.0}):
        settings = SETTINGS | {"class_weight": class_weight}
        memory = MLPClassifier(**settings).fit(data["x"], data["label"], data["weight"])
        same(MLPClassifier(**settings).fit(rows, None), memory)
    balanced = SETTINGS | {"class_weight": "balanced"}
    memory = MLPClassifier(**balanced).fit(data["x"], data["label"], data["weight"])
    assert_allclose(MLPClassifier(**balanced).fit(rows, None).coefs_[0], memory.coefs_[0], rtol=1e-6)
    scaled = SETTINGS | {"scale_targets": True}
    streamed = MLPRegressor(**scaled).fit(rows_of(folder, "number", window=1.0), None)
    memory = MLPRegressor(**scaled).fit(data["x"], data["number"])
    assert_allclose(streamed.target_scale_, memory.target_scale_, rtol=1e-12)
    assert_allclose(streamed.coefs_[0], memory.coefs_[0], rtol=1e-6)


def test_several_targets(folder, data) -> None:
    rows = ParquetRows(folder, ["number", "weight"], FEATURES, window=1.0)
    memory = MLPRegressor(**SETTINGS).fit(data["x"], np.column_stack([data["number"], data["weight"]]))
    same(MLPRegressor(**SETTINGS).fit(rows, None), memory)


@pytest.mark.parametrize(("window", "batch_size"), [(1, 37), (3, 200), (0.34, 1000), (1.0, 16)])
def test_bits_do_not_depend_on_how_rows_are_held(batch_size, window, folder, data, tmp_path) -> None:
    """Files, one file, a dataset, other portions and numbers of threads: the same row groups."""
    one = tmp_path / "one.parquet"
    pq.write_table(table_of(data), one, row_group_size=40)
    settings = SETTINGS | {"batch_size": batch_size, "max_iter": 2}
    first = MLPRegressor(**settings, n_threads=1).fit(rows_of(folder, "number", window=window), None)
    for source, options in (
        (one, {"batch_rows": 7}),
        (ds.dataset(folder), {}),
        ([folder / f"part{part}.parquet" for part in range(4)], {}),
        (f"{folder}/part?.parquet", {"batch_rows": 40}),
    ):
        rows = rows_of(source, "number", window=window, **options)
        same(MLPRegressor(**settings, n_threads=2).fit(rows, None), first)


def test_uneven_row_groups_and_fewer_than_blocks(data, tmp_path) -> None:
    sizes = [300, 5, 700, 1, 594]
    ends = np.cumsum(sizes)
    for part, end in enumerate(ends):
        pq.write_table(table_of(data, slice(end - sizes[part], end)), tmp_path / f"{part}.parquet")
    for window in (1, 1.0):
        reg = MLPRegressor(**SETTINGS | {"max_iter": 30}).fit(
            rows_of(tmp_path, "number", window=window), None
        )
        assert reg.t_ == 30 * 1600
        assert reg.score(frame_of(data), data["number"]) > 0.9


def test_every_row_is_taken_once_an_epoch(folder, data) -> None:
    """The engine's steps of an epoch have every row once: seen by a loss of one's own."""
    seen = []

    def loss(predictions, targets):
        seen.extend(targets.ravel().tolist())
        return 0.5 * float(((predictions - targets) ** 2).mean()), (predictions - targets) / len(targets)

    rows = rows_of(folder, "number", window=2)
    reg = MLPRegressor(**SETTINGS | {"loss": loss, "max_iter": 2, "batch_size": 90}).fit(rows, None)
    assert sorted(seen[:1600]) == sorted(seen[1600:]) == sorted(data["number"].tolist())
    assert seen[:1600] != seen[1600:]
    assert reg.n_iter_ == 2


def test_booleans_integers_and_float32(tmp_path) -> None:
    rng = np.random.default_rng(0)
    flag, count = rng.random(400) < 0.5, rng.integers(0, 9, 400)
    y = flag + 0.1 * count
    pq.write_table(
        pa.table({"flag": flag, "count": count, "y": y}), tmp_path / "x.parquet", row_group_size=50
    )
    x = np.column_stack([flag, count]).astype(float)
    rows = ParquetRows(tmp_path / "x.parquet", "y", window=1.0)
    same(MLPRegressor(**SETTINGS).fit(rows, None), MLPRegressor(**SETTINGS).fit(x, y))
    small = pa.table({"x": x[:, 1].astype(np.float32), "y": y})
    pq.write_table(small, tmp_path / "small.parquet", row_group_size=50)
    reg = MLPRegressor(**SETTINGS).fit(ParquetRows(tmp_path / "small.parquet", "y", window=1.0), None)
    assert reg.coefs_[0].dtype == np.float32
    same(reg, MLPRegressor(**SETTINGS).fit(x[:, 1:].astype(np.float32), y))


def test_predictions_are_those_of_rows_in_memory(folder, data) -> None:
    rows = rows_of(folder, "label", batch_rows=33)
    clf = MLPClassifier(**SETTINGS).fit(rows, None)
    assert_array_equal(clf.predict(rows), clf.predict(frame_of(data)))
    assert_array_equal(clf.predict_proba(rows), clf.predict_proba(frame_of(data)))
    with pytest.raises(ValueError, match=r"the rows have the columns 'c', 'b', 'a'; expected 'a', 'b', 'c'"):
        clf.predict(ParquetRows(folder, "label", FEATURES[::-1]))
