"""From prepared rows to members: train, look, choose, go on or stop."""

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.network.many import n_workers
from chainrule.tabular.budget import Budget
from chainrule.tabular.members import Member
from chainrule.tabular.plan import Plan
from chainrule.tabular.recipes import Recipe
from chainrule.tabular.selection import ROUNDS, greedy
from chainrule.tabular.training import Candidate, Data, Training, make_candidates
from chainrule.tabular.watched import Outputs, Unit, Watched, units

#: Of the whole time, what a look before the last one may take.
LOOK_PART = 0.01


@dataclass
class Look:
    """The model at one moment of the fit.

    Attributes
    ----------
    seconds : float
        Since the fit began.
    n_finished : int
        Networks that could be chosen.
    score, best_single : float
        Of the model, and of the best network alone (of its folds together), on the watched rows.
    """

    seconds: float
    n_finished: int
    score: float
    best_single: float


@dataclass
class Choice:
    """What was chosen at one look."""

    units: list[Unit]
    counts: NDArray[np.int64]
    score: tuple[float, float]
    outputs: list[Outputs]

    @property
    def average(self) -> Outputs:
        """The averaged outputs of the watched rows."""
        total = sum(n * one for n, one in zip(self.counts, self.outputs, strict=True) if n)
        return np.asarray(total / self.counts.sum())


@dataclass
class Result:
    """The members, best first, and what was seen on the way."""

    members: list[Member]
    average: Outputs
    looks: list[Look] = field(default_factory=list)


