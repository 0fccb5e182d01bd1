"""One row for an ensemble in microseconds, where each value is one that training had, or a plain number.

Whatever else a row may hold, text with blanks around it, other names, values that call for a warning, is read
as tables are.
"""

import datetime
import math
from collections.abc import Mapping
from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from chainrule.tables.columns import Column, NumberColumn
from chainrule.tables.frames import to_arrow
from chainrule.tables.preprocessing import Preprocessor
from chainrule.tabular.quick_rows import ReadNumber

#: Stands for a value that must be read as tables are.
UNREAD = object()


class SingleRows:
    """Reads rows as `Preprocessor.read` does, and then the ensemble.

    Parameters
    ----------
    preprocessor : Preprocessor
    estimator : TabularClassifier or TabularRegressor
        That was fitted to its columns.
    """

    def __init__(self, preprocessor: Preprocessor, estimator: Any) -> None:
        self.preprocessor, self.estimator = preprocessor, estimator
        self._quick = estimator._quick_rows()
        self._codes = self._quick.categories_by_name
        self._reads = {
            column.name: ReadNumber(column.kind, column.reading)
            for column in preprocessor.columns
            if isinstance(column, NumberColumn)
        }

    def inputs(self, table: Any) -> NDArray[np.float32] | None:
        """Return the members' inputs, (1, n_inputs), of a table of one row; None where it must be read."""
        row = _only_row(table)
        if row is None:
            return None
        values = []
        for column in self.preprocessor.columns:
            value = self._value(column, row.get(column.name, UNREAD))
            if value is UNREAD:
                return None
            values.append(value)
        inputs: NDArray[np.float32] = self._quick.inputs(values, lambda k: to_arrow("", [values[k]]))
        return inputs

    def _value(self, column: Column, value: Any) -> Any:
        """Return the value for the ensemble."""
        if isinstance(column, NumberColumn):
            read = self._reads[column.name]
            if column.kind == "date":
                return value if type(value) is datetime.date and not read.codes else UNREAD
            number = None if value is UNREAD else read(value)
            if number is None or math.isinf(number) or (number != number and not column.missing):
                return UNREAD
            return number
        if value is None:
            return None if column.missing else UNREAD
        if type(value) is bool:
            value = "true" if value else "false"
        return value if type(value) is str and value in self._codes.get(column.name, ()) else UNREAD


def _only_row(table: Any) -> Mapping[str, Any] | None:
    """Return the row as a mapping; None for tables of more rows, and for those in other forms."""
    if isinstance(table, list) and len(table) == 1:
        (table,) = table
    elif nw.dependencies.is_pandas_dataframe(table):
        if len(table) != 1 or not table.columns.is_unique:
            return None
        return dict(zip(table.columns, table.to_numpy(dtype=object)[0].tolist(), strict=True))
    elif nw.dependencies.is_polars_dataframe(table):
        return table.row(0, named=True) if table.height == 1 else None
    if isinstance(table, dict) and all(
        isinstance(value, str) or not hasattr(value, "__len__") for value in table.values()
    ):
        return table
    return None
