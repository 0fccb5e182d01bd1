"""What `TabularClassifier` and `TabularRegressor` share: how they are fitted, how they predict."""

import sys
import time
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, check_random_state

from chainrule._settings import flag, named_choice, real_number, whole_number
from chainrule.description.leaving import Leaving
from chainrule.network.many import n_workers, weighted_sum
from chainrule.tabular import saved
from chainrule.tabular.budget import Budget
from chainrule.tabular.checkpoint import Checkpoint
from chainrule.tabular.columns import Columns, quick_matrix, read_columns, take_rows
from chainrule.tabular.drawing import draw
from chainrule.tabular.ensemble import Ensemble, Look, Result
from chainrule.tabular.inputs import Stage
from chainrule.tabular.members import Member
from chainrule.tabular.metrics import OF_PROBABILITIES, get_metric
from chainrule.tabular.plan import PRESETS, SINGLE, Plan, make_plan
from chainrule.tabular.preparation import Preparation
from chainrule.tabular.quick_rows import QuickRows, input_places, only_row
from chainrule.tabular.recipes import RECIPES, Recipe, draws, realmlp_td
from chainrule.tabular.splits import Split, make_splits
from chainrule.tabular.targets import Classes, Numbers
from chainrule.tabular.training import Data, Training
from chainrule.tabular.watched import Watched

#: Beyond so many row-epochs a training is made shorter.
MOST_ROW_EPOCHS = 25_600_000
#: No training is shorter than this, by that rule.
LEAST_EPOCHS = 30


