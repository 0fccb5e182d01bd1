"""What is refused at the entry, and what the messages say."""

import numpy as np
import pytest

from chainrule import reference

W, B = [np.ones((3, 4)), np.ones((4, 2))], [np.ones(4), np.ones(2)]
X, Y = np.ones((5, 3)), np.ones((5, 2))
NAMES = ["tanh", "identity"]


def predict(weights=W, biases=B, x=X, activations=NAMES):
    return reference.predict(weights, biases, x, activations)


def gradients(y=Y, loss="squared_error", output="identity", x=X, **options):
    return reference.gradients(W, B, x, y, ["tanh", output], loss, **options)


def test_the_defaults_of_these_tests_are_accepted():
    assert predict().shape == (5, 2)
    assert gradients().weights[0].shape == (3, 4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"weights": [], "biases": []}, r"weights is empty; a network has at least one layer"),
        ({"biases": B[:1]}, r"got 2 weights and 1 biases"),
        ({"weights": [W[0], np.ones(4)]}, r"weights\[1\] has shape \(4,\); expected \(n_2, n_3\)"),
        ({"weights": [np.ones((0, 4)), W[1]]}, r"weights\[0\] has shape \(0, 4\); expected .* both >= 1"),
        (
            {"weights": [W[0], np.ones((5, 2))]},
            r"weights\[1\] has shape \(5, 2\); expected 4 rows, one per column of",
        ),
        ({"biases": [np.ones(3), B[1]]}, r"biases\[0\] has shape \(3,\); expected \(4,\), as weights\[0\]"),
        ({"biases": [np.ones((1, 4)), B[1]]}, r"biases\[0\] has shape \(1, 4\); expected \(4,\)"),
        (
            {"x": np.ones((5, 4))},
            r"x has shape \(5, 4\); expected \(n_samples, 3\) or \(3,\), since weights\[0\]",
        ),
        ({"x": np.ones((1, 5, 3))}, r"x has shape \(1, 5, 3\); expected"),
        ({"x": 1.0}, r"x has shape \(\); expected"),
        ({"x": np.ones((0, 3))}, r"x has no rows; expected at least one"),
        ({"activations": ["tanh"]}, r"got 1 activations for 2 layers; expected one each, output last"),
        (
            {"activations": ["softmax", "identity"]},
            r"activations\[0\] is 'softmax', which is for the output layer",
        ),
        ({"activations": ["tahn", "identity"]}, r"unknown activation 'tahn'; did you mean 'tanh'\?"),
    ],
)
def test_parameters_that_do_not_fit(arguments, message):
    with pytest.raises(ValueError, match=message):
        predict(**arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"weights": [[[1.0]]], "biases": [np.ones(1)]}, r"weights must hold arrays, but holds a list"),
        ({"weights": [w.astype(int) for w in W]}, r"weights\[0\] has dtype int64; expected a floating dtype"),
        (
            {"x": [["a", "b", "c"]]},
            r"x has dtype <U1; expected numbers|x cannot be read as an array of numbers",
        ),
        ({"x": [[1.0, 2.0], [3.0]]}, r"x cannot be read as an array of numbers"),
        (
            {"activations": "tanh"},
            r"activations is 'tanh'; expected a list with one name for each of the 2 layers",
        ),
    ],
)
def test_things_of_the_wrong_type(arguments, message):
    with pytest.raises(TypeError, match=message):
        predict(**arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"y": np.ones((5, 3))}, r"y has shape \(5, 3\); expected \(5, 2\) for 5 rows of x and 2 outputs$"),
        ({"y": np.ones(5)}, r"y has shape \(5,\); expected \(5, 2\)"),
        ({"y": np.ones(2)}, r"y has shape \(2,\); expected \(5, 2\)"),
        (
            {"loss": "cross_entropy", "output": "softmax", "y": np.ones(4, dtype=int)},
            r"y has shape \(4,\); expected .* or class indices of shape \(n_samples,\)",
        ),
        (
            {"loss": "cross_entropy", "output": "softmax", "y": [0, 1, 2, 0, 0]},
            r"y has class indices from 0 to 2; expected 0 to 1",
        ),
        (
            {"loss": "cross_entropy", "output": "softmax", "y": [0, 1, -1, 0, 0]},
            r"y has class indices from -1 to 1; expected 0 to 1",
        ),
        (
            {"loss": "cross_entropy", "output": "softmax"},
            r"y must have rows that sum to 1 .*class indices.*'cross_en",
        ),
        (
            {"loss": "cross_entropy", "output": "softmax", "y": [[-1.0, 2.0]] * 5},
            r"y must not be negative or NaN, for loss 'cross_entropy'",
        ),
        (
            {"loss": "binary_cross_entropy", "output": "sigmoid", "y": 2 * Y},
            r"y must lie in \[0, 1\], for loss 'binary_cross_entropy'",
        ),
        ({"loss": "poisson", "output": "exp", "y": -Y}, r"y must not be negative or NaN, for loss 'poisson'"),
        ({"loss": "poisson", "output": "exp", "y": np.nan * Y}, r"y must not be negative or NaN"),
        (
            {"loss": "poisson", "output": "tanh"},
            r"'poisson' does not go with the output activation 'tanh'; expected one of: exp, softplus, sigm",
        ),
        ({"loss": "squared_eror"}, r"unknown loss 'squared_eror'; did you mean 'squared_error'\?"),
        ({"sample_weight": np.ones(4)}, r"sample_weight has shape \(4,\); expected \(5,\), one per row of x"),
        (
            {"sample_weight": np.zeros(5)},
            r"sample_weight must be finite and not negative, with a positive sum",
        ),
        ({"sample_weight": [1, 1, 1, 1, -1]}, r"sample_weight must be finite and not negative"),
        ({"sample_weight": [1, 1, 1, 1, np.inf]}, r"sample_weight must be finite and not negative"),
        ({"l2": -0.1}, r"l2 is -0\.1; expected a finite number >= 0"),
        ({"l2": float("nan")}, r"l2 is nan; expected"),
    ],
)
def test_targets_weights_and_penalty_that_do_not_fit(arguments, message):
    with pytest.raises(ValueError, match=message):
        gradients(**arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"y": Y + 0j}, r"y has dtype complex128; targets are real"),
        ({"y": [["a", "b"]] * 5}, r"y has dtype <U1; expected numbers"),
        (
            {"loss": "cross_entropy", "output": "softmax", "y": np.ones(5)},
            r"y has dtype float64 and shape \(n_samples,\); class indices need an integer dtype",
        ),
        ({"sample_weight": np.ones(5) + 0j}, r"sample_weight has dtype complex128; weights are real"),
    ],
)
def test_targets_and_weights_of_the_wrong_type(arguments, message):
    with pytest.raises(TypeError, match=message):
        gradients(**arguments)


def test_nan_in_x_shows_in_the_loss_instead_of_vanishing():
    x = X.copy()
    x[0, 0] = np.nan
    for output in ("identity", "relu", "gelu", "softmax"):
        assert np.isnan(gradients(x=x, output=output).loss)
