"""`to_onnx`: a model as an ONNX file, its graph built here or, for scikit-learn's pipelines, by skl2onnx."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chainrule.description import Description
from chainrule.description.unwrapping import best_of, is_pipeline
from chainrule.export.ensembles import is_ensemble, take_ensemble_apart
from chainrule.export.onnx_ensemble import ensemble_graph
from chainrule.export.onnx_graph import MISSING, GraphNodes, class_results
from chainrule.export.onnx_nodes import network_outputs, own_units
from chainrule.export.onnx_pipeline import pipeline_graph
from chainrule.export.onnx_table import table_graph
from chainrule.export.parts import exportable
from chainrule.files.atomic import atomic_path

if TYPE_CHECKING:
    import onnx


def to_onnx(
    model: Any, path: str | os.PathLike[str] | None = None, *, X: Any = None, dtype: Any = None
) -> onnx.ModelProto:
    """Turn a model into an ONNX graph, for ONNX Runtime and whatever else reads ONNX.

    Parameters
    ----------
    model : Network, MLPClassifier, MLPRegressor, TabularClassifier, TabularRegressor, TableModel or Pipeline
        A Pipeline of scikit-learn that ends in one of our estimators is converted by skl2onnx, with whatever
        transformers that library knows (scalers, encoders, imputers, ColumnTransformer, ...).
    path : str or path-like, optional
        File to write; it appears whole or not at all.
    X : DataFrame or ndarray, optional
        Some rows such as the Pipeline takes, for the names and types of its columns; not needed where it
        takes an array of numbers.
    dtype : {"float32", "float64"}, optional
        In which the graph computes; by default as the model, a Pipeline's in float32.

    Returns
    -------
    onnx.ModelProto
        The graph. Inputs: "X" (n_samples, n_features), in the graph's dtype; with columns of different types,
        one input (n_samples, 1) for each, by name. Outputs: "label"
        and "probabilities" of a classifier, "variable" of a regressor, "output" of a Network; where a column
        is called so, the output's name ends with an underscore.

    Raises
    ------
    ImportError
        Where onnx, or for a Pipeline skl2onnx, is not installed.
    TypeError
        For other models, and transformers that skl2onnx does not know.
    ValueError
        For parameters that are not finite, or too large for the dtype, and where X is needed.

    Examples
    --------
    >>> from chainrule import Network
    >>> graph = to_onnx(Network([3, 4, 1], random_state=0)).graph
    >>> [node.op_type for node in graph.node]
    ['MatMul', 'Add', 'Relu', 'MatMul', 'Add', 'Identity']
    """
    try:
        import onnx
    except ImportError:
        raise ImportError(MISSING) from None
    model = best_of(model)
    if is_ensemble(model):
        proto = ensemble_graph(take_ensemble_apart(model, dtype))
    elif is_pipeline(model):
        proto = pipeline_graph(model, X, dtype or "float32")
    else:
        network = exportable(model)
        network = network if dtype is None else network.astype(dtype)
        proto = _network_graph(network) if network.columns is None else table_graph(network)
    onnx.checker.check_model(proto)
    if path is not None:
        with atomic_path(path) as temporary:
            Path(temporary).write_bytes(proto.SerializeToString())
    return proto


def _network_graph(network: Description) -> onnx.ModelProto:
    from onnx import helper

    nodes = GraphNodes(network.dtype)
    element = helper.np_dtype_to_tensor_dtype(network.dtype)
    outputs = network_outputs(nodes, network, "X")
    numbers = own_units(nodes, network.meaning, outputs)
    name = "output" if network.meaning.kind == "outputs" else "variable"
    results = {name: (numbers, element, ["n", network.n_outputs])}
    if network.meaning.classifies:
        results = class_results(nodes, network, outputs)
    x = helper.make_tensor_value_info("X", element, ["n", network.n_inputs])
    return nodes.finish([x], results)
