"""MLPRegressor: one number or several."""

from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import RegressorMixin
from sklearn.metrics import d2_pinball_score
from sklearn.utils.metaestimators import available_if

from chainrule.estimators.base import BaseMLP
from chainrule.estimators.data import validated
from chainrule.estimators.derivatives import DerivativesMixin
from chainrule.estimators.documentation import documented
from chainrule.estimators.elsewhere import hinted
from chainrule.estimators.keywords import REGRESSOR, constraints
from chainrule.estimators.losses import REGRESSOR_LOSSES, loss_of, output_activation
from chainrule.estimators.rows import ready_to_train
from chainrule.reference.losses import Loss, Quantile


@documented(REGRESSOR)
class MLPRegressor(RegressorMixin, DerivativesMixin, BaseMLP):  # type: ignore[misc]  # scikit-learn has no types
    """Deep feed-forward network that predicts numbers, with scikit-learn's interface and numbers.

    Minimizes half the squared error, or half the Poisson deviance, by stochastic gradient descent or
    L-BFGS. For the same `random_state` the fit is that of `sklearn.neural_network.MLPRegressor`, up to
    rounding.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    {attributes}
    target_mean_, target_scale_ : ndarray of shape (n_outputs,)
        Units of the targets with `scale_targets`: prediction = output * target_scale_ + target_mean_.

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

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = constraints(REGRESSOR)
    _losses = REGRESSOR_LOSSES

    scale_targets: bool
    quantiles: Any

    @property
    def _own_metric(self) -> str:
        return "d2_pinball_score" if loss_of(self).outputs_per_target > 1 else "r2"

    @hinted
    def __init__(
        self,
        loss: Any = "squared_error",
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: Any = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool | int | str = False,
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
        scale_targets: bool = False,
        scoring: Any = None,
        patience: float | None = None,
        callbacks: Any = None,
        max_time: float | None = None,
        checkpoint: Any = None,
        checkpoint_every: int | str = 1,
        keep_optimizer: bool = False,
        schedule: Any = None,
        clip_norm: float | None = None,
        clip_value: float | None = None,
        l1: float = 0.0,
        max_norm: float | None = None,
        learning_rate_factors: Any = None,
        precision: str = "full",
        dropout: Any = 0.0,
        layer_norm: Any = False,
        residual: Any = False,
        initializer: str | None = None,
        quantiles: Any = None,
        row_blocks: int = 1,
        parametric: Any = False,
        inputs: Any = None,
    ) -> None:
        self._store(locals())

    def _check_data(self, X: Any, y: Any, *, reset: bool, incremental: bool) -> tuple[Any, NDArray[Any]]:
        if not (incremental and ready_to_train(self, X, y)):
            X, y = validated(self, X, y, reset=reset, y_numeric=True)
        return X, self._encode(y, "y")

    def _check_validation(self, X_val: Any, y_val: Any) -> tuple[Any, NDArray[Any]]:
        X_val, y_val = validated(self, X_val, y_val, reset=False, y_numeric=True)
        targets = self._encode(y_val, "y_val")
        n_targets = self.n_outputs_ // loss_of(self).outputs_per_target
        if targets.shape[1] != n_targets:
            raise ValueError(f"y_val has {targets.shape[1]} columns, but y has {n_targets}.")
        return X_val, targets

    def _decode_targets(self, targets: NDArray[Any]) -> NDArray[Any]:
        return targets.ravel() if targets.shape[1] == 1 else targets

    def _encode(self, y: NDArray[Any], name: str) -> NDArray[Any]:
        """Return y as (n_samples, n_outputs) after checking that the loss can have it."""
        if y.dtype.kind in "US":
            y = y.astype(np.float64)
        if self.loss == "poisson" and (y < 0).any():
            raise ValueError(
                f"loss='poisson' needs {name} >= 0, got a smallest value of {y.min()}. "
                "Use loss='squared_error' for targets of either sign."
            )
        loss = loss_of(self)
        problem = None if loss.name not in REGRESSOR_LOSSES else loss.target_problem(y)
        if problem:
            raise ValueError(f"{name} {problem}, for loss={self.loss!r}.")
        return y.reshape(-1, 1) if y.ndim == 1 else y

    def _output_layer(self, targets: NDArray[Any]) -> tuple[int, str]:
        loss = loss_of(self)
        activation = output_activation(loss)
        if self.scale_targets and activation == "exp":
            raise ValueError(
                f"scale_targets=True does not go with loss={self.loss!r}, whose predictions are positive in "
                "any units; expected a loss with identity output, such as 'squared_error'."
            )
        return targets.shape[1] * loss.outputs_per_target, activation

    def _score_outputs(
        self, outputs: NDArray[Any], targets: NDArray[Any], sample_weight: NDArray[Any] | None
    ) -> float:
        """Return R^2, averaged over the outputs, or NaN where outputs are not finite.

        `sklearn.metrics.r2_score` without its validation, which takes longer than an epoch of a small
        network: a constant target scores 1 if predicted exactly, else 0.
        """
        if not np.isfinite(outputs).all():
            return float("nan")
        loss = loss_of(self)
        if loss.outputs_per_target > 1:
            return explained(loss, outputs, targets, sample_weight)
        targets = targets.astype(np.float64, copy=False)
        mean = np.average(targets, axis=0, weights=sample_weight)
        rest = np.average((targets - outputs) ** 2, axis=0, weights=sample_weight)
        total = np.average((targets - mean) ** 2, axis=0, weights=sample_weight)
        constant = total == 0
        scores = np.where(constant, rest == 0, 1 - rest / np.where(constant, 1, total))
        return float(scores.mean())

    @available_if(lambda reg: reg._check_stochastic())  # type: ignore[untyped-decorator]
    def partial_fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> Self:
        """Train for one epoch on the given rows, going on from the call before.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows are samples.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Numbers.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row in the loss.
        X_val, y_val, sample_weight_val : default=None
            Rows to watch, measured after the epoch (`evals_result_`). With `early_stopping` the best
            parameters are remembered from call to call; when patience ends, they are put back and
            `stop_reason_` is "no_improvement". A further call goes on from them.

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
        if not hasattr(self, "coefs_"):
            self._check_params()
        return self._fit(X, y, sample_weight, (X_val, y_val, sample_weight_val), incremental=True)

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the network's outputs.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows are samples.

        Returns
        -------
        y : ndarray of shape (n_samples,), or (n_samples, n_outputs) for several targets
            In the units of the y that `fit` was given, in the dtype of `coefs_`. Several quantiles are a
            last axis: (n_samples, n_quantiles), or (n_samples, n_outputs, n_quantiles) for several targets.
        """
        outputs = self._in_own_units(self._outputs(X))
        n_quantiles = loss_of(self).outputs_per_target if self.loss != "squared_error" else 1
        if 1 < n_quantiles < outputs.shape[1]:
            return outputs.reshape(len(outputs), -1, n_quantiles)
        return outputs.ravel() if outputs.shape[1] == 1 else outputs

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return R^2 of the predictions, for several quantiles the mean of their D^2 pinball scores.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows are samples.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Numbers.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row.

        Returns
        -------
        score : float
            1 for perfect predictions, 0 for those of a constant: the mean, or the quantile.
        """
        loss = loss_of(self)
        if loss.outputs_per_target == 1:
            return float(super().score(X, y, sample_weight))
        outputs, targets = self.predict(X), np.asarray(y)
        flat = outputs.reshape(len(outputs), -1)
        return explained(loss, flat, targets.reshape(len(targets), -1), sample_weight)


def explained(loss: Loss, outputs: NDArray[Any], targets: NDArray[Any], sample_weight: Any) -> float:
    """Return the mean over targets and quantiles of `sklearn.metrics.d2_pinball_score`."""
    assert isinstance(loss, Quantile)
    levels = loss.parameters
    return float(
        np.mean(
            [
                d2_pinball_score(
                    targets[:, k // len(levels)],
                    outputs[:, k],
                    sample_weight=sample_weight,
                    alpha=levels[k % len(levels)],
                )
                for k in range(outputs.shape[1])
            ]
        )
    )
