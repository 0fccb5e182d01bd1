"""How fast rows pass through a training, and how long the rest of it takes at most."""

import time
from collections.abc import Callable
from dataclasses import dataclass

#: Seconds between two lines of text about one epoch.
BETWEEN_LINES = 10.0


@dataclass(frozen=True)
class Pace:
    """How far an epoch is, and how fast the training goes.

    Attributes
    ----------
    n_rows : int
        That the epoch has trained on so far.
    of : int
        Rows of an epoch.
    rows_per_second : float
        Since the training began, with all that was done beside: reading, measuring, callbacks.
    seconds_left : float
        At most: training may stop before its last epoch.
    about : bool
        Whether `of` is estimated.

    Examples
    --------
    >>> print(Pace(1_200_000, 2_000_000, 345_678.9, 200.0))
    1,200,000 of 2,000,000 rows, 345,679 rows/s, at most 3 min left
    >>> print(Pace(2_000_000, 2_000_000, 345_678.9, 12.3))
    2,000,000 rows, 345,679 rows/s, at most 12 s left
    """

    n_rows: int
    of: int
    rows_per_second: float
    seconds_left: float
    about: bool = False

    def __str__(self) -> str:
        of = "" if self.n_rows == self.of else f" of {'about ' * self.about}{self.of:,}"
        left = f"{'about' if self.about else 'at most'} {duration(self.seconds_left)} left"
        return f"{self.n_rows:,}{of} rows, {self.rows_per_second:,.0f} rows/s, {left}"


class RowMeter:
    """Counts the rows of a training.

    Parameters
    ----------
    rows_each : int
        Rows of an epoch.
    n_epochs : int
        The most that there can be, from here on.
    clock : callable
        Seconds.
    about : bool
        Whether the number of rows is estimated.

    Attributes
    ----------
    told : callable or None
        Is given the pace whenever rows pass while an epoch runs.

    Examples
    --------
    >>> times = iter([0.0, 2.0, 4.0])
    >>> meter = RowMeter(1000, 5, clock=lambda: next(times))
    >>> meter.rows_pass(500)
    >>> print(meter.pace)
    500 of 1,000 rows, 250 rows/s, at most 18 s left
    >>> meter.epochs_end(1)
    >>> print(meter.pace)
    1,000 rows, 250 rows/s, at most 16 s left
    """

    def __init__(
        self,
        rows_each: int,
        n_epochs: int,
        clock: Callable[[], float] = time.perf_counter,
        *,
        about: bool = False,
    ) -> None:
        self.rows_each, self.n_epochs, self._clock, self._about = rows_each, n_epochs, clock, about
        self.told: Callable[[Pace], object] | None = None
        self._start, self._epochs, self._rows = clock(), 0, 0

    def rows_pass(self, n: int) -> None:
        """Count rows of an epoch that has not ended."""
        self._rows += n
        if self.told is not None:
            self.told(self.pace)

    def epochs_end(self, n: int) -> None:
        """Count whole epochs, with the rows that were counted in them."""
        self._epochs, self._rows = self._epochs + n, 0

    @property
    def pace(self) -> Pace:
        """Of this moment."""
        passed = self._epochs * self.rows_each + self._rows
        speed = passed / max(self._clock() - self._start, 1e-9)
        left = max(self.n_epochs * self.rows_each - passed, 0)
        seconds = left / speed if speed else float("inf")
        of = max(self.rows_each, self._rows)
        return Pace(self._rows or of, of, speed, seconds, self._about)


def duration(seconds: float) -> str:
    """Return seconds as a person says them.

    Examples
    --------
    >>> [duration(seconds) for seconds in (0.2, 89.6, 90.0, 5000.0, 360_000.0, float("inf"))]
    ['1 s', '90 s', '2 min', '83 min', '100 h', '? s']
    """
    if seconds == float("inf"):
        return "? s"
    if seconds < 90:
        return f"{max(seconds, 1):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:,.0f} h"
