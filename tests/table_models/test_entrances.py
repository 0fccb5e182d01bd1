"""A table gives the same predictions whichever way it comes: fitted by one entrance, asked by another."""

import gzip
import itertools
import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chainrule.io import TableError, TableModel
from chainrule.tables.tables import open_table

polars = pytest.importorskip("polars")


def as_csv(table, path):
    path.write_text(as_text(table))
    return path


def as_text(table, delimiter=","):
    columns = [
        ["" if value is None else str(value) for value in column] for column in table.to_pydict().values()
    ]
    rows = [delimiter.join(map('"{}"'.format, row)) for row in zip(*columns, strict=True)]
    return "\n".join([delimiter.join(map('"{}"'.format, table.column_names)), *rows]) + "\n"


def as_gzip(table, path):
    path.write_bytes(gzip.compress(as_text(table, ";").encode("utf-16")))
    return path


def as_parquet(table, path):
    pyarrow.parquet.write_table(table, path)
    return path


def as_parts(table, path):
    path.mkdir()
    half = table.num_rows // 2
    pyarrow.parquet.write_table(table.slice(0, half), path / "part-0.parquet")
    pyarrow.parquet.write_table(table.slice(half), path / "part-1.parquet")
    (path / "_SUCCESS").touch()
    return path


def as_json(table, path):
    path.write_text(json.dumps(table.to_pylist(), default=str))
    return path


def as_categories(table, path):
    frame = table.to_pandas()
    return frame.assign(heating=frame.heating.astype("category"))


def with_index(table, path):
    frame = table.to_pandas()
    frame.index = pd.Index(np.arange(len(frame)) + 7, name="customer")
    frame.to_parquet(path)
    return path


ENTRANCES = {
    "csv": as_csv,
    "gzip in utf-16": as_gzip,
    "parquet": as_parquet,
    "parts": as_parts,
    "parquet with an index": with_index,
    "json": as_json,
    "rows": lambda table, path: json.loads(json.dumps(table.to_pylist(), default=str)),
    "pandas": lambda table, path: table.to_pandas(),
    "pandas on arrow": lambda table, path: table.to_pandas(types_mapper=pd.ArrowDtype),
    "pandas objects": lambda table, path: table.to_pandas().astype(object),
    "categories": as_categories,
    "polars": lambda table, path: polars.from_arrow(table),
    "lazy": lambda table, path: polars.from_arrow(table).lazy(),
    "pyarrow": lambda table, path: table,
    "dictionary": lambda table, path: table.to_pydict(),
}


def make(n=160, *, zone=None):
    rng = np.random.default_rng(0)
    rooms = [None if k % 9 == 0 else int(value) for k, value in enumerate(rng.integers(1, 9, n))]
    size = rng.normal(90, 20, n).round(2)
    heating = [
        None if k % 11 == 0 else str(word) for k, word in enumerate(rng.choice(["gas", "oil", "wood"], n))
    ]
    sold = pa.array(rng.integers(1_500_000_000, 1_600_000_000, n), pa.timestamp("s", tz=zone))
    price = size * 3 + [5.0 if word == "gas" else 0.0 for word in heating]
    took = [None if k % 13 == 0 else int(value) for k, value in enumerate(rng.integers(0, 300_000, n))]
    columns = {"rooms": rooms, "size": size, "heating": heating, "garden": rng.random(n) < 0.5, "sold": sold}
    columns["took"] = pa.array(took, pa.duration("s"))
    columns["opens"] = pa.array(rng.integers(0, 86_400, n).astype("int32"), pa.time32("s"))
    return pa.table(columns | {"price": price})


@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Berlin"])
def test_every_pair_of_entrances(tmp_path, zone):
    table = make(zone=zone)
    forms = {name: enter(table, tmp_path / str(k)) for k, (name, enter) in enumerate(ENTRANCES.items())}
    fit = {"epochs": 2, "hidden_layer_sizes": 8, "dtype": "float64"}
    expected, strange = None, []
    for fitted, asked in itertools.product(forms, forms):
        if asked == next(iter(forms)):
            model = TableModel.fit(forms[fitted], "price", **fit)
        found = model.predict(forms[asked])
        expected = found if expected is None else expected
        if not np.allclose(found, expected, rtol=1e-9):
            strange.append((fitted, asked))
    assert strange == []


