"""The columns of a table as the inputs of a network, with lists and arrays as the whole of its state.

Not scikit-learn's ColumnTransformer: its fitted state is a tree of Python objects that only pickle can save,
and a pickle runs code when it is opened. Ours is one list of columns and two arrays, which go into a model
file as they are, and from there into any language.
"""

import itertools
import warnings
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Literal, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from chainrule._words import counted, did_you_mean, listed
from chainrule.tables.columns import CategoryColumn, Column, NumberColumn, Remarks, fit_column
from chainrule.tables.errors import TableError, TableWarning
from chainrule.tables.names import tidy
from chainrule.tables.reading import Reading
from chainrule.tables.values import is_text
from chainrule.tables.wide_tables import find_together

#: So many columns of plain numbers are encoded in one array.
TOGETHER = 256


class Preprocessor:
    """Standardises numbers and dates, encodes text and booleans one-hot; missing values get a feature.

    Parameters
    ----------
    columns : sequence of NumberColumn or CategoryColumn
        The columns used, in the order of their features.
    left_out : dict of str to str
        Columns of the training table that are not used, each with the reason.

    Attributes
    ----------
    feature_names : list of str
        Names of the features, in order.

    Examples
    --------
    >>> table = pa.table({"rooms": [2, 4, None], "heating": ["gas", "oil", "gas"], "land": ["X", "X", "X"]})
    >>> preprocessor = Preprocessor.fit(table)
    >>> preprocessor.feature_names
    ['rooms', 'rooms is missing', 'heating=gas', 'heating=oil']
    >>> preprocessor.transform(table)
    array([[-1.,  0.,  1.,  0.],
           [ 1.,  0.,  0.,  1.],
           [ 0.,  1.,  1.,  0.]], dtype=float32)
    >>> preprocessor.left_out
    {'land': 'has one value only'}
    """

    def __init__(self, columns: Sequence[Column], left_out: dict[str, str]) -> None:
        self.columns = list(columns)
        self.left_out = dict(left_out)
        self.feature_names = [name for column in columns for name in column.feature_names]

    @classmethod
    def fit(
        cls,
        table: pa.Table,
        *,
        ignore: Collection[str] = (),
        readings: Mapping[str, Reading] | None = None,
        left_out: Mapping[str, str] | None = None,
    ) -> Self:
        """Find means, scales and categories.

        Parameters
        ----------
        table : pyarrow.Table
            The training rows.
        ignore : collection of str
            Columns to leave aside.
        readings : mapping of str to Reading, optional
            How the text of columns was read, for the rows to come.
        left_out : mapping of str to str, optional
            Columns that were left out before, with the reasons.

        Raises
        ------
        TableError
            Where no column is of use, and for infinite values.
        """
        columns: list[Column] = []
        left_out = dict(left_out or {})
        for name in table.column_names:
            if name in ignore:
                continue
            reading = (readings or {}).get(name)
            fitted = "has no name" if not name.strip() else fit_column(name, table[name], reading)
            if isinstance(fitted, str):
                left_out[name] = fitted
            else:
                columns.append(fitted)
        if not columns:
            reasons = "; ".join(f"{name!r} {reason}" for name, reason in list(left_out.items())[:5])
            raise TableError(
                "the table has no column to predict from, expected at least one with different values"
                + (f" ({reasons})" if reasons else "")
            )
        return cls(columns, left_out)

    def transform(
        self,
        table: pa.Table,
        dtype: Literal["float32", "float64"] = "float32",
        *,
        rows: NDArray[np.int64] | None = None,
        remarks: Remarks | None = None,
    ) -> NDArray[Any]:
        """Encode the rows of a table; columns that the model does not know are not looked at.

        Parameters
        ----------
        table : pyarrow.Table
            Rows with all of `columns`, in any order.
        dtype : {"float32", "float64"}
            Of the result.
        rows : ndarray of shape (n_samples,), optional
            Numbers of the rows in the user's table, for messages; by default from 1.
        remarks : Remarks, optional
            Gathers what the warning would say, instead of it: for tables in portions.

        Returns
        -------
        ndarray of shape (n_samples, n_features)
            Finite numbers.

        Raises
        ------
        TableError
            Where a column is missing, has values of another kind, or infinite ones.

        Warns
        -----
        TableWarning
            One warning for all categories and missing values that were not there in training.
        """
        self.check_names(table.column_names)
        features = np.empty((table.num_rows, len(self.feature_names)), dtype=dtype)
        gathered = Remarks() if remarks is None else remarks
        gathered.rows = rows
        values = {column.name: table[column.name] for column in self.columns}
        values |= self._plain_texts(table)
        done = self._encode_together(values, features)
        for column, block in zip(self.columns, self.blocks(), strict=True):
            if column.name not in done:
                column.encode(values[column.name], features[:, block], gathered)
        if remarks is None and str(gathered):
            warnings.warn(str(gathered), TableWarning, stacklevel=2)
        return features

    def read(
        self, table: pa.Table, *, rows: NDArray[np.int64] | None = None, remarks: Remarks | None = None
    ) -> pa.Table:
        """Return the columns as numbers, moments and categories, in whatever types the table has them.

        Parameters
        ----------
        table, rows, remarks
            As for `transform`, with its errors and its warning.

        Returns
        -------
        pyarrow.Table
            Numbers as float64, dates as timestamps, text and booleans as dictionaries; null where a value is
            missing.

        Examples
        --------
        >>> houses = pa.table({"rooms": [2, 4], "heating": ["gas", "oil"], "land": ["X", "X"]})
        >>> written = pa.table({"rooms": ["2.0", ""], "heating": [" gas", "oil"]})
        >>> Preprocessor.fit(houses).read(written, remarks=Remarks()).to_pylist()
        [{'rooms': 2.0, 'heating': 'gas'}, {'rooms': None, 'heating': 'oil'}]
        """
        self.check_names(table.column_names)
        gathered, read = Remarks() if remarks is None else remarks, {}
        gathered.rows = rows
        for column in self.columns:
            values = table[column.name]
            if isinstance(column, CategoryColumn):
                text, _, missing = column.read(values, gathered)
                text = pc.if_else(pa.array(missing), pa.scalar(None, text.type), text)
                read[column.name] = text.dictionary_encode()
            else:
                read[column.name] = column.read(values, gathered)
        if remarks is None and str(gathered):
            warnings.warn(str(gathered), TableWarning, stacklevel=2)
        return pa.table(read)

    def _plain_texts(self, table: pa.Table) -> dict[str, pa.ChunkedArray]:
        """Read those columns of a wide table together that are read as programs write numbers."""
        texts = {
            column.name: table[column.name]
            for column in self.columns
            if column.kind == "number"
            and is_text(table[column.name].type)
            and (column.reading is None or column.reading.is_as_programs_write)
        }
        return {name: found.values for name, found in find_together(texts, {}).items()}

    def _encode_together(self, values: Mapping[str, pa.ChunkedArray], features: NDArray[Any]) -> set[str]:
        """Encode columns of plain numbers, many at a time; return which. Those with errors are not done."""
        plain = [
            (column, block.start)
            for column, block in zip(self.columns, self.blocks(), strict=True)
            if isinstance(column, NumberColumn) and column.is_plain(values[column.name])
        ]
        done: set[str] = set()
        for begin in range(0, len(plain), TOGETHER):
            columns, places = zip(*plain[begin : begin + TOGETHER], strict=True)
            numbers = np.array([values[column.name].to_numpy() for column in columns], dtype=np.float64)
            mean, scale = np.array([(column.mean, column.scale) for column in columns]).T[..., None]
            with np.errstate(over="ignore", invalid="ignore"):
                numbers = ((numbers - mean) / scale).astype(features.dtype)
            if np.isfinite(numbers).all():
                features[:, places] = numbers.T
                done |= {column.name for column in columns}
        return done

    def blocks(self) -> Iterable[slice]:
        """Return where the features of each column stand."""
        ends = itertools.accumulate((len(column.feature_names) for column in self.columns), initial=0)
        return itertools.starmap(slice, itertools.pairwise(ends))

    def check_names(self, names: Sequence[str]) -> None:
        """Raise TableError where a table of such names lacks a column."""
        known = {tidy(name) for name in names}
        ours = {tidy(column.name): column.name for column in self.columns}
        missing = [name for key, name in ours.items() if key not in known]
        if missing:
            hint = did_you_mean(missing[0], [name for name in names if tidy(name) not in ours])
            needed = counted(len(self.columns), "column")
            message = f"the table lacks {listed(missing)}, expected the {needed} of the training"
            raise TableError(f"{message}; it has {listed(names)}" + (f"; {hint}" if hint else ""))

    # Leaving and entering.

    def _get_state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        numbers = [column for column in self.columns if isinstance(column, NumberColumn)]
        tensors = {
            "mean": np.array([column.mean for column in numbers], dtype=np.float64),
            "scale": np.array([column.scale for column in numbers], dtype=np.float64),
        }
        columns: list[dict[str, Any]] = []
        for column in self.columns:
            settings: dict[str, Any] = {"name": column.name, "kind": column.kind, "missing": column.missing}
            if isinstance(column, CategoryColumn):
                settings |= {"categories": column.categories, "other": column.other}
            if column.reading not in (None, Reading(column.kind)):
                settings["reading"] = column.reading.to_state()
            columns.append(settings)
        return tensors, {"columns": columns, "left_out": self.left_out}

    @classmethod
    def _from_state(cls, tensors: dict[str, NDArray[Any]], settings: dict[str, Any]) -> Self:
        mean, scale = tensors["mean"], tensors["scale"]
        n_numbers = sum(column["kind"] in ("number", "date") for column in settings["columns"])
        if not mean.shape == scale.shape == (n_numbers,):
            raise ValueError(
                f"{n_numbers} columns of numbers have means {mean.shape} and scales {scale.shape}"
            )
        if not (scale > 0).all():
            raise ValueError("a column's scale is not positive")
        of_numbers = iter(zip(mean.tolist(), scale.tolist(), strict=True))
        columns: list[Column] = []
        for column in settings["columns"]:
            name, kind, missing = str(column["name"]), column["kind"], bool(column["missing"])
            reading = Reading.from_state(column["reading"]) if "reading" in column else None
            if kind in ("number", "date"):
                columns.append(NumberColumn(name, kind, *next(of_numbers), missing, reading))
            elif kind in ("text", "boolean"):
                categories = [str(category) for category in column["categories"]]
                other = bool(column["other"])
                columns.append(CategoryColumn(name, kind, categories, missing, other, reading))
            else:
                raise ValueError(f"column {name!r} has the unknown kind {kind!r}")
        return cls(columns, {str(name): str(why) for name, why in dict(settings["left_out"]).items()})
