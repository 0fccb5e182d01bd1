"""From what a model is wrapped in to the model, by what scikit-learn's wrappers and our own promise.

A model of ours says what it is by `_describe()`. A wrapper of ours gives what is inside by `_unwrap(X)`.
"""

from typing import Any

import numpy as np

from chainrule.description.layers import Description, Layer
from chainrule.description.training import Training


def describe(model: Any) -> Description:
    """Describe a model of ours, or scikit-learn's own MLP; a description stays as it is.

    Raises
    ------
    TypeError
        For anything else.
    sklearn.exceptions.NotFittedError
        For an estimator before `fit`.

    Examples
    --------
    >>> from chainrule import Network
    >>> described = describe(Network([3, 5, 2], random_state=0))
    >>> described.sizes, [layer.activation for layer in described.layers], described.loss
    ([3, 5, 2], ['relu', 'identity'], 'squared_error')
    """
    if isinstance(model, Description):
        return model
    if is_ours(model):
        described: Description = model._describe()
        return described
    if hasattr(model, "coefs_") and hasattr(model, "intercepts_"):
        return _of_scikit_learn(model)
    raise _unknown(model)


def is_ours(model: Any) -> bool:
    """Whether a model can say what it is."""
    return hasattr(type(model), "_describe")


def is_fitted(model: Any) -> bool:
    """Whether a network or estimator has parameters to look at."""
    return hasattr(model, "weights") or hasattr(model, "coefs_")


def unwrap(model: Any) -> Any:
    """Return the network or estimator inside a pipeline, a search, or a model of a table.

    Raises
    ------
    TypeError
        For anything that has none of ours inside.
    ValueError
        For a wrapper that is not fitted.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from chainrule import MLPRegressor
    >>> unwrap(make_pipeline(StandardScaler(), MLPRegressor(hidden_layer_sizes=(5,))))
    MLPRegressor(hidden_layer_sizes=(5,))
    """
    return through(model, None)[0]


def through(model: Any, X: Any) -> tuple[Any, Any]:
    """Return the innermost model of ours and X as it sees it; errors as `unwrap`."""
    given = model
    while True:
        if hasattr(type(model), "_unwrap"):
            model, X = model._unwrap(X)
        elif is_ours(model) or hasattr(model, "coefs_"):
            return model, X
        elif hasattr(model, "best_estimator_"):
            model = model.best_estimator_
        elif hasattr(model, "regressor_"):
            model = model.regressor_
        elif hasattr(model, "steps"):
            X = X if X is None or len(model.steps) == 1 else model[:-1].transform(X)
            model = model.steps[-1][1]
        elif hasattr(model, "estimator") or hasattr(model, "regressor"):
            raise ValueError(f"this {type(given).__name__} is not fitted yet; call fit first")
        else:
            raise _unknown(given)


def best_of(model: Any) -> Any:
    """Return the best model of a search, everything else as it is."""
    return getattr(model, "best_estimator_", model)


def steps_of(model: Any) -> tuple[list[Any], Any]:
    """Return the transformers of a pipeline, of which some do nothing and are left out, and its last step."""
    if not hasattr(model, "steps"):
        return [], model
    *before, (_, last) = model.steps
    return [step for _, step in before if step is not None and step != "passthrough"], last


def is_pipeline(model: Any) -> bool:
    """Whether a model has steps, the last of which is the model proper."""
    return hasattr(model, "steps")


def name_of(model: Any) -> str:
    """Return what to call a model in a picture's legend."""
    return type(unwrap(model)).__name__


def _unknown(model: Any) -> TypeError:
    return TypeError(
        f"expected a Network, an MLPClassifier or MLPRegressor, or a pipeline that ends in one, "
        f"got {type(model).__name__}"
    )


def _of_scikit_learn(mlp: Any) -> Description:
    """Describe the layers of scikit-learn's MLP, which cannot do it."""
    activations = [*[mlp.activation] * (len(mlp.coefs_) - 1), mlp.out_activation_]
    names = ["sigmoid" if activation == "logistic" else activation for activation in activations]
    layers = zip(mlp.coefs_, mlp.intercepts_, names, strict=True)
    training = Training(list(getattr(mlp, "loss_curve_", [])), limit="max_iter")
    described = [Layer(np.asarray(W), -np.asarray(b), f) for W, b, f in layers]
    return Description(described, training=training)
