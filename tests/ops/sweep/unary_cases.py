"""Functions of one number, element by element."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import ml_dtypes
import numpy as np

from tests.ops.sweep.arrays import COMPLEX, EVERY, FLOATS, INTEGERS, draw, ordinary, strange
from tests.ops.sweep.case import SweepCase, case

SHAPES = ((), (1,), (0, 3), (2, 1, 3), (2, 1, 0, 2))

# Functions that keep the type of every number, exactly.
KEEPING = ("negative", "absolute", "abs", "square", "sign", "copy", "conjugate", "conj")
ROUNDING = ("floor", "ceil", "trunc", "round")
TESTS = ("isnan", "isinf", "isfinite", "isreal", "logical_not")
# Functions of floats and the interval to try them on.
ANYWHERE = (-4.0, 4.0)
OF_FLOATS: dict[str, tuple[float, float]] = {
    **dict.fromkeys(("exp", "exp2", "expm1", "sin", "cos", "arctan", "tanh", "sinh"), ANYWHERE),
    **dict.fromkeys(("cosh", "arcsinh", "cbrt", "sinc"), ANYWHERE),
    **dict.fromkeys(("log", "log2", "log10", "log1p", "sqrt", "reciprocal"), (0.1, 9.0)),
    **dict.fromkeys(("deg2rad", "rad2deg"), (-180.0, 180.0)),
    **dict.fromkeys(("arcsin", "arccos", "arctanh"), (-0.95, 0.95)),
    "arccosh": (1.0, 9.0),
    "tan": (-1.4, 1.4),
    "rsqrt": (0.1, 9.0),
    "erf": ANYWHERE,
    "erfc": (-2.0, 2.0),
    "fabs": ANYWHERE,
    "angle": ANYWHERE,
}
OTHERS: dict[str, Callable[[Any], Any]] = {
    "rsqrt": lambda x: 1 / np.sqrt(x),
    "erf": lambda x: np.vectorize(math.erf, otypes=[np.float64])(x),
    "erfc": lambda x: np.vectorize(math.erfc, otypes=[np.float64])(x),
    "copy": lambda x: x,
    "square": lambda x: x * x,
    "isreal": np.isreal,
    "sign": np.sign,
    "sinc": np.sinc,
}
# What else is taken of complex numbers.
OF_COMPLEX = ("exp", "log", "sqrt", "sin", "cos", "tanh", "sinh", "cosh", "expm1", "log1p", "angle")
OF_COMPLEX += ("reciprocal", "sinc", "exp2", "log2", "log10", "rsqrt", "tan")
# Steps that double the rounding, or more.
SLACK = {"sinc": 4, "exp2": 4, "reciprocal": 2, "arccosh": 4, "arctanh": 4, "arcsinh": 4}
SLACK |= {"tan": 4, "expm1": 3, "sinh": 3, "log1p": 3, "erfc": 3, "arccos": 2, "cosh": 2}


def finite(x: Any, dtype: str) -> Any:
    """NumPy's nan_to_num, with the limits of the narrow type."""
    if dtype.startswith("complex"):
        return np.nan_to_num(x)
    limits = ml_dtypes.finfo(dtype)
    return np.nan_to_num(x, posinf=float(limits.max), neginf=float(limits.min))


def one(name: str, array: Any, **options: Any) -> SweepCase:
    options.setdefault("expected", OTHERS.get(name))
    return case(name, array, slack=options.pop("slack", SLACK.get(name, 1)), **options)


def keeping_cases() -> Iterator[SweepCase]:
    """Functions that keep the element type."""
    for name in KEEPING:
        for dtype in EVERY:
            if dtype == "bool" and name in ("negative", "square", "sign"):
                continue
            rule = "real" if name in ("absolute", "abs") else "same"
            signed = dtype in FLOATS and name != "sign"  # NumPy's sign of -0.0 is 0.0
            yield one(name, strange(dtype), rule=rule, signed_zeros=signed)
            yield one(name, draw(dtype, 2, 3), rule=rule)
        for shape in SHAPES:
            yield one(name, draw("float32", *shape))
    for name in ROUNDING:
        for dtype in (*FLOATS, *INTEGERS, "bool"):
            yield one(name, strange(dtype), signed_zeros=dtype in FLOATS)
        for shape in SHAPES:
            yield one(name, draw("float32", *shape))
    for decimals in (1, 2, -1):
        for dtype in ("float16", "float32", "float64", "int32", "uint8", "complex64"):
            x = draw(dtype, 40, low=-90.0, high=90.0)
            yield one("round", x, given=(decimals,), floor=1)
    for dtype in FLOATS + COMPLEX:
        x = strange(dtype)
        yield one("nan_to_num", x, expected=partial(finite, dtype=dtype))
        yield one("nan_to_num", x, nan=7.0, posinf=1.0, neginf=-1.0)
    for dtype in INTEGERS:
        yield one("nan_to_num", strange(dtype))
        for name in ("bitwise_not", "bitwise_invert"):
            yield one(name, strange(dtype))
    yield one("bitwise_not", strange("bool"))


def test_cases() -> Iterator[SweepCase]:
    """Questions about a number, and parts of it."""
    for name in TESTS:
        for dtype in EVERY:
            yield one(name, strange(dtype), rule="bool")
        for shape in SHAPES:
            yield one(name, draw("float32", *shape), rule="bool")
    for name in ("isposinf", "isneginf"):
        for dtype in (*FLOATS, *INTEGERS):
            yield one(name, strange(dtype), rule="bool")
    for name in ("real", "imag"):
        for dtype in EVERY:
            yield one(name, strange(dtype), rule="real")


def float_cases() -> Iterator[SweepCase]:
    """Functions that give floats: of every type, at ordinary and at strange numbers."""
    for name, (low, high) in OF_FLOATS.items():
        for dtype in FLOATS:
            yield one(name, draw(dtype, 3, 5, low=low, high=high), floor=1)
            yield _strange(name, dtype)
        for dtype in ("bool", "int8", "int32", "uint16", "uint64"):
            floor = 1 if name.startswith("log") or name in ("reciprocal", "rsqrt") else 0
            x = draw(dtype, 4, low=max(low, floor), high=max(high, 1))
            yield one(name, x, rule="float", floor=1)
        for shape in SHAPES:
            yield one(name, draw("float32", *shape, low=low, high=high), floor=1)
    for name in OF_COMPLEX:
        rule = "real" if name == "angle" else "same"
        for dtype in COMPLEX:
            yield one(name, draw(dtype, 3, 4, low=0.2, high=2.0), rule=rule, floor=1, slack=8)


def _strange(name: str, dtype: str) -> SweepCase:
    x = strange(dtype)
    if name in ("sin", "cos", "tan", "sinc"):  # of huge angles only the range is sure
        x = ordinary(dtype)
    if name in ("exp2", "arccosh", "deg2rad", "rad2deg"):
        x = np.array([0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 10.0]).astype(dtype)
    return one(name, x, rule="same", slack=SLACK.get(name, 1) * 2)


def unary_cases() -> list[SweepCase]:
    return [*keeping_cases(), *test_cases(), *float_cases()]
