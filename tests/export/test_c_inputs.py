"""`export_c` with preprocessing: scikit-learn's scalers in a Pipeline, and the columns of a TableModel."""

from __future__ import annotations

import ctypes
import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, PolynomialFeatures, RobustScaler, StandardScaler

from chainrule import MLPClassifier, MLPRegressor
from chainrule.export import export_c
from chainrule.io import TableModel

from .compiled import call, compile_shared, strings, structure

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3)) * [1, 50, 1e-3] + [5, -20, 0]
Y = X[:, 0] + X[:, 1] / 50
STEPS: dict[str, Any] = {
    "standard": lambda: [StandardScaler()],
    "centered only": lambda: [StandardScaler(with_std=False)],
    "scaled only": lambda: [StandardScaler(with_mean=False)],
    "min-max": lambda: [MinMaxScaler((-1, 2))],
    "clipped": lambda: [MinMaxScaler(clip=True)],
    "max-abs": lambda: [MaxAbsScaler()],
    "robust": lambda: [RobustScaler()],
    "imputed, twice scaled": lambda: [
        SimpleImputer(strategy="median"),
        "passthrough",
        MinMaxScaler(),
        StandardScaler(),
    ],
}


@pytest.mark.parametrize("steps", STEPS)
def test_scalers(steps: str, tmp_path: Path) -> None:
    x = X.copy()
    if "imputed" in steps:
        x[RNG.random(x.shape) < 0.2] = np.nan
    mlp = MLPRegressor(hidden_layer_sizes=(5,), max_iter=20, random_state=0)
    model = make_pipeline(*STEPS[steps](), mlp).fit(x, Y)
    new = 1.5 * x
    export_c(model, tmp_path / "m.c")
    found, _ = call(compile_shared(tmp_path / "m.c"), "m_predict", new, 1, "float64")
    assert_allclose(found[:, 0], model.predict(new), rtol=1e-11)


def test_classifier_in_float32_behind_a_scaler(tmp_path: Path) -> None:
    x, y = X.astype(np.float32), np.where(Y.mean() < Y, "high", "low")
    model = make_pipeline(StandardScaler(), MLPClassifier((5,), max_iter=20, random_state=0)).fit(x, y)
    export_c(model, tmp_path / "m.c")
    assert "x: 3 features." in (tmp_path / "m.c").read_text()
    found, returned = call(compile_shared(tmp_path / "m.c"), "m_predict", X, 2, "float32")
    assert_allclose(found, model.predict_proba(x), rtol=2e-5)
    assert model.classes_[returned].tolist() == model.predict(x).tolist()


def test_features_are_named(tmp_path: Path) -> None:
    frame = pd.DataFrame(X, columns=["area", "rooms", "a*/b"])
    model = make_pipeline(StandardScaler(), MLPRegressor(hidden_layer_sizes=(2,), max_iter=1)).fit(frame, Y)
    export_c(model, tmp_path / "m.c")
    assert "x: the features area, rooms, a* /b." in (tmp_path / "m.c").read_text()


def test_other_transformers_are_refused(tmp_path: Path) -> None:
    model = make_pipeline(PolynomialFeatures(2), MLPRegressor(hidden_layer_sizes=(2,), max_iter=1)).fit(X, Y)
    with pytest.raises(TypeError, match=r"knows the transformers StandardScaler, .*, not PolynomialFeatures"):
        export_c(model, tmp_path / "m.c")
    model = make_pipeline(SimpleImputer(missing_values=-1), MLPRegressor(hidden_layer_sizes=(2,), max_iter=1))
    with pytest.raises(TypeError, match="SimpleImputer for missing_values=nan, not -1"):
        export_c(model.fit(X, Y), tmp_path / "m.c")


# ---- tables ----------------------------------------------------------------------------------------------


