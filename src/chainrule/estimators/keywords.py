"""The estimators' keywords: what each may be, what it means, and what depends on it, in one table.

The constructors in `classifier.py` and `regressor.py` have their order and their defaults.
"""

import os
from collections.abc import Iterable
from numbers import Integral, Real
from typing import Any, NamedTuple

import numpy as np
from sklearn.callback import FitCallback
from sklearn.utils._param_validation import Interval, Options, StrOptions

from chainrule import _engine
from chainrule.estimators.losses import CLASSIFIER_LOSSES, REGRESSOR_LOSSES
from chainrule.model.initialization import INITIALIZERS
from chainrule.optimizers import OPTIMIZERS, Optimizer
from chainrule.reference.losses import Loss
from chainrule.training.schedules import SCHEDULES, Schedule
from chainrule.training.settings import PRECISIONS


class Keyword(NamedTuple):
    """A parameter of the estimators.

    Attributes
    ----------
    kind, text : str
        As the docstring has them; the default is the constructor's.
    constraint : list
        scikit-learn's: what a value may be.
    shapes : bool
        Whether another value makes another engine model.
    may_change : bool
        Whether it may be another when a fit goes on from a checkpoint: it does not change what an epoch does.
    code : bool
        Whether it may bring code, which no model file holds.
    steps_only : bool
        Whether it is for solvers with steps alone, all but "lbfgs".
    """

    kind: str
    text: str
    constraint: list[Any]
    shapes: bool = False
    may_change: bool = False
    code: bool = False
    steps_only: bool = False


class OneOf(StrOptions):  # type: ignore[misc]  # scikit-learn has no types
    """Names, which keep their order."""

    def __init__(self, names: Iterable[str]) -> None:
        names = list(names)
        super().__init__(set(names))
        self.options = names


FLAG = ["boolean"]
AT_LEAST_1 = [Interval(Integral, 1, None, closed="left")]
BELOW_1 = [Interval(Real, 0, 1, closed="left")]
NOT_NEGATIVE = [Interval(Real, 0, None, closed="left")]
POSITIVE = [Interval(Real, 0, None, closed="neither")]
#: "logistic" is scikit-learn's name for sigmoid.
ACTIVATIONS = OneOf(
    ["logistic", *(name for name in _engine.activations() if name not in ("softmax", "exp", "ordered"))]
)

