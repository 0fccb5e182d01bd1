"""`to_onnx` of networks, estimators, pipelines and table models: run by ONNX Runtime, and compared."""

from __future__ import annotations

import builtins
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pandas as pd
import polars as pl
import pytest
import skl2onnx
from numpy.testing import assert_allclose
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.impute import SimpleImputer
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier as SklearnClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, OneHotEncoder, StandardScaler

import chainrule
from chainrule import MLPClassifier, MLPRegressor, Network
from chainrule.description import Description, Meaning
from chainrule.export import export_c, register_onnx_converters, to_onnx
from chainrule.io import TableModel

from .compiled import call, compile_shared
from .networks import (
    HIDDEN,
    OUTPUTS,
    everything,
    make_layer,
    network_of_everything,
    outputs,
    quantiles,
    regressor_of_everything,
    scaled,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 6))
TOLERANCE = {"float64": 1e-13, "float32": 5e-6}


def run(proto: onnx.ModelProto | Path, rows: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Outputs by name."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    source = str(proto) if isinstance(proto, Path) else proto.SerializeToString()
    session = onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(None, rows), strict=True))


def check(described: Description) -> None:
    x = (3 * X[:, : described.n_inputs]).astype(described.dtype)
    found = run(to_onnx(described), {"X": x})["output"]
    expected = outputs(described, x)
    assert found.dtype == described.dtype
    scale = np.abs(expected).max()
    assert np.abs(found - expected).max() <= TOLERANCE[described.dtype.name] * scale


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("hidden", HIDDEN)
def test_every_hidden_activation(hidden: str, dtype: str) -> None:
    rng = np.random.default_rng(1)
    layers = [
        make_layer(rng, 6, 9, hidden, dtype),
        make_layer(rng, 9, 7, hidden, dtype),
        make_layer(rng, 7, 3, "identity", dtype),
    ]
    check(Description(layers, Meaning()))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("output", OUTPUTS)
def test_every_output_activation_behind_every_kind_of_layer(output: str, dtype: str) -> None:
    check(everything(dtype, output))


