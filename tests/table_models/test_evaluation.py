import numpy as np
import pytest
import sklearn.metrics

from chainrule.table_models.evaluation import evaluate_classes, evaluate_numbers
from chainrule.tables.class_target import ClassTarget
from chainrule.tables.number_target import NumberTarget


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_classes_against_scikit_learn(n_classes, dtype):
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.ones(n_classes), 200).astype(dtype).round(1)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    classes = rng.integers(0, n_classes, 200)
    shares = np.arange(1, n_classes + 1) / np.arange(1, n_classes + 1).sum()
    target = ClassTarget("y", "integer", list(range(n_classes)), shares)
    found = evaluate_classes(target, probabilities, classes)
    assert found.n_samples == 200
    assert found.measures["accuracy"] == sklearn.metrics.accuracy_score(classes, probabilities.argmax(axis=1))
    assert found.baseline["accuracy"] == np.mean(classes == n_classes - 1)
    for measures, p in ((found.measures, probabilities), (found.baseline, np.tile(shares, (200, 1)))):
        assert measures["log_loss"] == pytest.approx(sklearn.metrics.log_loss(classes, p), rel=1e-5)
    if n_classes == 2:
        expected = sklearn.metrics.roc_auc_score(classes, probabilities[:, 1])
        assert found.measures["roc_auc"] == pytest.approx(expected, rel=1e-12)
        assert found.baseline["roc_auc"] == 0.5
    else:
        assert "roc_auc" not in found.measures


def test_roc_auc_needs_both_classes():
    target = ClassTarget("y", "integer", [0, 1], np.array([0.5, 0.5]))
    assert (
        "roc_auc" not in evaluate_classes(target, np.full((3, 2), 0.5), np.ones(3, dtype=np.int64)).measures
    )


def test_numbers_against_scikit_learn():
    rng = np.random.default_rng(0)
    values = rng.normal(size=200)
    predicted = values + rng.normal(size=200)
    found = evaluate_numbers(NumberTarget("y", 0.5, 2.0), predicted, values)
    for measures, p in ((found.measures, predicted), (found.baseline, np.full(200, 0.5))):
        assert measures == pytest.approx(
            {
                "r2": sklearn.metrics.r2_score(values, p),
                "rmse": sklearn.metrics.root_mean_squared_error(values, p),
                "mae": sklearn.metrics.mean_absolute_error(values, p),
            }
        )


def test_r2_of_equal_values():
    found = evaluate_numbers(NumberTarget("y", 0.0, 1.0), np.zeros(2), np.ones(2))
    assert np.isnan(found.measures["r2"])
    assert found.measures["rmse"] == 1
