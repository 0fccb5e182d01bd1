"""A table whose target is half in a text column of very many values: what noise and luck leave is known."""

import numpy as np
import pandas as pd


def planted(n_rows, n_values, *, noise=0.043, n_numbers=5, seed=0):
    """Return a DataFrame and targets of variance 1: half of it of the text, the rest of numbers and noise.

    Who knew the effects would have an R² of 1 - noise.
    """
    rng = np.random.default_rng(seed)
    effects, code = rng.normal(size=n_values), rng.integers(0, n_values, size=n_rows)
    numbers, slopes = rng.normal(size=(n_rows, n_numbers)), rng.normal(size=n_numbers)
    slopes *= np.sqrt((0.5 - noise) / (slopes**2).sum())
    words = np.array([f"place {k}" for k in range(n_values)], dtype=object)
    frame = pd.DataFrame(numbers, columns=[f"x{k}" for k in range(n_numbers)])
    frame.insert(0, "place", words[code])
    y = np.sqrt(0.5) * effects[code] + numbers @ slopes + np.sqrt(noise) * rng.normal(size=n_rows)
    return frame, y


def r2(y, predictions):
    return 1 - np.mean((y - predictions) ** 2) / np.var(y)
