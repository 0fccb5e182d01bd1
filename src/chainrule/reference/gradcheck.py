"""Gradcheck: a network's gradients against complex step through E1-E3, parameter by parameter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.reference.complex_step import Floats, complex_step
from chainrule.reference.equations import penalty
from chainrule.reference.inputs import stage
from chainrule.reference.layers import Norm
from chainrule.reference.members import Members
from chainrule.reference.recursion import batch_loss, predict

#: What a layer may learn: the letter, the equation, a network's attribute and that of its gradients.
LEARNED = (
    ("W", "E6", "weights", "weights"),
    ("b", "E5", "biases", "biases"),
    ("gain", "E8", "norm_gains", "gains"),
    ("shift", "E8", "norm_shifts", "shifts"),
    ("slope", "E7", "slopes", "slopes"),
    ("alpha", "E12", "alphas", "alphas"),
    ("r", "E16", "members", "members"),
    ("s", "E16", "members", "members"),
)


@dataclass(frozen=True)
class ParameterCheck:
    """How the gradient of one parameter array compares with complex step.

    Attributes
    ----------
    name : str
        "W_1".."W_l" and "b_1".."b_l"; "gain_k", "shift_k" of normalized, "slope_k" of prelu and "alpha_k" of
        parametric layers, "r_k" and "s_k" of members; "inputs[0].layers[0].scale" of the input stage.
    equation : str
        The equation that gives the gradient: E4 to E8, E11 to E16.
    shape : tuple of int
        Shape of the array.
    relative_difference : float
        Largest difference in the array over the array's largest magnitude by complex step.
    index : tuple of int
        Where that difference is.
    given, expected : float
        The network's gradient there, and complex step's.
    passed : bool
        Whether the relative difference is within the tolerance.
    """

    name: str
    equation: str
    shape: tuple[int, ...]
    relative_difference: float
    index: tuple[int, ...]
    given: float
    expected: float
    passed: bool


@dataclass(frozen=True)
class GradcheckReport:
    """Result of `gradcheck`: true where every array passed, and printed as a table.

    Attributes
    ----------
    parameters : tuple of ParameterCheck
        One per parameter array: those of the input stage, W_1, b_1, (gain_1, shift_1, slope_1, alpha_1, r_1,
        s_1,) W_2, b_2, ...
    loss : float
        The loss by E1-E3 at the parameters that were checked.
    tolerance : float
        Largest relative difference that passes.
    dtype : str
        The network's dtype.
    """

    parameters: tuple[ParameterCheck, ...]
    loss: float
    tolerance: float
    dtype: str

    @property
    def passed(self) -> bool:
        """Whether every parameter array passed."""
        return all(check.passed for check in self.parameters)

    @property
    def largest_relative_difference(self) -> float:
        """Over all parameter arrays; NaN where one is NaN."""
        return float(np.max([check.relative_difference for check in self.parameters]))

    def __bool__(self) -> bool:
        return self.passed

    def __str__(self) -> str:
        rows = [("", "equation", "shape", "relative difference", "at", "gradient", "complex step", "")]
        for c in self.parameters:
            shape, index = " x ".join(map(str, c.shape)), ", ".join(map(str, c.index))
            numbers = (f"{c.relative_difference:.1e}", index, f"{c.given:.10g}", f"{c.expected:.10g}")
            rows.append((c.name, c.equation, shape, *numbers, "" if c.passed else "FAILED"))
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
        n_failed = sum(not c.passed for c in self.parameters)
        verdict = f"FAILED in {n_failed} of {len(self.parameters)} arrays" if n_failed else "passed"
        lines.append(
            f"{verdict}: {sum(int(np.prod(c.shape)) for c in self.parameters)} parameters in {self.dtype},"
            f" loss {self.loss:.10g}, largest relative difference {self.largest_relative_difference:.1e},"
            f" tolerance {self.tolerance:.0e}"
        )
        return "\n".join(lines)


def gradcheck(
    network: Any,
    x: Any,
    y: Any,
    *,
    sample_weight: Any = None,
    l2: float = 0.0,
    step: float = 1e-30,
    tolerance: float | None = None,
) -> GradcheckReport:
    """Compare a network's gradients with complex step through the reference, parameter by parameter.

    The truth is `complex_step` of the loss that the forward pass gives (E1-E3, E8, E9, E11-E16), in
    complex128; no backward equation is in it. It costs one forward pass per parameter, so give it few rows
    where the network is large.

    Parameters
    ----------
    network : chainrule.Network or any object like it
        With `weights`, `biases` (lists of arrays), `activations` (names, one per layer, output last), the
        name of its loss (or the loss, or a function of your own, which must then take complex predictions) as
        `loss_name` or `loss`, and `gradients(x, y, sample_weight=..., l2=...)`, which gives an object with
        `weights` and `biases`. Where it has them, also `norm_gains`, `norm_shifts`, `slopes`, `alphas`,
        `members` and `residual`, one entry per layer (None, False where absent), and their gradients `gains`,
        `shifts`, `slopes`, `alphas` and `members`; and `inputs`, the blocks of its input stage, and their
        gradients `inputs`. All of them are as `chainrule.reference.gradients` has them.
    x : array-like, shape (n_samples, n_1) or (n_1,)
        Rows to differentiate at, rounded to the network's dtype first.
    y : array-like
        Targets, as the network takes them.
    sample_weight : array-like, shape (n_samples,), optional
        Weights of the rows.
    l2 : float
        Factor of the penalty l2/2 sum ||W_k||^2.
    step : float
        The imaginary step.
    tolerance : float, optional
        Largest relative difference that passes; by default 1e-10 for float64, and 1e-3 for float32, whose
        gradients are compared with the float64 truth at the same parameters and rows.

    Returns
    -------
    GradcheckReport
        Per array, the largest difference over the array's largest magnitude. There is no absolute tolerance:
        an array that is zero by complex step must be zero exactly. So do not check at a minimum, where the
        rows' gradients cancel and only rounding is left to compare.

    Raises
    ------
    ValueError, TypeError
        As for `gradients`; and where the network's gradients do not have the parameters' shapes.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from chainrule.reference import gradients
    >>> W, b = [np.array([[0.3, -0.2]])], [np.array([0.1, 0.2])]
    >>> net = SimpleNamespace(weights=W, biases=b, activations=["sigmoid"], loss="squared_error")
    >>> net.gradients = lambda x, y, **options: gradients(W, b, x, y, net.activations, net.loss, **options)
    >>> gradcheck(net, [[1.5]], [[0.0, 1.0]]).passed
    True
    """
    dtype = np.result_type(*map(np.asarray, (*network.weights, *network.biases)))
    if tolerance is None:
        tolerance = 1e-10 if dtype == np.float64 else 1e-3
    x, y = _rounded(x, dtype), _rounded(y, dtype)
    names, options = list(network.activations), {"sample_weight": sample_weight, "l2": l2}
    loss_name = network.loss_name if hasattr(network, "loss_name") else network.loss
    residual = getattr(network, "residual", None)
    blocks = stage.check_inputs(getattr(network, "inputs", None) or None, np.asarray(network.weights[0]))
    of_inputs = stage.learned_arrays(blocks)
    arrays = [_by_layer(network, letter, attribute) for letter, _, attribute, _ in LEARNED]
    places = _places(arrays)
    parameters = [np.asarray(one.array, np.float64) for one in of_inputs] + _at(arrays, places)

    def loss_at(*at: Floats) -> Any:
        lists: list[list[Any]] = [[None] * len(names) for _ in arrays]
        for (i, k), array in zip(places, at[len(of_inputs) :], strict=True):
            lists[i][k] = array
        weights, biases, gains, shifts, slopes, alphas, r, s = lists
        layers: Any = {
            "norms": [None if a is None else Norm(a, b) for a, b in zip(gains, shifts, strict=True)],
            "members": [None if a is None else Members(a, b) for a, b in zip(r, s, strict=True)],
            "residual": residual,
            "slopes": slopes,
            "alphas": alphas,
        }
        if blocks:
            new = {one.place: array for one, array in zip(of_inputs, at, strict=False)}
            layers["inputs"] = stage.with_arrays(blocks, new)
        if not callable(loss_name):
            return batch_loss(weights, biases, x, y, names, loss_name, **options, **layers)
        output = np.reshape(predict(weights, biases, x, names, **layers), (-1, np.shape(weights[-1])[1]))
        value = _value(
            loss_name, output, y[None] if x.ndim == 1 and y.shape[:1] != (1,) else y, sample_weight
        )
        return value + penalty(weights, l2)

    loss = float(loss_at(*parameters))  # checks every argument before the network sees it
    gradients = network.gradients(x, y, **options)
    by = [_by_layer(gradients, letter, attribute) for letter, _, _, attribute in LEARNED]
    given = [_of_input(gradients, one.place) for one in of_inputs] + _at(by, places)
    if [g.shape for g in given] != [p.shape for p in parameters]:
        raise ValueError(
            f"the network's gradients have shapes {[g.shape for g in given]}; expected those of its"
            f" parameters, {[p.shape for p in parameters]}"
        )
    expected = complex_step(loss_at, parameters, step)
    last = len(names) - 1
    labels = [(one.name, one.equation) for one in of_inputs]
    labels += [
        (f"{LEARNED[i][0]}_{k + 1}", "E4" if (i, k) == (1, last) else LEARNED[i][1]) for i, k in places
    ]
    checks = map(_compare, labels, given, expected, [tolerance] * len(labels))
    return GradcheckReport(tuple(checks), loss, tolerance, dtype.name)


def _value(function: Any, output: Floats, y: Floats, sample_weight: Any) -> Any:
    """Value of a user's own loss; TypeError where complex predictions give a real one."""
    weights = () if sample_weight is None else (np.asarray(sample_weight),)
    try:
        value, _ = function(output, y, *weights)
        if np.iscomplexobj(value) or not np.iscomplexobj(output):
            return np.reshape(value, ())
        reason = "it returned a real value"
    except TypeError as error:
        reason = str(error)
    raise TypeError(
        f"gradcheck calls the loss function with complex predictions, but {reason}; write it with analytic"
        " functions (no abs, sign or float of the predictions), or check it by differences"
    )


