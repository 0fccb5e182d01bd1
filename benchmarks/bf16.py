"""Products of bfloat16 beside chainrule's own float32: time of a step, and accuracy on rows held out.

``python -m benchmarks.bf16 [--mnist FILE] [--threads N]``, where FILE is MNIST as an .npz archive with
x_train, y_train, x_test, y_test (or X, y, Xt, yt). Without it scikit-learn's digits are split.
"""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

import chainrule
from benchmarks.peers.ours import make_network
from benchmarks.problems import make_problem
from benchmarks.works import TRAINING

PRECISIONS = ("full", "bf16")
ROUNDS, SECONDS = 7, 0.5
EPOCHS, SEEDS = 10, 3


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bf16", description="bfloat16 beside float32.")
    parser.add_argument("--mnist", type=Path, help=".npz archive with training and test images")
    parser.add_argument("--threads", type=int, help="threads (by default OpenMP's setting)")
    options = parser.parse_args(arguments)
    console = Console()
    table = Table(
        "work", "network", "batch", "float32, µs/step", "bf16, µs/step", "ratio", title="Time of a step"
    )
    for work in (work for work in TRAINING if work.n_weights > 100_000):
        full, bf16 = steps(work, options.threads)
        table.add_row(
            work.name,
            work.network,
            str(work.batch_size),
            f"{full:,.0f}",
            f"{bf16:,.0f}",
            f"{full / bf16:.2f}",
        )
    console.print(table)
    name, split = ("MNIST", mnist(options.mnist)) if options.mnist else ("digits", digits())
    table = Table("seed", "float32", "bf16", title=f"Accuracy on {name}' test rows after {EPOCHS} epochs, %")
    for seed in range(SEEDS):
        table.add_row(
            str(seed), *(f"{100 * accuracy(split, p, seed, options.threads):.2f}" for p in PRECISIONS)
        )
    console.print(table)


def steps(work: Any, n_threads: int | None) -> list[float]:
    """Microseconds of a step in each precision: the best of interleaved runs."""
    problem = make_problem(work, "float32")
    runs, best = [], [float("inf")] * len(PRECISIONS)
    for precision in PRECISIONS:
        net = make_network(problem)
        net.n_threads = n_threads
        settings = {"optimizer": chainrule.Adam(work.learning_rate), "batch_size": work.batch_size}
        runs.append((net, settings | {"precision": precision}))
        net.train(problem.x, problem.y, epochs=1, **runs[-1][1])
    for _ in range(ROUNDS):
        for i, (net, settings) in enumerate(runs):
            begin, n = time.perf_counter(), 0
            while (taken := time.perf_counter() - begin) < SECONDS or n == 0:
                net.train(problem.x, problem.y, epochs=1, **settings)
                n += 1
            best[i] = min(best[i], taken / n / work.n_batches * 1e6)
    return best


def accuracy(split: Sequence[Any], precision: str, seed: int, n_threads: int | None) -> float:
    """Share of the test rows that a network with two hidden layers of 512 gets right."""
    x_train, y_train, x_test, y_test = split
    net = chainrule.Network(
        [x_train.shape[1], 512, 512, 10],
        loss="cross_entropy",
        dtype="float32",
        random_state=seed,
        n_threads=n_threads,
    )
    net.train(x_train, y_train, epochs=EPOCHS, batch_size=128, precision=precision)
    return float(np.mean(net(x_test).argmax(axis=1) == y_test))


def mnist(path: Path) -> list[Any]:
    """Training and test images from an archive, as Keras names them, or briefly."""
    with np.load(path) as archive:
        keras = ("x_train", "y_train", "x_test", "y_test")
        parts = [archive[name] for name in (keras if keras[0] in archive else ("X", "y", "Xt", "yt"))]
    for i in (0, 2):
        parts[i] = (parts[i].reshape(len(parts[i]), -1) / 255).astype(np.float32)
        parts[i + 1] = parts[i + 1].astype(np.int64)
    return parts


def digits() -> list[Any]:
    """scikit-learn's digits, a quarter held out."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    x, y = load_digits(return_X_y=True)
    x_train, x_test, y_train, y_test = train_test_split((x / 16).astype(np.float32), y, random_state=0)
    return [x_train, y_train, x_test, y_test]


if __name__ == "__main__":
    main()
