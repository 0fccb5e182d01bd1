"""Fits side by side, in processes and in threads, together use no more threads than there are cores."""

import inspect
import os
import signal
import subprocess
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from chainrule import MLPClassifier, MLPRegressor, Network, _threads

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

PATIENCE = 60  # seconds after which threads that should meet have missed each other
RNG = np.random.default_rng(0)
X = RNG.normal(size=(2000, 40))
LABELS = (X[:, 0] * X[:, 1] > 0).astype(int)
SETTINGS = {"hidden_layer_sizes": (100,), "batch_size": 1000}  # steps worth dozens of threads


@pytest.fixture
def four(monkeypatch):
    """Let OpenMP's own setting be four threads, whatever this machine and its environment say."""
    monkeypatch.setattr(_threads._engine, "max_threads", lambda: 4)


class Meetings(np.random.RandomState):
    """Draws that wait before each epoch's shuffle for all fits, and note the threads used so far."""

    def __init__(self, barrier):
        super().__init__(0)
        self.barrier, self.used, self.mlp = barrier, [], None

    def shuffle(self, order):
        trainer = self.mlp._optimizer._trainer
        if trainer is not None:
            self.used.append(trainer.n_threads)
        if self.barrier is not None:
            self.barrier.wait(PATIENCE)
        super().shuffle(order)


def fit(barrier=None, max_iter=4, estimator=MLPClassifier, **settings):
    """Fit with a barrier before each epoch; return the estimator and the threads of each but its last."""
    meetings = Meetings(barrier)
    mlp = estimator(**{**SETTINGS, **settings}, max_iter=max_iter, random_state=meetings)
    meetings.mlp = mlp
    mlp.fit(X, LABELS)
    return mlp, meetings.used


@pytest.mark.parametrize(("n_fits", "each"), [(2, 2), (3, 1), (4, 1), (6, 1)])
@pytest.mark.parametrize("estimator", [MLPClassifier, MLPRegressor])
def test_fits_in_threads_share_the_cores(four, estimator, n_fits, each):
    barrier = threading.Barrier(n_fits)
    fits = joblib.Parallel(n_jobs=n_fits, backend="threading")(
        joblib.delayed(fit)(barrier, estimator=estimator) for _ in range(n_fits)
    )
    alone, _ = fit(estimator=estimator)
    for mlp, used in fits:
        assert used == [each] * 3
        assert mlp.loss_curve_ == alone.loss_curve_
        for found, expected in zip(mlp.coefs_, alone.coefs_, strict=True):
            assert_array_equal(found, expected)


def test_the_number_of_threads_follows_the_fits_that_begin_and_end(four):
    """A fit of three epochs beside one of six, which first is alone, then in company, then alone."""
    before, beside, after = threading.Event(), threading.Barrier(2), threading.Event()

    class Course(Meetings):
        def shuffle(self, order):
            epoch = self.mlp.n_iter_
            self.used.append(_threads.share(0))
            if epoch == 1:
                before.set()
            if 1 <= epoch <= 3:
                beside.wait(PATIENCE)
            if epoch == 4:
                assert after.wait(PATIENCE)
            np.random.RandomState.shuffle(self, order)

    course = Course(None)
    course.mlp = MLPClassifier(**SETTINGS, max_iter=6, random_state=course)
    with ThreadPoolExecutor(2) as pool:
        long = pool.submit(course.mlp.fit, X, LABELS)
        assert before.wait(PATIENCE)
        short = pool.submit(fit, beside, max_iter=3)
        short.result()
        after.set()
        long.result()
    assert course.used[0] == 0  # OpenMP's own
    assert course.used[2:4] == [2, 2]
    assert course.used[5] == 0
    alone, _ = fit(max_iter=6)
    assert course.mlp.loss_curve_ == alone.loss_curve_


def test_a_number_that_was_asked_for_stands(four):
    barrier = threading.Barrier(2)
    with ThreadPoolExecutor(2) as pool:
        fits = [pool.submit(fit, barrier, n_threads=3) for _ in range(2)]
    assert [f.result()[1] for f in fits] == [[3] * 3] * 2


@pytest.mark.parametrize("failing", [False, True])
def test_a_fit_that_has_ended_does_not_count(four, failing):
    def train():
        if failing:
            with pytest.raises(ValueError, match="non-finite"):
                MLPRegressor(hidden_layer_sizes=(5,), learning_rate_init=1e300, solver="sgd", max_iter=3).fit(
                    X, LABELS
                )
        else:
            MLPRegressor(hidden_layer_sizes=(5,), solver="lbfgs", max_iter=3).fit(X, LABELS)

    with ThreadPoolExecutor(3) as pool:
        for done in [pool.submit(train) for _ in range(6)]:
            done.result()
    assert _threads.share(0) == 0
    assert not _threads._at_work


def test_networks_in_threads_share_the_cores(four):
    barrier = threading.Barrier(2)

    def train(seed):
        net, used = Network([40, 100, 2], loss="cross_entropy", random_state=seed), []

        def meet(record):
            used.append(net._trainee.state._trainer.n_threads)
            barrier.wait(PATIENCE)

        net.train(X, LABELS, batch_size=1000, epochs=4, callback=meet)
        return net, used

    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(train, range(2)))
    for seed, (net, used) in enumerate(results):
        assert used[1:] == [2] * 3  # in the first epoch one may still be alone
        alone = Network([40, 100, 2], loss="cross_entropy", random_state=seed)
        alone.train(X, LABELS, batch_size=1000, epochs=4)
        for found, expected in zip(net.weights, alone.weights, strict=True):
            assert_array_equal(found, expected)


