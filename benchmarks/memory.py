"""Memory of a training run: measured for data sets of several lengths, beside the formula.

A measurement is a process of its own: ``python -m benchmarks.memory n_samples dtype optimizer``.
"""

import gc
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.processes import ROOT, environment

SIZES = (192, 960, 960, 192)  # multiples of every panel's width, so that no matrix has columns of zeros
BATCH_SIZE = 512
N_SAMPLES = (2048, 16384, 131072)
MOMENTS = {"sgd": 0, "adam": 2}
LARGE, PAGE = 1 << 20, 2 << 20  # bytes: matrices from the first on fill whole pages of the second


def formula(
    sizes: tuple[int, ...], batch_size: int, itemsize: int, n_moments: int, n_kept_nets: int = 0
) -> dict[str, list[int]]:
    """Bytes that `Network.train` needs beside data and network; no term has the number of rows.

    Parameters
    ----------
    sizes : tuple of int
        Widths of the layers of neurons.
    batch_size : int
        Rows of a batch.
    itemsize : int
        Bytes of a number.
    n_moments : int
        Numbers that the optimizer keeps for each parameter: SGD 0, with momentum 1, Adam 2.
    n_kept_nets : int
        How many hidden layers have an activation that needs net for its derivative (gelu, silu, mish); the
        first ones are counted.

    Returns
    -------
    dict
        A list of matrices for each: "packed", the weights in panels, as the forward product reads them, and
        the biases; "transposed", the weights of all layers but the first once more, for the backward product;
        "moments"; "before", a copy to go back to should training diverge; "batch", inputs, outputs, deltas
        and kept nets of one batch. Widths are rounded up to whole vectors (weights) or panels (batch).
    """
    weights = [n_in * n_out for n_in, n_out in pairwise(sizes)]
    biases = list(sizes[1:])
    widths = [sizes[0], *sizes[1:], *sizes[1:], *sizes[1 : 1 + n_kept_nets]]
    terms = {
        "packed": weights + biases,
        "transposed": weights[1:],
        "moments": (weights + biases) * n_moments,
        "before": [sum(weights) + sum(biases)],
        "batch": [batch_size * width for width in widths],
    }
    return {name: [itemsize * n for n in numbers] for name, numbers in terms.items()}


def in_pages(terms: dict[str, list[int]]) -> int:
    """Bytes of the same matrices where large ones fill whole huge pages."""
    sizes = [size for term in terms.values() for size in term]
    return sum(size if size < LARGE else -(-size // PAGE) * PAGE for size in sizes)


def measure(
    tell: Callable[[str], None] = lambda text: None,
    runs: Sequence[tuple[str, str]] = (("float32", "adam"), ("float64", "adam"), ("float32", "sgd")),
) -> list[dict[str, Any]]:
    """Measure training runs on data sets of several lengths, each in a process of its own.

    glibc is told to give freed memory back at once; left to itself it keeps some for later.

    Returns
    -------
    list of dict
        "n_samples", "dtype", "optimizer"; and in bytes "data", "formula", "in_pages", "training" (what is
        resident during the epochs, beyond what was before) and "peak" (the most that was, beyond what was
        before).
        Empty where the system does not tell (it must be Linux).
    """
    if not Path("/proc/self/clear_refs").exists():
        return []
    returning = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}
    found = []
    for dtype, optimizer in runs:
        for n_samples in N_SAMPLES:
            command = [sys.executable, "-m", "benchmarks.memory", str(n_samples), dtype, optimizer]
            done = subprocess.run(
                command, cwd=ROOT, env=environment(1) | returning, capture_output=True, check=True
            )
            terms = formula(SIZES, BATCH_SIZE, np.dtype(dtype).itemsize, MOMENTS[optimizer])
            case = {"n_samples": n_samples, "dtype": dtype, "optimizer": optimizer}
            case |= {"formula": sum(map(sum, terms.values())), "in_pages": in_pages(terms)}
            found.append(case | json.loads(done.stdout))
            tell(f"memory, {dtype}, {optimizer}, {n_samples:,} rows")
    return found


def main(n_samples: int, dtype: str, optimizer: str) -> dict[str, int]:
    """Train for two epochs, and return how memory grew, in bytes."""
    import chainrule

    make = {"sgd": chainrule.SGD, "adam": chainrule.Adam}[optimizer]
    rng = np.random.default_rng(0)
    x = rng.standard_normal((n_samples, SIZES[0]), dtype=dtype)  # type: ignore[call-overload]
    y = rng.integers(0, SIZES[-1], n_samples)
    for sizes in (
        [SIZES[0], 1, SIZES[-1]],
        list(SIZES),
    ):  # the first run of all loads modules, starts threads
        net = chainrule.Network(sizes, loss="cross_entropy", dtype=dtype, random_state=0)
        resident: list[int] = []
        gc.collect()
        forget_peak()
        before = status("VmRSS")
        net.train(
            x,
            y,
            optimizer=make(),
            epochs=2,
            batch_size=BATCH_SIZE,
            callback=lambda record, resident=resident: resident.append(status("VmRSS")),
        )
    return {
        "data": x.nbytes + y.nbytes,
        "training": max(resident) - before,
        "peak": status("VmHWM") - before,
    }


def forget_peak() -> None:
    """Let the most that was resident (VmHWM) be what is resident now."""
    Path("/proc/self/clear_refs").write_text("5")


def status(name: str) -> int:
    """One of this process' sizes, in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        key, _, value = line.partition(":")
        if key == name:
            return int(value.split()[0]) * 1024
    raise KeyError(name)


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]), sys.argv[2], sys.argv[3])))
