"""The models of tables on a cluster: each network is trained by one worker; the table is prepared here."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any, ClassVar

import dask
import numpy as np
from distributed import Client, Future

from chainrule._settings import whole_number
from chainrule.dask.cluster import Cluster, client_of
from chainrule.dask.partitions import is_dask
from chainrule.dask.predicting import predicted
from chainrule.tabular.classifier import TabularClassifier
from chainrule.tabular.plan import Plan
from chainrule.tabular.regressor import TabularRegressor
from chainrule.tabular.training import Candidate, Training
from chainrule.training.errors import DivergenceError

#: What of a candidate comes back from a worker, beside its network.
BACK = ("recipe", "epoch", "finished", "failed", "trials")


def hand_on(*values: Any) -> tuple[Any, ...]:
    """Return what was given: as a task's result it is sent to each worker once."""
    return values


def train_there(
    plan: Plan,
    candidate: Candidate,
    state: Any,
    rows: Any,
    until: int,
    seconds: float,
    score: Any,
    needed: bool,
) -> tuple[Candidate, Any, DivergenceError | None]:
    """Train a candidate on a worker; return it without its rows, and its optimizer's state."""
    none = np.empty((0, 0), dtype=np.float32)
    candidate.x, candidate.y, candidate.weights, candidate.watched = rows
    candidate.network._trainee.state = state
    training = Training(plan, 1, time.monotonic() + seconds, score, lambda one: None)
    training.needed = needed
    error = None
    try:
        training.train([candidate], until)
    except DivergenceError as diverged:
        error = diverged
    state = candidate.network._trainee.state
    return replace(candidate, x=none, y=none, weights=None, watched=none), state, error


class ClusterTraining(Training):
    """Deals candidates to workers. A worker that dies costs the candidate that it was training."""

    cluster: Cluster

    def train(self, candidates: list[Candidate], until: int) -> None:
        """Train those that have not come as far."""
        waiting = [one for one in candidates if one.epoch < until and not one.failed]
        client, none = self.cluster.client, np.empty((0, 0), dtype=np.float32)
        rows: dict[int, Future] = {}
        futures = []
        with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1 TB"}):
            for one in waiting:
                if id(one.x) not in rows:
                    rows[id(one.x)] = client.submit(
                        hand_on, one.x, one.y, one.weights, one.watched, pure=False
                    )
                futures.append(
                    client.submit(
                        train_there,
                        self.plan,
                        replace(one, x=none, y=none, weights=None, watched=none),
                        one.network._trainee.state,
                        rows[id(one.x)],
                        until,
                        self.deadline - time.monotonic(),
                        self.score,
                        self.needed,
                        pure=False,
                    )
                )
        try:
            self.cluster.wait(futures, self.cluster.workers)
            results = self.cluster.results(futures, self.cluster.workers)
        finally:
            client.cancel([*futures, *rows.values()])
        errors = []
        for one, (trained, state, error) in zip(waiting, results, strict=True):
            n_before = len(one.finished)
            for name in BACK:
                setattr(one, name, getattr(trained, name))
            one.network = trained.network
            one.network._trainee.state = state
            if error is not None:
                errors.append(error)
            elif len(one.finished) > n_before:
                self.on_finish(one)
            self.on_epoch()
        if errors and not any(one.finished for one in candidates):
            raise errors[0]


class TabularOnDask:
    """What both have. A subclass has `_local`, the estimator that it is one of."""

    _local: ClassVar[type[Any]]

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
        """Fit the model; its networks are trained on the workers of a Dask cluster.

        Parameters
        ----------
        X, y, sample_weight, X_val, y_val, sample_weight_val
            As for the local estimator, or Dask collections, which come to the client: the table is
            prepared there.
        resume : bool, default=False
            As for the local estimator.

        Returns
        -------
        self : object
        """
        self._check_settings()
        whole_number("min_workers", self.min_workers, 1)
        if self.client is not None and not isinstance(self.client, Client):
            raise TypeError(f"client is {type(self.client).__name__}; expected a dask Client or None")
        with client_of(self.client) as client:
            cluster = Cluster(client, int(self.min_workers))
            cluster.workers()
            here = dask.compute(X, y, sample_weight, X_val, y_val, sample_weight_val, scheduler=client)

            def training(*given: Any) -> ClusterTraining:
                made = ClusterTraining(*given)
                made.cluster = cluster
                return made

            self._training = training
            try:
                return super().fit(*here, resume=resume)  # type: ignore[misc]
            finally:
                del self._training

    def to_local(self: Any) -> Any:
        """Return the estimator that is trained and predicts here, with all that was learned."""
        own = ("client", "min_workers")
        local = self._local(**{k: v for k, v in self.get_params(deep=False).items() if k not in own})
        local.__dict__.update({k: v for k, v in self.__getstate__().items() if k not in own})
        return local

    def __getstate__(self) -> dict[str, Any]:
        # A client is a connection of this process.
        state: dict[str, Any] = super().__getstate__()  # type: ignore[assignment]
        return state | {"client": None}

    def __sklearn_clone__(self: Any) -> Any:
        return type(self)(**self.get_params(deep=False))

    def _get_state(self: Any) -> Any:
        return self.to_local()._get_state()

    def _lazily(self: Any, method: str, X: Any) -> Any:
        if is_dask(X):
            return predicted(X, getattr(self.to_local(), method))
        return getattr(super(), method)(X)

    def predict(self, X: Any) -> Any:
        """Return what the local estimator's `predict` does; of a Dask collection a lazy Dask array."""
        return self._lazily("predict", X)


