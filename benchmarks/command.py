"""The command: measure, show, write."""

import os
import shlex
import sys
from argparse import Namespace
from collections.abc import Sequence
from functools import partial
from typing import Any

from rich.console import Console

from benchmarks import fitting, machine, memory
from benchmarks.options import parse
from benchmarks.processes import UNSET, Missing
from benchmarks.report import markdown, picture, record, terminal
from benchmarks.results import Sitting
from benchmarks.sitting import Effort, sit, usual_peers
from benchmarks.works import SECTIONS, selected

BUSY = 0.1  # a larger share of the processors in others' hands is worth a warning


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0 where it came to its end, and every peer computed what chainrule computed."""
    options = parse(arguments)
    console = terminal.make_console()
    if options.list:
        for section, works in SECTIONS.items():
            console.print(f"{section}: {', '.join(work.name for work in works) or section}")
        return 0
    try:
        sitting = measure(options, console, sys.argv[1:] if arguments is None else arguments)
    except Missing as missing:
        console.print(f"chainrule itself cannot be imported: {missing}. Install it first: pip install .")
        return 2
    terminal.show(console, sitting)
    write(sitting, options, console)
    if "interrupted" in sitting.settings:
        return 130  # as shells have it
    return 1 if sitting.problems() else 0


def measure(options: Namespace, console: Console, arguments: Sequence[str]) -> Sitting:
    """Measure what the options ask for."""
    sitting = Sitting(machine.describe(), settings(options, arguments))
    warn_if_busy(sitting.machine["busy_before"], console)
    if options.data:
        os.environ[fitting.DATA] = str(options.data.resolve())
        if options.target:
            os.environ[fitting.TARGET] = options.target
        fitting.load("table")  # a file that cannot be read is told of now
    try:
        measure_sections(sitting, options, console)
    except KeyboardInterrupt:
        sitting.settings["interrupted"] = True
        console.print("Interrupted: what was measured so far is shown and written.")
    sitting.machine["busy_after"] = machine.busy()
    warn_if_busy(sitting.machine["busy_after"], console)
    return sitting


def measure_sections(sitting: Sitting, options: Namespace, console: Console) -> None:
    """Measure works in their processes, then memory in processes of its own."""
    sections: dict[str, list[Any]] = selected(options.only, options.all)
    if any(sections.values()):
        sit(
            sitting,
            sections,
            peers=options.peers or usual_peers(options.compile),
            threads=options.threads,
            dtypes=options.dtypes,
            effort=Effort(options.rounds, options.seconds),
            tell=partial(terminal.tell, console),
        )
    if "memory" in sections:
        sitting.memory = memory.measure(console.print)


def settings(options: Namespace, arguments: Sequence[str]) -> dict[str, Any]:
    """How it was measured, for the record."""
    watched = ("CHAINRULE_ISA", "OMP_WAIT_POLICY", "OMP_PROC_BIND", "GOMP_SPINCOUNT", "XLA_FLAGS", *UNSET)
    return {
        "command": shlex.join(["python", "-m", "benchmarks", *arguments]),
        "rounds": options.rounds,
        "seconds": options.seconds,
        "environment": {name: os.environ[name] for name in watched if name in os.environ},
        "unset": [name for name in UNSET if name in os.environ],
        "table": options.data.name if options.data else "make_friedman1",
    }


def warn_if_busy(share: float | None, console: Console) -> None:
    """Say so where others use the processors."""
    if share is not None and share > BUSY:
        console.print(
            f"Other processes use {share:.0%} of this machine: take the times with a grain of salt."
        )


def write(sitting: Sitting, options: Namespace, console: Console) -> None:
    """Write record and picture, and the page's tables."""
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / "benchmarks.json"
    record.write(sitting, path)
    console.print(f"Record: {path}")
    try:
        if picture.write(sitting, path.with_suffix(".png")):
            console.print(f"Picture: {path.with_suffix('.png')}")
    except ImportError as error:
        console.print(f"No picture: {error}. Install it with: pip install matplotlib")
    if options.markdown:
        markdown.write(sitting, options.markdown)
        console.print(f"Tables: {options.markdown}")
