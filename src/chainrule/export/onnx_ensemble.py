"""A Tabular model as one ONNX graph: columns, preparation, every member, their average, the decision."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.description import Meaning
from chainrule.export.ensembles import MOST, Category, EnsembleParts, Number
from chainrule.export.onnx_graph import GraphNodes, name_inputs
from chainrule.export.onnx_nodes import labels, network_outputs
from chainrule.tabular.calibration import TINY

if TYPE_CHECKING:
    import onnx


def ensemble_graph(parts: EnsembleParts) -> onnx.ModelProto:
    """Build the graph.

    Inputs as those of `table_graph`: one (n_samples, 1) for each column that is used, by name; or "X"
    (n_samples, n_features) in float64 where the model was fitted on arrays of numbers. Outputs in float64.
    """
    from onnx import TensorProto, helper

    graph = EnsembleNodes(parts.members[0][1].dtype)
    names, inputs = [], []
    columns: list[tuple[int, str]] = []  # of what members take: where each begins, and its node
    if not parts.named:
        shape: list[Any] = ["n", parts.n_columns]
        inputs.append(helper.make_tensor_value_info("X", TensorProto.DOUBLE, shape))
    for k, one in enumerate(parts.columns):
        name = f"column_{k}"  # until the graph is finished
        if not parts.named:
            place = graph.constant(np.array([one.column.place]))
            columns += graph.number_column(one, graph.op("Gather", "X", place, axis=1))
            continue
        element = TensorProto.DOUBLE
        if isinstance(one, Category):
            element = TensorProto.INT64 if one.column.boolean else TensorProto.STRING
            columns += graph.category_column(one, name)
        else:
            columns += graph.number_column(one, name)
        inputs.append(helper.make_tensor_value_info(name, element, ["n", 1]))
        names.append(one.column.name)
    x = graph.op("Concat", *(node for _, node in sorted(columns)), axis=1)
    average = graph.average(parts, x)
    proto = graph.finish(inputs, graph.results(parts, average))
    if parts.named:
        name_inputs(proto.graph, names)
    return proto


class EnsembleNodes(GraphNodes):
    """Nodes around the members, in float64."""

    def double(self, value: Any) -> str:
        """Add a constant of float64."""
        return self.constant(np.asarray(value, np.float64))

    def cast(self, x: str) -> str:
        """Take numbers to the members' type, through float32, in which members have their rows."""
        from onnx import TensorProto

        single = self.op("Cast", x, to=TensorProto.FLOAT)
        return single if self.single else self.op("Cast", single, to=TensorProto.DOUBLE)

    def number_column(self, number: Any, x: str) -> list[tuple[int, str]]:
        """Add (x - center) factor, clipped, 0 where missing; and a flag where it is missing."""
        from onnx import TensorProto

        assert isinstance(number, Number)
        missing = self.op("IsNaN", x)
        if number.factor:
            scaled = self.op("Sub", x, self.double(number.center))
            scaled = self.op("Mul", scaled, self.double(number.factor))
            scaled = self.op("Max", self.op("Min", scaled, self.double(MOST)), self.double(-MOST))
            third = self.op("Div", scaled, self.double(3))
            square = self.op("Add", self.op("Mul", third, third), self.double(1))
            value = self.op("Div", scaled, self.op("Sqrt", square))
            value = self.op("Where", missing, self.double(0), value)
        else:
            value = self.op("Mul", self.op("Cast", missing, to=TensorProto.DOUBLE), self.double(0))
        found = [(number.at, self.cast(value))]
        if number.flag is not None:
            found.append((number.flag, self.cast(missing)))
        return found

    def category_column(self, category: Category, x: str) -> list[tuple[int, str]]:
        """Add the code, or what stands for it."""
        column = category.column
        codes = {text: code for code, text in enumerate(column.categories.to_pylist())}
        unseen, missing = column.n_codes, category.missing_code
        keys: dict[str, Any]
        if column.boolean:
            keys = {"keys_int64s": [0, 1, -1]}
            values = [codes.get("false", unseen), codes.get("true", unseen), missing]
        else:
            keys, values = {"keys_strings": [*codes, ""]}, [*codes.values(), missing]
        code = self.op(
            "LabelEncoder", x, domain="ai.onnx.ml", **keys, values_int64s=values, default_int64=unseen
        )
        found = [] if category.at is None else [(category.at, self.cast(code))]
        for at, rows in category.tables:
            place = self.op("Min", code, self.constant(np.array(len(rows) - 1)))
            place = self.op("Squeeze", place, self.constant(np.array([1])))
            found.append((at, self.op("Gather", self.array(rows), place, axis=0)))
        return found

    def average(self, parts: EnsembleParts, x: str) -> str:
        """Add all members and the average of their outputs."""
        from onnx import TensorProto

        total = ""
        for weight, network in parts.members:
            outputs = self.op("Cast", network_outputs(self, network, x), to=TensorProto.DOUBLE)
            part = self.op("Mul", outputs, self.double(weight))
            total = self.op("Add", total, part) if total else part
        return total

    def results(self, parts: EnsembleParts, average: str) -> dict[str, tuple[str, Any, list[Any]]]:
        """Add labels and probabilities, or numbers in their own units."""
        from onnx import TensorProto, helper

        n = parts.n_outputs
        if parts.classes is None:
            target = parts.target
            y = self.op("Add", self.op("Mul", average, self.double(target.scale)), self.double(target.mean))
            y = self.op("Min", self.op("Max", y, self.double(target.low)), self.double(target.high))
            return {"variable": (y, TensorProto.DOUBLE, ["n", n])}
        found = labels(Meaning("classes", parts.classes))
        element = (
            TensorProto.STRING if found.dtype == object else helper.np_dtype_to_tensor_dtype(found.dtype)
        )
        index = self.op("ArgMax", average, axis=1, keepdims=0)
        label = self.op("Gather", self.constant(found), index, axis=0)
        return {
            "label": (label, element, ["n"]),
            "probabilities": (self.calibrated(parts, average), TensorProto.DOUBLE, ["n", n]),
        }

    def calibrated(self, parts: EnsembleParts, p: str) -> str:
        """Add temperature, and the step towards uniform; or just let probabilities sum to 1."""
        last = self.constant(np.array([1]))
        if parts.temperature is None:
            return self.op("Div", p, self.op("ReduceSum", p, last))
        logs = self.op("Log", self.op("Max", p, self.double(TINY)))
        p = self.op("Softmax", self.op("Div", logs, self.double(parts.temperature)), axis=-1)
        n = parts.n_watched
        p = self.op("Mul", p, self.double(n / (n + 1)))
        return self.op("Add", p, self.double(1 / ((n + 1) * parts.n_outputs)))
