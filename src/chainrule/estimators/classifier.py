"""MLPClassifier: one class of several, or several yes-or-no labels."""

from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import _check_partial_fit_first_call, type_of_target, unique_labels

from chainrule.estimators.base import BaseMLP
from chainrule.estimators.data import validated, weigh_classes
from chainrule.estimators.derivatives import ClassifierDerivatives
from chainrule.estimators.documentation import documented
from chainrule.estimators.elsewhere import hinted
from chainrule.estimators.keywords import CLASSIFIER, constraints
from chainrule.estimators.labels import Labels
from chainrule.estimators.losses import CLASSIFIER_LOSSES
from chainrule.estimators.rows import ready_to_train
from chainrule.model.rows import Rows


@documented(CLASSIFIER)
class MLPClassifier(ClassifierMixin, ClassifierDerivatives, BaseMLP):  # type: ignore[misc]  # scikit-learn has no types
    """Deep feed-forward network that classifies, with scikit-learn's interface and numbers.

    Minimizes the cross-entropy (of softmax outputs for three or more classes, of one logistic output for
    two, of one per label for a multilabel target) by stochastic gradient descent or L-BFGS. For the same
    `random_state` the fit is that of `sklearn.neural_network.MLPClassifier`, up to rounding.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels, sorted; for a multilabel target the numbers of its columns.
    {attributes}

    See Also
    --------
    MLPRegressor : The same network for numbers.

    {notes}

    Examples
    --------
    >>> from chainrule import MLPClassifier
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = MLPClassifier((16,), solver="lbfgs", random_state=1).fit(X, y)
    >>> clf.predict(X[:3])
    array([0, 0, 0])
    >>> clf.predict_proba(X[:1]).round(3)
    array([[1., 0., 0.]])
    >>> clf.score(X, y) > 0.95
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = constraints(CLASSIFIER)
    _losses = CLASSIFIER_LOSSES
    _own_metric = "accuracy"

    label_smoothing: float
    class_weight: Any

    @hinted
    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: Any = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool | int | str = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        n_threads: int | None = None,
        class_weight: Any = None,
        scoring: Any = None,
        patience: float | None = None,
        callbacks: Any = None,
        max_time: float | None = None,
        checkpoint: Any = None,
        checkpoint_every: int | str = 1,
        keep_optimizer: bool = False,
        schedule: Any = None,
        clip_norm: float | None = None,
        clip_value: float | None = None,
        l1: float = 0.0,
        max_norm: float | None = None,
        learning_rate_factors: Any = None,
        precision: str = "full",
        dropout: Any = 0.0,
        layer_norm: Any = False,
        residual: Any = False,
        initializer: str | None = None,
        loss: Any = "log_loss",
        label_smoothing: float = 0.0,
        row_blocks: int = 1,
        parametric: Any = False,
        inputs: Any = None,
    ) -> None:
        self._store(locals())

    def _check_data(self, X: Any, y: Any, *, reset: bool, incremental: bool) -> tuple[Any, NDArray[Any]]:
        labels, check_all = self._labels, self.warm_start
        if (
            incremental
            and labels is not None
            and not check_all
            and ready_to_train(self, X, y)
            and y.dtype.kind == labels.classes.dtype.kind
            and labels.kind != "multilabel-indicator"
            and labels.knows(y)
        ):
            return X, labels.encode(y)
        X, y = validated(self, X, y, reset=reset)
        if labels is None or not (check_all or incremental):
            labels = self._labels = Labels.of(y)
            self.classes_ = labels.classes
            return X, labels.encode(y)
        classes = unique_labels(y)
        if check_all and set(classes) != set(self.classes_):
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the previous call to fit. "
                f"Previously got {self.classes_}, `y` has {classes}"
            )
        self._check_known(classes)
        return X, labels.encode(y)

    def _check_known(self, classes: NDArray[Any]) -> None:
        if np.setdiff1d(classes, self.classes_, assume_unique=True).size:
            raise ValueError(
                f"`y` has classes not in `self.classes_`. `self.classes_` has {self.classes_}. "
                f"'y' has {classes}."
            )

    def _check_validation(self, X_val: Any, y_val: Any) -> tuple[Any, NDArray[Any]]:
        assert self._labels is not None
        X_val, y_val = validated(self, X_val, y_val, reset=False)
        self._check_known(unique_labels(y_val))
        return X_val, self._labels.encode(y_val)

    def _decode_targets(self, targets: NDArray[Any]) -> Any:
        assert self._labels is not None
        return self._labels.labels(targets)

    def _weigh_classes(self, rows: Rows) -> Rows:
        assert self._labels is not None
        return weigh_classes(self._labels, self.class_weight, rows)

    def _output_layer(self, targets: NDArray[Any]) -> tuple[int, str]:
        assert self._labels is not None
        n_outputs = len(self._labels.classes) if targets.ndim == 1 else targets.shape[1]
        return n_outputs, self._labels.out_activation

    def _score_outputs(
        self, outputs: NDArray[Any], targets: NDArray[Any], sample_weight: NDArray[Any] | None
    ) -> float:
        """Return the accuracy; a multilabel row is right when all its labels are."""
        assert self._labels is not None
        correct = self._labels.decide(outputs) == targets
        rows_correct = correct if correct.ndim == 1 else correct.all(axis=1)
        return float(np.average(rows_correct, weights=sample_weight))

    def _known_labels(self) -> Labels:
        """Return the labels; of a classifier that was put together by hand, what its attributes mean."""
        return self._labels or Labels.meant(self.classes_, self.out_activation_, self.n_outputs_)

    @property
    def _label_binarizer(self) -> LabelBinarizer:
        # scikit-learn's attribute, which converters of its models read, and who puts one together sets.
        return self._known_labels().binarizer()

    @_label_binarizer.setter
    def _label_binarizer(self, binarizer: LabelBinarizer) -> None:
        self._labels = Labels.read(binarizer)

    @available_if(lambda clf: clf._check_stochastic())  # type: ignore[untyped-decorator]
    def partial_fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        classes: Any = None,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> Self:
        """Train for one epoch on the given rows, going on from the call before.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows are samples.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Class labels, or an indicator matrix for a multilabel target.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row in the loss.
        classes : array-like of shape (n_classes,), default=None
            Every class that any call will bring. Needed in the first call only.
        X_val, y_val, sample_weight_val : default=None
            Rows to watch, measured after the epoch (`evals_result_`). With `early_stopping` the best
            parameters are remembered from call to call; when patience ends, they are put back and
            `stop_reason_` is "no_improvement". A further call goes on from them.

        Returns
        -------
        self : object
            The trained estimator.

        Raises
        ------
        ValueError
            For labels that are not among the classes, for `class_weight="balanced"` (one call's rows say
            nothing about those of the others), and as `fit`.
        AttributeError
            With `solver="lbfgs"`, which has no epochs.
        """
        if not hasattr(self, "coefs_"):
            self._check_params()
        if isinstance(self.class_weight, str):
            raise ValueError(
                f"class_weight={self.class_weight!r} is not supported for partial_fit, whose calls see "
                "some of the rows each. Compute the weights from all rows by "
                "sklearn.utils.class_weight.compute_class_weight, and pass them as a dict."
            )
        if _check_partial_fit_first_call(self, classes):
            self._labels = Labels.of(y if type_of_target(y).startswith("multilabel") else classes)
        return self._fit(X, y, sample_weight, (X_val, y_val, sample_weight_val), incremental=True)

    def predict(self, X: Any) -> Any:
        """Return the most probable classes.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows are samples.

        Returns
        -------
        y : ndarray of shape (n_samples,), or (n_samples, n_classes) for a multilabel target
            Class labels.
        """
        outputs = self._outputs(X)
        return self._known_labels().decode(outputs)

    def predict_proba(self, X: Any) -> NDArray[Any]:
        """Return the probability of every class.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows are samples.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            Columns in the order of `classes_`. Rows sum to one, but for a multilabel target.
        """
        outputs = self._outputs(X)
        if outputs.shape[1] > 1:
            return outputs
        return np.hstack([1 - outputs, outputs])

    def predict_log_proba(self, X: Any) -> NDArray[Any]:
        """Return the logarithm of `predict_proba`; minus infinity where a probability is zero.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows are samples.

        Returns
        -------
        log_probabilities : ndarray of shape (n_samples, n_classes)
            Columns in the order of `classes_`.
        """
        probabilities = self.predict_proba(X)
        with np.errstate(divide="ignore"):
            np.log(probabilities, out=probabilities)
        return probabilities

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
