"""The part of the docstrings that classifier and regressor share, written once."""

import inspect
import textwrap
from collections.abc import Callable
from typing import TypeVar

from chainrule.estimators.keywords import COMMON, Keyword

T = TypeVar("T")

ATTRIBUTES = """
coefs_ : list of ndarray of shape (n_k, n_{k+1})
    Weights, one matrix per layer. Changing or replacing them changes what `predict` returns and what a
    warm start goes on from.
intercepts_ : list of ndarray of shape (n_{k+1},)
    Intercepts: net = x W + b.
norm_gains_, norm_shifts_ : list of ndarray of shape (n_{k+1},) or None
    Of the layers that `layer_norm` normalizes, None for the others.
slopes_ : list of ndarray of shape (n_{k+1},) or None
    Of the layers with "prelu".
alphas_ : list of ndarray of shape (n_{k+1},) or None
    Of the `parametric` layers.
inputs_ : list of LearnedInput
    The layers of `inputs`, with what they have learned as attributes: ``inputs_[0].frequency``.
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


def documented(own: dict[str, Keyword]) -> Callable[[type[T]], type[T]]:
    """Fill {parameters}, {attributes} and {notes} into the docstring of a class with keywords of its own."""

    def fill(cls: type[T]) -> type[T]:
        # Python run with -OO has no docstrings.
        text = inspect.cleandoc(cls.__doc__ or "")
        known = {**COMMON, **own}
        parameters = "\n".join(
            described(known[name], one.default, name)
            for name, one in inspect.signature(cls).parameters.items()
        )
        for name, part in {"parameters": parameters, "attributes": ATTRIBUTES, "notes": NOTES}.items():
            text = text.replace(f"{{{name}}}", part.strip())
        cls.__doc__ = textwrap.indent(text, "    ", lambda line: bool(line.strip())).lstrip() + "\n    "
        return cls

    return fill


def described(keyword: Keyword, default: object, name: str) -> str:
    """Return a keyword's entry in a docstring."""
    value = f'"{default}"' if isinstance(default, str) else repr(default)
    text = textwrap.indent(inspect.cleandoc(keyword.text), "    ")
    return f"{name} : {keyword.kind}, default={value}\n{text}"