def python(code, **environment):
    """Run code in a process whose environment says nothing of threads but what is given."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    kept = {name: value for name, value in os.environ.items() if name not in names}
    done = subprocess.run(
        [
            sys.executable,
            "-W",
            "error",
            "-W",
            "ignore::UserWarning",
            "-W",
            "ignore:.*fork:DeprecationWarning",
            "-c",
            inspect.cleandoc(code),
        ],
        env=kept | environment,
        capture_output=True,
        text=True,
        timeout=10 * PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


PROCESSES = """
    import joblib
    import numpy as np
    from sklearn.base import clone
    from sklearn.model_selection import GridSearchCV, cross_val_score
    from chainrule import MLPClassifier, _engine

    x = np.random.default_rng(0).normal(size=(2000, 40))
    y = (x[:, 0] > 0).astype(int)

    def used(mlp, x, y):
        "Threads of an epoch whose steps are worth dozens, in this process, as a score."
        again = clone(mlp).partial_fit(x, y, classes=[0, 1])
        return again._optimizer._trainer.n_threads

    mlp = MLPClassifier((100,), batch_size=500, max_iter=2, random_state=0)
"""


@pytest.mark.slow
def test_processes_of_joblib_share_the_cores():
    """OpenMP's own setting would be all cores in each of them; joblib's processes are told what they get."""
    code = """
    grid = GridSearchCV(mlp, {"alpha": [0.1, 0.2]}, cv=2, scoring=used, n_jobs=-1, refit=False).fit(x, y)
    print(used(mlp, x, y))
    print(int(grid.cv_results_["mean_test_score"].max()))
    print(int(cross_val_score(mlp, x, y, cv=4, scoring=used, n_jobs=-1).max()))
    print(max(joblib.Parallel(n_jobs=2)(joblib.delayed(used)(mlp, x, y) for _ in range(4))))
    with joblib.parallel_config("loky", inner_max_num_threads=3):
        print(max(joblib.Parallel(n_jobs=2)(joblib.delayed(used)(mlp, x, y) for _ in range(4))))
    """
    here, grid, cross, two, three = map(int, python(PROCESSES + code))
    cores = joblib.cpu_count()
    assert here == min(cores, 50)  # no more than the work is worth
    assert (grid, cross, two, three) == (1, 1, max(1, cores // 2), 3)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_forked_processes_use_one_thread_each():
    """GNU's OpenMP waits for ever in a fork of a process that has used its threads."""
    code = """
    import multiprocessing

    def outcome(n_threads):
        mlp.n_threads = n_threads
        return used(mlp, x, y), mlp.fit(x, y).loss_

    with multiprocessing.get_context("fork").Pool(2) as pool:
        there = pool.map_async(outcome, [None, 2])
        here, loss = outcome(2)
        assert here == 2
        assert there.get(60) == [(1, loss)] * 2
    with multiprocessing.get_context("fork").Pool(2) as pool:
        assert pool.map_async(outcome, [None, 2]).get(60) == [(1, loss)] * 2
    grid = GridSearchCV(mlp, {"alpha": [0.1, 0.2]}, cv=2, scoring=used, n_jobs=2, refit=False)
    with joblib.parallel_config("multiprocessing"):
        assert grid.fit(x, y).cv_results_["mean_test_score"].max() == 1
    """
    python(PROCESSES + code, OMP_NUM_THREADS="2")


def test_threads_of_joblib_share_what_the_environment_gives():
    """joblib's threading backend leaves OpenMP alone, which would use four threads for each fit."""
    code = """
    import threading

    meet = threading.Barrier(2)

    def in_company(seed):
        net, used = Network([40, 100, 2], random_state=seed), []

        def note(record):
            used.append(net._trainee.state._trainer.n_threads)
            meet.wait(60)

        net.train(x, np.eye(2)[y], batch_size=500, epochs=3, callback=note)
        return used[1:]

    from chainrule import Network
    print(used(mlp, x, y), *sum(joblib.Parallel(2, "threading")(map(joblib.delayed(in_company), [0, 1])), []))
    """
    assert python(PROCESSES + code, OMP_NUM_THREADS="4") == ["4", "2", "2", "2", "2"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_a_fork_while_another_thread_counts_itself_does_not_wait_for_it():
    holds, ends = threading.Event(), threading.Event()

    def hold():
        with _threads._lock:
            holds.set()
            ends.wait(PATIENCE)

    other = threading.Thread(target=hold)
    other.start()
    assert holds.wait(PATIENCE)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*fork", DeprecationWarning)
        child = os.fork()
    if not child:
        signal.alarm(PATIENCE)  # which ends it, where it waits
        with _threads.training():
            os._exit(_threads.share(0))
    ends.set()
    other.join()
    assert os.waitpid(child, 0)[1] == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
@pytest.mark.parametrize("delay", [0.0, 0.02, 0.05, 0.1])
def test_forked_while_another_thread_trains_for_the_first_time(delay):
    """A child has the locks of modules that were half imported, and nobody who would open them."""
    code = f"""
    import os
    import threading
    import time
    import numpy as np
    import chainrule

    x = np.random.default_rng(0).normal(size=(5000, 20))
    net = chainrule.Network([20, 64, 2], random_state=0)
    thread = threading.Thread(target=lambda: net.train(x, x[:, :2], epochs=20))
    thread.start()
    time.sleep({delay})
    child = os.fork()
    if child == 0:
        chainrule.Network([20, 8, 2], random_state=0).train(x[:100], x[:100, :2], epochs=1)
        os._exit(7)
    for _ in range(600):
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            break
        time.sleep(0.1)
    else:
        os.kill(child, 9)
        raise SystemExit("the child waits for ever")
    thread.join()
    assert os.waitstatus_to_exitcode(status) == 7
    """
    python(code)
