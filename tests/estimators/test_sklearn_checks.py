"""scikit-learn's checks of every estimator."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from chainrule.estimators import MLPClassifier, MLPRegressor


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@parametrize_with_checks(
    [
        MLPClassifier(max_iter=100),
        MLPClassifier(solver="lbfgs", max_iter=30),
        MLPRegressor(max_iter=100),
    ]
)
def test_estimator_checks(estimator, check):
    check(estimator)
