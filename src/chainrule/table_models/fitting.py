"""From a problem to the parts of a TableModel: rows set aside, preprocessing, the network's training.

All rows are encoded before the training begins, those held out to test too: what is of no use is found then.
"""

import warnings
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainrule.table_models.ensembles import ensemble, fit_ensemble
from chainrule.table_models.network_parameters import (
    check_positive,
    class_weights,
    learns_positive_numbers,
    network,
)
from chainrule.table_models.posing import Problem
from chainrule.table_models.settings import FitSettings
from chainrule.table_models.training import Epoch, check_memory, default_batch_size, train
from chainrule.tables.class_target import ClassTarget
from chainrule.tables.errors import TableError, TableWarning
from chainrule.tables.number_target import NumberTarget, SeveralTargets
from chainrule.tables.preprocessing import Preprocessor
from chainrule.tables.splitting import hold_out
from chainrule.tables.targets import Target, fit_target

#: With fewer rows than this none are set aside to watch: a handful would choose the epoch by luck.
LEAST_ROWS_TO_WATCH = 100

#: A tenth of fewer rows than this would watch badly, so a fifth is set aside.
FEW_ROWS = 1000


class Part(NamedTuple):
    """Some rows as the network sees them.

    Attributes
    ----------
    X : ndarray of shape (n_samples, n_features)
        For an ensemble a pyarrow.Table, as `Preprocessor.read` gives it.
    y : ndarray of shape (n_samples,) or (n_samples, n_targets)
        Class indices, or standardised numbers; for an ensemble numbers in their own units.
    weights : ndarray of shape (n_samples,), or None
    """

    X: Any
    y: NDArray[Any]
    weights: NDArray[np.float64] | None


@dataclass(frozen=True)
class Prepared:
    """All that a training needs.

    Attributes
    ----------
    problem : Problem
    settings : FitSettings
    preprocessor : Preprocessor
    target : Target
    estimator : MLPClassifier, MLPRegressor, TabularClassifier or TabularRegressor
        Not fitted.
    training, validation, test : Part
        The last two may have no rows.
    """

    problem: Problem
    settings: FitSettings
    preprocessor: Preprocessor
    target: Target
    estimator: Any
    training: Part
    validation: Part
    test: Part


def prepare(problem: Problem, settings: FitSettings) -> Prepared:
    """Split and encode the rows of a problem, and make the network or the ensemble that learns it.

    Raises
    ------
    TableError, ParameterError, TrainingError
        As `TableModel.fit`.
    """
    plain, seed = settings.preset.is_plain, settings.random_state
    if plain:
        estimator = network(problem.task, settings.network)
    else:
        estimator = ensemble(problem.task, settings.preset, settings.network, seed)
    centered = not (plain and learns_positive_numbers(estimator))
    whole = _target(problem, None, centered)
    classes = whole.encode(*problem.values()) if isinstance(whole, ClassTarget) else None
    if not centered and not isinstance(whole, ClassTarget):
        _check_positive(estimator, whole, problem)
    n_rows = problem.table.num_rows
    rest, test = hold_out(n_rows, settings.test_fraction, seed, classes)
    if settings.test_fraction and not len(test):
        raise TableError(
            f"the table has {n_rows} rows, expected enough to hold out a share of "
            f"{settings.test_fraction:g}; hint: --test-fraction 0 holds out none"
        )
    # An ensemble sets rows aside itself.
    fraction = validation_fraction(len(rest), settings.validation_fraction) if plain else 0.0
    inner, watched = hold_out(len(rest), fraction, seed, None if classes is None else classes[rest])
    training, validation = rest[inner], rest[watched]
    if isinstance(whole, ClassTarget):
        target: Target = _target(problem, rest, centered)
        assert isinstance(target, ClassTarget)
        class_weights(estimator, target)
    else:
        target = _target(problem, training, centered)
        if not plain and not isinstance(target, ClassTarget):
            target = in_own_units(target)
    try:
        preprocessor = Preprocessor.fit(
            problem.table.take(training),
            ignore=problem.targets,
            readings=problem.readings,
            left_out=problem.left_out,
        )
    except TableError as error:
        raise TableError("; ".join([str(error), *problem.notes])) from None
    if plain:
        widths = settings.network["hidden_layer_sizes"]
        check_memory([len(preprocessor.feature_names), *widths, target.n_outputs], settings.dtype)
    elif isinstance(target, ClassTarget):
        _check_weights(problem, target, training)
    dtype = settings.dtype if plain else None
    parts = [_part(problem, preprocessor, target, dtype, training, silent=False)]
    parts += [_part(problem, preprocessor, target, dtype, rows, silent=True) for rows in (validation, test)]
    return Prepared(problem, settings, preprocessor, target, estimator, *parts)


