"""The seed's network: its equations in its letters and its order, and its numbers; its slips are mended."""

import numpy as np
import pytest

import chainrule
from chainrule.derive.render.document import HEADINGS
from chainrule.derive.render.text import text

from .networks import make, make_seed_network, relative_difference

#: The seed's lines, each with the step that has it. net₃ stands for hidden₂ C − c, and so on.
LINES = [
    ("network", "ŷ = f(f(f(x A − a) B − b) C − c)"),
    ("output.1", "hidden₁ = f(net₁)"),
    ("output.2", "hidden₂ = f(net₂)"),
    ("loss", "E = ½ ‖ŷ − y‖²"),
    ("dyhat", "∂E/∂ŷ = ŷ − y"),
    ("prime.3", "f′(net₃) = ŷ ∘ (1 − ŷ)"),
    ("jacobian.3", "∂ŷ/∂net₃ = diag(ŷ ∘ (1 − ŷ))"),
    ("db.3", "∂E/∂c = ∂E/∂ŷ · ∂ŷ/∂c"),
    ("db.3", "∂E/∂c = ∂E/∂ŷ · ∂ŷ/∂net₃ · ∂net₃/∂c"),
    ("db.3", "∂E/∂c = (ŷ − y) · diag(f′(net₃)) · (−I₃)"),
    ("db.3", "∂E/∂c = −(ŷ − y) ∘ ŷ ∘ (1 − ŷ)"),
    ("dW.3", "∂E/∂C = hidden₂ᵀ · ∂E/∂net₃"),
    ("dW.3", "∂E/∂C = hidden₂ᵀ ((ŷ − y) ∘ ŷ ∘ (1 − ŷ))"),
    ("dW.3", "∂E/∂C = −hidden₂ᵀ · ∂E/∂c"),
    ("jacobian.2", "∂hidden₂/∂net₂ = diag(hidden₂ ∘ (1 − hidden₂))"),
    ("db.2", "∂E/∂b = ∂E/∂ŷ · ∂ŷ/∂b"),
    ("db.2", "∂E/∂b = ∂E/∂ŷ · ∂ŷ/∂net₃ · ∂net₃/∂hidden₂ · ∂hidden₂/∂net₂ · ∂net₂/∂b"),
    ("db.2", "∂E/∂b = (ŷ − y) · diag(f′(net₃)) · Cᵀ · diag(f′(net₂)) · (−I₄)"),
    ("dW.2", "∂E/∂B = −hidden₁ᵀ · ∂E/∂b"),
    ("db.1", "∂E/∂a = ∂E/∂ŷ · ∂ŷ/∂a"),
    ("db.1", "∂E/∂a = (ŷ − y) · diag(f′(net₃)) · Cᵀ · diag(f′(net₂)) · Bᵀ · diag(f′(net₁)) · (−I₅)"),
    ("dW.1", "∂E/∂A = −xᵀ · ∂E/∂a"),
    ("general.E4", "∂E/∂bₗ = −(ŷ − y) · diag(fₗ′(netₗ))"),
    ("general.E5", "∂E/∂bₖ = ∂E/∂bₖ₊₁ · Wₖ₊₁ᵀ · diag(fₖ′(netₖ))"),
    ("general.E6", "∂E/∂Wₖ = −xₖᵀ · ∂E/∂bₖ"),
]


def f(net):
    return 1 / (1 + np.exp(-net))


def test_every_line_of_the_seed_in_its_order():
    derivation = chainrule.derive(*make_seed_network())
    keys = [step.key for step in derivation]
    at = -1
    for key, line in LINES:
        step = derivation.step(key)
        assert line in [f"{text(step.lhs)} = {text(form.expression)}" for form in step.forms], key
        assert keys.index(key) >= at, key
        at = keys.index(key)


def test_numbers_by_hand():
    net, x, y = make_seed_network()
    (A, B, C), (a, b, c) = net.weights, net.biases
    hidden_1 = f(x @ A - a)
    hidden_2 = f(hidden_1 @ B - b)
    yhat = f(hidden_2 @ C - c)
    dc = -(yhat - y) * yhat * (1 - yhat)
    db = -(yhat - y) @ np.diag(yhat * (1 - yhat)) @ C.T @ np.diag(hidden_2 * (1 - hidden_2))
    da = db @ B.T @ np.diag(hidden_1 * (1 - hidden_1))
    derivation = chainrule.derive(net, x, y)
    wanted = {
        "output.1": hidden_1,
        "output.2": hidden_2,
        "output.3": yhat,
        "loss": np.sum((yhat - y) ** 2) / 2,
        "db.3": dc,
        "dW.3": -np.outer(hidden_2, dc),
        "db.2": db,
        "dW.2": -np.outer(hidden_1, db),
        "db.1": da,
        "dW.1": -np.outer(x, da),
    }
    for key, expected in wanted.items():
        assert relative_difference(derivation.value(key), np.atleast_2d(expected)) < 1e-13, key


def test_slips_are_listed_and_mended():
    derivation = chainrule.derive(*make_seed_network())
    assert len(derivation.corrections) >= 4
    written, _, listed = derivation.to_text(numbers=False).partition(HEADINGS["corrections"].en)
    assert HEADINGS["source"].en.split(":")[0] in listed  # a reader is told which document is meant
    assert "hidden₁ B" in written
    assert "B hidden₁" not in written
    assert all(slip.seed != slip.ours and slip.why.en and slip.why.zh for slip in derivation.corrections)


@pytest.mark.parametrize(
    "settings",
    [
        {"sizes": [3, 5, 4, 2]},
        {"sizes": [3, 5, 4, 3], "activation": "tanh"},
        {"sizes": [3, 5, 4, 3], "output_activation": "identity"},
        {"sizes": [3, 5, 4, 3], "loss": "binary_cross_entropy"},
    ],
)
def test_other_networks_have_general_letters(settings):
    options = {"activation": "sigmoid", "output_activation": "sigmoid"} | settings
    net, x, y = make(options.pop("sizes"), 0, **options)
    derivation = chainrule.derive(net, x, y)
    assert derivation.corrections == ()
    for form in (str(derivation), derivation.to_markdown(), derivation.to_latex(), derivation._repr_html_()):
        assert HEADINGS["corrections"].en not in form
    assert text(derivation.step("dW.1").lhs) == "∂E/∂W₁"


def test_added_biases_have_general_letters():
    net, x, y = make_seed_network()
    derivation = chainrule.derive(net, x, y, bias_sign="+")
    assert derivation.corrections == ()
    assert text(derivation.step("net.1").forms[0].expression) == "x₁ W₁ + b₁"
    assert text(derivation.step("general.E6").forms[-1].expression) == "xₖᵀ · ∂E/∂bₖ"
