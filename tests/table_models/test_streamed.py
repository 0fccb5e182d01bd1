"""Tables larger than memory: columns are learned as of the whole table, and the model predicts."""

import gc
import tempfile
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

import chainrule
from chainrule import TableModel
from chainrule.table_models.converting import converted
from chainrule.table_models.posing import pose, question
from chainrule.tables.columns import fit_column
from chainrule.tables.errors import ParameterError, TableError, TableWarning
from chainrule.tables.summaries import ColumnSummary

N = 6000


@pytest.fixture(scope="module")
def houses() -> pa.Table:
    rng = np.random.default_rng(0)
    rooms = rng.integers(1, 9, N)
    heating = rng.choice(["gas", "oil", "wood"], N, p=[0.6, 0.39, 0.01])
    area = rng.normal(100, 30, N)
    price = 50.0 * rooms + 40.0 * (heating == "gas") + area + rng.normal(size=N)
    return pa.table(
        {
            "rooms": rooms,
            "heating": [None if k % 97 == 0 else one for k, one in enumerate(heating)],
            "area": [None if k % 89 == 0 else one for k, one in enumerate(area.tolist())],
            "garage": rng.random(N) < 0.3,
            "sold": pa.array(rng.integers(18_000, 19_000, N).astype("datetime64[D]")),
            "id": np.arange(N),
            "price": [None if k == 3 else one for k, one in enumerate(price.tolist())],
            "dear": np.where(price > np.median(price), "dear", "cheap"),
            "weight": rng.random(N),
        }
    )


@pytest.fixture(scope="module")
def folder(houses, tmp_path_factory):
    folder = tmp_path_factory.mktemp("houses")
    for part in range(3):
        rows = houses.slice(2000 * part, 2000)
        pq.write_table(rows, folder / f"part{part}.parquet", row_group_size=100)
    return folder


@pytest.mark.parametrize("n_parts", [1, 3, 50])
def test_a_column_is_that_of_the_whole_table(n_parts, houses) -> None:
    for name in houses.column_names[:-1]:
        whole = fit_column(name, houses[name])
        parts = [ColumnSummary(name, houses[name].type, None) for _ in range(n_parts)]
        for k, part in enumerate(parts):
            begin, end = N * k // n_parts, N * (k + 1) // n_parts
            part.add(houses[name].slice(begin, end - begin))
        for part in parts[1:]:
            parts[0].merge(part)
        merged = parts[0].column()
        if isinstance(whole, str) or not hasattr(whole, "mean"):
            reading = {} if isinstance(whole, str) else {"reading": whole.reading}
            assert merged == whole, reading
        else:
            assert merged.mean == pytest.approx(whole.mean, rel=1e-12)
            assert merged.scale == pytest.approx(whole.scale, rel=1e-12)
            assert (merged.kind, merged.missing) == (whole.kind, whole.missing)


@given(
    exponents=st.lists(st.integers(-300, 307), min_size=1, max_size=4),
    n=st.integers(2, 40),
    seed=st.integers(0, 2**32 - 1),
)
def test_numbers_of_any_size_are_summed_up(exponents, n, seed) -> None:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=n) * 10.0 ** rng.choice(np.array(exponents, dtype=float), n)
    whole = fit_column("x", pa.chunked_array([values]))
    merged = ColumnSummary("x", pa.float64(), None)
    for part in np.array_split(values, 3):
        one = ColumnSummary("x", pa.float64(), None)
        one.add(pa.chunked_array([part]))
        merged.merge(one)
    found = merged.column()
    largest = np.abs(values).max()
    assert found.mean == pytest.approx(whole.mean, rel=1e-12, abs=1e-12 * largest)
    assert found.scale == pytest.approx(whole.scale, rel=1e-12)


@pytest.mark.parametrize("memory", ["60kB", "2GB"])
def test_numbers_are_learned(memory, houses, folder, tmp_path) -> None:
    settings = {"ignore": "dear", "sample_weight": "weight", "epochs": 15, "test_fraction": 0.1}
    with pytest.warns(TableWarning, match="without a value of 'price' dropped"):
        model = TableModel.fit(folder, "price", memory=memory, **settings)
    assert model.test.measures["r2"] > 0.95
    assert model.preprocessor.left_out == {"id": "only counts the rows"}
    rows = model.training["rows"]
    assert rows["training"] + rows["validation"] < N - 400
    assert 400 < rows["validation"] < 700
    model.save(tmp_path / "model")
    again = chainrule.load(tmp_path / "model")
    assert (again.predict(houses.slice(0, 50)) == model.predict(houses.slice(0, 50))).all()


