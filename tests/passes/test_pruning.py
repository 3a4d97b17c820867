"""Pruning: what no output needs goes, what one needs stays, inputs stay."""

from __future__ import annotations

import networkx
import numpy as np
import pytest

from graphc.ir.builder import GraphBuilder
from graphc.ir.graph import Graph
from graphc.ir.networkx_view import node_digraph
from graphc.ir.parser import parse
from graphc.ir.types import as_type
from graphc.reference.evaluator import evaluate
from passes.needed_nodes import needed_nodes
from passes.pruning import Pruning
from tests.passes.rewrite_checks import (
    F32,
    apply,
    assert_same_bits,
    assert_same_graph,
    graph_of,
    numbers,
)

TEXT = """graphc opset 1
graph {
  input %0 : f32[2, 3] feed "used"
  input %1 : f32[2, 3] feed "unused"
  %2 = tanh(%0) : f32[2, 3]
  %3 = exponential(%1) : f32[2, 3]
  %4 = add(%3, %2) : f32[2, 3]
  %5 = sine(%2) : f32[2, 3]
  return %5
  update "w" = %2
}"""


def test_nodes_that_no_output_needs_are_dropped_and_inputs_are_kept() -> None:
    graph = parse(TEXT)
    result = apply(Pruning(), graph)
    assert [node.op.name for node in result.nodes] == ["input", "input", "tanh", "sine"]
    assert result.update_names == ("w",)
    assert Pruning()(graph).details == {"dropped": 2}
    # Nodes never change: those that stay are the same.
    assert result.outputs == graph.outputs


def test_what_is_needed_are_the_ancestors_of_the_outputs() -> None:
    graph = parse(TEXT)
    view = node_digraph(graph)
    expected = {value.node for value in (*graph.inputs, *graph.outputs)}
    for value in graph.outputs:
        expected |= networkx.ancestors(view, value.node)
    assert needed_nodes(graph) == expected


def test_a_graph_without_dead_nodes_is_left_alone() -> None:
    graph = graph_of(lambda b, x: b.tanh(x), F32)
    assert Pruning()(graph).graph is graph


def test_an_unused_input_is_not_dead() -> None:
    graph = graph_of(lambda b, x, y: b.tanh(x), F32, F32)
    assert Pruning()(graph).graph is graph


def test_an_output_that_is_an_input_needs_no_node() -> None:
    base = parse(TEXT)
    graph = Graph(base.inputs, base.inputs[:1], base.nodes)
    assert_same_graph(apply(Pruning(), graph), graph_of_inputs(base))


def graph_of_inputs(base: Graph) -> Graph:
    return Graph(base.inputs, base.inputs[:1], [value.node for value in base.inputs])


# --- results of region ops ------------------------------------------------------------------------

SCALAR = as_type("int32")


def branches() -> tuple[Graph, Graph]:
    made: list[Graph] = []
    for name in ("tanh", "sine"):
        build = GraphBuilder()
        x, y, _ = (build.input(F32, key) for key in "xyz")
        made.append(build.finish([getattr(build, name)(x), build.exponential(y)]))
    return made[0], made[1]


def test_a_branch_computes_only_what_is_used() -> None:
    def program(build, p, x, y, z):
        return build.cond(p, x, build.log(y), z, regions=branches())[0]

    types = (as_type("bool"), F32, F32, F32)
    graph = graph_of(program, *types)
    result = apply(Pruning(), graph)
    assert result.count("log") == result.count("exponential") == 0
    (node,) = [node for node in result.nodes if node.op.name == "cond"]
    assert (len(node.inputs), len(node.outputs)) == (2, 1)
    arrays = [np.array(True), *[numbers(F32, salt) for salt in range(3)]]
    assert_same_bits(evaluate(graph, arrays), evaluate(result, arrays))


def loop_body() -> Graph:
    """Five carries: a counter, two that need each other, one read by nobody, one that stands."""
    build = GraphBuilder()
    count = build.input(SCALAR, "count")
    a, b, idle, still = (build.input(F32, name) for name in ("a", "b", "idle", "still"))
    x, w, unread = build.input(F32, "x"), build.input(F32, "w"), build.input(F32, "unread")
    one = build.array(np.int32(1))
    carried = [
        build.add(count, one),
        build.add(b, x),
        build.multiply(a, w),
        build.tanh(idle),
        still,
    ]
    stacked = [build.exponential(a), build.log(idle), build.add(unread, idle)]
    return build.finish([*carried, *stacked])


