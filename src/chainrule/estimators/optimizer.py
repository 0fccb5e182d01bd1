"""The optimisers between two calls: settings, schedule, and memory that outlives the engine's trainer."""

import dataclasses
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from chainrule import _engine
from chainrule.estimators.bound_model import BoundModel
from chainrule.optimizers import OPTIMIZERS, Optimizer
from chainrule.training.schedules import Plateau, PlateauSchedule, check_schedule

if TYPE_CHECKING:
    from chainrule.estimators.base import BaseMLP

SMALLEST_LEARNING_RATE = 1e-6

#: Solvers for which `alpha` is a decay apart from the gradient, as their authors have it.
DECOUPLED = ("adamw", "lion")
BOUNDS = ("l1", "clip_value", "clip_norm", "max_norm")
#: What an optimiser remembers beside its arrays.
MEMORY = ("n_steps", "last_loss", "dropout_seed")


class StochasticOptimizer:
    """Settings, learning rate and moments; `partial_fit` goes on with those of the call before.

    Like scikit-learn's, it keeps the settings that it was made with: a `set_params(momentum=...)` between
    two calls of `partial_fit` is not heard until the next `fit`.

    Attributes
    ----------
    solver : str
        Name in the engine.
    learning_rate : float
        The current one; changes with scikit-learn's schedules "invscaling" and "adaptive".
    last_rate : float
        That of the last step, `schedule` included.
    n_steps : int
        Number of updates made.
    moments : list of ndarray of shape (n_parameters,)
        The optimiser's arrays: sgd, velocity; adam, first and second moment; ... Up to date after `release`.
    """

    def __init__(self, mlp: "BaseMLP") -> None:
        self.solver, self.learning_rate_init, self.settings = settings(mlp)
        self.own_penalty = isinstance(mlp.solver, Optimizer)
        self.schedule = mlp.learning_rate if mlp.solver == "sgd" else "constant"
        self.power_t = float(mlp.power_t)
        self.rates = check_schedule(mlp.schedule)
        self.plateau: Plateau | None = self.rates.start() if isinstance(self.rates, PlateauSchedule) else None
        self.learning_rate = self.last_rate = self.learning_rate_init
        self.total_steps = 0  # of the schedule
        self.n_steps = 0
        self.last_loss = 0.0
        self.dropout_seed = 0
        self.moments: list[NDArray[Any]] = []
        self._trainer: _engine.Trainer | None = None
        self._trains: tuple[Any, ...] = ()

    def fits(self, bound: BoundModel) -> bool:
        """Whether the moments are those of a network of this size."""
        return all(moment.shape == bound.flat.shape for moment in self.moments)

    def trainer(self, bound: BoundModel, batch_size: int, alpha: float, n_threads: int) -> _engine.Trainer:
        """Return the engine's trainer for these settings: the last one, or a new one with its moments."""
        trains = (bound, batch_size, alpha, n_threads)
        if self._trainer is None or trains != self._trains:
            self.release()
            penalty: dict[str, Any] = {"l2": alpha, "l2_over_rows": True}
            if self.own_penalty:
                penalty = {}
            elif self.solver in DECOUPLED:
                penalty = {"weight_decay": alpha, "l2_over_rows": True}
            self._trainer = _engine.Trainer(
                bound.model,
                self.solver,
                batch_size=batch_size,
                learning_rate=self.learning_rate,
                n_threads=n_threads,
                **penalty,
                **self.settings,
            )
            for name in MEMORY:
                setattr(self._trainer, name, getattr(self, name))
            if self.n_steps:
                self._trainer.state = self.moments
            self.moments = []
            self._trains = trains
        return self._trainer

    def plan(self, n_epochs: int, steps_per_epoch: int) -> None:
        """Let the schedule extend over so many epochs from here on."""
        self.total_steps = self.n_steps + n_epochs * steps_per_epoch

    def epoch(self, trainer: _engine.Trainer, data: _engine.Dataset, order: Any) -> float:
        """Train for an epoch at the schedule's rates; return its loss."""
        self.last_rate = self.learning_rate
        if self.rates is None:
            return trainer.epoch(data, order)
        n = -(-data.n_samples // self._trains[1])
        factors = self.rates.factors(trainer.n_steps, n, self.total_steps)
        if self.plateau is not None:
            factors *= self.plateau.factor
        self.last_rate *= float(factors[-1])
        return trainer.epoch(data, order, factors=factors)

    def release(self) -> None:
        """Take the moments over from the engine and let its workspace go."""
        if self._trainer is not None:
            self.__dict__ |= self._memory(self._trainer)
        self._trainer = None
        self._trains = ()

    def epoch_ends(self, n_seen: int) -> None:
        """Lower the learning rate of "invscaling": learning_rate_init / (n_seen + 1)^power_t."""
        if self.schedule == "invscaling":
            self._set_learning_rate(self.learning_rate_init / (n_seen + 1) ** self.power_t)

    def no_improvement(self, message: str, verbose: bool) -> bool:
        """Return whether to stop; "adaptive" first divides the learning rate by five, down to 1e-6."""
        if self.schedule != "adaptive":
            stop, what = True, "Stopping."
        elif self.learning_rate <= SMALLEST_LEARNING_RATE:
            stop, what = True, "Learning rate too small. Stopping."
        else:
            self._set_learning_rate(self.learning_rate / 5.0)
            stop, what = False, f"Setting learning rate to {self.learning_rate:f}"
        if verbose:
            print(f"{message} {what}")
        return stop

    def _set_learning_rate(self, learning_rate: float) -> None:
        self.learning_rate = learning_rate
        if self._trainer is not None:
            self._trainer.learning_rate = learning_rate

    @staticmethod
    def _memory(trainer: _engine.Trainer) -> dict[str, Any]:
        return {"moments": list(trainer.state)} | {name: getattr(trainer, name) for name in MEMORY}

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__ | {"_trainer": None, "_trains": ()}
        return state if self._trainer is None else state | self._memory(self._trainer)


def settings(mlp: "BaseMLP") -> tuple[str, float, dict[str, Any]]:
    """Return the optimiser's name, its learning rate, and its other settings but `alpha` for the engine.

    A named solver takes those of `momentum`, `beta_1`, ... that it has, and else its class's defaults; an
    instance of `chainrule.optimizers` brings all of its own.
    """
    common: dict[str, Any] = {}
    if mlp.precision != "full":
        common["precision"] = mlp.precision
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
    """Whether the optimiser is made for all rows in one batch."""
    return OPTIMIZERS[solver].full_batch if isinstance(solver, str) else solver.full_batch
