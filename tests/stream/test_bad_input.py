"""What a stream cannot be is one clear error; what was saved before is whole."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.testing import assert_array_equal

import chainrule
from chainrule import LBFGS, MLPClassifier, MLPRegressor, Network
from chainrule.stream import ParquetRows, StreamError, StreamWarning

from .conftest import FEATURES, table_of

pytestmark = pytest.mark.filterwarnings("ignore:.*hasn't converged")


def written(tmp_path, table, name="x.parquet", **options):
    pq.write_table(table, tmp_path / name, **options)
    return tmp_path / name


def test_no_rows_and_no_files(tmp_path) -> None:
    path = written(tmp_path, pa.table({"x": pa.array([], pa.float64()), "y": pa.array([], pa.float64())}))
    with pytest.raises(StreamError, match=r"x\.parquet has no rows, expected at least one"):
        ParquetRows(path, "y")
    with pytest.raises(StreamError, match=r"elsewhere\.parquet is not there; expected Parquet files"):
        ParquetRows(tmp_path / "elsewhere.parquet", "y")
    with pytest.raises(StreamError, match=r"x\.parquet is an address.*; pyarrow\.dataset\.dataset opens it"):
        ParquetRows("s3://bucket/x.parquet", "y")
    with pytest.raises(StreamError, match=r"big\*\.parquet is not there"):
        ParquetRows(f"{tmp_path}/big*.parquet", "y")
    (tmp_path / "empty").mkdir()
    with pytest.raises(StreamError, match=r"empty has no files \*\.parquet"):
        ParquetRows(tmp_path / "empty", "y")
    for nothing in (None, 3, {"a": [1.0]}, [None]):
        with pytest.raises(StreamError, match=r"rows are of type .*; expected paths of Parquet files"):
            ParquetRows(nothing, "y")
    with pytest.raises(StreamError, match="there are no paths"):
        ParquetRows([], "y")


def test_a_file_that_is_no_parquet_or_ends_early(tmp_path, folder) -> None:
    text = tmp_path / "text.parquet"
    text.write_text("a,b\n1,2\n")
    with pytest.raises(StreamError, match=r"text\.parquet cannot be read as Parquet"):
        ParquetRows(text, "y")
    whole = (folder / "part0.parquet").read_bytes()
    (tmp_path / "half.parquet").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(StreamError, match=r"half\.parquet cannot be read as Parquet"):
        ParquetRows([folder / "part1.parquet", tmp_path / "half.parquet"], "number", FEATURES)


def test_a_file_with_other_columns_or_types(tmp_path, data) -> None:
    written(tmp_path, table_of(data), "a.parquet")
    other = table_of(data)
    written(tmp_path, other.drop_columns(["b"]), "b.parquet")
    with pytest.raises(StreamError, match=r"b\.parquet has no column 'b', which other files have"):
        ParquetRows(tmp_path, "number", FEATURES)
    written(tmp_path, other.set_column(1, "b", other["b"].cast(pa.float32())), "b.parquet")
    with pytest.raises(StreamError, match=r"column 'b' is float in .*b\.parquet, but double in the first"):
        ParquetRows(tmp_path, "number", FEATURES)
    # The same columns in another order are the same rows.
    written(tmp_path, other.select(other.column_names[::-1]), "b.parquet")
    both = ParquetRows(tmp_path, "number", FEATURES)
    assert both.n_rows == 3200
    first, *_, last = both.batches()
    assert_array_equal(first.x, last.x)


def test_columns_that_are_no_numbers_or_not_there(folder) -> None:
    with pytest.raises(StreamError, match=r"column 'label' is string; expected numbers"):
        ParquetRows(folder, "number")
    with pytest.raises(StreamError, match=r"has no column 'nmber'; it has .*did you mean 'number'"):
        ParquetRows(folder, "nmber")
    with pytest.raises(StreamError, match="columns has the target 'number', too"):
        ParquetRows(folder, "number", ["a", "number"])
    with pytest.raises(StreamError, match="columns is empty"):
        ParquetRows(folder, "number", [])
    with pytest.raises(TypeError, match="columns is 'abc'; expected a list of names"):
        ParquetRows(folder, "number", "abc")
    for window in (0, 0.0, 1.5, -3):
        with pytest.raises(ValueError, match="window is"):
            ParquetRows(folder, "number", FEATURES, window=window)
    with pytest.raises(ValueError, match="batch_rows is 0"):
        ParquetRows(folder, "number", FEATURES, batch_rows=0)


@pytest.mark.parametrize(
    ("name", "bad", "words"),
    [
        ("b", None, r"column 'b', row 93 of all rows \(.*\) is missing; fill missing values in first"),
        ("b", float("inf"), r"column 'b', row 93 .* is inf; expected finite numbers"),
        ("b", 1e300, r"column 'b', row 93 .* is too large for float32; scale it"),
        ("number", None, r"column 'number', row 93 .* is missing"),
        ("weight", -1.0, r"column 'weight', row 93 .* is a weight below 0"),
    ],
)
def test_values_that_cannot_be_are_named(name, bad, words, data, tmp_path) -> None:
    table = table_of(data)
    values = table[name].to_pylist()
    values[93] = bad
    place = table.column_names.index(name)
    path = written(tmp_path, table.set_column(place, name, pa.array(values)), row_group_size=50)
    rows = ParquetRows(path, "number", FEATURES, sample_weight="weight")
    net = Network([3, 4, 1], dtype="float32", random_state=0)
    with pytest.raises(StreamError, match=words):
        net.train(rows, epochs=2, row_blocks=2)


def test_a_file_that_goes_away_while_training_leaves_what_was_saved(data, tmp_path) -> None:
    paths = [
        written(tmp_path, table_of(data, slice(400 * k, 400 * k + 400)), f"{k}.parquet", row_group_size=50)
        for k in range(4)
    ]
    rows = ParquetRows(tmp_path, "number", FEATURES, window=0.2)
    saved = tmp_path / "checkpoint.safetensors"

    def spoil(record):
        if record.epoch == 2:
            paths[2].unlink()

    reg = MLPRegressor(
        hidden_layer_sizes=(8,), row_blocks=4, max_iter=9, random_state=0, checkpoint=saved, callbacks=spoil
    )
    with pytest.raises(StreamError, match=r"2\.parquet cannot be read"):
        reg.fit(rows, None)
    assert chainrule.load(saved).n_iter_ in (1, 2)
    whole = table_of(data, slice(800, 1200))
    pq.write_table(whole, paths[2], row_group_size=50)
    rows = ParquetRows(sorted(paths), "number", FEATURES, window=0.2)
    resumed = MLPRegressor(
        hidden_layer_sizes=(8,), row_blocks=4, max_iter=4, random_state=0, checkpoint=saved
    )
    resumed.fit(rows, None, resume=True)
    expected = MLPRegressor(hidden_layer_sizes=(8,), row_blocks=4, max_iter=4, random_state=0).fit(rows, None)
    assert_array_equal(resumed.coefs_[0], expected.coefs_[0])
    paths[1].write_bytes(paths[1].read_bytes()[:2000])
    with pytest.raises(StreamError, match=r"1\.parquet cannot be read"):
        expected.fit(rows, None)


def test_what_a_stream_is_not_for(folder) -> None:
    rows = ParquetRows(folder, "number", FEATURES)
    labels = ParquetRows(folder, "label", FEATURES)
    for call, error, words in (
        (lambda: MLPRegressor().fit(rows, [1.0]), TypeError, "y is given beside ParquetRows"),
        (lambda: MLPRegressor().fit(rows, None, [1.0]), TypeError, "sample_weight is given beside"),
        (lambda: MLPRegressor(solver="lbfgs").fit(rows, None), ValueError, "lbfgs.* all rows at once"),
        (lambda: MLPRegressor().partial_fit(rows, None), TypeError, "partial_fit takes arrays"),
        (lambda: MLPRegressor(scoring="r2").fit(rows, None), ValueError, "scoring measures rows in memory"),
        (lambda: MLPClassifier().fit(rows, None), ValueError, "continuous"),
        (lambda: MLPRegressor().fit(labels, None), ValueError, "could not convert string to float|dtype"),
        (lambda: MLPRegressor(row_blocks=0).fit(rows, None), ValueError, "row_blocks"),
        (lambda: MLPRegressor(row_blocks=8, batch_size=4).fit(rows, None), ValueError, "cannot give"),
        (lambda: Network([3, 1]).train(rows, [1.0]), TypeError, "y is given beside ParquetRows"),
        (lambda: Network([2, 1]).train(rows), ValueError, "3 columns; expected 2"),
        (lambda: Network([3, 1]).train(rows, optimizer=LBFGS()), ValueError, "LBFGS takes all rows at once"),
        (lambda: Network([3, 1]).train(labels), TypeError, "text must be encoded"),
    ):
        with pytest.raises(error, match=words):
            call()


def test_sorted_files_are_warned_of(data, tmp_path) -> None:
    by_label = table_of(data).sort_by("label")
    path = written(tmp_path, by_label, row_group_size=40)
    words = r"\d\d% of the variation of 'label' is between row groups.*raise window= \(now 0\.1\)"
    with pytest.warns(StreamWarning, match=words):
        MLPClassifier((4,), row_blocks=4, max_iter=1).fit(ParquetRows(path, "label", FEATURES), None)
    by_number = written(tmp_path, table_of(data).sort_by("number"), "n.parquet", row_group_size=40)
    with pytest.warns(StreamWarning, match="'number' is between row groups"):
        Network([3, 1]).train(ParquetRows(by_number, "number", FEATURES, window=2), epochs=1)
    MLPClassifier((4,), row_blocks=4, max_iter=1).fit(ParquetRows(path, "label", FEATURES, window=1.0), None)
