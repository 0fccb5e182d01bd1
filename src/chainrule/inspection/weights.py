"""WeightsDisplay: weight matrices, what the first layer looks for in pictures, or histograms."""

import math
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from chainrule._settings import named_choice
from chainrule.description import describe
from chainrule.description.unwrapping import unwrap
from chainrule.inspection.pictures import COLORS, DIVERGING, axes_grid, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

KINDS = ("matrix", "pictures", "histogram")


class WeightsDisplay:
    """The weights of a network: as matrices, as pictures of what first-layer units look for, as histograms.

    It is recommended to use `from_estimator` to make one.

    Parameters
    ----------
    weights : list of ndarray of shape (n_k, n_{k+1})
        Of each layer.
    activations : list of str
        One per layer, for the titles.

    Attributes
    ----------
    axes_ : list of matplotlib Axes
        One per layer, or per unit for `kind="pictures"`.
    ax_ : matplotlib Axes
        The first.
    figure_ : matplotlib Figure
    images_ : list of matplotlib AxesImage
        Empty for histograms.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from chainrule import MLPClassifier, WeightsDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = MLPClassifier((16,), solver="lbfgs", max_iter=500, random_state=0).fit(X / 16, y)
    >>> len(WeightsDisplay.from_estimator(clf).axes_)
    2
    >>> len(WeightsDisplay.from_estimator(clf, kind="pictures").axes_)
    16
    """

    def __init__(self, *, weights: list[NDArray[Any]], activations: list[str]) -> None:
        self.weights = weights
        self.activations = activations

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        *,
        kind: str = "matrix",
        image_shape: tuple[int, int] | None = None,
        max_units: int = 64,
        ax: Any = None,
        **kw: Any,
    ) -> Self:
        """Draw the weights of a network or estimator.

        Parameters
        ----------
        estimator : Network or fitted estimator
            Or a pipeline, search or `TableModel` around one.
        kind : {"matrix", "pictures", "histogram"}, default="matrix"
            "matrix": each layer's weights, inputs downwards and outputs to the right. "pictures": the weights
            into each unit of the first layer, arranged as the inputs are. "histogram": their distribution in
            each layer. White is zero, red is positive.
        image_shape : (int, int), optional
            Rows and columns of pixels of an input, for "pictures"; by default a square.
        max_units : int, default=64
            How many "pictures" to draw at most: those of the units with the largest weights.
        ax : matplotlib Axes, or list with one per panel, optional
            Where to draw; by default a new figure.
        **kw : dict
            For matplotlib's `imshow`, or `hist`.

        Returns
        -------
        WeightsDisplay

        Raises
        ------
        ImportError
            Where matplotlib is not installed.
        ValueError
            For an unknown kind, or inputs that are no picture of the shape.
        """
        parts = describe(unwrap(estimator)).layers
        display = cls(
            weights=[part.weights for part in parts], activations=[part.activation for part in parts]
        )
        return display.plot(ax, kind=kind, image_shape=image_shape, max_units=max_units, **kw)

    def plot(
        self,
        ax: Any = None,
        *,
        kind: str = "matrix",
        image_shape: tuple[int, int] | None = None,
        max_units: int = 64,
        **kw: Any,
    ) -> Self:
        """Draw; parameters and errors as `from_estimator`."""
        named_choice("kind", kind, KINDS)
        self.images_: list[Any] = []
        if kind == "matrix":
            self._draw_matrices(ax, kw)
        elif kind == "pictures":
            self._draw_pictures(ax, image_shape, max_units, kw)
        else:
            self._draw_histograms(ax, kw)
        self.ax_ = self.axes_[0]
        self.figure_ = self.ax_.figure
        return self

    def _panels(self, ax: Any, n: int, **kw: Any) -> "list[Axes]":
        return axes_grid(f"{type(self).__name__}.plot", ax, n, **kw)

    def _draw_matrices(self, ax: Any, kw: dict[str, Any]) -> None:
        self.axes_ = self._panels(ax, len(self.weights), columns=4, size=(3.6, 3.4))
        for k, (cell, W) in enumerate(zip(self.axes_, self.weights, strict=True), 1):
            image = cell.imshow(W, **_colors(W), **{"aspect": "auto", "interpolation": "nearest", **kw})
            cell.set(title=self._title(k), xlabel="To unit", ylabel="From input" if k == 1 else "From unit")
            cell.figure.colorbar(image, ax=cell, shrink=0.85)
            self.images_.append(image)

    def _draw_pictures(self, ax: Any, shape: tuple[int, int] | None, most: int, kw: dict[str, Any]) -> None:
        W = self.weights[0]
        shape = _picture_shape(W.shape[0], shape)
        norms = np.linalg.norm(W, axis=0)
        shown = np.sort(np.argsort(-norms, kind="stable")[:most])
        columns = math.ceil(math.sqrt(1.6 * len(shown)))
        self.axes_ = self._panels(ax, len(shown), columns=columns, size=(0.85, 0.85 * shape[0] / shape[1]))
        for cell, unit in zip(self.axes_, shown, strict=True):
            picture = W[:, unit].reshape(shape)
            self.images_.append(
                cell.imshow(picture, **_colors(picture), **{"interpolation": "nearest", **kw})
            )
            cell.set(xticks=[], yticks=[])
            cell.spines[:].set_color("0.8")

    def _draw_histograms(self, ax: Any, kw: dict[str, Any]) -> None:
        self.axes_ = self._panels(ax, len(self.weights), columns=4, size=(3.4, 2.8))
        for k, (cell, W) in enumerate(zip(self.axes_, self.weights, strict=True), 1):
            cell.hist(W.ravel(), **{"bins": 51, "color": COLORS[0], **kw})
            cell.axvline(0, color="0.5", linewidth=0.8)
            cell.set(
                title=self._title(k), xlabel=f"Weight (std {W.std():.2g})", ylabel="Count" if k == 1 else ""
            )
            tidy(cell)

    def _title(self, k: int) -> str:
        n_in, n_out = self.weights[k - 1].shape
        return f"Layer {k}: {n_in} → {n_out}, {self.activations[k - 1]}"


def _colors(values: NDArray[Any]) -> dict[str, Any]:
    """Color by sign and size, white at zero; the few largest may saturate."""
    largest = float(np.quantile(np.abs(values), 0.995)) or 1.0
    return {"cmap": DIVERGING, "vmin": -largest, "vmax": largest}


def _picture_shape(n_inputs: int, shape: tuple[int, int] | None) -> tuple[int, int]:
    if shape is None:
        side = math.isqrt(n_inputs)
        if side * side != n_inputs:
            raise ValueError(
                f"{n_inputs} inputs are no square picture; give image_shape=(rows, columns), or use "
                "kind='matrix'"
            )
        return side, side
    rows, columns = shape
    if rows * columns != n_inputs:
        raise ValueError(
            f"image_shape is {shape}, {rows * columns} pixels, but the network has {n_inputs} inputs"
        )
    return rows, columns
