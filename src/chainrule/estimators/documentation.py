"""The part of the docstrings that classifier and regressor share, written once."""

import inspect
import textwrap
from typing import TypeVar

T = TypeVar("T")

PARAMETERS = """
hidden_layer_sizes : int or array-like of int, default=(100,)
    Number of neurons of each hidden layer; empty for a linear model.
activation : str or list of str, default="relu"
    Function of the hidden layers, or one per hidden layer: scikit-learn's "identity", "logistic", "tanh" and
    "relu", and "sigmoid" (another name for "logistic"), "leaky_relu", "elu", "selu", "softplus", "gelu",
    "silu", "mish", "softsign", "hardtanh", "relu6", and "prelu", which learns a slope per unit.
solver : str or Optimizer, default="adam"
    scikit-learn's "adam" and "sgd" go over the rows in batches, epoch by epoch; "lbfgs" takes all rows at
    once, in float64, and is often better on small data. Beside them "adamw", "rmsprop", "adagrad", "nadam",
    "lion" and "rprop" (for all rows in one batch). A name takes `learning_rate_init`, and `beta_1`,
    `beta_2` and `epsilon` if the optimiser has them; an instance of `chainrule.optimizers` brings all of
    its settings, penalties and bounds of gradients included, and the parameters of these names are not
    heard.
alpha : float, default=0.0001
    Strength of the L2 penalty alpha/2 ||W||^2, which is divided by the number of rows of the batch (by
    the sum of their weights, where given). For "adamw" and "lion" it is their decoupled weight decay:
    W <- (1 - learning_rate alpha) W.
batch_size : int or "auto", default="auto"
    Rows per update; "auto" is min(200, n_samples). Not for "lbfgs".
learning_rate : {"constant", "invscaling", "adaptive"}, default="constant"
    Schedule for solver="sgd". "invscaling" divides `learning_rate_init` by (rows seen + 1)^`power_t` after
    each epoch. "adaptive" divides it by five whenever training would otherwise stop.
learning_rate_init : float, default=0.001
    Initial step size for "sgd" and "adam".
power_t : float, default=0.5
    Exponent of "invscaling".
max_iter : int, default=200
    Greatest number of epochs, or of iterations of "lbfgs".
shuffle : bool, default=True
    Whether to go over the rows in a new order in each epoch.
random_state : int, RandomState instance or None, default=None
    Source of the initial parameters, of the validation split and of the orders. An int gives the same
    fit each time, and scikit-learn's.
tol : float, default=1e-4
    What counts as an improvement of the loss (of the validation score with `early_stopping`). "lbfgs"
    stops when no component of the gradient is larger.
verbose : bool, int or "progress", default=False
    Whether to print each epoch's loss; "progress" shows a line that moves, by rich, in a terminal or a
    notebook (`chainrule.estimators.ProgressBar`).
warm_start : bool, default=False
    Whether `fit` goes on from the parameters of the last fit.
momentum : float, default=0.9
    Momentum of "sgd", in [0, 1].
nesterovs_momentum : bool, default=True
    Whether that momentum is Nesterov's.
early_stopping : bool, default=False
    Whether to set rows aside, to stop when their score no longer improves, and to return the parameters
    that scored best. The split is stratified for two classes (as in scikit-learn).
validation_fraction : float, default=0.1
    Fraction of rows set aside for `early_stopping`.
beta_1, beta_2 : float, default=0.9, 0.999
    Decay of adam's moments, in [0, 1).
epsilon : float, default=1e-8
    Added to the denominator of adam.
n_iter_no_change : int or inf, default=10
    Number of consecutive epochs without improvement that are allowed.
max_fun : int, default=15000
    Greatest number of evaluations of the loss by "lbfgs".
n_threads : int or None, default=None
    Most threads of the engine; None leaves it to OpenMP (`OMP_NUM_THREADS`, threadpoolctl,
    joblib). The fit is the same, bit for bit. Not a parameter of scikit-learn's, nor is any that follows.
{own}
scoring : str, callable, list of these, or None, default=None
    What is measured after each epoch (`evals_result_`): names of scikit-learn's scorers, "loss", or
    callables (estimator, X, y) -> number, on `X_val` and `y_val`, else on the rows that `early_stopping`
    sets aside, else on the training rows. None is accuracy or R^2 where there are rows to watch. The first
    one decides about early stopping: greater is better, but for "loss". Sample weights of the rows watched
    reach the scorers that take them.
patience : int, inf or None, default=None
    Another name of `n_iter_no_change`, and in its place where it is not None: epochs in a row that may
    improve by less than `tol`.
callbacks : callable, FitCallback, list of these, or None, default=None
    Called after each epoch with its record (`chainrule.estimators.FitRecord`); one that returns True stops
    the training. Objects of scikit-learn's protocol (`sklearn.callback`) may be given here or to
    `set_callbacks`: the fit is a task with one task "epoch" per epoch. Not saved by `save`.
max_time : float or None, default=None
    Seconds after which `fit` stops, at the end of an epoch.
checkpoint : path or None, default=None
    File in which `fit` keeps all that it needs to go on (`fit(X, y, resume=True)`) with the bits of a fit
    that was never interrupted. It is replaced at once, never half written, and is a model file, too:
    `chainrule.load` gives the estimator as it was. Not for "lbfgs".
checkpoint_every : int or str, default=1
    After how many epochs the file is written, or after how much time: "10 min", "30 s", "1 h".
keep_optimizer : bool, default=False
    Whether `warm_start` keeps the optimizer's moments, step count and learning rate, and not only the
    parameters.
schedule : str, Schedule, callable or None, default=None
    Factors of the learning rate over the steps of `max_iter` epochs, for every solver with epochs but
    "rprop": "constant", "step", "exponential", "cosine", "onecycle", "inverse_time" or "plateau", which
    watches the validation loss where there is one, else the training loss; an instance of
    `chainrule.training.schedules` with settings of its own; or a function of the part of the training that
    is done (0 to 1) that returns a factor.
clip_norm, clip_value : float or None, default=None
    Greatest norm of a batch's gradient, and of each of its components.
l1 : float, default=0.0
    Strength of the penalty l1 sum |W|, divided by the number of rows of the batch like that of `alpha`.
max_norm : float or None, default=None
    Greatest norm of a unit's incoming weights.
learning_rate_factors : list of float or None, default=None
    One factor of the learning rate per layer of weights; a layer with 0 does not change.
precision : {"full", "bf16"}, default="full"
    "bf16" multiplies in bfloat16 and sums in float32 while training, for float32 rows on processors that
    can.
dropout : float or list of float, default=0.0
    Rate at which outputs of hidden layers are left out in training, the others divided by 1 - rate (E10);
    one for all hidden layers, or one per hidden layer. Not for "lbfgs". Same bits for any number of threads.
layer_norm : bool or list of bool, default=False
    Whether the net input of a hidden layer is normalised over its units (E8), with learned gains and
    shifts.
residual : bool or list of bool, default=False
    Whether a hidden layer's input is added to its output (E9); True: wherever both are equally wide.
initializer : str or None, default=None
    Scheme of the first weights: "glorot_uniform", "glorot_normal", "he_uniform", "he_normal",
    "lecun_uniform", "lecun_normal" or "orthogonal", with intercepts 0. None is scikit-learn's.
"""

