"""Dropout, layer normalisation, residual connections, prelu and initialisers on `Network`."""

from __future__ import annotations

import copy
import itertools
import pickle
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import chainrule
from chainrule import Adam, Network, reference
from chainrule.model.initialization import INITIALIZERS
from chainrule.reference import Norm

from .networks import DTYPES, make_rows, relative_difference

SIZES = [6, 6, 9, 9, 3]
COMBINATIONS = list(itertools.product([False, True], repeat=3))
ALL: dict[str, Any] = {
    "layer_norm": True,
    "residual": True,
    "dropout": 0.25,
    "activation": ["prelu", "gelu", "tanh"],
}


def everything(**options: Any) -> Network:
    net = Network(SIZES, **{**ALL, "random_state": 0, **options})
    rng = np.random.default_rng(1)
    for arrays in (net.norm_gains, net.norm_shifts, net.slopes):
        for array in arrays:
            if array is not None:
                array[...] += rng.normal(0, 0.2, array.shape)
    return net


def arrays_of(net: Network) -> list[np.ndarray]:
    lists = (net.weights, net.biases, net.norm_gains, net.norm_shifts, net.slopes)
    return [array for arrays in lists for array in arrays if array is not None]


def of_reference(net: Network) -> dict[str, Any]:
    norms = [
        None if g is None else Norm(g.astype(float), s.astype(float))
        for g, s in zip(net.norm_gains, net.norm_shifts, strict=True)
    ]
    slopes = [None if s is None else s.astype(float) for s in net.slopes]
    return {"norms": norms, "residual": net.residual, "slopes": slopes}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("norm", "residual", "prelu"), COMBINATIONS)
def test_outputs_and_gradients_are_the_references(
    dtype: str, norm: bool, residual: bool, prelu: bool
) -> None:
    net = everything(layer_norm=norm, residual=residual, activation="prelu" if prelu else "silu", dtype=dtype)
    x, y = make_rows(SIZES)
    found = net.gradients(x, y, l2=0.1)
    weights, biases = ([a.astype(float) for a in arrays] for arrays in (net.weights, net.biases))
    rows = x.astype(dtype).astype(float), y.astype(dtype).astype(float)
    expected = reference.gradients(
        weights, biases, *rows, net.activations, net.loss, l2=0.1, **of_reference(net)
    )
    tolerance = 1e-12 if dtype == "float64" else 1e-4
    for name in ("weights", "biases", "gains", "shifts", "slopes"):
        for ours, theirs in zip(getattr(found, name), getattr(expected, name), strict=True):
            assert (ours is None) == (theirs is None)
            if ours is not None:
                assert relative_difference(ours, theirs) <= tolerance
    output = reference.predict(weights, biases, rows[0], net.activations, **of_reference(net))
    assert relative_difference(net(x), output) <= tolerance
    assert_array_equal(net(x[0]), net(x)[0])


def test_gradcheck_covers_every_parameter() -> None:
    net = everything()
    x, y = make_rows(SIZES)
    report = chainrule.gradcheck(net, x, y)
    assert report
    assert sum(int(np.prod(c.shape)) for c in report.parameters) == net.n_parameters
    assert {"gain_1", "shift_3", "slope_1"} <= {c.name for c in report.parameters}


def test_attributes_count_and_repr() -> None:
    net = everything()
    assert net.layer_norm == [True, True, True, False]
    assert net.residual == [True, False, True, False]
    assert net.dropout == [0.25, 0.25, 0.25, 0.0]
    assert [a is None for a in net.norm_gains] == [False, False, False, True]
    assert [a is None for a in net.slopes] == [False, True, True, True]
    n_plain = sum(n * m + m for n, m in itertools.pairwise(SIZES))
    assert net.n_parameters == n_plain + 2 * (6 + 9 + 9) + 6
    assert repr(net) == (
        "Network([6, 6, 9, 9, 3], activation=['prelu', 'gelu', 'tanh'], dropout=0.25, layer_norm=True,"
        " residual=[True, False, True], output_activation='identity', loss='squared_error', dtype='float64')"
    )
    plain = Network([3, 4, 1])
    assert (plain.norm_gains, plain.norm_shifts, plain.slopes) == ([None, None], [None, None], [None, None])
    assert "dropout" not in repr(plain)


