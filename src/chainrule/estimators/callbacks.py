"""What happens after each epoch beside training: callbacks of both kinds, progress, the time budget."""

import contextlib
import math
import time
from collections.abc import Iterator
from typing import Any, Self

from sklearn.callback import FitCallback

from chainrule.estimators.options import is_stochastic
from chainrule.estimators.progress import ProgressBar
from chainrule.estimators.protocol import MLP
from chainrule.estimators.record import FitRecord
from chainrule.training.history import asks_to_stop
from chainrule.training.pace import Pace


class AfterEpoch:
    """Calls who wants to know of each epoch, and says when to stop.

    Plain callables are given a `FitRecord`, and stop the training by returning True (not merely something
    true). Objects of scikit-learn's protocol, `sklearn.callback.FitCallback`, see one task per epoch.
    """

    def __init__(self, mlp: MLP, n_epochs: int) -> None:
        self.mlp, self.n_epochs = mlp, n_epochs
        self.plain = [one for one in listed(mlp.callbacks) if not isinstance(one, FitCallback)]
        self.context = getattr(mlp, "_callback_fit_ctx", None)
        self.task: Any = None
        self.start = time.perf_counter()

    @classmethod
    def of(cls, mlp: MLP, n_epochs: int) -> Self | None:
        """Return one where something is to be done, else None."""
        wanted = mlp.callbacks is not None or mlp.max_time is not None or mlp.verbose == "progress"
        return cls(mlp, n_epochs) if wanted or hasattr(mlp, "_callback_fit_ctx") else None

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Show progress for as long, where it is wanted."""
        if self.mlp.verbose != "progress":
            yield
            return
        with ProgressBar(self.n_epochs) as bar:
            self.plain.append(bar)
            yield

    def epoch_begins(self) -> None:
        """Begin scikit-learn's task."""
        if self.context is not None:
            self.task = self.context.subcontext(task_name="epoch")
            self.task.call_on_fit_task_begin(estimator=self.mlp, **self._task_arguments())

    def rows_pass(self, pace: Pace) -> None:
        """Tell those who have a method for it how far an epoch is that is read in parts."""
        for one in self.plain:
            if hasattr(one, "rows_pass"):
                one.rows_pass(pace)

    def epoch_ends(self, loss: float, pace: Pace | None = None) -> str | None:
        """Tell everyone; return why training is to stop, or None."""
        mlp, reason = self.mlp, None
        seconds = time.perf_counter() - self.start
        if self.plain:
            record = FitRecord(
                mlp.n_iter_,
                self.n_epochs,
                loss,
                seconds,
                mlp._optimizer.last_rate if mlp._optimizer and is_stochastic(mlp) else math.nan,
                {name: values[-1] for name, values in mlp.evals_result_.items()},
                mlp.best_iteration_,
                mlp,
                validation_loss=mlp.validation_loss_curve_[-1] if mlp.validation_loss_curve_ else None,
                pace=pace,
            )
            # Everyone hears of the epoch, also after one who wants to stop.
            answers = [callback(record) for callback in self.plain]
            if any(map(asks_to_stop, answers)):
                reason = "callback"
        if self.task is not None:
            task, self.task = self.task, None
            if task.call_on_fit_task_end(estimator=mlp, **self._task_arguments()):
                reason = "callback"
        if reason is None and mlp.max_time is not None and seconds >= mlp.max_time:
            reason = "max_time"
        return reason

    def _task_arguments(self) -> dict[str, Any]:
        # A copy of the estimator has arrays of its own, so nothing has to be set on it.
        return {**self.mlp._callback_data, "reconstruction_attributes": dict}


def listed(callbacks: Any) -> list[Any]:
    """Return the parameter `callbacks` as a list."""
    if callbacks is None:
        return []
    return list(callbacks) if isinstance(callbacks, list | tuple) else [callbacks]


def check_callbacks(callbacks: Any) -> None:
    """Refuse what cannot be called.

    Raises
    ------
    TypeError
        For anything but callables and instances of `sklearn.callback.FitCallback`.
    """
    for one in listed(callbacks):
        instance = isinstance(one, FitCallback) and not isinstance(one, type)
        if not instance and (isinstance(one, type) or not callable(one)):
            raise TypeError(
                f"callbacks has {one!r}; expected callables that take the record of an epoch, or instances "
                "that follow sklearn.callback.FitCallback"
            )


@contextlib.contextmanager
def as_task(mlp: MLP, X: Any, y: Any, sample_weight: Any, max_iter: int) -> Iterator[None]:
    """Run scikit-learn's callbacks around a fit: those set by `set_callbacks`, a pipeline's, and `callbacks`.

    The fit is a task of up to `max_iter` tasks "epoch".
    """
    own = [one for one in listed(mlp.callbacks) if isinstance(one, FitCallback)]
    before = list(getattr(mlp, "_skl_callbacks", []))
    if not (own or before or hasattr(mlp, "_parent_callback_ctx")):
        yield
        return
    metadata = None if sample_weight is None else {"sample_weight": sample_weight}
    mlp.set_callbacks(*before, *own)
    mlp._callback_data = {"X": X, "y": y, "metadata": metadata}
    try:
        context = mlp._init_callback_context(max_subtasks=max_iter)
        context.call_on_fit_task_begin(estimator=mlp, **mlp._callback_data)
        yield
        context.call_on_fit_task_end(estimator=mlp, **mlp._callback_data, reconstruction_attributes=dict)
    finally:
        mlp.set_callbacks(*before)
        del mlp._callback_data
