"""The recursion for any layer k, put to the test: its formulas written for the layers that there are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from typing import Any

from chainrule.derive.activations import entry
from chainrule.derive.backward import prime
from chainrule.derive.context import Context
from chainrule.derive.expression import Expr, Symbol
from chainrule.derive.steps import Step
from chainrule.derive.terms import Call, Condition


def instances(context: Context, step: Step) -> Iterator[tuple[Expr, tuple[Expr, ...]]]:
    """Yield a general step's left-hand side and forms for every layer of which it speaks.

    Layers with normalization, skips or dropout have more in between, and no instance of E2, E4 and E5.
    """
    n, layers = context.n_layers, context.model.layers
    plain = [not (la.normalized or la.residual or la.dropout) for la in layers]
    if step.equation == "E4":
        speaks_of = [n]
    elif step.equation == "E5":
        speaks_of = [k for k in range(1, n) if plain[k - 1] and not layers[k].residual]
    else:
        speaks_of = [k for k in range(1, n + 1) if plain[k - 1] or step.equation != "E2"]
    for k in speaks_of:
        yield (
            _written(context, step.lhs, k),
            tuple(_written(context, form.expression, k) for form in step.forms),
        )


def _written(context: Context, expression: Expr, k: int) -> Expr:
    """Write an expression of layer k, k + 1 and l with the symbols of those layers."""

    def number(index: str) -> int:
        base, _, more = index.partition("+")
        return {"k": k, "l": context.n_layers}[base] + int(more or 0)

    def symbol(general: Symbol) -> Symbol:
        kind, _, index = general.key.partition(".")
        if not index:
            return context.notation.symbols[kind]  # E and y
        made: Callable[[int], Symbol] = getattr(context.notation, kind)
        return made(number(index))

    def put(value: Any) -> Any:
        if isinstance(value, Symbol):
            return symbol(value)
        if isinstance(value, Call) and value.function.index:
            j, argument = number(value.function.index), put(value.argument)
            if value.function.prime:
                return prime(context, j)
            if not context.layer(j).learns:
                return context.f(j, argument)
            f = context.layer(j).activation  # what it learns is in its formula alone
            return entry(f).value(context.bound(j), argument)
        if isinstance(value, tuple):
            return tuple(map(put, value))
        if isinstance(value, Expr | Condition):
            return replace(value, **{f.name: put(getattr(value, f.name)) for f in fields(value)})
        return value

    written: Expr = put(expression)
    return written
