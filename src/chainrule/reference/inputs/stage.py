"""The input stage: blocks of columns side by side, each through its layers, from the data to x_1 and back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from operator import index
from typing import Any, NamedTuple

from array_api_compat import array_namespace, device

from chainrule.reference.functions import Array
from chainrule.reference.inputs.base import InputLayer


class Block(NamedTuple):
    """Columns of the data and the layers that they go through, one after the other.

    Attributes
    ----------
    columns : sequence of int
        Columns of the data, from 0. Another block may take them too.
    layers : sequence of InputLayer, or one
        The first takes these columns, each of the others what the one before gives; the last gives columns of
        x_1, beside those of the block before.
    """

    columns: Sequence[int]
    layers: Any


class Learned(NamedTuple):
    """One learned array of an input stage.

    Attributes
    ----------
    name : str
        Where it is: "inputs[0].layers[1].scale".
    equation : str
        The equation of its layer.
    place : tuple of int, int, str
        Block, layer and name in it.
    array : array
        Its numbers.
    """

    name: str
    equation: str
    place: tuple[int, int, str]
    array: Array


def forward(inputs: Sequence[Block], x: Array) -> tuple[Array, list[list[Array]]]:
    """Take the data to x_1.

    Returns
    -------
    x_1 : array, shape (n_samples, n_1)
        What the blocks give, side by side.
    entered : list of list of array
        What each layer of each block took, for `backward`.
    """
    xp = array_namespace(x)
    outputs, entered = [], []
    for columns, layers in inputs:
        y, taken = xp.take(x, _index(columns, x), axis=1), []
        for layer in layers:
            taken.append(y)
            y = layer.forward(y)  # E11, E13-E15
        outputs.append(y)
        entered.append(taken)
    return xp.concat(outputs, axis=1), entered


def backward(
    inputs: Sequence[Block], entered: list[list[Array]], gradient: Array, n_columns: int
) -> tuple[Array, list[list[dict[str, Array]]]]:
    """Take dE/dx_1, a row per sample, back to the data.

    Returns
    -------
    gradient : array, shape (n_samples, n_columns)
        dE/d(data); a column in several blocks has the sum.
    learned : list of list of dict of str to array
        dE/d(each learned array), by block, layer and name.
    """
    xp = array_namespace(gradient)
    by_column, learned, start = [xp.zeros_like(gradient[:, 0])] * n_columns, [], 0
    for (columns, layers), taken in zip(inputs, entered, strict=True):
        n_units, of_block = _n_units(columns, layers), list[dict[str, Array]]()
        dy = gradient[:, start : start + n_units]
        for layer, x in zip(reversed(layers), reversed(taken), strict=True):
            dy, of_layer = layer.backward(dy, x)
            of_block.insert(0, of_layer)
        for i, column in enumerate(columns):
            by_column[column] = by_column[column] + dy[:, i]
        learned.append(of_block)
        start += n_units
    return xp.stack(by_column, axis=1), learned


def learned_arrays(inputs: Sequence[Block]) -> list[Learned]:
    """Every array of a stage that training changes, block by block."""
    return [
        Learned(f"inputs[{b}].layers[{k}].{name}", layer.equation, (b, k, name), getattr(layer, name))
        for b, block in enumerate(inputs)
        for k, layer in enumerate(block.layers)
        for name in layer.learned
    ]


def with_arrays(inputs: Sequence[Block], arrays: dict[tuple[int, int, str], Array]) -> list[Block]:
    """Return the stage with other numbers at those places."""
    blocks = [Block(columns, list(layers)) for columns, layers in inputs]
    for (b, k, name), array in arrays.items():
        blocks[b].layers[k] = replace(blocks[b].layers[k], **{name: array})
    return blocks


def check_inputs(inputs: Any, weight: Array) -> list[Block]:
    """Blocks whose arrays are in W_1's library and dtype, whose layers fit each other, and that give x_1."""
    if inputs is None:
        return []
    if isinstance(inputs, Block | InputLayer | str) or not isinstance(inputs, Sequence) or not len(inputs):
        raise TypeError(f"inputs is {inputs!r}; expected a list of Block(columns, layers), at least one")
    blocks = [_checked(block, f"inputs[{b}]", weight) for b, block in enumerate(inputs)]
    taken = {column for block in blocks for column in block.columns}
    missing = next(column for column in range(len(taken) + 1) if column not in taken)
    if missing < max(taken):
        raise ValueError(
            f"no block of inputs takes column {missing} of x, though one takes column {max(taken)}; give it"
            " to a Block, with Numbers() if it enters as it is, or leave it out of x"
        )
    widths = [_n_units(*block) for block in blocks]
    if sum(widths) != weight.shape[0]:
        each = f"{' + '.join(map(str, widths))} = " if len(widths) > 1 else ""
        raise ValueError(
            f"inputs give {each}{sum(widths)} columns of x_1, but weights[0] has"
            f" {weight.shape[0]} rows; expected as many of both"
        )
    return blocks


