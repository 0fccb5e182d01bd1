"""Derivatives of each row by itself: by its input, of every output, of its own loss by every parameter."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from chainrule.model.architecture import installed_memory
from chainrule.model.arrays import Floats, is_finite
from chainrule.model.rows import Rows, as_features, as_rows

if TYPE_CHECKING:
    from chainrule import _engine
    from chainrule.model.architecture import Architecture


class PerSampleGradients(NamedTuple):
    """Derivatives of each row's own loss by every parameter.

    Attributes
    ----------
    weights : list of ndarray
        dE/dW_k, of shapes (n_samples, n_k, n_{k+1}); without the first axis for a single row (n_1,).
    biases : list of ndarray
        dE/db_k, of shapes (n_samples, n_{k+1}), for biases that are subtracted: minus the deltas.
    gains, shifts, slopes : list of ndarray or None
        By the vectors of normalised and of "prelu" layers, of shapes (n_samples, n_{k+1}).
    """

    weights: list[Floats]
    biases: list[Floats]
    gains: list[Floats | None]
    shifts: list[Floats | None]
    slopes: list[Floats | None]


class Derivatives:
    """What `Network` offers beside `gradients`: every method gives each row a derivative of its own.

    A row's loss has neither weight nor penalty, and is not divided by the number of rows. A single row x of
    shape (n_1,) gives results without the axis n_samples. Errors are those of `Network.gradients`, and
    MemoryError where the result alone exceeds the machine's memory.
    """

    __slots__ = ()

    _architecture: Architecture
    _model: _engine.Model
    _n_threads: int

    if TYPE_CHECKING:

        def _check_finite(self, rows: Rows) -> None: ...

    def input_gradients(self, x: Any, y: Any) -> Floats:
        """Differentiate each row's loss by the row: E5 carried one step past the first layer.

        Parameters
        ----------
        x : array-like or sparse matrix, shape (n_samples, n_1) or (n_1,)
            Rows are samples.
        y : array-like
            Targets, as for `gradients`.

        Returns
        -------
        ndarray of shape (n_samples, n_1) or (n_1,)
            dE/dx_1 = delta_1 W_1^T of each row; dense, for sparse rows too.

        Examples
        --------
        >>> from chainrule import Network
        >>> net = Network([2, 1], random_state=0)
        >>> net.weights[0], net.biases[0] = [[0.5], [1.0]], [0.0]
        >>> net.input_gradients([[2.0, 1.0], [4.0, 1.0]], [[1.0], [1.0]]).tolist()
        [[0.5, 1.0], [1.0, 2.0]]
        """
        rows = as_rows(self._architecture, x, y)
        data = rows.dataset(self._model)
        check_room((data.n_samples, self._architecture.sizes[0]), self._architecture.dtype)
        return self._of(x, rows, self._model.input_gradients(data, None, self._n_threads))

    def jacobian(self, x: Any) -> Floats:
        """Differentiate every output by every input, row by row.

        Parameters
        ----------
        x : array-like or sparse matrix, shape (n_samples, n_1) or (n_1,)
            Rows are samples.

        Returns
        -------
        ndarray of shape (n_samples, n_{l+1}, n_1) or (n_{l+1}, n_1)
            Element (i, j, f) is dyhat_j/dx_f at row i.

        Notes
        -----
        One pass forward and one back for each output. At a kink (relu at 0) it is the derivative that
        `gradients` uses.

        Examples
        --------
        >>> from chainrule import Network
        >>> net = Network([2, 2], random_state=0)
        >>> net.weights[0] = [[1.0, 2.0], [3.0, 4.0]]
        >>> net.jacobian([0.5, 0.5]).tolist()
        [[1.0, 3.0], [2.0, 4.0]]
        """
        features, n_samples, _ = as_features(self._architecture, x)
        rows, sizes = Rows(features), self._architecture.sizes
        check_room((n_samples, sizes[-1], sizes[0]), self._architecture.dtype)
        return self._of(x, rows, self._model.jacobian(rows.dataset(self._model), self._n_threads))

    def per_sample_gradients(self, x: Any, y: Any) -> PerSampleGradients:
        """Differentiate each row's own loss by every weight and bias [E6, row by row].

        Parameters
        ----------
        x : array-like or sparse matrix, shape (n_samples, n_1) or (n_1,)
            Rows are samples.
        y : array-like
            Targets, as for `gradients`.

        Returns
        -------
        PerSampleGradients
            `weights` and `biases`. Their means over the rows are `gradients`.

        Notes
        -----
        They take n_samples times the parameters' memory; where their norms suffice,
        `per_sample_gradient_norms` does without.

        Examples
        --------
        >>> from chainrule import Network
        >>> net = Network([2, 1], random_state=0)
        >>> net.weights[0], net.biases[0] = [[0.5], [1.0]], [0.0]
        >>> g = net.per_sample_gradients([[2.0, 1.0], [4.0, 1.0]], [[1.0], [1.0]])
        >>> g.weights[0].tolist(), g.biases[0].tolist()
        ([[[2.0], [1.0]], [[8.0], [2.0]]], [[-1.0], [-2.0]])
        """
        rows = as_rows(self._architecture, x, y)
        data = rows.dataset(self._model)
        check_room((data.n_samples, self._architecture.n_parameters), self._architecture.dtype)
        flat = self._of(x, rows, self._model.per_sample_gradients(data, self._n_threads))
        return PerSampleGradients(*self._architecture.split(flat))

    def per_sample_gradient_norms(self, x: Any, y: Any) -> Floats:
        """Euclidean norm of the derivative of each row's own loss by all parameters, in closed form.

        Parameters
        ----------
        x : array-like or sparse matrix, shape (n_samples, n_1) or (n_1,)
            Rows are samples.
        y : array-like
            Targets, as for `gradients`.

        Returns
        -------
        ndarray of shape (n_samples,) or ()
            sqrt(sum_k (||x_k||^2 + 1) ||delta_k||^2): a row's dE/dW_k is the outer product of x_k and
            delta_k, so that no gradient is ever written down; gains, shifts and slopes add the squares of
            theirs. Large ones are rows that the network finds hard.

        References
        ----------
        I. Goodfellow, Efficient per-example gradient computations (2015), arXiv:1510.01799.

        Examples
        --------
        >>> from chainrule import Network
        >>> net = Network([2, 1], random_state=0)
        >>> net.weights[0], net.biases[0] = [[0.5], [1.0]], [0.0]
        >>> (net.per_sample_gradient_norms([[2.0, 1.0], [4.0, 1.0]], [[1.0], [1.0]]) ** 2).round(9).tolist()
        [6.0, 72.0]
        """
        rows = as_rows(self._architecture, x, y)
        data = rows.dataset(self._model)
        return self._of(x, rows, self._model.per_sample_gradient_norms(data, self._n_threads))

    def _of(self, x: Any, rows: Rows, values: Floats) -> Floats:
        """Leave out the axis of a single row; ValueError where NaN or infinity went in."""
        if not is_finite(values):
            self._check_finite(rows)
        single = np.ndim(x) == 1
        return values[0] if single else values


def check_room(shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    """Raise MemoryError for a result of this shape, rows first, that this machine's memory cannot hold."""
    n_bytes, installed = math.prod(shape) * dtype.itemsize, installed_memory()
    if installed is not None and n_bytes > installed:
        raise MemoryError(
            f"a result of shape {shape} takes {n_bytes / 1e9:,.1f} GB in {dtype.name}, but this machine has"
            f" {installed / 1e9:,.1f} GB; give fewer rows at a time"
        )
