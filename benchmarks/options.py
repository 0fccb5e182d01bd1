"""The command's options."""

import argparse
import difflib
from collections.abc import Sequence
from pathlib import Path

from benchmarks.machine import n_cores
from benchmarks.peers import OURS, PEERS
from benchmarks.results import DTYPES
from benchmarks.works import names


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line; a mistake ends the program with a message."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure chainrule beside scikit-learn, PyTorch and JAX, in turns, in one sitting."
        " Peers that are not installed are left out. Leave the machine alone meanwhile.",
    )
    add = parser.add_argument
    add("--list", action="store_true", help="list the names of sections and works, and stop")
    add("--all", action="store_true", help="further shapes too")
    add("--only", type=chosen(names()), default=[], metavar="NAMES", help="works or sections, by commas")
    add("--quick", action="store_true", help="float32 only, few short runs: to try, not to publish")
    add("--compile", action="store_true", help="compiled PyTorch as a further peer (needs a C++ compiler)")
    add("--peers", type=chosen(PEERS), metavar="NAMES", help=f"beside chainrule; known: {', '.join(PEERS)}")
    add("--threads", type=thread_counts, default=None, metavar="N", help="such as 1,all (the default)")
    add("--dtypes", type=chosen(DTYPES), metavar="NAMES", help="float32,float64 (the default)")
    add("--rounds", type=int, help="runs of each peer, of which the best counts (default 7, quick 2)")
    add("--seconds", type=float, help="length of a run (default 0.3, quick 0.05)")
    add("--data", type=Path, metavar="FILE", help="Parquet table for fit-table, instead of a drawn one")
    add("--target", metavar="COLUMN", help="its column to predict (default: the last of numbers)")
    add("--out", type=Path, default=Path("build/benchmarks"), help="directory for record and picture")
    add("--markdown", type=Path, metavar="FILE", help="page whose tables, between markers, are replaced")
    options = parser.parse_args(arguments)
    if options.target and not options.data:
        parser.error("--target names a column of --data, which is missing")
    if options.data and not options.data.is_file():
        parser.error(f"--data: there is no file {options.data}")
    options.rounds = options.rounds or (2 if options.quick else 7)
    options.seconds = options.seconds or (0.05 if options.quick else 0.3)
    if options.rounds < 1 or options.seconds < 0:
        parser.error("--rounds and --seconds must be positive")
    options.dtypes = options.dtypes or (["float32"] if options.quick else list(DTYPES))
    options.threads = options.threads or sorted({1, n_cores()})
    if options.peers is not None:
        options.peers = [OURS, *(peer for peer in options.peers if peer != OURS)]
    return options


def chosen(known):  # type: ignore[no-untyped-def]
    """Return a reader of names separated by commas, all of them known."""
    known = list(known)

    def read(text: str) -> list[str]:
        found = [name.strip() for name in text.split(",") if name.strip()]
        for name in found:
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                hint = f"; did you mean {near[0]!r}?" if near else f"; known are {', '.join(known)}"
                raise argparse.ArgumentTypeError(f"there is no {name!r}{hint}")
        return found

    return read


def thread_counts(text: str) -> list[int]:
    """Read numbers of threads; "all" stands for all cores."""
    counts = []
    for word in text.split(","):
        n = n_cores() if word.strip() == "all" else int(word) if word.strip().isdigit() else 0
        if n < 1:
            raise argparse.ArgumentTypeError(f"{word!r} is no number of threads; expected such as 1,all")
        counts.append(n)
    return sorted(set(counts))
