"""The compiled engine: names handed on, no logic."""

from chainrule._engine._core import (
    Dataset,
    Model,
    Stop,
    Trainer,
    activations,
    available_isas,
    dropout_mask,
    evaluate_function,
    functions,
    isa,
    losses,
    max_threads,
    optimizers,
    permutation,
)

__all__ = [
    "Dataset",
    "Model",
    "Stop",
    "Trainer",
    "activations",
    "available_isas",
    "dropout_mask",
    "evaluate_function",
    "functions",
    "isa",
    "losses",
    "max_threads",
    "optimizers",
    "permutation",
]
