"""Tabular models as one ONNX graph and one C file: run, compiled, and compared with the model."""

from __future__ import annotations

import ctypes
import datetime
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import chainrule
from chainrule import TabularClassifier, TabularRegressor
from chainrule.io import TableModel

from .compiled import call, compile_shared, strings, structure
from .test_onnx import run

FAST: dict[str, Any] = {"preset": "fast", "random_state": 0, "n_jobs": 1}
EPOCH = datetime.date(1970, 1, 1)


def table(n: int = 240, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """Numbers, categories few and many, dates, booleans; missing, unseen and infinite values."""
    rng = np.random.default_rng(seed)
    size, days = rng.normal(size=n), rng.integers(0, 365, n)
    color = rng.choice(["red", "gr\u00fcn", 'say "a"'], n)
    town = rng.integers(0, 40, n) // rng.integers(1, 4, n)
    frame = pd.DataFrame(
        {
            "size": np.where(rng.random(n) < 0.1, np.nan, size),
            "color": pd.Series(color).where(rng.random(n) > 0.1, None),
            "town": [f"town {k}" for k in town],
            "sold": [datetime.date(2025, 1, 1) + datetime.timedelta(days=int(day)) for day in days],
            "new": rng.random(n) < 0.5,
            "two": rng.choice(["yes", "no"], n),
            "rooms": rng.integers(1, 5, n),
            "class": rng.choice([f"k{k}" for k in range(70)], n),
            "constant": 3.0,
        }
    )
    y = size + (color == "red") + town / 20 + days / 365
    return frame, y


def unusual(frame: pd.DataFrame) -> pd.DataFrame:
    """Values that training did not have."""
    frame = frame.head(40).copy()
    frame.loc[:3, "color"] = "violet"
    frame.loc[2:6, "town"] = "nowhere"
    frame.loc[5:8, "class"] = None
    frame["rooms"] = frame["rooms"].astype(float)
    frame.loc[7, "rooms"], frame.loc[8, "rooms"] = np.inf, -np.inf
    frame.loc[9, "rooms"] = np.nan
    return frame


def onnx_rows(frame: pd.DataFrame, names: list[str]) -> dict[str, np.ndarray]:
    rows = {}
    for name in names:
        column = frame[name]
        if name == "sold":
            values = np.array([(day - EPOCH).days for day in column], dtype=float)
        elif column.dtype == bool:
            values = column.to_numpy(np.int64)
        elif column.dtype.kind in "if":
            values = column.to_numpy(float)
        else:
            values = column.where(column.notna(), "").to_numpy(object)
        rows[name] = values[:, None]
    return rows


def c_results(library: Any, frame: pd.DataFrame, fields: list[tuple[str, str]], n_out: int) -> Any:
    """Call model_predict with the struct of these columns; `fields` are names in C and in the frame."""
    kinds: list[tuple[str, Any]] = []
    for name, column in fields:
        kind: Any = ctypes.c_char_p
        if column == "sold" or frame[column].dtype.kind in "if":
            kind = ctypes.c_double
        elif frame[column].dtype == bool:
            kind = ctypes.c_int
        kinds.append((name, kind))
    row_type = structure(kinds)
    found, returned = np.full((len(frame), n_out), np.nan), []
    for k in range(len(frame)):
        row = row_type()
        for name, column in fields:
            value = frame[column].iloc[k]
            if column == "sold":
                value = (value - EPOCH).days
            elif isinstance(value, str):
                value = value.encode()
            elif dict(kinds)[name] is ctypes.c_char_p:
                continue  # missing
            setattr(row, name, value.item() if isinstance(value, np.generic) else value)
        returned.append(library.model_predict(ctypes.byref(row), found[k].ctypes.data_as(ctypes.c_void_p)))
    return found, returned


FIELDS = [(name, name) for name in ("size", "color", "town", "sold", "new", "two", "rooms")]
FIELDS.append(("class_", "class"))


@pytest.fixture(scope="module", params=["fast", "td-s"])
def regressor(request: Any) -> Any:
    frame, y = table()
    options = FAST | {"n_members": 2} if request.param == "fast" else FAST | {"recipe": "realmlp-td-s"}
    return TabularRegressor(**options).fit(frame, y)


@pytest.fixture(scope="module")
def classifier() -> TabularClassifier:
    frame, y = table()
    labels = np.array(["low", "middle", "high"])[np.digitize(y, [0.5, 1.5])]
    return TabularClassifier(**FAST).fit(frame, labels)


def test_numbers_in_onnx(regressor: Any, tmp_path: Path) -> None:
    regressor.to_onnx(tmp_path / "model.onnx")
    frame, _ = table(seed=1)
    for rows in (frame, unusual(frame)):
        found = run(tmp_path / "model.onnx", onnx_rows(rows, [name for _, name in FIELDS]))
        assert_allclose(found["variable"][:, 0], regressor.predict(rows), rtol=1e-4, atol=1e-5)


def test_numbers_in_c(regressor: Any, tmp_path: Path) -> None:
    regressor.export_c(tmp_path / "model.c", header=tmp_path / "model.h")
    library = compile_shared(tmp_path / "model.c")
    frame, _ = table(seed=1)
    for rows in (frame, unusual(frame)):
        found, _ = c_results(library, rows, FIELDS, 1)
        assert_allclose(found[:, 0], regressor.predict(rows), rtol=1e-4, atol=1e-5)


def test_in_float64_to_the_rounding_of_prepared_rows(regressor: Any) -> None:
    frame, _ = table(seed=1)
    found = run(regressor.to_onnx(dtype="float64"), onnx_rows(frame, [name for _, name in FIELDS]))
    assert_allclose(found["variable"][:, 0], regressor.predict(frame), rtol=1e-4, atol=1e-5)


def test_classes_in_onnx_and_c(classifier: TabularClassifier, tmp_path: Path) -> None:
    frame, _ = table(seed=1)
    rows = unusual(frame)
    expected = classifier.predict_proba(rows)
    found = run(classifier.to_onnx(), onnx_rows(rows, [name for _, name in FIELDS]))
    assert_allclose(found["probabilities"], expected, atol=1e-5)
    assert_array_equal(found["label"], classifier.predict(rows))
    classifier.export_c(tmp_path / "model.c")
    library = compile_shared(tmp_path / "model.c")
    probabilities, returned = c_results(library, rows, FIELDS, 3)
    assert_allclose(probabilities, expected, atol=1e-5)
    names = strings(library, "model_classes", 3)
    assert [names[k] for k in returned] == classifier.predict(rows).tolist()


@pytest.mark.parametrize("calibrate", [True, False])
def test_arrays_of_numbers(calibrate: bool, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 4)) * [1, 1e3, 1e-3, 0] + [0, 2e4, 5, 1]
    X[::7, 1] = np.nan
    y = (X[:, 0] > 0) * 10
    model = TabularClassifier(**FAST, calibrate=calibrate).fit(X, y)
    new = rng.normal(size=(30, 4)) * [1, 1e3, 1e-3, 0] + [0, 2e4, 5, 1]
    new[:3, 0] = np.nan, np.inf, -np.inf
    found = run(model.to_onnx(), {"X": new})
    assert_array_equal(found["label"], model.predict(new))
    assert_allclose(found["probabilities"], model.predict_proba(new), atol=1e-5)
    model.export_c(tmp_path / "model.c")
    library = compile_shared(tmp_path / "model.c")
    probabilities, returned = call(library, "model_predict", new, 2, "float64")
    assert_allclose(probabilities, model.predict_proba(new), atol=1e-5)
    assert_array_equal(model.classes_[returned], model.predict(new))
    model.export_c(tmp_path / "model.c", dtype="float32")
    library = compile_shared(tmp_path / "model.c")
    probabilities, _ = call(library, "model_predict", new.astype(np.float32), 2, "float32")
    assert_allclose(probabilities, model.predict_proba(new.astype(np.float32)), atol=1e-3)


