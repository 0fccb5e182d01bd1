"""solver="lbfgs": scikit-learn's options for the search, and its messages."""

import contextlib
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from chainrule.estimators.bound_model import BoundModel
from chainrule.estimators.callbacks import AfterEpoch
from chainrule.estimators.protocol import MLP
from chainrule.estimators.rows import learned
from chainrule.estimators.warning import warn
from chainrule.estimators.watching import EstimatorWatch, patience
from chainrule.model.rows import Rows
from chainrule.training.quasi_newton import minimize


def fit_quasi_newton(mlp: MLP, bound: BoundModel, rows: Rows, validation: Rows | None) -> BoundModel:
    """Minimize the penalized loss from the present parameters on; return the model of those in the end.

    Loss and gradient are evaluated in the dtype of the first parameters, the parameters in the end are
    float64: these are scikit-learn's numbers. Like scikit-learn it sets no rows aside for `early_stopping`;
    it stops on rows that `fit` was given to watch. `tol` bounds the largest component of the gradient.
    """
    watch = EstimatorWatch.of(mlp, bound, rows, validation)
    after = AfterIteration(mlp, bound, watch)
    data = learned(mlp, bound, mlp._weigh_classes(rows)).dataset(bound.model)
    options = {"maxfun": int(mlp.max_fun), "maxiter": int(mlp.max_iter), "gtol": float(mlp.tol)}
    with after.running():
        result = minimize(
            bound, data, options, after if after.wanted else None, l2=float(mlp.alpha), l2_over_rows=True
        )
    bound = mlp._bind("float64")
    bound.flat[...] = result.x
    mlp.loss_ = float(result.fun)
    mlp.n_iter_ = min(result.nit, mlp.max_iter)
    if watch is not None and watch.stops:
        watch.trainee = bound
        watch.training_ends(mlp.n_iter_)
        mlp._best = None
    if mlp.stop_reason_ is None:
        mlp.stop_reason_ = "no_improvement" if result.status == 0 else "max_iter"
        if result.status != 0:
            warn(why_not_converged(result, mlp), ConvergenceWarning)
    return bound


def why_not_converged(result: Any, mlp: MLP) -> str:
    """Word SciPy's status as scikit-learn does."""
    message = f"lbfgs failed to converge after {mlp.n_iter_} iteration(s) (status={result.status}):\n"
    message += f"{result.message}\n"
    if mlp.n_iter_ == mlp.max_iter:
        message += (
            f"\nIncrease the number of iterations to improve the convergence (max_iter={mlp.max_iter})."
        )
    return message + (
        "\nYou might also want to scale the data as shown in:\n"
        "    https://scikit-learn.org/stable/modules/preprocessing.html"
    )


class AfterIteration:
    """What is printed, measured and told after every iteration; ends the search by StopIteration."""

    def __init__(self, mlp: MLP, bound: BoundModel, watch: EstimatorWatch | None) -> None:
        self.mlp, self.bound, self.watch = mlp, bound, watch
        self.hooks = AfterEpoch.of(mlp, mlp.max_iter)
        self.prints = bool(mlp.verbose) and mlp.verbose != "progress"
        self.wanted = self.prints or watch is not None or self.hooks is not None
        mlp.n_iter_, mlp.stop_reason_ = 0, None
        if watch is not None and watch.stops:
            # scikit-learn has no numbers here to be equal to: every fit watches afresh.
            mlp._no_improvement_count, mlp.best_validation_score_, mlp.validation_scores_ = 0, -np.inf, []
            watch.keep()

    def running(self) -> contextlib.AbstractContextManager[None]:
        """Show progress, and begin the first iteration."""
        if self.hooks is None:
            return contextlib.nullcontext()
        self.hooks.epoch_begins()
        return self.hooks.running()

    def __call__(self, intermediate_result: Any) -> None:
        """Take SciPy's report of one iteration."""
        mlp = self.mlp
        mlp.n_iter_ += 1
        mlp.loss_ = float(intermediate_result.fun)
        if self.prints:
            print(f"Iteration {mlp.n_iter_}, loss = {mlp.loss_:.8f}")
        self.bound.flat[...] = intermediate_result.x
        self.bound.n_threads = int(mlp.n_threads or 0)
        if self.watch is not None:
            improved = self.watch.epoch_ends(mlp.n_iter_)
            mlp._no_improvement_count = 0 if improved else mlp._no_improvement_count + 1
            if mlp._no_improvement_count > patience(mlp):
                mlp.stop_reason_ = "no_improvement"
        if self.hooks is not None:
            mlp.stop_reason_ = self.hooks.epoch_ends(mlp.loss_) or mlp.stop_reason_
            if mlp.stop_reason_ is None and mlp.n_iter_ < mlp.max_iter:
                self.hooks.epoch_begins()
        if mlp.stop_reason_ is not None:
            raise StopIteration
