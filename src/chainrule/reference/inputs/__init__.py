"""Input layers (E11, E13-E15): what stands between the columns of the data and x_1, the first product's rows.

Without them x_1 is the data. With them the number of data columns and the width of x_1 are two numbers.

| id | layer | columns | gives, for each row |
|----|-------|---------|---------------------|
| | `Numbers` | any | the columns as they are |
| | `OneHot` | 1 | 1 for the row's category, else 0; for two categories one column: -1 or 1 |
| E11 | `Scale` | any | s o x |
| E13 | `Periodic` | any | [x, W_2^T cos(2 pi w_1 x + b_1) + b_2] of each column |
| E14 | `PiecewiseLinear` | 1 | w_0 x + b_0 + sum_{j<i} V_j + t V_i for x in bin i |
| E15 | `Categories` | 1 | E[c], the category's row of a table |

A network has a list of `Block`: each takes some columns of the data through one layer, or through several,
one after the other, and gives the next columns of x_1. E11 after an embedding is
`Block([0, 1], [Periodic(...), Scale(...)])`.

**Categories travel as real numbers.** A category column holds its codes 0, 1, 2, ... as whole numbers of the
data's floating dtype, so that a row of the data is one row of one array: it is shuffled, cut into batches,
weighted and handed to the engine as any other. Nothing is lost, since float32 holds every whole number up to
2^24 exactly (a larger table is refused). The derivative by a code is 0.
"""

from __future__ import annotations

from chainrule.reference.inputs.base import InputLayer
from chainrule.reference.inputs.categories import Categories
from chainrule.reference.inputs.numbers import Numbers
from chainrule.reference.inputs.one_hot import OneHot
from chainrule.reference.inputs.periodic import Periodic
from chainrule.reference.inputs.piecewise_linear import PiecewiseLinear
from chainrule.reference.inputs.scale import Scale
from chainrule.reference.inputs.stage import Block

#: Every kind of input layer by its name.
INPUT_LAYERS: dict[str, type[InputLayer]] = {
    layer.name: layer for layer in (Numbers, OneHot, Scale, Periodic, PiecewiseLinear, Categories)
}

__all__ = [
    "INPUT_LAYERS",
    "Block",
    "Categories",
    "InputLayer",
    "Numbers",
    "OneHot",
    "Periodic",
    "PiecewiseLinear",
    "Scale",
]
