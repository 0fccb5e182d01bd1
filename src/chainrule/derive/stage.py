"""What a derivation needs to know of a network's input layers: pieces side by side, and the scale of all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule import inputs, reference
from chainrule.derive.expression import Floats


@dataclass(frozen=True)
class Piece:
    """One input layer; of one that embeds several columns each by itself, its part for one of them.

    Attributes
    ----------
    kind : str
        The name in `chainrule.reference.inputs`.
    number : int
        The index of its symbols: its column, counted from 1; for a second use of a column a number beyond.
    columns : tuple of int
        Of the data, from 0.
    begin, n_units : int
        Where its columns of z_0 begin, and how many there are.
    arrays : dict of str to ndarray
        What it learns, by the reference's names, as matrices; a vector is one row.
    edges : ndarray of shape (1, n_bins + 1) or None
        Of bins, which are not learned.
    """

    kind: str
    number: int
    columns: tuple[int, ...]
    begin: int
    n_units: int
    arrays: dict[str, Floats]
    edges: Floats | None = None

    @property
    def end(self) -> int:
        """The column of z_0 behind its last."""
        return self.begin + self.n_units

    def key(self, name: str) -> str:
        """Return the key of the symbol of one of its arrays."""
        return f"{name}.{self.number}"

    def as_reference(self) -> dict[str, Floats]:
        """Return its arrays in the shapes of the reference."""
        found = dict(self.arrays)
        if self.kind == "periodic":
            found["weight"] = found["weight"][None]
        elif self.kind == "piecewise_linear":
            found |= {name: found[name][0] for name in ("weight", "bias")}
        return found


@dataclass(frozen=True)
class Stage:
    """What stands between the columns of the data and x_1.

    Attributes
    ----------
    pieces : tuple of Piece
        In the order of their columns of z_0.
    scale : ndarray of shape (1, n_1) or None
        The factors of E11, where there is one.
    n_columns : int
        Of the data.
    """

    pieces: tuple[Piece, ...]
    scale: Floats | None
    n_columns: int

    def given(self) -> dict[str, Floats]:
        """Return what is learned, and the edges of bins, by the keys of their symbols."""
        found = {piece.key(name): array for piece in self.pieces for name, array in piece.arrays.items()}
        for piece in self.pieces:
            if piece.edges is not None:
                found[piece.key("edge")] = piece.edges[:, :-1]
                found[piece.key("width")] = np.diff(piece.edges)
        return found if self.scale is None else found | {"scale.0": self.scale}

    def blocks(self) -> list[Any]:
        """Return it as the reference has it, a block for each piece."""
        kinds, found = reference.inputs.INPUT_LAYERS, []
        for piece in self.pieces:
            arrays = piece.as_reference()
            if piece.edges is not None:
                arrays["edges"] = piece.edges[0]
            layers = [kinds[piece.kind](**arrays)]
            if self.scale is not None:
                layers.append(reference.inputs.Scale(self.scale[0, piece.begin : piece.end]))
            found.append(reference.inputs.Block(piece.columns, layers))
        return found

    def settings(self) -> list[inputs.InputLayer]:
        """Return it as `Network` takes it, a layer for each piece."""
        found: list[inputs.InputLayer] = []
        for piece in self.pieces:
            n_units, column = piece.n_units, piece.columns[0]
            if piece.kind == "numbers":
                found.append(inputs.Numbers(piece.columns))
            elif piece.kind == "periodic":
                found.append(inputs.Periodic([column], piece.arrays["frequency"].shape[1], n_units - 1))
            elif piece.kind == "categories":
                found.append(inputs.Categories(column, len(piece.arrays["table"]) - 1, n_units))
            else:
                assert piece.edges is not None
                found.append(inputs.PiecewiseLinear(column, piece.edges[0].tolist(), n_units))
        return found if self.scale is None else [*found, inputs.Scale()]

    def drawn(self, rng: np.random.Generator) -> Stage:
        """Return the same with numbers drawn at random; the edges stay."""
        pieces = tuple(
            replace(piece, arrays={name: rng.normal(size=a.shape) for name, a in piece.arrays.items()})
            for piece in self.pieces
        )
        scale = None if self.scale is None else rng.uniform(0.5, 1.5, self.scale.shape)
        return replace(self, pieces=pieces, scale=scale)

    def draw_rows(self, n_rows: int, rng: np.random.Generator) -> Floats:
        """Draw rows of data (n_rows, n_columns): codes, numbers about the edges of bins, numbers."""
        x = rng.normal(size=(n_rows, self.n_columns))
        for piece in self.pieces:
            if piece.edges is not None:
                low, high = piece.edges[0, 0], piece.edges[0, -1]
                reach = (high - low) / 4
                x[:, piece.columns[0]] = rng.uniform(low - reach, high + reach, n_rows)
        for piece in self.pieces:
            if piece.kind == "categories":
                x[:, piece.columns[0]] = rng.integers(-1, len(piece.arrays["table"]) - 1, n_rows)
        return x


def read_stage(blocks: Sequence[Any]) -> Stage | None:
    """Read the blocks of a description; None where there are none."""
    if not blocks:
        return None
    pieces: list[Piece] = []
    scales: list[Floats] = []
    for columns, layers in blocks:
        first, *scale = layers
        pieces += _pieces(first, tuple(map(int, columns)), pieces[-1].end if pieces else 0)
        scales += [_row(layer.scale) for layer in scale]
    n_columns = 1 + max(column for piece in pieces for column in piece.columns)
    return Stage(_numbered(pieces, n_columns), np.hstack(scales) if scales else None, n_columns)


def _numbered(pieces: list[Piece], n_columns: int) -> tuple[Piece, ...]:
    """Give each piece its number."""
    taken, found = set[int](), list[Piece]()
    for piece in pieces:
        number = piece.columns[0] + 1
        if piece.kind != "numbers":
            number = number if number not in taken else max(n_columns, *taken) + 1
            taken.add(number)
        found.append(replace(piece, number=number))
    return tuple(found)


def _pieces(layer: Any, columns: tuple[int, ...], begin: int) -> list[Piece]:
    """Return a layer's pieces, the first of which begins at this column of z_0; not numbered yet."""
    n_units = layer.n_units(len(columns))
    if layer.name == "periodic":
        each = n_units // len(columns)
        return [
            Piece(
                layer.name, 0, (column,), begin + each * j, each,
                {name: np.atleast_2d(_floats(getattr(layer, name)[j])) for name in layer.learned},
            )
            for j, column in enumerate(columns)
        ]  # fmt: skip
    arrays = {name: np.atleast_2d(_floats(getattr(layer, name))) for name in layer.learned}
    edges = _row(layer.edges) if layer.name == "piecewise_linear" else None
    return [Piece(layer.name, 0, columns, begin, n_units, arrays, edges)]


def _floats(array: Any) -> Floats:
    return np.array(array, dtype=np.float64)


def _row(array: Any) -> Floats:
    return _floats(array).reshape(1, -1)
