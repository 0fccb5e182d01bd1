"""`chainrule derive`: text, files, models with a row of a table, and careless input."""

import re

import numpy as np
import pytest

import chainrule


def test_text(run):
    done = run("derive", "3-5-4-3", "--activation", "sigmoid", "--loss", "squared_error").succeeds()
    assert "∂E/∂W₂ = x₂ᵀ · ∂E/∂net₂" in done.out
    assert re.search(r"\[E5\].*\(delta\.1\)", done.out)
    assert run("derive", "3-5-4-3").succeeds().out == done.out


def test_the_seeds_network_has_its_letters(in_process):
    done = in_process("derive", "3-5-4-3", "--output-activation", "sigmoid", "--lang", "zh").succeeds()
    assert "∂E/∂B = hidden₁ᵀ · ∂E/∂net₂" in done.out
    assert "链式法则" in done.out


def test_files(run, tmp_path):
    files = {"--html": "a.html", "--latex": "a.tex", "--markdown": "a.md", "--python": "a.py"}
    options = [word for pair in files.items() for word in pair]
    done = run(
        "derive", "4-3-2", "--loss", "cross_entropy", "--rows", "3", "--seed", "5", *options
    ).succeeds()
    assert done.out.splitlines() == [f"wrote {name}" for name in files.values()]
    html, latex, markdown, python = ((tmp_path / name).read_text(encoding="utf-8") for name in files.values())
    assert html.lower().startswith("<!doctype html>")
    assert latex.startswith(r"\documentclass")
    assert markdown.startswith("# Backpropagation")
    scope = {}
    exec(python, scope)
    net = chainrule.Network([4, 3, 2], activation="sigmoid", loss="cross_entropy", random_state=5)
    x, y = np.ones((2, 4)), np.eye(2)
    loss, *_ = scope["gradients"](x, y, net.weights, net.biases)
    assert loss == pytest.approx(net.evaluate(x, y), rel=1e-12)


def test_verify(in_process):
    done = in_process("derive", "3-4-2", "--activation", "gelu", "--verify").succeeds()
    assert re.search(r"delta\.1 +E5 +\d\.\de-\d\d", done.out)
    assert done.out.splitlines()[-1].startswith("passed: ")


def test_numbers_left_out(in_process):
    with_numbers, without = in_process("derive", "2-2"), in_process("derive", "2-2", "--no-numbers")
    assert len(without.succeeds().out) < len(with_numbers.succeeds().out)


@pytest.mark.parametrize("name", ["model", "price_model"])
def test_a_row_of_a_table(in_process, request, table, name):
    path = request.getfixturevalue(name)
    done = in_process("derive", path.name, "--table", table.name, "--row", "3", "--verify").succeeds()
    assert "batch" not in done.out
    assert done.out.splitlines()[-1].startswith("passed: ")
    model = chainrule.load(path)
    x, y = model.network_rows(table, slice(2, 3))
    derivation = chainrule.derive(model, x, y)
    outputs = model.estimator.predict_proba(x)[:, 1] if name == "model" else model.estimator.predict(x)
    np.testing.assert_allclose(derivation.value("x.3").ravel(), outputs, rtol=1e-5)
    printed = in_process("derive", path.name, "--table", table.name, "--row", "3").succeeds().out
    assert f"{y[0]:12.6g}" in printed


def test_rows_of_a_table(in_process, model, table):
    done = in_process("derive", model.name, "--table", table.name, "--row", "3-6").succeeds()
    assert "(batch.dW.1)" in done.out


def test_a_model_without_a_table_has_formulas_only(in_process, model):
    done = in_process("derive", model.name).succeeds()
    assert "net₁ = x₁ W₁ − b₁" in done.out


def test_a_saved_network(in_process, tmp_path):
    chainrule.Network([2, 3, 1], random_state=0).save(tmp_path / "net")
    assert "W₂: 3×1" in in_process("derive", "net").succeeds().out


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["3"], 2, ["'NETWORK'", "got '3', expected inputs and outputs"]),
        (["3-0-2"], 2, ["'NETWORK'", "positive whole numbers"]),
        (["3-2", "--activation", "sigmod"], 2, ["--activation", "did you mean 'sigmoid'?"]),
        (["3-2", "--loss", "squared"], 2, ["--loss", "did you mean 'squared_error'?"]),
        (["3-2", "--loss", "poisson", "--output-activation", "tanh"], 2, ["--output-activation", "exp"]),
        (["3-2", "--lang", "de"], 2, ["--lang", "expected one of en, zh"]),
        (["3-2", "--bias-sign", "x"], 2, ["--bias-sign"]),
        (["3-2", "--table", "houses.csv"], 2, ["--table", "goes with a saved model"]),
        (["3-2", "--html", "no/such/folder.html"], 1, ["no/such"]),
        (["nothing.safetensors"], 2, ["nothing.safetensors", "widths such as 3-5-4-3", "or a saved model"]),
        (["3-5-4-x"], 2, ["3-5-4-x", "widths such as 3-5-4-3"]),
        (["dear.safetensors", "--activation", "tanh"], 2, ["--activation", "a saved model has its own"]),
        (["dear.safetensors", "--table", "houses.csv", "--row", "0"], 2, ["--row", "counted from 1"]),
        (["dear.safetensors", "--table", "houses.csv", "--row", "5-3"], 2, ["--row", "counted from 1"]),
        (["dear.safetensors", "--table", "houses.csv", "--row", "121"], 1, ["120 rows", "from 1 to 120"]),
        (
            ["dear.safetensors", "--table", "houses.csv", "--html", "houses.csv"],
            1,
            ["is read by this command"],
        ),
    ],
)
def test_careless_input(in_process, model, table, arguments, code, words):
    in_process("derive", *arguments).fails(code, *words)


def test_a_network_knows_no_columns(in_process, table, tmp_path):
    chainrule.Network([2, 3, 1], random_state=0).save(tmp_path / "net")
    in_process("derive", "net", "--table", table.name).fails(2, "--table", "knows no columns")


def test_large_networks_say_how_many_rows_fit(in_process):
    in_process("derive", "3000-3000-1", "--rows", "9").fails(1, "x has 9 rows", "give at most 2")
