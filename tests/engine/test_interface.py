"""What is handed to the engine is checked before anything is computed: one clear error, never a crash."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule import _engine as engine

from .networks import make_case


def model(**settings):
    return engine.Model([3, 5, 2], ["tanh", "identity"], "squared_error", **settings)


@pytest.mark.parametrize(
    ("sizes", "activations", "loss", "message"),
    [
        ([3], [], "squared_error", "at least the inputs and the outputs"),
        ([3, 0], ["identity"], "squared_error", "at least 1, got 0"),
        ([3, -5, 1], ["tanh", "identity"], "squared_error", "at least 1, got -5"),
        ([10**9, 10**9], ["identity"], "squared_error", "more memory than a machine has"),
        ([2**62, 2**62], ["identity"], "squared_error", "more memory than a machine has"),
        ([3, 2], ["tanh", "tanh"], "squared_error", r"one activation per layer of weights \(1\), got 2"),
        ([3, 2], ["tanhh"], "squared_error", "unknown activation 'tanhh'; expected one of identity, sigmoid"),
        ([3, 2], ["tanh"], "squared", "unknown loss 'squared'; expected one of squared_error"),
        ([3, 4, 2], ["softmax", "tanh"], "squared_error", "softmax is an output activation"),
        ([3, 2], ["sigmoid"], "cross_entropy", "use softmax"),
        ([3, 2], ["softmax"], "binary_cross_entropy", "use sigmoid"),
        ([3, 2], ["relu"], "poisson", "use exp, softplus or sigmoid"),
    ],
)
def test_impossible_models(sizes, activations, loss, message) -> None:
    with pytest.raises(ValueError, match=message):
        engine.Model(sizes, activations, loss)


def test_impossible_settings() -> None:
    with pytest.raises(ValueError, match="'float32' or 'float64', got 'float16'"):
        model(dtype="float16")
    with pytest.raises(ValueError, match="isa asks for the instruction set 'mmx', but this processor"):
        model(isa="mmx")
    with pytest.raises(ValueError, match="bias_sign must be -1 or"):
        model(bias_sign=0)
    with pytest.raises(ValueError, match="probability_floor"):
        model(probability_floor=0.7)
    with pytest.raises(ValueError, match="unknown optimizer 'adan'; expected one of sgd, adam"):
        engine.Trainer(model(), "adan", batch_size=1, learning_rate=0.1)
    with pytest.raises(ValueError, match="batch_size must be at least 1, got 0"):
        engine.Trainer(model(), "sgd", batch_size=0, learning_rate=0.1)


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        (np.zeros((4, 2)), ValueError, r"x has shape \(4, 2\), expected"),
        (np.zeros((4, 3, 1)), ValueError, r"x has shape \(4, 3, 1\), expected"),
        (np.zeros((4, 3), np.float32), TypeError, "x must be a float64 array"),
        (np.zeros((4, 3), int), TypeError, "x must be a float64 array"),
        (np.zeros((4, 3), complex), TypeError, "x must be a float64 array"),
        (np.zeros((3, 4)).T, TypeError, "C-contiguous"),
        ([[1.0, 2.0, 3.0]], TypeError, "C-contiguous array"),
        (None, TypeError, "C-contiguous array"),
    ],
)
def test_inputs_that_do_not_fit(x, error, message) -> None:
    with pytest.raises(error, match=message):
        model().forward(x)
    with pytest.raises(error, match=message):
        engine.Dataset(model(), x)


def test_targets_and_weights_that_do_not_fit() -> None:
    m, x = model(), np.zeros((4, 3))
    with pytest.raises(ValueError, match=r"y has shape \(4, 3\), expected \(4, 2\)"):
        engine.Dataset(m, x, np.zeros((4, 3)))
    with pytest.raises(TypeError, match="y must be a float64 array"):
        engine.Dataset(m, x, np.zeros((4, 2), np.float32))
    with pytest.raises(TypeError, match="class indices are targets for cross_entropy and focal only"):
        engine.Dataset(m, x, np.zeros(4, np.int64))
    with pytest.raises(ValueError, match=r"sample_weight has shape \(3,\), expected \(4,\)"):
        engine.Dataset(m, x, np.zeros((4, 2)), np.zeros(3))
    c = engine.Model([3, 2], ["softmax"], "cross_entropy")
    for bad in (-1, 2):
        with pytest.raises(ValueError, match=f"class index {bad} is out of range for 2 outputs"):
            engine.Dataset(c, x, np.array([0, 1, bad, 0]))
    with pytest.raises(ValueError, match="the data have no targets y"):
        m.evaluate(engine.Dataset(m, x))
    with pytest.raises(ValueError, match="the data have no rows"):
        m.evaluate(engine.Dataset(m, x[:0], np.zeros((0, 2))))
    assert m.predict(engine.Dataset(m, x[:0])).shape == (0, 2)


@pytest.mark.parametrize(
    ("indices", "indptr", "message"),
    [
        ([0, 5], [0, 1, 2], "column index 5 is out of range for 3 features"),
        ([0, -1], [0, 1, 2], "column index -1 is out of range"),
        ([0, 1], [0, 2, 1], "must not decrease"),
        ([0, 1], [1, 1, 2], "begin with 0"),
        ([0, 1], [0, 1, 3], "beyond the stored values"),
    ],
)
def test_broken_sparse_rows(indices, indptr, message) -> None:
    with pytest.raises(ValueError, match=message):
        engine.Dataset(model(), (np.ones(2), np.array(indices, np.int32), np.array(indptr, np.int32)))


def test_mixed_index_types() -> None:
    with pytest.raises(TypeError, match="both be int32 or both int64"):
        engine.Dataset(model(), (np.ones(1), np.zeros(1, np.int32), np.array([0, 1], np.int64)))


def test_orders_and_state_that_do_not_fit() -> None:
    case = make_case([3, 2], ["identity"], "squared_error", n_samples=4)
    trainer = engine.Trainer(case.model, "adam", batch_size=2, learning_rate=0.1)
    with pytest.raises(ValueError, match=r"permutation of 0 \.\. n_samples - 1"):
        trainer.epoch(case.data, np.array([0, 1, 2, 4]))
    with pytest.raises(ValueError, match=r"order has shape \(3,\), expected \(4,\)"):
        trainer.epoch(case.data, np.arange(3))
    with pytest.raises(TypeError, match="int64"):
        trainer.epoch(case.data, np.arange(4.0))
    with pytest.raises(ValueError, match="keeps 2 arrays, got 1"):
        trainer.state = [np.zeros(8)]
    with pytest.raises(ValueError, match=r"state has shape \(7,\), expected \(8,\)"):
        trainer.state = [np.zeros(7), np.zeros(7)]
    with pytest.raises(ValueError, match="n_epochs must not be negative"):
        trainer.epochs(case.data, -1)


def test_data_of_another_model() -> None:
    case = make_case([3, 2], ["identity"], "squared_error", n_samples=4)
    for other in (model(), engine.Model([3, 2], ["identity"], "squared_error", dtype="float32")):
        with pytest.raises(ValueError, match="made for a model of other sizes, dtype or loss"):
            other.predict(case.data)


def test_parameters_are_a_view_that_outlives_the_model() -> None:
    m = model()
    parameters = m.parameters
    parameters[:] = 2.0
    assert (m.parameters == 2.0).all()
    assert m.parameters.shape == (3 * 5 + 5 * 2 + 5 + 2,)
    del m
    parameters[:] = 3.0
    assert parameters.sum() == 3.0 * parameters.size


def test_properties() -> None:
    m = model(dtype="float32", bias_sign=1)
    assert (m.sizes, m.activations, m.loss) == ([3, 5, 2], ["tanh", "identity"], "squared_error")
    assert (m.dtype, m.bias_sign, m.isa) == ("float32", 1, engine.isa())
    assert engine.Dataset(m, np.zeros((4, 3), np.float32)).n_samples == 4


def test_the_layout_covers_the_parameters() -> None:
    """Kinds in the order of the table, in each the layers; gain and shift of a layer are neighbors."""
    m = engine.Model(
        [3, 5, 4, 4, 2],
        ["prelu", "tanh", "prelu", "identity"],
        "squared_error",
        layer_norm=[True, False, True, False],
        parametric=[False, True, False, False],
    )
    places = m.layout
    assert [(p.name, p.layer, p.shape) for p in places] == [
        ("weights", 0, (3, 5)), ("weights", 1, (5, 4)), ("weights", 2, (4, 4)), ("weights", 3, (4, 2)),
        ("biases", 0, (5,)), ("biases", 1, (4,)), ("biases", 2, (4,)), ("biases", 3, (2,)),
        ("norm_gains", 0, (5,)), ("norm_shifts", 0, (5,)), ("norm_gains", 2, (4,)), ("norm_shifts", 2, (4,)),
        ("slopes", 0, (5,)), ("slopes", 2, (4,)), ("alphas", 1, (4,)),
    ]  # fmt: skip
    at = 0
    for place in places:
        assert place.offset == at
        assert place.size == np.prod(place.shape)
        assert (m.parameters[at : at + place.size] == place.first).all()
        assert place.penalized == (place.name == "weights")
        assert place.subtracted == (place.name == "biases")
        at += place.size
    assert at == m.parameters.size
    assert {p.name for p in places} == set(engine.learned())
    assert {p.name: p.first for p in places} == dict(
        zip(engine.learned(), [0, 0, 1, 0, 0.25, 1], strict=True)
    )
    alone = engine.layout(m.sizes, m.activations, layer_norm=m.layer_norm, parametric=m.parametric)
    assert list(map(repr, alone)) == list(map(repr, places))
    assert repr(places[0]) == "Place(name='weights', layer=0, shape=(3, 5), offset=0)"


def test_an_impossible_layout() -> None:
    with pytest.raises(ValueError, match="at least 1, got 0"):
        engine.layout([3, 0], ["identity"])
    with pytest.raises(ValueError, match="layer_norm has 2 entries; expected 1"):
        engine.layout([3, 2], ["identity"], layer_norm=[True, False])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("bad", [np.nan, -np.nan, np.inf, -np.inf])
def test_what_is_finite(dtype: str, bad: float) -> None:
    info = np.finfo(dtype)
    good = np.array([0, -0.0, info.max, info.min, info.tiny, -info.smallest_subnormal, 1] * 3, dtype)
    assert engine.is_finite(good)
    assert engine.is_finite(good.reshape(3, 7))
    assert engine.is_finite(good[:0])
    for k in range(len(good)):
        worse = good.copy()
        worse[k] = bad
        assert not engine.is_finite(worse)


def test_only_arrays_of_floats_are_looked_at() -> None:
    for x in (np.arange(3), np.zeros((3, 4)).T, np.zeros(3, np.float16), [1.0], None):
        with pytest.raises(TypeError):
            engine.is_finite(x)
