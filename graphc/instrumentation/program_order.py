"""The order in which nodes are blamed: what was written first, then gradients, then updates."""

from __future__ import annotations

from collections.abc import Sequence

from graphc.ir.builder import Builder
from graphc.ir.editor import GraphEditor
from graphc.ir.graph import Graph
from graphc.ir.node import Node, Value
from graphc.ir.op import InlineLowering

_PHASES = {"autodiff": 1, "optimizer_updates": 2}


def write_fusions_out(editor: GraphEditor) -> None:
    """Put the nodes of regions that only group them in their place."""
    for node in editor.graph.nodes:
        if isinstance(node.op.lower, InlineLowering):
            made = _inline(editor.build, node.regions[0], editor.operands(node))
            for old, new in zip(node.outputs, made, strict=True):
                editor.replace(old, new)


def _inline(build: Builder, graph: Graph, operands: Sequence[Value]) -> list[Value]:
    values = dict(zip(graph.inputs, operands, strict=True))
    for node in graph.nodes:
        if node.op.name == "input":
            continue
        inputs = tuple([values[value] for value in node.inputs])
        if isinstance(node.op.lower, InlineLowering):
            made: Sequence[Value] = _inline(build, node.regions[0], inputs)
        else:
            with build.located(node.origin, node.name):
                made = build.make(node.op, inputs, node.attributes, node.regions).outputs
        values.update(zip(node.outputs, made, strict=True))
    return [values[value] for value in graph.outputs]


def in_phases(nodes: Sequence[Node], editor: GraphEditor | None = None) -> list[Node]:
    """Nodes in topological order, those of the forward pass before gradients before updates.

    What a gradient is used for counts as a part of it: operands still stand before users.
    """
    phases: dict[Node, int] = {}
    for node in nodes:
        operands = node.inputs if editor is None else editor.operands(node)
        own = max([_PHASES.get(rule, 0) for rule in node.origin.rules], default=0)
        phases[node] = max([own, *[phases[value.node] for value in operands]])
    return sorted(nodes, key=phases.__getitem__)
