"""GradientFlowDisplay: how much of the error reaches each layer, epoch by epoch."""

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from chainrule.inspection.gradient_recorder import GradientRecorder, gradient_norms
from chainrule.inspection.pictures import axes_grid, pyplot, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D


class GradientFlowDisplay:
    """Norm of dE/dW of every layer over the epochs, on a logarithmic scale.

    Layers whose norms fall far behind those nearer to the output learn little (vanishing gradients); norms
    that grow from epoch to epoch announce divergence. It is recommended to use `from_recorder`.

    Parameters
    ----------
    epochs : array-like of shape (n_records,)
        Numbers of the epochs.
    norms : array-like of shape (n_records, n_layers)
        Euclidean norms of dE/dW_1, ..., dE/dW_l.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    lines_ : list of matplotlib Line2D
        One per layer; empty where there is one record only, which is drawn as bars.
    line_ : matplotlib Line2D or None
        The first layer's.

    See Also
    --------
    GradientRecorder : Records the norms while training.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import GradientFlowDisplay, GradientRecorder, Network
    >>> x = np.linspace(-1, 1, 64).reshape(-1, 1)
    >>> net = Network([1, 8, 8, 1], activation="tanh", random_state=0)
    >>> recorder = GradientRecorder(x, x**2, net)
    >>> history = net.train(x, x**2, epochs=20, callback=recorder)
    >>> len(GradientFlowDisplay.from_recorder(recorder).lines_)
    3
    """

    def __init__(self, *, epochs: Any, norms: Any) -> None:
        self.epochs: NDArray[Any] = np.asarray(epochs)
        self.norms: NDArray[Any] = np.asarray(norms, dtype=float)

    @classmethod
    def from_recorder(cls, recorder: GradientRecorder, *, ax: Any = None, **line_kw: Any) -> Self:
        """Draw what a `GradientRecorder` recorded.

        Parameters
        ----------
        recorder : GradientRecorder
            After training.
        ax : matplotlib Axes, optional
            Where to draw; by default a new figure.
        **line_kw : dict
            For matplotlib's `plot`.

        Returns
        -------
        GradientFlowDisplay

        Raises
        ------
        ImportError
            Where matplotlib is not installed.
        ValueError
            Where nothing was recorded.
        """
        if not recorder.norms:
            raise ValueError("the recorder is empty; train with it as callback first")
        return cls(epochs=recorder.epochs, norms=recorder.norms).plot(ax, **line_kw)

    @classmethod
    def from_estimator(cls, estimator: Any, X: Any, y: Any, *, ax: Any = None, **bar_kw: Any) -> Self:
        """Draw the norms of a network as it is now, one bar per layer.

        Parameters
        ----------
        estimator : Network or fitted estimator
            Or a pipeline, search or `TableModel` around one.
        X, y : array-like
            Rows and targets.
        ax : matplotlib Axes, optional
            Where to draw; by default a new figure.
        **bar_kw : dict
            For matplotlib's `bar`.

        Returns
        -------
        GradientFlowDisplay
        """
        return cls(epochs=[0], norms=[gradient_norms(estimator, X, y)]).plot(ax, **bar_kw)

    def plot(self, ax: Any = None, **kw: Any) -> Self:
        """Draw; parameters and errors as `from_recorder`."""
        (self.ax_,) = axes_grid(f"{type(self).__name__}.plot", ax, 1, size=(5.6, 3.6))
        self.figure_ = self.ax_.figure
        self.lines_: list[Line2D] = []
        n_layers = self.norms.shape[1]
        # From dark at the input to bright at the output.
        colors = pyplot(type(self).__name__).get_cmap("viridis")(np.linspace(0, 0.88, n_layers))
        positive = np.where(self.norms > 0, self.norms, np.nan)  # zero has no place on a logarithmic axis
        if len(self.epochs) == 1:
            self._draw_bars(positive[0], colors, kw)
        else:
            for k in range(n_layers):
                drawn = {"color": colors[k], "label": self._label(k), **kw}
                self.lines_ += self.ax_.plot(self.epochs, positive[:, k], **drawn)
            self.ax_.set_xlabel("Epoch")
            self.ax_.locator_params(axis="x", integer=True)
            self._legend(self.ax_)
        self.ax_.set_ylabel(r"$\|\partial E/\partial W_k\|$")
        if np.isfinite(positive).any():
            self.ax_.set_yscale("log")
        if len(self.epochs) == 1 and np.isfinite(positive).any():
            # Bars begin at a power of ten: between two of them, lengths would say nothing.
            self.ax_.set_ylim(bottom=10 ** np.floor(np.log10(np.nanmin(positive)) - 0.3))
        tidy(self.ax_)
        self.line_ = self.lines_[0] if self.lines_ else None
        return self

    def _draw_bars(self, norms: NDArray[Any], colors: Any, kw: dict[str, Any]) -> None:
        places = np.arange(1, len(norms) + 1)
        self.ax_.bar(places, norms, **{"color": colors, "width": 0.7, **kw})
        self.ax_.set(xticks=places, xlabel="Layer k")

    def _label(self, k: int) -> str:
        last = self.norms.shape[1] - 1
        place = {0: " (input)", last: " (output)"}.get(k, "") if last > 0 else ""
        return f"Layer {k + 1}{place}"

    def _legend(self, ax: "Axes") -> None:
        # As the lines usually lie, the output's on top; beside the picture, since it can be long.
        handles, labels = ax.get_legend_handles_labels()
        ax.legend(handles[::-1], labels[::-1], frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
