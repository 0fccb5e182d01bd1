"""A TableModel as an ONNX graph: an input for each column, encoded as `TableModel` does it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.description import Description, Meaning
from chainrule.export.onnx_graph import GraphNodes, class_results, name_inputs
from chainrule.export.onnx_nodes import network_outputs

if TYPE_CHECKING:
    import onnx


def table_graph(network: Description) -> onnx.ModelProto:
    """Build the graph.

    Inputs of shape (n_samples, 1), called as the columns: numbers and days since 1970 as float64, NaN where
    missing; text as strings without surrounding blanks, empty where missing; booleans as int64, -1 where
    missing.
    """
    from onnx import TensorProto, helper

    nodes = GraphNodes(network.dtype)
    inputs, features = [], []
    columns = network.columns or ()
    for k, column in enumerate(columns):
        name = f"column_{k}"  # until the graph is finished
        if hasattr(column, "scale"):
            element = TensorProto.DOUBLE
            features += _numbers(nodes, column, name)
        else:
            element = TensorProto.INT64 if column.kind == "boolean" else TensorProto.STRING
            features.append(_categories(nodes, column, name))
        inputs.append(helper.make_tensor_value_info(name, element, ["n", 1]))
    outputs = network_outputs(nodes, network, nodes.op("Concat", *features, axis=1))
    if network.meaning.classifies:
        results = class_results(nodes, network, outputs)
    else:
        numbers, shape = _own_units(nodes, network.meaning, outputs), ["n", network.n_outputs]
        results = {"variable": (numbers, TensorProto.DOUBLE, shape)}
    proto = nodes.finish(inputs, results)
    name_inputs(proto.graph, [column.name for column in columns])
    return proto


def _own_units(nodes: GraphNodes, meaning: Meaning, outputs: str) -> str:
    """Add output * scale + mean in float64."""
    from onnx import TensorProto

    double = nodes.op("Cast", outputs, to=TensorProto.DOUBLE)
    scale, mean = (nodes.constant(np.asarray(v, float)) for v in (meaning.scale, meaning.mean))
    return nodes.op("Add", nodes.op("Mul", double, scale), mean)


def _numbers(nodes: GraphNodes, column: Any, x: str) -> list[str]:
    """(value - mean) / scale in float64, 0 where missing; and 1 where missing."""
    from onnx import helper

    to = helper.np_dtype_to_tensor_dtype(nodes.dtype)
    mean, scale, zero = (nodes.constant(np.asarray(v, float)) for v in (column.mean, column.scale, 0))
    missing = nodes.op("IsNaN", x)
    scaled = nodes.op("Div", nodes.op("Sub", x, mean), scale)
    features = [nodes.op("Cast", nodes.op("Where", missing, zero, scaled), to=to)]
    return features + [nodes.op("Cast", missing, to=to)] * column.missing


def _categories(nodes: GraphNodes, column: Any, x: str) -> str:
    """1 in the column of the category: places are numbered, then compared with those that have a feature."""
    from onnx import helper

    n = len(column.categories)
    missing, other = n, n + 1
    places = {category: k for k, category in enumerate(column.categories)}
    if column.kind == "boolean":
        keys: dict[str, Any] = {"keys_int64s": [0, 1, -1]}
        values = [places.get("false", other), places.get("true", other), missing]
    else:
        keys = {"keys_strings": [*places, ""]}
        values = [*places.values(), missing]
    place = nodes.op(
        "LabelEncoder", x, domain="ai.onnx.ml", **keys, values_int64s=values, default_int64=other
    )
    features = [*range(n), *[missing] * column.missing, *[other] * column.other]
    found = nodes.op("Equal", place, nodes.constant(np.array([features])))
    return nodes.op("Cast", found, to=helper.np_dtype_to_tensor_dtype(nodes.dtype))
