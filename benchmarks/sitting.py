"""A sitting: peers' processes side by side, and runs that take turns."""

import dataclasses
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from benchmarks import guard
from benchmarks.peers import COMPILED, GEMM, OURS, PEERS
from benchmarks.peers.base import Evidence, Refused
from benchmarks.peers.gemm import SIZE, flops
from benchmarks.processes import Failed, Missing, Process
from benchmarks.results import Row, Run, Sitting
from benchmarks.works import Fit, Work

REST = 0.02  # seconds between two runs, in which the last peer's threads stop spinning


@dataclasses.dataclass(frozen=True)
class Effort:
    """How long to measure: rounds, and the seconds of one run (which has at least one epoch or call)."""

    rounds: int
    seconds: float
    gemm_size: int = SIZE

    def few(self) -> "Effort":
        """Return the effort for whole fits, which take seconds each."""
        return dataclasses.replace(self, rounds=max(1, self.rounds // 2), seconds=0)


class Bench:
    """Processes of all peers with one number of threads, and what they are asked.

    Parameters
    ----------
    sitting : Sitting
        Gets what is found.
    processes : dict
        The peers that are installed; chainrule is among them.
    gemm : Process
        NumPy's matrix product.
    n_threads : int
        Threads of each.
    effort : Effort
        How long to measure.
    """

    def __init__(
        self, sitting: Sitting, processes: dict[str, Process], gemm: Process, n_threads: int, effort: Effort
    ) -> None:
        self.sitting = sitting
        self.processes = processes
        self.gemm = gemm
        self.n_threads = n_threads
        self.effort = effort

    def measure(self, section: str, work: Work | Fit, dtype: str) -> Row:
        """Prepare a work in all processes, compare what they compute, and time them in turns."""
        row = Row(section, work, dtype, self.n_threads)
        effort = self.effort.few() if work.task == "fit" else self.effort
        self._measure_gemm(dtype)
        counts = self._prepare(row, effort)
        names = list(counts)
        for turn in range(effort.rounds):
            shift = turn % len(names) if names else 0  # nobody always follows the same
            for name in names[shift:] + names[:shift]:
                with self._left_out_if_impossible(row, name):
                    row.runs.setdefault(name, []).append(self._run(name, work, counts[name]))
        for name in names:
            with self._left_out_if_impossible(row, name):
                self.processes[name].ask("drop")
        self.sitting.rows.append(row)
        return row

    def _prepare(self, row: Row, effort: Effort) -> dict[str, int]:
        """Prepare, guard and calibrate; how often each peer does the work in one run."""
        counts: dict[str, int] = {}
        ours: Evidence | None = None
        for name, process in self.processes.items():
            with self._left_out_if_impossible(row, name):
                process.ask("prepare", spec=dataclasses.asdict(row.work), dtype=row.dtype)
                shown = process.ask("evidence", orders=None if ours is None else orders(ours))
                if ours is None:
                    if name != OURS:
                        raise Refused("has nothing of chainrule's to be compared with")
                    ours = shown
                else:
                    found = guard.differences(ours, shown)
                    row.differences[name] = found
                    wrong = guard.disagreement(found, row.dtype, long=row.work.task == "fit")
                    if wrong:
                        raise Refused(wrong)
                counts[name] = process.ask("calibrate", seconds=effort.seconds) if effort.seconds else 1
        return counts

    def _run(self, name: str, work: Work | Fit, n: int) -> Run:
        time.sleep(REST)
        taken = self.processes[name].ask("measure", n=n)
        steps = n * (work.n_batches if isinstance(work, Work) and work.task == "train" else 1)
        seconds = taken["seconds"]
        return Run(seconds / steps, taken["processor"] / seconds, seconds)

    def _measure_gemm(self, dtype: str) -> None:
        """Two more matrix products: the best of the sitting is what the machine can do."""
        rates = self.sitting.gemm.setdefault((dtype, self.n_threads), [])
        size = self.effort.gemm_size
        self.gemm.ask("prepare", spec={"task": "product", "size": size}, dtype=dtype)
        for _ in range(2 if rates else 2 + self.effort.rounds):
            rates.append(flops(size) / self.gemm.ask("measure", n=1)["seconds"] / 1e9)
        self.gemm.ask("drop")

    @contextmanager
    def _left_out_if_impossible(self, row: Row, name: str) -> Iterator[None]:
        """Note why a peer cannot do a work, and go on without it."""
        try:
            yield
        except Refused as refusal:
            row.absent[name] = str(refusal)
        except Failed as failure:
            row.absent[name] = f"failed: {failure}"
            row.runs.pop(name, None)


def orders(ours: Evidence) -> list[list[int]]:
    """Split the rows that chainrule took into two epochs; empty where nothing was trained."""
    taken = [int(row) for row in ours.get("order", [])]
    half = len(taken) // 2
    return [taken[:half], taken[half:]] if taken else []


@contextmanager
def bench(sitting: Sitting, peers: Sequence[str], n_threads: int, effort: Effort) -> Iterator[Bench]:
    """Start the processes of all peers that are installed, note the others, and end them after use.

    Raises Missing where chainrule itself cannot be imported.
    """
    with ExitStack() as stack:
        processes = {}
        versions = sitting.machine.setdefault("versions", {})
        for name in peers:
            try:
                processes[name] = stack.enter_context(Process(name, PEERS[name], n_threads))
            except Missing as missing:
                if name == OURS:
                    raise
                sitting.missing[name] = str(missing)
                continue
            versions |= processes[name].ask("versions")
        gemm = stack.enter_context(Process("NumPy", GEMM, n_threads))
        versions |= gemm.ask("versions")
        yield Bench(sitting, processes, gemm, n_threads, effort)


def sit(
    sitting: Sitting,
    sections: dict[str, list[Any]],
    *,
    peers: Sequence[str],
    threads: Sequence[int],
    dtypes: Sequence[str],
    effort: Effort,
    tell: Callable[[Sitting, Row], None],
) -> None:
    """Measure all works of all sections, and tell of every row as it is there.

    Compiled PyTorch needs a compiler and seconds for every work, so it is a peer only where it is asked for.
    """
    for n_threads in threads:
        with bench(sitting, peers, n_threads, effort) as running:
            for section, works in sections.items():
                for work in works:
                    for dtype in dtypes if isinstance(work, Work) else ["float64"]:
                        tell(sitting, running.measure(section, work, dtype))


def usual_peers(compiled: bool) -> list[str]:
    """Peers that are measured where none are named."""
    return [name for name in PEERS if compiled or name != COMPILED]
