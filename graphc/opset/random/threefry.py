"""Threefry-2x32, of arrays of NumPy or JAX; and in NumPy what `jax.random` draws, bit for bit.

Source: J. Salmon, M. Moraes, R. Dror, D. Shaw, "Parallel random numbers: as easy as 1, 2, 3",
SC 2011: 20 rounds, a key of two words, a counter of two words. A draw of any shape hashes the
position of each element in row-major order, a 64-bit number as two words (high, low); that is the
layout that JAX calls partitionable.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

Array = np.ndarray[Any, Any]

_PARITY: Final = np.uint32(0x1BD11BDA)
_ROTATIONS: Final = ((13, 15, 26, 6), (17, 29, 16, 24))


class WordArithmetic(NamedTuple):
    """Operations on arrays of u32, all of one shape.

    Attributes:
        add: modulo 2**32.
        xor: bitwise.
        either: bitwise or.
        shift_left: towards the high bits.
        shift_right: zeros come in from above.
        spread: a word at every position of a shape.
    """

    add: Callable[[Any, Any], Any]
    xor: Callable[[Any, Any], Any]
    either: Callable[[Any, Any], Any]
    shift_left: Callable[[Any, Any], Any]
    shift_right: Callable[[Any, Any], Any]
    spread: Callable[[Any, tuple[int, ...]], Any]


def _left_to_numpy(word: Any, shape: tuple[int, ...]) -> Any:
    return word  # it broadcasts by itself


OF_NUMPY: Final = WordArithmetic(
    np.add, np.bitwise_xor, np.bitwise_or, np.left_shift, np.right_shift, _left_to_numpy
)


def threefry2x32(
    first: Any, second: Any, high: Any, low: Any, words: WordArithmetic = OF_NUMPY
) -> tuple[Any, Any]:
    """Hash counters.

    Args:
        first: u32[], a word of the key.
        second: u32[], the other.
        high: u32[], or of the counters' shape: their high words.
        low: u32[…], their low words.
        words: the arithmetic.

    Returns:
        Two words per counter.
    """
    add, xor, shape = words.add, words.xor, np.shape(low)

    def spread(word: Any) -> Any:
        return word if np.shape(word) == shape else words.spread(word, shape)

    def rotated(word: Any, distance: int) -> Any:
        left, right = distances[distance]
        return words.either(words.shift_left(word, left), words.shift_right(word, right))

    distances = {
        distance: (spread(np.uint32(distance)), spread(np.uint32(32 - distance)))
        for group in _ROTATIONS
        for distance in group
    }
    third = xor(xor(first, second), _PARITY)
    schedule = (spread(first), spread(second), spread(third))
    x, y = add(spread(high), schedule[0]), add(low, schedule[1])
    for group in range(5):
        for distance in _ROTATIONS[group % 2]:
            x = add(x, y)
            y = xor(x, rotated(y, distance))
        x = add(x, schedule[(group + 1) % 3])
        y = add(add(y, schedule[(group + 2) % 3]), spread(np.uint32(group + 1)))
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


def random_words(keys: Array, starts: Array, width: int) -> Array:
    """What each key draws from a position on: u32[keys, width]."""
    low = starts.astype(np.uint32)[:, None] + np.arange(width, dtype=np.uint32)
    first, second = (np.broadcast_to(keys[:, i : i + 1], low.shape) for i in (0, 1))
    with np.errstate(over="ignore"):  # sums are modulo 2**32
        x, y = threefry2x32(first, second, np.zeros_like(low), low)
    return x ^ y
