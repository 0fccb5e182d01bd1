"""Derivatives of each row by itself: by its input, of every output, of its own loss by every parameter."""

from typing import Any

import numpy as np

from chainrule import _engine
from chainrule.model import per_sample
from chainrule.model.arrays import Floats
from chainrule.model.per_sample import PerSampleGradients
from chainrule.model.rows import Rows, as_features, as_rows
from chainrule.model.trainee import Trainee


class Derivatives:
    """What `Network` offers beside `gradients`: every method gives each row a derivative of its own.

    A row's loss has neither weight nor penalty, and is not divided by the number of rows. A single row x of
    shape (n_1,) gives results without the axis n_samples. Errors are those of `Network.gradients`, and
    MemoryError where the result alone exceeds the machine's memory.
    """

    __slots__ = ()

    _trainee: Trainee

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
        gradients : ndarray of shape (n_samples, n_1) or (n_1,)
            dE/dx_1 = delta_1 W_1^T of each row; dense, for sparse rows too.

        Examples
        --------
        >>> from chainrule import Network
        >>> net = Network([2, 1], random_state=0)
        >>> net.weights[0], net.biases[0] = [[0.5], [1.0]], [0.0]
        >>> net.input_gradients([[2.0, 1.0], [4.0, 1.0]], [[1.0], [1.0]]).tolist()
        [[0.5, 1.0], [1.0, 2.0]]
        """
        rows = as_rows(self._trainee.architecture, x, y)
        return self._checked(x, rows, per_sample.input_gradients(self._trainee, rows))

    def jacobian(self, x: Any) -> Floats:
        """Differentiate every output by every input, row by row.

        Parameters
        ----------
        x : array-like or sparse matrix, shape (n_samples, n_1) or (n_1,)
            Rows are samples.

        Returns
        -------
        jacobian : ndarray of shape (n_samples, n_{l+1}, n_1) or (n_{l+1}, n_1)
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
        rows = Rows(as_features(self._trainee.architecture, x)[0])
        return self._checked(x, rows, per_sample.jacobian(self._trainee, rows))

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
        gradients : PerSampleGradients
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
        rows = as_rows(self._trainee.architecture, x, y)
        flat = self._checked(x, rows, per_sample.per_sample_gradients(self._trainee, rows))
        architecture = self._trainee.architecture
        return PerSampleGradients(*architecture.split(flat), architecture.split_inputs(flat))

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
        norms : ndarray of shape (n_samples,) or ()
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
        rows = as_rows(self._trainee.architecture, x, y)
        return self._checked(x, rows, per_sample.per_sample_gradient_norms(self._trainee, rows))

    def _checked(self, x: Any, rows: Rows, values: Floats) -> Floats:
        """Leave out the axis of a single row; ValueError where NaN or infinity went in."""
        if not _engine.is_finite(values):
            self._trainee.check_finite(rows)
        single = np.ndim(x) == 1
        return values[0] if single else values
