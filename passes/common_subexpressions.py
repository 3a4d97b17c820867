"""Common subexpressions: what is computed twice from the same values is computed once.

Two nodes are one when op, attributes, regions and operands are; the operands of a commutative op in
either order. Constants are equal when every bit is: 0.0 is not -0.0, and one NaN is not another.
Draws from the same random key are the same numbers, so they are one as well; making a key is an
effect, and is not. Barriers (`tap`, `optimization_barrier`, inputs) stay as many as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from graphc.ir.editor import GraphEditor
from graphc.ir.graph import Graph
from graphc.ir.node import Node, Value
from graphc.ir.op import OpSpec, Trait
from graphc.ir.registry import OpRegistry
from graphc.rewriting.graph_pass import GraphPass, PassContext, PassResult
from graphc.rewriting.rules import Numerics

_NEVER_MERGED = Trait.EFFECT | Trait.BARRIER


@dataclass(frozen=True)
class CommonSubexpressions(GraphPass):
    """Merges nodes that compute the same from the same, in regions too."""

    name: ClassVar[str] = "common_subexpressions"
    idempotent: ClassVar[bool] = True
    effect_on_numbers: ClassVar[Numerics] = "exact"

    def apply(self, graph: Graph, context: PassContext) -> PassResult:
        merging = _Merging(context.registry)
        editor = merging.edit(graph)
        if editor is None:
            return PassResult.unchanged(graph)
        return PassResult.of(editor, {"merged": merging.merged})


class _Merging:
    """Value numbering: one table per graph, in topological order."""

    def __init__(self, registry: OpRegistry) -> None:
        self.registry = registry
        self.merged = 0
        self.bodies: dict[Graph, Graph] = {}
        self.commutes: dict[OpSpec, bool | None] = {}

    def edit(self, graph: Graph) -> GraphEditor | None:
        """An editor in which equal nodes are merged; None where there are none."""
        editor: GraphEditor | None = None
        first: dict[object, Node] = {}
        commutes = self.commutes
        for node in graph.nodes:
            op = node.op
            try:
                is_commutative = commutes[op]
            except KeyError:
                is_commutative = commutes[op] = self._commutes(op)
            if is_commutative is None:
                continue
            operands = node.inputs if editor is None else editor.operands(node)
            if node.regions:
                node, editor = self._with_merged_bodies(graph, node, operands, editor)
                key: object = (op, node.attributes, operands, _digests(node))
            elif is_commutative:
                left, right = operands
                pair = (left, right) if id(left) < id(right) else (right, left)
                key = (op, node.attributes, pair)
            else:
                key = (op, node.attributes, operands)
            found = first.setdefault(key, node)
            if found is not node and _types(found) == _types(node):
                editor = editor or GraphEditor(graph, self.registry)
                self.merged += 1
                for old, new in zip(node.outputs, found.outputs, strict=True):
                    editor.replace(old, new)
        return editor

    def _commutes(self, op: OpSpec) -> bool | None:
        """Whether two operands may change places; None where nodes are never merged."""
        return None if op.has(_NEVER_MERGED) else op.has(Trait.COMMUTATIVE)

    def _with_merged_bodies(
        self, graph: Graph, node: Node, operands: tuple[Value, ...], editor: GraphEditor | None
    ) -> tuple[Node, GraphEditor | None]:
        """The node with what is equal in its bodies merged; itself where nothing is."""
        regions = tuple([self._body(region) for region in node.regions])
        if regions == node.regions:
            return node, editor
        editor = editor or GraphEditor(graph, self.registry)
        with editor.build.located(node.origin, node.name):
            made = editor.build.make(node.op, operands, node.attributes, regions)
        for old, new in zip(node.outputs, made.outputs, strict=True):
            editor.replace(old, new)
        return made, editor

    def _body(self, region: Graph) -> Graph:
        found = self.bodies.get(region)
        if found is None:
            editor = self.edit(region)
            found = region if editor is None else editor.freeze()[0]
            self.bodies[region] = self.bodies[found] = found
        return found


def _digests(node: Node) -> tuple[str, ...]:
    return tuple([region.digest for region in node.regions])


def _types(node: Node) -> list[object]:
    return [value.type for value in node.outputs]
