"""scikit-learn's multi-layer perceptrons on chainrule's engine, number for number."""

from chainrule.estimators.classifier import MLPClassifier
from chainrule.estimators.progress import ProgressBar
from chainrule.estimators.record import FitRecord
from chainrule.estimators.regressor import MLPRegressor

__all__ = ["FitRecord", "MLPClassifier", "MLPRegressor", "ProgressBar"]
