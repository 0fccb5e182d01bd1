"""E14: a column as a line with a kink at each edge of its bins."""

from __future__ import annotations

import numpy as np

from chainrule.derive.context import Context
from chainrule.derive.expression import Expr, Symbol
from chainrule.derive.inputs import base
from chainrule.derive.inputs.base import Array, Entry
from chainrule.derive.stage import Piece
from chainrule.derive.steps import Form, Step
from chainrule.derive.terms import Cases, Condition, Constant, Indicator, Partial
from chainrule.derive.words import Words

ARRAYS = {
    "rise": Array("R", "mixing", Words("rises", "各区间的升高")),
    "weight": Array("r", "mixing", Words("slope of the line", "直线的斜率")),
    "bias": Array("o", "offset", Words("offset of the line", "直线的偏移")),
}
SUMMED = Words(
    "Summed over rows, bin j has the part of its own rows and 1 of all rows above, so that one pass over the"
    " bins, from the last, adds them up.",
    "对各行求和时，区间 j 得到落在其中的行的比例，以及其上所有行的 1，所以从最后一个区间起扫一遍即可加完。",
)


def _learned(context: Context, piece: Piece) -> list[Symbol]:
    return [base.learned(context, piece, name, how) for name, how in ARRAYS.items()]


def _bins(context: Context, piece: Piece) -> tuple[Symbol, Symbol]:
    """Return where the bins begin, and how wide they are."""
    size, number = (1, len(piece.arrays["rise"])), piece.number
    begin = context.notation.named(f"edge.{number}", "e", number, size, "edge", per_row=False)
    return begin, context.notation.named(f"width.{number}", "h", number, size, "width", per_row=False)


def _bounds(piece: Piece) -> tuple[Expr, Expr]:
    """Write the least and the largest part of each bin: 0 and 1, none at the outer edges."""
    n, number = len(piece.arrays["rise"]), piece.number
    low, high = np.zeros((1, n)), np.ones((1, n))
    low[0, 0], high[0, -1] = -np.inf, np.inf
    return (
        Constant(f"l_{number}", low, f"np.array([[-np.inf] + [0.0] * {n - 1}])", (1, n)),
        Constant(f"u_{number}", high, f"np.array([[1.0] * {n - 1} + [np.inf]])", (1, n)),
    )


def _part(context: Context, piece: Piece) -> Symbol:
    size = (1, len(piece.arrays["rise"]))
    return context.notation.named(f"part.{piece.number}", "t", piece.number, size, "part")


def _position(context: Context, piece: Piece) -> Symbol:
    size = (1, len(piece.arrays["rise"]))
    return context.notation.named(f"position.{piece.number}", "τ", piece.number, size, "position")


def forward(context: Context, piece: Piece) -> list[Step]:
    """Write t = (xi - e) / h, tau, and v = xi r + o + tau R."""
    rise, weight, bias = _learned(context, piece)
    xi, position, part = base.value(context, piece), _position(context, piece), _part(context, piece)
    (begin, width), (low, high) = _bins(context, piece), _bounds(piece)
    column, m = base.of_column(piece), base.small(piece.number)
    cases = Cases(
        (
            (low, Condition(part, "<", low)),
            (high, Condition(part, ">=", high)),
            (part, Condition(part, "<", high)),
        )
    )
    return [
        base.enters(context, piece, "E14"),
        base.define(
            context,
            "E14",
            Words(f"How far into each bin the value {column.en} is", f"{column.zh}的值在各区间中走了多远"),
            part,
            Form((xi - begin) / width, "definition"),
            note=Words("0 where the bin begins, 1 where it ends.", "区间左端为 0，右端为 1。"),
        ),
        base.define(
            context,
            "E14",
            Words(f"What of each bin is below the value {column.en}", f"各区间低于{column.zh}的值的部分"),
            position,
            Form(cases, "definition"),
            note=Words(
                f"l{m} = (−∞, 0, …, 0) and u{m} = (1, …, 1, ∞): 1 for bins below the value, 0 for"
                " those above, a part of its own; the outer bins go on beyond their edges.",
                f"l{m} = (−∞, 0, …, 0)，u{m} = (1, …, 1, ∞)：低于该值的区间为 1，高于它的为 0，"
                "它所在的区间取其中的比例；最外两个区间向外延伸。",
            ),
        ),
        base.define(
            context,
            "E14",
            Words(f"The line {column.en} with a kink at each edge", f"{column.zh}在各边界处转折的折线"),
            base.given(context, piece),
            Form(xi * weight + bias + position @ rise, "definition"),
        ),
    ]


def backward(context: Context, piece: Piece) -> list[Step]:
    """Write dR, dr, do, dtau and dxi from the gradient by v."""
    rise, weight, bias = _learned(context, piece)
    xi, position, v = base.value(context, piece), _position(context, piece), base.given(context, piece)
    column, dv = base.of_column(piece), base.gradient(context, v)
    dposition, part, (low, high) = base.gradient(context, position), _part(context, piece), _bounds(piece)
    inside = Indicator(Condition(part, ">=", low)) * Indicator(Condition(part, "<", high))
    slope = inside / _bins(context, piece)[1]
    through_line = base.by_error(context, v) @ Partial(v, xi)
    through_bins = base.by_error(context, position) @ Partial(position, xi, direct=False)
    return [
        base.taken(context, piece, "E14"),
        base.by_matrix(context, piece, "E14", ARRAYS["rise"], v, rise, position, SUMMED),
        base.by_multiplied(context, piece, "E14", ARRAYS["weight"], v, weight, xi),
        base.by_added(context, piece, "E14", ARRAYS["bias"], v, bias),
        base.back(
            context,
            "E14",
            Words(f"Gradient by the parts of the bins {column.en}", f"对{column.zh}各区间部分的梯度"),
            position,
            base.chain(context, v, position),
            Form(dv @ rise.T, "matrix_vector", "jacobians"),
        ),
        base.back(
            context,
            "E14",
            Words(f"Gradient by the value {column.en}", f"对{column.zh}的值的梯度"),
            xi,
            Form(through_line + through_bins, "sum_of_paths", "chain"),
            Form(dv @ weight.T + dposition @ slope.T, "bins", "collapsed"),
        ),
    ]


ENTRY = Entry(ARRAYS, forward, backward)
