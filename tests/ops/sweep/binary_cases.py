"""Functions of two numbers, element by element: broadcasting, promotion, strange numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tests.ops.sweep.arrays import FLOATS, INTEGERS, SIGNED, UNSIGNED, draw, grid, pairs
from tests.ops.sweep.case import SweepCase, case

SHAPES = (
    *(((), ()), ((2, 3), (3,)), ((), (2, 3)), ((2, 1), (1, 3)), ((4, 1, 3), (2, 1))),
    *(((0, 3), (1, 3)), ((0, 3), (3,)), ((2, 1, 3, 1), (1, 2, 1, 2)), ((1,), (0,)), ((1, 1), ())),
)
# Pairs of element types that promote to one of both, or to a third.
MIXED = (
    *(("bool", "int8"), ("int8", "uint8"), ("int16", "uint8"), ("uint32", "int32")),
    *(("int64", "float16"), ("uint8", "bfloat16"), ("float16", "bfloat16"), ("float32", "float16")),
    *(("int32", "float32"), ("float64", "float32"), ("uint64", "uint8"), ("bool", "float32")),
)
WITH_COMPLEX = (("complex64", "float32"), ("int8", "complex64"), ("complex64", "complex128"))

ARITHMETIC = ("add", "subtract", "multiply")
QUOTIENTS = ("true_divide", "divide", "divide_no_nan")
REMAINDERS = ("floor_divide", "mod", "fmod")
EXTREMA = ("maximum", "minimum", "fmax", "fmin")
COMPARISONS = ("equal", "not_equal", "less", "less_equal", "greater", "greater_equal")
LOGIC = ("logical_and", "logical_or", "logical_xor")
BITS = ("bitwise_and", "bitwise_or", "bitwise_xor")
SHIFTS = ("left_shift", "right_shift", "bitwise_left_shift", "bitwise_right_shift")
OF_FLOATS = ("arctan2", "hypot", "logaddexp", "logaddexp2", "heaviside")


def _no_nan(left: Any, right: Any) -> Any:
    return np.where(right == 0, 0, left / np.where(right == 0, 1, right))


def _whole_quotient(left: Any, right: Any) -> Any:
    """NumPy's, but that a whole number by 0 has all bits set, as in XLA."""
    if left.dtype.kind not in "iu":
        return np.floor_divide(left, right)
    return np.where(right == 0, ~left.dtype.type(0), np.floor_divide(left, right))


def _whole_rest(take: Callable[..., Any]) -> Callable[..., Any]:
    """NumPy's, but that a whole number modulo 0 is itself, as in XLA."""
    return lambda left, right: (
        np.where(right == 0, left, take(left, right))
        if left.dtype.kind in "iu"
        else take(left, right)
    )


def _shift(take: Callable[..., Any]) -> Callable[..., Any]:
    """NumPy's, within the width of the type; what is shifted out by more is gone."""

    def shifted(left: Any, right: Any) -> Any:
        bits = left.dtype.itemsize * 8
        outside = (right < 0) | (right >= bits)
        inside = take(left, np.where(outside, 0, right).astype(left.dtype))
        gone = take(left, np.full_like(left, bits - 1)) if take is np.right_shift else left * 0
        gone = gone if left.dtype.kind == "i" else left * 0
        return np.where(outside, gone, inside).astype(left.dtype)

    return shifted


REFERENCES: dict[str, Callable[..., Any]] = {
    "divide_no_nan": _no_nan,
    "floor_divide": _whole_quotient,
    "mod": _whole_rest(np.mod),
    "fmod": _whole_rest(np.fmod),
    **dict.fromkeys(("left_shift", "bitwise_left_shift"), _shift(np.left_shift)),
    **dict.fromkeys(("right_shift", "bitwise_right_shift"), _shift(np.right_shift)),
}


def two(name: str, left: Any, right: Any, **options: Any) -> SweepCase:
    return case(name, left, right, expected=REFERENCES.get(name), **options)


def _shapes(name: str, dtype: str, **options: Any) -> Iterator[SweepCase]:
    for left, right in SHAPES:
        low = 1.0 if name in REMAINDERS + QUOTIENTS else -4.0
        yield two(name, draw(dtype, *left), draw(dtype, *right, low=low), **options)


def _mixed(name: str, types: Any = MIXED, **options: Any) -> Iterator[SweepCase]:
    for left, right in types:
        low = 1.0 if name in REMAINDERS + QUOTIENTS else 0.0
        first, second = draw(left, 2, 3, low=0.0), draw(right, 3, low=low, seed=1)
        yield two(name, first, second, **options)
        if low == 0 and left < right:
            yield two(name, second, first, **options)


def arithmetic_cases() -> Iterator[SweepCase]:
    """Sums, products, extrema: exact but for one rounding, wrapping around for whole numbers."""
    for name in (*ARITHMETIC, *EXTREMA):
        signed = name not in EXTREMA  # which zero is larger, NumPy leaves open
        for dtype in FLOATS:
            yield two(name, *pairs(dtype, dtype), floor=0, signed_zeros=signed)
        for dtype in INTEGERS:
            yield two(name, *pairs(dtype, dtype))
        yield from _shapes(name, "float32")
        yield from _shapes(name, "int32")
        yield from _mixed(name)
    for name in ARITHMETIC:
        yield from _mixed(name, WITH_COMPLEX)
        yield two(name, *pairs("complex64", "complex64"))
    for name in ("add", "multiply", "maximum", "minimum"):
        yield two(name, *pairs("bool", "bool"))