def test_first_values() -> None:
    net = Network(SIZES, **ALL, random_state=0)
    assert all((g == 1).all() for g in net.norm_gains[:-1])
    assert all((s == 0).all() for s in net.norm_shifts[:-1])
    assert (net.slopes[0] == 0.25).all()
    plain = Network(SIZES, activation=ALL["activation"], random_state=0)  # the same draws
    for a, b in zip([*net.weights, *net.biases], [*plain.weights, *plain.biases], strict=True):
        assert_array_equal(a, b)


def test_vectors_are_writable_and_a_missing_one_is_named() -> None:
    net = everything()
    x, _ = make_rows(SIZES)
    before = net(x)
    net.slopes[0] = np.full(6, -1.0)
    assert (net(x) != before).any()
    net.norm_gains = [np.ones(6), np.ones(9), np.ones(9), None]
    assert (net.norm_gains[1] == 1).all()
    with pytest.raises(ValueError, match=r"slopes\[1\] belongs to a layer that has none; expected None"):
        net.slopes[1] = np.ones(9)
    with pytest.raises(ValueError, match=r"norm_shifts\[0\] got an array of shape \(2,\); expected \(6,\)"):
        net.norm_shifts[0] = [1.0, 2.0]
    net.norm_gains[0][2] = np.nan
    with pytest.raises(ValueError, match=r"norm_gains\[0\] has nan in element 2; set finite parameters"):
        net.gradients(*make_rows(SIZES))


@pytest.mark.parametrize("dtype", DTYPES)
def test_saving_copying_and_pickling_keep_every_bit(dtype: str, tmp_path: Any) -> None:
    net = everything(dtype=dtype)
    x, y = make_rows(SIZES)
    net.train(x, y, epochs=3, batch_size=2)
    net.save(tmp_path / "net.safetensors")
    for other in (
        chainrule.load(tmp_path / "net.safetensors"),
        copy.deepcopy(net),
        pickle.loads(pickle.dumps(net)),
    ):
        assert repr(other) == repr(net)
        for a, b in zip(arrays_of(other), arrays_of(net), strict=True):
            assert_array_equal(a, b)
        assert_array_equal(other(x), net(x))
        for trained in (other, again := copy.deepcopy(net)):
            trained.train(x, y, epochs=2, batch_size=2)
        assert_array_equal(other(x), again(x))


def test_a_file_from_before_has_none_of_them() -> None:
    net = Network([3, 4, 1], random_state=0)
    tensors, settings = net._get_state()
    for name in ("dropout", "layer_norm", "residual"):
        del settings[name]
    old = Network._from_state(tensors, settings)
    assert_array_equal(old(np.ones(3)), net(np.ones(3)))
    assert (old.dropout, old.layer_norm, old.residual) == ([0, 0], [False, False], [False, False])


def test_a_file_without_its_gains_is_damaged(tmp_path: Any) -> None:
    tensors, settings = everything()._get_state()
    del tensors["norm_gains.1"]
    with pytest.raises(KeyError, match=r"norm_gains\.1"):
        Network._from_state(tensors, settings)
    net = everything()
    net.norm_shifts[1][0] = np.inf
    with pytest.raises(ValueError, match=r"'norm_shifts\.1' has values that are not finite"):
        net.save(tmp_path / "net.safetensors")


# --- training ---


def test_training_in_pieces_has_the_bits_of_one_training() -> None:
    x, y = make_rows(SIZES, n_samples=40)
    whole, pieces = everything(), everything()
    history = whole.train(x, y, epochs=6, batch_size=8, optimizer=Adam(0.01))
    losses = pieces.train(x, y, epochs=2, batch_size=8, optimizer=Adam(0.01)).loss
    losses += pieces.train(x, y, epochs=1, batch_size=8, optimizer=Adam(0.01), resume=True).loss
    pieces.n_threads = 2  # another trainer goes on from there
    losses += pieces.train(x, y, epochs=3, batch_size=8, optimizer=Adam(0.01), resume=True).loss
    assert losses == history.loss
    for a, b in zip(arrays_of(whole), arrays_of(pieces), strict=True):
        assert_array_equal(a, b)


