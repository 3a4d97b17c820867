"""Functions of graphc.ops beside the NumPy functions that they must agree with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from graphc import ops

_GENERATOR = np.random.default_rng(0)


def floats(*shape: int, low: float = -2.0, high: float = 2.0) -> np.ndarray[Any, Any]:
    return _GENERATOR.uniform(low, high, shape).astype(np.float32)


def whole(*shape: int, low: int = -9, high: int = 9) -> np.ndarray[Any, Any]:
    return _GENERATOR.integers(low, high + 1, shape).astype(np.int32)


def truth(*shape: int) -> np.ndarray[Any, Any]:
    return _GENERATOR.random(shape) < 0.5


@dataclass(frozen=True)
class Case:
    """A function of tensors, the same in NumPy, and arrays to try both on."""

    label: str
    function: Callable[..., Any]
    expected: Callable[..., Any]
    arrays: tuple[Any, ...]


def _shapes_for_two() -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
    yield (2, 3), (2, 3)
    yield (2, 3), (3,)
    yield (), (2, 3)
    yield (2, 1), (1, 3)
    yield (4, 1, 3), (2, 1)
    yield (0, 3), (1, 3)
    yield (), ()


def _binary() -> Iterator[Case]:
    whole_and_floats = [
        "add",
        "subtract",
        "multiply",
        "maximum",
        "minimum",
        "less",
        "less_equal",
        "greater",
        "equal",
    ]
    whole_and_floats += ["greater_equal", "not_equal", "floor_divide", "mod", "fmod", "true_divide"]
    only_floats = ["arctan2", "hypot", "logaddexp", "power"]
    only_whole = ["bitwise_and", "bitwise_or", "bitwise_xor"]
    for name in whole_and_floats + only_floats + only_whole:
        for left, right in _shapes_for_two():
            if name not in only_whole:
                low = 0.1 if name == "power" else -2.0
                yield _pair(name, floats(*left, low=low), floats(*right))
            if name not in only_floats:
                low = 1 if name in ("floor_divide", "mod", "fmod") else -9
                yield _pair(name, whole(*left), whole(*right, low=low))
        if name in ("add", "multiply", "maximum", "minimum", "equal") or name in only_whole:
            yield _pair(name, truth(2, 3), truth(3))
    for name in ("floor_divide", "mod", "fmod"):
        yield _pair(name, whole(50), -whole(50, low=1))
        yield _pair(name, floats(50, low=-9, high=9), floats(50))
        yield _pair(name, np.float32([1, -1, 0.9, 6, -6]), np.float32([0.1, 0.1, 0.3, 3, 3]))
    for name in ("logical_and", "logical_or", "logical_xor"):
        yield _pair(name, truth(2, 3), truth(3))
        yield _pair(name, whole(5, low=0, high=1), floats(5))
    for name in ("fmax", "fmin"):
        yield _pair(name, np.float32([1, np.nan, 2, np.nan]), np.float32([3, 4, np.nan, np.nan]))
    yield _pair("heaviside", np.float32([-1, 0, 2, np.nan]), np.float32([5, 6, 7, 8]))
    yield _pair("logaddexp2", floats(5), floats(5))
    yield _pair("left_shift", whole(6, low=0), whole(6, low=0))
    yield _pair("right_shift", whole(6), whole(6, low=0))
    yield _pair("power", whole(6), whole(6, low=0))
    yield _pair("floor_divide", np.uint8([7, 200]), np.uint8([2, 3]))
    yield _pair("isclose", np.float32([1, 1, np.inf, np.nan]), np.float32([1, 1.1, np.inf, np.nan]))


def _pair(name: str, left: Any, right: Any) -> Case:
    label = f"{name}-{left.dtype}{list(left.shape)}-{right.dtype}{list(right.shape)}"
    return Case(label, getattr(ops, name), getattr(np, name), (left, right))


def _unary() -> Iterator[Case]:
    anywhere = [
        "negative",
        "square",
        "absolute",
        "sign",
        "exp",
        "exp2",
        "expm1",
        "cbrt",
        "sin",
        "cos",
        "tan",
        "arctan",
        "tanh",
    ]
    anywhere += [
        "sinh",
        "cosh",
        "arcsinh",
        "floor",
        "ceil",
        "trunc",
        "isnan",
        "isinf",
        "isfinite",
        "deg2rad",
        "rad2deg",
    ]
    anywhere += [
        "sinc",
        "nan_to_num",
        "reciprocal",
        "conjugate",
        "real",
        "imag",
        "angle",
        "logical_not",
        "round",
    ]
    above = ["log", "log2", "log10", "log1p", "sqrt"]
    inside = ["arcsin", "arccos", "arctanh"]
    edges = np.float32([0.0, -0.0, 1e-6, -1e-6, 1.0, 40.0, -40.0])
    for name in anywhere:
        yield _single(name, floats(2, 3))
        yield _single(name, floats())
        yield _single(name, floats(0, 2))
        yield (
            _single(name, edges) if name not in ("reciprocal", "tan") else _single(name, floats(2))
        )
    for name in above:
        yield _single(name, floats(2, 3, low=0.1))
    for name in inside:
        yield _single(name, floats(2, 3, low=-0.99, high=0.99))
    yield _single("arccosh", floats(5, low=1.0, high=9.0))
    yield _single("arccosh", np.float32([1.0, 1.0001, 1e6, 1e30]))
    yield _single("arcsinh", np.float32([1e6, -1e6, 1e30, -1e30, 0.0]))
    yield _single("sinh", np.float32([89.0, -89.0, 19.9, 20.1]))
    special = np.float32([np.inf, -np.inf, np.nan, 0.5, 1.5, -2.5])
    for name in (
        "isnan",
        "isinf",
        "isfinite",
        "nan_to_num",
        "floor",
        "round",
        "trunc",
        "isneginf",
        "isposinf",
        "fabs",
    ):
        yield _single(name, special)
    for name in ("negative", "square", "absolute", "sign", "floor", "isnan", "isinf", "isfinite"):
        yield _single(name, whole(2, 3))
    for name in ("real", "imag", "conjugate", "absolute", "angle", "exp", "square", "tanh", "sinh"):
        yield _single(name, (floats(4) + 1j * floats(4)).astype(np.complex64))
    yield _single("isreal", np.complex64([1, 1j, 2 + 1j]))
    yield _single("bitwise_not", whole(4))
    yield _single("logical_not", truth(4))


def _single(name: str, array: Any) -> Case:
    label = f"{name}-{array.dtype}{list(array.shape)}"
    return Case(label, getattr(ops, name), getattr(np, name), (array,))


def _reductions() -> Iterator[Case]:
    axes = (None, 0, -1, (0, 2), (1,), ())
    for name in ["sum", "mean", "max", "min", "prod", "var", "std", "any", "all", "ptp"]:
        for axis in axes:
            for keepdims in (False, True):
                keywords = {"axis": axis, "keepdims": keepdims}
                if name == "ptp" and axis == ():
                    continue
                yield _with(name, (floats(2, 3, 4),), keywords)
        yield _with(name, (whole(3, 2),), {"axis": 0})
    for name in ("sum", "prod", "any", "all", "mean"):
        yield _with(name, (truth(3, 2),), {"axis": 1})
        yield (
            _with(name, (floats(0, 2),), {"axis": 0})
            if name != "mean"
            else _with(name, (floats(0, 2),), {"axis": 1})
        )
    for name in ("argmax", "argmin"):
        for axis in (None, 0, -1):
            for keepdims in (False, True):
                keywords = {"axis": axis, "keepdims": keepdims}
                yield _with(name, (whole(3, 4),), keywords)
    for name in ("cumsum", "cumprod"):
        for axis in (None, 0, -1):
            yield _with(name, (floats(3, 4),), {"axis": axis})
        yield _with(name, (whole(5),), {})
    holes = floats(4, 5)
    holes[0, 1] = holes[2, 3] = np.nan
    for name in ["nansum", "nanprod", "nanmax", "nanmin", "nanmean", "nanvar", "nanstd"]:
        for axis in (None, 0, -1):
            yield _with(name, (holes,), {"axis": axis, "keepdims": axis == 0})
        yield _with(name, (whole(3, 4),), {"axis": 1})
    yield _with("max", (floats(0, 2),), {"axis": 0, "initial": 3.0})
    yield _with("count_nonzero", (whole(3, 4, low=-1, high=1),), {"axis": 0})
    yield _with("average", (floats(3, 4),), {"axis": 1, "weights": [1.0, 2.0, 3.0, 4.0]})
    yield _with("diff", (floats(3, 5),), {"n": 2, "axis": 1})
    yield _with("diff", (truth(6),), {})
    yield _with("trapezoid", (floats(3, 5),), {"dx": 0.5})
    yield _with("trapezoid", (floats(5, 2), floats(5)), {"axis": 0})
    yield _with("var", ((floats(3, 4) + 1j * floats(3, 4)).astype(np.complex64),), {"axis": 0})


def _with(name: str, arrays: tuple[Any, ...], keywords: dict[str, Any]) -> Case:
    shown = ",".join(f"{key}={value}" for key, value in keywords.items())
    shapes = "-".join(f"{array.dtype}{list(array.shape)}" for array in arrays)
    expected = getattr(np, name)
    function = getattr(ops, name)
    return Case(
        f"{name}({shown})-{shapes}",
        lambda *given: function(*given, **keywords),
        lambda *given: expected(*given, **keywords),
        arrays,
    )


def elementwise_cases() -> list[Case]:
    return [*_binary(), *_unary()]


def reduction_cases() -> list[Case]:
    return list(_reductions())