def test_gelu_in_float64_far_from_0() -> None:
    """ONNX Runtime has no Erf for float64; the composed one must hold in the tails."""
    layer = make_layer(RNG, 1, 1, "gelu")
    layer.weights[...], layer.biases[...] = 1, 0
    x = np.concatenate([np.linspace(-40, 40, 4001), [0, 1e-300, -1e-8]]).reshape(-1, 1)
    described = Description([layer], Meaning())
    found, expected = run(to_onnx(described), {"X": x})["output"], outputs(described, x)
    assert np.abs(found - expected).max() < 2e-14
    assert_allclose(found[expected > 0], expected[expected > 0], rtol=1e-13)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_network(dtype: str, tmp_path: Path) -> None:
    net = Network([6, 8, 3], activation="gelu", loss="cross_entropy", dtype=dtype, random_state=0)
    proto = net.to_onnx(tmp_path / "net.onnx")
    assert (proto.producer_name, proto.producer_version) == ("chainrule", chainrule.__version__)
    x = X.astype(dtype)
    for batch in (x, x[:1]):
        found = run(tmp_path / "net.onnx", {"X": batch})
        assert list(found) == ["output"]
        assert_allclose(found["output"], net(batch), rtol=10 * TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_network_with_every_kind_of_layer(dtype: str) -> None:
    net, x = network_of_everything(dtype), X.astype(dtype)
    found = run(net.to_onnx(), {"X": x})["output"]
    assert_allclose(found, net(x), rtol=1e-4 if dtype == "float32" else 1e-11)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_outputs_in_their_own_units(dtype: str) -> None:
    described, scale, mean = scaled(dtype)
    x = X.astype(dtype)
    found = run(to_onnx(described), {"X": x})["output"]
    assert_allclose(found, outputs(described, x) * scale + mean, rtol=1e-5 if dtype == "float32" else 1e-12)


@pytest.mark.parametrize("labels", [["α", "b b", "c"], [3, -1, 2**40], [0.5, 1.5, 2.5]])
@pytest.mark.parametrize("n_classes", [1, 2, 3])
def test_classifiers(labels: list[Any], n_classes: int) -> None:
    index = np.digitize(X[:, 0], [-0.5, 0.5]) % n_classes
    y = np.array(labels)[index]
    if y.dtype.kind == "f":
        y = y.astype(int)
    mlp = MLPClassifier((5,), max_iter=20, random_state=0).fit(X, y)
    found = run(mlp.to_onnx(), {"X": X})
    assert list(found) == ["label", "probabilities"]
    assert found["label"].tolist() == mlp.predict(X).tolist()
    assert_allclose(found["probabilities"], mlp.predict_proba(X), rtol=1e-11)


def test_of_a_search_the_best_estimator_leaves(tmp_path: Path) -> None:
    mlp = MLPClassifier((5,), max_iter=5, random_state=0)
    search = GridSearchCV(mlp, {"dropout": [0.0, 0.5]}, cv=2).fit(X, X[:, 0] > 0)
    assert_allclose(run(to_onnx(search), {"X": X})["probabilities"], search.predict_proba(X), rtol=1e-11)
    export_c(search, tmp_path / "m.c")
    found, _ = call(compile_shared(tmp_path / "m.c"), "m_predict", X, 2, "float64")
    assert_allclose(found, search.predict_proba(X), rtol=1e-11)


def test_boolean_and_multilabel_targets() -> None:
    mlp = MLPClassifier((5,), max_iter=20, random_state=0).fit(X, X[:, 0] > 0)
    assert run(mlp.to_onnx(), {"X": X})["label"].tolist() == mlp.predict(X).tolist()
    several = MLPClassifier((5,), max_iter=20, random_state=0).fit(X, (X[:, :3] > 0).astype(int))
    found = run(several.to_onnx(), {"X": X})
    assert found["label"].tolist() == several.predict(X).tolist()
    assert_allclose(found["probabilities"], several.predict_proba(X), rtol=1e-11)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.DataConversionWarning")
@pytest.mark.parametrize(("n_labels", "n_columns"), [(1, 2), (2, 2), (3, 3)])
def test_columns_of_probabilities_are_scikit_learns(n_labels: int, n_columns: int, tmp_path: Path) -> None:
    """A target of one column is binary, not multilabel: scikit-learn's rule, so there are two columns."""
    y = (X[:, :n_labels] > 0).astype(int)
    theirs = SklearnClassifier((5,), max_iter=20, random_state=0).fit(X, y)
    ours = chainrule.from_sklearn(theirs)
    expected = theirs.predict_proba(X)
    assert expected.shape == ours.predict_proba(X).shape == (40, n_columns)
    found = run(ours.to_onnx(), {"X": X})
    assert_allclose(found["probabilities"], expected, rtol=1e-11)
    assert found["label"].tolist() == theirs.predict(X).tolist()
    ours.export_c(tmp_path / "m.c")
    in_c, returned = call(compile_shared(tmp_path / "m.c"), "m_predict", X, n_columns, "float64")
    assert_allclose(in_c, expected, rtol=1e-11)
    assert returned == theirs.predict(X).reshape(40, -1).sum(axis=1).tolist()
    if n_labels != 2:  # of two labels, skl2onnx gives four columns
        rows = X.astype(np.float32)
        converted = run(skl2onnx.to_onnx(theirs, rows[:1], options={"zipmap": False}), {"X": rows})
        assert {k: (v.shape, v.dtype.kind) for k, v in converted.items()} == {
            k: (v.shape, v.dtype.kind) for k, v in found.items()
        }


@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
def test_regressors(loss: str) -> None:
    mlp = MLPRegressor(loss, (5,), max_iter=20, random_state=0).fit(X, np.abs(X[:, :2]))
    assert_allclose(run(mlp.to_onnx(), {"X": X})["variable"], mlp.predict(X), rtol=1e-11)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_quantiles(dtype: str) -> None:
    net, x = quantiles(dtype), X.astype(dtype)
    found = run(net.to_onnx(), {"X": x})["output"]
    assert_allclose(found, net(x), rtol=1e-4 if dtype == "float32" else 1e-11)


@pytest.mark.parametrize("n_targets", [1, 2])
def test_quantile_regressor_of_standardized_targets(n_targets: int, tmp_path: Path) -> None:
    y = (np.array([50, 0]) + np.array([9, 1e-3]) * X[:, :2])[:, :n_targets]
    reg = MLPRegressor(
        hidden_layer_sizes=(8,),
        activation="tanh",  # without kinks, across which differences would be taken
        loss="quantile",
        quantiles=[0.1, 0.5, 0.9],
        scale_targets=True,
        max_iter=20,
        random_state=0,
    ).fit(X, y.squeeze())
    expected = reg.predict(X).reshape(40, -1)
    assert_allclose(run(reg.to_onnx(), {"X": X})["variable"], expected, rtol=1e-11)
    reg.export_c(tmp_path / "m.c")
    found, _ = call(compile_shared(tmp_path / "m.c"), "m_predict", X, expected.shape[1], "float64")
    assert_allclose(found, expected, rtol=1e-11)
    h = 1e-4
    for f in range(6):
        step = h * np.eye(6)[f]
        difference = (reg.predict(X + step) - reg.predict(X - step)).reshape(40, -1) / (2 * h)
        assert_allclose(reg.jacobian(X)[:, :, f], difference, rtol=1e-4, atol=1e-6 * np.abs(difference).max())


def test_estimator_with_every_kind_of_layer() -> None:
    mlp = regressor_of_everything(X, 100 + 30 * X[:, :2])
    assert_allclose(run(mlp.to_onnx(), {"X": X})["variable"], mlp.predict(X), rtol=1e-11)


# ---- pipelines -------------------------------------------------------------------------------------------


def test_pipeline_on_real_rows(tmp_path: Path) -> None:
    x, y = load_breast_cancer(return_X_y=True)
    names = np.array(["malignant", "benign"])
    model = make_pipeline(StandardScaler(), MLPClassifier((16,), max_iter=30, random_state=0)).fit(
        x, names[y]
    )
    to_onnx(model, tmp_path / "cancer.onnx")
    found = run(tmp_path / "cancer.onnx", {"X": x.astype(np.float32)})
    assert list(found) == ["label", "probabilities"]
    assert_allclose(found["probabilities"], model.predict_proba(x), atol=1e-5)
    agree = found["label"] == model.predict(x)
    sure = np.abs(model.predict_proba(x)[:, 0] - 0.5) > 1e-4
    assert agree[sure].all()


def test_pipeline_with_several_classes_and_gelu() -> None:
    x, y = load_iris(return_X_y=True)
    model = make_pipeline(MinMaxScaler(), MLPClassifier((8,), "tanh", max_iter=50, random_state=0)).fit(x, y)
    found = run(to_onnx(model), {"X": x.astype(np.float32)})
    assert_allclose(found["probabilities"], model.predict_proba(x), atol=1e-5)
    assert found["label"].dtype == np.int64


@pytest.mark.parametrize(
    "y",
    [
        X[:, 0] > 0,
        np.digitize(X[:, 0], [-0.5, 0.5]) * 1.0,
        (X[:, :2] > 0).astype(int),
        np.zeros(40, int),
        np.array(["a", "b"], object)[(X[:, 0] > 0).astype(int)],
    ],
    ids=["booleans", "floats", "multilabel", "one class", "objects"],
)
def test_pipelines_with_labels_of_every_kind(y: np.ndarray, capfd: pytest.CaptureFixture[str]) -> None:
    model = make_pipeline(StandardScaler(), MLPClassifier((5,), max_iter=30, random_state=0)).fit(X, y)
    found = run(to_onnx(model), {"X": X.astype(np.float32)})
    assert found["label"].tolist() == model.predict(X).tolist()
    assert_allclose(found["probabilities"], model.predict_proba(X), atol=1e-5)
    assert "Expected shape" not in capfd.readouterr().err  # the runtime's complaint of a wrong declaration


def houses(n: int = 300) -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            "area": RNG.uniform(20, 200, n),
            "heating": RNG.choice(["gas", "oil", "wood"], n),
            "rooms": RNG.integers(1, 8, n).astype(float),
        }
    )
    frame.loc[RNG.random(n) < 0.1, "rooms"] = np.nan
    return frame


