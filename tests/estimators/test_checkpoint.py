"""Fits that are killed and go on: the same bits as one that never was."""

import errno
import json
import os
import signal
import subprocess
import sys
import textwrap
from types import SimpleNamespace

import numpy as np
import pytest
import scipy.sparse
from numpy.testing import assert_array_equal

import chainrule
from chainrule.estimators import MLPClassifier, MLPRegressor, checkpoint
from chainrule.files.errors import ModelFileError

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(90, 4))
X_VAL = RNG.normal(size=(30, 4))
LABELS = np.array(["a", "b", "c"])[(X[:, 0] > 0).astype(int) + (X[:, 1] > 0.5)]
LABELS_VAL = np.array(["a", "b", "c"])[(X_VAL[:, 0] > 0).astype(int) + (X_VAL[:, 1] > 0.5)]
FAST = {"hidden_layer_sizes": (5,), "batch_size": 20, "max_iter": 12, "random_state": 3}


class Killed(BaseException):
    """What no handler of ours catches, as if the process ended there."""


def kill_at(epoch):
    def kill(record):
        if record.epoch == epoch:
            raise Killed

    return kill


def same(a, b):
    """Everything that fitting found, bit for bit, optimiser included."""
    names = {name for name in vars(a) if name.endswith("_")} - {"coefs_", "intercepts_", "_labels"}
    assert {name for name in vars(b) if name.endswith("_")} - {"coefs_", "intercepts_"} == names
    for name in names:
        assert_array_equal(getattr(a, name), getattr(b, name), err_msg=name)
    for one, other in zip(a.coefs_ + a.intercepts_, b.coefs_ + b.intercepts_, strict=True):
        assert one.dtype == other.dtype
        assert_array_equal(one, other)
    for one, other in zip(a._optimizer.moments, b._optimizer.moments, strict=True):
        assert_array_equal(one, other)
    for name in ("n_steps", "learning_rate"):
        assert getattr(a._optimizer, name) == getattr(b._optimizer, name)


WAYS = {
    "adam": {},
    "sgd with momentum": {"solver": "sgd", "learning_rate": "invscaling"},
    "adaptive": {"solver": "sgd", "learning_rate": "adaptive", "tol": 0.1, "n_iter_no_change": 1},
    "early stopping": {"early_stopping": True, "scoring": ["loss", "accuracy"], "patience": 30, "tol": 0.0},
    "stops early": {"early_stopping": True, "patience": 3, "tol": 1.0},
    "in the given order": {"shuffle": False},
    "blocks of rows": {"row_blocks": 4, "dropout": 0.2},
    "weighted": {"class_weight": "balanced", "alpha": 0.1},
}


@pytest.mark.parametrize("at", [1, 2, 7])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("way", WAYS)
def test_a_fit_that_goes_on_has_the_bits_of_one_that_was_not_interrupted(way, dtype, at, tmp_path):
    x, path = X.astype(dtype), tmp_path / "run.safetensors"
    whole = MLPClassifier(**FAST | WAYS[way]).fit(x, LABELS)
    broken = MLPClassifier(**FAST | WAYS[way], checkpoint=path, callbacks=kill_at(at))
    if at <= whole.n_iter_:
        with pytest.raises(Killed):
            broken.fit(x, LABELS, resume=True)
        assert path.exists() == (at > 1)
    resumed = MLPClassifier(**FAST | WAYS[way], checkpoint=path).fit(x, LABELS, resume=True)
    same(resumed, whole)
    again = MLPClassifier(**FAST | WAYS[way], checkpoint=path).fit(x, LABELS, resume=True)
    same(again, whole)  # the fit is over: nothing is done


def test_rows_watched_and_scaled_targets(tmp_path):
    parameters = FAST | {"scale_targets": True, "early_stopping": True, "checkpoint": tmp_path / "run"}
    y, y_val = 1e4 + X[:, :2] @ np.diag([10, 1000]), 1e4 + X_VAL[:, :2] @ np.diag([10, 1000])
    data = {"X": scipy.sparse.csr_array(X), "y": y, "sample_weight": np.linspace(0, 1, 90), "X_val": X_VAL,
            "y_val": y_val, "sample_weight_val": np.linspace(1, 2, 30)}  # fmt: skip
    whole = MLPRegressor(**parameters | {"checkpoint": None}).fit(**data)
    with pytest.raises(Killed):
        MLPRegressor(**parameters, callbacks=kill_at(6)).fit(**data)
    same(MLPRegressor(**parameters).fit(**data, resume=True), whole)