def _rounded(values: Any, dtype: Any) -> Floats:
    """Round real numbers to the dtype, as the network does; leave class indices alone."""
    array = np.asarray(values)
    return array.astype(dtype) if array.dtype.kind == "f" else array


def _by_layer(owner: Any, letter: str, attribute: str) -> Any:
    """Return what an object has one of per layer, or None; of members, one of their two factors."""
    values = getattr(owner, attribute, None)
    if attribute != "members" or values is None:
        return values
    return [None if one is None else one["rs".index(letter)] for one in values]


def _of_input(gradients: Any, place: tuple[int, int, str]) -> Floats:
    """Take the gradient of an array of the input stage; one that is missing becomes an empty one."""
    block, layer, name = place
    try:
        return np.asarray(gradients.inputs[block][layer][name], dtype=np.float64)
    except (AttributeError, IndexError, KeyError):
        return np.asarray([], dtype=np.float64)


def _places(arrays: Sequence[Any]) -> list[tuple[int, int]]:
    """Which arrays there are, (which list, layer), layer by layer."""
    present = [[] if one is None else [k for k, a in enumerate(one) if a is not None] for one in arrays]
    return sorted(((i, k) for i, layers in enumerate(present) for k in layers), key=lambda p: (p[1], p[0]))


def _at(arrays: Sequence[Any], places: Sequence[tuple[int, int]]) -> list[Floats]:
    """Take the arrays at those places in float64; one that is missing there becomes an empty one."""
    return [np.asarray([] if (one := arrays[i]) is None else one[k], dtype=np.float64) for i, k in places]


def _compare(label: tuple[str, str], given: Floats, expected: Floats, tolerance: float) -> ParameterCheck:
    """Largest difference in an array, relative to the largest magnitude expected; NaN stays NaN."""
    difference = np.abs(given - expected)
    index = tuple(int(i) for i in np.unravel_index(np.argmax(difference), difference.shape))
    worst, scale = float(difference[index]), float(np.max(np.abs(expected)))
    relative = 0.0 if worst == 0 else (worst / scale if scale != 0 else float("inf"))
    return ParameterCheck(
        name=label[0],
        equation=label[1],
        shape=given.shape,
        relative_difference=relative,
        index=index,
        given=float(given[index]),
        expected=float(expected[index]),
        passed=relative <= tolerance,
    )
