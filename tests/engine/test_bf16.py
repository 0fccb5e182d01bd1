"""Products of bfloat16: a step is that of a network whose products round their factors."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from chainrule import SGD, Network
from chainrule import _engine as engine

from .networks import make_case


def available() -> bool:
    case = make_case([1, 1], ["identity"], "squared_error", n_samples=1, dtype="float32")
    try:
        engine.Trainer(case.model, "sgd", batch_size=1, learning_rate=0.1, precision="bf16")
    except ValueError:
        return False
    return True


needs_bf16 = pytest.mark.skipif(not available(), reason="this processor has no AVX512_BF16")


def rounded(values: np.ndarray) -> np.ndarray:
    """Round to bfloat16, to nearest with ties to even, as float64."""
    bits = values.astype(np.float32).view(np.uint32)
    bits = (bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000
    return bits.view(np.float32).astype(np.float64)


def step_with_rounded_products(case, x, y, rate):
    """One step of SGD on tanh layers and an identity output, in float64 but for the factors of products."""
    weights, biases = (
        [w.astype(np.float64) for w in case.weights],
        [b.astype(np.float64) for b in case.biases],
    )
    outputs = [x.astype(np.float64)]
    for k, (w, b) in enumerate(zip(weights, biases, strict=True)):
        net = rounded(outputs[-1]) @ rounded(w) - b
        outputs.append(net if k == len(weights) - 1 else np.tanh(net))
    delta = outputs[-1] - y
    loss = 0.5 * float((delta**2).sum(axis=1).mean())
    for k in range(len(weights) - 1, -1, -1):
        before = rounded(delta) @ rounded(weights[k]).T * (1 - outputs[k] ** 2)
        weights[k] = weights[k] - rate * (rounded(outputs[k]).T @ rounded(delta)) / len(x)
        biases[k] = biases[k] + rate * delta.mean(axis=0)
        delta = before
    return loss, np.concatenate([*(w.ravel() for w in weights), *biases])


@needs_bf16
@pytest.mark.parametrize("n_samples", [1, 2, 9, 64, 131])
@pytest.mark.parametrize("sizes", [[1, 1], [3, 17, 5], [48, 49, 47, 2], [100, 96, 33, 16], [7, 160, 97, 1]])
def test_a_step_is_that_of_rounded_products(sizes: list[int], n_samples: int) -> None:
    activations = ["tanh"] * (len(sizes) - 2) + ["identity"]
    case = make_case(sizes, activations, "squared_error", n_samples=n_samples, dtype="float32")
    loss, expected = step_with_rounded_products(case, case.x, case.y, 0.5)
    start = case.model.parameters.copy()
    trainer = engine.Trainer(
        case.model, "sgd", batch_size=n_samples, learning_rate=0.5, precision="bf16", n_threads=2
    )
    assert trainer.epoch(case.data) == pytest.approx(loss, rel=1e-4)
    # A sum's rounding may move the next layer's factor to the other neighbor in bfloat16, 2^-8 away.
    assert_allclose(case.model.parameters - start, expected - start, rtol=2e-2, atol=2e-3)
    assert np.mean(np.abs(case.model.parameters - expected)) < 1e-4


@needs_bf16
def test_the_copies_in_pairs_follow_the_weights() -> None:
    """What a step writes beside the weights is what a new start would make of them."""
    ends = []
    for calls in ([4], [1, 1, 1, 1]):
        case = make_case([19, 50, 51, 3], ["tanh", "tanh", "identity"], "squared_error", n_samples=40,
                         dtype="float32")  # fmt: skip
        trainer = engine.Trainer(case.model, "adam", batch_size=16, learning_rate=0.01, precision="bf16")
        for n, first in zip(calls, np.cumsum([0, *calls]), strict=False):
            trainer.epochs(case.data, n, seed=1, first_epoch=int(first))
        ends.append(case.model.parameters.copy())
    assert_array_equal(*ends)


@needs_bf16
def test_threads_change_no_bit() -> None:
    ends = []
    for n_threads in (1, 2, 3):
        case = make_case([64, 200, 130, 5], ["relu", "relu", "softmax"], "cross_entropy", n_samples=300,
                         dtype="float32")  # fmt: skip
        trainer = engine.Trainer(
            case.model, "adam", batch_size=128, learning_rate=0.01, precision="bf16", n_threads=n_threads
        )
        trainer.epochs(case.data, 2)
        ends.append(case.model.parameters.copy())
    assert_array_equal(ends[0], ends[1])
    assert_array_equal(ends[0], ends[2])


@needs_bf16
def test_network_trains_as_well_as_in_full_precision() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(512, 20)).astype(np.float32)
    y = np.argmax(x[:, :4] + x[:, 4:8] * x[:, 8:12], axis=1)
    losses = {}
    for precision in ("full", "bf16"):
        net = Network([20, 64, 64, 4], loss="cross_entropy", dtype="float32", random_state=0)
        net.train(x, y, epochs=60, precision=precision)
        losses[precision] = net.evaluate(x, y)
    assert losses["full"] != losses["bf16"]
    assert losses["bf16"] == pytest.approx(losses["full"], rel=0.2, abs=0.01)


@needs_bf16
def test_resumed_training_goes_on_in_the_other_precision() -> None:
    net = Network([2, 8, 1], dtype="float32", random_state=0)
    x = np.random.default_rng(0).normal(size=(50, 2))
    net.train(x, x[:, :1], epochs=2)
    history = net.train(x, x[:, :1], epochs=2, precision="bf16", resume=True)
    assert np.isfinite(history.loss).all()


@needs_bf16
def test_sparse_rows() -> None:
    """Their own products are not rounded, the next layers' are."""
    rng = np.random.default_rng(0)
    dense = np.where(rng.random((60, 30)) < 0.2, rng.normal(size=(60, 30)), 0).astype(np.float32)
    import scipy.sparse

    nets = [Network([30, 20, 20, 2], dtype="float32", random_state=0) for _ in range(2)]
    y = dense[:, :2].copy()
    for net, x in zip(nets, (dense, scipy.sparse.csr_array(dense)), strict=True):
        net.train(x, y, optimizer=SGD(0.1), epochs=3, precision="bf16")
    for a, b in zip(nets[0].weights, nets[1].weights, strict=True):
        assert_allclose(a, b, atol=2e-3)


def test_messages() -> None:
    x = np.zeros((2, 3))
    with pytest.raises(ValueError, match=r"precision is 'fp8'; expected one of: full, bf16"):
        Network([3, 1], random_state=0).train(x, x[:, :1], precision="fp8")
    with pytest.raises(ValueError, match=r"precision 'bf16' needs dtype 'float32', got 'float64'"):
        Network([3, 1], random_state=0).train(x, x[:, :1], precision="bf16")
    case = make_case([2, 1], ["identity"], "squared_error", n_samples=2, dtype="float32", isa="baseline")
    with pytest.raises(ValueError, match=r"needs .*avx512|needs an? .*AVX512_BF16"):
        engine.Trainer(case.model, "sgd", batch_size=1, learning_rate=0.1, precision="bf16")