def test_a_second_training_drops_other_units() -> None:
    """Of one epoch each, without shuffles: only the masks differ."""
    x, y = make_rows([4, 30, 1])
    net = Network([4, 30, 1], dropout=0.5, random_state=0)
    start = [a.copy() for a in arrays_of(net)]
    results = []
    for _ in range(2):
        for array, first in zip(arrays_of(net), start, strict=True):
            array[...] = first
        net.train(x, y, epochs=1, batch_size=None, shuffle=False)
        results.append(net.weights[1].copy())
    assert (results[0] != results[1]).any()
    other = Network([4, 30, 1], dropout=0.5, random_state=0)
    other.train(x, y, epochs=1, batch_size=None, shuffle=False)
    assert_array_equal(other.weights[1], results[0])


def test_prediction_knows_no_dropout() -> None:
    x, y = make_rows(SIZES)
    net, without = everything(dropout=0.9), everything(dropout=0.0)
    assert_array_equal(net(x), without(x))
    assert net.evaluate(x, y) == without.evaluate(x, y)
    assert net.gradients(x, y).loss == without.gradients(x, y).loss
    losses = [n.train(x, y, epochs=1).loss for n in (net, without)]
    assert losses[0] != losses[1]


def test_gradients_reach_the_first_layer_of_a_deep_network() -> None:
    """Through 12 sigmoid layers they vanish; around them they do not."""
    x, y = make_rows([8, 1])
    sizes = [8, *[16] * 12, 1]
    plain, residual = (
        np.linalg.norm(
            Network(sizes, activation="sigmoid", random_state=0, residual=r).gradients(x, y).weights[0]
        )
        for r in (False, True)
    )
    assert 0 < plain < 1e-4 * residual


def test_every_parameter_is_trained() -> None:
    x, y = make_rows(SIZES)
    net = everything()
    before = [a.copy() for a in arrays_of(net)]
    net.train(x, y, epochs=1)
    for a, b in zip(arrays_of(net), before, strict=True):
        assert (a != b).any()


# --- derivatives of rows ---


@pytest.mark.parametrize("dtype", DTYPES)
def test_derivatives_of_rows(dtype: str) -> None:
    net = everything(dtype=dtype)
    x, y = (a.astype(dtype) for a in make_rows(SIZES))
    tolerance = 1e-12 if dtype == "float64" else 1e-4
    by_input, per_sample = net.input_gradients(x, y), net.per_sample_gradients(x, y)
    norms, jacobian = net.per_sample_gradient_norms(x, y), net.jacobian(x)
    weights, biases = ([a.astype(float) for a in arrays] for arrays in (net.weights, net.biases))
    for i, (row, target) in enumerate(zip(x, y, strict=True)):
        args = (weights, biases, row.astype(float))
        g = reference.gradients(*args, target.astype(float), net.activations, net.loss, **of_reference(net))
        assert relative_difference(by_input[i], g.x) <= tolerance
        total = 0.0
        for name in ("weights", "biases", "gains", "shifts", "slopes"):
            for ours, theirs in zip(getattr(per_sample, name), getattr(g, name), strict=True):
                if theirs is not None:
                    assert relative_difference(ours[i], theirs) <= tolerance
                    total += float((theirs**2).sum())
        assert norms[i] == pytest.approx(np.sqrt(total), rel=tolerance)
        yhat = reference.predict(*args, net.activations, **of_reference(net))
        for j, unit in enumerate(np.eye(SIZES[-1])):  # with the target yhat - e_j, dE/dx is dyhat_j/dx
            g = reference.gradients(*args, yhat - unit, net.activations, net.loss, **of_reference(net))
            assert relative_difference(jacobian[i, j], g.x) <= tolerance


