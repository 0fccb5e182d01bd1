"""
Iris: what activation and width do to the boundaries
====================================================

scikit-learn's ``DecisionBoundaryDisplay`` draws our classifiers as it draws its own. Two measurements of 150
flowers, three species of which two overlap; networks of two widths and three activations.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import load_iris
from sklearn.inspection import DecisionBoundaryDisplay
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from chainrule import MLPClassifier

iris = load_iris(as_frame=True)
X, y = iris.data[["sepal length (cm)", "sepal width (cm)"]], iris.target

figure, grid = plt.subplots(2, 3, figsize=(9, 6), sharex=True, sharey=True, layout="constrained")
for row, width in zip(grid, [3, 50], strict=True):
    for ax, activation in zip(row, ["relu", "tanh", "gelu"], strict=True):
        network = MLPClassifier(
            (width,), activation, solver="lbfgs", alpha=0.01, tol=1e-2, max_iter=2000, random_state=1
        )
        model = make_pipeline(StandardScaler(), network).fit(X, y)
        DecisionBoundaryDisplay.from_estimator(
            model, X, response_method="predict_proba", grid_resolution=150, ax=ax, alpha=0.8
        )
        ax.scatter(X.iloc[:, 0], X.iloc[:, 1], c=y, cmap="gray", edgecolor="k", s=14, linewidth=0.5)
        ax.set_title(f"{width} units, {activation}")
plt.show()
