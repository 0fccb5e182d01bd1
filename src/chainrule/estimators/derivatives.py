"""Derivatives of what a fitted estimator predicts, and of each row's loss: exact, by the engine."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import column_or_1d
from sklearn.utils.multiclass import unique_labels
from sklearn.utils.validation import check_is_fitted, validate_data

from chainrule.estimators.bound_model import BoundModel
from chainrule.estimators.data import TargetScale
from chainrule.estimators.rows import Rows
from chainrule.model.parameters import split
from chainrule.model.per_sample import PerSampleGradients, check_room

Floats = NDArray[Any]
FLOATS = (np.float64, np.float32)


class DerivativesMixin:
    """`input_gradients`, `jacobian`, `per_sample_gradients` and their norms for both estimators.

    A row's loss has neither sample weight nor the penalty `alpha`; with `scale_targets` it is that of the
    standardised targets, while derivatives of predictions are in the units of y. At a kink (relu at 0) a
    derivative is the one that training follows. Where a result alone exceeds the machine's memory,
    MemoryError says so.
    """

    if TYPE_CHECKING:
        _bound: BoundModel | None

        @property
        def _threads(self) -> int: ...
        def _check_data(
            self, X: Any, y: Any, *, reset: bool, incremental: bool
        ) -> tuple[Any, NDArray[Any]]: ...

    def input_gradients(self, X: Any) -> Floats:
        """Return the derivative of each row's prediction by the row.

        For a classifier, of the probability of the class c that `predict` returns:
        d predict_proba(x)[c] / dx.
        For a regressor, of the predicted number: d predict(x) / dx.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows are samples.

        Returns
        -------
        gradients : ndarray of shape (n_samples, n_features)
            In the dtype of `coefs_`; dense, for sparse X too. Near 0 where a class is predicted with
            certainty.

        Raises
        ------
        ValueError
            For a multilabel classifier and for several targets, whose rows have several predictions;
            `jacobian` has the derivatives of each.
        """
        bound, data = self._derivable(X)
        shape = (data.n_samples, bound.model.sizes[0])
        check_room(shape, bound.flat.dtype)
        cotangents = self._cotangents(bound.model.predict(data, self._threads))
        return bound.model.input_gradients(data, cotangents, self._threads)

    def jacobian(self, X: Any) -> Floats:
        """Return the derivative of every column of `predict_proba`, or of `predict`, by every feature.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows are samples.

        Returns
        -------
        jacobian : ndarray of shape (n_samples, n_outputs, n_features)
            Element (i, j, f) is the derivative of column j by feature f at row i. A binary classifier has
            the two columns of `predict_proba`, a regressor with one target has one.
        """
        bound, data = self._derivable(X)
        check_room((data.n_samples, max(2, bound.model.sizes[-1]), bound.model.sizes[0]), bound.flat.dtype)
        return self._of_columns(bound.model.jacobian(data, self._threads))

    def per_sample_gradients(self, X: Any, y: Any) -> PerSampleGradients:
        """Return the derivatives of each row's own loss by `coefs_` and `intercepts_`.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows are samples.
        y : array-like
            Targets, as `fit` takes them.

        Returns
        -------
        gradients : PerSampleGradients
            `weights`, by `coefs_`: arrays of shapes (n_samples, n_k, n_{k+1}); `biases`, by `intercepts_`:
            arrays of shapes (n_samples, n_{k+1}). They take n_samples times the memory of the parameters.
        """
        bound, data = self._labelled(X, y)
        check_room((data.n_samples, bound.flat.size), bound.flat.dtype)
        flat, of = bound.model.per_sample_gradients(data, self._threads), bound.model
        return PerSampleGradients(*split(flat, of.sizes, of.activations, of.layer_norm))

    def per_sample_gradient_norms(self, X: Any, y: Any) -> Floats:
        """Return the Euclidean norm of the derivative of each row's own loss by all parameters.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows are samples.
        y : array-like
            Targets, as `fit` takes them.

        Returns
        -------
        norms : ndarray of shape (n_samples,)
            sqrt(sum_k (||x_k||^2 + 1) ||delta_k||^2), in closed form: no gradient is written down.

        References
        ----------
        I. Goodfellow, Efficient per-example gradient computations (2015), arXiv:1510.01799.
        """
        bound, data = self._labelled(X, y)
        return bound.model.per_sample_gradient_norms(data, self._threads)

    def _served(self) -> BoundModel:
        """Return the engine's model of `coefs_` and `intercepts_` as they are now."""
        check_is_fitted(self)
        bound = self._bound
        if bound is None or not bound.serves(self):  # type: ignore[arg-type]
            bound = BoundModel.of(self)  # type: ignore[arg-type]
        return bound

    def _derivable(self, X: Any) -> tuple[BoundModel, Any]:
        bound = self._served()
        accept = ["csr", "csc"]
        X = validate_data(self, X, accept_sparse=accept, dtype=bound.dtype, order="C", reset=False)
        return bound, bound.dataset(X)

    def _labelled(self, X: Any, y: Any) -> tuple[BoundModel, Any]:
        bound = self._served()
        scale = TargetScale.used_by(self)  # type: ignore[arg-type]
        return bound, Rows(*self._known_targets(X, y), None, scale).dataset(bound)

    def _cotangents(self, outputs: Floats) -> Floats:
        """Which output's derivative is that of the prediction: factors (n_samples, n_outputs)."""
        if outputs.shape[1] > 1:
            raise ValueError(
                f"input_gradients needs one prediction per row, but this {type(self).__name__} predicts"
                f" {outputs.shape[1]}; jacobian(X) has the derivatives of each"
            )
        scale = TargetScale.used_by(self)  # type: ignore[arg-type]
        return np.full_like(outputs, 1 if scale is None else scale.scale)

    def _of_columns(self, jacobian: Floats) -> Floats:
        """From the network's outputs to the columns that users see, in the units of y."""
        scale = TargetScale.used_by(self)  # type: ignore[arg-type]
        return (
            jacobian
            if scale is None
            else (jacobian * scale.spread(jacobian.shape[1])[1][:, None]).astype(jacobian.dtype)
        )

    def _known_targets(self, X: Any, y: Any) -> tuple[Any, NDArray[Any]]:
        """Validate rows and targets like those that were fitted."""
        return self._check_data(X, y, reset=False, incremental=True)


