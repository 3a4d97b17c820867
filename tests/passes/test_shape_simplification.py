"""Shape simplification: every rule gives the exact graph and the same numbers."""

from __future__ import annotations

import pytest

from graphc.dimensions import symbol
from graphc.ir.types import as_type
from passes.rules.contraction import CONTRACTION
from passes.rules.layout import LAYOUT, inserted_axes
from passes.rules.slicing import SLICING
from passes.shape_simplification import ShapeSimplification
from tests.passes.rewrite_checks import F32, I32, SYMBOLIC, Case, check, check_refused

N = symbol("n")
ROW = as_type("float32", (3,))
CUBE = as_type("float32", (4, 2, 3))
TALL = as_type("float32", (N, 1, 3))


def first(build, x, *others):
    return x


def reshape(build, x, *shape):
    return build.reshape(x, shape=shape)


def transpose(build, x, *permutation):
    return build.transpose(x, permutation=permutation)


def broadcast(build, x, shape, *axes):
    return build.broadcast_in_dim(x, shape=shape, broadcast_dimensions=axes)


def cut(build, x, starts, limits, strides=None):
    strides = strides or [1] * len(starts)
    return build.slice(x, start_indices=starts, limit_indices=limits, strides=strides)


def join(build, *pieces, dimension=0):
    return build.concatenate(*pieces, dimension=dimension)


def dot(build, x, y, lhs=1, rhs=0, batch=((), ())):
    return build.dot_general(
        x,
        y,
        lhs_contracting=(lhs,),
        rhs_contracting=(rhs,),
        lhs_batching=batch[0],
        rhs_batching=batch[1],
    )


LAYOUT_CASES = [
    Case("reshape_to_same", (SYMBOLIC,), lambda b, x: reshape(b, x, N, 3), first),
    Case(
        "reshape_of_reshape",
        (F32,),
        lambda b, x: reshape(b, reshape(b, x, 6), 3, 2),
        lambda b, x: reshape(b, x, 3, 2),
    ),
    Case("reshape_of_reshape", (F32,), lambda b, x: reshape(b, reshape(b, x, 6), 2, 3), first),
    Case("transpose_to_same", (F32,), lambda b, x: transpose(b, x, 0, 1), first),
    Case(
        "transpose_of_transpose",
        (CUBE,),
        lambda b, x: transpose(b, transpose(b, x, 1, 2, 0), 1, 0, 2),
        lambda b, x: transpose(b, x, 2, 1, 0),
    ),
    Case(
        "transpose_of_transpose",
        (SYMBOLIC,),
        lambda b, x: transpose(b, transpose(b, x, 1, 0), 1, 0),
        first,
    ),
    Case(
        "transpose_of_unit_axes",
        (TALL,),
        lambda b, x: transpose(b, x, 0, 2, 1),
        lambda b, x: reshape(b, x, N, 3, 1),
    ),
    Case(
        "broadcast_to_same",
        (SYMBOLIC,),
        lambda b, x: broadcast(b, x, (N, 3), 0, 1),
        first,
    ),
    Case(
        "broadcast_of_broadcast",
        (ROW,),
        lambda b, x: broadcast(b, broadcast(b, x, (4, 3), 1), (5, 4, 2, 3), 1, 3),
        lambda b, x: broadcast(b, x, (5, 4, 2, 3), 3),
    ),
    Case(
        "broadcast_of_unit_axes",
        (SYMBOLIC,),
        lambda b, x: broadcast(b, x, (N, 1, 3, 1), 0, 2),
        lambda b, x: reshape(b, x, N, 1, 3, 1),
    ),
    Case(
        "broadcast_of_inserted_axes",
        (SYMBOLIC,),
        lambda b, x: broadcast(b, reshape(b, x, N, 1, 3), (N, 7, 3), 0, 1, 2),
        lambda b, x: broadcast(b, x, (N, 7, 3), 0, 2),
    ),
    Case(
        "transpose_of_broadcast",
        (F32,),
        lambda b, x: transpose(b, broadcast(b, x, (2, 5, 3), 0, 2), 2, 1, 0),
        lambda b, x: broadcast(b, transpose(b, x, 1, 0), (3, 5, 2), 0, 2),
    ),
    Case(
        "transpose_of_broadcast",
        (ROW,),
        lambda b, x: transpose(b, broadcast(b, x, (5, 3), 1), 1, 0),
        lambda b, x: broadcast(b, x, (3, 5), 0),
    ),
]

