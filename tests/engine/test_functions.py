"""The engine's elementary functions against mpmath, on every instruction set.

``python -m tests.engine.test_functions 20000`` prints the table of docs/numerics.md.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import mpmath
import numpy as np
import pytest

from chainrule import _engine as engine

from .networks import DTYPES, FMA_ISAS, ISAS, VECTOR_BYTES
from .underflow import underflows

# Where e^x is subnormal, and where infinity, and where the normal distribution's tail is subnormal.
EXP_LOWEST = {"float32": -104.0, "float64": -746.0}
EXP_HIGHEST = {"float32": 89.0, "float64": 710.0}
TAIL = {"float32": -14.3, "float64": -38.6}
# Values above 0 become 0 somewhere below this, before they are subnormal.
LEAST = {"float32": 1e-36, "float64": 1e-305}

INF, NAN = float("inf"), float("nan")


@dataclass(frozen=True)
class Function:
    """A function, its largest error in ULP (with FMA, without), and the intervals where to look."""

    exact: Callable[[Any], Any]
    bound: float
    baseline_bound: float
    intervals: Callable[[str], list[tuple[float, float]]]
    special: dict[float, float]


def sigmoid(x: Any) -> Any:
    return 1 / (1 + mpmath.exp(-x))


def softplus(x: Any) -> Any:
    return mpmath.log1p(mpmath.exp(-abs(x))) + max(x, 0)


def normal_cdf(x: Any) -> Any:
    x = max(-100, min(100, x))  # mpmath fails on enormous arguments; beyond 100 nothing changes
    return mpmath.erfc(-x / mpmath.sqrt(2)) / 2


def normal_pdf(x: Any) -> Any:
    return mpmath.exp(-x * x / 2) / mpmath.sqrt(2 * mpmath.pi)


LOG_2 = 0.6931471805599453
FUNCTIONS = {
    "exp": Function(
        mpmath.exp,
        2,
        2,
        lambda dtype: [(-1, 1), (EXP_LOWEST[dtype], EXP_HIGHEST[dtype])],
        {0.0: 1.0, INF: INF, -INF: 0.0},
    ),
    "expm1": Function(
        mpmath.expm1,
        2,
        3,
        lambda dtype: [(-1, 1), (0.35, 0.42), (-45, EXP_HIGHEST[dtype])],
        {0.0: 0.0, INF: INF, -INF: -1.0},
    ),
    "log": Function(
        mpmath.log,
        2,
        2,
        lambda dtype: [(0.6, 1.6), (0.0, 10.0)],
        {0.0: -INF, 1.0: 0.0, INF: INF, -1.0: NAN, -INF: NAN},
    ),
    "log1p": Function(
        mpmath.log1p,
        2,
        2,
        lambda dtype: [(-0.5, 0.6), (0.4, 0.5), (-1.0, 10.0)],
        {0.0: 0.0, -1.0: -INF, INF: INF, -1.5: NAN, -INF: NAN},
    ),
    "tanh": Function(
        mpmath.tanh,
        3,
        4,
        lambda dtype: [(-0.6, 0.6), (0.2, 0.25), (-10, 10), (-20, 20)],
        {0.0: 0.0, INF: 1.0, -INF: -1.0, 30.0: 1.0},
    ),
    "sigmoid": Function(
        sigmoid,
        3,
        3,
        lambda dtype: [(-5, 5), (-40, 40), (EXP_LOWEST[dtype], 0)],
        {0.0: 0.5, INF: 1.0, -INF: 0.0, 50.0: 1.0},
    ),
    "softplus": Function(
        softplus,
        3,
        3,
        lambda dtype: [(-3, 3), (-40, 40), (EXP_LOWEST[dtype], 0)],
        {INF: INF, -INF: 0.0, 1024.0: 1024.0},
    ),
    "normal_cdf": Function(
        normal_cdf,
        4,
        5,
        lambda dtype: [(-1, 1), (-5, 5), (TAIL[dtype], 10)],
        {0.0: 0.5, INF: 1.0, -INF: 0.0, 20.0: 1.0},
    ),
    "normal_pdf": Function(
        normal_pdf,
        3,
        3,
        lambda dtype: [(-4, 4), (TAIL[dtype], -TAIL[dtype])],
        {INF: 0.0, -INF: 0.0},
    ),
}
for function in ("cos_2pi", "sin_2pi"):
    FUNCTIONS[function] = Function(
        (lambda x: mpmath.cospi(2 * x)) if function == "cos_2pi" else (lambda x: mpmath.sinpi(2 * x)),
        2,
        3,
        lambda dtype: [(-0.5, 0.5), (0.2, 0.3), (-10, 10), (-1e6, 1e6)],
        {
            INF: NAN,
            -INF: NAN,
            0.5: -1.0 if function == "cos_2pi" else 0.0,
            2.0**60: float(function == "cos_2pi"),
        },
    )
# Those that tend to 0 where x does not.
FADING = ("exp", "sigmoid", "softplus", "normal_cdf", "normal_pdf")
# f(-0) is -0 for the odd ones, else f(0).
ODD_AT_ZERO = ("expm1", "log1p", "tanh", "sin_2pi")


def points(name: str, dtype: str, n: int) -> np.ndarray:
    """`n` random points in each interval, `n` random bit patterns, then the edges of formats and ranges."""
    rng = np.random.default_rng([n, len(name)])
    info = np.finfo(dtype)
    uniform = [rng.uniform(a, b, n) for a, b in FUNCTIONS[name].intervals(dtype)]
    raw = rng.integers(0, np.iinfo(f"uint{info.bits}").max, n, dtype=f"uint{info.bits}").view(dtype)
    half_ln2 = (np.arange(-40, 40) + 0.5) * LOG_2  # where the reduction's n changes
    edges = [
        *(info.tiny, info.smallest_subnormal, 3 * info.smallest_subnormal, info.eps, info.eps / 4, info.max),
        *(EXP_LOWEST[dtype], EXP_HIGHEST[dtype], TAIL[dtype], 2.0**-60, 18.0, 20.0, 40.0, 1 - info.epsneg),
        *(2**0.5, 2**-0.5, 2**0.5 - 1, 2**-0.5 - 1, 1.0, 0.5),
        *np.linspace(EXP_LOWEST[dtype], EXP_LOWEST[dtype] + 40, 40),  # subnormal results
        *np.linspace(TAIL[dtype], TAIL[dtype] + 2, 40),
    ]
    with np.errstate(over="ignore"):
        x = np.concatenate([*uniform, half_ln2, edges, -np.array(edges)]).astype(dtype)
        x = np.concatenate([x, np.nextafter(x, np.array(INF, dtype)), raw])
    x = x[np.isfinite(x)]
    if name in ("log", "log1p"):
        x = x[x > (0 if name == "log" else -1)]
    return x[x != 0]


@cache
def truth(name: str, dtype: str, n: int = 400) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Points x, the exact values as a float64 and a rest, and the size of a unit in the last place there.

    The rest is in those units. Beyond the largest finite number, the value counts as the next power of two.
    """
    x = points(name, dtype, n)
    info = np.finfo(dtype)
    values, rests, units = np.empty(len(x)), np.empty(len(x)), np.empty(len(x))
    with mpmath.workdps(40):
        overflow = mpmath.mpf(2) ** int(info.maxexp)
        for i, point in enumerate(x):
            exact = FUNCTIONS[name].exact(mpmath.mpf(float(point)))
            exact = min(exact, overflow)
            exponent = max(int(mpmath.frexp(exact)[1]), int(info.minexp) + 1)
            unit = mpmath.ldexp(1, exponent - int(info.nmant) - 1)
            values[i] = float(min(exact, mpmath.mpf(float(info.max))))
            units[i] = float(unit)
            rests[i] = float((exact - mpmath.mpf(values[i])) / unit)
    return x, values, rests, units


