"""Weights as matrices, as pictures of the inputs, as histograms."""

import numpy as np
import pytest

from chainrule import Network, WeightsDisplay


@pytest.fixture
def network():
    return Network([12, 7, 5, 2], activation="tanh", random_state=0)


def test_matrices(network):
    display = WeightsDisplay.from_estimator(network)
    for image, W in zip(display.images_, network.weights, strict=True):
        np.testing.assert_array_equal(image.get_array(), W)
        assert image.norm.vmin == -image.norm.vmax  # white is zero
    assert display.ax_.get_title() == "Layer 1: 12 → 7, tanh"
    assert display.axes_[-1].get_title() == "Layer 3: 5 → 2, identity"


def test_pictures_are_the_columns_of_the_first_layer(network):
    display = WeightsDisplay.from_estimator(network, kind="pictures", image_shape=(3, 4))
    for unit, image in enumerate(display.images_):
        np.testing.assert_array_equal(image.get_array(), network.weights[0][:, unit].reshape(3, 4))
    assert len(display.images_) == 7


def test_the_pictures_shown_are_those_of_the_largest_weights(network):
    network.weights[0][:, [1, 4]] *= 100
    display = WeightsDisplay.from_estimator(network, kind="pictures", image_shape=(3, 4), max_units=2)
    shown = [np.asarray(image.get_array()).ravel() for image in display.images_]
    np.testing.assert_array_equal(shown, network.weights[0][:, [1, 4]].T)


def test_histograms_count_every_weight(network):
    display = WeightsDisplay.from_estimator(network, kind="histogram", bins=10)
    counts = [sum(bar.get_height() for bar in ax.patches) for ax in display.axes_]
    assert counts == [W.size for W in network.weights]
    assert display.images_ == []


def test_an_axes_in_a_grid_is_divided(network):
    import matplotlib.pyplot as plt

    figure, (left, _) = plt.subplots(1, 2)
    display = WeightsDisplay.from_estimator(network, ax=left)
    assert display.figure_ is figure
    assert len(display.axes_) == 3
    assert not left.axison


def test_a_network_of_zeros_can_be_drawn(network):
    for W in network.weights:
        W[:] = 0
    for kind in ("matrix", "histogram"):
        WeightsDisplay.from_estimator(network, kind=kind).figure_.canvas.draw()


def test_errors(network):
    with pytest.raises(ValueError, match=r"kind is 'matrx'; expected one of: .*did you mean 'matrix'"):
        WeightsDisplay.from_estimator(network, kind="matrx")
    with pytest.raises(ValueError, match="12 inputs are no square picture; give image_shape"):
        WeightsDisplay.from_estimator(network, kind="pictures")
    with pytest.raises(
        ValueError, match=r"image_shape is \(5, 5\), 25 pixels, but the network has 12 inputs"
    ):
        WeightsDisplay.from_estimator(network, kind="pictures", image_shape=(5, 5))
