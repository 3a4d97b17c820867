"""Inputs on which the contract test tries ops: small, deterministic, away from kinks."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np

from graphc.dtypes import as_dtype


def draw(
    *shape: int, low: float = -2.0, high: float = 2.0, dtype: str = "float32", salt: int = 0
) -> np.ndarray[Any, Any]:
    """Numbers between `low` and `high` that depend on the arguments alone.

    Args:
        *shape: sizes.
        low: the least.
        high: the greatest.
        dtype: element type; complex types draw both parts, bool draws signs.
        salt: another salt, other numbers.
    """
    target = as_dtype(dtype)
    seed = zlib.crc32(repr((shape, low, high, dtype, salt)).encode())
    generator = np.random.default_rng(seed)
    if target.is_integer:
        return generator.integers(int(low), int(high) + 1, shape).astype(target.numpy)
    numbers = generator.uniform(low, high, shape)
    if target.kind == "bool":
        return np.asarray(numbers > (low + high) / 2)
    if target.is_complex:
        numbers = numbers + 1j * generator.uniform(low, high, shape)
    return np.asarray(numbers).astype(target.numpy)
