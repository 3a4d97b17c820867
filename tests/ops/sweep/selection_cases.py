"""Choosing: by conditions, by positions, by order; and putting elements where they belong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.ops.sweep.arrays import FLOATS, INTEGERS, SOME, draw, ordinary, strange
from tests.ops.sweep.case import SweepCase, case

ROWS = np.array([[0, 2], [-1, 1]], np.int32)
SHAPES = (((2, 3), (2, 3), (2, 3)), ((3,), (2, 1), ()), ((2, 1), (1, 3), (3,)), ((), (2,), (2,)))
SHAPES += (((0, 3), (3,), ()), ((4, 1, 1), (2, 1), (3,)))


def choosing_cases() -> Iterator[SweepCase]:
    for condition, left, right in SHAPES:
        for dtype in ("float32", "int32"):
            operands = draw(dtype, *left), draw(dtype, *right, seed=1)
            mask = draw("bool", *condition)
            yield case("where", mask, *operands, rule=dtype, computed_in="own")
    for dtype in SOME:
        pair = draw(dtype, 2, 3), draw(dtype, 2, 3, seed=1)
        yield case("where", draw("bool", 2, 3), *pair, rule=dtype, computed_in="own")
        yield case(
            "where", draw("int32", 2, 3, low=0, high=1), *pair, rule=dtype, computed_in="own"
        )
    for dtype in (*FLOATS, *INTEGERS):
        x = strange(dtype)
        for low, high in ((0, 3), (1, 2), (2, 1)):
            yield case("clip", x, given=(low, high))
        yield case("clip", x, given=(None, 2), expected=lambda x, low, high: np.minimum(x, high))
        yield case("clip", x, given=(2, None), expected=lambda x, low, high: np.maximum(x, low))
        three = draw(dtype, 4, 3), draw(dtype, 3, high=0.0), draw(dtype, 3, low=1.0)
        yield case("clip", *three)


def taking_cases() -> Iterator[SweepCase]:
    x = draw("float32", 3, 4, 5)
    for axis in (None, 0, 1, -1):
        for indices in (np.int32(1), np.int32([0, 2, -1]), ROWS, np.zeros((0,), np.int32)):
            yield _positioned("take", x, indices, axis=axis)
        for dtype in ("int8", "uint8", "int64", "uint32"):
            yield _positioned("take", x, np.array([0, 2, 1]).astype(dtype), axis=axis)
        for known in (1, -1, [0, 2], [[1], [0]], []):
            reference = _take_known
            yield case("take", x, given=(known,), expected=reference, axis=axis)
    for mode in ("clip", "wrap", "fill"):
        outside = np.int32([-9, -3, 0, 2, 3, 7])
        yield case(
            *("take", x, outside), rule="float32", computed_in="own", axis=0, mode=mode,
            expected=_take_outside,
        )  # fmt: skip
    for axis in (0, 1, -1):
        order = np.argsort(np.sin(9 * x), axis).astype(np.int32)
        yield _positioned("take_along_axis", x, order, axis=axis)
        yield _positioned("take_along_axis", x, order - x.shape[axis], axis=axis)
    yield _positioned("take_along_axis", x, np.int32([[[0, 4]]]), axis=-1)
    yield _positioned("take_along_axis", x, np.int32([5, 0, 59]), axis=None)
    yield _positioned("take_along_axis", draw("float32", 2, 0), np.zeros((2, 0), np.int32), axis=1)
    for length, stride in ((2, 1), (3, 2), (4, 4), (5, 1)):
        yield case("extract_sequences", x, given=(length, stride), expected=sequences)
        yield case("extract_sequences", draw("int8", 9), given=(length, stride), expected=sequences)
    for dtype in SOME:
        y = draw(dtype, 3, 4)
        yield _positioned("take", y, ROWS, axis=0)
        yield _positioned("take_along_axis", y, np.int32([[0, 3, 1]] * 3), axis=1)


def sequences(x: Any, length: int, stride: int) -> Any:
    starts = range(0, x.shape[-1] - length + 1, stride)
    return np.stack([x[..., start : start + length] for start in starts], -2)


def _positioned(name: str, x: Any, indices: Any, **keywords: Any) -> SweepCase:
    return case(name, x, indices, rule=str(x.dtype), computed_in="own", **keywords)


def _take_known(x: Any, indices: Any, axis: Any) -> Any:
    return np.take(x, np.asarray(indices, np.int32), axis)


def _take_outside(x: Any, indices: Any, axis: int, mode: str) -> Any:
    size = x.shape[axis]
    if mode == "wrap":
        return np.take(x, indices % size, axis)
    counted = np.where(indices < 0, indices + size, indices)
    found = np.take(x, np.clip(counted, 0, size - 1), axis)
    if mode == "fill":
        found[(counted < 0) | (counted >= size)] = np.nan
    return found


def ordering_cases() -> Iterator[SweepCase]:
    for dtype in ("bool", *INTEGERS, *FLOATS):
        for axis in (-1, 0, None):
            yield case("sort", draw(dtype, 4, 5), axis=axis)
            x = draw(dtype, 4, 5)
            yield case(
                "argsort", x, rule="int32", axis=axis, expected=_stable_order, computed_in="own"
            )
        yield case("sort", strange(dtype))
        yield case("top_k", draw(dtype, 3, 6), given=(2,), pick=0, expected=_top)
        yield case("top_k", draw(dtype, 3, 6), given=(4,), pick=1, rule="int32", expected=_top)
        sequence = np.sort(ordinary(dtype))
        if dtype != "bool":
            for side in ("left", "right"):
                pair = sequence, ordinary(dtype)
                yield case("searchsorted", *pair, rule="int32", side=side)
            yield case("digitize", ordinary(dtype), sequence, rule="int32")
        for invert in (False, True):
            pair = draw(dtype, 3, 4), draw(dtype, 5, seed=1)
            yield case("isin", *pair, rule="bool", invert=invert)
    for shape in ((), (1,), (0,), (2, 0), (2, 1, 3)):
        yield case("sort", draw("float32", *shape), axis=None)
        if shape:
            yield case("sort", draw("float32", *shape))
            yield case("argsort", draw("float32", *shape), rule="int32", expected=_stable_order)


def _stable_order(x: Any, axis: Any = -1) -> Any:
    return np.argsort(x, axis, kind="stable")


def _top(x: Any, k: int) -> Any:
    # Of equal ones the first comes first: sort what is counted from the end.
    size = x.shape[-1]
    order = size - 1 - np.argsort(x[..., ::-1], -1, kind="stable")[..., ::-1]
    chosen = order[..., :k]
    return np.take_along_axis(x, chosen, -1), chosen


def placing_cases() -> Iterator[SweepCase]:
    for dtype in SOME:
        x, part = draw(dtype, 4, 5), draw(dtype, 2, 3, seed=1)
        yield case("slice", x, given=((1, 2), (2, 3)), expected=lambda x, s, n: x[1:3, 2:5])
        yield case("slice_update", x, given=((1, 2), part), expected=_with_part, computed_in="own")
        if dtype == "bool":
            continue
        places = np.int32([2, 0, 2, 1])
        values = draw(dtype, 4, 2, low=1, high=3)
        for kind in ("sum", "max", "min", "prod"):
            keywords: dict[str, Any] = {"num_segments": 3, "computed_in": "own", "rule": dtype}
            if dtype == "complex64" and kind in ("max", "min"):
                continue
            reference = _segments(kind)
            yield case(f"segment_{kind}", values, places, expected=reference, slack=4, **keywords)
        pairs = np.int32([[0, 1], [3, 4], [0, 1]])
        updates = draw(dtype, 3, low=1, high=3)
        for reduction in ("add", "mul", "max", "min"):
            if dtype == "complex64" and reduction in ("max", "min"):
                continue
            yield case(
                *("scatter_update", x, pairs, updates), rule=dtype, computed_in="own", slack=4,
                expected=_scattered, reduction=reduction,
            )  # fmt: skip
        yield case(
            *("scatter", pairs, updates), given=((4, 5),), rule=dtype, computed_in="own", slack=4,
            expected=_scatter,
        )  # fmt: skip


def _with_part(x: Any, starts: Any, part: Any) -> Any:
    made = x.copy()
    made[1:3, 2:5] = part
    return made


def _segments(kind: str) -> Any:
    combine = {"sum": np.add, "max": np.maximum, "min": np.minimum, "prod": np.multiply}[kind]

    def reference(values: Any, places: Any, num_segments: int) -> Any:
        first = {"sum": 0, "prod": 1}.get(kind)
        rows: list[Any] = []
        for number in range(num_segments):
            chosen = values[places == number]
            row = chosen[0] if first is None else np.full_like(values[0], first)
            for each in chosen if first is not None else chosen[1:]:
                row = combine(row, each)
            rows.append(row)
        return np.stack(rows)

    return reference


def _scattered(x: Any, indices: Any, updates: Any, reduction: str) -> Any:
    combine = {"add": np.add, "mul": np.multiply, "max": np.maximum, "min": np.minimum}[reduction]
    made = x.copy()
    combine.at(made, tuple(indices.T), updates)
    return made


def _scatter(indices: Any, values: Any, shape: Any) -> Any:
    made = np.zeros(shape, values.dtype)
    np.add.at(made, tuple(indices.T), values)
    return made


def selection_cases() -> list[SweepCase]:
    families = (choosing_cases, taking_cases, ordering_cases, placing_cases)
    return [each for family in families for each in family()]
