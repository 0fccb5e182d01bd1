"""`verify` agrees where everything is right, and sees what is wrong, in each of its four ways."""

import json
from dataclasses import replace
from itertools import product

import numpy as np
import pytest

import chainrule
from chainrule.derive import Derivation, activations
from chainrule.derive import references as sources
from chainrule.derive.expression import Hadamard, MatMul, Sum, Transpose
from chainrule.derive.steps import Form
from chainrule.derive.verify import WAYS, DerivationError

from .networks import HIDDEN, PAIRS, make, make_seed_network
from .test_layers import each, make_layered


def check(report, step):
    return next(found for found in report.steps if found.key == step)


def with_step(derivation, key, change):
    """The same derivation with the forms of one step changed, its number computed anew, nothing else."""
    steps = [change(step) if step.key == key else step for step in derivation.steps]
    lines = {line.symbol.key for line in derivation.context.definitions}
    computed = {step.target for step in derivation} - lines
    given = {k: v for k, v in derivation.numbers.arrays.items() if k not in computed}
    numbers = type(derivation.numbers)(derivation.context.definitions, given)
    return Derivation(derivation.context, steps, numbers, "en")


def with_form(number, expression_change):
    """A change of one form's expression."""

    def change(step):
        forms = list(step.forms)
        forms[number] = Form(
            expression_change(forms[number].expression), forms[number].rule, forms[number].kind
        )
        return replace(step, forms=tuple(forms))

    return change


@pytest.mark.parametrize("activation", HIDDEN)
def test_every_activation(activation):
    report = chainrule.derive(*make([3, 4, 3, 2], 2, activation=activation)).verify()
    assert report
    assert all(value < 1e-12 for value in report.largest.values())


@pytest.mark.parametrize(("loss", "output"), PAIRS)
def test_every_loss(loss, output):
    report = chainrule.derive(*make([3, 4, 3], 0, loss, activation="tanh", output_activation=output)).verify()
    assert report
    for key in ("delta.2", "delta.1", "dW.1", "db.2", "dx.1"):
        assert all(getattr(check(report, key), way) is not None for way in WAYS), key


@pytest.mark.parametrize(("norm", "residual", "dropout"), list(product([False, True], repeat=3)))
def test_every_layer(norm, residual, dropout):
    net, x, y, options = make_layered(norm, residual, dropout, "prelu", 2)
    report = chainrule.derive(net, x, y, masks=options.get("masks")).verify()
    assert report
    for found in report.steps:
        if found.key.startswith(("delta", "dW", "db", "dgain", "dshift", "dslope", "dx", "batch.d")):
            assert found.reference is not None, found.key
            assert found.complex_step is not None, found.key


def test_every_way_is_taken_and_they_are_not_the_same_number():
    report = chainrule.derive(*make([5, 8, 8, 3], 3, activation="silu")).verify()
    assert all(0 < report.largest[way] < 1e-13 for way in WAYS)
    assert check(report, "net.1").complex_step is None
    assert check(report, "output.1").engine is not None


def test_without_a_sample_one_is_drawn():
    report = chainrule.derive([3, 4, 2], activation="gelu", loss="cross_entropy").verify()
    assert report.drawn
    assert "sample drawn at random" in str(report)
    assert check(report, "dW.1").engine is not None
    net = make([3, 4, 2], activation="tanh")[0]
    assert chainrule.derive(net).verify().drawn


def test_float32_networks():
    net, x, y = make([3, 5, 2], 3, activation="tanh", dtype="float32")
    report = chainrule.derive(net, x, y).verify()
    assert 1e-10 < report.largest["engine"] < 1e-5
    assert report.largest["reference"] < 1e-12


@pytest.mark.filterwarnings("ignore:.*reached")
def test_estimators_have_an_engine_too():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 3)), rng.integers(0, 3, 40)
    model = chainrule.MLPClassifier(hidden_layer_sizes=(5,), max_iter=3, random_state=0).fit(X, y)
    report = chainrule.derive(model, X[:3], y[:3]).verify()
    assert check(report, "dW.1").engine is not None