def test_several_numbers(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(150, 3))
    model = TabularRegressor(**FAST).fit(X, X[:, :2] * [1, 100])
    assert_allclose(run(model.to_onnx(), {"X": X})["variable"], model.predict(X), rtol=1e-4, atol=1e-4)
    model.export_c(tmp_path / "model.c")
    found, _ = call(compile_shared(tmp_path / "model.c"), "model_predict", X, 2, "float64")
    assert_allclose(found, model.predict(X), rtol=1e-4, atol=1e-4)


def test_a_saved_model_leaves_as_the_same(classifier: TabularClassifier, tmp_path: Path) -> None:
    classifier.save(tmp_path / "model.safetensors")
    again = chainrule.load(tmp_path / "model.safetensors")
    again.export_c(tmp_path / "again.c", name="model")
    classifier.export_c(tmp_path / "model.c")
    assert (tmp_path / "again.c").read_bytes() == (tmp_path / "model.c").read_bytes()


@pytest.mark.parametrize("task", ["regression", "classification"])
def test_a_table_model_with_an_ensemble(task: str, tmp_path: Path) -> None:
    frame, y = table()
    frame["target"] = y * 1000 + 5 if task == "regression" else np.where(y > 1, "yes", "no")
    model = TableModel.fit(frame, "target", preset="fast")
    assert model.members
    rows = unusual(table(seed=1)[0])
    rows = rows[np.isfinite(rows["rooms"].fillna(0))]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = model.predict(rows)
        probabilities = model.predict_proba(rows) if task == "classification" else None
    found = run(model.to_onnx(), onnx_rows(rows, [name for _, name in FIELDS]))
    model.export_c(tmp_path / "model.c")
    library = compile_shared(tmp_path / "model.c")
    in_c, returned = c_results(library, rows, FIELDS, 2 if task == "classification" else 1)
    if task == "regression":
        assert_allclose(found["variable"][:, 0], np.ravel(expected), rtol=1e-4, atol=0.01)
        assert_allclose(in_c[:, 0], np.ravel(expected), rtol=1e-4, atol=0.01)
        return
    assert_array_equal(found["label"], np.ravel(expected))
    assert_allclose(found["probabilities"], probabilities, atol=1e-5)
    assert_allclose(in_c, probabilities, atol=1e-5)
    names = strings(library, "model_classes", 2)
    assert [names[k] for k in returned] == np.ravel(expected).tolist()


def test_what_cannot_leave_says_so(tmp_path: Path) -> None:
    from sklearn.exceptions import NotFittedError

    with pytest.raises(NotFittedError):
        TabularClassifier().to_onnx()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = TabularRegressor(**FAST).fit(np.ones((50, 2)), np.arange(50.0))
    for leave in (model.to_onnx, lambda: model.export_c(tmp_path / "model.c")):
        with pytest.raises(ValueError, match="no column is of use to this model"):
            leave()