def test_classes_are_learned_from_a_pattern(houses, folder) -> None:
    model = TableModel.fit(
        f"{folder}/part*.parquet",
        "dear",
        ignore=["price"],
        memory="100kB",
        epochs=10,
        class_weight="balanced",
    )
    assert model.classes == ["cheap", "dear"]
    labels = model.predict(houses)
    assert (labels == np.array(houses["dear"].to_pylist())).mean() > 0.95
    assert model.training["epochs"] <= 10
    assert model.estimator.row_blocks == 8


def test_the_same_model_for_any_number_of_threads(folder) -> None:
    fits = [
        TableModel.fit(folder, "dear", memory="100kB", epochs=2, n_threads=n, row_blocks=4) for n in (1, 2)
    ]
    for one, other in zip(*(fit.estimator.coefs_ for fit in fits), strict=True):
        assert (one == other).all()


def test_a_sorted_file_is_warned_of(houses, tmp_path) -> None:
    pq.write_table(houses.sort_by("dear"), tmp_path / "sorted.parquet", row_group_size=100)
    with pytest.warns(TableWarning, match=r"of the variation of 'dear' is between row groups.*raise memory="):
        TableModel.fit(tmp_path / "sorted.parquet", "dear", ignore="price", memory="30kB", epochs=1)


def test_what_cannot_be_is_said(houses, folder, tmp_path) -> None:
    for memory in ("2 houses", 0, "-1GB"):
        with pytest.raises(ParameterError, match="expected a size such as"):
            TableModel.fit(folder, "price", memory=memory)
    with pytest.raises(TableError, match="is not there"):
        TableModel.fit(tmp_path / "none.parquet", "price", memory="1GB")
    with pytest.raises(ParameterError, match="all rows at once"):
        TableModel.fit(folder, "price", memory="1GB", solver="lbfgs")
    with pytest.raises(ParameterError, match="name of a column"):
        TableModel.fit(folder, "price", memory="1GB", sample_weight=np.ones(N))
    with pytest.raises(TableError, match="no column 'prize'"):
        TableModel.fit(folder, "prize", memory="1GB")
    pq.write_table(houses.slice(0, 20), tmp_path / "few.parquet")
    with pytest.raises(TableError, match="none is left to watch; fit it without memory="):
        TableModel.fit(tmp_path / "few.parquet", "dear", memory="1GB")


