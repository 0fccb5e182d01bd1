"""Keywords and attributes of other libraries are answered with what there is here."""

import copy
import inspect
import pickle

import numpy as np
import pytest
from sklearn.base import clone

from chainrule import Adam, AdamW, MLPClassifier, MLPRegressor, Network
from chainrule.estimators.elsewhere import ATTRIBUTES, KEYWORDS
from chainrule.network import elsewhere

X = np.random.default_rng(0).normal(size=(30, 3))
EITHER = pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])


@EITHER
@pytest.mark.parametrize("name", KEYWORDS)
def test_keywords(kind, name):
    with pytest.raises(
        TypeError, match=rf"{kind.__name__}\(\) got an unexpected keyword argument '{name}'; "
    ):
        kind(**{name: 1})
    with pytest.raises(TypeError, match=rf"{kind.__name__}\.fit\(\) got .* argument '{name}'; ") as found:
        kind().fit(X, X[:, 0] > 0, **{name: 1})
    assert KEYWORDS[name] in str(found.value)


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
def test_what_the_hints_name_is_there():
    known = inspect.signature(MLPClassifier).parameters
    for name in (
        "early_stopping",
        "patience",
        "scoring",
        "max_iter",
        "hidden_layer_sizes",
        "solver",
        "alpha",
    ):
        assert name in known
    assert not set(KEYWORDS) & set(known)
    assert {"X_val", "y_val"} <= set(inspect.signature(MLPClassifier.fit).parameters)
    fitted = MLPRegressor(max_iter=200, early_stopping=True, random_state=0).fit(X, X[:, 0])
    for name in (
        "coefs_",
        "intercepts_",
        "evals_result_",
        "best_iteration_",
        "loss_curve_",
        "input_gradients",
    ):
        assert hasattr(fitted, name)


def test_other_keywords():
    with pytest.raises(TypeError, match=r"'verbose'; it is set before: MLPRegressor\(verbose=\.\.\.\)"):
        MLPRegressor().fit(X, X[:, 0], verbose=True)
    with pytest.raises(TypeError, match="'hiden_layer_sizes'; did you mean 'hidden_layer_sizes'"):
        MLPRegressor(hiden_layer_sizes=3)
    with pytest.raises(TypeError, match=r"got an unexpected keyword argument 'qqq'$"):
        MLPRegressor().fit(X, X[:, 0], qqq=3)


@EITHER
def test_attributes(kind):
    for name in ATTRIBUTES:
        assert not hasattr(kind(), name)
    with pytest.raises(AttributeError, match="'feature_importances_': a network has none of its own"):
        kind().feature_importances_  # noqa: B018
    with pytest.raises(AttributeError, match=f"^'{kind.__name__}' object has no attribute 'qqq'"):
        kind().qqq  # noqa: B018
    with pytest.raises(AttributeError, match=r"This '.*' has no attribute 'partial_fit'"):
        kind(solver="lbfgs").partial_fit  # noqa: B018


@EITHER
def test_signatures_copies_and_pickles_are_as_they_were(kind):
    assert "self" not in inspect.signature(kind).parameters
    assert all(one.kind is not one.VAR_KEYWORD for one in inspect.signature(kind.fit).parameters.values())
    model = kind(max_iter=5)
    for one in (clone(model), copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert one.get_params() == model.get_params()


@EITHER
@pytest.mark.parametrize("name", sorted(set(KEYWORDS) - set(inspect.signature(MLPRegressor).parameters)))
def test_parameters_to_set(kind, name):
    with pytest.raises(ValueError, match=rf"Invalid parameter '{name}' for .*; ") as found:
        kind().set_params(**{name: 1})
    assert KEYWORDS[name] in str(found.value)
    with pytest.raises(ValueError, match=r"Invalid parameter 'x' for .*\]\.$"):
        kind().set_params(x=1)
    model = kind()
    assert model.set_params(alpha=2) is model
    assert model.alpha == 2


@pytest.mark.parametrize("name", sorted(set(elsewhere.KEYWORDS) | {"epoch", "x_"}))
def test_keywords_of_network_train(name):
    net = Network([3, 1], random_state=0)
    hint = elsewhere.KEYWORDS.get(name, "did you mean 'epochs'?" if name == "epoch" else "")
    with pytest.raises(
        TypeError, match=rf"Network\.train\(\) got an unexpected keyword argument '{name}'"
    ) as found:
        net.train(X, X[:, :1], **{name: 1})
    assert hint in str(found.value)


def test_what_the_hints_for_network_train_name_is_there():
    known = inspect.signature(Network.train).parameters
    assert {"validation", "patience", "min_improvement", "epochs", "callback", "optimizer"} <= set(known)
    assert not set(elsewhere.KEYWORDS) & set(known)
    assert {"random_state", "n_threads"} <= set(inspect.signature(Network).parameters)
    for optimizer in (Adam(0.01), AdamW(0.01, weight_decay=0.1), Adam(0.01, l2=0.001)):
        Network([3, 1], random_state=0).train(X, X[:, :1], optimizer=optimizer, epochs=1)
