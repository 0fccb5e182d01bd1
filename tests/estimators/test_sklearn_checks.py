"""scikit-learn's checks of every estimator."""

import numpy as np
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from chainrule.estimators import MLPClassifier, MLPRegressor


class Never:
    """A callback that never stops, whose name in a test is the same in every process."""

    def __call__(self, record):
        return record.epoch < 0

    def __repr__(self):
        return "never"


never = Never()


def expected_failures(estimator):
    """The checks that an option cannot pass, with the reason."""
    if np.any(estimator.dropout):
        reason = "each row draws its own mask, so two equal rows are not one row of weight 2"
        return {f"check_sample_weight_equivalence_on_{kind}_data": reason for kind in ("dense", "sparse")}
    if getattr(estimator, "class_weight", None) != "balanced":
        return {}
    calls = ("fit_score_takes_y", "n_features_in_after_fitting", "estimators_partial_fit_n_features")
    return {f"check_{name}": "class_weight='balanced' is not for partial_fit" for name in calls}


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


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@parametrize_with_checks(
    [
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
        MLPClassifier(
            (16, 16),
            ["tanh", "prelu"],
            solver="adamw",
            schedule="onecycle",
            clip_norm=1.0,
            max_iter=60,
            learning_rate_init=0.01,
            layer_norm=True,
            residual=True,
            initializer="he_normal",
            loss="focal",
        ),
        MLPClassifier(
            (64, 64), dropout=[0.2, 0.1], layer_norm=True, residual=True, max_iter=60, learning_rate_init=0.01
        ),
        MLPRegressor(
            "huber",
            (32, 32),
            "gelu",
            max_iter=100,
            learning_rate_init=0.01,
            layer_norm=True,
            residual=True,
            l1=1e-4,
            parametric=True,
        ),
    ],
    expected_failed_checks=expected_failures,
)
def test_estimator_checks_with_options(estimator, check):
    check(estimator)
