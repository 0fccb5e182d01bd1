"""matplotlib, imported when a picture is drawn, and what the displays share of it."""

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Blue, orange, green, ...: Okabe and Ito's colors, told apart by color-blind readers too.
COLORS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#444444"]

#: matplotlib's own, from blue through white to red.
DIVERGING = "RdBu_r"


def pyplot(caller: str) -> Any:
    """Import `matplotlib.pyplot`, or say how to get it.

    Raises
    ------
    ImportError
        Where matplotlib is not installed.
    """
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            f"{caller} draws with matplotlib, which is not installed. Install it with"
            " `pip install matplotlib`."
        ) from error
    return plt


def axes_grid(
    caller: str, ax: Any, n: int, *, columns: int | None = None, size: Any = (4.0, 3.2)
) -> "list[Axes]":
    """Return n axes: the given ones, or those of a new figure, in rows of `columns`.

    Parameters
    ----------
    caller : str
        Display and method, for messages.
    ax : Axes, array-like of Axes, or None
        What the user gave. One Axes for several panels is divided among them.
    n : int
        Number of panels.
    columns : int, optional
        Panels beside each other; by default all.
    size : (float, float)
        Width and height of a panel of a new figure, in inches.

    Raises
    ------
    ValueError
        Where several axes were given, but not n.
    """
    plt = pyplot(caller)
    columns = min(columns or n, n)
    rows = -(-n // columns)
    if ax is None:
        _, grid = plt.subplots(
            rows, columns, figsize=(size[0] * columns, size[1] * rows), squeeze=False, layout="constrained"
        )
        cells: list[Axes] = list(grid.ravel())
    elif not hasattr(ax, "plot"):
        cells = list(np.ravel(np.asarray(ax, dtype=object)))
        if len(cells) != n:
            raise ValueError(f"{caller} draws {n} panels, but ax has {len(cells)} axes")
    elif n == 1:
        cells = [ax]
    else:
        ax.set_axis_off()
        parts = ax.get_subplotspec().subgridspec(rows, columns) if ax.get_subplotspec() else None
        if parts is None:
            raise ValueError(f"{caller} draws {n} panels; give {n} axes, or one that is part of a grid")
        cells = [ax.figure.add_subplot(parts[divmod(i, columns)]) for i in range(n)]
    for spare in cells[n:]:
        spare.set_axis_off()
    return cells[:n]


def tidy(ax: "Axes") -> None:
    """Leave out what carries no information."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(True, color="0.9", linewidth=0.8)
    ax.set_axisbelow(True)
