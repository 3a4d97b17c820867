"""Frozen graphs: fetches and updates, the order of nodes, counting and digests."""

from __future__ import annotations

import copy
import pickle

import pytest

import graphc.opset  # noqa: F401, registers the ops
from graphc.dimensions import symbol
from graphc.ir.builder import GraphBuilder
from graphc.ir.graph import Graph, node_inputs, topological_order
from graphc.ir.op import Constraint
from graphc.ir.origin import Origin
from graphc.ir.types import as_type

VECTOR = as_type("float32", (3,))
n = symbol("n")


def test_the_last_outputs_are_updates() -> None:
    build = GraphBuilder()
    x = build.input(VECTOR, "x")
    a, b = build.tanh(x), build.sine(x)
    nodes = [value.node for value in (x, a, b)]
    graph = Graph([x], [x, a, b], nodes, ["v", "w"])
    assert graph.fetches == (x,)
    assert list(graph.updates.items()) == [("v", a), ("w", b)]
    assert Graph([x], [a], nodes).fetches == (a,)
    assert Graph([x], [a], nodes).updates == {}
    only = Graph([x], [a, b], nodes, ["v", "w"])
    assert only.fetches == ()


def test_a_graph_keeps_no_list_of_its_maker() -> None:
    build = GraphBuilder()
    x = build.input(VECTOR, "x")
    lists = [x], [x], [x.node], ["w"], [Constraint(n, 3), Constraint(n, 3)]
    graph = Graph(*lists)
    for each in lists:
        each.clear()
    assert graph.inputs == graph.outputs == (x,)
    assert (graph.nodes, graph.update_names) == ((x.node,), ("w",))
    assert graph.constraints == (Constraint(n, 3),), "each equation once"


def test_the_order_depends_on_the_graph_and_not_on_who_was_made_first() -> None:
    build = GraphBuilder()
    x = build.input(VECTOR, "x")
    right, left = build.sine(x), build.tanh(x)
    top = build.add(left, right)
    assert [node.op.name for node in topological_order([top])] == ["input", "tanh", "sine", "add"]
    assert topological_order([right, top])[:2] == [x.node, right.node]


def test_inputs_come_first_used_or_not_and_each_once() -> None:
    build = GraphBuilder()
    unused, used = build.input(VECTOR, "a"), build.input(VECTOR, "b")
    y = build.tanh(used)
    assert topological_order([y, y, used], [unused, used]) == [unused.node, used.node, y.node]


def test_the_order_follows_the_operands_as_they_are_now() -> None:
    build = GraphBuilder()
    x = build.input(VECTOR, "x")
    old, new = build.tanh(x), build.sine(x)
    y = build.cosine(old)
    moved = {y.node: (new,)}
    order = topological_order([y], operands_of=lambda node: moved.get(node, node_inputs(node)))
    assert [node.op.name for node in order] == ["input", "sine", "cosine"]


def test_a_graph_far_deeper_than_pythons_stack_is_ordered() -> None:
    build = GraphBuilder()
    value = x = build.input(VECTOR, "x")
    for _ in range(20_000):
        value = build.tanh(value)
    assert topological_order([value]) == build.nodes
    assert topological_order([x]) == [x.node]


def with_region() -> Graph:
    body = GraphBuilder()
    a = body.input(VECTOR, "a")
    region = body.finish([body.tanh(body.tanh(a))])
    build = GraphBuilder()
    x = build.input(VECTOR, "x")
    return build.finish([build.tanh(build.fusion(x, regions=(region,), kind="elementwise"))])


def test_nodes_of_regions_are_walked_and_counted() -> None:
    graph = with_region()
    names = [node.op.name for node in graph.walk()]
    assert names == ["input", "fusion", "input", "tanh", "tanh", "tanh"]
    assert (graph.count(), graph.count("tanh"), graph.count("input")) == (4, 3, 2)
    assert graph.count("sine") == 0
    assert len(graph) == 3
    assert repr(graph) == "<Graph: 1 inputs, 4 nodes>"


def test_the_digest_is_that_of_the_text() -> None:
    def graph(name: str = "", line: int = 1, number: float = 1.0, op: str = "tanh") -> Graph:
        build = GraphBuilder(origin=Origin("model.py", line, "f"), name=name)
        x = build.input(VECTOR, "x")
        y = build.full(number, VECTOR.dtype, (3,))
        return build.finish([getattr(build, op)(build.add(x, y))])

    first = graph()
    assert len(first.digest) == 64
    assert graph().digest == first.digest
    assert graph(line=9).digest == first.digest
    others = [graph(number=-0.0), graph(number=0.0), graph(op="sine"), graph(name="y"), first]
    assert len({each.digest for each in others}) == len(others)


@pytest.mark.parametrize("copying", [copy.copy, copy.deepcopy, pickle.dumps])
def test_a_graph_is_text_and_never_a_pickle(copying) -> None:
    with pytest.raises(TypeError, match="parse"):
        copying(with_region())
