"""Replacing every node of some ops in a graph and, before, in its regions."""

from __future__ import annotations

from collections.abc import Callable, Collection

from graphc.ir.editor import GraphEditor
from graphc.ir.graph import Graph
from graphc.ir.node import Node
from graphc.ir.registry import OpRegistry


class NodeReplacement:
    """What a pass does to every node of some ops; each region graph is edited once.

    Args:
        registry: the ops that may be made.
        op_names: the ops to replace; the name of one alone, too.
        replace: replaces one such node in an editor. Nodes come in the order of their graph, after
            the regions of all nodes of that graph were edited: one that has regions comes with
            the edited ones.
        is_wanted: which of those nodes to replace; all by default.

    Attributes:
        found: the nodes that were replaced, those of regions first.
    """

    def __init__(
        self,
        registry: OpRegistry,
        op_names: str | Collection[str],
        replace: Callable[[GraphEditor, Node], object],
        is_wanted: Callable[[Node], bool] = lambda node: True,
    ) -> None:
        self.found: list[Node] = []
        self._registry = registry
        names = [op_names] if isinstance(op_names, str) else op_names
        self._op_names = frozenset(names)
        self._replace = replace
        self._is_wanted = is_wanted
        self._regions: dict[Graph, Graph] = {}

    def edit(self, graph: Graph) -> GraphEditor | None:
        """An editor with the replacements made; None where there is nothing to replace."""
        names = self._op_names
        matches = [node for node in graph.nodes if node.op.name in names and self._is_wanted(node)]
        regions = {
            node: changed
            for node in graph.nodes
            if node.regions and (changed := self._edited_regions(node)) != node.regions
        }
        if not matches and not regions:
            return None
        editor = GraphEditor(graph, self._registry)
        twins: dict[Node, Node] = {}
        for node, changed in regions.items():
            with editor.build.located(node.origin, node.name):
                made = editor.build.make(node.op, node.inputs, node.attributes, changed)
            twins[node] = made
            for old, new in zip(node.outputs, made.outputs, strict=True):
                editor.replace(old, new)
        for node in matches:
            self.found.append(node)
            self._replace(editor, twins.get(node, node))
        return editor

    def _edited_regions(self, node: Node) -> tuple[Graph, ...]:
        return tuple([self._region(region) for region in node.regions])

    def _region(self, region: Graph) -> Graph:
        found = self._regions.get(region)
        if found is None:
            editor = self.edit(region)
            found = self._regions[region] = region if editor is None else editor.freeze()[0]
        return found
