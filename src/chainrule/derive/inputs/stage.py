"""The input layers in order: from the columns of the data to x_1 [E11, E13-E15], and back."""

from __future__ import annotations

from collections.abc import Iterator

from chainrule.derive.context import Context
from chainrule.derive.expression import Expr, Symbol, as_expr
from chainrule.derive.inputs import base, categories, numbers, periodic, piecewise_linear
from chainrule.derive.inputs.base import Entry
from chainrule.derive.stage import Piece
from chainrule.derive.steps import Form, Step
from chainrule.derive.terms import Beside, Columns, Diag, Partial
from chainrule.derive.words import NOTHING, Words

#: Every kind by its name; `scale` is one for all of them, here.
ENTRIES: dict[str, Entry] = {
    "numbers": numbers.ENTRY,
    "periodic": periodic.ENTRY,
    "piecewise_linear": piecewise_linear.ENTRY,
    "categories": categories.ENTRY,
}


def input_steps(context: Context) -> list[Step]:
    """Return the steps from x_0, the row as the data have it, to x_1; none where x_1 is the data."""
    stage, notation = context.model.stage, context.notation
    if stage is None:
        return []
    steps = [step for piece in stage.pieces for step in ENTRIES[piece.kind].forward(context, piece)]
    whole = base.joined(context)
    parts = tuple(part for piece in stage.pieces for part in _given(context, piece))
    side = Words("All of it side by side", "全部并排")
    row = parts[0] if len(parts) == 1 else Beside(parts)
    steps.append(base.define(context, "", side, whole, Form(row, "definition"), key="joined"))
    if stage.scale is not None:
        title = Words("A factor for each column of x₁", "x₁ 每一列的系数")
        scaled = base.scale(context) * whole
        steps.append(
            base.define(context, "E11", title, notation.x(1), Form(scaled, "definition"), key="scaled")
        )
    return steps


def input_gradient_steps(context: Context) -> list[Step]:
    """Return the steps from dE/dx_1 to the gradient of all that the input layers learn, and to dE/dx_0."""
    stage = context.model.stage
    if stage is None:
        return []
    steps = [] if stage.scale is None else _scale(context)
    for piece in stage.pieces:
        steps += ENTRIES[piece.kind].backward(context, piece)
    return [*steps, _by_data(context)]


def learned(context: Context) -> Iterator[tuple[str, Symbol, Words]]:
    """Yield the equation, the symbol and the name of all that the input layers learn."""
    stage = context.model.stage
    if stage is None:
        return
    for piece in stage.pieces:
        column = base.of_column(piece)
        for name, how in ENTRIES[piece.kind].arrays.items():
            words = Words(f"{how.name.en} {column.en}", f"{column.zh}{how.name.zh}")
            yield EQUATIONS[piece.kind], base.learned(context, piece, name, how), words
    if stage.scale is not None:
        yield "E11", base.scale(context), Words("factors of the columns", "各列的系数")


EQUATIONS = {"periodic": "E13", "piecewise_linear": "E14", "categories": "E15"}


def _given(context: Context, piece: Piece) -> list[Expr]:
    """Return what stands in z_0 for a piece; neighboring columns that enter as they are as one."""
    if piece.kind == "numbers":
        x = context.notation.x(0)
        return [Columns(x, piece.columns[i], piece.columns[j - 1] + 1) for i, j in _runs(piece.columns)]
    v = base.given(context, piece)
    return [base.value(context, piece), v] if piece.kind == "periodic" else [v]


def _runs(columns: tuple[int, ...]) -> list[tuple[int, int]]:
    """Return from where to where numbers follow each other: begin and end of each run."""
    starts = [i for i, one in enumerate(columns) if i == 0 or one != columns[i - 1] + 1]
    return list(zip(starts, [*starts[1:], len(columns)], strict=True))


def _scale(context: Context) -> list[Step]:
    """Back through E11."""
    x, z, s = context.notation.x(1), base.joined(context), base.scale(context)
    dx = base.gradient(context, x)
    return [
        base.back(
            context,
            "E11",
            Words("Gradient of the factors of the columns", "各列系数的梯度"),
            s,
            base.chain(context, x, s),
            Form(dx @ Diag(z), "gain", "jacobians"),
            Form(dx * z, "hadamard", "collapsed"),
        ),
        base.back(
            context,
            "E11",
            Words("Back through the factors of the columns", "反向通过各列的系数"),
            z,
            base.chain(context, x, z),
            Form(dx @ Diag(s), "elementwise", "jacobians"),
            Form(dx * s, "hadamard", "collapsed"),
        ),
    ]


def _by_data(context: Context) -> Step:
    """Return dE/dx_0: each column has the sum of what it got from the pieces that take it."""
    stage, data, whole = context.model.stage, context.notation.x(0), base.joined(context)
    assert stage is not None
    row = tuple(_by_columns(context))
    chain = base.by_error(context, whole) @ Partial(whole, data, direct=False)
    codes = any(piece.kind == "categories" for piece in stage.pieces)
    return base.back(
        context,
        "",
        Words("Gradient by the columns of the data", "对数据各列的梯度"),
        data,
        Form(chain, "chain_rule", "chain"),
        Form(row[0] if len(row) == 1 else Beside(row), "columns", "collapsed"),
        note=Words("A code has no derivative: 0.", "编码没有导数：0。") if codes else NOTHING,
    )


def _by_columns(context: Context) -> Iterator[Expr]:
    """Yield the gradient by each column, by neighbors that enter once and as they are together."""
    stage, whole = context.model.stage, base.joined(context)
    assert stage is not None
    gradient = base.gradient(context, whole)
    places: list[list[int]] = [[] for _ in range(stage.n_columns)]  # in z_0, of the column itself
    others: list[list[Expr]] = [[] for _ in range(stage.n_columns)]
    for piece in stage.pieces:
        if piece.kind == "numbers":
            for place, column in enumerate(piece.columns, start=piece.begin):
                places[column].append(place)
        elif piece.kind != "categories":
            others[piece.columns[0]].append(base.gradient(context, base.value(context, piece)))
    j = 0
    while j < stage.n_columns:
        n = 1
        if len(places[j]) == 1 and not others[j]:
            begin = places[j][0]
            while j + n < stage.n_columns and places[j + n] == [begin + n] and not others[j + n]:
                n += 1
            yield Columns(gradient, begin, begin + n)
        else:
            terms = [*(Columns(gradient, place, place + 1) for place in places[j]), *others[j]]
            total: Expr = terms[0] if terms else as_expr(0)
            for term in terms[1:]:
                total = total + term
            yield total
        j += n
