"""The estimators on a cluster: their signatures and their numbers are those of the local ones."""

from __future__ import annotations

import contextlib
from typing import Any, ClassVar

import dask
from distributed import Client

from chainrule.dask.cluster import Cluster, client_of
from chainrule.dask.partitions import DaskRows, collected, is_dask
from chainrule.dask.predicting import accuracy, fits, predicted, r2, right, summed_up
from chainrule.dask.source import ClusterSource
from chainrule.estimators import MLPClassifier, MLPRegressor
from chainrule.estimators.documentation import documented
from chainrule.estimators.elsewhere import hinted
from chainrule.estimators.keywords import AT_LEAST_1, CLASSIFIER, REGRESSOR, Keyword, constraints
from chainrule.estimators.losses import loss_of
from chainrule.estimators.optimizer import StochasticOptimizer
from chainrule.estimators.protocol import MLP
from chainrule.estimators.streaming import Encoding
from chainrule.reference.losses import Loss

# fmt: off
DASK: dict[str, Keyword] = {
    "client": Keyword("dask.distributed.Client or None", [Client, None], text="""
        The cluster to train on. None takes the client that there is, or begins a cluster of this machine for
        the time of the fit, and says so.
        """),
    "min_workers": Keyword("int", AT_LEAST_1, text="""
        Where there are fewer workers for 20 seconds, `fit` ends with an error.
        """),
}
# fmt: on
OWN = tuple(DASK)


class OnDask:
    """What both have: fit on a cluster, predict lazily, leave as the local estimator.

    A subclass has `_local`, the estimator that it is one of.
    """

    _local: ClassVar[type[Any]]
    _not_saved = OWN

    client: Any
    min_workers: int

    @hinted
    def fit(
        self: Any,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
        *,
        resume: bool = False,
    ) -> Any:
        """Fit the network on the workers of a Dask cluster.

        Parameters
        ----------
        X : dask.array.Array, dask.dataframe.DataFrame, array or data frame
            Dense rows of numbers; of shape (n_samples, n_features). float32 is trained in float32, everything
            else in float64. Partitions may be uneven and empty.
        y : as X, of shape (n_samples,) or (n_samples, n_outputs)
            Class labels for a classifier, numbers for a regressor, in the same partitions.
        sample_weight : as X, of shape (n_samples,), default=None
            Weight of each row in the loss.
        X_val, y_val, sample_weight_val : default=None
            Rows to watch. They come to the client, which measures them after each epoch.
        resume : bool, default=False
            As for the local estimator.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            As of the local estimator; for a partition that is not like the others, with its number.
        ClusterError
            Where there are too few workers, the scheduler does not answer, or rows are lost.
        """
        self._check_params()
        self._check_for_cluster(X_val)
        with client_of(self.client) as client, contextlib.ExitStack() as stack:
            cluster = Cluster(client, int(self.min_workers))
            cluster.workers()

            def own(rows: DaskRows, mlp: MLP, encoding: Encoding, batch_size: int, **options: Any) -> Any:
                optimizer = mlp._optimizer
                assert isinstance(optimizer, StochasticOptimizer)
                assert mlp._bound is not None
                for_workers = Encoding(self._for_workers(), encoding.class_weights, encoding.target)
                penalty = optimizer.penalty(float(mlp.alpha))
                source = ClusterSource(
                    cluster, rows, mlp._bound, optimizer, for_workers, penalty, batch_size, **options
                )
                stack.callback(source.end)  # an error may come before the first epoch
                return source

            n_parts = int(self.row_blocks)
            of_x = collected(X, "X", None, n_parts)
            of_y = collected(y, "y", X, n_parts)
            weight = None if sample_weight is None else collected(sample_weight, "sample_weight", X, n_parts)
            rows = DaskRows(of_x, of_y, weight, cluster.gather, own)
            here = dask.compute(X_val, y_val, sample_weight_val, scheduler=client)
            return super().fit(rows, None, None, *here, resume=resume)  # type: ignore[misc]

    def _check_for_cluster(self: Any, X_val: Any) -> None:
        """Refuse what needs all rows in one place."""
        if self.solver == "lbfgs":
            raise ValueError("solver='lbfgs' takes all rows at once, so it is not for a cluster; use 'adam'")
        if self.row_blocks < 2:
            raise ValueError(
                f"row_blocks={self.row_blocks} is one block, which one worker would compute; expected 2 or "
                "more, at least as many as there are workers"
            )
        if not isinstance(self.loss, str | Loss):
            raise ValueError(
                "a loss that is a Python function sees whole batches, which are on several workers; expected "
                "one of chainrule's own"
            )
        if self.scoring is not None and X_val is None and not self.early_stopping:
            raise ValueError(
                "scoring measures rows in memory, and these are on the workers; pass X_val and y_val, or set "
                "early_stopping=True"
            )

    def _for_workers(self: Any) -> Any:
        """Return the local estimator as workers need it: without its network, and without code."""
        left = ("coefs_", "intercepts_", "norm_gains_", "norm_shifts_", "slopes_", "_best", "_optimizer")
        local = self._local()
        state = {name: value for name, value in self.__getstate__().items() if name not in (*OWN, *left)}
        local.__dict__.update(state)
        local.set_params(callbacks=None, scoring=None, checkpoint=None, random_state=None, verbose=False)
        return local

    def to_local(self: Any) -> Any:
        """Return the estimator that is trained and predicts here, with all that was learned.

        Returns
        -------
        local : MLPClassifier or MLPRegressor
            A copy.
        """
        local = self._local(**self._local_params())
        state = self.__getstate__()
        local.__setstate__({name: value for name, value in state.items() if name not in OWN})
        if hasattr(self, "coefs_"):
            local._bind()
        return local

    def __getstate__(self) -> dict[str, Any]:
        # A client is a connection of this process.
        state: dict[str, Any] = super().__getstate__()  # type: ignore[assignment]
        return state | {"client": None}

    def __sklearn_clone__(self: Any) -> Any:
        from sklearn.base import clone

        local = clone(self._local(**self._local_params()))
        return type(self)(**local.get_params(deep=False), client=self.client, min_workers=self.min_workers)

    def _local_params(self: Any) -> dict[str, Any]:
        return {name: value for name, value in self.get_params(deep=False).items() if name not in OWN}

    def _lazily(self: Any, method: str, X: Any) -> Any:
        if is_dask(X):
            return predicted(X, getattr(self.to_local(), method))
        return getattr(super(), method)(X)

    def predict(self, X: Any) -> Any:
        """Return what the local estimator's `predict` does; of a Dask collection a lazy Dask array.

        Parameters
        ----------
        X : dask.array.Array, dask.dataframe.DataFrame, array or data frame
            Rows of shape (n_samples, n_features).

        Returns
        -------
        y : dask.array.Array or ndarray
        """
        return self._lazily("predict", X)


