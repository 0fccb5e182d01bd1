"""Rows that are watched while training, and the parameters that served them best."""

from typing import Any, Self

import numpy as np

from chainrule.estimators.bound_model import BoundModel
from chainrule.estimators.metrics import LOSS, Watched, scorers, takes_weight
from chainrule.estimators.protocol import MLP, Floats
from chainrule.estimators.rows import learned
from chainrule.model.rows import Rows
from chainrule.training.watch import Watch


class EstimatorWatch(Watch):
    """Measures after each epoch, and early stopping's memory of the best parameters.

    The parameters of the start count as best until an epoch has a score at all. After a warm start that
    is not so: scikit-learn then takes for "best" the arrays that it is training, and so returns the last
    epoch's parameters where none beats the former fit. We give the same numbers.

    Parameters
    ----------
    mlp : MLPClassifier or MLPRegressor
        Its `evals_result_`, `validation_scores_`, `best_validation_score_` and `best_iteration_` are kept.
    bound : BoundModel
    rows : Rows
        The rows to measure on.
    held_out : bool
        Whether these are other rows than those of training, whose loss is then recorded too.

    Raises
    ------
    ValueError
        Where every row weighs 0.
    """

    def __init__(self, mlp: MLP, bound: BoundModel, rows: Rows, *, held_out: bool) -> None:
        self.mlp, self.rows, self.held_out = mlp, rows, held_out
        if held_out and rows.sample_weight is not None and not rows.sample_weight.any():
            raise ValueError(
                "the sample weights of all rows to watch are 0, so nothing can be measured on them; give "
                "some of them a weight, or pass X_val and y_val."
            )
        self.stops = mlp.early_stopping and held_out
        self.metrics = scorers(mlp.scoring)
        self.measures_loss = held_out or LOSS in self.metrics
        super().__init__(bound, learned(mlp, bound, rows) if self.measures_loss else bound.rows(rows.x))
        self.own = mlp._own_metric if held_out and not self.metrics else None
        self.decides = self.own or next(iter(self.metrics))
        self.seen = Watched(mlp, rows.x)
        self.targets = mlp._decode_targets(rows.y)

    @classmethod
    def of(cls, mlp: MLP, bound: BoundModel, training: Rows, validation: Rows | None) -> Self | None:
        """Watch the validation rows, or for `scoring` the training rows; None where nothing is watched."""
        if validation is not None:
            return cls(mlp, bound, validation, held_out=True)
        if mlp.scoring is not None:
            return cls(mlp, bound, training, held_out=False)
        return None

    @property
    def best(self) -> Floats | None:
        """The best parameters so far; the estimator keeps them for the next `partial_fit`."""
        return self.mlp._best

    @best.setter
    def best(self, parameters: Floats | None) -> None:
        self.mlp._best = parameters

    def epoch_ends(self, number: int) -> bool:
        """Measure the parameters; with early stopping keep them if best, and return whether so by `tol`.

        `number` is the epoch's, counted from the first fit.
        """
        mlp, scores = self.mlp, self.measure()
        for name, value in scores.items():
            mlp.evals_result_.setdefault(name, []).append(value)
        if self.measures_loss:
            mlp.validation_loss_curve_ = mlp.evals_result_[LOSS]
        if not self.stops:
            if self.held_out and self._is_best():
                mlp.best_iteration_ = number
            return True
        score = -scores[LOSS] if self.decides == LOSS else scores[self.decides]
        assert mlp.validation_scores_ is not None
        mlp.validation_scores_.append(score)
        if mlp.verbose and mlp.verbose != "progress":
            print(f"Validation score: {score:f}")
        assert mlp.best_validation_score_ is not None
        improved = not score < mlp.best_validation_score_ + mlp.tol
        if score > mlp.best_validation_score_:
            mlp.best_validation_score_ = score
            mlp.best_iteration_ = number
            self.keep()
        return improved

    def _is_best(self) -> bool:
        """Whether the last measure beats all before it: the first of `scoring`, or the loss."""
        name = next(iter(self.metrics), LOSS)
        sign = -1 if name == LOSS else 1
        *before, last = (sign * value for value in self.mlp.evals_result_[name])
        return all(last > value or np.isnan(value) for value in before) and not np.isnan(last)

    def training_ends(self, number: int) -> None:
        """Put the best parameters back. Where none beat a former fit's, the last epoch's are the result."""
        self.put_back()
        if self.best is None and self.mlp.best_iteration_ is not None:
            self.mlp.best_iteration_ = number

    def measure(self) -> dict[str, float]:
        """Return the measures of the present parameters by name, the loss first."""
        mlp, scores = self.mlp, {}
        if self.measures_loss:
            scores[LOSS] = self.loss()
        if self.own is None and set(self.metrics) == {LOSS}:
            return scores
        assert self.data is not None
        outputs = self.trainee.model.predict(self.data, self.trainee.threads)
        if not np.isfinite(outputs).all():  # diverged: scorers would complain of their input
            return scores | dict.fromkeys([self.own] if self.own else set(self.metrics) - {LOSS}, np.nan)
        weight = self.rows.sample_weight
        if self.own is not None:
            scores[self.own] = mlp._score_outputs(mlp._in_own_units(outputs), self.rows.y, weight)
            return scores
        self.seen.outputs = outputs
        for name, scorer in self.metrics.items():
            if scorer is not None:
                weights = {} if weight is None or not takes_weight(scorer) else {"sample_weight": weight}
                scores[name] = float(scorer(self.seen.estimator, self.rows.x, self.targets, **weights))
        return scores


def start_watching(mlp: MLP) -> None:
    """Set what decides about stopping back to "nothing seen yet"."""
    mlp._no_improvement_count = 0
    mlp.best_loss_ = None if mlp.early_stopping else np.inf
    mlp.best_validation_score_ = -np.inf if mlp.early_stopping else None
    mlp.validation_scores_ = [] if mlp.early_stopping else None
    start_measuring(mlp)


def start_measuring(mlp: MLP) -> None:
    """Empty the curves of what is measured."""
    mlp.best_iteration_ = None
    mlp.validation_loss_curve_ = None
    mlp.evals_result_ = {}
    mlp.stop_reason_ = None
    mlp._best = None


def patience(mlp: MLP) -> Any:
    """Return how many epochs in a row may pass without improvement."""
    return mlp.n_iter_no_change if mlp.patience is None else mlp.patience
