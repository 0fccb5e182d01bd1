"""Predictions and measures in portions: the numbers of the whole table in memory, and one error where not."""

import gzip
import os

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from numpy.testing import assert_array_equal

from chainrule import TableModel
from chainrule.table_models.evaluation import roc_auc
from chainrule.table_models.measuring import Measuring, Ranks
from chainrule.tables.errors import TableError, TableWarning
from chainrule.tables.portions import open_portions

N = 3000
#: So little memory that a portion has 256 rows.
LITTLE = 1000


@pytest.fixture(scope="module")
def houses() -> pa.Table:
    rng = np.random.default_rng(0)
    rooms, area = rng.integers(1, 9, N), rng.normal(100, 30, N)
    heating = rng.choice(["gas", "oil", "wood"], N)
    price = 50.0 * rooms + 40.0 * (heating == "gas") + area
    return pa.table(
        {
            "id": np.arange(N),
            "rooms": rooms,
            "heating": [None if k % 97 == 0 else one for k, one in enumerate(heating)],
            "area": area,
            "price": [None if k == 3 else one for k, one in enumerate(price.tolist())],
            "dear": price > 350,
            "kind": np.where(price > 400, "c", np.where(price > 300, "b", "a")),
            "weight": rng.random(N),
        }
    )


@pytest.fixture(scope="module")
def models(houses):
    whole = houses.filter(pa.compute.is_valid(houses["price"]))
    columns = ["rooms", "heating", "area"]
    return {
        name: TableModel.fit(whole.select([*columns, *targets]), list(targets), epochs=2)
        for name, targets in {
            "dear": ("dear",), "kind": ("kind",), "price": ("price",), "both": ("price", "weight"),
        }.items()
    }  # fmt: skip


@pytest.fixture(scope="module")
def folders(houses, tmp_path_factory):
    """The same rows as parts of Parquet, parts of CSV, and one CSV that is gzip."""
    folder = tmp_path_factory.mktemp("houses")
    (folder / "parquet").mkdir()
    (folder / "csv").mkdir()
    for k in range(3):
        rows = houses.slice(1000 * k, 1000)
        pq.write_table(rows, folder / "parquet" / f"{k}.parquet", row_group_size=300)
        # Columns in another order are the same rows.
        names = houses.column_names[:: 1 if k else -1]
        pyarrow.csv.write_csv(rows.select(names), folder / "csv" / f"{k}.csv")
    pyarrow.csv.write_csv(houses, folder / "all.csv")
    (folder / "all.csv.gz").write_bytes(gzip.compress((folder / "all.csv").read_bytes()))
    return folder


@pytest.mark.parametrize("name", ["dear", "kind", "price", "both"])
@pytest.mark.parametrize("source", ["parquet", "csv", "csv/*.csv", "all.csv.gz"])
@pytest.mark.filterwarnings("ignore:.*without a value")
def test_the_numbers_of_the_whole_table(name, source, models, houses, folders) -> None:
    model, table = models[name], folders / source
    assert_array_equal(model.predict(table, memory=LITTLE), model.predict(houses))
    if name in ("dear", "kind"):
        assert_array_equal(model.predict_proba(table, memory=LITTLE), model.predict_proba(houses))
    for weight in (None, "weight"):
        portions = model.evaluate(table, sample_weight=weight, memory=LITTLE)
        whole = model.evaluate(houses, sample_weight=weight)
        assert portions.n_samples == whole.n_samples
        pairs = [(portions, whole), *((portions.targets[key], whole.targets[key]) for key in whole.targets)]
        for one, other in pairs:
            assert one.measures == pytest.approx(other.measures, rel=1e-6)
            assert one.baseline == pytest.approx(other.baseline, rel=1e-6, abs=1e-9)


def test_what_is_in_memory_is_handed_out_too(models, houses) -> None:
    assert_array_equal(models["kind"].predict(houses, memory="1MB"), models["kind"].predict(houses))
    assert len(models["kind"].predict(houses.slice(0, 0), memory="1MB")) == 0
    assert models["both"].predict(houses.slice(0, 0), memory="1MB").shape == (0, 2)


def test_the_area_under_the_curve_is_exact_up_to_a_number_of_scores_then_bounded() -> None:
    rng = np.random.default_rng(0)
    classes, weights = rng.integers(0, 2, 20_000), rng.random(20_000)
    for dtype in (np.float32, np.float64):
        scores = (0.3 * classes + rng.random(20_000)).astype(dtype) / 2
        exact = roc_auc(scores, classes, weights)
        for most in (1 << 20, 1000, 100):
            ranks = Ranks(most)
            for part in np.array_split(np.arange(20_000), 7):
                ranks.add(scores[part], classes[part], weights[part])
            assert abs(ranks.area - exact) <= ranks.error + 1e-12
            assert (ranks.error == 0) == (most == 1 << 20)
            assert ranks.error < 4 / most


def test_measures_of_nothing_are_said(models) -> None:
    measuring = Measuring(models["price"].target)
    with pytest.raises(TableError, match="'price' has no values"):
        measuring.evaluation()
    measuring.add(np.zeros(3), np.zeros(3), np.zeros(3))
    with pytest.raises(TableError, match="all rows have the weight 0"):
        measuring.evaluation()


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_files_are_written_portion_by_portion(ending, models, houses, folders, tmp_path) -> None:
    small, large = tmp_path / f"small.{ending}", tmp_path / f"large.{ending}"
    options = {"proba": True, "keep": ["id", "heating"]}
    models["kind"].write_predictions(folders / "all.csv", small, memory=LITTLE, **options)
    models["kind"].write_predictions(folders / "all.csv", large, memory="1GB", **options)
    read = pyarrow.csv.read_csv if ending == "csv" else pq.read_table
    table = read(small)
    assert table.equals(read(large))
    assert table.schema.field("id").type == pa.int64()
    assert table.column_names == ["id", "heating", "prediction", *(f"probability_{k}" for k in "abc")]
    assert table["prediction"].to_pylist() == models["kind"].predict(houses).tolist()


