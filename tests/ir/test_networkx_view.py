"""The networkx view: operand order and double edges survive, algorithms see the data flow."""

from __future__ import annotations

import networkx as nx

import graphc.opset  # noqa: F401, registers the ops
from graphc.ir.builder import GraphBuilder
from graphc.ir.networkx_view import node_digraph, to_networkx
from graphc.ir.types import as_type

VECTOR = as_type("float32", (3,))


def diamond():
    build = GraphBuilder()
    x, unused = build.input(VECTOR, "x"), build.input(VECTOR, "unused")
    square = build.multiply(x, x)
    build.name = "scope/side"
    side = build.tanh(x)
    build.name = ""
    top = build.subtract(side, square)
    return build.finish([top]), [value.node for value in (x, unused, square, side, top)]


def test_both_edges_of_a_square_and_the_order_of_operands_are_kept() -> None:
    graph, (x, _, square, side, top) = diamond()
    view = to_networkx(graph)
    assert sorted(key for _, _, key in view.in_edges(square, keys=True)) == [0, 1]
    assert {key: user for user, _, key in view.in_edges(top, keys=True)} == {0: side, 1: square}
    assert view.number_of_edges() == 5
    assert view.edges[x, square, 1]["value"] is x.output


def test_every_node_is_there_with_its_label_used_or_not() -> None:
    graph, nodes = diamond()
    for view in (to_networkx(graph), node_digraph(graph)):
        assert list(view) == list(graph.nodes)
        assert set(view) == set(nodes)
    data = to_networkx(graph).nodes
    assert [data[node]["op"] for node in nodes] == [
        "input",
        "input",
        "multiply",
        "tanh",
        "subtract",
    ]
    assert [data[node]["label"] for node in nodes[2:]] == ["multiply", "scope/side", "subtract"]


def test_algorithms_see_the_data_flow() -> None:
    graph, (x, unused, square, side, top) = diamond()
    flow = node_digraph(graph)
    assert nx.is_directed_acyclic_graph(flow)
    assert nx.ancestors(flow, top) == {x, square, side}
    assert nx.descendants(flow, unused) == set()
    assert flow.number_of_edges() == 4, "one edge for the two of a square"
    assert nx.immediate_dominators(flow, x)[top] is x


def test_a_result_of_several_is_told_by_its_edge() -> None:
    inner = GraphBuilder()
    a = inner.input(VECTOR, "a")
    region = inner.finish([inner.tanh(a), inner.sine(a)])
    build = GraphBuilder()
    x = build.input(VECTOR, "x")
    first, second = build.fusion(x, regions=(region,), kind="elementwise")
    top = build.subtract(second, first)
    view = to_networkx(build.finish([top]))
    edges = view[first.node][top.node]
    assert {key: edges[key]["value"].index for key in edges} == {0: 1, 1: 0}
    assert len(view) == 3, "nodes of regions are in the views of the regions"
