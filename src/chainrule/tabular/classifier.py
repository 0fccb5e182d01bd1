"""TabularClassifier: one class of several, by many small networks."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils import assert_all_finite, column_or_1d
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_consistent_length

from chainrule._settings import flag
from chainrule.tabular.base import BaseTabular
from chainrule.tabular.calibration import calibrated, find_temperature
from chainrule.tabular.documentation import documented
from chainrule.tabular.ensemble import Result
from chainrule.tabular.targets import Classes
from chainrule.tabular.watched import Watched


@documented
class TabularClassifier(ClassifierMixin, BaseTabular):  # type: ignore[misc]  # scikit-learn has no types
    """Classify the rows of a table by many small networks side by side, chosen and averaged.

    Columns may be numbers, categories, text, dates or booleans, with missing values. Members are networks
    of three layers after RealMLP; the best are averaged, with weights found on rows set aside.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels, sorted.
    temperature_ : float
        By which the logarithms of probabilities are divided.
    {attributes}

    See Also
    --------
    TabularRegressor : The same for numbers.

    Notes
    -----
    Sources: RealMLP: D. Holzmueller, L. Grinsztajn and I. Steinwart, Better by default, NeurIPS 2024
    (arXiv:2407.04491); the choice of members: R. Caruana et al., Ensemble selection from libraries of models,
    ICML 2004; target statistics of categories: L. Prokhorenkova et al., CatBoost, NeurIPS 2018.

    Examples
    --------
    >>> from chainrule import TabularClassifier
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> clf = TabularClassifier("fast", random_state=0).fit(X, y)
    >>> clf.predict(X[:3])
    array([0, 0, 0])
    >>> clf.score(X, y) > 0.95
    True
    """

    _classifies = True
    _target: Classes

    def __init__(
        self,
        preset: str = "default",
        *,
        time_budget: float | None = None,
        n_members: int | None = None,
        n_folds: int = 0,
        recipe: str | None = None,
        scoring: str | None = None,
        calibrate: bool = True,
        class_weight: Any = None,
        checkpoint: Any = None,
        random_state: Any = None,
        n_jobs: int | None = None,
        verbose: bool | int = False,
    ) -> None:
        super().__init__(
            preset,
            time_budget=time_budget,
            n_members=n_members,
            n_folds=n_folds,
            recipe=recipe,
            scoring=scoring,
            checkpoint=checkpoint,
            random_state=random_state,
            n_jobs=n_jobs,
            verbose=verbose,
        )
        self.calibrate = calibrate
        self.class_weight = class_weight

    def _check_settings(self) -> None:
        super()._check_settings()
        flag("calibrate", self.calibrate)

    def _check_targets(self, X: Any, y: Any) -> NDArray[Any]:
        if y is None:
            raise ValueError(
                f"This {type(self).__name__} estimator requires y to be passed, but the target y is None."
            )
        y = column_or_1d(y, warn=True)
        if y.dtype.kind in "fc":
            assert_all_finite(y, input_name="y")
        elif y.dtype.kind == "O" and any(label is None or label != label for label in y.tolist()):
            raise ValueError("y has missing values (None or NaN); expected a class for each row")
        check_classification_targets(y)
        check_consistent_length(X, y)
        return np.asarray(y)

    def _fit_targets(self, y: NDArray[Any]) -> tuple[Classes, NDArray[np.int64]]:
        self.classes_, index = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                f"y has one class only, {self.classes_.tolist()[0]!r}; expected rows of at least two classes"
            )
        return Classes(self.classes_), index.astype(np.int64)

    def _weighted(self, learned: NDArray[Any], weights: Any) -> Any:
        if self.class_weight is None:
            return weights
        of_classes = self.class_weight
        if isinstance(of_classes, dict):
            unknown = [label for label in of_classes if label not in self.classes_]
            if unknown:
                raise ValueError(f"class_weight has the class {unknown[0]!r}, which y does not have")
        more = compute_sample_weight(of_classes, self.classes_[learned])
        return more if weights is None else more * weights

    def _chosen(self, result: Result, watched: Watched) -> None:
        self.n_watched_ = len(watched.y)
        self.temperature_ = 1.0
        if self.calibrate:
            self.temperature_ = find_temperature(result.average, watched.y, watched.weights)

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Return the probability of every class.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_features)
            As for `fit`.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            Columns in the order of `classes_`.
        """
        return self._answers(self._outputs(X))

    def _answers(self, outputs: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the probabilities that averaged outputs mean."""
        if not self.calibrate:
            return np.asarray(outputs / outputs.sum(axis=1, keepdims=True))
        return calibrated(outputs, self.temperature_, self.n_watched_)

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the most probable class of each row.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_features)
            As for `fit`.

        Returns
        -------
        y : ndarray of shape (n_samples,)
        """
        outputs = self._outputs(X)
        return np.asarray(self.classes_[outputs.argmax(axis=1)])
