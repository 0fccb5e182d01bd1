"""How the learning rate changes in the course of training, for every optimizer that has one."""

from chainrule.training.schedules.base import Schedule
from chainrule.training.schedules.one_cycle import OneCycleSchedule
from chainrule.training.schedules.plateau import Plateau, PlateauSchedule
from chainrule.training.schedules.registry import SCHEDULES, check_schedule
from chainrule.training.schedules.shapes import (
    ConstantSchedule,
    CosineSchedule,
    CosLog4Schedule,
    ExponentialSchedule,
    FlatCosineSchedule,
    InverseTimeSchedule,
    StepSchedule,
)

__all__ = [
    "SCHEDULES",
    "ConstantSchedule",
    "CosLog4Schedule",
    "CosineSchedule",
    "ExponentialSchedule",
    "FlatCosineSchedule",
    "InverseTimeSchedule",
    "OneCycleSchedule",
    "Plateau",
    "PlateauSchedule",
    "Schedule",
    "StepSchedule",
    "check_schedule",
]