def train_prepared(prepared: Prepared) -> tuple[dict[str, Any], list[Epoch]]:
    """Train the network; return the record of the training, and those of its epochs."""
    estimator, settings = prepared.estimator, prepared.settings
    n_training = len(prepared.training.X)
    if not settings.preset.is_plain:
        seconds = fit_ensemble(estimator, *prepared.training, settings.show, resume=settings.resume)
        return {
            "preset": settings.preset.name,
            "rows": {"training": n_training},
            "seconds": round(seconds, 3),
        }, []
    batch_size = n_training if takes_all_rows(estimator) else default_batch_size(n_training)
    batch_size = min(settings.batch_size or batch_size, n_training)
    estimator.set_params(batch_size=batch_size, random_state=settings.random_state)
    history = train(
        estimator,
        prepared.training,
        prepared.validation if len(prepared.validation.X) else None,
        callback=settings.callback,
        resume=settings.resume,
    )
    # Threads and files are the machine's business, not the model's.
    estimator.set_params(n_threads=None, checkpoint=None)
    estimator._optimizer = None  # its moments belong to the last epoch, not to the one that was kept
    record = {
        "rows": {"training": n_training, "validation": len(prepared.validation.X)},
        "epochs": estimator.n_iter_,
        "best_epoch": estimator.best_iteration_ or 0,
        "batch_size": batch_size,
        "stop_reason": estimator.stop_reason_,
    }
    return record, history


def _target(problem: Problem, rows: NDArray[np.int64] | None, centered: bool) -> Target:
    fitted = [
        fit_target(name, values, problem.task, centered=centered, reading=problem.readings.get(name))
        for name, values in zip(problem.targets, problem.values(rows), strict=True)
    ]
    if len(fitted) == 1:
        return fitted[0]
    return SeveralTargets(tuple(one for one in fitted if isinstance(one, NumberTarget)))


def _check_weights(problem: Problem, target: ClassTarget, rows: NDArray[np.int64]) -> None:
    """Refuse weights by which one class alone counts: an ensemble leaves rows of weight 0 out."""
    if problem.weights is None:
        return
    index = target.encode(*problem.values(rows))
    counts = np.unique(index[problem.weights[rows] > 0])
    if len(counts) == 1:
        raise TableError(
            f"only rows of {target.classes[counts[0]]!r} have a weight above 0, expected rows of two classes"
        )


def in_own_units(target: NumberTarget | SeveralTargets) -> NumberTarget | SeveralTargets:
    """Return a target whose numbers are not standardised: an ensemble does that itself."""
    if isinstance(target, SeveralTargets):
        return SeveralTargets(tuple(replace(one, scale=1.0, centered=False) for one in target.targets))
    return replace(target, scale=1.0, centered=False)


def _check_positive(estimator: Any, target: NumberTarget | SeveralTargets, problem: Problem) -> None:
    targets = target.targets if isinstance(target, SeveralTargets) else (target,)
    for one, values in zip(targets, problem.values(), strict=True):
        check_positive(estimator, one.name, one.decode(one.encode(values)))


def _part(
    problem: Problem,
    preprocessor: Preprocessor,
    target: Target,
    dtype: Any,
    rows: NDArray[np.int64],
    silent: bool,
) -> Part:
    with warnings.catch_warnings():
        if silent:  # the user can do nothing about the draw
            warnings.simplefilter("ignore", TableWarning)
        table, numbers = problem.table.take(rows), problem.rows[rows]
        X: Any = (
            preprocessor.read(table, rows=numbers)
            if dtype is None
            else preprocessor.transform(table, dtype, rows=numbers)
        )
    y = target.encode(*problem.values(rows))
    return Part(X, y, None if problem.weights is None else problem.weights[rows])


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