#: Of both, in the order of the constructors.
COMMON: dict[str, Keyword] = {
    "hidden_layer_sizes": Keyword(
        "int or array-like of int",
        """Number of neurons of each hidden layer; empty for a linear model.""",
        ["array-like", *AT_LEAST_1],
    ),
    "activation": Keyword(
        "str or list of str",
        """Function of the hidden layers, or one per hidden layer: scikit-learn's "identity", "logistic",
        "tanh" and "relu", and "sigmoid" (another name for "logistic"), "leaky_relu", "elu", "selu",
        "softplus", "gelu", "silu", "mish", "softsign", "hardtanh", "relu6", and "prelu", which learns a
        slope per unit.""",
        [ACTIVATIONS, list, tuple],
        shapes=True,
    ),
    "solver": Keyword(
        "str or Optimizer",
        """scikit-learn's "adam" and "sgd" go over the rows in batches, epoch by epoch; "lbfgs" takes all
        rows at once, in float64, and is often better on small data. Beside them "adamw", "rmsprop",
        "adagrad", "nadam", "lion" and "rprop" (for all rows in one batch). A name takes
        `learning_rate_init`, and `beta_1`, `beta_2` and `epsilon` if the optimizer has them; an instance
        of `chainrule.optimizers` brings all of its settings, penalties and bounds of gradients included,
        and the parameters of these names are ignored.""",
        [OneOf(["lbfgs", *OPTIMIZERS]), Optimizer],
    ),
    "alpha": Keyword(
        "float",
        """Strength of the L2 penalty alpha/2 ||W||^2, which is divided by the number of rows of the batch
        (by the sum of their weights, where given). For "adamw" and "lion" it is their decoupled weight
        decay: W <- (1 - learning_rate alpha) W.""",
        NOT_NEGATIVE,
    ),
    "batch_size": Keyword(
        'int or "auto"',
        """Rows per update; "auto" is min(200, n_samples). Not for "lbfgs".""",
        [OneOf(["auto"]), *AT_LEAST_1],
    ),
    "learning_rate": Keyword(
        '{"constant", "invscaling", "adaptive"}',
        """Schedule for solver="sgd". "invscaling" divides `learning_rate_init` by (rows seen + 1)^`power_t`
        after each epoch. "adaptive" divides it by five whenever training would otherwise stop.""",
        [OneOf(["constant", "invscaling", "adaptive"])],
    ),
    "learning_rate_init": Keyword(
        "float",
        """Initial step size for "sgd" and "adam".""",
        POSITIVE,
    ),
    "power_t": Keyword(
        "float",
        """Exponent of "invscaling".""",
        NOT_NEGATIVE,
    ),
    "max_iter": Keyword(
        "int",
        """Greatest number of epochs, or of iterations of "lbfgs".""",
        AT_LEAST_1,
        may_change=True,
    ),
    "shuffle": Keyword(
        "bool",
        """Whether to go over the rows in a new order in each epoch.""",
        FLAG,
    ),
    "random_state": Keyword(
        "int, RandomState instance or None",
        """Source of the initial parameters, of the validation split and of the orders. An int gives the same
        fit each time, and scikit-learn's.""",
        ["random_state"],
    ),
    "tol": Keyword(
        "float",
        """What counts as an improvement of the loss (of the validation score with `early_stopping`). "lbfgs"
        stops when no component of the gradient is larger.""",
        NOT_NEGATIVE,
    ),
    "verbose": Keyword(
        'bool, int or "progress"',
        """Whether to print each epoch's loss; "progress" shows a line that moves, by rich, in a terminal or
        a notebook (`chainrule.estimators.ProgressBar`).""",
        ["verbose", OneOf(["progress"])],
        may_change=True,
    ),
    "warm_start": Keyword(
        "bool",
        """Whether `fit` goes on from the parameters of the last fit.""",
        FLAG,
        may_change=True,
    ),
    "momentum": Keyword(
        "float",
        """Momentum of "sgd", in [0, 1].""",
        [Interval(Real, 0, 1, closed="both")],
    ),
    "nesterovs_momentum": Keyword(
        "bool",
        """Whether that momentum is Nesterov's.""",
        FLAG,
    ),
    "early_stopping": Keyword(
        "bool",
        """Whether to set rows aside, to stop when their score no longer improves, and to return the
        parameters that scored best. The split is stratified for two classes (as in scikit-learn).""",
        FLAG,
    ),
    "validation_fraction": Keyword(
        "float",
        """Fraction of rows set aside for `early_stopping`.""",
        BELOW_1,
    ),
    "beta_1": Keyword(
        "float",
        """Decay of adam's first moment, in [0, 1).""",
        BELOW_1,
    ),
    "beta_2": Keyword(
        "float",
        """Decay of adam's second moment, in [0, 1).""",
        BELOW_1,
    ),
    "epsilon": Keyword(
        "float",
        """Added to the denominator of adam.""",
        POSITIVE,
    ),
    "n_iter_no_change": Keyword(
        "int or inf",
        """Number of consecutive epochs without improvement that are allowed.""",
        [*AT_LEAST_1, Options(Real, {np.inf})],
        may_change=True,
    ),
    "max_fun": Keyword(
        "int",
        """Greatest number of evaluations of the loss by "lbfgs".""",
        AT_LEAST_1,
    ),
    "n_threads": Keyword(
        "int or None",
        """Most threads of the engine; None leaves it to OpenMP (`OMP_NUM_THREADS`, threadpoolctl, joblib).
        The fit is the same, bit for bit. Not a parameter of scikit-learn's, nor is any that follows.""",
        [*AT_LEAST_1, None],
        may_change=True,
    ),
    "scoring": Keyword(
        "str, callable, list of these, or None",
        """What is measured after each epoch (`evals_result_`): names of scikit-learn's scorers, "loss", or
        callables (estimator, X, y) -> number, on `X_val` and `y_val`, else on the rows that
        `early_stopping` sets aside, else on the training rows. None is accuracy or R^2 where there are
        rows to watch. The first one decides about early stopping: greater is better, but for "loss".
        Sample weights of the rows watched reach the scorers that take them.""",
        [str, callable, list, tuple, None],
        code=True,
    ),
    "patience": Keyword(
        "int, inf or None",
        """Another name of `n_iter_no_change`, and in its place where it is not None: epochs in a row that
        may improve by less than `tol`.""",
        [*AT_LEAST_1, Options(Real, {np.inf}), None],
        may_change=True,
    ),
    "callbacks": Keyword(
        "callable, FitCallback, list of these, or None",
        """Called after each epoch with its record (`chainrule.estimators.FitRecord`); one that returns True
        stops the training. Objects of scikit-learn's protocol (`sklearn.callback`) may be given here or
        to `set_callbacks`: the fit is a task with one task "epoch" per epoch. Not saved by `save`.""",
        [callable, list, tuple, FitCallback, None],
        may_change=True,
        code=True,
    ),
    "max_time": Keyword(
        "float or None",
        """Seconds after which `fit` stops, at the end of an epoch.""",
        [*POSITIVE, None],
        may_change=True,
    ),
    "checkpoint": Keyword(
        "path or None",
        """File in which `fit` keeps all that it needs to go on (`fit(X, y, resume=True)`) with the bits of a
        fit that was never interrupted. It is replaced at once, never half written, and is a model file,
        too: `chainrule.load` gives the estimator as it was. Not for "lbfgs".""",
        [str, os.PathLike, None],
        may_change=True,
        steps_only=True,
    ),
    "checkpoint_every": Keyword(
        "int or str",
        """After how many epochs the file is written, or after how much time: "10 min", "30 s", "1 h".""",
        [*AT_LEAST_1, str],
        may_change=True,
    ),
    "keep_optimizer": Keyword(
        "bool",
        """Whether `warm_start` keeps the optimizer's moments, step count and learning rate, and not only the
        parameters.""",
        FLAG,
    ),
    "schedule": Keyword(
        "str, Schedule, callable or None",
        """Factors of the learning rate over the steps of `max_iter` epochs, for every solver with epochs but
        "rprop": "constant", "step", "exponential", "cosine", "onecycle", "inverse_time" or "plateau",
        which watches the validation loss where there is one, else the training loss; an instance of
        `chainrule.training.schedules` with settings of its own; or a function of the part of the training
        that is done (0 to 1) that returns a factor.""",
        [OneOf(SCHEDULES), Schedule, callable, None],
        code=True,
        steps_only=True,
    ),
    "clip_norm": Keyword(
        "float or None",
        """Greatest norm of a batch's gradient.""",
        [*POSITIVE, None],
        steps_only=True,
    ),
    "clip_value": Keyword(
        "float or None",
        """Greatest size of each component of a batch's gradient.""",
        [*POSITIVE, None],
        steps_only=True,
    ),
    "l1": Keyword(
        "float",
        """Strength of the penalty l1 sum |W|, divided by the number of rows of the batch like that of
        `alpha`.""",
        NOT_NEGATIVE,
        steps_only=True,
    ),
    "max_norm": Keyword(
        "float or None",
        """Greatest norm of a unit's incoming weights.""",
        [*POSITIVE, None],
        steps_only=True,
    ),
    "learning_rate_factors": Keyword(
        "list of float or None",
        """One factor of the learning rate per layer of weights; a layer with 0 does not change.""",
        ["array-like", None],
        steps_only=True,
    ),
    "precision": Keyword(
        '{"full", "bf16"}',
        """"bf16" multiplies in bfloat16 and sums in float32 while training, for float32 rows on processors
        that can.""",
        [OneOf(PRECISIONS)],
        steps_only=True,
    ),
    "dropout": Keyword(
        "float or list of float",
        """Rate at which outputs of hidden layers are left out in training, the others divided by 1 - rate
        (E10); one for all hidden layers, or one per hidden layer. Not for "lbfgs". Same bits for any
        number of threads.""",
        [*BELOW_1, "array-like"],
        shapes=True,
        steps_only=True,
    ),
    "layer_norm": Keyword(
        "bool or list of bool",
        """Whether the net input of a hidden layer is normalized over its units (E8), with learned gains and
        shifts.""",
        ["boolean", "array-like"],
        shapes=True,
    ),
    "residual": Keyword(
        "bool or list of bool",
        """Whether a hidden layer's input is added to its output (E9); True: wherever both are equally
        wide.""",
        ["boolean", "array-like"],
        shapes=True,
    ),
    "initializer": Keyword(
        "str or None",
        """Scheme of the first weights: "glorot_uniform", "glorot_normal", "he_uniform", "he_normal",
        "lecun_uniform", "lecun_normal" or "orthogonal", with intercepts 0. None is scikit-learn's.""",
        [OneOf(INITIALIZERS), None],
    ),
}