def as_columns(frame: pd.DataFrame) -> dict[str, np.ndarray]:
    return {
        name: frame[[name]].to_numpy(np.float32 if frame[name].dtype.kind == "f" else object)
        for name in frame.columns
    }


def encoder() -> ColumnTransformer:
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    return ColumnTransformer(
        [
            ("numbers", numbers, ["area", "rooms"]),
            ("text", OneHotEncoder(handle_unknown="ignore"), ["heating"]),
        ]
    )


@pytest.mark.parametrize("library", [pd.DataFrame, pl.DataFrame])
def test_column_transformer_to_a_number(library: Any) -> None:
    frame = houses()
    price = frame["area"] / 100 + (frame["heating"] == "oil")
    model = make_pipeline(encoder(), MLPRegressor(hidden_layer_sizes=(12,), max_iter=30, random_state=0))
    model.fit(frame, price)
    proto = to_onnx(model, X=library(frame[:1]))
    new = houses()
    new.loc[0, "heating"] = "unknown"
    found = run(proto, as_columns(new))
    assert_allclose(found["variable"][:, 0], model.predict(new), rtol=1e-4, atol=1e-5)


def test_column_transformer_to_classes() -> None:
    frame = houses()
    side = np.where(frame["area"] > 110, "large", "small")
    model = make_pipeline(encoder(), MLPClassifier((8,), max_iter=60, random_state=0)).fit(frame, side)
    found = run(to_onnx(model, X=frame), as_columns(frame))
    assert_allclose(found["probabilities"], model.predict_proba(frame), atol=1e-5)
    assert set(found["label"]) == {"large", "small"}


