"""Epochs as they pass, on standard error: a bar on a terminal, lines elsewhere."""

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

from chainrule.training.pace import BETWEEN_LINES

if TYPE_CHECKING:
    from chainrule.table_models.training import Epoch
    from chainrule.training.pace import Pace


class Progress:
    """Shows each epoch's loss and what the rows set aside say: a context manager, called with `Epoch`s.

    Parameters
    ----------
    task : {"classification", "regression"}
        Decides which score is shown.
    epochs : int
        The most that there can be.
    """

    def __init__(self, task: str, epochs: int) -> None:
        self.task = task
        self.epochs = epochs
        self.best: Epoch | None = None
        self.streams = False
        self.now, self.last_line = 0, time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        pass

    def __call__(self, epoch: "Epoch") -> None:
        """Show the record of an epoch; a star marks the best so far."""
        text = self.describe(epoch)
        if epoch.watched is not None and self.task == "classification":
            text += f", loss {epoch.watched.loss:.4f}"
        self.now = epoch.number
        self._print(epoch.number, text + " *" * epoch.best + self._pace(epoch))

    def rows_pass(self, pace: "Pace") -> None:
        """Show how far an epoch is whose rows are streamed, if it takes long."""
        self.streams = True
        if time.monotonic() - self.last_line > BETWEEN_LINES:
            self._print(self.now + 1, str(pace))

    def _print(self, number: int, text: str) -> None:
        self.last_line = time.monotonic()
        print(f"epoch {number:>4}  {text}", file=sys.stderr, flush=True)

    def describe(self, epoch: "Epoch") -> str:
        """Return an epoch's numbers as text."""
        text = f"loss {epoch.loss:.4f}"
        if epoch.watched is None:
            return text
        score = "accuracy" if self.task == "classification" else "R²"
        own = {"loss": epoch.watched.loss, "accuracy": epoch.watched.score, "r2": epoch.watched.score}
        wanted = "".join(f"{name} {value:.4f}, " for name, value in epoch.scores.items() if name not in own)
        return f"{text}  validation: {wanted}{score} {epoch.watched.score:.4f}"

    def _pace(self, epoch: "Epoch") -> str:
        return f"  {epoch.pace}" if self.streams else ""


class Bar(Progress):
    """The same as one line of a terminal that changes."""

    def __init__(self, task: str, epochs: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as RichProgress

        super().__init__(task, epochs)
        self.text = ""
        self.bar = RichProgress(
            TextColumn("epoch {task.completed}/{task.total}"),
            BarColumn(bar_width=10),
            TextColumn("{task.description}", markup=False),
            TimeElapsedColumn(),
            console=Console(stderr=True),
        )
        self.line = self.bar.add_task("", total=epochs)

    def __enter__(self) -> Self:
        self.bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.bar.stop()

    def __call__(self, epoch: "Epoch") -> None:
        """Show the record of an epoch."""
        if epoch.best:
            self.best = epoch
        text = self.describe(epoch)
        if self.best is not None and self.best is not epoch:
            text += f" (best: {self.best.number})"
        self.text = text
        self.bar.update(self.line, completed=epoch.number, description=text + self._pace(epoch))

    def rows_pass(self, pace: "Pace") -> None:
        """Show how far an epoch is."""
        self.streams = True
        self.bar.update(self.line, description=f"{self.text}  {pace}".strip())


class Silent(Progress):
    """Nothing at all."""

    def __call__(self, epoch: "Epoch") -> None:
        """Show nothing."""

    def rows_pass(self, pace: "Pace") -> None:
        """Show nothing."""


class Reading:
    """How far a table is read that is larger than memory, before the training: a line from time to time."""

    def __init__(self) -> None:
        self.last_line = time.monotonic()

    def __call__(self, pace: "Pace") -> None:
        """Show it."""
        if time.monotonic() - self.last_line > BETWEEN_LINES:
            self.last_line = time.monotonic()
            print(f"reading  {pace}", file=sys.stderr, flush=True)


class Lines:
    """How far an ensemble is, a line at most every two seconds: a context manager, called with that."""

    def __init__(self) -> None:
        self.last = float("-inf")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        pass

    def __call__(self, done: float, left: float) -> None:
        """Show the part of the training that is done, and the seconds that it may still take."""
        now = time.monotonic()
        if now - self.last >= 2:
            self.last = now
            print(self.describe(done, left), file=sys.stderr, flush=True)

    def describe(self, done: float, left: float) -> str:
        """Return that as text."""
        return f"{done:4.0%} done, at most {max(left, 1):,.0f} s left"


class Meter(Lines):
    """The same as one line of a terminal that changes."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn
        from rich.progress import Progress as RichProgress

        super().__init__()
        self.bar = RichProgress(
            BarColumn(bar_width=20),
            TextColumn("{task.description}", markup=False),
            console=Console(stderr=True),
        )
        self.line = self.bar.add_task("", total=1.0)

    def __enter__(self) -> Self:
        self.bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.bar.stop()

    def __call__(self, done: float, left: float) -> None:
        """Show the part of the training that is done, and the seconds that it may still take."""
        self.bar.update(self.line, completed=done, description=self.describe(done, left))


class Nothing(Lines):
    """Nothing at all."""

    def __call__(self, done: float, left: float) -> None:
        """Show nothing."""


def ensemble_progress(*, quiet: bool = False) -> Lines:
    """Choose how to show how far an ensemble is."""
    if quiet:
        return Nothing()
    return Meter() if sys.stderr.isatty() else Lines()


def progress(task: str, epochs: int, *, quiet: bool = False) -> Progress:
    """Choose how to show epochs."""
    if quiet:
        return Silent(task, epochs)
    return (Bar if sys.stderr.isatty() else Progress)(task, epochs)
