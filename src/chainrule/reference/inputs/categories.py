"""E15: a row of learned numbers for each category."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

from array_api_compat import array_namespace

from chainrule.reference.functions import Array, real, sums_by_place
from chainrule.reference.inputs.base import InputLayer, one_column
from chainrule.reference.validation import largest_code, parameter


@dataclass(frozen=True, eq=False)
class Categories(InputLayer):
    """y = E[c], row c of a learned table; a category not seen in training has the last row [E15].

    It is the product of a one-hot row with E, without the product.

    Attributes
    ----------
    table : array, shape (n_categories + 1, n_units)
        E. Codes 0 to n_categories - 1 have a row each; any other whole number, and NaN, is a category not
        seen in training. First values N(0, 1).

    Source: C. Guo and F. Berkhahn, Entity embeddings of categorical variables, arXiv:1604.06737 (2016),
    section 3.

    Examples
    --------
    >>> import numpy as np
    >>> layer = Categories(np.array([[1.0, 2.0], [3.0, 4.0], [0.0, 0.0]]))
    >>> codes = np.array([[1.0], [1.0], [7.0]])
    >>> layer.forward(codes).tolist()
    [[3.0, 4.0], [3.0, 4.0], [0.0, 0.0]]
    >>> _, learned = layer.backward(np.ones((3, 2)), codes)
    >>> learned["table"].tolist()
    [[0.0, 0.0], [2.0, 2.0], [1.0, 1.0]]
    """

    name: ClassVar[str] = "categories"
    equation: ClassVar[str] = "E15"
    learned: ClassVar[tuple[str, ...]] = ("table",)
    takes_codes: ClassVar[bool] = True
    table: Any

    def n_units(self, n_columns: int) -> int:
        """Return the width of the table."""
        one_column("Categories", n_columns)
        return int(self.table.shape[1])

    def forward(self, x: Array) -> Array:
        """E15: y = E[c], shape (n_samples, n_units)."""
        return array_namespace(x).take(self.table, self._row(x), axis=0)  # E15

    def backward(self, gradient: Array, x: Array) -> tuple[Array, dict[str, Array]]:
        """E15 backward: dE/dE[c] += dE/dy, in the order of the rows; a code has no derivative."""
        table = sums_by_place(self._row(x), gradient, self.table.shape[0])  # E15
        return array_namespace(gradient).zeros_like(gradient[:, :1]), {"table": table}

    def _row(self, x: Array) -> Array:
        """Row of the table for each sample, shape (n_samples,)."""
        return row_of(x, self.table.shape[0] - 1)

    def checked(self, place: str, like: Array) -> Self:
        """Return it with the table checked; its codes are whole numbers of the dtype."""
        table = parameter(self.table, f"{place}.table", like, ("n_categories + 1", "n_units"))
        if table.shape[0] < 2:
            raise ValueError(
                f"{place}.table has 1 row; expected one for each category, and the last for those not seen in"
                " training"
            )
        largest_code(table.shape[0] - 1, f"{place}.table", like)
        return replace(self, table=table)

    def problem(self, x: Array) -> str | None:
        """Codes are whole numbers or NaN."""
        return code_problem(x, self.table.shape[0] - 1)


def row_of(x: Array, n_categories: int) -> Array:
    """Take codes 0 to n_categories - 1 as they are, and any other as n_categories; shape (n_samples,)."""
    xp, code = array_namespace(x), real(x)[:, 0]
    known = (code >= 0) & (code < n_categories)
    return xp.astype(xp.where(known, code, xp.full_like(code, n_categories)), xp.int64)


def code_problem(x: Array, n_categories: int) -> str | None:
    """Say which value is no code, if one is not."""
    xp, code = array_namespace(x), real(x)[:, 0]
    wrong = code[xp.isinf(code) | (xp.isfinite(code) & (code != xp.floor(code)))]
    if not wrong.shape[0]:
        return None
    return (
        f"has {float(wrong[0])!r} where category codes are expected: whole numbers 0 to {n_categories - 1},"
        " and any other, or NaN, for a category not seen in training"
    )