#: What only one of the two estimators has.
OWN = {
    "MLPClassifier": """
class_weight : dict, "balanced", list of dict, or None, default=None
    Weights of the classes in the training loss, by label; they multiply `sample_weight`. "balanced" is
    n / (n_classes n_c) for class c, n counting the rows (adding up their weights). For a multilabel target
    "balanced" or a list with one {0: weight, 1: weight} per column. What is watched is not weighted.
loss : {"log_loss", "focal"}, Loss or callable, default="log_loss"
    "log_loss" is the cross-entropy. "focal" multiplies each row's by (1 - p)^gamma, p the probability of its
    class, so that rows that are classified well weigh less; gamma is 2, or that of
    `chainrule.losses.Focal(gamma)`. Or a function: loss(probabilities, targets), with weights
    loss(probabilities, targets, sample_weight), which is given a batch's probabilities (n_rows, n_outputs)
    and its class indices (n_rows,), for two classes and for a multilabel target 0 and 1 (n_rows,
    n_outputs); it returns the value of the batch and its derivative by the probabilities. `save` keeps no
    function.
label_smoothing : float, default=0.0
    Share s of each target that is spread over all classes: (1 - s) y + s / n_classes. For "log_loss".
""",
    "MLPRegressor": """
scale_targets : bool, default=False
    Whether to train on (y - mean) / standard deviation of each target. Predictions are in the units of y;
    `coefs_`, `loss_curve_` and the validation loss belong to the standardised targets. `partial_fit` and
    `warm_start` keep the units of the first fit. Not for "poisson", "gamma" and "tweedie".
quantiles : float, list of float or None, default=None
    Increasing numbers in (0, 1), for loss="quantile"; None is the median. Several do not cross.
""",
}

