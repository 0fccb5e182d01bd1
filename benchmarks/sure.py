"""Steps and predictions of networks that have become sure of their rows, beside those of new ones.

``python -m benchmarks.sure [--activations NAMES] [--dtypes NAMES] [--epochs N] [--threads N]`` trains a
network of two layers of 256 on 3,000 rows that it learns by heart, then times epochs of it and of a new
network in turns; the best of several rounds counts. A sure network may take ``LIMIT`` times as long as a
new one; where it takes longer, the command ends with status 1.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

import chainrule
from benchmarks.options import chosen
from benchmarks.results import DTYPES
from chainrule import _engine

SIZES, N_SAMPLES, BATCH_SIZE = (20, 256, 256, 1), 3000, 200
LIMIT = 1.1
ROUNDS = 15
HIDDEN = [name for name in _engine.activations() if name not in ("softmax", "ordered", "exp")]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 1 where a sure network is too slow."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sure", description="Sure networks.")
    parser.add_argument("--activations", type=chosen(HIDDEN), default=HIDDEN, metavar="NAMES")
    parser.add_argument("--dtypes", type=chosen(DTYPES), default=list(DTYPES), metavar="NAMES")
    parser.add_argument("--epochs", type=int, default=200, help="until a network is sure (default 200)")
    parser.add_argument("--threads", type=int, default=1, help="threads (default 1)")
    options = parser.parse_args(arguments)
    steps = N_SAMPLES // BATCH_SIZE
    title = (
        f"Microseconds of a step and of predicting {N_SAMPLES} rows, new and after {options.epochs} epochs"
    )
    table = Table("activation", "dtype", "step", "sure", "ratio", "predict", "sure", "ratio", title=title)
    console, slow = Console(), []
    for dtype in options.dtypes:
        for activation in options.activations:
            new, sure, x, y = networks(activation, dtype, options.epochs, options.threads)
            found = []
            epoch = partial(chainrule.Network.train, x=x, y=y, **settings(dtype))
            for parts, use in ((steps, epoch), (1, partial(chainrule.Network.__call__, x=x))):
                times = best(use, new, sure)
                found += [time / parts * 1e6 for time in times]
                if times[1] > LIMIT * times[0]:
                    slow.append((activation, dtype, times[1] / times[0]))
            cells = [
                cell for a, b in (found[:2], found[2:]) for cell in (f"{a:,.0f}", f"{b:,.0f}", f"{b / a:.2f}")
            ]
            table.add_row(activation, dtype, *cells)
    console.print(table)
    for activation, dtype, ratio in slow:
        console.print(
            f"{activation}, {dtype}: a sure network takes {ratio:.2f} times as long, at most {LIMIT} is meant"
        )
    return 1 if slow else 0


def networks(
    activation: str, dtype: str, n_epochs: int, n_threads: int
) -> tuple[Callable[[], chainrule.Network], chainrule.Network, NDArray[Any], NDArray[Any]]:
    """Return what makes networks that have seen each row once, one trained for long, rows and targets."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(N_SAMPLES, SIZES[0])).astype(dtype)
    y = (x[:, 0] + x[:, 1] * x[:, 2] > 0).astype(dtype)[:, None]

    def new(epochs: int = 1) -> chainrule.Network:
        net = chainrule.Network(
            list(SIZES),
            activation=activation,
            loss="binary_cross_entropy",
            dtype=dtype,
            random_state=0,
            n_threads=n_threads,
        )
        net.train(x, y, **settings(dtype) | {"epochs": epochs, "resume": False})
        return net

    return new, new(n_epochs), x, y


def settings(dtype: str) -> dict[str, Any]:
    """Return the settings of one more epoch. float64 has further to go until its numbers are tiny."""
    rate = 5e-3 if dtype == "float64" else 1e-3
    return {"optimizer": chainrule.Adam(rate), "batch_size": BATCH_SIZE, "epochs": 1, "resume": True}


def best(
    use: Callable[[chainrule.Network], object], new: Callable[[], chainrule.Network], sure: chainrule.Network
) -> list[float]:
    """Seconds of use(net) for a new network and for the sure one, in turns; the best of all rounds."""
    times = [float("inf")] * 2
    for _ in range(ROUNDS):
        for i, net in enumerate((new(), sure)):
            begin = time.perf_counter()
            use(net)
            times[i] = min(times[i], time.perf_counter() - begin)
    return times


if __name__ == "__main__":
    sys.exit(main())
