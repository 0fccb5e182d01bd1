"""Seeing: pictures of trainings and networks, their HTML, and what to do where a training went wrong."""

from chainrule.inspection.diagnosis import Diagnosis, diagnose
from chainrule.inspection.gradient_flow import GradientFlowDisplay
from chainrule.inspection.gradient_recorder import GradientRecorder
from chainrule.inspection.learning_rate import LearningRateSearch, find_learning_rate
from chainrule.inspection.training_curve import TrainingCurveDisplay
from chainrule.inspection.weights import WeightsDisplay
from chainrule.training.scales import Finding

__all__ = [
    "Diagnosis",
    "Finding",
    "GradientFlowDisplay",
    "GradientRecorder",
    "LearningRateSearch",
    "TrainingCurveDisplay",
    "WeightsDisplay",
    "diagnose",
    "find_learning_rate",
]
