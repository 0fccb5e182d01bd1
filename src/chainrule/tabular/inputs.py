"""Prepared rows as members take them: few categories one-hot, many as codes for an embedding."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainrule.inputs import Categories, InputLayer, Numbers, Periodic, Scale
from chainrule.tabular.preparation import Layout

Floats = NDArray[np.float32]

#: Columns of more categories are embedded.
FEW = 8
#: Where there are no embeddings, codes from here on share one column.
MOST_COLUMNS = 64


class Place(NamedTuple):
    """Where a column of categories stands in a member's row: as its code, or one-hot."""

    begin: int
    width: int
    embedded: bool


class Stage(NamedTuple):
    """What stands between prepared rows and the first product.

    Attributes
    ----------
    layout : Layout
        Of the prepared rows.
    embeds : bool
        Whether columns of more than 8 categories keep their codes. Else they are one-hot, the most frequent.
    """

    layout: Layout
    embeds: bool

    @property
    def n_plain(self) -> int:
        """Columns that are numbers: values, flags, one-hot categories."""
        one_hot = (_width(n) for n in self.layout.n_codes if not self._embedded(n))
        return self.layout.n_values + self.layout.n_flags + sum(one_hot)

    @property
    def n_inputs(self) -> int:
        """Columns of `expand`; at least one."""
        return max(1, self.n_plain + len(self._codes))

    @property
    def _codes(self) -> list[int]:
        """Which columns of categories are embedded."""
        return [k for k, n in enumerate(self.layout.n_codes) if self._embedded(n)]

    @property
    def places(self) -> list[Place]:
        """Where `expand` puts each column of categories."""
        one_hot, code, found = self.layout.n_values + self.layout.n_flags, self.n_plain, list[Place]()
        for n in self.layout.n_codes:
            embedded = self._embedded(n)
            width = 1 if embedded else _width(n)
            found.append(Place(code if embedded else one_hot, width, embedded))
            code, one_hot = (code + 1, one_hot) if embedded else (code, one_hot + width)
        return found

    def _embedded(self, n_codes: int) -> bool:
        return self.embeds and n_codes > FEW

    def expand(self, rows: Floats) -> Floats:
        """Return values and flags as they are, then one-hot categories, then codes.

        Two categories are one column: -1 and 1, and 0 for one not seen in training.

        Examples
        --------
        >>> rows = np.array([[0.5, 0.0, 2.0, 9.0], [0.25, 1.0, 3.0, 4.0]], dtype=np.float32)
        >>> Stage(Layout(1, 0, (2, 3, 10)), embeds=True).expand(rows).tolist()
        [[0.5, -1.0, 0.0, 0.0, 1.0, 9.0], [0.25, 1.0, 0.0, 0.0, 0.0, 4.0]]
        """
        plain = self.layout.n_values + self.layout.n_flags
        if not self.layout.n_codes and plain:
            return rows
        inputs = np.zeros((len(rows), self.n_inputs), dtype=np.float32)
        inputs[:, :plain] = rows[:, :plain]
        begin = plain
        for k, n in enumerate(self.layout.n_codes):
            if self._embedded(n):
                continue
            codes = rows[:, plain + k].astype(np.int64)
            if n == 2:
                inputs[:, begin] = np.array([-1, 1, 0], dtype=np.float32)[codes]
            else:
                places = np.minimum(codes, _width(n) - 1) if n > _width(n) else codes
                known = np.flatnonzero(places < _width(n))
                inputs[known, begin + places[known]] = 1
            begin += _width(n)
        embedded = self._codes
        if embedded:
            inputs[:, begin:] = rows[:, [plain + k for k in embedded]]
        return inputs

    def layers(
        self, sigma: float | None, n_frequencies: int, n_outputs: int, embedding: int
    ) -> list[InputLayer]:
        """Return a network's input layers: waves of values, embeddings of codes, a scale for all.

        Parameters
        ----------
        sigma : float or None
            Of the waves; None for none.
        n_frequencies, n_outputs, embedding : int
            Waves of a value, sums of them, numbers for a category.
        """
        n_values, layers = self.layout.n_values, list[InputLayer]()
        first = 0
        if sigma is not None and n_values:
            layers.append(Periodic(range(n_values), n_frequencies, n_outputs, sigma))
            first = n_values
        n_plain = self.n_plain if self._codes else self.n_inputs
        if first < n_plain:
            layers.append(Numbers(range(first, n_plain)))
        for place, k in enumerate(self._codes):
            layers.append(Categories(n_plain + place, self.layout.n_codes[k], embedding))
        return [*layers, Scale()]


def _width(n_codes: int) -> int:
    return 1 if n_codes == 2 else min(n_codes, MOST_COLUMNS)
