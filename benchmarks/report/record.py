"""A sitting as JSON: everything, every single run included."""

import dataclasses
import json
from pathlib import Path
from typing import Any

from benchmarks.peers import OURS
from benchmarks.results import Row, Sitting

FORMAT = 1


def record(sitting: Sitting) -> dict[str, Any]:
    """Return what is written; seconds are per step, call or fit."""
    return {
        "format": FORMAT,
        "machine": sitting.machine,
        "settings": sitting.settings,
        "missing": sitting.missing,
        "problems": sitting.problems(),
        "gemm": [
            {"dtype": dtype, "threads": n_threads, "gflops": max(rates), "runs": rates}
            for (dtype, n_threads), rates in sitting.gemm.items()
        ],
        "rows": [row_record(sitting, row) for row in sitting.rows],
        "memory": sitting.memory,
    }


def row_record(sitting: Sitting, row: Row) -> dict[str, Any]:
    """Return one row, with what is read off its runs."""
    return {
        "section": row.section,
        "work": dataclasses.asdict(row.work),
        "dtype": row.dtype,
        "threads": row.n_threads,
        "gflops": row.gflops(),
        "fraction_of_gemm": sitting.fraction(row),
        "best_peer": row.best_peer(),
        "ratio_to_best_peer": row.best_ratio(),
        "peers": {
            peer: {
                "seconds": row.seconds(peer),
                "ratio": None if peer == OURS else row.ratio(peer),
                "spread": row.spread(peer),
                "runs": [dataclasses.asdict(run) for run in runs],
            }
            for peer, runs in row.runs.items()
        },
        "differences": {
            peer: {kind: finite(value) for kind, value in found.items()}
            for peer, found in row.differences.items()
        },
        "absent": row.absent,
    }


def finite(value: float) -> float | str:
    """JSON has no infinity."""
    return value if value < float("inf") else "infinite"


def write(sitting: Sitting, path: Path) -> None:
    """Write the record."""
    text = json.dumps(record(sitting), indent=1, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")
