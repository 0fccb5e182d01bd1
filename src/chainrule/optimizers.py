"""Optimizers: settings only. The arithmetic is in the engine (kernels/optimizers.inl)."""

from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar

from chainrule._settings import flag, real_number


class Optimizer:
    """How gradients change the parameters.

    Attributes
    ----------
    name : str
        The name in the engine's registry.
    l2 : float
        Factor of the penalty l2/2 sum ||W_k||^2 that is added to each batch's loss; biases are not penalised.
    """

    name: ClassVar[str]
    l2: float

    def __post_init__(self) -> None:
        self._check("l2", "[0, inf)")

    def _check(self, name: str, interval: str) -> None:
        """Replace a setting by its float; TypeError or ValueError where it is none in the interval."""
        object.__setattr__(self, name, real_number(name, getattr(self, name), interval))

    def settings(self) -> dict[str, Any]:
        """Return the settings by name, as the engine's `Trainer` takes them."""
        return dict(vars(self))


@dataclass(frozen=True)
class SGD(Optimizer):
    """Stochastic gradient descent, with momentum if wished.

    With g the gradient of a batch's loss and v = 0 at the start, each step does::

        v <- momentum v - learning_rate g
        W <- W + v                                  (nesterov: W + momentum v - learning_rate g)

    Parameters
    ----------
    learning_rate : float
        Positive.
    momentum : float
        In [0, 1).
    nesterov : bool
        Nesterov's momentum; needs a momentum above 0.
    l2 : float
        Factor of the penalty l2/2 sum ||W_k||^2, not negative.

    Raises
    ------
    TypeError, ValueError
        For a setting of another type or outside its interval.

    Notes
    -----
    Source: Sutskever, Martens, Dahl and Hinton, "On the importance of initialization and momentum in deep
    learning" (2013), equations 1-4.

    Examples
    --------
    >>> SGD(0.5, momentum=0.9)
    SGD(learning_rate=0.5, momentum=0.9, nesterov=False, l2=0.0)
    """

    name: ClassVar[str] = "sgd"
    learning_rate: float = 0.01
    momentum: float = 0.0
    nesterov: bool = False
    _: KW_ONLY
    l2: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("learning_rate", "(0, inf)")
        self._check("momentum", "[0, 1)")
        object.__setattr__(self, "nesterov", flag("nesterov", self.nesterov))
        if self.nesterov and self.momentum == 0:
            raise ValueError(
                "nesterov=True needs a momentum above 0, for example SGD(0.01, 0.9, nesterov=True)"
            )


@dataclass(frozen=True)
class Adam(Optimizer):
    """Adam: steps scaled by running means of the gradient and of its square.

    With g the gradient of a batch's loss and m = v = t = 0 at the start, each step does::

        t <- t + 1
        m <- beta_1 m + (1 - beta_1) g
        v <- beta_2 v + (1 - beta_2) g^2
        W <- W - learning_rate sqrt(1 - beta_2^t) / (1 - beta_1^t) m / (sqrt(v) + epsilon)

    Parameters
    ----------
    learning_rate : float
        Positive.
    beta_1, beta_2 : float
        In [0, 1).
    epsilon : float
        Positive.
    l2 : float
        Factor of the penalty l2/2 sum ||W_k||^2, not negative. Its gradient is part of g.

    Raises
    ------
    TypeError, ValueError
        For a setting of another type or outside its interval.

    Notes
    -----
    Source: Kingma and Ba, "Adam: a method for stochastic optimization" (2015), the reordered form at the end
    of section 2, as in scikit-learn: epsilon is added to sqrt(v) before its correction.

    Examples
    --------
    >>> Adam()
    Adam(learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-08, l2=0.0)
    """

    name: ClassVar[str] = "adam"
    learning_rate: float = 0.001
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8
    _: KW_ONLY
    l2: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("learning_rate", "(0, inf)")
        self._check("beta_1", "[0, 1)")
        self._check("beta_2", "[0, 1)")
        self._check("epsilon", "(0, inf)")


#: Every optimizer by its name in the engine's registry.
OPTIMIZERS: dict[str, type[Optimizer]] = {optimizer.name: optimizer for optimizer in (SGD, Adam)}


def check_optimizer(optimizer: Any) -> Optimizer:
    """Return the optimizer; TypeError for anything else, with a hint for a name or a class.

    Examples
    --------
    >>> check_optimizer(SGD(0.1)).name
    'sgd'
    """
    if isinstance(optimizer, Optimizer):
        return optimizer
    hint = ""
    for known in OPTIMIZERS.values():
        if optimizer is known or (isinstance(optimizer, str) and optimizer.lower() == known.name):
            hint = f"; did you mean chainrule.{known.__name__}()?"
    known_names = " or ".join(f"chainrule.{known.__name__}(...)" for known in OPTIMIZERS.values())
    raise TypeError(f"optimizer is {optimizer!r}; expected {known_names}{hint}")
