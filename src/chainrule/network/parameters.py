"""Weights and biases: lists of views of one flat array, and their first values."""

import operator
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, NoReturn, SupportsIndex

import numpy as np
from numpy.typing import NDArray

from chainrule.network.arrays import as_floats

Floats = NDArray[Any]


class ParameterList(list[Floats]):
    """A list of a network's weights or of its biases: views of the numbers that the engine computes with.

    Assigning to an item, a slice or an array's elements writes the numbers into the network; the list itself
    keeps its length and its arrays.
    """

    __slots__ = ("_name",)

    def __init__(self, views: Iterable[Floats], name: str) -> None:
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
            self[k][...] = array

    def _checked(self, k: int, value: Any) -> Floats:
        view, name = self[k], f"{self._name}[{k}]"
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


def split(flat: Floats, sizes: Sequence[int]) -> tuple[list[Floats], list[Floats]]:
    """View flat parameters, or their gradient, as weights (n_k, n_{k+1}) and biases (n_{k+1},).

    Axes before the last stay in front: rows of flat gradients become (n_samples, n_k, n_{k+1}).
    """
    at, weights, biases = 0, [], []
    for n_in, n_out in pairwise(sizes):
        end = at + n_in * n_out
        weights.append(flat[..., at:end].reshape(*flat.shape[:-1], n_in, n_out))
        at = end
    for n_out in sizes[1:]:
        biases.append(flat[..., at : at + n_out])
        at += n_out
    return weights, biases


def initialize(
    weights: Sequence[Floats],
    biases: Sequence[Floats],
    activations: Sequence[str],
    generator: np.random.Generator,
) -> None:
    """Draw first parameters: uniform in +-sqrt(6 / (n_in + n_out)), +-sqrt(2 / (n_in + n_out)) for sigmoid.

    Drawn in float64, layer by layer, the weights before the biases, so that both dtypes start alike.

    Source: Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks"
    (2010), equation 16; scikit-learn's bounds, which for sigmoid have a third of the variance.
    """
    for W, b, activation in zip(weights, biases, activations, strict=True):
        bound = np.sqrt((2.0 if activation == "sigmoid" else 6.0) / sum(W.shape))
        W[...] = generator.uniform(-bound, bound, W.shape)
        b[...] = generator.uniform(-bound, bound, b.shape)


def as_generator(random_state: Any) -> np.random.Generator:
    """Return NumPy's generator for a seed; TypeError or ValueError for what cannot be one."""
    try:
        return np.random.default_rng(random_state)
    except (TypeError, ValueError) as error:
        raise type(error)(
            f"random_state is {random_state!r}; expected None, an int >= 0, a SeedSequence or a Generator"
        ) from None