def n_columns_of(inputs: Sequence[Block]) -> int:
    """Count the columns of the data that a stage takes."""
    return 1 + max(column for block in inputs for column in block.columns)


def check_data(inputs: Sequence[Block], x: Array) -> None:
    """Raise ValueError where a column has values that its layer does not take: a code that is a fraction."""
    xp = array_namespace(x)
    for columns, layers in inputs:
        problem = layers[0].problem(xp.take(x, _index(columns, x), axis=1))
        if problem:
            raise ValueError(f"column {columns[0]} of x {problem}")


def _checked(block: Any, place: str, weight: Array) -> Block:
    """Return the block with a list of whole numbers and a list of layers that fit each other."""
    if not (isinstance(block, tuple) and len(block) == 2):
        raise TypeError(f"{place} is {block!r}; expected a Block(columns, layers)")
    columns, layers = _columns(block[0], f"{place}.columns"), block[1]
    layers = [layers] if isinstance(layers, InputLayer) else layers
    if isinstance(layers, str) or not isinstance(layers, Sequence) or not layers:
        raise TypeError(f"{place}.layers is {layers!r}; expected input layers, such as [Numbers()]")
    checked = []
    for k, layer in enumerate(layers):
        if not isinstance(layer, InputLayer):
            raise TypeError(f"{place}.layers[{k}] is {layer!r}; expected an input layer, such as Numbers()")
        if k and layer.takes_codes:
            raise ValueError(
                f"{place}.layers[{k}] is {type(layer).__name__}, which takes category codes of the data;"
                " expected it first in its block"
            )
        checked.append(layer.checked(f"{place}.layers[{k}]", weight))
    try:
        _n_units(columns, checked)
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from None
    return Block(columns, checked)


def _columns(columns: Any, name: str) -> list[int]:
    """At least one column, each once."""
    if isinstance(columns, str) or not isinstance(columns, Iterable):
        raise TypeError(f"{name} is {columns!r}; expected a list of whole numbers, such as [0]")
    given = list(columns)
    if any(isinstance(one, bool) or not hasattr(one, "__index__") or index(one) < 0 for one in given):
        raise ValueError(f"{name} is {given!r}; expected whole numbers from 0")
    checked = [index(one) for one in given]
    if not checked or len(set(checked)) < len(checked):
        raise ValueError(f"{name} is {checked!r}; expected at least one column, none of them twice")
    return checked


def _n_units(columns: Sequence[int], layers: Sequence[InputLayer]) -> int:
    """Count the columns that the last layer gives."""
    n = len(columns)
    for layer in layers:
        n = layer.n_units(n)
    return n


def _index(columns: Sequence[int], x: Array) -> Array:
    xp = array_namespace(x)
    return xp.asarray(list(columns), dtype=xp.int64, device=device(x))
