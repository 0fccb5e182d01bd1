"""Names, dtypes and opsets of ONNX graphs: a column can be called anything, what is asked for is given."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pandas as pd
import pytest
import skl2onnx
from numpy.testing import assert_allclose
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from chainrule import MLPClassifier, MLPRegressor, Network
from chainrule.description import Description, Meaning
from chainrule.export import register_onnx_converters, to_onnx
from chainrule.io import TableModel

from .networks import HIDDEN, everything, make_layer, outputs

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 5))
CPU = ["CPUExecutionProvider"]

#: Two columns of numbers, one of text: names of outputs, of nodes and constants, and what no identifier has.
NAMES = [
    ["label", "probabilities", "variable"],
    ["label_", "label", "probabilities_"],
    ["MatMul_5", "constant_0", "Add_1"],
    ["column_1", "column_2", "column_0"],
    ["Identity", "X", "output"],
    ["a b", "1x", "x.y"],
    ["größe", "日本", "\N{GRINNING FACE}"],
    ['"', "\\", "a\nb"],
]


def session(proto: onnx.ModelProto) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 4
    return onnxruntime.InferenceSession(proto.SerializeToString(), options, providers=CPU)


def table(names: list[str], n: int = 60) -> pd.DataFrame:
    columns = [RNG.normal(size=n), RNG.normal(size=n), RNG.choice(["u", "v"], n)]
    return pd.DataFrame(dict(zip(names, columns, strict=True)))


def rows(frame: pd.DataFrame, kind: Any) -> dict[str, np.ndarray]:
    return {name: frame[[name]].to_numpy(kind if frame[name].dtype == float else object) for name in frame}


@pytest.mark.parametrize("task", ["classification", "regression"])
@pytest.mark.parametrize("names", NAMES, ids=", ".join)
def test_columns_of_a_table_keep_their_names(names: list[str], task: str) -> None:
    frame = table(names)
    y = frame[names[0]] > 0 if task == "classification" else 2 * frame[names[0]]
    model = TableModel.fit(frame.assign(target=y), "target", epochs=3)
    running = session(model.to_onnx())
    assert [value.name for value in running.get_inputs()] == names
    found = running.run(None, rows(frame, float))[0]
    if task == "classification":
        assert found.tolist() == model.predict(frame).tolist()
    else:
        assert_allclose(found[:, 0], model.predict(frame), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("last", [MLPClassifier, MLPRegressor])
@pytest.mark.parametrize("names", NAMES, ids=", ".join)
def test_columns_of_a_pipeline_keep_their_names(names: list[str], last: Any) -> None:
    frame = table(names)
    encoder = ColumnTransformer([("n", StandardScaler(), names[:2]), ("c", OneHotEncoder(), names[2:])])
    model = make_pipeline(encoder, last(max_iter=5, random_state=0)).fit(frame, frame[names[0]] > 0)
    running = session(to_onnx(model, X=frame))
    assert [value.name for value in running.get_inputs()] == names
    found = running.run(None, rows(frame, np.float32))[-1]
    expected = model.predict_proba(frame) if last is MLPClassifier else model.predict(frame).reshape(-1, 1)
    assert_allclose(found, expected, atol=1e-5)


def test_outputs_step_aside() -> None:
    frame = table(["label", "probabilities", "label_"])
    proto = TableModel.fit(frame.assign(y=frame["label"] > 0), "y", epochs=2).to_onnx()
    assert [value.name for value in proto.graph.output] == ["label__", "probabilities_"]


def test_a_column_of_a_pipeline_without_a_name() -> None:
    frame = table(["", "column_1", "b"])
    scaler = ColumnTransformer([("n", StandardScaler(), ["", "column_1"])])
    pipeline = make_pipeline(scaler, MLPRegressor(max_iter=2, random_state=0)).fit(frame, frame[""])
    with pytest.raises(ValueError, match="a column has no name, which an ONNX input needs"):
        to_onnx(pipeline, X=frame)


@pytest.mark.parametrize("hidden", HIDDEN)
def test_nothing_in_float64_that_a_runtime_fuses_to_float32(hidden: str) -> None:
    """ONNX Runtime 1.15 to 1.30 fuses v sigmoid(v), and folds a scalar beside a product, both in float32."""
    layers = [
        make_layer(RNG, 5, 5, hidden),
        make_layer(RNG, 5, 5, hidden, norm=True),
        make_layer(RNG, 5, 3, hidden),
    ]
    graph = to_onnx(Description(layers)).graph
    made_by = {node.output[0]: node for node in graph.node}
    scalars = {array.name for array in graph.initializer if not array.dims}
    for node in graph.node:
        before = [made_by[name].op_type for name in node.input if name in made_by]
        if node.op_type == "Mul":
            assert "Sigmoid" not in before
            assert not ("MatMul" in before and scalars & set(node.input))
        if node.op_type == "MatMul":
            for made in (made_by[name] for name in node.input if name in made_by):
                assert made.op_type not in ("Mul", "Div") or not scalars & set(made.input)


@pytest.mark.parametrize("hidden", HIDDEN)
def test_a_float64_network_in_float32(hidden: str) -> None:
    layers = [make_layer(RNG, 5, 6, hidden), make_layer(RNG, 6, 6, hidden, norm=True, residual=True)]
    described = Description([*layers, make_layer(RNG, 6, 3, "identity")], Meaning())
    found = session(to_onnx(described, dtype="float32")).run(None, {"X": X.astype(np.float32)})[0]
    assert found.dtype == np.float32
    expected = outputs(described, X)
    assert np.abs(found - expected).max() < 1e-5 * np.abs(expected).max()


def test_dtypes_of_every_kind_of_model() -> None:
    y = 100 + 30 * X[:, :2]
    net = Network([5, 4, 2], random_state=0)
    mlp = MLPRegressor(hidden_layer_sizes=(4,), scale_targets=True, max_iter=20, random_state=0).fit(X, y)
    pipeline = make_pipeline(StandardScaler(), mlp).fit(X, y)
    for model, predict in ((net, net), (mlp, mlp.predict), (pipeline, pipeline.predict)):
        for dtype in ("float32", "float64"):
            x = X.astype(dtype)
            found = session(to_onnx(model, dtype=dtype)).run(None, {"X": x})[0]
            assert found.dtype == dtype
            assert_allclose(found, predict(X), rtol=1e-4 if dtype == "float32" else 1e-11, atol=1e-5)
    assert mlp.to_onnx(dtype="float32").graph.initializer[0].data_type == onnx.TensorProto.FLOAT
    frame = pd.DataFrame(X, columns=list("abcde")).assign(y=X[:, 0])
    model = TableModel.fit(frame, "y", epochs=2)
    found = session(model.to_onnx(dtype="float64")).run(None, rows(frame[list("abcde")], float))[0]
    assert_allclose(found[:, 0], model.predict(frame), rtol=1e-4, atol=1e-5)


def test_dtypes_that_do_not_fit() -> None:
    net = Network([2, 1], random_state=0)
    for dtype in ("int32", "float16", "single float", "double32"):
        with pytest.raises(ValueError, match=f"dtype is '{dtype}'; expected 'float32' or 'float64'"):
            net.to_onnx(dtype=dtype)
    net.weights[0][0] = 1e300
    with pytest.raises(ValueError, match="weights of layer 1 are too large for float32; keep float64"):
        net.to_onnx(dtype="float32")


@pytest.mark.parametrize("opset", [9, 12, 13, 15, 17, 18, 19, 21])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_converters_write_the_opset_that_is_asked_for(opset: int, dtype: str) -> None:
    register_onnx_converters()
    x = X.astype(dtype)
    for activation in [*HIDDEN, "prelu"]:
        mlp = MLPRegressor(
            hidden_layer_sizes=(4, 3), activation=activation, layer_norm=True, max_iter=2, random_state=0
        )
        mlp.fit(X, X[:, :2])
        proto = skl2onnx.to_onnx(mlp, x[:1], target_opset=opset)
        assert max(one.version for one in proto.opset_import if not one.domain) <= opset
        found = session(proto).run(None, {"X": x})[0]
        assert_allclose(found, mlp.predict(X), rtol=1e-4 if dtype == "float32" else 1e-11, atol=1e-5)
    clf = MLPClassifier((4,), max_iter=2, random_state=0).fit(X, np.where(X[:, 0] > 0, "a", "b"))
    proto = skl2onnx.to_onnx(clf, x[:1], target_opset=opset, options={"zipmap": False})
    assert max(one.version for one in proto.opset_import if not one.domain) <= opset
    assert session(proto).run(None, {"X": x})[0].tolist() == clf.predict(X).tolist()


def test_an_opset_without_the_operators() -> None:
    register_onnx_converters()
    mlp = MLPRegressor(hidden_layer_sizes=(4,), max_iter=2, random_state=0).fit(X, X[:, 0])
    with pytest.raises(ValueError, match="target_opset is 8; expected at least 9, which our networks need"):
        skl2onnx.to_onnx(mlp, X[:1], target_opset=8)


def test_predictions_of_several_numbers_are_declared_as_such(capfd: pytest.CaptureFixture[str]) -> None:
    register_onnx_converters()
    mlp = MLPRegressor(hidden_layer_sizes=(4,), max_iter=2, random_state=0).fit(X, X[:, :2])
    proto = skl2onnx.to_onnx(mlp, X[:1], target_opset=18)
    shape = proto.graph.output[0].type.tensor_type.shape.dim
    assert shape[1].dim_value == 2
    onnxruntime.InferenceSession(proto.SerializeToString(), providers=CPU)
    assert "shape info" not in capfd.readouterr().err


def test_several_targets_of_a_table() -> None:
    frame = pd.DataFrame(X[:, :2], columns=["a", "b"])
    targets = frame.assign(y=100 + frame["a"], z=frame["b"] - 5)
    model = TableModel.fit(targets, ["y", "z"], epochs=2)
    proto = model.to_onnx()
    assert proto.graph.output[0].type.tensor_type.shape.dim[1].dim_value == 2
    assert_allclose(session(proto).run(None, rows(frame, float))[0], model.predict(frame), rtol=1e-6)


def test_everything_loads_at_every_level_of_optimization() -> None:
    for dtype in ("float32", "float64"):
        described = everything(dtype)
        x = RNG.normal(size=(7, 6)).astype(dtype)
        for level in (0, 1, 2, 99):
            options = onnxruntime.SessionOptions()
            options.graph_optimization_level = onnxruntime.GraphOptimizationLevel(level)
            proto = to_onnx(described).SerializeToString()
            running = onnxruntime.InferenceSession(proto, options, providers=CPU)
            found = running.run(None, {"X": x})[0]
            assert_allclose(found, outputs(described, x), rtol=1e-4 if dtype == "float32" else 1e-12)
