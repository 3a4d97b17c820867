"""Pruning: what no output needs goes, what one needs stays, inputs stay."""

from __future__ import annotations

import networkx

from graphc.ir.graph import Graph
from graphc.ir.networkx_view import node_digraph
from graphc.ir.parser import parse
from passes.pruning import Pruning, needed_nodes
from tests.passes.rewrite_checks import F32, apply, assert_same_graph, graph_of

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
