"""The schedules by name, and what a user gives for one."""

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from chainrule._settings import real_number
from chainrule.training.schedules.base import Numbers, Schedule
from chainrule.training.schedules.one_cycle import OneCycleSchedule
from chainrule.training.schedules.plateau import PlateauSchedule
from chainrule.training.schedules.shapes import (
    ConstantSchedule,
    CosineSchedule,
    CosLog4Schedule,
    ExponentialSchedule,
    FlatCosineSchedule,
    InverseTimeSchedule,
    StepSchedule,
)

#: Every schedule by its name.
SCHEDULES: dict[str, type[Schedule]] = {
    schedule.name: schedule
    for schedule in (
        ConstantSchedule,
        StepSchedule,
        ExponentialSchedule,
        CosineSchedule,
        OneCycleSchedule,
        InverseTimeSchedule,
        CosLog4Schedule,
        FlatCosineSchedule,
        PlateauSchedule,
    )
}


@dataclass(frozen=True)
class CallableSchedule(Schedule):
    """A user's function of the part of the training that is done, t / T in step t of T."""

    name: ClassVar[str] = "callable"
    function: Callable[[float], float]

    def _factors(self, step: Numbers, total: int) -> Numbers:
        parts = np.minimum(step / total, 1.0).tolist()
        return np.array(
            [real_number(f"schedule({part:g})", self.function(part), "[0, inf)") for part in parts]
        )


def check_schedule(schedule: Any) -> Schedule | None:
    """Return the schedule that a user means, None for none.

    Parameters
    ----------
    schedule : Schedule, str, callable or None
        A name stands for the schedule of its default settings.

    Raises
    ------
    TypeError, ValueError
        For anything else; ValueError for an unknown name, with a suggestion.

    Examples
    --------
    >>> check_schedule("cosine")
    CosineSchedule(warmup=0.05, final=0.0)
    """
    if schedule is None or isinstance(schedule, Schedule):
        return schedule
    known = ", ".join(map(repr, SCHEDULES))
    if isinstance(schedule, str):
        if schedule in SCHEDULES:
            return SCHEDULES[schedule]()
        close = difflib.get_close_matches(schedule.lower(), SCHEDULES, 1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise ValueError(f"schedule is {schedule!r}; expected one of: {known}{hint}")
    if isinstance(schedule, type) and issubclass(schedule, Schedule):
        raise TypeError(f"schedule is {schedule!r}; did you mean {schedule.__name__}()?")
    if callable(schedule):
        return CallableSchedule(schedule)
    raise TypeError(
        f"schedule is {schedule!r}; expected one of: {known}, a Schedule such as"
        " chainrule.CosineSchedule(warmup=0.1), or a function of the part of the training that is done"
    )
