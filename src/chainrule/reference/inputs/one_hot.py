"""One-hot: a category as columns of 0 and 1, or one column of -1 and 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from array_api_compat import array_namespace, device

from chainrule.reference.functions import Array
from chainrule.reference.inputs.base import InputLayer, one_column
from chainrule.reference.inputs.categories import code_problem, row_of
from chainrule.reference.validation import largest_code


@dataclass(frozen=True)
class OneHot(InputLayer):
    """Column c of n_categories is 1, the others 0; with two categories one column: -1 and 1.

    A category not seen in training, or NaN, is 0 in every column.

    Attributes
    ----------
    n_categories : int
        At least 2.

    Examples
    --------
    >>> import numpy as np
    >>> codes = np.array([[1.0], [0.0], [-1.0]])
    >>> OneHot(3).forward(codes).tolist(), OneHot(2).forward(codes).tolist()
    ([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]], [[1.0], [-1.0], [0.0]])
    """

    name: ClassVar[str] = "one_hot"
    takes_codes: ClassVar[bool] = True
    n_categories: int

    def n_units(self, n_columns: int) -> int:
        """One column for each category, and one for two."""
        one_column("OneHot", n_columns)
        return 1 if self.n_categories == 2 else self.n_categories

    def forward(self, x: Array) -> Array:
        """1 at the row's category, else 0; shape (n_samples, n_units)."""
        xp, row = array_namespace(x), row_of(x, self.n_categories)[:, None]
        ones, zeros = xp.ones_like(x), xp.zeros_like(x)
        if self.n_categories == 2:
            return xp.where(row == 0, -ones, xp.where(row == 1, ones, zeros))
        every = xp.arange(self.n_categories, dtype=row.dtype, device=device(x))[None, :]
        return xp.where(row == every, ones, zeros)

    def backward(self, gradient: Array, x: Array) -> tuple[Array, dict[str, Array]]:
        """Nothing is learned, and a code has no derivative."""
        return array_namespace(gradient).zeros_like(gradient[:, :1]), {}

    def checked(self, place: str, like: Array) -> Self:
        """Return it; ValueError for fewer than two categories, or more than the dtype has codes."""
        n = self.n_categories
        if isinstance(n, bool) or not isinstance(n, int) or n < 2:
            raise ValueError(f"{place}.n_categories is {n!r}; expected a whole number >= 2")
        largest_code(n, f"{place}.n_categories", like)
        return self

    def problem(self, x: Array) -> str | None:
        """Codes are whole numbers or NaN."""
        return code_problem(x, self.n_categories)
