"""Columns as the numbers that members take: robust scale, smooth clip, codes of categories.

A prepared row is one row of one float32 array. First the values: each column of numbers, then for each column
of more than 50 categories the logarithm of how often it occurs and what it says of the target. Then flags, 1
where a number is missing. Then a code for each column of categories, as a whole number; one that training did
not have is the number of codes. What members make of them is their own matter.
"""

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, NamedTuple, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from chainrule._words import counted
from chainrule.reference.preparation import robust_scale
from chainrule.tables.columns import MOST_DISTINCT
from chainrule.tables.detecting import detect_all
from chainrule.tables.found import Choice
from chainrule.tables.reading import Reading
from chainrule.tables.values import is_date, is_number, is_text, plain_type, to_numbers, to_text
from chainrule.tabular import target_statistics
from chainrule.tabular.columns import Columns, n_rows

Floats = NDArray[np.float64]
#: Columns of X by their places.
Mapped = list[pa.ChunkedArray] | dict[int, pa.ChunkedArray]

#: Columns of more categories get their frequency and a target statistic beside.
FEW_CATEGORIES = 50
#: Numbers beyond are taken as this, so that no difference of two of them is infinite.
LARGEST = 1e150


class Layout(NamedTuple):
    """What stands where in a prepared row.

    Attributes
    ----------
    n_values, n_flags : int
    n_codes : tuple of int
        How many codes each column of categories has, without the one for categories not seen in training.
    """

    n_values: int
    n_flags: int
    n_codes: tuple[int, ...]

    @property
    def n_columns(self) -> int:
        """Of the array."""
        return self.n_values + self.n_flags + len(self.n_codes)


@dataclass(frozen=True)
class NumberColumn:
    """A column of numbers or dates.

    Attributes
    ----------
    place : int
        Which column of X.
    name : str
    kind : {"number", "date"}
    missing : bool
        Whether there is a flag for missing values.
    reading : Reading or None
        How text is read as such values.
    """

    place: int
    name: str
    kind: Any
    missing: bool
    reading: Reading | None = None

    def numbers(self, columns: Mapped) -> Floats:
        """Read the column, missing values as NaN."""
        return to_numbers(self.name, columns[self.place], self.kind, self.reading, finite=False)


@dataclass(frozen=True)
class CategoryColumn:
    """A column of text, categories or booleans.

    Attributes
    ----------
    place : int
        Which column of X.
    name : str
    boolean : bool
    categories : pyarrow array of large_string
        The most frequent first: the code of each is its place.
    missing : bool
        Whether missing values are a category of their own, the last.
    frequency : ndarray of shape (n_codes + 1,), or None
        Logarithm of 1 + how often each occurs, where there are many.
    statistic : ndarray of shape (n_codes + 1, n_statistics), or None
        What each says of the target.
    reading : Reading or None
    """

    place: int
    name: str
    boolean: bool
    categories: pa.Array
    missing: bool
    frequency: Floats | None = None
    statistic: Floats | None = None
    reading: Reading | None = None

    @property
    def n_codes(self) -> int:
        """How many categories there are, missing included."""
        return len(self.categories) + self.missing

    def codes(self, columns: Mapped) -> NDArray[np.int64]:
        """Return the code of each row."""
        words, places = _words_of(self.name, columns[self.place], self.boolean, self.reading)
        index = pc.fill_null(pc.index_in(words, self.categories), self.n_codes)
        codes: NDArray[np.int64] = np.append(np.asarray(index).astype(np.int64), self.n_codes)
        if self.missing:
            codes[:-1][np.asarray(words.is_null())] = len(self.categories)
            codes[-1] = len(self.categories)
        return codes[places]


