"""From a table to the parts of a TableModel: rows set aside, preprocessing, the network's training."""

import warnings
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import pyarrow as pa

from chainrule.tables.errors import TableWarning
from chainrule.tables.network_parameters import (
    check_positive,
    class_weights,
    learns_positive_numbers,
    network,
)
from chainrule.tables.preprocessing import Preprocessor
from chainrule.tables.splitting import hold_out
from chainrule.tables.targets import (
    ClassTarget,
    Target,
    Task,
    drop_unknown,
    find_target,
    fit_target,
    infer_task,
)
from chainrule.tables.training import Callback, Epoch, check_memory, default_batch_size, train

#: With fewer rows than this none are set aside to watch: a handful would choose the epoch by luck.
LEAST_ROWS_TO_WATCH = 100

#: A tenth of fewer rows than this would watch badly, so a fifth is set aside.
FEW_ROWS = 1000


@dataclass(frozen=True)
class FitSettings:
    """What `TableModel.fit` is told, see there; `network` holds the estimator's own parameters."""

    task: Task | None
    ignore: Collection[str]
    network: dict[str, Any]
    batch_size: int | None
    validation_fraction: float | None
    dtype: Literal["float32", "float64"]
    random_state: int
    callback: Callback | None
    resume: bool


class Fitted(NamedTuple):
    """The parts of a TableModel, and the records of the epochs."""

    preprocessor: Preprocessor
    target: Target
    estimator: Any
    training: dict[str, Any]
    history: list[Epoch]


def fit_parts(table: pa.Table, name: str, settings: FitSettings) -> Fitted:
    """Train a network to predict the column `name` of a table from the others.

    Raises
    ------
    TableError, TrainingError
        As `TableModel.fit`.
    """
    rows, values = drop_unknown(table, find_target(table, name), name)
    task = settings.task or infer_task(name, values)[0]
    estimator = network(task, settings.network)
    centered = not learns_positive_numbers(estimator)
    target = fit_target(name, values, task, centered=centered)
    classes = target.encode(values) if isinstance(target, ClassTarget) else None
    if not centered and not isinstance(target, ClassTarget):
        check_positive(estimator, name, target.decode(target.encode(values)))
    fraction = validation_fraction(rows.num_rows, settings.validation_fraction)
    training, validation = hold_out(rows.num_rows, fraction, settings.random_state, classes)
    training_rows, training_values = rows.take(training), values.take(training)
    if isinstance(target, ClassTarget):
        class_weights(estimator, target)
    else:
        target = fit_target(name, training_values, task, centered=centered)
    preprocessor = Preprocessor.fit(training_rows, ignore={name, *settings.ignore})
    X = preprocessor.transform(training_rows, settings.dtype)

    n_outputs = len(target.classes) if isinstance(target, ClassTarget) else 1
    check_memory([X.shape[1], *settings.network["hidden_layer_sizes"], n_outputs], settings.dtype)
    batch_size = len(X) if takes_all_rows(estimator) else default_batch_size(len(X))
    batch_size = min(settings.batch_size or batch_size, len(X))
    estimator.set_params(batch_size=batch_size, random_state=settings.random_state)
    watched = None
    if len(validation):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", TableWarning)  # the user can do nothing about the draw
            features = preprocessor.transform(rows.take(validation), settings.dtype)
        watched = features, target.encode(values.take(validation))
    history = train(
        estimator,
        X,
        target.encode(training_values),
        watched,
        callback=settings.callback,
        resume=settings.resume,
    )
    # Threads and files are the machine's business, not the model's.
    estimator.set_params(n_threads=None, checkpoint=None)
    estimator._optimizer = None  # its moments belong to the last epoch, not to the one that was kept
    record = {
        "rows": {"training": len(training), "validation": len(validation)},
        "epochs": estimator.n_iter_,
        "best_epoch": estimator.best_iteration_ or 0,
        "batch_size": batch_size,
        "stop_reason": estimator.stop_reason_,
    }
    return Fitted(preprocessor, target, estimator, record, history)


def takes_all_rows(estimator: Any) -> bool:
    """Whether the solver is made for all rows in one step."""
    from chainrule.estimators.optimizer import full_batch

    return estimator.solver == "lbfgs" or full_batch(estimator.solver)


def validation_fraction(n_samples: int, wanted: float | None) -> float:
    """Return the share of the rows to set aside.

    Examples
    --------
    >>> validation_fraction(5000, None), validation_fraction(500, None), validation_fraction(50, 0.3)
    (0.1, 0.2, 0.0)
    """
    if n_samples < LEAST_ROWS_TO_WATCH:
        return 0.0
    if wanted is None:
        return 0.2 if n_samples < FEW_ROWS else 0.1
    return wanted
