"""What a derivation needs to know of a network, an estimator or a list of sizes, by duck typing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule.derive.expression import Floats
from chainrule.derive.own_loss import RowLoss
from chainrule.reference import Activation, Loss, get_activation, get_loss
from chainrule.reference.activations import PReLU

#: scikit-learn's names of what has another name here.
OTHER_NAMES = {"logistic": "sigmoid"}


@dataclass(frozen=True)
class Layer:
    """One layer: width in and out, activation, and what else is in it.

    Attributes
    ----------
    weight, bias : ndarray or None
        W_k (n_in, n_out) and b_k (1, n_out), subtracted; None where there are no numbers.
    gain, shift : ndarray or None
        Of the normalisation, (1, n_out); `normalized` tells whether there is one.
    slopes : ndarray or None
        Of prelu, (1, n_out).
    residual : bool
        Whether the input is added to the output.
    dropout : float
        Probability of dropping a unit while training.
    """

    n_in: int
    n_out: int
    activation: Activation
    weight: Floats | None = None
    bias: Floats | None = None
    normalized: bool = False
    gain: Floats | None = None
    shift: Floats | None = None
    slopes: Floats | None = None
    residual: bool = False
    dropout: float = 0.0


@dataclass(frozen=True)
class Model:
    """A network as a derivation sees it.

    Attributes
    ----------
    layers : tuple of Layer
        From the input on.
    loss : Loss
        The error of one row.
    source : object
        What was given: verify reaches the engine through it. None for sizes alone.
    dtype : str
        In which the source computes.
    """

    layers: tuple[Layer, ...]
    loss: Loss
    source: Any = field(default=None, compare=False)
    dtype: str = "float64"

    @property
    def sizes(self) -> list[int]:
        """n_1, ..., n_{l+1}."""
        return [self.layers[0].n_in, *(layer.n_out for layer in self.layers)]

    @property
    def has_numbers(self) -> bool:
        """Whether there are parameters."""
        return self.layers[0].weight is not None

    @property
    def is_the_seeds(self) -> bool:
        """Whether this is the network of the seed document: 3-5-4-3, sigmoids, squared error."""
        return (
            self.sizes == [3, 5, 4, 3]
            and self.loss.name == "squared_error"
            and all(
                layer.activation.name == "sigmoid"
                and not (layer.normalized or layer.residual or layer.dropout)
                for layer in self.layers
            )
        )


def as_model(
    given: Any,
    activation: Any = None,
    output_activation: Any = None,
    loss: Any = None,
) -> Model:
    """Read a network, a fitted estimator, or a list of sizes with names.

    Raises
    ------
    TypeError
        For anything else, and where names are given beside a network that has its own.
    ValueError
        For sizes and names that make no network.
    """
    if isinstance(given, str | bytes):
        raise TypeError(
            f"derive got {given!r}; expected a network, a fitted estimator, or sizes such as [3, 5, 3]"
        )
    if isinstance(given, Sequence) and not hasattr(given, "weights"):
        return _from_sizes(given, activation, output_activation, loss)
    if (activation, output_activation, loss) != (None, None, None):
        raise TypeError(
            "activation, output_activation and loss go with a list of sizes; a network has its own"
        )
    if hasattr(given, "estimator") and hasattr(given, "preprocessor"):
        given = given.estimator  # a table's model: its network is an estimator
    if type(given).__module__.startswith("sklearn.neural_network") and hasattr(given, "coefs_"):
        from chainrule.export import from_sklearn

        given = from_sklearn(given)
    if hasattr(given, "coefs_"):
        return _from_estimator(given)
    if hasattr(given, "weights") and hasattr(given, "biases") and hasattr(given, "activations"):
        return _from_network(given)
    if hasattr(given, "hidden_layer_sizes"):
        raise TypeError(f"this {type(given).__name__} is not fitted yet; call fit first")
    hint = ""
    if hasattr(given, "steps"):
        hint = "; of a pipeline give pipeline[-1], and pipeline[:-1].transform(x) as x"
    elif hasattr(given, "best_estimator_"):
        hint = "; of a search give best_estimator_"
    raise TypeError(
        f"derive got a {type(given).__name__}; expected a network, a fitted estimator, or sizes such as"
        f" [3, 5, 3]{hint}"
    )


def _from_sizes(sizes: Sequence[Any], activation: Any, output_activation: Any, loss: Any) -> Model:
    widths = [int(size) for size in sizes]
    if len(widths) < 2 or min(widths) < 1 or widths != list(sizes):
        raise ValueError(
            f"sizes is {list(sizes)!r}; expected at least two whole numbers >= 1, such as [3, 5, 3]"
        )
    error = get_loss("squared_error" if loss is None else loss)
    n_hidden = len(widths) - 2
    hidden = "relu" if activation is None else activation
    names = list(hidden) if isinstance(hidden, list | tuple) else [hidden] * n_hidden
    if len(names) != n_hidden:
        raise ValueError(
            f"activation is a list of {len(names)} for {n_hidden} hidden layers; expected one for each"
        )
    output = error.default_output_activation if output_activation is None else output_activation
    activations = [_activation(name) for name in (*names, output)]
    _check(activations, error)
    layers = tuple(map(Layer, widths, widths[1:], activations))
    return Model(layers, error)


def _check(activations: Sequence[Activation], loss: Loss) -> None:
    for f in activations[:-1]:
        if f.output_only:
            raise ValueError(
                f"activation {f.name!r} is for the output layer only; give it as output_activation"
            )
    if activations[-1].name not in loss.output_activations:
        allowed = ", ".join(loss.output_activations)
        raise ValueError(
            f"loss {loss.name!r} does not go with the output activation {activations[-1].name!r};"
            f" it takes: {allowed}"
        )


def _activation(name: Any) -> Activation:
    """Look an activation up by its name here or in scikit-learn."""
    name = OTHER_NAMES.get(name, name) if isinstance(name, str) else name
    return PReLU() if name == "prelu" else get_activation(name)


def _from_network(network: Any) -> Model:
    loss = network.loss
    own = callable(loss) and not isinstance(loss, Loss)
    return _assemble(
        network,
        network.weights,
        network.biases,
        [_activation(f) for f in network.activations],
        RowLoss(loss) if own else get_loss(loss),
        suffix="",
    )


def _from_estimator(estimator: Any) -> Model:
    n_hidden = len(estimator.coefs_) - 1
    hidden = estimator.activation
    names = list(hidden) if isinstance(hidden, list | tuple) else [hidden] * n_hidden
    names.append(estimator.out_activation_)
    activations = [_activation(f) for f in names]
    biases = [-np.asarray(intercept) for intercept in estimator.intercepts_]
    return _assemble(estimator, estimator.coefs_, biases, activations, _loss_of(estimator), suffix="_")


def _loss_of(estimator: Any) -> Loss:
    """Return an estimator's loss with its settings: label smoothing, quantiles, the focal loss."""
    if callable(estimator.loss) and not isinstance(estimator.loss, Loss):
        return RowLoss(estimator.loss)
    from chainrule.estimators.losses import loss_of  # which the estimator has loaded

    return loss_of(estimator)


