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
from chainrule.training.blocks import MOST_BLOCKS
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
    constraint: list[Any]
    text: str
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

# fmt: off
#: Of both, in the order of the constructors.
COMMON: dict[str, Keyword] = {
    "hidden_layer_sizes": Keyword("int or array-like of int", ["array-like", *AT_LEAST_1], text="""
        Number of neurons of each hidden layer; empty for a linear model.
        """),
    "activation": Keyword("str or list of str", [ACTIVATIONS, list, tuple], shapes=True, text="""
        Function of the hidden layers, or one per hidden layer: scikit-learn's "identity", "logistic", "tanh"
        and "relu", and "sigmoid" (another name for "logistic"), "leaky_relu", "elu", "selu", "softplus",
        "gelu", "silu", "mish", "softsign", "hardtanh", "relu6", and "prelu", which learns a slope per unit.
        """),
    "solver": Keyword("str or Optimizer", [OneOf(["lbfgs", *OPTIMIZERS]), Optimizer], text="""
        scikit-learn's "adam" and "sgd" go over the rows in batches, epoch by epoch; "lbfgs" takes all rows at
        once, in float64, and is often better on small data. Beside them "adamw", "rmsprop", "adagrad",
        "nadam", "lion" and "rprop" (for all rows in one batch). A name takes `learning_rate_init`, and
        `beta_1`, `beta_2` and `epsilon` if the optimizer has them; an instance of `chainrule.optimizers`
        brings all of its settings, penalties and bounds of gradients included, and the parameters of these
        names are ignored.
        """),
    "alpha": Keyword("float", NOT_NEGATIVE, text="""
        Strength of the L2 penalty alpha/2 ||W||^2, which is divided by the number of rows of the batch (by
        the sum of their weights, where given). For "adamw" and "lion" it is their decoupled weight decay: W
        <- (1 - learning_rate alpha) W.
        """),
    "batch_size": Keyword('int or "auto"', [OneOf(["auto"]), *AT_LEAST_1], text="""
        Rows per update; "auto" is min(200, n_samples). Not for "lbfgs".
        """),
    "learning_rate": Keyword(
        '{"constant", "invscaling", "adaptive"}', [OneOf(["constant", "invscaling", "adaptive"])], text="""
        Schedule for solver="sgd". "invscaling" divides `learning_rate_init` by (rows seen + 1)^`power_t`
        after each epoch. "adaptive" divides it by five whenever training would otherwise stop.
        """),
    "learning_rate_init": Keyword("float", POSITIVE, text="""
        Initial step size for "sgd" and "adam".
        """),
    "power_t": Keyword("float", NOT_NEGATIVE, text="""
        Exponent of "invscaling".
        """),
    "max_iter": Keyword("int", AT_LEAST_1, may_change=True, text="""
        Greatest number of epochs, or of iterations of "lbfgs".
        """),
    "shuffle": Keyword("bool", FLAG, text="""
        Whether to go over the rows in a new order in each epoch.
        """),
    "random_state": Keyword("int, RandomState instance or None", ["random_state"], text="""
        Source of the initial parameters, of the validation split and of the orders. An int gives the same fit
        each time, and scikit-learn's.
        """),
    "tol": Keyword("float", NOT_NEGATIVE, text="""
        What counts as an improvement of the loss (of the validation score with `early_stopping`). "lbfgs"
        stops when no component of the gradient is larger.
        """),
    "verbose": Keyword(
        'bool, int or "progress"', ["verbose", OneOf(["progress"])], may_change=True, text="""
        Whether to print each epoch's loss, of streamed rows also their number, how many pass a second, and
        how long the rest takes at most; "progress" shows a line that moves, by rich, in a terminal or a
        notebook (`chainrule.estimators.ProgressBar`).
        """),
    "warm_start": Keyword("bool", FLAG, may_change=True, text="""
        Whether `fit` goes on from the parameters of the last fit.
        """),
    "momentum": Keyword("float", [Interval(Real, 0, 1, closed="both")], text="""
        Momentum of "sgd", in [0, 1].
        """),
    "nesterovs_momentum": Keyword("bool", FLAG, text="""
        Whether that momentum is Nesterov's.
        """),
    "early_stopping": Keyword("bool", FLAG, text="""
        Whether to set rows aside, to stop when their score no longer improves, and to return the parameters
        that scored best. The split is stratified for two classes (as in scikit-learn).
        """),
    "validation_fraction": Keyword("float", BELOW_1, text="""
        Fraction of rows set aside for `early_stopping`.
        """),
    "beta_1": Keyword("float", BELOW_1, text="""
        Decay of adam's first moment, in [0, 1).
        """),
    "beta_2": Keyword("float", BELOW_1, text="""
        Decay of adam's second moment, in [0, 1).
        """),
    "epsilon": Keyword("float", POSITIVE, text="""
        Added to the denominator of adam.
        """),
    "n_iter_no_change": Keyword(
        "int or inf", [*AT_LEAST_1, Options(Real, {np.inf})], may_change=True, text="""
        Number of consecutive epochs without improvement that are allowed.
        """),
    "max_fun": Keyword("int", AT_LEAST_1, text="""
        Greatest number of evaluations of the loss by "lbfgs".
        """),
    "n_threads": Keyword("int or None", [*AT_LEAST_1, None], may_change=True, text="""
        Most threads of the engine; None leaves it to OpenMP (`OMP_NUM_THREADS`, threadpoolctl, joblib). The
        fit is the same, bit for bit. Not a parameter of scikit-learn's, nor is any that follows.
        """),
    "scoring": Keyword(
        "str, callable, list of these, or None", [str, callable, list, tuple, None], code=True, text="""
        What is measured after each epoch (`evals_result_`): names of scikit-learn's scorers, "loss", or
        callables (estimator, X, y) -> number, on `X_val` and `y_val`, else on the rows that `early_stopping`
        sets aside, else on the training rows. None is accuracy or R^2 where there are rows to watch. The
        first one decides about early stopping: greater is better, but for "loss". Sample weights of the rows
        watched reach the scorers that take them.
        """),
    "patience": Keyword(
        "int, inf or None", [*AT_LEAST_1, Options(Real, {np.inf}), None], may_change=True, text="""
        Another name of `n_iter_no_change`, and in its place where it is not None: epochs in a row that may
        improve by less than `tol`.
        """),
    "callbacks": Keyword(
        "callable, FitCallback, list of these, or None", [callable, list, tuple, FitCallback, None],
        may_change=True, code=True, text="""
        Called after each epoch with its record (`chainrule.estimators.FitRecord`); one that returns True
        stops the training. One with a method `rows_pass` is also told of rows that are streamed: it is given
        the `Pace` of the epoch, from one window of rows to the next. Objects of scikit-learn's protocol
        (`sklearn.callback`) may be given here or to `set_callbacks`: the fit is a task with one task "epoch"
        per epoch. Not saved by `save`.
        """),
    "max_time": Keyword("float or None", [*POSITIVE, None], may_change=True, text="""
        Seconds after which `fit` stops, at the end of an epoch.
        """),
    "checkpoint": Keyword(
        "path or None", [str, os.PathLike, None], may_change=True, steps_only=True, text="""
        File in which `fit` keeps all that it needs to go on (`fit(X, y, resume=True)`) with the bits of a fit
        that was never interrupted. It is replaced at once, never half written, and is a model file, too:
        `chainrule.load` gives the estimator as it was. Not for "lbfgs".
        """),
    "checkpoint_every": Keyword("int or str", [*AT_LEAST_1, str], may_change=True, text="""
        After how many epochs the file is written, or after how much time: "10 min", "30 s", "1 h".
        """),
    "keep_optimizer": Keyword("bool", FLAG, text="""
        Whether `warm_start` keeps the optimizer's moments, step count and learning rate, and not only the
        parameters.
        """),
    "schedule": Keyword(
        "str, Schedule, callable or None", [OneOf(SCHEDULES), Schedule, callable, None],
        code=True, steps_only=True, text="""
        Factors of the learning rate over the steps of `max_iter` epochs, for every solver with epochs but
        "rprop": "constant", "step", "exponential", "cosine", "onecycle", "inverse_time" or "plateau", which
        watches the validation loss where there is one, else the training loss; an instance of
        `chainrule.training.schedules` with settings of its own; or a function of the part of the training
        that is done (0 to 1) that returns a factor.
        """),
    "clip_norm": Keyword("float or None", [*POSITIVE, None], steps_only=True, text="""
        Greatest norm of a batch's gradient.
        """),
    "clip_value": Keyword("float or None", [*POSITIVE, None], steps_only=True, text="""
        Greatest size of each component of a batch's gradient.
        """),
    "l1": Keyword("float", NOT_NEGATIVE, steps_only=True, text="""
        Strength of the penalty l1 sum |W|, divided by the number of rows of the batch like that of `alpha`.
        """),
    "max_norm": Keyword("float or None", [*POSITIVE, None], steps_only=True, text="""
        Greatest norm of a unit's incoming weights.
        """),
    "learning_rate_factors": Keyword(
        "list of float or None", ["array-like", None], steps_only=True, text="""
        One factor of the learning rate per layer of weights; a layer with 0 does not change.
        """),
    "precision": Keyword('{"full", "bf16"}', [OneOf(PRECISIONS)], steps_only=True, text="""
        "bf16" multiplies in bfloat16 and sums in float32 while training, for float32 rows on processors that
        can.
        """),
    "dropout": Keyword(
        "float or list of float", [*BELOW_1, "array-like"], shapes=True, steps_only=True, text="""
        Rate at which outputs of hidden layers are left out in training, the others divided by 1 - rate (E10);
        one for all hidden layers, or one per hidden layer. Not for "lbfgs". Same bits for any number of
        threads.
        """),
    "layer_norm": Keyword("bool or list of bool", ["boolean", "array-like"], shapes=True, text="""
        Whether the net input of a hidden layer is normalized over its units (E8), with learned gains and
        shifts.
        """),
    "residual": Keyword("bool or list of bool", ["boolean", "array-like"], shapes=True, text="""
        Whether a hidden layer's input is added to its output (E9); True: wherever both are equally wide.
        """),
    "initializer": Keyword("str or None", [OneOf(INITIALIZERS), None], text="""
        Scheme of the first weights: "glorot_uniform", "glorot_normal", "he_uniform", "he_normal",
        "lecun_uniform", "lecun_normal" or "orthogonal", with intercepts 0. None is scikit-learn's.
        """),
    "row_blocks": Keyword(
        "int", [Interval(Integral, 1, MOST_BLOCKS, closed="both")], steps_only=True, text="""
        Blocks of neighboring rows, of which every batch takes its share. Each block has an order of its own,
        by `random_state`, and its gradient is summed apart; the sums are added in a fixed tree: a fit does
        not depend on who holds which block. 1 is scikit-learn's fit. Not for "lbfgs" and "bf16".
        """),
    "parametric": Keyword("bool or list of bool", ["boolean", "array-like"], shapes=True, text="""
        Whether units of a hidden layer learn how strong their activation is: net + alpha (f(net) - net),
        alpha 1 at first (E12). Not for "prelu".
        """),
    "inputs": Keyword("list of InputLayer or None", ["array-like", None], shapes=True, text="""
        What stands between the columns of X and the first layer of weights, of `chainrule.inputs`: embeddings
        of numbers (E13, E14) and of categories (E15), and a factor for each column (E11). Every column of X
        is taken by one of them; X is dense, and a column of categories has their codes as whole numbers.
        """),
}

