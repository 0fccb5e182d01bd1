"""scikit-learn's checks of every estimator."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from chainrule.tabular import TabularClassifier, TabularRegressor

REASON = "rows are set aside at random, so a row of weight 2 is not the same as two rows"
FAILURES = {
    "check_sample_weight_equivalence_on_dense_data": REASON,
}


@parametrize_with_checks(
    [TabularClassifier("fast", n_jobs=1), TabularRegressor("fast", n_jobs=1)],
    expected_failed_checks=lambda estimator: FAILURES,
)
def test_estimator_checks(estimator, check):
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks(
    [TabularClassifier(n_jobs=1), TabularRegressor(n_jobs=1, n_members=2, time_budget=3.0)],
    expected_failed_checks=lambda estimator: FAILURES,
)
def test_estimator_checks_of_several_members(estimator, check):
    check(estimator)