class Preparation:
    """Turns the columns of X into prepared rows; all of its state is arrays and settings.

    Parameters
    ----------
    n_columns : int
        Of X.
    numbers : list of NumberColumn
    categories : list of CategoryColumn
    center, factor : ndarray of shape (n_values,)
        Of the values.
    left_out : dict of str to str
        Columns that are of no use, each with the reason.

    Attributes
    ----------
    plain : bool
        Whether all columns that are used are numbers that need no reading: a matrix will do.

    Examples
    --------
    >>> X = np.array([[1.0, 5.0], [2.0, 5.0], [3.0, 5.0], [np.nan, 5.0], [5.0, 5.0]])
    >>> preparation, rows = Preparation.fit(X, np.zeros((5, 1)), seed=0)
    >>> rows[:, 0].astype(float).round(2).tolist(), rows[:, 1].tolist()
    ([-0.82, -0.28, 0.28, 0.0, 1.29], [0.0, 0.0, 0.0, 1.0, 0.0])
    >>> preparation.left_out
    {'1': 'has one value only'}
    """

    def __init__(
        self,
        n_columns: int,
        numbers: list[NumberColumn],
        categories: list[CategoryColumn],
        center: Floats,
        factor: Floats,
        left_out: dict[str, str],
    ) -> None:
        self.n_columns, self.numbers, self.categories = n_columns, numbers, categories
        self.center, self.factor, self.left_out = center, factor, left_out
        self._flagged = [k for k, column in enumerate(numbers) if column.missing]
        self._places = [column.place for column in numbers]
        self.plain = not categories and all(one.kind == "number" and one.reading is None for one in numbers)
        self.layout = Layout(
            len(center), len(self._flagged), tuple(column.n_codes for column in self.categories)
        )

    @classmethod
    def fit(
        cls, columns: Columns, targets: Floats, *, seed: int, names: list[str] | None = None
    ) -> tuple[Self, NDArray[np.float32]]:
        """Find out what the columns are, and prepare the rows.

        Parameters
        ----------
        columns : ndarray or list of pyarrow.ChunkedArray
            As `read_columns` returns them.
        targets : ndarray of shape (n_samples, n_statistics)
            What categories are asked about.
        seed : int
            Of the order in which rows see those before them.
        names : list of str, optional
            Of the columns, for messages.

        Returns
        -------
        preparation : Preparation
        rows : ndarray of float32, shape (n_samples, n_columns of the layout)
            Those rows, prepared. Where a category has a target statistic, a row's own target is not in it:
            `transform` gives other numbers.
        """
        n_columns = columns.shape[1] if isinstance(columns, np.ndarray) else len(columns)
        names = names or [str(k) for k in range(n_columns)]
        numbers, categories, left_out = _find(columns, names)
        values, codes = _read(columns, numbers, categories)
        missing = np.isnan(values)
        more: list[Floats] = []
        order = np.random.default_rng(seed).permutation(len(targets))
        for k, code in enumerate(codes):
            if categories[k].n_codes > FEW_CATEGORIES:
                categories[k], statistics = _asked(categories[k], code, targets, order)
                more += statistics
        values = np.hstack([values, *more])
        center, factor = _scales(values)
        preparation = cls(n_columns, numbers, categories, center, factor, left_out)
        return preparation, preparation._rows(values, missing, codes)

    def transform(self, columns: Columns) -> NDArray[np.float32]:
        """Prepare rows, as those of `fit`."""
        values, codes = _read(columns, self.numbers, self.categories, self._places)
        more: list[Floats] = []
        for column, code in zip(self.categories, codes, strict=True):
            if column.frequency is not None and column.statistic is not None:
                more += [column.frequency[code][:, None], column.statistic[code]]
        return self._rows(np.hstack([values, *more]) if more else values, np.isnan(values), codes)

    def _rows(
        self, values: Floats, missing: NDArray[np.bool_], codes: list[NDArray[np.int64]]
    ) -> NDArray[np.float32]:
        """Scale the values and put everything into one array."""
        n_values, n_flags, _ = self.layout
        rows = np.empty((len(values), self.layout.n_columns), dtype=np.float32)
        rows[:, :n_values] = prepared_value(values, self.center, self.factor)
        if missing.any():
            rows[:, :n_values][np.isnan(values)] = 0
        if n_flags:
            rows[:, n_values : n_values + n_flags] = missing[:, self._flagged]
        for k, code in enumerate(codes):
            rows[:, n_values + n_flags + k] = code
        return rows

    @property
    def value_names(self) -> list[str]:
        """Names of the values, for pictures."""
        names = [column.name for column in self.numbers]
        for column in self.categories:
            if column.statistic is not None:
                names.append(f"{column.name}: frequency")
                names += [f"{column.name}: target {k}" for k in range(column.statistic.shape[1])]
        return names

    # Leaving and entering.

    def _get_state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        tensors: dict[str, NDArray[Any]] = {"center": self.center, "factor": self.factor}
        categories = []
        for k, column in enumerate(self.categories):
            texts = [text.encode() for text in column.categories.to_pylist()]
            tensors[f"categories.{k}.text"] = np.frombuffer(b"".join(texts), dtype=np.uint8)
            tensors[f"categories.{k}.ends"] = np.cumsum([len(text) for text in texts], dtype=np.int64)
            if column.frequency is not None and column.statistic is not None:
                tensors[f"categories.{k}.frequency"] = column.frequency
                tensors[f"categories.{k}.statistic"] = column.statistic
            categories.append(_settings(column) | {"boolean": column.boolean})
        numbers = [_settings(column) | {"kind": column.kind} for column in self.numbers]
        return tensors, {
            "n_columns": self.n_columns,
            "numbers": numbers,
            "categories": categories,
            "left_out": self.left_out,
        }

    @classmethod
    def _from_state(cls, tensors: dict[str, NDArray[Any]], settings: dict[str, Any]) -> Self:
        n_columns = int(settings["n_columns"])
        numbers = []
        for one in settings["numbers"]:
            if one["kind"] not in ("number", "date"):
                raise ValueError(f"column {one['name']!r} has the unknown kind {one['kind']!r}")
            numbers.append(
                NumberColumn(
                    _place(one, n_columns), str(one["name"]), one["kind"], bool(one["missing"]), _reading(one)
                )
            )
        categories = []
        n_values = len(numbers)
        for k, one in enumerate(settings["categories"]):
            words = _words(tensors[f"categories.{k}.text"], tensors[f"categories.{k}.ends"])
            frequency, statistic = (
                tensors.get(f"categories.{k}.{name}") for name in ("frequency", "statistic")
            )
            column = CategoryColumn(
                _place(one, n_columns),
                str(one["name"]),
                bool(one["boolean"]),
                pa.array(words, pa.large_string()),
                bool(one["missing"]),
                frequency,
                statistic,
                _reading(one),
            )
            if frequency is not None and statistic is not None:
                n_values += 1 + statistic.shape[1]  # IndexError for one dimension
                n_rows_of_both = column.n_codes + 1
                if frequency.shape != (n_rows_of_both,) or statistic.shape[:1] != (n_rows_of_both,):
                    raise ValueError(f"column {column.name!r} has frequencies of shape {frequency.shape}")
            categories.append(column)
        center, factor = tensors["center"], tensors["factor"]
        if not center.shape == factor.shape == (n_values,):
            raise ValueError(f"{n_values} values have centers {center.shape} and factors {factor.shape}")
        left_out = {str(name): str(why) for name, why in settings["left_out"].items()}
        return cls(n_columns, numbers, categories, center, factor, left_out)


