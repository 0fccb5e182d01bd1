"""The stochastic optimisers as scikit-learn sees them: schedule, and moments that outlive a call."""

from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from chainrule import _engine
from chainrule.estimators.bound_model import BoundModel

if TYPE_CHECKING:
    from chainrule.estimators.base import BaseMLP

SMALLEST_LEARNING_RATE = 1e-6


class StochasticOptimizer:
    """Settings, learning rate and moments; `partial_fit` goes on with those of the call before.

    Like scikit-learn's, it keeps the settings that it was made with: a `set_params(momentum=...)` between
    two calls of `partial_fit` is not heard until the next `fit`.

    Attributes
    ----------
    learning_rate : float
        The current one; changes with the schedules "invscaling" and "adaptive".
    n_steps : int
        Number of updates made.
    moments : list of ndarray of shape (n_parameters,)
        sgd: velocity; adam: first and second moment. Up to date after `release`.
    """

    def __init__(self, mlp: "BaseMLP") -> None:
        self.solver = mlp.solver
        self.schedule = mlp.learning_rate if mlp.solver == "sgd" else "constant"
        self.learning_rate_init = float(mlp.learning_rate_init)
        self.power_t = float(mlp.power_t)
        self.settings: dict[str, Any] = (
            {"momentum": float(mlp.momentum), "nesterov": bool(mlp.nesterovs_momentum)}
            if mlp.solver == "sgd"
            else {"beta_1": float(mlp.beta_1), "beta_2": float(mlp.beta_2), "epsilon": float(mlp.epsilon)}
        )
        self.learning_rate = self.learning_rate_init
        self.n_steps = 0
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
            self._trainer = _engine.Trainer(
                bound.model,
                self.solver,
                batch_size=batch_size,
                learning_rate=self.learning_rate,
                l2=alpha,
                l2_over_rows=True,
                n_threads=n_threads,
                **self.settings,
            )
            if self.n_steps:
                self._trainer.n_steps = self.n_steps
                self._trainer.state = self.moments
            self.moments = []
            self._trains = trains
        return self._trainer

    def release(self) -> None:
        """Take the moments over from the engine and let its workspace go."""
        if self._trainer is not None:
            self.n_steps = self._trainer.n_steps
            self.moments = list(self._trainer.state)
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

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__ | {"_trainer": None, "_trains": ()}
        if self._trainer is not None:
            state |= {"n_steps": self._trainer.n_steps, "moments": list(self._trainer.state)}
        return state
