"""Networks with input layers and parametric activations, looked at."""

import matplotlib as mpl
import numpy as np
import pytest

import chainrule
from chainrule.description import describe
from chainrule.inputs import Categories, Numbers, Periodic, PiecewiseLinear, Scale
from chainrule.inspection.examined import Examined

mpl.use("agg")
RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4))
X[:, 3] = RNG.integers(0, 500, 60)
Y = X[:, :1] + 0.1


@pytest.fixture
def net():
    layers = [
        Periodic([0], 4, 2, sigma=0.5),
        PiecewiseLinear(1, [-1, 0, 1], 3),
        Categories(3, 500, 2),
        Numbers([2]),
        Scale(),
    ]
    return chainrule.Network(
        [4, 6, 5, 1], activation=["tanh", "selu"], parametric=True, inputs=layers, random_state=0
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_outputs_that_are_looked_at_are_those_of_the_network(net, dtype) -> None:
    options = {"parametric": True, "inputs": [one.layer for one in net.inputs], "dtype": dtype}
    net = chainrule.Network([4, 6, 5, 1], **options)
    flat = net._trainee.flat
    flat[:] = np.random.default_rng(1).normal(size=flat.size) / 2
    found = Examined.of(net, X, Y, None)
    expected = net(X.astype(dtype))
    np.testing.assert_allclose(found.signals[-1], expected, rtol=1e-12 if dtype == "float64" else 1e-4)


def test_codes_of_categories_have_no_scale(net) -> None:
    assert "inputs-not-scaled" not in chainrule.diagnose(net, X, Y).codes
    large = X * [1, 1, 900, 1]
    (finding,) = [one for one in chainrule.diagnose(net, large, Y) if one.code == "inputs-not-scaled"]
    assert "column 2" in finding.message


def test_saturated_units_that_are_mixed_with_their_net_are_not_stuck(net) -> None:
    net.biases[0][:] = 100
    net.alphas[0][:] = 0.5
    assert "hidden-saturated" not in chainrule.diagnose(net, X, Y).codes


def test_the_card_draws_x_1_and_says_of_what(net) -> None:
    card = net._repr_html_()
    assert "of 4 columns" in card
    assert "9 inputs that input layers (periodic, scale, piecewise_linear, categories, numbers) make" in card
    assert "parametric" in card
    n = sum(array.size for array in net._trainee.arrays().values())
    assert f"{n:,} parameters" in card
    assert describe(net).n_parameters == n


def test_weights_are_drawn_from_x_1_on(net) -> None:
    display = chainrule.WeightsDisplay.from_estimator(net)
    assert display.axes_[0].get_title() == "Layer 1: 9 \u2192 6, tanh"


def test_gradients_are_recorded(net) -> None:
    recorder = chainrule.GradientRecorder(X, Y, net)
    net.train(X, Y, epochs=2, callback=recorder)
    assert recorder.n_layers == 3
