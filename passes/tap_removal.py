"""Removing `tap`s, once all gradients are written out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from graphc.ir.editor import GraphEditor
from graphc.ir.graph import Graph
from graphc.ir.node import Node
from graphc.rewriting.graph_pass import GraphPass, PassContext, PassResult
from graphc.rewriting.rules import Numerics
from passes.region_rewriting import NodeReplacement


@dataclass(frozen=True)
class TapRemoval(GraphPass):
    """Lets the users of a `tap` use its operand, in regions too.

    A tap keeps the path of a gradient from being rewritten. After `autodiff` it only stands in the
    way.
    """

    name: ClassVar[str] = "tap_removal"
    required: ClassVar[bool] = True
    effect_on_numbers: ClassVar[Numerics] = "exact"

    def apply(self, graph: Graph, context: PassContext) -> PassResult:
        taps = NodeReplacement(context.registry, ["tap"], _remove)
        editor = taps.edit(graph)
        if editor is None:
            return PassResult.unchanged(graph)
        return PassResult.of(editor, {"taps": len(taps.found)})


def _remove(editor: GraphEditor, tap: Node) -> None:
    editor.replace(tap.output, tap.inputs[0])
