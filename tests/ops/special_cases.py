"""Special functions, and functions of bits and divisors, beside NumPy's or `math`'s."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from graphc import ops
from tests.ops.numpy_cases import Case, floats, whole


def _case(name: str, expected: Callable[..., Any], *arrays: Any, **keywords: Any) -> Case:
    function = getattr(ops, name)
    shown = ",".join(f"{key}={value}" for key, value in keywords.items())
    shapes = "-".join(f"{array.dtype}{list(array.shape)}" for array in arrays)
    return Case(
        f"{name}({shown})-{shapes}", lambda *xs: function(*xs, **keywords), expected, arrays
    )


def _each(function: Callable[[float], float]) -> Callable[..., Any]:
    return np.vectorize(function, otypes=[np.float64])


def _complex(*shape: int) -> np.ndarray[Any, Any]:
    return (floats(*shape) + 1j * floats(*shape)).astype(np.complex64)


def _of_angles() -> Iterator[Case]:
    names = ("arcsin", "arccos", "arctan", "sinh", "cosh", "arcsinh", "arccosh", "arctanh", "exp2")
    edges = np.float32([0, -0.0, 1, -1, 2, 0.5, 1e6, np.inf, -np.inf, np.nan])
    for name in names:
        expected = getattr(np, name)
        yield _case(name, expected, _complex(3, 2))
        yield _case(name, expected, edges)
        yield _case(name, expected, whole(4, low=0, high=1))


def _special() -> Iterator[Case]:
    edges = np.float32([0, -0.0, 1, -1, 0.5, 6, -6, np.inf, -np.inf, np.nan])
    yield _case("erf", _each(math.erf), edges)
    yield _case("erfc", _each(math.erfc), edges)
    yield _case("erfc", _each(math.erfc), whole(3))
    yield _case("ndtr", _each(lambda x: math.erfc(-x * math.sqrt(0.5)) / 2), edges)
    yield _case("erfinv", lambda x: np.float64([0, 0.4769362762, math.inf, math.nan]),
                np.float32([0, 0.5, 1, 2]))  # fmt: skip
    yield _case("gammaln", _each(math.lgamma), floats(2, 3, low=0.1, high=9.0))
    yield _case("digamma", lambda x: np.float64([-0.5772156649, 0.4227843351]), np.float32([1, 2]))
    yield _case("polygamma", lambda n, x: np.float64([1.6449340668, -2.4041138063]),
                np.int32([1, 2]), np.float32([1]))  # fmt: skip
    yield _case("zeta", lambda x, q: np.float64([1.6449340668, 1.0823232337]),
                np.float32([2, 4]), np.float32(1))  # fmt: skip
    yield _case("gammainc", lambda a, x: -np.expm1(-x), np.float32(1), floats(3, low=0.0))
    yield _case("gammaincc", lambda a, x: np.exp(-x), np.int32(1), floats(3, low=0.0))
    yield _case("betainc", lambda a, b, x: x * x, np.float32(2), np.float32(1),
                np.float32([0, 0.25, 1]))  # fmt: skip
    bessel = np.float32([0, -0.0, 1, -1, 30, -30, 90, 100, -np.inf])
    yield _case("i0", lambda x: np.i0(np.float64(x)), bessel[:-2])
    yield _case("i0", np.i0, whole(4))
    yield _case("i0e", lambda x: np.i0(x) * np.exp(-np.abs(x)), bessel[:6])
    yield _case("i1", lambda x: np.float64([0, 0.5651591040, -0.5651591040]),
                np.float32([0, 1, -1]))  # fmt: skip
    yield _case("i1e", lambda x: np.float64([0, 0.2079104154, 0]), np.float32([0, 1, np.inf]))
    share = np.float32([0, 0.25, 0.5, 1, 2])
    yield _case("logit", lambda x: np.log(x) - np.log1p(-x), share)
    yield _case("xlogy", lambda x, y: np.float64([0, math.log(2), -math.inf, math.nan]),
                np.float32([0, 1, 1, 0]), np.float32([0, 2, 0, np.nan]))  # fmt: skip


def _bits() -> Iterator[Case]:
    signs = np.float32([0, -0.0, 1, -1, np.inf, -np.inf, np.nan, -np.nan])
    yield _case("signbit", np.signbit, signs)
    yield _case("signbit", np.signbit, signs.astype(np.float16))
    yield _case("signbit", np.signbit, whole(5))
    yield _case("signbit", np.signbit, np.uint8([0, 200]))
    x = np.float32([1, 1, -1, 0.5, np.inf, 1])
    y = np.float32([2, 0, -2, np.inf, 0, np.nan])
    yield _case("nextafter", np.nextafter, x, y)
    yield _case("nextafter", np.nextafter, floats(2, 3).astype(np.float64), floats(3).astype(float))
    powers = np.int32([0, 1, -1, 3, 200, -200, 127, -126])
    yield _case("ldexp", np.ldexp, floats(8), powers)
    yield _case("ldexp", np.ldexp, np.float64([[1.5], [-3e300]]), np.int64([5, -900, 1100, -2]))
    yield _case("ldexp", np.ldexp, np.float32([3e38, 1.2e-38, 1e30]), np.int8([-120, 120, 1]))
    yield _case("ldexp", lambda x, e: np.ldexp(np.float32(x), e), whole(4), np.uint8([0, 1, 2, 30]))
    yield _case("gcd", np.gcd, whole(4, 5, low=-99, high=99), whole(5, low=-99, high=99))
    yield _case("gcd", np.gcd, np.int64([0, 0, 12, 2**40, -7]), np.int64([0, 5, 0, 2**20 * 3, 7]))
    yield _case("gcd", np.gcd, np.uint8([200, 255, 0]), np.uint8([150, 17, 9]))
    yield _case("gcd", np.gcd, whole(0, 2), whole(0, 2))
    yield _case("lcm", np.lcm, whole(4, 5, low=-30, high=30), whole(5, low=-30, high=30))
    yield _case("lcm", np.lcm, np.int32([0, 4, 0]), np.int32([0, 6, 3]))


def _views() -> Iterator[Case]:
    arrays = (
        (floats(2, 3), "int32 uint32 uint8 int16 float32"),
        (whole(2, 4), "float32 uint8 int64"),
        (np.uint8([[0, 0, 128, 63, 0, 0, 0, 64]]), "float32 int16 uint64 float16"),
        (_complex(2, 2), "float32 complex128 uint8"),
        (floats(3, 4), "complex64 float64"),
        (np.array([True, False]), "uint8 int16"),
        (np.uint8([0, 1]), "bool"),
        (np.float32(1.5), "int32"),
    )
    for array, targets in arrays:
        for target in targets.split():
            yield _case("view", lambda x, t=target: x.view(t), np.asarray(array), dtype=target)


def special_cases() -> list[Case]:
    return [*_of_angles(), *_special(), *_bits(), *_views()]