def test_cancellation_is_no_error():
    """Where yhat comes near y, and where units saturate, rounding is all that is left of some digits."""
    net, x, _ = make([3, 4, 2], 2, activation="sigmoid")
    near = net(x) + 1e-9
    assert chainrule.derive(net, x, near).verify()
    net.weights[0][:] *= 30
    net.biases[0][:] += 15
    assert chainrule.derive(net, x, near).verify()
    assert chainrule.derive(net, x, net(x)).verify()


def test_large_matrices_are_checked_in_part():
    net, x, y = make([70, 40, 2], 1, activation="tanh")
    report = chainrule.derive(net, x, y).verify()
    assert check(report, "dW.1").counts == (2000, 2800)
    assert "complex step of 2000 elements" in str(report)


# Planted errors.

SIGN = [
    ("delta.2", -1),
    ("delta.1", -1),
    ("dW.1", -1),
    ("db.1", -1),
    ("dx.1", -1),
    ("batch.dW.2", -1),
    ("dyhat", -1),
]


@pytest.mark.parametrize(("key", "form"), SIGN)
def test_a_wrong_sign_is_caught(key, form):
    derivation = chainrule.derive(*make([3, 4, 2], 2, activation="tanh"))
    wrong = with_step(derivation, key, with_form(form, lambda expression: -expression))
    report = wrong.verify(raise_on_failure=False)
    found = check(report, key)
    assert {"reference", "complex_step"} <= set(found.failed)
    assert ("as_written" in found.failed) == (key != "dyhat")  # which has one form only
    assert found.engine is None or "engine" in found.failed
    with pytest.raises(DerivationError, match=rf"the derivation is wrong in: .*{key}") as caught:
        wrong.verify()
    assert not caught.value.report


def swap(expression):
    """W for its transpose, in a square layer, where shapes do not tell."""
    match expression:
        case Transpose(operand) if operand.role == "weight":
            return operand
        case MatMul(factors):
            return MatMul(tuple(map(swap, factors)))
        case Hadamard(factors):
            return Hadamard(tuple(map(swap, factors)))
        case Sum(terms):
            return Sum(tuple((sign, swap(term)) for sign, term in terms))
    return expression


@pytest.mark.parametrize(
    ("key", "form"), [("delta.1", -1), ("delta.1", 2), ("db.1", -1), ("db.1", 2), ("dx.1", -1)]
)
def test_a_missing_transpose_is_caught(key, form):
    derivation = chainrule.derive(*make([3, 3, 3], 1, activation="tanh"))
    wrong = with_step(derivation, key, with_form(form, swap))
    assert wrong.step(key) != derivation.step(key)
    report = wrong.verify(raise_on_failure=False)
    assert "as_written" in check(report, key).failed
    assert ("reference" in check(report, key).failed) == (form == -1)


def without_last(expression):
    return Hadamard(expression.factors[:-1])


@pytest.mark.parametrize("key", ["delta.1", "delta.2"])
def test_a_missing_factor_is_caught(key):
    derivation = chainrule.derive(*make([3, 4, 2], 1, activation="sigmoid", output_activation="sigmoid"))
    for form in (-1, -2):
        report = with_step(derivation, key, with_form(form, without_last)).verify(raise_on_failure=False)
        assert "as_written" in check(report, key).failed
        assert ("complex_step" in check(report, key).failed) == (form == -1)


def test_a_wrong_form_in_the_middle_is_caught_though_the_number_is_right():
    derivation = chainrule.derive(*make_seed_network())
    for step in derivation:
        for i in range(len(step.forms) - 1):
            if not step.symbolic:
                wrong = with_step(derivation, step.key, with_form(i, lambda expression: expression * 1.001))
                report = wrong.verify(raise_on_failure=False)
                assert [found.key for found in report.steps if not found.passed] == [step.key]
                assert check(report, step.key).failed == ("as_written",)


