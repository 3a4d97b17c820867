"""Products of matrices and vectors, norms, distances."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.ops.sweep.arrays import draw
from tests.ops.sweep.case import SweepCase, case

DTYPES = ("bool", "int8", "uint8", "int32", "uint32", "int64", "float16", "bfloat16", "float32")
DTYPES += ("float64", "complex64", "complex128")
MIXED = (("int32", "float32"), ("bool", "int32"), ("float16", "bfloat16"), ("float32", "complex64"))

MATMUL = (
    *(((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((2, 3), (3, 4)), ((5, 2, 3), (3, 4))),
    *(((2, 3), (5, 3, 4)), ((5, 2, 3), (5, 3, 4)), ((5, 2, 3), (1, 3, 4)), ((1, 2, 3), (5, 3, 4))),
    *(((6, 1, 2, 3), (5, 3, 1)), ((5, 2, 3), (3,)), ((3,), (5, 3, 2)), ((0, 3), (3, 2))),
    *(((2, 0), (0, 3)), ((0, 2, 3), (3, 4)), ((2, 1), (1, 3)), ((4, 1, 1, 1), (3, 1, 1))),
)
DOT = (
    *(((), ()), ((), (2, 3)), ((2,), ()), ((3,), (3,)), ((2, 3), (3,)), ((2, 3), (3, 4))),
    *(((2, 3), (5, 3, 4)), ((5, 2, 3), (3,)), ((2, 0), (0, 3)), ((2, 2, 3), (2, 3, 2))),
)
INNER = (((), ()), ((2, 3), ()), ((3,), (3,)), ((2, 3), (3,)), ((2, 3), (4, 3)), ((2, 1, 3), (3,)))
EINSUMS = (
    *(("ij,jk->ik", (2, 3), (3, 4)), ("ij,jk", (2, 3), (3, 4)), ("ij,ij->", (2, 3), (2, 3))),
    *(("i,j->ij", (2,), (3,)), ("bij,bjk->bik", (4, 2, 3), (4, 3, 2)), ("ii->i", (3, 3))),
    *(("ii", (3, 3)), ("ij->ji", (2, 3)), ("ij->", (2, 3)), ("...ij->...ji", (4, 2, 3))),
    *(("...ij,...jk->...ik", (4, 2, 3), (3, 2)), ("bhqd,bhkd->bhqk", (2, 2, 3, 4), (2, 2, 5, 4))),
    *(("ij,j", (2, 3), (3,)), ("ij,jk,kl->il", (2, 3), (3, 4), (4, 2)), ("iij->j", (2, 2, 3))),
    *(("ab,cb->ac", (2, 3), (4, 3)), ("i,i", (3,), (3,)), ("ij,kj->kij", (2, 3), (4, 3))),
    *(("ba", (2, 3)), ("...", (2, 3)), ("i...->...", (2, 3)), (" ij , jk -> ik ", (2, 3), (3, 1))),
)


def _product(name: str, left: Any, right: Any, **options: Any) -> SweepCase:
    # Products of int8 are summed in 32 bits; where nothing is summed they stay int8.
    scales = name in ("dot", "inner") and 0 in (left.ndim, right.ndim)
    narrow = str(left.dtype) == str(right.dtype) == "int8" and not scales
    summed = narrow and name not in ("outer", "kron", "cross")
    rule = "int32" if summed else "same"
    inside = "int32" if summed else None
    return case(name, left, right, rule=rule, computed_in=inside, slack=3, floor=2, **options)


def product_pairs() -> Iterator[SweepCase]:
    for name, shapes in (("matmul", MATMUL), ("dot", DOT), ("inner", INNER)):
        for left, right in shapes:
            yield _product(name, draw("float32", *left), draw("float32", *right, seed=1))
            yield _product(name, draw("int32", *left), draw("int32", *right, seed=1))
        for dtype in DTYPES:
            yield _product(name, draw(dtype, 3, 3), draw(dtype, 3, 3, seed=1))
            yield _product(name, draw(dtype, 3), draw(dtype, 3, seed=1))
        for left, right in MIXED:
            yield _product(name, draw(left, 3, 3), draw(right, 3, 3))
    for dtype in DTYPES:
        yield _product("matmul", draw(dtype, 2, 2, 3), draw(dtype, 2, 3, 2))
        yield _product("vdot", draw(dtype, 6), draw(dtype, 6, seed=1))
        yield _product("outer", draw(dtype, 2), draw(dtype, 3))
        yield _product("kron", draw(dtype, 2, 2), draw(dtype, 1, 3))
        if dtype != "bool":
            yield _product("cross", draw(dtype, 2, 3), draw(dtype, 2, 3, seed=1))
        for axes in (0, 1, 2):
            x, y = draw(dtype, 3, 3), draw(dtype, 3, 3, seed=1)
            yield _product("tensordot", x, y, axes=axes)
    yield _product("vdot", draw("float32", 2, 3), draw("float32", 3, 2))
    yield _product("vdot", draw("float32", 0), draw("float32", 0, seed=1))
    for left, right in (((2, 3), (4,)), ((), (3,)), ((0,), (2,)), ((2, 2), (2, 2))):
        yield _product("outer", draw("float32", *left), draw("float32", *right, seed=1))
    for left, right in (
        ((2, 3), (3, 2)),
        ((3,), (2, 2)),
        ((2, 1, 2), (2,)),
        ((), (2,)),
        ((1,), (1,)),
    ):
        yield _product("kron", draw("float32", *left), draw("float32", *right, seed=1))
    for left, right, keywords in (
        *(((4, 3), (3,), {}), ((3, 2), (3, 2), {"axis": 0}), ((3, 4), (4, 3), {"axisa": 0})),
        *(((2, 3), (2, 3), {"axisc": 0}), ((5, 1, 3), (4, 3), {})),
    ):
        pair = draw("float32", *left), draw("float32", *right, seed=1)
        yield _product("cross", *pair, **keywords)
    for left, right, axes in (
        *(((2, 3, 4), (3, 4, 5), 2), ((2, 3), (4, 5), 0), ((2, 3, 4), (4, 3, 5), ([1, 2], [1, 0]))),
        *(((3, 2), (3, 4), (0, 0)), ((2, 3), (2, 3), ((0, 1), (0, 1))), ((3,), (3,), 1)),
        *(((2, 3, 4), (4, 2), (-1, 0)), ((0, 3), (3, 2), 1)),
    ):
        pair = draw("float32", *left), draw("float32", *right, seed=1)
        yield _product("tensordot", *pair, axes=axes)


def einsum_cases() -> Iterator[SweepCase]:
    for pattern, *shapes in EINSUMS:
        for dtype in ("float32", "int32", "complex64", "bfloat16"):
            operands = [draw(dtype, *shape, seed=n) for n, shape in enumerate(shapes)]
            yield case("einsum", *operands, first=pattern, slack=6, floor=2)


def norm_cases() -> Iterator[SweepCase]:
    vector_norms = (None, 1, 2, 3, 0, 0.5, np.inf, -np.inf, -1)
    for order in vector_norms:
        for axis in (0, -1):
            for keepdims in (False, True):
                yield _norm(draw("float32", 3, 4), ord=order, axis=axis, keepdims=keepdims)
        yield _norm(draw("float32", 5), ord=order)
    for order in (None, "fro", 1, -1, np.inf, -np.inf):
        for axis in ((0, 1), (1, 2), (2, 0), (-1, -2)):
            yield _norm(draw("float32", 2, 3, 4), ord=order, axis=axis)
            yield _norm(draw("float32", 2, 3, 4), ord=order, axis=axis, keepdims=True)
        yield _norm(draw("float32", 3, 4), ord=order)
    for dtype in ("int32", "int8", "float16", "bfloat16", "float64", "complex64", "complex128"):
        for order in (None, 1, np.inf):
            yield _norm(draw(dtype, 4), ord=order)
            yield _norm(draw(dtype, 3, 4), ord=order, axis=(0, 1))
    yield _norm(draw("float32", 2, 3, 4))
    yield _norm(draw("float32", 0))
    for dtype in ("float32", "float64", "float16", "int32", "complex64"):
        rule = "real float"
        for left, right in (
            ((3, 2), (4, 2)),
            ((5, 3, 2), (4, 2)),
            ((1, 2), (1, 2)),
            ((0, 2), (3, 2)),
        ):
            pair = draw(dtype, *left), draw(dtype, *right, seed=1)
            yield case("cdist", *pair, rule=rule, expected=distances, slack=4, floor=4,
                       computed_in="float64" if dtype == "int32" else None)  # fmt: skip
        yield case("corrcoef", draw(dtype, 3, 9), rule="float", slack=8, floor=4,
                   computed_in="float64" if dtype == "int32" else None)  # fmt: skip
        yield case("corrcoef", draw(dtype, 9), rule="float", slack=8, floor=4,
                   computed_in="float64" if dtype == "int32" else None)  # fmt: skip


def _norm(x: Any, **keywords: Any) -> SweepCase:
    inside = "float64" if x.dtype.kind in "iu" else None
    return case(
        *("norm", x), rule="real float", expected=np.linalg.norm, computed_in=inside,
        slack=4, floor=2, **keywords,
    )  # fmt: skip


def distances(x: Any, y: Any) -> Any:
    return np.sqrt((np.abs(x[..., :, None, :] - y[..., None, :, :]) ** 2).sum(-1))


def correlation_cases() -> Iterator[SweepCase]:
    for mode in ("valid", "same", "full"):
        for left, right in ((5, 3), (3, 5), (4, 4), (6, 2), (2, 6), (1, 4), (7, 1), (1, 1)):
            pair = draw("float32", left), draw("float32", right, seed=1)
            yield case("correlate", *pair, mode=mode, slack=3, floor=2)
        for dtype in ("int32", "int8", "float16", "float64", "complex64"):
            for left, right in ((6, 3), (3, 6)):
                pair = draw(dtype, left), draw(dtype, right, seed=1)
                yield case("correlate", *pair, mode=mode, slack=4, floor=2)


def product_cases() -> list[SweepCase]:
    families = (product_pairs, einsum_cases, norm_cases, correlation_cases)
    return [each for family in families for each in family()]
