"""What all optimizers have in common: penalties, bounds, checked settings."""

import dataclasses
from typing import Any, ClassVar

from chainrule._settings import flag, real_number


@dataclasses.dataclass(frozen=True, repr=False, kw_only=True)
class Optimizer:
    """How gradients change the parameters.

    Every step takes the gradient g of the batch's loss, the mean over its rows and the penalties included;
    bounds g by `clip_value`, then by `clip_norm`; lets the optimizer change the parameters; and bounds what
    came out by `max_norm`. Penalties and `max_norm` are about weights only, never about biases, gains, shifts
    or slopes.

    Parameters
    ----------
    l1 : float
        Factor of the penalty l1 sum |W_k|. Its derivative at 0 is taken to be 0.
    l2 : float
        Factor of the penalty l2/2 sum ||W_k||^2 (Krogh and Hertz 1992).
    clip_value : float, optional
        Each component of g is kept in [-clip_value, clip_value].
    clip_norm : float, optional
        Where the norm of all components of g exceeds it, g is multiplied by clip_norm / ||g|| (Pascanu,
        Mikolov and Bengio 2013, algorithm 1). Layers whose learning-rate factor is 0 do not count.
    max_norm : float, optional
        After each step, where the norm of a unit's incoming weights (a column of W_k) exceeds it, they are
        multiplied by max_norm / norm (Srebro, Rennie and Jaakkola 2005).

    Attributes
    ----------
    name : str
        The name in the engine's registry.
    memory : tuple of str
        What is kept from step to step, one number for each parameter.
    """

    name: ClassVar[str]
    #: Settings that are numbers, and where they must lie; what is None there is off.
    intervals: ClassVar[dict[str, str]] = {"learning_rate": "(0, inf)"}
    #: Whether all rows in one batch are the rule, and what `batch_size="auto"` means.
    full_batch: ClassVar[bool] = False
    #: Whether steps have a learning rate that a schedule can change.
    scheduled: ClassVar[bool] = True

    l1: float = 0.0
    l2: float = 0.0
    clip_value: float | None = None
    clip_norm: float | None = None
    max_norm: float | None = None

    def __post_init__(self) -> None:
        intervals = {"l1": "[0, inf)", "l2": "[0, inf)", **self.intervals}
        bounds = dict.fromkeys(("clip_value", "clip_norm", "max_norm"), "(0, inf)")
        for name, value in vars(self).items():
            if name in bounds and value is not None:
                self._set(name, real_number(name, value, bounds[name]))
            elif name in intervals:
                self._set(name, real_number(name, value, intervals[name]))
            elif name not in bounds:
                self._set(name, flag(name, value))

    def _set(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)

    @property
    def memory(self) -> tuple[str, ...]:
        """What is kept from step to step, one number for each parameter."""
        return ()

    def settings(self) -> dict[str, Any]:
        """Return the settings that are on by name, as the engine's `Trainer` takes them."""
        return {name: value for name, value in vars(self).items() if value is not None}

    def __repr__(self) -> str:
        """Show the learning rate and what differs from the default."""
        common = dataclasses.fields(Optimizer)
        own = dataclasses.fields(self)[len(common) :]
        shown = [
            f"{field.name}={getattr(self, field.name)!r}"
            for field in (*own, *common)
            if field.name == "learning_rate" or getattr(self, field.name) != field.default
        ]
        return f"{type(self).__name__}({', '.join(shown)})"
