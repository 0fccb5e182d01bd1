"""Further expressions: diagonal matrices, functions, sums over units and rows, cases, derivatives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule.derive.expression import Expr, Shape, Size, Symbol, Values
from chainrule.reference import get_activation


@dataclass(frozen=True)
class Diag(Expr):
    """The diagonal matrix of a row vector; `opened` writes it out with its first and last entries."""

    operand: Expr
    opened: bool = False
    n: int | None = None  # where the operand is a number for every entry, like f' = 1

    def _shape(self) -> Shape:
        n = self.n or self.operand.shape[1]
        return n, n

    def evaluate(self, values: Values) -> Any:
        """Put the row on the diagonal."""
        return self._on_diagonal(self.operand.evaluate(values))

    def magnitude(self, values: Values) -> Any:
        """Put the magnitudes on the diagonal."""
        return self._on_diagonal(self.operand.magnitude(values))

    def _on_diagonal(self, row: Any) -> Any:
        return (row if np.ndim(row) < 2 else np.swapaxes(row, -1, -2)) * np.eye(_whole(self.shape[0]))


@dataclass(frozen=True)
class Constant(Expr):
    """A matrix of given numbers, written as a letter; `source` writes it in Python."""

    text: str
    array: Any = field(compare=False)
    source: str
    size: Shape

    def _shape(self) -> Shape:
        return self.size

    def evaluate(self, values: Values) -> Any:
        """Return it."""
        return self.array


@dataclass(frozen=True)
class Identity(Expr):
    """The identity matrix."""

    n: Size

    def _shape(self) -> Shape:
        return self.n, self.n

    def evaluate(self, values: Values) -> Any:
        """Make it."""
        return np.eye(_whole(self.n))


@dataclass(frozen=True)
class Columns(Expr):
    """Columns begin, ..., end - 1 of a row, counted from 0."""

    operand: Symbol
    begin: int
    end: int

    def _shape(self) -> Shape:
        return 1, self.end - self.begin

    def evaluate(self, values: Values) -> Any:
        """Take them."""
        return self.operand.evaluate(values)[..., self.begin : self.end]


@dataclass(frozen=True)
class Beside(Expr):
    """Rows side by side, as one row."""

    parts: tuple[Expr, ...]

    def _shape(self) -> Shape:
        return 1, sum(_whole(part.shape[1]) for part in self.parts)

    def evaluate(self, values: Values) -> Any:
        """Put the rows behind each other."""
        return self._joined([part.evaluate(values) for part in self.parts])

    def magnitude(self, values: Values) -> Any:
        """Put the magnitudes behind each other."""
        return self._joined([part.magnitude(values) for part in self.parts])

    @staticmethod
    def _joined(rows: list[Any]) -> Any:
        front = np.broadcast_shapes(*(np.shape(row)[:-2] for row in rows))
        whole = [np.broadcast_to(row, (*front, 1, (1, *np.shape(row))[-1])) for row in rows]
        return np.concatenate(whole, axis=-1)


@dataclass(frozen=True)
class OneHot(Expr):
    """The row of n that is 1 at a code 0, ..., n - 2, at its end for any other number, and 0 elsewhere."""

    operand: Symbol
    n: int

    def _shape(self) -> Shape:
        return 1, self.n

    def evaluate(self, values: Values) -> Any:
        """Make it; a code has no derivative."""
        code = np.real(self.operand.evaluate(values))
        known = (code >= 0) & (code < self.n - 1)
        row = np.zeros((*np.shape(code)[:-1], self.n))
        np.put_along_axis(row, np.where(known, code, self.n - 1).astype(np.int64), 1.0, axis=-1)
        return row


@dataclass(frozen=True)
class Ones(Expr):
    """The row vector of n ones."""

    n: Size

    def _shape(self) -> Shape:
        return 1, self.n

    def evaluate(self, values: Values) -> Any:
        """Make it."""
        return np.ones((1, _whole(self.n)))


def _whole(n: Size) -> int:
    if not isinstance(n, int):
        raise TypeError(f"{n} is no number: expressions of any layer k have no value")
    return n


@dataclass(frozen=True)
class Function:
    """A function of one argument, element by element (or of a row, like softmax).

    `name` is a name in `functions.COMPUTE`, or "f" with an index for a layer's activation; `compute` takes
    real and complex arrays.
    """

    name: str
    compute: Callable[[Any], Any] = field(compare=False)
    index: str = ""
    prime: int = 0


@dataclass(frozen=True)
class Call(Expr):
    """A function applied to an expression."""

    number_like = "operands"
    function: Function
    argument: Expr

    def evaluate(self, values: Values) -> Any:
        """Compute the function."""
        return self.function.compute(self.argument.evaluate(values))

    def magnitude(self, values: Values) -> Any:
        """Return the value's; a logarithm loses what its argument has lost."""
        value = np.abs(self.evaluate(values))
        if self.function.name != "log":
            return value
        return value + self.argument.magnitude(values) / np.abs(self.argument.evaluate(values))


