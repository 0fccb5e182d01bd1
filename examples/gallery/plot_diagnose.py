"""
What went wrong, and what to do about it
========================================

:func:`chainrule.diagnose` looks at a trained network and its rows: the end of the loss curve, the scale of
inputs and targets, dead and saturated units. It costs one forward pass.
"""

import warnings

from sklearn.datasets import load_breast_cancer
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from chainrule import MLPClassifier, diagnose

X, y = load_breast_cancer(return_X_y=True, as_frame=True)

# %%
# The columns are areas of up to 4,254 and concavities of at most 0.43, and the learning rate is high.

clf = MLPClassifier((30, 30), solver="sgd", learning_rate_init=0.1, random_state=0)
with warnings.catch_warnings():
    warnings.simplefilter("ignore", ConvergenceWarning)
    clf.fit(X, y)
print(f"accuracy {clf.score(X, y):.3f}")
diagnose(clf, X, y)

# %%
# Scaled, but stopped too soon.

short = make_pipeline(StandardScaler(), MLPClassifier((30, 30), max_iter=15, random_state=0))
with warnings.catch_warnings():
    warnings.simplefilter("ignore", ConvergenceWarning)
    short.fit(X, y)
print(f"accuracy {short.score(X, y):.3f}")
diagnose(short, X, y)

# %%
# With that advice taken there is nothing left to say.

model = make_pipeline(StandardScaler(), MLPClassifier((30, 30), max_iter=500, random_state=0)).fit(X, y)
print(f"accuracy {model.score(X, y):.3f}")
diagnose(model, X, y)
