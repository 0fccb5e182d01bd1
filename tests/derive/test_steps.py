"""Each step's right-hand sides are equal, and equal to the reference's numbers."""

import json

import numpy as np
import pytest

import chainrule
from chainrule import reference
from chainrule.derive import activations, losses
from chainrule.derive.expression import ShapeError
from chainrule.derive.rules import RULES
from chainrule.losses import BinaryCrossEntropy, BinaryFocal, CrossEntropy, Focal, Huber, Quantile, Tweedie

from .networks import HIDDEN, PAIRS, make, make_seed_network, make_targets, relative_difference

TOLERANCE = 1e-11


def assert_forms_agree(derivation):
    for step in derivation:
        if step.symbolic:
            continue
        expected = derivation.numbers.arrays[step.target]
        assert np.isfinite(expected).all()
        for form in step.forms:
            assert form.rule in RULES
            found = form.expression.evaluate(derivation.numbers)
            assert relative_difference(found, expected) < TOLERANCE, (step.key, form.rule)


def assert_same_as_the_reference(derivation, net, x, y):
    g = reference.gradients(net.weights, net.biases, x, y, net.activations, net.loss)
    stored = reference.forward(net.weights, net.biases, x, net.activations)
    n_rows = len(np.atleast_2d(x))
    sign = 1 if derivation.bias_sign == "-" else -1
    batch = "" if n_rows == 1 else "batch."
    for k in range(1, len(net.weights) + 1):
        wanted = {
            f"{batch}dW.{k}": g.weights[k - 1],
            f"{batch}db.{k}": sign * g.biases[k - 1][None, :],
            f"delta.{k}": n_rows * g.deltas[k - 1],
            f"net.{k}": stored.net[k - 1],
            f"x.{k + 1}": stored.x[k],
        }
        for key, expected in wanted.items():
            assert derivation.value(key).shape == expected.shape, key
            assert relative_difference(derivation.value(key), expected) < TOLERANCE, key
    assert relative_difference(derivation.value(f"{batch}E"), g.loss) < TOLERANCE


@pytest.mark.parametrize("n_rows", [0, 4])
@pytest.mark.parametrize("activation", HIDDEN)
def test_every_hidden_activation(activation, n_rows):
    net, x, y = make([3, 5, 4, 2], n_rows, activation=activation)
    derivation = chainrule.derive(net, x, y)
    assert_forms_agree(derivation)
    assert_same_as_the_reference(derivation, net, x, y)


@pytest.mark.parametrize("bias_sign", ["-", "+"])
@pytest.mark.parametrize(("loss", "output"), PAIRS)
def test_every_loss_with_every_output(loss, output, bias_sign):
    net, x, y = make([3, 4, 3], 3, loss, activation="tanh", output_activation=output)
    if output == "softmax" and loss in ("absolute_error", "quantile"):
        y[:] = [0.0, 1.0, 0.0]  # not all on one side of the outputs, where the signs would cancel
    derivation = chainrule.derive(net, x, y, bias_sign=bias_sign)
    assert_forms_agree(derivation)
    assert_same_as_the_reference(derivation, net, x, y)


