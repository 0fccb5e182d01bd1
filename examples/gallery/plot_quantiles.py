"""
Diabetes: how certain is the prediction?
========================================

One network with three outputs predicts the 10 %, 50 % and 90 % quantile of the disease's progression. The
outputs are ordered by construction, so the quantiles cannot cross.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from chainrule import MLPRegressor

X, y = load_diabetes(return_X_y=True)
quantiles = [0.1, 0.5, 0.9]
network = MLPRegressor(
    loss="quantile",
    quantiles=quantiles,
    hidden_layer_sizes=(30,),
    activation="tanh",
    alpha=1,
    scale_targets=True,
    early_stopping=True,
    patience=30,
    learning_rate_init=0.01,
    max_iter=1000,
    random_state=0,
)
model = make_pipeline(StandardScaler(), network)
predicted = cross_val_predict(model, X, y, cv=5)

# %%
# Below the q-quantile should be a share q of the rows; these were not trained on.

for q, column in zip(quantiles, predicted.T, strict=True):
    print(f"below the {q:.0%} quantile: {np.mean(y < column):.0%} of the rows")

# %%
# Patients in the order of their predicted median, the interval in which 80 % of the values should lie, and
# the values themselves.

order = np.argsort(predicted[:, 1])
low, median, high = predicted[order].T
_, ax = plt.subplots(figsize=(7, 4), layout="constrained")
ax.fill_between(range(len(y)), low, high, color="#0072B2", alpha=0.2, linewidth=0, label="10 % to 90 %")
ax.plot(median, color="#0072B2", label="median")
ax.plot(y[order], ".", color="#D55E00", markersize=3, label="truth")
ax.set(xlabel="Patients, by predicted median", ylabel="Progression of the disease")
ax.legend(frameon=False)
plt.show()