@dataclass(frozen=True)
class LossCall(Expr):
    """A loss without a formula of its own, a user's: L(yhat, y), or its derivative by yhat."""

    loss: Any = field(compare=False)
    output: Expr
    target: Expr
    gradient: bool = False

    def _shape(self) -> Shape:
        return self.output.shape if self.gradient else (1, 1)

    @property
    def scalar(self) -> bool:
        """Whether this is the value."""
        return not self.gradient

    def evaluate(self, values: Values) -> Any:
        """Ask the loss, for all rows at once; where the output is complex, along the loss's own gradient."""
        output, target = (np.asarray(e.evaluate(values))[..., 0, :] for e in (self.output, self.target))
        real = np.real(output)
        if self.gradient:
            return self.loss.gradient(real, target)[..., None, :]
        value = self.loss.value(get_activation("identity"), real, real, target)[..., None, None]
        if not np.iscomplexobj(output):
            return value
        moved = np.sum(self.loss.gradient(real, target) * np.imag(output), axis=-1)
        return value + 1j * moved[..., None, None]


@dataclass(frozen=True)
class TimesLog(Expr):
    """The product y o log(p) with 0 log 0 = 0."""

    factor: Expr
    argument: Expr

    def evaluate(self, values: Values) -> Any:
        """Compute it, without the logarithm where the factor is 0."""
        y, p = np.broadcast_arrays(self.factor.evaluate(values), self.argument.evaluate(values))
        return np.where(y == 0, 0.0, y * np.log(np.where(y == 0, 1.0, p)))

    def magnitude(self, values: Values) -> Any:
        """Return the value's, and what the logarithm's argument has lost."""
        y, p = np.broadcast_arrays(self.factor.evaluate(values), self.argument.evaluate(values))
        lost = self.argument.magnitude(values) / np.where(y == 0, 1.0, np.abs(p))
        return np.abs(self.evaluate(values)) + np.abs(y) * lost


@dataclass(frozen=True)
class SumUnits(Expr):
    """The sum over the columns of a row; with `mean`, divided by their number."""

    number_like = "always"
    operand: Expr
    mean: bool = False

    def _shape(self) -> Shape:
        return self.operand.shape[0], 1

    def evaluate(self, values: Values) -> Any:
        """Sum or average over the last axis."""
        return self._total(self.operand.evaluate(values))

    def magnitude(self, values: Values) -> Any:
        """Sum or average the magnitudes."""
        return self._total(self.operand.magnitude(values))

    def _total(self, row: Any) -> Any:
        return np.mean(row, axis=-1, keepdims=True) if self.mean else np.sum(row, axis=-1, keepdims=True)


