"""Input layers and activations of learned strength (E11-E15): from the columns to the loss, and back."""

import numpy as np
import pytest

import chainrule
from chainrule import inputs, reference
from chainrule.derive.expression import Scaled, Sum
from chainrule.derive.inputs.stage import ENTRIES
from chainrule.derive.later import later_updates
from chainrule.derive.verify import WAYS

from .networks import HIDDEN, relative_difference
from .test_python import compiled
from .test_steps import assert_forms_agree
from .test_verify import check, failed, with_form, with_step, without_last

EDGES = [-1.0, -0.25, 0.5, 2.0]
#: Every kind alone, several columns where it takes them, and with more than one network may have at once.
KINDS = {
    "numbers": [inputs.Numbers([2, 0, 1])],
    "periodic": [inputs.Periodic([0, 2], 3, 2, sigma=0.5), inputs.Numbers([1])],
    "piecewise_linear": [inputs.PiecewiseLinear(0, EDGES, 3), inputs.Numbers([1, 2])],
    "one bin": [
        inputs.PiecewiseLinear(0, EDGES[:2], 2),
        inputs.PiecewiseLinear(1, EDGES, 1),
        inputs.Numbers([2]),
    ],
    "categories": [inputs.Numbers([0, 1]), inputs.Categories(2, 3, 2)],
    "scale": [inputs.Numbers([0, 1, 2]), inputs.Scale()],
    "one column twice": [
        inputs.Numbers([0, 1]),
        inputs.Periodic([1, 2], 2, 1, sigma=0.5),
        inputs.PiecewiseLinear(1, EDGES, 2),
        inputs.Numbers([1]),
    ],
    "all": [
        inputs.Periodic([0, 1], 2, 3, sigma=0.5),
        inputs.Numbers([0]),
        inputs.PiecewiseLinear(1, EDGES, 2),
        inputs.Categories(2, 3, 2),
        inputs.Scale(),
    ],
}  # fmt: skip


def make(layers, n_rows=1, seed=0, **settings):
    """A network with these input layers, whose arrays are all generic, and rows; column 2 may hold codes."""
    rng = np.random.default_rng(seed)
    settings = {"activation": "tanh", **settings}
    net = chainrule.Network([3, 4, 2], inputs=layers, random_state=seed, **settings)
    for one in net.inputs:
        for name, array in one.arrays.items():
            setattr(one, name, rng.normal(size=array.shape))
    for alphas in net.alphas:
        if alphas is not None:
            alphas[:] = rng.uniform(0.2, 1.5, alphas.shape)
    x = rng.normal(size=(n_rows, 3))
    if any(isinstance(one, inputs.Categories) for one in layers):
        x[:, 2] = rng.integers(-1, 3, n_rows)
    return net, x, rng.normal(size=(n_rows, 2))


@pytest.mark.parametrize("n_rows", [1, 4])
@pytest.mark.parametrize("kind", KINDS)
def test_every_number_is_that_of_four_ways(kind, n_rows):
    derivation = chainrule.derive(*make(KINDS[kind], n_rows), optimizer=chainrule.Adam(0.01))
    assert_forms_agree(derivation)
    report = derivation.verify()
    assert all(largest < 1e-12 for largest in report.largest.values())
    for key in derivation.model.stage.given():
        if not key.startswith(("edge", "width")):
            assert all(getattr(check(report, f"d{key}"), way) is not None for way in WAYS), key
            assert check(report, f"update.{key}").engine is not None, key
            if n_rows > 1:
                assert check(report, f"batch.d{key}").engine is not None, key
    assert check(report, "dx.0").engine is not None
    assert np.array_equal(derivation.value("x.0"), make(KINDS[kind], n_rows)[1])


def test_every_kind_that_is_registered_is_written():
    assert {*ENTRIES, "scale"} == set(inputs.INPUT_LAYERS)
    for kind, entry in ENTRIES.items():
        assert tuple(entry.arrays) == reference.inputs.INPUT_LAYERS[kind].learned


@pytest.mark.parametrize("name", [name for name in HIDDEN if not reference.ACTIVATIONS[name].hidden_only])
def test_every_activation_of_learned_strength(name):
    net, x, y = make(KINDS["all"], 3, activation=name, parametric=True)
    derivation = chainrule.derive(net, x, y)
    report = derivation.verify()
    assert all(getattr(check(report, "dalpha.1"), way) is not None for way in WAYS)
    found = {
        key: derivation.step(key).equation for key in ("output.1", "prime.1", "dalpha.1", "batch.dalpha.1")
    }
    assert set(found.values()) == {"E12"}
    expected = net.gradients(x, y).alphas[0]
    assert relative_difference(derivation.value("batch.dalpha.1")[0], expected) < 1e-12


def test_equations():
    derivation = chainrule.derive(*make(KINDS["all"]))
    wanted = {
        "angle.1": "E13",
        "dfrequency.1": "E13",
        "position.4": "E14",
        "drise.4": "E14",
        "embedded.3": "E15",
    }
    wanted |= {"dtable.3": "E15", "scaled": "E11", "dscale.0": "E11", "net.1": "E1"}
    assert {key: derivation.step(key).equation for key in wanted} == wanted
    parts = list(dict.fromkeys(step.part for step in derivation))
    assert parts[:3] == ["definition", "inputs", "forward"]
    assert parts.index("columns") == parts.index("general") - 1


def test_a_category_that_was_not_seen_has_the_last_row():
    net, x, y = make(KINDS["categories"])
    for code in (-1, 3, 17):
        x[0, 2] = code
        derivation = chainrule.derive(net, x, y)
        assert np.array_equal(derivation.value("embedded.3")[0], net.inputs[1].table[-1])
        assert derivation.value("dtable.3")[:-1].tolist() == np.zeros((3, 2)).tolist()
        assert derivation.value("dx.0")[0, 2] == 0


