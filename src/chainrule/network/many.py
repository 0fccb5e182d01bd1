"""`train_many`: independent networks side by side, each on a core of its own."""

import contextlib
import itertools
import os
import queue
import sys
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule import _engine
from chainrule._settings import whole_number
from chainrule.network import Network
from chainrule.network.jobs import Job, as_jobs
from chainrule.optimizers import LBFGS, Optimizer
from chainrule.training.errors import TrainingErrors
from chainrule.training.history import EpochRecord, History
from chainrule.training.loop import train
from chainrule.training.schedules import Schedule

GivenJob: TypeAlias = tuple[Network, Any, Any] | tuple[Network, Any, Any, Mapping[str, Any]]
Done: TypeAlias = "queue.SimpleQueue[tuple[int, History | BaseException]]"

#: Seconds between two looks for Ctrl-C. A wait for a thread does not everywhere end by itself.
BETWEEN_LOOKS = 0.1


def train_many(
    jobs: Iterable[GivenJob],
    *,
    n_jobs: int | None = None,
    on_done: Callable[[int, History | Exception], object] | None = None,
    optimizer: Optimizer | LBFGS | None = None,
    epochs: int = 100,
    batch_size: int | Literal["auto"] | None = "auto",
    shuffle: bool = True,
    sample_weight: Any = None,
    callback: Callable[[EpochRecord], object] | None = None,
    resume: bool = False,
    precision: str = "full",
    schedule: Schedule | str | Callable[[float], float] | None = None,
    schedule_epochs: int | None = None,
    learning_rate_factors: Iterable[float] | Mapping[str, Any] | None = None,
    validation: tuple[Any, ...] | None = None,
    patience: int | None = None,
    min_improvement: float = 0.0,
    max_time: float | None = None,
    row_blocks: int = 1,
    epsilon_factors: Iterable[float] | Mapping[str, Any] | None = None,
    decay_factors: Iterable[float] | Mapping[str, Any] | None = None,
    dropout_schedule: Schedule | str | Callable[[float], float] | None = None,
    decay_schedule: Schedule | str | Callable[[float], float] | None = None,
) -> list[History]:
    """Train independent networks in place, as many at once as there are cores, each by a thread of its own.

    Every network gets the bits that ``network.train(x, y, ...)`` alone would give it, whatever `n_jobs` is.
    The threads share the caller's arrays: nothing is pickled, and nothing copied that the engine can read as
    it is. The longest jobs (parameters x rows x epochs) begin first.

    Parameters
    ----------
    jobs : iterable of tuple
        ``(network, x, y)`` or ``(network, x, y, settings)``: a `Network`, its rows and targets as for
        `Network.train`, and a dictionary of those settings below that this job has for itself.
    n_jobs : int, optional
        How many networks are trained at once. By default as many as OpenMP would use threads
        (OMP_NUM_THREADS and threadpoolctl's limits count), and no more than this process has cores; -1 is a
        thread for each core, -2 one less.
    on_done : callable, optional
        Called as ``on_done(index, result)`` in the caller's thread when a job has ended, in whichever order
        they end: its place in `jobs`, and its History or Exception. For progress bars, or to save early.
    optimizer, epochs, batch_size, shuffle, sample_weight, callback, resume, precision, schedule, \
    schedule_epochs, learning_rate_factors, validation, patience, min_improvement, max_time, \
    row_blocks, epsilon_factors, decay_factors, dropout_schedule, decay_schedule
        The settings of `Network.train`, for all jobs. A `callback` is called in the thread that trains, so
        that several may be called at once if it serves several jobs; where it returns True, its job ends.

    Returns
    -------
    list of History
        One for each job, in their order.

    Raises
    ------
    TypeError, ValueError
        Before any training: for settings out of range, and for data that do not fit their network, are not
        finite or not numbers. The message begins with the job, as in ``jobs[3]: x has shape ...``. Also where
        two jobs have the same network.
    TrainingErrors
        An ExceptionGroup, after all jobs have ended, where some failed, by divergence say. `exceptions` has
        their errors, each with a note that says which job it was; `results` has a History or an error
        for every job.
    KeyboardInterrupt
        Ctrl-C stops all jobs within some tenths of a second. Every network is left after a whole step and can
        go on with ``resume=True``. So it is after an error in `on_done`.

    Notes
    -----
    A network uses one thread meanwhile, calls of it in a callback included, whatever its `n_threads` says.
    One large network is faster by itself, with `Network.train` and all cores.

    Memory, beside the networks and what each keeps for `resume`: what was converted of the data (another
    dtype, no C-contiguous array) until all jobs have ended, once for all the networks that share it.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import Network, SGD
    >>> x = np.linspace(-1, 1, 64).reshape(-1, 1)
    >>> nets = [Network([1, 16, 1], activation="tanh", random_state=seed) for seed in range(4)]
    >>> histories = train_many([(net, x, x**2) for net in nets], optimizer=SGD(0.1, 0.9), epochs=200)
    >>> [history.loss[-1] < 0.01 for history in histories]
    [True, True, True, True]

    Settings of their own, here the learning rate:

    >>> rates = [0.01, 0.1]
    >>> jobs = [(Network([1, 16, 1], random_state=0), x, x**2, {"optimizer": SGD(rate)}) for rate in rates]
    >>> slow, fast = train_many(jobs, epochs=20)
    >>> slow.loss[-1] > fast.loss[-1]
    True
    """
    common = {name: value for name, value in locals().items() if name not in ("jobs", "n_jobs", "on_done")}
    if on_done is not None and not callable(on_done):
        raise TypeError(f"on_done is {on_done!r}; expected a function of an index and a result")
    checked = as_jobs(jobs, common, foreign=on_done is not None)
    results: dict[int, History | Exception] = {}
    with contextlib.closing(_results(checked, min(n_workers(n_jobs), len(checked)))) as running:
        for index, result in running:
            if isinstance(result, Exception):
                result.add_note(f"jobs[{index}]: {checked[index].network!r}")
            results[index] = result
            if on_done is not None:
                on_done(index, result)
    return _histories([results[index] for index in range(len(checked))])


