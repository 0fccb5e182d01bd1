"""The forward pass as a list of definitions, and complex-step derivatives through them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from chainrule.derive.expression import Expr, Floats, Symbol

STEP = 1e-30


@dataclass(frozen=True)
class Definition:
    """One line of the forward pass: symbol = expression."""

    symbol: Symbol
    expression: Expr


class Numbers:
    """Values of symbols, and Jacobians by complex step through the definitions.

    Parameters
    ----------
    definitions : iterable of Definition
        In the order in which they are computed.
    arrays : mapping
        Values of the symbols that are given, by key, shape (..., rows, columns).
    """

    def __init__(self, definitions: Iterable[Definition], arrays: Mapping[str, Floats]) -> None:
        self.definitions = tuple(definitions)
        self.arrays: dict[str, Floats] = dict(arrays)
        self._partials: dict[tuple[str, str, bool], Floats] = {}

    def symbol(self, key: str) -> Floats:
        """Return the value of a symbol; KeyError where it has none."""
        return self.arrays[key]

    def run(self) -> None:
        """Compute every definition."""
        for definition in self.definitions:
            self.arrays[definition.symbol.key] = definition.expression.evaluate(self)

    def partial(self, of: Symbol, wrt: Symbol, direct: bool) -> Floats:
        """Return d of / d wrt by complex step, `direct` through the definition of `of` alone.

        Rows of a batch do not see each other, so one step serves all of them. The Jacobian of a row by a row
        has shape (..., columns of `of`, columns of `wrt`); a scalar's derivative has the shape of `wrt`.
        """
        known = (of.key, wrt.key, direct)
        if known not in self._partials:
            self._partials[known] = self._complex_step(of, wrt, direct)
        return self._partials[known]

    def _complex_step(self, of: Symbol, wrt: Symbol, direct: bool) -> Floats:
        rows, columns = self.arrays[wrt.key].shape[-2:]
        elements = [(i, j) for i in range(rows) for j in range(columns)]
        stacked = np.stack(list(self.elements(of, wrt, elements, direct)), axis=-1)
        if of.scalar:
            return stacked[..., 0, :].reshape(*stacked.shape[:-2], rows, columns)
        return stacked

    def elements(
        self, of: Symbol, wrt: Symbol, elements: Iterable[tuple[int, int]], direct: bool = False
    ) -> Iterator[Floats]:
        """Differentiate by single elements (row, column) of `wrt`: each of shape (..., columns of `of`)."""
        lines = self._between(of, wrt, direct)
        at = np.asarray(self.arrays[wrt.key])
        for i, j in elements:
            stepped = at.astype(np.complex128)
            stepped[..., i, j] += 1j * STEP
            scope = Numbers((), self.arrays | {wrt.key: stepped})
            for line in lines:
                scope.arrays[line.symbol.key] = line.expression.evaluate(scope)
            yield np.imag(scope.arrays[of.key])[..., 0, :] / STEP

    def _between(self, of: Symbol, wrt: Symbol, direct: bool) -> list[Definition]:
        """Definitions to compute again when `wrt` moves."""
        keys = [definition.symbol.key for definition in self.definitions]
        end = keys.index(of.key)
        if direct:
            return [self.definitions[end]]
        start = keys.index(wrt.key) + 1 if wrt.key in keys else 0
        moved, lines = {wrt.key}, []
        for definition in self.definitions[start : end + 1]:
            if moved & {symbol.key for symbol in definition.expression.symbols()}:
                moved.add(definition.symbol.key)
                lines.append(definition)
        return lines
