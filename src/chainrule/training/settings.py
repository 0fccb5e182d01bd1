"""The settings of a training, checked."""

import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, Self

from chainrule import _engine
from chainrule._settings import flag, real_number, whole_number
from chainrule.model.rows import Rows, as_rows
from chainrule.model.trainee import Trainee
from chainrule.optimizers import LBFGS, Adam, Optimizer, check_optimizer
from chainrule.training.blocks import MOST_BLOCKS
from chainrule.training.history import EpochRecord
from chainrule.training.schedules import PlateauSchedule, Schedule, check_schedule

#: Of the products in training: the network's dtype, or bfloat16 with sums in float32.
PRECISIONS = ("full", "bf16")

#: Rows per step of "auto", but for optimizers that are made for all rows in one batch.
AUTO_BATCH_SIZE = 32


class Settings(NamedTuple):
    """How a network is trained; `Network.train` documents each setting.

    Attributes
    ----------
    batch_size : int
        Rows per step; sys.maxsize for all rows in one batch.
    learning_rate_factors, epsilon_factors, decay_factors : tuple of float
        One per layer, or none, or a mapping, as given; one per place of the parameters, once `fitted_to` a
        network.
    validation : tuple, Rows or None
        (x, y) or (x, y, sample_weight) as given; rows of the network, once `fitted_to` one.
    """

    optimizer: Optimizer | LBFGS = Adam()
    epochs: int = 100
    batch_size: int = AUTO_BATCH_SIZE
    shuffle: bool = True
    callback: Callable[[EpochRecord], object] | None = None
    resume: bool = False
    precision: str = "full"
    schedule: Schedule | None = None
    schedule_epochs: int | None = None
    learning_rate_factors: Any = ()
    validation: Any = None
    patience: int | None = None
    min_improvement: float = 0.0
    max_time: float | None = None
    row_blocks: int = 1
    epsilon_factors: Any = ()
    decay_factors: Any = ()
    dropout_schedule: Schedule | None = None
    decay_schedule: Schedule | None = None

    @classmethod
    def checked(cls, **settings: Any) -> Self:
        """Check what a user gave; TypeError or ValueError for what is none or out of range."""
        raw: Any = cls(**{"batch_size": "auto", "learning_rate_factors": None, **settings})
        optimizer = check_optimizer(Adam() if raw.optimizer is None else raw.optimizer)
        return cls(
            optimizer,
            whole_number("epochs", raw.epochs, 1),
            _batch_size(optimizer, raw.batch_size),
            flag("shuffle", raw.shuffle),
            _callback(raw.callback),
            flag("resume", raw.resume),
            _precision(raw.precision),
            _schedule(optimizer, raw.schedule),
            None if raw.schedule_epochs is None else whole_number("schedule_epochs", raw.schedule_epochs, 1),
            _factors("learning_rate_factors", raw.learning_rate_factors),
            _validation(raw.validation),
            None if raw.patience is None else whole_number("patience", raw.patience, 1),
            real_number("min_improvement", raw.min_improvement, "[0, inf)"),
            None if raw.max_time is None else real_number("max_time", raw.max_time, "(0, inf)"),
            _row_blocks(raw.row_blocks),
            _factors("epsilon_factors", raw.epsilon_factors),
            _factors("decay_factors", raw.decay_factors),
            _further_schedule("dropout_schedule", optimizer, raw.dropout_schedule),
            _further_schedule("decay_schedule", optimizer, raw.decay_schedule),
        )

    def fitted_to(self, trainee: Trainee) -> Self:
        """Return these settings with rows that fit the network; TypeError or ValueError where they do not."""
        self = self._replace(
            learning_rate_factors=_spread("learning_rate_factors", self.learning_rate_factors, trainee),
            epsilon_factors=_spread("epsilon_factors", self.epsilon_factors, trainee),
            decay_factors=_spread("decay_factors", self.decay_factors, trainee),
        )
        if not isinstance(self.validation, tuple) or isinstance(self.validation, Rows):
            return self
        try:
            rows = as_rows(trainee.architecture, *self.validation)
            rows.check_finite()
        except (TypeError, ValueError) as error:
            raise type(error)(f"validation: {error}") from None
        return self._replace(validation=rows if self.callback is None else rows.own())


def _batch_size(optimizer: Optimizer | LBFGS, value: Any) -> int:
    if isinstance(value, str) and value == "auto":
        value = None if optimizer.full_batch else AUTO_BATCH_SIZE
    if isinstance(value, str):
        raise TypeError(f"batch_size is {value!r}; expected a number of rows, None for all, or 'auto'")
    return sys.maxsize if value is None else min(whole_number("batch_size", value, 1), sys.maxsize)


