"""What stands before a network's first layer as C99, from the data to x_1 [E11, E13-E15]."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chainrule.description import Description
from chainrule.export.c import text
from chainrule.export.c.layers import Code

PERIODIC = """\
static void {p}periodic({real} x, int n_waves, int n_out, const {real} *w, const {real} *phase,
    const {real} *W, const {real} *b, {real} *y)
{{
    int i, j;
    y[0] = x;
    for (j = 0; j < n_out; ++j)
        y[j + 1] = b[j];
    for (i = 0; i < n_waves; ++i, W += n_out) {{
        const {real} wave = cos{f}(6.28318530717958647693{f} * w[i] * x + phase[i]);
        for (j = 0; j < n_out; ++j)
            y[j + 1] += wave * W[j];
    }}
}}
"""

PIECEWISE_LINEAR = """\
static void {p}piecewise_linear({real} x, int n_bins, int n_out, const {real} *edges, const {real} *V,
    const {real} *w, const {real} *b, {real} *y)
{{
    int i, j;
    {real} t;
    for (j = 0; j < n_out; ++j)
        y[j] = w[j] * x + b[j];
    for (i = 0; i + 1 < n_bins && x >= edges[i + 1]; ++i, V += n_out)
        for (j = 0; j < n_out; ++j)
            y[j] += V[j];
    t = (x - edges[i]) / (edges[i + 1] - edges[i]);
    for (j = 0; j < n_out; ++j)
        y[j] += t * V[j];
}}
"""

CATEGORY = """\
/* Row x of a table; its last, n, for a category not seen in training. */
static void {p}category({real} x, int n, int n_out, const {real} *table, {real} *y)
{{
    int j;
    table += (x >= 0 && x < {cast}n ? (int)x : n) * n_out;
    for (j = 0; j < n_out; ++j)
        y[j] = table[j];
}}
"""


def input_code(network: Description, code: Code, x: str, x_1: str) -> list[str]:
    """Write the statements that take the array `x` of the data into the array `x_1`; `j` must be an int."""
    statements, at = [], 0
    for k, (columns, layers) in enumerate(network.inputs, start=1):
        block, n_units = Block(k, list(columns), code, x, x_1, at), layers[0].n_units(len(columns))
        statements += KINDS[layers[0].name](layers[0], block)
        if layers[1:]:  # a network's blocks have one layer and, where x_1 is scaled, E11
            statements += block.loop(n_units, f"{block.y} *= {block.constant('scale', layers[1].scale)}[j];")
        at += n_units
    return statements


@dataclass
class Block:
    """A block of columns of x_1.

    Attributes
    ----------
    k : int
        Its place, from 1.
    columns : list of int
        Of the data.
    code : Code
    source, into : str
        Arrays of the data and of x_1.
    at : int
        Where its columns of x_1 begin.
    """

    k: int
    columns: list[int]
    code: Code
    source: str
    into: str
    at: int

    @property
    def x(self) -> str:
        """Number j of its columns of the data."""
        first = self.columns[0]
        if self.columns == list(range(first, first + len(self.columns))):
            return f"{self.source}[{_plus(first, 'j')}]"
        name = f"{self.code.prefix}{self.code.part}columns{self.k}"
        places = text.wrap(f"{column}," for column in self.columns)
        declared = f"static const int {name}[{len(self.columns)}] = {{\n{places}\n}};\n"
        if declared not in self.code.constants:
            self.code.constants.append(declared)
        return f"{self.source}[{name}[j]]"

    @property
    def y(self) -> str:
        """Number j of its columns of x_1."""
        return f"{self.into}[{_plus(self.at, 'j')}]"

    def constant(self, name: str, values: Any) -> str:
        """Add an array; return its full name."""
        full = f"{self.code.prefix}{self.code.part}{name}{self.k}"
        self.code.constants.append(text.array(full, values, self.code.dtype))
        return full

    def loop(self, n: int, statement: str) -> list[str]:
        """Do it for each j."""
        return [f"for (j = 0; j < {n}; ++j)", f"    {statement}"]


def _plus(first: int, rest: str) -> str:
    return f"{first} + {rest}" if first else rest


def _numbers(layer: Any, block: Block) -> list[str]:
    return block.loop(len(block.columns), f"{block.y} = {block.x};")


def _periodic(layer: Any, block: Block) -> list[str]:
    n, n_waves, n_out = layer.weight.shape
    waves = [
        f"{block.constant(name, values)} + j * {n_waves}"
        for name, values in (("frequency", layer.frequency), ("phase", layer.phase))
    ]
    weight = f"{block.constant('wave_weight', layer.weight)} + j * {n_waves * n_out}"
    bias = f"{block.constant('wave_bias', layer.bias)} + j * {n_out}"
    into = f"{block.into} + {_plus(block.at, f'j * {n_out + 1}')}"
    name = block.code.need("periodic", PERIODIC)
    return block.loop(
        n, f"{name}({block.x}, {n_waves}, {n_out}, {', '.join(waves)}, {weight}, {bias}, {into});"
    )  # E13


def _piecewise_linear(layer: Any, block: Block) -> list[str]:
    n_bins, n_out = layer.rise.shape
    arrays = [
        block.constant(name, values)
        for name, values in (
            ("edges", layer.edges), ("rise", layer.rise), ("slope_of_x", layer.weight), ("offset", layer.bias)
        )
    ]  # fmt: skip
    name = block.code.need("piecewise_linear", PIECEWISE_LINEAR)
    x, into = f"{block.source}[{block.columns[0]}]", f"{block.into} + {block.at}"
    return [f"{name}({x}, {n_bins}, {n_out}, {', '.join(arrays)}, {into});"]  # E14


def _categories(layer: Any, block: Block) -> list[str]:
    n_rows, n_out = layer.table.shape
    name, table = block.code.need("category", CATEGORY), block.constant("table", layer.table)
    x, into = f"{block.source}[{block.columns[0]}]", f"{block.into} + {block.at}"
    return [f"{name}({x}, {n_rows - 1}, {n_out}, {table}, {into});"]  # E15


#: Every kind of `chainrule.inputs` but E11 by its name.
KINDS: dict[str, Callable[[Any, Block], list[str]]] = {
    "numbers": _numbers,
    "periodic": _periodic,
    "piecewise_linear": _piecewise_linear,
    "categories": _categories,
}
