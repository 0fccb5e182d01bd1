"""Parquet files of every kind that a stream meets."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

N, FEATURES = 1600, ["a", "b", "c"]


@pytest.fixture(scope="session")
def data() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(N, 3))
    number = x @ [1.0, -2.0, 0.5] + 0.1 * rng.normal(size=N)
    label = np.where(number > 1, "high", np.where(number > -1, "middle", "low"))
    return {"x": x, "number": number, "label": label, "weight": rng.random(N) + 0.5}


def table_of(data: dict[str, np.ndarray], rows: slice = slice(None)) -> pa.Table:
    columns = {name: data["x"][rows, i] for i, name in enumerate(FEATURES)}
    return pa.table(columns | {name: data[name][rows] for name in ("number", "label", "weight")})


def frame_of(data: dict[str, np.ndarray]) -> pa.Table:
    return table_of(data).select(FEATURES)


@pytest.fixture(scope="session")
def folder(data, tmp_path_factory) -> Path:
    """Four files of ten row groups of 40 rows each: blocks of 8 are blocks of neighboring rows."""
    folder = tmp_path_factory.mktemp("parts")
    for part in range(4):
        rows = slice(400 * part, 400 * part + 400)
        pq.write_table(table_of(data, rows), folder / f"part{part}.parquet", row_group_size=40)
    return folder