def test_codes_that_begin_late_are_kept_as_they_are(models, tmp_path) -> None:
    lines = [f"{k},3,gas,100" for k in range(1, 900)] + ["007,3,gas,100"]
    (tmp_path / "new.csv").write_text("\n".join(["id,rooms,heating,area", *lines]))
    models["kind"].write_predictions(
        tmp_path / "new.csv", tmp_path / "out.parquet", keep=["id"], memory=LITTLE
    )
    assert pq.read_table(tmp_path / "out.parquet")["id"].to_pylist()[-2:] == ["899", "007"]


def test_unknown_categories_are_one_warning(models, tmp_path) -> None:
    lines = [f"3,{'sun' if k % 100 == 0 else 'gas'},100" for k in range(1000)]
    (tmp_path / "new.csv").write_text("\n".join(["rooms,heating,area", *lines]))
    with pytest.warns(TableWarning, match=r"'heating' \('sun', 10 rows\)") as told:
        models["kind"].predict(tmp_path / "new.csv", memory=LITTLE)
    assert len(told) == 1


def test_a_mark_that_other_rows_decide_is_an_error(models, tmp_path) -> None:
    fitted = {"x": ["1", "2", "3", "4"] * 50, "y": [1.5, 2.5, 3.5, 4.5] * 50}
    model = TableModel.fit(fitted, "y", epochs=1)
    assert model.preprocessor.columns[0].reading.mark is None
    (tmp_path / "new.csv").write_text("\n".join(["x;z", *["1,500;1"] * 600, *["1,5;1"] * 600]))
    words = "'x' has decimal commas in some rows, and in others numbers such as 1,234.*: --decimal"
    with pytest.raises(TableError, match=words):
        model.predict(tmp_path / "new.csv", memory=LITTLE)
    told = model.read_with(decimal=",")
    assert_array_equal(told.predict(tmp_path / "new.csv", memory=LITTLE), model.predict(tmp_path / "new.csv"))
    dates = {"day": ["2024-01-31", "2024-02-28"] * 50, "y": [1.5, 2.5] * 50}
    model = TableModel.fit(dates, "y", epochs=1)
    (tmp_path / "days.csv").write_text("\n".join(["day;z", *["3/4/2024;1"] * 600, *["31/4/2024;1"] * 600]))
    if model.preprocessor.columns[0].reading.day_first is None:
        with pytest.raises(TableError, match="'day' has"):
            model.predict(tmp_path / "days.csv", memory=LITTLE)


def test_what_is_wrong_far_down_is_one_error_and_the_old_file_stays(models, folders, tmp_path) -> None:
    out = tmp_path / "out.csv"
    out.write_text("old")

    def fails(lines, words, header="rooms,heating,area"):
        (tmp_path / "new.csv").write_text("\n".join([header, *lines]))
        with pytest.raises(TableError, match=words):
            models["kind"].write_predictions(tmp_path / "new.csv", out, memory=LITTLE)
        assert out.read_text() == "old"
        assert sorted(os.listdir(tmp_path)) == ["new.csv", "out.csv"]

    good = ["3,gas,100"] * 1000
    fails([*good, "3,gas,many", *good], r"'area' has the text 'many' in row \d+.*counted from row \d+")
    fails([*good, "3,gas,100,7", *good], r"line 1,002 of .*new.csv has 4 fields, expected 3")
    fails(good, "the table lacks 'area'", header="rooms,heating,garden")


def test_lines_at_the_end_that_are_no_rows_are_left_out(models, tmp_path) -> None:
    (tmp_path / "new.csv").write_text("\n".join(["rooms,heating,area", *["3,gas,100"] * 1000, "Source: me"]))
    with pytest.warns(TableWarning, match=r"the last line of .* was left out.*'Source: me'"):
        assert len(models["kind"].predict(tmp_path / "new.csv", memory=LITTLE)) == 1000


def test_files_that_are_no_table_together(models, folders, tmp_path) -> None:
    def fails(source, words):
        with pytest.raises((TableError, OSError), match=words):
            models["kind"].predict(source, memory=LITTLE)

    fails(tmp_path / "none.csv", "none.csv is not there")
    fails(tmp_path, "has no files")
    fails([folders / "parquet" / "0.parquet", folders / "all.csv"], "expected files of one kind")
    (tmp_path / "a.csv").write_text("rooms,heating,area\n3,gas,100\n")
    (tmp_path / "b.csv").write_text("rooms,heating\n3,gas\n")
    fails(tmp_path / "*.csv", r"b\.csv has no column 'area', which .*a\.csv has")
    (tmp_path / "empty.csv").write_text("")
    fails(tmp_path / "empty.csv", "is empty")
    whole = (folders / "parquet" / "0.parquet").read_bytes()
    (tmp_path / "half.parquet").write_bytes(whole[: len(whole) // 2])
    fails(tmp_path / "half.parquet", r"half\.parquet cannot be read as Parquet")


def test_a_file_that_goes_away_meanwhile(models, houses, tmp_path) -> None:
    for k in range(2):
        pq.write_table(houses.slice(1000 * k, 1000), tmp_path / f"{k}.parquet", row_group_size=100)
    portions = open_portions(tmp_path, rows=100)
    rows = portions.of(["rooms"])
    next(rows)
    (tmp_path / "1.parquet").unlink()
    with pytest.raises(TableError, match=r"1\.parquet cannot be read"):
        list(rows)
