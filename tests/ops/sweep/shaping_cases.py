"""The same elements elsewhere: reshapes, transposes, joins, repeats, edges and triangles."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.ops.sweep.arrays import SOME, draw
from tests.ops.sweep.case import SweepCase, case

MIXED = (
    *(("int8", "float16"), ("bool", "int32"), ("float32", "complex64"), ("uint8", "int8")),
    *(("bfloat16", "float16"), ("int64", "float32")),
)


def moving_cases() -> Iterator[SweepCase]:
    x = draw("float32", 2, 3, 4)
    for shape in ((6, 4), (2, -1), (-1,), (24, 1), (1, 2, 3, 4), -1, (4, 3, 2), 24, (2, 1, -1, 1)):
        yield case("reshape", x, given=(shape,))
    for given, shape in (((0, 3), (3, 0)), ((0, 3), (0,)), ((), (1, 1)), ((1,), ()), ((1, 1), -1)):
        yield case("reshape", draw("int32", *given), given=(shape,))
    for axis in (0, -1, 1, (0, 3), (-1, -2), (1, 2), ()):
        yield case("expand_dims", draw("float32", 2, 3), given=(axis,))
        yield case("expand_dims", draw("float32", 0, 1), given=(axis,))
    for axis in (None, 0, -1, (0, 2), (-1, 0)):
        yield case("squeeze", draw("float32", 1, 2, 1), axis=axis)
        yield case("squeeze", draw("float32", 1, 0, 1), axis=axis)
    for axes in (None, (1, 2, 0), (0, 2, 1), (2, 1, 0), (-1, 0, 1)):
        yield case("transpose", x, axes=axes)
        yield case("transpose", draw("float32", 2, 0, 1), axes=axes)
    for first, second in ((0, 1), (0, -1), (-2, 2), (1, 1)):
        yield case("swapaxes", x, given=(first, second))
    for source, target in ((0, -1), (-1, 0), ((0, 1), (-1, 0)), ([2, 0], [0, 1]), (1, 1)):
        yield case("moveaxis", x, given=(source, target))
    for axis in (None, 0, -1, (0, -1), (0, 1, 2), ()):
        yield case("flip", x, axis=axis)
    for turns in (0, 1, 2, 3, -1, 5):
        for axes in ((0, 1), (1, 2), (2, 0), (-1, 0)):
            yield case("rot90", x, k=turns, axes=axes)
    for shape in ((), (3,), (2, 3), (0, 2), (2, 1, 3, 1)):
        for name in ("ravel", "copy", "transpose", "squeeze", "flip"):
            reference = np.copy if name == "copy" else None
            yield case(name, draw("int32", *shape), expected=reference)
    for given, target in (
        *(((1, 3), (2, 3)), ((3,), (4, 2, 3)), ((), (2, 2)), ((1, 1), (0, 3)), ((2, 1), (2, 5))),
        *(((1,), (1,)), ((), ()), ((0,), (2, 0)), ((2, 1, 3, 1), (2, 4, 3, 2))),
    ):
        yield case("broadcast_to", draw("float32", *given), given=(target,))
    for dtype in SOME:
        x = draw(dtype, 2, 3)
        yield case("reshape", x, given=((3, 2),))
        for name in ("transpose", "flip", "ravel", "fliplr", "flipud", "rot90"):
            yield case(name, x)
        yield case("broadcast_to", x, given=((2, 2, 3),))


def joining_cases() -> Iterator[SweepCase]:
    a, b = draw("float32", 2, 3), draw("float32", 2, 3, seed=1)
    for axis in (0, 1, -1, None):
        yield case("concatenate", a, b, listed=True, axis=axis)
        yield case("concatenate", a, listed=True, axis=axis)
        yield case("append", a, b, axis=axis)
        yield case("concatenate", draw("float32", 0, 3), draw("float32", 0, 3, seed=1), listed=True)
    for axis in (0, 1, 2, -1, -3):
        yield case("stack", a, b, listed=True, axis=axis)
        yield case("stack", a, listed=True, axis=axis)
    yield case("concatenate", draw("float32", 0, 3), a, listed=True)
    yield case("concatenate", a, draw("float32", 4), listed=True, axis=None)
    yield case("stack", draw("float32"), draw("float32", seed=1), listed=True)
    for name in ("hstack", "vstack", "dstack"):
        for shape in ((), (3,), (2, 3), (2, 3, 1), (2, 1, 3, 2)):
            pair = draw("int32", *shape), draw("int32", *shape, seed=1)
            yield case(name, *pair, listed=True)
    for left, right in MIXED:
        pair = draw(left, 2, 3), draw(right, 2, 3)
        for name in ("concatenate", "stack", "hstack", "vstack"):
            yield case(name, *pair, listed=True)
        yield case("append", *pair)
    x = draw("float32", 6, 4, 2)
    for axis, parts in (
        (0, 3),
        (0, [1, 4]),
        (1, 2),
        (-1, [1]),
        (1, [0, 2, 9]),
        (0, [4, 2]),
        (2, 1),
    ):
        yield case("split", x, given=(parts,), axis=axis)
        yield case("array_split", x, given=(parts,), axis=axis)
    for parts in (4, 5, 7):
        yield case("array_split", x, given=(parts,))
    for name in ("hsplit", "vsplit", "dsplit"):
        for parts in (2, [1]):
            yield case(name, x, given=(parts,))
    yield case("hsplit", draw("float32", 6), given=(3,))
    for axis in (0, 1, -1):
        yield case("unstack", x, expected=lambda x, axis: list(np.moveaxis(x, axis, 0)), axis=axis)
    for indexing in ("xy", "ij"):
        for count in (1, 2, 3):
            vectors = [draw("float32", size) for size in (2, 3, 4)[:count]]
            yield case("meshgrid", *vectors, indexing=indexing)
        yield case("meshgrid", draw("float32"), draw("float32", 2), indexing=indexing)


def repeating_cases() -> Iterator[SweepCase]:
    x = draw("float32", 3, 4)
    for repeats in (1, 2, 0, (2, 3), (2, 1, 1), (0, 1), (1, 1), (3, 1, 2, 1)):
        yield case("tile", x, given=(repeats,))
        yield case("tile", draw("int32"), given=(repeats,))
    for axis in (None, 0, 1, -1):
        for count in (0, 1, 3):
            yield case("repeat", x, given=(count,), axis=axis)
    yield case("repeat", x, given=([1, 0, 3, 2],), axis=1)
    yield case("repeat", x, given=([2, 0, 1],), axis=0)
    yield case("repeat", draw("float32"), given=(2,))
    for shift, axis in (
        *((1, None), (-2, 0), (5, 1), (0, 0), (7, -1), ((1, -1), (0, 1)), (1, (0, 1))),
        *(((2, 1), (0, 0)), (-13, None), ((1, 2), None)),
    ):
        yield case("roll", x, given=(shift,), axis=axis)
        yield case("roll", draw("int32", 0, 2), given=(shift,), axis=axis)
    widths: tuple[Any, ...] = (
        0,
        1,
        (1, 2),
        ((1, 2), (0, 3)),
        ((0, 0), (2, 0)),
        ((2,), (1,)),
        [[3, 1]],
    )
    for width in widths:
        if width != ((2,), (1,)):
            yield case("pad", x, given=(width,))
            yield case("pad", x, given=(width,), constant_values=7.5)
            for mode in ("reflect", "symmetric", "edge", "wrap"):
                yield case("pad", x, given=(width,), mode=mode)
    for dtype in SOME:
        y = draw(dtype, 2, 3)
        yield case("tile", y, given=((2, 2),))
        yield case("repeat", y, given=(2,), axis=1)
        yield case("roll", y, given=(1,), axis=1)
        yield case("pad", y, given=(1,))
        yield case("pad", y, given=(1,), mode="edge")
        yield case("pad", y, given=(1,), constant_values=1)
        yield case("append", y, y)


def triangle_cases() -> Iterator[SweepCase]:
    for offset in (-5, -1, 0, 2, 4):
        for shape in ((3, 4), (4, 3), (2, 3, 3), (0, 3)):
            x = draw("float32", *shape)
            yield case("tril", x, given=(offset,))
            yield case("triu", x, given=(offset,))
            if abs(offset) < min(shape[:2]) + 1:
                yield case("diagonal", x, given=(offset,))
                yield case("trace", x, given=(offset,), slack=2)
        yield case("diag", draw("float32", 3), given=(offset,))
        yield case("diagflat", draw("float32", 2, 2), given=(offset,))
    for offset in (-1, 0, 1):
        yield case("diag", draw("float32", 3, 4), given=(offset,))
        for axes in ((0, 1), (2, 0), (-1, 1)):
            x = draw("float32", 3, 4, 3)
            yield case("diagonal", x, given=(offset, *axes))
            yield case("trace", x, given=(offset, *axes), slack=2)
    for dtype in SOME:
        x = draw(dtype, 3, 3)
        for name in ("tril", "triu", "diagonal", "diag", "diagflat"):
            yield case(name, x)
        yield case("diag", draw(dtype, 3), given=(1,))
        inside = {"bool": "int32", "int8": "int32", "uint16": "uint32"}.get(dtype)
        yield case("trace", x, rule="sum", computed_in=inside, slack=2)
    for dtype in ("bool", "int8", "int32", "uint16", "float32", "bfloat16", "complex64"):
        for columns in (None, 0, 1, 4):
            for increasing in (False, True):
                x = draw(dtype, 3, low=0.0, high=3.0)
                yield case(
                    *("vander", x),
                    expected=vandermonde, rule="int32" if dtype == "bool" else "same", slack=4,
                    computed_in="int32" if dtype == "bool" else None,
                    N=columns, increasing=increasing,
                )  # fmt: skip


def vandermonde(x: Any, N: int | None, increasing: bool) -> Any:  # noqa: N803
    count = len(x) if N is None else N
    powers = np.stack([x**n for n in range(count)], 1) if count else np.zeros((len(x), 0), x.dtype)
    return powers if increasing else powers[:, ::-1]


def shaping_cases() -> list[SweepCase]:
    families = (moving_cases, joining_cases, repeating_cases, triangle_cases)
    return [each for family in families for each in family()]