def errors(name: str, dtype: str, isa: str, n: int = 400) -> tuple[np.ndarray, np.ndarray]:
    """Points and the distances from the exact values, in units in the last place."""
    x, values, rests, units = truth(name, dtype, n)
    y = engine.evaluate_function(name, x, isa=isa)
    largest = np.finfo(dtype).max
    beyond = y > largest  # infinity stands one unit beyond the largest number
    y = np.minimum(y, largest).astype(np.float64)
    error = np.abs((y - values) / units + beyond - rests)
    flushed = (y == 0) & (values > 0) & (values < LEAST[dtype]) & (name in FADING)
    return x, np.where(flushed, 0, error)


def bound(name: str, isa: str) -> float:
    function = FUNCTIONS[name]
    return function.baseline_bound if isa == "baseline" else function.bound


def test_every_function_of_the_engine_is_tested() -> None:
    assert sorted(engine.functions()) == sorted(FUNCTIONS)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_error_in_ulp(name: str, dtype: str, isa: str) -> None:
    x, error = errors(name, dtype, isa)
    worst = int(np.nanargmax(np.where(np.isnan(error), INF, error)))
    assert error[worst] <= bound(name, isa), f"{name}({x[worst]!r}) is off by {error[worst]:.3g} ULP"


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", FADING)
def test_values_that_would_be_subnormal_are_zero(name: str, dtype: str, isa: str) -> None:
    x, values, _, _ = truth(name, dtype)
    y = engine.evaluate_function(name, x, isa=isa)
    subnormal = values < np.finfo(dtype).tiny
    assert np.count_nonzero(subnormal & (values > 0)) > 20
    assert np.all(y[subnormal] == 0)
    assert np.all(y[values >= LEAST[dtype]] > 0)