def table(n: int, *, missing: bool, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "area m²": rng.uniform(20, 200, n),
            "heating": rng.choice(["gas", "oil", 'wood "pellets"'], n),
            "garden?": rng.random(n) < 0.4,
            "built": [datetime.date(1950 + int(y), 1 + int(y) % 12, 3) for y in rng.integers(0, 70, n)],
            "zone": [f"zone {int(z):02d}" for z in rng.geometric(0.03, n)],
        }
    )
    frame["price"] = 1000 * frame["area m²"] + 5e4 * (frame["heating"] == "oil") + 3e4 * frame["garden?"]
    if missing:
        frame = frame.astype({"garden?": "boolean"})
        for column in frame.columns[:4]:
            frame.loc[rng.random(n) < 0.15, column] = None
    return frame


FIELDS = [
    ("area", ctypes.c_double),
    ("heating", ctypes.c_char_p),
    ("garden", ctypes.c_int),
    ("built", ctypes.c_double),
    ("zone", ctypes.c_char_p),
]


def as_structs(frame: pd.DataFrame) -> list[ctypes.Structure]:
    row_type, epoch = structure(FIELDS), datetime.date(1970, 1, 1)
    return [
        row_type(
            float("nan") if pd.isna(area) else area,
            None if pd.isna(heating) else heating.encode("utf-8"),
            -1 if pd.isna(garden) else int(garden),
            float("nan") if pd.isna(built) else (built - epoch).days,
            zone.encode("utf-8"),
        )
        for area, heating, garden, built, zone in frame[frame.columns[:5]].itertuples(index=False)
    ]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("missing", [True, False])
def test_regression_from_a_table(missing: bool, dtype: Any, tmp_path: Path) -> None:
    frame = table(500, missing=missing)
    loss = "poisson" if missing else "huber"  # whose targets keep, or lose, their mean
    model = TableModel.fit(
        frame, "price", hidden_layer_sizes=(8, 6), epochs=3, dtype=dtype, loss=loss, layer_norm=True
    )
    assert model.preprocessor.columns[4].other
    model.export_c(tmp_path / "houses.c")
    predict = compile_shared(tmp_path / "houses.c").houses_predict
    new, out = table(60, missing=missing, seed=1), ctypes.c_double()
    for row, expected in zip(as_structs(new), model.predict(new), strict=True):
        predict(ctypes.byref(row), ctypes.byref(out))
        assert out.value == pytest.approx(expected, rel=1e-5 if dtype == "float32" else 1e-12)


@pytest.mark.parametrize("classes", [2, 3])
def test_classification_from_a_table(classes: int, tmp_path: Path) -> None:
    frame = table(500, missing=True)
    frame["price"] = np.array(["cheap", "dear", "dearest"])[
        np.digitize(frame["price"].fillna(1e5), [1e5, 1.8e5][: classes - 1])
    ]
    model = TableModel.fit(frame, "price", hidden_layer_sizes=(8,), epochs=60)
    model.export_c(tmp_path / "houses.c")
    library = compile_shared(tmp_path / "houses.c")
    assert strings(library, "houses_classes", classes) == model.classes
    new, p = table(60, missing=True, seed=1), (ctypes.c_float * classes)()
    found = []
    for row, expected in zip(as_structs(new), model.predict_proba(new), strict=True):
        found.append(model.classes[library.houses_predict(ctypes.byref(row), p)])
        assert_allclose(p, expected, rtol=1e-5)
    assert found == model.predict(new).tolist()
    assert len(set(found)) == classes


def test_unknown_categories_are_none_of_the_known(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": ["x", "y"] * 100, "b": np.arange(200.0), "t": np.arange(200.0) % 7})
    model = TableModel.fit(frame, "t", task="regression", hidden_layer_sizes=(4,), epochs=1)
    model.export_c(tmp_path / "m.c")
    row = structure([("a", ctypes.c_char_p), ("b", ctypes.c_double)])
    out, predict = ctypes.c_double(), compile_shared(tmp_path / "m.c").m_predict
    for text, missing in (("z", False), (None, True), ("", True)):
        predict(ctypes.byref(row(None if text is None else text.encode(), 3.0)), ctypes.byref(out))
        with pytest.warns(UserWarning, match="missing values" if missing else "categories unknown"):
            expected = model.predict({"a": [text], "b": [3.0]})[0]
        assert out.value == pytest.approx(expected, rel=1e-5)
