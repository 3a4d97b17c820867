"""Pruning of loops that end early, counted scans, cases and maps: what nobody needs goes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from graphc.ir.builder import GraphBuilder
from graphc.ir.graph import Graph
from graphc.ir.node import Value
from graphc.ir.types import as_type
from graphc.reference.evaluator import evaluate
from passes.constant_folding import ConstantFolding
from passes.pruning import Pruning
from tests.passes.rewrite_checks import F32, apply, assert_same_bits, graph_of, numbers

INDEX = as_type("int32")


def region(count: int, write: Any, *types: Any) -> Graph:
    build = GraphBuilder()
    inputs = [build.input(type_, f"x{i}") for i, type_ in enumerate(types or [F32] * count)]
    return build.finish(write(build, *inputs))


def only_op(graph: Graph, name: str) -> Any:
    (node,) = [node for node in graph.nodes if node.op.name == name]
    return node


def same_numbers(graph: Graph, result: Graph, first: list[Any]) -> None:
    arrays = [*first, *[numbers(F32, salt) for salt in range(len(graph.inputs) - len(first))]]
    assert_same_bits(evaluate(graph, arrays), evaluate(result, arrays))


@pytest.mark.parametrize(
    ("used", "operands", "results"), [(0, 2, 2), (1, 3, 3), (2, 2, 2), (3, 3, 4), (4, 2, 3)]
)
def test_a_loop_that_ends_early_keeps_its_count(used: int, operands: int, results: int) -> None:
    """Carries: n, value (which reads w); then the count; stacked: value * value, n."""
    types = (INDEX, F32, F32)

    def condition(b: Any, n: Value, value: Value, w: Value) -> list[Value]:
        return [b.compare(n, b.array(np.int32(2)), direction="LT")]

    def body(b: Any, n: Value, value: Value, w: Value) -> list[Value]:
        following = b.add(n, b.array(np.int32(1)))
        return [following, b.multiply(value, w), b.multiply(value, value), n]

    regions = (region(3, condition, *types), region(3, body, *types))
    graph = graph_of(
        lambda b, *x: b.while_loop(*x, carries=2, maximum=4, regions=regions)[used], *types
    )
    result = apply(Pruning(), graph)
    node = only_op(result, "while_loop")
    if used in (0, 2, 4):  # neither value nor w is read
        operands = 1
        results = {0: 2, 2: 2, 4: 3}[used]
    assert (len(node.inputs), len(node.outputs)) == (operands, results)
    same_numbers(graph, result, [np.array(0, np.int32)])


@pytest.mark.parametrize(("used", "operands", "results"), [(0, 3, 1), (1, 2, 1)])
def test_a_counted_scan_keeps_how_far_it_goes(used: int, operands: int, results: int) -> None:
    rows = as_type("float32", (4, *F32.shape))

    def body(b: Any, carry: Value, row: Value) -> list[Value]:
        return [b.add(carry, row), b.tanh(row)]

    graph = graph_of(
        lambda b, *x: b.counted_scan(*x, carries=1, length=4, regions=(region(2, body),))[used],
        *(INDEX, F32, rows),
    )
    result = apply(Pruning(), graph)
    node = only_op(result, "counted_scan")
    assert (len(node.inputs), len(node.outputs)) == (operands, results)
    arrays = [np.array(3, np.int32), numbers(F32, 0, special=False), numbers(rows, 1)]
    assert_same_bits(evaluate(graph, arrays), evaluate(result, arrays))


def test_a_map_and_a_case_take_only_what_is_read() -> None:
    rows = as_type("float32", (4, *F32.shape))

    def body(b: Any, x: Value, y: Value, w: Value, v: Value) -> list[Value]:
        return [b.add(x, w), b.multiply(y, v)]

    graph = graph_of(
        lambda b, *x: b.vectorized_map(*x, invariants=2, length=4, regions=(region(4, body),))[1],
        *(rows, rows, F32, F32),
    )
    node = only_op(apply(Pruning(), graph), "vectorized_map")
    assert (len(node.inputs), len(node.outputs), node.attributes["invariants"]) == (2, 1, 1)

    branches = tuple(
        region(3, lambda b, x, y, z, n=n: [b.add(x, y) if n else b.negate(y), b.tanh(z)])
        for n in range(3)
    )
    graph = graph_of(lambda b, *x: b.case(*x, regions=branches)[0], INDEX, F32, F32, F32)
    result = apply(Pruning(), graph)
    node = only_op(result, "case")
    assert (len(node.inputs), len(node.outputs)) == (3, 1)
    for index in (-1, 0, 1, 7):
        same_numbers(graph, result, [np.array(index, np.int32)])


@pytest.mark.parametrize(("index", "op"), [(0, "tanh"), (1, "sine"), (9, "sine"), (-3, "tanh")])
def test_a_branch_that_is_always_taken_stands_in_place(index: int, op: str) -> None:
    branches = (region(1, lambda b, x: [b.tanh(x)]), region(1, lambda b, x: [b.sine(x)]))
    graph = graph_of(lambda b, x: b.case(b.array(np.int32(index)), x, regions=branches), F32)
    assert [n.op.name for n in apply(ConstantFolding(), graph).nodes if n.op.name != "input"] == [
        op
    ]
