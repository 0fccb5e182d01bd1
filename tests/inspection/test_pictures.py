"""Without matplotlib there is a helpful error; scikit-learn's own displays take our estimators."""

import subprocess
import sys

import numpy as np
import pytest
from sklearn.datasets import load_iris, make_moons
from sklearn.inspection import DecisionBoundaryDisplay, PartialDependenceDisplay

from chainrule import MLPClassifier, MLPRegressor

WITHOUT = """
import sys
sys.modules["matplotlib"] = None
import chainrule
net = chainrule.Network([2, 3, 1], random_state=0)
print(len(net._repr_html_()) > 100, chainrule.diagnose(net, [[0.0, 1.0]]).ok)
for draw in (lambda: chainrule.WeightsDisplay.from_estimator(net),
             lambda: chainrule.GradientFlowDisplay.from_estimator(net, [[0.0, 1.0]], [1.0]),
             lambda: chainrule.TrainingCurveDisplay.from_estimator(net.train([[0.0, 1.0]], [1.0], epochs=1))):
    try:
        draw()
    except ImportError as error:
        print(error)
"""


def test_matplotlib_is_asked_for_only_by_pictures():
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", WITHOUT], capture_output=True, text=True, check=True
    )
    first, *errors = done.stdout.splitlines()
    assert first == "True True"
    assert len(errors) == 3
    for display, error in zip(
        ["WeightsDisplay", "GradientFlowDisplay", "TrainingCurveDisplay"], errors, strict=True
    ):
        assert error.startswith(f"{display}.plot draws with matplotlib, which is not installed.")
        assert "pip install matplotlib" in error


def test_importing_the_displays_does_not_import_matplotlib():
    code = "import sys, chainrule.inspection; print('matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize("method", ["predict", "predict_proba", "auto"])
def test_decision_boundary(method):
    X, y = make_moons(200, noise=0.1, random_state=0)
    clf = MLPClassifier((20,), solver="lbfgs", max_iter=2000, random_state=0).fit(X, y)
    display = DecisionBoundaryDisplay.from_estimator(clf, X, response_method=method, grid_resolution=20)
    grid = np.column_stack([display.xx0.ravel(), display.xx1.ravel()])
    expected = clf.predict(grid) if method == "predict" else clf.predict_proba(grid)[:, 1]
    np.testing.assert_allclose(np.ravel(display.response), expected, rtol=1e-6)
    assert len(np.unique(clf.predict(grid))) == 2


def test_decision_boundary_of_three_classes():
    X, y = load_iris(return_X_y=True)
    clf = MLPClassifier((10,), solver="lbfgs", max_iter=2000, random_state=0).fit(X[:, :2], y)
    display = DecisionBoundaryDisplay.from_estimator(clf, X[:, :2], grid_resolution=10)
    assert display.figure_ is not None


def test_partial_dependence():
    X, _ = load_iris(return_X_y=True)
    reg = MLPRegressor(hidden_layer_sizes=(10,), solver="lbfgs", max_iter=2000, random_state=0).fit(
        X[:, :3], X[:, 3]
    )
    display = PartialDependenceDisplay.from_estimator(reg, X[:, :3], [0, 1], grid_resolution=5)
    assert display.axes_.shape == (1, 2)
