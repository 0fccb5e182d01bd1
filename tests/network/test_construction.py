"""What a network is made of: names, sizes, first parameters; one clear error for what cannot be."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

import chainrule
from chainrule import Network
from chainrule.reference import LOSSES

from .networks import PAIRS, parameters


def test_attributes() -> None:
    net = Network([3, 5, 4, 2], activation=["tanh", "gelu"], loss="cross_entropy", dtype=np.float32)
    assert net.sizes == [3, 5, 4, 2]
    assert net.activations == ["tanh", "gelu", "softmax"]
    assert net.loss == "cross_entropy"
    assert net.dtype == np.float32
    assert net.n_parameters == 3 * 5 + 5 * 4 + 4 * 2 + 5 + 4 + 2
    assert net.n_threads is None
    assert [W.shape for W in net.weights] == [(3, 5), (5, 4), (4, 2)]
    assert [b.shape for b in net.biases] == [(5,), (4,), (2,)]
    assert {a.dtype for a in [*net.weights, *net.biases]} == {np.dtype(np.float32)}


def test_what_a_caller_gets_of_sizes_and_names_is_a_copy() -> None:
    net = Network([3, 5, 2])
    net.sizes.append(7)
    net.activations.clear()
    assert (net.sizes, net.activations) == ([3, 5, 2], ["relu", "identity"])


@pytest.mark.parametrize("loss", list(LOSSES))
def test_default_output_activation(loss: str) -> None:
    assert Network([2, 3], loss=loss).activations == [LOSSES[loss].default_output_activation]


@pytest.mark.parametrize(("loss", "output"), PAIRS)
def test_every_pair_of_loss_and_output_activation(loss: str, output: str) -> None:
    net = Network([2, 4, 3], loss=loss, output_activation=output)
    assert (net.loss, net.activations[-1]) == (loss, output)


def test_repr_makes_the_same_network() -> None:
    texts = [
        "Network([3, 5, 4, 2], activation='tanh', output_activation='identity', loss='squared_error',"
        " dtype='float64')",
        "Network([3, 5, 4, 2], activation=['tanh', 'relu'], output_activation='softmax',"
        " loss='cross_entropy', dtype='float32')",
        "Network([3, 1], output_activation='exp', loss='poisson', dtype='float64')",
    ]
    for text in texts:
        assert repr(eval(text, {"Network": Network})) == text


def test_first_parameters_are_those_of_the_formula() -> None:
    net = Network([3, 5, 4, 2], activation=["sigmoid", "relu"], random_state=3)
    rng = np.random.default_rng(3)
    shapes_and_factors = [((3, 5), 2.0), ((5, 4), 6.0), ((4, 2), 6.0)]
    for W, b, (shape, factor) in zip(net.weights, net.biases, shapes_and_factors, strict=True):
        bound = np.sqrt(factor / sum(shape))
        np.testing.assert_array_equal(W, rng.uniform(-bound, bound, shape))
        np.testing.assert_array_equal(b, rng.uniform(-bound, bound, shape[1]))


def test_the_same_seed_gives_the_same_network() -> None:
    def made(**settings: object) -> np.ndarray:
        return parameters(Network([3, 5, 2], **settings))

    np.testing.assert_array_equal(made(random_state=1), made(random_state=1))
    np.testing.assert_array_equal(made(random_state=1), made(random_state=np.random.default_rng(1)))
    np.testing.assert_array_equal(
        made(random_state=1).astype(np.float32), made(random_state=1, dtype="float32")
    )
    assert not np.array_equal(made(random_state=1), made(random_state=2))
    assert not np.array_equal(made(), made())


def test_a_generator_is_drawn_from() -> None:
    rng = np.random.default_rng(0)
    first, second = Network([3, 2], random_state=rng), Network([3, 2], random_state=rng)
    assert not np.array_equal(parameters(first), parameters(second))


@pytest.mark.parametrize(
    ("sizes", "error", "message"),
    [
        ([3], ValueError, r"sizes is \[3\]; expected at least the number of inputs and"),
        ([], ValueError, r"sizes is \[\]; expected at least"),
        ([3, -1, 2], ValueError, r"sizes\[1\] is -1; expected a whole number of at least 1"),
        ([3, 0], ValueError, r"sizes\[1\] is 0; expected"),
        ([3, 2.5], TypeError, r"sizes\[1\] is 2.5; expected a whole number"),
        ([3, True], TypeError, r"sizes\[1\] is True; expected a whole number"),
        ([3, "4"], TypeError, r"sizes\[1\] is '4'; expected a whole number"),
        ([3, None], TypeError, r"sizes\[1\] is None; expected a whole number"),
        (5, TypeError, r"sizes is 5; expected a list of whole numbers, inputs first"),
        ("35", TypeError, "sizes is '35'; expected a list"),
        ({3, 4}, TypeError, "expected a list"),
        ([2**62, 2**62], ValueError, "more than memory can address; use smaller sizes"),
        ([10**30, 2], ValueError, "2,000,000,000,000,000,000,000,000,000,002 parameters"),
        (
            [2**21, 2**21],
            MemoryError,
            r"35,184.4 GB in float64, but this machine has .* GB of memory; use smaller",
        ),
    ],
)
def test_impossible_sizes(sizes: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Network(sizes)


def test_a_refused_network_takes_no_memory() -> None:
    tracemalloc.start()
    try:
        with pytest.raises(MemoryError):
            Network([2**21, 2**21])
        assert tracemalloc.get_traced_memory()[1] < 10**6
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"activation": "rleu"}, ValueError, "unknown activation 'rleu'; did you mean 'relu'"),
        ({"activation": ["relu", "tnah"]}, ValueError, "unknown activation 'tnah'; did you mean 'tanh'"),
        ({"activation": "swish"}, ValueError, "unknown activation 'swish'; did you mean 'silu'"),
        ({"activation": ["relu"]}, ValueError, "a list of 1 for 2 hidden layers; expected one name for all"),
        ({"activation": ["relu"] * 3}, ValueError, "the output layer's is output_activation"),
        ({"activation": "softmax"}, ValueError, "'softmax' is for the output layer only; give it as output_"),
        ({"activation": ["exp", "relu"]}, ValueError, "'exp' is for the output layer only"),
        ({"activation": None}, TypeError, "activation is None; expected a name or a list of names"),
        ({"activation": [5, "relu"]}, TypeError, r"activation\[0\] is 5; expected a name"),
        ({"output_activation": "sigmod"}, ValueError, "did you mean 'sigmoid'"),
        (
            {"output_activation": "logistic"},
            ValueError,
            "output_activation 'logistic'; did you mean 'sigmoid'",
        ),
        ({"output_activation": 3}, TypeError, "output_activation is 3; expected a name"),
        ({"loss": "squared_eror"}, ValueError, "unknown loss 'squared_eror'; did you mean 'squared_error'"),
        ({"loss": "mse"}, ValueError, "unknown loss 'mse'; did you mean 'squared_error'"),
        ({"loss": None}, TypeError, "loss is None; expected a name"),
        (
            {"loss": "cross_entropy", "output_activation": "relu"},
            ValueError,
            "'cross_entropy' does not go with the output activation 'relu'; expected one of: softmax",
        ),
        ({"dtype": "float16"}, ValueError, "dtype is 'float16'; expected 'float32' or 'float64'"),
        ({"dtype": int}, ValueError, "expected 'float32' or 'float64'"),
        ({"dtype": None}, ValueError, "dtype is None; expected 'float32' or 'float64'"),
        ({"dtype": "folat64"}, ValueError, "dtype is 'folat64'; expected 'float32' or 'float64'"),
        ({"random_state": -1}, ValueError, "random_state is -1; expected None, an int >= 0"),
        ({"random_state": "zero"}, TypeError, "random_state is 'zero'; expected None, an int >= 0"),
        ({"n_threads": 0}, ValueError, "n_threads is 0; expected a whole number of at least 1"),
        ({"n_threads": 1.5}, TypeError, "n_threads is 1.5; expected a whole number"),
        ({"actvation": "relu"}, TypeError, "unexpected keyword argument 'actvation'"),
    ],
)
def test_impossible_settings(settings: dict[str, object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Network([3, 4, 5, 2], **settings)


def test_a_name_is_checked_where_no_layer_uses_it() -> None:
    with pytest.raises(ValueError, match="unknown activation 'rleu'"):
        Network([3, 2], activation="rleu")
    assert Network([3, 2], activation=[]).activations == ["identity"]


@pytest.mark.parametrize("name", ["loss", "sizes", "activations", "dtype", "n_parameters", "bias", "weight"])
def test_what_cannot_be_set_says_so(name: str) -> None:
    """A slip such as net.bias = ... must not make a new attribute that nothing reads."""
    with pytest.raises(AttributeError, match=name):
        setattr(Network([3, 2]), name, 1)


def test_n_threads_can_be_set() -> None:
    net = Network([3, 2], random_state=0, n_threads=2)
    x = np.ones((5, 3))
    before = net(x)
    for n_threads in (1, None, 10**12):
        net.n_threads = n_threads
        np.testing.assert_array_equal(net(x), before)
    with pytest.raises(ValueError, match="n_threads is -1"):
        net.n_threads = -1


def test_public_name() -> None:
    assert chainrule.Network is Network