SLICING_CASES = [
    Case("slice_of_everything", (SYMBOLIC,), lambda b, x: cut(b, x, (0, 0), (N, 3)), first),
    Case(
        "slice_of_slice",
        (as_type("float32", (20, N)),),
        lambda b, x: cut(b, cut(b, x, (2, 0), (19, N), (3, 1)), (1, 1), (5, N), (2, 1)),
        lambda b, x: cut(b, x, (5, 1), (17, N), (6, 1)),
    ),
    Case(
        "slice_of_slice",
        (as_type("float32", (9,)),),
        lambda b, x: cut(b, cut(b, x, (1,), (9,), (4,)), (2,), (2,)),
        lambda b, x: cut(b, x, (9,), (9,), (4,)),
    ),
    Case(
        "slice_of_concatenation",
        (F32, F32),
        lambda b, x, y: cut(b, join(b, x, y), (2, 0), (4, 3)),
        lambda b, x, y: y,
    ),
    Case(
        "slice_of_concatenation",
        (SYMBOLIC, SYMBOLIC),
        lambda b, x, y: cut(b, join(b, x, y, dimension=0), (N, 1), (2 * N, 3)),
        lambda b, x, y: cut(b, y, (0, 1), (N, 3)),
    ),
    Case(
        "slice_of_broadcast",
        (ROW,),
        lambda b, x: cut(b, broadcast(b, x, (9, 3), 1), (2, 0), (8, 3), (2, 1)),
        lambda b, x: broadcast(b, x, (3, 3), 1),
    ),
    Case(
        "pad_with_nothing",
        (SYMBOLIC,),
        lambda b, x: b.pad(x, b.full(1.0, x.type.dtype), low=(0, 0), high=(0, 0), interior=(0, 0)),
        first,
    ),
    Case("concatenate_of_one", (F32,), lambda b, x: join(b, x, dimension=1), first),
    Case(
        "concatenate_of_one",
        (F32, as_type("float32", (0, 3))),
        lambda b, x, y: join(b, y, x, y, x),
        lambda b, x, y: join(b, x, x),
    ),
    Case(
        "concatenate_of_concatenation",
        (F32, SYMBOLIC),
        lambda b, x, y: join(b, join(b, x, y), x, join(b, y, y)),
        lambda b, x, y: join(b, x, y, x, y, y),
    ),
    Case(
        "reverse_of_nothing",
        (TALL,),
        lambda b, x: b.reverse(x, dimensions=(1,)),
        first,
    ),
    Case(
        "reverse_twice",
        (F32,),
        lambda b, x: b.reverse(b.reverse(x, dimensions=(0, 1)), dimensions=(1, 0)),
        first,
    ),
    Case(
        "dynamic_slice_at_constants",
        (F32,),
        lambda b, x: b.dynamic_slice(
            x, b.full(-3, I32.dtype), b.full(2, I32.dtype), slice_sizes=(1, 2)
        ),
        lambda b, x: cut(b, x, (0, 1), (1, 3)),
    ),
]

PRODUCT = (as_type("float32", (3, 5)), as_type("float32", (5, 4)))
BATCHED = (as_type("float32", (2, 6, 3, 5)), as_type("float32", (2, 6, 5, 4)))

