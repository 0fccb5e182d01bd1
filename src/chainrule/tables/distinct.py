"""The distinct texts of a column, each looked at once however often it stands there."""

from collections.abc import Collection
from typing import Any, NamedTuple, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from chainrule.tables.words import MISSING_WORDS, PLACEHOLDERS


class Distinct(NamedTuple):
    """Distinct texts without blanks around them, and where they stand.

    Attributes
    ----------
    text : pyarrow array of large_string
        Without missing values.
    places : pyarrow array of int64
        For each row the place of its text; null where a value is missing.
    counts : ndarray of int64
        How many rows have each.
    """

    text: pa.Array
    places: pa.Array
    counts: NDArray[np.int64]

    @classmethod
    def of(cls, values: pa.ChunkedArray, missing: Collection[str] = (), *, verbatim: bool = False) -> Self:
        """Find the distinct texts; `missing` are words for missing values, beside the usual ones.

        `verbatim` columns have only those of `missing`, and empty text.

        Examples
        --------
        >>> found = Distinct.of(pa.chunked_array([["a ", "NA", "b", "a"]]))
        >>> found.text.to_pylist(), found.places.to_pylist(), found.counts.tolist()
        (['a', 'b'], [0, None, 1, 0], [2, 1])
        """
        encoded = trimmed(values).dictionary_encode()
        words = encoded.dictionary
        gone = pa.array([*([""] if verbatim else MISSING_WORDS), *missing], pa.large_string())
        kept = ~pc.is_in(words, gone).to_numpy(zero_copy_only=False)
        place = np.where(kept, np.cumsum(kept) - 1, -1)
        indices = pc.fill_null(encoded.indices.cast(pa.int64()), len(words)).to_numpy()
        rows = np.append(place, -1)[indices]
        counts = np.bincount(rows[rows >= 0], minlength=int(kept.sum()))
        return cls(words.filter(pa.array(kept)), pa.array(rows, mask=rows < 0), counts)

    def spread(self, values: Any) -> pa.ChunkedArray:
        """Give each row the value of its text; null where a value is missing."""
        array = values if isinstance(values, pa.Array) else pa.array(values)
        return pa.chunked_array([array.take(self.places)])

    def placeholders(self) -> NDArray[np.bool_]:
        """Return which texts stand for a missing number."""
        lower = pc.utf8_lower(self.text)
        found: NDArray[np.bool_] = pc.is_in(lower, pa.array(sorted(PLACEHOLDERS), lower.type)).to_numpy(
            zero_copy_only=False
        )
        return found

    def first_row(self, place: int) -> int:
        """Return the number of the first row that has a text, from 1."""
        return int(pc.index(self.places, place).as_py()) + 1

    def first(self, mask: NDArray[np.bool_]) -> tuple[int, str]:
        """Return row, from 1, and text of the first row whose text is marked."""
        rows = np.append(mask, False)[pc.fill_null(self.places, len(mask)).to_numpy()]
        row = int(np.argmax(rows))
        return row + 1, str(self.text[self.places[row].as_py()].as_py())


def trimmed(values: pa.ChunkedArray) -> pa.Array:
    """Return a column of strings as one array without blanks around the texts."""
    text = values.cast(pa.large_string())
    whole = text.combine_chunks() if isinstance(text, pa.ChunkedArray) else text
    whole = whole if isinstance(whole, pa.Array) else pa.concat_arrays(whole.chunks)
    if not pc.all(pc.string_is_ascii(whole), min_count=0).as_py():
        whole = pc.utf8_normalize(whole, form="NFC")  # the same letters in another form are the same text
    return pc.utf8_trim_whitespace(whole)
