"""scikit-learn's checks of every estimator."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from chainrule.estimators import MLPClassifier, MLPRegressor


def never(record):
    """A callback that never stops."""
    return record.epoch < 0


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@parametrize_with_checks(
    [
        MLPClassifier(max_iter=100),
        MLPClassifier(solver="lbfgs", max_iter=30),
        MLPRegressor(max_iter=100),
        MLPClassifier(
            max_iter=60,
            class_weight="balanced",
            scoring=["loss", "accuracy"],
            patience=5,
            max_time=60.0,
            callbacks=[never],
            keep_optimizer=True,
        ),
        MLPRegressor(
            max_iter=100, scale_targets=True, scoring="neg_mean_absolute_error", callbacks=never, patience=20
        ),
    ]
)
def test_estimator_checks(estimator, check):
    check(estimator)
