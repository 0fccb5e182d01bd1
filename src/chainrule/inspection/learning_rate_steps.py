"""Steps of training, each with a learning rate of its own: what a range test is made of."""

import copy
import dataclasses
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainrule import _engine
from chainrule.model.rows import Rows, as_rows
from chainrule.network import Network
from chainrule.optimizers import LBFGS, OPTIMIZERS, Optimizer
from chainrule.training.loop import start
from chainrule.training.settings import Settings


def network_steps(
    network: Network,
    rates: NDArray[np.float64],
    x: Any,
    y: Any,
    sample_weight: Any,
    optimizer: Optimizer | None,
    batch_size: Any,
) -> Iterator[float]:
    """Yield each batch's loss before its step, of a copy of the network; checks what is given at once."""
    settings = Settings.checked(optimizer=optimizer, epochs=1, batch_size=batch_size)
    if isinstance(settings.optimizer, LBFGS) or not settings.optimizer.scheduled:
        raise _no_rate(type(settings.optimizer).__name__)
    rows = as_rows(network._trainee.architecture, x, y, sample_weight).without_weightless()
    network._trainee.check_finite(rows)
    trained = copy.deepcopy(network)
    own = settings.optimizer.settings()["learning_rate"]

    def steps() -> Iterator[float]:
        trainee = trained._trainee
        trainer = start(trainee, settings).trainer(trainee, settings.batch_size, {})
        for rate, batch in zip(rates, _batches(trained, rows, settings.batch_size), strict=False):
            yield trainer.epoch(batch.dataset(trainee.model), factors=np.array([rate / own]))

    return steps()


def _batches(network: Network, rows: Rows, batch_size: int) -> Iterator[Rows]:
    """Yield the batches that `Network.train` would take, without end."""
    assert rows.y is not None
    n_samples, epoch = len(rows.y), network._trainee.n_epochs
    while True:
        order = _engine.permutation(n_samples, network._trainee.seed, epoch)
        for first in range(0, n_samples, batch_size):
            kept = np.zeros(n_samples, dtype=bool)
            kept[order[first : first + batch_size]] = True
            yield rows.take(kept)
        epoch += 1


def estimator_steps(
    estimator: Any,
    rates: NDArray[np.float64],
    x: Any,
    y: Any,
    sample_weight: Any,
    optimizer: Optimizer | None,
    batch_size: Any,
) -> Iterator[float]:
    """Yield each batch's loss before its step, of a copy of an estimator: a `partial_fit` each."""
    from sklearn.utils import check_random_state

    from chainrule.estimators.base import BaseMLP
    from chainrule.estimators.stopping import batch_rows

    if not isinstance(estimator, BaseMLP):
        raise TypeError(
            f"network is a {type(estimator).__name__}; expected a Network, MLPClassifier or MLPRegressor. Of "
            "a pipeline give the last step, and x as the steps before it transform it."
        )
    if optimizer is not None:
        raise ValueError(f"optimizer={optimizer!r} is given, but an estimator has its solver; set that")
    solver = estimator.solver
    if isinstance(solver, str) and (solver not in OPTIMIZERS or not OPTIMIZERS[solver].scheduled):
        raise _no_rate(solver)
    if isinstance(solver, Optimizer) and not solver.scheduled:
        raise _no_rate(type(solver).__name__)
    trained, rows = _as_it_learns(estimator, rates, x, y, sample_weight)
    n_samples = rows.x.shape[0]
    if batch_size != "auto":
        trained.set_params(batch_size=n_samples if batch_size is None else batch_size)
    trained._validate_params()
    n_rows = batch_rows(trained, n_samples)
    trained.set_params(batch_size=n_rows)
    random_state = check_random_state(estimator.random_state)
    first = {"classes": rows.classes} if rows.classes is not None else {}

    def steps() -> Iterator[float]:
        order = np.arange(0)
        for k in range(len(rates)):
            if len(order) < n_rows:
                order = random_state.permutation(n_samples)
            batch, order = order[:n_rows], order[n_rows:]
            weight = None if rows.weight is None else rows.weight[batch]
            try:
                trained.partial_fit(rows.x[batch], rows.y[batch], weight, **(first if k == 0 else {}))
            except ValueError:
                if np.isfinite(trained.loss_) and np.isfinite(trained.coefs_[0]).all():
                    raise
                yield np.nan
                return
            yield trained.loss_

    return steps()


class LearnedRows(NamedTuple):
    """Rows, targets and weights as an estimator learns them; the classes of a classifier."""

    x: Any
    y: Any
    weight: Any
    classes: Any


def _as_it_learns(
    estimator: Any, rates: NDArray[np.float64], x: Any, y: Any, sample_weight: Any
) -> tuple[Any, LearnedRows]:
    """Return a copy with the rates as its schedule, and what `fit` would make of the rows beforehand."""
    from sklearn.base import clone
    from sklearn.utils.validation import _check_sample_weight

    from chainrule.estimators.target_scale import TargetScale, learn_target_scale

    seen = clone(estimator)
    seen._validate_params()
    x, targets = seen._check_data(x, y, reset=True, incremental=False)
    if sample_weight is not None:
        sample_weight = _check_sample_weight(sample_weight, x, ensure_non_negative=True)
    learn_target_scale(seen, targets, sample_weight, first=True)
    scale = TargetScale.used_by(seen)
    weight = seen._weigh_classes(Rows(x, targets, sample_weight)).sample_weight
    y = seen._decode_targets(targets) if scale is None else scale.standardize(targets)
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if weight is not None:
        x, y, weight = x[weight > 0], y[weight > 0], weight[weight > 0]
    n, own = len(rates), estimator.solver
    trained = clone(estimator).set_params(
        schedule=lambda part: rates[min(round(part * n), n - 1)] / rates[0],
        learning_rate="constant",
        learning_rate_init=float(rates[0]),
        solver=own if isinstance(own, str) else dataclasses.replace(own, learning_rate=float(rates[0])),
        max_iter=n,
        early_stopping=False,
        verbose=False,
        **dict.fromkeys(("scoring", "callbacks", "checkpoint", "max_time")),
    )
    known = trained.get_params()
    done = {"class_weight": None, "scale_targets": False}
    trained.set_params(**{name: off for name, off in done.items() if name in known})
    return trained, LearnedRows(x, y, weight, getattr(seen, "classes_", None))


def _no_rate(name: str) -> ValueError:
    return ValueError(f"{name} has no learning rate to find")