@pytest.mark.parametrize("source", ["RandomState", "global"])
def test_other_sources_of_random_numbers(source, tmp_path):
    path = tmp_path / "run"

    def begin(**parameters):
        if source == "global":
            np.random.seed(7)  # noqa: NPY002
        random_state = None if source == "global" else np.random.RandomState(7)
        return MLPClassifier(**FAST | {"random_state": random_state, **parameters})

    whole = begin().fit(X, LABELS)
    with pytest.raises(Killed):
        begin(checkpoint=path, callbacks=kill_at(5)).fit(X, LABELS)
    resumed = begin(checkpoint=path).fit(X, LABELS, resume=True)
    same(resumed, whole)
    if source == "RandomState":  # and the source itself is where it would have been
        assert resumed.random_state.uniform() == whole.random_state.uniform()


def test_more_epochs_for_a_fit_that_ran_out_of_them(tmp_path):
    path = tmp_path / "run"
    MLPClassifier(**FAST, checkpoint=path).fit(X, LABELS)
    longer = FAST | {"max_iter": 20}
    same(
        MLPClassifier(**longer, checkpoint=path).fit(X, LABELS, resume=True),
        MLPClassifier(**longer).fit(X, LABELS),
    )


def test_time_that_ran_out(tmp_path):
    path = tmp_path / "run"
    for n_iter in (1, 2, 3):
        mlp = MLPClassifier(**FAST, checkpoint=path, max_time=1e-9).fit(X, LABELS, resume=True)
        assert mlp.n_iter_ == n_iter
    same(
        MLPClassifier(**FAST, checkpoint=path).fit(X, LABELS, resume=True),
        MLPClassifier(**FAST).fit(X, LABELS),
    )


def test_warm_start_with_a_checkpoint(tmp_path):
    """A second fit begins anew in the file; its resumption knows nothing of the first."""
    path = tmp_path / "run"
    first = {**FAST, "warm_start": True}
    whole = MLPClassifier(**first).fit(X, LABELS).fit(X, LABELS)
    mlp = MLPClassifier(**first, checkpoint=path).fit(X, LABELS)
    with pytest.raises(Killed):
        mlp.set_params(callbacks=kill_at(4)).fit(X, LABELS)
    same(MLPClassifier(**first, checkpoint=path).fit(X, LABELS, resume=True), whole)


def test_a_checkpoint_is_a_model(tmp_path):
    path = tmp_path / "run.safetensors"
    with pytest.raises(Killed):
        MLPClassifier(**FAST, checkpoint=path, callbacks=kill_at(6)).fit(X, LABELS)
    model = chainrule.load(path)
    five = MLPClassifier(**FAST | {"max_iter": 5}).fit(X, LABELS)
    assert model.n_iter_ == 5
    assert_array_equal(model.predict_proba(X), five.predict_proba(X))


@pytest.mark.parametrize("every", [1, 5])
def test_how_often_it_is_written(every, tmp_path, monkeypatch):
    written = []
    write = checkpoint.models.write_state
    monkeypatch.setattr(
        checkpoint.models,
        "write_state",
        lambda *args: (written.append(args[2]["fitted"]["n_iter_"]), write(*args)),
    )
    MLPClassifier(**FAST, checkpoint=tmp_path / "run", checkpoint_every=every).fit(X, LABELS)
    assert written == [*range(every, 12, every), 12]


def test_by_time(tmp_path, monkeypatch):
    written, now = [], iter(range(0, 1000, 20))
    monkeypatch.setattr(
        checkpoint.models, "write_state", lambda *args: written.append(args[2]["fitted"]["n_iter_"])
    )
    monkeypatch.setattr(checkpoint, "time", SimpleNamespace(monotonic=lambda: next(now)))
    MLPClassifier(**FAST, checkpoint=tmp_path / "run", checkpoint_every="1 min").fit(X, LABELS)
    assert written == [3, 6, 9, 12]


def test_parameters_that_cannot_be(tmp_path):
    for every in ("often", "10", "0 min", "5 days"):
        with pytest.raises(ValueError, match=r"expected a number of epochs .* or a time such as '10 min'"):
            MLPRegressor(checkpoint_every=every).fit(X, X[:, 0])
    with pytest.raises(
        ValueError, match=r"resume=True\) needs to know the file to go on from: set checkpoint"
    ):
        MLPRegressor().fit(X, X[:, 0], resume=True)
    with pytest.raises(ValueError, match=r"checkpoint=.* does not go with solver='lbfgs'"):
        MLPRegressor(solver="lbfgs", checkpoint=tmp_path / "run").fit(X, X[:, 0])
    with pytest.raises(FileNotFoundError, match="nowhere"):
        MLPRegressor(checkpoint=tmp_path / "nowhere" / "run").fit(X, X[:, 0])