class DaskTabularClassifier(TabularOnDask, TabularClassifier):
    """`TabularClassifier` on a Dask cluster: each of its networks is trained by one worker.

    The table is prepared by the client, in whose memory it must fit; the model is that of the local fit.
    Worth it where many networks are trained (folds, a larger preset).

    Parameters
    ----------
    preset, time_budget, n_members, n_folds, recipe, scoring, calibrate, class_weight
        As `TabularClassifier`.
    checkpoint, random_state, n_jobs, verbose
        As `TabularClassifier`.
    client : dask.distributed.Client, optional
        The cluster to train on. None takes the client that there is, or begins a cluster of this machine.
    min_workers : int
        Where there are fewer workers for 20 seconds, `fit` ends with an error.

    See Also
    --------
    TabularClassifier : The same on one machine; `to_local` returns it.
    """

    _local = TabularClassifier

    def __init__(
        self,
        preset: str = "default",
        *,
        time_budget: float | None = None,
        n_members: int | None = None,
        n_folds: int = 0,
        recipe: str | None = None,
        scoring: str | None = None,
        calibrate: bool = True,
        class_weight: Any = None,
        checkpoint: Any = None,
        random_state: Any = None,
        n_jobs: int | None = None,
        verbose: bool | int = False,
        client: Any = None,
        min_workers: int = 1,
    ) -> None:
        super().__init__(
            preset,
            time_budget=time_budget,
            n_members=n_members,
            n_folds=n_folds,
            recipe=recipe,
            scoring=scoring,
            calibrate=calibrate,
            class_weight=class_weight,
            checkpoint=checkpoint,
            random_state=random_state,
            n_jobs=n_jobs,
            verbose=verbose,
        )
        self.client = client
        self.min_workers = min_workers

    def predict_proba(self, X: Any) -> Any:
        """Return the probability of every class; of a Dask collection a lazy Dask array."""
        return self._lazily("predict_proba", X)


class DaskTabularRegressor(TabularOnDask, TabularRegressor):
    """`TabularRegressor` on a Dask cluster: each of its networks is trained by one worker.

    The table is prepared by the client, in whose memory it must fit; the model is that of the local fit.
    Worth it where many networks are trained (folds, a larger preset).

    Parameters
    ----------
    preset, time_budget, n_members, n_folds, recipe, scoring, checkpoint, random_state, n_jobs, verbose
        As `TabularRegressor`.
    client : dask.distributed.Client, optional
        The cluster to train on. None takes the client that there is, or begins a cluster of this machine.
    min_workers : int
        Where there are fewer workers for 20 seconds, `fit` ends with an error.

    See Also
    --------
    TabularRegressor : The same on one machine; `to_local` returns it.
    """

    _local = TabularRegressor

    def __init__(
        self,
        preset: str = "default",
        *,
        time_budget: float | None = None,
        n_members: int | None = None,
        n_folds: int = 0,
        recipe: str | None = None,
        scoring: str | None = None,
        checkpoint: Any = None,
        random_state: Any = None,
        n_jobs: int | None = None,
        verbose: bool | int = False,
        client: Any = None,
        min_workers: int = 1,
    ) -> None:
        super().__init__(
            preset,
            time_budget=time_budget,
            n_members=n_members,
            n_folds=n_folds,
            recipe=recipe,
            scoring=scoring,
            checkpoint=checkpoint,
            random_state=random_state,
            n_jobs=n_jobs,
            verbose=verbose,
        )
        self.client = client
        self.min_workers = min_workers
