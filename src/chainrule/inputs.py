"""Input layers of networks: what stands between the columns of the data and the first product [E11, E13-E15].

Without them x_1, what the first layer of weights takes, is the data. With them each takes some columns and
gives columns of x_1, beside those of the layer before; `Scale`, the last, takes them all::

    chainrule.Network(
        [3, 64, 1],
        inputs=[
            chainrule.inputs.Periodic([0, 1], sigma=0.5),
            chainrule.inputs.Categories(2, n_categories=12),
            chainrule.inputs.Scale(),
        ],
    )

These are the settings. ``net.inputs[0].frequency`` and the like are what such a layer has learned, under the
names that the classes of `chainrule.reference.inputs` have, where the equations are.

A column of categories has their codes 0, 1, 2, ... as whole numbers of x. Any other number, such as -1, is a
category that was not seen in training.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from chainrule import reference
from chainrule._settings import real_number, whole_number

Floats = NDArray[Any]

#: The most codes that float32 tells apart.
MOST_CATEGORIES = 2**24


class InputLayer(ABC):
    """Settings of an input layer.

    Attributes
    ----------
    name : str
        The kind, as the engine and the reference have it.
    """

    name: ClassVar[str]

    @property
    @abstractmethod
    def taken(self) -> tuple[int, ...]:
        """Columns of the data; none where it takes what the layers before it give."""

    @abstractmethod
    def n_units(self, n_before: int) -> int:
        """Count its columns of x_1; `n_before` have the layers before it."""

    @property
    def engine(self) -> tuple[str, tuple[int, ...], int, int, tuple[float, ...]]:
        """What the engine's `Model` is given."""
        return self.name, self.taken, 0, 0, ()

    def shapes(self, n_before: int) -> dict[str, tuple[int, ...]]:
        """Give the shape of each array that is learned, in the order of the reference."""
        return {}

    def first_values(self, generator: np.random.Generator) -> dict[str, Any]:
        """Draw first values; what is missing begins as the engine has it."""
        return {}

    def referred(self, arrays: dict[str, Floats]) -> Any:
        """Return the reference's layer with these arrays."""
        return reference.inputs.INPUT_LAYERS[self.name](**arrays)

    def settings(self) -> dict[str, Any]:
        """Return what JSON can hold; `from_settings` undoes it."""
        return {"name": self.name, **asdict(self)}  # type: ignore[call-overload]


@dataclass(frozen=True)
class Numbers(InputLayer):
    """Columns that enter as they are.

    Parameters
    ----------
    columns : list of int
        Of the data, from 0.

    Examples
    --------
    >>> import chainrule
    >>> net = chainrule.Network([2, 1], inputs=[Numbers([1, 0])], random_state=0)
    >>> net.weights[0] = [[1.0], [10.0]]
    >>> net.biases[0] = [0.0]
    >>> net([[2.0, 3.0]]).tolist()
    [[23.0]]
    """

    name: ClassVar[str] = "numbers"
    columns: Sequence[int]

    def __post_init__(self) -> None:
        object.__setattr__(self, "columns", _columns(self.columns))

    @property
    def taken(self) -> tuple[int, ...]:
        """The columns."""
        return tuple(self.columns)

    def n_units(self, n_before: int) -> int:
        """As many as it takes."""
        return len(self.columns)


