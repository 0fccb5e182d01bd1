"""`to_python` writes a function that gives the reference's and the engine's numbers."""

import ast
from itertools import product

import numpy as np
import pytest

import chainrule

from .networks import HIDDEN, PAIRS, make, relative_difference
from .test_layers import each, make_layered, reference_gradients


def compiled(derivation):
    source = derivation.to_python()
    assert all(len(line) <= 300 for line in source.splitlines())
    imports = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Import | ast.ImportFrom)]
    assert [ast.unparse(node) for node in imports] == ["import numpy as np"]
    scope = {}
    exec(compile(source, "<derivation>", "exec"), scope)
    return scope["gradients"]


def assert_same(found, g):
    loss, weights, biases = found[:3]
    assert relative_difference(loss, g.loss) < 1e-12
    for one, other in zip([*weights, *biases], [*g.weights, *g.biases], strict=True):
        assert one.shape == other.shape
        assert relative_difference(one, other) < 1e-11


@pytest.mark.parametrize("activation", [name for name in HIDDEN if name != "prelu"])  # see test_every_layer
def test_every_hidden_activation(activation):
    net, x, y = make([3, 5, 4, 2], 6, activation=activation)
    assert_same(compiled(chainrule.derive(net))(x, y, net.weights, net.biases), net.gradients(x, y))


@pytest.mark.parametrize(("loss", "output"), PAIRS)
def test_every_loss(loss, output):
    net, x, y = make([3, 4, 3], 5, loss, activation="tanh", output_activation=output)
    assert_same(compiled(chainrule.derive(net))(x, y, net.weights, net.biases), net.gradients(x, y))


def test_sizes_alone_and_one_row():
    net, x, y = make([3, 2], 0, activation="tanh")
    function = compiled(chainrule.derive([3, 2]))
    assert_same(function(x, y, net.weights, net.biases), net.gradients(x, y))


def test_targets_as_the_engine_takes_them():
    """One number for each row, class indices, and nothing that would only broadcast."""
    net, x, y = make([3, 4, 1], 5, activation="tanh")
    function = compiled(chainrule.derive(net))
    assert_same(function(x, y[:, 0], net.weights, net.biases), net.gradients(x, y))
    with pytest.raises(ValueError, match="cannot reshape array of size 1 into shape"):
        function(x, 0.0, net.weights, net.biases)
    net, x, _ = make([3, 4, 3], 5, "cross_entropy", activation="tanh")
    function, classes = compiled(chainrule.derive(net)), np.array([0, 2, 1, 1, 0])
    assert_same(function(x, classes, net.weights, net.biases), net.gradients(x, classes))
    assert_same(function(x[1], classes[1], net.weights, net.biases), net.gradients(x[1], classes[1]))


def test_added_biases():
    net, x, y = make([3, 4, 2], 4, activation="tanh")
    loss, weights, biases = compiled(chainrule.derive(net, bias_sign="+"))(
        x, y, net.weights, [-b for b in net.biases]
    )
    assert_same((loss, weights, [-b for b in biases]), net.gradients(x, y))


def test_large_numbers_do_not_overflow():
    net, x, y = make([3, 4, 3], 4, "cross_entropy", activation="sigmoid")
    net.weights[0][:] *= 1e4
    assert_same(compiled(chainrule.derive(net))(x, y, net.weights, net.biases), net.gradients(x, y))


@pytest.mark.parametrize("activation", ["tanh", "prelu"])
@pytest.mark.parametrize(("norm", "residual", "dropout"), list(product([False, True], repeat=3)))
def test_every_layer(norm, residual, dropout, activation):
    net, x, y, options = make_layered(norm, residual, dropout, activation, 5)
    g = reference_gradients(net, x, y, options)
    arguments = {}
    if norm:
        arguments |= {"gains": each(net, "gain")[:2], "shifts": each(net, "shift")[:2]}
    if activation == "prelu":
        arguments["slopes"] = each(net, "slopes")[:2]
    if dropout:
        arguments["masks"] = options["masks"][:2]
    found = compiled(chainrule.derive(net))(x, y, each(net, "weights"), each(net, "biases"), **arguments)
    assert_same(found, g)
    wanted = ([g.gains, g.shifts] if norm else []) + ([g.slopes] if activation == "prelu" else [])
    assert len(found) == 3 + len(wanted)
    for gradients, expected in zip(found[3:], wanted, strict=True):
        for one, other in zip(gradients, expected[:2], strict=True):
            assert relative_difference(one, other) < 1e-11


def test_inputs_are_not_changed():
    net, x, y = make([3, 4, 2], 3, activation="tanh")
    before = x.copy()
    compiled(chainrule.derive(net))(x, y, net.weights, net.biases)
    assert np.array_equal(x, before)
