"""What a network's input layers have learned: views of the flat parameters, by their names."""

from collections.abc import Sequence
from math import prod
from typing import Any

from chainrule import _engine
from chainrule.inputs import InputLayer
from chainrule.model.arrays import Floats, as_floats
from chainrule.reference.inputs import Block, Scale


class LearnedInput:
    """An input layer with its arrays as attributes, under the names of `chainrule.reference.inputs`.

    Assigning to one copies numbers into the network, after their shape is checked. The layer's settings are
    attributes, too.

    Attributes
    ----------
    layer : InputLayer
        The settings.
    arrays : dict of str to ndarray
        What is learned, by name.
    """

    __slots__ = ("arrays", "layer", "place")

    def __init__(self, layer: InputLayer, arrays: dict[str, Floats], place: str) -> None:
        for name, value in (("layer", layer), ("arrays", arrays), ("place", place)):
            object.__setattr__(self, name, value)

    def __getattr__(self, name: str) -> Any:
        if name in LearnedInput.__slots__:  # not set yet: in a copy
            raise AttributeError(name)
        return self.arrays[name] if name in self.arrays else getattr(self.layer, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self.arrays:
            names = ", ".join(self.arrays) or "nothing"
            raise AttributeError(f"{self.place}.{name} cannot be set; this layer has learned {names}")
        view = self.arrays[name]
        array = as_floats(value, view.dtype, f"{self.place}.{name}")
        if array.shape != view.shape:
            raise ValueError(
                f"{self.place}.{name} got an array of shape {array.shape}; expected {view.shape}"
            )
        view[...] = array

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self.arrays, *dir(self.layer)})

    def __repr__(self) -> str:
        return repr(self.layer)

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy and pickle with arrays that belong to no network."""
        return LearnedInput, (self.layer, dict(self.arrays), self.place)


def split_inputs(
    flat: Floats, layers: Sequence[InputLayer], places: Sequence[_engine.Place]
) -> list[LearnedInput]:
    """View a flat array, or rows of flat arrays, as what the input layers have learned."""
    front, found, n = flat.shape[:-1], [], 0
    own = [[place for place in places if place.of_input and place.layer == i] for i in range(len(layers))]
    for i, layer in enumerate(layers):
        shapes = layer.shapes(n)
        n = n if layer.name == "scale" else n + layer.n_units(n)
        arrays = {
            name: flat[..., place.offset : place.offset + place.size].reshape(front + shape)
            for (name, shape), place in zip(shapes.items(), own[i], strict=True)
            if place.size == prod(shape)
        }
        found.append(LearnedInput(layer, arrays, f"inputs[{i}]"))
    return found


def as_blocks(inputs: Sequence[LearnedInput]) -> list[Block]:
    """Return them as the reference has them, with these arrays: E11 as a layer of each block."""
    blocks, n = [], 0
    scale = inputs[-1].arrays.get("scale") if inputs else None
    for one in inputs:
        if not one.layer.taken:
            continue
        layers = [one.layer.referred(one.arrays)]
        n_units = one.layer.n_units(n)
        if scale is not None:
            layers.append(Scale(scale[n : n + n_units]))
        n += n_units
        blocks.append(Block(one.layer.taken, layers))
    return blocks
