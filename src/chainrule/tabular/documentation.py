"""What the docstrings of both estimators have in common."""

from typing import TypeVar

Class = TypeVar("Class", bound=type)

PARAMETERS = """
preset : {"fast", "default", "best"}, default="default"
    How much is trained: one network, four, or 32. A training goes through cycles in which the learning
    rate falls to 0; after each the networks are finished ones, among which the model is chosen. "fast" ends
    and "default" end after the second cycle, "best" after the third.
time_budget : float, optional
    Seconds that `fit` may take. Trainings are made shorter, and fewer, so that it is kept; on very many rows
    some of them are left out. What is trained then depends on the machine's speed.
n_members : int, optional
    Another number of networks than the preset's.
n_folds : int, default=0
    Train each member so many times, each time without another part of the rows, so that all rows choose. 0
    sets a fifth of the rows aside; with fewer than 5,000 rows the members each leave out another part.
recipe : {RECIPES}, optional
    Train one network instead, as its authors do, and keep its best epoch: RealMLP-TD or -TD-S.
scoring : str, optional
    By what members are chosen: scikit-learn's name of a scorer."""
CLASSIFIER = """
    By default the accuracy, and between equals the likelihood.
calibrate : bool, default=True
    Whether probabilities get one temperature, found on the rows set aside, and a step towards uniform.
class_weight : dict or "balanced", optional
    Weights of the classes, which multiply those of the rows."""
REGRESSOR = """
    By default the root of the mean squared error; of several targets the mean R2."""
OTHERS = """
checkpoint : str or path-like, optional
    File that is written while `fit` goes on, and read by `fit(..., resume=True)`: networks that were finished
    when a fit was ended are not trained again. Needs a whole number as `random_state`.
random_state : int, RandomState instance or None, default=None
    The same number gives the same bits, whatever `n_jobs` is, but for `time_budget`.
n_jobs : int, optional
    Networks that are trained at once, each by a thread. By default one for each core.
verbose : bool or int, default=False
    Whether to write to standard error what is finished, how good it is, and how long it may still take."""
ATTRIBUTES = """
members_ : list of Member
    The networks of the model, those of the largest weight first; each has its `network`, `recipe`, `score`
    and `weight`.
looks_ : list
    What was seen on the way: seconds, networks that were finished, the model's score, the best network's.
preparation_ : Preparation
    What became of the columns.
n_features_in_ : int
feature_names_in_ : ndarray of str
    Where X had names."""


def documented(cls: Class) -> Class:
    """Put the common parts into a class's docstring."""
    own = CLASSIFIER if "Classifier" in cls.__name__ else REGRESSOR
    text = cls.__doc__ or ""
    for name, part in (("{parameters}", PARAMETERS + own + OTHERS), ("{attributes}", ATTRIBUTES)):
        text = text.replace(name, part.strip().replace("\n", "\n    "))
    cls.__doc__ = text.replace("{RECIPES}", '{"realmlp-td", "realmlp-td-s"}')
    return cls
