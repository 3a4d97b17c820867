"""The regularized incomplete beta function in NumPy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from graphc.opset.special_functions.gamma_references import lgamma, stirling_remainder

Array = np.ndarray[Any, Any]
_MOST_STEPS = 20_000


def regularized_incomplete_beta(a: Array, b: Array, x: Array) -> Array:
    """I(a, b; x), by the continued fraction DLMF 8.17.22 on the side where it converges fast.

    In the limits that a distribution on [0, 1] has: all at 0 for a = 0 or an infinite b, all at 1
    for b = 0 or an infinite a; NaN where both hold, or outside of the domain.
    """
    a, b, x = (np.array(each, np.float64) for each in np.broadcast_arrays(a, b, x))
    at_zero, at_one = (a == 0) | np.isinf(b), (b == 0) | np.isinf(a)
    outside = ~((a >= 0) & (b >= 0) & (x >= 0) & (x <= 1)) | (at_zero & at_one)
    inside = ~outside & ~at_zero & ~at_one & (x > 0) & (x < 1)
    p, q, y = np.where(inside, a, 1.0), np.where(inside, b, 1.0), np.where(inside, x, 0.5)
    swap = y > (p + 1) / (p + q + 2)
    p, q = np.where(swap, q, p), np.where(swap, p, q)
    y, rest = np.where(swap, 1 - y, y), np.where(swap, y, 1 - y)
    part = _density(p, q, y, rest) / p * _fraction(p, q, y)
    found = np.where(swap, 1 - part, part)
    found = np.where(at_zero, np.where(x == 0, 0.0, 1.0), found)
    found = np.where(at_one, np.where(x == 1, 1.0, 0.0), found)
    found = np.where(inside | at_zero | at_one, found, x)  # 0 at 0 and 1 at 1
    return np.where(outside, np.nan, found)


def _density(a: Array, b: Array, x: Array, y: Array) -> Array:
    """X to the power a, y to the power b, over the beta function; y is 1 - x.

    For large a and b by Stirling's formula, around the mean a / (a + b).
    """
    whole = a + b
    direct = np.exp(a * np.log(x) + b * np.log(y) + lgamma(whole) - lgamma(a) - lgamma(b))
    far_a, far_b = np.maximum(a, 10.0), np.maximum(b, 10.0)
    far = far_a + far_b
    offset = far_b * x - far_a * y
    bell = -far_a * _excess(offset / far_a) - far_b * _excess(-offset / far_b)
    bell += stirling_remainder(far) - stirling_remainder(far_a) - stirling_remainder(far_b)
    large = np.sqrt(far_a * far_b / (2 * math.pi * far)) * np.exp(bell)
    return np.where((a >= 10) & (b >= 10), large, direct)


def _excess(u: Array) -> Array:
    return u - np.log1p(np.maximum(u, -1.0))


def _fraction(a: Array, b: Array, x: Array) -> Array:
    """W. Lentz's method, from the front: each step multiplies the value so far."""
    smallest = 1e-300

    def away_from_zero(number: Array) -> Array:
        return np.where(np.abs(number) < smallest, smallest, number)

    c = np.ones_like(x)
    d = 1 / away_from_zero(1 - (a + b) * x / (a + 1))
    value = d.copy()
    active = np.full(x.shape, True)  # what has converged must not gather rounding errors
    for m in range(1, _MOST_STEPS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        step = np.ones_like(x)
        for numerator in (even, odd):
            d = 1 / away_from_zero(1 + numerator * d)
            c = away_from_zero(1 + numerator / c)
            step = c * d
            value = np.where(active, value * step, value)
        active &= np.abs(step - 1) > 1e-16
        if not active.any():
            break
    return value
