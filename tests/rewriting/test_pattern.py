"""Patterns: what they match, in which spellings, and through what they never match."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest

import graphc.opset  # noqa: F401, registers the ops
from graphc.dimensions import symbol
from graphc.dtypes import as_dtype
from graphc.errors import AttributeValueError, GraphcError
from graphc.ir.builder import GraphBuilder
from graphc.ir.editor import GraphEditor
from graphc.ir.node import Value
from graphc.ir.registry import REGISTRY
from graphc.ir.types import as_type
from graphc.rewriting.match import Match, MatchScope
from graphc.rewriting.pattern import compile_pattern
from graphc.rewriting.splats import is_number, splat_of
from graphc.rewriting.terms import (
    Operation,
    attribute,
    constants,
    op,
    splats,
    variables,
)

F32 = as_type("float32", (2, 3))
x, y, z = variables("x", "y", "z")
(c,) = splats("c")
(k,) = constants("k")


def find(term: Operation, body: Callable[..., Value], *types) -> Match | None:
    """What the term matches at the node that a body returns."""
    build = GraphBuilder()
    inputs = [build.input(type_, f"x{i}") for i, type_ in enumerate(types or (F32, F32))]
    graph = build.finish([body(build, *inputs)])
    pattern = compile_pattern(term, REGISTRY)
    node = graph.outputs[0].node
    scope = MatchScope(GraphEditor(graph))
    if node.op is not pattern.root:
        return None
    registers = pattern.match(node, scope)
    makers = [scope.maker(value) for value in node.inputs]
    if registers is not None:
        assert pattern.may_match(makers), "the table of the driver would not try this pattern"
    return None if registers is None else Match(node, pattern.names, registers, scope)


def test_a_variable_binds_any_value_and_means_the_same_value_again() -> None:
    found = find(x - y, lambda b, u, v: b.subtract(u, v))
    assert found is not None
    assert [found["x"].node.attributes["name"], found["y"].node.attributes["name"]] == ["x0", "x1"]
    assert find(x - x, lambda b, u, v: b.subtract(u, u))
    assert not find(x - x, lambda b, u, v: b.subtract(u, v))


def test_operators_and_constructors_are_two_ways_to_write_one_term() -> None:
    for left, right in (
        (x + 1, op("add", x, 1)),
        (2 / x, op.divide(2, x)),
        (-x * y, op.multiply(op.negate(x), y)),
        (x**2, op.power(x, 2)),
        (~x & y | z ^ x, op("or", op("and", op("not", x), y), op("xor", z, x))),
    ):
        assert str(left) == str(right)


@pytest.mark.parametrize("swaps", list(itertools.product([False, True], repeat=3)))
def test_commutative_operands_match_in_every_order(swaps) -> None:
    def body(build, u, v):
        w = build.tanh(u)
        outer, first, second = swaps
        left = build.multiply(*((v, u) if first else (u, v)))
        right = build.multiply(*((w, u) if second else (u, w)))
        return build.add(*((right, left) if outer else (left, right)))

    found = find(x * y + x * op.tanh(x), body)
    assert found is not None
    assert found["x"].node.attributes["name"] == "x0"
    assert found["y"].node.attributes["name"] == "x1"


def test_operands_of_other_ops_have_one_order() -> None:
    assert find(op.tanh(x) - y, lambda b, u, v: b.subtract(b.tanh(u), v))
    assert not find(op.tanh(x) - y, lambda b, u, v: b.subtract(v, b.tanh(u)))
    in_order = (op.tanh(x) + y).in_order()
    assert find(in_order, lambda b, u, v: b.add(b.tanh(u), v))
    assert not find(in_order, lambda b, u, v: b.add(v, b.tanh(u)))


ONES = {
    "a scalar": (lambda b, u, v: b.array(np.float32(1)), as_type("float32")),
    "an array": (lambda b, u, v: b.array(np.ones((2, 3), np.float32)), F32),
    "a broadcast": (lambda b, u, v: b.full(1, F32.dtype, (2, 3)), F32),
    "a conversion": (
        lambda b, u, v: b.convert(b.full(1, as_dtype("int8"), (2, 3)), dtype="float32"),
        F32,
    ),
    "a reshape": (lambda b, u, v: b.reshape(b.full(1, F32.dtype, (6,)), shape=(2, 3)), F32),
}


@pytest.mark.parametrize("spelling", ONES)
def test_a_number_is_recognised_however_it_is_written(spelling) -> None:
    make, type_ = ONES[spelling]
    for term in (x * 1, 1 * x, x * c, x * 1.0):
        assert find(term, lambda b, u, v: b.multiply(u, make(b, u, v)), type_, type_)
        assert find(term, lambda b, u, v: b.multiply(make(b, u, v), u), type_, type_)
    assert not find(x * 2, lambda b, u, v: b.multiply(u, make(b, u, v)), type_, type_)


def test_a_number_of_symbolic_size_is_recognised() -> None:
    type_ = as_type("float32", (symbol("n"), 3))
    assert find(x * 1, lambda b, u: b.multiply(u, b.full_like(u, 1)), type_)


@pytest.mark.parametrize(
    ("number", "array", "expected"),
    [
        (0, np.float32(0.0), True),
        (0, np.float32(-0.0), False),
        (-0.0, np.float32(-0.0), True),
        (-0.0, np.int32(0), False),
        (True, np.bool_(True), True),
        (1, np.bool_(True), False),
        (True, np.int32(1), False),
        (0.1, np.float32(0.1), True),
        (0.1, np.float64(0.1), True),
        (1, np.complex64(1), True),
        (1, np.complex64(1 + 1j), False),
        (1, np.array([1, 2], np.float32), False),
        (1, np.array([], np.float32), False),
        (1, "1", False),
    ],
)
def test_a_number_is_itself_and_no_other(number, array, expected) -> None:
    build = GraphBuilder()
    value = build.array(array)
    graph = build.finish([value])
    splat = splat_of(value, GraphEditor(graph))
    assert (splat is not None and is_number(splat, number)) == expected


def test_constants_are_told_from_splats_and_from_the_rest() -> None:
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    assert find(x + k, lambda b, u, v: b.add(b.array(array), u))
    assert not find(x + c, lambda b, u, v: b.add(b.array(array), u))
    assert not find(x + k, lambda b, u, v: b.add(b.full_like(u, 1), u))
    assert not find(x + c, lambda b, u, v: b.add(v, u))


def test_attributes_are_demanded_captured_and_compared() -> None:
    def body(build, u, v):
        return build.reduce_sum(build.reduce_max(u, axes=(1,)), axes=(0,))

    assert find(op.reduce_sum(op.reduce_max(x, axes=(1,)), axes=[0]), body)
    assert not find(op.reduce_sum(op.reduce_max(x, axes=(0,))), body)
    inner = op.reduce_max(x, axes=attribute("inner"))
    found = find(op.reduce_sum(inner, axes=attribute("outer")), body)
    assert found is not None
    assert (found.attribute("inner"), found.attribute("outer")) == ((1,), (0,))
    assert not find(op.reduce_sum(inner, axes=attribute("inner")), body)
    assert not find(op.reduce_sum(x, axes=attribute("axes", lambda axes: len(axes) == 2)), body)


def test_results_can_be_named_and_any_operands_taken() -> None:
    term = op("concatenate", ..., dimension=attribute("along")).named("joined")
    found = find(op.tanh(term), lambda b, u, v: b.tanh(b.concatenate(u, v, u, dimension=0)))
    assert found is not None
    assert [len(found.operands()), len(found.operands(found["joined"]))] == [1, 3]


def test_a_result_that_others_need_is_not_used_once() -> None:
    term = op.log(op.tanh(x).used_once())
    assert find(term, lambda b, u, v: b.log(b.tanh(u)))

    build = GraphBuilder()
    inner = build.tanh(build.input(F32, "x"))
    graph = build.finish([build.log(inner), inner])
    scope = MatchScope(GraphEditor(graph))
    pattern = compile_pattern(term, REGISTRY)
    assert pattern.match(graph.outputs[0].node, scope) is None


def test_a_pattern_of_a_number_is_chosen_only_beside_that_number() -> None:
    build = GraphBuilder()
    u = build.input(F32, "u")
    operands = {
        "one": build.full(1, F32.dtype, F32.shape),
        "two": build.full(2, F32.dtype, F32.shape),
        "tenth": build.full(0.1, F32.dtype, F32.shape),
        "negative zero": build.full(-0.0, F32.dtype, F32.shape),
        "array": build.array(np.arange(6, dtype=np.float32).reshape(2, 3)),
        "variable": build.broadcast_in_dim(
            build.input(as_type("float32", (3,)), "v"), shape=(2, 3), broadcast_dimensions=(1,)
        ),
    }
    scope = MatchScope(GraphEditor(build.finish([*operands.values(), u])))

    def chosen(term: Operation) -> set[str]:
        pattern = compile_pattern(term, REGISTRY)
        makers = {name: [scope.maker(u), scope.maker(value)] for name, value in operands.items()}
        return {name for name, pair in makers.items() if pattern.may_match(pair)}

    assert chosen(x * 1) == {"one"}
    assert chosen(x * 0.0) == {"negative zero"}  # the sign is looked at when it is matched
    assert {"tenth"} <= chosen(x * 0.1) < operands.keys() - {"array"}
    assert chosen(x * c) == {"one", "two", "tenth", "negative zero"}
    assert chosen(x * constants("k")[0]) == {"array"}
    assert chosen(x * op.broadcast_in_dim(y)) == operands.keys() - {"array"}


@pytest.mark.parametrize("barrier", ["tap", "optimization_barrier", "stop_gradient"])
def test_nothing_is_matched_through_a_barrier(barrier) -> None:
    attributes = {"label": "t"} if barrier == "tap" else {}
    body = lambda b, u, v: b.log(getattr(b, barrier)(b.tanh(u), **attributes))  # noqa: E731
    assert not find(op.log(op.tanh(x)), body)


@pytest.mark.parametrize(
    ("term", "error", "words"),
    [
        (op.log(op.tap(x)), GraphcError, "barrier"),
        (op.logg(x), GraphcError, "did you mean 'log'"),
        (op.log(x, y), GraphcError, "2 operands"),
        (op.log(x, axis=1), GraphcError, "no attribute 'axis'"),
    ],
)
def test_a_pattern_that_makes_no_sense_says_why(term, error, words) -> None:
    with pytest.raises(error, match=words):
        compile_pattern(term, REGISTRY)


def test_a_pattern_demands_attributes_of_their_kind() -> None:
    with pytest.raises((AttributeValueError, TypeError)):
        compile_pattern(op.reduce_sum(x, axes="no"), REGISTRY)


def test_what_is_no_term_is_refused_at_once() -> None:
    with pytest.raises(TypeError, match="expected a term"):
        op.log("x")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="stands alone"):
        op("concatenate", x, ...)
