"""A peer's process: reads requests as lines of JSON from standard input, answers on standard output.

Requests: ``versions``, ``prepare`` (a task), ``evidence``, ``calibrate``, ``measure``, ``drop``. There is one
task at a time. Usage: ``python -m benchmarks.worker module:class n_threads``.
"""

import gc
import importlib
import json
import os
import sys
import time
import traceback
from typing import Any

from benchmarks.fitting import load
from benchmarks.peers.base import Peer, Refused, Task
from benchmarks.problems import make_problem
from benchmarks.works import Fit, Work

#: A shorter run is lengthened at once, a longer one is the basis of the estimate.
SHARE_OF_RUN = 0.2


class Worker:
    """A peer and its current task."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.current: Task | None = None

    @property
    def task(self) -> Task:
        """The current task."""
        assert self.current is not None, "prepare comes first"
        return self.current

    def versions(self) -> dict[str, str]:
        """Answer with the peer's versions."""
        return self.peer.versions()

    def prepare(self, spec: dict[str, Any], dtype: str) -> None:
        """Make a task of a work's or a fit's fields."""
        self.drop()
        name = spec["task"]
        if name == "fit":
            fit = Fit(**spec)
            self.current = self.peer.fit(fit, *load(fit.data))
        elif name == "product":
            self.current = self.peer.product(dtype, spec["size"])  # type: ignore[attr-defined]
        else:
            work = Work(**spec | {"sizes": tuple(spec["sizes"])})
            self.current = getattr(self.peer, name)(make_problem(work, dtype))

    def evidence(self, orders: list[list[int]] | None) -> dict[str, list[float]]:
        """Answer with what the task computes."""
        return self.task.evidence(orders)

    def calibrate(self, seconds: float) -> int:
        """Answer how often the task runs in about so many seconds, and warm it up for that number."""
        self.task.run(1)
        n = 1
        while True:
            self.task.warm_up(n)
            took = measured(self.task, n)["seconds"]
            if took >= seconds * SHARE_OF_RUN:
                break
            n = max(2 * n, min(100 * n, int(n * seconds * SHARE_OF_RUN / took) + 1))
        wanted = max(1, round(n * seconds / took))
        if wanted != n:
            self.task.warm_up(wanted)
        return wanted

    def measure(self, n: int) -> dict[str, float]:
        """Answer with the time of n runs."""
        return measured(self.task, n)

    def drop(self) -> None:
        """Forget the task and free its memory."""
        self.current = None
        gc.collect()


def measured(task: Task, n: int) -> dict[str, float]:
    """Wall time of n runs, and the processor time that all threads of this process spent on them."""
    processor, begin = time.process_time(), time.perf_counter()
    task.run(n)
    seconds = time.perf_counter() - begin
    return {"seconds": seconds, "processor": time.process_time() - processor}


def answer(worker: Worker, request: dict[str, Any]) -> dict[str, Any]:
    """Do what a request says; an exception is an answer too."""
    try:
        return {"answer": getattr(worker, request.pop("do"))(**request)}
    except Refused as refusal:
        return {"refused": str(refusal)}
    except Exception:
        return {"failed": traceback.format_exc()}


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print is no answer
    module, _, name = sys.argv[1].partition(":")
    try:
        worker = Worker(getattr(importlib.import_module(module), name)(int(sys.argv[2])))
    except ImportError as error:
        print(json.dumps({"missing": str(error)}), file=answers, flush=True)
        return
    print(json.dumps({"answer": "ready"}), file=answers, flush=True)
    for line in sys.stdin:
        print(json.dumps(answer(worker, json.loads(line))), file=answers, flush=True)


if __name__ == "__main__":
    main()