@pytest.mark.parametrize("isa", FMA_ISAS)  # elsewhere a product that a sum swallows may
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_no_operation_within_underflows(name: str, dtype: str, isa: str) -> None:
    x = points(name, dtype, 5000)
    x = x[np.abs(x) > (1e-15 if dtype == "float32" else 1e-150)]  # smaller ones have tiny squares
    with underflows() as found:
        engine.evaluate_function(name, x, isa=isa)
    assert not found()


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_special_values(name: str, dtype: str, isa: str) -> None:
    special = dict(FUNCTIONS[name].special)
    x = np.array([*special, NAN], dtype)
    expected = np.array([*special.values(), NAN], dtype)
    y = engine.evaluate_function(name, x, isa=isa)
    np.testing.assert_array_equal(y, expected)
    zeros = engine.evaluate_function(name, np.array([0.0, -0.0], dtype), isa=isa)
    assert zeros[0] == zeros[1]
    assert np.signbit(zeros).tolist() == [zeros[0] < 0, zeros[0] < 0 or name in ODD_AT_ZERO]


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_length_of_the_array_does_not_matter(name: str, dtype: str, isa: str) -> None:
    width = VECTOR_BYTES[isa] // np.dtype(dtype).itemsize
    x = np.linspace(0.01, 4, 4 * width + 3).astype(dtype)
    one_by_one = np.concatenate(
        [engine.evaluate_function(name, x[i : i + 1], isa=isa) for i in range(len(x))]
    )
    for n in (0, 1, width - 1, width, width + 1, 4 * width + 3):
        part = x[:n].copy()
        y = engine.evaluate_function(name, part, isa=isa)
        assert y.dtype == dtype
        assert y.tobytes() == one_by_one[:n].tobytes(), n
        assert part.tobytes() == x[:n].tobytes()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_same_bits_wherever_there_is_fma(name: str, dtype: str) -> None:
    x = points(name, dtype, 5000)
    results = {isa: engine.evaluate_function(name, x, isa=isa) for isa in FMA_ISAS}
    for isa, y in results.items():
        different = np.flatnonzero(y.view(f"u{y.itemsize}") != results[FMA_ISAS[0]].view(f"u{y.itemsize}"))
        assert different.size == 0, f"{isa}: {name}({x[different[0]]!r}) differs from {FMA_ISAS[0]}"


@pytest.mark.skipif(not FMA_ISAS, reason="this machine has no fused multiply-add")
@pytest.mark.parametrize("dtype", DTYPES)
def test_forced_instruction_set_ran(dtype: str) -> None:
    x = np.linspace(-3, 3, 1000).astype(dtype)
    fused, unfused = (engine.evaluate_function("exp", x, isa=isa) for isa in (FMA_ISAS[0], "baseline"))
    assert np.any(fused != unfused)  # nothing else than the missing FMA can make them differ
    np.testing.assert_allclose(fused, unfused, rtol=4 * np.finfo(dtype).eps, atol=0)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_derivatives_from_the_output_stay_in_range(dtype: str, isa: str) -> None:
    """E7 takes 1 - y^2 and y (1 - y) from these: y must not leave [-1, 1] and [0, 1]."""
    x = np.concatenate([points("tanh", dtype, 20000), points("sigmoid", dtype, 20000)])
    y = engine.evaluate_function("tanh", x, isa=isa)
    assert np.all(np.abs(y) <= 1)
    assert y.tobytes() == (-engine.evaluate_function("tanh", -x, isa=isa)).tobytes()
    y = engine.evaluate_function("sigmoid", x, isa=isa)
    assert np.all((y >= 0) & (y <= 1))


def test_unknown_function() -> None:
    with pytest.raises(ValueError, match="unknown function 'sinh'"):
        engine.evaluate_function("sinh", np.ones(1))


if __name__ == "__main__":
    n_points = int(sys.argv[1]) if len(sys.argv) > 1 else 20000
    isas = [*FMA_ISAS[:1], "baseline"]
    print("function", *(f"{dtype} {isa}" for dtype in DTYPES for isa in isas), sep=" | ")
    for function_name in FUNCTIONS:
        measured = [errors(function_name, dtype, isa, n_points)[1].max() for dtype in DTYPES for isa in isas]
        print(function_name, *(f"{error:.2f}" for error in measured), sep=" | ", flush=True)
