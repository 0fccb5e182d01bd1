"""Tasks of libraries with scikit-learn's estimators: scikit-learn itself, and chainrule."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from benchmarks.peers.base import Call, Evidence, Refused, Task
from benchmarks.problems import Problem, shown
from benchmarks.works import Fit

ACTIVATIONS = {"identity": "identity", "sigmoid": "logistic", "tanh": "tanh", "relu": "relu"}


@contextmanager
def few_epochs() -> Iterator[None]:
    """Do not warn that a fit ended before it converged."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


def estimator_predict(library: Any, problem: Problem, *, assigned: bool = False) -> Task:
    """Classes of the problem's rows, by a classifier that saw the digits once; weights may be `assigned`."""
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    mlp = library.MLPClassifier(hidden_layer_sizes=problem.work.sizes[1:-1], max_iter=1, random_state=0)
    with few_epochs():
        mlp.fit(x.astype(problem.dtype), y)
    rows, coefs = problem.x, [coef.copy() for coef in mlp.coefs_]

    def run() -> Any:
        if assigned:
            mlp.coefs_ = list(coefs)
        return mlp.predict(rows)

    return Call(
        run,
        lambda: {"output": shown(mlp.predict_proba(rows)), "class": mlp.predict(rows).tolist()},
    )


class PartialFits:
    """`partial_fit` of all rows, one call after the other."""

    def __init__(self, library: Any, problem: Problem) -> None:
        self.problem, self.mlp = problem, make_estimator(library, problem)

    def run(self, n: int) -> None:
        """Make n steps."""
        for _ in range(n):
            self.mlp.partial_fit(self.problem.x, self.problem.y)

    def warm_up(self, n: int) -> None:
        """Nothing to compile."""

    def evidence(self, orders: list[list[int]] | None) -> Evidence:
        """Make two steps."""
        self.run(2)
        return {
            "loss": list(map(float, self.mlp.loss_curve_[-2:])),
            "change": self.problem.changes(self.mlp.coefs_, self.mlp.intercepts_),
            "order": [*range(len(self.problem.x))] * 2,
        }


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


def make_estimator(library: Any, problem: Problem) -> Any:
    """Return an estimator with the first parameters that never stops by itself; its optimizer has moments.

    Raises
    ------
    Refused
        Where scikit-learn has no such network.
    """
    work = problem.work
    if work.activation not in ACTIVATIONS:
        raise Refused(f"has no {work.activation}")
    if work.loss == "squared_error" and work.output_activation != "identity":
        raise Refused(f"has no {work.output_activation} output with {work.loss.replace('_', ' ')}")
    regression = work.loss == "squared_error"
    make = library.MLPRegressor if regression else library.MLPClassifier
    mlp = make(
        hidden_layer_sizes=work.sizes[1:-1],
        activation=ACTIVATIONS[work.activation],
        solver=work.optimizer,
        alpha=0,
        batch_size=work.batch_size,
        learning_rate_init=work.learning_rate,
        momentum=0,
        nesterovs_momentum=False,
        tol=0,
        n_iter_no_change=10**9,
        warm_start=True,
        random_state=0,
    )
    n = work.batch_size if regression else max(work.batch_size, work.sizes[-1])
    targets = {} if regression else {"classes": range(work.sizes[-1])}
    y = problem.y if problem.y.shape[1:] != (1,) else problem.y.ravel()
    mlp.partial_fit(problem.x[:n], y[:n], **targets)  # makes the arrays, which get the numbers
    for made, given in zip(mlp.coefs_ + mlp.intercepts_, problem.weights + problem.biases, strict=True):
        made[...] = given
    return mlp
