"""Normalization (E8), skips (E9), dropout (E10) and learned slopes, in any combination."""

from itertools import pairwise, product

import numpy as np
import pytest

import chainrule
from chainrule import reference
from chainrule.description import Description, Layer
from chainrule.reference.activations import PReLU

from .networks import relative_difference
from .test_steps import TOLERANCE, assert_forms_agree


def make_layered(norm, residual, dropout, activation, n_rows, seed=0):
    """Two hidden layers of the input's width, with everything that was asked for in both."""
    rng = np.random.default_rng(seed)
    shapes = list(pairwise([4, 4, 4, 2]))
    weights, biases = [rng.normal(size=shape) for shape in shapes], [rng.normal(size=n) for _, n in shapes]
    gains, shifts, slopes = (
        [rng.normal(size=4), rng.normal(size=4), None] if wanted else [None] * 3
        for wanted in (norm, norm, activation == "prelu")
    )
    flags = [True, True, False]
    layers = [
        Layer(W, b, f, gain, shift, slope, residual and hidden, 0.25 * (dropout and hidden))
        for W, b, f, gain, shift, slope, hidden in zip(
            weights, biases, [activation] * 2 + ["identity"], gains, shifts, slopes, flags, strict=True
        )
    ]
    options = {}
    if norm:
        pairs = zip(gains[:2], shifts[:2], strict=True)
        options["norms"] = [*(reference.Norm(*pair) for pair in pairs), None]
    if residual:
        options["residual"] = flags
    if dropout:
        options["masks"] = [rng.choice([0, 4 / 3], (n_rows, 4)), rng.choice([0, 4 / 3], (n_rows, 4)), None]
    if activation == "prelu":
        options["slopes"] = slopes
    return Description(layers), rng.normal(size=(n_rows, 4)), rng.normal(size=(n_rows, 2)), options


def each(net, kind):
    """What the layers have of a kind, one after the other."""
    return [getattr(layer, kind) for layer in net.layers]


def reference_gradients(net, x, y, options):
    activations = [PReLU() if name == "prelu" else name for name in each(net, "activation")]
    return reference.gradients(
        each(net, "weights"), each(net, "biases"), x, y, activations, net.loss, **options
    )


@pytest.mark.parametrize("n_rows", [1, 3])
@pytest.mark.parametrize("activation", ["tanh", "silu", "prelu"])
@pytest.mark.parametrize(("norm", "residual", "dropout"), list(product([False, True], repeat=3)))
def test_every_combination(norm, residual, dropout, activation, n_rows):
    net, x, y, options = make_layered(norm, residual, dropout, activation, n_rows)
    derivation = chainrule.derive(net, x, y, masks=options.get("masks"))
    assert_forms_agree(derivation)
    g = reference_gradients(net, x, y, options)
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
