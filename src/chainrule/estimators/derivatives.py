"""Derivatives of what a fitted estimator predicts, and of each row's loss: exact, by the engine."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.multiclass import unique_labels

from chainrule.estimators.bound_model import BoundModel
from chainrule.estimators.data import validated, validated_features
from chainrule.estimators.protocol import MLP
from chainrule.estimators.rows import learned
from chainrule.estimators.target_scale import TargetScale
from chainrule.model import per_sample
from chainrule.model.per_sample import PerSampleGradients, check_room
from chainrule.model.rows import Rows

Floats = NDArray[Any]


class DerivativesMixin(MLP):
    """`input_gradients`, `jacobian`, `per_sample_gradients` and their norms for both estimators.

    A row's loss has neither sample weight nor the penalty `alpha`; with `scale_targets` it is that of the
    standardized targets, while derivatives of predictions are in the units of y. At a kink (relu at 0) a
    derivative is the one that training follows. Where a result alone exceeds the machine's memory,
    MemoryError says so.
    """

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
        bound, rows = self._derivable(X)
        check_room((rows.n_samples, bound.model.sizes[0]), bound.dtype)
        outputs = bound.model.predict(rows.dataset(bound.model), bound.threads)
        return per_sample.input_gradients(bound, rows, self._factors(outputs))

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
        return self._of_columns(per_sample.jacobian(*self._derivable(X)))

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
        bound, rows = self._labeled(X, y)
        flat = per_sample.per_sample_gradients(bound, rows)
        return PerSampleGradients(*bound.architecture.split(flat), bound.architecture.split_inputs(flat))

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
        return per_sample.per_sample_gradient_norms(*self._labeled(X, y))

    def _derivable(self, X: Any) -> tuple[BoundModel, Rows]:
        bound: BoundModel = self._served()
        return bound, bound.rows(validated_features(self, X, bound.dtype))

    def _labeled(self, X: Any, y: Any) -> tuple[BoundModel, Rows]:
        bound: BoundModel = self._served()
        return bound, learned(self, bound, Rows(*self._known_targets(X, y)))

    def _factors(self, outputs: Floats) -> Floats:
        """Which output's derivative is that of the prediction: factors (n_samples, n_outputs)."""
        if outputs.shape[1] > 1:
            raise ValueError(
                f"input_gradients needs one prediction per row, but this {type(self).__name__} predicts"
                f" {outputs.shape[1]}; jacobian(X) has the derivatives of each"
            )
        scale = TargetScale.used_by(self)
        return np.full_like(outputs, 1 if scale is None else scale.scale)

    def _of_columns(self, jacobian: Floats) -> Floats:
        """From the network's outputs to the columns that users see, in the units of y."""
        scale = TargetScale.used_by(self)
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

    def _factors(self, outputs: Floats) -> Floats:
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
        X, y = validated(self, X, y, reset=False)
        unknown = np.setdiff1d(unique_labels(y), self._labels.classes)
        if unknown.size:
            raise ValueError(
                f"y has classes that fit did not see: {unknown}; expected some of {self._labels.classes}"
            )
        return X, self._labels.encode(y)
