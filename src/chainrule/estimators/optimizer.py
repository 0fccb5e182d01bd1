"""The optimizer of a solver: its settings by the parameters, and scikit-learn's learning rates."""

import dataclasses
from typing import Any

from chainrule.estimators.protocol import MLP
from chainrule.optimizers import OPTIMIZERS, Optimizer
from chainrule.training.schedules import check_schedule
from chainrule.training.state import OptimizerState

SMALLEST_LEARNING_RATE = 1e-6

#: Solvers for which `alpha` is a decay apart from the gradient, as their authors have it.
DECOUPLED = ("adamw", "lion")
BOUNDS = ("l1", "clip_value", "clip_norm", "max_norm")


class StochasticOptimizer(OptimizerState):
    """The state of an estimator's optimizer; `partial_fit` goes on with that of the call before.

    Like scikit-learn's, it keeps the settings that it was made with: a `set_params(momentum=...)` between
    two calls of `partial_fit` has no effect until the next `fit`.

    Attributes
    ----------
    learning_rate : float
        The current one; changes with scikit-learn's schedules "invscaling" and "adaptive".
    schedule : str
        Which of these it is, or "constant".
    """

    def __init__(self, mlp: MLP) -> None:
        solver, self.learning_rate_init, own = settings(mlp)
        super().__init__(solver, self.learning_rate_init, own, check_schedule(mlp.schedule))
        self.own_penalty = isinstance(mlp.solver, Optimizer)
        self.schedule = mlp.learning_rate if mlp.solver == "sgd" else "constant"
        self.power_t = float(mlp.power_t)

    def penalty(self, alpha: float) -> dict[str, Any]:
        """Return what `alpha` is in the engine: scikit-learn divides it by the rows of a batch."""
        if self.own_penalty:
            return {}
        return {"weight_decay" if self.solver in DECOUPLED else "l2": alpha, "l2_over_rows": True}

    def epoch_ends(self, n_seen: int) -> None:
        """Lower the learning rate of "invscaling": learning_rate_init / (n_seen + 1)^power_t."""
        if self.schedule == "invscaling":
            self.set_learning_rate(self.learning_rate_init / (n_seen + 1) ** self.power_t)

    def no_improvement(self, message: str, verbose: bool) -> bool:
        """Return whether to stop; "adaptive" first divides the learning rate by five, down to 1e-6."""
        if self.schedule != "adaptive":
            stop, what = True, "Stopping."
        elif self.learning_rate <= SMALLEST_LEARNING_RATE:
            stop, what = True, "Learning rate too small. Stopping."
        else:
            self.set_learning_rate(self.learning_rate / 5.0)
            stop, what = False, f"Setting learning rate to {self.learning_rate:f}"
        if verbose:
            print(f"{message} {what}")
        return stop


def settings(mlp: MLP) -> tuple[str, float, dict[str, Any]]:
    """Return the optimizer's name, its learning rate, and its other settings but `alpha` for the engine.

    A named solver takes those of `momentum`, `beta_1`, ... that it has, and else its class's defaults; an
    instance of `chainrule.optimizers` brings all of its own.
    """
    common: dict[str, Any] = {}
    if mlp.precision != "full":
        common["precision"] = mlp.precision
    if mlp.row_blocks > 1:
        common["row_blocks"] = int(mlp.row_blocks)
    if mlp.learning_rate_factors is not None:
        common["learning_rate_factors"] = [float(factor) for factor in mlp.learning_rate_factors]
    if isinstance(mlp.solver, Optimizer):
        own = mlp.solver.settings()
        return mlp.solver.name, own.pop("learning_rate"), own | common
    common |= {name: float(getattr(mlp, name)) for name in BOUNDS if getattr(mlp, name)}
    if mlp.solver == "sgd":
        own = {"momentum": float(mlp.momentum), "nesterov": bool(mlp.nesterovs_momentum)}
    elif mlp.solver == "adam":
        own = {"beta_1": float(mlp.beta_1), "beta_2": float(mlp.beta_2), "epsilon": float(mlp.epsilon)}
    else:
        fields = {field.name for field in dataclasses.fields(OPTIMIZERS[mlp.solver])}
        shared = {name: getattr(mlp, name) for name in ("beta_1", "beta_2", "epsilon") if name in fields}
        own = OPTIMIZERS[mlp.solver](**shared).settings()
        for name in ("learning_rate", "l1", "l2", "weight_decay"):
            own.pop(name, None)
    return mlp.solver, float(mlp.learning_rate_init), own | common


def full_batch(solver: Any) -> bool:
    """Whether the optimizer is made for all rows in one batch."""
    return OPTIMIZERS[solver].full_batch if isinstance(solver, str) else solver.full_batch
