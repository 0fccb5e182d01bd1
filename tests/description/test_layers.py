"""Networks and estimators as layers: the same ones, whatever options they have."""

import numpy as np
import pytest
from sklearn.datasets import load_iris

from chainrule import MLPClassifier, Network, diagnose
from chainrule.description import Description, describe
from chainrule.inspection.drawing import draw
from chainrule.inspection.examined import signals_of

X, y = load_iris(return_X_y=True)
OPTIONS = [
    {},
    {"layer_norm": True},
    {"residual": True},
    {"dropout": [0.1, 0.2]},
    {"activation": ["prelu", "gelu"]},
    {"layer_norm": [True, False], "residual": True, "dropout": 0.5, "activation": ["sigmoid", "prelu"]},
]
named = pytest.mark.parametrize("options", OPTIONS, ids=str)


@named
def test_signals_are_the_networks_outputs(options):
    net = Network([4, 6, 6, 3], loss="cross_entropy", random_state=0, **options)
    net.train(X, y, epochs=3)
    np.testing.assert_allclose(signals_of(describe(net).layers, X)[-1], net(X), rtol=1e-10)
    assert describe(net).n_parameters == net.n_parameters


@named
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_signals_are_the_estimators_probabilities(options):
    clf = MLPClassifier((6, 6), max_iter=3, random_state=0, **options).fit(X, y)
    np.testing.assert_allclose(signals_of(describe(clf).layers, X)[-1], clf.predict_proba(X), rtol=1e-10)
    assert "<title>Network 4 – 6 – 6 – 3</title>" in clf._repr_html_()


def test_options_are_seen():
    options = OPTIONS[-1]
    described = describe(Network([4, 6, 6, 3], loss="cross_entropy", random_state=0, **options))
    first, second, output = described.layers
    assert first.gain is not None
    assert second.gain is None
    assert (first.residual, second.residual, output.residual) == (False, True, False)
    assert (first.dropout, second.dropout, output.dropout) == (0.5, 0.5, 0.0)
    assert first.slopes is None
    assert second.slopes is not None
    svg = draw(Description([first, second, output]))
    assert "norm · dropout 0.5" in svg
    assert "stroke-dasharray" in svg


def test_dead_units_behind_a_residual_connection_are_found():
    net = Network([4, 8, 8, 3], loss="cross_entropy", residual=True, random_state=0)
    net.biases[1][:] = 100.0  # subtracted
    codes = diagnose(net, (X - X.mean(axis=0)) / X.std(axis=0), y).codes
    assert codes == ["dead-units"]
