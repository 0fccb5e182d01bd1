"""What every input layer offers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import fields
from typing import ClassVar, Self

from chainrule.reference.functions import Array


class InputLayer(ABC):
    """A layer before the first product: columns of the data in, columns of x_1 out, row by row.

    Attributes
    ----------
    name : str
        The name in the registry `INPUT_LAYERS`.
    equation : str
        The id of its equation, "" where it learns nothing.
    learned : tuple of str
        The names of its arrays that training changes, in the order of the equation.
    takes_codes : bool
        Whether its column holds category codes, so that it is the first layer of its block.
    """

    name: ClassVar[str]
    equation: ClassVar[str] = ""
    learned: ClassVar[tuple[str, ...]] = ()
    takes_codes: ClassVar[bool] = False

    @property
    def arrays(self) -> dict[str, Array]:
        """Its arrays by name, those that are not learned too."""
        own = {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]
        return {name: value for name, value in own.items() if hasattr(value, "shape")}

    @abstractmethod
    def n_units(self, n_columns: int) -> int:
        """Count the columns that it gives for so many; ValueError where it cannot take them."""

    @abstractmethod
    def forward(self, x: Array) -> Array:
        """Take x, shape (n_samples, n_columns), to shape (n_samples, n_units)."""

    @abstractmethod
    def backward(self, gradient: Array, x: Array) -> tuple[Array, dict[str, Array]]:
        """Take dE/d(what `forward` gave), a row per sample, back through the layer.

        Returns
        -------
        gradient : array, shape (n_samples, n_columns)
            dE/dx.
        learned : dict of str to array
            dE/d(each learned array), summed over the rows.
        """

    def checked(self, place: str, like: Array) -> Self:
        """Return the layer with its arrays in the library and dtype of `like`, their shapes checked.

        `place` begins an error's name of an array, "inputs[0].layers[0]".
        """
        return self

    def problem(self, x: Array) -> str | None:
        """Say what is wrong with the values of x, if anything is: "has the category code 1.5; ..."."""
        return None


def one_column(name: str, n_columns: int) -> None:
    """Raise ValueError unless there is one column."""
    if n_columns != 1:
        raise ValueError(f"{name} takes one column, but is given {n_columns}; give each column its own Block")