def _row_blocks(value: Any) -> int:
    n_blocks = whole_number("row_blocks", value, 1)
    if n_blocks > MOST_BLOCKS:
        raise ValueError(f"row_blocks is {n_blocks}; expected at most {MOST_BLOCKS}")
    return n_blocks


def _callback(value: Any) -> Any:
    if value is not None and not callable(value):
        raise TypeError(f"callback is {value!r}; expected a function of one EpochRecord")
    return value


def _precision(value: Any) -> str:
    if value not in PRECISIONS:
        raise ValueError(f"precision is {value!r}; expected one of: {', '.join(PRECISIONS)}")
    return str(value)


def _validation(validation: Any) -> Any:
    if validation is None or (isinstance(validation, tuple | list) and len(validation) in (2, 3)):
        return None if validation is None else tuple(validation)
    raise TypeError(
        f"validation is of type {type(validation).__name__}; expected (x, y) or (x, y, sample_weight), rows"
        " to measure the loss on after each epoch"
    )


def _schedule(optimizer: Optimizer | LBFGS, value: Any) -> Schedule | None:
    schedule = check_schedule(value)
    if schedule is not None and not optimizer.scheduled:
        raise ValueError(
            f"schedule is {value!r}, but {type(optimizer).__name__} has no learning rate to change: it finds"
            " its own steps; leave schedule out"
        )
    return schedule


def _further_schedule(name: str, optimizer: Optimizer | LBFGS, value: Any) -> Schedule | None:
    try:
        schedule = check_schedule(value)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{name}: {error}") from None
    if schedule is not None and (isinstance(optimizer, LBFGS) or isinstance(schedule, PlateauSchedule)):
        reason = "LBFGS has no steps" if isinstance(optimizer, LBFGS) else "a plateau is of the learning rate"
        raise ValueError(f"{name} is {value!r}, but {reason}; leave it out or give another")
    return schedule


def _factors(name: str, value: Any) -> Any:
    """Numbers, one per layer; or a mapping of kinds to one number, or to a number for each layer."""
    if value is None or value == ():
        return ()
    if isinstance(value, Mapping):
        return {str(kind): _factors_of_kind(f"{name}[{kind!r}]", given) for kind, given in value.items()}
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise TypeError(
            f"{name} is {value!r}; expected a list with a number per layer of weights, such as [0, 0.1, 1],"
            " or a dict such as {'weights': [0, 0.1, 1], 'biases': 0.1}"
        )
    factors = tuple(real_number(f"a number of {name}", one, "[0, inf)") for one in value)
    if name == "learning_rate_factors" and not any(factors):
        raise ValueError(f"{name} is {value!r}: no layer would change; expected one above 0")
    return factors


def _factors_of_kind(name: str, value: Any) -> float | tuple[float, ...]:
    if isinstance(value, Iterable) and not isinstance(value, str):
        return tuple(real_number(f"a number of {name}", one, "[0, inf)") for one in value)
    return real_number(name, value, "[0, inf)")


def _spread(name: str, given: Any, trainee: Trainee) -> tuple[float, ...]:
    """Spread factors over the places of a network's parameters, in the engine's order; none stays none.

    Places that are not named have 1 and, of `decay_factors`, 0 where they are no weights.

    Raises
    ------
    ValueError
        For another number of layers, or a kind that the network does not have.
    """
    if not given:
        return ()
    places = trainee.architecture.places
    n_layers, n_inputs = len(trainee.parts.weights), len(trainee.inputs)
    if not isinstance(given, Mapping):
        if len(given) == len(places):  # spread already
            return tuple(given)
        if len(given) != n_layers:
            raise ValueError(
                f"{name} has {len(given)} numbers; expected {n_layers}, one per layer of weights"
            )
        if name == "decay_factors":
            given = {"weights": given}
        else:
            return tuple(1.0 if place.of_input else given[place.layer] for place in places)
    known = [*dict.fromkeys("inputs" if place.of_input else place.name for place in places)]
    for kind, factors in given.items():
        if kind not in known:
            raise ValueError(f"{name} has {kind!r}; this network has {', '.join(map(repr, known))}")
        n = n_inputs if kind == "inputs" else n_layers
        if isinstance(factors, tuple) and len(factors) != n:
            each = "input layer" if kind == "inputs" else "layer of weights"
            raise ValueError(f"{name}[{kind!r}] has {len(factors)} numbers; expected {n}, one per {each}")

    def factor(place: _engine.Place) -> float:
        usual = float(place.penalized) if name == "decay_factors" else 1.0
        one: Any = given.get("inputs" if place.of_input else place.name, usual)
        return float(one[place.layer] if isinstance(one, tuple) else one)

    spread = tuple(map(factor, places))
    if name == "learning_rate_factors" and not any(spread):
        raise ValueError(f"{name} is {given!r}: nothing would change; expected one above 0")
    return spread