#: Of one of them.
CLASSIFIER: dict[str, Keyword] = {
    "class_weight": Keyword(
        'dict, "balanced", list of dict, or None', [OneOf(["balanced"]), dict, list, None], text="""
        Weights of the classes in the training loss, by label; they multiply `sample_weight`. "balanced" is n
        / (n_classes n_c) for class c, n counting the rows (adding up their weights). For a multilabel target
        "balanced" or a list with one {0: weight, 1: weight} per column. What is watched is not weighted.
        """),
    "loss": Keyword(
        '{"log_loss", "focal"}, Loss or callable', [OneOf(CLASSIFIER_LOSSES), Loss, callable],
        shapes=True, code=True, text="""
        "log_loss" is the cross-entropy. "focal" multiplies each row's by (1 - p)^gamma, p the probability of
        its class, so that rows that are classified well weigh less; gamma is 2, or that of
        `chainrule.losses.Focal(gamma)`. Or a function: loss(probabilities, targets), with weights
        loss(probabilities, targets, sample_weight), which is given a batch's probabilities (n_rows,
        n_outputs) and its class indices (n_rows,), for two classes and for a multilabel target 0 and 1
        (n_rows, n_outputs); it returns the value of the batch and its derivative by the probabilities. `save`
        keeps no function.
        """),
    "label_smoothing": Keyword("float", BELOW_1, shapes=True, text="""
        Share s of each target that is spread over all classes: (1 - s) y + s / n_classes. For "log_loss".
        """),
}
REGRESSOR: dict[str, Keyword] = {
    "loss": Keyword(
        "str, Loss or callable", [OneOf(REGRESSOR_LOSSES), Loss, callable], shapes=True, code=True, text="""
        "squared_error" is 1/2 (prediction - y)^2; "absolute_error", "huber", "log_cosh" grow slower with
        large errors; "quantile" estimates `quantiles`. Their mean over outputs is reported, their sum is
        followed. "poisson" is half the deviance, y log(y / prediction) - y + prediction, with prediction =
        exp(net); it needs y >= 0. "gamma" (y > 0) and "tweedie" (y >= 0, power 1.5) are half their deviances,
        too. An instance of `chainrule.losses` has settings of its own, such as `Huber(delta=2.0)` or
        `Tweedie(power=1.2)`. Or a function: loss(predictions, targets), with weights loss(predictions,
        targets, sample_weight), which is given the arrays of a batch, (n_rows, n_outputs), and returns the
        value of the batch and its derivative by the predictions.
        """),
    "scale_targets": Keyword("bool", FLAG, text="""
        Whether to train on (y - mean) / standard deviation of each target. Predictions are in the units of y;
        `coefs_`, `loss_curve_` and the validation loss belong to the standardized targets. `partial_fit` and
        `warm_start` keep the units of the first fit. Not for "poisson", "gamma" and "tweedie".
        """),
    "quantiles": Keyword("float, list of float or None", ["array-like", Real, None], shapes=True, text="""
        Increasing numbers in (0, 1), for loss="quantile"; None is the median. Several do not cross.
        """),
}


# fmt: on
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
