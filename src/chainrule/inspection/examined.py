"""What the checks look at: rows, targets and every layer's outputs for them."""

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from chainrule.description import EPSILON, Description, Layer, Training, describe
from chainrule.description.layers import Floats
from chainrule.description.unwrapping import is_ours, through
from chainrule.reference import get_activation
from chainrule.reference.inputs import stage
from chainrule.training import History
from chainrule.training.course import Course, course

MOST_ROWS = 5000


@dataclass(frozen=True)
class Examined:
    """A model and what it makes of some rows.

    Attributes
    ----------
    model : Network or estimator
    network : Description
    x : ndarray of shape (n_samples, n_features)
        The rows as the network sees them, before its input layers; of many, some, evenly spread.
    y : ndarray of shape (n_samples, n_{l+1}), or None
        Targets in the outputs' terms.
    signals : list of ndarray of shape (n_samples, n_{k+1})
        f_k of every layer, before dropout and residual connections.
    course : Course or None
        What the loss curve looks like, where there is one.
    training : Training
        What the model, or the history that was given, says of it.
    """

    model: Any
    network: Description
    x: Floats
    y: Floats | None
    signals: list[Floats]
    course: Course | None
    training: Training

    @property
    def parts(self) -> list[Layer]:
        """The network's layers."""
        return self.network.layers

    @classmethod
    def of(cls, model: Any, X: Any, y: Any, history: Any) -> Self:
        """Run some of the rows through the model; errors as `diagnose`."""
        inner, X = through(model, X)
        described = describe(inner)
        X = X if hasattr(X, "tocsr") else np.asarray(X)
        if X.ndim != 2 or X.shape[1] != described.n_inputs:
            raise ValueError(f"X has shape {X.shape}; expected rows of {described.n_inputs} features")
        if y is not None and len(y) != X.shape[0]:
            raise ValueError(f"X has {X.shape[0]} rows, but y has {len(y)}")
        taken = (
            np.unique(np.linspace(0, X.shape[0] - 1, MOST_ROWS).astype(int))
            if X.shape[0] > MOST_ROWS
            else None
        )
        if taken is not None:
            X = (X.tocsr() if hasattr(X, "tocsr") else X)[taken]
            y = y if y is None else np.asarray(y)[taken]
        x = np.asarray(X.todense() if hasattr(X, "todense") else X, dtype=float)
        training = described.training if history is None else with_history(described.training, history)
        signals = signals_of(described.layers, x_1_of(described, x))
        encode = describe(model if is_ours(model) else inner).encode
        targets = None if y is None else _targets(encode(np.asarray(y)), described.n_outputs)
        return cls(
            inner,
            described,
            x,
            targets,
            signals,
            course(training.losses) if training.losses else None,
            training,
        )


def with_history(training: Training, history: History) -> Training:
    """Put what `Network.train` returned in the place of what a network remembers."""
    rate = max(history.learning_rate, default=np.nan)
    return replace(
        training,
        losses=list(history.loss),
        validation_losses=list(history.validation_loss),
        best_epoch=history.best_epoch,
        kept_best=history.best_epoch is not None,
        stopped=history.stopped,
        rate=f"it was {rate:g}" if np.isfinite(rate) else training.rate,
    )


def x_1_of(network: Description, x: Floats) -> Floats:
    """Take rows through the input layers, if there are any [E11, E13-E15]."""
    if not network.inputs:
        return x
    with np.errstate(all="ignore"):
        return np.asarray(stage.forward(network.astype(x.dtype).inputs, x)[0])


def signals_of(parts: list[Layer], x: Floats) -> list[Floats]:
    """Return f_k(net_k) of every layer [E1, E2, E8, E12], adding residual connections on the way [E9]."""
    signals = []
    with np.errstate(all="ignore"):  # numbers that are not finite are a finding, not an error
        for part in parts:
            z = x @ np.asarray(part.weights, dtype=float) - part.biases
            if part.gain is not None and part.shift is not None:
                spread = np.sqrt(z.var(axis=1, keepdims=True) + EPSILON)
                z = part.gain * (z - z.mean(axis=1, keepdims=True)) / spread + part.shift
            if part.slopes is not None:
                y = np.where(z > 0, z, part.slopes * z)
            else:
                y = np.asarray(get_activation(part.activation).value(z))
            signals.append(y if part.alphas is None else (1 - part.alphas) * z + part.alphas * y)
            x = signals[-1] + x if part.residual else signals[-1]
    return signals


def _targets(y: Floats, n_outputs: int) -> Floats:
    """Turn what is learned into the outputs' terms: one column per output, class indices one-hot."""
    if y.ndim == 1 and n_outputs > 1:
        one_hot: Floats = np.eye(n_outputs)[y.astype(int)]
        return one_hot
    return np.asarray(y.reshape(len(y), -1), dtype=float)
