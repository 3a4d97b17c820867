"""Modified Bessel functions of the first kind, scaled by e to the power -|x|, in NumPy."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

Array = np.ndarray[Any, Any]

_FAR: Final = 30.0  # from here on the expansion for large arguments has 16 digits


def i0e(x: Array) -> Array:
    """The function of order 0."""
    return _scaled(np.abs(np.asarray(x, np.float64)), 0)


def i1e(x: Array) -> Array:
    """The function of order 1."""
    x = np.asarray(x, np.float64)
    return np.copysign(_scaled(np.abs(x), 1), x)


def _scaled(x: Array, order: int) -> Array:
    """The power series, DLMF 10.25.2, up to 30; then Hankel's expansion, 10.40.1."""
    near = np.minimum(x, _FAR)
    term = (near / 2) ** order
    series = term.copy()
    for k in range(1, 90):
        term = term * (near * near / 4) / (k * (k + order))
        series += term
    far = np.maximum(x, _FAR)
    term, expansion = np.ones_like(far), np.ones_like(far)
    for k in range(1, 30):
        term = term * ((2 * k - 1) ** 2 - 4 * order**2) / (8 * k * far)
        expansion += term
    expansion = expansion / np.sqrt(2 * math.pi * far)
    return np.where(x > _FAR, expansion, series * np.exp(-near))
