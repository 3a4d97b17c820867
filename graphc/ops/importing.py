"""A frozen graph as a dataflow graph: what was parsed or imported becomes something to run."""

from __future__ import annotations

from collections.abc import Sequence

from graphc.ir.graph import Graph
from graphc.ir.node import Value
from graphc.ops.dataflow import DataflowGraph
from graphc.ops.tensor import Tensor


def import_graph(graph: Graph, into: DataflowGraph | None = None) -> DataflowGraph:
    """A dataflow graph with the nodes of a frozen one.

    Names are kept where they are unique. Inputs of every kind become placeholders, variables' old
    values included; new values of variables are tensors named "update/<variable>".

    Args:
        graph: the frozen one.
        into: where the nodes are added: a graph that has the variables they read; a new one by
            default.
    """
    made = DataflowGraph() if into is None else into
    tensors: dict[Value, Tensor] = {}
    for value in graph.inputs:
        tensors[value] = made.add_input(value.type, value.node.attributes["name"], "feed")
    _add_nodes(graph, tensors, made)
    streams = [node.attributes["stream"] for node in graph.walk() if "stream" in node.attributes]
    if streams:  # further random ops are to draw other numbers
        made.next_stream(first=1 + max(streams))
    after = made.build
    for name, value in graph.updates.items():
        after.name = made.unique_name(f"update/{name}")
        after.after(tensors[value].value)
    return made


def inlined(graph: Graph, operands: Sequence[Tensor], target: DataflowGraph) -> list[Tensor]:
    """The outputs of a frozen graph, whose nodes are added to another one, for these inputs."""
    tensors = dict(zip(graph.inputs, operands, strict=True))
    _add_nodes(graph, tensors, target)
    return [tensors[value] for value in graph.outputs]


def _add_nodes(graph: Graph, tensors: dict[Value, Tensor], target: DataflowGraph) -> None:
    for node in graph.nodes:
        if node.op.name == "input":
            continue
        operands = [tensors[value] for value in node.inputs]
        results = target.add(
            node.op, operands, node.attributes, node.regions, node.name or None, node.origin
        )
        tensors.update(zip(node.outputs, results, strict=True))
