"""Tables of every kind of column, with something to learn in them."""

import datetime

import numpy as np
import pandas as pd


def mixed(n=300, seed=0):
    """A DataFrame of all kinds of columns, with missing values, and a number to predict."""
    rng = np.random.default_rng(seed)
    size = rng.normal(size=n)
    color = rng.choice(["red", "green", "blue"], size=n)
    sold = rng.integers(0, 365, size=n)
    wide = rng.choice([f"street {k}" for k in range(8)], size=n)
    y = size + (color == "red") + sold / 365 + rng.normal(scale=0.1, size=n)
    frame = pd.DataFrame(
        {
            "size": np.where(rng.random(n) < 0.1, np.nan, size),
            "color": pd.Categorical(color),
            "street": pd.Series(wide).where(rng.random(n) > 0.1),
            "sold": [datetime.date(2025, 1, 1) + datetime.timedelta(days=int(day)) for day in sold],
            "new": rng.random(n) < 0.5,
            "rooms": rng.integers(1, 5, size=n),
            "weight": [f"{value:.1f}" for value in rng.random(n)],
            "empty": np.full(n, np.nan),
            "constant": 3.0,
        }
    )
    return frame, y
