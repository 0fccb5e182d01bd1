"""Time budgets are kept on machines of any speed: the clock is one that the work done moves."""

import itertools

import numpy as np
import pytest

from chainrule import Network, TabularClassifier, TabularRegressor
from chainrule.tabular import base, budget, ensemble, selection, training
from chainrule.tabular.preparation import Preparation
from chainrule.tabular.recipes import Recipe
from chainrule.tabular.watched import Watched


class Clock:
    """Stands in for the module `time`; what it is told of takes seconds."""

    def __init__(self):
        self.now = 1000.0

    def monotonic(self):
        return self.now

    perf_counter = monotonic

    def takes(self, monkeypatch, where, name, seconds):
        """Let a method take seconds(self, arguments, settings)."""
        usual = getattr(where, name)

        def slow(one, *arguments, **settings):
            result = usual(one, *arguments, **settings)
            self.now += seconds(one, arguments, settings)
            return result

        monkeypatch.setattr(where, name, slow)


@pytest.fixture
def clock(monkeypatch):
    made = Clock()
    for module in (base, budget, ensemble, selection, training):
        monkeypatch.setattr(module, "time", made)
    return made


def fit(clock, monkeypatch, model, *, per_row, network=0.0, score=0.0, preparation=0.0, n=60):
    """Fit a small table, as slowly as is said, and return the seconds that it took."""

    def settings(candidate_settings):
        def wrapped(self, candidate, until):
            found = candidate_settings(self, candidate, until)
            ends = found["callback"]

            def epoch_ends(record):
                clock.now += per_row * len(candidate.x)
                return ends(record)

            return found | {"callback": epoch_ends}

        return wrapped

    monkeypatch.setattr(training.Training, "_settings", settings(training.Training._settings))
    trial = lambda one, given, more: 0.0 if "callback" in more else per_row * len(given[0])  # noqa: E731
    clock.takes(monkeypatch, Network, "train", trial)
    clock.takes(monkeypatch, Recipe, "network", lambda *given: network)
    clock.takes(monkeypatch, Watched, "_score", lambda *given: score)
    usual = Preparation.fit

    def prepare(*given, **more):
        clock.now += preparation
        return usual(*given, **more)

    monkeypatch.setattr(Preparation, "fit", prepare)
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 3))
    begin = clock.now
    model.fit(X, X[:, 0] > 0 if isinstance(model, TabularClassifier) else X[:, 0])
    assert np.isfinite(model._outputs(X)).all()
    return clock.now - begin


CASES = [
    *itertools.product([2.0], ["default", "best"], [1e-4, 1e-2], [0.0, 0.005]),
    *itertools.product([20.0], ["default", "best"], [1e-2], [0.0, 0.005]),
    (2.0, "best", 1e-3, 0.05),  # a choice takes long
    (100.0, "best", 0.1, 0.002),
]


@pytest.mark.parametrize(("seconds", "preset", "per_row", "score"), CASES)
def test_kept_to_a_second_or_a_twentieth(seconds, preset, per_row, score, clock, monkeypatch):
    for kind in (TabularRegressor, TabularClassifier):
        with monkeypatch.context() as patch:
            model = kind(preset, time_budget=seconds, random_state=0, n_jobs=1)
            took = fit(clock, patch, model, per_row=per_row, network=0.05, score=score, preparation=0.3)
        assert took <= seconds + max(1.0, seconds / 20)


def test_slow_machines_have_a_model_after_one_epoch(clock, monkeypatch):
    model = TabularRegressor("best", time_budget=1.0, random_state=0, n_jobs=1)
    fit(clock, monkeypatch, model, per_row=1.0)
    assert {member.epoch for member in model.members_} == {1}


def test_networks_are_made_when_there_is_time_for_them(clock, monkeypatch):
    made = []
    usual = Recipe.network
    monkeypatch.setattr(Recipe, "network", lambda *given, **more: made.append(1) or usual(*given, **more))
    model = TabularRegressor("best", time_budget=4.0, random_state=0, n_jobs=1)
    fit(clock, monkeypatch, model, per_row=1e-3, network=0.5)
    assert len(made) < 10


def test_a_long_choice_is_cut_short_and_looked_at_once(clock, monkeypatch):
    model = TabularRegressor("best", time_budget=10.0, random_state=0, n_jobs=1)
    took = fit(clock, monkeypatch, model, per_row=1e-4, score=0.02)
    assert took <= 11
    assert len(model.looks_) == 1
    assert model.looks_[-1].score >= model.looks_[-1].best_single - 1e-12
