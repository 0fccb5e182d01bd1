"""L-BFGS by SciPy, on the engine's gradient of all rows."""

import math
import time
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chainrule import _engine
from chainrule.model.rows import Rows
from chainrule.optimizers import LBFGS
from chainrule.training.errors import DivergenceError
from chainrule.training.history import EpochRecord, History
from chainrule.training.settings import Settings
from chainrule.training.watch import Watch

if TYPE_CHECKING:
    from chainrule.network import Network


def minimize(
    network: "Network", data: _engine.Dataset, rows: Rows, settings: Settings, stop: _engine.Stop | None
) -> History:
    """Minimise the penalised loss from the present parameters on; `Network.train` documents the errors."""
    import scipy.optimize

    optimizer = settings.optimizer
    assert isinstance(optimizer, LBFGS)
    _check(network, settings, data.n_samples)
    parameters, model = network._parameters, network._model
    start, moves = parameters.copy(), _moves(network, settings)
    losses: list[float] = []
    reason, watch = "", Watch(network, settings)
    begin = time.perf_counter()

    def loss_and_gradient(flat: NDArray[Any]) -> tuple[float, NDArray[Any]]:
        if stop is not None and stop.is_set():
            raise KeyboardInterrupt
        parameters[:] = flat
        gradient = np.empty_like(parameters)
        loss = model.gradients(data, gradient, l2=optimizer.l2, n_threads=network._n_threads)
        if not losses:
            losses.append(loss)
        return loss, gradient * moves

    def iteration_ends(intermediate_result: Any) -> None:
        nonlocal reason
        parameters[:] = intermediate_result.x
        losses.append(float(intermediate_result.fun))
        n = len(losses) - 1
        watch.epoch_ends(n, losses[n])
        reason = watch.reason
        if settings.callback is not None:
            validation_loss = watch.losses[-1] if watch.losses else None
            answer = settings.callback(
                EpochRecord(
                    n,
                    settings.epochs,
                    losses[n - 1],
                    time.perf_counter() - begin,
                    validation_loss=validation_loss,
                )
            )
            if isinstance(answer, bool | np.bool) and answer:
                reason = "callback"
        if reason:
            raise StopIteration

    network._training = None
    found = scipy.optimize.minimize(
        loss_and_gradient,
        parameters.astype(np.float64),
        method="L-BFGS-B",
        jac=True,
        callback=iteration_ends,
        options={
            "maxiter": settings.epochs,
            "maxfun": settings.epochs * (optimizer.max_line_search + 1),
            "maxcor": optimizer.history_size,
            "gtol": optimizer.gradient_tolerance,
            "ftol": optimizer.loss_tolerance,
            "maxls": optimizer.max_line_search,
        },
    )
    n_iterations = max(1, len(losses) - 1)
    if not (math.isfinite(found.fun) and np.isfinite(found.x).all()):
        parameters[:] = start
        raise DivergenceError(
            f"training diverged in epoch {n_iterations}: the loss became {found.fun}; scale the inputs or"
            " begin with smaller parameters. The parameters are as they were before the first epoch.",
            n_iterations,
            losses,
        )
    parameters[:] = found.x
    watch.training_ends(n_iterations)
    network._n_epochs += n_iterations
    return History(
        losses[:n_iterations],
        time.perf_counter() - begin,
        n_iterations,
        reason != "",
        validation_loss=watch.losses,
        best_epoch=watch.best_epoch,
        reason=reason,
    )


def _check(network: "Network", settings: Settings, n_samples: int) -> None:
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
    if any(network.dropout):
        raise ValueError(
            "LBFGS needs one and the same loss, which dropout changes in every step; use dropout=0.0"
        )
    if not set(settings.learning_rate_factors) <= {0.0, 1.0}:
        raise ValueError(
            f"learning_rate_factors is {list(settings.learning_rate_factors)}; LBFGS has no learning rate, so"
            " expected 0 for layers that are frozen and 1 for the others"
        )


def _moves(network: "Network", settings: Settings) -> NDArray[Any]:
    """Return 0 for each parameter of a frozen layer and 1 for the others."""
    moves = np.ones_like(network._parameters)
    for arrays in network._architecture.split(moves):
        for array, factor in zip(arrays, settings.learning_rate_factors or [1.0] * len(arrays), strict=True):
            if array is not None:
                array[...] = factor
    return moves