@documented(CLASSIFIER | DASK)
class DaskMLPClassifier(OnDask, MLPClassifier):
    """`MLPClassifier` on a Dask cluster, with the bits of the local fit.

    Each worker computes the gradients of some of the `row_blocks`, and all of them take each step together.
    So the parameters are those of ``MLPClassifier(..., row_blocks=row_blocks).fit(X, y)`` bit by bit,
    for any number of workers, and wherever the partitions are. Workers may die and join meanwhile.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels, sorted.
    {attributes}

    See Also
    --------
    MLPClassifier : The same network on one machine; `to_local` returns it.

    {notes}

    Examples
    --------
    >>> import numpy as np
    >>> import dask.array as da
    >>> from dask.distributed import Client
    >>> from chainrule import MLPClassifier
    >>> from chainrule.dask import DaskMLPClassifier
    >>> X = np.random.default_rng(0).normal(size=(400, 4))
    >>> y = X[:, 0] * X[:, 1] > 0
    >>> with Client(processes=False, dashboard_address=":0") as client:
    ...     clf = DaskMLPClassifier((16,), max_iter=5, tol=0.1, n_iter_no_change=1, random_state=0)
    ...     clf = clf.fit(da.from_array(X, chunks=(150, 4)), da.from_array(y, chunks=150))
    >>> local = MLPClassifier((16,), max_iter=5, tol=0.1, n_iter_no_change=1, random_state=0, row_blocks=8)
    >>> bool((local.fit(X, y).coefs_[0] == clf.coefs_[0]).all())
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = constraints(CLASSIFIER | DASK)
    _local = MLPClassifier

    @hinted
    def __init__(
        self,
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
        class_weight: Any = None,
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
        loss: Any = "log_loss",
        label_smoothing: float = 0.0,
        row_blocks: int = 8,
        parametric: Any = False,
        inputs: Any = None,
        client: Any = None,
        min_workers: int = 1,
    ) -> None:
        self._store(locals())

    def predict_proba(self, X: Any) -> Any:
        """Return the probability of every class; of a Dask collection a lazy Dask array.

        Parameters
        ----------
        X : dask.array.Array, dask.dataframe.DataFrame, array or data frame
            Rows of shape (n_samples, n_features).

        Returns
        -------
        probabilities : dask.array.Array or ndarray of shape (n_samples, n_classes)
        """
        return self._lazily("predict_proba", X)

    def predict_log_proba(self, X: Any) -> Any:
        """Return the logarithm of `predict_proba`; of a Dask collection a lazy Dask array.

        Parameters
        ----------
        X : dask.array.Array, dask.dataframe.DataFrame, array or data frame
            Rows of shape (n_samples, n_features).

        Returns
        -------
        log_probabilities : dask.array.Array or ndarray of shape (n_samples, n_classes)
        """
        return self._lazily("predict_log_proba", X)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the accuracy; of Dask collections it is counted partition by partition, where they are.

        Parameters
        ----------
        X : dask.array.Array, dask.dataframe.DataFrame, array or data frame
            Rows of shape (n_samples, n_features).
        y : as X, of shape (n_samples,)
            Class labels.
        sample_weight : as X, of shape (n_samples,), default=None
            Weight of each row.

        Returns
        -------
        score : float
        """
        if not is_dask(X):
            return float(super().score(X, y, sample_weight))
        predict = self.to_local().predict
        return accuracy(summed_up(right, predict, X, y, sample_weight, self.client))


