"""What is looked at: any trained model of ours as layers, whatever it is wrapped in."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[Any]


@dataclass(frozen=True)
class Layer:
    """One layer of weights and what belongs to it.

    Attributes
    ----------
    weights : ndarray of shape (n_k, n_{k+1})
    biases : ndarray of shape (n_{k+1},)
        In the sign of E1: net = x W - b.
    activation : str
    norm : tuple of two ndarrays of shape (n_{k+1},), or None
        Gain and shift of the layer normalisation, where there is one.
    residual : bool
        Whether the layer's input is added to its output.
    dropout : float
        Probability with which training leaves an output out.
    slopes : ndarray of shape (n_{k+1},), or None
        Learned slopes of prelu.
    """

    weights: Floats
    biases: Floats
    activation: str
    norm: tuple[Floats, Floats] | None = None
    residual: bool = False
    dropout: float = 0.0
    slopes: Floats | None = None

    @property
    def n_parameters(self) -> int:
        """Count of trained numbers."""
        extra = [*(self.norm or ()), *([] if self.slopes is None else [self.slopes])]
        return int(sum(np.size(array) for array in (self.weights, self.biases, *extra)))


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
    while not (hasattr(model, "coefs_") or _is_ours(model)):
        if hasattr(model, "best_estimator_"):
            model = model.best_estimator_
        elif hasattr(model, "regressor_"):
            model = model.regressor_
        elif hasattr(model, "preprocessor") and hasattr(model, "estimator"):
            X = None if X is None else model._features(X)
            model = model.estimator
        elif hasattr(model, "steps"):
            X = X if X is None or len(model.steps) == 1 else model[:-1].transform(X)
            model = model.steps[-1][1]
        elif hasattr(model, "estimator") or hasattr(model, "regressor"):
            raise ValueError(f"this {type(given).__name__} is not fitted yet; call fit first")
        else:
            raise TypeError(
                f"expected a Network, an MLPClassifier or MLPRegressor, or a pipeline that ends in one, "
                f"got {type(given).__name__}"
            )
    return model, X


def _is_ours(model: Any) -> bool:
    from chainrule.network import Network

    if isinstance(model, Network):
        return True
    from chainrule.estimators.base import BaseMLP

    return isinstance(model, BaseMLP)


def is_fitted(model: Any) -> bool:
    """Whether a network or estimator has parameters to look at."""
    return hasattr(model, "weights") or hasattr(model, "coefs_")


def layers(model: Any) -> list[Layer]:
    """Take a network, or a fitted estimator, apart into its layers.

    Raises
    ------
    NotFittedError
        For an estimator that has not been fitted.
    TypeError
        For another kind of object, see `unwrap`.

    Examples
    --------
    >>> from chainrule import Network
    >>> [(layer.weights.shape, layer.activation) for layer in layers(Network([3, 5, 2], random_state=0))]
    [((3, 5), 'relu'), ((5, 2), 'identity')]
    """
    model = unwrap(model)
    if hasattr(model, "weights"):
        weights, biases, tail = list(model.weights), list(model.biases), ""
        activations = list(model.activations)
    else:
        from sklearn.utils.validation import check_is_fitted

        check_is_fitted(model, "coefs_")
        weights, tail = [np.asarray(W) for W in model.coefs_], "_"
        biases = [-np.asarray(b) for b in model.intercepts_]
        activations = per_layer(model.activation, len(weights) - 1, model.out_activation_)
    n_hidden = len(weights) - 1
    gains = per_layer(getattr(model, f"norm_gains{tail}", None), n_hidden, None)
    shifts = per_layer(getattr(model, f"norm_shifts{tail}", None), n_hidden, None)
    slopes = per_layer(getattr(model, f"slopes{tail}", None), n_hidden, None)
    residual = per_layer(getattr(model, "residual", False), n_hidden, False)
    dropout = per_layer(getattr(model, "dropout", 0.0), n_hidden, 0.0)
    return [
        Layer(
            W,
            b,
            "sigmoid" if activation == "logistic" else activation,
            None if gains[k] is None else (gains[k], shifts[k]),
            bool(residual[k]) and W.shape[0] == W.shape[1],
            float(dropout[k] or 0.0),
            slopes[k],
        )
        for k, (W, b, activation) in enumerate(zip(weights, biases, activations, strict=True))
    ]


def per_layer(setting: Any, n_hidden: int, output: Any) -> list[Any]:
    """Spread one setting, or one per hidden layer, over all layers; `output` is the output layer's.

    Examples
    --------
    >>> per_layer(0.5, 2, 0.0), per_layer([True, False], 2, False)
    ([0.5, 0.5, 0.0], [True, False, False])
    """
    if isinstance(setting, Iterable) and not isinstance(setting, str):
        spread = [*setting, *[output] * (n_hidden + 1)]
        return spread[: n_hidden + 1]
    return [setting] * n_hidden + [output]


def sizes(parts: Sequence[Layer]) -> list[int]:
    """Widths of the layers of neurons, from the inputs to the outputs."""
    return [parts[0].weights.shape[0], *(part.weights.shape[1] for part in parts)]


def name_of(model: Any) -> str:
    """Return what to call a model in a picture's legend."""
    return type(unwrap(model)).__name__
