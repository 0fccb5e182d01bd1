"""Input layers and parametric activations of `Network`: what is checked, shown, saved and trained."""

import copy
import pickle
import re

import numpy as np
import pytest

import chainrule
from chainrule.inputs import INPUT_LAYERS, Categories, Numbers, Periodic, PiecewiseLinear, Scale
from chainrule.model.inputs import as_blocks
from chainrule.reference import forward

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4))
X[:, 3] = RNG.integers(0, 5, 60)
Y = np.sin(3 * X[:, :1]) + (X[:, 3:] == 2)


def network(**settings):
    layers = [
        Periodic([0, 1], 7, 3, sigma=0.5),
        PiecewiseLinear(2, [-1, 0, 1], 2),
        Categories(3, 5, 4),
        Numbers([1]),
        Scale(),
    ]
    options = {"activation": "mish", "parametric": True, "random_state": 0, "inputs": layers}
    return chainrule.Network([4, 12, 9, 1], **(options | settings))


def test_sizes_begin_with_the_columns_of_x() -> None:
    net = network()
    assert net.sizes == [4, 12, 9, 1]
    assert net.weights[0].shape == (8 + 2 + 4 + 1, 12)
    assert net.n_parameters == sum(a.size for a in net._trainee.arrays().values()) == net._trainee.flat.size
    assert net.parametric == [True, True, False]
    assert net.alphas[0].tolist() == [1] * 12
    assert net.alphas[2] is None


def test_first_values() -> None:
    net = chainrule.Network(
        [2, 1], inputs=[Periodic([0], 400, 100, sigma=2), Categories(1, 500, 20), Scale()], random_state=0
    )
    periodic, table, scale = net.inputs
    assert abs(periodic.frequency.std() - 2) < 0.2
    assert 3 < abs(periodic.phase).max() <= np.pi
    for array in (periodic.weight, periodic.bias):
        assert 0.045 < abs(array).max() <= 0.05
    assert abs(table.table.std() - 1) < 0.02
    assert (scale.scale == 1).all()
    line = chainrule.Network([1, 1], inputs=[PiecewiseLinear(0, [0, 1], 4)], random_state=0).inputs[0]
    assert not line.rise.any()
    assert line.weight.all()
    assert line.bias.all()
    again = network()
    assert (again._trainee.flat == network()._trainee.flat).all()


def test_arrays_are_views() -> None:
    net = network()
    before = net(X)
    net.inputs[4].scale[...] = 0
    assert (net(X) == net(X[:1])).all()
    net.inputs[4].scale = np.ones(15)
    assert (net(X) == before).all()
    assert net.inputs[0].sigma == 0.5
    assert "frequency" in dir(net.inputs[0])
    with pytest.raises(
        ValueError, match=re.escape("inputs[0].bias got an array of shape (3,); expected (2, 3)")
    ):
        net.inputs[0].bias = [1, 2, 3]
    with pytest.raises(
        AttributeError, match=re.escape("inputs[3].scale cannot be set; this layer has learned nothing")
    ):
        net.inputs[3].scale = 1
    with pytest.raises(AttributeError):
        net.inputs[0].wrong  # noqa: B018


