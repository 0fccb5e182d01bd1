"""What is measured on the rows to watch: scikit-learn's scorers, and the loss."""

import difflib
import inspect
from collections.abc import Callable
from typing import Any

from sklearn.metrics import get_scorer, get_scorer_names

from chainrule.estimators.protocol import MLP

LOSS = "loss"

#: A scorer, called with (estimator, X, y) or (estimator, X, y, sample_weight=...); None is the loss.
Scorer = Callable[..., float] | None


def scorers(scoring: Any) -> dict[str, Scorer]:
    """Return scorers by the names under which `evals_result_` has them, in the order given.

    Parameters
    ----------
    scoring : str, callable, list of these, or None
        Names of scikit-learn's scorers, or "loss"; a callable goes by its own name.

    Raises
    ------
    ValueError
        For unknown names, with the nearest known one, and for a name twice.
    TypeError
        For anything else.

    Examples
    --------
    >>> list(scorers(["neg_log_loss", "loss"]))
    ['neg_log_loss', 'loss']
    """
    if scoring is None:
        return {}
    if isinstance(scoring, list | tuple) and not scoring:
        raise ValueError("scoring is empty; expected at least one scorer, or None to measure nothing more")
    found: dict[str, Scorer] = {}
    for one in scoring if isinstance(scoring, list | tuple) else [scoring]:
        name, scorer = _scorer(one)
        if name in found:
            raise ValueError(f"scoring has {name!r} twice; expected different scorers")
        found[name] = scorer
    return found


def _scorer(one: Any) -> tuple[str, Scorer]:
    if isinstance(one, str):
        names = [LOSS, *get_scorer_names()]
        if one not in names:
            close = difflib.get_close_matches(one, names, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            raise ValueError(
                f"scoring has {one!r}, which is no scorer of scikit-learn; expected 'loss' or one of "
                f"sklearn.metrics.get_scorer_names().{hint}"
            )
        return one, None if one == LOSS else get_scorer(one)
    if callable(one):
        metric = getattr(one, "_score_func", one)  # a scorer of make_scorer goes by its metric's name
        return getattr(metric, "__name__", type(metric).__name__), one
    raise TypeError(
        f"scoring has {one!r}; expected names of scorers or callables (estimator, X, y) -> number"
    )


def takes_weight(scorer: Callable[..., float]) -> bool:
    """Whether a scorer can be given `sample_weight`."""
    accepts = getattr(scorer, "_accept_sample_weight", None)
    if accepts is not None:
        return bool(accepts())
    try:
        return "sample_weight" in inspect.signature(scorer).parameters
    except (TypeError, ValueError):
        return False


class Watched:
    """An estimator as scorers see it: outputs for the rows watched are those just computed.

    Its column names are set aside, because the rows have passed validation and lost theirs.
    """

    def __init__(self, mlp: MLP, x: Any) -> None:
        self.estimator = object.__new__(type(mlp))
        self.estimator.__dict__.update(mlp.__dict__)
        self.estimator.__dict__.pop("feature_names_in_", None)
        self.estimator.__dict__["_outputs"] = self._outputs
        self.x, self._compute = x, mlp._outputs
        self.outputs: Any = None

    def _outputs(self, X: Any) -> Any:
        return self.outputs if X is self.x else self._compute(X)
