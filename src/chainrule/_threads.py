"""Threads where several Python threads train at once: each takes its share of the cores.

OpenMP counts its threads for each Python thread that calls it, so that eight fits in eight threads, as in
joblib's threading backend, would start eight times as many threads as there are cores. No bit of a result
depends on the number of threads, so it may change from one native call to the next.
"""

import contextlib
import os
import threading
from collections.abc import Iterator

from chainrule import _engine

_lock = threading.Lock()
_at_work: set[int] = set()  # identities of the Python threads that train at this moment
_loading = threading.RLock()


def _after_fork() -> None:
    """Let a child forget the threads that it does not have: one of them may have held the lock."""
    global _lock
    _lock = threading.Lock()
    _at_work.intersection_update({threading.get_ident()})


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
    os.register_at_fork(
        before=_loading.acquire, after_in_parent=_loading.release, after_in_child=_loading.release
    )


@contextlib.contextmanager
def loading() -> Iterator[None]:
    """Let no thread fork meanwhile: half imported modules stay so in the child, which waits for them."""
    with _loading:
        yield


@contextlib.contextmanager
def training() -> Iterator[None]:
    """Count this Python thread, for as long, among those that train."""
    me = threading.get_ident()
    with _lock:
        outermost = me not in _at_work
        _at_work.add(me)
    try:
        yield
    finally:
        if outermost:
            with _lock:
                _at_work.discard(me)


def share(n_threads: int) -> int:
    """Return the number of threads for the next native call, as the engine takes it.

    Parameters
    ----------
    n_threads : int
        What the user asked for, which stands; or 0 for OpenMP's own setting, which is divided by the number
        of Python threads that train at this moment, this one included.

    Returns
    -------
    int
        At least 1; 0, OpenMP's own setting, where no other thread trains.

    Examples
    --------
    >>> with training():
    ...     share(0), share(3)
    (0, 3)
    """
    if n_threads or not _at_work:
        return n_threads
    with _lock:
        n_at_work = len(_at_work | {threading.get_ident()})
    return max(1, _engine.max_threads() // n_at_work) if n_at_work > 1 else 0
