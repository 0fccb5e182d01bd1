"""TableModel: a network that knows its table's columns, so that tables go in and answers come out."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any, Literal, Self

import pyarrow as pa
from numpy.typing import NDArray

from chainrule._words import counted
from chainrule.description import Description, Meaning
from chainrule.description.leaving import Leaving
from chainrule.tables.errors import TableError
from chainrule.tables.evaluation import Evaluation, evaluate_classes, evaluate_numbers
from chainrule.tables.fitting import FitSettings, fit_parts
from chainrule.tables.network_parameters import check_parameter, estimator_class
from chainrule.tables.preprocessing import Preprocessor
from chainrule.tables.tables import as_table
from chainrule.tables.targets import (
    ClassTarget,
    Target,
    Task,
    drop_unknown,
    find_target,
    target_from_state,
    target_state,
)
from chainrule.tables.training import Callback, Epoch

#: Of the loss. With scikit-learn's 0.0001 patience hardly ends on a table that can be learned to loss zero,
#: and every epoch overfits more.
LEAST_IMPROVEMENT = 2e-4


class TableModel(Leaving):
    """Preprocessing, network and target of one kind of table.

    Made by `TableModel.fit` or by `chainrule.load`. Wherever a table is asked for, a DataFrame of pandas,
    polars or pyarrow, a mapping of columns, or the path of a CSV or Parquet file will do; columns are found
    by name.

    Parameters
    ----------
    preprocessor : Preprocessor
        Columns to features.
    target : ClassTarget or NumberTarget
        The target column.
    estimator : MLPClassifier or MLPRegressor
        Fitted to the features, and to class indices or standardised numbers.
    training : dict
        JSON-able record of the training: numbers of rows, epochs, rows per step.

    Attributes
    ----------
    history : list of Epoch
        One record per epoch of `fit`; empty for a loaded model.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> houses = {"rooms": rng.integers(1, 9, 400), "heating": rng.choice(["gas", "oil"], 400)}
    >>> houses["price"] = 50.5 * houses["rooms"] + 40.5 * (houses["heating"] == "gas")
    >>> model = TableModel.fit(houses, "price", epochs=60)
    >>> model.task
    'regression'
    >>> prices = model.predict({"heating": ["gas"], "rooms": [4]})
    >>> bool(abs(prices[0] - 242.5) < 20)
    True
    """

    def __init__(
        self, preprocessor: Preprocessor, target: Target, estimator: Any, training: dict[str, Any]
    ) -> None:
        self.preprocessor = preprocessor
        self.target = target
        self.estimator = estimator
        self.training = training
        self.history: list[Epoch] = []

    @property
    def task(self) -> Task:
        """Either "classification" or "regression"."""
        return self.target.task

    @property
    def classes(self) -> list[Any] | None:
        """Class labels in the order of `predict_proba`'s columns; None for regression."""
        return self.target.classes if isinstance(self.target, ClassTarget) else None

    @property
    def columns(self) -> list[str]:
        """Names of the columns that `predict` needs."""
        return [column.name for column in self.preprocessor.columns]

    @property
    def text_columns(self) -> list[str]:
        """Columns to read as text from a CSV file, the target among them if its classes are text."""
        of_text = isinstance(self.target, ClassTarget) and self.target.kind == "text"
        return [*self.preprocessor.text_columns, *([self.target.name] if of_text else [])]

    @property
    def sizes(self) -> list[int]:
        """Widths of the network's layers, from the features to the outputs."""
        coefs = self.estimator.coefs_
        return [coefs[0].shape[0], *(coef.shape[1] for coef in coefs)]

    @classmethod
    def fit(
        cls,
        table: Any,
        target: str,
        *,
        task: Task | None = None,
        ignore: Collection[str] = (),
        hidden_layer_sizes: Sequence[int] = (128, 128),
        activation: str | Sequence[str] = "relu",
        learning_rate: float = 1e-3,
        l2: float = 1e-4,
        batch_size: int | None = None,
        epochs: int = 200,
        patience: int = 20,
        validation_fraction: float | None = None,
        dtype: Literal["float32", "float64"] = "float32",
        random_state: int = 0,
        n_threads: int | None = None,
        callback: Callback | None = None,
        resume: bool = False,
        **parameters: Any,
    ) -> Self:
        """Train a network to predict one column of a table from the others.

        Means, scales, categories and weights come from the training rows alone. Some rows are set aside to
        watch: the parameters of the epoch with the lowest loss on them are kept.

        Parameters
        ----------
        table : DataFrame, mapping of columns, or path
            The rows. Those without a target are dropped, with a warning.
        target : str
            Name of the column to predict.
        task : {"classification", "regression"}, optional
            By default what the target's values suggest, see `infer_task`.
        ignore : collection of str
            Columns not to use.
        hidden_layer_sizes : sequence of int
            Widths of the hidden layers.
        activation : str or sequence of str
            Of the hidden layers, one for all or one for each.
        learning_rate, l2 : float
            Step size, and the penalty on the weights: scikit-learn's `learning_rate_init` and `alpha`.
        batch_size : int, optional
            Rows per step; by default between 16 and 256, see `default_batch_size`, and all of them for
            "lbfgs" and "rprop".
        epochs, patience : int
            Stop after so many epochs, or when more than so many in a row were not better by `tol`.
        validation_fraction : float, optional
            Share of the rows to watch, in [0, 1); by default 0.1, and 0.2 of fewer than 1,000 rows. Tables of
            fewer than 100 rows spare none; the training loss is watched then.
        dtype : {"float32", "float64"}
            In which the network computes.
        random_state : int
            The same number gives the same model.
        n_threads : int, optional
            By default OpenMP's own setting.
        callback : callable, optional
            Is given an `Epoch` after each; training stops if it returns True.
        resume : bool
            Whether to go on from the file that `checkpoint` names, with the bits of a fit that was never
            interrupted.
        **parameters
            Further parameters of `MLPClassifier` or `MLPRegressor`, by their names there: `solver`, `loss`,
            `dropout`, `schedule`, `class_weight` (by label), `scoring`, `max_time`, `checkpoint`, ...
            `tol` is 0.0002 here.

        Returns
        -------
        TableModel

        Raises
        ------
        TableError
            For a table that cannot be used: no such column, no rows, one class, infinite values, ...
        ParameterError
            For parameters that there are not, or that cannot be so.
        TrainingError
            Where training diverged, or the network does not fit into memory.
        """
        for name in parameters:
            check_parameter(name, task)
        network = {
            "hidden_layer_sizes": tuple(hidden_layer_sizes),
            "activation": activation if isinstance(activation, str) else list(activation),
            "alpha": l2,
            "learning_rate_init": learning_rate,
            "n_threads": n_threads,
            "max_iter": epochs,
            "patience": patience,
            "tol": LEAST_IMPROVEMENT,
            **parameters,
        }
        settings = FitSettings(
            task, ignore, network, batch_size, validation_fraction, dtype, random_state, callback, resume
        )
        fitted = fit_parts(as_table(table), target, settings)
        model = cls(fitted.preprocessor, fitted.target, fitted.estimator, fitted.training)
        model.history = fitted.history
        return model

    # Predicting.

    def predict(self, table: Any) -> NDArray[Any]:
        """Return the most probable class of each row as it stood in the target column, or its number.

        Parameters
        ----------
        table : DataFrame, mapping of columns, or path
            Rows with all of `columns`; others are not looked at.

        Returns
        -------
        ndarray of shape (n_samples,)
            Labels (text as objects), or numbers in the target's own units.

        Raises
        ------
        TableError
            Where a column is missing, or has values of another kind than in training.

        Warns
        -----
        TableWarning
            For categories that training did not have.
        """
        features = self._features(table)
        if isinstance(self.target, ClassTarget):
            return self.target.decode(self.estimator.predict_proba(features).argmax(axis=1))
        return self.target.decode(self.estimator.predict(features))

    def predict_proba(self, table: Any) -> NDArray[Any]:
        """Return the probability of each class, in the order of `classes`.

        Parameters
        ----------
        table : DataFrame, mapping of columns, or path
            As for `predict`.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)

        Raises
        ------
        TableError
            As `predict`, and for a regression.
        """
        if not isinstance(self.target, ClassTarget):
            raise TableError(
                f"this model predicts the number {self.target.name!r}, which has no probabilities, "
                "expected a classification"
            )
        probabilities: NDArray[Any] = self.estimator.predict_proba(self._features(table))
        return probabilities

    def evaluate(self, table: Any) -> Evaluation:
        """Compare predictions with the target column, beside the simplest prediction.

        Parameters
        ----------
        table : DataFrame, mapping of columns, or path
            Rows with all of `columns` and the target. Rows without a target are dropped, with a warning.

        Returns
        -------
        Evaluation

        Raises
        ------
        TableError
            As `predict`, and where the target is missing or has classes that training did not have.
        """
        rows = as_table(table, text=self.text_columns)
        rows, values = drop_unknown(rows, find_target(rows, self.target.name), self.target.name)
        return self._evaluate(rows, values)

    def _evaluate(self, rows: pa.Table, values: pa.ChunkedArray) -> Evaluation:
        if isinstance(self.target, ClassTarget):
            classes = self.target.encode(values)
            return evaluate_classes(self.target, self.predict_proba(rows), classes)
        known = self.target.decode(self.target.encode(values))
        return evaluate_numbers(self.target, self.predict(rows), known)

    def network_rows(self, table: Any, which: slice) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return rows as the network sees them: features, and class indices or standardised numbers.

        Parameters
        ----------
        table : DataFrame, mapping of columns, or path
            Rows with all of `columns` and the target.
        which : slice
            Of the rows, counted from 0.

        Returns
        -------
        x : ndarray of shape (n_samples, n_features)
        y : ndarray of shape (n_samples,)

        Raises
        ------
        TableError
            As `evaluate`, and where the table does not have those rows or they have no target.
        """
        rows = as_table(table, text=self.text_columns)
        if not 0 <= which.start < which.stop <= len(rows):
            raise TableError(
                f"the table has {counted(len(rows), 'row')}, expected a row from 1 to {len(rows)}"
            )
        rows = rows.slice(which.start, which.stop - which.start)
        values = find_target(rows, self.target.name)
        if values.null_count:
            raise TableError(f"the target {self.target.name!r} is missing in that row, expected a value")
        return self._features(rows), self.target.encode(values)

    def _features(self, table: Any) -> NDArray[Any]:
        dtype = self.estimator.coefs_[0].dtype.name
        return self.preprocessor.transform(as_table(table, text=self.text_columns), dtype)

    # Leaving and entering.

    def _describe(self) -> Description:
        network: Description = self.estimator._describe().in_own_units()
        meaning = network.meaning
        if isinstance(self.target, ClassTarget):
            meaning = replace(meaning, classes=list(self.target.classes))
        else:
            scale, shift = self.target.scale, self.target.shift
            meaning = Meaning("numbers", scale=meaning.scale * scale, mean=meaning.mean * scale + shift)
        return replace(network, meaning=meaning, columns=self.preprocessor.columns)

    def _unwrap(self, X: Any) -> tuple[Any, Any]:
        """Return the network's estimator, and rows X as it sees them."""
        return self.estimator, None if X is None else self._features(X)

    def _get_state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        parts = {
            "estimator": self.estimator._get_state(),
            "preprocessing": self.preprocessor._get_state(),
            "target": target_state(self.target),
        }
        tensors = {
            f"{part}.{name}": value for part, (state, _) in parts.items() for name, value in state.items()
        }
        settings: dict[str, Any] = {part: part_settings for part, (_, part_settings) in parts.items()}
        return tensors, settings | {"training": self.training}

    @classmethod
    def _from_state(cls, tensors: dict[str, NDArray[Any]], settings: dict[str, Any]) -> Self:
        def part(name: str) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
            state = {
                key.removeprefix(f"{name}."): v for key, v in tensors.items() if key.startswith(f"{name}.")
            }
            return state, settings[name]

        preprocessor = Preprocessor._from_state(*part("preprocessing"))
        target = target_from_state(*part("target"))
        estimator = estimator_class(target.task)._from_state(*part("estimator"))
        model = cls(preprocessor, target, estimator, dict(settings["training"]))
        n_outputs = len(target.classes) if isinstance(target, ClassTarget) else 1
        n_outputs = 1 if n_outputs == 2 else n_outputs
        expected = (len(preprocessor.feature_names), n_outputs)
        if (model.sizes[0], model.sizes[-1]) != expected:
            raise ValueError(
                f"a network of {model.sizes} does not fit {expected[0]} features and {expected[1]} outputs"
            )
        return model