def test_converters_for_those_who_call_skl2onnx() -> None:
    import skl2onnx

    register_onnx_converters()
    x, y = load_iris(return_X_y=True)
    model = make_pipeline(StandardScaler(), MLPClassifier((4,), max_iter=20, random_state=0)).fit(x, y)
    proto = skl2onnx.to_onnx(model, x.astype(np.float32), target_opset=18)
    assert len(run(proto, {"X": x.astype(np.float32)})) == 2


def test_what_pipelines_need() -> None:
    frame = houses()
    model = make_pipeline(encoder(), MLPRegressor(hidden_layer_sizes=(2,), max_iter=1)).fit(
        frame, frame["area"]
    )
    with pytest.raises(ValueError, match=r"columns of different types; pass some of its rows: to_onnx"):
        to_onnx(model)
    other = make_pipeline(FunctionTransformer(np.log1p), MLPRegressor(hidden_layer_sizes=(2,), max_iter=1))
    with pytest.raises(TypeError, match=r"skl2onnx cannot convert this pipeline: .*FunctionTransformer"):
        to_onnx(other.fit(X**2, X[:, 0]))
    with pytest.raises(TypeError, match="a StandardScaler cannot be exported"):
        to_onnx(make_pipeline(MinMaxScaler(), StandardScaler()).fit(X))


def test_without_onnx(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any, **options: Any) -> Any:
        if name.partition(".")[0] in ("onnx", "skl2onnx"):
            raise ImportError(name)
        return real(name, *args, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=r"pip install onnx skl2onnx"):
        Network([2, 1]).to_onnx()


# ---- tables ----------------------------------------------------------------------------------------------


def table(n: int = 500) -> pd.DataFrame:
    frame = houses(n)
    frame["garden"] = pd.array(RNG.random(n) < 0.4, dtype="boolean")
    frame["built"] = pd.Timestamp("1990-01-01") + pd.to_timedelta(RNG.integers(0, 9999, n), "D")
    frame["zone"] = [f"zone {int(z):02d}" for z in RNG.geometric(0.03, n)]
    frame.loc[RNG.random(n) < 0.1, "garden"] = pd.NA
    frame.loc[RNG.random(n) < 0.1, "heating"] = None
    return frame


def table_inputs(frame: pd.DataFrame) -> dict[str, np.ndarray]:
    garden = frame["garden"].map({True: 1, False: 0}).fillna(-1)
    days = (frame["built"] - pd.Timestamp("1970-01-01")) / pd.Timedelta(days=1)
    text = {name: frame[name].fillna("").to_numpy(object) for name in ("heating", "zone")}
    columns = {"area": frame["area"], "rooms": frame["rooms"], "garden": garden, "built": days, **text}
    types = {"garden": np.int64, "heating": object, "zone": object}
    return {
        name: np.asarray(values).astype(types.get(name, np.float64)).reshape(-1, 1)
        for name, values in columns.items()
    }


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
def test_table_to_a_number(dtype: Any, loss: str, tmp_path: Path) -> None:
    frame = table()
    priced = frame.assign(price=frame["area"] * 1e3)
    model = TableModel.fit(priced, "price", epochs=3, dtype=dtype, loss=loss, layer_norm=True)
    model.to_onnx(tmp_path / "houses.onnx")
    new = table(50)
    found = run(tmp_path / "houses.onnx", table_inputs(new))["variable"]
    assert_allclose(found[:, 0], model.predict(new), rtol=1e-5 if dtype == "float32" else 1e-12)


@pytest.mark.parametrize("cuts", [[110], [80, 140]])
def test_table_to_classes(cuts: list[int]) -> None:
    frame = table()
    frame["size"] = np.array(["s", "m", "l"])[np.digitize(frame["area"], cuts)]
    model = TableModel.fit(frame, "size", epochs=30, hidden_layer_sizes=(16,))
    new = table(50)
    found = run(model.to_onnx(), table_inputs(new))
    assert_allclose(found["probabilities"], model.predict_proba(new), rtol=1e-4, atol=1e-6)
    assert found["label"].tolist() == model.predict(new).tolist()
    assert len(set(found["label"])) > 1
