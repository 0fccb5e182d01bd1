"""What other libraries call otherwise than `Network.train`: said where users type it."""

import functools
import inspect
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from chainrule._words import did_you_mean

P = ParamSpec("P")
R = TypeVar("R")

WATCHED = "validation=(x, y) has rows to watch"
PATIENCE = "patience is how many epochs without a lower loss may pass before training stops"
RATE = "the optimizer has it, such as optimizer=chainrule.Adam(0.01)"
KEYWORDS = {
    "eval_set": WATCHED,
    "validation_data": WATCHED,
    "X_val": WATCHED,
    "y_val": WATCHED,
    "validation_split": WATCHED,
    "validation_fraction": WATCHED,
    "early_stopping": PATIENCE,
    "early_stopping_rounds": PATIENCE,
    "n_iter_no_change": PATIENCE,
    "tol": "it is called min_improvement here",
    "max_iter": "it is called epochs here",
    "n_epochs": "it is called epochs here",
    "callbacks": "it is called callback here",
    "solver": "it is called optimizer here",
    "lr": RATE,
    "learning_rate": RATE,
    "learning_rate_init": RATE,
    "weight_decay": "the optimizer has it, such as optimizer=chainrule.AdamW(0.01, weight_decay=0.1)",
    "alpha": "the optimizer has it, such as optimizer=chainrule.Adam(0.01, l2=0.001)",
    "l2": "the optimizer has it, such as optimizer=chainrule.Adam(0.01, l2=0.001)",
    "random_state": "it is a parameter of Network",
    "n_threads": "it is a parameter of Network",
}


def hinted(method: Callable[P, R]) -> Callable[P, R]:
    """Let a method say what is meant where a keyword has another name here."""
    known = inspect.signature(method).parameters

    @functools.wraps(method)
    def called(*args: P.args, **given: P.kwargs) -> R:
        for name in given:
            if name not in known:
                hint = KEYWORDS.get(name) or did_you_mean(name, known)
                problem = f"Network.{method.__name__}() got an unexpected keyword argument {name!r}"
                raise TypeError(f"{problem}; {hint}" if hint else problem)
        return method(*args, **given)

    return called
