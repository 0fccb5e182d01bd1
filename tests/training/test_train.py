"""`Network.train`: gradients in the optimizer's formula, batch by batch, the same bits every time."""

from __future__ import annotations

import _thread
import itertools
import threading

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

import chainrule
from chainrule import SGD, Adam, History, Network, _engine
from chainrule.training import EpochRecord

X = np.array([[a, b, c] for a in (0.0, 1.0) for b in (0.0, 1.0) for c in (0.0, 1.0)])
XOR = np.abs(X - np.roll(X, -1, axis=1))


def seed_network(**settings: object) -> Network:
    """The seed document's, on which XOR is three outputs."""
    return Network(
        [3, 5, 4, 3], activation="sigmoid", output_activation="sigmoid", random_state=0, **settings
    )


def parameters(network: Network) -> np.ndarray:
    return np.concatenate([a.ravel() for a in [*network.weights, *network.biases]])


def rows(n_samples: int = 50, n_outputs: int = 2) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n_samples, 4))
    return x, np.sin(x[:, :n_outputs])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("optimizer", "batch_size"), [(SGD(2.0, 0.9), None), (SGD(0.5, 0.9, nesterov=True), 4), (Adam(0.05), 8)]
)
def test_learns_exclusive_or(optimizer: object, batch_size: int | None, dtype: str) -> None:
    net = seed_network(dtype=dtype)
    history = net.train(X, XOR, optimizer=optimizer, epochs=2000, batch_size=batch_size)
    assert history.loss[-1] < 0.01 * history.loss[0]
    assert_array_equal(net(X) > 0.5, XOR == 1)


@pytest.mark.parametrize("optimizer", [SGD(0.1, l2=0.01), SGD(0.1, 0.9, l2=0.01), Adam(0.01, l2=0.01)])
def test_epochs_follow_the_formulas(optimizer: SGD | Adam) -> None:
    """Every batch of every epoch by `net.gradients` and the formulas in the docstrings, shuffles included."""
    x, y = rows(23)
    net, twin = (Network([4, 7, 2], activation="tanh", random_state=1) for _ in range(2))
    history = net.train(x, y, optimizer=optimizer, epochs=3, batch_size=5)
    arrays = [*twin.weights, *twin.biases]
    m, v = ([np.zeros_like(a) for a in arrays] for _ in range(2))
    t = 0
    for epoch in range(3):
        order = _engine.permutation(23, twin._trainee.seed, epoch)
        loss = 0.0
        for first in range(0, 23, 5):
            batch = order[first : first + 5]
            g = twin.gradients(x[batch], y[batch], l2=optimizer.l2)
            loss += g.loss * len(batch) / 23
            t += 1
            for i, gradient in enumerate([*g.weights, *g.biases]):
                if isinstance(optimizer, SGD):
                    v[i] = optimizer.momentum * v[i] - optimizer.learning_rate * gradient
                    arrays[i] += v[i]
                else:
                    m[i] = 0.9 * m[i] + 0.1 * gradient
                    v[i] = 0.999 * v[i] + 0.001 * gradient**2
                    rate = optimizer.learning_rate * np.sqrt(1 - 0.999**t) / (1 - 0.9**t)
                    arrays[i] -= rate * m[i] / (np.sqrt(v[i]) + 1e-8)
        assert history.loss[epoch] == pytest.approx(loss, rel=1e-12)
    assert_allclose(parameters(net), parameters(twin), rtol=1e-10, atol=1e-13)
    assert history.n_steps == t == 15


def test_history() -> None:
    x, y = rows()
    history = Network([4, 8, 2], random_state=0).train(x, y, optimizer=Adam(0.01), epochs=20, batch_size=16)
    assert isinstance(history, History)
    assert isinstance(history, chainrule.History)
    assert len(history.loss) == history.n_epochs == 20
    assert all(type(loss) is float for loss in history.loss)
    assert history.loss[-1] < history.loss[0]
    assert history.n_steps == 20 * 4
    assert history.seconds > 0
    assert history.stopped is False
    assert repr(history).startswith("History(20 epochs, 80 steps, loss ")


