"""Which nodes of a graph its outputs need."""

from __future__ import annotations

from graphc.ir.graph import Graph
from graphc.ir.node import Node


def needed_nodes(graph: Graph) -> set[Node]:
    """The nodes that outputs need, and all inputs."""
    needed = {value.node for value in graph.inputs}
    needed.update([value.node for value in graph.outputs])
    for node in reversed(graph.nodes):
        if node in needed:
            for value in node.inputs:
                needed.add(value.node)
    return needed