class BaseTabular(Leaving, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """The fit of both, and what they have in common afterwards."""

    _classifies: bool
    members_: list[Member]
    preparation_: Preparation
    looks_: list[Look]
    _target: Classes | Numbers
    _stage: Stage
    _training: Any = Training  # what trains the networks

    def __init__(
        self,
        preset: str = "default",
        *,
        time_budget: float | None = None,
        n_members: int | None = None,
        n_folds: int = 0,
        recipe: str | None = None,
        scoring: str | None = None,
        checkpoint: Any = None,
        random_state: Any = None,
        n_jobs: int | None = None,
        verbose: bool | int = False,
    ) -> None:
        self.preset = preset
        self.time_budget = time_budget
        self.n_members = n_members
        self.n_folds = n_folds
        self.recipe = recipe
        self.scoring = scoring
        self.checkpoint = checkpoint
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose

    def _check_settings(self) -> None:
        """Raise TypeError or ValueError for settings that are none."""
        named_choice("preset", self.preset, PRESETS)
        if self.recipe is not None:
            named_choice("recipe", self.recipe, RECIPES)
        if self.time_budget is not None:
            real_number("time_budget", self.time_budget, "(0, inf)")
        if self.n_members is not None:
            whole_number("n_members", self.n_members, 1)
        if whole_number("n_folds", self.n_folds, 0) == 1:
            raise ValueError("n_folds is 1; expected at least 2, or 0 for the usual")
        if self.checkpoint is not None and self.time_budget is not None:
            raise ValueError(
                "checkpoint and time_budget do not go together: what is trained in a time depends on the"
                " machine's speed. Leave one of them out"
            )
        if self.checkpoint is not None and not isinstance(self.random_state, int | np.integer):
            raise ValueError(
                f"checkpoint needs a whole number as random_state, got {self.random_state!r}: a fit that goes"
                " on draws the same numbers again"
            )
        if not isinstance(self.verbose, int | np.integer):
            flag("verbose", self.verbose)

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
        *,
        resume: bool = False,
    ) -> Self:
        """Fit the model.

        Parameters
        ----------
        X : DataFrame of pandas, polars or pyarrow, or array-like of shape (n_samples, n_features)
            Rows are samples. Columns may be numbers, categories, text, dates or booleans; values may be
            missing (None or NaN) and numbers infinite. Text of a DataFrame that reads as numbers or dates
            is taken so.
        y : array-like of shape (n_samples,) or, of numbers, (n_samples, n_outputs)
            Targets.
        sample_weight : array-like of shape (n_samples,), optional
            Weight of each row in the loss, and in the score that members are chosen by. Rows of weight 0 are
            left out.
        X_val, y_val, sample_weight_val : optional
            Rows to choose members by. By default some of X are set aside for that.
        resume : bool, default=False
            Go on from the file `checkpoint`, if there is one: networks that it has finished are not trained
            again, and the model is that of a fit that was never interrupted, bit by bit.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            For settings, columns or targets that cannot be; for a checkpoint of other rows or settings.
        KeyboardInterrupt
            Ctrl-C ends the fit, and the estimator is not fitted then. Networks that are finished are in the
            file `checkpoint`, where there is one.
        """
        start = time.monotonic()
        self._check_settings()
        if flag("resume", resume) and self.checkpoint is None:
            raise ValueError("resume=True needs the parameter checkpoint: the file to go on from")
        given = [name for name, one in (("X_val", X_val), ("y_val", y_val)) if one is not None]
        if len(given) == 1 or (sample_weight_val is not None and not given):
            raise ValueError("X_val and y_val belong together; give both of them, or none")
        self.__dict__.pop("members_", None)  # of an earlier fit: they do not go with what is found now
        columns = read_columns(self, X, reset=True)
        y = self._check_targets(X, y)
        weights = None
        if sample_weight is not None:
            weights = _check_sample_weight(sample_weight, y, dtype=np.float64, ensure_non_negative=True)
            rows = np.flatnonzero(weights > 0)
            if not len(rows):
                raise ValueError("all rows have the weight 0; expected some above it")
            if len(rows) < len(y):
                columns, y, weights = take_rows(columns, rows), y[rows], weights[rows]
        self._target, learned = self._fit_targets(y)
        weights = self._weighted(learned, weights)
        watched_rows = None
        if given:
            watched_columns = read_columns(self, X_val, reset=False)
            targets = self._check_targets(X_val, y_val)
            if sample_weight_val is not None:
                sample_weight_val = _check_sample_weight(sample_weight_val, targets, dtype=np.float64)
            watched_rows = (watched_columns, targets, sample_weight_val)
        result = self._fit_members(columns, y, learned, weights, watched_rows, start, resume=resume)
        self.members_, self.looks_ = result.members, result.looks
        return self

    def _fit_members(
        self,
        columns: Columns,
        y: Any,
        learned: Any,
        weights: Any,
        validation: Any,
        start: float,
        *,
        resume: bool,
    ) -> Result:
        """Prepare the rows, and train and choose members."""
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        say = self._say if self.verbose else _silent
        n = len(y)
        names = [str(name) for name in getattr(self, "feature_names_in_", range(self.n_features_in_))]
        statistics = self._target.statistics(learned if self._classifies else y)
        self.preparation_, prepared = Preparation.fit(columns, statistics, seed=seed, names=names)
        plan = self._plan(n, split=validation is None)
        first = self._first_recipe()
        self._stage = Stage(self.preparation_.layout, embeds=first.embedding > 0)
        n_folds = max(1, plan.n_folds)
        recipes = [[recipe] * n_folds for recipe in draws(first, plan.n_members, seed)]
        classes = learned if self._classifies else None
        if validation is None:
            splits = make_splits(n, plan.n_folds, seed, classes)
            rows = [split.watched for split in splits]
            chooses = np.arange(n) if len(splits) > 1 and n >= 10 else splits[0].watched
            if len(splits) == 1 or n < 10:
                rows = [np.arange(len(chooses))] * len(splits)
            y_watched, watched_weights, x_watched = (
                y[chooses],
                None if weights is None else weights[chooses],
                None,
            )
            classes_watched = None if classes is None else classes[chooses]
        else:
            everything = np.arange(n, dtype=np.int64)
            splits = [Split(everything, everything[:0])]
            columns_watched, y_watched, watched_weights = validation
            x_watched = self._inputs(self.preparation_.transform(columns_watched))
            rows = [np.arange(len(y_watched))]
            classes_watched = self._target.encode(y_watched) if isinstance(self._target, Classes) else None
        data = Data(
            self._inputs(prepared),
            learned,
            weights,
            self._target.n_outputs,
            self._classifies,
            splits,
            self._stage,
            x_watched,
        )
        metric = get_metric(self.scoring, classifies=self._classifies, n_outputs=self._target.n_outputs)
        watched = Watched(
            y_watched if classes_watched is None else classes_watched,
            watched_weights,
            rows,
            metric,
            self._target.decode if isinstance(self._target, Numbers) else _as_they_are,
            classifies=self._classifies,
        )
        budget = None
        if self.time_budget is not None:
            budget = Budget(float(self.time_budget), start)
            budget.measure(data, first)
            rounds = -(-max(1, plan.n_folds) // n_workers(self.n_jobs))
            plan, part = budget.fitted(plan, len(splits[0].training), rounds)
            if part < 1:
                data.splits = [_part(split, part) for split in splits]
        ensemble = Ensemble(
            plan,
            recipes,
            data,
            watched,
            seed=seed,
            n_jobs=self.n_jobs,
            budget=budget,
            start=start,
            say=say,
            show=self._show,
            training=self._training,
        )
        file = None
        if self.checkpoint is not None:
            unsaid = ("n_jobs", "verbose", "checkpoint")
            own = {k: v for k, v in saved.parameters(self.get_params(deep=False)).items() if k not in unsaid}
            file = Checkpoint(self.checkpoint, own, data, plan.stages[-1])
            if resume and (n_kept := file.resume(ensemble.candidates)):
                say(f"{n_kept} of {len(ensemble.candidates)} networks are from {file.path}")
            ensemble.on_finish = file.cycle_ends
        try:
            result = ensemble.run()
        finally:  # after Ctrl-C, too
            if file is not None:
                file.cycle_ends(ensemble.candidates, now=True)
        if not self.preparation_.layout.n_columns:
            self._without_columns(result, learned, weights)
        self._chosen(result, watched)
        return result

    def _without_columns(self, result: Result, learned: NDArray[Any], weights: Any) -> None:
        """Let members say what is known where no column is of use: the mean, or how frequent classes are."""
        for member in result.members:
            network, last = member.network, len(member.network.weights) - 1
            network.weights[last] = np.zeros_like(network.weights[last])
            if self._classifies:
                share = np.bincount(learned, weights, minlength=self._target.n_outputs)
                network.biases[last] = -np.log(share / share.sum())
            else:
                network.biases[last] = -np.average(learned, weights=weights, axis=0)
        result.average[:] = member.network(np.zeros((1, self._stage.n_inputs), dtype=np.float32))

    def _first_recipe(self) -> Recipe:
        smooths = self.scoring not in OF_PROBABILITIES
        if self.recipe:
            return RECIPES[self.recipe](classifies=self._classifies, smoothing=smooths)
        return realmlp_td(classifies=self._classifies, smoothing=smooths)

    def _plan(self, n_rows: int, *, split: bool) -> Plan:
        if self.recipe:
            return SINGLE
        plan = make_plan(self.preset, self.n_members, self.n_folds, n_rows=n_rows, split=split)
        return _not_too_long(plan, n_rows)

    def _inputs(self, prepared: NDArray[np.float32]) -> NDArray[np.float32]:
        return self._stage.expand(prepared)

    def member_inputs(self, X: Any) -> NDArray[np.float32]:
        """Return the inputs that each member's network takes.

        Parameters
        ----------
        X : DataFrame or array-like
            As for `fit`.

        Returns
        -------
        ndarray of float32, shape (n_samples, n_inputs)
        """
        if not hasattr(self, "members_"):  # in microseconds
            check_is_fitted(self, "members_")
        columns: Columns | None = quick_matrix(self, X) if self.preparation_.plain else None
        if columns is None:
            names = getattr(self, "feature_names_in_", None)
            row = only_row(X, names, self.n_features_in_)
            if row is not None:
                return self._quick_rows().inputs(*row)
            columns = read_columns(self, X, reset=False)
        return self._inputs(self.preparation_.transform(columns))

    def member_targets(self, X: Any, y: Any) -> NDArray[Any]:
        """Return the targets that each member's network learns: class indices, or standardized numbers.

        Parameters
        ----------
        X, y
            As for `fit`.

        Returns
        -------
        ndarray of int64, shape (n_samples,), or of float32, shape (n_samples, n_outputs)
        """
        check_is_fitted(self, "members_")
        learned: NDArray[Any] = self._target.encode(self._check_targets(X, y))
        return learned

    def _quick_rows(self) -> QuickRows:
        """Return what reads single rows, made once for what was fitted."""
        quick: QuickRows | None = getattr(self, "_quick", None)
        if quick is None or quick.preparation is not self.preparation_:
            quick = self._quick = QuickRows(self.preparation_, self._stage)
        return quick

    def _outputs(self, X: Any) -> NDArray[np.float64]:
        """Average the members' outputs for the rows X."""
        return self._average(self.member_inputs(X))

    def _average(self, inputs: NDArray[np.float32]) -> NDArray[np.float64]:
        """Average the members' outputs for inputs such as `member_inputs` returns."""
        members = self.members_
        return weighted_sum([one.network for one in members], [one.weight for one in members], inputs)

    def _input_places(self) -> dict[str, list[int]]:
        """Return which of the members' inputs each column of X makes, by the column's name."""
        return input_places(self.preparation_, self._stage)

    @staticmethod
    def _show(done: float, left: float) -> None:
        """Take the part of the training that is done, and the most seconds left; for who shows progress."""

    def _say(self, line: str) -> None:
        print(f"[{type(self).__name__}] {line}", file=sys.stderr, flush=True)

    # What the two do each in their own way.

    def _check_targets(self, X: Any, y: Any) -> NDArray[Any]:
        raise NotImplementedError

    def _fit_targets(self, y: NDArray[Any]) -> tuple[Any, NDArray[Any]]:
        raise NotImplementedError

    def _weighted(self, learned: NDArray[Any], weights: Any) -> Any:
        return weights

    def _chosen(self, result: Result, watched: Watched) -> None:
        pass

    def plot(self, ax: Any = None) -> Any:
        """Draw how good the model was at each look, and its best network alone, over the seconds of the fit.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            By default of a new figure.

        Returns
        -------
        matplotlib Axes

        Raises
        ------
        ImportError
            Where matplotlib is not installed.
        """
        check_is_fitted(self, "members_")
        metric = get_metric(self.scoring, classifies=self._classifies, n_outputs=self._target.n_outputs)
        return draw(self.looks_, metric.name, f"{type(self).__name__}.plot", ax)

    # Leaving and entering.

    def _get_state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        check_is_fitted(self, "members_")
        return saved.get_state(self)

    @classmethod
    def _from_state(cls, tensors: dict[str, NDArray[Any]], settings: dict[str, Any]) -> Self:
        return saved.set_state(cls(), tensors, settings)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        return tags


def _silent(line: str) -> None:
    pass


def _as_they_are(outputs: NDArray[Any]) -> NDArray[Any]:
    return outputs


def _not_too_long(plan: Plan, n_rows: int) -> Plan:
    """Return a plan with fewer epochs for tables of very many rows."""
    n_epochs = max(LEAST_EPOCHS, min(plan.n_epochs, MOST_ROW_EPOCHS // n_rows))
    return plan if n_epochs == plan.n_epochs else plan.of_length(n_epochs)


def _part(split: Split, part: float) -> Split:
    """Return a split that trains on some of its rows, each of which was as likely."""
    n = max(1, int(part * len(split.training)))
    chosen = np.random.default_rng(0).permutation(len(split.training))[:n]
    return Split(split.training[np.sort(chosen)], split.watched)
