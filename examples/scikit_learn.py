"""scikit-learn's multi-layer perceptron on chainrule: changing the import line is the whole migration.

Run with `python examples/scikit_learn.py`.
"""

import time

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.neural_network import MLPClassifier as TheirClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

# before: from sklearn.neural_network import MLPClassifier
from chainrule import MLPClassifier


def main():
    X, y = load_digits(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)

    # Any pipeline, search or copy works as before.
    model = make_pipeline(StandardScaler(), MLPClassifier((64,), early_stopping=True, random_state=0))
    search = GridSearchCV(model, {"mlpclassifier__alpha": [1e-4, 1e-1]}, cv=3).fit(X_train, y_train)
    print(f"best of the grid: {search.best_params_}, test accuracy {search.score(X_test, y_test):.3f}")

    # And the numbers are the same.
    fits = {}
    for name, estimator in {"scikit-learn": TheirClassifier, "chainrule": MLPClassifier}.items():
        start = time.perf_counter()
        fits[name] = estimator(random_state=0, max_iter=1000).fit(X_train, y_train)
        seconds = time.perf_counter() - start
        accuracy = fits[name].score(X_test, y_test)
        print(f"{name:12}  {fits[name].n_iter_} epochs  {seconds:5.2f} s  test accuracy {accuracy:.4f}")
    curves = [np.array(fit.loss_curve_) for fit in fits.values()]
    print(f"largest difference of the two loss curves: {np.abs(curves[0] - curves[1]).max():.1e}")


if __name__ == "__main__":
    main()
