"""Hashes of strings: FarmHash's Fingerprint64 and SipHash-2-4, as TensorFlow and Keras use them.

Sources: https://github.com/google/farmhash (Fingerprint64), Aumasson and Bernstein, SipHash: a fast
short-input PRF (2012). Whole numbers below 2**64, of bytes.
"""

from __future__ import annotations

from typing import Final

_ALL: Final = (1 << 64) - 1
_K0: Final = 0xC3A5C85C97CB3127
_K1: Final = 0xB492B66FBE98F273
_K2: Final = 0x9AE16A3B2F90404F
_PAIR: Final = 0xC6A4A7935BD1E995
_SEED: Final = 81


def fingerprint(text: bytes) -> int:
    """FarmHash's Fingerprint64."""
    size = len(text)
    if size <= 16:
        return _up_to_16(text)
    if size <= 32:
        return _up_to_32(text)
    return _up_to_64(text) if size <= 64 else _longer(text)


def joined_fingerprint(first: int, second: int) -> int:
    """The fingerprint of two fingerprints, as TensorFlow joins them."""
    joined = first ^ _PAIR ^ _shifted(second * _PAIR & _ALL) * _PAIR & _ALL
    joined = _shifted(joined * _PAIR & _ALL) * _PAIR & _ALL
    return _shifted(joined)


def keyed_hash(text: bytes, key: tuple[int, int]) -> int:
    """SipHash-2-4 with a key of two whole numbers."""
    k0, k1 = (number & _ALL for number in key)
    state = [
        k0 ^ 0x736F6D6570736575,
        k1 ^ 0x646F72616E646F6D,
        k0 ^ 0x6C7967656E657261,
        k1 ^ 0x7465646279746573,
    ]
    whole = len(text) // 8 * 8
    last = int.from_bytes(text[whole:], "little") | (len(text) & 0xFF) << 56
    for word in [*(_word(text, place) for place in range(0, whole, 8)), last]:
        state[3] ^= word
        _stir(state, 2)
        state[0] ^= word
    state[2] ^= 0xFF
    _stir(state, 4)
    return state[0] ^ state[1] ^ state[2] ^ state[3]


def _stir(v: list[int], rounds: int) -> None:
    for _ in range(rounds):
        v[0] = (v[0] + v[1]) & _ALL
        v[1] = _left(v[1], 13) ^ v[0]
        v[0] = _left(v[0], 32)
        v[2] = (v[2] + v[3]) & _ALL
        v[3] = _left(v[3], 16) ^ v[2]
        v[0] = (v[0] + v[3]) & _ALL
        v[3] = _left(v[3], 21) ^ v[0]
        v[2] = (v[2] + v[1]) & _ALL
        v[1] = _left(v[1], 17) ^ v[2]
        v[2] = _left(v[2], 32)


def _left(number: int, bits: int) -> int:
    return (number << bits | number >> (64 - bits)) & _ALL


def _right(number: int, bits: int) -> int:
    number &= _ALL
    return (number >> bits | number << (64 - bits)) & _ALL


def _word(text: bytes, place: int, size: int = 8) -> int:
    return int.from_bytes(text[place : place + size], "little")


def _shifted(number: int) -> int:
    return number ^ number >> 47


def _mixed(first: int, second: int, factor: int) -> int:
    one = _shifted((first ^ second) * factor & _ALL)
    return _shifted((second ^ one) * factor & _ALL) * factor & _ALL


def _up_to_16(text: bytes) -> int:
    size = len(text)
    factor = _K2 + size * 2
    if size >= 8:
        a, b = (_word(text, 0) + _K2) & _ALL, _word(text, size - 8)
        c = _right(b, 37) * factor + a & _ALL
        return _mixed(c, (_right(a, 25) + b) * factor & _ALL, factor)
    if size >= 4:
        return _mixed(size + (_word(text, 0, 4) << 3), _word(text, size - 4, 4), factor)
    if size == 0:
        return _K2
    y, z = text[0] + (text[size >> 1] << 8), size + (text[size - 1] << 2)
    return _shifted((y * _K2 ^ z * _K0) & _ALL) * _K2 & _ALL


def _up_to_32(text: bytes) -> int:
    size = len(text)
    factor = _K2 + size * 2
    a, b = _word(text, 0) * _K1 & _ALL, _word(text, 8)
    c, d = _word(text, size - 8) * factor & _ALL, _word(text, size - 16) * _K2
    first = _right(a + b, 43) + _right(c, 30) + d & _ALL
    return _mixed(first, a + _right(b + _K2, 18) + c & _ALL, factor)


def _up_to_64(text: bytes) -> int:
    size = len(text)
    factor = _K2 + size * 2
    a, b = _word(text, 0) * _K2 & _ALL, _word(text, 8)
    c, d = _word(text, size - 8) * factor & _ALL, _word(text, size - 16) * _K2
    y = _right(a + b, 43) + _right(c, 30) + d & _ALL
    z = _mixed(y, a + _right(b + _K2, 18) + c & _ALL, factor)
    e, f = _word(text, 16) * factor & _ALL, _word(text, 24)
    g, h = (y + _word(text, size - 32)) * factor & _ALL, (z + _word(text, size - 24)) * factor
    first = _right(e + f, 43) + _right(g, 30) + h & _ALL
    return _mixed(first, e + _right(f + a, 18) + g & _ALL, factor)


def _of_32(text: bytes, place: int, a: int, b: int) -> tuple[int, int]:
    w, x, y, z = (_word(text, place + step) for step in (0, 8, 16, 24))
    a = a + w & _ALL
    b = _right(b + a + z, 21)
    c = a
    a = a + x + y & _ALL
    b = b + _right(a, 44) & _ALL
    return a + z & _ALL, b + c & _ALL


def _longer(text: bytes) -> int:
    size = len(text)
    y = _SEED * _K1 + 113 & _ALL
    z = _shifted(y * _K2 + 113 & _ALL) * _K2 & _ALL
    x = _SEED * _K2 + _word(text, 0) & _ALL
    v, w = (0, 0), (0, 0)

    def stirred(place: int, factor: int, last: int) -> None:
        nonlocal x, y, z, v, w
        x = _right(x + y + v[0] + _word(text, place + 8), 37) * factor & _ALL
        y = _right(y + v[1] + _word(text, place + 48), 42) * factor & _ALL
        x ^= w[1] * last & _ALL
        y = y + v[0] * last + _word(text, place + 40) & _ALL
        z = _right(z + w[0], 33) * factor & _ALL
        v = _of_32(text, place, v[1] * factor & _ALL, x + w[0] & _ALL)
        w = _of_32(text, place + 32, z + w[1] & _ALL, y + _word(text, place + 16) & _ALL)
        z, x = x, z

    for place in range(0, (size - 1) // 64 * 64, 64):
        stirred(place, _K1, 1)
    factor = _K1 + ((z & 0xFF) << 1) & _ALL
    w = (w[0] + (size - 1 & 63) & _ALL, w[1])
    v = (v[0] + w[0] & _ALL, v[1])
    w = (w[0] + v[0] & _ALL, w[1])
    stirred(size - 64, factor, 9)
    first = _mixed(v[0], w[0], factor) + _shifted(y) * _K0 + z & _ALL
    return _mixed(first, _mixed(v[1], w[1], factor) + x & _ALL, factor)
