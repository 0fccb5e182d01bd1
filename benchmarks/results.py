"""What a sitting found: rows of runs, and the ratios that are read off them."""

from dataclasses import dataclass, field
from typing import Any

from benchmarks.peers import OURS
from benchmarks.works import Fit, Work

LONG = 0.05  # seconds: in a shorter run, starting and ending count
DTYPES = ("float32", "float64")


@dataclass(frozen=True)
class Run:
    """One timed run.

    Attributes
    ----------
    seconds : float
        Wall time of one step, call or fit.
    threads : float
        Processor time / wall time: how many threads were at work.
    length : float
        Seconds of the whole run.
    """

    seconds: float
    threads: float
    length: float


@dataclass
class Row:
    """One work in one dtype with one number of threads.

    Attributes
    ----------
    section, dtype : str
    work : Work or Fit
    n_threads : int
    runs : dict
        The runs of every peer that was measured, in order of time.
    differences : dict
        By how much each peer's numbers differed from chainrule's, before anything was timed.
    absent : dict
        Why a peer was not measured.
    """

    section: str
    work: Work | Fit
    dtype: str
    n_threads: int
    runs: dict[str, list[Run]] = field(default_factory=dict)
    differences: dict[str, dict[str, float]] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)

    def seconds(self, peer: str) -> float | None:
        """Wall time of a peer's best run; None where there is none."""
        return min((run.seconds for run in self.runs.get(peer, [])), default=None)

    def spread(self, peer: str) -> float:
        """How much longer than the best run the one in the middle took, as a share: the noise."""
        times = sorted(run.seconds for run in self.runs[peer])
        return times[len(times) // 2] / times[0] - 1

    def ratio(self, peer: str) -> float | None:
        """How many times as long as chainrule a peer takes."""
        ours, theirs = self.seconds(OURS), self.seconds(peer)
        return theirs / ours if ours and theirs else None

    def best_peer(self) -> str | None:
        """Return the fastest of the others."""
        others = [peer for peer in self.runs if peer != OURS]
        return min(others, key=lambda peer: self.seconds(peer) or float("inf"), default=None)

    def best_ratio(self) -> float | None:
        """How many times as long as chainrule the fastest of the others takes."""
        best = self.best_peer()
        return None if best is None else self.ratio(best)

    def gflops(self, peer: str = OURS) -> float | None:
        """Products' floating-point operations per nanosecond."""
        seconds = self.seconds(peer)
        return self.work.flops / seconds / 1e9 if seconds and isinstance(self.work, Work) else None


@dataclass
class Sitting:
    """Everything that one sitting found.

    Attributes
    ----------
    machine : dict
        Processor, memory, versions, date, and how busy the machine was otherwise.
    settings : dict
        How it was measured.
    missing : dict
        Peers that are not installed, with Python's message.
    gemm : dict
        (dtype, threads) to GFLOP/s of every matrix product of NumPy's that was timed.
    rows : list of Row
        In the order in which they were measured.
    memory : list of dict
        Of `memory.measure`.
    """

    machine: dict[str, Any]
    settings: dict[str, Any]
    missing: dict[str, str] = field(default_factory=dict)
    gemm: dict[tuple[str, int], list[float]] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)
    memory: list[dict[str, Any]] = field(default_factory=list)

    def fraction(self, row: Row) -> float | None:
        """Chainrule's share of the machine's best matrix product, of that dtype and number of threads."""
        if isinstance(row.work, Work) and row.work.density < 1:
            return None  # what bounds it is no product of dense matrices
        rates, gflops = self.gemm.get((row.dtype, row.n_threads)), row.gflops()
        return gflops / max(rates) if rates and gflops else None

    def section(self, *names: str) -> list[Row]:
        """Rows of some sections."""
        return [row for row in self.rows if row.section in names]

    def problems(self) -> list[str]:
        """List peers that failed or computed something else, and threads that were more than asked for."""
        found = [
            f"{row.work.name}, {row.dtype}, {counted_threads(row.n_threads)}: {peer} {last_line(reason)}"
            for row in self.rows
            for peer, reason in row.absent.items()
            if reason.startswith(("computes", "failed"))
        ]
        for row in self.rows:
            for peer, runs in row.runs.items():
                used = max((run.threads for run in runs if run.length > LONG), default=0)
                if used > row.n_threads + 0.15:
                    found.append(
                        f"{row.work.name}, {row.dtype}: {peer} used {used:.1f} threads of {row.n_threads}"
                    )
        return found


def last_line(reason: str) -> str:
    """Return what an exception said, without the calls before it."""
    first, *others = reason.strip().splitlines()
    return f"{first} {others[-1]}" if others else first


def counted_threads(n: int) -> str:
    """Return "1 thread", "2 threads"."""
    return f"{n} thread{'s' if n != 1 else ''}"
