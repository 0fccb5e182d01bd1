"""Whether inputs and targets have a size that suits a network: about 1."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[Any]

#: Root mean square of a column: networks like about 1, first weights are drawn for it.
LARGE, SMALL = 20.0, 0.1


@dataclass(frozen=True)
class Finding:
    """One thing that was found.

    Attributes
    ----------
    code : str
        A name to select by, "inputs-not-scaled" for example.
    message : str
        What was found, with numbers.
    advice : str
        What to do about it.
    layer : int or None
        The layer it is about, from 1.
    """

    code: str
    message: str
    advice: str
    layer: int | None = None

    def __str__(self) -> str:
        return f"{self.message[0].upper()}{self.message[1:]}. {self.advice}"


def scale_of(x: Floats, names: Sequence[Any] | None) -> Iterator[Finding]:
    """Look at the columns of rows (n_samples, n_features), whose names may be known."""
    size = np.sqrt(np.mean(np.square(x, dtype=np.float64), axis=0))
    many = int(np.sum(size > LARGE))
    scaler = "Put sklearn.preprocessing.StandardScaler before the network."
    if many:
        worst = int(np.argmax(size))
        name = "" if names is None else f" ({names[worst]})"
        columns = f"{many} of {len(size)} columns are" if many > 1 else "a column is"
        yield Finding(
            "inputs-not-scaled",
            f"{columns} not scaled: column {worst}{name} has a root mean square of "
            f"{size[worst]:.3g}, where about 1 suits a network",
            scaler,
        )
    elif size.max(initial=0) < SMALL:
        yield Finding(
            "inputs-not-scaled",
            f"the inputs are small: no column has a root mean square above {size.max(initial=0):.2g}, "
            "where about 1 suits a network",
            scaler,
        )


def scale_of_targets(y: Floats, *, own: bool) -> Iterator[Finding]:
    """Look at numbers to predict, (n_samples, n_outputs), as the network learns them.

    `own` says whether the model can scale them by itself.
    """
    size = float(np.sqrt(np.mean(np.square(y, dtype=np.float64))))
    if size > LARGE:
        scaling = "Set scale_targets=True: predictions stay in their own units."
        yield Finding(
            "targets-not-scaled",
            f"the targets are not scaled: their root mean square is {size:.3g}, where about 1 suits a "
            "network",
            scaling if own else "Standardize them.",
        )
