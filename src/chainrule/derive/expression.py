"""Typed expressions: one tree is evaluated as written and rendered in every form.

Everything is a matrix: a row vector has shape (1, n), a scalar (1, 1). Values may carry a leading axis of
samples, (n_samples, rows, columns), so that one evaluation serves a batch, diagonal Jacobians included.
Complex values pass through, for the complex step.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Any, ClassVar, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[Any]
Size = int | str  # a width, or its name ("n_k") where no network is at hand
Shape = tuple[Size, Size]


class ShapeError(ValueError):
    """Operands whose shapes do not go together."""


class Values(Protocol):
    """Where an expression finds its numbers."""

    def symbol(self, key: str) -> Floats:
        """Return the value of a symbol, shape (..., rows, columns)."""

    def partial(self, of: Symbol, wrt: Symbol, direct: bool) -> Floats:
        """Return the Jacobian of one symbol by another, shape (..., columns of `of`, columns of `wrt`)."""


@dataclass(frozen=True)
class Expr:
    """An expression; + - * / @ ** build new ones, * being Hadamard's product (or scaling).

    Attributes
    ----------
    number_like : {"never", "always", "operands"}
        Whether it is a number by its nature (not a matrix that happens to be 1 x 1): never, always, or where
        all operands are.
    """

    number_like: ClassVar[Literal["never", "always", "operands"]] = "never"

    @property
    def children(self) -> tuple[Expr, ...]:
        """The operands, from left to right."""
        return tuple(_expressions(getattr(self, field.name) for field in fields(self)))

    @property
    def shape(self) -> Shape:
        """Rows and columns of one sample's value."""
        return self._shape()

    @property
    def scalar(self) -> bool:
        """Whether this is a number by its nature."""
        if self.number_like == "operands":
            return all(child.scalar for child in self.children)
        return self.number_like == "always"

    def evaluate(self, values: Values) -> Any:
        """Compute the value as written."""
        raise NotImplementedError

    def magnitude(self, values: Values) -> Any:
        """Compute the value with every term taken as positive: what rounding errors are relative to."""
        return np.abs(self.evaluate(values))

    def symbols(self) -> Iterator[Symbol]:
        """Every symbol from left to right, with repetitions."""
        for child in self.children:
            yield from child.symbols()

    def _shape(self) -> Shape:
        """Shape of an operation that works element by element."""
        return broadcast(*(child.shape for child in self.children))

    @property
    def T(self) -> Expr:
        """The transpose."""
        return Transpose(self)

    def __add__(self, other: ExprLike) -> Expr:
        return Sum(((1, self), (1, as_expr(other))))

    def __radd__(self, other: ExprLike) -> Expr:
        return as_expr(other) + self

    def __sub__(self, other: ExprLike) -> Expr:
        return Sum(((1, self), (-1, as_expr(other))))

    def __rsub__(self, other: ExprLike) -> Expr:
        return as_expr(other) - self

    def __neg__(self) -> Expr:
        return Sum(((-1, self),))

    def __mul__(self, other: ExprLike) -> Expr:
        right = as_expr(other)
        return Scaled(self, right) if self.scalar or right.scalar else Hadamard((self, right))

    def __rmul__(self, other: ExprLike) -> Expr:
        return as_expr(other) * self

    def __matmul__(self, other: ExprLike) -> Expr:
        return MatMul((self, as_expr(other)))

    def __truediv__(self, other: ExprLike) -> Expr:
        return Quotient(self, as_expr(other))

    def __rtruediv__(self, other: ExprLike) -> Expr:
        return as_expr(other) / self

    def __pow__(self, exponent: ExprLike) -> Expr:
        return Power(self, as_expr(exponent))


ExprLike = Expr | int | float


def _expressions(values: Any) -> Iterator[Expr]:
    """Expressions among the values of an expression's fields."""
    for value in values:
        if isinstance(value, Expr):
            yield value
        elif isinstance(value, tuple):
            yield from _expressions(value)
        elif hasattr(value, "operands"):
            yield from value.operands


def as_expr(value: ExprLike) -> Expr:
    """Return an expression, made from a number where need be."""
    return value if isinstance(value, Expr) else Number(float(value))


def broadcast(*shapes: Shape) -> Shape:
    """Return the common shape of elementwise operands: a 1 goes with any size. ShapeError for others."""
    result: list[Size] = []
    for axis in (0, 1):
        sizes = {shape[axis] for shape in shapes if shape[axis] != 1} or {1}
        if len(sizes) > 1:
            raise ShapeError(f"shapes {shapes} do not go together element by element")
        result.append(sizes.pop())
    return result[0], result[1]


@dataclass(frozen=True)
class Glyph:
    """How a symbol is written: base, index, accent ("hat" or "bar")."""

    base: str
    index: str = ""
    accent: str = ""


@dataclass(frozen=True, eq=False)
class Symbol(Expr):
    """A named quantity.

    Attributes
    ----------
    key : str
        Stable and unique in a derivation, like "W.2".
    glyph : Glyph
        How it is written.
    size : tuple
        Shape of one sample's value.
    role : str
        "input", "target", "weight", "bias", "net", "output", "loss", "delta", "gradient", ...
    layer : int or None
        Which layer it belongs to.
    per_row : bool
        Whether each sample has a value of its own (parameters do not).
    is_scalar : bool
        Whether it is a number by its nature.
    """

    key: str
    glyph: Glyph
    size: Shape
    role: str
    layer: int | None = None
    per_row: bool = True
    is_scalar: bool = False

    @property
    def scalar(self) -> bool:
        """Whether this is a number by its nature."""
        return self.is_scalar

    def _shape(self) -> Shape:
        return self.size

    def evaluate(self, values: Values) -> Floats:
        """Look the value up."""
        return values.symbol(self.key)

    def symbols(self) -> Iterator[Symbol]:
        """Yield the symbol itself."""
        yield self

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Symbol) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)


