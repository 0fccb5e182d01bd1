"""The optimizers by name, and what a user gives for one."""

import difflib
from typing import Any

from chainrule.optimizers.adagrad import Adagrad
from chainrule.optimizers.adam import Adam
from chainrule.optimizers.adamw import AdamW
from chainrule.optimizers.base import Optimizer
from chainrule.optimizers.lbfgs import LBFGS
from chainrule.optimizers.lion import Lion
from chainrule.optimizers.nadam import Nadam
from chainrule.optimizers.rmsprop import RMSprop
from chainrule.optimizers.rprop import Rprop
from chainrule.optimizers.sgd import SGD

#: Every optimizer of the engine by its name in the engine's registry.
OPTIMIZERS: dict[str, type[Optimizer]] = {
    optimizer.name: optimizer for optimizer in (SGD, Adam, AdamW, RMSprop, Adagrad, Nadam, Lion, Rprop)
}


#: These, and the one that is SciPy's.
ALL: dict[str, type[Optimizer] | type[LBFGS]] = {**OPTIMIZERS, LBFGS.name: LBFGS}


def check_optimizer(optimizer: Any) -> Optimizer | LBFGS:
    """Return the optimizer; TypeError for anything else, with a hint for a name or a class.

    Examples
    --------
    >>> check_optimizer(SGD(0.1)).name
    'sgd'
    """
    if isinstance(optimizer, Optimizer | LBFGS):
        return optimizer
    hint = ""
    if isinstance(optimizer, type) and issubclass(optimizer, Optimizer | LBFGS):
        hint = optimizer.name
    elif isinstance(optimizer, str):
        hint = next(iter(difflib.get_close_matches(optimizer.lower(), ALL, 1)), "")
    suggestion = f"; did you mean chainrule.{ALL[hint].__name__}()?" if hint in ALL else ""
    known = ", ".join(optimizer.__name__ for optimizer in ALL.values())
    raise TypeError(
        f"optimizer is {optimizer!r}; expected an optimizer of chainrule ({known}), as in"
        f" chainrule.SGD(0.1){suggestion}"
    )
