"""`from_sklearn` and `to_sklearn`: the same estimator in the other library, fitted or not."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.estimators import MLPClassifier, MLPRegressor
from chainrule.estimators.labels import Labels

#: Fitted attributes that have the same meaning on both sides.
SHARED = (
    "n_features_in_", "feature_names_in_", "classes_", "n_outputs_", "n_iter_", "t_", "n_layers_",
    "out_activation_", "loss_", "loss_curve_", "best_loss_", "validation_scores_", "best_validation_score_",
)  # fmt: skip


def from_sklearn(mlp: Any) -> MLPClassifier | MLPRegressor:
    """Make our estimator of scikit-learn's: the same parameters and, where it is fitted, the same numbers.

    Parameters
    ----------
    mlp : sklearn.neural_network.MLPClassifier or MLPRegressor

    Returns
    -------
    MLPClassifier or MLPRegressor
        With copies of `coefs_` and `intercepts_`. Its optimizer starts anew where training goes on.

    Raises
    ------
    TypeError
        For anything else.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.neural_network import MLPRegressor
    >>> X = np.linspace(-1, 1, 20).reshape(-1, 1)
    >>> theirs = MLPRegressor(hidden_layer_sizes=(4,), solver="lbfgs", random_state=0).fit(X, X[:, 0])
    >>> ours = from_sklearn(theirs)
    >>> bool(np.allclose(ours.predict(X), theirs.predict(X)))
    True
    """
    from sklearn import neural_network

    if isinstance(mlp, neural_network.MLPClassifier):
        ours: MLPClassifier | MLPRegressor = MLPClassifier()
    elif isinstance(mlp, neural_network.MLPRegressor):
        ours = MLPRegressor()
    else:
        raise TypeError(
            "from_sklearn takes sklearn.neural_network's MLPClassifier or MLPRegressor,"
            f" not a {type(mlp).__name__}"
        )
    known = ours.get_params(deep=False)
    ours.set_params(**{name: value for name, value in mlp.get_params(deep=False).items() if name in known})
    if not hasattr(mlp, "coefs_"):
        return ours
    _copy(mlp, ours)
    ours._no_improvement_count = getattr(mlp, "_no_improvement_count", 0)
    if hasattr(mlp, "classes_"):
        binarizer = mlp._label_binarizer
        kind = binarizer.y_type_
        assert isinstance(ours, MLPClassifier)
        ours._labels = Labels(np.asarray(mlp.classes_), kind, getattr(binarizer, "sparse_input_", False))
    ours._bind()
    return ours


def to_sklearn(mlp: MLPClassifier | MLPRegressor) -> Any:
    """Make scikit-learn's estimator of ours; the inverse of `from_sklearn`.

    Parameters
    ----------
    mlp : MLPClassifier or MLPRegressor

    Returns
    -------
    sklearn.neural_network.MLPClassifier or MLPRegressor
        It predicts; to train it further, use ours.

    Raises
    ------
    TypeError
        For anything else.
    ValueError
        Where a parameter has a value that scikit-learn's estimator does not have, such as another activation.
    """
    from sklearn import neural_network
    from sklearn.preprocessing import LabelBinarizer

    if not isinstance(mlp, MLPClassifier | MLPRegressor):
        raise TypeError(f"to_sklearn takes an MLPClassifier or MLPRegressor, not a {type(mlp).__name__}")
    theirs = (
        neural_network.MLPClassifier() if isinstance(mlp, MLPClassifier) else neural_network.MLPRegressor()
    )
    defaults, known = type(mlp)().get_params(deep=False), theirs.get_params(deep=False)
    given = mlp.get_params(deep=False)
    only_ours = [n for n in given if n not in known and n != "n_threads" and not _same(given[n], defaults[n])]
    if only_ours:
        shown = ", ".join(f"{name}={given[name]!r}" for name in only_ours)
        raise ValueError(f"scikit-learn's {type(theirs).__name__} has no {shown}")
    theirs.set_params(**{name: given[name] for name in known})
    theirs._validate_params()
    if not hasattr(mlp, "coefs_"):
        return theirs
    _copy(mlp, theirs)
    theirs._random_state = np.random.RandomState(0)  # asked for by scikit-learn's check of what is fitted
    if isinstance(mlp, MLPClassifier):
        assert mlp._labels is not None
        y = mlp.classes_
        if mlp._labels.kind == "multilabel-indicator":
            y = np.eye(max(2, len(y)), len(y), dtype=int)
        theirs._label_binarizer = LabelBinarizer(sparse_output=mlp._labels.sparse).fit(y)
    return theirs


def _copy(source: Any, target: Any) -> None:
    for name in SHARED:
        if hasattr(source, name):
            setattr(target, name, getattr(source, name))
    target.coefs_ = [np.array(W) for W in source.coefs_]
    target.intercepts_ = [np.array(b) for b in source.intercepts_]


def _same(value: Any, default: Any) -> bool:
    return value is default or bool(np.array_equal(value, default))
