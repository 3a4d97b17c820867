"""New values of variables in the order of the variables, so that each gets its own memory.

JAX gives the memory of a donated argument to the first result of the same type that has none. A new
value that gets another variable's memory is copied where that variable is still to be read, and one
that is changed in place always.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from graphc.ir.editor import GraphEditor
from graphc.ir.graph import Graph
from graphc.rewriting.graph_pass import GraphPass, PassContext, PassResult
from graphc.rewriting.rules import Numerics


@dataclass(frozen=True)
class UpdateOrder(GraphPass):
    """Orders new values of variables as the variables are among the inputs; others come last."""

    name: ClassVar[str] = "update_order"
    effect_on_numbers: ClassVar[Numerics] = "exact"
    idempotent: ClassVar[bool] = True

    def apply(self, graph: Graph, context: PassContext) -> PassResult:
        places = {value.node.attributes["name"]: i for i, value in enumerate(graph.inputs)}
        names = sorted(graph.update_names, key=lambda name: places.get(name, len(places)))
        if names == list(graph.update_names):
            return PassResult.unchanged(graph)
        editor, updates = GraphEditor(graph, context.registry), graph.updates
        outputs = [*graph.fetches, *[updates[name] for name in names]]
        editor.set_outputs(outputs, update_names=names)
        return PassResult.of(editor)
