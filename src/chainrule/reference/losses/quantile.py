"""The pinball loss of one quantile or of several that cannot cross."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

from array_api_compat import array_namespace, device

from chainrule.reference.activations import Activation
from chainrule.reference.functions import Array, real, where_positive
from chainrule.reference.losses.base import Loss, setting
from chainrule.reference.losses.distances import NOT_HIDDEN


@dataclass(frozen=True)
class Quantile(Loss):
    """E = sum_i q_i max(-e_i, 0) + (1 - q_i) max(e_i, 0) with e = yhat - y: fits the quantiles q_i of y [E3].

    dE/dyhat = 1 - q above the target, -q below it, 0 at the kink e = 0. Half the absolute error for q = 1/2.

    With several quantiles each target has as many neighboring outputs, in the quantiles' order, and the
    output activation is "ordered": no output is ever below the one before, so that quantiles cannot cross.

    Source: R. Koenker and G. Bassett, Regression quantiles, Econometrica 46 (1978) 33-50.

    Parameters
    ----------
    quantiles : float or sequence of float
        Increasing numbers in (0, 1).

    Examples
    --------
    >>> import numpy as np
    >>> Quantile(0.9).gradient(np.array([[1.0, 2.0, 3.0]]), np.array([[2.0, 2.0, 2.0]])).round(6).tolist()
    [[-0.9, 0.0, 0.1]]
    >>> from chainrule import Network
    >>> net = Network([1, 8, 6], loss=Quantile([0.1, 0.5, 0.9]), random_state=0)  # of two targets
    >>> net.activations
    ['relu', 'ordered(3)']
    >>> bool((np.diff(net(np.ones((1, 1))).reshape(2, 3)) >= 0).all())
    True
    """

    name: ClassVar[str] = "quantile"
    allowed: ClassVar[tuple[str, ...]] = NOT_HIDDEN
    quantiles: float | Sequence[float] = (0.5,)

    def __post_init__(self) -> None:
        given = self.quantiles
        each = given if isinstance(given, Iterable) and not isinstance(given, str | bytes) else (given,)
        levels = tuple(setting("quantiles", q, "(0, 1)") for q in each)
        if not levels:
            raise ValueError("quantiles is empty; expected at least one number in (0, 1)")
        if any(a >= b for a, b in pairwise(levels)):
            raise ValueError(f"quantiles is {given!r}; expected increasing numbers, such as [0.1, 0.5, 0.9]")
        object.__setattr__(self, "quantiles", levels)

    @property
    def output_activations(self) -> tuple[str, ...]:
        """Every activation for one quantile, "ordered" for several."""
        return self.allowed if self.outputs_per_target == 1 else ("ordered",)

    @property
    def parameters(self) -> tuple[float, ...]:
        """The quantiles."""
        assert isinstance(self.quantiles, tuple)
        return self.quantiles

    @property
    def outputs_per_target(self) -> int:
        """The number of quantiles."""
        return len(self.parameters)

    def output_problem(self, activation: Activation, n_outputs: int) -> str | None:
        """Several quantiles need outputs for each, in order."""
        n = self.outputs_per_target
        if n_outputs % n:
            return (
                f"has {n} quantiles; expected {n} outputs for each target, a multiple of {n}, not {n_outputs}"
            )
        problem = super().output_problem(activation, n_outputs)
        whole = n_outputs == n and activation.label == "ordered"  # one target: the whole row is in order
        if n > 1 and problem is None and not whole and activation.label != f"ordered({n})":
            return (
                f"has {n} quantiles; expected the output activation 'ordered({n})', not {activation.label!r}"
            )
        return problem

    def _levels(self, error: Array) -> Array:
        """Return the quantile of each output, shape (n_outputs,)."""
        levels = self.parameters * (error.shape[-1] // self.outputs_per_target)
        return array_namespace(error).asarray(levels, dtype=real(error).dtype, device=device(error))

    def value(self, activation: Activation, net: Array, output: Array, target: Array) -> Array:
        """E3: sum (1 - q) e where e > 0, else -q e."""
        error = output - target
        q = self._levels(error)
        return array_namespace(error).sum(where_positive(error, (1 - q) * error, -q * error), axis=-1)

    def gradient(self, output: Array, target: Array) -> Array:
        """dE/dyhat = 1 - q where e > 0, -q where e < 0, 0 where e = 0."""
        error = output - target
        xp, q = array_namespace(error), self._levels(error)
        one = xp.ones_like(error)
        return xp.where(error == 0, 0 * one, where_positive(error, (1 - q) * one, -q * one))