def test_a_wrong_derivative_of_an_activation_is_caught(monkeypatch):
    """y (1 - y) for tanh: in both forms, so that they agree with each other."""
    right = activations.ENTRIES["tanh"]
    wrong = replace(right, derivative=lambda f, net: [net * (1 - net)], from_output=lambda f, y: y * (1 - y))
    monkeypatch.setitem(activations.ENTRIES, "tanh", wrong)
    report = chainrule.derive(*make([3, 4, 2], 1, activation="tanh")).verify(raise_on_failure=False)
    assert {"reference", "complex_step"} <= set(check(report, "prime.1").failed)
    assert "engine" in check(report, "dW.1").failed


def test_a_wrong_engine_is_caught(monkeypatch):
    derivation = chainrule.derive(*make([3, 4, 2], 1, activation="tanh"))
    right = sources.from_the_engine

    def wrong(given):
        found = right(given)
        found["dW.1"][0, 2, 3] *= 1 + 1e-6
        return found

    monkeypatch.setattr("chainrule.derive.verify.from_the_engine", wrong)
    report = derivation.verify(raise_on_failure=False)
    assert [found.key for found in report.steps if not found.passed] == ["dW.1"]
    assert check(report, "dW.1").failed == ("engine",)


# Planted errors that the sample, or the first update, would hide.


def failed(derivation):
    report = derivation.verify(raise_on_failure=False)
    return {found.key for found in report.steps if not found.passed}


@pytest.mark.parametrize("key", ["general.E4", "general.E5", "general.E6", "general.E1"])
@pytest.mark.parametrize("form", [0, -1])
def test_a_wrong_sign_in_the_general_recursion_is_caught(key, form):
    derivation = chainrule.derive(*make([3, 4, 3, 2], 2, activation="tanh"))
    assert failed(with_step(derivation, key, with_form(form, lambda expression: -expression))) == {key}


@pytest.mark.parametrize(
    ("key", "form", "change"),
    [
        ("general.E5", -1, without_last),
        ("general.E5", 0, lambda e: MatMul(e.factors[:-1])),
        ("general.E4", -1, lambda e: -without_last(e.terms[0][1])),
    ],
)
def test_what_is_missing_in_the_general_recursion_is_caught(key, form, change):
    derivation = chainrule.derive(*make([3, 3, 3, 3], 2, activation="tanh", output_activation="sigmoid"))
    assert key in failed(with_step(derivation, key, with_form(form, change)))


@pytest.mark.parametrize("activation", ["sigmoid", "prelu", "gelu"])
@pytest.mark.parametrize("loss", ["squared_error", "cross_entropy"])
@pytest.mark.parametrize("bias_sign", ["-", "+"])
def test_the_general_recursion_is_written_out_for_every_layer(activation, loss, bias_sign):
    derivation = chainrule.derive(*make([3, 4, 5, 2], 2, loss, activation=activation), bias_sign=bias_sign)
    report = derivation.verify()
    assert {found.key for found in report.steps if found.key.startswith("general")} == {
        "general.E1", "general.E2", "general.E4", "general.E5", "general.E6"
    }  # fmt: skip
    assert all(check(report, f"general.E{i}").as_written < 1e-13 for i in (1, 2, 4, 5, 6))


def test_a_factor_that_is_1_at_the_sample_is_missed():
    """Dropout's mask without masks, a gain before training, relu where every unit is awake."""
    net, x, y, _ = make_layered(True, False, True, "tanh", 1)
    for gain in each(net, "gain"):
        if gain is not None:
            gain[:] = 1
    derivation = chainrule.derive(net, x, y)
    assert np.all(derivation.value("mask.1") == 1)
    for key in ("dh.1", "du.1"):
        assert key in failed(with_step(derivation, key, with_form(-1, without_last)))
    net, x, y = make([2, 3, 1], 0, activation="relu")
    net.biases[0][:] = -10
    derivation = chainrule.derive(net, x, y)
    assert np.all(derivation.value("prime.1") == 1)
    assert "delta.1" in failed(with_step(derivation, "delta.1", with_form(-1, without_last)))


