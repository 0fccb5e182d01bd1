"""A user's function in a loss's place, taken row by row."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from chainrule.derive.expression import Floats
from chainrule.reference import ACTIVATIONS, Loss


@dataclass(frozen=True, eq=False)
class RowLoss(Loss):
    """A function (predictions, targets) -> (value, gradient) as the loss of each row by itself.

    The loss of a batch is then the mean over its rows; `check` finds functions of which that is not so.
    """

    name: ClassVar[str] = "custom"
    allowed: ClassVar[tuple[str, ...]] = tuple(n for n, f in ACTIVATIONS.items() if not f.hidden_only)
    function: Callable[..., Any] = lambda *_: (0.0, 0.0)

    def value(self, activation: Any, net: Floats, output: Floats, target: Floats) -> Floats:
        """Return the function's value for each row, shape (n_samples,)."""
        return np.array([self.call(output[i : i + 1], target[i : i + 1])[0] for i in range(len(output))])

    def gradient(self, output: Floats, target: Floats) -> Floats:
        """Return the function's gradient for each row, shape (n_samples, n_outputs)."""
        rows = [self.call(output[i : i + 1], target[i : i + 1])[1] for i in range(len(output))]
        return np.concatenate(rows)

    def call(self, output: Floats, target: Floats) -> tuple[float, Floats]:
        """Call the function, with no weights where it takes them."""
        more = [None] if len(inspect.signature(self.function).parameters) > 2 else []
        value, gradient = self.function(output, target, *more)
        return float(np.asarray(value).reshape(())), np.asarray(gradient, dtype=float).reshape(output.shape)

    def check(self, output: Floats, target: Floats) -> None:
        """Raise ValueError where the loss of the rows together is not the mean of the rows' losses."""
        together, rows = self.call(output, target)[0], self.value(None, output, output, target)
        if not np.isclose(together, rows.mean(), rtol=1e-6, atol=1e-12):
            raise ValueError(
                f"the loss function gives {together:.6g} for {len(rows)} rows together, but {rows.mean():.6g}"
                " as the mean of each alone; a derivation needs the mean over rows: give one row"
            )
