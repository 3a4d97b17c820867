"""The frozen slice of a dataflow graph that some values need, with others fed."""

from __future__ import annotations

from collections.abc import Sequence

from graphc.dimensions import Dim, Shape
from graphc.ir.builder import Builder
from graphc.ir.graph import Graph, node_inputs, topological_order
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

    interior = [value for value in feeds if value.node.op.name != "input"]
    needed = set(topological_order(fetches, feeds, operands if interior else node_inputs))
    nodes = [node for node in graph.nodes if node in needed]
    inputs = [value for value in feeds if value.node.op.name == "input"]
    known = set(inputs)
    inputs += [n.output for n in nodes if n.op.name == "input" and n.output not in known]
    known_symbols = {symbol for value in inputs for symbol in symbols_of(value.type.shape)}
    constraints = [
        constraint
        for constraint in list(graph.constraints)  # another thread may be building
        if symbols_of((constraint.left, constraint.right)) <= known_symbols
    ]
    sliced = Graph(inputs, fetches, nodes, constraints=constraints)
    if not interior:
        return sliced
    return _with_interior_feeds(sliced, feeds, interior)


def symbols_of(shape: Shape) -> set[str]:
    """The names of the symbols in a shape."""
    return {name for size in shape if isinstance(size, Dim) for name in size.symbols}


def _with_interior_feeds(sliced: Graph, feeds: Sequence[Value], interior: list[Value]) -> Graph:
    """The slice with inputs in place of interior values; creation order orders assignments."""
    nodes: list[Node] = []
    build = Builder(nodes.append)
    replaced: dict[Value, Value] = {}
    for value in interior:
        with build.located(value.node.origin, value.node.name):
            replaced[value] = build.input(value.type, f"{value.node.name}:{value.index}", "feed")
    for node in sliced.nodes:
        operands = tuple([replaced.get(value, value) for value in node.inputs])
        if operands == node.inputs:
            nodes.append(node)
            continue
        types = tuple([value.type for value in node.outputs])
        made = Node(node.op, operands, node.attributes, types, node.regions, node.name, node.origin)
        nodes.append(made)
        for old, new in zip(node.outputs, made.outputs, strict=True):
            replaced.setdefault(old, new)
    fed = [replaced.get(value, value) for value in feeds]
    others = [value for value in sliced.inputs if value not in fed]
    outputs = [replaced.get(value, value) for value in sliced.outputs]
    return Graph([*fed, *others], outputs, nodes, constraints=sliced.constraints)