def prepared_value(values: Floats, center: Floats, factor: Floats) -> Floats:
    """Center, scale and clip values; those that are missing stay NaN."""
    scaled = np.minimum(np.maximum(values, -LARGEST), LARGEST)  # np.clip takes microseconds of one row
    scaled -= center
    scaled *= factor
    return np.asarray(smooth_clip(scaled))


def smooth_clip(x: NDArray[Any]) -> NDArray[Any]:
    """Compute x / sqrt(1 + (x/3)^2), in fewer steps than `chainrule.reference.preparation.smooth_clip`.

    Examples
    --------
    >>> smooth_clip(np.array([1.0, 2.0, 10.0, -1e150])).round(6).tolist()
    [0.948683, 1.664101, 2.873479, -3.0]
    """
    third = x / 3
    return x / np.sqrt(1 + third * third)


def _settings(column: NumberColumn | CategoryColumn) -> dict[str, Any]:
    settings: dict[str, Any] = {"place": column.place, "name": column.name, "missing": column.missing}
    if column.reading is not None:
        settings["reading"] = {"kind": column.reading.kind} | column.reading.to_state()
    return settings


def _words(text: NDArray[Any], ends: NDArray[Any]) -> list[str]:
    """Take texts apart that stand one after the other."""
    if text.ndim != 1 or ends.ndim != 1 or (ends.size and ends[-1] != len(text)):
        raise ValueError(f"the text of categories has the shape {text.shape}, its ends {ends.shape}")
    letters, places = text.tobytes(), [0, *ends.tolist()]
    return [letters[begin:end].decode() for begin, end in pairwise(places)]