class Ensemble:
    """Trains the members of a plan and chooses among them.

    Parameters
    ----------
    plan : Plan
    recipes : list of list of Recipe
        One for each member and fold.
    data : Data
    watched : Watched
    seed : int
    n_jobs : int or None
    budget : Budget or None
    start : float
        When the fit began, by `time.monotonic`.
    say : callable
        Takes a line of progress.
    on_finish : callable
        Called with all candidates after one of them has finished a cycle.
    show : callable
        Called after each epoch with the part of the training that is done, and the most seconds left.
    training : callable
        Makes what trains the networks: `Training`, or one that lets others train them.
    """

    def __init__(
        self,
        plan: Plan,
        recipes: list[list[Recipe]],
        data: Data,
        watched: Watched,
        *,
        seed: int,
        n_jobs: int | None,
        budget: Budget | None,
        start: float,
        say: Callable[[str], object],
        on_finish: Callable[[list[Candidate]], object] = lambda candidates: None,
        show: Callable[[float, float], object] = lambda done, left: None,
        training: Callable[..., Training] = Training,
    ) -> None:
        self.show = show
        self.plan, self.data, self.watched = plan, data, watched
        self.n_jobs, self.budget, self.start, self.say = n_jobs, budget, start, say
        self.n_networks = sum(map(len, recipes))
        self._making = make_candidates(data, recipes, seed)
        # With a budget they are made when there is time for them.
        self.candidates = list(self._making) if budget is None else []
        self.on_finish = on_finish
        self.looks: list[Look] = []
        self._choice: Choice | None = None
        self._outputs: dict[tuple[int, int], Outputs] = {}
        self._per_score = 0.0  # seconds
        self._n_looked_at = 0
        deadline = budget.deadline if budget else float("inf")
        self.training = training(
            plan, n_jobs, deadline, watched.score_of, self._finished, lambda: self.show(*self._progress())
        )

    def run(self) -> Result:
        """Do all of it."""
        wave = self._wave()
        for begin in range(0, self.n_networks, wave):
            self.candidates += itertools.islice(self._making, wave)
            if not self._run_wave(self.candidates[begin : begin + wave], first=begin == 0):
                break
        if self._n_looked_at < self._n_finished:
            self._look()
        assert self._choice is not None
        return Result(self._members(self._choice), self._choice.average, self.looks)

    def _wave(self) -> int:
        """Return how many networks are trained before the time is looked at."""
        if self.budget is None:
            return self.n_networks
        folds = max(1, self.plan.n_folds)
        return folds * max(1, n_workers(self.n_jobs) // folds)

    def _run_wave(self, candidates: list[Candidate], *, first: bool) -> bool:
        """Train some networks; return whether there is time for others."""
        for stage in self.plan.stages:
            until = self._reachable(candidates, stage)
            now = _epoch(candidates)
            if until <= now:
                if not (first and now == 0):
                    return False
                until = self.plan.zeros[0]  # there must be a model
            before = self._choice
            self.training.needed = first
            self.training.train(candidates, until)
            if self._worth_a_look():
                self._look()
            if until < stage:
                return False
            if before is not None and len(self.plan.stages) > 1 and not self._gained(before):
                return True
        return True

    @property
    def _n_finished(self) -> int:
        return sum(len(one.finished) for one in self.candidates)

    def _worth_a_look(self) -> bool:
        """Whether to look before the last wave is trained: where that takes little of the time."""
        if self.budget is None or len(self.plan.stages) > 1:
            return True
        return self._seconds_of_a_look(0) < LOOK_PART * self.budget.seconds

    def _seconds_of_a_look(self, n_more: int) -> float:
        """Return how long a choice takes, also among so many more finished networks."""
        n_outputs = self._n_finished / max(1, self.plan.n_folds) + n_more
        return ROUNDS * n_outputs * self._per_score

    def _reachable(self, candidates: list[Candidate], stage: int) -> int:
        """Return the last zero up to the stage that is reached in time; the present epoch for none."""
        now = _epoch(candidates)
        if self.budget is None:
            return stage
        n_rows = len(candidates[0].x)
        rounds = -(-len(candidates) // n_workers(self.n_jobs))
        for zero in sorted({*self.plan.zeros, stage}, reverse=True):
            if now < zero <= stage and self.budget.fits(zero - now, n_rows, rounds):
                return zero
        return now

    def _gained(self, before: Choice) -> bool:
        assert self._choice is not None
        old, new = before.score[0], self._choice.score[0]
        if self.watched.metric.name == "accuracy":  # of its error
            old, new = old - 1, new - 1
        return new - old >= self.plan.least_gain * abs(old) and new > old

    def _finished(self, candidate: Candidate) -> None:
        """Say that a network has finished a cycle."""
        last = candidate.finished[-1]
        begin = time.perf_counter()
        score = self.watched.score_of(candidate, last.outputs)[0]
        if self.budget is not None:
            seconds = time.perf_counter() - begin
            self._per_score = seconds * len(self.watched.y) / len(last.outputs)
            self.budget.keep(self._seconds_of_a_look(len(self.plan.zeros)))
            self.training.deadline = self.budget.training_ends
        fold = f", fold {candidate.fold + 1}" if self.plan.n_folds else ""
        self.say(f"member {candidate.member + 1}{fold}, epoch {last.epoch}: {score:.4g}{self._left()}")
        self.on_finish(self.candidates)

    def _progress(self) -> tuple[float, float]:
        """Return the part of the training that is done, and the seconds that it may still take."""
        seconds = time.monotonic() - self.start
        done = sum(one.epoch for one in self.candidates)
        total = self.n_networks * self.plan.stages[-1]
        left = seconds / max(done, 1) * (total - done)
        if self.budget is not None:
            left = min(left, max(self.budget.left, 0.0))
        return done / total, left

    def _left(self) -> str:
        """Say how long it has taken, and how long it may still take."""
        seconds = time.monotonic() - self.start
        return f"; {seconds:.1f} s, at most {self._progress()[1]:.0f} s left"

    def _look(self) -> None:
        """Choose anew, and keep what was chosen before if that is better."""
        possible = list(units(self.candidates, self.plan.n_folds))
        for unit in possible:
            key = (unit.member, unit.place)
            if key not in self._outputs:
                self._outputs[key] = self.watched.outputs(unit)
        outputs = [self._outputs[unit.member, unit.place] for unit in possible]
        until = self.budget.deadline if self.budget else float("inf")
        counts, score = greedy(self.watched.score, outputs, until=until)
        self._n_looked_at = self._n_finished
        choice = Choice(possible, counts, score, outputs)
        if self._choice is None or score >= self._choice.score:
            self._choice = choice
        singles = [self.watched.score(one)[0] for one in outputs]
        seconds = time.monotonic() - self.start
        look = Look(seconds, len(possible), self._choice.score[0], max(singles))
        self.looks.append(look)
        self.say(
            f"{self.watched.metric.name} of the best network {look.best_single:.4g}, of the model"
            f" {look.score:.4g} (of {look.n_finished}); {seconds:.1f} s"
        )

    def _members(self, choice: Choice) -> list[Member]:
        """Give the chosen networks the parameters that they were chosen with."""
        total = int(choice.counts.sum()) * max(1, self.plan.n_folds)
        members = []
        used: set[int] = set()
        for unit, count in zip(choice.units, choice.counts.tolist(), strict=True):
            if not count:
                continue
            for candidate in unit.candidates:
                finished = candidate.finished[unit.place]
                network = candidate.network
                if id(candidate) in used:  # at two epochs: two networks
                    network = _twin(candidate)
                used.add(id(candidate))
                network._trainee.flat[:] = finished.parameters
                network._trainee.state = None
                score = self.watched.score_of(candidate, finished.outputs)[0]
                members.append(
                    Member(network, candidate.recipe, finished.epoch, candidate.fold, score, count / total)
                )
        return sorted(members, key=lambda member: -member.weight)


def _epoch(candidates: list[Candidate]) -> int:
    """Return how far all are that have not failed."""
    return min((one.epoch for one in candidates if not one.failed), default=candidates[0].epoch)


def _twin(candidate: Candidate) -> Any:
    """Return another network of the same kind."""
    tensors, settings = candidate.network._get_state()
    return type(candidate.network)._from_state(tensors, settings)
