"""A graph of our own: its nodes, its constants, and what every model's graph ends with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chainrule._version import version
from chainrule.description import Description
from chainrule.export.onnx_nodes import OPSET, Nodes, label, labels, probabilities

if TYPE_CHECKING:
    import onnx

ML_OPSET = 3
MISSING = "to_onnx needs the packages onnx and skl2onnx: pip install onnx skl2onnx"


class GraphNodes(Nodes):
    """Nodes of a graph of our own."""

    def __init__(self, dtype: np.dtype[Any]) -> None:
        super().__init__(dtype)
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def add(self, operator: str, inputs: list[str], domain: str, attributes: dict[str, Any]) -> str:
        """Add a node; it is called after its operator and its place."""
        from onnx import helper

        name = f"{operator}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [name], name, domain=domain, **attributes))
        return name

    def constant(self, values: NDArray[Any]) -> str:
        """Add an initializer."""
        from onnx import numpy_helper

        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(values, name))
        return name

    def finish(self, inputs: list[Any], outputs: dict[str, tuple[str, Any, list[Any]]]) -> onnx.ModelProto:
        """Make a model; outputs are {name: (node's output, element type, shape)}."""
        from onnx import helper

        described = []
        for name, (source, element, shape) in outputs.items():
            self.nodes.append(helper.make_node("Identity", [source], [name], name))
            described.append(helper.make_tensor_value_info(name, element, shape))
        graph = helper.make_graph(self.nodes, "chainrule", inputs, described, self.constants)
        versions = [helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", ML_OPSET)]
        proto = helper.make_model(
            graph, producer_name="chainrule", producer_version=version(), opset_imports=versions
        )
        proto.ir_version = 8  # that of opset 18: runtimes older than the onnx package read it too
        return proto


def class_results(
    nodes: GraphNodes, network: Description, outputs: str
) -> dict[str, tuple[str, Any, list[Any]]]:
    """Add labels and probabilities, named as skl2onnx does it."""
    from onnx import TensorProto, helper

    meaning = network.meaning
    several = meaning.kind == "multilabel"
    found = labels(meaning)
    element = TensorProto.STRING if found.dtype == object else helper.np_dtype_to_tensor_dtype(found.dtype)
    return {
        "label": (
            label(nodes, meaning, outputs),
            TensorProto.INT64 if several else element,
            ["n", network.n_outputs] if several else ["n"],
        ),
        "probabilities": (
            probabilities(nodes, meaning, outputs),
            helper.np_dtype_to_tensor_dtype(network.dtype),
            ["n", network.n_columns],
        ),
    }


def name_inputs(graph: Any, names: Sequence[str]) -> None:
    """Call a graph's inputs by these names, and nothing else: what else is called so gets an underscore.

    A table's columns keep their names, since rows are given by them, even where an output of the model has
    such a name.
    """
    renamed = dict(zip((value.name for value in graph.input), names, strict=True))
    others = [name for name in _values(graph) if name not in renamed]
    taken = {*names, *others}
    for name in others:
        if name in names:
            renamed[name] = name + "_"
            while renamed[name] in taken:
                renamed[name] += "_"
            taken.add(renamed[name])
    _rename(graph, renamed)


def _values(graph: Any) -> Iterator[str]:
    """Yield the names of all values, those of graphs inside nodes too."""
    yield from (value.name for value in (*graph.input, *graph.initializer))
    for node in graph.node:
        yield from node.output
        for inner in _graphs(node):
            yield from _values(inner)


def _graphs(node: Any) -> list[Any]:
    """Return the graphs inside a node: branches, and bodies of loops."""
    return [inner for one in node.attribute for inner in ([one.g] if one.HasField("g") else one.graphs)]


def _rename(graph: Any, renamed: Mapping[str, str]) -> None:
    for value in (*graph.input, *graph.output, *graph.initializer, *graph.value_info):
        value.name = renamed.get(value.name, value.name)
    for node in graph.node:
        node.input[:] = [renamed.get(name, name) for name in node.input]
        node.output[:] = [renamed.get(name, name) for name in node.output]
        for inner in _graphs(node):
            _rename(inner, renamed)
