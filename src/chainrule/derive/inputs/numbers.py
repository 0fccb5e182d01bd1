"""Columns that enter as they are: they learn nothing, and stand in the row of all pieces themselves."""

from __future__ import annotations

from chainrule.derive.context import Context
from chainrule.derive.inputs.base import Entry
from chainrule.derive.stage import Piece
from chainrule.derive.steps import Step


def no_steps(context: Context, piece: Piece) -> list[Step]:
    """Return none."""
    return []


ENTRY = Entry({}, no_steps, no_steps)
