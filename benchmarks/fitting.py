"""Tables for whole fits: the digits, a table of one's own, or one drawn at random."""

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

N_ROWS = 20_000

#: Where workers find ``--data`` and ``--target``.
DATA, TARGET = "CHAINRULE_BENCHMARK_DATA", "CHAINRULE_BENCHMARK_TARGET"


def load(name: str) -> tuple[NDArray[Any], NDArray[Any]]:
    """Rows and targets of "digits", or of "table": the Parquet file that was given, else Friedman's function.

    Numbers of a table are standardized: x and y have mean 0 and variance 1.
    """
    from sklearn.datasets import load_digits, make_friedman1

    if name == "digits":
        x, y = load_digits(return_X_y=True)
        return x, y
    if path := os.environ.get(DATA):
        x, y = read_table(Path(path), os.environ.get(TARGET))
    else:
        x, y = make_friedman1(N_ROWS, n_features=10, noise=1.0, random_state=0)
    return standardized(x), standardized(y)


def read_table(path: Path, target: str | None) -> tuple[NDArray[Any], NDArray[Any]]:
    """Read the first 20,000 rows of a Parquet file's numbers.

    Parameters
    ----------
    path : Path
        A Parquet file.
    target : str, optional
        The column to predict; by default the last column of numbers.

    Raises
    ------
    ValueError
        Where the target is not there, or there are not two columns of numbers without missing values.
    """
    import pyarrow.parquet
    import pyarrow.types as kinds

    table = pyarrow.parquet.read_table(path).slice(0, N_ROWS)
    numbers = {
        name: table[name].to_numpy().astype(np.float64)
        for name in table.column_names
        if (kinds.is_integer(table[name].type) or kinds.is_floating(table[name].type))
        and not table[name].null_count
    }
    if len(numbers) < 2:
        raise ValueError(f"{path} has {len(numbers)} columns of numbers without gaps; expected at least 2")
    target = list(numbers)[-1] if target is None else target
    if target not in numbers:
        raise ValueError(f"{path} has no column {target!r} of numbers without gaps; it has {list(numbers)}")
    y = numbers.pop(target)
    return np.column_stack(list(numbers.values())), y


def standardized(values: NDArray[Any]) -> NDArray[Any]:
    """Columns of mean 0 and variance 1; constant columns become 0."""
    deviation = values.std(axis=0)
    return (values - values.mean(axis=0)) / np.where(deviation > 0, deviation, 1)
