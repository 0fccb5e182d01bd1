"""What other libraries call otherwise than `Network.train`: said where users type it."""

from typing import NoReturn

from chainrule._words import did_you_mean, hinted_by

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


def _refuse(owner: type, method: str, name: str, known: list[str]) -> NoReturn:
    hint = KEYWORDS.get(name) or did_you_mean(name, known)
    problem = f"Network.{method}() got an unexpected keyword argument {name!r}"
    raise TypeError(f"{problem}; {hint}" if hint else problem)


#: Lets a method say what is meant where a keyword has another name here.
hinted = hinted_by(_refuse)
