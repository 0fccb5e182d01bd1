"""`row_blocks`: which rows a step takes of each block, and that a training is a function of the blocks."""

import itertools

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array

from chainrule import LBFGS, SGD, Adam, Network, Rprop, _engine, train_many
from chainrule.training.blocks import block_seed, bounds_of, even_sizes, interleave, rows_before

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(203, 5)), RNG.normal(size=(203, 2))


@pytest.mark.parametrize(
    ("n", "n_blocks", "batch_size"), [(203, 8, 32), (64, 8, 8), (10, 8, 9), (1000, 3, 7)]
)
def test_every_step_has_its_share_of_every_block(n: int, n_blocks: int, batch_size: int) -> None:
    sizes, n_steps = even_sizes(n, n_blocks), -(-n // batch_size)
    before = rows_before(sizes, n_steps)
    assert sum(sizes) == n
    assert before[0].tolist() == [0] * n_blocks
    assert before[-1].tolist() == sizes
    counts = np.diff(before, axis=0)
    for size, taken in zip(sizes, counts.T, strict=True):
        assert set(taken) <= {size // n_steps, size // n_steps + 1}
    assert np.ptp(counts.sum(axis=1)) <= n_blocks
    for first, end in itertools.combinations(range(n_steps + 1), 2):
        if end < first + 3:
            assert_array_equal(rows_before(sizes, n_steps, first, end), before[first : end + 1])


def test_an_order_has_each_row_where_its_step_takes_it() -> None:
    sizes = [7, 0, 12, 4]
    before = rows_before(sizes, 3)
    bounds, order = bounds_of(before), np.full(23, -1)
    for block, size in enumerate(sizes):
        interleave(order, before, bounds, block, 100 * block + np.arange(size))
    for step, block in itertools.product(range(3), range(4)):
        k = 4 * step + block
        begin, end = before[step : step + 2, block]
        assert_array_equal(order[bounds[k] : bounds[k + 1]], 100 * block + np.arange(begin, end))


def network(**options) -> Network:
    return Network([5, 20, 2], activation="tanh", random_state=0, **options)


@pytest.mark.parametrize("shuffle", [True, False])
def test_train_takes_the_engine_s_steps(shuffle: bool) -> None:
    net, twin = network(), network()
    history = net.train(X, Y, optimizer=Adam(), epochs=3, batch_size=40, row_blocks=4, shuffle=shuffle)
    trainer = _engine.Trainer(twin._trainee.model, "adam", batch_size=40, row_blocks=4, learning_rate=0.001)
    data = _engine.Dataset(twin._trainee.model, X, Y)
    sizes = even_sizes(203, 4)
    before = rows_before(sizes, 6)
    bounds = bounds_of(before)
    for epoch in range(3):
        order, begin = np.empty(203, np.int64), 0
        for block, size in enumerate(sizes):
            rows = np.arange(size)
            if shuffle:
                rows = _engine.permutation(size, block_seed(twin._trainee.seed, block), epoch)
            interleave(order, before, bounds, block, begin + rows)
            begin += size
        losses = trainer.steps(data, order, bounds)
        assert history.loss[epoch] == pytest.approx(losses @ np.diff(before.sum(axis=1)) / 203, rel=1e-14)
        assert sorted(order) == list(range(203))
    assert history.n_steps == 18
    assert_array_equal(net.weights[0], twin.weights[0])


def test_epochs_in_parts_are_the_same_training() -> None:
    whole, parts = network(), network()
    options = {"optimizer": Adam(), "batch_size": 32, "row_blocks": 8, "schedule": "cosine"}
    history = whole.train(X, Y, epochs=6, **options)
    first = parts.train(X, Y, epochs=2, schedule_epochs=6, **options)
    rest = parts.train(
        X, Y, epochs=4, schedule_epochs=6, resume=True, callback=lambda record: None, **options
    )
    assert first.loss + rest.loss == history.loss
    for a, b in zip(whole.weights, parts.weights, strict=True):
        assert_array_equal(a, b)


def test_one_batch_of_blocks_is_near_one_batch() -> None:
    blocks, one = network(), network()
    for net, row_blocks in ((blocks, 8), (one, 1)):
        net.train(X, Y, optimizer=Rprop(), epochs=5, row_blocks=row_blocks)
    assert_allclose(blocks.weights[0], one.weights[0], rtol=1e-10)


def test_weights_validation_patience_and_sparse_rows_go_along() -> None:
    weight = np.where(np.arange(203) % 5 == 0, 0.0, 1.5)
    options = {"epochs": 4, "batch_size": 30, "row_blocks": 4, "validation": (X, Y), "patience": 2}
    dense, sparse, kept = network(), network(), network()
    history = dense.train(X, Y, sample_weight=weight, **options)
    sparse.train(csr_array(X), Y, sample_weight=weight, **options)
    kept.train(X[weight > 0], Y[weight > 0], sample_weight=weight[weight > 0], **options)
    assert len(history.validation_loss) == 4
    for a, b, c in zip(dense.weights, sparse.weights, kept.weights, strict=True):
        assert_array_equal(a, b)
        assert_array_equal(a, c)


def test_a_loss_of_one_s_own_sees_the_batch() -> None:
    def squares(predictions, targets):
        difference = predictions - targets
        return 0.5 * (difference**2).sum() / len(difference), difference / len(difference)

    own, builtin = network(loss=squares), network()
    for net in (own, builtin):
        net.train(X, Y, optimizer=SGD(0.1), epochs=3, row_blocks=4)
    assert_allclose(own.weights[0], builtin.weights[0], rtol=1e-9)


def test_many_networks_train_with_blocks() -> None:
    alone, first, second = network(), network(), network()
    alone.train(X, Y, epochs=3, row_blocks=4)
    train_many([(first, X, Y), (second, X, Y, {"row_blocks": 1})], epochs=3, row_blocks=4)
    assert_array_equal(first.weights[0], alone.weights[0])
    assert not np.array_equal(second.weights[0], alone.weights[0])


def test_what_blocks_cannot_do_is_said() -> None:
    net = network()
    for value, error, words in (
        (0, ValueError, "row_blocks is 0; expected"),
        (2.5, TypeError, "row_blocks is 2.5"),
        (10_000, ValueError, "row_blocks is 10000; expected at most 4096"),
    ):
        with pytest.raises(error, match=words):
            net.train(X, Y, row_blocks=value)
    with pytest.raises(ValueError, match=r"row_blocks=8 .* batch_size=7 cannot give; expected at least 8"):
        net.train(X, Y, row_blocks=8, batch_size=7)
    with pytest.raises(ValueError, match=r"row_blocks=8 .* 5 rows cannot give"):
        net.train(X[:5], Y[:5], row_blocks=8)
    with pytest.raises(ValueError, match="row_blocks is 8, but LBFGS takes all rows at once"):
        net.train(X, Y, row_blocks=8, optimizer=LBFGS())
