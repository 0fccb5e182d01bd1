"""The learning-rate range test: which learning rate suits a network, its data and an optimizer."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from chainrule import _threads
from chainrule._settings import real_number, whole_number
from chainrule.inspection.learning_rate_steps import estimator_steps, network_steps
from chainrule.inspection.pictures import COLORS, axes_grid, tidy
from chainrule.network import Network
from chainrule.optimizers import Optimizer

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from chainrule.estimators.base import BaseMLP

Curve = NDArray[np.float64]

#: The part of all steps that a smoothed value is the mean of.
SMOOTHED_OVER = 0.1
#: Rates rise until the loss has risen by so many times the first loss.
RISE = 3.0
#: Of the rate with the lowest loss, which is the last one before the loss rises.
SAFETY = 0.1
#: A loss that fell by less than this part of the first one, or less than batches differ, has not fallen.
LEAST_FALL = 0.02


@dataclass(frozen=True, repr=False)
class LearningRateSearch:
    """What `find_learning_rate` found.

    Attributes
    ----------
    rates : ndarray of shape (n_steps,)
        Learning rates that were tried, rising.
    losses : ndarray of shape (n_steps,)
        The loss of each step's batch before the step.
    smoothed : ndarray of shape (n_steps,)
        Their running means, over a tenth of all steps.
    suggestion : float or None
        A tenth of the rate at which the smoothed loss was lowest: there it still fell, further on it rose.
        None where it did not fall.
    """

    rates: Curve
    losses: Curve
    smoothed: Curve
    suggestion: float | None

    def __repr__(self) -> str:
        found = "none: the loss did not fall" if self.suggestion is None else f"{self.suggestion:.2g}"
        return (
            f"LearningRateSearch(suggestion {found}; {len(self.rates)} steps from {self.rates[0]:.2g} to"
            f" {self.rates[-1]:.2g})"
        )

    def plot(self, ax: Any = None) -> "Axes":
        """Draw the losses over the learning rate, and mark the suggestion.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            By default that of a new figure.

        Raises
        ------
        ImportError
            Where matplotlib is not installed.
        """
        (axes,) = axes_grid("LearningRateSearch.plot", ax, 1, size=(5.0, 3.2))
        axes.plot(self.rates, self.losses, color="0.8", linewidth=1, label="loss of a batch")
        axes.plot(self.rates, self.smoothed, color=COLORS[0], label="smoothed")
        if self.suggestion is not None:
            label = f"suggestion {self.suggestion:.2g}"
            axes.axvline(self.suggestion, color=COLORS[1], linestyle="--", label=label)
        low, first = float(self.smoothed.min()), float(self.smoothed[0])
        axes.set_ylim(low - 0.2 * abs(first), max(first, low) + abs(first))
        axes.set(xscale="log", xlabel="learning rate", ylabel="loss")
        axes.legend(frameon=False)
        tidy(axes)
        return axes


def find_learning_rate(
    network: "Network | BaseMLP",
    x: Any,
    y: Any,
    *,
    optimizer: Optimizer | None = None,
    batch_size: int | Literal["auto"] | None = "auto",
    sample_weight: Any = None,
    lowest: float = 1e-6,
    highest: float = 10.0,
    n_steps: int = 200,
) -> LearningRateSearch:
    """Train a copy of the network with ever higher learning rates, and see where the loss falls.

    The rate of step k is lowest (highest/lowest)^(k/(n_steps - 1)). It ends early where the loss has risen
    far above the first one. The network itself is left as it is.

    Parameters
    ----------
    network : Network, MLPClassifier or MLPRegressor
        As it would be trained. An estimator starts afresh, with its own solver, loss, dropout, ...
    x, y, sample_weight, batch_size
        As for `Network.train`, or the estimator's `fit`, whose own `batch_size` "auto" is.
    optimizer : Optimizer, optional
        As for `Network.train`; its own learning rate does not count. An estimator has its `solver`.
    lowest, highest : float
        Learning rates to try.
    n_steps : int
        Batches to try them on, at least 10.

    Returns
    -------
    LearningRateSearch
        With a `suggestion`, and `plot()`.

    Raises
    ------
    TypeError, ValueError
        As for `Network.train` or `fit`; for bounds that are none; for Rprop and LBFGS, which have no learning
        rate.

    Notes
    -----
    Source: Smith, "Cyclical learning rates for training neural networks" (2017), section 3.3. The suggestion
    is a start, not a law; the peak of a one-cycle schedule may be a few times as high.

    Examples
    --------
    >>> x = np.linspace(-1, 1, 256).reshape(-1, 1)
    >>> network = Network([1, 16, 1], activation="tanh", random_state=0)
    >>> search = find_learning_rate(network, x, x**2)
    >>> 1e-4 < search.suggestion < 1
    True
    """
    lowest = real_number("lowest", lowest, "(0, inf)")
    highest = real_number("highest", highest, "(0, inf)")
    if lowest >= highest:
        raise ValueError(f"lowest is {lowest:g} and highest is {highest:g}; expected lowest < highest")
    n_steps = whole_number("n_steps", n_steps, 10)
    rates = np.geomspace(lowest, highest, n_steps)
    if isinstance(network, Network):
        steps = network_steps(network, rates, x, y, sample_weight, optimizer, batch_size)
    else:
        steps = estimator_steps(network, rates, x, y, sample_weight, optimizer, batch_size)
    losses: list[float] = []
    with _threads.training():
        for loss in steps:
            if not np.isfinite(loss):
                break
            losses.append(loss)
            if loss > losses[0] and np.mean(losses[-5:]) > min(losses) + RISE * abs(losses[0]):
                break
    return _search(rates[: len(losses)], np.array(losses), n_steps)


def _search(rates: Curve, losses: Curve, n_steps: int) -> LearningRateSearch:
    width = max(3, round(SMOOTHED_OVER * n_steps)) | 1
    window = np.hanning(width + 2)[1:-1]
    reach = width // 2
    total, present = (np.convolve(np.pad(a, reach), window, "valid") for a in (losses, np.ones_like(losses)))
    smoothed = total / present
    first, lowest = float(smoothed[: max(1, len(losses) // 10)].mean()), int(smoothed.argmin())
    noise = float((losses - smoothed)[: lowest + 1].std())
    fell = first - float(smoothed[lowest]) > max(noise, LEAST_FALL * abs(first))
    return LearningRateSearch(rates, losses, smoothed, float(rates[lowest]) * SAFETY if fell else None)
