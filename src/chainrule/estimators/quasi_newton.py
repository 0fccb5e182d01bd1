"""L-BFGS by SciPy, on the engine's gradient of the whole data."""

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.optimize
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning

from chainrule.estimators.bound_model import BoundModel
from chainrule.estimators.rows import Rows

if TYPE_CHECKING:
    from chainrule.estimators.base import BaseMLP


def fit_quasi_newton(mlp: "BaseMLP", bound: BoundModel, rows: Rows) -> BoundModel:
    """Minimise the penalised loss from the present parameters on; return the model of the found ones.

    R. H. Byrd, P. Lu, J. Nocedal, C. Zhu, "A limited memory algorithm for bound constrained
    optimization", 1995; `tol` bounds the largest component of the gradient.

    Loss and gradient are evaluated in the dtype of the first parameters. SciPy's own iterates, and so the
    parameters in the end, are float64: these are scikit-learn's numbers.
    """
    data = rows.dataset(bound)

    def loss_and_gradient(flat: NDArray[Any]) -> tuple[float, NDArray[Any]]:
        bound.flat[...] = flat
        gradient = np.empty_like(bound.flat)
        loss = bound.model.gradients(
            data, gradient, l2=float(mlp.alpha), l2_over_rows=True, n_threads=mlp._threads
        )
        return loss, gradient

    found = scipy.optimize.minimize(
        loss_and_gradient,
        bound.flat.copy(),
        method="L-BFGS-B",
        jac=True,
        callback=Progress() if mlp.verbose else None,
        options={"maxfun": int(mlp.max_fun), "maxiter": int(mlp.max_iter), "gtol": float(mlp.tol)},
    )
    bound = mlp._bind("float64")
    bound.flat[...] = found.x
    mlp.loss_ = float(found.fun)
    mlp.n_iter_ = min(found.nit, mlp.max_iter)
    if found.status != 0:
        warnings.warn(why_not_converged(found, mlp), ConvergenceWarning, stacklevel=4)
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


class Progress:
    """Print the loss of every iteration."""

    def __init__(self) -> None:
        self.n_iter = 0

    def __call__(self, intermediate_result: Any) -> None:
        """Take SciPy's report of one iteration."""
        self.n_iter += 1
        print(f"Iteration {self.n_iter}, loss = {intermediate_result.fun:.8f}")
