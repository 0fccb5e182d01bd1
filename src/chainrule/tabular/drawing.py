"""The picture of a fit: how good the model was, and its best network alone, at each look."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from chainrule.inspection.pictures import COLORS, axes_grid, tidy
from chainrule.tabular.ensemble import Look

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw(looks: Sequence[Look], metric: str, caller: str, ax: Any = None) -> "Axes":
    """Draw the scores of looks over the seconds of the fit.

    Parameters
    ----------
    looks : sequence of Look
    metric : str
        The score's name.
    caller : str
        For messages.
    ax : matplotlib Axes, optional
        By default of a new figure.
    """
    (axes,) = axes_grid(caller, ax, 1, size=(5, 3.6))
    seconds = [look.seconds for look in looks]
    for i, (label, scores) in enumerate(
        (
            ("model", [look.score for look in looks]),
            ("its best network alone", [look.best_single for look in looks]),
        )
    ):
        axes.plot(seconds, scores, "--" if i else "-", marker="o", markersize=4, color=COLORS[i], label=label)
    axes.set(xlabel="Seconds", ylabel=f"{metric} of the rows set aside")
    tidy(axes)
    axes.legend(frameon=False)
    return axes