def test_a_file_that_is_not_this_fits(tmp_path):
    path = tmp_path / "run"
    MLPClassifier(**FAST, checkpoint=path).fit(X, LABELS)
    with pytest.raises(
        ValueError, match=r"belongs to a fit with alpha=0.0001 \(now 0.5\), tol=0.0001 \(now 0.1\)"
    ):
        MLPClassifier(**FAST, alpha=0.5, tol=0.1, checkpoint=path).fit(X, LABELS, resume=True)
    for x, y in ((X + 1e-9, LABELS), (X, LABELS[::-1]), (X[1:], LABELS[1:]), (X.astype(np.float32), LABELS)):
        with pytest.raises(ValueError, match="belongs to a fit of other rows"):
            MLPClassifier(**FAST, checkpoint=path).fit(x, y, resume=True)
    with pytest.raises(ModelFileError, match="no checkpoint of a MLPRegressor"):
        MLPRegressor(**FAST, checkpoint=path).fit(X, X[:, 0], resume=True)
    MLPClassifier(**FAST).fit(X, LABELS).save(path)
    with pytest.raises(ModelFileError, match="no checkpoint of a MLPClassifier"):
        MLPClassifier(**FAST, checkpoint=path).fit(X, LABELS, resume=True)
    path.write_bytes(b"")
    with pytest.raises(ModelFileError, match="is not a model file"):
        MLPClassifier(**FAST, checkpoint=path).fit(X, LABELS, resume=True)


def test_a_diverged_fit_does_not_replace_the_last_good_file(tmp_path):
    def spoil(record):
        if record.epoch == 4:
            record.estimator.coefs_[0][0, 0] = np.nan

    path = tmp_path / "run"
    with pytest.raises(ValueError, match="non-finite"):
        MLPRegressor(**FAST, checkpoint=path, callbacks=spoil).fit(X, X[:, 0])
    assert chainrule.load(path).n_iter_ == 3


def test_interrupted_by_the_user(tmp_path):
    def interrupt(record):
        if record.epoch == 4:
            raise KeyboardInterrupt

    path = tmp_path / "run"
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        mlp = MLPClassifier(**FAST, checkpoint=path, callbacks=interrupt).fit(X, LABELS)
    assert mlp.stop_reason_ == "interrupted"
    same(
        MLPClassifier(**FAST, checkpoint=path).fit(X, LABELS, resume=True),
        MLPClassifier(**FAST).fit(X, LABELS),
    )


