"""The frozen slice of a dataflow graph that some values need, with others fed."""

from __future__ import annotations

from collections.abc import Sequence

from graphc.ir.editor import GraphEditor
from graphc.ir.graph import Graph, topological_order
from graphc.ir.node import Node, Value
from graphc.ops.dataflow import DataflowGraph


def slice_graph(
    graph: DataflowGraph, fetches: Sequence[Value], feeds: Sequence[Value] = ()
) -> Graph:
    """What `fetches` need, in creation order.

    The inputs are the fed values in their order, then placeholders that are needed and not fed.
    Nodes that only fed values need are left out.
    """
    fed = set(feeds)

    def operands(node: Node) -> tuple[Value, ...]:
        return () if fed and all(value in fed for value in node.outputs) else node.inputs

    needed = set(topological_order(fetches, feeds, operands))
    nodes = [node for node in graph.nodes if node in needed]
    constraints = list(graph.constraints)
    interior = [value for value in feeds if value.node.op.name != "input"]
    inputs = [value for value in feeds if value.node.op.name == "input"]
    known = set(inputs)
    inputs += [n.output for n in nodes if n.op.name == "input" and n.output not in known]
    sliced = Graph(inputs, fetches, nodes, constraints=constraints)
    if not interior:
        return sliced
    return _with_interior_feeds(sliced, feeds, interior)


def _with_interior_feeds(sliced: Graph, feeds: Sequence[Value], interior: list[Value]) -> Graph:
    editor = GraphEditor(sliced)
    stands_for: dict[Value, Value] = {}
    for value in interior:
        node = value.node
        with editor.build.located(node.origin, node.name):
            name = f"{node.name}:{value.index}"
            stands_for[value] = editor.build.input(value.type, name, "feed")
        editor.replace(value, stands_for[value])
    fed = [stands_for.get(value, value) for value in feeds]
    editor.inputs = fed + [value for value in editor.inputs if value not in fed]
    return editor.freeze()[0]
