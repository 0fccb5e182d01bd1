"""Epochs with rows held out to watch: the epoch that serves them best is the one that is kept."""

import itertools
import os
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainrule.io.errors import TrainingError

#: An epoch is better when it lowers the watched loss by this share of the first epoch's. A share of the best
#: loss would do on tables that can be learned to loss zero: there every epoch improves, and overfits more.
LEAST_IMPROVEMENT = 1e-3

INTERRUPTED = "Training interrupted by user"

#: Arrays as large as the parameters in training: with two packed forms, two moments, the best so far.
PARAMETER_COPIES = 6


class Watched(NamedTuple):
    """Loss and score of the rows watched: log loss and accuracy, or the target's squared error and R²."""

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
    """

    number: int
    loss: float
    watched: Watched | None
    best: bool
    seconds: float


Callback = Callable[[Epoch], bool | None]


def train(
    estimator: Any,
    X: NDArray[Any],
    y: NDArray[Any],
    watch: Callable[[], Watched] | None,
    *,
    epochs: int,
    patience: int,
    callback: Callback | None = None,
) -> list[Epoch]:
    """Train an estimator by `partial_fit`, and leave it with the parameters of its best epoch.

    Parameters
    ----------
    estimator : MLPClassifier or MLPRegressor
        Not fitted; its `random_state` a RandomState, which goes on from epoch to epoch.
    X : ndarray of shape (n_samples, n_features)
        Training rows.
    y : ndarray of shape (n_samples,)
        Class indices, or numbers.
    watch : callable, optional
        Returns loss and score of rows that the estimator does not train on. Without, the training loss is
        watched.
    epochs, patience : int
        Stop after so many epochs, or after so many without a better one.
    callback : callable, optional
        Is given the record of each epoch; training stops if it returns True.

    Returns
    -------
    list of Epoch

    Raises
    ------
    TrainingError
        Where the parameters cease to be finite, or do not fit into memory.
    """
    first = {"classes": np.arange(y.max() + 1)} if y.dtype.kind == "i" else {}
    records: list[Epoch] = []
    best_loss, least, best, waited = np.inf, 0.0, [], 0
    start = time.perf_counter()
    for number in range(1, epochs + 1):
        try:
            with warnings.catch_warnings():
                # scikit-learn judges the list of classes as if it were the rows' labels.
                warnings.filterwarnings("ignore", "The number of unique classes is greater")
                # scikit-learn's rule is to warn of Ctrl-C and go on; here it stops.
                warnings.filterwarnings("error", INTERRUPTED)
                estimator.partial_fit(X, y, **first)
        except UserWarning as warning:
            if str(warning).startswith(INTERRUPTED):
                raise KeyboardInterrupt from None
            raise
        except (ValueError, MemoryError) as error:
            raise TrainingError(_reason(error, number, estimator)) from error
        first = {}
        watched = watch() if watch else None
        loss = watched.loss if watched else float(estimator.loss_)
        better = loss < best_loss - least
        if better:
            least = least or LEAST_IMPROVEMENT * loss
            best_loss, waited = loss, 0
            best = [array.copy() for array in estimator.coefs_ + estimator.intercepts_]
        else:
            waited += 1
        records.append(Epoch(number, float(estimator.loss_), watched, better, time.perf_counter() - start))
        if (callback and callback(records[-1])) or waited >= patience:
            break
    for array, values in zip(estimator.coefs_ + estimator.intercepts_, best, strict=bool(best)):
        array[...] = values
    return records


def _reason(error: Exception, number: int, estimator: Any) -> str:
    if "non-finite" in str(error):
        return (
            f"training diverged in epoch {number}: the parameters are no longer finite; "
            f"try a lower learning rate than {estimator.learning_rate_init:g}"
        )
    return str(error)


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
