"""The other side of a peer's process: starts it with its threads, asks, and ends it."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from benchmarks.peers.base import Refused

ROOT = Path(__file__).parents[1]

#: Would make NumPy's products other than its users have them.
UNSET = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")


class Missing(Exception):  # nothing is wrong
    """The peer's library is not installed."""


class Failed(Exception):  # one peer's failure ends no sitting
    """The peer raised an exception or died; the message has its last words."""


class Process:
    """A peer in a process of its own.

    Parameters
    ----------
    name : str
        The peer's, for messages.
    peer : str
        "module:class".
    n_threads : int
        Set in the environment of every library that reads it there.

    Raises
    ------
    Missing
        Where the peer cannot be imported.
    """

    def __init__(self, name: str, peer: str, n_threads: int) -> None:
        self.name = name
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  # closed with the process
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", peer, str(n_threads)],
            cwd=ROOT,
            env=environment(n_threads),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            encoding="utf-8",
        )
        try:
            self._read()
        except BaseException:
            self.close()
            raise

    def ask(self, request: str, **arguments: Any) -> Any:
        """Send a request, wait, and return the answer.

        Raises
        ------
        Refused
            Where the peer cannot do the work.
        Failed
            Where something went wrong.
        """
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps({"do": request, **arguments}) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise self._last_words() from None
        return self._read()

    def _read(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise self._last_words()
        reply = json.loads(line)
        if "missing" in reply:
            raise Missing(reply["missing"])
        if "refused" in reply:
            raise Refused(reply["refused"])
        if "failed" in reply:
            raise Failed(f"with an exception:\n{reply['failed']}")
        return reply["answer"]

    def _last_words(self) -> Failed:
        code = self._process.wait()
        self._errors.seek(0)
        words = self._errors.read().decode(errors="replace")[-2000:]
        return Failed(f"its process ended with status {code}:\n{words}")

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._errors):
            if stream is not None:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def environment(n_threads: int) -> dict[str, str]:
    """Return the environment of a peer with so many threads."""
    kept = {name: value for name, value in os.environ.items() if name not in UNSET}
    one_pool = f"--xla_cpu_multi_thread_eigen={'true' if n_threads > 1 else 'false'}"
    return kept | {
        "OMP_NUM_THREADS": str(n_threads),
        "OPENBLAS_NUM_THREADS": str(n_threads),
        "MKL_NUM_THREADS": str(n_threads),
        "NPROC": str(n_threads),  # the size of XLA's pool of threads
        "XLA_FLAGS": f"{os.environ.get('XLA_FLAGS', '')} {one_pool}".strip(),
        "JAX_PLATFORMS": "cpu",
        "CUDA_VISIBLE_DEVICES": "",
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    }