class ClassifierDerivatives(DerivativesMixin):
    """The classifier's own: one output may stand for two classes."""

    _labels: Any

    def _cotangents(self, outputs: Floats) -> Floats:
        """1 where the predicted class is, -1 where its probability is 1 - output."""
        kind = self._labels.kind
        if kind == "multilabel-indicator":
            raise ValueError(
                "input_gradients needs one predicted class per row, but a multilabel classifier predicts a"
                " set of them; jacobian(X) has the derivative of each label's probability"
            )
        decided = self._labels.decide(outputs)
        if kind == "binary":
            return np.where(decided, 1, -1).astype(outputs.dtype)
        chosen = np.zeros_like(outputs)
        chosen[np.arange(len(outputs)), decided] = 1
        return chosen

    def _of_columns(self, jacobian: Floats) -> Floats:
        """As `predict_proba`: a single output p becomes 1 - p and p."""
        return jacobian if jacobian.shape[1] > 1 else np.concatenate([-jacobian, jacobian], axis=1)

    def _known_targets(self, X: Any, y: Any) -> tuple[Any, NDArray[Any]]:
        """Accept some of the classes, where `warm_start` would want all of them."""
        X, y = validate_data(
            self, X, y, accept_sparse=["csr", "csc"], multi_output=True, dtype=FLOATS, reset=False
        )
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        unknown = np.setdiff1d(unique_labels(y), self._labels.classes)
        if unknown.size:
            raise ValueError(
                f"y has classes that fit did not see: {unknown}; expected some of {self._labels.classes}"
            )
        return X, self._labels.encode(y)
