"""Tables of a sitting as plain text cells; the terminal and Markdown only draw them."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from benchmarks.memory import BATCH_SIZE, SIZES
from benchmarks.peers import OURS, PEERS
from benchmarks.results import Row, Sitting, counted_threads
from benchmarks.works import Fit, Work

NOISY = 0.1  # runs in the middle this much longer than the best are marked
NOTHING = "–"

CALLS = {
    "predict": "net(x)",
    "estimator_predict": "MLPClassifier.predict",
    "assigned_predict": "coefs_ assigned, MLPClassifier.predict",
    "train_call": "net.train, one epoch",
    "partial_fit": "MLPClassifier.partial_fit",
    "gradient": "net.gradients",
    "engine_gradient": "the engine's call, rows handed over once",
}


@dataclass(frozen=True)
class Table:
    """A title, the header and the rows; the first columns are text, all others are numbers."""

    title: str
    header: list[str]
    rows: list[list[str]]
    n_text: int = 1


def tables(sitting: Sitting) -> Iterator[Table]:
    """Every table that the sitting has rows for."""
    for title, sections in (("Training", ["training"]), ("Further shapes", ["further"])):
        rows = sorted(sitting.section(*sections), key=lambda row: (row.dtype, row.n_threads))
        for (dtype, n_threads), group in groupby(rows, key=lambda row: (row.dtype, row.n_threads)):
            yield training(sitting, list(group), f"{title}, {dtype}, {counted_threads(n_threads)}")
    if calls := sitting.section("prediction", "gradient"):
        yield calling(sitting, calls, "One call: prediction and gradient")
    if calls := sitting.section("calls"):
        yield calling(sitting, calls, "One call after the other")
    if fits := sitting.section("fit"):
        yield fitting(fits)
    if sitting.memory:
        yield remembering(sitting.memory)


def others(rows: list[Row]) -> list[str]:
    """Peers, but chainrule, that some row measured, in their usual order."""
    return [peer for peer in PEERS if peer != OURS and any(peer in row.runs for row in rows)]


def training(sitting: Sitting, rows: list[Row], title: str) -> Table:
    """Microseconds per step, GFLOP/s, share of the matrix product, and every peer with its ratio."""
    peers = others(rows)
    header = ["work", "network", "batch", "µs/step", "GFLOP/s", "of GEMM", *peers, "best peer", "target"]
    lines = []
    for row in rows:
        work = row.work
        assert isinstance(work, Work)
        network = f"{work.network} {work.activations}, {work.optimizer}"
        target = NOTHING if work.target is None else f"{work.target:g}"
        lines.append(
            [work.name, network, str(work.batch_size), *speed(sitting, row)]
            + [beside(row, peer) for peer in peers]
            + [ratio(row.best_ratio()), target]
        )
    return Table(title, header, lines, n_text=2)


def calling(sitting: Sitting, rows: list[Row], title: str) -> Table:
    """As `training`, for single calls."""
    peers = others(rows)
    header = ["work", "network, call", "dtype", "threads", "rows", "µs/call", "GFLOP/s", "of GEMM", *peers]
    lines = []
    for row in rows:
        work = row.work
        assert isinstance(work, Work)
        lines.append(
            [work.name, f"{work.network}, {CALLS[work.task]}", row.dtype, str(row.n_threads)]
            + [str(work.n_samples), *speed(sitting, row)]
            + [beside(row, peer) for peer in peers]
        )
    return Table(title, header, lines, n_text=3)


def fitting(rows: list[Row]) -> Table:
    """Seconds of whole fits, and how the numbers differ."""
    header = ["fit", "estimator", "threads", "chainrule, s", "scikit-learn, s", "ratio"]
    header += ["loss_curve_ differs by", "predictions by", "n_iter_"]
    lines = []
    for row in rows:
        assert isinstance(row.work, Fit)
        peer = "scikit-learn"
        found = row.differences.get(peer, {})
        epochs = found.get("epochs")
        lines.append(
            [row.work.name, f"{row.work.estimator} on {row.work.data}", str(row.n_threads)]
            + [number(row.seconds(OURS)), number(row.seconds(peer)) + mark(row, peer), ratio(row.ratio(peer))]
            + [f"{found[kind]:.0e}" if kind in found else NOTHING for kind in ("loss", "output")]
            + [NOTHING if epochs is None else "equal" if epochs == 0 else f"differs by {epochs:.0%}"]
        )
    return Table("Whole fits, float64", header, lines, n_text=2)


def remembering(cases: list[dict[str, Any]]) -> Table:
    """Memory beside the formula."""
    network = "-".join(map(str, SIZES))
    header = ["dtype", "optimizer", "rows", "data, MB", "formula, MB", "in whole pages, MB"]
    header += ["during training, MB", "peak, MB"]
    lines = [
        [case["dtype"], case["optimizer"], f"{case['n_samples']:,}"]
        + [f"{case[name] / 1e6:.1f}" for name in ("data", "formula", "in_pages", "training", "peak")]
        for case in cases
    ]
    return Table(f"Memory beside the data: {network}, batch {BATCH_SIZE}", header, lines, n_text=2)


def speed(sitting: Sitting, row: Row) -> list[str]:
    """Chainrule's microseconds, GFLOP/s, and share of the matrix product."""
    seconds, gflops, fraction = row.seconds(OURS), row.gflops(), sitting.fraction(row)
    microseconds = NOTHING if seconds is None else number(seconds * 1e6) + mark(row, OURS)
    return [microseconds, number(gflops), NOTHING if fraction is None else f"{fraction:.2f}"]


