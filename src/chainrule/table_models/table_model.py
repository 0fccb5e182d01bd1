"""TableModel: a network that knows its table's columns, so that tables go in and answers come out."""

import copy
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from chainrule._words import counted
from chainrule.description import Description, Meaning
from chainrule.description.leaving import Leaving
from chainrule.table_models import ensembles, explaining
from chainrule.table_models.ensembles import best_member, ensemble_class
from chainrule.table_models.evaluation import Evaluation, evaluate
from chainrule.table_models.explaining import Explanation
from chainrule.table_models.fitting import Prepared, prepare, train_prepared
from chainrule.table_models.network_parameters import estimator_class
from chainrule.table_models.posing import choice_of, pose, question, row_weights
from chainrule.table_models.predictions import (
    evaluate_in_portions,
    parts_of,
    portions_of,
    predictions_in_portions,
)
from chainrule.table_models.settings import fit_settings
from chainrule.table_models.streamed import prepare_streamed
from chainrule.table_models.training import Callback, Epoch, curves
from chainrule.tables import checks
from chainrule.tables.class_target import ClassTarget
from chainrule.tables.columns import Remarks
from chainrule.tables.csv_format import CsvOptions
from chainrule.tables.errors import TableError
from chainrule.tables.names import no_such, tidy
from chainrule.tables.number_target import SeveralTargets
from chainrule.tables.preprocessing import Preprocessor
from chainrule.tables.reading import Reading
from chainrule.tables.source import Source, check_rows
from chainrule.tables.tables import open_table, write_tables
from chainrule.tables.targets import Target, drop_unknown, read_target, target_from_state, target_state
from chainrule.tables.tasks import Task


