"""Tables larger than memory: columns are learned as of the whole table, and the model predicts."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import chainrule
from chainrule import TableModel
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