def _place(settings: dict[str, Any], n_columns: int) -> int:
    place = int(settings["place"])
    if not 0 <= place < n_columns:
        raise ValueError(f"a column stands at {place} of {n_columns}")
    return place


def _reading(settings: dict[str, Any]) -> Reading | None:
    return Reading.from_state(settings["reading"]) if "reading" in settings else None


def _find(
    columns: Columns, names: list[str]
) -> tuple[list[NumberColumn], list[CategoryColumn], dict[str, str]]:
    """Decide what each column is."""
    numbers: list[NumberColumn] = []
    categories: list[CategoryColumn] = []
    left_out: dict[str, str] = {}
    if isinstance(columns, np.ndarray):
        for k, name in enumerate(names):
            _add_number(numbers, left_out, NumberColumn(k, name, "number", False), columns[:, k])
    else:
        for k, (values, reading) in enumerate(_read_text(columns)):
            _add(numbers, categories, left_out, k, names[k], values, reading)
    return numbers, categories, left_out


def _read(
    columns: Columns,
    numbers: list[NumberColumn],
    categories: list[CategoryColumn],
    places: list[int] | None = None,
) -> tuple[Floats, list[NDArray[np.int64]]]:
    """Return the columns of numbers as one array, missing values as NaN, and codes of the others."""
    if isinstance(columns, np.ndarray):
        if not categories and all(column.kind == "number" for column in numbers):
            places = [column.place for column in numbers] if places is None else places
            return columns if len(places) == columns.shape[1] else columns[:, places], []
        columns = [pa.chunked_array([pa.array(column)]) for column in columns.T]
    read = [column.numbers(columns) for column in numbers]
    values = np.stack(read, axis=1) if read else np.empty((n_rows(columns), 0))
    return values, [column.codes(columns) for column in categories]


def _asked(
    column: CategoryColumn, codes: NDArray[np.int64], targets: Floats, order: NDArray[np.int64]
) -> tuple[CategoryColumn, list[Floats]]:
    """Ask a column of many categories about the target; return it and what each row may know of that."""
    prior_rows = target_statistics.strength(codes, targets, column.n_codes)
    counts = np.append(np.bincount(codes, minlength=column.n_codes), 0)
    frequency = np.log1p(counts.astype(np.float64))
    statistic = target_statistics.full(codes, targets, column.n_codes, prior_rows)
    known = [frequency[codes][:, None], target_statistics.ordered(codes, targets, prior_rows, order)]
    return replace(column, frequency=frequency, statistic=statistic), known


def _words_of(
    name: str, values: pa.ChunkedArray, boolean: bool, reading: Reading | None
) -> tuple[pa.Array, NDArray[np.int64]]:
    """Return the text of the different values, and for each row the place of its own; the last is none."""
    if pa.types.is_null(values.type):
        return pa.array([], pa.large_string()), np.zeros(len(values), dtype=np.int64)
    try:
        encoded = (
            values.unify_dictionaries() if pa.types.is_dictionary(values.type) else values.dictionary_encode()
        )
    except (pa.ArrowException, NotImplementedError):  # says what it has
        return _whole(to_text(name, values, boolean=boolean, reading=reading)), np.arange(len(values))
    encoded = _whole(encoded)
    words = pa.chunked_array([encoded.dictionary])
    text = _whole(to_text(name, words, boolean=boolean, reading=reading))
    return text, np.asarray(pc.fill_null(encoded.indices.cast(pa.int64()), len(text)))


