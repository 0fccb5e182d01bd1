"""A line that shows where training is, in a terminal or a notebook."""

import math
from types import TracebackType
from typing import TYPE_CHECKING, Self

from chainrule.estimators.record import FitRecord
from chainrule.training.pace import Pace

if TYPE_CHECKING:
    from rich.console import Console


class ProgressBar:
    """A bar of rich, on standard error: epochs, loss, what was measured, the best epoch, time.

    Of rows that are streamed also rows a second, and how long the rest takes at most.

    A context manager and a callback at once. `verbose="progress"` makes one; to show it elsewhere (on
    another console, say), use it yourself.

    Parameters
    ----------
    n_epochs : int
        The most that there can be.
    console : rich.console.Console, default=None
        Where to show it; None is standard error, or the notebook's output.

    Examples
    --------
    >>> from chainrule.estimators import MLPRegressor, ProgressBar
    >>> with ProgressBar(5) as bar:
    ...     reg = MLPRegressor(max_iter=5, callbacks=bar, max_time=60)
    """

    def __init__(self, n_epochs: int, console: "Console | None" = None) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        self.progress = Progress(
            TextColumn("epoch {task.completed}/{task.total}"),
            BarColumn(bar_width=10),
            TextColumn("{task.description}", markup=False),
            TimeElapsedColumn(),
            console=console or Console(stderr=True),
        )
        self.task = self.progress.add_task("", total=n_epochs)
        self._text, self._streams = "", False

    def __enter__(self) -> Self:
        self.progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.progress.stop()

    def __call__(self, record: FitRecord) -> None:
        """Show the record of an epoch."""
        numbers = {"loss": record.loss}
        numbers |= {f"validation {name}": value for name, value in record.scores.items()}
        text = "  ".join(f"{name} {value:.4g}" for name, value in numbers.items() if not math.isnan(value))
        if record.best_iteration:
            text += f"  best epoch {record.best_iteration}"
        self._text = text
        if self._streams:
            text += f"  {record.pace}"
        self.progress.update(self.task, completed=record.epoch, description=text)

    def rows_pass(self, pace: Pace) -> None:
        """Show how far an epoch is whose rows are streamed."""
        self._streams = True
        self.progress.update(self.task, description=f"{self._text}  {pace}".strip())