@dataclass(frozen=True)
class Periodic(InputLayer):
    """Each column and n_outputs sums of waves of it, with frequencies of its own [E13].

    [x, W_2^T cos(2 pi w_1 x + b_1) + b_2]: "PBLD". Learned: `frequency` w_1 and `phase` b_1 (n_columns,
    n_frequencies), `weight` W_2 (n_columns, n_frequencies, n_outputs), `bias` b_2 (n_columns, n_outputs).

    Parameters
    ----------
    columns : list of int
        Of the data, from 0. The values should be about 1 in size.
    n_frequencies, n_outputs : int
        Waves of each column, and sums of them.
    sigma : float
        Deviation of the first frequencies, N(0, sigma^2). It matters much: try 0.1, 1 and 10. First phases
        are uniform on [-pi, pi], weights and biases on [-1, 1] / sqrt(n_frequencies).

    Source: Y. Gorishniy, I. Rubachev and A. Babenko, NeurIPS 2022; D. Holzmueller, L. Grinsztajn and I.
    Steinwart, NeurIPS 2024 (arXiv:2407.04491).

    Examples
    --------
    >>> import chainrule
    >>> net = chainrule.Network([2, 8, 1], inputs=[Periodic([0, 1], 16, 3)], random_state=0)
    >>> net.weights[0].shape, net.inputs[0].frequency.shape
    ((8, 8), (2, 16))
    """

    name: ClassVar[str] = "periodic"
    columns: Sequence[int]
    n_frequencies: int = 16
    n_outputs: int = 3
    sigma: float = 0.1

    def __post_init__(self) -> None:
        object.__setattr__(self, "columns", _columns(self.columns))
        for name in ("n_frequencies", "n_outputs"):
            object.__setattr__(self, name, whole_number(name, getattr(self, name), 1))
        object.__setattr__(self, "sigma", real_number("sigma", self.sigma, "[0, inf)"))

    @property
    def taken(self) -> tuple[int, ...]:
        """The columns."""
        return tuple(self.columns)

    def n_units(self, n_before: int) -> int:
        """1 + n_outputs for each column."""
        return len(self.columns) * (1 + self.n_outputs)

    @property
    def engine(self) -> tuple[str, tuple[int, ...], int, int, tuple[float, ...]]:
        """Columns, frequencies, outputs."""
        return self.name, self.taken, self.n_frequencies, self.n_outputs, ()

    def shapes(self, n_before: int) -> dict[str, tuple[int, ...]]:
        """By column."""
        n, f, o = len(self.columns), self.n_frequencies, self.n_outputs
        return {"frequency": (n, f), "phase": (n, f), "weight": (n, f, o), "bias": (n, o)}

    def first_values(self, generator: np.random.Generator) -> dict[str, Any]:
        """In the order of the equation."""
        shapes, bound = self.shapes(0), 1 / math.sqrt(self.n_frequencies)
        return {
            "frequency": generator.normal(0.0, self.sigma, shapes["frequency"]),
            "phase": generator.uniform(-math.pi, math.pi, shapes["phase"]),
            "weight": generator.uniform(-bound, bound, shapes["weight"]),
            "bias": generator.uniform(-bound, bound, shapes["bias"]),
        }


class OfOneColumn(InputLayer):
    """What makes n_outputs columns of x_1 of one column of the data."""

    column: int
    n_outputs: int

    @property
    def taken(self) -> tuple[int, ...]:
        """The column."""
        return (self.column,)

    def n_units(self, n_before: int) -> int:
        """n_outputs."""
        return self.n_outputs


