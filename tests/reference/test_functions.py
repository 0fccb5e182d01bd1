"""Elementary functions against mpmath and SciPy, in the tails and for complex arguments."""

import mpmath
import numpy as np
import pytest
import scipy.special

from chainrule.reference import functions

GRID = np.concatenate([-np.geomspace(1e-300, 700, 60)[::-1], [0.0], np.geomspace(1e-300, 700, 60)])


def by_mpmath(formula, points):
    with mpmath.workdps(400):
        return np.array([float(formula(mpmath.mpf(float(p)))) for p in points])


FORMULAS = {
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "softplus": lambda x: mpmath.log1p(mpmath.exp(x)),
    "log_softplus": lambda x: mpmath.log(mpmath.log1p(mpmath.exp(x))),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_values_have_full_relative_accuracy_over_the_whole_range(name):
    expected = by_mpmath(FORMULAS[name], GRID)
    np.testing.assert_allclose(getattr(functions, name)(GRID), expected, rtol=4e-16, atol=0)


@pytest.mark.parametrize("name", FORMULAS)
def test_complex_arguments_give_the_real_values_and_the_derivative(name):
    x = GRID[np.abs(GRID) < 300]
    z = getattr(functions, name)(x + 1e-30j)
    np.testing.assert_allclose(z.real, by_mpmath(FORMULAS[name], x), rtol=2e-15, atol=0)
    with mpmath.workdps(50):
        derivative = [float(mpmath.diff(FORMULAS[name], mpmath.mpf(float(p)))) for p in x]
    np.testing.assert_allclose(z.imag / 1e-30, derivative, rtol=5e-15, atol=0)


def rounding(x, n_operations):
    """Relative: a few operations, and x^2 / 2 in the exponent with its rounding."""
    return (n_operations + x * x / 2) * np.finfo(float).eps


def test_normal_cdf_has_full_relative_accuracy_in_the_lower_tail():
    x = np.linspace(-37, 9, 4001)
    with mpmath.workdps(40):
        expected = np.array([float(mpmath.ncdf(mpmath.mpf(float(p)))) for p in x])
    assert np.all(np.abs(functions.normal_cdf(x) / expected - 1) <= rounding(x, 8))
    np.testing.assert_allclose(functions.normal_cdf(x), scipy.special.ndtr(x), rtol=1e-12, atol=0)


def test_normal_cdf_is_analytic_with_the_density_as_its_derivative():
    x = np.linspace(-30, 30, 4001)
    derivative = functions.normal_cdf(x + 1e-30j).imag / 1e-30
    assert np.all(np.abs(derivative / functions.normal_density(x) - 1) <= rounding(x, 20))
    np.testing.assert_allclose(
        functions.normal_density(x), np.exp(-x * x / 2) / np.sqrt(2 * np.pi), rtol=1e-12
    )


def test_normal_cdf_of_float32_agrees_with_scipy():
    x = np.linspace(-8, 8, 999, dtype=np.float32)
    found = functions.normal_cdf(x)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, scipy.special.ndtr(x.astype(float)), rtol=1e-5, atol=0)


@pytest.mark.parametrize("name", ["sigmoid", "softplus", "log_softplus", "normal_cdf"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_extreme_arguments_give_limits_without_warnings(name, dtype):
    largest = np.finfo(dtype).max
    low, high = getattr(functions, name)(np.array([-largest, largest], dtype=dtype))
    limits = {
        "sigmoid": (0, 1),
        "softplus": (0, largest),
        "log_softplus": (-largest, np.log(largest)),
        "normal_cdf": (0, 1),
    }
    assert (low, high) == limits[name]


@pytest.mark.parametrize(
    "name", ["sigmoid", "softplus", "log_softplus", "normal_cdf", "softmax", "log_softmax"]
)
def test_nan_stays_nan(name):
    assert np.isnan(getattr(functions, name)(np.array([[np.nan, 0.0]]))[0, 0])


def test_softmax_is_shifted_by_the_largest_entry():
    x = np.array([[1000.0, 999.0, -1000.0], [-1000.0, -1000.0, -1000.0]])
    e = np.exp(-1.0)
    np.testing.assert_allclose(
        functions.softmax(x), [[1 / (1 + e), e / (1 + e), 0], [1 / 3, 1 / 3, 1 / 3]], rtol=1e-15, atol=0
    )
    np.testing.assert_allclose(
        functions.log_softmax(x)[0], [-np.log1p(e), -1 - np.log1p(e), -2000 - np.log1p(e)], rtol=1e-15, atol=0
    )


def test_xlogx_is_zero_at_zero():
    np.testing.assert_allclose(functions.xlogx(np.array([0.0, 1.0, 2.0])), [0, 0, 2 * np.log(2)], rtol=1e-15)