@pytest.mark.parametrize(
    ("loss", "n_outputs"),
    [
        (Huber(0.3), 3),
        (Tweedie(1.0), 3),
        (Tweedie(2.5), 3),
        (CrossEntropy(0.1), 3),
        (BinaryCrossEntropy(0.2), 3),
        (Focal(0.5), 3),
        (BinaryFocal(1.0), 3),
        (Quantile(0.9), 3),
        (Quantile([0.1, 0.5, 0.9]), 3),
        (Quantile([0.1, 0.5, 0.9]), 6),
    ],
    ids=repr,
)
def test_losses_with_settings(loss, n_outputs):
    rng = np.random.default_rng(0)
    net = chainrule.Network([3, 4, n_outputs], activation="tanh", loss=loss, random_state=0)
    x, y = rng.normal(size=(3, 3)), make_targets(loss.name, 3, n_outputs // loss.outputs_per_target, rng)
    if loss == Tweedie(2.5):
        y += 0.1
    derivation = chainrule.derive(net, x, y)
    assert_forms_agree(derivation)
    assert_same_as_the_reference(derivation, net, x, y)
    derivation.to_text()


@pytest.mark.parametrize("sizes", [[1, 1], [2, 1], [1, 2, 1], [2, 3, 1, 3], [3, 2, 2, 2, 2, 2, 2, 1]])
def test_sizes(sizes):
    for n_rows in (1, 3):
        net, x, y = make(sizes, n_rows, activation="tanh", output_activation="sigmoid")
        derivation = chainrule.derive(net, x, y)
        assert_forms_agree(derivation)
        assert_same_as_the_reference(derivation, net, x, y)
        derivation.to_text()


def test_everything_registered_is_written():
    assert set(activations.ENTRIES) >= set(reference.ACTIVATIONS)
    assert set(losses.ENTRIES) >= set(reference.LOSSES)


@pytest.mark.parametrize("name", [f.name for f in reference.ACTIVATIONS.values() if not f.hidden_only])
def test_both_forms_of_a_derivative_are_the_references(name):
    """From net, and from the stored output exactly where the reference keeps the output."""
    f, entry = reference.ACTIVATIONS[name], activations.ENTRIES[name]
    net = np.random.default_rng(0).normal(size=(1, 1, 6)) * 2
    derivation = chainrule.derive([2, 6], output_activation=name)
    numbers = {"net.1": net, "x.2": f.value(net)}
    jacobian = derivation.step("jacobian.1")
    expected = np.stack(
        [f.backward(np.eye(6)[i], (f.value(net) if f.keeps == "output" else net)[0, 0]) for i in range(6)]
    )
    scope = type("Scope", (), {"symbol": lambda self, key: numbers[key]})()
    for form in jacobian.forms:
        assert relative_difference(form.expression.evaluate(scope), expected) < TOLERANCE
    from_what = "identity" if name == "identity" else "stored_output" if f.keeps == "output" else "stored_net"
    assert jacobian.forms[-1].rule == from_what
    assert (entry.from_output is not None) == (f.keeps == "output")


def test_order_of_the_steps():
    net, x, y = make_seed_network()
    keys = [step.key for step in chainrule.derive(net, x, y)]
    wanted = ["network", "net.1", "output.1", "loss", "delta.3", "db.3", "dW.3", "delta.2", "db.2", "dW.2"]
    wanted += ["delta.1", "db.1", "dW.1", "dx.1", "general.E5"]
    assert [key for key in keys if key in wanted] == wanted


def test_equation_ids():
    net, x, y = make([3, 4, 2], 2, activation="tanh")
    derivation = chainrule.derive(net, x, y)
    wanted = {"net.1": "E1", "output.1": "E2", "loss": "E3", "delta.2": "E4", "db.2": "E4", "delta.1": "E5"}
    wanted |= {"db.1": "E5", "dW.1": "E6", "jacobian.1": "E7", "batch.dW.2": "E6", "general.E5": "E5"}
    assert {key: derivation.step(key).equation for key in wanted} == wanted


def test_without_numbers():
    derivation = chainrule.derive([4, 8, 3], activation="gelu", loss="cross_entropy")
    assert derivation.n_samples == 0
    assert "softmax" in derivation.to_text()
    with pytest.raises(ValueError, match="this derivation has no numbers; give derive"):
        derivation.value("dW.1")
    data = derivation.to_dict()
    assert all(step["value"] is None for step in data["steps"])


def test_class_indices_are_targets():
    rng = np.random.default_rng(1)
    net = chainrule.Network([3, 4, 3], loss="cross_entropy", random_state=0)
    x, y = rng.normal(size=(5, 3)), rng.integers(0, 3, 5)
    derivation = chainrule.derive(net, x, y)
    assert_same_as_the_reference(derivation, net, x, y)
    assert derivation.value("y").tolist() == np.eye(3)[y].tolist()


def test_data_is_json_and_has_every_symbol():
    net, x, y = make([3, 4, 2], 3, activation="tanh")
    data = json.loads(json.dumps(chainrule.derive(net, x, y).to_dict(), allow_nan=False))
    known = {symbol["key"] for symbol in data["symbols"]}
    for step in data["steps"]:
        if not step["symbolic"]:
            assert set(step["symbols"]) <= known
            assert step["value"] is not None
        for form in step["forms"]:
            assert form["rule"] in data["rules"]
            assert form["mathml"].count("<mrow") == form["mathml"].count("</mrow>")
        assert set(step["title"]) == {"en", "zh"}
    by_key = {symbol["key"]: symbol for symbol in data["symbols"]}
    assert by_key["W.1"]["value"] == net.weights[0].tolist()
    assert by_key["x.1"]["value"] == x.tolist()
    assert by_key["W.1"]["shape"] == [3, 4]


def test_lookup_of_steps():
    derivation = chainrule.derive([2, 3, 1])
    assert derivation.step("dW.1") in list(derivation)
    assert derivation[0] is derivation.steps[0]
    with pytest.raises(KeyError, match=r"no step 'dW1'; did you mean 'dW\.1'\?"):
        derivation.step("dW1")


def test_inputs_are_not_changed_and_not_kept():
    net, x, y = make([2, 3, 1], 2, activation="tanh")
    before = x.copy(), net.weights[0].copy()
    derivation = chainrule.derive(net, x, y)
    x[:], net.weights[0][:] = 0.0, 0.0
    assert derivation.value("x.1").tolist() == before[0].tolist()
    assert derivation.value("W.1").tolist() == before[1].tolist()


def test_products_of_other_shapes_do_not_exist():
    notation = chainrule.derive([2, 3, 1]).context.notation
    with pytest.raises(ShapeError, match=r"no matrix product of shapes \(1, 2\) and \(3, 2\)"):
        notation.x(1) @ notation.W(1).T
    with pytest.raises(ShapeError, match="do not go together element by element"):
        notation.x(1) * notation.b(1)


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        (("3-5-3",), {}, TypeError, "expected a network, a fitted estimator, or sizes such as"),
        ((object(),), {}, TypeError, "derive got a object; expected a network"),
        (([3],), {}, ValueError, "expected at least two whole numbers"),
        (([3, 0.5],), {}, ValueError, "expected at least two whole numbers"),
        (([3, 2],), {"language": "de"}, ValueError, "language is 'de'; expected 'en' or 'zh'"),
        (([3, 2],), {"bias_sign": "*"}, ValueError, "bias_sign is '\\*'; expected '-' or '\\+'"),
        (([3, 2],), {"loss": "squared"}, ValueError, "did you mean 'squared_error'"),
        (([3, 2, 2],), {"activation": "softmax"}, ValueError, "for the output layer only"),
        (([3, 2],), {"loss": "poisson", "output_activation": "tanh"}, ValueError, "does not go with"),
        (([3, 2], [1.0, 2.0, 3.0], [1.0, 2.0]), {}, TypeError, "sizes have no weights"),
    ],
)
def test_careless_input(arguments, options, error, message):
    with pytest.raises(error, match=message):
        chainrule.derive(*arguments, **options)


