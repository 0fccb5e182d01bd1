"""TrainingCurveDisplay: loss and scores of each epoch, of one model or several."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from chainrule.description import Training, describe
from chainrule.description.unwrapping import is_fitted, is_ours, name_of, unwrap
from chainrule.inspection.examined import with_history
from chainrule.inspection.pictures import COLORS, axes_grid, tidy
from chainrule.training import History

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

Curve = NDArray[np.float64]


@dataclass(frozen=True)
class Curves:
    """What one training recorded, one value per epoch.

    Attributes
    ----------
    loss : ndarray of shape (n_epochs,)
        Training loss.
    validation_loss : ndarray or None
        Loss of the rows watched.
    scores : dict of str to ndarray
        Scores of the rows watched, by name.
    best : int or None
        The epoch whose parameters were kept, counted from 1, where that is not the last.
    """

    loss: Curve
    validation_loss: Curve | None
    scores: dict[str, Curve]
    best: int | None


class TrainingCurveDisplay:
    """Loss of each epoch of training, with validation loss and scores where they were recorded.

    It is recommended to use `from_estimator` to make one.

    Parameters
    ----------
    curves : dict of str to Curves
        The curves of each model, by the name to show.

    Attributes
    ----------
    ax_ : matplotlib Axes
        With the losses.
    score_ax_ : matplotlib Axes or None
        With the scores, where there are any and they were drawn.
    axes_ : list of matplotlib Axes
        Both.
    figure_ : matplotlib Figure
    lines_ : dict of (str, str) to matplotlib Line2D
        By model and curve: "loss", "validation_loss", or a score's name.
    line_ : matplotlib Line2D
        The first model's loss.

    See Also
    --------
    GradientFlowDisplay : The gradients of each epoch.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from chainrule import MLPClassifier, TrainingCurveDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = MLPClassifier((8,), early_stopping=True, max_iter=500, random_state=0).fit(X, y)
    >>> display = TrainingCurveDisplay.from_estimator(clf)
    >>> display.ax_.get_ylabel(), display.score_ax_.get_ylabel()
    ('Loss', 'Validation accuracy')
    """

    def __init__(self, *, curves: dict[str, Curves]) -> None:
        self.curves = curves

    @classmethod
    def from_estimator(
        cls, estimator: Any, *, name: str | None = None, scores: bool = True, ax: Any = None, **line_kw: Any
    ) -> Self:
        """Draw what a training recorded.

        Parameters
        ----------
        estimator : estimator, History, or list or dict of them
            A fitted `MLPClassifier` or `MLPRegressor`, a pipeline or search around one, a `TableModel`, or
            the `History` that `Network.train` returns. Several are drawn together; a dict gives their names.
        name : str, optional
            The one model's name in the legend; by default its class.
        scores : bool, default=True
            Whether to draw the scores of the validation rows, in a panel of their own.
        ax : matplotlib Axes, or pair of them, optional
            Where to draw. One Axes gets the losses only. By default a new figure.
        **line_kw : dict
            For matplotlib's `plot`.

        Returns
        -------
        TrainingCurveDisplay

        Raises
        ------
        ImportError
            Where matplotlib is not installed.
        TypeError
            For what is no model of ours.
        ValueError
            For a model that recorded nothing: not fitted, loaded without its curve, or trained by "lbfgs".
        """
        if isinstance(estimator, Mapping):
            named = {str(key): model for key, model in estimator.items()}
        elif isinstance(estimator, list | tuple):
            named = {f"{_name(model)} {i}": model for i, model in enumerate(estimator, 1)}
        else:
            named = {name or _name(estimator): estimator}
        if not named:
            raise ValueError("there is no model to draw: the collection is empty")
        display = cls(curves={key: curves_of(model) for key, model in named.items()})
        return display.plot(ax, scores=scores, **line_kw)

    def plot(self, ax: Any = None, *, scores: bool = True, **line_kw: Any) -> Self:
        """Draw; parameters and errors as `from_estimator`.

        Returns
        -------
        TrainingCurveDisplay
            Itself, with what it drew in `ax_`, `figure_` and `lines_`.
        """
        with_scores = scores and any(curves.scores for curves in self.curves.values())
        if hasattr(ax, "plot"):  # one Axes: for the losses
            with_scores = False
        self.axes_: list[Axes] = axes_grid(f"{type(self).__name__}.plot", ax, 1 + with_scores, size=(5, 3.6))
        self.ax_ = self.axes_[0]
        self.score_ax_ = self.axes_[1] if with_scores else None
        self.figure_ = self.ax_.figure
        self.lines_: dict[tuple[str, str], Line2D] = {}
        for i, (name, curves) in enumerate(self.curves.items()):
            self._draw_losses(name, curves, {"color": COLORS[i % len(COLORS)], **line_kw})
            if self.score_ax_ is not None:
                self._draw_scores(self.score_ax_, name, curves, {"color": COLORS[i % len(COLORS)], **line_kw})
        self.line_ = next(iter(self.lines_.values()))
        self._label()
        return self

    def _draw_losses(self, name: str, curves: Curves, kw: dict[str, Any]) -> None:
        validated = curves.validation_loss
        self._line(self.ax_, name, "loss", curves.loss, {"label": name, **kw})
        if validated is not None:
            label = f"{name}, validation"
            self._line(
                self.ax_, name, "validation_loss", validated, {**kw, "linestyle": "--", "label": label}
            )
        self._mark(self.ax_, curves.loss if validated is None else validated, curves.best, kw)

    def _draw_scores(self, ax: "Axes", name: str, curves: Curves, kw: dict[str, Any]) -> None:
        for j, (score, values) in enumerate(curves.scores.items()):
            label = f"{name}, {score}" if len(curves.scores) > 1 else name
            style = ("-", "--", ":", "-.")[j % 4]
            self._line(ax, name, score, values, {**kw, "linestyle": style, "label": label})
            self._mark(ax, values, curves.best, kw)

    def _line(self, ax: "Axes", name: str, curve: str, values: Curve, kw: dict[str, Any]) -> None:
        marker = {"marker": "."} if len(values) == 1 else {}
        (self.lines_[name, curve],) = ax.plot(np.arange(1, len(values) + 1), values, **{**marker, **kw})

    def _mark(self, ax: "Axes", values: Curve, best: int | None, kw: dict[str, Any]) -> None:
        """Put a dot at the epoch whose parameters were kept."""
        if best is not None and 1 <= best <= len(values):
            ax.plot([best], [values[best - 1]], "o", color=kw["color"], markersize=6)

    def _label(self) -> None:
        self.ax_.set(xlabel="Epoch", ylabel="Loss")
        values = np.concatenate([line.get_ydata() for line in self.ax_.get_lines()])
        finite = values[np.isfinite(values)]
        if finite.size and finite.min() > 0 and finite.max() > 30 * finite.min():
            self.ax_.set_yscale("log")
        if self.score_ax_ is not None:
            named = {score for curves in self.curves.values() for score in curves.scores}
            label = named.pop() if len(named) == 1 else "score"
            self.score_ax_.set(xlabel="Epoch", ylabel=f"Validation {label}")
        for ax in self.axes_:
            tidy(ax)
            ax.locator_params(axis="x", integer=True)
            if len(ax.get_legend_handles_labels()[0]) > 1:
                ax.legend(frameon=False)


def _name(model: Any) -> str:
    return type(model).__name__ if isinstance(model, History) else name_of(model)


def curves_of(model: Any) -> Curves:
    """Return what a model, or a `History`, recorded; errors as `TrainingCurveDisplay.from_estimator`."""
    training = with_history(Training(), model) if isinstance(model, History) else _training(model)
    if not training.losses:
        raise ValueError(training.why_no_losses)
    return Curves(
        np.asarray(training.losses, dtype=float),
        np.asarray(training.validation_losses, dtype=float) if training.validation_losses else None,
        {name: np.asarray(values, dtype=float) for name, values in training.scores.items()},
        training.best_epoch,
    )


def _training(model: Any) -> Training:
    inner = unwrap(model)
    if not is_fitted(inner):
        raise ValueError(f"this {type(inner).__name__} is not fitted yet; call fit first")
    return describe(model if is_ours(model) else inner).training
