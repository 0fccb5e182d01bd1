"""L-BFGS."""

from dataclasses import dataclass
from typing import ClassVar

from chainrule._settings import real_number, whole_number


@dataclass(frozen=True)
class LBFGS:
    """Limited-memory BFGS: a quasi-Newton method with a line search, for all rows at once.

    An epoch is an iteration: a direction from the last `history_size` steps and changes of the gradient, and
    as many evaluations of loss and gradient along it as the line search takes. It ends before the last epoch
    where it has converged.

    Parameters
    ----------
    history_size : int
        Steps that are kept.
    gradient_tolerance : float
        Converged: no component of the gradient is larger.
    loss_tolerance : float
        Converged: an iteration lowered the loss by no more than this part of it.
    max_line_search : int
        Evaluations in one iteration at most.
    l2 : float
        Factor of the penalty l2/2 sum ||W_k||^2, not negative.

    Raises
    ------
    TypeError, ValueError
        For a setting of another type or outside its interval.

    Notes
    -----
    Source: Byrd, Lu, Nocedal and Zhu, "A limited memory algorithm for bound constrained optimization" (1995),
    in SciPy's implementation, as in scikit-learn's solver "lbfgs". The iterates are float64; loss and
    gradient are evaluated in the network's dtype.

    Examples
    --------
    >>> LBFGS(l2=1e-4)
    LBFGS(history_size=10, gradient_tolerance=1e-05, loss_tolerance=1e-09, max_line_search=20, l2=0.0001)
    """

    name: ClassVar[str] = "lbfgs"
    full_batch: ClassVar[bool] = True
    scheduled: ClassVar[bool] = False

    history_size: int = 10
    gradient_tolerance: float = 1e-5
    loss_tolerance: float = 1e-9
    max_line_search: int = 20
    l2: float = 0.0

    def __post_init__(self) -> None:
        for name in ("history_size", "max_line_search"):
            object.__setattr__(self, name, whole_number(name, getattr(self, name), 1))
        for name in ("gradient_tolerance", "loss_tolerance", "l2"):
            object.__setattr__(self, name, real_number(name, getattr(self, name), "[0, inf)"))