def test_units_at_rest_hide_nothing():
    net, x, y = make([2, 3, 1], 0, activation="relu")
    net.biases[0][:] = 10
    derivation = chainrule.derive(net, x, y)
    assert not derivation.value("dW.1").any()
    assert "dW.1" in failed(with_step(derivation, "dW.1", with_form(-1, lambda expression: -expression)))


def test_a_wrong_left_hand_side_is_caught():
    derivation = chainrule.derive(*make([3, 3, 3], 1, activation="tanh"))
    notation = derivation.context.notation
    for key, lhs in (("net.2", notation.net(1)), ("dW.1", notation.dW(2))):
        assert failed(with_step(derivation, key, lambda step, lhs=lhs: replace(step, lhs=lhs))) == {key}


def test_a_wrong_shape_is_caught():
    derivation = chainrule.derive(*make([3, 4, 2], 1, activation="tanh"))
    number = replace(derivation.context.notation.y, size=(1, 1))
    wrong = with_step(derivation, "dyhat", with_form(-1, lambda e: Sum((e.terms[0], (-1, number)))))
    assert failed(wrong) == {"dyhat"}


MEMORY = [
    (chainrule.SGD(0.1, momentum=0.9), "v"),
    (chainrule.Adam(0.01), "m"),
    (chainrule.Adam(0.01), "v"),
    (chainrule.Adam(0.01, amsgrad=True), "v"),
    (chainrule.AdamW(0.01), "m"),
    (chainrule.RMSprop(0.01, momentum=0.9), "b"),
    (chainrule.RMSprop(0.01, centered=True), "a"),
    (chainrule.Adagrad(0.01), "s"),
    (chainrule.Lion(0.01), "m"),
]


@pytest.mark.parametrize(("optimizer", "letter"), MEMORY, ids=repr)
@pytest.mark.parametrize("n_rows", [0, 3])
def test_a_wrong_memory_of_the_optimizer_is_caught(optimizer, letter, n_rows):
    """The sign of what is remembered is of no account in the first update, where it is 0."""
    derivation = chainrule.derive(*make([3, 4, 2], n_rows, activation="tanh"), optimizer=optimizer)
    assert derivation.verify().largest["engine"] < 1e-12

    def forget(expression):
        return Sum(expression.terms[1:])

    key = f"update.{letter}.new.W.1"
    seen = key if optimizer.name == "lion" else "update.W.1"
    assert seen in failed(with_step(derivation, key, with_form(-1, forget)))


@pytest.mark.filterwarnings("ignore:.*(reached|failed to converge)")
@pytest.mark.parametrize(
    "settings", [{"solver": "sgd"}, {"solver": "lion"}, {"learning_rate_factors": [0.5, 1]}]
)
def test_an_estimators_update_is_compared_with_the_engine(settings):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(20, 3)), rng.normal(size=20)
    model = chainrule.MLPRegressor(hidden_layer_sizes=(5,), max_iter=2, random_state=0, **settings).fit(X, y)
    report = chainrule.derive(model, X[:4], y[:4]).verify()
    for key in ("update.W.1", "update.b.1", "update.W.2"):
        assert check(report, key).engine < 1e-12


def test_table():
    report = chainrule.derive(*make_seed_network()).verify()
    lines = str(report).splitlines()
    assert lines[0].split() == ["step", "equation", "as", "written", "reference", "engine", "complex", "step"]
    assert any(line.startswith("delta.2") for line in lines)
    assert lines[-1].startswith("passed: ")
    data = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert data["passed"] is True
    assert len(data["steps"]) == len(report.steps)
    failed = with_step(
        chainrule.derive(*make_seed_network()), "delta.2", with_form(-1, lambda expression: -expression)
    ).verify(raise_on_failure=False)
    assert "FAILED: as written, reference, engine, complex step" in str(failed)
    assert str(failed).splitlines()[-1].startswith("FAILED in ")
