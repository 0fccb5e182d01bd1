"""The first parameters of a network: scikit-learn's draws, in scikit-learn's order."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.estimators.bound_model import BoundModel, engine_name, hidden_names
from chainrule.estimators.options import is_stochastic
from chainrule.estimators.protocol import MLP
from chainrule.estimators.watching import start_measuring, start_watching
from chainrule.model.initialization import get_initializer


def initialize(
    mlp: MLP, sizes: Sequence[int], dtype: np.dtype[Any], random_state: np.random.RandomState
) -> None:
    """Start an estimator afresh: random parameters, empty curves.

    Weights and intercepts of a layer are uniform in +-sqrt(6 / (n_in + n_out)), for sigmoid units
    +-sqrt(2 / (n_in + n_out)): Glorot and Bengio, "Understanding the difficulty of training deep
    feedforward neural networks", 2010, equation 16. With an `initializer` it draws the weights, and the
    intercepts are 0. Gains begin as 1, shifts as 0, slopes as 1/4, alphas as 1. Then input layers draw, each
    what its class says.

    Parameters
    ----------
    mlp : MLPClassifier or MLPRegressor
        Its `out_activation_` must be known.
    sizes : list of int
        Widths of the layers of neurons, input and output included.
    dtype : numpy.dtype
        Of the parameters. The draws themselves are float64, so both dtypes start alike.
    random_state : RandomState
        Drawn from once per layer for the weights, once for the intercepts.
    """
    bound = BoundModel.made_for(mlp, sizes, dtype)
    scheme = get_initializer(mlp.initializer)
    hidden = hidden_names(mlp.activation, len(sizes) - 2)
    # scikit-learn's output layer has the bounds of the hidden layers.
    alone = engine_name(mlp.activation) if isinstance(mlp.activation, str) else "identity"
    activations = [*hidden, *(hidden[-1:] or [alone])]
    for coef, intercept, activation in zip(bound.coefs, bound.intercepts, activations, strict=True):
        if scheme is not None:
            coef[...] = scheme(np.random.Generator(random_state._bit_generator), coef.shape)
            continue
        bound_of_draws = np.sqrt((2.0 if activation == "sigmoid" else 6.0) / sum(coef.shape))
        coef[...] = random_state.uniform(-bound_of_draws, bound_of_draws, coef.shape)
        intercept[...] = random_state.uniform(-bound_of_draws, bound_of_draws, intercept.shape)
    for layer in bound.inputs:
        generator = np.random.Generator(random_state._bit_generator)
        for name, values in layer.layer.first_values(generator).items():
            layer.arrays[name][...] = values
    mlp._use(bound)
    mlp.n_iter_ = 0
    mlp.t_ = 0
    mlp.n_layers_ = len(sizes)
    start_measuring(mlp)
    if is_stochastic(mlp):
        mlp.loss_curve_ = []
        start_watching(mlp)
