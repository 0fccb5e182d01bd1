"""Training that blows up says so, and gives back a network that is whole."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse

from chainrule import SGD, Network
from chainrule.training import DivergenceError, loop

X = np.random.default_rng(0).normal(size=(40, 4))
Y = np.sin(X[:, :2])


def parameters(network: Network) -> np.ndarray:
    return np.concatenate([a.ravel() for a in [*network.weights, *network.biases]])


def make(**settings: object) -> Network:
    return Network([4, 8, 2], random_state=0, **settings)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_divergence_says_when_and_what_to_do(dtype: str) -> None:
    net = make(dtype=dtype)
    before = parameters(net)
    with pytest.raises(
        DivergenceError, match=r"training diverged in epoch \d+: the loss became (inf|nan)"
    ) as caught:
        net.train(X, Y, optimizer=SGD(100.0), epochs=200, batch_size=8)
    message = str(caught.value)
    assert "lower the learning rate (it was 100)" in message
    assert "scale the inputs" not in message
    assert message.endswith("The parameters are as they were before the first epoch.")
    assert_array_equal(parameters(net), before)
    losses = caught.value.loss
    assert len(losses) == caught.value.epoch
    assert np.isfinite(losses[:-1]).all()
    assert not np.isfinite(losses[-1])
    assert isinstance(caught.value, FloatingPointError)


@pytest.mark.parametrize("as_rows", [np.asarray, sparse.csr_matrix])
def test_inputs_of_another_scale_are_named(as_rows) -> None:
    net = make(activation="identity")
    with pytest.raises(DivergenceError, match=r"or scale the inputs \(the largest is 1e\+06; about 1"):
        net.train(as_rows(np.full((40, 4), -1e6)), Y, optimizer=SGD(0.1), epochs=200)


def test_with_a_callback_the_last_whole_epoch_stays() -> None:
    net, same = make(), make()
    with pytest.raises(DivergenceError) as caught:
        net.train(X, Y, optimizer=SGD(100.0), epochs=200, batch_size=40, callback=lambda record: None)
    epoch = caught.value.epoch
    assert epoch > 2
    assert str(caught.value).endswith(f"The parameters are as they were after epoch {epoch - 1}.")
    same.train(X, Y, optimizer=SGD(100.0), epochs=epoch - 1, batch_size=40)
    assert_array_equal(parameters(net), parameters(same))


def test_long_trainings_are_looked_at_in_between(monkeypatch: pytest.MonkeyPatch) -> None:
    """A diverged run ends early, in a state that does not depend on time."""
    monkeypatch.setattr(loop, "EPOCHS_PER_CALL", 3)
    net, same = make(), make()
    with pytest.raises(DivergenceError) as caught:
        net.train(X, Y, optimizer=SGD(100.0), epochs=10**9, batch_size=40)
    kept = (caught.value.epoch - 1) // 3 * 3
    assert kept >= 3
    assert str(caught.value).endswith(f"as they were after epoch {kept}.")
    same.train(X, Y, optimizer=SGD(100.0), epochs=kept, batch_size=40)
    assert_array_equal(parameters(net), parameters(same))


def test_the_last_step_counts_too() -> None:
    """It has no loss of its own: the loss is finite, the parameters are not."""
    net = make()
    before = parameters(net)
    with pytest.raises(DivergenceError, match="in epoch 1: the parameters became infinite or NaN") as caught:
        net.train(1e150 * X, Y, optimizer=SGD(1e100), epochs=1, batch_size=40)
    assert caught.value.epoch == 1
    assert_array_equal(parameters(net), before)


def test_afterwards_the_network_trains_with_a_lower_rate() -> None:
    net, same = make(), make()
    with pytest.raises(DivergenceError):
        net.train(X, Y, optimizer=SGD(100.0), epochs=200)
    with pytest.raises(ValueError, match="diverged network starts anew"):
        net.train(X, Y, optimizer=SGD(0.1), epochs=1, resume=True)
    assert net.train(X, Y, optimizer=SGD(0.1)).loss == same.train(X, Y, optimizer=SGD(0.1)).loss


def test_the_error_can_be_pickled() -> None:
    error = DivergenceError("training diverged", 3, [1.0, 2.0, float("inf")])
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.epoch, again.loss) == ("training diverged", 3, error.loss)
