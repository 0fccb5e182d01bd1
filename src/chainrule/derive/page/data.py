"""What the page shows, as JSON: a derivation's steps and numbers, and what is worked out from them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.derive.derivation import DerivationData
from chainrule.derive.expression import Gradient, Symbol
from chainrule.derive.losses import entry
from chainrule.derive.model import Model
from chainrule.derive.notation import ROLES
from chainrule.derive.page.checks import checks
from chainrule.derive.page.packing import Packed, pack, shown
from chainrule.derive.page.paths import PathTable
from chainrule.derive.render.data import shape_text
from chainrule.derive.render.mathml import mathml
from chainrule.derive.render.text import text
from chainrule.derive.rules import RULES
from chainrule.derive.steps import PARTS, Form, Part, Step
from chainrule.derive.words import Words

MOST_PATHS = 20_000  # nodes of all paths, if those of every unit are listed
WAYS: dict[Part, str] = {
    "inputs": "forward", "forward": "forward", "loss": "forward",
    "output": "back", "recursion": "back", "parameters": "back", "columns": "back",
}  # fmt: skip

#: Roles of the symbols of one input layer.
OF_COLUMNS = (
    "column", "frequency", "phase", "angle", "mixing", "offset", "edge", "width", "part", "position", "table",
    "embedding",
)  # fmt: skip

Json = dict[str, Any]


@dataclass(frozen=True)
class Limits:
    """How much of a derivation goes into its page.

    Attributes
    ----------
    samples : int
        Rows of a batch that can walk through the network.
    numbers : int
        In matrices that are there whole: 11 bytes each.
    paths : int
        Paths that are listed for each unit.
    units : int
        Of each layer whose paths are listed, where the network is too large for all.
    """

    samples: int = 6
    numbers: int = 60_000
    paths: int = 8
    units: int = 10


#: From a page with everything to one of a very deep network.
LIMITS = (
    Limits(),
    Limits(paths=4, numbers=30_000),
    Limits(paths=2, numbers=15_000),
    Limits(paths=1, numbers=8_000, units=6, samples=3),
    Limits(paths=1, numbers=4_000, units=4, samples=1),
)


def page_data(derivation: DerivationData, limits: Limits = LIMITS[0], check: Json | None = None) -> Json:
    """Collect what the page shows of a derivation.

    Parameters
    ----------
    derivation : DerivationData
        With or without numbers.
    limits : Limits
        How much of it.
    check : dict, optional
        The table of `checks`, where it is known.

    Returns
    -------
    dict
        What `JSON.parse` gives the page: "sizes", "drawn" (the units of each column that are drawn), "parts",
        "steps", "symbols" by key with packed matrices, "paths", "norms" and "check" (None without numbers).
    """
    model, notation = derivation.model, derivation.context.notation
    columns = [notation.x(k).glyph for k in range(1, len(model.sizes) + 1)]
    has_numbers = derivation.numbers is not None
    activations = [layer.function for layer in model.layers]
    return {
        "language": derivation.language,
        "title": model.title,
        "origin": None if model.origin is None else model.origin.to_dict(),
        "subtitle": _subtitle(activations, entry(model.loss).name),
        "sizes": model.sizes,
        "drawn": [shown(n) for n in model.sizes],
        "front": _front(model),
        "columns": [["ŷ" if g.accent else g.base, g.index] for g in columns],
        "activations": activations,
        "residual": [layer.residual for layer in model.layers],
        "hasNumbers": has_numbers,
        "nSamples": min(derivation.n_samples, limits.samples),
        "parts": [
            {"key": key, "name": name.to_dict(), "way": WAYS.get(key, "")} for key, name in PARTS.items()
        ],
        "rules": _rules(derivation),
        "symbols": _symbols(derivation, limits),
        "steps": [_step(step) for step in derivation.steps],
        "paths": _paths(derivation, limits) if has_numbers else None,
        "norms": _norms(derivation) if has_numbers else None,
        "check": check or checks(derivation),
    }


def _front(model: Model) -> Json | None:
    """Return the columns of the data, and which units of x_1 are made of each; None without input layers."""
    if model.stage is None:
        return None
    links = []
    for piece in model.stage.pieces:
        units = range(piece.begin, piece.end)
        own = piece.columns if piece.kind == "numbers" else piece.columns * piece.n_units
        links += [[column, unit] for column, unit in zip(own, units, strict=True)]
    seen, drawn = set(shown(model.n_columns)), set(shown(model.sizes[0]))
    return {
        "size": model.n_columns,
        "drawn": sorted(seen),
        "column": ["x", "0"],
        "links": [[column, unit] for column, unit in links if column in seen and unit in drawn],
    }


def _subtitle(activations: Iterable[str], loss: Words) -> Json:
    """Return the activations and the loss in both languages."""
    runs = _runs(activations).replace("_", " ")
    return {"en": f"{runs} · {loss.en}", "zh": f"{runs} · {loss.zh}"}


def _runs(names: Iterable[str]) -> str:
    """Write each run of equal names once."""
    short: list[str] = []
    for name in names:
        if not short or short[-1] != name:
            short.append(name)
    return " → ".join(short)


# Steps and symbols.


def _step(step: Step) -> Json:
    uses = [symbol.key for symbol in _symbols_of(step.forms[-1])]
    return {
        "key": step.key,
        "equation": step.equation,
        "part": step.part,
        "layer": step.layer,
        "title": step.title.to_dict(),
        "note": step.note.to_dict(),
        "lhs": mathml(step.lhs),
        "forms": [_form(form) for form in step.forms],
        "uses": uses,
        "target": step.target,
        "symbolic": step.symbolic,
        "assignment": step.assignment,
    }


def _form(form: Form) -> Json:
    return {"math": mathml(form.expression), "rule": form.rule}


def _rules(derivation: DerivationData) -> Json:
    used = {form.rule for step in derivation.steps for form in step.forms}
    return {
        key: {"name": RULES[key].name.to_dict(), "text": RULES[key].text.to_dict()} for key in sorted(used)
    }


def _symbols_of(form: Form) -> list[Symbol]:
    found: dict[str, Symbol] = {}
    for symbol in form.expression.symbols():
        found.setdefault(symbol.key, symbol)
    return list(found.values())


def _symbols(derivation: DerivationData, limits: Limits) -> list[Json]:
    """Every symbol with what it is, where it stands in the drawing, and its numbers."""
    every = dict(derivation.context.notation.symbols)
    for step in derivation.steps:
        for symbol in step.symbols:
            every.setdefault(symbol.key, symbol)
    values, stage = _Values(derivation, limits), derivation.model.stage
    columns = {} if stage is None else {str(piece.number): piece.columns[0] for piece in stage.pieces}
    return [
        {
            "key": symbol.key,
            "name": text(symbol),
            "math": mathml(symbol),
            "meaning": ROLES.get(symbol.role, Words("", "")).to_dict(),
            "role": symbol.role,
            "shape": list(symbol.shape),
            "shapeText": shape_text(symbol.shape),
            "perRow": symbol.per_row,
            "isScalar": symbol.scalar,
            "place": _place(symbol, columns),
        }
        | values.of(symbol)
        for symbol in every.values()
    ]


def _place(symbol: Symbol, columns: dict[str, int]) -> list[Any] | None:
    """Say where a symbol stands in the drawing: a column, a layer's lines or biases, target, error.

    `columns` are the data's by the number of the input layer that takes them.
    """
    if symbol.role == "gradient" and isinstance(symbol, Gradient) and symbol.wrt is not None:
        return _place(symbol.wrt, columns)
    if symbol.role == "data":
        return ["front"]
    if symbol.role in ("factor", "joined"):
        return ["units", 0]
    if symbol.role in OF_COLUMNS:
        return ["column", columns[symbol.key.rpartition(".")[2]]]
    if symbol.role in ("input", "embedded", "hidden", "output"):
        column = symbol.key.partition(".")[2]
        return ["units", int(column) - 1] if column.isdigit() else None
    if symbol.role in ("target", "loss"):
        return [symbol.role]
    if symbol.layer is None or symbol.role == "setting":
        return None
    if symbol.role in ("weight", "bias", "updated", "moment"):
        return [
            "lines" if "W" in symbol.key.split(".") else "biases",
            symbol.layer - 1,
        ]
    return ["units", symbol.layer]


class _Values:
    """Packs the numbers, the small matrices first, whole as long as there is room for them."""

    def __init__(self, derivation: DerivationData, limits: Limits) -> None:
        self.arrays = {} if derivation.numbers is None else derivation.numbers.arrays
        self.samples = range(min(derivation.n_samples, limits.samples))
        room = limits.numbers
        self.whole = set()
        for key, array in sorted(self.arrays.items(), key=lambda item: np.size(item[1])):
            if not key.startswith("jacobian"):
                room -= np.size(array)
                if room >= 0:
                    self.whole.add(key)

    def of(self, symbol: Symbol) -> Json:
        """Return {"value": matrix}, {"samples": a matrix for each row of the batch}, or nothing."""
        if symbol.key not in self.arrays:
            return {}
        array = np.asarray(self.arrays[symbol.key])
        if array.ndim < 3:
            return {"value": self._pack(symbol.key, np.atleast_2d(array))}
        if array.shape[1] == 1:
            return {"value": self._pack(symbol.key, array[:, 0, :])}
        return {"samples": [self._pack(symbol.key, array[i]) for i in self.samples]}

    def _pack(self, key: str, matrix: Any) -> Packed:
        most = matrix.size if key in self.whole else 64
        rows, columns = (shown(n) for n in matrix.shape)
        return pack(matrix, rows, columns, most)


# What is worked out: paths, norms.


def _paths(derivation: DerivationData, limits: Limits) -> Json:
    """List the largest paths from each unit to the error, for each row that can be walked."""
    model = derivation.model
    longest = 2 * len(model.layers)
    units = sum(n * (longest - 2 * k) for k, n in enumerate(model.sizes[1:]))
    n_samples = min(derivation.n_samples, limits.samples)
    partial = 8 * units * n_samples > MOST_PATHS
    tables = [_path_table(derivation, i) for i in range(n_samples)]
    layers = []
    for k, (n_in, n_out) in enumerate(zip(model.sizes, model.sizes[1:], strict=False), start=1):
        inputs, outputs = (shown(n, limits.units) if partial else list(range(n)) for n in (n_in, n_out))
        delta = np.asarray(derivation.numbers.arrays[f"delta.{k}"])  # type: ignore[union-attr]
        listed = [
            {
                "unit": unit,
                "samples": [
                    _unit_paths(table, k, unit, delta[i, 0, unit], limits.paths)
                    for i, table in enumerate(tables)
                ],
            }
            for unit in outputs
        ]
        layers.append({"inputs": inputs, "units": listed})
    return {"layers": layers, "partial": partial}


def _unit_paths(table: PathTable, k: int, unit: int, delta: float, most: int) -> Json:
    top = [
        {"nodes": path.nodes, "factors": path.factors, "kinds": path.kinds, "product": path.product}
        for path in table.top(k, unit)[:most]
    ]
    return {"total": float(delta), "count": str(table.count(k, unit)), "top": top}


def _path_table(derivation: DerivationData, i: int) -> PathTable:
    numbers, layers = derivation.numbers, derivation.model.layers
    assert numbers is not None
    weights, inner = [], []
    for k, layer in enumerate(layers, start=1):
        assert layer.weight is not None
        weights.append(layer.weight)
        if k == len(layers):
            break
        if layer.normalized:
            notation = derivation.context.notation
            inner.append(numbers.partial(notation.x(k + 1), notation.net(k), direct=False)[i])
        else:
            mask = numbers.arrays.get(f"mask.{k}")
            slope = np.asarray(numbers.arrays[f"prime.{k}"])[i, 0]
            inner.append(slope if mask is None else slope * mask[i, 0])
    delta = np.asarray(numbers.arrays[f"delta.{len(layers)}"])[i, 0]
    return PathTable(weights, inner, [layer.residual for layer in layers], delta)


def _norms(derivation: DerivationData) -> Json:
    """Root mean square over the rows of each row's norm of delta, and the norm of the weights' gradient."""
    assert derivation.numbers is not None
    arrays = derivation.numbers.arrays
    delta, weight = [], []
    for k in range(1, len(derivation.model.layers) + 1):
        rows = np.asarray(arrays[f"delta.{k}"])[:, 0, :]
        delta.append(_norm(rows) / math.sqrt(len(rows)))
        weight.append(_norm(np.asarray(arrays.get(f"batch.dW.{k}", arrays[f"dW.{k}"]))))
    return {"delta": delta, "weight": weight}


def _norm(array: Any) -> float:
    """Norm without underflow: the numbers of a vanishing gradient may be far below 1e-154."""
    scale = float(np.max(np.abs(array)))
    return scale * float(np.linalg.norm(array / scale)) if scale > 0 else 0.0
