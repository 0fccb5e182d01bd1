"""An optimizer with its memory, between two calls of the engine and between two trainings."""

from typing import Any

import numpy as np

from chainrule import _engine
from chainrule.model.arrays import Floats
from chainrule.model.trainee import Trainee
from chainrule.training.schedules import Plateau, PlateauSchedule, Schedule

#: What an optimizer remembers beside its arrays.
MEMORY = ("n_steps", "last_loss", "dropout_seed")

#: Factors handed to one native call at most.
STEPS_PER_CALL = 1_000_000


class OptimizerState:
    """Settings, schedule and memory of an optimizer. A copy or a pickle has a memory of its own.

    Parameters
    ----------
    solver : str
        The optimizer's name in the engine.
    learning_rate : float
        May be changed between two calls of the engine.
    settings : dict
        The other settings of the engine's `Trainer`, but for the number of rows per step and of threads.
    rates : Schedule or None
        What the learning rate is multiplied with, step by step.

    Attributes
    ----------
    last_rate : float
        The learning rate of the last step, the schedule included.
    total_steps : int
        Of the schedule.
    plateau : Plateau or None
        At work, where the schedule is one that watches the loss.
    n_steps, last_loss, dropout_seed : int, float, int
        As those of the engine's `Trainer`; up to date after `release`.
    moments : list of ndarray of shape (n_parameters,)
        The optimizer's arrays; up to date after `release`.
    optimizer : Any
        What the user gave, if it is an object of its own.
    further : tuple of Schedule or None
        What the dropout rates and the weight decay are multiplied with, step by step.
    """

    further: tuple[Schedule | None, Schedule | None] = (None, None)

    def __init__(
        self, solver: str, learning_rate: float, settings: dict[str, Any], rates: Schedule | None
    ) -> None:
        self.solver, self.learning_rate, self.settings, self.rates = solver, learning_rate, settings, rates
        self.last_rate = learning_rate
        self.total_steps = 0
        self.plateau: Plateau | None = rates.start() if isinstance(rates, PlateauSchedule) else None
        self.n_steps = 0
        self.last_loss = 0.0
        self.dropout_seed = 0
        self.moments: list[Floats] = []
        self.optimizer: Any = None
        self._trainer: _engine.Trainer | None = None
        self._trains: tuple[Any, ...] = ()

    def fits(self, trainee: Trainee) -> bool:
        """Whether the moments are those of a network of this size."""
        return all(moment.shape == trainee.flat.shape for moment in self.moments)

    def take_over(self, last: "OptimizerState") -> None:
        """Go on with the memory of another state, in its own trainer where the settings are the same."""
        if last.plateau is not None and last.rates == self.rates:
            self.plateau = last.plateau
        if (last.settings, last.learning_rate) == (self.settings, self.learning_rate):
            self._trainer, self._trains = last._trainer, last._trains
        memory = vars(last) if self._trainer is not None else last.__getstate__()
        self.__dict__ |= {name: memory[name] for name in (*MEMORY, "moments")}

    @property
    def steps_made(self) -> int:
        """The number of steps up to now."""
        return self.n_steps if self._trainer is None else self._trainer.n_steps

    def trainer(self, trainee: Trainee, batch_size: int, penalty: dict[str, Any]) -> _engine.Trainer:
        """Return the engine's trainer for these rows per step and the threads there are now.

        The last one, unless something has changed: then a new one takes over its memory.
        """
        trains = (trainee.model, batch_size, trainee.threads, penalty)
        if self._trainer is None or trains != self._trains:
            self.release()
            self._trainer = _engine.Trainer(
                trainee.model,
                self.solver,
                batch_size=batch_size,
                learning_rate=self.learning_rate,
                n_threads=trains[2],
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

    def set_learning_rate(self, learning_rate: float) -> None:
        """Change the learning rate from the next step on."""
        self.learning_rate = learning_rate
        if self._trainer is not None:
            self._trainer.learning_rate = learning_rate

    def epochs_per_call(self, most: int, steps_per_epoch: int) -> int:
        """Return how many epochs one native call may have: the rates of its steps are known before."""
        if self.rates is None and not any(self.further):
            return most
        return 1 if self.plateau is not None else max(1, min(most, STEPS_PER_CALL // steps_per_epoch))

    def plan(self, trainer: _engine.Trainer, n_epochs: int, steps_per_epoch: int) -> tuple[Any, list[float]]:
        """Say by which learning rates the next epochs go.

        Returns
        -------
        factors : ndarray or None
            What the learning rate is multiplied with, step by step; None for a constant one. In further
            columns dropout rates and decay, where they change.
        rates : list of float
            That of each epoch's last step.
        """
        rate, factors = self.learning_rate, None
        if self.rates is None:
            rates = [rate] * n_epochs
        else:
            n_steps = n_epochs * steps_per_epoch
            factors = self.rates.factors(trainer.n_steps, n_steps, self.total_steps)
            if self.plateau is not None:
                factors *= self.plateau.factor
            rates = [rate * float(factor) for factor in factors[steps_per_epoch - 1 :: steps_per_epoch]]
        self.last_rate = rates[-1]
        if any(self.further):
            n_steps = n_epochs * steps_per_epoch
            ones = np.ones(n_steps)
            columns = [ones if factors is None else factors]
            for schedule in self.further:
                first, total = trainer.n_steps, self.total_steps
                columns.append(ones if schedule is None else schedule.factors(first, n_steps, total))
            factors = np.stack(columns, axis=1)
        return factors, rates

    def release(self) -> None:
        """Take the memory over from the engine and let its workspace go."""
        if self._trainer is not None:
            self.__dict__ |= self._memory(self._trainer)
        self._trainer, self._trains = None, ()

    @staticmethod
    def _memory(trainer: _engine.Trainer) -> dict[str, Any]:
        return {"moments": list(trainer.state)} | {name: getattr(trainer, name) for name in MEMORY}

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__ | {"_trainer": None, "_trains": ()}
        return state if self._trainer is None else state | self._memory(self._trainer)
