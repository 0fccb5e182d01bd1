"""The activations that scikit-learn has not: one step of gradient descent is the reference's."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from chainrule import reference
from chainrule.estimators import MLPClassifier, MLPRegressor
from chainrule.estimators.options import CHOICES

ENGINE_NAME = {"logistic": "sigmoid"}
TASKS = {
    "squared_error": ("identity", lambda rng: rng.normal(size=(30, 2))),
    "poisson": ("exp", lambda rng: rng.poisson(2.0, size=(30, 2)).astype(float)),
    "cross_entropy": ("softmax", lambda rng: np.arange(30) % 3),
    "binary_cross_entropy": ("sigmoid", lambda rng: np.arange(30) % 2),
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("loss", TASKS)
@pytest.mark.parametrize("activation", CHOICES["activation"])
def test_one_step_follows_the_reference_gradient(activation, loss):
    rng = np.random.default_rng(0)
    output, targets = TASKS[loss][0], TASKS[loss][1](rng)
    x, weight = rng.normal(size=(30, 4)), rng.uniform(0.5, 2, size=30)
    options = {"solver": "sgd", "momentum": 0, "alpha": 0.7, "learning_rate_init": 0.05, "max_iter": 1}
    options |= {"hidden_layer_sizes": (6, 5), "activation": activation, "warm_start": True, "random_state": 1}
    mlp = MLPClassifier(**options) if "cross_entropy" in loss else MLPRegressor(loss, **options)
    mlp.fit(x, targets, sample_weight=weight)
    before = [a.copy() for a in mlp.coefs_], [a.copy() for a in mlp.intercepts_]
    slopes = [None if a is None else a.copy() for a in getattr(mlp, "slopes_", [None] * 3)]
    mlp.fit(x, targets, sample_weight=weight)

    y = np.eye(3)[targets] if loss == "cross_entropy" else targets.reshape(30, -1).astype(float)
    names = [ENGINE_NAME.get(activation, activation)] * 2 + [output]
    gradients = reference.gradients(
        before[0], [-b for b in before[1]], x, y, names, loss, sample_weight=weight, l2=0.7 / weight.sum(),
        slopes=slopes,
    )  # fmt: skip
    for k in range(3):
        assert_allclose(mlp.coefs_[k], before[0][k] - 0.05 * gradients.weights[k], rtol=1e-10, atol=1e-13)
        assert_allclose(mlp.intercepts_[k], before[1][k] + 0.05 * gradients.biases[k], rtol=1e-10, atol=1e-13)
        assert np.any(gradients.weights[k])
    now = getattr(mlp, "slopes_", None)
    predicted = reference.predict(mlp.coefs_, [-b for b in mlp.intercepts_], x, names, slopes=now)
    mine = mlp.predict_proba(x)[:, -predicted.shape[1] :] if "cross_entropy" in loss else mlp.predict(x)
    assert_allclose(mine, predicted, rtol=1e-10)
