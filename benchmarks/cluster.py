"""A cluster of processes of one thread beside one such process: milliseconds a step, and the bits.

``python -m benchmarks.cluster [--processes 2] [--epochs 6]`` trains 784-512-512-10 in batches of 4,096 rows,
and prints a line. Needs a free core for each process.
"""

import argparse
import hashlib
import os
import statistics
import time

import numpy as np

from benchmarks import machine

WIDTHS, FEATURES, CLASSES, BATCH_SIZE, N_ROWS = (512, 512), 784, 10, 4096, 15 * 4096


def fit(model, *rows, n_epochs):
    """Fit, and return the seconds and a mark of the parameters."""
    begin = time.perf_counter()
    model.set_params(max_iter=n_epochs).fit(*rows)
    seconds = time.perf_counter() - begin
    return seconds, hashlib.sha256(b"".join(w.tobytes() for w in model.coefs_)).hexdigest()


def a_step(model, *rows, n_epochs):
    """Return seconds a step, without what a fit takes before and after its epochs; and the mark."""
    short, _ = fit(model, *rows, n_epochs=1)
    long, mark = fit(model, *rows, n_epochs=1 + n_epochs)
    return (long - short) / n_epochs / (N_ROWS // BATCH_SIZE), mark


def main() -> None:
    """Measure both in turns, three times."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cluster", description=__doc__.split("\n")[0])
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=6)
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    import dask.array as da
    from dask.distributed import Client, LocalCluster

    import chainrule
    from chainrule.dask import DaskMLPClassifier

    rng = np.random.default_rng(0)
    x = rng.standard_normal((N_ROWS, FEATURES), dtype=np.float32)
    y = rng.integers(0, CLASSES, N_ROWS)
    settings = {
        "hidden_layer_sizes": WIDTHS,
        "batch_size": BATCH_SIZE,
        "row_blocks": 2 * options.processes,
        "tol": 0.0,
        "n_iter_no_change": 1000,
        "random_state": 0,
        "n_threads": 1,
    }
    alone, together, marks = [], [], set()
    with (
        LocalCluster(n_workers=options.processes, threads_per_worker=1, dashboard_address=":0") as cluster,
        Client(cluster) as client,
    ):
        parts = da.from_array(x, chunks=(BATCH_SIZE, -1)), da.from_array(y, chunks=BATCH_SIZE)
        sides = (
            (chainrule.MLPClassifier(**settings), (x, y), alone),
            (DaskMLPClassifier(**settings, client=client), parts, together),
        )
        for model, rows, _ in sides:
            fit(model, *rows, n_epochs=1)  # what the first fit of a process takes longer
        for _ in range(3):
            for model, rows, steps in sides:
                seconds, mark = a_step(model, *rows, n_epochs=options.epochs)
                steps.append(seconds)
                marks.add(mark)
    one, several = statistics.median(alone), statistics.median(together)
    bits = "the same bits" if len(marks) == 1 else "OTHER BITS"
    print(machine.describe()["processor"])
    print(
        f"one process {1e3 * one:.1f} ms a step, {options.processes} processes {1e3 * several:.1f} ms: "
        f"{one / several:.2f} times as fast; {bits}"
    )


if __name__ == "__main__":
    main()