@pytest.mark.parametrize("kind", [pa.duration("ms"), pa.time64("us")])
def test_durations_and_times_are_predicted_in_seconds(tmp_path, kind):
    rng = np.random.default_rng(0)
    x = rng.integers(0, 86_000, 200)  # seconds
    unit = 1_000_000 if pa.types.is_time(kind) else 1_000
    table = pa.table({"x": x, "took": pa.array(x * unit, kind)})
    predicted = []
    for way in ("csv", "parquet", "pandas", "polars"):
        form = ENTRANCES[way](table, tmp_path / way)
        model = TableModel.fit(form, "took", epochs=20, hidden_layer_sizes=8, dtype="float64")
        assert model.task == "regression"
        assert any("seconds" in note for note in model.notes)
        predicted.append(model.predict(form))
        assert model.evaluate(form).measures["r2"] > 0.9
    assert np.allclose(predicted, predicted[0])
    assert predicted[0].max() > 40_000


@given(
    st.lists(
        st.tuples(
            st.none() | st.floats(-1e6, 1e6).map(lambda x: round(x, 3)),
            st.none() | st.sampled_from(["gas", "oil", "Gr\u00f6\u00dfe", "a,b", "x;y"]),
            st.none() | st.dates(),
        ),
        min_size=30,
        max_size=40,
    )
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_table_as_text_and_typed(tmp_path, rows):
    numbers, words, days = zip(*rows, strict=True)
    table = pa.table(
        {
            "x": pa.array(numbers, pa.float64()),
            "word": pa.array(words, pa.string()),
            "day": pa.array(days, pa.date32()),
            "y": np.sin(np.arange(len(rows)) + 0.5),
        }
    )
    path = as_csv(table, tmp_path / "t.csv")
    options = {"epochs": 1, "hidden_layer_sizes": 4, "dtype": "float64", "ignore": []}
    try:
        typed = TableModel.fit(table, "y", **options)
    except TableError:
        with pytest.raises(TableError):
            TableModel.fit(path, "y", **options)
        return
    text = TableModel.fit(path, "y", **options)
    assert text.preprocessor.feature_names == typed.preprocessor.feature_names
    for model in (typed, text):
        assert np.allclose(model.predict(path), typed.predict(table), rtol=1e-9)


def test_an_ensemble_gives_the_same_predictions_by_each_entrance(tmp_path):
    table = make(60)
    forms = {name: enter(table, tmp_path / str(k)) for k, (name, enter) in enumerate(ENTRANCES.items())}
    expected, strange = None, []
    for name, form in list(forms.items())[::3]:
        model = TableModel.fit(form, "price", preset="fast")
        found = [model.predict(form), model.predict(table)]
        expected = found[0] if expected is None else expected
        if not np.allclose(found, expected, rtol=1e-6):
            strange.append(name)
    strange += [name for name, form in forms.items() if not np.allclose(model.predict(form), found[1])]
    assert strange == []


@pytest.fixture(scope="module")
def ensemble():
    return TableModel.fit(make(60), "price", preset="fast")


def slowly(model, table):
    """Return the inputs by the way that tables of many rows take."""
    return model.estimator.member_inputs(model._features(table))


ROWS = {
    "mapping": lambda table: table.to_pylist()[0],
    "list": lambda table: table.to_pylist(),
    "columns": lambda table: table.to_pydict(),
    "pandas": lambda table: table.to_pandas(),
    "pandas objects": lambda table: table.to_pandas().astype(object),
    "polars": lambda table: polars.from_arrow(table),
    "pyarrow": lambda table: table,
}


@pytest.mark.parametrize("way", ROWS)
def test_a_row_alone_is_predicted_as_in_its_table(ensemble, way):
    table = make(60).drop_columns(["price"])
    together, inputs = ensemble.predict(table), slowly(ensemble, table)
    n_quick = 0
    for k in range(60):
        row = ROWS[way](table.slice(k, 1))
        quick = ensemble._single_row(row)
        n_quick += quick is not None
        np.testing.assert_array_equal(slowly(ensemble, row) if quick is None else quick, inputs[[k]])
        np.testing.assert_allclose(ensemble.predict(row), together[[k]], rtol=1e-6)
    assert n_quick == 0 or way not in ("columns", "pyarrow")


@given(
    st.fixed_dictionaries(
        {
            "rooms": st.none()
            | st.integers(-9, 9)
            | st.floats()
            | st.sampled_from(["7", "2.5", " 3", "x", "NA"]),
            "size": st.none() | st.floats(allow_infinity=True) | st.sampled_from(["7e1", "1,5"]),
            "heating": st.none() | st.sampled_from(["gas", "oil", "coal", " gas", "NA", "", 7, 1.5, True]),
            "garden": st.none() | st.sampled_from([True, False, "true", "True", 1, 0]),
            "sold": st.none() | st.dates() | st.datetimes() | st.sampled_from(["2017-03-04", "4.3.2017"]),
        }
    )
)
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_read_quickly_is_read_alike(ensemble, row):
    quick = ensemble._single_row(row)
    if quick is not None:  # and then nothing is to be warned of
        np.testing.assert_array_equal(quick, slowly(ensemble, row))


def test_german_text_of_typed_columns(tmp_path):
    """A model of typed columns reads text; one of decimal commas reads numbers."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"x": rng.normal(size=200).round(3), "y": rng.normal(size=200).round(3)})
    frame.to_csv(tmp_path / "de.csv", sep=";", decimal=",", index=False)
    german = TableModel.fit(tmp_path / "de.csv", "y", epochs=2)
    typed = TableModel.fit(frame, "y", epochs=2)
    strings = frame.map(lambda value: f"{value:.3f}".replace(".", ","))
    for model in (german, typed):
        assert np.array_equal(model.predict(frame), model.predict(tmp_path / "de.csv"))
        assert np.array_equal(model.predict(frame), model.predict(strings))
    assert np.array_equal(german.predict(frame), typed.predict(frame))


@pytest.mark.parametrize(
    ("values", "features"),
    [
        (pd.cut(pd.Series(range(60)), [-1, 20, 60]), ["c=(-1, 20]", "c=(20, 60]"]),
        (pd.arrays.IntervalArray.from_tuples([(k % 2, 3) for k in range(60)]), ["c=(0, 3]", "c=(1, 3]"]),
        (pd.Series(pd.period_range("2020-01", periods=60, freq="M")), ["c"]),
        (pd.arrays.SparseArray([0, 1, 2] * 20), ["c"]),
        (pd.arrays.SparseArray([True, False] * 30), ["c=false", "c=true"]),
        (pd.Series([True, None] * 30, dtype="boolean"), ["c=true", "c is missing"]),
        (pd.Series([1, 2, None] * 20, dtype="Int64"), ["c", "c is missing"]),
        (pd.Series([pd.Timedelta(hours=k % 7) for k in range(60)]), ["c"]),
        ([1, 2.5, "n/a", 3] * 15, ["c", "c is missing"]),
        (np.arange(60, dtype=np.float16) % 7, ["c"]),
        ([np.datetime64("2024-01-01") + k for k in range(60)], ["c"]),
        (pa.array(["a", "b", None] * 20, pa.string_view()), ["c=a", "c=b", "c is missing"]),
        (pa.array([1.5, 2.5, None] * 20).dictionary_encode(), ["c=1.5", "c=2.5", "c is missing"]),
        (pc.run_end_encode(pa.array([1.5] * 30 + [2.5] * 30)), ["c"]),
        (pa.array([__import__("decimal").Decimal(k % 7) for k in range(60)]), ["c"]),
    ],
)
def test_types_of_other_libraries(values, features):
    columns = {"c": values, "y": np.sin(np.arange(60))}
    model = TableModel.fit(columns, "y", epochs=1, hidden_layer_sizes=4)
    assert model.preprocessor.feature_names == features
    assert np.isfinite(model.predict(columns)).all()


def test_values_that_are_no_column():
    y = np.sin(np.arange(60))
    with pytest.raises(TableError, match=r"column 'c' has the value '\[1\]' of type list, expected numbers"):
        TableModel.fit({"c": [[1], 2] * 30, "y": y}, "y")
    with pytest.raises(TableError, match=r"column 'c' has the value .* of type complex"):
        TableModel.fit({"c": [1 + 2j] * 60, "y": y}, "y")
    with pytest.raises(TableError, match="no column 'y' to predict: it has no columns"):
        TableModel.fit({}, "y")
    with pytest.raises(TableError, match="column 'c' has 2 dimensions"):
        TableModel.fit({"c": np.zeros((60, 2)), "y": y}, "y")
    with pytest.raises(TableError, match="the columns have different lengths: 'c' 3, 'y' 60"):
        TableModel.fit({"c": [1, 2, 3], "y": y}, "y")
    with pytest.raises(TableError, match=r"no column to predict from.*'c' has values of type list"):
        TableModel.fit({"c": [[1]] * 60, "y": y}, "y")
    with pytest.raises(TableError, match="the column name 'c' more than once"):
        TableModel.fit(pd.DataFrame(np.zeros((60, 2)), columns=["c", "c"]).assign(y=y), "y")


def test_names_need_not_be_texts():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(60, 3)))
    model = TableModel.fit(frame, 2, epochs=1)
    assert (model.columns, model.target.name) == (["0", "1"], "2")
    assert len(model.predict(frame)) == 60
    assert len(model.predict({0: [1.0], "1": [2.0]})) == 1


def test_an_index_that_is_a_column_too():
    frame = pd.DataFrame({"x": np.arange(60.0) ** 2, "y": np.sin(np.arange(60))}).set_index("x", drop=False)
    assert TableModel.fit(frame, "y", epochs=1).columns == ["x"]


def test_one_row_as_a_mapping():
    model = TableModel.fit(
        {"x": [1.0, 2.5] * 20, "town": ["a", "b"] * 20, "y": [0.5, 1.5] * 20}, "y", epochs=1
    )
    assert model.predict({"x": 1.0, "town": "b"}).shape == (1,)


def test_a_folder_of_parts(tmp_path):
    with pytest.raises(IsADirectoryError, match="without Parquet files"):
        open_table(tmp_path)
    pyarrow.parquet.write_table(pa.table({"a": [1]}), tmp_path / "x.parquet")
    (tmp_path / "year=2024").mkdir()
    pyarrow.parquet.write_table(pa.table({"a": [2.5]}), tmp_path / "year=2024" / "y.parquet")
    source = open_table(tmp_path)
    assert source.read(["a"]).to_pydict() == {"a": [1, 2.5]}
    pyarrow.parquet.write_table(pa.table({"b": [2.5]}), tmp_path / "z.parquet")
    with pytest.raises(TableError, match=r"parts with different columns: z\.parquet"):
        open_table(tmp_path)


def test_names_with_points_in_parquet(tmp_path):
    table = pa.table({"a.b": [1, 2], "a": [{"b": 3}, {"b": 4}]})
    pyarrow.parquet.write_table(table, tmp_path / "t")
    assert open_table(tmp_path / "t").read(["a.b"]).to_pydict() == {"a.b": [1, 2]}


def test_dates_that_are_whole_numbers(tmp_path):
    days = pd.Series(pd.date_range("2020-01-01", periods=90, freq="9D"))
    numbers = days.dt.strftime("%Y%m%d").astype(int)
    y = np.sin(np.arange(90))
    tables = [
        pd.DataFrame({"day": column, "y": y})
        for column in (numbers, numbers.where(numbers.index != 7), numbers.astype(str), days)
    ]
    paths = [tmp_path / "t.csv", tmp_path / "t.parquet"]
    tables[0].to_csv(paths[0], index=False)
    tables[0].to_parquet(paths[1])
    found = [
        TableModel.fit(table, "y", epochs=2).predict(tables[3]) for table in (tables[0], tables[2], *paths)
    ]
    assert all(np.array_equal(one, found[0]) for one in found)
    model = TableModel.fit(tables[1], "y", epochs=2)
    assert model.preprocessor.feature_names == ["day", "day is missing"]
    assert [column.kind for column in model.preprocessor.columns] == ["date"]
    expected = model.predict(tables[3])
    assert all(np.array_equal(model.predict(table), expected) for table in (tables[0], tables[2], *paths))
    with pytest.raises(TableError, match="column 'day' has the text '20240230' in row 1, expected a date"):
        model.predict({"day": [20240230]})
    with pytest.raises(TableError, match="column 'day' has values of type double, expected dates"):
        model.predict({"day": [2024.5]})


def test_views_of_text_and_bytes_and_text_that_is_no_unicode():
    y = np.arange(40) + 0.5
    words = pa.array(["a", "b"] * 20, pa.string_view())
    table = pa.table({"x": words, "raw": pa.array([b"a", b"b"] * 20, pa.binary_view()), "y": y})
    model = TableModel.fit(table, "y", epochs=1, hidden_layer_sizes=2)
    assert model.columns == ["x"]
    assert "binary" in model.preprocessor.left_out["raw"]
    with pytest.raises(TableError, match="column 'x' has text that is no Unicode"):
        TableModel.fit({"x": ["a\ud800", "b"] * 20, "y": y}, "y", epochs=1)


def test_classes_beyond_whole_numbers_of_64_bits_keep_their_values():
    labels = [10**25, 2 * 10**25] * 20
    model = TableModel.fit({"x": np.tile([0.0, 1.0], 20), "y": labels}, "y", epochs=1, task="classification")
    assert sorted(model.target.classes) == [1e25, 2e25]