ATTRIBUTES = """
coefs_ : list of ndarray of shape (n_k, n_{k+1})
    Weights, one matrix per layer. Changing or replacing them changes what `predict` returns and what a
    warm start goes on from.
intercepts_ : list of ndarray of shape (n_{k+1},)
    Intercepts: net = x W + b.
norm_gains_, norm_shifts_ : list of ndarray of shape (n_{k+1},) or None
    Of the layers that `layer_norm` normalises, None for the others.
slopes_ : list of ndarray of shape (n_{k+1},) or None
    Of the layers with "prelu".
loss_ : float
    Loss of the last epoch, penalty included.
best_loss_ : float or None
    Smallest loss of an epoch; None with `early_stopping`. Not for "lbfgs".
loss_curve_ : list of float
    Loss of every epoch: the mean over its rows of each batch's loss before its update. Not for "lbfgs".
validation_scores_ : list of float or None
    Score of every epoch with `early_stopping`: accuracy for a classifier, R^2 for a regressor.
    With `scoring` its first measure ("loss": negative). None without `early_stopping`.
best_validation_score_ : float or None
    Largest of these.
evals_result_ : dict of str to list of float
    What was measured after every epoch, by name: "loss" of the rows watched (without penalty; where there
    are any, or `scoring` asks for it), and the scores.
validation_loss_curve_ : list of float or None
    `evals_result_["loss"]`.
best_iteration_ : int or None
    The epoch that was best for the rows watched, counted from 1 along `loss_curve_`. With `early_stopping`
    the one with the best score, whose parameters these are. Without, the one with the best value of the
    first of `scoring`, or else the smallest validation loss; the parameters are the last epoch's. None
    where no rows but those of training are measured.
stop_reason_ : str or None
    Why the last fit ended: "no_improvement", "max_iter", "max_time", "callback" or "interrupted"; None
    after a call of `partial_fit` that may be followed by another.
n_iter_ : int
    Number of epochs, or of iterations of "lbfgs", in the last fit.
t_ : int
    Number of rows seen in training, repetitions counted.
n_layers_ : int
    Number of layers of neurons, input and output included.
n_outputs_ : int
    Number of outputs.
out_activation_ : str
    Function of the output layer: "softmax", "logistic", "identity", "exp", or "ordered(n)" for n quantiles.
n_features_in_ : int
    Number of columns seen in `fit`.
feature_names_in_ : ndarray of shape (n_features_in_,)
    Their names, where X had names that are all strings.
"""

NOTES = """
Notes
-----
The equations are E1 to E7 of the project's design, those of the hand-derived backward pass; the numbers
are scikit-learn's "to rounding": sums are taken in another order, so the last digits differ at first, and
differences grow where training amplifies them.

References
----------
X. Glorot, Y. Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010.

D. P. Kingma, J. Ba, "Adam: a method for stochastic optimization", 2014, arXiv:1412.6980.

I. Sutskever et al., "On the importance of initialization and momentum in deep learning", 2013.

The formulas and sources of what is not scikit-learn's: `docs/parameters.md`.
"""


def documented(cls: type[T]) -> type[T]:
    """Fill {parameters}, {attributes} and {notes} into a class's docstring."""
    # Python run with -OO has no docstrings.
    text = inspect.cleandoc(cls.__doc__ or "")
    parameters = PARAMETERS.strip().replace("{own}", OWN[cls.__name__].strip())
    if "\nParameters\n" not in text:
        parameters = f"Parameters\n----------\n{parameters}"
    for name, part in {"parameters": parameters, "attributes": ATTRIBUTES, "notes": NOTES}.items():
        text = text.replace(f"{{{name}}}", part.strip())
    cls.__doc__ = textwrap.indent(text, "    ", lambda line: bool(line.strip())).lstrip() + "\n    "
    return cls