def quotient_cases() -> Iterator[SweepCase]:
    """Quotients and what is left: signs, zeros, and the least integer by -1."""
    for name in QUOTIENTS:
        for dtype in FLOATS:
            yield two(name, *grid(dtype), floor=0)
        for dtype in (*INTEGERS, "bool"):
            left, right = draw(dtype, 4, 1, low=-9, high=9), draw(dtype, 5, low=-9, high=9, seed=2)
            yield two(name, left, right, rule="float")
        yield from _shapes(name, "float32")
        yield from _mixed(name, rule="float")
    for name in ("true_divide", "divide"):
        yield two(name, draw("complex64", 4, 1), draw("complex64", 5, low=1), slack=4)
        yield from _mixed(name, WITH_COMPLEX, slack=4)
    for name in REMAINDERS:
        for dtype in INTEGERS:
            yield two(name, *pairs(dtype, dtype))
        for dtype in FLOATS:
            yield two(name, *pairs(dtype, dtype, odd=False), slack=2)
            yield two(name, draw(dtype, 30, low=-9, high=9), draw(dtype, 30, seed=3), floor=4)
        yield from _shapes(name, "float32", floor=4)
        yield from _shapes(name, "int32")
        yield from _mixed(name, floor=4)
    for base in FLOATS:
        yield two("power", draw(base, 4, 1, low=0.1), draw(base, 5), slack=8, floor=1)
        yield two("power", draw(base, 4, 1), np.array([0, 1, 2, 3, -1, -2]).astype(base), slack=8)
    for base in INTEGERS:
        yield two("power", draw(base, 7, 1, low=-9, high=9), np.arange(5).astype(base))
        yield two("power", draw(base, 7, 1, low=-1, high=3), np.arange(5).astype("uint8"))
    yield two("power", draw("complex64", 4, low=1), draw("complex64", 4, seed=1), slack=20)
    for exponent in (0, 1, 2, 3, 7, 16, 17):
        for dtype in ("int8", "uint16", "int32", "float32", "complex64"):
            x = draw(dtype, 6, low=-2.5, high=2.5)
            yield case("power", x, given=(exponent,), slack=8)


def comparing_cases() -> Iterator[SweepCase]:
    """Comparisons, logic and bits."""
    for name in COMPARISONS:
        for dtype in (*FLOATS, *INTEGERS, "bool"):
            yield two(name, *pairs(dtype, dtype), rule="bool")
        yield from _shapes(name, "int32", rule="bool")
        yield from _mixed(name, rule="bool")
    for name in ("equal", "not_equal"):
        yield two(name, *pairs("complex64", "complex64"), rule="bool")
        yield from _mixed(name, WITH_COMPLEX, rule="bool")
    for name in LOGIC:
        for dtype in ("bool", "int8", "uint64", "float32", "bfloat16", "complex64"):
            yield two(name, *pairs(dtype, dtype), rule="bool")
        yield from _shapes(name, "bool", rule="bool")
        yield two(name, draw("int8", 5, low=0, high=1), draw("float32", 5), rule="bool")
    for name in BITS:
        for dtype in (*INTEGERS, "bool"):
            yield two(name, *pairs(dtype, dtype))
        yield from _shapes(name, "int32")
        yield from _mixed(name, MIXED[:4])
    for name in SHIFTS:
        for dtype in INTEGERS:
            steps = np.array([0, 1, 2, 6, 7, 8, 15, 31, 32, 63, 64, 100]).astype(dtype)
            yield two(name, pairs(dtype, dtype)[0], steps)
        for dtype in SIGNED:
            yield two(name, pairs(dtype, dtype)[0], np.array([-1, -8], dtype))
        yield from _mixed(name, (("int8", "uint8"), ("int32", "int8"), ("uint32", "uint8")))
    for dtype in ("float32", "float64", "float16", "int32"):
        for keywords in ({}, {"equal_nan": True}, {"rtol": 0.5, "atol": 0.25}):
            every = pairs(dtype, dtype, odd=dtype != "float16")
            yield two("isclose", *every, rule="bool", **keywords)
            yield two("allclose", *pairs(dtype, dtype, odd=False), rule="bool", **keywords)


def float_cases() -> Iterator[SweepCase]:
    """Functions of two floats."""
    for name in OF_FLOATS:
        for dtype in FLOATS:
            yield two(name, draw(dtype, 6, 1), draw(dtype, 5), slack=4, floor=1)
            yield two(name, *pairs(dtype, dtype, odd=name != "logaddexp2"), slack=6, floor=1)
        for dtype in ("bool", "int8", *UNSIGNED):
            yield two(name, draw(dtype, 4, 1), draw(dtype, 5), rule="float", slack=4, floor=1)
        yield from _shapes(name, "float32", slack=4, floor=1)
        yield from _mixed(name, rule="float", slack=4, floor=1)


def binary_cases() -> list[SweepCase]:
    return [*arithmetic_cases(), *quotient_cases(), *comparing_cases(), *float_cases()]
