"""Reductions along axes, what is summed so far, and their forms without NaN."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.ops.sweep.arrays import COMPLEX, FLOATS, REALS, draw, strange, with_holes
from tests.ops.sweep.case import SweepCase, case

AXES: tuple[Any, ...] = (None, 0, -1, 1, (0, 2), (1,), (-1, 0), (0, 1, 2))
SHAPES = ((3,), (1, 4), (2, 1, 3), (2, 3, 1, 2), ())

RULES = {
    **dict.fromkeys(("sum", "prod", "nansum", "nanprod"), "sum"),
    **dict.fromkeys(("max", "min", "amax", "amin", "ptp", "nanmax", "nanmin"), "same"),
    **dict.fromkeys(("mean", "nanmean", "median", "average", "logsumexp"), "float"),
    **dict.fromkeys(("var", "std", "nanvar", "nanstd"), "real float"),
    **dict.fromkeys(("any", "all"), "bool"),
    **dict.fromkeys(("argmax", "argmin", "nanargmax", "nanargmin", "count_nonzero"), "int32"),
}
SUMS = ("sum", "prod", "mean", "var", "std", "any", "all")
EXTREMA = ("max", "min", "amax", "amin", "ptp")
POSITIONS = ("argmax", "argmin")
WITHOUT_NAN = ("nansum", "nanprod", "nanmean", "nanvar", "nanstd", "nanmax", "nanmin")


def log_sum_exp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return np.log(np.sum(np.exp(x), axis=axis, keepdims=keepdims))


def reduced(name: str, x: Any, **keywords: Any) -> SweepCase:
    reference = log_sum_exp if name == "logsumexp" else None
    rule = RULES[name]
    wide = "float64" if rule in ("float", "real float") else None
    computed_in = wide if wide and str(x.dtype) in REALS else None
    if rule == "sum":
        kind = str(x.dtype)
        computed_in = {"bool": "int32", "int8": "int32", "int16": "int32"}.get(kind)
        computed_in = {"uint8": "uint32", "uint16": "uint32"}.get(kind, computed_in)
    options: dict[str, Any] = {"slack": 4, "floor": 1.0}
    return case(
        name, x, rule=rule, expected=reference, computed_in=computed_in, **options, **keywords
    )


def sum_cases() -> Iterator[SweepCase]:
    for name in (*SUMS, "logsumexp"):
        for axis in (*AXES, ()):
            for keepdims in (False, True):
                yield reduced(name, draw("float32", 2, 3, 4), axis=axis, keepdims=keepdims)
        for dtype in (*REALS, *COMPLEX):
            if name == "logsumexp" and dtype in COMPLEX:
                continue
            yield reduced(name, draw(dtype, 3, 4))
            yield reduced(name, draw(dtype, 3, 4), axis=1)
        for shape in SHAPES:
            yield reduced(name, draw("float32", *shape))
        for axis, keepdims in ((None, False), (0, True), (1, False)):
            yield reduced(name, draw("float32", 0, 2), axis=axis, keepdims=keepdims)
            yield reduced(name, draw("float32", 2, 0), axis=axis, keepdims=keepdims)
    for name in ("sum", "prod"):
        for dtype in ("int32", "uint32", "int64", "uint8"):
            yield reduced(name, strange(dtype))
    for name in ("any", "all"):
        yield reduced(name, strange("float32"))
        yield reduced(name, np.float32([0.0, -0.0]))
        yield reduced(name, np.float32([np.nan]))
    for dtype in ("float16", "bfloat16"):
        yield reduced("mean", np.full(4000, 30.0).astype(dtype))
        yield reduced("var", (np.arange(600) % 7).astype(dtype))
    for dtype in ("float32", "float64"):
        yield reduced("var", draw(dtype, 200, low=1000, high=1001), axis=0)
        yield reduced("logsumexp", np.array([-1e3, 2.0, 1.5]).astype(dtype))


def extremum_cases() -> Iterator[SweepCase]:
    for name in EXTREMA:
        for axis in AXES:
            for keepdims in (False, True):
                yield reduced(name, draw("float32", 2, 3, 4), axis=axis, keepdims=keepdims)
        for dtype in REALS:
            if name == "ptp" and dtype == "bool":
                continue
            yield reduced(name, draw(dtype, 3, 4))
            yield reduced(name, strange(dtype), axis=0)
        for shape in SHAPES:
            yield reduced(name, draw("int32", *shape))
        yield reduced(name, draw("float32", 2, 0, 3), axis=0)
    for name in ("max", "min"):
        yield reduced(name, draw("float32", 0, 2), axis=0, initial=3.0)
        yield reduced(name, draw("int32", 3, 2), axis=0, initial=3)
    for name in POSITIONS:
        for axis in (None, 0, -1, 1):
            for keepdims in (False, True):
                yield reduced(name, draw("int32", 2, 3, 4), axis=axis, keepdims=keepdims)
        for dtype in REALS:
            yield reduced(name, draw(dtype, 3, 4), axis=1)
            yield reduced(name, strange(dtype))
        for shape in ((), (1,), (2, 1)):
            yield reduced(name, draw("float32", *shape))
        yield reduced(name, draw("float32", 0, 2), axis=1)
    for axis in (None, 0, -1, (0, 1)):
        yield reduced("count_nonzero", draw("int32", 3, 4, low=-1, high=1), axis=axis)
    for dtype in (*REALS, *COMPLEX):
        yield reduced("count_nonzero", strange(dtype))


def middle_cases() -> Iterator[SweepCase]:
    for dtype in ("int8", "int32", "float16", "float32", "float64"):
        for axis in (None, 0, -1, (0, 1)):
            yield reduced("median", draw(dtype, 3, 4), axis=axis)
            yield reduced("median", draw(dtype, 2, 5), axis=axis, keepdims=True)
        for axis in (None, 0, 1):
            yield reduced("average", draw(dtype, 3, 4), axis=axis)
        weights = np.array([1, 2, 3, 4]).astype(dtype)
        yield reduced("average", draw(dtype, 3, 4), axis=1, weights=weights)
        weights = draw(dtype, 3, 4, low=1.0, seed=5)
        yield reduced("average", draw(dtype, 3, 4), weights=weights)
    for dtype in ("float32", "int32"):
        for q in (0.3, 1.0, [0.25, 0.75]):
            for axis in (None, -1):
                for method in ("linear", "lower", "higher", "midpoint", "nearest"):
                    x = draw(dtype, 4, 5)
                    keywords = {"axis": axis, "method": method, "computed_in": "float64"}
                    yield case("quantile", x, given=(q,), rule="float", slack=4, **keywords)
        for q in (0, 30, [10, 90]):
            yield case(
                *("percentile", draw(dtype, 4, 5)),
                given=(q,), rule="float", axis=0, computed_in="float64", slack=4,
            )  # fmt: skip


def nan_cases() -> Iterator[SweepCase]:
    for name in WITHOUT_NAN:
        for axis in (None, 0, -1, (0, 2), (1,)):
            for keepdims in (False, True):
                yield reduced(name, with_holes("float32", 2, 3, 4), axis=axis, keepdims=keepdims)
        for dtype in REALS:
            yield reduced(name, with_holes(dtype, 3, 4), axis=1)
        if name not in ("nanmax", "nanmin"):
            yield reduced(name, with_holes("complex64", 3, 4), axis=1)
        yield reduced(name, np.full((2, 2), np.nan, np.float32), axis=0)
        yield reduced(name, np.float32([np.inf, np.nan, -1]))
    holes = with_holes("float32", 3, 4).copy()
    holes[0] = [np.nan, 1, 2, np.nan]
    for name in ("nanargmax", "nanargmin"):
        for axis in (None, 0, 1, -1):
            for keepdims in (False, True):
                yield reduced(name, holes, axis=axis, keepdims=keepdims)
        for dtype in (*FLOATS, "int32", "uint8"):
            yield reduced(name, draw(dtype, 3, 4), axis=1)


def running_cases() -> Iterator[SweepCase]:
    """Sums and products so far, and differences."""
    for name in ("cumsum", "cumprod", "nancumsum", "nancumprod"):
        make = with_holes if name.startswith("nan") else draw
        for axis in (None, 0, -1, 1):
            yield case(name, make("float32", 2, 3, 4), slack=4, floor=1, axis=axis)
            yield case(name, draw("float32", 2, 0, 3), axis=axis)
        for dtype in (*REALS, *COMPLEX):
            rule = "int32" if dtype == "bool" else "same"
            x = make(dtype, 3, 4)
            inside = "int32" if dtype == "bool" else None

            def exact(array: Any, axis: int, dtype: Any = None, name: str = name) -> Any:
                kept = array.dtype if array.dtype.kind in "iu" else None
                return getattr(np, name)(array, axis=axis, dtype=dtype or kept)

            yield case(
                name, x, rule=rule, expected=exact, computed_in=inside, slack=6, floor=2, axis=1
            )
        for dtype in ("float64", "int64", "float32"):
            x = draw("int32", 3, 4)
            yield case(name, x, rule=dtype, computed_in=dtype, axis=0, dtype=dtype, slack=4)
    for axis in (0, -1, 1):
        for n in (0, 1, 2, 3):
            yield case("diff", draw("float32", 4, 5), axis=axis, n=n, slack=4, floor=1)
        yield case("diff", draw("bool", 4, 5), axis=axis)
    for dtype in (*REALS, *COMPLEX):
        yield case("diff", draw(dtype, 7), slack=2)
    for dtype in FLOATS:
        yield case("trapezoid", draw(dtype, 3, 5), dx=0.5, slack=4, floor=1)
        yield case("trapezoid", draw(dtype, 3, 5), draw(dtype, 5, seed=1), slack=4, floor=2)
        yield case("trapezoid", draw(dtype, 3, 5), draw(dtype, 3, 5, seed=1), slack=4, floor=2)
        yield case("trapezoid", draw(dtype, 3, 5), axis=0, slack=4, floor=1)
    yield case("trapezoid", draw("int32", 3, 5), rule="float", slack=4)


def reduction_cases() -> list[SweepCase]:
    families = (sum_cases, extremum_cases, middle_cases, nan_cases, running_cases)
    return [each for family in families for each in family()]