def weighted_sum(
    networks: Sequence[Network], weights: Sequence[float], x: NDArray[Any]
) -> NDArray[np.float64]:
    """Sum the outputs of several networks for the same rows, each times its weight, in one native call.

    Parameters
    ----------
    networks : list of Network
        Of one dtype, with as many inputs and outputs each.
    weights : list of float
    x : ndarray of shape (n_samples, n_1)
        C-contiguous and in that dtype.

    Returns
    -------
    ndarray of float64, shape (n_samples, n_outputs)

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import Network
    >>> nets, x = [Network([2, 3, 1], random_state=k) for k in range(2)], np.ones((4, 2))
    >>> bool((weighted_sum(nets, [0.75, 0.25], x) == 0.75 * nets[0](x) + 0.25 * nets[1](x)).all())
    True
    """
    return _engine.weighted_sum([network._trainee.model for network in networks], weights, x)


def _results(jobs: list[Job], n_workers: int) -> Generator[tuple[int, History | Exception]]:
    """Yield results as they come, and leave no thread behind, whatever ends this."""
    waiting = deque(sorted(range(len(jobs)), key=lambda index: -jobs[index].work))
    done: Done = queue.SimpleQueue()
    stop = _engine.Stop()
    workers: list[threading.Thread] = []
    try:
        for k in range(n_workers):
            arguments = (jobs, waiting, done, stop, workers)
            threading.Thread(target=_work, args=arguments, name=f"train_many-{k}").start()
        for _ in jobs:
            index, result = _next(done)
            if not isinstance(result, History | Exception):
                raise result
            yield index, result
    finally:
        stop.set()
        for worker in workers:
            worker.join()


def _work(
    jobs: list[Job],
    waiting: deque[int],
    done: Done,
    stop: _engine.Stop,
    workers: list[threading.Thread],
) -> None:
    """Train one waiting job after the other."""
    # First be seen, then look: so an interrupt in Thread.start leaves no worker behind that nobody waits for.
    workers.append(threading.current_thread())
    while not stop.is_set():
        try:
            index = waiting.popleft()
        except IndexError:
            return
        try:
            done.put((index, _train(jobs[index], stop)))
        except Exception as error:
            done.put((index, error))
        except BaseException as error:  # what is to end the program: a SystemExit in a callback, say
            stop.set()
            done.put((index, error))


def _train(job: Job, stop: _engine.Stop) -> History:
    """Train on one thread, on which the network's forward passes in a callback stay as well."""
    n_threads = job.network.n_threads
    job.network.n_threads = 1
    try:
        return train(job.network._trainee, job.rows, job.settings, stop)
    finally:
        job.network.n_threads = n_threads


def _next(done: Done) -> tuple[int, History | BaseException]:
    while True:
        with contextlib.suppress(queue.Empty):
            return done.get(timeout=BETWEEN_LOOKS)


def _histories(results: list[History | Exception]) -> list[History]:
    """Return the results if all are histories; TrainingErrors if not."""
    errors = {i: result for i, result in enumerate(results) if isinstance(result, Exception)}
    if errors:
        names = ", ".join(f"jobs[{index}]" for index in itertools.islice(errors, 5))
        names += ", ..." if len(errors) > 5 else ""
        failed = TrainingErrors(f"{len(errors)} of {len(results)} jobs failed: {names}", [*errors.values()])
        failed.results = results
        raise failed
    return [result for result in results if isinstance(result, History)]


def n_workers(n_jobs: int | None) -> int:
    """How many networks to train at once."""
    cores = _cores()
    if n_jobs is None:
        return min(cores, _engine.max_threads())
    if n_jobs == 0:
        raise ValueError("n_jobs is 0; expected a whole number of at least 1, -1 for all cores, or None")
    n = whole_number("n_jobs", n_jobs, -sys.maxsize)
    return n if n > 0 else max(1, cores + 1 + n)


def _cores() -> int:
    """How many cores this process may use."""
    if sys.version_info >= (3, 13):
        return os.process_cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
