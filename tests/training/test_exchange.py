"""Blocks that several members compute: each step has the bits of one that has them all."""

import queue
import threading

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from chainrule import Network, _engine
from chainrule.inputs import Categories, Numbers, Periodic, PiecewiseLinear, Scale
from chainrule.training.blocks import bounds_of, epoch_order, even_sizes, rows_before
from chainrule.training.exchange import FEW, TreeExchange, added, nodes_of

RNG = np.random.default_rng(0)
N, EPOCHS = 150, 2


class Letters:
    """A transport between threads."""

    def __init__(self, boxes, me):
        self.boxes, self.me = boxes, me

    def swap(self, outgoing):
        for member, arrays in outgoing.items():
            self.boxes[self.me, member].put(tuple(array.copy() for array in arrays))
        return {member: self.boxes[member, self.me].get(timeout=60) for member in outgoing}


INPUTS = [
    Numbers([0, 3]),
    Periodic([1, 4], 8, 3, 0.5),
    PiecewiseLinear(2, [-1.0, 0.0, 1.0], 4),
    Categories(5, 5, 3),
    Scale(),
]


def network(sizes, loss="squared_error", dtype="float64", **options):
    return Network(sizes, activation="relu", loss=loss, dtype=dtype, random_state=0, **options)


def train_member(net, data, settings, sizes, own, exchange, n_blocks):
    local = [size if block in own else 0 for block, size in enumerate(sizes)]
    before = rows_before(sizes, 5)
    before[:, [block for block in range(n_blocks) if block not in own]] = 0
    bounds = bounds_of(before)
    trainer = _engine.Trainer(net._trainee.model, batch_size=40, row_blocks=n_blocks, **settings)
    losses = []
    for epoch in range(EPOCHS):
        order = epoch_order(local, before, bounds, 7, epoch)
        nodes = nodes_of(own, n_blocks)
        losses.append(trainer.steps(data, order, bounds, nodes=nodes, exchange=exchange))
    return [np.concatenate(losses), net._trainee.flat.copy(), *trainer.state]