def test_outputs_are_those_of_the_reference() -> None:
    net = network(parametric=False)
    stored = forward([*net.weights], [*net.biases], X, net.activations, inputs=as_blocks([*net.inputs]))
    np.testing.assert_allclose(net(X), stored.output, rtol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_copies_and_files(dtype, tmp_path) -> None:
    net = network(dtype=dtype)
    net.train(X, Y, epochs=3)
    net.save(tmp_path / "net")
    for other in (
        copy.copy(net),
        copy.deepcopy(net),
        pickle.loads(pickle.dumps(net)),
        chainrule.load(tmp_path / "net"),
    ):
        assert (other(X) == net(X)).all()
        assert repr(other) == repr(net)
        assert other.inputs[0].frequency is not net.inputs[0].frequency
        other.train(X, Y, epochs=1)
        assert (other.inputs[0].frequency != net.inputs[0].frequency).any()
    gradients = pickle.loads(pickle.dumps(net.gradients(X, Y)))
    assert gradients.inputs[2].table.shape == (6, 4)


def test_a_file_whose_arrays_do_not_fit_is_refused_before_memory_is_taken() -> None:
    tensors, settings = network()._get_state()
    settings["inputs"][2]["n_categories"] = 2**24
    with pytest.raises(
        ValueError, match=re.escape("inputs.2.table of shape (6, 4) does not fit; expected (16777217, 4)")
    ):
        chainrule.Network._from_state(tensors, settings)
    settings["inputs"][2]["name"] = "wavy"
    with pytest.raises(KeyError):
        chainrule.Network._from_state(tensors, settings)


def test_gradients_row_by_row_are_those_of_the_batch() -> None:
    net = network()
    batch, rows = net.gradients(X, Y), net.per_sample_gradients(X, Y)
    for one, each in zip(batch.inputs, rows.inputs, strict=True):
        for name, array in one.arrays.items():
            np.testing.assert_allclose(each.arrays[name].mean(axis=0), array, atol=1e-12)
    assert net.input_gradients(X, Y).shape == net.jacobian(X)[:, 0].shape == X.shape
    assert net.per_sample_gradients(X[0], Y[0]).inputs[4].scale.shape == (15,)


def test_training_by_what_is_learned() -> None:
    net = network()
    before = net._trainee.arrays()
    before = {name: array.copy() for name, array in before.items()}
    history = net.train(
        X,
        Y,
        optimizer=chainrule.AdamW(0.02, weight_decay=0.1),
        epochs=30,
        learning_rate_factors={"biases": 0, "inputs": [0.5, 1, 0, 1, 6]},
        decay_factors={"inputs": 6, "weights": [1, 0, 1]},
        epsilon_factors=[1, 2, 3],
    )
    assert history.loss[-1] < 0.5 * history.loss[0]
    for name, array in net._trainee.arrays().items():
        frozen = name.startswith("biases") or "table" in name
        assert (array == before[name]).all() == frozen, name


def test_other_ways_to_train() -> None:
    x = X.astype(np.float32)
    nets = [network(dtype="float32", dropout=0.1, layer_norm=True) for _ in range(2)]
    settings = {"epochs": 5, "learning_rate_factors": {"inputs": 3}, "validation": (x, Y), "patience": 3}
    nets[0].train(x, Y, **settings)
    chainrule.train_many([(nets[1], x, Y)], **settings)
    assert (nets[0]._trainee.flat == nets[1]._trainee.flat).all()
    net = network()
    table = net.inputs[2].table.copy()
    history = net.train(
        X,
        Y,
        optimizer=chainrule.LBFGS(),
        epochs=20,
        batch_size=None,
        learning_rate_factors={"inputs": [1, 1, 0, 1, 1]},
    )
    assert history.loss[-1] < 0.2 * history.loss[0]
    assert (net.inputs[2].table == table).all()
    whole, parts = network(), network()
    whole.train(X, Y, epochs=6, schedule_epochs=6)
    parts.train(X, Y, epochs=2, schedule_epochs=6)
    parts.train(X, Y, epochs=4, schedule_epochs=6, resume=True)
    assert (whole._trainee.flat == parts._trainee.flat).all()


def test_residual_connections_are_by_the_width_of_x_1() -> None:
    net = chainrule.Network([1, 4, 1], inputs=[Periodic([0], 2, 3)], residual=True)
    assert net.residual == [True, False]
    with pytest.raises(ValueError, match="that layer has 4 inputs and 1 outputs"):
        chainrule.Network([1, 1, 1], inputs=[Periodic([0], 2, 3)], residual=[True])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_first_values_from_rows(dtype) -> None:
    net = network(dtype=dtype)
    kept = [array.copy() for one in net.inputs for array in one.arrays.values()]
    net.initialize_from(X, random_state=1)
    again = network(dtype=dtype)
    again.initialize_from(X, random_state=1)
    assert (net._trainee.flat == again._trainee.flat).all()
    now = [array for one in net.inputs for array in one.arrays.values()]
    assert all((a == b).all() for a, b in zip(kept, now, strict=True))
    stored = forward([*net.weights], [*net.biases], X, net.activations, inputs=as_blocks([*net.inputs]))
    for net_input in stored.net:
        np.testing.assert_allclose(net_input.std(axis=0), 1, rtol=1e-4)
        assert (net_input.min(axis=0) < 1e-6).all()
        assert (net_input.max(axis=0) > -1e-6).all()
    for wrong, message in (
        (network(layer_norm=True), "without layer_norm and residual"),
        (chainrule.Network([4, 4, 1], residual=True), "without layer_norm and residual"),
    ):
        with pytest.raises(ValueError, match=message):
            wrong.initialize_from(X)
    with pytest.raises(ValueError, match="at least two"):
        net.initialize_from(X[:1])
    with pytest.raises(ValueError, match="x has nan"):
        net.initialize_from(np.full((3, 4), np.nan))


@pytest.mark.parametrize(
    ("inputs", "error", "message"),
    [
        (Numbers([0, 1]), TypeError, "expected a list of chainrule.inputs"),
        (
            [Numbers],
            TypeError,
            r"inputs\[0\] is <class .*; expected one of chainrule.inputs: Numbers, Periodic",
        ),
        ([], ValueError, "expected at least one input layer, or None"),
        ([Scale(), Numbers([0, 1])], ValueError, r"inputs\[0\] is Scale\(\), which takes what all"),
        ([Numbers([0, 2])], ValueError, r"inputs\[0\] takes column 2, but sizes begins with 2"),
        ([Numbers([1])], ValueError, "no input layer takes column 0 of x"),
    ],
)
def test_lists_that_cannot_be(inputs, error, message) -> None:
    with pytest.raises(error, match=message):
        chainrule.Network([2, 1], inputs=inputs)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Numbers("01"), TypeError, "columns is '01'; expected a list of whole numbers"),
        (lambda: Numbers([0, 0]), ValueError, "none of them twice"),
        (lambda: Numbers([-1]), ValueError, "a number of columns is -1"),
        (lambda: Periodic([]), ValueError, "at least one column"),
        (lambda: Periodic([0], 0), ValueError, "n_frequencies is 0"),
        (lambda: Periodic([0], sigma=-1), ValueError, "sigma is -1"),
        (lambda: PiecewiseLinear(0, [1]), ValueError, "at least two numbers"),
        (lambda: PiecewiseLinear(0, [1, 1]), ValueError, "each above the last"),
        (lambda: PiecewiseLinear(0, 3), TypeError, "expected a list of numbers that increase"),
        (lambda: Categories([0], 3), TypeError, "column is"),
        (lambda: Categories(0, 2**25), ValueError, "put rare categories together"),
    ],
)
def test_settings_that_cannot_be(make, error, message) -> None:
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize(
    ("factors", "message"),
    [
        (
            {"weight": 1},
            "learning_rate_factors has 'weight'; this network has 'weights', 'biases', 'alphas', 'inputs'",
        ),
        (
            {"inputs": [1]},
            r"learning_rate_factors\['inputs'\] has 1 numbers; expected 5, one per input layer",
        ),
        ({"weights": [1]}, r"learning_rate_factors\['weights'\] has 1 numbers; expected 3, one per layer"),
        ({"biases": -1}, r"learning_rate_factors\['biases'\] is -1"),
    ],
)
def test_factors_that_cannot_be(factors, message) -> None:
    with pytest.raises(ValueError, match=message):
        network().train(X, Y, epochs=1, learning_rate_factors=factors)