CONTRACTION_CASES = [
    *[
        Case(
            f"{name}_of_unit_axes",
            (as_type("bool" if name in ("reduce_and", "reduce_or") else "float32", (N, 1, 3)),),
            lambda b, x, name=name: getattr(b, name)(x, axes=(1,)),
            lambda b, x: reshape(b, x, N, 3),
        )
        for name in (
            *("reduce_sum", "reduce_product", "reduce_max"),
            *("reduce_min", "reduce_and", "reduce_or"),
        )
    ],
    Case("reduce_sum_of_unit_axes", (F32,), lambda b, x: b.reduce_sum(x, axes=()), first),
    Case(
        "reduce_max_of_unit_axes",
        (as_type("float32", (2, 1, 3)),),
        lambda b, x: b.reduce_max(x, axes=(0, 1)),
        lambda b, x: b.reduce_max(reshape(b, x, 2, 3), axes=(0,)),
    ),
    Case(
        "product_of_transposed_left",
        PRODUCT,
        lambda b, x, y: dot(b, transpose(b, x, 1, 0), y, lhs=0),
        lambda b, x, y: dot(b, x, y),
    ),
    Case(
        "product_of_transposed_right",
        (PRODUCT[0], as_type("float32", (4, 5))),
        lambda b, x, y: dot(b, x, transpose(b, y, 1, 0)),
        lambda b, x, y: dot(b, x, y, rhs=1),
    ),
    Case(
        "product_of_transposed_right",
        BATCHED,
        lambda b, x, y: dot(b, x, transpose(b, y, 3, 0, 2, 1), 3, 2, ((0, 1), (1, 3))),
        lambda b, x, y: dot(b, x, y, 3, 2, ((0, 1), (0, 1))),
    ),
    Case(
        "transpose_of_product",
        PRODUCT,
        lambda b, x, y: transpose(b, dot(b, x, y), 1, 0),
        lambda b, x, y: dot(b, y, x, 0, 1),
    ),
    Case(
        "transpose_of_product",
        BATCHED,
        lambda b, x, y: transpose(b, dot(b, x, y, 3, 2, ((0, 1), (0, 1))), 1, 0, 3, 2),
        lambda b, x, y: dot(b, y, x, 2, 3, ((1, 0), (1, 0))),
    ),
]

CASES = [*LAYOUT_CASES, *SLICING_CASES, *CONTRACTION_CASES]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_rule_gives_the_graph_and_the_numbers(case: Case) -> None:
    check(ShapeSimplification(), case)


def test_every_rule_has_a_case() -> None:
    rules = {rule.name for rule in (*LAYOUT, *SLICING, *CONTRACTION)}
    assert {case.rule for case in CASES} == rules


REFUSED = {
    "a reshape that mixes axes": (lambda b, x: reshape(b, x, 3, 2), F32, None),
    "a reshape before a broadcast that mixes axes": (
        lambda b, x: broadcast(b, reshape(b, x, 3, 2), (4, 3, 2), 1, 2),
        F32,
        "more than insert",
    ),
    "a slice of two pieces": (
        lambda b, x: cut(b, join(b, x, x), (1, 0), (3, 3)),
        F32,
        "more than one piece",
    ),
    "a slice of a strided slice of unknown size": (
        lambda b, x: cut(b, cut(b, x, (0, 0), (N, 3), (2, 1)), (1, 0), ((N + 1) // 2, 3)),
        SYMBOLIC,
        "not known yet",
    ),
    "a slice of an axis that is not repeated": (
        lambda b, x: cut(b, broadcast(b, x, (4, 3), 1), (0, 1), (4, 3)),
        ROW,
        "not repeated",
    ),
    "a transpose that moves the free axes of a product": (
        lambda b, x: dot(b, transpose(b, x, 1, 0, 2), reshape(b, x, 3, 8), 2, 0),
        CUBE,
        "change places",
    ),
    "a transpose of a product within its free axes": (
        lambda b, x: transpose(b, dot(b, x, reshape(b, x, 3, 8), 2, 0), 1, 0, 2),
        CUBE,
        "more than swap",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_moves_elements_is_left_alone(what: str) -> None:
    body, type_, reason = REFUSED[what]
    check_refused(ShapeSimplification(), body, type_, reason=reason)


@pytest.mark.parametrize(
    ("shape", "result", "places"),
    [
        ((), (1, 1), ()),
        ((N, 3), (N, 1, 3), (0, 2)),
        ((1, 3), (1, 1, 3), (0, 2)),
        ((2, 3), (3, 2), None),
        ((N, 1), (N,), None),
        ((6,), (2, 3), None),
    ],
)
def test_inserted_axes_are_found(shape, result, places) -> None:
    assert inserted_axes(shape, result) == places
