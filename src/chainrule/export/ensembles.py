"""A Tabular model taken apart, as its exports write it: columns, what members take, members, the decision."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainrule.description import Description
from chainrule.export.parts import exportable
from chainrule.table_models.table_model import TableModel
from chainrule.tabular.base import BaseTabular
from chainrule.tabular.preparation import prepared_value
from chainrule.tabular.targets import Numbers

Floats = NDArray[np.float64]

#: Scaled numbers beyond are 3, whatever they are, and their squares are finite in float32 too.
MOST = 1e9


@dataclass(frozen=True, eq=False)
class Number:
    """A column of numbers: (x - center) factor, clipped, is input number `at`.

    Attributes
    ----------
    column : NumberColumn
    center, factor : float
    at : int
    flag : int or None
        The input that is 1 where it is missing.
    """

    column: Any
    center: float
    factor: float
    at: int
    flag: int | None


class Table(NamedTuple):
    """A row of inputs, from number `at`, for each code; those beyond have the last."""

    at: int
    rows: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Category:
    """A column of categories.

    Attributes
    ----------
    column : CategoryColumn
    tables : list of Table
    at : int or None
        The input that is the code itself.
    """

    column: Any
    tables: list[Table]
    at: int | None

    @property
    def missing_code(self) -> int:
        """The code of a missing value."""
        return len(self.column.categories) if self.column.missing else self.column.n_codes


@dataclass(frozen=True, eq=False)
class EnsembleParts:
    """What a fitted model does to a row.

    Attributes
    ----------
    columns : list of Number or Category
        In the order of the table.
    named : bool
        Whether rows have a value for each column by name; else they are arrays of numbers.
    n_columns : int
        Of the table, those that are left out among them.
    n_inputs : int
        That members take.
    members : list of (float, Description)
        Weights, whose sum is 1, and networks.
    target : Numbers or Classes
    classes : list or None
        Labels in the order of the outputs.
    temperature : float or None
        By which logarithms of probabilities are divided; None where they are as members say.
    n_watched : int
        Rows that the temperature was found on.
    """

    columns: list[Number | Category]
    named: bool
    n_columns: int
    n_inputs: int
    members: list[tuple[float, Description]]
    target: Any
    classes: list[Any] | None
    temperature: float | None
    n_watched: int

    @property
    def n_outputs(self) -> int:
        """Of the model."""
        return int(self.target.n_outputs)


def is_ensemble(model: Any) -> bool:
    """Whether it is a `TabularClassifier` or `TabularRegressor`, or a `TableModel` with one inside."""
    return isinstance(model, BaseTabular) or _is_table(model)


def _is_table(model: Any) -> bool:
    return isinstance(model, TableModel) and bool(model.members)


def take_ensemble_apart(model: Any, dtype: Any = None) -> EnsembleParts:
    """Take a fitted Tabular model, or the one inside a `TableModel`, apart; its networks in a dtype.

    Raises
    ------
    sklearn.exceptions.NotFittedError
        For one before `fit`.
    ValueError
        For a dtype that is none, and a model that uses no column.
    """
    if _is_table(model):
        return _of_table(model, take_ensemble_apart(model.estimator, dtype))
    from sklearn.utils.validation import check_is_fitted

    check_is_fitted(model, "members_")
    preparation, stage = model.preparation_, model._stage
    if not preparation.layout.n_columns:
        raise ValueError(
            "no column is of use to this model, which says the same of every row: nothing to export"
        )
    members = []
    for member in model.members_:
        network = exportable(member.network)
        members.append((float(member.weight), network if dtype is None else network.astype(dtype)))
    columns: list[Number | Category] = [*_numbers(preparation), *_categories(preparation, stage)]
    columns.sort(key=lambda one: int(one.column.place))
    calibrates = model._classifies and model.calibrate
    plain = not preparation.categories and all(one.kind == "number" for one in preparation.numbers)
    return EnsembleParts(
        columns,
        hasattr(model, "feature_names_in_") or not plain,
        preparation.n_columns,
        stage.n_inputs,
        members,
        model._target,
        model.classes_.tolist() if model._classifies else None,
        model.temperature_ if calibrates else None,
        model.n_watched_ if calibrates else 0,
    )


def _of_table(table: Any, parts: EnsembleParts) -> EnsembleParts:
    """Put a table's own booleans, labels and units in their places."""
    kinds = {column.name: column.kind for column in table.preprocessor.columns}
    columns: list[Number | Category] = []
    for one in parts.columns:
        if isinstance(one, Category) and kinds[one.column.name] == "boolean":
            one = replace(one, column=replace(one.column, boolean=True))
        columns.append(one)
    target = table.target
    if parts.classes is not None:
        classes = list(target.classes)
        if len(parts.classes) < len(classes):
            raise ValueError(
                f"{len(classes) - len(parts.classes)} of {len(classes)} classes had no weight in training, so"
                " the networks do not know them; fit the model without these rows"
            )
        return replace(parts, columns=columns, classes=classes)
    scale, shift, own = target.scale, target.shift, parts.target
    ranges = [np.atleast_1d(limit * scale + shift) for limit in (own.low, own.high)]
    numbers = Numbers(np.atleast_1d(own.mean * scale + shift), np.atleast_1d(own.scale * scale), *ranges)
    return replace(parts, columns=columns, target=numbers)


def _numbers(preparation: Any) -> list[Number]:
    flag, found = preparation.layout.n_values, []
    for k, column in enumerate(preparation.numbers):
        found.append(
            Number(column, preparation.center[k], preparation.factor[k], k, flag if column.missing else None)
        )
        flag += column.missing
    return found


def _categories(preparation: Any, stage: Any) -> list[Category]:
    """Ask `Stage` and `Preparation` what each code becomes."""
    layout, found = preparation.layout, []
    value, plain = len(preparation.numbers), layout.n_values + layout.n_flags
    for k, (column, place) in enumerate(zip(preparation.categories, stage.places, strict=True)):
        codes = np.arange(column.n_codes + 1)
        rows = np.zeros((len(codes), layout.n_columns), dtype=np.float32)
        rows[:, plain + k] = codes
        tables = []
        if column.frequency is not None and column.statistic is not None:
            told = np.column_stack([column.frequency, column.statistic])
            own = slice(value, value + told.shape[1])
            scaled = prepared_value(told, preparation.center[own], preparation.factor[own])
            tables.append(Table(value, scaled.astype(np.float32)))
            value += told.shape[1]
        if not place.embedded:
            one_hot = stage.expand(rows)[:, place.begin : place.begin + place.width]
            n = len(one_hot)
            while n > 1 and (one_hot[n - 1] == one_hot[n - 2]).all():
                n -= 1
            tables.append(Table(place.begin, one_hot[:n]))
        found.append(Category(column, tables, place.begin if place.embedded else None))
    return found
