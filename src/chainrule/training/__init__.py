"""Training: the loop over epochs, what it reports, and what it keeps."""

from chainrule.training.errors import DivergenceError, TrainingErrors
from chainrule.training.history import EpochRecord, History
from chainrule.training.pace import Pace

__all__ = ["DivergenceError", "EpochRecord", "History", "Pace", "TrainingErrors"]