def _whole(values: pa.ChunkedArray) -> pa.Array:
    """Return a column as one array."""
    return values.chunk(0) if values.num_chunks == 1 else values.combine_chunks()


def _read_text(columns: list[pa.ChunkedArray]) -> list[tuple[pa.ChunkedArray, Reading | None]]:
    """Find out what text means: numbers, dates, booleans or words."""
    texts = {str(k): column for k, column in enumerate(columns) if is_text(column.type)}
    found = detect_all(texts, dict.fromkeys(texts, Choice()))
    return [
        (
            found[str(k)].values if str(k) in found else column,
            found[str(k)].reading if str(k) in found else None,
        )
        for k, column in enumerate(columns)
    ]


def _add(
    numbers: list[NumberColumn],
    categories: list[CategoryColumn],
    left_out: dict[str, str],
    place: int,
    name: str,
    values: pa.ChunkedArray,
    reading: Reading | None,
) -> None:
    """Decide what a column is, or why it is left out."""
    found = plain_type(values.type)
    dictionary = pa.types.is_dictionary(values.type)
    if pa.types.is_null(found):
        left_out[name] = "has no values"
    elif (is_number(found) or is_date(found) or pa.types.is_duration(found)) and not dictionary:
        kind = "date" if is_date(found) else "number"
        number = NumberColumn(place, name, kind, False, reading)
        _add_number(numbers, left_out, number, to_numbers(name, values, number.kind, finite=False))
    elif pa.types.is_boolean(found) or is_text(found) or dictionary:
        boolean = bool(pa.types.is_boolean(found))
        category = _categories(place, name, values, boolean, reading)
        if isinstance(category, str):
            left_out[name] = category
        else:
            categories.append(category)
    else:
        left_out[name] = f"has values of type {values.type}"


def _add_number(
    numbers: list[NumberColumn], left_out: dict[str, str], column: NumberColumn, values: Floats
) -> None:
    unknown = np.isnan(values)
    missing = bool(unknown.any())
    if unknown.all():
        left_out[column.name] = "has no values"
    elif not missing and (values == values[0]).all():
        left_out[column.name] = "has one value only"
    else:
        numbers.append(NumberColumn(column.place, column.name, column.kind, missing, column.reading))


def _categories(
    place: int, name: str, values: pa.ChunkedArray, boolean: bool, reading: Reading | None
) -> CategoryColumn | str:
    words, places = _words_of(name, values, boolean, reading)
    counts = np.bincount(places, minlength=len(words) + 1)
    different = words.dictionary_encode()  # words that differ in blanks are one
    of_word = np.asarray(pc.fill_null(different.indices.cast(pa.int64()), len(different.dictionary)))
    totals = np.bincount(of_word, counts[:-1], minlength=len(different.dictionary) + 1).astype(np.int64)
    missing = bool(counts[-1] + totals[-1])
    words, counts = different.dictionary.filter(pa.array(totals[:-1] > 0)), totals[:-1][totals[:-1] > 0]
    if not len(words):
        return "has no values"
    if len(words) + missing == 1:
        return "has one value only"
    if len(words) > max(MOST_DISTINCT, len(values) / 2):
        return f"has {len(words):,} different texts in {counted(len(values), 'row')}, like a name"
    table = pa.table({"words": words, "counts": counts})
    order = pc.sort_indices(table, sort_keys=[("counts", "descending"), ("words", "ascending")])
    return CategoryColumn(
        place, name, boolean, words.take(order).cast(pa.large_string()), missing, None, None, reading
    )


def _scales(values: Floats) -> tuple[Floats, Floats]:
    """Return center and factor of each column over its finite values; a column of one value has factor 0."""
    center, factor = np.zeros(values.shape[1]), np.zeros(values.shape[1])
    for k, column in enumerate(values.T):
        known = column[np.isfinite(column)]
        if known.size:
            known = np.clip(known, -LARGEST, LARGEST)
            (center[k],), (factor[k],) = robust_scale(known[:, None])
        if not factor[k] and np.isinf(column).any():
            factor[k] = 1.0  # infinity and one number are two values
    return center, factor