def test_careless_samples():
    net, x, y = make([3, 2], 2)
    with pytest.raises(TypeError, match="got x alone; a sample is x and y"):
        chainrule.derive(net, x)
    with pytest.raises(ValueError, match=r"x has shape \(2, 2\); expected \(n_samples, 3\)"):
        chainrule.derive(net, x[:, :2], y)
    with pytest.raises(ValueError, match="x has values that are not finite"):
        chainrule.derive(net, x * np.inf, y)
    with pytest.raises(ValueError, match=r"y has shape \(1, 2\); expected \(2, 2\)"):
        chainrule.derive(net, x, y[:1])
    with pytest.raises(ValueError, match=r"x has 10000000 rows, which makes a step of .* give at most"):
        chainrule.derive(net, np.zeros((10_000_000, 3)), np.zeros((10_000_000, 2)))
    with pytest.raises(TypeError, match="a network has its own"):
        chainrule.derive(net, x, y, loss="poisson")


@pytest.mark.parametrize("loss", ["log_loss", "squared_error", "poisson"])
def test_estimators(loss):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 3))
    settings = {"hidden_layer_sizes": (4,), "activation": "logistic", "max_iter": 3, "random_state": 0}
    if loss == "log_loss":
        y = rng.integers(0, 3, 30)
        model, loss_name = chainrule.MLPClassifier(**settings), "cross_entropy"
    else:
        y = rng.poisson(2.0, 30).astype(float)
        model, loss_name = chainrule.MLPRegressor(loss=loss, **settings), loss
    with pytest.raises(TypeError, match="is not fitted yet; call fit first"):
        chainrule.derive(model)
    with pytest.warns(match="reached"):
        model.fit(X, y)
    target = make_targets(loss_name, 4, len(model.intercepts_[-1]), rng)
    derivation = chainrule.derive(model, X[:4], target)
    assert_forms_agree(derivation)
    out = {"log_loss": "softmax", "squared_error": "identity", "poisson": "exp"}[loss]
    g = reference.gradients(
        model.coefs_, [-b for b in model.intercepts_], X[:4], target, ["sigmoid", out], loss_name
    )
    for k in (1, 2):
        assert relative_difference(derivation.value(f"batch.dW.{k}"), g.weights[k - 1]) < TOLERANCE
        assert relative_difference(derivation.value(f"batch.db.{k}")[0], g.biases[k - 1]) < TOLERANCE