# --- what is refused ---


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"dropout": 1.0}, ValueError, r"dropout is 1\.0; expected a finite number in \[0, 1\)"),
        ({"dropout": [0.1]}, ValueError, r"dropout is a list of 1 for 2 hidden layers; expected one number"),
        (
            {"dropout": [0.1, -1.0]},
            ValueError,
            r"dropout\[1\] is -1\.0; expected a finite number in \[0, 1\)",
        ),
        ({"dropout": "0.5"}, TypeError, r"dropout is '0\.5'; expected a number in \[0, 1\)"),
        ({"layer_norm": 1}, TypeError, r"layer_norm is 1; expected True or False"),
        ({"layer_norm": [True, True, True]}, ValueError, r"layer_norm is a list of 3 for 2 hidden layers"),
        (
            {"residual": True},
            ValueError,
            r"no hidden layer of sizes \[3, 5, 4, 2\] is as wide .* \[3, 5, 5, 2\]",
        ),
        (
            {"residual": [False, True]},
            ValueError,
            r"residual\[1\] is True, but that layer has 5 inputs and 4",
        ),
        ({"initializer": "he"}, ValueError, r"'he'; did you mean 'he_uniform'\? known: glorot_uniform, "),
        ({"initializer": "kaiming_normal"}, ValueError, r"did you mean 'he_normal'\?"),
        ({"initializer": "xavier_uniform_"}, ValueError, r"did you mean 'glorot_uniform'\?"),
        ({"initializer": "xavier"}, ValueError, r"did you mean 'glorot_\w+'\?"),
        ({"initializer": "he_norm"}, ValueError, r"did you mean 'he_normal'\?"),
        ({"initializer": 3}, TypeError, r"initializer is 3; expected None or one of: glorot_uniform"),
        ({"output_activation": "prelu"}, ValueError, r"output activation 'prelu'"),
    ],
)
def test_wrong_options(options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Network([3, 5, 4, 2], **options)


def test_options_without_hidden_layers() -> None:
    net = Network([3, 2], dropout=0.5, layer_norm=True)
    assert (net.dropout, net.layer_norm) == ([0.0], [False])
    with pytest.raises(
        ValueError, match=r"no hidden layer of sizes \[3, 2\] .* for example \[3, 3, 3, 2\]|\[3,"
    ):
        Network([3, 2], residual=True)


# --- initialisers ---

VARIANCES = {"glorot": 2 / (300 + 200), "he": 2 / 300, "lecun": 1 / 300}


@pytest.mark.parametrize("name", [n for n in INITIALIZERS if n != "orthogonal"])
def test_variance_and_distribution_of_an_initializer(name: str) -> None:
    net = Network([300, 200, 1], initializer=name, random_state=0)
    W, variance = net.weights[0], VARIANCES[name.split("_")[0]]
    assert W.var() == pytest.approx(variance, rel=0.03)
    assert abs(W.mean()) <= 5 * np.sqrt(variance / W.size)
    kurtosis = (W**4).mean() / W.var() ** 2
    assert kurtosis == pytest.approx(3.0 if name.endswith("normal") else 1.8, rel=0.05)
    if name.endswith("uniform"):
        assert np.abs(W).max() <= np.sqrt(3 * variance)
    assert all((b == 0).all() for b in net.biases)


@pytest.mark.parametrize("sizes", [[20, 7, 1], [7, 20, 1], [9, 9, 1]])
def test_orthogonal_rows_or_columns(sizes: list[int]) -> None:
    W = Network(sizes, initializer="orthogonal", random_state=0).weights[0]
    product = W.T @ W if W.shape[0] >= W.shape[1] else W @ W.T
    np.testing.assert_allclose(product, np.eye(min(W.shape)), atol=1e-14)
    other = Network(sizes, initializer="orthogonal", random_state=1).weights[0]
    assert (other != W).all()


@pytest.mark.parametrize("name", INITIALIZERS)
def test_both_dtypes_start_alike(name: str) -> None:
    single, double = (Network([9, 5, 2], initializer=name, dtype=d, random_state=3) for d in DTYPES)
    for a, b in zip(single.weights, double.weights, strict=True):
        assert_array_equal(a, b.astype(np.float32))


def test_lbfgs_moves_every_parameter_and_refuses_dropout() -> None:
    x, y = make_rows(SIZES, n_samples=30)
    net = everything(dropout=0.0)
    before = [a.copy() for a in arrays_of(net)]
    history = net.train(x, y, optimizer=chainrule.LBFGS(), epochs=20, batch_size=None)
    assert history.loss[-1] < 0.5 * history.loss[0]
    for a, b in zip(arrays_of(net), before, strict=True):
        assert (a != b).any()
    frozen = everything(dropout=0.0)
    frozen.train(
        x, y, optimizer=chainrule.LBFGS(), epochs=3, batch_size=None, learning_rate_factors=[0, 1, 1, 1]
    )
    assert (frozen.slopes[0] == everything().slopes[0]).all()
    assert (frozen.norm_gains[0] == everything().norm_gains[0]).all()
    with pytest.raises(ValueError, match=r"dropout changes in every step; use dropout=0\.0"):
        everything().train(x, y, optimizer=chainrule.LBFGS(), epochs=3, batch_size=None)
