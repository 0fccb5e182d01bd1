"""Pipelines of scikit-learn through skl2onnx, which learns here how to convert our estimators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chainrule.export.onnx_graph import MISSING, ML_OPSET, name_inputs
from chainrule.export.onnx_nodes import (
    LEAST_OPSET,
    OPSET,
    Nodes,
    label,
    labels,
    network_outputs,
    own_units,
    probabilities,
)
from chainrule.export.parts import exportable

if TYPE_CHECKING:
    import onnx


def register_onnx_converters() -> None:
    """Teach skl2onnx to convert `MLPClassifier` and `MLPRegressor`, wherever they stand in a model.

    `to_onnx` does it by itself; this is for those who call skl2onnx.

    Raises ImportError where skl2onnx is not installed.
    """
    try:
        from skl2onnx import update_registered_converter
    except ImportError:
        raise ImportError(MISSING) from None
    from chainrule.estimators import MLPClassifier, MLPRegressor

    update_registered_converter(
        MLPClassifier,
        "ChainruleMLPClassifier",
        _class_shapes,
        _convert,
        options={
            "zipmap": [True, False, "columns"],
            "nocl": [True, False],
            "output_class_labels": [False, True],
        },
    )
    update_registered_converter(MLPRegressor, "ChainruleMLPRegressor", _number_shapes, _convert)


class ContainerNodes(Nodes):
    """Nodes that go to skl2onnx."""

    def __init__(self, dtype: np.dtype[Any], scope: Any, container: Any) -> None:
        super().__init__(dtype, container.target_opset_any_domain(""))
        if self.opset < LEAST_OPSET:
            raise ValueError(
                f"target_opset is {self.opset}; expected at least {LEAST_OPSET}, which our networks need"
            )
        self.scope, self.container = scope, container

    def add(self, operator: str, inputs: list[str], domain: str, attributes: dict[str, Any]) -> str:
        """Add a node; skl2onnx finds the version of the operator that the opset has."""
        output: str = self.scope.get_unique_variable_name(operator)
        name = self.scope.get_unique_operator_name(operator)
        self.container.add_node(operator, inputs, [output], op_domain=domain, name=name, **attributes)
        return output

    def constant(self, values: NDArray[Any]) -> str:
        """Add an initializer."""
        from onnx import TensorProto, helper

        name: str = self.scope.get_unique_variable_name("constant")
        is_text = values.dtype == object
        element = TensorProto.STRING if is_text else helper.np_dtype_to_tensor_dtype(values.dtype)
        content = [text.encode("utf-8") for text in values.ravel()] if is_text else values.ravel().tolist()
        self.container.add_initializer(name, element, list(values.shape), content)
        return name


def _class_shapes(operator: Any) -> None:
    """Declare labels and probabilities; skl2onnx knows strings and int64 as labels."""
    from skl2onnx.common import data_types

    network, source = exportable(operator.raw_operator), operator.inputs[0].type
    n_samples = operator.inputs[0].get_first_dimension()
    kind = "String" if labels(network.meaning).dtype == object else "Int64"
    columns = [network.n_outputs] if network.meaning.kind == "multilabel" else []
    operator.outputs[0].type = getattr(data_types, f"{kind}TensorType")([n_samples, *columns])
    operator.outputs[1].type = _real_type(source, [n_samples, network.n_columns])


def _number_shapes(operator: Any) -> None:
    """Declare predictions."""
    source = operator.inputs[0]
    shape = [source.get_first_dimension(), exportable(operator.raw_operator).n_outputs]
    operator.outputs[0].type = _real_type(source.type, shape)


def _real_type(source: Any, shape: list[Any]) -> Any:
    """Return the type of numbers that the network makes of inputs of a type."""
    from skl2onnx.common import data_types

    double = isinstance(source, data_types.DoubleTensorType)
    return (data_types.DoubleTensorType if double else data_types.FloatTensorType)(shape)


def _convert(scope: Any, operator: Any, container: Any) -> None:
    """Convert one estimator: its inputs in float32 or float64, as they come from the step before."""
    from skl2onnx.common.data_types import DoubleTensorType, guess_proto_type

    network = exportable(operator.raw_operator)
    source = operator.inputs[0]
    dtype = np.dtype("float64" if isinstance(source.type, DoubleTensorType) else "float32")
    nodes = ContainerNodes(dtype, scope, container)
    x = source.full_name
    if guess_proto_type(source.type) not in (1, 11):  # integers, as encoders may give them
        x = nodes.op("Cast", x, to=1)
    outputs = network_outputs(nodes, network, x)
    if not network.meaning.classifies:
        results = [own_units(nodes, network.meaning, outputs)]
    else:
        named = label(nodes, network.meaning, outputs)
        if labels(network.meaning).dtype.kind in "bf":
            named = nodes.op("Cast", named, to=7)  # int64
        results = [named, probabilities(nodes, network.meaning, outputs)]
    for result, wanted in zip(results, operator.outputs, strict=True):
        container.add_node(
            "Identity", [result], [wanted.full_name], name=scope.get_unique_operator_name("Identity")
        )


def pipeline_graph(pipeline: Any, X: Any, dtype: Any) -> onnx.ModelProto:
    """Convert a fitted Pipeline to a graph that computes in the dtype; errors as `to_onnx`."""
    register_onnx_converters()
    from skl2onnx import convert_sklearn

    exportable(pipeline.steps[-1][1]).astype(dtype)  # says what is wrong with it in our own words
    classifies = hasattr(pipeline.steps[-1][1], "classes_")
    inputs = _input_types(pipeline, X, np.dtype(dtype).name)
    try:
        proto: onnx.ModelProto = convert_sklearn(
            pipeline,
            "chainrule",
            inputs,
            target_opset={"": OPSET, "ai.onnx.ml": ML_OPSET},
            options={id(pipeline): {"zipmap": False}} if classifies else None,
        )
    except RuntimeError as error:  # of which skl2onnx's own errors are kinds
        raise TypeError(
            f"skl2onnx cannot convert this pipeline: {str(error).strip().splitlines()[0]}"
        ) from None
    name_inputs(proto.graph, [name for name, _ in inputs])  # which skl2onnx may have changed
    return proto


def _input_types(pipeline: Any, X: Any, dtype: str) -> list[tuple[str, Any]]:
    """Name the inputs: one for all features, or one for each column; what is no number is a string."""
    from skl2onnx.common import data_types
    from skl2onnx.common.data_types import StringTensorType

    number = data_types.DoubleTensorType if dtype == "float64" else data_types.FloatTensorType

    by_column = hasattr(pipeline.steps[0][1], "transformers")
    if X is None:
        if by_column:
            raise ValueError(
                "this pipeline takes columns of different types; pass some of its rows:"
                " to_onnx(model, path, X=X[:1])"
            )
        return [("X", number([None, pipeline.n_features_in_]))]
    if not hasattr(X, "columns") and not hasattr(X, "column_names"):
        array = np.asarray(X)
        kind = number if array.dtype.kind in "biuf" else StringTensorType
        return [("X", kind([None, array.shape[1]]))]
    import narwhals as nw

    schema = nw.from_native(X, eager_only=True).schema
    if "" in schema:
        raise ValueError("a column has no name, which an ONNX input needs; rename the column before fitting")
    numeric = {name: dtype.is_numeric() or dtype == nw.Boolean for name, dtype in schema.items()}
    if all(numeric.values()) and not by_column:
        return [("X", number([None, len(numeric)]))]
    return [
        (name, (number if is_number else StringTensorType)([None, 1])) for name, is_number in numeric.items()
    ]
