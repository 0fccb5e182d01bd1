"""A network drawn as SVG: layers as columns of units, connections by the weights, what belongs to each layer.

Lines and texts take the color of the page's text, so that the drawing suits light and dark pages; there is
no script and nothing is fetched.
"""

from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.description import Description, Layer

MOST_UNITS = 9  # drawn in a column; more are shown by dots
COLUMN, UNIT, RADIUS = 118.0, 21.0, 6.5  # distance of columns and of units, in pixels
TOP, BOTTOM, SIDE = 46.0, 56.0, 64.0
LINE = 18.0  # for the marks under a column
MOST_COLUMNS = 14

POSITIVE, NEGATIVE = "#d1495b", "#3d7ebf"  # readable on white and on black


def draw(network: Description) -> str:
    """Return a network as an SVG element.

    Parameters
    ----------
    network : Description
        Beyond 14 columns the middle ones are left out. Behind input layers it begins with x_1.

    Returns
    -------
    str
        `<svg ...>...</svg>`, with a title and a description for screen readers.

    Examples
    --------
    >>> from chainrule import Network
    >>> from chainrule.description import describe
    >>> svg = draw(describe(Network([3, 5, 4, 3], activation="sigmoid", random_state=0)))
    >>> svg.startswith("<svg") and svg.count("<circle") == 3 + 5 + 4 + 3
    True
    """
    parts = network.layers
    columns = _columns([parts[0].weights.shape[0], *network.sizes[1:]])
    bottom = BOTTOM + LINE * any(_words(part) for part in parts)
    height = TOP + bottom + UNIT * (max(len(_rows(n)) for _, n in columns) - 1)
    width = 2 * SIDE + COLUMN * (len(columns) - 1)
    middle = TOP + (height - TOP - bottom) / 2
    pieces: list[str] = []
    for i, (k, n) in enumerate(columns):
        x = SIDE + COLUMN * i
        if k is None:
            pieces.append(_text(x, middle, "· · ·", 16))
            continue
        if i and columns[i - 1][0] == k - 1:
            pieces.append(_connections(parts[k - 1].weights, x - COLUMN, x, middle))
        pieces.append(_units(x, middle, n))
        pieces += _labels(network, k, x, height - bottom)
        if k and columns[i - 1][0] == k - 1:
            pieces += _marks(parts[k - 1], x, middle, height - bottom)
    summary = " – ".join(map(str, network.sizes))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
        f'style="max-width:100%;height:auto;color:inherit" role="img" font-family="system-ui, sans-serif" '
        f'fill="currentColor"><title>Network {summary}</title><desc>{escape(_described(network))}</desc>'
        f"{''.join(pieces)}</svg>"
    )


def _columns(sizes: Sequence[int]) -> list[tuple[int | None, int]]:
    """Return number and width of the columns that are drawn; None stands for those left out."""
    columns: list[tuple[int | None, int]] = list(enumerate(sizes))
    if len(columns) <= MOST_COLUMNS:
        return columns
    half = MOST_COLUMNS // 2
    return [*columns[:half], (None, 1), *columns[1 - half :]]


def _rows(n: int) -> list[int | None]:
    """List the units drawn of n, from the top; None is the place of the dots.

    >>> _rows(3), _rows(100)
    ([0, 1, 2], [0, 1, 2, 3, None, 96, 97, 98, 99])
    """
    if n <= MOST_UNITS:
        return list(range(n))
    half = (MOST_UNITS - 1) // 2
    return [*range(half), None, *range(n - half, n)]


def _places(n: int, middle: float) -> list[tuple[int | None, float]]:
    rows = _rows(n)
    return [(unit, middle + UNIT * (i - (len(rows) - 1) / 2)) for i, unit in enumerate(rows)]


def _units(x: float, middle: float, n: int) -> str:
    circles = [
        f'<circle cx="{x:g}" cy="{y:g}" r="{RADIUS}"/>' for unit, y in _places(n, middle) if unit is not None
    ]
    dots = [_text(x, y + 5, "⋮", 15) for unit, y in _places(n, middle) if unit is None]
    style = 'fill="#8a94a6" stroke="currentColor" stroke-opacity="0.55"'
    return f"<g {style}>{''.join(circles)}</g>{''.join(dots)}"