class TableModel(Leaving):
    """Preprocessing, network and target of one kind of table.

    Made by `TableModel.fit` or by `chainrule.load`. Wherever a table is asked for, a DataFrame of pandas,
    polars or pyarrow, a mapping of columns, a list of rows, or the path of a CSV, Parquet or JSON file will
    do; columns are found by name, and their values read as in training whichever way they come.

    Parameters
    ----------
    preprocessor : Preprocessor
        Columns to features.
    target : ClassTarget, NumberTarget or SeveralTargets
        The target column, or several of numbers.
    estimator : TabularClassifier, TabularRegressor, MLPClassifier or MLPRegressor
        An ensemble of networks, fitted to the columns, and to class indices or numbers; or one plain network,
        fitted to features, and to class indices or standardised numbers.
    training : dict
        JSON-able record of the training: numbers of rows, epochs, rows per step.
    csv : CsvOptions, optional
        How CSV files were said to be written.

    Attributes
    ----------
    history : list of Epoch
        One record per epoch of a plain network's `fit`; empty for a loaded model, and for an ensemble.
    notes : list of str
        What `fit` guessed of the columns: decimal marks, units, words for missing values; empty for a loaded
        model.
    test : Evaluation or None
        Of the rows that `fit` held out.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> houses = {"rooms": rng.integers(1, 9, 400), "heating": rng.choice(["gas", "oil"], 400)}
    >>> houses["price"] = 50.5 * houses["rooms"] + 40.5 * (houses["heating"] == "gas")
    >>> model = TableModel.fit(houses, "price", preset="fast")
    >>> model
    <TableModel: regression of 'price' from 2 columns, 2 networks>
    >>> prices = model.predict({"heating": ["gas"], "rooms": [4]})
    >>> bool(abs(prices[0] - 242.5) < 20)
    True
    >>> TableModel.fit(houses, "price", epochs=60)  # a setting of one plain network
    <TableModel: regression of 'price' from 2 columns, network 3-128-128-1>
    """

    def __init__(
        self,
        preprocessor: Preprocessor,
        target: Target,
        estimator: Any,
        training: dict[str, Any],
        csv: CsvOptions | None = None,
    ) -> None:
        self.preprocessor = preprocessor
        self.target = target
        self.estimator = estimator
        self.training = training
        self.csv = replace(csv or CsvOptions(), firm=False)
        self.history: list[Epoch] = []
        self.notes: list[str] = []
        self.test: Evaluation | None = None

    def __repr__(self) -> str:
        names = ", ".join(map(repr, self.target.names))
        inputs = counted(len(self.columns), "column")
        members = self.members
        network = counted(len(members), "network") if members else "network " + "-".join(map(str, self.sizes))
        return f"<TableModel: {self.task} of {names} from {inputs}, {network}>"

    def __getattr__(self, name: str) -> Any:
        if name in ("feature_importances_", "coef_"):
            raise AttributeError(
                f"a TableModel has no {name}; model.explain(table) tells what each column is worth"
            )
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

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
    def members(self) -> list[Any]:
        """Networks of an ensemble, each with its score and weight, the greatest first; else none."""
        return list(getattr(self.estimator, "members_", []))

    @property
    def metric(self) -> str:
        """By what the networks of an ensemble are chosen, as their scores count it."""
        return ensembles.metric(self.estimator)

    @property
    def sizes(self) -> list[int]:
        """Widths of the network's layers, from the features to the outputs; of an ensemble's best network."""
        if self.members:
            return list(best_member(self.estimator).network.sizes)
        return [self.estimator.n_features_in_, *(coef.shape[1] for coef in self.estimator.coefs_)]

    @classmethod
    def fit(
        cls,
        table: Any,
        target: str | Sequence[str],
        *,
        task: Task | None = None,
        ignore: str | Sequence[str] = (),
        preset: Literal["fast", "default", "best", "plain"] | None = None,
        time_budget: float | None = None,
        n_folds: int | None = None,
        hidden_layer_sizes: int | Sequence[int] | None = None,
        activation: str | Sequence[str] | None = None,
        learning_rate: float | None = None,
        l2: float | None = None,
        batch_size: int | None = None,
        epochs: int | None = None,
        patience: int | None = None,
        validation_fraction: float | None = None,
        test_fraction: float = 0.0,
        dtype: Literal["float32", "float64"] | None = None,
        random_state: int = 0,
        n_threads: int | None = None,
        callback: Callback | None = None,
        resume: bool = False,
        sample_weight: Any = None,
        decimal: str | None = None,
        missing: str | Sequence[str] = (),
        text: str | Sequence[str] = (),
        number: str | Sequence[str] = (),
        day_first: bool | None = None,
        delimiter: str | None = None,
        encoding: str | None = None,
        header: bool = True,
        memory: str | int | None = None,
        **parameters: Any,
    ) -> Self:
        """Learn to predict one column of a table, or several of numbers, from the others.

        By default an ensemble of networks is fitted (`TabularClassifier`, `TabularRegressor`). The settings
        from `hidden_layer_sizes` to `resume`, `memory` and most of `parameters` describe one plain network:
        where one of them is given and no preset, the model is such a network.

        Means, scales, categories and weights come from the training rows alone. Some rows are set aside to
        watch: they choose the networks of an ensemble, or the epoch of a plain network.

        Parameters
        ----------
        table : DataFrame, mapping of columns, list of rows, or path
            The rows. Those without a target are dropped, with a warning.
        target : str or sequence of str
            Name of the column to predict. Of several, all must be numbers; each has an output.
        task : {"classification", "regression"}, optional
            By default what the target's values suggest, see `infer_task`.
        ignore : str or sequence of str
            Columns not to use.
        preset : {"fast", "default", "best", "plain"}, optional
            How many networks are trained: one, four, or 32 of which the best are averaged; "plain" is one
            network as the settings below describe it. By default "default", or "plain" where one of those is
            given.
        time_budget : float, optional
            Seconds that the fit of an ensemble may take.
        n_folds : int, optional
            Train each network of an ensemble so many times, each without another part of the rows.
        hidden_layer_sizes : int or sequence of int
            Widths of the hidden layers; by default (128, 128).
        activation : str or sequence of str
            Of the hidden layers, one for all or one for each; by default "relu".
        learning_rate, l2 : float
            Step size, by default 0.001, and the penalty on the weights, 0.0001: scikit-learn's
            `learning_rate_init` and `alpha`.
        batch_size : int, optional
            Rows per step; by default between 16 and 256, see `default_batch_size`, and all of them for
            "lbfgs" and "rprop".
        epochs, patience : int
            Stop after so many epochs, by default 200, or when more than so many in a row, by default 20, were
            not better by `tol`.
        validation_fraction : float, optional
            Share of the rows to watch, in [0, 1); by default 0.1, and 0.2 of fewer than 1,000 rows. Tables of
            fewer than 100 rows spare none; the training loss is watched then.
        test_fraction : float
            Share of the rows to hold out and measure in the end: attribute `test`.
        dtype : {"float32", "float64"}
            In which a plain network computes; by default "float32". Ensembles compute in float32.
        random_state : int
            The same number gives the same model.
        n_threads : int, optional
            By default OpenMP's own setting, and for an ensemble one for each core.
        callback : callable, optional
            Is given an `Epoch` after each; training stops if it returns True.
        resume : bool
            Whether to go on from the file that `checkpoint` names, with the bits of a fit that was never
            interrupted.
        sample_weight : str or array-like of shape (n_samples,), optional
            Weights of the rows, or the name of their column, which is then no input.
        decimal : {".", ","}, optional
            The decimal mark of text such as "1,234"; by default what the column, then the other columns say.
        missing : str or sequence of str
            Further words for missing values, such as "9999".
        text, number : str or sequence of str
            Columns that are categories, or numbers, whatever their values look like. In a column that is said
            to be numbers, what does not read as one is missing; in one said to be text every word is a value.
        day_first : bool, optional
            Whether 3/4/2024 is in April; by default what the column's other dates say, then other columns'.
        delimiter, encoding : str, optional
            Of a CSV file; by default found out (UTF-8, or UTF-16).
        header : bool
            Whether the first line of a CSV file has the names; without, they are "0", "1", ...
        memory : str or int, optional
            About how much memory the rows may take, such as "2GB": `table` is then a Parquet file, a folder,
            a pattern such as ``big/*.parquet`` or a dataset of pyarrow, and is read while the network trains
            (`chainrule.stream`). CSV files are converted to temporary Parquet first. By default the whole
            table is read first.
        **parameters
            Further parameters of `MLPClassifier` or `MLPRegressor`, by their names there: `solver`, `loss`,
            `dropout`, `schedule`, `class_weight` (by label), `scoring`, `max_time`, `checkpoint`, ...
            `tol` is 0.0002 here. An ensemble has `class_weight` too, and where a preset is named
            `scoring` and `checkpoint`.

        Returns
        -------
        TableModel

        Raises
        ------
        TableError
            For a table that cannot be used: no such column, no rows, one class, infinite values, ...
        ParameterError
            For unknown or invalid parameters.
        TrainingError
            Where training diverged, or the network does not fit into memory.

        Warns
        -----
        TableWarning
            For rows without a target, and numbers that look like codes for "not measured".
        """
        asked = question(
            target, task=task, ignore=ignore, weight=sample_weight, decimal=decimal, missing=missing,
            text=text, number=number, day_first=day_first, delimiter=delimiter, encoding=encoding,
            header=header,
        )  # fmt: skip
        settings = fit_settings(
            task=task, preset=preset, time_budget=time_budget, n_folds=n_folds,
            hidden_layer_sizes=hidden_layer_sizes, activation=activation,
            learning_rate=learning_rate, l2=l2, batch_size=batch_size, epochs=epochs, patience=patience,
            validation_fraction=validation_fraction, test_fraction=test_fraction, dtype=dtype,
            random_state=random_state, n_threads=n_threads, callback=callback, resume=resume, memory=memory,
            parameters=parameters,
        )  # fmt: skip
        if memory is not None:
            return cls.train(prepare_streamed(table, asked, settings, memory))
        return cls.train(prepare(pose(table, asked), settings))

    @classmethod
    def train(cls, prepared: Prepared) -> Self:
        """Train what a problem that has been posed and prepared needs; `fit` does all three."""
        record, history = train_prepared(prepared)
        model = cls(prepared.preprocessor, prepared.target, prepared.estimator, record, prepared.problem.csv)
        model.history = history
        model.notes = prepared.problem.notes
        if len(prepared.test.X):
            model.test = model._evaluate(*prepared.test)
        return model

    # Predicting.

    def predict(self, table: Any, *, memory: str | int | None = None) -> NDArray[Any]:
        """Return the most probable class of each row as it stood in the target column, or its number.

        Parameters
        ----------
        table : DataFrame, mapping of columns, list of rows, or path
            Rows with all of `columns`; others are not looked at.
        memory : str or int, optional
            About how much memory the rows may take, such as "1GB": Parquet or CSV files, a folder of them or
            a pattern are then read in portions. By default the whole table is read first.

        Returns
        -------
        ndarray of shape (n_samples,), or (n_samples, n_targets) of several targets
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
        outputs = self._outputs_of(table, memory)
        if isinstance(self.target, ClassTarget):
            return self.target.decode(outputs.argmax(axis=1))
        return self.target.decode(outputs)

    def predict_proba(self, table: Any, *, memory: str | int | None = None) -> NDArray[Any]:
        """Return the probability of each class, in the order of `classes`.

        Parameters
        ----------
        table : DataFrame, mapping of columns, list of rows, or path
            As for `predict`.
        memory : str or int, optional
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
            raise TableError(self._no_probabilities)
        return self._outputs_of(table, memory)

    def write_predictions(
        self,
        table: Any,
        path: Any,
        *,
        proba: bool = False,
        keep: Sequence[str] = (),
        memory: str | int = "1GB",
    ) -> None:
        """Write a prediction for each row of a table to a file, portion by portion, whole or not at all.

        Parameters
        ----------
        table : DataFrame, mapping of columns, list of rows, or paths
            As for `predict`: Parquet or CSV files need not fit into memory.
        path : str or path-like
            File to write, .csv or .parquet: "prediction", or "prediction_<target>" of several targets.
        proba : bool
            Whether to add "probability_<class>".
        keep : sequence of str
            Columns of the table to carry over, such as an id.
        memory : str or int
            About how much memory the rows may take.

        Raises
        ------
        TableError
            As `predict`. A file that was there before is as it was.
        """
        portions = portions_of(self, table, memory)
        write_tables(predictions_in_portions(self, portions, proba=proba, keep=keep), path)

    def evaluate(
        self, table: Any, *, sample_weight: Any = None, memory: str | int | None = None
    ) -> Evaluation:
        """Compare predictions with the target column, beside the simplest prediction.

        Parameters
        ----------
        table : DataFrame, mapping of columns, list of rows, or path
            Rows with all of `columns` and the target. Rows without a target are dropped, with a warning.
        sample_weight : str or array-like of shape (n_samples,), optional
            Weights of the rows, or the name of their column.
        memory : str or int, optional
            As for `predict`. The numbers are the same, up to rounding; the area under the ROC curve, too, of
            up to a million different probabilities, beyond them up to about a millionth.

        Returns
        -------
        Evaluation

        Raises
        ------
        TableError
            As `predict`, and where the target is missing or has classes that training did not have.
        """
        if memory is not None:
            return evaluate_in_portions(self, table, sample_weight, memory)
        return self._evaluate(*self._known(table, sample_weight))

    def _known(self, table: Any, sample_weight: Any) -> tuple[Any, NDArray[Any], NDArray[np.float64] | None]:
        """Return the rows that have a target as the estimator takes them, targets, and weights."""
        source = self._open(table)
        weight = tidy(sample_weight) if isinstance(sample_weight, str) else sample_weight
        rows = self._read(source, with_target=True, also=[weight] if isinstance(weight, str) else [])
        check_rows(rows, source.title)
        weights = row_weights(weight, rows)
        rows, numbers = drop_unknown(rows, self.target.names)
        X = self._encoded(rows, numbers)
        known = self.target.encode(*(rows[name] for name in self.target.names))
        return X, known, None if weights is None else weights[numbers - 1]

    def _evaluate(self, X: Any, known: NDArray[Any], weights: NDArray[np.float64] | None) -> Evaluation:
        found = evaluate(self.target, self._outputs(X), known, weights)
        if not self.members:
            return found
        return found.beside(evaluate(self.target, self._outputs(X, alone=True), known, weights))

    def explain(
        self,
        table: Any,
        *,
        metric: str | None = None,
        target: str | None = None,
        n_repeats: int = 5,
        random_state: int = 0,
        sample_weight: Any = None,
    ) -> Explanation:
        """Say what each column is worth to the model, and how much predictions move with it.

        Parameters
        ----------
        table : DataFrame, mapping of columns, list of rows, or path
            Rows with all of `columns` and the target, best such as the model has not seen. Of more than
            10,000 rows so many are drawn.
        metric : str, optional
            What is measured, by its name in `evaluate`; by default "accuracy" or "r2".
        target : str, optional
            Of several targets the one to look at; by default all.
        n_repeats : int
            How often each column is permuted.
        random_state : int
            The same number gives the same permutations.
        sample_weight : str or array-like of shape (n_samples,), optional
            Weights of the rows, or the name of their column.

        Returns
        -------
        Explanation
            Its `importances` have a mean, a deviation and a sensitivity for each column; `print` shows a
            table, `plot` draws, `save` writes a picture.

        Raises
        ------
        TableError
            As `evaluate`.
        ParameterError
            For a metric or a target that the model does not have.

        Examples
        --------
        >>> rng = np.random.default_rng(0)
        >>> houses = {"rooms": rng.integers(1, 9, 400), "door": rng.choice(["red", "green"], 400)}
        >>> houses["price"] = 50.5 * houses["rooms"]
        >>> model = TableModel.fit(houses, "price", preset="fast")
        >>> [one.column for one in model.explain(houses).importances]
        ['rooms', 'door']
        """
        n_repeats = checks.whole("n_repeats", n_repeats)
        seed = checks.whole("random_state", random_state, least=0)
        X, known, weights = self._known(table, sample_weight)
        if len(known) > explaining.MOST_ROWS:
            drawn = np.random.default_rng(seed).permutation(len(known))[: explaining.MOST_ROWS]
            chosen = np.sort(drawn)
            X = X.take(pa.array(chosen)) if isinstance(X, pa.Table) else X[chosen]
            known, weights = known[chosen], None if weights is None else weights[chosen]
        return explaining.explain(
            self,
            X,
            lambda outputs: evaluate(self.target, outputs, known, weights),
            metric=metric,
            target=target,
            n_repeats=n_repeats,
            seed=seed,
        )

    def network_rows(self, table: Any, which: slice) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return rows as the network sees them: features, and class indices or standardised numbers.

        Of an ensemble, as its members see them.

        Parameters
        ----------
        table : DataFrame, mapping of columns, list of rows, or path
            Rows with all of `columns` and the target.
        which : slice
            Of the rows, counted from 0.

        Returns
        -------
        x : ndarray of shape (n_samples, n_features)
        y : ndarray of shape (n_samples,), or (n_samples, n_targets) of several targets

        Raises
        ------
        TableError
            As `evaluate`, and where the table does not have those rows or they have no target.
        """
        source = self._open(table)
        rows = self._read(source, with_target=True)
        check_rows(rows, source.title)
        if not 0 <= which.start < which.stop <= len(rows):
            raise TableError(
                f"the table has {counted(len(rows), 'row')}, expected a row from 1 to {len(rows)}"
            )
        rows = rows.slice(which.start, which.stop - which.start)
        values = [rows[name] for name in self.target.names]
        if any(column.null_count for column in values):
            raise TableError(f"the target {self.target.name!r} is missing in that row, expected a value")
        numbers = np.arange(which.start, which.stop) + 1
        X, y = self._encoded(rows, numbers), self.target.encode(*values)
        if self.members:
            learned = self.estimator._target
            y = y if self.task == "classification" else learned.encode(y.reshape(len(y), -1))
            return self.estimator.member_inputs(X), y
        return X, y

    def read_with(
        self,
        *,
        decimal: str | None = None,
        missing: str | Sequence[str] = (),
        day_first: bool | None = None,
        delimiter: str | None = None,
        encoding: str | None = None,
        header: bool = True,
    ) -> Self:
        """Return this model for tables that are written otherwise than the one that it was fitted to.

        What is not given stays as `fit` found it.

        Parameters
        ----------
        decimal, missing, day_first, delimiter, encoding, header
            As in `fit`. The words of `missing` join those that it knows.

        Returns
        -------
        TableModel
            With the same network.

        Examples
        --------
        >>> houses = {"rooms": ["1.5", "2.5", "3.5"] * 20, "price": [10.5, 20.5, 30.5] * 20}
        >>> model = TableModel.fit(houses, "price", epochs=2)
        >>> german = model.read_with(decimal=",", missing="99")
        >>> bool((german.predict({"rooms": ["1,500"]}) == model.predict({"rooms": ["1.5"]})).all())
        True
        """
        choice = choice_of(decimal, missing, day_first)

        def said(one: Any, kind: Any) -> Any:
            reading = one.reading or Reading(kind)
            return replace(one, reading=reading.said(choice.mark, choice.missing, choice.day_first))

        other = copy.copy(self)
        columns = [said(column, column.kind) for column in self.preprocessor.columns]
        other.preprocessor = Preprocessor(columns, self.preprocessor.left_out)
        if isinstance(self.target, SeveralTargets):
            other.target = SeveralTargets(tuple(said(one, "number") for one in self.target.targets))
        else:
            kind = self.target.kind if isinstance(self.target, ClassTarget) else "number"
            other.target = said(self.target, kind if kind in ("text", "boolean") else "number")
        if delimiter is not None or encoding is not None or not header:
            other.csv = CsvOptions(delimiter, encoding, header)
        return other

    @property
    def _dtype(self) -> Any:
        return "float32" if self.members else self.estimator.coefs_[0].dtype.name

    def _open(self, table: Any) -> Source:
        return open_table(table, self.csv)

    @property
    def _no_probabilities(self) -> str:
        return (
            f"this model predicts the number {self.target.name!r}, which has no probabilities, "
            "expected a classification"
        )

    def _read(self, source: Source, *, with_target: bool = False, also: Sequence[str] = ()) -> pa.Table:
        """Read the columns that are needed, under the names that they have here, targets typed."""
        self.preprocessor.check_names(source.all_names)
        targets = self.target.names if with_target else []
        for name in (*targets, *also):
            if tidy(name) not in source:
                use = "the target" if name in targets else "of weights"
                raise TableError(no_such(name, source.names, use))
        names = list(dict.fromkeys([*self.columns, *targets, *also]))
        rows = source.read([tidy(name) for name in names]).rename_columns(names)
        for one in self.target.targets if isinstance(self.target, SeveralTargets) else [self.target]:
            if one.name in targets:
                place = names.index(one.name)
                rows = rows.set_column(place, one.name, read_target(one, rows[one.name]))
        return rows

    def _features(self, table: Any) -> Any:
        return self._encoded(self._read(self._open(table)))

    def _outputs_of(self, table: Any, memory: Any) -> NDArray[Any]:
        if memory is None:
            inputs = self._single_row(table) if self.members else None
            if inputs is not None:
                return ensembles.outputs_of_inputs(self.estimator, inputs, self.target.n_outputs)
            return self._outputs(self._features(table))
        return np.concatenate(
            [self._outputs(part.X) for part in parts_of(self, portions_of(self, table, memory))]
        )

    def _single_row(self, table: Any) -> NDArray[np.float32] | None:
        """Return the inputs of an ensemble's members for a table of one row that is quickly read, or None."""
        single = vars(self).get("_single")
        if single is None or not (
            single.preprocessor is self.preprocessor and single.estimator is self.estimator
        ):
            from chainrule.table_models.single_rows import SingleRows  # scikit-learn takes a second

            single = self._single = SingleRows(self.preprocessor, self.estimator)
        found: NDArray[np.float32] | None = single.inputs(table)
        return found

    def _encoded(
        self, rows: pa.Table, numbers: NDArray[np.int64] | None = None, remarks: Remarks | None = None
    ) -> Any:
        """Return rows as the estimator takes them: features, or for an ensemble columns."""
        if self.members:
            return self.preprocessor.read(rows, rows=numbers, remarks=remarks)
        return self.preprocessor.transform(rows, self._dtype, rows=numbers, remarks=remarks)

    def _outputs(self, X: Any, *, alone: bool = False) -> NDArray[Any]:
        """Return probabilities, or numbers as the target encodes them; `alone`: of the best member."""
        is_class = isinstance(self.target, ClassTarget)
        if not len(X):
            shape = (0,) if self.target.n_outputs == 1 else (0, self.target.n_outputs)
            return np.empty(shape, dtype="float64" if self.members else X.dtype)
        if self.members:
            asked = ensembles.single(self.estimator) if alone else self.estimator
            return ensembles.outputs(asked, X, self.target.n_outputs)
        outputs: NDArray[Any] = (self.estimator.predict_proba if is_class else self.estimator.predict)(X)
        return outputs

    # Leaving and entering.

    @property
    def _kind(self) -> str:
        """The kind of model file."""
        return "table_ensemble" if self.members else "table"

    def _describe(self) -> Description:
        if self.members:
            raise NotImplementedError(
                f"this model is an ensemble of {counted(len(self.members), 'network')}, expected one of a"
                " single plain network: fit it with preset='plain' (--preset plain), or look at one network,"
                " model.members[0].network"
            )
        network: Description = self.estimator._describe().in_own_units()
        meaning = network.meaning
        if isinstance(self.target, ClassTarget):
            meaning = replace(meaning, classes=list(self.target.classes))
        else:
            scale, shift = self.target.scale, self.target.shift
            meaning = Meaning("numbers", scale=meaning.scale * scale, mean=meaning.mean * scale + shift)
        training = (
            replace(network.training, **curves(self.history, self.task)) if self.history else network.training
        )
        columns = self.preprocessor.columns
        return replace(network, meaning=meaning, encode=self._encode, columns=columns, training=training)

    def _encode(self, y: Any) -> NDArray[Any]:
        """Turn targets, as they stand in the table, into what the network learns."""
        values = np.asarray(y)
        columns = values.T if isinstance(self.target, SeveralTargets) else [values.ravel()]
        encoded = self.target.encode(*(pa.chunked_array([pa.array(column.tolist())]) for column in columns))
        learned: NDArray[Any] = self.estimator._describe().encode(encoded)
        return learned

    def _unwrap(self, X: Any) -> tuple[Any, Any]:
        """Return the network's estimator, and rows X as it sees them."""
        if self.members:
            self._describe()  # says why not
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
        usual = CsvOptions(firm=False)
        csv = {name: value for name, value in vars(self.csv).items() if value != getattr(usual, name)}
        return tensors, settings | {"training": self.training} | ({"csv": csv} if csv else {})

    @classmethod
    def _from_state(cls, tensors: dict[str, NDArray[Any]], settings: dict[str, Any]) -> Self:
        def part(name: str) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
            state = {
                key.removeprefix(f"{name}."): v for key, v in tensors.items() if key.startswith(f"{name}.")
            }
            return state, settings[name]

        preprocessor = Preprocessor._from_state(*part("preprocessing"))
        target = target_from_state(*part("target"))
        csv = CsvOptions(**settings.get("csv", {}))
        if "members" in settings["estimator"]:
            ensemble = ensemble_class(target.task)._from_state(*part("estimator"))
            _check_ensemble(ensemble, [column.name for column in preprocessor.columns], target)
            return cls(preprocessor, target, ensemble, dict(settings["training"]), csv)
        estimator = estimator_class(target.task)._from_state(*part("estimator"))
        if not hasattr(estimator, "coefs_"):
            raise ValueError("its network was never trained")
        model = cls(preprocessor, target, estimator, dict(settings["training"]), csv)
        n_outputs = target.n_outputs
        if isinstance(target, ClassTarget) and n_outputs == 2:
            n_outputs = 1
        expected = (len(preprocessor.feature_names), n_outputs)
        if (model.sizes[0], model.sizes[-1]) != expected:
            raise ValueError(
                f"a network of {model.sizes} does not fit {expected[0]} features and {expected[1]} outputs"
            )
        return model


def _check_ensemble(estimator: Any, columns: list[str], target: Target) -> None:
    """Raise ValueError where an ensemble that was saved does not fit columns and target."""
    names = list(estimator.feature_names_in_)
    if names != columns:
        raise ValueError(f"columns {columns} do not fit an ensemble of {names}")
    n_outputs = estimator._target.n_outputs
    if isinstance(target, ClassTarget):
        classes = estimator.classes_.tolist()
        if not set(classes) <= set(range(target.n_outputs)):
            raise ValueError(f"{target.n_outputs} classes do not fit an ensemble of {classes}")
    elif n_outputs != target.n_outputs:
        raise ValueError(f"{target.n_outputs} targets do not fit an ensemble of {n_outputs}")