# CSV larger than memory.


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """Where temporary files go; nothing must be left there."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    gc.collect()
    assert not list(folder.iterdir())


@pytest.mark.filterwarnings("ignore:.*without a value of 'price'")
@pytest.mark.parametrize("target", ["price", "dear"])
def test_csv_is_converted_and_learned_as_parquet_is(target, houses, tmp_path, temporary) -> None:
    """The same columns as of the whole CSV in memory, whichever way the rows come."""
    (tmp_path / "parts").mkdir()
    for k in range(3):
        pyarrow.csv.write_csv(houses.slice(2000 * k, 2000), tmp_path / "parts" / f"{k}.csv")
    pyarrow.csv.write_csv(houses, tmp_path / "all.csv")
    options = {"ignore": ["dear" if target == "price" else "price", "id"], "sample_weight": "weight"}
    options |= {"epochs": 1, "missing": "none", "n_threads": 1}
    memory = TableModel.fit(tmp_path / "all.csv", target, **options)
    fits = [
        TableModel.fit(source, target, memory="200kB", **options)
        for source in (tmp_path / "all.csv", f"{tmp_path}/parts/*.csv")
    ]
    for fit in fits:
        assert fit.preprocessor.feature_names == memory.preprocessor.feature_names
        assert [one.reading for one in fit.preprocessor.columns] == [
            one.reading for one in memory.preprocessor.columns
        ]
        assert fit.task == memory.task
        assert fit.classes == memory.classes
        assert any("is converted to Parquet for this training" in note for note in fit.notes)
        assert_array_equal(fit.predict(tmp_path / "all.csv"), fits[0].predict(tmp_path / "all.csv"))
    for one, other in zip(fits[0].preprocessor.columns, memory.preprocessor.columns, strict=True):
        if hasattr(one, "mean"):  # of other training rows
            assert one.mean == pytest.approx(other.mean, abs=5 * other.scale / np.sqrt(N))


@pytest.mark.parametrize(
    ("first", "later", "words"),
    [
        ("1.5", "many", r"column 'x' has the text 'many' in row .*--text takes all as words"),
        ("1.5", "5k", "column 'x' has numbers with 'k', which the first .* do not have"),
        ("", "5", "column 'x' has no values in the first .* say what it is: --number or --text"),
        ("2024-01-31", "soon", "column 'x' has the text 'soon'"),
        ("true", "perhaps", "column 'x' has the text 'perhaps'"),
        ("7", "1,5", None),
        ("Elm", "7", None),
    ],
)
def test_what_the_first_rows_do_not_show_is_an_error_or_right(
    first, later, words, tmp_path, temporary, monkeypatch
) -> None:
    monkeypatch.setattr("chainrule.table_models.streamed.ROWS_TO_POSE", 500)
    others = {"1.5": "2.5", "2024-01-31": "2024-02-01", "true": "false", "7": "8", "Elm": "Oak"}
    lines = [f"{k % 7};{first if k % 2 else others.get(first, first)};{k % 5 + 0.5}" for k in range(1500)]
    lines.append(f"1;{later};2.5")
    path = tmp_path / "x.csv"
    path.write_text("\n".join(["a;x;y", *lines]))
    if words is None:
        model = TableModel.fit(path, "y", memory="1MB", epochs=1, n_threads=1)
        if first == "7":
            column = model.preprocessor.columns[1]
            assert column.mean == pytest.approx((750 * 7 + 750 * 8 + 1.5) / 1501, abs=0.1)
        return
    with pytest.raises(TableError, match=words):
        TableModel.fit(path, "y", memory="1MB", epochs=1, n_threads=1)


@pytest.mark.parametrize("decimal", [None, "point", "comma"])
@pytest.mark.parametrize(
    ("first", "later"),
    [
        (["1500", "2600"], ["1,234"]),
        (["1500", "2600"], ["1.234"]),
        (["7", "8"], ["1,234"]),
        (["7", "8"], ["1.234"]),
        (["7", "8"], ["1,234", "2,345", "3,456", "4,567", "5,678"]),
        (["7", "8"], ["1.234", "2.345", "3.456", "4.567", "5.678"]),
        (["7.5", "8"], ["1,234"]),
        (["7,5", "8"], ["1,234"]),
        (["7,5", "8"], ["1.234"]),
        (["1,234", "2,345"], ["0,5"]),
        (["1.234", "2.345"], ["1.234.567,5"]),
        (["1.234", "2.345"], ["0.5", "7,5", "8,5"]),
        (["1,234", "n.a."], ["0.5", "1,234"]),
        (["$7", "$1500"], ["$1,234"]),
    ],
)
@pytest.mark.parametrize("around", ["1", "0,5", "0.5"])
def test_the_whole_file_decides_how_1_234_is_read(
    around, first, later, decimal, tmp_path, temporary, monkeypatch
) -> None:
    """Not the rows by which it is posed, nor those of a portion."""
    monkeypatch.setattr("chainrule.table_models.converting.MOST_ROWS", 64)
    monkeypatch.setattr("chainrule.table_models.converting.LEAST_ROWS", 64)
    values = [first[k % 2] for k in range(400)] + later
    lines = [f"{value};{around};{k % 5}" for k, value in enumerate(values)]
    path = tmp_path / "x.csv"
    path.write_text("\n".join(["x;z;y", *lines]))
    asked = question("y", decimal=decimal)
    problem, table = converted([str(path)], asked, 100)
    table.look(["x", "z"])
    whole = pose(path, asked)
    for name in ("x", "z"):
        batches = [batch for group in table.groups for _, batch in table.decode(group, [name], 99)]
        written = np.concatenate([batch.column(0).to_numpy(zero_copy_only=False) for batch in batches])
        assert_array_equal(written, whole.table[name].cast(pa.float64()).to_numpy())
    # And the model reads it so in the rows to come.
    again = problem.readings["x"].apply("x", pa.chunked_array([values]))
    assert_array_equal(again.cast(pa.float64()).to_numpy(), whole.table["x"].cast(pa.float64()).to_numpy())


@pytest.mark.filterwarnings("ignore:.*without a value of 'price'")
def test_csv_without_room_or_rows(houses, tmp_path, temporary, monkeypatch) -> None:
    pyarrow.csv.write_csv(houses, tmp_path / "all.csv")
    (tmp_path / "none.csv").write_text("a,price\n")
    with pytest.raises(TableError, match="has no rows"):
        TableModel.fit(tmp_path / "none.csv", "price", memory="1GB")
    with pytest.raises(TableError, match="of type dict, expected paths"):
        TableModel.fit({"a": [1]}, "price", memory="1GB")
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=1000))
    with pytest.raises(TableError, match=r"converted to Parquet, which takes up to .* TMPDIR names another"):
        TableModel.fit(tmp_path / "all.csv", "price", memory="1GB")


def test_nothing_is_left_after_ctrl_c(houses, tmp_path, temporary) -> None:
    pyarrow.csv.write_csv(houses, tmp_path / "all.csv")

    def interrupt(epoch):
        assert list(temporary.iterdir())
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        TableModel.fit(
            tmp_path / "all.csv", "dear", ignore="price", memory="1GB", callback=interrupt, n_threads=1
        )
