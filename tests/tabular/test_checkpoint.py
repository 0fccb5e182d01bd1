"""Fits of many networks that are ended and go on: the same bits, and nothing trained twice."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

import chainrule
from chainrule import TabularClassifier, TabularRegressor
from chainrule.files import models
from chainrule.files.errors import ModelFileError
from chainrule.tabular import checkpoint as checkpoints
from chainrule.tabular.recipes import Recipe, draws, realmlp_td
from chainrule.tabular.training import Training


def rows(n=80):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, 4))
    return x, x[:, 0] * x[:, 1] + 0.1 * rng.normal(size=n)


SETTINGS = {"n_members": 2, "n_folds": 2, "random_state": 0, "n_jobs": 1}


def ended_after(n, monkeypatch):
    """Let a fit be interrupted when n networks are done."""
    usual, seen = checkpoints.Checkpoint.cycle_ends, []

    def cycle_ends(self, candidates, *, now=False):
        usual(self, candidates, now=now)
        if self._n_kept == n and not seen:
            seen.append(n)
            raise KeyboardInterrupt

    monkeypatch.setattr(checkpoints, "EVERY", 0.0)
    monkeypatch.setattr(checkpoints.Checkpoint, "cycle_ends", cycle_ends)


@pytest.mark.parametrize("classifies", [True, False])
@pytest.mark.parametrize("n", [1, 3])
def test_same_bits_and_nothing_trained_twice(classifies, n, tmp_path, monkeypatch):
    x, y = rows()
    kind, y = (TabularClassifier, y > 0) if classifies else (TabularRegressor, y)
    whole = kind(**SETTINGS).fit(x, y)
    model = kind(checkpoint=tmp_path / "fit.safetensors", **SETTINGS)
    ended_after(n, monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        model.fit(x, y, resume=True)  # nothing there yet: it begins
    trained, train = [], Training.train

    def counted(self, candidates, until):
        trained.append(sum(one.epoch < until for one in candidates))
        train(self, candidates, until)

    monkeypatch.setattr(Training, "train", counted)
    model.fit(x, y, resume=True)
    assert trained == [4 - n]
    expected = whole._outputs(x)
    np.testing.assert_array_equal(model._outputs(x), expected)
    assert [member.weight for member in model.members_] == [member.weight for member in whole.members_]
    trained.clear()
    again = kind(checkpoint=tmp_path / "fit.safetensors", **SETTINGS).fit(x, y, resume=True)
    assert not sum(trained)
    np.testing.assert_array_equal(again._outputs(x), expected)


def test_a_network_that_diverged_stays_what_it_became(tmp_path, monkeypatch):
    x, y = rows()
    settings = {"n_members": 2, "random_state": 0, "n_jobs": 1}
    usual = Recipe.settings
    monkeypatch.setattr(
        Recipe,
        "settings",
        lambda self, network: (
            usual(self, network) | ({"optimizer": chainrule.SGD(1e30)} if self.learning_rate == rate else {})
        ),
    )
    rate = draws(realmlp_td(classifies=False, smoothing=False), 2, _seed(0))[1].learning_rate
    first = TabularRegressor(checkpoint=tmp_path / "fit.safetensors", **settings).fit(x, y, X_val=x, y_val=y)
    _, _, state = models.read_state(tmp_path / "fit.safetensors")
    assert [one["trials"] for one in state["networks"]] == [1, 2]
    assert state["networks"][1]["recipe"]["learning_rate"] == rate / 4
    again = TabularRegressor(checkpoint=tmp_path / "fit.safetensors", **settings).fit(
        x, y, X_val=x, y_val=y, resume=True
    )
    np.testing.assert_array_equal(again.predict(x), first.predict(x))
    assert [m.recipe for m in again.members_] == [m.recipe for m in first.members_]


def _seed(random_state):
    return int(np.random.RandomState(random_state).randint(2**31 - 1))


def test_other_rows_or_settings_are_refused_by_name(tmp_path):
    x, y = rows()
    path = tmp_path / "fit.safetensors"
    TabularRegressor("fast", checkpoint=path, random_state=0).fit(x, y)
    for settings, name in (
        ({"scoring": "r2"}, "scoring"),
        ({"random_state": 1}, "random_state"),
        ({"n_members": 2}, "n_members"),
    ):
        other = TabularRegressor("fast", **{"checkpoint": path, "random_state": 0, **settings})
        with pytest.raises(ValueError, match=rf"belongs to a fit with {name}="):
            other.fit(x, y, resume=True)
    with pytest.raises(ValueError, match="belongs to a fit of other rows"):
        TabularRegressor("fast", checkpoint=path, random_state=0).fit(x, y + x[:, 0], resume=True)
    chainrule.Network([2, 1], random_state=0).save(path)
    with pytest.raises(ModelFileError, match="no checkpoint of a tabular estimator"):
        TabularRegressor("fast", checkpoint=path, random_state=0).fit(x, y, resume=True)
    path.write_text("mine")
    with pytest.raises(ModelFileError, match="no model file"):
        TabularRegressor("fast", checkpoint=path, random_state=0).fit(x, y)
    assert path.read_text() == "mine"


def test_what_cannot_go_on_is_said_before_training(tmp_path):
    x, y = rows()
    with pytest.raises(ValueError, match="whole number as random_state"):
        TabularRegressor("fast", checkpoint=tmp_path / "a").fit(x, y)
    with pytest.raises(ValueError, match="do not go together"):
        TabularRegressor("fast", checkpoint=tmp_path / "a", random_state=0, time_budget=9.0).fit(x, y)
    with pytest.raises(ValueError, match="needs the parameter checkpoint"):
        TabularRegressor("fast", random_state=0).fit(x, y, resume=True)


def test_the_file_is_no_model(tmp_path):
    x, y = rows()
    path = tmp_path / "fit.safetensors"
    TabularRegressor("fast", checkpoint=path, random_state=0).fit(x, y)
    with pytest.raises(ModelFileError, match="is a checkpoint of a fit of many networks"):
        chainrule.load(path)


@pytest.mark.parametrize("where", [0.3, 0.6, 0.9])
def test_damage_is_an_error_of_the_file(where, tmp_path):
    x, y = rows()
    path = tmp_path / "fit.safetensors"
    TabularRegressor("fast", checkpoint=path, random_state=0).fit(x, y)
    data = bytearray(path.read_bytes())
    data[int(where * len(data))] ^= 4
    path.write_bytes(data)
    with pytest.raises(ModelFileError):
        TabularRegressor("fast", checkpoint=path, random_state=0).fit(x, y, resume=True)


KILLED = """
import sys
import numpy as np
from chainrule import TabularRegressor
from chainrule.tabular import checkpoint
checkpoint.EVERY = 0.0
x = np.random.default_rng(0).normal(size=(600, 6))
y = x[:, 0] * x[:, 1] + x[:, 2]
model = TabularRegressor(n_members=5, random_state=0, n_jobs=1, checkpoint=sys.argv[1])
model.fit(x, y, resume=True)
np.save(sys.argv[2], model.predict(x))
"""


@pytest.mark.slow
def test_killed_at_any_moment(tmp_path):
    def start(name):
        return subprocess.Popen(
            [
                sys.executable,
                "-c",
                KILLED,
                str(tmp_path / f"{name}.safetensors"),
                str(tmp_path / f"{name}.npy"),
            ]
        )

    assert start("whole").wait() == 0
    rng = np.random.default_rng(1)
    for _ in range(4):
        process = start("killed")
        time.sleep(float(rng.uniform(2, 5)))
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert start("killed").wait() == 0
    np.testing.assert_array_equal(np.load(tmp_path / "killed.npy"), np.load(tmp_path / "whole.npy"))
    assert not [name for name in os.listdir(tmp_path) if name.endswith(".part")]


def test_plot():
    pytest.importorskip("matplotlib").use("Agg")
    x, y = rows()
    model = TabularRegressor("fast", random_state=0).fit(x, y)
    ax = model.plot()
    assert [line.get_label() for line in ax.get_lines()] == ["model", "its best network alone"]
    np.testing.assert_array_equal(ax.get_lines()[0].get_ydata(), [look.score for look in model.looks_])
    assert ax.get_ylabel() == "neg_root_mean_squared_error of the rows set aside"


def test_an_interrupted_fit_is_none_and_keeps_what_is_finished(tmp_path, monkeypatch):
    x, y = rows()
    path = tmp_path / "fit.safetensors"
    model = TabularRegressor(checkpoint=path, **SETTINGS).fit(x[:, :2], y)
    path.unlink()
    usual = Training.train

    def train(self, candidates, until):
        usual(self, candidates[:3], until)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Training, "train", train)
        with pytest.raises(KeyboardInterrupt):
            model.fit(x, y)
    with pytest.raises(NotFittedError):  # not half the model of before
        model.predict(x)
    _, _, state = models.read_state(path)
    assert [one["place"] for one in state["networks"]] == [0, 1, 2]
    expected = TabularRegressor(**SETTINGS).fit(x, y).predict(x)
    np.testing.assert_array_equal(model.fit(x, y, resume=True).predict(x), expected)
