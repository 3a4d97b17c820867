"""Arrays for the sweep: every element type, ordinary numbers and the strange ones."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import ml_dtypes
import numpy as np

Array = np.ndarray[Any, Any]

FLOATS = ("float16", "bfloat16", "float32", "float64")
COMPLEX = ("complex64", "complex128")
SIGNED = ("int8", "int16", "int32", "int64")
UNSIGNED = ("uint8", "uint16", "uint32", "uint64")
INTEGERS = (*SIGNED, *UNSIGNED)
REALS = ("bool", *INTEGERS, *FLOATS)
EVERY = (*REALS, *COMPLEX)
SOME = ("bool", "int8", "uint16", "int32", "uint64", "float16", "bfloat16", "float32", "complex64")


@lru_cache(None)
def draw(dtype: str, *shape: int, seed: int = 0, low: float = -4.0, high: float = 4.0) -> Array:
    """Ordinary numbers between two bounds; the same array for the same arguments."""
    generator = np.random.default_rng([seed, *shape, len(dtype)])
    if dtype == "bool":
        return generator.random(shape) < 0.5
    if dtype.startswith("complex"):
        parts = generator.uniform(low, high, (2, *shape))
        return np.asarray(parts[0] + 1j * parts[1]).astype(dtype)
    if dtype.startswith(("int", "uint")):
        floor = max(low, 0) if dtype.startswith("u") else low
        return generator.integers(int(floor), int(high), shape, endpoint=True).astype(dtype)
    return np.asarray(generator.uniform(low, high, shape)).astype(dtype)


@lru_cache(None)
def strange(dtype: str) -> Array:
    """Zeros of both signs, infinities, NaN, the largest and the smallest, and the limits."""
    if dtype == "bool":
        return np.array([True, False])
    if dtype.startswith(("int", "uint")):
        limits = np.iinfo(dtype)
        numbers = [0, 1, 2, 3, 7, 100, limits.max, limits.max - 1, limits.min]
        numbers += [-1, -2, -3, -100] if limits.min else [limits.max // 2]
        return np.array(numbers, dtype)
    if dtype.startswith("complex"):
        return np.array([0, 1, -1, 1j, -1j, 1 + 1j, -2 + 0.5j, 3 - 4j, 0.25], dtype)
    limits = ml_dtypes.finfo(dtype)
    numbers = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, 2.5, -2.5, 3.0, -7.25, np.inf, -np.inf, np.nan]
    numbers += [float(limits.max), float(limits.min), float(limits.tiny), -float(limits.tiny), 60.0]
    return np.array(numbers, np.float64).astype(dtype)


@lru_cache(None)
def ordinary(dtype: str) -> Array:
    """The strange ones without infinities, NaN and limits."""
    if dtype.startswith(("int", "uint", "bool", "complex")):
        return strange(dtype)
    return np.array([0.0, -0.0, 1.0, -1.0, 0.5, -0.75, 1.5, 2.5, -2.5, 3.0, 1e-3]).astype(dtype)


@lru_cache(None)
def pairs(left: str, right: str, odd: bool = True) -> tuple[Array, Array]:
    """Every strange number beside every other: [n, 1] and [1, m]."""
    make = strange if odd else ordinary
    return make(left)[:, None], make(right)[None, :]


@lru_cache(None)
def grid(dtype: str) -> tuple[Array, Array]:
    """Every strange number beside every other: [n, n] both.

    For quotients: XLA multiplies by 1 / x where one x divides many, and that of a huge one is 0.
    """
    left, right = (each.copy() for each in np.broadcast_arrays(*pairs(dtype, dtype)))
    return left, right


@lru_cache(None)
def with_holes(dtype: str, *shape: int) -> Array:
    """Ordinary numbers, some of them NaN where there is one."""
    array = draw(dtype, *shape).copy()
    if dtype.startswith(("float", "bfloat", "complex")):
        flat = array.reshape(-1)
        flat[::3] = np.nan
        array[0] = np.nan
    return array