@documented(REGRESSOR | DASK)
class DaskMLPRegressor(OnDask, MLPRegressor):
    """`MLPRegressor` on a Dask cluster, with the bits of the local fit.

    Each worker computes the gradients of some of the `row_blocks`, and all of them take each step together.
    So the parameters are those of ``MLPRegressor(..., row_blocks=row_blocks).fit(X, y)`` bit by bit, for any
    number of workers, and wherever the partitions are. Workers may die and join meanwhile.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    {attributes}
    target_mean_, target_scale_ : ndarray of shape (n_outputs,)
        Units of the targets with `scale_targets`, rounded as sums over partitions are.

    See Also
    --------
    MLPRegressor : The same network on one machine; `to_local` returns it.

    {notes}

    Examples
    --------
    >>> import dask.array as da
    >>> from dask.distributed import Client
    >>> from chainrule.dask import DaskMLPRegressor
    >>> X = da.random.default_rng(0).normal(size=(600, 3), chunks=(200, 3))
    >>> y = X[:, 0] - X[:, 1]
    >>> with Client(processes=False, dashboard_address=":0") as client:
    ...     reg = DaskMLPRegressor(hidden_layer_sizes=(16,), learning_rate_init=0.02, random_state=0)
    ...     reg = reg.fit(X, y)
    ...     print(reg.predict(X).compute().shape, reg.score(X, y) > 0.9)
    (600,) True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = constraints(REGRESSOR | DASK)
    _local = MLPRegressor

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
        row_blocks: int = 8,
        parametric: Any = False,
        inputs: Any = None,
        client: Any = None,
        min_workers: int = 1,
    ) -> None:
        self._store(locals())

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return R^2; of Dask collections it is summed up partition by partition, where they are.

        Parameters
        ----------
        X : dask.array.Array, dask.dataframe.DataFrame, array or data frame
            Rows of shape (n_samples, n_features).
        y : as X, of shape (n_samples,) or (n_samples, n_outputs)
            Numbers.
        sample_weight : as X, of shape (n_samples,), default=None
            Weight of each row.

        Returns
        -------
        score : float
            For several quantiles the mean of their D^2 pinball scores, for which y and the predictions
            come here.
        """
        if not is_dask(X):
            return float(super().score(X, y, sample_weight))
        local = self.to_local()
        if loss_of(self).outputs_per_target > 1:
            options = {} if self.client is None else {"scheduler": self.client}
            return float(local.score(*dask.compute(X, y, sample_weight, **options)))
        return r2(summed_up(fits, local.predict, X, y, sample_weight, self.client))