def _assemble(
    source: Any, weights: Any, biases: Any, activations: list[Activation], loss: Loss, suffix: str
) -> Model:
    """Put layers together; normalisation, skips, dropout and slopes where the source has them."""
    n_layers = len(weights)

    def per_layer(name: str, otherwise: Any = None) -> list[Any]:
        found = getattr(source, name + suffix, None)
        found = getattr(source, name, None) if found is None else found
        if found is None or isinstance(found, bool | int | float):
            value = found if found else otherwise
            return [value] * (n_layers - 1) + [otherwise]
        values = list(found)
        return values + [otherwise] * (n_layers - len(values))

    gains, shifts, slopes = (per_layer(name) for name in ("norm_gains", "norm_shifts", "slopes"))
    skips, dropouts = per_layer("residual", False), per_layer("dropout", 0.0)
    layers = []
    for k, (W, b, f) in enumerate(zip(weights, biases, activations, strict=True)):
        n_in, n_out = np.shape(W)
        hidden = k < n_layers - 1
        layers.append(
            Layer(
                n_in,
                n_out,
                f,
                _matrix(W),
                _row(b),
                normalized=gains[k] is not None,
                gain=_row(gains[k]),
                shift=_row(shifts[k]),
                slopes=_row(slopes[k]) if f.name == "prelu" else None,
                residual=bool(skips[k]) and hidden and n_in == n_out,
                dropout=float(dropouts[k]) if hidden else 0.0,
            )
        )
    return Model(tuple(layers), loss, source, np.result_type(*map(np.asarray, weights)).name)


def _matrix(value: Any) -> Floats:
    return np.array(value, dtype=np.float64)


def _row(value: Any) -> Floats | None:
    return None if value is None else np.array(value, dtype=np.float64).reshape(1, -1)
