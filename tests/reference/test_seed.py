"""The seed's own network, 3-5-4-3 with sigmoids, by its own hand-derived lines, number by number.

A, B, C and a, b, c are the seed's names; each Jacobian stands written out as the diagonal matrix of the seed.
"""

import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from chainrule import reference

EXAMPLE = Path(__file__).parents[2] / "examples" / "seed_network.py"


def f(net):
    return 1 / (1 + np.exp(-net))


def jacobian(value):
    """df(net)/dnet as a diagonal matrix, from the stored value f(net)."""
    return np.diag(value * (1 - value))


@pytest.fixture(scope="module")
def seed():
    rng = np.random.default_rng(20210814)
    A, B, C = (rng.normal(size=shape) for shape in ((3, 5), (5, 4), (4, 3)))
    a, b, c = (rng.normal(size=n) for n in (5, 4, 3))
    return A, B, C, a, b, c, rng.normal(size=3), rng.random(3)


def by_hand(A, B, C, a, b, c, x, y):
    """Forward and backward as the seed writes them, one line per equation."""
    hidden_1 = f(x @ A - a)
    hidden_2 = f(hidden_1 @ B - b)
    yhat = f(hidden_2 @ C - c)
    E = np.linalg.norm(yhat - y) ** 2 / 2

    dE_dc = -(yhat - y) * yhat * (1 - yhat)
    dE_dC = -np.outer(hidden_2, dE_dc)
    dE_db = -(yhat - y) @ jacobian(yhat) @ C.T @ jacobian(hidden_2)
    dE_dB = -np.outer(hidden_1, dE_db)
    dE_da = -(yhat - y) @ jacobian(yhat) @ C.T @ jacobian(hidden_2) @ B.T @ jacobian(hidden_1)
    dE_dA = -np.outer(x, dE_da)
    return hidden_1, hidden_2, yhat, E, (dE_dA, dE_dB, dE_dC), (dE_da, dE_db, dE_dc)


def test_forward_values(seed):
    A, B, C, a, b, c, x, _ = seed
    hidden_1, hidden_2, yhat, *_ = by_hand(*seed)
    stored = reference.forward([A, B, C], [a, b, c], x, ["sigmoid"] * 3)
    for found, expected in zip(stored.x, (x, hidden_1, hidden_2, yhat), strict=True):
        np.testing.assert_allclose(found[0], expected, rtol=1e-14, atol=0)
    np.testing.assert_allclose(stored.output, yhat, rtol=1e-14, atol=0)


def test_error_and_every_gradient(seed):
    A, B, C, a, b, c, x, y = seed
    *_, E, weights, biases = by_hand(*seed)
    g = reference.gradients([A, B, C], [a, b, c], x, y, ["sigmoid"] * 3, "squared_error")
    np.testing.assert_allclose(g.loss, E, rtol=1e-14, atol=0)
    for found, expected in zip((*g.weights, *g.biases), (*weights, *biases), strict=True):
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, rtol=1e-13, atol=0)  # each number to its own magnitude


def test_the_hand_derived_lines_are_the_derivatives(seed):
    *parameters, x, y = seed
    *_, weights, biases = by_hand(*seed)
    truth = reference.complex_step(
        lambda A, B, C, a, b, c: ((f(f(f(x @ A - a) @ B - b) @ C - c) - y) ** 2).sum() / 2, parameters
    )
    for found, expected in zip((*weights, *biases), truth, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=0)


def test_example_prints_every_value_with_its_equation():
    run = subprocess.run(
        [sys.executable, "-W", "error", EXAMPLE], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert run.stderr == ""
    lines = run.stdout.splitlines()
    values = runpy.run_path(str(EXAMPLE))
    g = values["gradients"]
    printed = {
        ("E4", "dE/dc"): g.biases[2],
        ("E6", "dE/dC"): g.weights[2],
        ("E5", "dE/db"): g.biases[1],
        ("E6", "dE/dB"): g.weights[1],
        ("E5", "dE/da"): g.biases[0],
        ("E6", "dE/dA"): g.weights[0],
        ("E2", "yhat"): values["stored"].output,
    }
    for (equation, name), expected in printed.items():
        (start,) = [i for i, line in enumerate(lines) if line.startswith(f"{equation}  {name} ")]
        rows = lines[start + 1 : start + 1 + len(np.atleast_2d(expected))]
        found = np.array([[float(number) for number in row.split()] for row in rows])
        np.testing.assert_allclose(found, np.atleast_2d(expected), atol=5.1e-9)
    assert lines[-1].startswith("complex step agrees")
