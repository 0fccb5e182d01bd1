"""E13: a column's value, and sums of waves of it."""

from __future__ import annotations

import math

from chainrule.derive.context import Context
from chainrule.derive.expression import Number, Symbol
from chainrule.derive.functions import call
from chainrule.derive.inputs import base
from chainrule.derive.inputs.base import Array, Entry
from chainrule.derive.stage import Piece
from chainrule.derive.steps import Form, Step
from chainrule.derive.terms import Columns, Diag, Partial
from chainrule.derive.words import Words

ARRAYS = {
    "frequency": Array("ω", "frequency", Words("frequencies", "频率")),
    "phase": Array("θ", "phase", Words("phases", "相位")),
    "weight": Array("P", "mixing", Words("weights of the waves", "各波的权重")),
    "bias": Array("p", "offset", Words("offsets of the waves", "各波之和的偏移")),
}
TURN = Number(2 * math.pi, "2π")


def _learned(context: Context, piece: Piece) -> list[Symbol]:
    return [base.learned(context, piece, name, how) for name, how in ARRAYS.items()]


def _angle(context: Context, piece: Piece) -> Symbol:
    size = piece.arrays["frequency"].shape
    return context.notation.named(f"angle.{piece.number}", "ψ", piece.number, size, "angle")


def forward(context: Context, piece: Piece) -> list[Step]:
    """Write psi = 2 pi xi omega + theta and v = cos(psi) P + p."""
    frequency, phase, weight, bias = _learned(context, piece)
    xi, angle = base.value(context, piece), _angle(context, piece)
    column, turns = base.of_column(piece), TURN * xi * frequency + phase
    waves = call("cos", angle) @ weight + bias
    return [
        base.enters(context, piece, "E13"),
        base.define(
            context,
            "E13",
            Words(f"Angles of the waves {column.en}", f"{column.zh}各波的角度"),
            angle,
            Form(turns, "definition"),
        ),
        base.define(
            context,
            "E13",
            Words(f"Sums of waves {column.en}", f"{column.zh}各波之和"),
            base.given(context, piece),
            Form(waves, "definition"),
        ),
    ]


def backward(context: Context, piece: Piece) -> list[Step]:
    """Write dP, dp, dpsi, dtheta, domega and dxi from the gradient by v."""
    frequency, phase, weight, bias = _learned(context, piece)
    xi, angle, v = base.value(context, piece), _angle(context, piece), base.given(context, piece)
    whole, column = base.joined(context), base.of_column(piece)
    dv, dangle = base.gradient(context, v), base.gradient(context, angle)
    sine = call("sin", angle)
    straight = Columns(base.gradient(context, whole), piece.begin, piece.begin + 1)
    through_waves = base.by_error(context, angle) @ Partial(angle, xi)
    through_value = base.by_error(context, whole) @ Partial(whole, xi)
    return [
        base.taken(context, piece, "E13"),
        base.by_matrix(context, piece, "E13", ARRAYS["weight"], v, weight, call("cos", angle)),
        base.by_added(context, piece, "E13", ARRAYS["bias"], v, bias),
        base.back(
            context,
            "E13",
            Words(f"Gradient by the angles {column.en}", f"对{column.zh}各角度的梯度"),
            angle,
            base.chain(context, v, angle),
            Form(dv @ weight.T @ Diag(-sine), "cosine", "jacobians"),
            Form(-((dv @ weight.T) * sine), "hadamard", "collapsed"),
        ),
        base.by_added(context, piece, "E13", ARRAYS["phase"], angle, phase),
        base.by_multiplied(context, piece, "E13", ARRAYS["frequency"], angle, frequency, TURN * xi),
        base.back(
            context,
            "E13",
            Words(f"Gradient by the value {column.en}", f"对{column.zh}的值的梯度"),
            xi,
            Form(through_value + through_waves, "sum_of_paths", "chain"),
            Form(straight + TURN * (dangle @ frequency.T), "substitution", "collapsed"),
        ),
    ]


ENTRY = Entry(ARRAYS, forward, backward)
