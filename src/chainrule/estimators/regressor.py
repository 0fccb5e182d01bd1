"""MLPRegressor: one number or several."""

from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import RegressorMixin
from sklearn.utils import column_or_1d
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import validate_data

from chainrule.estimators.base import BaseMLP
from chainrule.estimators.derivatives import DerivativesMixin
from chainrule.estimators.documentation import documented
from chainrule.estimators.options import CHOICES, CONSTRAINTS
from chainrule.estimators.rows import ready_to_train


@documented
class MLPRegressor(RegressorMixin, DerivativesMixin, BaseMLP):  # type: ignore[misc]  # scikit-learn has no types
    """Deep feed-forward network that predicts numbers, with scikit-learn's interface and numbers.

    Minimises half the squared error, or half the Poisson deviance, by stochastic gradient descent or
    L-BFGS. For the same `random_state` the fit is that of `sklearn.neural_network.MLPRegressor`, up to
    rounding.

    Parameters
    ----------
    loss : {"squared_error", "poisson"}, default="squared_error"
        "squared_error" is 1/2 (prediction - y)^2, its mean over outputs as reported, its sum over outputs
        as followed. "poisson" is half the deviance, y log(y / prediction) - y + prediction, with
        prediction = exp(net); it needs y >= 0.
    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    MLPClassifier : The same network for classes.

    {notes}

    Examples
    --------
    >>> from chainrule import MLPRegressor
    >>> from sklearn.datasets import make_regression
    >>> X, y = make_regression(n_samples=200, n_features=5, random_state=1)
    >>> reg = MLPRegressor(hidden_layer_sizes=(16,), solver="lbfgs", max_iter=1000, random_state=1)
    >>> reg = reg.fit(X, y / y.std())
    >>> reg.predict(X[:3]).shape
    (3,)
    >>> reg.score(X, y / y.std()) > 0.99
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **CONSTRAINTS,
        "loss": [StrOptions(set(CHOICES["loss"]))],
    }

    def __init__(
        self,
        loss: str = "squared_error",
        hidden_layer_sizes: Any = (100,),
        activation: str = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool | int = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        n_threads: int | None = None,
    ) -> None:
        self._store(locals())

    def _check_data(self, X: Any, y: Any, *, reset: bool, incremental: bool) -> tuple[Any, NDArray[Any]]:
        if not (incremental and ready_to_train(self, X, y)):
            X, y = validate_data(
                self,
                X,
                y,
                accept_sparse=["csr", "csc"],
                multi_output=True,
                y_numeric=True,
                dtype=(np.float64, np.float32),
                reset=reset,
            )
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        if self.loss == "poisson" and (y < 0).any():
            raise ValueError(
                f"loss='poisson' needs y >= 0, got a smallest value of {y.min()}. "
                "Use loss='squared_error' for targets of either sign."
            )
        return X, y.reshape(-1, 1) if y.ndim == 1 else y

    def _output_layer(self, targets: NDArray[Any]) -> tuple[int, str]:
        return targets.shape[1], "exp" if self.loss == "poisson" else "identity"

    def _score_outputs(
        self, outputs: NDArray[Any], targets: NDArray[Any], sample_weight: NDArray[Any] | None
    ) -> float:
        """Return R^2, averaged over the outputs, or NaN where outputs are not finite.

        `sklearn.metrics.r2_score` without its validation, which takes longer than an epoch of a small
        network: a constant target scores 1 if predicted exactly, else 0.
        """
        if not np.isfinite(outputs).all():
            return float("nan")
        targets = targets.astype(np.float64, copy=False)
        mean = np.average(targets, axis=0, weights=sample_weight)
        rest = np.average((targets - outputs) ** 2, axis=0, weights=sample_weight)
        total = np.average((targets - mean) ** 2, axis=0, weights=sample_weight)
        constant = total == 0
        scores = np.where(constant, rest == 0, 1 - rest / np.where(constant, 1, total))
        return float(scores.mean())

    @available_if(lambda reg: reg._check_stochastic())  # type: ignore[untyped-decorator]
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train for one epoch on the given rows, going on from the call before.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows are samples.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Numbers.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row in the loss.

        Returns
        -------
        self : object
            The trained estimator.

        Raises
        ------
        ValueError
            As `fit`.
        AttributeError
            With `solver="lbfgs"`, which has no epochs.
        """
        return self._fit(X, y, sample_weight, incremental=True)

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the network's outputs.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows are samples.

        Returns
        -------
        y : ndarray of shape (n_samples,), or (n_samples, n_outputs) for several targets
            In the units of the y that `fit` was given, in the dtype of `coefs_`.
        """
        outputs = self._outputs(X)
        return outputs.ravel() if outputs.shape[1] == 1 else outputs