@dataclass(frozen=True)
class PiecewiseLinear(OfOneColumn):
    """n_outputs lines of one column, with a kink at each edge of its bins [E14].

    Learned: `rise` (n_bins, n_outputs), `weight` and `bias` (n_outputs,).

    Parameters
    ----------
    column : int
        Of the data, from 0.
    edges : list of float
        e_0 < e_1 < ...: at least two, such as quantiles of the column. The outer bins go on beyond them.
    n_outputs : int
        Columns of x_1. The rises are 0 at first, weight and bias uniform on [-1, 1] / sqrt(n_outputs).

    Source: Y. Gorishniy, I. Rubachev and A. Babenko, NeurIPS 2022, eq. 1; TabM, ICLR 2025.

    Examples
    --------
    >>> import chainrule
    >>> net = chainrule.Network([1, 1], inputs=[PiecewiseLinear(0, [0, 1, 3], 1)], random_state=0)
    >>> net.inputs[0].rise, net.inputs[0].weight, net.inputs[0].bias = [[10.0], [40.0]], [0.0], [5.0]
    >>> net.weights[0], net.biases[0] = [[1.0]], [0.0]
    >>> net([[0.5], [1.0], [2.0], [4.0]]).ravel().tolist()
    [10.0, 15.0, 35.0, 75.0]
    """

    name: ClassVar[str] = "piecewise_linear"
    column: int
    edges: Sequence[float]
    n_outputs: int = 8

    def __post_init__(self) -> None:
        object.__setattr__(self, "column", whole_number("column", self.column, 0))
        object.__setattr__(self, "n_outputs", whole_number("n_outputs", self.n_outputs, 1))
        if isinstance(self.edges, str) or not isinstance(self.edges, Iterable):
            raise TypeError(f"edges is {self.edges!r}; expected a list of numbers that increase")
        edges = tuple(real_number(f"edges[{i}]", e, "(-inf, inf)") for i, e in enumerate(self.edges))
        if len(edges) < 2 or any(b <= a for a, b in pairwise(edges)):
            raise ValueError(f"edges is {list(edges)}; expected at least two numbers, each above the last")
        object.__setattr__(self, "edges", edges)

    @property
    def engine(self) -> tuple[str, tuple[int, ...], int, int, tuple[float, ...]]:
        """Column, bins, outputs, edges."""
        return self.name, self.taken, len(self.edges) - 1, self.n_outputs, tuple(self.edges)

    def shapes(self, n_before: int) -> dict[str, tuple[int, ...]]:
        """Rises by bin."""
        n = self.n_outputs
        return {"rise": (len(self.edges) - 1, n), "weight": (n,), "bias": (n,)}

    def first_values(self, generator: np.random.Generator) -> dict[str, Any]:
        """Draw a straight line."""
        bound = 1 / math.sqrt(self.n_outputs)
        return {name: generator.uniform(-bound, bound, self.n_outputs) for name in ("weight", "bias")}

    def referred(self, arrays: dict[str, Floats]) -> Any:
        """With the edges."""
        edges = np.asarray(self.edges, arrays["rise"].dtype)
        return reference.inputs.PiecewiseLinear(edges=edges, **arrays)


@dataclass(frozen=True)
class Categories(OfOneColumn):
    """A row of n_outputs learned numbers for each category [E15].

    Learned: `table` (n_categories + 1, n_outputs); the last row is for what was not seen in training.

    Parameters
    ----------
    column : int
        Of the data, from 0. It has codes: whole numbers 0 to n_categories - 1, and any other whole number for
        a category not seen in training.
    n_categories : int
        At most 2^24.
    n_outputs : int
        Columns of x_1. The table is N(0, 1) at first.

    Source: C. Guo and F. Berkhahn, Entity embeddings of categorical variables (arXiv:1604.06737).

    Examples
    --------
    >>> import chainrule
    >>> net = chainrule.Network([1, 1], inputs=[Categories(0, 2, n_outputs=1)], random_state=0)
    >>> net.inputs[0].table = [[1.0], [2.0], [0.0]]
    >>> net.weights[0], net.biases[0] = [[10.0]], [0.0]
    >>> net([[0.0], [1.0], [-1.0]]).ravel().tolist()
    [10.0, 20.0, 0.0]
    """

    name: ClassVar[str] = "categories"
    column: int
    n_categories: int
    n_outputs: int = 8

    def __post_init__(self) -> None:
        object.__setattr__(self, "column", whole_number("column", self.column, 0))
        for name in ("n_categories", "n_outputs"):
            object.__setattr__(self, name, whole_number(name, getattr(self, name), 1))
        if self.n_categories > MOST_CATEGORIES:
            raise ValueError(
                f"n_categories is {self.n_categories}; expected at most {MOST_CATEGORIES}, the whole numbers"
                " that float32 tells apart; put rare categories together"
            )

    @property
    def engine(self) -> tuple[str, tuple[int, ...], int, int, tuple[float, ...]]:
        """Column, rows of the table, outputs."""
        return self.name, self.taken, self.n_categories + 1, self.n_outputs, ()

    def shapes(self, n_before: int) -> dict[str, tuple[int, ...]]:
        """Rows of the table: one more than categories."""
        return {"table": (self.n_categories + 1, self.n_outputs)}

    def first_values(self, generator: np.random.Generator) -> dict[str, Any]:
        """N(0, 1)."""
        return {"table": generator.normal(size=self.shapes(0)["table"])}