@dataclass(frozen=True)
class NormSquared(Expr):
    """The squared norm of a row or a matrix."""

    number_like = "always"
    operand: Expr

    def _shape(self) -> Shape:
        return (1, 1)

    def evaluate(self, values: Values) -> Any:
        """Sum the squares of all elements (no modulus, for the complex step)."""
        value = self.operand.evaluate(values)
        return np.sum(value * value, axis=(-2, -1), keepdims=True)

    def magnitude(self, values: Values) -> Any:
        """Sum the squares of the magnitudes."""
        return np.sum(self.operand.magnitude(values) ** 2, axis=(-2, -1), keepdims=True)


@dataclass(frozen=True)
class ColumnNorms(Expr):
    """The norms of a matrix's columns, as a row."""

    operand: Symbol

    def _shape(self) -> Shape:
        return 1, self.operand.shape[1]

    def evaluate(self, values: Values) -> Any:
        """Take the roots of the sums of squares."""
        return np.sqrt(np.sum(self.operand.evaluate(values) ** 2, axis=-2, keepdims=True))


@dataclass(frozen=True)
class SumSamples(Expr):
    """The sum over the rows of a batch: it takes the axis of samples away."""

    number_like = "operands"
    operand: Expr
    n_samples: Size

    def evaluate(self, values: Values) -> Any:
        """Sum over the first axis."""
        return np.sum(self.operand.evaluate(values), axis=0)

    def magnitude(self, values: Values) -> Any:
        """Sum the magnitudes."""
        return np.sum(self.operand.magnitude(values), axis=0)


@dataclass(frozen=True)
class Stacked(Expr):
    """The rows of a batch as one matrix: X for x, shape (n_samples, n)."""

    symbol: Symbol
    n_samples: Size

    def _shape(self) -> Shape:
        return self.n_samples, self.symbol.shape[1]

    def evaluate(self, values: Values) -> Any:
        """Put the rows under each other."""
        return self.symbol.evaluate(values)[:, 0, :]


COMPARE = {
    ">": np.greater,
    ">=": np.greater_equal,
    "<": np.less,
    "<=": np.less_equal,
    "=": np.equal,
}


@dataclass(frozen=True)
class Condition:
    """A comparison of two expressions; of complex numbers it compares the real parts."""

    left: Expr
    relation: str  # of COMPARE
    right: Expr

    @property
    def operands(self) -> tuple[Expr, Expr]:
        """Both sides."""
        return self.left, self.right

    def evaluate(self, values: Values) -> Any:
        """Compare element by element."""
        left, right = (np.real(side.evaluate(values)) for side in self.operands)
        return COMPARE[self.relation](left, right)


@dataclass(frozen=True)
class Cases(Expr):
    """One expression or another by conditions that cover everything; the first that holds is taken."""

    branches: tuple[tuple[Expr, Condition], ...]

    def evaluate(self, values: Values) -> Any:
        """Choose element by element."""
        *earlier, (otherwise, last) = self.branches
        result = otherwise.evaluate(values) + np.zeros(np.shape(last.evaluate(values)))
        for expression, condition in reversed(earlier):
            result = np.where(condition.evaluate(values), expression.evaluate(values), result)
        return result


@dataclass(frozen=True)
class Indicator(Expr):
    """Iverson's bracket: 1 where the condition holds, else 0."""

    condition: Condition

    def evaluate(self, values: Values) -> Any:
        """Give 1 or 0."""
        return np.where(self.condition.evaluate(values), 1.0, 0.0)


@dataclass(frozen=True)
class Partial(Expr):
    """A derivative written as a fraction: of a row by a row the Jacobian J_ij = d of_i / d wrt_j.

    Its value is that of the complex step through the definitions, whatever the derivation says: `direct`
    through the one definition of `of`, else through all that lie between.
    """

    of: Symbol
    wrt: Symbol
    direct: bool = True

    def _shape(self) -> Shape:
        return self.wrt.shape if self.of.scalar else (self.of.shape[1], self.wrt.shape[1])

    def evaluate(self, values: Values) -> Any:
        """Ask for the complex step."""
        return values.partial(self.of, self.wrt, self.direct)