def test_the_first_loss_is_that_of_the_start() -> None:
    x, y = rows()
    net = Network([4, 8, 2], random_state=0)
    before = net.gradients(x, y, l2=0.1).loss
    history = net.train(x, y, optimizer=SGD(0.1, l2=0.1), epochs=1, batch_size=None)
    assert history.loss[0] == pytest.approx(before, rel=1e-13)


def test_defaults() -> None:
    x, y = rows()
    net, same = (Network([4, 8, 2], random_state=0) for _ in range(2))
    assert len(net.train(x, y).loss) == 100
    same.train(x, y, optimizer=Adam(), epochs=100, batch_size=32, shuffle=True)
    assert_array_equal(parameters(net), parameters(same))


def test_the_same_seed_gives_the_same_bits() -> None:
    x, y = rows(300)
    results = []
    for seed, n_threads in ((0, 1), (0, 2), (0, None), (1, 1)):
        net = Network([4, 60, 50, 2], activation="tanh", random_state=seed, n_threads=n_threads)
        history = net.train(x, y, epochs=3, batch_size=128)
        results.append((parameters(net), history.loss))
    for found, loss in results[1:3]:
        assert_array_equal(found, results[0][0])
        assert loss == results[0][1]
    assert results[3][1] != results[0][1]


def test_many_epochs_in_one_call_are_the_same_bits_as_one_by_one() -> None:
    x, y = rows()
    native, watched, resumed = (Network([4, 8, 2], random_state=0) for _ in range(3))
    expected = native.train(x, y, epochs=10, batch_size=16).loss
    records: list[EpochRecord] = []
    assert watched.train(x, y, epochs=10, batch_size=16, callback=records.append).loss == expected
    assert_array_equal(parameters(watched), parameters(native))
    assert [record.loss for record in records] == expected
    assert [record.epoch for record in records] == list(range(1, 11))
    assert {record.n_epochs for record in records} == {10}
    assert all(a.seconds <= b.seconds for a, b in itertools.pairwise(records))
    losses = [resumed.train(x, y, epochs=1, batch_size=16, resume=i > 0).loss[0] for i in range(10)]
    assert losses == expected
    assert_array_equal(parameters(resumed), parameters(native))


@pytest.mark.parametrize("optimizer", [SGD(0.1), SGD(0.1, 0.9), Adam(0.01)])
def test_resume_goes_on_as_if_training_had_not_ended(optimizer: SGD | Adam) -> None:
    x, y = rows()
    whole, parts, anew = (Network([4, 8, 2], random_state=0) for _ in range(3))
    expected = whole.train(x, y, optimizer=optimizer, epochs=8, batch_size=16)
    first = parts.train(x, y, optimizer=optimizer, epochs=3, batch_size=16)
    parts.n_threads = 1  # another trainer, the same memory
    second = parts.train(x, y, optimizer=optimizer, epochs=5, batch_size=16, resume=True)
    assert first.loss + second.loss == expected.loss
    assert (first.n_steps, second.n_steps) == (12, 20)
    assert_array_equal(parameters(parts), parameters(whole))
    anew.train(x, y, optimizer=optimizer, epochs=3, batch_size=16)
    anew.train(x, y, optimizer=optimizer, epochs=5, batch_size=16)
    same = np.array_equal(parameters(anew), parameters(whole))
    assert same == (optimizer == SGD(0.1))  # plain SGD has no memory, the others start anew


def test_resume_with_other_settings() -> None:
    x, y = rows()
    net = Network([4, 8, 2], random_state=0)
    net.train(x, y, optimizer=Adam(0.01), epochs=2, batch_size=16)
    memory, n_steps = net._trainee.state._trainer.state, net._trainee.state.steps_made
    net.train(x, y, optimizer=Adam(1e-300), epochs=1, batch_size=25, resume=True)
    assert net._trainee.state.steps_made == n_steps + 2
    assert not np.array_equal(net._trainee.state._trainer.state[0], memory[0])
    with pytest.raises(
        ValueError, match=r"cannot hand the memory of Adam\(.*\) to SGD\(.*\); use resume=False"
    ):
        net.train(x, y, optimizer=SGD(0.1), epochs=1, resume=True)
    net.train(x, y, optimizer=SGD(0.1), epochs=1)
    with pytest.raises(ValueError, match=r"cannot hand the memory of SGD\(.*\) to SGD\(.*momentum=0.9"):
        net.train(x, y, optimizer=SGD(0.1, 0.9), epochs=1, resume=True)