def test_many_categories_cost_their_rows_alone():
    net = chainrule.Network([1, 1], inputs=[inputs.Categories(0, 100_000, 2)], random_state=0)
    derivation = chainrule.derive(net, [[7.0]], [[1.0]])
    assert np.array_equal(derivation.value("embedded.1")[0], net.inputs[0].table[7])
    assert np.flatnonzero(derivation.value("dtable.1").any(axis=1)).tolist() == [7]


@pytest.mark.parametrize("value", [-3.0, -1.0, -0.25, 0.1, 2.0, 5.0])
def test_at_the_edges_of_bins_and_beyond(value):
    net, x, y = make(KINDS["piecewise_linear"])
    x[0, 0] = value
    derivation = chainrule.derive(net, x, y)
    (block, *_) = derivation.model.stage.blocks()
    assert derivation.value("position.1").tolist() == block.layers[0].encoding(x[:, :1]).tolist()
    found = net.input_gradients(x, y)
    assert relative_difference(derivation.value("dx.0"), found) < 1e-12


@pytest.mark.parametrize("kind", KINDS)
def test_python(kind):
    net, x, y = make(KINDS[kind], 5, parametric=True)
    derivation = chainrule.derive(net)
    given = {
        key: array
        for key, array in derivation.model.stage.given().items()
        if not key.startswith(("edge", "width"))
    }
    arguments = {"inputs": given} if given else {}
    loss, weights, biases, alphas, *more = compiled(derivation)(
        x, y, net.weights, net.biases, alphas=net.alphas[:1], **arguments
    )
    g = net.gradients(x, y)
    assert relative_difference(loss, g.loss) < 1e-12
    for one, other in zip([*weights, *biases, *alphas], [*g.weights, *g.biases, g.alphas[0]], strict=True):
        assert relative_difference(one, other) < 1e-11
    expected = chainrule.derive(net, x, y)
    for key, gradient in (more[0] if more else {}).items():
        assert (
            relative_difference(gradient, expected.value(f"batch.d{key}").reshape(gradient.shape)) < 1e-11
        ), key
    assert set(more[0] if more else {}) == set(given)


def without_first(expression):
    """What is scaled without its first number, a sum without its first term."""
    match expression:
        case Scaled(Scaled(_, left), right):
            return Scaled(left, right)
        case Sum(terms):
            return Sum(terms[1:])
    raise TypeError(type(expression))


@pytest.mark.parametrize(
    ("key", "change"),
    [
        ("dangle.1", lambda expression: -expression),
        ("dangle.1", lambda expression: -without_last(expression.terms[0][1])),
        ("dfrequency.1", without_first),
        ("dcolumn.1", without_first),
        ("dcolumn.4", without_first),
        ("dweight.4", lambda expression: -expression),
        ("drise.4", lambda expression: -expression),
        ("dtable.3", lambda expression: -expression),
        ("dscale.0", without_last),
        ("dz.0", without_last),
        ("dalpha.1", without_last),
    ],
)
def test_what_is_wrong_is_caught(key, change):
    derivation = chainrule.derive(*make(KINDS["all"], 2, parametric=True))
    assert key in failed(with_step(derivation, key, with_form(-1, change)))


def test_what_is_1_before_training_is_missed():
    """Alphas and factors of a new network are 1: a step without them has the same number."""
    net = chainrule.Network(
        [3, 4, 2], inputs=KINDS["scale"], activation="tanh", parametric=True, random_state=0
    )
    derivation = chainrule.derive(net, [[0.5, -1.0, 2.0]], [[1.0, 0.0]])
    assert "dz.0" in failed(with_step(derivation, "dz.0", with_form(-1, without_last)))


def test_without_a_sample_one_is_drawn():
    net = make(KINDS["all"])[0]
    assert chainrule.derive(net).verify().drawn


def test_careless_samples():
    net, x, y = make(KINDS["all"])
    with pytest.raises(ValueError, match=r"x has shape \(1, 2\); expected \(n_samples, 3\) or \(3,\)"):
        chainrule.derive(net, x[:, :2], y)


def test_data_and_title():
    derivation = chainrule.derive(*make(KINDS["all"], parametric=True))
    assert repr(derivation).startswith("<Derivation of 3 → 13-4-2, ")
    assert "Backpropagation of the network 3 → 13-4-2\n" in derivation.to_text()
    data = derivation.to_dict()
    assert data["network"]["n_columns"] == 3
    assert [layer["activation"] for layer in data["network"]["layers"]] == ["parametric tanh", "identity"]
    assert "[ξ₁, v₁, ξ₂, v₂, x₀,₁, v₄, v₃]" in derivation.to_text()


def test_a_row_of_many_parts_is_folded():
    layers = [inputs.Periodic(range(20), 2, 1, sigma=0.5)]
    net = chainrule.Network([20, 1], inputs=layers, random_state=0)
    line = next(line for line in chainrule.derive(net).to_text().splitlines() if "x₁ = [" in line)
    assert line.startswith("    x₁ = [ξ₁, v₁, ξ₂,")
    assert ", …, v₂₀]" in line


def test_float32():
    net, x, y = make(KINDS["all"], 2, parametric=True, dtype="float32")
    derivation = chainrule.derive(net, x, y)
    report = derivation.verify()
    assert report.largest["reference"] < 1e-12
    assert 1e-10 < report.largest["engine"] < 1e-4
    later = later_updates(derivation)  # in float64, so that roundings do not grow
    assert all(relative_difference(*pair) < 1e-12 for pair in later.values())