def test_a_checkpoint_replaces_no_file_of_another_kind(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(ModelFileError, match=r"table.csv exists and is no model file, so no"):
        MLPClassifier(**FAST, checkpoint=path).fit(X, LABELS)
    assert path.read_text() == "a,b\n1,2\n"
    path.write_text("")  # as `mktemp` makes it
    MLPClassifier(**FAST, checkpoint=path).fit(X, LABELS)
    assert chainrule.load(path).n_iter_ == 12


# Each line of its input is a fit in a process of its own, forked so that the libraries are loaded once, and
# killed (-9) so many seconds later. It prints how the process ended.
PROGRAM = textwrap.dedent(
    """
    import json, os, signal, sys, time, traceback, warnings
    import numpy as np
    from chainrule import MLPClassifier
    warnings.simplefilter("ignore")

    def fit(path, out, parameters):
        rng = np.random.default_rng(0)
        x = rng.normal(size=(400, 10)); y = (x[:, 0] + x[:, 1] ** 2 > 0.5).astype(int)
        mlp = MLPClassifier((20, 20), max_iter=400, patience=np.inf, random_state=0, checkpoint=path or None,
                            **parameters)
        mlp.fit(x[:350], y[:350], X_val=x[350:], y_val=y[350:], resume=bool(path))
        np.savez(out, *mlp.coefs_, *mlp.intercepts_, mlp.loss_curve_, *mlp.evals_result_.values(),
                 *mlp._optimizer.moments, [mlp.best_iteration_, mlp._optimizer.n_steps])

    for line in sys.stdin:
        *arguments, kill_after = json.loads(line)
        process = os.fork()
        if not process:
            try:
                fit(*arguments)
            except BaseException:
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        if kill_after is not None:
            time.sleep(kill_after)
            os.kill(process, signal.SIGKILL)
        print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), flush=True)
    """
)


@pytest.fixture(scope="module")
def run():
    """Return a function that fits in a process and returns whether the fit came to its end."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "OMP_NUM_THREADS": "1"}

    def run(path, out, parameters, kill_after=None):
        print(json.dumps([path, out, parameters, kill_after]), file=program.stdin, flush=True)
        code = int(program.stdout.readline())
        assert code in (0, -signal.SIGKILL)
        return code == 0

    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", PROGRAM], env=environment, **pipes) as program:
        yield run  # and the closed input ends the program


#: Batches of 20 leave the last one half full.
KILLED = {
    "adam, early stopping": {"batch_size": 20, "early_stopping": True, "scoring": "loss"},
    "dropout, adamw, schedule": {
        "batch_size": 20, "solver": "adamw", "dropout": 0.3, "schedule": "cosine", "layer_norm": True,
        "residual": True, "activation": "prelu",
    },
    "momentum, plateau": {"batch_size": 20, "solver": "sgd", "schedule": "plateau", "tol": 0.0},
    "rprop, all rows": {"solver": "rprop", "clip_value": 0.1, "early_stopping": True},
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("way", KILLED)
def test_kill_9_at_any_moment(run, way, tmp_path):
    assert run("", str(tmp_path / "whole.npz"), KILLED[way])
    go_on = str(tmp_path / "run"), str(tmp_path / "resumed.npz"), KILLED[way]
    n_killed = sum(not run(*go_on, delay) for delay in np.random.default_rng(1).uniform(0.01, 0.2, size=3))
    assert n_killed > 0, "it was never killed"
    assert run(*go_on)
    whole, resumed = np.load(tmp_path / "whole.npz"), np.load(tmp_path / "resumed.npz")
    assert len(whole.files) >= 11
    for name in whole.files:
        assert_array_equal(whole[name], resumed[name])


# warm_start that keeps the optimiser


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_keep_optimizer(solver):
    parameters = FAST | {"solver": solver, "shuffle": False, "learning_rate_init": 0.01}
    whole = MLPRegressor(**parameters | {"max_iter": 6}).fit(X, X[:, 0])
    halves = MLPRegressor(**parameters | {"max_iter": 3}, warm_start=True, keep_optimizer=True)
    halves.fit(X, X[:, 0]).fit(X, X[:, 0])
    assert_array_equal(halves.coefs_[0], whole.coefs_[0])
    assert halves.loss_curve_ == whole.loss_curve_
    fresh = MLPRegressor(**parameters | {"max_iter": 3}, warm_start=True)
    fresh.fit(X, X[:, 0]).fit(X, X[:, 0])
    assert np.abs(fresh.coefs_[0] - whole.coefs_[0]).max() > 1e-6


def test_keep_optimizer_of_another_solver_begins_anew():
    mlp = MLPRegressor(**FAST, warm_start=True, keep_optimizer=True).fit(X, X[:, 0])
    assert mlp.set_params(solver="sgd").fit(X, X[:, 0])._optimizer.solver == "sgd"


def test_a_checkpoint_that_cannot_be_written_ends_no_fit(tmp_path, monkeypatch):
    """A disk that is full for a while: warnings with the file's name, the same model, and later a file."""
    path, write = tmp_path / "run", os.fsync
    whole = MLPClassifier(**FAST).fit(X, LABELS)
    n_calls = 0

    def full(handle):
        nonlocal n_calls
        n_calls += 1
        if n_calls <= 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(handle)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.warns(UserWarning, match=rf"of epoch [12] could not be written: .*No space left.*'{path}'"):
        fitted = MLPClassifier(**FAST, checkpoint=path).fit(X, LABELS)
    same(fitted, whole)
    same(chainrule.load(path), whole)
    assert os.listdir(tmp_path) == ["run"]


def test_a_checkpoint_that_can_never_be_written(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "replace", lambda *names: os.rename(tmp_path / "missing", names[1]))
    with pytest.warns(UserWarning, match=r"could not be written"):
        fitted = MLPClassifier(**FAST, checkpoint=tmp_path / "run").fit(X, LABELS)
    same(fitted, MLPClassifier(**FAST).fit(X, LABELS))
    assert os.listdir(tmp_path) == []
