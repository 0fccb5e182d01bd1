"""Tasks of libraries with scikit-learn's estimators: scikit-learn itself, and chainrule."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from benchmarks.peers.base import Call, Evidence, Task
from benchmarks.problems import Problem, shown
from benchmarks.works import Fit


@contextmanager
def few_epochs() -> Iterator[None]:
    """Do not warn that a fit ended before it converged."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


def estimator_predict(library: Any, problem: Problem) -> Task:
    """Classes of the problem's rows, by a classifier that saw the digits once."""
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    mlp = library.MLPClassifier(hidden_layer_sizes=problem.work.sizes[1:-1], max_iter=1, random_state=0)
    with few_epochs():
        mlp.fit(x.astype(problem.dtype), y)
    rows = problem.x
    return Call(
        lambda: mlp.predict(rows),
        lambda: {"output": shown(mlp.predict_proba(rows)), "class": mlp.predict(rows).tolist()},
    )


def fit_estimator(library: Any, fit: Fit, x: Any, y: Any) -> Task:
    """Whole fits, each of a new estimator; what they found is shown as the loss of every epoch."""

    def run() -> Any:
        with few_epochs():
            return getattr(library, fit.estimator)(**fit.parameters).fit(x, y)

    def evidence() -> Evidence:
        mlp = run()
        return {
            "loss": list(map(float, mlp.loss_curve_)),
            "output": shown(mlp.predict(x)),
            "epochs": [float(mlp.n_iter_)],
            "parameters": shown(np.concatenate([w.ravel() for w in mlp.coefs_ + mlp.intercepts_])),
        }

    return Call(run, evidence)
