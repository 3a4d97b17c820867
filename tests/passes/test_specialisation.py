"""Concrete sizes in place of symbols: everywhere, checked, and shared where nothing changes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from graphc.dimensions import symbol
from graphc.errors import ShapeError
from graphc.ir.graph import Graph
from graphc.ir.op import Constraint
from graphc.ir.parser import parse
from graphc.ir.types import as_type
from graphc.rewriting.graph_pass import PassContext, PassResult
from passes.specialisation import Specialisation
from tests.passes.built_programs import VECTOR, Program, body, op_names, run

N, M = symbol("n"), symbol("m")
ROWS = as_type("float32", (N, 3))


def specialised(graph: Graph, **sizes: int) -> PassResult:
    result = Specialisation()(graph, PassContext(sizes=sizes))
    for node in result.graph.walk():
        assert all(value.type.is_static for value in node.outputs)
    return result


def mean_graph() -> Graph:
    """The mean over n rows: a size that is computed with."""
    program = Program()
    x = program.at(3, "x").input(ROWS, "x", "feed")
    total = program.at(4, "total").reduce_sum(x, axes=(0,))
    rows = program.at(5, "rows").convert(program.dimension_size(x, axis=0), dtype="float32")
    spread = program.broadcast_in_dim(rows, shape=(3,), broadcast_dimensions=())
    return program.at(6, "mean").graph(program.divide(total, spread))


def test_the_graph_of_a_mean() -> None:
    result = specialised(mean_graph(), n=4)
    assert str(result.graph) == (
        "graphc opset 1\n"
        "graph {\n"
        '  input %0 : f32[4, 3] feed "x"\n'
        '  %1 = reduce_sum(%0) {axes=[0]} : f32[3] "total"\n'
        '  %2 = constant() {value=i32[] 4} : i32[] "rows"\n'
        '  %3 = convert(%2) {dtype=f32} : f32[] "rows"\n'
        '  %4 = broadcast_in_dim(%3) {shape=[3], broadcast_dimensions=[]} : f32[3] "rows"\n'
        '  %5 = divide(%1, %4) : f32[3] "mean"\n'
        "  return %5\n"
        "}"
    )
    x = np.arange(12, dtype=np.float32).reshape(4, 3)
    np.testing.assert_allclose(run(result.graph, feeds={"x": x})[0][0], x.mean(0))
    assert result.graph.outputs[0].node.origin.line == 6


def test_old_values_are_found_in_the_new_graph() -> None:
    graph = mean_graph()
    result = specialised(graph, n=4)
    for old, new in zip(
        graph.inputs + graph.outputs, result.graph.inputs + result.graph.outputs, strict=True
    ):
        assert result.values[old] is new
    assert [result.values[node.outputs[0]].node.op.name for node in graph.nodes][2] == "constant"


def test_a_graph_without_symbols_comes_back_as_it_is() -> None:
    program = Program()
    graph = program.graph(program.exponential(program.input(VECTOR, "x", "feed")))
    result = Specialisation()(graph, PassContext(sizes={"n": 3}))
    assert result.graph is graph
    assert not result.changed


def test_a_size_of_a_static_shape_is_folded_too() -> None:
    program = Program()
    x = program.input(VECTOR, "x", "feed")
    graph = specialised(program.graph(program.dimension_size(x, axis=0))).graph
    assert op_names(graph) == []
    assert run(graph, feeds={"x": [0, 0, 0]})[0] == [3]


def test_sizes_in_attributes_and_expressions() -> None:
    program = Program()
    x = program.input(ROWS, "x", "feed")
    flat = program.reshape(x, shape=(3 * N,))
    wide = program.broadcast_in_dim(flat, shape=(2, 3 * N), broadcast_dimensions=(1,))
    graph = specialised(program.graph(wide), n=2).graph
    assert graph.outputs[0].type is as_type("float32", (2, 6))
    assert graph.outputs[0].node.attributes["shape"] == (2, 6)
    assert parse(str(graph)) is not None


def test_regions_get_sizes_too() -> None:
    column = as_type("float32", (N,))
    program = Program()
    x, start = program.input(ROWS, "x", "feed"), program.input(column, "start", "feed")
    turned = program.transpose(x, permutation=(1, 0))

    def write(b: Program, carry: Any, row: Any) -> list[Any]:
        rows = b.convert(b.dimension_size(row, axis=0), dtype="float32")
        spread = b.broadcast_in_dim(rows, shape=(N,), broadcast_dimensions=())
        return [b.add(carry, b.multiply(row, spread))]

    total = program.scan(start, turned, regions=(body(write, column, column),), carries=1, length=3)
    graph = specialised(program.graph(total), n=2).graph
    assert graph.count("dimension_size") == 0
    found, _ = run(graph, feeds={"x": [[1, 2, 3], [4, 5, 6]], "start": [0, 0]})
    np.testing.assert_array_equal(found, [[12, 30]])


def test_nodes_without_symbols_are_shared() -> None:
    program = Program()
    x, y = program.input(ROWS, "x", "feed"), program.input(VECTOR, "y", "feed")
    graph = program.graph(program.exponential(x), program.exponential(y))
    result = specialised(graph, n=2).graph
    assert result.outputs[1] is graph.outputs[1]
    assert result.outputs[0] is not graph.outputs[0]


def two_vectors() -> Graph:
    """Vectors of n and m elements, added: n == m is left to check."""
    program = Program()
    x = program.input(as_type("float32", (N,)), "x", "feed")
    y = program.input(as_type("float32", (M,)), "y", "feed")
    return program.graph(program.at(8).add(x, y))


def test_constraints_that_hold_are_gone() -> None:
    graph = two_vectors()
    assert graph.constraints == (Constraint(N, M),)
    result = specialised(graph, n=2, m=2)
    assert result.graph.constraints == ()


def test_a_constraint_that_fails_is_named_with_its_sizes() -> None:
    with pytest.raises(ShapeError, match="the graph needs n == m") as caught:
        specialised(two_vectors(), n=2, m=3)
    assert "m = 3, n = 2" in str(caught.value)


def test_a_constraint_of_a_body_is_checked_by_the_op_around_it() -> None:
    program = Program()
    x = program.input(as_type("float32", (N,)), "x", "feed")
    y = program.input(as_type("float32", (M,)), "y", "feed")
    region = body(lambda b, a, c: [b.add(a, c)], x.type, y.type)
    flag = program.input(as_type("bool"), "flag", "feed")
    graph = program.graph(program.cond(flag, x, y, regions=(region, region)))
    assert specialised(graph, n=2, m=2).graph.outputs[0].type is as_type("float32", (2,))
    with pytest.raises(ShapeError, match="n == m"):
        specialised(graph, n=2, m=3)


def test_a_constraint_about_what_is_not_there_is_not_checked() -> None:
    program = Program()
    x = program.input(as_type("float32", (N,)), "x", "feed")
    graph = Graph([x], [x], program.nodes, constraints=[Constraint(symbol("k"), M)])
    assert specialised(graph, n=2).graph.outputs[0].type is as_type("float32", (2,))


def test_a_missing_size_is_named() -> None:
    with pytest.raises(ShapeError, match="not known") as caught:
        Specialisation()(two_vectors(), PassContext(sizes={"n": 2}))
    assert "a size for m" in str(caught.value)


def test_a_divisor_of_zero_names_the_line() -> None:
    program = Program()
    x = program.at(3).input(as_type("float32", (N // M,)), "x", "feed")
    with pytest.raises(ShapeError, match="divisor is 0") as caught:
        specialised(program.graph(program.exponential(x)), n=2, m=0)
    assert caught.value.origin is not None
    assert caught.value.origin.line == 3
