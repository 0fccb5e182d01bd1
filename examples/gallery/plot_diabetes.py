"""
Diabetes: a regressor whose targets have units
==============================================

442 patients, ten measurements, and how far the disease has progressed a year later. A network learns best
where inputs and targets are about 1, so both are standardized; predictions come back in the target's units.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import load_diabetes
from sklearn.inspection import PartialDependenceDisplay
from sklearn.metrics import PredictionErrorDisplay
from sklearn.model_selection import cross_val_predict, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from chainrule import MLPRegressor, diagnose

X, y = load_diabetes(return_X_y=True, as_frame=True)

# %%
# On few rows L-BFGS, which takes all of them at once, is often quicker than the stochastic solvers, and a
# strong penalty is needed.

settings = {"hidden_layer_sizes": (20,), "activation": "tanh", "solver": "lbfgs", "random_state": 0}
model = make_pipeline(StandardScaler(), MLPRegressor(**settings, scale_targets=True, alpha=30))
scores = cross_val_score(model, X, y, cv=5)
print(f"R² in five-fold cross-validation: {scores.mean():.2f} ± {scores.std():.2f}")

# %%
# Predictions for rows that were not trained on, beside the truth.

predicted = cross_val_predict(model, X, y, cv=5)
PredictionErrorDisplay.from_predictions(y, predicted, kind="actual_vs_predicted")
plt.show()

# %%
# How the prediction depends on body mass index and on the two strongest blood values, the others as they are.

model.fit(X, y)
PartialDependenceDisplay.from_estimator(
    model, X, ["bmi", "s5", "bp"], kind="both", subsample=40, random_state=0
)
plt.show()

# %%
# Without the scaling the same network is in trouble, and :func:`chainrule.diagnose` says why.

unscaled = MLPRegressor(**settings, max_iter=20000, tol=10).fit(X, y)
diagnose(unscaled, X, y)