def _connections(W: NDArray[Any], x0: float, x1: float, middle: float) -> str:
    """Lines between the units drawn, colored by sign and as strong as the weight, in three strengths."""
    before = [(unit, y) for unit, y in _places(W.shape[0], middle) if unit is not None]
    after = [(unit, y) for unit, y in _places(W.shape[1], middle) if unit is not None]
    block = np.asarray(W, dtype=float)[np.ix_([u for u, _ in before], [u for u, _ in after])]
    block = np.where(np.isfinite(block), block, 0.0)
    strength = np.ceil(3 * (np.abs(block) / (np.abs(block).max() or 1.0))).astype(int)
    groups: dict[tuple[bool, int], list[str]] = {}
    for i, (_, y0) in enumerate(before):
        for j, (_, y1) in enumerate(after):
            path = f"M{x0 + RADIUS:g} {y0:g}L{x1 - RADIUS:g} {y1:g}"
            groups.setdefault((block[i, j] > 0, int(strength[i, j])), []).append(path)
    return "".join(
        f'<path d="{"".join(paths)}" fill="none" stroke="{POSITIVE if positive else NEGATIVE}" '
        f'stroke-width="{(0.4, 0.5, 0.9, 1.5)[level]}" stroke-opacity="{(0.15, 0.3, 0.5, 0.8)[level]}"/>'
        for (positive, level), paths in sorted(groups.items(), key=lambda group: group[0][1])
    )


def _labels(network: Description, k: int, x: float, floor: float) -> list[str]:
    """Width and activation under a column, and the number of parameters under what leads to it."""
    y, parts = floor + 30, network.layers
    if k == 0:
        n, below = parts[0].weights.shape[0], _inputs(network)
    else:
        n, below = parts[k - 1].weights.shape[1], parts[k - 1].activation
    labels = [_text(x, y, f"{n:,}", 14, weight=600), _text(x, y + 17, below, 12)]
    if k:
        labels.append(_text(x - COLUMN / 2, 16, _short(parts[k - 1].n_parameters), 11, opacity=0.7))
    return labels


def _inputs(network: Description) -> str:
    """Say what the first column is: the data, or x_1 behind input layers."""
    return f"of {network.n_inputs} columns" if network.inputs else "inputs"


def _words(part: Layer) -> str:
    """Say what a layer has beyond E1 and E2: normalization [E8], learned strength [E12], dropout [E10]."""
    words = ["norm"] * (part.gain is not None) + ["parametric"] * (part.alphas is not None)
    return " · ".join([*words, f"dropout {part.dropout:g}"] if part.dropout else words)


def _marks(part: Layer, x: float, middle: float, floor: float) -> list[str]:
    """Those words below a column, and an arc over it for a residual connection [E9]."""
    words = _words(part)
    marks = [_text(x, floor + 47 + LINE, words, 11, opacity=0.8)] if words else []
    top = middle - UNIT * (len(_rows(part.weights.shape[1])) - 1) / 2 - RADIUS
    if part.residual:
        marks.append(
            f'<path d="M{x - COLUMN:g} {top - 3:g}C{x - COLUMN * 0.75:g} {top - 26:g} {x - COLUMN * 0.25:g} '
            f'{top - 26:g} {x:g} {top - 3:g}" fill="none" stroke="currentColor" stroke-width="1.4" '
            f'stroke-dasharray="4 3"/>{_text(x - 12, top - 13, "+", 14, weight=600)}'
        )
    return marks


def _text(x: float, y: float, words: str, size: int, *, weight: int = 400, opacity: float = 1.0) -> str:
    style = f' font-weight="{weight}"' if weight != 400 else ""
    style += f' fill-opacity="{opacity:g}"' if opacity < 1 else ""
    return f'<text x="{x:g}" y="{y:g}" text-anchor="middle" font-size="{size}"{style}>{escape(words)}</text>'


def _short(n: int) -> str:
    """Write a count in few characters: "812", "12.8 k", "4.2 M".

    >>> _short(812), _short(12_800), _short(4_196_352)
    ('812', '12.8 k', '4.2 M')
    """
    if n < 10_000:
        return f"{n:,}"
    return f"{n / 1e3:.3g} k" if n < 999_500 else f"{n / 1e6:.3g} M"


def _described(network: Description) -> str:
    parts = network.layers
    first = f"{parts[0].weights.shape[0]} inputs"
    if network.inputs:
        kinds = ", ".join(dict.fromkeys(one.name for _, layers in network.inputs for one in layers))
        first += f" that input layers ({kinds}) make of {network.n_inputs} columns"
    return "; ".join([first, *(f"{part.weights.shape[1]} {part.activation}" for part in parts)])
