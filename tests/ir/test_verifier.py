"""The verifier: each broken rule of the IR is found, at its node and line, in regions too."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import graphc.opset  # noqa: F401, registers the ops
from graphc.dimensions import symbol
from graphc.errors import VerifyError
from graphc.ir.attributes import NO_ATTRIBUTES
from graphc.ir.builder import GraphBuilder
from graphc.ir.graph import Graph
from graphc.ir.node import Node, Value
from graphc.ir.origin import Origin
from graphc.ir.registry import REGISTRY
from graphc.ir.types import TensorType, as_type
from graphc.ir.verifier import check_allowed, verify, verify_node

VECTOR = as_type("float32", (3,))
HERE = Origin("model.py", 7, "f")


def inputs(count: int) -> tuple[GraphBuilder, list[Value]]:
    build = GraphBuilder(origin=HERE)
    return build, [build.input(VECTOR, f"x{i}") for i in range(count)]


def raw(op: str, operands: tuple[Value, ...], *types: TensorType) -> Node:
    """A node that no type rule has seen."""
    return Node(REGISTRY[op], operands, NO_ATTRIBUTES, types, origin=HERE)


def used_before_it_is_made() -> Graph:
    build, (x,) = inputs(1)
    a = build.tanh(x)
    b = build.sine(a)
    return Graph([x], [b], [x.node, b.node, a.node])


def of_another_graph() -> Graph:
    build, (x, foreign) = inputs(2)
    y = build.add(x, foreign)
    return Graph([x], [y], [x.node, y.node])


def standing_twice() -> Graph:
    build, (x,) = inputs(1)
    y = build.tanh(x)
    return Graph([x], [y], [x.node, y.node, y.node])


def input_that_is_none() -> Graph:
    _, (x, y) = inputs(2)
    return Graph([x], [y], [x.node, y.node])


def input_listed_twice() -> Graph:
    _, (x,) = inputs(1)
    return Graph([x, x], [x], [x.node])


def input_missing_from_the_nodes() -> Graph:
    _, (x, y) = inputs(2)
    return Graph([x, y], [x], [x.node])


def node_among_the_inputs() -> Graph:
    build, (x,) = inputs(1)
    y = build.tanh(x)
    return Graph([x, y], [y], [x.node, y.node])


def output_outside() -> Graph:
    build, (x,) = inputs(1)
    return Graph([x], [build.tanh(x)], [x.node])


def variable_updated_twice() -> Graph:
    _, (x,) = inputs(1)
    return Graph([x], [x, x], [x.node], ["w", "w"])


def more_updates_than_outputs() -> Graph:
    _, (x,) = inputs(1)
    return Graph([x], [x], [x.node], ["v", "w"])


def wrong_type() -> Graph:
    _, (x,) = inputs(1)
    node = raw("tanh", (x,), as_type("float32", (4,)))
    return Graph([x], node.outputs, [x.node, node])


def wrong_operands() -> Graph:
    build, (x,) = inputs(1)
    node = raw("add", (x, build.input(as_type("f32", (4,)), "y")), VECTOR)
    return Graph(build.inputs, node.outputs, [*build.nodes, node])


def too_few_operands() -> Graph:
    _, (x,) = inputs(1)
    node = raw("add", (x,), VECTOR)
    return Graph([x], node.outputs, [x.node, node])


def too_many_results() -> Graph:
    _, (x,) = inputs(1)
    node = raw("tanh", (x,), VECTOR, VECTOR)
    return Graph([x], node.outputs[:1], [x.node, node])


def inside_a_region() -> Graph:
    build, (x,) = inputs(1)
    broken = wrong_type()
    sound = Graph(broken.inputs, broken.inputs, broken.nodes)
    y = build.fusion(x, regions=(sound,), kind="elementwise")
    return Graph([x], [y], [x.node, y.node])


def inside_a_region_that_captures() -> Graph:
    build, (x,) = inputs(1)
    inner, (a,) = inputs(1)
    captured = inner.add(a, x)
    region = Graph([a], [captured], [a.node, captured.node])
    y = build.fusion(x, regions=(region,), kind="elementwise")
    return Graph([x], [y], [x.node, y.node])


BROKEN: list[tuple[Callable[[], Graph], str, bool]] = [
    (used_before_it_is_made, "sine uses a value of tanh that stands later", True),
    (of_another_graph, "add uses a value of input that stands later or in another graph", True),
    (standing_twice, "tanh stands twice", True),
    (input_that_is_none, "no input of the graph", True),
    (input_listed_twice, "twice among the inputs", False),
    (input_missing_from_the_nodes, "input stands among the inputs", False),
    (node_among_the_inputs, "among the inputs", False),
    (output_outside, "an output is made by tanh outside the graph", True),
    (variable_updated_twice, "updated twice", False),
    (more_updates_than_outputs, "more variables are updated", False),
    (wrong_type, "tanh has other types than its type rule gives", True),
    (wrong_operands, "add does not take its operands", True),
    (too_few_operands, "add does not take its operands", True),
    (too_many_results, "tanh has other types", True),
    (inside_a_region, "tanh has other types", True),
    (inside_a_region_that_captures, "add uses a value of input", True),
]


@pytest.mark.parametrize(("broken", "words", "blamed"), BROKEN)
def test_a_broken_rule_is_found_at_its_line(broken, words: str, blamed: bool) -> None:
    graph = broken()
    with pytest.raises(VerifyError, match=words) as caught:
        verify(graph)
    assert caught.value.origin is (HERE if blamed else None)


def test_both_types_are_shown() -> None:
    with pytest.raises(VerifyError) as caught:
        verify(wrong_type())
    assert caught.value.given == (as_type("f32", (4,)),)
    assert caught.value.expected == (VECTOR,)


def test_a_sound_graph_passes() -> None:
    build, (x, unused) = inputs(2)
    region, (a,) = inputs(1)
    y = build.fusion(x, regions=(region.finish([region.tanh(a)]),), kind="elementwise")
    verify(build.finish([y, y, x]))
    verify(Graph([x, unused], [y, x], build.nodes, ["w", "v"]))
    verify(Graph([], [], []))


def test_undecided_sizes_are_no_error() -> None:
    build = GraphBuilder()
    x, y = (build.input(as_type("f32", (symbol(name),)), name) for name in "nm")
    verify(build.finish([build.add(x, y)]))


@pytest.mark.parametrize("broken", [wrong_type, too_many_results, inside_a_region])
def test_types_of_known_nodes_are_not_checked_again(broken) -> None:
    graph = broken()
    verify(graph, set(graph.nodes))


@pytest.mark.parametrize("broken", [used_before_it_is_made, standing_twice, output_outside])
def test_the_place_of_a_known_node_is_checked_all_the_same(broken) -> None:
    graph = broken()
    with pytest.raises(VerifyError):
        verify(graph, set(graph.nodes))


def test_one_node_is_checked_alone() -> None:
    graph = used_before_it_is_made()
    for node in graph.nodes:
        verify_node(node)
    with pytest.raises(VerifyError):
        verify_node(wrong_type().nodes[1])


def test_an_op_that_a_stage_forbids_is_found_in_regions_too() -> None:
    build, (x,) = inputs(1)
    region, (a,) = inputs(1)
    y = build.fusion(x, regions=(region.finish([region.tanh(a)]),), kind="elementwise")
    graph = build.finish([y])
    check_allowed(graph.nodes, {"sine"}, "lowered")
    for name in ("fusion", "tanh"):
        with pytest.raises(
            VerifyError, match=f"{name} may not exist after the stage 'low"
        ) as caught:
            check_allowed(graph.nodes, {name}, "lowered")
        assert caught.value.origin is HERE
