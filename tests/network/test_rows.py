"""Careless rows, targets and weights: one clear error each, from gradients, evaluate and train."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from chainrule import Network

from .networks import parameters

X = np.ones((4, 3))
Y = np.zeros((4, 2))
NAN_LATE = np.ones((4, 3))
NAN_LATE[2, 1] = np.nan


@pytest.fixture(params=["gradients", "evaluate", "train"])
def use(request: pytest.FixtureRequest):
    """Call one of the three, and look that the parameters are as before."""

    def call(net: Network, *args: object, **options: object) -> None:
        before = parameters(net)
        try:
            getattr(net, request.param)(*args, **options)
        finally:
            np.testing.assert_array_equal(parameters(net), before)

    return call


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        (np.ones((4, 2)), ValueError, r"x has shape \(4, 2\); expected \(3,\) or \(n_samples, 3\)"),
        (np.ones((4, 3, 1)), ValueError, r"x has shape \(4, 3, 1\); expected"),
        (np.ones((0, 3)), ValueError, "x has no rows; expected at least one"),
        (sparse.csr_matrix((0, 3)), ValueError, "x has no rows"),
        (sparse.csr_matrix((4, 2)), ValueError, r"x has shape \(4, 2\); expected \(n_samples, 3\)"),
        ([["a", "b", "c"]] * 4, TypeError, "x has dtype <U1; expected real numbers; text must be encoded"),
        (
            pd.DataFrame({"a": [1.0], "b": ["q"], "c": [2]}),
            TypeError,
            "could not convert string to float: 'q'",
        ),
        (pd.DataFrame({"a": pd.array([None], "Int64"), "b": [1], "c": [2]}), TypeError, "NAType"),
        (np.ma.masked_array(X, X > 0), TypeError, "x is a masked array with masked values; fill them in"),
        (X + 1j, TypeError, "complex128; expected real numbers"),
        (None, TypeError, "x is None; expected an array"),
        (NAN_LATE, ValueError, "x has nan in row 2, column 1; remove or fill in missing values first"),
        (np.where(np.isnan(NAN_LATE), np.inf, NAN_LATE), ValueError, "x has inf in row 2, column 1"),
        (sparse.csr_matrix(NAN_LATE), ValueError, "the stored values of x has nan in element 7; remove"),
    ],
)
def test_careless_inputs(use, x: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        use(Network([3, 4, 2], activation="tanh", random_state=0), x, Y)


def test_one_feature_needs_rows_of_one_number(use) -> None:
    with pytest.raises(ValueError, match=r"x has shape \(5,\); .* reshape\(-1, 1\) makes it rows of one"):
        use(Network([1, 2]), np.ones(5), np.zeros((5, 2)))


CASES = [
    ("squared_error", None, TypeError, "y is None; expected an array of numbers"),
    (
        "squared_error",
        np.zeros(4),
        ValueError,
        r"y has shape \(4,\); expected \(4, 2\), a row for each of the 4",
    ),
    ("squared_error", np.zeros((3, 2)), ValueError, r"y has shape \(3, 2\); expected \(4, 2\)"),
    ("squared_error", np.zeros((4, 3)), ValueError, r"y has shape \(4, 3\); expected \(4, 2\)"),
    ("squared_error", 0.0, ValueError, r"y has shape \(\); expected \(4, 2\)"),
    ("squared_error", [["a", "b"]] * 4, TypeError, "y has dtype <U1; expected real numbers"),
    ("squared_error", np.full((4, 2), np.nan), ValueError, "y has nan in row 0, column 0; remove or fill in"),
    ("squared_error", np.full((4, 2), -np.inf), ValueError, "y has -inf in row 0, column 0"),
    ("cross_entropy", [0, 1, 2, 1], ValueError, "class index 2 is out of range for 2 outputs"),
    ("cross_entropy", [0, -1, 0, 1], ValueError, "class index -1 is out of range for 2 outputs"),
    ("cross_entropy", [0, 1, 0], ValueError, r"y has shape \(3,\); .* or class indices of shape \(4,\)"),
    ("cross_entropy", [0.0, 1.0, 0.0, 1.0], TypeError, "class indices need an integer dtype"),
    ("cross_entropy", ["no", "yes"] * 2, TypeError, "text must be encoded as numbers first"),
    ("cross_entropy", [[0], [1], [0], [1]], ValueError, r"y has shape \(4, 1\); .*; y.ravel\(\) has it"),
    ("cross_entropy", np.ones((4, 2)), ValueError, "y must have rows that sum to 1"),
    ("cross_entropy", np.tile([2.0, -1.0], (4, 1)), ValueError, "y must not be negative or NaN"),
    (
        "binary_cross_entropy",
        np.full((4, 2), 1.5),
        ValueError,
        r"y must lie in \[0, 1\], for the loss 'binary_",
    ),
    ("binary_cross_entropy", np.full((4, 2), np.nan), ValueError, r"y must lie in \[0, 1\]"),
    ("poisson", np.full((4, 2), -1), ValueError, "y must not be negative or NaN, for the loss 'poisson'"),
    ("poisson", np.full((4, 2), np.inf), ValueError, "y has inf in row 0, column 0"),
]


@pytest.mark.parametrize(("loss", "y", "error", "message"), CASES)
def test_careless_targets(use, loss: str, y: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        use(Network([3, 4, 2], loss=loss, random_state=0), X, y)


@pytest.mark.parametrize(
    ("sample_weight", "error", "message"),
    [
        ([1, 1, 1], ValueError, r"sample_weight has shape \(3,\); expected \(4,\), one per row of x"),
        (np.ones((4, 1)), ValueError, r"sample_weight has shape \(4, 1\)"),
        (2.0, ValueError, r"sample_weight has shape \(\)"),
        ([1, 1, -1, 1], ValueError, "sample_weight has -1; expected numbers that are not negative"),
        ([0, 0, 0, 0], ValueError, "sample_weight is 0 for every row"),
        ([1, np.nan, 1, 1], ValueError, "sample_weight has nan in element 1; expected finite numbers"),
        (["a"] * 4, TypeError, "sample_weight has dtype <U1; expected real numbers"),
    ],
)
def test_careless_weights(use, sample_weight: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        use(Network([3, 4, 2], random_state=0), X, Y, sample_weight=sample_weight)


def test_too_large_for_float32(use) -> None:
    net = Network([3, 4, 2], dtype="float32")
    with pytest.raises(
        ValueError, match=r"x has 1e\+300 in row 0, column 0, too large for float32; scale it, or"
    ):
        use(net, np.full((4, 3), 1e300), Y)
    with pytest.raises(ValueError, match=r"y has -1e\+300 in row 0, column 0, too large for float32"):
        use(net, X, np.full((4, 2), -1e300))


def test_parameters_that_are_not_finite() -> None:
    net = Network([3, 4, 2], activation="tanh", random_state=0)
    net.biases[1][1] = np.inf
    for call in (net.gradients, net.evaluate, net.train):
        with pytest.raises(
            ValueError, match=r"biases\[1\] has inf in element 1; set finite parameters first"
        ):
            call(X, Y)


@pytest.mark.parametrize("l2", [-1.0, np.nan, np.inf])
def test_impossible_penalty(l2: float) -> None:
    with pytest.raises(ValueError, match=r"l2 is .*; expected a finite number in \[0, inf\)"):
        Network([3, 2]).gradients(X, Y, l2=l2)


def test_overflow_of_finite_numbers_is_a_result() -> None:
    net = Network([3, 2], random_state=0)
    assert net.evaluate(X * 1e200, Y) == np.inf
    assert net.gradients(X * 1e200, Y).loss == np.inf
