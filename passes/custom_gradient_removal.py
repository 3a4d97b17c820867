"""Functions with own gradients written out, once all gradients are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from graphc.ir.builder import inline
from graphc.ir.editor import GraphEditor
from graphc.ir.graph import Graph
from graphc.ir.node import Node
from graphc.rewriting.graph_pass import GraphPass, PassContext, PassResult
from graphc.rewriting.rules import Numerics
from passes.region_rewriting import NodeReplacement


@dataclass(frozen=True)
class CustomGradientRemoval(GraphPass):
    """Puts the forward function of a `custom_gradient` in its place, in regions too.

    Its backward function has served its purpose where a gradient was taken; what both compute is
    merged by the stage that follows.
    """

    name: ClassVar[str] = "custom_gradient_removal"
    required: ClassVar[bool] = True
    effect_on_numbers: ClassVar[Numerics] = "exact"

    def apply(self, graph: Graph, context: PassContext) -> PassResult:
        functions = NodeReplacement(context.registry, ["custom_gradient"], _write_out)
        editor = functions.edit(graph)
        if editor is None:
            return PassResult.unchanged(graph)
        return PassResult.of(editor, {"functions": len(functions.found)})


def _write_out(editor: GraphEditor, node: Node) -> None:
    made = inline(editor.build, node.regions[0], list(editor.operands(node)))
    for old, new in zip(node.outputs, made, strict=True):
        editor.replace(old, new)