@dataclass(frozen=True, eq=False)
class Gradient(Symbol):
    """The derivative of one symbol by another, written as a fraction, with a value of its own."""

    of: Symbol | None = None
    wrt: Symbol | None = None


@dataclass(frozen=True)
class Number(Expr):
    """A constant, written as `text` where given (½, λ)."""

    number_like = "always"
    value: float
    text: str = ""

    def _shape(self) -> Shape:
        return (1, 1)

    def evaluate(self, values: Values) -> float:
        """Return the number."""
        return self.value


@dataclass(frozen=True)
class Sum(Expr):
    """Terms with signs, a - b + c; one negative term alone is a negation."""

    number_like = "operands"
    terms: tuple[tuple[int, Expr], ...]

    def __post_init__(self) -> None:
        flat: list[tuple[int, Expr]] = []
        for sign, term in self.terms:
            if isinstance(term, Sum) and (sign == 1 or len(term.terms) == 1):
                flat += [(sign * s, t) for s, t in term.terms]
            else:
                flat.append((sign, term))
        object.__setattr__(self, "terms", tuple(flat))
        self._shape()

    def evaluate(self, values: Values) -> Any:
        """Add from left to right."""
        (sign, first), *rest = self.terms
        total = sign * first.evaluate(values)
        for sign, term in rest:
            total = total + sign * term.evaluate(values)
        return total

    def magnitude(self, values: Values) -> Any:
        """Add the magnitudes."""
        return sum(term.magnitude(values) for _, term in self.terms)


@dataclass(frozen=True)
class Scaled(Expr):
    """A product in which at least one factor is a number."""

    number_like = "operands"
    left: Expr
    right: Expr

    def evaluate(self, values: Values) -> Any:
        """Multiply."""
        return self.left.evaluate(values) * self.right.evaluate(values)

    def magnitude(self, values: Values) -> Any:
        """Multiply the magnitudes."""
        return self.left.magnitude(values) * self.right.magnitude(values)


@dataclass(frozen=True)
class Hadamard(Expr):
    """Hadamard's product, element by element."""

    factors: tuple[Expr, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "factors", _flat(self.factors, Hadamard))
        self._shape()

    def evaluate(self, values: Values) -> Any:
        """Multiply from left to right."""
        product = self.factors[0].evaluate(values)
        for factor in self.factors[1:]:
            product = product * factor.evaluate(values)
        return product

    def magnitude(self, values: Values) -> Any:
        """Multiply the magnitudes."""
        product = self.factors[0].magnitude(values)
        for factor in self.factors[1:]:
            product = product * factor.magnitude(values)
        return product


@dataclass(frozen=True)
class MatMul(Expr):
    """A product of matrices, evaluated from left to right as written."""

    factors: tuple[Expr, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "factors", _flat(self.factors, MatMul))
        for left, right in pairwise(self.factors):
            if left.shape[1] != right.shape[0]:
                raise ShapeError(f"no matrix product of shapes {left.shape} and {right.shape}")

    def _shape(self) -> Shape:
        return self.factors[0].shape[0], self.factors[-1].shape[1]

    def evaluate(self, values: Values) -> Any:
        """Multiply from left to right."""
        product = self.factors[0].evaluate(values)
        for factor in self.factors[1:]:
            product = product @ factor.evaluate(values)
        return product

    def magnitude(self, values: Values) -> Any:
        """Multiply the magnitudes."""
        product = self.factors[0].magnitude(values)
        for factor in self.factors[1:]:
            product = product @ factor.magnitude(values)
        return product


def _flat(factors: tuple[Expr, ...], kind: type[Hadamard] | type[MatMul]) -> tuple[Expr, ...]:
    """Put the factors of factors of the same kind in their place."""
    return tuple(f for factor in factors for f in (factor.factors if isinstance(factor, kind) else (factor,)))


@dataclass(frozen=True)
class Quotient(Expr):
    """A quotient, element by element."""

    number_like = "operands"
    above: Expr
    below: Expr

    def evaluate(self, values: Values) -> Any:
        """Divide."""
        return self.above.evaluate(values) / self.below.evaluate(values)

    def magnitude(self, values: Values) -> Any:
        """Divide the magnitude by what stands below."""
        return self.above.magnitude(values) / np.abs(self.below.evaluate(values))


@dataclass(frozen=True)
class Power(Expr):
    """A power, element by element."""

    number_like = "operands"
    base: Expr
    exponent: Expr

    def evaluate(self, values: Values) -> Any:
        """Raise to the power."""
        return self.base.evaluate(values) ** self.exponent.evaluate(values)


@dataclass(frozen=True)
class Transpose(Expr):
    """Rows for columns."""

    operand: Expr

    def _shape(self) -> Shape:
        rows, columns = self.operand.shape
        return columns, rows

    def evaluate(self, values: Values) -> Any:
        """Swap the last two axes."""
        return np.swapaxes(self.operand.evaluate(values), -1, -2)

    def magnitude(self, values: Values) -> Any:
        """Swap the last two axes."""
        return np.swapaxes(self.operand.magnitude(values), -1, -2)
