"""Elementary functions that neither overflow nor cancel, on any array namespace, for real and complex arrays.

Complex step evaluates everything at a + ih and reads the derivative off the imaginary part, so each function
here is analytic on either side of its branches, and a branch looks at the real part only: no abs, max or
comparison ever sees a complex number.
"""

from __future__ import annotations

import math
from typing import Any

from array_api_compat import array_namespace

Array = Any  # an array of whatever namespace the caller uses


def is_complex(x: Array) -> bool:
    """Whether the array's dtype is complex."""
    return bool(array_namespace(x).isdtype(x.dtype, "complex floating"))


def real(x: Array) -> Array:
    """Real part; the array itself where it is real already."""
    return array_namespace(x).real(x) if is_complex(x) else x


def where_positive(x: Array, positive: Array, otherwise: Array) -> Array:
    """`otherwise` where x <= 0, else `positive`: also where x is NaN, so that NaN stays NaN.

    The one branch by sign that all the functions share: if two of them disagreed on which side x = 0 is,
    softplus = max(x, 0) + log(1 + exp(-|x|)) would have the derivative -1/2 there.
    """
    return array_namespace(x).where(real(x) <= 0, otherwise, positive)


def minus_magnitude(x: Array) -> Array:
    """-|x|, as x or -x by the sign of the real part: analytic on each side of 0."""
    return where_positive(x, -x, x)


def sums_by_place(place: Array, rows: Array, n_places: int) -> Array:
    """sums[place[i]] += rows[i], in the order of the rows, shape (n_places, n_columns).

    Row by row, so that the order of each sum, and with it every bit, is that of the rows.
    """
    xp = array_namespace(rows)
    sums = [xp.zeros_like(rows[0, :])] * n_places
    for i in range(rows.shape[0]):
        sums[int(place[i])] = sums[int(place[i])] + rows[i, :]
    return xp.stack(sums)


def log1p(x: Array) -> Array:
    """log(1 + x), accurate for small x.

    NumPy's log1p of a complex number computes log|1 + x| and so loses small x;
    log(1 + x) = 2 artanh(x / (2 + x)) does not.
    """
    xp = array_namespace(x)
    return 2 * xp.atanh(x / (2 + x)) if is_complex(x) else xp.log1p(x)


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)), with the exponential of -|x| only, which cannot overflow."""
    xp = array_namespace(x)
    t = xp.exp(minus_magnitude(x))
    return where_positive(x, xp.ones_like(t), t) / (1 + t)


def softplus(x: Array) -> Array:
    """log(1 + exp(x)) = max(x, 0) + log(1 + exp(-|x|))."""
    xp = array_namespace(x)
    return where_positive(x, x, xp.zeros_like(x)) + log1p(xp.exp(minus_magnitude(x)))


def log_softplus(x: Array) -> Array:
    """log(log(1 + exp(x))), which is x to every digit once exp(x) is below the resolution of the dtype.

    There softplus(x) = exp(x) (1 - exp(x)/2 + ...), and exp(x) would underflow before x does.
    """
    xp = array_namespace(x)
    tiny = real(x) < math.log(float(xp.finfo(x.dtype).eps))
    return xp.where(tiny, x, xp.log(softplus(xp.where(tiny, xp.zeros_like(x), x))))


def log_softmax(x: Array) -> Array:
    """log(exp(x) / sum exp(x)) along the last axis, shifted by the largest real part."""
    xp = array_namespace(x)
    shifted = x - xp.max(real(x), axis=-1, keepdims=True)
    return shifted - xp.log(xp.sum(xp.exp(shifted), axis=-1, keepdims=True))


def softmax(x: Array) -> Array:
    """exp(x) / sum exp(x) along the last axis, shifted by the largest real part."""
    xp = array_namespace(x)
    t = xp.exp(x - xp.max(real(x), axis=-1, keepdims=True))
    return t / xp.sum(t, axis=-1, keepdims=True)


def xlogx(x: Array) -> Array:
    """Product x log(x), and its limit 0 at x = 0."""
    xp = array_namespace(x)
    return x * xp.log(xp.where(x == 0, xp.ones_like(x), x))


def normal_density(x: Array) -> Array:
    """phi(x) = exp(-x^2 / 2) / sqrt(2 pi)."""
    return array_namespace(x).exp(-0.5 * x * x) / math.sqrt(2 * math.pi)


def normal_cdf(x: Array) -> Array:
    """Phi(x), the standard normal distribution function, out of nothing but exp.

    The array API has no erf, and a library that has one seldom takes complex arrays. With z = |x|/sqrt(2),

        Phi(-|x|) = erfc(z)/2,   erfc(z) = (2 z exp(-z^2) / pi) int_0^inf exp(-t^2) / (z^2 + t^2) dt,

    and the midpoint rule with step h = 1/2 is exact to exp(-(pi/h)^2) = 7e-18 after the pole at t = iz is
    accounted for by 2 / (1 + exp(2 pi z / h)) while z < pi / h. Every term is positive, so the lower tail
    has full relative accuracy but for the rounding of x^2 in exp(-x^2 / 2): (8 + x^2 / 2) eps, and for its
    derivative (20 + x^2 / 2) eps (tests/reference/test_functions.py).

    Source: C. Chiarella and A. Reichl, On the evaluation of integrals related to the error function,
    Math. Comp. 22 (1968) 137-143; with the nodes shifted by h/2, which takes the singularity at z = 0 away:
    D. B. Hunter and T. Regan, A note on the evaluation of the complementary error function, Math. Comp. 26
    (1972) 539-541.
    """
    xp = array_namespace(x)
    step = 0.5
    magnitude = -minus_magnitude(x)
    # Phi is 0 or 1 beyond 50, and this keeps the square finite.
    magnitude = xp.where(real(magnitude) > 50, xp.full_like(magnitude, 50), magnitude)
    z = magnitude / math.sqrt(2)
    square = 0.5 * magnitude * magnitude  # z^2 with one rounding
    total = xp.zeros_like(z)
    for n in range(1, 14):
        node = ((n - 0.5) * step) ** 2
        total = total + math.exp(-node) / (square + node)
    t = xp.exp(-2 * math.pi / step * z)
    pole = xp.where(real(z) < math.pi / step, t / (1 + t), xp.zeros_like(t))
    tail = step / math.pi * z * xp.exp(-square) * total + pole
    return where_positive(x, 1 - tail, tail)
