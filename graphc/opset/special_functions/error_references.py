"""The error function, its complement and its inverse in NumPy."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def each(function: Callable[[float], float], x: Array) -> Array:
    """A function of one number, such as those of `math`, on every element."""
    numbers = np.asarray(x, np.float64)
    return np.array([function(number) for number in numbers.ravel().tolist()]).reshape(x.shape)


def erf(x: Array) -> Array:
    """The error function."""
    return each(math.erf, x)


def erfc(x: Array) -> Array:
    """1 - erf(x), with all its digits where that is small."""
    return each(math.erfc, x)


def erf_inv(x: Array) -> Array:
    """The inverse of the error function.

    Halley's method (W. Press and others, "Numerical Recipes", third edition, section 6.2.2) from
    S. Winitzki's formula ("A handy approximation for the error function and its inverse", 2008),
    whose relative error is below 0.002. Beyond one half it solves for the complement, which is
    known exactly there.
    """
    x = np.asarray(x, np.float64)
    size = np.abs(x)
    inside = size < 1
    target = np.where(inside, size, 0.0)
    logarithm = np.log1p(-target * target)
    shift = 2 / (math.pi * 0.147) + logarithm / 2
    y = np.sqrt(np.sqrt(shift * shift - logarithm / 0.147) - shift)
    for _ in range(4):
        miss = np.where(target > 0.5, (1 - target) - erfc(y), erf(y) - target)
        step = miss / (2 / math.sqrt(math.pi) * np.exp(-y * y))
        y = y - step / (1 + y * step)
    y = np.where(inside, y, np.where(size == 1, np.inf, np.nan))
    return np.copysign(y, x)
