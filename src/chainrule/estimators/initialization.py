"""The first parameters of a network: scikit-learn's draws, in scikit-learn's order."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from chainrule.estimators.bound_model import BoundModel, DType, engine_name
from chainrule.estimators.options import is_stochastic
from chainrule.estimators.watching import start_measuring, start_watching

if TYPE_CHECKING:
    from chainrule.estimators.base import BaseMLP


def initialize(
    mlp: "BaseMLP", sizes: Sequence[int], dtype: DType, random_state: np.random.RandomState
) -> None:
    """Start an estimator afresh: random parameters, empty curves.

    Weights and intercepts of a layer are uniform in +-sqrt(6 / (n_in + n_out)), for sigmoid units
    +-sqrt(2 / (n_in + n_out)): Glorot and Bengio, "Understanding the difficulty of training deep
    feedforward neural networks", 2010, equation 16.

    Parameters
    ----------
    mlp : MLPClassifier or MLPRegressor
        Its `out_activation_` must be known.
    sizes : list of int
        Widths of the layers of neurons, input and output included.
    dtype : {"float32", "float64"}
        Of the parameters. The draws themselves are float64, so both dtypes start alike.
    random_state : RandomState
        Drawn from once per layer for the weights, once for the intercepts.
    """
    bound = BoundModel(sizes, mlp.activation, mlp.out_activation_, mlp.loss, dtype)
    factor = 2.0 if engine_name(mlp.activation) == "sigmoid" else 6.0
    for coef, intercept in zip(bound.coefs, bound.intercepts, strict=True):
        bound_of_draws = np.sqrt(factor / sum(coef.shape))
        coef[...] = random_state.uniform(-bound_of_draws, bound_of_draws, coef.shape)
        intercept[...] = random_state.uniform(-bound_of_draws, bound_of_draws, intercept.shape)
    mlp._use(bound)
    mlp.n_iter_ = 0
    mlp.t_ = 0
    mlp.n_layers_ = len(sizes)
    start_measuring(mlp)
    if is_stochastic(mlp):
        mlp.loss_curve_ = []
        start_watching(mlp)
