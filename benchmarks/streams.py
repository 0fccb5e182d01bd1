"""Rows from Parquet beside the same rows in memory: speed, peak memory, bits; and files sorted by label.

``python -m benchmarks.streams [--gigabytes 2]`` writes Parquet into a temporary folder, and prints a table
in Markdown. Each measurement is a process of its own.
"""

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import machine
from benchmarks.processes import ROOT, environment

FEATURES, WIDTHS, BATCH_SIZE, BLOCKS = 50, (128, 128), 512, 8
GROUP_ROWS, SORTED_ROWS, TEST_ROWS, CLASSES = 10_000, 60_000, 20_000, 10
#: Of the file that is trained on with a window that holds all of it.
SMALL_ROWS = 400_000


def peak() -> float:
    """Megabytes of memory that this process had at most (Linux)."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return float(status.partition("VmHWM:")[2].split()[0]) * 1024 / 1e6


def write(path: Path, n_rows: int) -> None:
    """Write rows of standard normal numbers, and a number that depends on them."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(0)
    slope = rng.normal(size=FEATURES).astype(np.float32)
    names = [*(f"x{i}" for i in range(FEATURES)), "y"]
    schema = pa.schema([(name, pa.float32()) for name in names])
    with pq.ParquetWriter(path, schema, compression="none", use_dictionary=False) as writer:
        for first in range(0, n_rows, GROUP_ROWS):
            x = rng.standard_normal((FEATURES, min(GROUP_ROWS, n_rows - first)), dtype=np.float32)
            writer.write_table(pa.table([*x, np.sin(slope @ x)], schema=schema))


def fit(path: str, window: str) -> dict[str, Any]:
    """Train an epoch: a window of the file, or "memory"."""
    import pyarrow.parquet as pq

    from chainrule import SGD, Network
    from chainrule.stream import ParquetRows

    begin = time.perf_counter()
    if window == "memory":
        file = pq.ParquetFile(path)
        x = np.empty((file.metadata.num_rows, FEATURES), dtype=np.float32)
        y, first = np.empty(len(x), dtype=np.float32), 0
        for batch in file.iter_batches(GROUP_ROWS):
            for i in range(FEATURES):
                x[first : first + len(batch), i] = batch.column(i).to_numpy()
            y[first : first + len(batch)] = batch.column(FEATURES).to_numpy()
            first += len(batch)
        data: tuple[Any, ...] = (x, y)
        n_rows = len(x)
    else:
        data = (ParquetRows(path, "y", window=float(window)),)
        n_rows = data[0].n_rows
    read = time.perf_counter() - begin
    net = Network([FEATURES, *WIDTHS, 1], dtype="float32", random_state=0)
    begin = time.perf_counter()
    net.train(*data, optimizer=SGD(0.01), epochs=1, batch_size=BATCH_SIZE, row_blocks=BLOCKS)
    seconds = time.perf_counter() - begin
    bits = hashlib.sha256(b"".join(weights.tobytes() for weights in net.weights)).hexdigest()
    return {"rows": n_rows, "read": read, "seconds": seconds, "peak": peak(), "bits": bits}


def sorted_file(folder: str) -> dict[str, Any]:
    """Test errors, in percent, of a file sorted by label: a window of a tenth, and all rows shuffled."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from chainrule import MLPClassifier
    from chainrule.stream import ParquetRows, StreamWarning

    rng = np.random.default_rng(1)
    centers = rng.normal(size=(3 * CLASSES, 20))
    place = rng.integers(0, len(centers), SORTED_ROWS + TEST_ROWS)
    x = (centers[place] + 0.9 * rng.normal(size=(len(place), 20))).astype(np.float32)
    y = place % CLASSES
    order = np.argsort(y[:SORTED_ROWS], kind="stable")
    names = [f"x{i}" for i in range(20)]
    path = Path(folder, "sorted.parquet")
    table = pa.table([*x[order].T, y[order]], names=[*names, "label"])
    pq.write_table(table, path, row_group_size=SORTED_ROWS // 400)
    test, errors, warned = pa.table(list(x[SORTED_ROWS:].T), names=names), {}, False
    for window in (0.1, 1.0):
        each = []
        for seed in range(3):
            with warnings.catch_warnings(record=True) as told:
                warnings.simplefilter("always")
                clf = MLPClassifier((64,), row_blocks=BLOCKS, max_iter=12, random_state=seed)
                clf.fit(ParquetRows(path, "label", window=window), None)
            warned |= any(issubclass(one.category, StreamWarning) for one in told)
            each.append(100 * float(np.mean(clf.predict(test) != y[SORTED_ROWS:])))
        errors[str(window)] = float(np.mean(each))
    return {"errors": errors, "warned": warned}


def child(*arguments: str) -> dict[str, Any]:
    """Measure in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.streams", "--measure", *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env=environment(machine.n_cores()), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    measured: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return measured


def main() -> None:
    """Measure and print, or measure one thing for the process that asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.streams", description=__doc__)
    parser.add_argument("--gigabytes", type=float, default=2.0, help="size of the Parquet file")
    parser.add_argument("--window", default="0.02", help="share of its row groups in memory")
    parser.add_argument("--measure", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        what, *arguments = options.measure
        print(json.dumps({"fit": fit, "sorted": sorted_file}[what](*arguments)))
        return
    facts = machine.describe()
    with tempfile.TemporaryDirectory(prefix="chainrule-") as folder:
        large, small = Path(folder, "large.parquet"), Path(folder, "small.parquet")
        write(large, round(options.gigabytes * 1e9 / 4 / (FEATURES + 1)))
        write(small, SMALL_ROWS)
        windows = {"streamed": options.window, "in memory": "memory", "streamed again": options.window}
        runs = {name: child("fit", str(large), window) for name, window in windows.items()}
        same = [child("fit", str(small), window)["bits"] for window in ("1.0", "memory")]
        by_label = child("sorted", folder)
        size = large.stat().st_size / 1e9
    print(f"{facts['processor']}, {facts['cores']} cores; load {facts['busy_before']}; {facts['date']}\n")
    print(
        f"| {size:.1f} GB of Parquet | rows a second | peak memory | reading beforehand |\n|---|---|---|---|"
    )
    for name, run in runs.items():
        rate = run["rows"] / run["seconds"]
        print(f"| {name} | {rate:,.0f} | {run['peak']:,.0f} MB | {run['read']:.1f} s |")
    print(f"\nSame bits with a window of all rows as in memory: {same[0] == same[1]}")
    errors = by_label["errors"]
    print(
        f"Sorted by label, mean of 3 seeds: test error {errors['0.1']:.2f} % with a window of 10 %, "
        f"{errors['1.0']:.2f} % with all rows shuffled; warned: {by_label['warned']}"
    )


if __name__ == "__main__":
    main()
