"""Weights, biases and what else is learned: lists of views of one flat array."""

import operator
from collections.abc import Iterable
from typing import Any, NamedTuple, NoReturn, SupportsIndex

import numpy as np
from numpy.typing import NDArray

from chainrule import _engine
from chainrule.model.arrays import as_floats

Floats = NDArray[Any]


class ParameterList(list[Any]):
    """A list of a network's weights, or biases, ...: views of the numbers that the engine computes with.

    Assigning to an item, a slice or an array's elements writes the numbers into the network; the list itself
    keeps its length and its arrays. An entry is None where a layer has no such parameters.
    """

    __slots__ = ("_name",)

    def __init__(self, views: Iterable[Floats | None], name: str) -> None:
        super().__init__(views)
        self._name = name

    def __setitem__(self, index: SupportsIndex | slice, value: Any) -> None:
        """Copy numbers into one array, or into those of a slice; nothing is written unless all fit."""
        if isinstance(index, slice):
            places = list(range(len(self))[index])
            if not isinstance(value, Iterable):
                raise TypeError(f"{self._name} got {value!r}; expected a list of {len(places)} arrays")
            values = list(value)
            if len(values) != len(places):
                raise ValueError(f"{self._name} got {len(values)} arrays; expected {len(places)}")
        else:
            k = operator.index(index)
            if not -len(self) <= k < len(self):
                raise IndexError(f"{self._name} has {len(self)} arrays, none at {k}")
            places, values = [k % len(self)], [value]
        checked = [self._checked(k, array) for k, array in zip(places, values, strict=True)]
        for k, array in zip(places, checked, strict=True):
            if array is not None:
                self[k][...] = array

    def _checked(self, k: int, value: Any) -> Floats | None:
        view, name = self[k], f"{self._name}[{k}]"
        if view is None:
            if value is not None:
                raise ValueError(f"{name} belongs to a layer that has none; expected None")
            return None
        array = as_floats(value, view.dtype, name)
        if array.shape != view.shape:
            raise ValueError(f"{name} got an array of shape {array.shape}; expected {view.shape}")
        return array.copy() if np.may_share_memory(array, view) else array

    def _fixed(self, *args: Any, **options: Any) -> NoReturn:
        raise TypeError(f"the list {self._name} has one array per layer; write into its arrays instead")

    append = clear = extend = insert = pop = remove = reverse = sort = _fixed
    __delitem__ = __iadd__ = __imul__ = _fixed

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy and pickle as a plain list of arrays: a copy belongs to no network."""
        return list, (list(self),)


#: What `Network` calls the lists of `Parameters`, in its order.
NAMES = tuple(_engine.learned())


class Parameters(NamedTuple):
    """Flat parameters, or their gradient, as arrays: one entry per layer; fields as in `_engine.learned()`.

    Attributes
    ----------
    weights, biases : list of ndarray
        Shapes (n_k, n_{k+1}) and (n_{k+1},).
    gains, shifts, slopes, alphas : list of ndarray or None
        Of normalized layers [E8], of "prelu" layers and of parametric ones [E12], shapes (n_{k+1},); None for
        the others.
    """

    weights: list[Floats]
    biases: list[Floats]
    gains: list[Floats | None]
    shifts: list[Floats | None]
    slopes: list[Floats | None]
    alphas: list[Floats | None]

    def named(self, name: str) -> list[Any]:
        """Return the list that `Network` has under a name of `NAMES`."""
        arrays: list[Any] = self[NAMES.index(name)]
        return arrays


def slices(places: Iterable[_engine.Place], n_layers: int) -> Parameters:
    """Where a flat array has each parameter of the layers: (slice, shape), or None."""
    kinds: dict[str, list[Any]] = {name: [None] * n_layers for name in NAMES}
    for place in places:
        if place.of_input:
            continue
        kinds[place.name][place.layer] = slice(place.offset, place.offset + place.size), place.shape
    return Parameters(*kinds.values())


def as_generator(random_state: Any) -> np.random.Generator:
    """Return NumPy's generator for a seed; TypeError or ValueError for what cannot be one."""
    try:
        return np.random.default_rng(random_state)
    except (TypeError, ValueError) as error:
        raise type(error)(
            f"random_state is {random_state!r}; expected None, an int >= 0, a SeedSequence or a Generator"
        ) from None