def beside(row: Row, peer: str) -> str:
    """Return a peer's microseconds, and how many times chainrule's they are."""
    seconds = row.seconds(peer)
    if seconds is None:
        return NOTHING
    return f"{number(seconds * 1e6)}{mark(row, peer)} ({ratio(row.ratio(peer))})"


def mark(row: Row, peer: str) -> str:
    """Mark runs that differ much among themselves."""
    return "~" if peer in row.runs and row.spread(peer) > NOISY else ""


def ratio(value: float | None) -> str:
    """How many times: two digits that matter and one more where it is near 1."""
    if value is None:
        return NOTHING
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def number(value: float | None) -> str:
    """Three digits that matter, or all before the point."""
    if value is None:
        return NOTHING
    return f"{value:.3f}" if value < 1 else f"{value:.2f}" if value < 10 else one_digit(value)


def one_digit(value: float) -> str:
    """Numbers above 10."""
    return f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def facts(sitting: Sitting) -> list[tuple[str, str]]:
    """Return the machine and the versions, and what was left out."""
    machine = sitting.machine
    caches = ", ".join(f"{name} {size}" for name, size in machine["caches"].items())
    kind = "virtual machine, " if machine["virtual"] else ""
    versions = [f"{name} {version}" for name, version in machine.get("versions", {}).items()]
    rates = [
        f"{'SGEMM' if dtype == 'float32' else 'DGEMM'} {counted_threads(n)}: {max(found):.0f} GFLOP/s"
        for (dtype, n), found in sorted(sitting.gemm.items())
    ]
    shares = [
        f"{machine[key]:.0%} {when}"
        for key, when in (("busy_before", "before"), ("busy_after", "after"))
        if machine.get(key) is not None
    ]
    listed = [
        ("Date", machine["date"]),
        ("Machine", f"{machine['processor']}; {kind}{counted_cores(machine['cores'])}; {caches}"),
        ("System", f"{machine['system']}, Python {machine['python']}"),
        ("Versions", ", ".join(versions)),
        ("NumPy's matrix product", "; ".join(rates)),
        ("Used by other processes", ", ".join(shares) or "unknown"),
        ("Measured by", f"`{sitting.settings['command']}`"),
    ]
    listed += [(f"Without {peer}", f"not installed ({reason})") for peer, reason in sitting.missing.items()]
    return listed


def counted_cores(n: int) -> str:
    """Return "1 core", "2 cores"."""
    return f"{n} core{'s' if n != 1 else ''}"


def left_out(sitting: Sitting) -> list[str]:
    """Say which peers were left out of which works, and why; what failed is in `Sitting.problems`."""
    reasons: dict[tuple[str, str], list[str]] = {}
    for row in sitting.rows:
        for peer, reason in row.absent.items():
            names = reasons.setdefault((peer, reason), [])
            if not reason.startswith(("computes", "failed")) and row.work.name not in names:
                names.append(row.work.name)
    return [f"{peer} {reason}: {', '.join(names)}" for (peer, reason), names in reasons.items() if names]
