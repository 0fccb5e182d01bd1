"""
Handwritten digits: a classifier from the table to the mistakes
===============================================================

1,797 pictures of 8 × 8 pixels, ten classes. The estimator is scikit-learn's in everything but its module: it
goes into pipelines, is scored and drawn by scikit-learn's own tools.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.metrics import ConfusionMatrixDisplay
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from chainrule import MLPClassifier, TrainingCurveDisplay, WeightsDisplay

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)

# %%
# A tenth of the training rows is set aside; training stops when the accuracy on them no longer improves, and
# the parameters that did best are kept. ``alpha``, the L2 penalty, keeps the weights small.

model = make_pipeline(
    MinMaxScaler(),
    MLPClassifier((64,), alpha=0.3, early_stopping=True, n_iter_no_change=20, random_state=0),
)
model.fit(X_train, y_train)
print(f"test accuracy {model.score(X_test, y_test):.3f} after {model[-1].n_iter_} epochs")

# %%
# The fitted estimator is drawn below scikit-learn's diagram.

model[-1]

# %%
# The loss of each epoch and the accuracy on the rows set aside; the dot is the epoch that was kept.

TrainingCurveDisplay.from_estimator(model)
plt.show()

# %%
# What each of the 64 units looks for: the weights from the pixels, red where ink speaks for it.

WeightsDisplay.from_estimator(model, kind="pictures")
plt.show()

# %%
# Which digits are taken for which others.

ConfusionMatrixDisplay.from_estimator(model, X_test, y_test, colorbar=False, cmap="Blues")
plt.show()