SETTINGS = [
    {"optimizer": "adam", "learning_rate": 0.01, "l2": 0.1, "l2_over_rows": True},
    {"optimizer": "sgd", "learning_rate": 0.1, "momentum": 0.9, "clip_norm": 0.5, "l1": 0.01},
    {"optimizer": "adamw", "learning_rate": 0.01, "weight_decay": 0.1, "max_norm": 1.0, "n_threads": 3},
]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("inputs", [None, INPUTS])
@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("n_blocks", "members", "width"),
    [
        (8, [[0, 1, 2, 3], [4, 5, 6, 7]], 20),
        (8, [[3, 4], [0, 1, 2, 7], [5, 6]], 20),
        (8, [[0, 3, 6], [1, 4, 7], [2, 5]], 150),
        (5, [[4], [0, 1, 2, 3]], 20),
    ],
)
def test_members_have_the_bits_of_one(n_blocks, members, width, dtype, settings, inputs, weighted):
    x = RNG.normal(size=(N, 6)).astype(dtype)
    x[:, 5] = RNG.integers(0, 6, N)
    y = RNG.normal(size=(N, 2)).astype(dtype)
    weight = RNG.integers(0, 3, size=N).astype(dtype) if weighted else None
    sizes = even_sizes(N, n_blocks)
    ends = np.cumsum([0, *sizes])
    options = {"dropout": 0.3, "layer_norm": True, "inputs": inputs}
    layers = [6, width, width, 2]

    net = network(layers, dtype=dtype, **options)
    assert (net.n_parameters > FEW) == (width == 150)
    everything = _engine.Dataset(net._trainee.model, x, y, weight)
    before = rows_before(sizes, 5)
    bounds = bounds_of(before)
    trainer = _engine.Trainer(net._trainee.model, batch_size=40, row_blocks=n_blocks, **settings)
    losses = [
        trainer.steps(everything, epoch_order(sizes, before, bounds, 7, epoch), bounds)
        for epoch in range(EPOCHS)
    ]
    expected = [np.concatenate(losses), net._trainee.flat, *trainer.state]

    count = len(members)
    boxes = {(a, b): queue.Queue() for a in range(count) for b in range(count)}
    nodes = [nodes_of(own, n_blocks) for own in members]
    got = [None] * count

    def work(me):
        own = sorted(members[me])
        rows = np.concatenate([np.arange(ends[block], ends[block + 1]) for block in own])
        mine = network(layers, dtype=dtype, **options)
        w = None if weight is None else weight[rows]
        data = _engine.Dataset(mine._trainee.model, x[rows], y[rows], w)
        exchange = TreeExchange(Letters(boxes, me), nodes, me, n_blocks)
        got[me] = train_member(mine, data, settings, sizes, own, exchange, n_blocks)

    threads = [threading.Thread(target=work, args=(me,)) for me in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for parts in got:
        for part, wanted in zip(parts, expected, strict=True):
            assert_array_equal(part, wanted)


def test_one_member_needs_nobody():
    x, y = RNG.normal(size=(64, 3)), RNG.normal(size=(64, 1))
    results = []
    for exchange in (None, TreeExchange(Letters({}, 0), [[(0, 4)]], 0, 4)):
        net = network([3, 9, 1])
        data = _engine.Dataset(net._trainee.model, x, y)
        before = rows_before([16] * 4, 4)
        trainer = _engine.Trainer(net._trainee.model, "adam", batch_size=16, row_blocks=4, learning_rate=0.1)
        bounds = bounds_of(before)
        order = epoch_order([16] * 4, before, bounds, 0, 0)
        losses = trainer.steps(data, order, bounds, nodes=[(0, 4)], exchange=exchange)
        results.append([losses, net._trainee.flat])
    for a, b in zip(*results, strict=True):
        assert_array_equal(a, b)


def test_an_exchange_that_fails_leaves_whole_steps_which_go_on():
    x, y = RNG.normal(size=(64, 3)), RNG.normal(size=(64, 1))
    before = rows_before([16] * 4, 4)
    bounds = bounds_of(before)
    order = epoch_order([16] * 4, before, bounds, 0, 0)
    nodes = [(0, 2), (2, 4)]

    def made():
        net = network([3, 9, 1], dropout=0.2)
        trainer = _engine.Trainer(net._trainee.model, "adam", batch_size=16, row_blocks=4, learning_rate=0.1)
        return net, trainer, _engine.Dataset(net._trainee.model, x, y)

    def add(sums, numbers):
        sums[0] += sums[1]
        numbers[0] += numbers[1]

    net, trainer, data = made()
    expected = trainer.steps(data, order, bounds)
    net2, trainer2, data2 = made()
    calls = []

    def fails(sums, numbers):
        add(sums, numbers)
        calls.append(0)
        if len(calls) == 3:
            raise ConnectionError("lost")

    losses = np.full(4, np.nan)
    with pytest.raises(ConnectionError, match="lost"):
        trainer2.steps(data2, order, bounds, losses=losses, nodes=nodes, exchange=fails)
    assert trainer2.n_steps == 2
    assert_array_equal(losses[:2], expected[:2])
    rest = trainer2.steps(data2, order, bounds[8:].copy(), nodes=nodes, exchange=add)
    assert_array_equal(rest, expected[2:])
    assert_array_equal(net2._trainee.flat, net._trainee.flat)


def test_what_cannot_be_is_refused():
    net = network([3, 9, 1])
    data = _engine.Dataset(net._trainee.model, np.ones((8, 3)), np.ones((8, 1)))
    trainer = _engine.Trainer(net._trainee.model, "sgd", batch_size=8, row_blocks=2)
    order, bounds = np.arange(8), np.array([0, 4, 8])
    for nodes in ([], [(0, 3)], [(1, 1)]):
        with pytest.raises(ValueError, match=r"nodes must be parts|some of them here"):
            trainer.steps(data, order, bounds, nodes=nodes, exchange=print)
    with pytest.raises(ValueError, match=r"losses has shape \(3,\), expected \(1,\)"):
        trainer.steps(data, order, bounds, losses=np.empty(3))


@pytest.mark.parametrize("n_blocks", [2, 3, 5, 8, 13])
def test_nodes_are_parts_of_the_tree(n_blocks):
    parts = RNG.normal(size=n_blocks)
    whole = added({(b, b + 1): parts[b] for b in range(n_blocks)}, 0, n_blocks)
    for _ in range(20):
        owner = RNG.integers(0, 3, size=n_blocks)
        known = {}
        for member in range(3):
            for begin, end in nodes_of(np.flatnonzero(owner == member).tolist(), n_blocks):
                known[begin, end] = added({(b, b + 1): parts[b] for b in range(begin, end)}, begin, end)
        assert added(known, 0, n_blocks) == whole
