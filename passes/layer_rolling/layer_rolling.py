"""The pass that rolls repeated layers: see the package's description."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from graphc.ir.editor import GraphEditor
from graphc.ir.graph import Graph
from graphc.ir.node import Node
from graphc.rewriting.graph_pass import GraphPass, PassContext, PassResult
from graphc.rewriting.rules import Numerics
from passes.layer_rolling.emission import RULE, LoopEmitter
from passes.layer_rolling.expansion import difference_after_expansion
from passes.layer_rolling.loop_search import LoopSearch
from passes.layer_rolling.loops import Loop
from passes.layer_rolling.node_signatures import is_heavy
from passes.layer_rolling.own_beginnings import Composed, OwnBeginnings
from passes.layer_rolling.row_costs import rows_take_more_memory
from passes.layer_rolling.selection import takes_more_memory


@dataclass(frozen=True)
class LayerRolling(GraphPass):
    """Rolls chains of equal blocks into one `scan` each.

    Attributes:
        least: how many blocks a chain must have. Two or three compile about as fast written out.
        weighs_stacks: whether what must be stacked for a loop, or lies beside its stacks, is
            weighed against what the loop saves.
    """

    least: int = 4
    weighs_stacks: bool = False

    name: ClassVar[str] = RULE
    effect_on_numbers: ClassVar[Numerics] = "exact"
    idempotent: ClassVar[bool] = True

    def apply(self, graph: Graph, context: PassContext) -> PassResult:
        search = LoopSearch(graph, self.least, self.weighs_stacks)
        own = OwnBeginnings(graph, search.signatures, search.users, self.least)
        if own.graph is not graph:
            search = LoopSearch(own.graph, self.least, self.weighs_stacks)
        loops = search.run()
        for reason in (*search.refused, *search.left_out()):
            context.trace.refuse(self.name, "roll", reason)
        if not loops:
            return PassResult.unchanged(graph)
        ordered = search.in_order(loops)
        reason = None
        if self.weighs_stacks:
            reason = takes_more_memory(ordered, search.users)
            if context.memory is None:  # a budget is met in loops
                reason = reason or rows_take_more_memory(graph, ordered, context.packs)
        if reason is not None:
            context.trace.refuse(self.name, "roll", reason)
            return PassResult.unchanged(graph)
        editor = GraphEditor(own.graph, context.registry)
        scans = LoopEmitter(editor, context.registry, search.users).emit(ordered)
        details = [_describe(loop, scan) for loop, scan in zip(ordered, scans, strict=True)]
        for scan in scans:
            context.trace.fire(self.name, "roll", scan)
        result = PassResult.of(editor, {"loops": details})
        difference = difference_after_expansion(graph, result.graph)
        if difference is not None:
            context.trace.refuse(self.name, "roll", f"expanding does not give back: {difference}")
            return PassResult.unchanged(graph)
        return replace(result, values=Composed(own, result.values))


def _describe(loop: Loop, scan: Node) -> dict[str, Any]:
    carries, invariants = scan.attributes["carries"], scan.attributes["invariants"]
    return {
        "name": scan.name,
        "line": f"{Path(scan.origin.file).name}:{scan.origin.line}" if scan.origin.line else "",
        "iterations": loop.schedule.length,
        "period": _layers_of_block(loop),
        "nodes before": loop.schedule.length * len(loop.orbits),
        "body nodes": len(loop.orbits),
        "carried": carries,
        "scanned": len(scan.inputs) - carries - invariants,
        "invariant": invariants,
        "stacked results": len(scan.outputs) - carries,
    }


def _layers_of_block(loop: Loop) -> int:
    """How many layers a block is made of, by the name scopes of its heavy nodes; at least 1."""
    nodes = [orbit.nodes[loop.schedule.elements(orbit)[0]] for orbit in loop.orbits]
    scopes = {node.name.partition("/")[0] for node in nodes if is_heavy(node) and "/" in node.name}
    return max(1, len(scopes))
