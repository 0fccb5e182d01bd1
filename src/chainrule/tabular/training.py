"""Members are trained side by side, each on one thread, and their finished networks gathered."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.network import Network
from chainrule.network.many import n_workers, train_many
from chainrule.tabular.inputs import Stage
from chainrule.tabular.plan import Plan
from chainrule.tabular.recipes import Recipe
from chainrule.tabular.splits import Split
from chainrule.training import EpochRecord
from chainrule.training.errors import DivergenceError, TrainingErrors

Floats = NDArray[np.float32]

#: How often a network is begun that diverges.
MOST_TRIALS = 4


@dataclass
class Finished:
    """A network at the end of a cycle of its schedule.

    Attributes
    ----------
    epoch : int
    parameters : ndarray of float32
    outputs : ndarray of float32, shape (n_watched, n_outputs)
        Of the watched rows.
    """

    epoch: int
    parameters: Floats
    outputs: Floats


@dataclass
class Candidate:
    """A network on its way.

    Attributes
    ----------
    member, fold : int
        Which recipe, and which part of the rows it does not see.
    recipe : Recipe
    network : Network
    x, y, weights : ndarray
        What it is trained on.
    watched : ndarray
        Inputs of the rows that it does not see.
    epoch : int
        How many it has been trained for.
    finished : list of Finished
    stage : Stage
        What its inputs are.
    seed : list of int
        Of its first weights and its order of the rows.
    failed : bool
        Whether it diverged for good; what it had finished before stands.
    trials : int
        How often it was begun.
    """

    member: int
    fold: int
    recipe: Recipe
    network: Network
    x: Floats
    y: NDArray[Any]
    weights: NDArray[np.float64] | None
    watched: Floats
    stage: Stage
    seed: list[int]
    epoch: int = 0
    finished: list[Finished] = field(default_factory=list)
    failed: bool = False
    trials: int = 1

    def begin_again(self) -> bool:
        """Return whether to: after it diverged, at a quarter of the learning rate, but for the last time."""
        if self.finished or self.trials == MOST_TRIALS:
            self.failed = True
            return False
        self.trials += 1
        self.epoch = 0
        self.recipe = replace(self.recipe, learning_rate=self.recipe.learning_rate / 4)
        self.network = self.recipe.network(
            self.stage,
            self.network.sizes[-1],
            self.x,
            classifies=self.y.dtype.kind == "i",
            seed=[*self.seed, self.trials],
        )
        return True

    def finish(self) -> None:
        """Keep the network as it is now."""
        self.finished.append(
            Finished(self.epoch, self.network._trainee.flat.copy(), self.network(self.watched))
        )


@dataclass
class Data:
    """Rows as networks take them, and which of them train.

    Attributes
    ----------
    x : ndarray of float32, shape (n_samples, n_inputs)
    y : ndarray
        Class indices, or numbers as they are learned, shape (n_samples, n_outputs).
    weights : ndarray of float64, or None
    n_outputs : int
    classifies : bool
    splits : list of Split
        One, or one for each fold.
    stage : Stage
        What the inputs are.
    x_watched : ndarray of float32, or None
        The user's own rows to choose by; then those of the splits are not looked at.
    """

    x: Floats
    y: NDArray[Any]
    weights: NDArray[np.float64] | None
    n_outputs: int
    classifies: bool
    splits: list[Split]
    stage: Stage
    x_watched: Floats | None = None


def make_candidates(data: Data, recipes: Sequence[Sequence[Recipe]], seed: int) -> Iterator[Candidate]:
    """Make networks one after the other, each with a seed of its own; rows of a split are copied once.

    Each member has a recipe for each fold.
    """
    parts = []
    for training, watched in data.splits:
        everything = len(training) == len(data.x)
        x = data.x if everything else data.x[training]
        y = data.y if everything else data.y[training]
        weights = data.weights if everything or data.weights is None else data.weights[training]
        x_watched = data.x[watched] if data.x_watched is None else data.x_watched
        parts.append((x, y, weights, x_watched))
    for member, of_folds in enumerate(recipes):
        for fold, (recipe, part) in enumerate(zip(of_folds, parts, strict=True)):
            own = [seed, member, fold]
            network = recipe.network(
                data.stage, data.n_outputs, part[0], classifies=data.classifies, seed=own
            )
            yield Candidate(member, fold, recipe, network, *part, data.stage, own)


class Training:
    """Trains candidates up to an epoch, as many at once as there are threads.

    Parameters
    ----------
    plan : Plan
    n_jobs : int or None
        As for `train_many`.
    deadline : float
        When to stop, by `time.monotonic`.
    score : callable
        Of a candidate's outputs on its watched rows: for networks that are kept in their best epoch.
    on_finish : callable
        Called after a candidate has finished a cycle, by one thread at a time.
    on_epoch : callable
        Called after each epoch of a candidate, by one thread at a time.

    Attributes
    ----------
    needed : bool
        Whether each candidate must leave something, late as it may be: there is no other yet.
    """

    def __init__(
        self,
        plan: Plan,
        n_jobs: int | None,
        deadline: float,
        score: Callable[[Candidate, Floats], tuple[float, float]],
        on_finish: Callable[[Candidate], object],
        on_epoch: Callable[[], object] = lambda: None,
    ) -> None:
        self.on_epoch = on_epoch
        self.plan, self.n_jobs, self.deadline = plan, n_jobs, deadline
        self.score, self.on_finish = score, on_finish
        self.needed = True
        self._lock = threading.Lock()

    def train(self, candidates: list[Candidate], until: int) -> None:
        """Train those that have not come as far.

        Raises
        ------
        DivergenceError
            Where all of them diverged before they had finished a cycle.
        """
        waiting = [one for one in candidates if one.epoch < until and not one.failed]
        while waiting:
            jobs = [(one.network, one.x, one.y, self._settings(one, until)) for one in waiting]
            try:
                self._train(jobs)
                return
            except TrainingErrors as errors:
                diverged = []
                for one, result in zip(waiting, errors.results, strict=True):
                    if isinstance(result, DivergenceError):
                        diverged.append(one)
                    elif isinstance(result, Exception):
                        raise result from None
                waiting = [one for one in diverged if one.begin_again()]
                if not any(one.finished for one in candidates) and not waiting:
                    raise errors.exceptions[0] from None

    def _train(self, jobs: list[tuple[Network, Floats, NDArray[Any], dict[str, Any]]]) -> None:
        """Train side by side; one alone has all threads."""
        if len(jobs) > 1:
            train_many(jobs, n_jobs=self.n_jobs)
            return
        network, x, y, settings = jobs[0]
        network.n_threads = n_workers(self.n_jobs)
        try:
            network.train(x, y, **settings)
        except DivergenceError as error:
            errors = TrainingErrors("the network diverged", [error])
            errors.results = [error]
            raise errors from None
        finally:
            network.n_threads = None

    def _settings(self, candidate: Candidate, until: int) -> dict[str, Any]:
        best: list[tuple[float, float]] = []

        def epoch_ends(record: EpochRecord) -> bool:
            candidate.epoch += 1
            if self.plan.best_epoch:
                self._keep_best(candidate, best)
            elif candidate.epoch in self.plan.zeros:
                candidate.finish()
                with self._lock:
                    self.on_finish(candidate)
            with self._lock:
                self.on_epoch()
            late = time.monotonic() >= self.deadline
            if late and self.needed and not candidate.finished:
                candidate.finish()  # better than nothing
            return late

        return candidate.recipe.settings(candidate.network) | {
            "epochs": until - candidate.epoch,
            "schedule_epochs": self.plan.n_epochs,
            "sample_weight": candidate.weights,
            "resume": candidate.epoch > 0,
            "callback": epoch_ends,
        }

    def _keep_best(self, candidate: Candidate, best: list[tuple[float, float]]) -> None:
        """Keep the last epoch that ties for the best."""
        outputs = candidate.network(candidate.watched)
        score = self.score(candidate, outputs)[0]
        if not best or score >= best[0][0]:
            best[:] = [(score, 0.0)]
            candidate.finished[:] = [
                Finished(candidate.epoch, candidate.network._trainee.flat.copy(), outputs)
            ]
        if candidate.epoch == self.plan.n_epochs:
            with self._lock:
                self.on_finish(candidate)