@pytest.mark.parametrize("shuffle", [True, False])
def test_each_epoch_of_a_networks_life_has_a_shuffle_of_its_own(shuffle: bool) -> None:
    """Three calls of one epoch from the same parameters; plain SGD remembers nothing else."""
    x, y = rows()
    net, start = (Network([4, 8, 2], random_state=0) for _ in range(2))
    ends = []
    for _ in range(3):
        net.weights, net.biases = start.weights, start.biases
        net.train(x, y, optimizer=SGD(0.1), epochs=1, batch_size=7, shuffle=shuffle)
        ends.append(parameters(net))
    same = [np.array_equal(ends[i], ends[j]) for i, j in ((0, 1), (1, 2), (0, 2))]
    assert same == [not shuffle] * 3


def test_class_indices_are_one_hot_rows() -> None:
    x, _ = rows()
    classes = np.random.default_rng(1).integers(0, 3, 50)
    results = []
    for y in (classes, np.eye(3)[classes]):
        net = Network([4, 8, 3], loss="cross_entropy", random_state=0)
        results.append((net.train(x, y, epochs=5).loss, parameters(net)))
    assert results[0][0] == pytest.approx(results[1][0], rel=1e-13)
    assert_allclose(results[0][1], results[1][1], rtol=1e-11)


def test_sparse_rows_are_dense_rows() -> None:
    x, y = rows()
    x[np.abs(x) < 1] = 0
    weight = np.arange(50.0) % 3
    results = []
    for given in (x, sparse.csr_matrix(x), sparse.csc_array(x)):
        net = Network([4, 8, 2], random_state=0)
        results.append(
            (net.train(given, y, epochs=5, batch_size=8, sample_weight=weight).loss, parameters(net))
        )
    for loss, found in results[1:]:
        assert loss == results[0][0]
        assert_array_equal(found, results[0][1])


def test_weights_are_repeated_rows() -> None:
    x, y = rows(20)
    weight = np.random.default_rng(2).integers(1, 4, 20)
    net, repeated = (Network([4, 8, 2], activation="tanh", random_state=0) for _ in range(2))
    found = net.train(x, y, epochs=10, batch_size=None, sample_weight=weight)
    expected = repeated.train(
        np.repeat(x, weight, axis=0), np.repeat(y, weight, axis=0), epochs=10, batch_size=None
    )
    assert found.loss == pytest.approx(expected.loss, rel=1e-12)
    assert_allclose(parameters(net), parameters(repeated), rtol=1e-9)


@pytest.mark.parametrize("as_rows", [np.asarray, sparse.csr_matrix])
def test_rows_of_weight_zero_are_left_out(as_rows) -> None:
    """Batches of them alone would have no mean."""
    x, y = rows(20)
    weight = np.arange(20) % 4 * 1.0
    kept = weight > 0
    net, without = (Network([4, 8, 2], random_state=0) for _ in range(2))
    found = net.train(as_rows(x), y, epochs=3, batch_size=1, sample_weight=weight)
    expected = without.train(as_rows(x[kept]), y[kept], epochs=3, batch_size=1, sample_weight=weight[kept])
    assert found.loss == expected.loss
    assert found.n_steps == 3 * 15
    assert_array_equal(parameters(net), parameters(without))


def test_one_row_is_a_batch_of_one() -> None:
    net, same = (Network([4, 8, 2], random_state=0) for _ in range(2))
    x, y = rows(1)
    assert net.train(x[0], y[0], epochs=2).loss == same.train(x, y, epochs=2).loss
    assert_array_equal(parameters(net), parameters(same))


def test_batches_larger_than_the_data() -> None:
    x, y = rows()
    results = []
    for batch_size in (None, 50, 10**30):
        net = Network([4, 8, 2], random_state=0)
        assert net.train(x, y, epochs=2, batch_size=batch_size).n_steps == 2
        results.append(parameters(net))
    assert_array_equal(results[0], results[1])
    assert_array_equal(results[0], results[2])


