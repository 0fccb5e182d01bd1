"""TabularRegressor: one number or several, by many small networks."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import RegressorMixin
from sklearn.utils import check_array, column_or_1d
from sklearn.utils.validation import check_consistent_length

from chainrule.tabular.base import BaseTabular
from chainrule.tabular.documentation import documented
from chainrule.tabular.targets import Numbers


@documented
class TabularRegressor(RegressorMixin, BaseTabular):  # type: ignore[misc]  # scikit-learn has no types
    """Predict numbers from the rows of a table by many small networks side by side, chosen and averaged.

    Columns may be numbers, categories, text, dates or booleans, with missing values. Members are networks
    of three layers after RealMLP; the best are averaged, with weights found on rows set aside. Targets are
    standardized for training, and predictions held within the range that training had.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    TabularClassifier : The same for classes; it also names the sources.

    Examples
    --------
    >>> from chainrule import TabularRegressor
    >>> from sklearn.datasets import load_diabetes
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
    >>> reg = TabularRegressor("fast", random_state=0).fit(X, y)
    >>> reg.predict(X[:2]).shape
    (2,)
    >>> reg.score(X, y) > 0.45
    True
    """

    _classifies = False
    _target: Numbers

    def _check_targets(self, X: Any, y: Any) -> NDArray[Any]:
        if y is None:
            raise ValueError(
                f"This {type(self).__name__} estimator requires y to be passed, but the target y is None."
            )
        y = check_array(y, ensure_2d=False, dtype=np.float64, input_name="y")
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        check_consistent_length(X, y)
        self._one = y.ndim == 1
        return np.asarray(y[:, None] if self._one else y)

    def _fit_targets(self, y: NDArray[Any]) -> tuple[Numbers, NDArray[Any]]:
        target = Numbers.of(y)
        return target, target.encode(y)

    def predict(self, X: Any) -> NDArray[np.float64]:
        """Return the numbers predicted for each row, within the range that training had.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_features)
            As for `fit`.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        """
        return self._answers(self._outputs(X))

    def _answers(self, outputs: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the numbers that averaged outputs mean."""
        y = self._target.decode(outputs)
        return y[:, 0] if self._one else y

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
