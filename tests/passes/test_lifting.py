"""Computing before repeating: every elementwise op, in every arrangement of its operands."""

from __future__ import annotations

import numpy as np
import pytest

from graphc.dimensions import symbol
from graphc.ir.op import Trait
from graphc.ir.registry import REGISTRY
from graphc.ir.types import as_type
from graphc.reference.evaluator import evaluate
from passes.rules.lifting import LIFTING
from passes.shape_simplification import ShapeSimplification
from tests.passes.rewrite_checks import (
    apply,
    assert_same_bits,
    assert_same_graph,
    check_refused,
    graph_of,
    numbers,
)

N = symbol("n")
LIFTED = sorted(
    {
        rule.name.removeprefix("before_repeating_")
        for rule in LIFTING
        if rule.name.startswith("before_repeating_")
    }
)

DTYPES = {
    **dict.fromkeys(("and", "or", "xor", "not"), "int32"),
    **dict.fromkeys(("shift_left", "shift_right_logical", "shift_right_arithmetic"), "int32"),
    **dict.fromkeys(("popcnt", "count_leading_zeros"), "int32"),
    **dict.fromkeys(("real", "imag", "conj"), "complex64"),
}
ATTRIBUTES = {
    "compare": {"direction": "LE"},
    "convert": {"dtype": "float64"},
    "reduce_precision": {"exponent_bits": 5, "mantissa_bits": 10},
    "threshold": {"threshold": 0.5, "value": 1.0},
}


def operand_types(name: str, shape: tuple) -> list:
    if name == "select":
        return [as_type("bool", shape), *[as_type("float32", shape)] * 2]
    return [as_type(DTYPES.get(name, "float32"), shape)] * (REGISTRY[name].arity or 1)


def call(build, name, *operands):
    return getattr(build, name)(*operands, **ATTRIBUTES.get(name, {}))


MOVES = {
    "broadcast": lambda b, x: b.broadcast_in_dim(x, shape=(4, 3, 2), broadcast_dimensions=(1,)),
    "reshape": lambda b, x: b.reshape(x, shape=(1, 3, 1)),
}


def test_every_elementwise_op_is_computed_before_it_is_repeated() -> None:
    elementwise = {
        op.name
        for op in REGISTRY
        if op.has(Trait.ELEMENTWISE) and not op.has(Trait.REGION) and op.arity
    }
    assert set(LIFTED) == elementwise


@pytest.mark.parametrize("name", LIFTED)
@pytest.mark.parametrize("move", MOVES)
def test_operands_that_are_moved_alike_are_moved_once_after(name, move) -> None:
    types = operand_types(name, (3,))
    moved = MOVES[move]
    before = graph_of(lambda b, *xs: call(b, name, *[moved(b, x) for x in xs]), *types)
    after = graph_of(lambda b, *xs: moved(b, call(b, name, *xs)), *types)
    result = apply(ShapeSimplification(), before)
    assert_same_graph(result, after)
    arrays = [numbers(type_, salt) for salt, type_ in enumerate(types)]
    assert_same_bits(evaluate(before, arrays), evaluate(result, arrays))


@pytest.mark.parametrize("name", [n for n in LIFTED if REGISTRY[n].arity == 2])
@pytest.mark.parametrize("side", [0, 1])
def test_a_number_is_repeated_after_as_well(name, side) -> None:
    types = operand_types(name, (3,))

    def spread(build, x, small):
        number = build.full(2, x.type.dtype, (3,) if small else (4, 3, 2))
        x = x if small else MOVES["broadcast"](build, x)
        operands = (number, x) if side == 0 else (x, number)
        found = call(build, name, *operands)
        return MOVES["broadcast"](build, found) if small else found

    before = graph_of(lambda b, x: spread(b, x, small=False), types[0])
    after = graph_of(lambda b, x: spread(b, x, small=True), types[0])
    assert_same_graph(apply(ShapeSimplification(), before), after)


@pytest.mark.parametrize("name", ["select", "clamp"])
def test_one_predicate_or_bound_for_all_elements_stays_what_it_is(name) -> None:
    scalar = as_type("bool" if name == "select" else "float32")

    def body(build, x, low, small):
        move = MOVES["broadcast"]
        y = build.full_like(x, 7) if name == "select" else low
        if small:
            return move(build, call(build, name, low, x, y))
        return call(build, name, low, move(build, x), move(build, y) if y.type.rank else y)

    types = (as_type("float32", (3,)), scalar)
    before = graph_of(lambda b, x, low: body(b, x, low, small=False), *types)
    after = graph_of(lambda b, x, low: body(b, x, low, small=True), *types)
    assert_same_graph(apply(ShapeSimplification(), before), after)


def test_symbolic_sizes_are_repeated_after_too() -> None:
    def spread(build, x):
        return build.broadcast_in_dim(x, shape=(N, 3), broadcast_dimensions=(1,))

    row = as_type("float32", (3,))
    anchor = as_type("float32", (N, 3))
    before = graph_of(
        lambda b, x, y: (b.add(spread(b, b.exponential(x)), spread(b, x)), y), row, anchor
    )
    after = graph_of(lambda b, x, y: (spread(b, b.add(b.exponential(x), x)), y), row, anchor)
    result = apply(ShapeSimplification(), before)
    assert_same_graph(result, after)
    arrays = [np.arange(3, dtype=np.float32), np.zeros((5, 3), np.float32)]
    assert_same_bits(evaluate(before, arrays), evaluate(result, arrays))


REFUSED = {
    "rows and columns": lambda b, x: b.add(
        b.broadcast_in_dim(x, shape=(3, 3), broadcast_dimensions=(0,)),
        b.broadcast_in_dim(x, shape=(3, 3), broadcast_dimensions=(1,)),
    ),
    "a broadcast and a matrix": lambda b, x: b.add(
        b.broadcast_in_dim(x, shape=(2, 3), broadcast_dimensions=(1,)),
        b.iota(dtype="float32", shape=(2, 3), iota_dimension=0),
    ),
    "numbers alone": lambda b, x: (b.add(b.full_like(x, 1), b.full_like(x, 2)), x),
    "another reshape": lambda b, x: b.exponential(
        b.reshape(
            b.pad(x, b.full(0.0, x.type.dtype), low=(0,), high=(1,), interior=(0,)), shape=(2, 2)
        )
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_not_moved_alike_is_left_alone(what) -> None:
    check_refused(ShapeSimplification(), REFUSED[what], as_type("float32", (3,)))
