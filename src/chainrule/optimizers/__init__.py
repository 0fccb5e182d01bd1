"""Optimizers: settings only. The arithmetic is in the engine (kernels/optimizers.inl)."""

from chainrule.optimizers.adagrad import Adagrad
from chainrule.optimizers.adam import Adam
from chainrule.optimizers.adamw import AdamW
from chainrule.optimizers.base import Optimizer
from chainrule.optimizers.lbfgs import LBFGS
from chainrule.optimizers.lion import Lion
from chainrule.optimizers.nadam import Nadam
from chainrule.optimizers.registry import OPTIMIZERS, check_optimizer
from chainrule.optimizers.rmsprop import RMSprop
from chainrule.optimizers.rprop import Rprop
from chainrule.optimizers.sgd import SGD

__all__ = [
    "LBFGS",
    "OPTIMIZERS",
    "SGD",
    "Adagrad",
    "Adam",
    "AdamW",
    "Lion",
    "Nadam",
    "Optimizer",
    "RMSprop",
    "Rprop",
    "check_optimizer",
]
