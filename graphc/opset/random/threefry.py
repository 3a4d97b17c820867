"""Threefry-2x32, of arrays of NumPy or JAX; and in NumPy what `jax.random` draws, bit for bit.

Source: J. Salmon, M. Moraes, R. Dror, D. Shaw, "Parallel random numbers: as easy as 1, 2, 3",
SC 2011: 20 rounds, a key of two words, a counter of two words. A draw of any shape hashes the
position of each element in row-major order, a 64-bit number as two words (high, low); that is the
layout that JAX calls partitionable.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

Array = np.ndarray[Any, Any]

_PARITY: Final = np.uint32(0x1BD11BDA)
_ROTATIONS: Final = ((13, 15, 26, 6), (17, 29, 16, 24))


def threefry2x32(first: Any, second: Any, high: Any, low: Any) -> tuple[Any, Any]:
    """Hash counters.

    Args:
        first: u32[], a word of the key.
        second: u32[], the other.
        high: u32, the counters' high words.
        low: u32 that broadcasts with them, the low words.

    Returns:
        Two words per counter.
    """
    schedule = (first, second, first ^ second ^ _PARITY)
    x, y = high + schedule[0], low + schedule[1]
    for group in range(5):
        for distance in _ROTATIONS[group % 2]:
            x = x + y
            y = (y << np.uint32(distance)) | (y >> np.uint32(32 - distance))
            y = x ^ y
        x = x + schedule[(group + 1) % 3]
        y = y + schedule[(group + 2) % 3] + np.uint32(group + 1)
    return x, y


def fold(key: Array, data: Any) -> Array:
    """The key that a key and a number make: u32[2]."""
    return fold_each(key, [data])[0]


def fold_each(key: Array, data: Sequence[Any]) -> Array:
    """The keys that a key and each of some numbers make: u32[numbers, 2]."""
    low = np.array(data, np.uint32)
    with np.errstate(over="ignore"):  # sums are modulo 2**32
        words = threefry2x32(key[0], key[1], np.zeros_like(low), low)
    return np.stack(words, axis=-1)


def random_bits(key: Array, bits: int, shape: tuple[int, ...]) -> Array:
    """Words of 8, 16, 32 or 64 bits, each value equally likely."""
    positions = np.arange(int(np.prod(shape, dtype=np.uint64)), dtype=np.uint64).reshape(shape)
    high = (positions >> np.uint64(32)).astype(np.uint32)
    with np.errstate(over="ignore"):
        low = np.atleast_1d(positions.astype(np.uint32))
        x, y = threefry2x32(key[0], key[1], np.atleast_1d(high), low)
    if bits == 64:
        wide = (x.astype(np.uint64) << np.uint64(32)) | y.astype(np.uint64)
        return wide.reshape(shape)
    return (x ^ y).astype(f"uint{bits}").reshape(shape)
