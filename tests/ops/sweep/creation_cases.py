"""Tensors made of nothing, and element types changed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.ops.sweep.arrays import EVERY, FLOATS, INTEGERS, SOME, draw, strange
from tests.ops.sweep.case import SweepCase, case, is_inexact

RANGES: tuple[tuple[Any, ...], ...] = (
    *((5,), (0,), (-3,), (1, 6), (6, 1), (6, 1, -2), (1, 10, 3), (0, 1, 0.25), (2.5,), (1, 2, 0.3)),
    *((0.0, -1.0, -0.25), (3, 3), (True,), (-2, 3), (10, 0, -3)),
)


def filled_cases() -> Iterator[SweepCase]:
    for name in ("zeros", "ones", "empty"):
        for shape in ((), (0,), (3,), (2, 0), (2, 1, 3), 4):
            yield case(name, given=(shape,), rule="float32", expected=_filled(name))
        for dtype in EVERY:
            yield case(name, given=((2, 2),), rule=dtype, dtype=dtype, expected=_filled(name))
        for dtype in SOME:
            x = draw(dtype, 2, 3)
            yield case(f"{name}_like", x, expected=_like(name))
            for wanted in ("int8", "float16", "bool"):
                yield case(f"{name}_like", x, rule=wanted, dtype=wanted, expected=_like(name))
    for dtype in EVERY:
        yield case("full", given=((2, 3), 1), rule=dtype, dtype=dtype, expected=_full)
        yield case("full_like", draw(dtype, 2, 3), given=(1,), expected=_full_like)
    yield case("full", given=((2, 3), 2.5), rule="float32")
    yield case("full", given=((), 2.5), rule="float32")
    yield case("full", given=((0, 2), 2), rule="float32")
    yield case("full", given=((2, 3), 1 + 2j), rule="complex64")
    for rows, columns in ((3, None), (2, 4), (4, 2), (0, 3), (1, 1)):
        for k in (-5, -1, 0, 1, 5):
            for name in ("eye", "tri"):
                yield case(name, given=(rows, columns, k), rule="float32")
    for dtype in SOME:
        for name in ("eye", "tri"):
            yield case(name, given=(3, 2), rule=dtype, dtype=dtype, expected=_typed(name))
        yield case("identity", given=(3,), rule=dtype, dtype=dtype, expected=_typed("identity"))


def _filled(name: str) -> Any:
    number = 1 if name == "ones" else 0
    return lambda shape, dtype="float32": np.full(shape, number).astype(dtype)


def _like(name: str) -> Any:
    number = 1 if name == "ones" else 0
    return lambda x, dtype=None: np.full(x.shape, number)


def _full(shape: Any, number: Any, dtype: str) -> Any:
    return np.full(shape, number).astype(dtype)


def _full_like(x: Any, number: Any) -> Any:
    return np.full(x.shape, number)


def _typed(name: str) -> Any:
    return lambda *given, dtype: getattr(np, name)(*given).astype(dtype)


def counted_cases() -> Iterator[SweepCase]:
    for bounds in RANGES:
        whole = not any(isinstance(bound, float) for bound in bounds)
        yield case("arange", given=bounds, rule="int32" if whole else "float32", floor=1)
        for dtype in ("float32", "int32", "float16", "int8", "uint8", "float64"):
            if dtype.startswith(("int", "uint")) and not whole:
                continue
            if dtype == "uint8" and min(bounds) < 0:
                continue
            yield case("arange", given=bounds, rule=dtype, dtype=dtype, expected=_arange, floor=1)
    for start, stop in ((0, 1), (0.0, 1.0), (5, -5), (2, 2), (-1.5, 3)):
        for num in (0, 1, 2, 5, 50):
            for endpoint in (True, False):
                keywords: dict[str, Any] = {"num": num, "endpoint": endpoint}
                yield case("linspace", given=(start, stop), rule="float32", floor=1, **keywords)
        for dtype in ("float64", "float16", "int32"):
            yield case("linspace", given=(start, stop), rule=dtype, dtype=dtype, num=5, floor=1)
    for axis in (0, -1, 1):
        pair = draw("float32", 3), draw("float32", 3, seed=1)
        yield case("linspace", *pair, num=4, axis=axis, slack=4, floor=1)
        yield case("linspace", *pair, num=4, axis=axis, endpoint=False, slack=4, floor=1)
    for num in (1, 2, 6):
        for endpoint in (True, False):
            keywords = {"num": num, "endpoint": endpoint}
            yield case("logspace", given=(-1, 2), rule="float32", **keywords)
            yield case("logspace", given=(0, 3), rule="float32", base=2, **keywords)
            yield case("geomspace", given=(1, 1000), rule="float32", **keywords)
            yield case("geomspace", given=(8, 1), rule="float64", dtype="float64", **keywords)
    for name in ("bartlett", "blackman", "hamming", "hanning"):
        for points in (0, 1, 2, 7):
            yield case(name, given=(points,), rule="float32")
    for beta in (0.0, 5.0, 14.0):
        yield case("kaiser", given=(6, beta), rule="float32")


def _arange(*bounds: Any, dtype: str) -> Any:
    return np.arange(*bounds).astype(dtype)


def cast_numbers(x: Any, dtype: str) -> Any:
    """A fraction is cut off, NaN is 0, what is too large is the nearest; integers wrap around."""
    if dtype == "bool":
        return x != 0
    real = x.real if x.dtype.kind == "c" and not dtype.startswith("complex") else x
    if real.dtype.kind != "f" or is_inexact(dtype):
        return real.astype(dtype)
    limits = np.iinfo(dtype)
    inside = np.where(np.isnan(real), 0, np.trunc(real))
    fits = (inside > float(limits.min)) & (inside < float(limits.max))
    limit = np.where(inside > 0, np.array(limits.max, dtype), np.array(limits.min, dtype))
    return np.where(fits, np.where(fits, inside, 0).astype(dtype), limit)


def saturated(x: Any, dtype: str) -> Any:
    limits = np.iinfo(dtype)
    wide = [min(max(int(number), int(limits.min)), int(limits.max)) for number in x.ravel()]
    return np.array(wide, dtype).reshape(x.shape)


def casting_cases() -> Iterator[SweepCase]:
    for dtype in EVERY:
        for wanted in EVERY:
            x = strange(dtype)
            yield case(
                *("cast", x), given=(wanted,), rule=wanted, computed_in="own", expected=cast_numbers
            )
    for dtype in INTEGERS:
        for wanted in INTEGERS:
            options: dict[str, Any] = {"computed_in": "own", "expected": saturated}
            yield case("saturate_cast", strange(dtype), given=(wanted,), rule=wanted, **options)
    for dtype in FLOATS:
        x = draw(dtype, 2, 3)
        for name in ("array", "convert_to_tensor"):
            yield case(name, x, expected=np.array)
            yield case(name, x, rule="float64", expected=np.array, dtype="float64")


def creation_cases() -> list[SweepCase]:
    return [*filled_cases(), *counted_cases(), *casting_cases()]