def loop(build, *values):
    return build.scan(*values, carries=5, invariants=2, length=3, regions=(loop_body(),))


LOOP_TYPES = (SCALAR, F32, F32, F32, F32, as_type("float32", (3, 2, 3)), F32, F32)


@pytest.mark.parametrize(
    ("used", "carries", "scanned", "invariants", "stacked"),
    [
        ([0], 1, 0, 0, 0),  # the counter depends on nothing else
        ([1], 2, 1, 1, 0),  # a needs b, which needs a
        ([5], 2, 1, 1, 1),  # what is stacked of a needs both
        ([6], 1, 0, 0, 1),
        ([7, 4], 2, 0, 1, 1),
        ([0, 1, 2, 3, 4, 5, 6, 7], 5, 1, 2, 3),
    ],
)
def test_a_loop_carries_only_what_is_used(used, carries, scanned, invariants, stacked) -> None:
    graph = graph_of(
        lambda b, *x: [results[i] for results in [loop(b, *x)] for i in used], *LOOP_TYPES
    )
    result = apply(Pruning(), graph)
    (node,) = [node for node in result.nodes if node.op.name == "scan"]
    assert node.attributes["carries"] == carries
    assert node.attributes["invariants"] == invariants
    assert len(node.inputs) == carries + scanned + invariants
    assert len(node.outputs) == carries + stacked
    arrays = [numbers(type_, salt, special=False) for salt, type_ in enumerate(LOOP_TYPES)]
    assert_same_bits(evaluate(graph, arrays), evaluate(result, arrays))


def while_regions() -> tuple[Graph, Graph]:
    graphs: list[Graph] = []
    for is_condition in (True, False):
        build = GraphBuilder()
        count, limit = build.input(SCALAR, "count"), build.input(SCALAR, "limit")
        value, idle, w = (build.input(F32, name) for name in ("value", "idle", "w"))
        if is_condition:
            graphs.append(build.finish([build.compare(count, limit, direction="LT")]))
        else:
            one = build.array(np.int32(1))
            outputs = [build.add(count, one), limit, build.add(value, w), build.tanh(idle)]
            graphs.append(build.finish(outputs))
    return graphs[0], graphs[1]


@pytest.mark.parametrize(("used", "operands", "results"), [(0, 2, 2), (2, 4, 3), (3, 3, 3)])
def test_what_the_condition_reads_stays(used, operands, results) -> None:
    types = (SCALAR, SCALAR, F32, F32, F32)
    graph = graph_of(
        lambda b, *x: b.while_loop(*x, carries=4, regions=while_regions())[used], *types
    )
    result = apply(Pruning(), graph)
    (node,) = [node for node in result.nodes if node.op.name == "while_loop"]
    assert (len(node.inputs), len(node.outputs)) == (operands, results)
    arrays = [np.array(0, np.int32), np.array(3, np.int32), *[numbers(F32, s) for s in range(3)]]
    assert_same_bits(evaluate(graph, arrays), evaluate(result, arrays))


def test_loops_within_loops_are_pruned_and_values_are_followed() -> None:
    outer = GraphBuilder()
    carry, other = outer.input(F32, "carry"), outer.input(F32, "other")
    inner = loop(
        outer, outer.array(np.int32(0)), carry, carry, other, other,
        outer.broadcast_in_dim(carry, shape=(3, 2, 3), broadcast_dimensions=(1, 2)), carry, other,
    )  # fmt: skip
    body = outer.finish([inner[1], inner[3]])
    graph = graph_of(
        lambda b, x, y: b.scan(x, y, carries=2, length=2, regions=(body,))[0], F32, F32
    )
    result = Pruning()(graph)
    assert result.graph.count("tanh") == result.graph.count("log") == 0
    assert not Pruning()(result.graph).changed
    assert result.values[graph.outputs[0]] is result.graph.outputs[0]
    arrays = [numbers(F32, salt, special=False) for salt in range(2)]
    assert_same_bits(evaluate(graph, arrays), evaluate(result.graph, arrays))
