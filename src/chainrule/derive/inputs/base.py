"""What the kinds of input layers share: their symbols, and steps that differ in their formulas alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from chainrule.derive.context import Context
from chainrule.derive.expression import Expr, Gradient, Symbol
from chainrule.derive.stage import Piece
from chainrule.derive.steps import Form, Part, Step
from chainrule.derive.terms import Columns, Identity, Partial
from chainrule.derive.words import NOTHING, Words

FORWARD: Part = "inputs"
BACK: Part = "columns"


class Array(NamedTuple):
    """How an array that a kind learns is written.

    Attributes
    ----------
    base : str
        The letter; the index is the piece's number.
    role : str
        Key in `ROLES`.
    name : Words
        In titles.
    """

    base: str
    role: str
    name: Words


class Entry(NamedTuple):
    """How a kind of input layer is written.

    Attributes
    ----------
    arrays : dict of str to Array
        What it learns, by the reference's names.
    forward, backward : callable
        (context, piece) -> steps; those back begin with the gradient by what the piece gives.
    """

    arrays: dict[str, Array]
    forward: Callable[[Context, Piece], list[Step]]
    backward: Callable[[Context, Piece], list[Step]]


def small(number: int) -> str:
    """Write a number as an index in a text."""
    return str(number).translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))


def of_column(piece: Piece) -> Words:
    """Return "of column 3", counted from 1."""
    column = piece.columns[0] + 1
    return Words(f"of column {column}", f"第 {column} 列")


def value(context: Context, piece: Piece) -> Symbol:
    """Return the value of the piece's column: a number."""
    return context.notation.named(
        f"column.{piece.number}", "ξ", piece.number, (1, 1), "column", is_scalar=True
    )


def given(context: Context, piece: Piece) -> Symbol:
    """Return what the piece gives: a row."""
    n_units = piece.n_units - (piece.kind == "periodic")  # the value itself goes along
    return context.notation.named(f"embedded.{piece.number}", "v", piece.number, (1, n_units), "embedding")


def learned(context: Context, piece: Piece, name: str, how: Array) -> Symbol:
    """Return one of the arrays that a piece learns."""
    rows, columns = piece.arrays[name].shape
    return context.notation.named(
        piece.key(name), how.base, piece.number, (rows, columns), how.role, per_row=False
    )


def joined(context: Context) -> Symbol:
    """Return what the pieces give, side by side: x_1 itself where no scale follows."""
    stage, notation = context.model.stage, context.notation
    assert stage is not None
    if stage.scale is None:
        return notation.x(1)
    return notation.named("z.0", "z", 0, (1, notation.n(1)), "joined")


def scale(context: Context) -> Symbol:
    """Return the factors of E11."""
    return context.notation.named("scale.0", "s", 0, (1, context.notation.n(1)), "factor", per_row=False)


def gradient(context: Context, wrt: Symbol) -> Gradient:
    """Return the derivative of the error by a symbol of the input layers, or by x_1."""
    return context.notation.gradient(f"d{wrt.key}", context.notation.E, wrt)


def enters(context: Context, piece: Piece, equation: str, note: Words = NOTHING) -> Step:
    """Return the step that names the value of the piece's column."""
    symbol, j = value(context, piece), piece.columns[0]
    expression = Columns(context.notation.x(0), j, j + 1)
    title = Words(f"The value of column {j + 1}", f"第 {j + 1} 列的值")
    return define(context, equation, title, symbol, Form(expression, "definition"), note=note)


def define(
    context: Context,
    equation: str,
    title: Words,
    symbol: Symbol,
    *forms: Form,
    note: Words = NOTHING,
    key: str = "",
) -> Step:
    """Add a line to the forward pass, that of the last form, and return its step."""
    context.define(symbol, forms[-1].expression)
    return Step(key or symbol.key, equation, FORWARD, 0, title, symbol, symbol.key, forms, note)


def back(
    context: Context, equation: str, title: Words, wrt: Symbol, *forms: Form, note: Words = NOTHING
) -> Step:
    """Return the step of the error's derivative by a symbol."""
    lhs = gradient(context, wrt)
    return Step(lhs.key, equation, BACK, 0, title, lhs, lhs.key, forms, note)


def taken(context: Context, piece: Piece, equation: str) -> Step:
    """Return the gradient by what the piece gives: its part of the gradient by the whole row."""
    v, whole = given(context, piece), joined(context)
    chain = by_error(context, whole) @ Partial(whole, v)
    part = Columns(gradient(context, whole), piece.end - int(v.shape[1]), piece.end)
    title = of_column(piece)
    return back(
        context,
        equation,
        Words(f"Gradient by what becomes {title.en}", f"对{title.zh}的结果的梯度"),
        v,
        Form(chain, "chain_rule", "chain"),
        Form(part, "part_of_row", "collapsed"),
    )


def by_error(context: Context, wrt: Symbol) -> Partial:
    """Write dE/d(symbol) as a fraction."""
    return Partial(context.notation.E, wrt, direct=False)


def chain(context: Context, through: Symbol, wrt: Symbol) -> Form:
    """Write the chain rule through one symbol to another."""
    return Form(by_error(context, through) @ Partial(through, wrt), "chain_rule", "chain")


def by_learned(piece: Piece, name: Words) -> Words:
    """Return the title of a learned array's gradient."""
    column = of_column(piece)
    return Words(f"Gradient of the {name.en} {column.en}", f"{column.zh}{name.zh}的梯度")


def by_added(context: Context, piece: Piece, equation: str, how: Array, through: Symbol, wrt: Symbol) -> Step:
    """Return the gradient by an array that is added: that by the sum."""
    d = gradient(context, through)
    return back(
        context,
        equation,
        by_learned(piece, how.name),
        wrt,
        chain(context, through, wrt),
        Form(d @ Identity(through.shape[1]), "bias", "jacobians"),
        Form(d, "algebra", "collapsed"),
    )


def by_multiplied(
    context: Context, piece: Piece, equation: str, how: Array, through: Symbol, wrt: Symbol, factor: Expr
) -> Step:
    """Return the gradient by an array that a number multiplies."""
    d = gradient(context, through)
    return back(
        context,
        equation,
        by_learned(piece, how.name),
        wrt,
        chain(context, through, wrt),
        Form(d @ (factor * Identity(through.shape[1])), "gain", "jacobians"),
        Form(factor * d, "algebra", "collapsed"),
    )


def by_matrix(
    context: Context,
    piece: Piece,
    equation: str,
    how: Array,
    through: Symbol,
    wrt: Symbol,
    row: Expr,
    note: Words = NOTHING,
) -> Step:
    """Return the gradient by a matrix that a row multiplies."""
    return back(
        context,
        equation,
        by_learned(piece, how.name),
        wrt,
        Form(row.T @ by_error(context, through), "weight", "chain"),
        Form(row.T @ gradient(context, through), "substitution", "collapsed"),
        note=note,
    )
