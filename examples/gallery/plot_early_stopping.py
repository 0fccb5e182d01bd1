"""
Watching other rows while training
==================================

Small networks on 569 tumors overfit within a few hundred epochs. The rows to watch are given to ``fit``;
what is measured on them is drawn beside the training loss, and early stopping keeps the best epoch's
parameters.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from chainrule import MLPClassifier, TrainingCurveDisplay, diagnose

X, y = load_breast_cancer(return_X_y=True)
X, X_val, y, y_val = train_test_split(X, y, stratify=y, random_state=0)
scaler = StandardScaler().fit(X)
X, X_val = scaler.transform(X), scaler.transform(X_val)

# %%
# Without early stopping the rows are only measured. The validation loss (dashed) rises again.

settings = {
    "hidden_layer_sizes": (50, 50),
    "scoring": ["loss", "roc_auc"],
    "max_iter": 400,
    "random_state": 0,
}
on = MLPClassifier(**settings, n_iter_no_change=400, tol=0, callbacks=lambda record: record.epoch == 399)
on.fit(X, y, X_val=X_val, y_val=y_val)
TrainingCurveDisplay.from_estimator(on)
plt.show()

# %%
# ``diagnose`` sees it, too.

diagnose(on, X, y)

# %%
# With early stopping the first measure, the loss, decides, and the dot is the epoch that was kept.

stopped = MLPClassifier(**settings, early_stopping=True, patience=15).fit(X, y, X_val=X_val, y_val=y_val)
print(f"kept epoch {stopped.best_iteration_} of {stopped.n_iter_}: {stopped.stop_reason_}")
TrainingCurveDisplay.from_estimator({"to the end": on, "stopped": stopped})
plt.show()
