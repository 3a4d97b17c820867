"""The gamma function's logarithm and derivatives, and Hurwitz's zeta function, in NumPy."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from graphc.opset.lowerings import IS_JAX_0_11

Array = np.ndarray[Any, Any]

# B2, B4, …, B26 (DLMF 24.2.8)
BERNOULLI: Final = (
    1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510, 43867 / 798,
    -174611 / 330, 854513 / 138, -236364091 / 2730, 8553103 / 6,
)  # fmt: skip
_FAR: Final = 10.0  # from here on the expansions for large arguments have 16 digits


def _log_gamma(x: float) -> float:
    pole = x <= 0 and math.isfinite(x) and x == math.floor(x)
    try:
        return math.inf if pole or math.isinf(x) else math.lgamma(x)
    except OverflowError:  # from about 2.5e305 on
        return math.inf


def lgamma(x: Array) -> Array:
    """The logarithm of the absolute value of the gamma function; infinite at its poles."""
    numbers = np.asarray(x, np.float64)
    return np.array([_log_gamma(number) for number in numbers.ravel().tolist()]).reshape(x.shape)


def stirling_remainder(a: Array) -> Array:
    """What Stirling's formula lacks: lgamma(a) - (a - 1/2) log a + a - log(2 pi) / 2, for a > 0.

    DLMF 5.11.1 for large a, so that the difference of large numbers is never taken.
    """
    far = np.maximum(a, _FAR)
    remainder, power = np.zeros_like(far), 1 / far
    for order, number in enumerate(BERNOULLI[:9], 1):
        remainder += number / (2 * order * (2 * order - 1)) * power
        power = power / (far * far)
    near = np.minimum(a, _FAR)
    exact = lgamma(near) - (near - 0.5) * np.log(near) + near - math.log(2 * math.pi) / 2
    return np.where(a >= _FAR, remainder, exact)


def digamma(x: Array) -> Array:
    """The derivative of lgamma: DLMF 5.5.4 left of 1/2, 5.5.2 up to 10, 5.11.2 from there on.

    NaN at the poles -1, -2, …, where the two sides have no limit in common; at 0 as in XLA, which
    gives minus infinity from JAX 0.11 on, and NaN before.
    """
    x = np.asarray(x, np.float64)
    pole = (x <= 0) & (x == np.floor(x))
    left = (x < 0.5) & ~pole
    offset = np.where(left, x - np.rint(x), 0.25)  # of one period of the cotangent
    reflection = np.where(left, math.pi / np.tan(math.pi * offset), 0.0)
    far = np.where(left, 1 - x, x)
    shift = np.zeros_like(far)
    for _ in range(int(_FAR)):
        near = far < _FAR
        shift -= np.where(near, 1 / far, 0.0)
        far = np.where(near, far + 1, far)
    series, power = np.log(far) - 0.5 / far, 1 / (far * far)
    for order, number in enumerate(BERNOULLI[:9], 1):
        series -= number / (2 * order) * power
        power = power / (far * far)
    at_pole = np.where((x == 0) & IS_JAX_0_11, -np.inf, np.nan)
    return np.where(pole, at_pole, series + shift - reflection)


def zeta(s: Array, q: Array) -> Array:
    """Hurwitz's zeta function, the sum of (q + k) to the power -s over k from 0 on.

    Infinite at s = 1, NaN below. For q < 0 and a whole s, the terms left of 0 are counted from 0
    outwards: they are the difference of two such sums. At q = 0, -1, -2, … infinite for an even s,
    else NaN.
    """
    s, q = np.broadcast_arrays(np.asarray(s, np.float64), np.asarray(q, np.float64))
    negative = q < 0
    above, below = q - np.floor(q), np.ceil(q) - q
    sign = np.where(np.mod(s, 2) == 0, 1.0, -1.0)
    found = _positive_zeta(s, np.where(negative, above, q))
    outer = _positive_zeta(s, np.where(negative, below, 1.0))
    outer = outer - _positive_zeta(s, np.where(negative, 1 - q, 1.0))
    found = np.where(negative, found + sign * outer, found)
    whole = s == np.floor(s)
    pole = (q <= 0) & (q == np.floor(q))
    found = np.where(negative & ~whole, np.nan, found)
    found = np.where(pole, np.where(whole & (sign > 0), np.inf, np.nan), found)
    found = np.where(s > 1, found, np.where(s == 1, np.inf, np.nan))
    return np.where(np.isnan(q) | np.isinf(s), np.nan, found)


def _positive_zeta(s: Array, q: Array) -> Array:
    """`zeta` for s > 1 and q > 0: Euler and Maclaurin's summation, DLMF 25.11.28."""
    terms = 20
    total = np.zeros_like(q)
    for k in range(terms):
        total += (q + k) ** -s
    end = q + terms
    power = end**-s
    total += power * end / (s - 1) + power / 2
    factor = s * power / end  # s (s + 1) … (s + 2j - 2) / (2j)! to the power of end; here j = 1
    for j, number in enumerate(BERNOULLI, 1):
        total += number / math.factorial(2 * j) * factor
        factor = factor * (s + 2 * j - 1) * (s + 2 * j) / (end * end)
    return np.where(np.isinf(q), 0.0, total)


def polygamma(m: Array, x: Array) -> Array:
    """The derivative of order m of digamma, DLMF 25.11.12; NaN for an m that is no order.

    Where that order is odd, both sides of a pole at 0, -1, -2, … are +inf; else NaN.
    """
    m, x = np.broadcast_arrays(np.asarray(m, np.float64), np.asarray(x, np.float64))
    sign = np.where(np.mod(m, 2) == 0, -1.0, 1.0)
    derivative = sign * np.exp(lgamma(m + 1)) * zeta(m + 1, x)
    order = (m >= 0) & (m == np.floor(m)) & np.isfinite(m)
    return np.where(order, np.where(m == 0, digamma(x), derivative), np.nan)
