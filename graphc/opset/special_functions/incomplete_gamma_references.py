"""The incomplete gamma functions and their derivative with respect to the shape, in NumPy.

Up to the shape, the series of the lower function (DLMF 8.11.4); from there on the integral of the
upper one (DLMF 8.6.4, shifted to start at 0) by the double exponential rule (H. Takahasi, M. Mori,
"Double exponential formulas for numerical integration", 1974). Both give the derivative as well:
the terms of the series, or the integrand, are differentiated one by one.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from graphc.opset.special_functions.gamma_references import digamma, lgamma, stirling_remainder

Array = np.ndarray[Any, Any]
_MOST_TERMS = 100_000


def igamma(a: Array, x: Array) -> Array:
    """The regularized lower incomplete gamma function P(a, x)."""
    a, x = _wide(a, x)
    lower, safe_a, safe_x = _split(a, x)
    below = _density(safe_a, safe_x) / safe_a * _series(safe_a, safe_x, lower)[0]
    above = 1 - _density(safe_a, safe_x) / safe_x * _integrals(safe_a, safe_x)[0]
    return _with_edges(a, x, np.where(lower, below, above), at_zero=0.0, far=1.0)


def igammac(a: Array, x: Array) -> Array:
    """The regularized upper incomplete gamma function Q(a, x) = 1 - P(a, x)."""
    a, x = _wide(a, x)
    lower, safe_a, safe_x = _split(a, x)
    below = 1 - _density(safe_a, safe_x) / safe_a * _series(safe_a, safe_x, lower)[0]
    above = _density(safe_a, safe_x) / safe_x * _integrals(safe_a, safe_x)[0]
    return _with_edges(a, x, np.where(lower, below, above), at_zero=1.0, far=0.0)


def igamma_grad_a(a: Array, x: Array) -> Array:
    """The derivative of P(a, x) with respect to a."""
    a, x = _wide(a, x)
    _, safe_a, safe_x = _split(a, x)
    slope = -_density(safe_a, safe_x) / safe_x * _sample_slope(safe_a, safe_x)
    return _with_edges(a, x, slope, at_zero=0.0, far=0.0, of_zero_shape=np.nan)


def random_gamma_grad(a: Array, x: Array) -> Array:
    """How a number drawn from Gamma(a, 1) moves with a, at a given probability to be below it."""
    a, x = _wide(a, x)
    _, safe_a, safe_x = _split(a, x)
    slope = _sample_slope(safe_a, safe_x)
    return _with_edges(a, x, slope, at_zero=0.0, far=np.nan, of_zero_shape=np.nan)


def _wide(a: Array, x: Array) -> list[Array]:
    return [np.array(each, np.float64) for each in np.broadcast_arrays(a, x)]


def _split(a: Array, x: Array) -> tuple[Array, Array, Array]:
    """Where the series serves, and operands without those that have no value or a known one."""
    inside = (a > 0) & (x > 0) & np.isfinite(a) & np.isfinite(x)
    safe_a, safe_x = np.where(inside, a, 1.0), np.where(inside, x, 1.0)
    return safe_x <= np.maximum(safe_a, 1), safe_a, safe_x


def _with_edges(
    a: Array, x: Array, found: Array, at_zero: float, far: float, of_zero_shape: float | None = None
) -> Array:
    found = np.where(x == 0, at_zero, np.where(np.isinf(x), far, found))
    found = np.where(a == 0, far if of_zero_shape is None else of_zero_shape, found)
    outside = (x < 0) | (a < 0) | ((a == 0) & (x == 0)) | np.isnan(a) | np.isnan(x)
    return np.where(outside | np.isinf(a), np.nan, found)


def _density(a: Array, x: Array) -> Array:
    """X to the power a, e to the power -x, over gamma(a); by Stirling's formula for large a."""
    direct = np.exp(a * np.log(x) - x - lgamma(a))
    far = np.maximum(a, 10.0)
    offset = (x - far) / far
    bell = np.exp(-far * (offset - np.log1p(offset)) - stirling_remainder(far))
    return np.where(a >= 10, np.sqrt(far / (2 * math.pi)) * bell, direct)


def _series(a: Array, x: Array, wanted: Array) -> tuple[Array, Array]:
    """The sum of c = x to the power n over (a + 1) … (a + n), and its derivative over itself.

    The second is the sum of c times (log x minus digamma of a + n + 1).
    """
    x = np.where(wanted, x, np.minimum(a, 1.0))
    term, total = np.ones_like(x), np.ones_like(x)
    slope = np.log(x) - digamma(a + 1)
    weighted = slope.copy()
    for n in range(1, _MOST_TERMS):
        term = term * x / (a + n)
        slope = slope - 1 / (a + n)
        total += term
        weighted += term * slope
        if np.all(term * (1 + np.abs(slope)) < 1e-18 * total):
            break
    return total, weighted


def _integrals(a: Array, x: Array) -> tuple[Array, Array]:
    """The integral of w(u) = (1 + u/x) to the power a - 1, e to the power -u, over u > 0.

    And that of w(u) log(1 + u/x). For x > 1 and x > a, w only falls; `scale` is where it has
    fallen to about 1/e.
    """
    x = np.maximum(x, np.maximum(a, 1.0))
    slope, bend = 1 - (a - 1) / x, (a - 1) / (x * x)
    scale = 2 / (slope + np.sqrt(slope * slope + 2 * np.maximum(bend, 0)))
    total, weighted = np.zeros_like(x), np.zeros_like(x)
    step = 1 / 24
    for t in np.arange(-4.0, 5.0, step):
        u = scale * math.exp(t - math.exp(-t))
        growth = np.log1p(u / x)
        weight = np.exp((a - 1) * growth - u) * u * (1 + math.exp(-t)) * step
        total += weight
        weighted += weight * growth
    return total, weighted


def _sample_slope(a: Array, x: Array) -> Array:
    """Minus the derivative of P(a, x) with respect to a, over that with respect to x."""
    lower = x <= np.maximum(a, 1)
    below = -x / a * _series(a, x, lower)[1]
    total, weighted = _integrals(a, x)
    # 1 - P is this integral times density over x, the derivative of P with respect to x
    above = weighted + (np.log(np.maximum(x, 1.0)) - digamma(a)) * total
    return np.where(lower, below, above)
