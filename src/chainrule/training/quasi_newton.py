"""L-BFGS by SciPy, on the engine's gradient of all rows."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule import _engine
from chainrule.model.trainee import Trainee
from chainrule.optimizers import LBFGS
from chainrule.training.errors import DivergenceError
from chainrule.training.history import History
from chainrule.training.settings import Settings
from chainrule.training.stopping import Stopping


def minimize(
    trainee: Trainee,
    data: _engine.Dataset,
    options: dict[str, Any],
    iteration_ends: Callable[[Any], None] | None,
    *,
    evaluated: Callable[[float, NDArray[Any]], NDArray[Any]] | None = None,
    **penalty: Any,
) -> Any:
    """Minimize the penalized loss from the present parameters on; return SciPy's result.

    R. H. Byrd, P. Lu, J. Nocedal, C. Zhu, "A limited memory algorithm for bound constrained optimization",
    1995. The iterates are float64, loss and gradient are evaluated in the network's dtype.

    Parameters
    ----------
    trainee : Trainee
        Its parameters follow the search.
    data : Dataset
        All rows.
    options : dict
        SciPy's, of "L-BFGS-B".
    iteration_ends : callable or None
        Takes SciPy's report of an iteration; StopIteration ends the search.
    evaluated : callable, optional
        Takes each loss and gradient, and returns the gradient to follow.
    **penalty
        Of `Model.gradients`.
    """
    import scipy.optimize

    model, flat = trainee.model, trainee.flat

    def loss_and_gradient(x: NDArray[Any]) -> tuple[float, NDArray[Any]]:
        flat[:] = x
        gradient = np.empty_like(flat)
        loss = model.gradients(data, gradient, n_threads=trainee.threads, **penalty)
        return loss, gradient if evaluated is None else evaluated(loss, gradient)

    return scipy.optimize.minimize(
        loss_and_gradient,
        flat.astype(np.float64),
        method="L-BFGS-B",
        jac=True,
        callback=iteration_ends,
        options=options,
    )


def train_quasi_newton(
    trainee: Trainee, data: _engine.Dataset, settings: Settings, stop: _engine.Stop | None
) -> History:
    """Train by `LBFGS`; `Network.train` documents the errors."""
    optimizer = settings.optimizer
    assert isinstance(optimizer, LBFGS)
    _check(trainee, settings, data.n_samples)
    start, moves = trainee.flat.copy(), _moves(trainee, settings)
    stopping = Stopping(trainee, settings)
    losses: list[float] = []

    def evaluated(loss: float, gradient: NDArray[Any]) -> NDArray[Any]:
        if stop is not None and stop.is_set():
            raise KeyboardInterrupt
        if not losses:
            losses.append(loss)
        moved: NDArray[Any] = gradient * moves
        return moved

    def iteration_ends(intermediate_result: Any) -> None:
        trainee.flat[:] = intermediate_result.x
        losses.append(float(intermediate_result.fun))
        n = len(losses) - 1
        stopping.epoch_ends(n, losses[n])
        stopping.tell(n, losses[n - 1])
        if stopping.reason:
            raise StopIteration

    trainee.state = None
    options = {
        "maxiter": settings.epochs,
        "maxfun": settings.epochs * (optimizer.max_line_search + 1),
        "maxcor": optimizer.history_size,
        "gtol": optimizer.gradient_tolerance,
        "ftol": optimizer.loss_tolerance,
        "maxls": optimizer.max_line_search,
    }
    result = minimize(trainee, data, options, iteration_ends, evaluated=evaluated, l2=optimizer.l2)
    n_iterations = max(1, len(losses) - 1)
    if not (math.isfinite(result.fun) and np.isfinite(result.x).all()):
        trainee.flat[:] = start
        raise DivergenceError(
            f"training diverged in epoch {n_iterations}: the loss became {result.fun}; scale the inputs or"
            " begin with smaller parameters. The parameters are as they were before the first epoch.",
            n_iterations,
            losses,
        )
    trainee.flat[:] = result.x
    trainee.n_epochs += n_iterations
    stopping.losses = losses[:n_iterations]
    return stopping.training_ends(n_iterations, n_iterations)


def _check(trainee: Trainee, settings: Settings, n_samples: int) -> None:
    """Refuse what goes with steps of a learning rate only."""
    if settings.batch_size < n_samples:
        raise ValueError(
            f"batch_size is {settings.batch_size}, but LBFGS takes all {n_samples} rows at once: its line"
            " search needs one and the same loss; use batch_size=None or another optimizer"
        )
    if settings.resume:
        raise ValueError("resume=True has nothing to go on from: LBFGS starts anew in every call of train")
    if settings.precision != "full":
        raise ValueError(f"precision is {settings.precision!r}; LBFGS needs precision='full'")
    if settings.row_blocks > 1:
        raise ValueError(
            f"row_blocks is {settings.row_blocks}, but LBFGS takes all rows at once; leave it out"
        )
    if any(trainee.architecture.layers.dropout):
        raise ValueError(
            "LBFGS needs one and the same loss, which dropout changes in every step; use dropout=0.0"
        )
    if not set(settings.learning_rate_factors) <= {0.0, 1.0}:
        raise ValueError(
            "learning_rate_factors are not all 0 or 1; LBFGS has no learning rate, so expected 0 for layers"
            " that are frozen and 1 for the others"
        )
    for name in ("epsilon_factors", "decay_factors"):
        if getattr(settings, name):
            raise ValueError(f"{name} go with optimizers that take steps of a learning rate, not with LBFGS")


def _moves(trainee: Trainee, settings: Settings) -> NDArray[Any]:
    """Return 0 for each parameter of a frozen layer and 1 for the others."""
    moves = np.ones_like(trainee.flat)
    for place, factor in zip(trainee.architecture.places, settings.learning_rate_factors, strict=False):
        moves[place.offset : place.offset + place.size] = factor
    return moves