def test_what_rows_must_be() -> None:
    scipy_sparse = pytest.importorskip("scipy.sparse")
    net, wrong = network(), X.copy()
    wrong[3, 3] = 1.5
    with pytest.raises(
        ValueError, match=re.escape("column 3 of x, which inputs[2] takes, has 1.5 where category")
    ):
        net.gradients(wrong, Y)
    for call in (lambda x: net(x), lambda x: net.train(x, Y)):
        with pytest.raises(ValueError, match="dense rows"):
            call(scipy_sparse.csr_matrix(X))
    with pytest.raises(ValueError, match=re.escape("x has shape (60, 3); expected (4,) or (n_samples, 4)")):
        net.train(X[:, :3], Y)
    unseen = X.copy()
    unseen[:, 3] = -1
    assert np.isfinite(net.evaluate(unseen, Y))


def test_a_learned_activation_is_not_parametric() -> None:
    with pytest.raises(ValueError, match="activation 'prelu' has a parameter of its own"):
        chainrule.Network([2, 3, 1], activation="prelu", parametric=True)
    net = chainrule.Network([2, 3, 3, 1], activation=["prelu", "relu"], parametric=[False, True])
    assert net.parametric == [False, True, False]


def test_every_kind_is_there() -> None:
    assert {layer.name for layer in network()._architecture.inputs} == set(INPUT_LAYERS)
