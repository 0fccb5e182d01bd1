"""The engine's networks with normalization, skips, dropout and learned slopes, verified against it."""

from itertools import product

import numpy as np
import pytest

import chainrule

from .networks import relative_difference
from .test_steps import assert_forms_agree


def make_network(norm, residual, dropout, activation):
    rng = np.random.default_rng(0)
    net = chainrule.Network(
        [4, 4, 4, 2],
        activation=activation,
        layer_norm=norm,
        residual=residual,
        dropout=0.25 * dropout,
        random_state=0,
    )
    for vectors in (net.norm_gains, net.norm_shifts, net.slopes):
        for vector in vectors:
            if vector is not None:
                vector[:] = rng.normal(size=vector.shape)
    return net, rng.normal(size=(3, 4)), rng.normal(size=(3, 2))


@pytest.mark.parametrize("activation", ["tanh", "prelu"])
@pytest.mark.parametrize(("norm", "residual", "dropout"), list(product([False, True], repeat=3)))
def test_every_combination(norm, residual, dropout, activation):
    net, x, y = make_network(norm, residual, dropout, activation)
    derivation = chainrule.derive(net, x, y)
    assert_forms_agree(derivation)
    report = derivation.verify()
    g = net.gradients(x, y)
    for k in (1, 2):
        checks = {step.key: step for step in report.steps}
        assert checks[f"dW.{k}"].engine is not None
        assert relative_difference(derivation.value(f"batch.dW.{k}"), g.weights[k - 1]) < 1e-12
        for kind, gradients in (("gain", g.gains), ("shift", g.shifts), ("slope", g.slopes)):
            if gradients[k - 1] is not None:
                assert checks[f"batch.d{kind}.{k}"].engine is not None
                if not dropout:
                    assert checks[f"update.{kind}.{k}"].engine is not None
    equations = {step.equation for step in derivation}
    assert {"E8": norm, "E9": residual, "E10": dropout} == {e: e in equations for e in ("E8", "E9", "E10")}


def test_masks_are_not_the_engines():
    net, x, y = make_network(False, False, True, "tanh")
    masks = [np.random.default_rng(0).choice([0, 4 / 3], (3, 4)) for _ in range(2)] + [None]
    report = chainrule.derive(net, x, y, masks=masks).verify()
    assert {check.key.partition(".")[0] for check in report.steps if check.engine is not None} == {"update"}
    assert report.largest["reference"] > 0.0


@pytest.mark.filterwarnings("ignore:.*reached")
def test_estimators():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(30, 4)), rng.normal(size=30)
    model = chainrule.MLPRegressor(
        hidden_layer_sizes=(4, 4),
        activation=["logistic", "prelu"],
        layer_norm=True,
        residual=True,
        dropout=0.2,
        max_iter=3,
        random_state=0,
    ).fit(X, y)
    derivation = chainrule.derive(model, X[:3], y[:3])
    assert_forms_agree(derivation)
    np.testing.assert_allclose(derivation.value("x.4").ravel(), model.predict(X[:3]), rtol=1e-12)
    assert derivation.verify()
    assert {"E8", "E9", "E10"} <= {step.equation for step in derivation}
