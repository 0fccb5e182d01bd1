"""Normalisation (E8), skips (E9), dropout (E10) and learned slopes, in any combination."""

from itertools import pairwise, product
from types import SimpleNamespace

import numpy as np
import pytest

import chainrule
from chainrule import reference
from chainrule.reference.activations import PReLU

from .networks import relative_difference
from .test_steps import TOLERANCE, assert_forms_agree


def make_layered(norm, residual, dropout, activation, n_rows, seed=0):
    """Two hidden layers of the input's width, with everything that was asked for in both."""
    rng = np.random.default_rng(seed)
    sizes, names = [4, 4, 4, 2], [activation, activation, "identity"]
    shapes = list(pairwise(sizes))
    net = SimpleNamespace(
        weights=[rng.normal(size=shape) for shape in shapes],
        biases=[rng.normal(size=n) for _, n in shapes],
        activations=names,
        loss="squared_error",
    )
    options = {}
    if norm:
        net.norm_gains = [rng.normal(size=4), rng.normal(size=4), None]
        net.norm_shifts = [rng.normal(size=4), rng.normal(size=4), None]
        pairs = zip(net.norm_gains[:2], net.norm_shifts[:2], strict=True)
        options["norms"] = [*(reference.Norm(*pair) for pair in pairs), None]
    if residual:
        net.residual = options["residual"] = [True, True, False]
    if dropout:
        net.dropout = 0.25
        options["masks"] = [rng.choice([0, 4 / 3], (n_rows, 4)), rng.choice([0, 4 / 3], (n_rows, 4)), None]
    if activation == "prelu":
        net.slopes = options["slopes"] = [rng.normal(size=4), rng.normal(size=4), None]
    return net, rng.normal(size=(n_rows, 4)), rng.normal(size=(n_rows, 2)), options


@pytest.mark.parametrize("n_rows", [1, 3])
@pytest.mark.parametrize("activation", ["tanh", "silu", "prelu"])
@pytest.mark.parametrize(("norm", "residual", "dropout"), list(product([False, True], repeat=3)))
def test_every_combination(norm, residual, dropout, activation, n_rows):
    net, x, y, options = make_layered(norm, residual, dropout, activation, n_rows)
    derivation = chainrule.derive(net, x, y, masks=options.get("masks"))
    assert_forms_agree(derivation)
    activations = [PReLU() if name == "prelu" else name for name in net.activations]
    g = reference.gradients(net.weights, net.biases, x, y, activations, net.loss, **options)
    batch = "" if n_rows == 1 else "batch."
    for k in (1, 2, 3):
        wanted = {"dW": g.weights, "db": g.biases, "dgain": g.gains, "dshift": g.shifts, "dslope": g.slopes}
        for kind, gradients in wanted.items():
            if gradients[k - 1] is not None:
                found = derivation.value(f"{batch}{kind}.{k}").reshape(gradients[k - 1].shape)
                assert relative_difference(found, gradients[k - 1]) < TOLERANCE, (kind, k)
        assert relative_difference(derivation.value(f"delta.{k}"), n_rows * g.deltas[k - 1]) < TOLERANCE
    assert relative_difference(derivation.value("dx.1"), n_rows * g.x) < TOLERANCE
    equations = {step.equation for step in derivation}
    assert ("E8" in equations, "E9" in equations, "E10" in equations) == (norm, residual, dropout)
    derivation.to_text(language="zh")
    derivation.to_dict()


def test_dropout_is_off_without_masks():
    net, x, y, _ = make_layered(False, False, True, "tanh", 2)
    derivation = chainrule.derive(net, x, y)
    assert (derivation.value("mask.1") == 1).all()
    assert "probability 0.25" in derivation.step("dropout.1").note.en