@dataclass(frozen=True)
class Scale(InputLayer):
    """A learned factor for each column of x_1 [E11]; the last input layer. Learned: `scale`, 1 at first.

    Source: D. Holzmueller, L. Grinsztajn and I. Steinwart, NeurIPS 2024 (arXiv:2407.04491).

    Examples
    --------
    >>> import chainrule
    >>> net = chainrule.Network([2, 1], inputs=[Numbers([0, 1]), Scale()], random_state=0)
    >>> net.inputs[1].scale.tolist()
    [1.0, 1.0]
    """

    name: ClassVar[str] = "scale"

    @property
    def taken(self) -> tuple[int, ...]:
        """None of the data."""
        return ()

    def n_units(self, n_before: int) -> int:
        """As many as there are."""
        return n_before

    def shapes(self, n_before: int) -> dict[str, tuple[int, ...]]:
        """Factors of the columns of x_1."""
        return {"scale": (n_before,)}


#: Every kind by its name.
INPUT_LAYERS: dict[str, type[InputLayer]] = {
    layer.name: layer for layer in (Numbers, Periodic, PiecewiseLinear, Categories, Scale)
}


def from_settings(settings: dict[str, Any]) -> InputLayer:
    """Return the input layer of these `InputLayer.settings`."""
    own = dict(settings)
    return INPUT_LAYERS[own.pop("name")](**own)


def check_inputs(inputs: Any, n_columns: int) -> tuple[InputLayer, ...]:
    """Return the input layers that a user gave for data of so many columns; None is none.

    Raises
    ------
    TypeError, ValueError
        For anything else, columns that the data do not have or that nobody takes, and a `Scale` that is not
        last.
    """
    if inputs is None:
        return ()
    if isinstance(inputs, str | InputLayer) or not isinstance(inputs, Iterable):
        raise TypeError(f"inputs is {inputs!r}; expected a list of chainrule.inputs, such as [Numbers([0])]")
    layers = tuple(inputs)
    for i, layer in enumerate(layers):
        if not isinstance(layer, InputLayer):
            raise TypeError(
                f"inputs[{i}] is {layer!r}; expected one of chainrule.inputs: "
                f"{', '.join(kind.__name__ for kind in INPUT_LAYERS.values())}"
            )
        if isinstance(layer, Scale) and (i == 0 or i + 1 < len(layers)):
            raise ValueError(f"inputs[{i}] is Scale(), which takes what all others give; expected it last")
        beyond = [column for column in layer.taken if column >= n_columns]
        if beyond:
            raise ValueError(
                f"inputs[{i}] takes column {beyond[0]}, but sizes begins with {n_columns}, the number of"
                f" columns of x; expected columns 0 to {n_columns - 1}"
            )
    if not layers:
        raise ValueError("inputs is []; expected at least one input layer, or None")
    missing = sorted(set(range(n_columns)) - {column for layer in layers for column in layer.taken})
    if missing:
        raise ValueError(
            f"no input layer takes column {missing[0]} of x; give it to one, with Numbers([{missing[0]}]) if"
            " it enters as it is, or leave it out of x"
        )
    return layers


def width(inputs: Sequence[InputLayer], n_columns: int) -> int:
    """Count the columns of x_1."""
    n = 0 if inputs else n_columns
    for layer in inputs:
        n = layer.n_units(n) if isinstance(layer, Scale) else n + layer.n_units(n)
    return n


def _columns(columns: Any) -> tuple[int, ...]:
    if isinstance(columns, str) or not isinstance(columns, Iterable):
        raise TypeError(f"columns is {columns!r}; expected a list of whole numbers, such as [0, 1]")
    checked = tuple(whole_number("a number of columns", column, 0) for column in columns)
    if not checked or len(set(checked)) < len(checked):
        raise ValueError(f"columns is {list(checked)}; expected at least one column, none of them twice")
    return checked


__all__ = [
    "Categories",
    "InputLayer",
    "Numbers",
    "Periodic",
    "PiecewiseLinear",
    "Scale",
]
