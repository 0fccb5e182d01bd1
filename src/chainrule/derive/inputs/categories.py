"""E15: a row of learned numbers for each category."""

from __future__ import annotations

from chainrule.derive.context import Context
from chainrule.derive.inputs import base
from chainrule.derive.inputs.base import Array, Entry
from chainrule.derive.stage import Piece
from chainrule.derive.steps import Form, Step
from chainrule.derive.terms import OneHot
from chainrule.derive.words import Words

ARRAYS = {"table": Array("T", "table", Words("rows of the categories", "各类别的行"))}


def forward(context: Context, piece: Piece) -> list[Step]:
    """Write v = onehot(xi) T, a row of T."""
    table, xi = base.learned(context, piece, "table", ARRAYS["table"]), base.value(context, piece)
    n = len(piece.arrays["table"])
    column = base.of_column(piece)
    note = Words(
        f"A code, 0 to {n - 2}; any other number is a category that was not seen in training.",
        f"一个编码，0 到 {n - 2}；其他数表示训练中没有出现过的类别。",
    )
    return [
        base.enters(context, piece, "E15", note),
        base.define(
            context,
            "E15",
            Words(f"The row of the category {column.en}", f"{column.zh}的类别所对应的行"),
            base.given(context, piece),
            Form(OneHot(xi, n) @ table, "definition"),
            note=Words(
                "onehot is 1 at the place of the code, at the last place for a category not seen, and 0"
                f" elsewhere: the product is one row of T{base.small(piece.number)}, which the engine takes.",
                "onehot 在编码处为 1，未见过的类别取最后一位，其余为 0："
                f"这个乘积就是 T{base.small(piece.number)} 的一行，引擎直接取出该行。",
            ),
        ),
    ]


def backward(context: Context, piece: Piece) -> list[Step]:
    """Write dT from the gradient by v; a code has no derivative."""
    table, v = base.learned(context, piece, "table", ARRAYS["table"]), base.given(context, piece)
    row = OneHot(base.value(context, piece), len(piece.arrays["table"]))
    note = Words("The gradient goes to the row of this category alone.", "梯度只进入这个类别的那一行。")
    return [
        base.taken(context, piece, "E15"),
        base.by_matrix(context, piece, "E15", ARRAYS["table"], v, table, row, note),
    ]


ENTRY = Entry(ARRAYS, forward, backward)