#: Of one of them.
CLASSIFIER: dict[str, Keyword] = {
    "class_weight": Keyword(
        'dict, "balanced", list of dict, or None',
        """Weights of the classes in the training loss, by label; they multiply `sample_weight`. "balanced"
        is n / (n_classes n_c) for class c, n counting the rows (adding up their weights). For a
        multilabel target "balanced" or a list with one {0: weight, 1: weight} per column. What is watched
        is not weighted.""",
        [OneOf(["balanced"]), dict, list, None],
    ),
    "loss": Keyword(
        '{"log_loss", "focal"}, Loss or callable',
        """"log_loss" is the cross-entropy. "focal" multiplies each row's by (1 - p)^gamma, p the probability
        of its class, so that rows that are classified well weigh less; gamma is 2, or that of
        `chainrule.losses.Focal(gamma)`. Or a function: loss(probabilities, targets), with weights
        loss(probabilities, targets, sample_weight), which is given a batch's probabilities (n_rows,
        n_outputs) and its class indices (n_rows,), for two classes and for a multilabel target 0 and 1
        (n_rows, n_outputs); it returns the value of the batch and its derivative by the probabilities.
        `save` keeps no function.""",
        [OneOf(CLASSIFIER_LOSSES), Loss, callable],
        shapes=True,
        code=True,
    ),
    "label_smoothing": Keyword(
        "float",
        """Share s of each target that is spread over all classes: (1 - s) y + s / n_classes. For
        "log_loss".""",
        BELOW_1,
        shapes=True,
    ),
}
REGRESSOR: dict[str, Keyword] = {
    "loss": Keyword(
        "str, Loss or callable",
        """"squared_error" is 1/2 (prediction - y)^2; "absolute_error", "huber", "log_cosh" grow slower with
        large errors; "quantile" estimates `quantiles`. Their mean over outputs is reported, their sum is
        followed. "poisson" is half the deviance, y log(y / prediction) - y + prediction, with prediction
        = exp(net); it needs y >= 0. "gamma" (y > 0) and "tweedie" (y >= 0, power 1.5) are half their
        deviances, too. An instance of `chainrule.losses` has settings of its own, such as
        `Huber(delta=2.0)` or `Tweedie(power=1.2)`. Or a function: loss(predictions, targets), with
        weights loss(predictions, targets, sample_weight), which is given the arrays of a batch, (n_rows,
        n_outputs), and returns the value of the batch and its derivative by the predictions.""",
        [OneOf(REGRESSOR_LOSSES), Loss, callable],
        shapes=True,
        code=True,
    ),
    "scale_targets": Keyword(
        "bool",
        """Whether to train on (y - mean) / standard deviation of each target. Predictions are in the units
        of y; `coefs_`, `loss_curve_` and the validation loss belong to the standardized targets.
        `partial_fit` and `warm_start` keep the units of the first fit. Not for "poisson", "gamma" and
        "tweedie".""",
        FLAG,
    ),
    "quantiles": Keyword(
        "float, list of float or None",
        """Increasing numbers in (0, 1), for loss="quantile"; None is the median. Several do not cross.""",
        ["array-like", Real, None],
        shapes=True,
    ),
}


#: Every one by its name; a name that both have in ways of their own is the classifier's here.
ALL = {**REGRESSOR, **CLASSIFIER, **COMMON}


def constraints(own: dict[str, Keyword]) -> dict[str, list[Any]]:
    """Return scikit-learn's `_parameter_constraints` of an estimator with these keywords of its own."""
    return {name: keyword.constraint for name, keyword in {**COMMON, **own}.items()}


def names(mark: str) -> tuple[str, ...]:
    """Return the keywords that have a mark, a bool field of `Keyword`.

    Examples
    --------
    >>> "dropout" in names("shapes"), "alpha" in names("shapes")
    (True, False)
    """
    return tuple(name for name, keyword in ALL.items() if getattr(keyword, mark))