def test_inputs_are_not_written() -> None:
    x, y = rows()
    given = [x, y, np.arange(50.0)]
    before = [a.copy() for a in given]
    for a in given:
        a.flags.writeable = False
    Network([4, 8, 2], random_state=0).train(x, y, sample_weight=given[2], epochs=2)
    for a, b in zip(given, before, strict=True):
        assert_array_equal(a, b)


def test_a_callback_stops_the_training() -> None:
    x, y = rows()
    net, same = (Network([4, 8, 2], random_state=0) for _ in range(2))
    history = net.train(x, y, epochs=50, callback=lambda record: record.epoch == 3)
    assert (history.n_epochs, history.stopped) == (3, True)
    assert "stopped by the callback" in repr(history)
    same.train(x, y, epochs=3)
    assert_array_equal(parameters(net), parameters(same))


@pytest.mark.parametrize("answer", [None, False, 0, 1, "yes", np.False_])
def test_only_true_stops(answer: object) -> None:
    x, y = rows()
    history = Network([4, 2], random_state=0).train(x, y, epochs=3, callback=lambda record: answer)
    assert (history.n_epochs, history.stopped) == (3, False)


def test_a_callback_sees_and_may_change_the_parameters() -> None:
    x, y = rows()
    net = Network([4, 2], random_state=0)

    def clear(record: EpochRecord) -> np.bool:
        assert net.weights[0].any()
        net.weights[0][:] = 0
        net.biases[0][:] = 0
        return np.True_

    net.train(x, y, epochs=3, callback=clear)
    assert_array_equal(net(x), np.zeros((50, 2)))


def test_an_error_in_a_callback_leaves_a_network_that_goes_on() -> None:
    x, y = rows()
    net, whole = (Network([4, 8, 2], random_state=0) for _ in range(2))

    def fail(record: EpochRecord) -> None:
        if record.epoch == 2:
            raise RuntimeError("full disk")

    with pytest.raises(RuntimeError, match="full disk"):
        net.train(x, y, epochs=5, callback=fail)
    net.train(x, y, epochs=3, resume=True)
    whole.train(x, y, epochs=5)
    assert_array_equal(parameters(net), parameters(whole))


def test_an_interrupt_leaves_a_network_that_goes_on() -> None:
    x, y = rows(2000)
    net = Network([4, 50, 50, 2], activation="tanh", random_state=0)
    timer = threading.Timer(0.2, _thread.interrupt_main)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        net.train(x, y, epochs=10**9, batch_size=20)
    timer.join()
    assert np.isfinite(parameters(net)).all()
    net.train(x, y, epochs=1, batch_size=20, resume=True)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"epochs": 0}, ValueError, "epochs is 0; expected a whole number of at least 1"),
        ({"epochs": 1.5}, TypeError, "epochs is 1.5; expected a whole number"),
        ({"epochs": True}, TypeError, "epochs is True"),
        ({"batch_size": 0}, ValueError, "batch_size is 0; expected a whole number of at least 1"),
        ({"batch_size": "all"}, TypeError, "batch_size is 'all'"),
        ({"optimizer": "adam"}, TypeError, r"optimizer is 'adam'; .*; did you mean chainrule.Adam\(\)"),
        ({"optimizer": SGD}, TypeError, r"did you mean chainrule.SGD\(\)"),
        ({"optimizer": "rmspropp"}, TypeError, r"did you mean chainrule.RMSprop\(\)"),
        (
            {"optimizer": 0.1},
            TypeError,
            r"optimizer is 0.1; expected an optimizer of chainrule \(SGD, Adam, AdamW,",
        ),
        ({"shuffle": "yes"}, TypeError, "shuffle is 'yes'; expected True or False"),
        ({"callback": 3}, TypeError, "callback is 3; expected a function of one EpochRecord"),
        ({"resume": 1}, TypeError, "resume is 1; expected True or False"),
        ({"resume": True}, ValueError, "resume=True goes on from an earlier call of train"),
        ({"optimiser": SGD(0.1)}, TypeError, "unexpected keyword argument 'optimiser'"),
    ],
)
def test_impossible_settings(settings: dict[str, object], error: type[Exception], message: str) -> None:
    net = Network([4, 2], random_state=0)
    before = parameters(net)
    with pytest.raises(error, match=message):
        net.train(*rows(), **settings)
    assert_array_equal(parameters(net), before)
