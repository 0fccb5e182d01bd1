"""Quantiles: in order after any training, and covering what they say."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import chainrule
from chainrule import Adam, Network
from chainrule.losses import Quantile

from .networks import make_rows
from .test_gradients import check

THREE = Quantile([0.1, 0.5, 0.9])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("n_targets", "output"), [(1, "ordered"), (2, "ordered(3)"), (30, "ordered(3)")])
def test_gradients_are_the_references(n_targets: int, output: str, dtype: str) -> None:
    net = Network([4, 9, 3 * n_targets], activation="tanh", loss=THREE, dtype=dtype, random_state=0)
    assert net.activations == ["tanh", output]
    x = make_rows([4, 1])[0].astype(dtype)
    y = np.random.default_rng(1).normal(size=(7, n_targets)).astype(dtype)
    check(net, x, y)
    check(net, x, y, sample_weight=np.arange(7).astype(dtype), l2=0.1)
    assert chainrule.gradcheck(net, x, y)
    one_by_one = np.array([net(row) for row in x])
    assert_array_equal(net(x), one_by_one)
    jacobian = net.jacobian(x[0])
    assert jacobian.shape == (3 * n_targets, 4)
    spread = net.input_gradients(x, y)
    assert np.isfinite(spread).all()


def test_a_jacobian_of_ordered_outputs() -> None:
    net = Network([2, 6], loss=THREE, random_state=0)
    x = np.array([[0.3, -1.2]])
    step = 1e-6
    for f in range(2):
        ahead, behind = x.copy(), x.copy()
        ahead[0, f] += step
        behind[0, f] -= step
        difference = (net(ahead) - net(behind))[0] / (2 * step)
        np.testing.assert_allclose(net.jacobian(x)[0, :, f], difference, rtol=1e-8)


def test_one_quantile_is_a_loss_like_others() -> None:
    net = Network(
        [4, 9, 3], activation="tanh", loss=Quantile(0.9), output_activation="softplus", random_state=0
    )
    check(net, *make_rows(net.sizes))
    assert Network([2, 1], loss="quantile").loss == "quantile"
    assert Network([2, 1], loss=Quantile(0.5)).loss == "quantile"
    assert Network([2, 2], loss=Quantile(0.9)).activations == ["identity"]


def noisy(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Noise that grows with x: quantiles are curves that spread."""
    x = rng.uniform(-1, 1, size=(n, 1))
    return x, np.sin(3 * x) + (0.2 + 0.3 * (x + 1)) * rng.normal(size=(n, 1))


@pytest.mark.slow
@pytest.mark.parametrize("n_targets", [1, 2])
def test_quantiles_cover_what_they_say_and_never_cross(n_targets: int) -> None:
    rng = np.random.default_rng(0)
    levels = [0.05, 0.25, 0.5, 0.75, 0.95]
    x, y = noisy(rng, 4000)
    fresh_x, fresh_y = noisy(rng, 20000)
    if n_targets == 2:  # the second is the first upside down
        y, fresh_y = np.hstack([y, -y]), np.hstack([fresh_y, -fresh_y])
    net = Network([1, 32, 5 * n_targets], activation="tanh", loss=Quantile(levels), random_state=0)
    for rate in (0.01, 0.001):
        net.train(x, y, optimizer=Adam(rate), epochs=60, batch_size=64)
    fitted = net(fresh_x).reshape(-1, n_targets, 5)
    assert (np.diff(fitted, axis=2) >= 0).all()
    far = net(np.linspace(-1e3, 1e3, 2001).reshape(-1, 1)).reshape(-1, n_targets, 5)
    assert (np.diff(far, axis=2) >= 0).all()
    coverage = (fresh_y[:, :, None] <= fitted).mean(axis=0)
    assert np.abs(coverage - levels).max() < 0.02
    for half in (fresh_x[:, 0] < 0, fresh_x[:, 0] >= 0):  # on either side, not just on the whole
        coverage = (fresh_y[half][:, :, None] <= fitted[half]).mean(axis=0)
        assert np.abs(coverage - levels).max() < 0.04


def test_files_keep_quantiles(tmp_path) -> None:
    net = Network([3, 4, 6], loss=THREE, random_state=0)
    net.save(tmp_path / "net.safetensors")
    loaded = chainrule.load(tmp_path / "net.safetensors")
    assert (loaded.loss, loaded.activations) == (THREE, ["relu", "ordered(3)"])
    x, y = np.ones((2, 3)), np.ones((2, 2))
    assert_array_equal(loaded(x), net(x))
    assert loaded.evaluate(x, y) == net.evaluate(x, y)


@pytest.mark.parametrize(
    ("sizes", "settings", "message"),
    [
        ([2, 4], {}, r"has 3 quantiles; expected 3 outputs for each target, a multiple of 3, not 4"),
        ([2, 3], {"output_activation": "identity"}, "does not go with the output activation 'identity'"),
        (
            [2, 6],
            {"output_activation": "ordered(2)"},
            r"expected the output activation 'ordered\(3\)', not 'ordered\(2\)'",
        ),
        ([2, 3, 3], {"activation": "ordered"}, "activation 'ordered' is for the output layer only"),
    ],
)
def test_what_does_not_fit(sizes: list[int], settings: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Network(sizes, loss=THREE, **settings)


def test_targets_are_one_for_all_its_quantiles() -> None:
    net = Network([2, 6], loss=THREE)
    with pytest.raises(
        ValueError, match=r"y has shape \(4, 6\); expected \(4, 2\).* and 3 of the 6 outputs for each target"
    ):
        net.gradients(np.zeros((4, 2)), np.zeros((4, 6)))
    net = Network([2, 3], loss=THREE, random_state=0)
    x, y = np.ones((4, 2)), np.arange(4.0)
    assert net.evaluate(x, y) == net.evaluate(x, y[:, None])


def test_ordered_outputs_of_other_losses() -> None:
    net = Network([4, 9, 6], activation="tanh", output_activation="ordered(2)", random_state=0)
    assert net.activations[-1] == "ordered(2)"
    check(net, *make_rows(net.sizes))
    with pytest.raises(ValueError, match="5 outputs are no groups of 2"):
        Network([4, 5], output_activation="ordered(2)")
