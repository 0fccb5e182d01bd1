"""Epochs with rows held out to watch: the epoch that serves them best is the one that is kept."""

import itertools
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainrule.tables.errors import TrainingError
from chainrule.training.pace import Pace

INTERRUPTED = "Training interrupted by user"

#: Arrays as large as the parameters in training: with two packed forms, two moments, the best so far.
PARAMETER_COPIES = 6


class Watched(NamedTuple):
    """Loss of the rows watched, without penalty, and their score: accuracy, R², or `score` of quantiles."""

    loss: float
    score: float


@dataclass(frozen=True)
class Epoch:
    """The record of one epoch.

    Attributes
    ----------
    number : int
        From 1.
    loss : float
        Mean loss of the training batches, penalty included.
    watched : Watched or None
        Loss and score of the validation rows after the epoch; None where there are none.
    best : bool
        Whether this is the best epoch so far.
    seconds : float
        Since training began.
    scores : dict of str to float
        All that was measured on the validation rows, by the names of `scoring`.
    pace : Pace or None
        The epoch's rows, rows a second, and how long the rest takes at most.
    """

    number: int
    loss: float
    watched: Watched | None
    best: bool
    seconds: float
    scores: dict[str, float] = field(default_factory=dict)
    pace: Pace | None = field(default=None, compare=False)


class RowsPass:
    """A callback of an estimator that is only told how far an epoch is; see `RowMeter`."""

    def __init__(self, rows_pass: Callable[[Pace], object]) -> None:
        self.rows_pass = rows_pass

    def __call__(self, record: Any) -> None:
        """Take the record of an epoch."""


#: Features, targets, and weights or None.
Rows = tuple[NDArray[Any], NDArray[Any], NDArray[Any] | None]

Callback = Callable[[Epoch], bool | None]


def curves(epochs: Sequence[Epoch], task: str) -> dict[str, Any]:
    """Return what the epochs were, as a description's `Training` has it."""
    watched = [epoch.watched for epoch in epochs if epoch.watched is not None]
    score = "accuracy" if task == "classification" else "R²"
    return {
        "losses": [epoch.loss for epoch in epochs],
        "validation_losses": [each.loss for each in watched],
        "scores": {score: [each.score for each in watched]} if watched else {},
        "best_epoch": max((epoch.number for epoch in epochs if epoch.best), default=None),
    }


def train(
    estimator: Any,
    training: Rows,
    validation: Rows | None,
    *,
    callback: Callback | None = None,
    resume: bool = False,
) -> list[Epoch]:
    """Fit an estimator with early stopping: it is left with the parameters of its best epoch.

    Parameters
    ----------
    estimator : MLPClassifier or MLPRegressor
        Not fitted. What its `scoring` names is measured, and decides, before the loss.
    training : tuple of X, y and weights
        Features (n_samples, n_features); class indices or numbers (n_samples,), or of several targets
        (n_samples, n_targets); weights (n_samples,) or None.
    validation : tuple of X, y and weights, optional
        Rows to watch, that the estimator does not train on. Without, the training rows are watched.
    callback : callable, optional
        Is given the record of each epoch; training stops if it returns True. Its method `rows_pass`, if it
        has one, is given the pace of an epoch that is streamed.
    resume : bool
        Whether to go on from the estimator's `checkpoint`.

    Returns
    -------
    list of Epoch
        Those of this call.

    Raises
    ------
    TrainingError
        Where the parameters cease to be finite, do not fit into memory, or the rows do not suit the loss.
    """
    from sklearn.exceptions import ConvergenceWarning

    records: list[Epoch] = []
    X, y, weights = training
    shown = y if validation is None else validation[1]  # rows that are streamed have no y here
    score = "accuracy" if shown.dtype.kind == "i" else "r2"
    wanted = estimator.scoring

    def epoch_ends(record: Any) -> bool:
        scores = record.scores if validation is not None else {}
        watched = Watched(scores["loss"], scores[score]) if scores else None
        best = record.best_iteration == record.epoch
        records.append(
            Epoch(record.epoch, record.loss, watched, best, record.seconds, dict(scores), record.pace)
        )
        return bool(callback and callback(records[-1]) is True) or not np.isfinite(record.loss)

    named = [] if wanted is None else [wanted] if isinstance(wanted, str) else list(wanted)
    scoring = [*named, *(name for name in ("loss", score) if name not in named)]
    rows_pass = getattr(callback, "rows_pass", None)
    told = [] if rows_pass is None else [RowsPass(rows_pass)]
    estimator.set_params(early_stopping=True, scoring=scoring, callbacks=[epoch_ends, *told])
    X_val, y_val, weights_val = training if validation is None else validation
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # the report says how it ended
            # scikit-learn judges the list of classes as if it were the rows' labels.
            warnings.filterwarnings("ignore", "The number of unique classes is greater")
            warnings.filterwarnings("ignore", INTERRUPTED)
            estimator.fit(X, y, weights, X_val, y_val, weights_val, resume=resume)
    except (ValueError, MemoryError) as error:
        raise TrainingError(_reason(error, estimator)) from error
    finally:
        estimator.set_params(scoring=wanted, callbacks=None)
    if estimator.stop_reason_ == "interrupted":  # scikit-learn's rule is to warn of Ctrl-C; here it stops
        raise KeyboardInterrupt
    if records and not np.isfinite(records[-1].loss):
        raise TrainingError(_diverged(estimator))
    return records


def _reason(error: Exception, estimator: Any) -> str:
    fitted = [np.asarray(getattr(estimator, "loss_", 0.0)), *getattr(estimator, "coefs_", [])]
    return str(error) if all(np.isfinite(array).all() for array in fitted) else _diverged(estimator)


def _diverged(estimator: Any) -> str:
    given = estimator.solver
    rate = estimator.learning_rate_init if isinstance(given, str) else given.learning_rate
    return (
        f"training diverged in epoch {estimator.n_iter_}: the parameters are no longer finite; "
        f"try a lower learning rate than {rate:g}"
    )


def check_memory(sizes: Sequence[int], dtype: str) -> None:
    """Refuse a network that this machine cannot train: operating systems promise memory they do not have.

    Parameters
    ----------
    sizes : sequence of int
        Widths of the layers, input and output included.
    dtype : {"float32", "float64"}
        Of the parameters.

    Raises
    ------
    TrainingError
        Where the parameters with their copies exceed the memory installed.
    """
    n_parameters = sum(n_in * n_out + n_out for n_in, n_out in itertools.pairwise(sizes))
    n_bytes = n_parameters * np.dtype(dtype).itemsize * PARAMETER_COPIES
    try:
        installed = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        installed = sys.maxsize
    if n_bytes > installed:
        raise TrainingError(
            f"{'-'.join(map(str, sizes))} neurons have {n_parameters:,} parameters, whose training takes "
            f"{n_bytes / 1e9:,.1f} GB of memory, expected at most this machine's {installed / 1e9:,.1f} GB"
        )


def default_batch_size(n_samples: int) -> int:
    """Return the power of two nearest to a 64th of the rows, from 16 to 256.

    Examples
    --------
    >>> [default_batch_size(n) for n in (100, 1437, 50_000)]
    [16, 16, 256]
    """
    return int(2 ** np.clip(np.round(np.log2(max(n_samples, 1) / 64)), 4, 8))
