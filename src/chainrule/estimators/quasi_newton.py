"""L-BFGS by SciPy, on the engine's gradient of the whole data."""

import contextlib
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.optimize
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning

from chainrule.estimators.bound_model import BoundModel
from chainrule.estimators.callbacks import AfterEpoch
from chainrule.estimators.rows import Rows
from chainrule.estimators.warning import warn
from chainrule.estimators.watching import Watch, patience

if TYPE_CHECKING:
    from chainrule.estimators.base import BaseMLP


def fit_quasi_newton(mlp: "BaseMLP", bound: BoundModel, rows: Rows, validation: Rows | None) -> BoundModel:
    """Minimise the penalised loss from the present parameters on; return the model of the found ones.

    R. H. Byrd, P. Lu, J. Nocedal, C. Zhu, "A limited memory algorithm for bound constrained
    optimization", 1995; `tol` bounds the largest component of the gradient.

    Loss and gradient are evaluated in the dtype of the first parameters. SciPy's own iterates, and so the
    parameters in the end, are float64: these are scikit-learn's numbers. Like scikit-learn it sets no rows
    aside for `early_stopping`; it stops on rows that `fit` was given to watch.
    """
    watch = Watch.of(mlp, bound, rows, validation)
    rows = mlp._weigh_classes(rows)
    after = AfterIteration(mlp, bound, watch)
    data = rows.dataset(bound)

    def loss_and_gradient(flat: NDArray[Any]) -> tuple[float, NDArray[Any]]:
        bound.flat[...] = flat
        gradient = np.empty_like(bound.flat)
        loss = bound.model.gradients(
            data, gradient, l2=float(mlp.alpha), l2_over_rows=True, n_threads=mlp._threads
        )
        return loss, gradient

    with after.running():
        found = scipy.optimize.minimize(
            loss_and_gradient,
            bound.flat.copy(),
            method="L-BFGS-B",
            jac=True,
            callback=after if after.wanted else None,
            options={"maxfun": int(mlp.max_fun), "maxiter": int(mlp.max_iter), "gtol": float(mlp.tol)},
        )
    bound = mlp._bind("float64")
    bound.flat[...] = found.x
    mlp.loss_ = float(found.fun)
    mlp.n_iter_ = min(found.nit, mlp.max_iter)
    if watch is not None and watch.stops:
        watch.bound = bound
        watch.training_ends(mlp.n_iter_)
        mlp._best = None
    if mlp.stop_reason_ is None:
        mlp.stop_reason_ = "no_improvement" if found.status == 0 else "max_iter"
        if found.status != 0:
            warn(why_not_converged(found, mlp), ConvergenceWarning)
    return bound


def why_not_converged(found: Any, mlp: "BaseMLP") -> str:
    """Word SciPy's status as scikit-learn does."""
    message = f"lbfgs failed to converge after {mlp.n_iter_} iteration(s) (status={found.status}):\n"
    message += f"{found.message}\n"
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

    def __init__(self, mlp: "BaseMLP", bound: BoundModel, watch: Watch | None) -> None:
        self.mlp, self.bound, self.watch = mlp, bound, watch
        self.hooks = AfterEpoch.of(mlp, mlp.max_iter)
        self.prints = bool(mlp.verbose) and mlp.verbose != "progress"
        self.wanted = self.prints or watch is not None or self.hooks is not None
        mlp.n_iter_, mlp.stop_reason_ = 0, None
        if watch is not None and watch.stops:
            # scikit-learn has no numbers here to be equal to: every fit watches afresh.
            mlp._no_improvement_count, mlp.best_validation_score_, mlp.validation_scores_ = 0, -np.inf, []
            mlp._best = bound.flat.copy()

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
